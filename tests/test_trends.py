"""What rises is judged against its own past, by independent people; a campaign moves nothing."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from gnomon.errors import InputError, NotFound
from gnomon.store.memory import MemoryStore
from gnomon.trends import TrendsView, explain, rising
from gnomon.trends.bursts import Past, Prior, expect, false_shares, log_tail, new_dispersion
from gnomon.trends.finalists import Finalist, folded
from gnomon.trends.history import held_window
from gnomon.trends.phrases import phrase
from gnomon.trends.pushed import without
from gnomon.trends.rows import account_born
from gnomon.trends.terms import KINDS, bases, extract
from gnomon.types import Batch, Deletion, Post
from trend_streams import DAY, HOUR, MONDAY, campaign, chatter, event, post, write

NOW = MONDAY + 4 * DAY + 12 * HOUR


def counted(posts):
    store = MemoryStore()
    write(store, posts)
    view = TrendsView(store)
    view.catch_up()
    return store, view


def listed(posts, window_s=HOUR, **how):
    store, view = counted(posts)
    return rising(view, store, window_s, now=how.pop("now", NOW), unsure=False, **how)


@pytest.fixture(scope="module")
def background():
    return chatter(4.5, 60)


@pytest.fixture(scope="module")
def town(background):
    """Chatter, and three events of the last hour."""
    at = NOW - 55 * 60
    events = (("earthquake", 40), ("Zellweger", 24), ("ferryfire", 14))
    return background + [one for name, count in events for one in event(name, count, at)]


# --------------------------------------------------------------------------- ranking


def test_events_rise_in_order_and_chatter_does_not(town):
    found = listed(town)
    assert [one.term for one in found.trends[:3]] == ["earthquake", "zellweger", "ferryfire"]
    assert len(found.trends) <= 4
    best = found.trends[0]
    assert best.sure
    assert best.new
    assert 36 <= best.independent <= 40
    assert best.authors == best.origins == best.posts == 40
    assert best.expected < 1
    assert best.discount.share < 0.1
    assert NOW - HOUR <= best.first_seen <= NOW
    assert 1 <= len(best.carriers) <= 5
    assert sum(best.spark) == 40
    assert "40 posts by 40 authors" in best.why


def test_quiet_chatter_gives_nothing_sure(background):
    hours = [MONDAY + 3 * DAY + hour * HOUR for hour in range(24)]
    store, view = counted(background)
    alarms = [rising(view, store, HOUR, now=at, unsure=False).trends for at in hours]
    assert sum(map(len, alarms)) <= 2


def test_a_word_that_is_always_said_at_this_hour_does_not_rise():
    """Fifty people say good morning at nine, every day of three weeks: nobody is surprised."""
    days, nine = 15, 9 * HOUR
    posts = chatter(days, 12)
    for day in range(days):
        said = event("goodmorning", 30, MONDAY + day * DAY + nine, minutes=55, seed=day)
        posts += [replace(one, id=f"{one.id}.{day}") for one in said]
    usual = MONDAY + (days - 1) * DAY + nine + HOUR
    store, view = counted(posts)
    said = explain(view, store, "goodmorning", HOUR, now=usual)
    assert said.authors == 30
    assert 15 < said.expected < 45
    assert said.surprise < 6
    assert not said.sure


def test_one_person_is_one_voice_however_much_they_say(background):
    rng = random.Random(4)
    loud = [
        post(f"loud-{n}", f"lighthouse {rng.random()} " + " ".join(rng.choices("abcdefgh", k=9)),
             NOW - rng.random() * HOUR, "one-person")
        for n in range(200)
    ]  # fmt: skip
    store, view = counted(background + loud)
    said = explain(view, store, "lighthouse", HOUR, now=NOW)
    assert said.posts == 200
    assert said.authors == 1
    assert said.independent == 1
    assert "lighthouse" not in {one.term for one in rising(view, store, HOUR, now=NOW).trends}


def test_languages_and_kinds_are_listed_apart(background):
    posts = background + [
        post(f"de{n}", f"#Hochwasser {words}", NOW - 60 * n - 60, f"d{n}")
        for n, words in enumerate(["in Passau steigt", "gesehen am Fluss", "Keller voll Wasser",
                                   "Feuerwehr ist da", "wir helfen alle mit", "Pegel neun Meter",
                                   "Schule bleibt zu", "Sandsäcke gesucht", "Strom ist weg"])
    ]  # fmt: skip
    posts = [one if one.id[:2] != "de" else _in(one, "de") for one in posts]
    store, view = counted(posts)
    tags = rising(view, store, HOUR, now=NOW, kinds=("hashtag",))
    assert [(one.label, one.kind, one.lang) for one in tags.trends] == [
        ("#hochwasser", "hashtag", "de")
    ]
    assert rising(view, store, HOUR, now=NOW, kinds=("hashtag",), lang="en").trends == ()
    assert rising(view, store, HOUR, now=NOW, lang="de").posts == 9


def _in(one, lang):
    return replace(one, lang=lang)


def test_only_windows_that_are_served(background):
    store, view = counted(background[:50])
    for window_s in (10.0, 8 * DAY, math.nan):
        with pytest.raises(InputError, match="5 minutes to 7 days"):
            rising(view, store, window_s, now=NOW)
    with pytest.raises(NotFound, match="Nobody said 'unheard'"):
        explain(view, store, "unheard", HOUR, now=NOW)


def test_every_window_counts_what_was_said_in_it(town):
    store, view = counted(town)
    for window_s in (300.0, 1800.0, 6 * HOUR, DAY, 4 * DAY):
        found = rising(view, store, window_s, now=NOW)
        assert found.posts == len([one for one in town if found.since <= one.time < NOW])
        assert NOW - window_s - HOUR < found.since <= NOW - window_s
        said = explain(view, store, "earthquake", max(window_s, HOUR), now=NOW)
        assert said.posts == 40


# --------------------------------------------------------------------------- campaigns


@pytest.mark.parametrize("reworded", [False, True], ids=["identical", "reworded"])
def test_a_campaign_of_500_accounts_moves_no_rank_and_is_not_listed(town, reworded):
    pushed = campaign("senator mallory", 500, NOW - HOUR, reworded=reworded)
    before = listed(town)
    real = [one.term for one in before.trends]
    assert real[:3] == ["earthquake", "zellweger", "ferryfire"]
    store, view = counted(town + pushed)
    after = rising(view, store, HOUR, now=NOW, unsure=False)
    assert [one.term for one in after.trends] == real
    said = explain(view, store, "mallory", HOUR, now=NOW)
    assert said.posts == 500  # loud ...
    assert said.independent < 5  # ... and hardly supported
    assert said.discount.share > 0.95 or said.origins < 10
    if said.discount.share:
        assert "nearly the same words" in said.discount.reason
    # Counting posts is fooled: it would be first.
    posts = {"mallory": said.posts, **{one.term: one.posts for one in before.trends}}
    assert max(posts, key=posts.__getitem__) == "mallory"


def test_without_a_campaign_the_window_is_as_it_was(town):
    _, view = counted(town)
    before = held_window(view, HOUR, NOW, KINDS, "", 3)
    _, view = counted(town + campaign("senator mallory", 60, NOW - HOUR, reworded=True))
    window = held_window(view, HOUR, NOW, KINDS, "", 3)
    assert window.tested > before.tested
    assert window.exposure.sum() > before.exposure.sum() + 10
    rows, share = view.rows.between(window.since, window.until, 10_000)
    group = [row for row in rows if row.id.startswith("campaign")]
    left = without(view, window, [group], "", share)
    assert left.exposure.tolist() == before.exposure.tolist()
    assert left.tested == before.tested
    said = dict(zip(left.base.tolist(), left.voices.tolist(), strict=True))
    head = set(bases(group[0].keys).tolist())
    for base, voices in zip(before.base.tolist(), before.voices.tolist(), strict=True):
        assert said[base] == voices + (base in head)


def test_terms_that_only_a_campaign_shares_are_not_folded():
    def found(base, authors):
        return Finalist(0, base, [], 0.0, None, [], own=authors)

    apart = folded([found(1, {1, 2, 3}), found(2, {4, 5, 6})])
    assert [one.base for one, _ in apart] == [1, 2]
    inside = folded([found(1, {1, 2, 3, 4, 5}), found(2, {2, 3})])
    assert [(one.base, [other.base for other in also]) for one, also in inside] == [(1, [2])]


def test_accounts_that_always_post_together_are_one_voice(background):
    """Twelve accounts in words of their own, who shared the same six posts within minutes."""
    rng = random.Random(5)
    posts = list(background)
    for n in range(6):
        at = NOW - 20 * HOUR + n * 2 * HOUR
        posts.append(post(f"source{n}", f"original number {n} " + "word " * 3, at, "origin"))
        posts += [
            post(f"share{n}-{a}", "", at + 200 * rng.random(), f"ring{a}", repost_of=f"source{n}")
            for a in range(12)
        ]  # fmt: skip
    posts += [
        replace(one, author=f"ring{a}")
        for a, one in enumerate(event("quaysideplan", 12, NOW - HOUR))
    ]  # fmt: skip
    store, view = counted(posts)
    said = explain(view, store, "quaysideplan", HOUR, now=NOW)
    assert said.authors == 12
    assert said.discount.together >= 10
    assert said.independent <= 3
    assert "keep posting the same things" in said.discount.reason


def test_young_accounts_beyond_what_is_usual_do_not_count(background):
    born = {"account_created_at": NOW - 400 * DAY}
    posts = [replace(one, extra=born) if n % 2 else one for n, one in enumerate(background)]
    fresh = [
        replace(one, extra={"account_created_at": NOW - 2 * DAY})
        for one in event("miraclecure", 30, NOW - 55 * 60)
    ]
    store, view = counted(posts + fresh)
    said = explain(view, store, "miraclecure", HOUR, now=NOW)
    assert said.discount.young == 30
    assert said.independent < 10
    assert "younger than 30 days" in said.discount.reason


# --------------------------------------------------------------------------- statistics


def test_the_negative_binomial_tail_is_that_of_its_sum():
    for mean, variance, count in ((2.0, 6.0, 9), (0.3, 0.9, 4), (20.0, 50.0, 45), (3.0, 3.0, 12)):
        if variance > mean:
            size = mean * mean / (variance - mean)
            chance = mean / (mean + size)
            mass = [
                math.exp(
                    math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
                    + size * math.log1p(-chance) + k * math.log(chance)
                )
                for k in range(2000)
            ]  # fmt: skip
        else:
            mass = [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(2000)]
        assert sum(mass) == pytest.approx(1.0)
        assert math.exp(log_tail(count, mean, variance)) == pytest.approx(
            sum(mass[count:]), rel=1e-6
        )


def test_p_is_small_as_often_as_it_says():
    """Of quiet hours, one in a hundred has p below 0.01: calibrated, or careful."""
    rng = np.random.default_rng(0)
    hours, terms = 24 * 14, 400
    rate = rng.gamma(2.0, 4.0, terms)
    size = 3.0  # over-dispersed: variance = mean + mean ** 2 / 3
    counts = rng.poisson(rng.gamma(size, (rate / size)[:, None], (terms, hours + 1)))
    start = MONDAY + HOUR * np.arange(hours)
    past = Past(start, np.full(hours, 1000.0), counts[:, :hours].astype(float))
    now = MONDAY + hours * HOUR
    found = expect(past, Prior(), np.array([now]), np.array([1000.0]), now, HOUR)
    p = [
        math.exp(log_tail(float(y), float(m), float(v)))
        for y, m, v in zip(counts[:, hours], found.mean, found.variance, strict=True)
    ]
    assert np.corrcoef(found.mean, rate)[0, 1] > 0.98
    assert np.mean(np.array(p) < 0.01) <= 0.02
    assert np.mean(np.array(p) < 0.1) <= 0.15


def test_false_shares_are_benjamini_and_hochbergs():
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
    q = false_shares([math.log(one) for one in p], 10)
    assert [round(one, 3) for one in q[:4]] == [0.01, 0.04, 0.084, 0.084]
    assert false_shares([math.log(0.001)], 10_000)[0] == 1.0


def test_new_terms_are_as_dispersed_as_new_terms_were():
    quiet = np.ones(1000, np.int64)
    assert new_dispersion(quiet) < 1.01
    assert new_dispersion(np.array([1, 2, 3, 8] * 50)) > 3
    assert new_dispersion(np.array([9])) == 2.0


# --------------------------------------------------------------------------- words


def test_what_a_post_holds():
    found = extract(
        post("x", "RT @handle: Storm Ottoline hits #LanternBridge, says "
             "https://www.example.com/a?utm_source=b and the 42 of it", NOW, "a")
    )  # fmt: skip
    assert ("link", "https://example.com/a") in found
    assert ("hashtag", "lanternbridge") in found
    assert ("name", "storm ottoline") in found
    terms = {term for kind, term in found if kind == "term"}
    assert {"storm", "ottoline", "lantern", "bridge"} <= terms
    assert not terms & {"rt", "the", "of", "42", "handle", "https", "example", "utm"}


def test_chinese_topics_are_words_and_never_two_characters_that_only_meet():
    texts = [
        "翁德谷大桥今天开放，市民可以步行通过",
        "终于等到了，翁德谷大桥今早通车",
        "我家门口的翁德谷大桥修好了",
        "记者从翁德谷大桥发回报道",
    ]
    terms = {term for kind, term in extract(post("z", texts[2], NOW, "a")) if kind == "term"}
    assert "的翁" not in terms
    assert "大桥" in terms
    assert phrase("大桥", texts) == "翁德谷大桥"
    assert phrase("德谷", texts) == "翁德谷大桥"


def test_a_chinese_event_is_listed_as_a_phrase(background):
    openings = [
        "听说",
        "刚刚",
        "真的吗",
        "我看到",
        "朋友说",
        "今天",
        "新闻",
        "附近",
        "大家注意",
        "天哪",
    ]
    endings = [
        "开放了",
        "人很多",
        "修好了",
        "堵车",
        "下雨",
        "很漂亮",
        "去看看",
        "要排队",
        "拍照",
        "太美",
    ]
    posts = background + [
        _in(post(f"zh{n}", f"{a}翁德谷大桥{b}", NOW - 60 * n - 30, f"zh{n}"), "zh")
        for n, (a, b) in enumerate(zip(openings, endings, strict=True))
    ]
    small_talk = ("今天天气不错", "晚饭吃什么好呢", "明天又要上班", "这本书很好看", "想去海边走走")
    posts += [
        _in(
            post(f"talk{n}", small_talk[n % 5] + "呀" * (n // 5), NOW - 7000 - 900 * n, f"t{n}"),
            "zh",
        )
        for n in range(200)
    ]
    store, view = counted(posts)
    found = rising(view, store, HOUR, now=NOW, lang="zh")
    assert [one.label for one in found.trends] == ["翁德谷大桥"]


# --------------------------------------------------------------------------- deletions


def test_what_is_deleted_is_no_longer_said(town):
    store, view = counted(town)
    gone = tuple(Deletion("test", NOW, post=f"earthquake-{n}") for n in range(38))
    store.write(Batch("test", deletions=gone))
    view.catch_up()
    said = explain(view, store, "earthquake", HOUR, now=NOW)
    assert (said.posts, said.authors) == (2, 2)
    assert "earthquake" not in {one.term for one in rising(view, store, HOUR, now=NOW).trends}


@pytest.mark.parametrize(
    ("given", "born"),
    [
        (1_700_000_000, 1_700_000_000.0),
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),  # as Mastodon, X and Reddit come in
        ("2023-11-14T22:13:20", 1_700_000_000.0),
        ("long ago", None),
        (True, None),
        (None, None),
    ],
)
def test_the_age_of_an_account_as_sources_give_it(given, born):
    post = Post("p", "text", "s", NOW, extra={"account_created_at": given})
    assert account_born(post) == born

"""What a story says: headline, timeline, what is agreed and what conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gnomon.trends.agreement import agreement
from gnomon.trends.stories import tell
from gnomon.trends.story_view import StoryView
from gnomon.trends.timeline import Root, timeline
from gnomon.truth.terms import Weights
from gnomon.truth.verify import LexicalEntail
from gnomon.types import Conflict, Judgement, Post
from test_stories import HOUR, T, holding, said

DERAIL = (
    ("wire", "A train derailed near Ostrava station. Three people were killed, police said."),
    ("gazette", "Ostrava derailment: three people were killed as a train left its tracks there."),
    (
        "evening",
        "Train derailment near Ostrava station. Five people were killed in the derailment.",
    ),
    ("radio", "Rescuers at the Ostrava station derailment. The line stays closed for 2 days."),
)


def roots(texts: Sequence[tuple[str, str]]) -> list[Root]:
    return [Root(said(author, text, i * HOUR, author), 1) for i, (author, text) in enumerate(texts)]


RULES = LexicalEntail(Weights(lambda terms: dict.fromkeys(terms, 1), 100))


class Scripted:
    """A verifier that says what the test says, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, supports: float, refutes: float) -> None:
        self.said = Judgement(supports, refutes, 1 - supports - refutes)
        self.asked: list[tuple[str, str]] = []

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
        self.asked += pairs
        return [self.said] * len(pairs)


# --------------------------------------------------------------------------- agreement


def values(conflict: Conflict) -> dict[str, list[str]]:
    return {
        version.value.lower(): [one.author for one in version.said_by]
        for version in conflict.versions
    }


def test_conflicting_numbers_are_told_with_who_says_which_and_since_when():
    found = agreement(roots(DERAIL))
    (conflict,) = found.disputed
    assert "killed" in conflict.about
    assert list(values(conflict).values()) == [["wire", "gazette"], ["evening"]]
    assert conflict.versions[1].said_by[0].said_at == T + 2 * HOUR
    assert all("killed" in one.quote for version in conflict.versions for one in version.said_by)
    assert conflict.rule == "numbers"


def test_the_verifier_confirms_a_conflict_or_denies_it():
    assert agreement(roots(DERAIL), Scripted(0.0, 0.9)).disputed[0].rule == "verifier"
    assert not agreement(roots(DERAIL), Scripted(0.9, 0.0)).disputed
    real = agreement(roots(DERAIL), RULES)
    assert real.checked_by == "rules-1"
    assert len(real.disputed) == 1


def test_the_same_number_from_two_authors_is_agreed_and_from_one_it_is_not():
    two = DERAIL[:2]
    (fact,) = agreement(roots(two)).agreed
    assert [one.author for one in fact.said_by] == ["wire", "gazette"]
    assert "Three people were killed" in fact.text
    same = [("wire", text) for _, text in two]
    alone = agreement(roots(same))
    assert not alone.agreed
    assert alone.alone >= 1


def test_a_bound_and_a_number_within_it_do_not_conflict():
    texts = [("a", "More than 20 people were injured in the Ostrava derailment on Monday."),
             ("b", "The Ostrava derailment on Monday: 24 people were injured in all.")]  # fmt: skip
    assert not agreement(roots(texts)).disputed


def test_numbers_of_different_things_do_not_conflict():
    texts = [("a", "Three people were killed in the Ostrava derailment on Monday."),
             ("b", "Nine people were injured in the Ostrava derailment on Monday.")]  # fmt: skip
    assert not agreement(roots(texts)).disputed


def test_who_gives_both_values_denies_neither():
    """The month's sales beside the year's; in one sentence, and in two."""
    month = ("a", "Velden Motors sold 4,100 cars in December, the company said on Monday.")
    both = "In December the company Velden Motors sold 4,100 cars, and 39,500 cars in the year."
    apart = (
        "Velden Motors sold 39,500 cars in the year, the company said on Monday. "
        "In December the company Velden Motors sold 4,100 cars."
    )
    for text in (both, apart):
        found = agreement(roots([month, ("b", text)]))
        assert not found.disputed
        assert any("4,100" in fact.text for fact in found.agreed)
    year = ("b", "Velden Motors sold 39,500 cars in December, the company said on Monday.")
    assert agreement(roots([month, year])).disputed


def test_hashtags_are_no_statement_to_agree_on():
    texts = [("a", "#PrayForOstrava #OstravaStation #Derailment #StaySafe"),
             ("b", "#OstravaStation #PrayForOstrava #StaySafe #Derailment")]  # fmt: skip
    assert not agreement(roots(texts), Scripted(0.9, 0.0)).agreed


def test_chinese_numbers_conflict_too():
    texts = [("a", "奥斯特拉瓦火车脱轨事故造成3人死亡。"),
             ("b", "奥斯特拉瓦火车脱轨事故已造成5人死亡。")]  # fmt: skip
    (conflict,) = agreement(roots(texts)).disputed
    assert list(values(conflict).values()) == [["a"], ["b"]]


def test_without_numbers_only_a_verifier_finds_agreement():
    texts = [("a", "The Ostrava station hall was evacuated after the derailment."),
             ("b", "After the derailment the hall of Ostrava station was evacuated.")]  # fmt: skip
    assert not agreement(roots(texts)).agreed
    (fact,) = agreement(roots(texts), Scripted(0.9, 0.0)).agreed
    assert len(fact.said_by) == 2


def test_a_verifier_is_asked_within_bounds():
    many = [(f"u{i}", f"The Ostrava derailment near the station: witness {i} saw {i + 2} wagons. "
             "The station hall was evacuated by the police.") for i in range(60)]  # fmt: skip
    verifier = Scripted(0.1, 0.1)
    agreement(roots(many), verifier)
    assert 0 < len(verifier.asked) <= 240


# --------------------------------------------------------------------------- timeline


def test_the_timeline_says_what_each_origin_added():
    moments = timeline(roots(DERAIL))
    assert [moment.saying.author for moment in moments] == ["wire", "evening", "radio"]
    assert moments[0].reason == "first"
    assert [one.lower() for one in moments[1].numbers] == ["five people"]
    assert "Five people were killed" in moments[1].saying.quote
    assert "2 days" in moments[2].numbers


def test_a_copy_without_news_is_not_on_the_timeline_but_one_that_many_carry_is():
    again = [*roots(DERAIL[:1]), Root(said("echo", DERAIL[0][1], HOUR, "echo"), 1)]
    assert [moment.saying.author for moment in timeline(again)] == ["wire"]
    loud = [*roots(DERAIL[:1]), Root(said("echo", DERAIL[0][1], HOUR, "echo"), 40)]
    assert [moment.reason for moment in timeline(loud)] == ["first", "carried"]


def test_an_ordinal_is_no_news():
    texts = [DERAIL[0], ("echo", "Three people were killed at Ostrava, said the second report.")]
    assert all("second" not in moment.numbers for moment in timeline(roots(texts)))


def test_a_long_story_has_a_short_timeline():
    texts = [(f"u{i}", f"Ostrava derailment: {i + 3} wagons burn near the station.")
             for i in range(40)]  # fmt: skip
    moments = timeline(roots(texts))
    assert len(moments) == 12
    assert moments[0].saying.author == "u0"
    assert list(moments) == sorted(moments, key=lambda moment: moment.saying.said_at)


# --------------------------------------------------------------------------- the whole


def told(posts: Sequence[Post], id: str, verifier=None):
    view = StoryView(holding(posts))
    view.catch_up()
    return tell(view, id, now=T + 5 * HOUR, verifier=verifier)


def test_a_story_is_told_in_its_authors_words_alone():
    posts = [said(author, text, i * HOUR, author) for i, (author, text) in enumerate(DERAIL)]
    story = told(posts, "wire", Scripted(0.1, 0.8))
    texts = "\n".join(post.text for post in posts)
    quotes = [story.title, story.first.quote, *(one.excerpt for one in story.carriers)]
    quotes += [moment.saying.quote for moment in story.timeline]
    quotes += [one.quote for fact in story.agreed for one in fact.said_by]
    quotes += [one.quote for c in story.disputed for v in c.versions for one in v.said_by]
    assert all(quote in texts for quote in quotes)
    assert story.first.author == "wire"
    assert story.checked_by == "scripted"


def test_a_headline_is_preferred_and_is_the_posts_own():
    posts = [said(author, text, i * HOUR, author) for i, (author, text) in enumerate(DERAIL[:3])]
    posts.append(said("paper", DERAIL[1][1] + " The line to Brno is closed.", 3.5 * HOUR, "paper",
                      title="Train derailment near Ostrava station: what we know"))  # fmt: skip
    story = told(posts, "wire")
    assert (story.title, story.title_post) == (posts[-1].title, "paper")


def test_support_counts_voices_and_loudness_counts_people():
    posts = [said(author, text, i * HOUR, author) for i, (author, text) in enumerate(DERAIL)]
    posts.append(
        said("wire/2", "Ostrava derailment: the train was on its way to Brno.", HOUR, "wire")
    )
    posts += [said(f"r{i}", "", 4 * HOUR, f"fan {i}", repost_of="evening") for i in range(10)]
    story = told(posts, "wire")
    assert (story.support.origins, story.support.authors, story.authors) == (5, 4, 14)
    assert (story.support.disputed, len(story.disputed)) == (1, 1)
    assert 10 * 2 ** (-1 / 6) < story.interest < 14
    assert sum(story.spark) == story.posts == 15
    assert story.spark_from <= story.first_seen


def test_articles_without_authors_speak_for_their_sites():
    sites = ("a.example", "b.example", "b.example")
    posts = [
        replace(said(f"p{i}", text, i * HOUR), author="", url=f"https://{site}/story/{i}")
        for i, (site, (_, text)) in enumerate(zip(sites, DERAIL, strict=False))
    ]
    story = told(posts, "p0")
    assert (story.support.origins, story.support.authors, story.support.sites) == (3, 2, 2)

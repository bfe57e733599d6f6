"""Origins hold: in any order of arrival, after deletions, edits and retention, at any size."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon import ingest, origins
from gnomon.origins.compare import is_copy
from gnomon.origins.wording import of_post
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.types import Batch, Deletion, EdgeKind, Post

FIRE = (
    "Three people were injured when a fire broke out at the old market in Porto Verde on Friday "
    "morning, the mayor Ann Lee said after fourteen engines came"
)
BRIDGE = "今天下午三点，大桥镇的老桥因洪水关闭，镇长王小明说还有四十人被困在河的对岸。"
TREES = "Volunteers will plant two hundred trees along the river on Sunday, the council of Elm says"
DECORATIONS = ("{}", "{} 🔥", "{}!!", "BREAKING: {}", "{} #news", "{} https://t.example/{n}",
               "RT @x: {}", "{} via @paper")  # fmt: skip
# What differs between the families is a number, a day, a name or a denial: never one origin.
FAMILIES = (
    FIRE,
    FIRE.replace("Three", "Five"),
    FIRE.replace("Friday", "Sunday"),
    FIRE.replace("fourteen", "forty"),
    FIRE.replace("were injured", "were not injured"),
    FIRE.replace("Ann Lee", "Bob Cray"),
    BRIDGE,
    BRIDGE.replace("四十", "四百"),
    TREES,
)


def post(id, text, at, **fields):
    return Post(str(id), text, "s", fetched_at=9000.0 + at, created_at=1000.0 + at, **fields)


def arrive(store, *batches, deletions=()):
    for batch in batches:
        links, bands = origins.link(store, batch, deletions)
        store.write(Batch("s", tuple(batch), tuple(deletions), links=links, bands=bands))


def groups(store, posts):
    """Each origin's root and its posts, of those of ``posts`` that are held."""
    found = {}
    for link in store.links([p.id for p in posts]).values():
        found.setdefault(link.origin, set()).add(link.post)
    return {root: frozenset(ids) for root, ids in found.items()}


def check(store, posts):
    """What holds whatever happened: every copy verifies against its origin's root, the earliest."""
    links = store.links([p.id for p in posts])
    held = store.get_many(list(links))
    for link in links.values():
        if link.origin == link.post:
            assert link.kind is EdgeKind.ROOT
        elif link.origin in held:
            root, member = held[link.origin], held[link.post]
            assert links[link.origin].kind is EdgeKind.ROOT
            if link.kind is EdgeKind.COPY:
                assert is_copy(of_post(root), of_post(member)), (root.text, member.text)
                assert (root.time, root.id) < (member.time, member.id)


@st.composite
def worlds(draw):
    """Posts of several families, with reposts, bare quotes and quotes in the same words of them,
    links to a page and the page; cut into batches in an order of their own; the right groups."""
    one = st.tuples(st.integers(0, len(FAMILIES) - 1), st.sampled_from(DECORATIONS))
    said = draw(st.lists(one, min_size=2, max_size=9))
    posts, family = [], {}
    for n, (which, how) in enumerate(said):
        posts.append(post(f"p{n}", how.replace("{}", FAMILIES[which]).replace("{n}", f"{n}"), n))
        family[f"p{n}"] = which
    for n, kind in enumerate(draw(st.lists(st.sampled_from("rqc"), max_size=5))):
        of = posts[draw(st.integers(0, len(said) - 1))]
        at = 100 + n
        posts.append({
            "r": post(f"r{n}", "", at, repost_of=of.id),
            "q": post(f"q{n}", "wow", at, quotes=of.id),
            "c": post(f"c{n}", of.text, at, quotes=of.id),
        }[kind])  # fmt: skip
        family[posts[-1].id] = family[of.id]
    if draw(st.booleans()):
        page = {"url": "https://news.example/trees", "title": "Elm plants two hundred trees"}
        posts.append(post("page", "A long report of its own about Elm and its river.", 50, **page))
        posts.append(post("link", "https://www.news.example/trees?utm_source=x", 120))
        posts.append(post("head", "Elm plants two hundred trees https://news.example/trees", 121))
        family |= dict.fromkeys(("page", "link", "head"), "page")
    order = draw(st.permutations(posts))
    cuts = sorted(draw(st.lists(st.integers(1, len(posts)), max_size=6, unique=True)))
    batches = [order[a:b] for a, b in itertools.pairwise([0, *cuts, len(posts)]) if a < b]
    wanted = {}
    for one in sorted(posts, key=lambda p: (p.time, p.id)):
        wanted.setdefault(family[one.id], []).append(one.id)
    return posts, batches, {ids[0]: frozenset(ids) for ids in wanted.values()}


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_any_order_of_arrival_ends_with_the_same_origins_and_roots(world):
    posts, batches, wanted = world
    store = MemoryStore()
    arrive(store, *batches)
    came = [[(p.id, p.text[:9], p.repost_of or p.quotes) for p in batch] for batch in batches]
    assert groups(store, posts) == wanted, came
    check(store, posts)


@settings(max_examples=60, deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_after_deletions_the_rest_stands_as_if_the_deleted_had_never_been(world, rng):
    posts, batches, _ = world
    store = MemoryStore()
    arrive(store, *batches)
    gone = [p.id for p in rng.sample(posts, rng.randint(1, len(posts) - 1))]
    for one in gone:
        arrive(store, (), deletions=[Deletion("s", 99_999.0, post=one)])
    left = [p for p in posts if p.id not in gone]
    check(store, left)
    said = [p for p in left if not (p.repost_of or p.quotes or p.id in ("link", "head"))]
    afresh = MemoryStore()
    arrive(afresh, said)
    ids = {p.id for p in said}
    now = {frozenset(some & ids) for some in groups(store, left).values()} - {frozenset()}
    assert now == set(groups(afresh, said).values())


def test_the_earliest_copy_comes_last():
    store = MemoryStore()
    later = [post(n, FIRE + " 🔥" * (n % 2), n) for n in range(10, 20)]
    arrive(store, *([one] for one in reversed(later)))
    first = post(1, "BREAKING: " + FIRE, 1)
    arrive(store, [first])
    assert groups(store, [first, *later]) == {"1": {"1", *(p.id for p in later)}}


def test_an_earlier_post_takes_over_every_origin_that_it_verifies():
    """Two copies, cut at different ends, copy the late original but not each other."""
    store = MemoryStore()
    words = FIRE.split()
    head, tail = " ".join(words[:14]) + "...", " ".join(words[11:])
    posts = [post(5, head, 5), post(6, tail, 6), post(1, FIRE, 1)]
    assert not is_copy(of_post(posts[0]), of_post(posts[1]))
    arrive(store, *([one] for one in posts))
    assert groups(store, posts) == {"1": {"1", "5", "6"}}


def test_a_flood_does_not_hide_what_differs_in_one_fact():
    """Every key of the flood's variant may be one of the flood's: the copies of either stay one."""
    for at, (old, new) in enumerate((("Friday", "Sunday"), ("fourteen", "forty"), ("Lee", "Cray"))):
        store = MemoryStore()
        posts = [post(f"{at}a{n}", FIRE + "!" * (n % 3), n) for n in range(40)]
        posts += [post(f"{at}b{n}", FIRE.replace(old, new) + "!" * (n % 3), 50 + n)
                  for n in range(40)]  # fmt: skip
        arrive(store, *(posts[i : i + 4] for i in range(0, len(posts), 4)))
        assert len(groups(store, posts)) == 2


def test_a_root_without_words_is_no_root_after_the_deletion():
    store = MemoryStore()
    posts = [post(1, FIRE, 1), post(2, "", 2, repost_of="1"), post(3, FIRE + " 🔥", 3)]
    arrive(store, posts)
    arrive(store, (), deletions=[Deletion("s", 99_999.0, post="1")])
    arrive(store, [post(4, "BREAKING: " + FIRE, 4)])
    assert groups(store, [*posts, post(4, "", 4)]) == {"3": {"2", "3", "4"}}


def test_copies_of_a_deleted_root_that_do_not_copy_the_next_are_apart():
    store = MemoryStore()
    words = FIRE.split()
    head, tail = " ".join(words[:14]) + "...", " ".join(words[11:])
    posts = [post(1, FIRE, 1, author="ann"), post(5, head, 5), post(6, tail, 6),
             post(7, tail, 7), post(8, "", 8, repost_of="6")]  # fmt: skip
    arrive(store, *([one] for one in posts))
    assert len(groups(store, posts)) == 1
    arrive(store, (), deletions=[Deletion("s", 99_999.0, author="ann")])
    assert groups(store, posts) == {"5": {"5"}, "6": {"6", "7", "8"}}
    check(store, posts[1:])


def test_a_closed_account_with_many_roots_and_what_it_posts_meanwhile():
    store = MemoryStore()
    posts = [
        post(f"{n}{who}", text, 10 * n + i, author=who)
        for n, text in enumerate(FAMILIES)
        for i, who in enumerate(("ann", "bob", "eve"))
    ]
    arrive(store, posts)
    late = post("late", FIRE, 3, author="ann")
    arrive(store, [late], deletions=[Deletion("s", 99_999.0, author="ann")])
    left = [p for p in posts if p.author != "ann"]
    assert store.get("late") is None
    assert groups(store, left) == {f"{n}bob": {f"{n}bob", f"{n}eve"} for n in range(len(FAMILIES))}
    arrive(store, [post("again", FIRE + "!!", 400)])
    assert store.links(["again"])["again"].origin == "0bob"


def test_an_edited_root_keeps_those_who_still_copy_it_and_no_others():
    store = MemoryStore()
    posts = [post(1, FIRE, 1), post(2, FIRE + " 🔥", 2), post(3, "RT @x: " + FIRE, 3),
             post(4, "", 4, repost_of="1")]  # fmt: skip

    def edited(text, when):
        return Post("1", text, "s", fetched_at=20_000.0 + when, created_at=1001.0)

    arrive(store, posts)
    arrive(store, [edited(FIRE + " More soon.", 1)])
    assert groups(store, posts) == {"1": {"1", "2", "3", "4"}}
    arrive(store, [edited("Correction: " + FIRE.replace("Three", "Four"), 2)])
    assert groups(store, posts) == {"1": {"1", "4"}, "2": {"2", "3"}}
    arrive(store, [edited(FIRE, 3)])
    assert groups(store, posts) == {"1": {"1", "2", "3", "4"}}
    check(store, posts)


def test_a_quote_in_the_same_words_that_came_before_its_original():
    store = MemoryStore()
    title = "Flood of the century in Elm as river tops the wall"
    quote = post(5, title, 5, quotes="1")
    arrive(store, [quote])
    arrive(store, [post(1, title, 1)])
    assert store.links(["5"])["5"] == origins.link(MemoryStore(), [post(1, title, 1), quote])[0][1]


@pytest.fixture(params=["memory", "disk"])
def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryStore()
    else:
        with open_store(tmp_path) as opened:
            yield opened


def test_after_retention_what_is_left_stands_under_a_root_that_it_verifies_against(store):
    words = FIRE.split()
    head, tail = " ".join(words[:14]) + "...", " ".join(words[11:])
    posts = [post(1, FIRE, 1), post(2, FIRE, 2), post(3, FIRE, 3), post(1001, head, 1001),
             post(1002, tail, 1002), post(1003, tail + "!", 1003)]  # fmt: skip
    arrive(store, *([one] for one in posts))
    assert len(groups(store, posts)) == 1
    assert ingest.retain(store, 0, 900.0, 2900.0) == 3
    assert groups(store, posts) == {"1001": {"1001"}, "1002": {"1002", "1003"}}
    arrive(store, [post(1004, "BREAKING: " + tail, 1004)])
    assert store.links(["1004"])["1004"].origin == "1002"


def test_a_heir_is_found_under_the_keys_of_the_dead(store):
    """Of a hundred copies few carry keys; when those are gone, others do."""
    posts = [post(n, FIRE + "!" * (n % 3), n) for n in range(100)]
    arrive(store, *(posts[i : i + 10] for i in range(0, 100, 10)))
    carriers = {p for ids in store.band_matches(
        origins.link(MemoryStore(), posts[:1])[1]["0"]).values() for p in ids}  # fmt: skip
    assert 1 <= len(carriers) <= 10
    gone = [Deletion("s", 99_999.0, post=p) for p in sorted(carriers)]
    arrive(store, (), deletions=gone)
    left = [p for p in posts if p.id not in carriers]
    arrive(store, [post(500, "RT @x: " + FIRE, 500)])
    assert store.links(["500"])["500"].origin == left[0].id
    assert len(groups(store, left)) == 1


def test_a_restart_in_the_middle_changes_nothing(tmp_path):
    rng = random.Random(3)
    posts = [post(f"{f}.{n}", rng.choice(DECORATIONS).replace("{}", text).replace("{n}", str(n)),
                  rng.randrange(10_000))
             for f, text in enumerate(FAMILIES) for n in range(12)]  # fmt: skip
    rng.shuffle(posts)
    batches = [posts[i : i + 15] for i in range(0, len(posts), 15)]
    whole, parts = MemoryStore(), tmp_path / "parts"
    arrive(whole, *batches)
    for batch in batches:
        with open_store(parts) as opened:
            arrive(opened, batch)
            arrive(opened, batch)  # and what was delivered twice
    with open_store(parts, readonly=True) as opened:
        assert groups(opened, posts) == groups(whole, posts)
        assert len(groups(opened, posts)) == len(FAMILIES)
        check(opened, posts)

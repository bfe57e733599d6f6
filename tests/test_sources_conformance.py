"""What every source obeys, over one small world each: replay changes nothing, every cursor is a
place to go on from, an answer that was tampered with never crashes, and nothing that is not public
comes through.

The sources run without any network: what they ask for is answered from their world.
"""

import contextlib
import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import test_sources_hackernews as hn
import test_sources_mastodon as mastodon
import test_sources_pages as pages
import test_sources_reddit as reddit
import test_sources_x as x
from gnomon.errors import Refused, SourceError, Unreachable
from gnomon.sources.contract import Fetch, Listen, Messages, Response, Wait
from gnomon.sources.hackernews import HackerNews
from gnomon.sources.mailbox import Mailbox
from gnomon.sources.mapped import MappedFile, MappedPages
from gnomon.sources.mapping import load, parse
from gnomon.sources.mastodon import Mastodon
from gnomon.sources.pages import Page, Sitemap
from gnomon.sources.reddit import Reddit
from gnomon.sources.stackexchange import StackExchange
from gnomon.sources.web_search import WebSearch
from gnomon.sources.x_api import XApi
from gnomon.sources.x_archive import XArchive
from gnomon.sources.x_pages import XPages
from gnomon.types import Batch

NOW = 1_772_900_000.0
STEPS = 3000


class Fake:
    """Stands for a test server: a site writes its ``answer`` function here, and is asked by URL."""

    def __init__(self):
        self.pages: dict[str, Any] = {}
        self.seen: list[Any] = []
        self.answer: Callable[[str], Any] | None = None

    def url(self, path):
        return f"https://town.example{path}"

    def get(self, request: Fetch) -> tuple[int, dict[str, str], Any]:
        path = "/" + request.url.split("/", 3)[3]
        self.seen.append(type("Seen", (), {"path": path, "headers": dict(request.headers)}))
        found = self.pages.get(path)
        if found is None:
            try:
                found = self.answer(path) if self.answer else (404, {}, b"")
            except (ValueError, KeyError, TypeError, OverflowError):
                found = (400, {}, b"{}")  # what was tampered with came back as a question
        return found if isinstance(found, tuple) else (200, {}, found)


@dataclass
class World:
    """``make()`` gives a fresh source; ``fake`` answers what it asks for (None: it reads files);
    ``posts`` is the least it brings."""

    make: Callable[[], Any]
    fake: Fake | None
    posts: int = 3


def run(world, cursor=None, tamper=lambda value: value, steps=STEPS):
    """All batches of a run. ``tamper`` gets each JSON value or body before the source does."""
    batches = []
    source = world.make().steps(cursor)
    answer, failure = None, None
    with contextlib.closing(source):
        for _ in range(steps):
            try:
                step = source.throw(failure) if failure else source.send(answer)
            except StopIteration:
                return batches
            answer, failure = None, None
            match step:
                case Batch():
                    batches.append(step)
                case Fetch():
                    try:
                        answer = respond(world.fake.get(step), step, tamper)
                    except SourceError as error:
                        failure = error
                case Listen():
                    answer = Messages((), "closed", 404)
                case Wait():
                    assert 0 <= step.seconds < 1e6
    raise AssertionError("it does not end")


def respond(found, request, tamper):
    status, headers, body = found
    headers = {name.lower(): value for name, value in headers.items()}
    if not isinstance(body, bytes):
        headers.setdefault("content-type", "application/json")
        body = tamper(copy.deepcopy(body))
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    else:
        body = tamper(body)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    if status in (429, 503):
        raise Unreachable("later")
    return Response(request.url, status, headers, body)


def key(post):
    return (post.id, post.text, post.title, post.repost_of, post.quotes, post.reply_to)


def held(batches):
    return {key(post) for batch in batches for post in batch.posts}


# -- the worlds -----------------------------------------------------------------------------------


def world_mastodon(tmp_path, what="public"):
    fake = Fake()
    mastodon.Instance(fake, [mastodon.status(n) for n in range(130)])
    return World(lambda: Mastodon(fake.url(""), what, now=lambda: NOW), fake)


def world_hn(tmp_path, what=""):
    fake = Fake()
    site = hn.Site(fake, [hn.story(1, kids=[2, 3])] + [hn.item(n) for n in range(2, 250)])
    site.lists["topstories"] = [1]
    return World(
        lambda: HackerNews(what, api=fake.url(""), search=fake.url(""), now=lambda: NOW), fake
    )


def world_reddit(tmp_path):
    fake = Fake()
    reddit.Site(fake, [reddit.submission(n) for n in range(250)])
    return World(
        lambda: Reddit("r/ferries", "a:b", api=fake.url(""), site=fake.url(""), now=lambda: NOW),
        fake,
    )


def world_reddit_thread(tmp_path):
    fake = Fake()
    site = reddit.Site(fake, [reddit.comment(8, "t1_c2")])
    more = {"kind": "more", "data": {"children": ["c8"]}}
    tree = reddit.comment(1, replies=reddit.listing([reddit.comment(2, "t1_c1"), more]))
    site.pages["/comments/s1"] = [
        reddit.listing([reddit.submission(1)]), reddit.listing([tree])
    ]  # fmt: skip
    return World(
        lambda: Reddit("comments/s1", "a:b", api=fake.url(""), site=fake.url(""), now=lambda: NOW),
        fake,
    )


def world_x(tmp_path, what="from:ann"):
    fake = Fake()
    x.Site(fake, [x.tweet(n) for n in range(150)])
    return World(lambda: XApi(what, "k", api=fake.url(""), now=lambda: NOW), fake)


def world_x_search(tmp_path):
    return world_x(tmp_path, "search:ferry")


def world_x_archive(tmp_path):
    path = x.write_zip(tmp_path / "a.zip", x.archive_files())
    return World(lambda: XArchive(path, now=lambda: NOW + 100), None)


def world_x_pages(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(x.page(x.tweet(n))) + "\n" for n in range(9)))
    return World(lambda: XPages(path, now=lambda: NOW), None)


def world_weibo(tmp_path):
    from test_sources_mapping import weibo

    path = tmp_path / "w.jsonl"
    path.write_text("".join(json.dumps(weibo(n)) + "\n" for n in range(1, 9)))
    return World(lambda: MappedFile(path, load("weibo"), now=lambda: NOW), None)


def world_mapped_pages(tmp_path):
    from test_sources_mapping import FORUM, row

    fake = Fake()

    def answer(path):
        n = int(path.rpartition("=")[2] or 0)
        return {"result": {"posts": [row(30 - n)], "more": n + 1 if n < 5 else None}}

    fake.answer = answer
    page = '[page]\nurl = "https://town.example/p?after={next}"\nnext = "$.result.more"\n'
    declared = parse(FORUM + page, "forum.toml")
    return World(lambda: MappedPages(declared, now=lambda: NOW), fake)


def world_stackexchange(tmp_path):
    from test_sources_stackexchange import ANSWER, QUESTION, dump

    path = dump(tmp_path, QUESTION + "".join(ANSWER.format(n=n) for n in range(2, 9)))
    return World(lambda: StackExchange(path, now=lambda: NOW), None)


def world_mailbox(tmp_path):
    from test_sources_mailbox import letter, mbox

    path = mbox(tmp_path / "x.mbox", *[letter(n) for n in range(8)])
    return World(lambda: Mailbox(path, now=lambda: NOW), None)


def world_zim(tmp_path):
    pytest.importorskip("libzim", reason="the extra gnomon[zim] is not installed")
    from gnomon.sources.zim import Zim
    from test_sources_zim import article, write

    path = write(tmp_path / "a.zim", [article(n) for n in range(6)])
    return World(lambda: Zim(path, now=lambda: NOW), None)


def world_page(tmp_path):
    fake = Fake()
    fake.pages["/a"] = pages.answer(1)
    return World(lambda: Page(fake.url("/a"), now=lambda: NOW), fake, posts=1)


def world_sitemap(tmp_path):
    fake = Fake()
    entries = [(f"/p{n}", "2026-03-01") for n in range(5)]
    fake.pages["/s.xml"] = (200, {}, pages.urlset(fake, *entries))
    for n in range(5):
        fake.pages[f"/p{n}"] = pages.answer(n)
    return World(lambda: Sitemap(fake.url("/s.xml"), now=lambda: NOW), fake)


def world_web_search(tmp_path):
    fake = Fake()
    rows = [{"url": fake.url(f"/p{n}"), "title": "t", "content": f"Words {n}"} for n in range(5)]
    fake.answer = lambda path: {"results": rows}
    for n in range(5):
        fake.pages[f"/p{n}"] = pages.answer(n)
    return World(lambda: WebSearch("ferry?", searxng="https://town.example", now=lambda: NOW), fake)


WORLDS = {name.removeprefix("world_"): made for name, made in list(globals().items())
          if name.startswith("world_")}  # fmt: skip
ASKING = [name for name in WORLDS if name not in (
    "x_archive", "x_pages", "weibo", "stackexchange", "mailbox", "zim")]  # fmt: skip


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr("gnomon.sources.gather.BATCH_ROWS", 3)


@pytest.fixture
def world(request, tmp_path):
    return WORLDS[request.param](tmp_path)


@pytest.mark.parametrize("world", WORLDS, indirect=True)
def test_it_brings_posts_of_its_own(world):
    batches = run(world)
    posts = [post for batch in batches for post in batch.posts]
    assert len({post.id for post in posts}) >= world.posts
    source = world.make()
    for batch in batches:
        assert batch.source == source.name
    for post in posts:
        assert ":" in post.id
        assert post.fetched_at >= NOW
        assert post.source == source.name or post.source.startswith("web:")
        json.dumps(dict(post.extra))  # what is kept can be written


@pytest.mark.parametrize("world", WORLDS, indirect=True)
def test_replay_brings_the_same(world):
    assert held(run(world)) == held(run(world))


@pytest.mark.parametrize("world", WORLDS, indirect=True)
def test_every_cursor_is_a_place_to_go_on_from(world):
    whole = run(world)
    cuts = [n for n in range(1, len(whole)) if whole[n - 1].cursor is not None]
    for cut in cuts[:: max(1, len(cuts) // 6)]:
        assert held(whole[:cut]) | held(run(world, whole[cut - 1].cursor)) == held(whole)


@pytest.mark.parametrize("world", WORLDS, indirect=True)
def test_a_foreign_cursor_is_a_first_look(world):
    whole = held(run(world))
    for cursor in ("", "no json", "[]", "7", '{"last": [], "at": {}, "known": 3, "watch": "x"}',
                   '{"mark": "x", "done": 5, "row": -1, "waiting": [1], "seen": 9}'):  # fmt: skip
        assert held(run(world, cursor)) == whole, cursor


@pytest.mark.parametrize("world", ASKING, indirect=True)
def test_an_answer_that_is_cut_or_another(world):
    for tampered in (b"", b"{", b"[[[", b"null", b"<html>", b"\xff\xfe", b'"x"', b"[" * 90_000):
        with contextlib.suppress(SourceError):
            run(world, tamper=lambda value, bad=tampered: bad)


@pytest.mark.parametrize("world", ASKING, indirect=True)
@pytest.mark.parametrize("odd", ["http://[", "\ud800", "", "\x00", "9" * 500, None, 2**70, []])
def test_one_kind_of_value_that_is_odd_everywhere(world, odd):
    """All strings of all answers, or all numbers, become another value."""
    for kind in (str, int):

        def changed(value, kind=kind):
            if isinstance(value, dict):
                return {name: changed(one) for name, one in value.items()}
            if isinstance(value, list):
                return [changed(one) for one in value]
            return odd if isinstance(value, kind) and not isinstance(value, bool) else value

        def tamper(value, changed=changed):
            return value if isinstance(value, bytes) else changed(value)

        with contextlib.suppress(SourceError):
            run(world, tamper=tamper, steps=1000)


@pytest.mark.parametrize(
    ("name", "file"),
    [("x_archive", "a.zip"), ("x_pages", "x.jsonl"), ("mailbox", "x.mbox"), ("weibo", "w.jsonl"),
     ("stackexchange", "ships.stackexchange.com/Posts.xml")],
)  # fmt: skip
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files_never_crash_it(tmp_path, name, file, data):
    """A few bytes of a file become others, or its end is missing."""
    (tmp_path / name).mkdir(exist_ok=True)
    path = tmp_path / name / file
    if not path.parent.joinpath("good").exists():
        WORLDS[name](tmp_path / name)
        path.parent.joinpath("good").write_bytes(path.read_bytes())
    body = bytearray(path.parent.joinpath("good").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(body)), st.integers(0, len(body))))
    path.write_bytes(body[:end])
    makers = {
        "x_archive": XArchive,
        "x_pages": XPages,
        "mailbox": Mailbox,
        "stackexchange": StackExchange,
        "weibo": lambda path, now: MappedFile(path, load("weibo"), now=now),
    }
    world = World(lambda: makers[name](path, now=lambda: NOW + 100), None)
    with contextlib.suppress(SourceError):
        run(world)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just({"id": {}}),
    st.just("\ud800"),
    st.just("9" * 400),
)


def places(value, path=()):
    """The path of every value within a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value[:40]):
            yield from places(one, (*path, name))


def put(value, path, odd):
    if not path:
        return odd
    at = value
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = odd
    return value


@pytest.mark.parametrize("world", ASKING, indirect=True)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_mutated_answers_never_crash_it(world, data):
    """One value of one answer becomes another: a SourceError, or set aside, or taken; no more."""
    random = data.draw(st.randoms(use_true_random=False))
    odd = data.draw(ODD)
    nth = data.draw(st.integers(0, 3))
    count = iter(range(10**9))

    def tamper(value):
        if next(count) != nth or isinstance(value, bytes):
            return value
        found = list(places(value))
        return put(value, random.choice(found), odd)

    began = time.monotonic()
    with contextlib.suppress(SourceError, Refused):
        for batch in run(world, tamper=tamper):
            for post in batch.posts:
                assert isinstance(post.text, str)
                assert len(post.id) < 2000
            assert batch.cursor is None or isinstance(json.loads(batch.cursor), dict)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("name", ["x_pages", "weibo"])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_mutated_lines_never_crash_it(tmp_path, name, data):
    from test_sources_mapping import weibo

    world = WORLDS[name](tmp_path)
    row = x.page(x.tweet(1)) if name == "x_pages" else weibo(1)
    row = copy.deepcopy(row)
    found = list(places(row))
    row = put(row, data.draw(st.sampled_from(found)), data.draw(ODD))
    path = tmp_path / ("x.jsonl" if name == "x_pages" else "w.jsonl")
    path.write_text(json.dumps(row) + "\n")
    for batch in run(world):
        assert len(batch.posts) + len(batch.set_aside) + len(batch.deletions) <= 2

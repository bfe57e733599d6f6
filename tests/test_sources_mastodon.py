"""Mastodon over real local servers: payloads after the API's documents, and recorded ones."""

import contextlib
import json
import tarfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from gnomon.errors import InputError, SourceError, Unreachable
from gnomon.sources.contract import Fetch, Response, Wait
from gnomon.sources.driver import drive
from gnomon.sources.mastodon import Mastodon
from gnomon.sources.mastodon_posts import NotPublicError, posts_of
from gnomon.sources.network import Network
from source_servers import http_server, ws_server

RECORDED = Path(__file__).parent.parent.parent / "shared/data/wire/mastodon_cassettes.tar.gz"
NOW = 1_772_900_000.0  # 2026-03-07T16:13:20Z
FIRST = int((NOW - 3600) * 1000) << 16


def written(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".000Z"


def status(n, content="<p>Ferries run again.</p>", **fields):
    """The n-th status, one a second."""
    own = str(FIRST + (n * 1000 << 16))
    account = {
        "id": "9",
        "username": "ann",
        "acct": "ann",
        "display_name": "Ann",
        "bot": False,
        "created_at": "2026-03-01T00:00:00.000Z",
        "followers_count": 3,
    }
    return {
        "id": own,
        "created_at": written(NOW - 3600 + n),
        "visibility": "public",
        "sensitive": False,
        "spoiler_text": "",
        "language": "en",
        "url": f"https://town.example/@ann/{own}",
        "uri": f"https://town.example/users/ann/statuses/{own}",
        "content": content,
        "account": account | fields.pop("account", {}),
        "media_attachments": [],
        "tags": [],
        "mentions": [],
        **fields,
    }


class Instance:
    """A Mastodon instance as far as its documents say, over HTTP and WebSocket."""

    def __init__(self, server, statuses=()):
        self.statuses = {one["id"]: one for one in statuses}
        self.streaming = ""
        self.knows_many = True
        server.answer = self.answer
        server.pages["/robots.txt"] = (404, {}, b"")

    def post(self, *statuses):
        self.statuses |= {one["id"]: one for one in statuses}

    def answer(self, path):
        parts = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v2/instance":
            return {"configuration": {"urls": {"streaming": self.streaming}}}
        if parts.path == "/api/v1/accounts/lookup":
            return {"id": "9"} if query["acct"] == "ann" else (404, {}, b"{}")
        if parts.path == "/api/v1/statuses" and self.knows_many:
            wanted = parse_qs(parts.query)["id[]"]
            return [self.statuses[one] for one in wanted if one in self.statuses]
        if parts.path.startswith("/api/v1/statuses/"):
            return self.statuses.get(parts.path.rpartition("/")[2], (404, {}, b"{}"))
        if parts.path in (
            "/api/v1/timelines/public",
            "/api/v1/timelines/tag/ferry",
            "/api/v1/accounts/9/statuses",
        ):
            return self.page(query)
        return (404, {}, b"{}")

    def page(self, query):
        ids = sorted(self.statuses, key=int, reverse=True)
        limit = int(query["limit"])
        if "max_id" in query:
            ids = [one for one in ids if int(one) < int(query["max_id"])]
        if "min_id" in query:
            ids = [one for one in ids if int(one) > int(query["min_id"])][-limit:]
        return [self.statuses[one] for one in ids[:limit]]


@pytest.fixture
def server():
    with http_server() as state:
        yield state


def pull(server, cursor=None, *, allow=(), retries=0, **options):
    options.setdefault("now", lambda: NOW)
    source = Mastodon(server.url(""), backoff_base_s=0.01, **options)
    with Network(
        allow=[server.authority, *allow], politeness_s=0.0, retries=retries, backoff_base_s=0.01
    ) as net:
        return list(drive(source, cursor, network=net))


def follow(server, cursor, want, *, allow=(), timeout_s=10, **options):
    """Batches of a following source until ``want(batches)``."""
    options = {"every_s": 0.1, "window_s": 0.1, "now": lambda: NOW, **options}
    source = Mastodon(server.url(""), backoff_base_s=0.01, **options)
    batches, stop = [], threading.Event()
    timer = threading.Timer(timeout_s, stop.set)
    timer.start()
    with Network(allow=[server.authority, *allow], politeness_s=0.0, retries=0) as net:
        for batch in drive(source, cursor, network=net, stop=stop):
            batches.append(batch)
            if want(batches):
                break
    timer.cancel()
    assert not stop.is_set(), f"what was wanted did not come: {batches}"
    return batches


def ids(batches):
    return [post.id.rpartition("/")[2] for batch in batches for post in batch.posts]


def one(status_, host="town.example"):
    return list(posts_of(status_, host=host, source="mastodon:x", fetched_at=NOW))


# -- what a post holds ----------------------------------------------------------------------------


def test_a_status_with_everything():
    (post,) = one(
        status(
            1,
            '<p>Read <a href="https://n.example/a?b=1&amp;c=2" rel="nofollow"><span '
            'class="invisible">https://</span><span>n.example/a?b=1&amp;c=2</span></a> '
            '<a href="https://town.example/tags/ferry" class="mention hashtag">#<span>ferry'
            "</span></a></p><p>Second &lt;line&gt;</p>",
            in_reply_to_id="77",
            edited_at="2026-03-07T15:30:00.000Z",
            tags=[{"name": "ferry"}],
            mentions=[{"acct": "bob@else.example"}],
            favourites_count=5,
            reblogs_count=2,
            media_attachments=[
                {"url": "https://cache.example/x", "remote_url": "https://m.example/x.jpg",
                 "description": "A ferry"}
            ],
            card={"url": "https://n.example/a", "title": "Ferry", "description": "It runs"},
            poll={"options": [{"title": "Yes"}, {"title": "No"}]},
            account={"acct": "ann@else.example", "bot": True},
        )
    )  # fmt: skip
    assert post.text == "Read https://n.example/a?b=1&c=2 #ferry\n\nSecond <line>"
    assert post.id == f"mastodon:town.example/{FIRST + (1000 << 16)}"
    assert (post.author, post.lang) == ("ann@else.example", "en")
    assert post.reply_to == "mastodon:town.example/77"
    assert post.links == ("https://n.example/a?b=1&c=2", "https://n.example/a")
    assert post.media == ("https://m.example/x.jpg",)
    assert post.counts == {"likes": 5, "reposts": 2, "followers": 3}
    assert post.labels == ()
    assert post.extra == {
        "name": "Ann",
        "author_id": "9",
        "bot": True,
        "account_created_at": "2026-03-01T00:00:00Z",
        "edited_at": "2026-03-07T15:30:00Z",
        "tags": ["ferry"],
        "mentions": ["bob@else.example"],
        "alt": ["A ferry"],
        "card": {"title": "Ferry", "description": "It runs"},
        "poll": ["Yes", "No"],
        "uri": f"https://town.example/users/ann/statuses/{FIRST + (1000 << 16)}",
    }


def test_boosts_and_quotes():
    inner = status(1, account={"acct": "bob@else.example"})
    first, boost = one(status(2, "", reblog=inner))
    assert first.author == "bob@else.example"
    assert (boost.text, boost.repost_of, boost.author) == ("", first.id, "ann@town.example")
    content = '<p class="quote-inline">RE: <a href="https://x.example/1">x</a></p><p>So true</p>'
    quote = status(3, content, quote={"state": "accepted", "quoted_status": inner})
    post, quoted = one(quote)
    assert (post.text, post.quotes, post.links) == ("So true", quoted.id, ())
    for state in ("pending", "revoked", "rejected"):
        (post,) = one(status(3, content, quote={"state": state, "quoted_status": None}))
        assert post.quotes == ""
    (shallow,) = one(status(3, "x", quote={"state": "accepted", "quoted_status_id": "5"}))
    assert shallow.quotes == "mastodon:town.example/5"


@pytest.mark.parametrize("visibility", ["unlisted", "private", "direct", "local", None])
def test_only_public_statuses(visibility):
    with pytest.raises(NotPublicError, match="not taken in"):
        one(status(1, visibility=visibility))
    with pytest.raises(NotPublicError):
        one(status(2, reblog=status(1, visibility=visibility)))
    (alone,) = one(
        status(3, quote={"state": "accepted", "quoted_status": status(1, visibility=visibility)})
    )
    assert alone.quotes


def test_authors_who_do_not_want_to_be_found():
    with pytest.raises(NotPublicError, match="noindex"):
        one(status(1, account={"noindex": True}))
    with pytest.raises(NotPublicError, match="suspended"):
        one(status(1, account={"suspended": True}))


def test_what_counts_as_adult():
    picture = [{"url": "https://m.example/x.jpg"}]
    (post,) = one(status(1, sensitive=True, media_attachments=picture))
    assert post.labels == ("sensitive", "adult")
    (post,) = one(status(1, sensitive=True, media_attachments=picture, spoiler_text="US politics"))
    assert post.labels == ("sensitive", "spoiler")
    (post,) = one(status(1, sensitive=True, spoiler_text="NSFW, lewd"))
    assert post.labels == ("sensitive", "spoiler", "adult")
    (post,) = one(status(1, tags=[{"name": "nsfw"}]))
    assert post.labels == ("adult",)


# -- by REST --------------------------------------------------------------------------------------


def test_the_first_look_goes_back_and_the_next_goes_on(server):
    instance = Instance(server, [status(n) for n in range(300)])
    batches = pull(server, history_pages=3)
    assert len(set(ids(batches))) == 120
    assert batches[0].posts[0].source == batches[0].source == f"mastodon:{server.authority}"
    instance.post(*[status(n) for n in range(300, 420)])
    seen = set(ids(batches))
    later = set(ids(pull(server, batches[-1].cursor))) - seen
    assert later == {status(n)["id"] for n in range(300, 420)}


def test_every_cursor_is_a_place_to_go_on_from(server):
    Instance(server, [status(n) for n in range(200)])
    whole = pull(server, history_pages=4)
    assert len(set(ids(whole))) == 160
    for cut in range(1, len(whole)):
        rest = pull(server, whole[cut - 1].cursor, history_pages=4)
        assert set(ids(whole[:cut])) | set(ids(rest)) == set(ids(whole))


def test_late_federated_posts_are_found(server):
    instance = Instance(server, [status(n) for n in range(0, 300, 2)])
    first = pull(server, history_pages=1)
    instance.post(status(251))  # written before the newest, came in after it
    assert status(251)["id"] in ids(pull(server, first[-1].cursor))


def test_more_than_can_be_caught_up_is_a_gap(server):
    instance = Instance(server, [status(0)])
    first = pull(server)
    instance.post(*[status(n) for n in range(1, 2000)])
    batches = pull(server, first[-1].cursor, catch_up_pages=3)
    (gap,) = [gap for batch in batches for gap in batch.gaps]
    assert gap.start == NOW - 3600 + 119
    assert "are missing" in gap.reason
    assert gap.end == NOW - 3600 + 1960
    assert status(1999)["id"] in ids(batches)


def test_deletions_and_edits_are_found_by_looking_again(server):
    instance = Instance(server, [status(n) for n in range(5)])
    first = pull(server)
    del instance.statuses[status(1)["id"]]
    instance.post(status(2, "<p>Ferries do not run.</p>", edited_at=written(NOW)))
    instance.post(status(3, visibility="public", account={"noindex": True}))
    later = NOW + 700
    batches = pull(server, first[-1].cursor, now=lambda: later)
    gone = {deletion.post.rpartition("/")[2] for b in batches for deletion in b.deletions}
    assert gone == {status(1)["id"], status(3)["id"]}
    texts = {post.text for b in batches for post in b.posts if post.id.endswith(status(2)["id"])}
    assert texts == {"Ferries do not run."}
    again = pull(server, batches[-1].cursor, now=lambda: later)
    assert not any(batch.deletions for batch in again)


def test_a_server_that_cannot_be_asked_again_deletes_nothing(server):
    instance = Instance(server, [status(n) for n in range(5)])
    first = pull(server)
    instance.knows_many = False
    batches = pull(server, first[-1].cursor, now=lambda: NOW + 700)
    assert not any(batch.deletions for batch in batches)


def test_tags_and_accounts(server):
    Instance(server, [status(1)])
    assert ids(pull(server, what="tags/ferry")) == [status(1)["id"]] * 2
    assert ids(pull(server, what="@ann"))[0] == status(1)["id"]
    with pytest.raises(SourceError, match="knows no account '@bob'"):
        pull(server, what="@bob")
    with pytest.raises(InputError, match="is no timeline"):
        Mastodon("https://town.example", "tags/../../x")


def test_a_token_is_asked_for_and_goes_to_its_own_instance_only(server):
    Instance(server)
    server.pages["/api/v1/timelines/public?limit=40"] = (401, {}, b'{"error":"no"}')
    with pytest.raises(SourceError, match="mastodon_key"):
        pull(server)
    with http_server() as other:
        other.pages["/robots.txt"] = (404, {}, b"")
        other.pages["/there"] = (200, {}, b"[]")
        timeline = "/api/v1/timelines/public?limit=40"
        server.pages[timeline] = (307, {"Location": f"{timeline}&x"}, b"")
        server.pages[f"{timeline}&x"] = (302, {"Location": other.url("/there")}, b"")
        pull(server, token="secret-1", allow=[other.authority])
        asked = [one for one in server.seen if one.path.startswith(timeline)]
        assert {one.headers.get("authorization") for one in asked[1:]} == {"Bearer secret-1"}
        assert [one.path for one in other.seen] == ["/robots.txt", "/there"]
        assert not any("authorization" in one.headers for one in other.seen)
        assert "secret-1" not in repr(Mastodon(server.url(""), token="secret-1"))


def test_rate_limits_are_waited_out(server):
    Instance(server, [status(1)])
    reset = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(NOW + 300))
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    body = json.dumps([status(1)]).encode()
    server.pages["/api/v1/timelines/public?limit=40"] = (200, spent, body)
    source = Mastodon(server.url(""), now=lambda: NOW)
    steps = source.steps(None)
    fetch = steps.send(None)
    assert isinstance(fetch, Fetch)
    headers = {name.lower(): value for name, value in spent.items()}
    batch = steps.send(Response(fetch.url, 200, headers, body))
    assert len(batch.posts) == 1
    assert steps.send(None) == Wait(300.0)
    steps.close()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'[{"id": "1", "con', Unreachable),
        (b"<!doctype html><title>Log in</title>", SourceError),
        (b'{"error": "x"}', SourceError),
        (b"[" * 100_000, Unreachable),
    ],
)
def test_answers_that_are_none(server, body, error):
    Instance(server)
    server.pages["/api/v1/timelines/public?limit=40"] = (200, {}, body)
    with pytest.raises(error):
        pull(server)


def test_strange_statuses_do_not_stop_the_rest(server):
    instance = Instance(server, [status(1), status(2, content=7), status(3) | {"account": "x"}])
    page = [*instance.page({"limit": "40"}), "no", None, 5, {"id": [1]}, {}]
    server.pages["/api/v1/timelines/public?limit=40"] = (200, {}, json.dumps(page).encode())
    (batch, *_) = pull(server)
    assert len(batch.posts) == 2
    assert len(batch.set_aside) == 6
    lone = json.dumps([status(1), status(2, "<p>half \ud83d</p>")]).encode()
    server.pages["/api/v1/timelines/public?limit=40"] = (200, {}, lone)
    (batch, *_) = pull(server)
    assert "half a character" in batch.set_aside[0].reason
    assert len(batch.posts) == 1


# -- by streaming ---------------------------------------------------------------------------------


def event(kind, payload):
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return json.dumps({"stream": ["public"], "event": kind, "payload": text})


def hold(connection, *frames, open_s=3.0):
    for frame in frames:
        connection.send(frame)
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        connection.recv(timeout=open_s)


def test_the_stream_brings_posts_edits_and_deletions(server):
    instance = Instance(server, [status(1)])
    frames = [
        event("update", status(2)),
        event("status.update", status(1, "<p>Edited.</p>", edited_at=written(NOW))),
        event("delete", status(2)["id"]),
        event("update", status(3)),
        event("filters_changed", ""),
        "not json",
        event("update", "{"),
        json.dumps([1]),
    ]
    with ws_server(lambda connection: hold(connection, *frames)) as stream:
        instance.streaming = stream.url
        batches = follow(
            server, None, lambda got: status(3)["id"] in ids(got), allow=[stream.authority]
        )
    texts = [post.text for batch in batches for post in batch.posts]
    assert "Edited." in texts
    gone = [deletion.post for batch in batches for deletion in batch.deletions]
    assert gone == [f"mastodon:{server.authority}/{status(2)['id']}"]
    assert sum(len(batch.set_aside) for batch in batches) == 2
    assert stream.paths == ["/api/v1/streaming?stream=public"]


def test_a_cut_stream_is_filled_by_rest(server):
    instance = Instance(server, [status(1)])
    talks = []

    def talk(connection):
        talks.append(connection)
        if len(talks) == 1:
            connection.send(event("update", status(2)))
            instance.post(status(3), status(4))  # while nobody listens
            return
        hold(connection, event("update", status(5)))

    with ws_server(talk) as stream:
        instance.streaming = stream.url
        wanted = {status(n)["id"] for n in range(1, 6)}
        batches = follow(
            server, None, lambda got: wanted <= set(ids(got)), allow=[stream.authority]
        )
    assert len(talks) == 2
    assert not any(batch.gaps for batch in batches)


def test_a_hole_that_nobody_fills_is_a_gap(server):
    instance = Instance(server, [status(1)])
    first = pull(server)

    def refuse(path):
        answered = instance.answer(path)
        return (403, {}, b"{}") if "timelines" in path else answered

    server.answer = refuse
    with ws_server(lambda connection: hold(connection, event("update", status(9)))) as stream:
        instance.streaming = stream.url
        batches = follow(
            server,
            first[-1].cursor,
            lambda got: status(9)["id"] in ids(got),
            allow=[stream.authority],
        )
    (gap,) = [gap for batch in batches for gap in batch.gaps]
    assert (gap.start, gap.end) == (NOW - 3600 + 1, NOW)


@pytest.mark.parametrize("code", [401, 404, 503])
def test_without_a_stream_it_polls(server, code):
    instance = Instance(server, [status(1)])

    def want(got):
        instance.post(status(2))
        return status(2)["id"] in ids(got)

    with ws_server(hold, refuse=lambda path: (code, b"{}")) as stream:
        instance.streaming = stream.url
        follow(server, None, want, allow=[stream.authority])
        assert len(stream.paths) == (3 if code == 503 else 1)


# -- recorded -------------------------------------------------------------------------------------


def recorded():
    if not RECORDED.exists():
        pytest.skip("the development data is not here")
    yaml = pytest.importorskip("yaml")
    with tarfile.open(RECORDED) as tar:
        for member in tar:
            if member.isfile() and ("status" in member.name or "_tl" in member.name):
                text = tar.extractfile(member).read()
                for exchange in yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))[
                    "interactions"
                ]:
                    yield exchange["request"], exchange["response"]["body"]["string"]


def statuses_in(value):
    if isinstance(value, dict):
        if "visibility" in value and "content" in value:
            yield value
        for inner in value.values():
            yield from statuses_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from statuses_in(inner)


def test_recorded_statuses():
    taken, refused = [], []
    for _, body in recorded():
        try:
            value = json.loads(body)
        except ValueError:
            continue
        for found in statuses_in(value):
            if "media_attachments" not in found:
                continue  # what is to be posted later, not a status
            try:
                taken += one(found, "localhost:3000")
            except NotPublicError:
                refused.append(found["visibility"])
    assert len(taken) > 50
    assert {post.author for post in taken} >= {"mastodonpy_test_2@localhost:3000"}
    assert all(post.created_at and post.url for post in taken)
    assert any(post.quotes for post in taken)
    assert any(post.extra.get("edited_at") for post in taken)
    assert set(refused) <= {"private", "direct", "unlisted"}
    assert refused


def test_a_recorded_timeline_from_a_server(server):
    pages = {
        urlsplit(request["uri"]).path: body
        for request, body in recorded()
        if request["method"] == "GET" and "/timelines/public" in request["uri"]
    }
    Instance(server)
    body = pages["/api/v1/timelines/public"].encode()
    server.pages["/api/v1/timelines/public?limit=40"] = (200, {}, body)
    batches = pull(server, history_pages=1, now=lambda: NOW + 1e8)
    assert len(set(ids(batches))) == len({one["id"] for one in json.loads(body)})

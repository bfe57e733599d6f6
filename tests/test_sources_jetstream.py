"""Bluesky's Jetstream over a real local WebSocket server: recorded lines, and payloads of our own
that follow the specifications."""

import contextlib
import json
import threading
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from gnomon.errors import SourceError, Unreachable
from gnomon.sources.admission import Limits
from gnomon.sources.driver import drive
from gnomon.sources.jetstream import Jetstream
from gnomon.sources.network import Network
from source_servers import ws_server

RECORDED = Path(__file__).parent.parent.parent / "shared/data/wire/bluesky_jetstream_v1.jsonl"
NOW = 1_783_175_900.0  # 2026-07-04T14:38:20Z
DID = "did:plc:abcdefghijklmnopqrstuvwx"
OTHER = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"
NSID = "network.bsky.jetstream.subscribeEvents"
POSTS = "app.bsky.feed.post"


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".000000Z"


def record(text="Hello", at=NOW, **fields):
    return {"$type": POSTS, "text": text, "createdAt": iso(at), "langs": ["en"], **fields}


def v2(seq, kind="commit", at=NOW, did=DID, **fields):
    payload = {"$type": f"{NSID}#{kind}", "seq": seq, "did": did, "time": iso(at)}
    return json.dumps({"$type": "message", "payload": payload | fields})


def create(seq, rkey="r1", rec=None, operation="create", collection=POSTS, **fields):
    body = {"operation": operation, "collection": collection, "rkey": rkey, "rev": "3k"}
    if operation != "delete":
        body |= {"record": rec or record(), "cid": "bafy"}
    return v2(seq, **body, **fields)


def v1(time_us, rkey="r1", rec=None):
    commit = {"rev": "3k", "operation": "create", "collection": POSTS, "rkey": rkey, "cid": "bafy"}
    commit["record"] = rec or record(at=time_us / 1e6)
    return json.dumps({"did": DID, "time_us": time_us, "kind": "commit", "commit": commit})


def info(name, message):
    payload = {"$type": f"{NSID}#info", "name": name, "message": message}
    return json.dumps({"$type": "message", "payload": payload})


def hold(connection, *frames, open_s=1.5):
    for frame in frames:
        connection.send(frame)
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        connection.recv(timeout=open_s)


def pull(server, cursor=None, *, want=lambda batches: True, now=NOW, timeout_s=8, **options):
    """Batches until ``want`` is content with them."""
    source = Jetstream(server.url, window_s=0.2, now=lambda: now, backoff_base_s=0.01, **options)
    batches, stop = [], threading.Event()
    timer = threading.Timer(timeout_s, stop.set)
    timer.start()
    with Network(allow=[server.authority]) as net:
        for batch in drive(source, cursor, network=net, stop=stop):
            batches.append(batch)
            if want(batches):
                break
    timer.cancel()
    assert not stop.is_set(), f"what was wanted did not come: {batches}"
    return batches


def pull_frames(*frames, **options):
    with ws_server(lambda connection: hold(connection, *frames)) as server:
        return pull(server, **options)[0]


# -- what a post holds ----------------------------------------------------------------------------


def test_a_post_with_everything():
    rec = record(
        "Read this, @bob #ferry",
        langs=["en", "fr"],
        tags=["harbour"],
        reply={
            "parent": {"uri": f"at://{OTHER}/{POSTS}/p1", "cid": "x"},
            "root": {"uri": f"at://{OTHER}/{POSTS}/p0", "cid": "x"},
        },
        facets=[
            {"features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://a.example/x"}]},
            {"features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "ferry"}]},
            {"features": [{"$type": "app.bsky.richtext.facet#mention", "did": OTHER}]},
        ],
        embed={
            "$type": "app.bsky.embed.recordWithMedia",
            "record": {"record": {"uri": f"at://{OTHER}/{POSTS}/q1", "cid": "x"}},
            "media": {
                "$type": "app.bsky.embed.images",
                "images": [{"alt": "A ferry", "image": {"ref": {"$link": "bafkimage"}}}],
            },
        },
    )
    batch = pull_frames(v2(1, "identity", identity={"handle": "ann.example"}), create(2, rec=rec))
    (post,) = batch.posts
    assert post.id == f"bluesky:{DID}/r1"
    assert post.url == f"https://bsky.app/profile/{DID}/post/r1"
    assert (post.author, post.source, post.lang) == (DID, "bluesky", "en")
    assert post.created_at == NOW
    assert post.reply_to == f"bluesky:{OTHER}/p1"
    assert post.quotes == f"bluesky:{OTHER}/q1"
    assert post.links == ("https://a.example/x",)
    assert post.media == (f"https://cdn.bsky.app/img/feed_fullsize/plain/{DID}/bafkimage",)
    assert post.extra == {
        "handle": "ann.example",
        "tags": ["ferry", "harbour"],
        "mentions": [OTHER],
        "alt": ["A ferry"],
        "langs": ["en", "fr"],
        "reply_root": f"bluesky:{OTHER}/p0",
    }


def test_a_link_card_and_a_repost():
    card = {"uri": "https://n.example/1", "title": "Bridge shut", "description": "Until May"}
    rec = record(embed={"$type": "app.bsky.embed.external", "external": card})
    repost = {"createdAt": iso(NOW), "subject": {"uri": f"at://{OTHER}/{POSTS}/p9", "cid": "x"}}
    batch = pull_frames(
        create(1, rec=rec), create(2, "rr", repost, collection="app.bsky.feed.repost")
    )
    first, second = batch.posts
    assert first.links == ("https://n.example/1",)
    assert first.extra["card"] == {"title": "Bridge shut", "description": "Until May"}
    assert second.id == f"bluesky:{DID}/repost/rr"
    assert (second.text, second.repost_of) == ("", f"bluesky:{OTHER}/p9")


def test_updates_deletions_and_accounts():
    accounts = [
        ({"active": False, "status": "deleted"}, True),
        ({"active": False, "status": "takendown"}, True),
        ({"active": False, "status": "suspended"}, True),
        ({"active": False, "status": "deactivated"}, True),
        ({"active": False}, True),
        ({"active": True}, False),
        ({"active": False, "status": "desynchronized"}, False),
        ({"active": True, "status": "throttled"}, False),
    ]
    frames = [
        create(1, "r1", record("new words"), operation="update"),
        create(2, "r2", operation="delete"),
        create(3, "rr", operation="delete", collection="app.bsky.feed.repost"),
        create(4, "l", operation="delete", collection="app.bsky.feed.like"),
    ]
    for n, (account, _) in enumerate(accounts):
        frames.append(v2(10 + n, "account", did=f"did:plc:{n}", account=account))
    batch = pull_frames(*frames)
    assert [post.text for post in batch.posts] == ["new words"]
    assert [d.post for d in batch.deletions[:2]] == [
        f"bluesky:{DID}/r2",
        f"bluesky:{DID}/repost/rr",
    ]
    gone = {d.author for d in batch.deletions[2:]}
    assert gone == {f"did:plc:{n}" for n, (_, deletes) in enumerate(accounts) if deletes}
    assert all(d.reason and not (d.post and d.author) for d in batch.deletions)


def test_what_is_said_again_after_its_deletion_goes_into_a_later_batch():
    frames = [
        create(1, "r1", operation="delete"),
        create(2, "r1", record("again")),
        v2(3, "account", account={"active": False, "status": "deactivated"}),
        v2(4, "account", account={"active": True}),
        create(5, "r2", record("back")),
    ]
    with ws_server(lambda connection: hold(connection, *frames)) as server:
        batches = pull(server, want=lambda found: len(found) == 3)
    said = [([p.text for p in b.posts], len(b.deletions), b.cursor is None) for b in batches]
    assert said == [([], 1, True), (["again"], 1, True), (["back"], 0, False)]


def test_adult_posts_are_set_aside_unless_asked_for():
    labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "porn"}]}
    frames = [create(1, "r1", record(labels=labels)), create(2, "r2", record(labels=labels))]
    batch = pull_frames(*frames)
    assert batch.posts == ()
    (aside,) = batch.set_aside
    assert "labels it 'porn'" in aside.reason
    assert "2 posts in this batch" in aside.reason
    taken = pull_frames(*frames, limits=Limits(adult=True))
    assert [post.labels for post in taken.posts] == [("porn",), ("porn",)]


def test_dates_are_not_believed_beyond_the_events_own_time():
    batch = pull_frames(
        create(1, "future", record(at=NOW + 7200)),
        create(2, "skew", record(at=NOW + 60)),
        create(3, "old", record(at=NOW - 10 * 86400)),
        create(4, "none", {"text": "no date"}),
        create(5, "odd", {"text": "odd date", "createdAt": "yesterday"}),
    )
    (aside,) = batch.set_aside
    assert "from the future" in aside.reason
    assert aside.where.endswith("/future")
    told = {post.id.rpartition("/")[2]: post for post in batch.posts}
    assert told["skew"].created_at == NOW + 60
    assert told["old"].created_at == NOW
    assert told["old"].extra["claimed_created_at"].startswith("2026-06-24")
    assert told["none"].created_at == NOW
    assert told["odd"].extra["claimed_created_at"] == "yesterday"


def test_bad_frames_and_records_are_set_aside_and_the_rest_is_kept():
    batch = pull_frames(
        "not json",
        "[1, 2]",
        '{"kind": "commit", "did": "did:plc:x", "time_us": 1, "commit": [1]}',
        '{"$type": "message"}',
        create(1, "r1", {"text": 7}),
        create(2, "r2", {"text": " "}),
        create(3, "r3", {"text": "nul \x00"}),
        create(4, "r4", record("x" * 200)),
        create(5, "ok"),
        limits=Limits(max_post_bytes=100),
    )
    assert [post.id for post in batch.posts] == [f"bluesky:{DID}/ok"]
    reasons = " | ".join(aside.reason for aside in batch.set_aside)
    for word in ("no event", "'text' is '7'", "no text", "NUL", "over the limit"):
        assert word in reasons


# -- connecting and resuming ----------------------------------------------------------------------


def test_v2_is_asked_as_its_lexicon_says_and_resumes_at_its_sequence_number():
    with ws_server(lambda connection: hold(connection, create(7), create(8, "r2"))) as server:
        batch = pull(server)[0]
        assert json.loads(batch.cursor)["seq"] == 8
        again = pull(server, batch.cursor, now=NOW + 90_000)[0]
        assert again.posts == ()  # seq 7 and 8 are the overlap
    assert server.paths[0] == (
        f"/xrpc/{NSID}?kinds=commit&kinds=identity&kinds=account"
        "&collections=app.bsky.feed.post&collections=app.bsky.feed.repost"
    )
    assert server.paths[1] == server.paths[0] + "&cursor=8"


def test_a_closed_connection_is_taken_up_again_where_it_ended():
    turns = []

    def talk(connection):
        turns.append(connection.request.path)
        connection.send(create(len(turns), f"r{len(turns)}"))
        if len(turns) < 3:
            connection.close(1011, "restarting")
        else:
            hold(connection)

    with ws_server(talk) as server:
        batches = pull(server, want=lambda found: sum(len(b.posts) for b in found) == 3)
    ids = [post.id.rpartition("/")[2] for batch in batches for post in batch.posts]
    assert ids == ["r1", "r2", "r3"]
    assert [path.rpartition("cursor=")[2] for path in turns[1:]] == ["1", "2"]
    assert not any(batch.gaps for batch in batches)


def test_a_cursor_too_old_resumes_at_the_oldest_and_records_the_gap():
    old = json.dumps({"time_us": int((NOW - 200_000) * 1e6), "seq": 5, "host": "HOST"})

    def refuse(path):
        if "cursor=5" in path:
            return 400, b'{"error":"CursorTooOld","message":"floor is 900"}'
        return None

    def talk(connection):
        hold(
            connection,
            info("OutdatedCursor", "resumed from seq 900"),
            create(900, "r1", record(at=NOW - 129_600), at=NOW - 129_600),
            create(901, "r2"),
        )

    with ws_server(talk, refuse=refuse) as server:
        (batch, *_) = pull(server, old.replace("HOST", server.url))
        assert "cursor=5" in server.paths[0]
        assert int(server.paths[1].rpartition("cursor=")[2]) == int((NOW - 200_005) * 1e6)
    (gap,) = batch.gaps
    assert (gap.start, gap.end) == (NOW - 200_000, NOW - 129_600)
    assert "OutdatedCursor: resumed from seq 900" in gap.reason
    assert len(batch.posts) == 2
    assert json.loads(batch.cursor)["seq"] == 901


def test_another_archives_sequence_numbers_are_not_compared_with_ours():
    cursor = json.dumps({"time_us": int((NOW - 600) * 1e6), "seq": 10**9, "host": "HOST"})
    frames = (info("FutureCursor", "started at the tip"), create(3), create(4, "r2"))
    with ws_server(lambda connection: hold(connection, *frames)) as server:
        batch = pull(server, cursor.replace("HOST", server.url))[0]
    assert len(batch.posts) == 2
    assert batch.gaps[0].start == NOW - 600
    assert "FutureCursor" in batch.gaps[0].reason


def test_what_comes_twice_is_taken_once_and_what_comes_late_is_not_lost():
    frames = (
        create(1),
        create(3, "r3"),
        create(3, "r3"),
        create(2, "r2"),
        create(1),
        create(4, "r4"),
    )
    batch = pull_frames(*frames)
    assert [post.id.rpartition("/")[2] for post in batch.posts] == ["r1", "r3", "r2", "r4"]
    assert json.loads(batch.cursor)["seq"] == 4


def test_another_host_is_resumed_by_time():
    cursor = json.dumps({"time_us": int(NOW * 1e6), "seq": 5, "host": "wss://elsewhere.example"})
    with ws_server(lambda connection: hold(connection, create(1, at=NOW + 1))) as server:
        batch = pull(server, cursor)[0]
        assert server.paths[0].endswith(f"cursor={int((NOW - 5) * 1e6)}")
    assert (len(batch.posts), batch.gaps) == (1, ())


def no_v2(path):
    return (404, b"404 page not found") if path.startswith("/xrpc") else None


def test_v1_is_fallen_back_to_and_its_silent_clamp_is_found_out():
    late = int((NOW - 3600) * 1e6)
    with ws_server(lambda c: hold(c, v1(late), v1(late + 9, "r2")), refuse=no_v2) as server:
        first = pull(server)[0]
        assert (len(first.posts), first.gaps) == (2, ())
        assert server.paths[1] == (
            "/subscribe?wantedCollections=app.bsky.feed.post&wantedCollections=app.bsky.feed.repost"
        )
        near = json.dumps({"time_us": late - 2_000_000, "seq": None, "host": ""})
        assert pull(server, near)[0].gaps == ()
        far = json.dumps({"time_us": late - 7_200_000_000, "seq": None, "host": ""})
        (gap,) = pull(server, far)[0].gaps
    assert (gap.start, gap.end) == (NOW - 3600 - 7200, NOW - 3600)
    assert "did not say so" in gap.reason


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded wire lines are not here")
def test_recorded_lines_of_production():
    lines = RECORDED.read_text(encoding="utf-8").splitlines()
    with ws_server(lambda connection: hold(connection, *lines), refuse=no_v2) as server:
        (batch, *_) = pull(server)
    posts = [post for post in batch.posts if not post.repost_of]
    reposts = [post for post in batch.posts if post.repost_of]
    assert len(reposts) == 11
    assert (len(posts), batch.set_aside) == (10, ())
    assert all(post.id.startswith("bluesky:did:") and post.created_at for post in batch.posts)
    assert all(post.text for post in posts)
    assert any(post.links for post in posts)
    assert json.loads(batch.cursor)["time_us"] == json.loads(lines[-1])["time_us"]


def test_a_server_that_refuses_or_is_not_there_is_one_clear_sentence():
    forbidden = (403, b"go away")
    with (
        ws_server(hold, refuse=lambda path: forbidden) as server,
        pytest.raises(SourceError, match="refuses us with 403"),
    ):
        pull(server)
    with (
        Network(allow=["127.0.0.1:9"]) as net,
        pytest.raises(Unreachable, match="cannot be opened"),
    ):
        list(drive(Jetstream("ws://127.0.0.1:9", backoff_base_s=0.01), None, network=net))

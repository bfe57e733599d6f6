"""The pipe on standard input, and what an owner may type."""

import io
import os
import sys
import threading
import time

import pytest

from gnomon.errors import InputError
from gnomon.sources.admission import Limits
from gnomon.sources.driver import drive
from gnomon.sources.feeds import Feed
from gnomon.sources.files import Files
from gnomon.sources.jetstream import Jetstream
from gnomon.sources.network import Network
from gnomon.sources.pipe import Pipe
from gnomon.sources.specs import make_sources


def pull(data, **options):
    with Network() as net:
        return list(drive(Pipe(io.BytesIO(data), **options), None, network=net))


def test_posts_deletions_and_bad_lines():
    (batch,) = pull(
        b'{"text": "one", "id": "1"}\n\n{"delete": "9"}\noops\n{"delete": ["x"]}\n{"text": ""}\n'
        b'{"text": "two", "id": "2", "reply_to": "1"}'
    )
    assert [(post.id, post.text, post.source) for post in batch.posts] == [
        ("1", "one", "pipe"),
        ("2", "two", "pipe"),
    ]
    assert [deletion.post for deletion in batch.deletions] == ["9"]
    assert [aside.where for aside in batch.set_aside] == [
        "pipe, line 4",
        "pipe, line 5",
        "pipe, line 6",
    ]
    assert "no JSON" in batch.set_aside[0].reason
    assert "give the id of a post" in batch.set_aside[1].reason


def test_a_deletion_and_then_the_post_again_keep_their_order():
    first, second = pull(b'{"delete": "1"}\n{"text": "again", "id": "1"}\n')
    assert [deletion.post for deletion in first.deletions] == ["1"]
    assert [post.text for post in second.posts] == ["again"]


def test_a_namespace_and_batches_of_a_thousand():
    data = b"".join(b'{"text": "x", "id": "%d"}\n' % n for n in range(2500)) + b'{"delete": "1"}\n'
    batches = pull(data, name="town", namespace="town")
    assert [len(batch.posts) for batch in batches] == [1000, 1000, 500]
    assert batches[0].posts[0].id == "town:0"
    assert batches[-1].deletions[0].post == "town:1"


def test_a_long_line_is_set_aside():
    data = b'{"text": "' + b"x" * 5_000_000 + b'"}\n{"text": "after"}\n'
    (batch,) = pull(data, limits=Limits(max_post_bytes=1000))
    assert [post.text for post in batch.posts] == ["after"]
    assert "5,000,013 bytes long" in batch.set_aside[0].reason


def test_what_trickles_in_is_handed_on_within_a_second_or_so_and_the_owner_can_stop():
    ours, theirs = os.pipe()
    stop = threading.Event()
    with Network() as net, open(ours, "rb") as stream, open(theirs, "wb", buffering=0) as other:
        batches = drive(Pipe(stream), None, network=net, stop=stop)
        other.write(b'{"text": "early"}\n')
        begun = time.monotonic()
        assert next(batches).posts[0].text == "early"
        assert time.monotonic() - begun < 3
        threading.Timer(0.2, stop.set).start()
        assert list(batches) == []
        other.close()


def test_what_an_owner_may_type(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a", "id": "1"}\n', encoding="utf-8")
    (files,) = make_sources(str(path), name="town")
    assert isinstance(files, Files)
    assert files.name == "town"
    (folder,) = make_sources(str(tmp_path))
    assert folder.name == f"file:{tmp_path.name}"
    (feed,) = make_sources("https://crier.example/rss", every_s=60)
    assert isinstance(feed, Feed)
    assert feed.every_s == 60
    assert [one.name for one in make_sources("feeds", feeds=["https://a.example/f"])] == [
        "feed:https://a.example/f"
    ]
    (stream,) = make_sources("bluesky", jetstream="wss://j.example", limits=Limits(adult=True))
    assert isinstance(stream, Jetstream)
    assert (stream.host, stream.limits.adult) == ("wss://j.example", True)
    (pipe,) = make_sources("-", stdin=sys.stdin.buffer if sys.stdin else io.BytesIO())
    assert isinstance(pipe, Pipe)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nothing.jsonl", r"'nothing\.jsonl' is no source: there is no such file"),
        ("ftp://x.example/a", "ftp URLs are not read"),
        ("twitter", "'twitter' is no source"),
        ("", "no source"),
        ("feeds", "no feeds are configured"),
        ("-", "no standard input"),
    ],
)
def test_an_unknown_source_is_named_and_told_what_is_accepted(spec, words):
    with pytest.raises(InputError, match=words):
        make_sources(spec)

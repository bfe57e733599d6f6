"""RSS, Atom and JSON feeds over a real local server."""

import json
import tarfile
from pathlib import Path

import pytest

from gnomon.errors import Refused, SourceError, Unreachable
from gnomon.sources.contract import Fetch, Response, Wait
from gnomon.sources.driver import drive
from gnomon.sources.feeds import Feed
from gnomon.sources.network import Network
from gnomon.types import Batch
from source_servers import http_server

SAMPLES = Path(__file__).parent.parent.parent / "shared/data/wire/feeds_feedparser.tar.gz"
NOW = 1_772_900_000.0  # 2026-03-07T16:13:20Z

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Town Crier</title>
<link>https://crier.example/</link><language>en-gb</language>
<item><guid isPermaLink="false">b1</guid><title>Bridge &amp; ferry</title>
<link>https://crier.example/b1?utm_source=rss</link><dc:creator>Ann Lee</dc:creator>
<pubDate>Sat, 07 Mar 2026 10:30:00 +0100</pubDate><category>news</category>
<description>Short.</description>
<content:encoded><![CDATA[<p>The bridge is <b>shut</b>.</p><script>x()</script>
<p>Ferries run.</p>]]></content:encoded>
<enclosure url="https://crier.example/b1.mp3" type="audio/mpeg" length="1"/></item>
%s
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh"><title>镇报</title>
<id>urn:x</id><updated>2026-03-07T10:00:00Z</updated>
<entry><id>urn:x:1</id><title>渡轮</title><link href="https://zh.example/1"/>
<author><name>王</name></author><published>2026-03-07T09:00:00Z</published>
<updated>2026-03-07T10:00:00Z</updated>
<content type="html">&lt;p&gt;渡轮九点开。&lt;/p&gt;</content>
</entry></feed>"""


@pytest.fixture
def server():
    with http_server() as state:
        state.pages["/robots.txt"] = (404, {}, b"")
        yield state


def feed_of(server, body, kind="application/xml", **headers):
    body = body if isinstance(body, bytes) else body.encode()
    server.pages["/feed"] = (200, {"Content-Type": kind} | headers, body)


def pull(server, cursor=None, **options):
    with Network(allow=[server.authority], politeness_s=0.0, retries=0) as net:
        source = Feed(server.url("/feed"), now=lambda: NOW, **options)
        return list(drive(source, cursor, network=net))


def item(n, **fields):
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<item><guid>g{n}</guid><title>Title {n}</title>{inner}</item>"


def test_rss(server):
    feed_of(server, RSS % item(2))
    (batch,) = pull(server)
    post, headline = batch.posts
    assert post.id == f"feed:{server.url('/feed')}#b1"
    assert post.source == f"feed:{server.url('/feed')}"
    assert post.text == "The bridge is shut.\n\nFerries run."
    assert (post.title, post.author, post.lang) == ("Bridge & ferry", "Ann Lee", "en-gb")
    assert post.url == "https://crier.example/b1?utm_source=rss"
    assert post.created_at == 1772875800.0
    assert post.media == ("https://crier.example/b1.mp3",)
    assert post.extra == {"feed": "Town Crier", "tags": ["news"]}
    assert (headline.text, headline.title, headline.author) == ("Title 2", "", "Town Crier")
    assert headline.created_at is None


def test_atom_and_json_feed(server):
    feed_of(server, ATOM, "application/atom+xml")
    (batch,) = pull(server)
    (post,) = batch.posts
    assert (post.text, post.title, post.author, post.lang) == ("渡轮九点开。", "渡轮", "王", "zh")
    assert post.extra["updated"] == "2026-03-07T10:00:00Z"
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Town Crier",
        "language": "en",
        "items": [
            {
                "id": "1",
                "url": "https://crier.example/1",
                "content_html": "<p>One &amp; two</p>",
                "date_published": "2026-03-07T09:00:00Z",
                "authors": [{"name": "Ann"}],
                "external_url": "https://else.example",
            },
            {"id": "2", "content_text": "Two", "date_published": "soon"},
        ],
    }
    feed_of(server, json.dumps(feed), "application/feed+json")
    (batch,) = pull(server)
    (post,) = batch.posts
    assert (post.text, post.author, post.lang) == ("One & two", "Ann", "en")
    assert post.links == ("https://else.example",)
    assert "'soon' is no time" in batch.set_aside[0].reason


def test_an_unchanged_feed_costs_one_conditional_request(server):
    feed_of(server, RSS % "", ETag='"v1"', **{"Last-Modified": "Sat, 07 Mar 2026 10:00:00 GMT"})
    (first,) = pull(server)

    def unchanged(handler):
        assert handler.headers["If-None-Match"] == '"v1"'
        assert handler.headers["If-Modified-Since"] == "Sat, 07 Mar 2026 10:00:00 GMT"
        return (304, {"ETag": '"v1"'}, b"")

    server.pages["/feed"] = unchanged
    (second,) = pull(server, first.cursor)
    assert (second.posts, second.gaps) == ((), ())
    server.pages["/feed"] = unchanged
    assert pull(server, second.cursor)[0].posts == ()


def test_an_updated_entry_is_an_edit_of_the_same_post(server):
    feed_of(server, RSS % item(1, description="It leaves at nine."))
    (first,) = pull(server)
    feed_of(server, RSS % item(1, description="It leaves at ten."))
    (second,) = pull(server, first.cursor)
    assert first.posts[1].id == second.posts[1].id
    assert second.posts[1].text == "It leaves at ten."
    assert second.gaps == ()


def test_a_feed_that_has_moved_on_past_everything_seen_is_a_gap(server):
    one = '<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>%s</channel></rss>'
    feed_of(server, one % (item(1) + item(2)))
    (first,) = pull(server)
    feed_of(server, one % (item(2) + item(3)))
    (second,) = pull(server, first.cursor)
    assert second.gaps == ()
    feed_of(server, one % (item(8) + item(9)))
    (third,) = pull(server, second.cursor)
    (gap,) = third.gaps
    assert (gap.start, gap.end) == (NOW, NOW)
    assert "latest 2 entries" in gap.reason


def test_broken_xml_gives_what_can_be_had(server):
    feed_of(server, RSS.replace("</channel></rss>", "").replace("&amp; ferry", "& ferry") % item(2))
    (batch,) = pull(server)
    assert [post.id[-2:] for post in batch.posts] == ["b1", "g2"]


def test_entries_that_cannot_be_used_are_set_aside(server):
    bad = item(3, pubDate="Sat, 07 Mar 2027 10:30:00 GMT") + "<item><guid>g4</guid></item>"
    feed_of(server, RSS % bad)
    (batch,) = pull(server)
    assert len(batch.posts) == 1
    reasons = [aside.reason for aside in batch.set_aside]
    assert "from the future" in reasons[0]
    assert "no text" in reasons[1]


@pytest.mark.parametrize(
    ("page", "error", "words"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html><p>Hello"), SourceError, "is no feed"),
        (
            (200, {}, b'<html><link rel="alternate" type="application/rss+xml" href="/rss.xml">'),
            SourceError,
            "its feed is '/rss.xml'",
        ),
        ((200, {}, b'{"a": 1}'), SourceError, "no JSON Feed"),
        ((200, {}, b'{"a": '), SourceError, "broken"),
        ((200, {}, b""), SourceError, "is no feed"),
        ((404, {}, b""), SourceError, "not there"),
        ((403, {}, b""), SourceError, "does not let us in"),
        ((500, {}, b""), Unreachable, "500"),
        ((200, {}, b"x" * 11_000_000), Refused, "longer than"),
    ],
)
def test_what_is_no_feed_is_one_clear_sentence(server, page, error, words):
    server.pages["/feed"] = page
    with pytest.raises(error, match=words):
        pull(server)


def test_a_polling_feed_waits_and_waits_out_what_may_pass():
    """Run by hand, as any source can be: the requests it yields, and the responses it is sent."""
    steps = Feed("https://crier.example/feed", every_s=300, now=lambda: NOW).steps(None)
    assert isinstance(next(steps), Fetch)
    batch = steps.send(Response("https://crier.example/feed", 200, {}, (RSS % "").encode()))
    assert isinstance(batch, Batch)
    assert next(steps) == Wait(300)
    next(steps)
    assert steps.throw(Unreachable("down")) == Wait(600)
    next(steps)
    assert steps.throw(Unreachable("busy", retry_after_s=5000)) == Wait(5000)
    next(steps)
    with pytest.raises(Refused):
        steps.throw(Refused("robots"))


@pytest.mark.skipif(not SAMPLES.exists(), reason="the recorded feeds are not here")
def test_feeds_of_every_make_are_read_or_refused_but_never_crash():
    read = refused = 0
    with tarfile.open(SAMPLES) as archive:
        for member in archive:
            if not member.isfile() or not member.name.endswith(".xml"):
                continue
            body = archive.extractfile(member).read()
            steps = Feed("https://x.example/feed", now=lambda: 2e9).steps(None)
            next(steps)
            try:
                batch = steps.send(Response("https://x.example/feed", 200, {}, body))
            except SourceError:
                refused += 1
            else:
                read += 1
                assert all(post.text.strip() for post in batch.posts)
    assert read > 1000
    assert refused < read / 5

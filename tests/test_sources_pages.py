"""Web pages and sitemaps over a real local server."""

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from gnomon.errors import Refused, SourceError, Unreachable
from gnomon.sources.driver import drive
from gnomon.sources.network import Network
from gnomon.sources.pages import Page, Sitemap, post_id, read_sitemap
from source_servers import http_server

RECORDED = Path(__file__).parent.parent.parent / "shared/data/wire/article_html.tar.gz"
NOW = 1_772_900_000.0
WORDS = "The ferry on the river runs again from nine o'clock, said the harbour master today. " * 4
PAGE = """<!doctype html><html lang="en"><head><title>Ferry {n}</title>
<meta property="article:published_time" content="2026-03-07T09:00:00Z">
<meta name="author" content="Ann Lee">{head}</head>
<body><nav>Home | News</nav><article><h1>Ferry {n}</h1><p>{words}</p><p>Number {n}.</p></article>
</body></html>"""
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def page(n, head="", words=WORDS):
    return PAGE.format(n=n, head=head, words=words).encode()


def answer(n, **headers):
    return (200, {"Content-Type": "text/html; charset=utf-8"} | headers, page(n))


@pytest.fixture
def server():
    with http_server() as state:
        state.pages["/robots.txt"] = (404, {}, b"")
        yield state


def read(server, source, cursor=None):
    with Network(allow=[server.authority], politeness_s=0.0, retries=0) as net:
        return list(drive(source, cursor, network=net))


def one(server, cursor=None, path="/a", **options):
    source = Page(server.url(path), now=lambda: NOW, **options)
    (batch,) = read(server, source, cursor)
    return batch


def test_a_page(server):
    head = f'<link rel="canonical" href="{server.url("/ferry")}">'
    server.pages["/a"] = (200, {"Content-Type": "text/html"}, page(1, head))
    (post,) = one(server).posts
    assert post.id == post_id(server.url("/ferry"))
    assert post.url == server.url("/ferry")
    assert "harbour master" in post.text
    assert "Home | News" not in post.text
    assert (post.title, post.author) == ("Ferry 1", "Ann Lee")
    assert post.created_at is not None
    assert post.extra == {"shown_at": server.url("/a")}
    elsewhere = '<link rel="canonical" href="https://else.example/x">'
    server.pages["/a"] = (200, {"Content-Type": "text/html"}, page(1, elsewhere))
    assert one(server).posts[0].url == server.url("/a")


def test_an_unchanged_page_costs_one_conditional_request(server):
    server.pages["/a"] = answer(1, ETag='"1"')
    first = one(server)

    def unchanged(handler):
        assert handler.headers["If-None-Match"] == '"1"'
        return (304, {}, b"")

    server.pages["/a"] = unchanged
    assert one(server, first.cursor).posts == ()


def test_a_page_that_is_gone(server):
    head = f'<link rel="canonical" href="{server.url("/ferry")}">'
    server.pages["/a"] = (200, {"Content-Type": "text/html"}, page(1, head))
    first = one(server)
    server.pages["/a"] = (404, {}, b"")
    second = one(server, first.cursor)
    assert second.deletions == ()
    assert "not there" in second.set_aside[0].reason
    third = one(server, second.cursor)
    assert [gone.post for gone in third.deletions] == [post_id(server.url("/ferry"))]
    server.pages["/a"] = (410, {}, b"")
    assert [gone.reason for gone in one(server, first.cursor).deletions] == [
        "the page is gone (410)"
    ]


@pytest.mark.parametrize(
    ("headers", "head"),
    [
        ({"X-Robots-Tag": "noindex, nofollow"}, ""),
        ({}, '<meta name="robots" content="noindex">'),
        ({}, "<META content='nofollow, none' name=robots>"),
    ],
)
def test_pages_that_ask_not_to_be_indexed(server, headers, head):
    server.pages["/a"] = (200, {"Content-Type": "text/html"} | headers, page(1, head))
    batch = one(server)
    assert batch.posts == ()
    assert "not to be indexed" in batch.set_aside[0].reason
    assert len(batch.deletions) == 1


def test_what_is_no_page(server):
    for kind, body, words in (
        ("image/png", b"\x89PNG", "not a page"),
        ("text/html", b"<html></html>", "no main text"),
        ("application/pdf", b"%PDF-1.4 broken", "PDF cannot be read"),
    ):
        server.pages["/a"] = (200, {"Content-Type": kind}, body)
        assert words in one(server).set_aside[0].reason
    server.pages["/a"] = (
        200,
        {"Content-Type": "text/plain; charset=latin-1"},
        "Fähre".encode("latin-1"),
    )
    assert one(server).posts[0].text == "Fähre"
    server.pages["/robots.txt"] = (200, {}, b"User-agent: gnomon\nDisallow: /a\n")
    assert "forbids" in one(server).set_aside[0].reason
    server.pages["/b"] = (503, {}, b"")
    with pytest.raises(Unreachable):
        one(server, path="/b")


# -- sitemaps -------------------------------------------------------------------------------------


def urlset(server, *entries):
    rows = "".join(
        f"<url><loc>{server.url(path)}</loc>{f'<lastmod>{date}</lastmod>' if date else ''}</url>"
        for path, date in entries
    )
    return f'<?xml version="1.0"?><urlset {NS}>{rows}</urlset>'.encode()


def sitemap(server, cursor=None, path="/", **options):
    return read(server, Sitemap(server.url(path), now=lambda: NOW, **options), cursor)


def urls(batches):
    return [post.url.rpartition("/")[2] for batch in batches for post in batch.posts]


@pytest.fixture
def site(server):
    index = (
        f"<sitemapindex {NS}><sitemap><loc>{server.url('/one.xml.gz')}</loc></sitemap>"
        f"<sitemap><loc>{server.url('/two.xml')}</loc></sitemap></sitemapindex>"
    )
    server.pages["/robots.txt"] = (200, {}, f"Sitemap: {server.url('/index.xml')}\n".encode())
    server.pages["/index.xml"] = (200, {}, index.encode())
    ones = urlset(server, ("/p1", "2026-03-01"), ("/p2", "2026-03-05"))
    server.pages["/one.xml.gz"] = (200, {}, gzip.compress(ones))
    server.pages["/two.xml"] = (200, {}, urlset(server, ("/p3", ""), ("/p4", "2026-03-03")))
    for n in range(1, 6):
        server.pages[f"/p{n}"] = answer(n)
    return server


def test_an_index_newest_first_and_then_what_changed(site):
    first = sitemap(site)
    assert urls(first) == ["p2", "p4", "p1", "p3"]
    two = urlset(site, ("/p3", ""), ("/p4", "2026-03-09"), ("/p5", "2026-03-09"))
    site.pages["/two.xml"] = (200, {}, two)
    later = sitemap(site, first[-1].cursor)
    assert set(urls(later)) == {"p3", "p4", "p5"}
    asked = [path for path in site.paths() if path.startswith("/p")]
    assert asked.count("/p1") == asked.count("/p2") == 1


def test_every_cursor_is_a_place_to_go_on_from(site, monkeypatch):
    monkeypatch.setattr("gnomon.sources.pages.PAGES_A_BATCH", 1)
    whole = sitemap(site)
    for cut in range(1, len(whole)):
        rest = sitemap(site, whole[cut - 1].cursor)
        assert set(urls(whole[:cut] + rest)) == {"p1", "p2", "p3", "p4"}
        assert len(urls(rest)) < 5


def test_bounds_and_crawl_delay(site):
    assert urls(sitemap(site, most_pages=2)) == ["p2", "p4"]
    first = sitemap(site, most_pages=2)
    assert urls(sitemap(site, first[-1].cursor, most_pages=2)) == ["p1", "p3"]


def test_a_part_that_fails_does_not_stop_the_rest(site):
    site.pages["/two.xml"] = (404, {}, b"")
    site.pages["/p2"] = (500, {}, b"")
    batches = sitemap(site)
    assert urls(batches) == ["p1"]
    reasons = [aside.reason for batch in batches for aside in batch.set_aside]
    assert any("two.xml" in reason for reason in reasons)
    assert any("500" in reason for reason in reasons)


def test_other_hosts_pages_are_not_taken(site):
    body = urlset(site, ("/p3", "")).replace(b"</urlset>", b"<url><loc>http://else.example/x</loc>"
                                             b"</url></urlset>")  # fmt: skip
    site.pages["/two.xml"] = (200, {}, body)
    assert set(urls(sitemap(site))) == {"p1", "p2", "p3"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "b">]><urlset/>', "document type"),
        (b"<html><body>no</body></html>", "is no sitemap"),
        (b"<urlset><url>", "is no sitemap"),
    ],
)
def test_what_is_no_sitemap(server, body, error):
    server.pages["/s.xml"] = (200, {}, body)
    with pytest.raises(SourceError, match=error):
        sitemap(server, path="/s.xml")


def test_packed_and_plain_sitemaps(server):
    server.pages["/s.xml"] = (200, {}, gzip.compress(b" " * 80_000_000, 1))
    with pytest.raises(Refused, match="unpacks to more"):
        sitemap(server, path="/s.xml")
    server.pages["/p1"] = answer(1)
    server.pages["/s.txt"] = (200, {}, f"{server.url('/p1')}\nnot one\n".encode())
    assert urls(sitemap(server, path="/s.txt")) == ["p1"]
    cut = urlset(server, ("/p1", ""), ("/p2", ""))[:-30]
    assert read_sitemap(cut, "x")[1] == {server.url("/p1"): ""}


# -- recorded -------------------------------------------------------------------------------------


def test_recorded_pages(server):
    if not RECORDED.exists():
        pytest.skip("the development data is not here")
    with tarfile.open(RECORDED) as tar:
        members = [one for one in tar if one.isfile() and one.name.endswith((".html", ".html.gz"))]
        bodies = [tar.extractfile(one).read() for one in members[:12]]
    for n, body in enumerate(bodies):
        body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        server.pages[f"/p{n}"] = (200, {"Content-Type": "text/html"}, body)
    entries = [(f"/p{n}", "") for n in range(len(bodies))]
    server.pages["/s.xml"] = (200, {}, urlset(server, *entries))
    batches = sitemap(server, path="/s.xml")
    posts = [post for batch in batches for post in batch.posts]
    assert len(posts) >= len(bodies) - 2
    assert all(len(post.text) > 200 for post in posts)
    assert json.loads(batches[-1].cursor)["known"]

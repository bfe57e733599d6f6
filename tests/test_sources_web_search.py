"""Search engines for one question, over real local servers."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from gnomon.errors import InputError, SourceError
from gnomon.sources.network import Network
from gnomon.sources.web_search import WebSearch, search_web
from gnomon.types import Filter
from source_servers import http_server

NOW = 1_772_900_000.0
WORDS = "The ferry on the river runs again from nine o'clock, said the harbour master today. " * 4


@pytest.fixture
def server():
    with http_server() as state:
        state.pages["/robots.txt"] = (
            200,
            {},
            b"User-agent: *\nDisallow: /closed\nDisallow: /search",
        )
        yield state


@pytest.fixture
def pages(server):
    for name in ("a", "closed", "c"):
        body = f"<html><title>{name}</title><body><article><p>{WORDS}</p></article></body></html>"
        server.pages[f"/{name}"] = (200, {"Content-Type": "text/html"}, body.encode())
    return server


def look(server, timeout_s=10.0, **options):
    search = WebSearch(options.pop("question", "does the ferry run?"), now=lambda: NOW, **options)
    with Network(allow=[server.authority], politeness_s=0.0, retries=0) as net:
        return search_web(search, net, timeout_s=timeout_s)


def results(server, *names, words="content", **more):
    return [
        {"url": server.url(f"/{name}"), "title": f"On <b>{name}</b>", words: f"Snippet of {name}"}
        | more
        for name in names
    ]


def test_searxng(pages):
    answer = {"results": results(pages, "a", "closed", "gone", engine="wiki",
                                 publishedDate="2026-03-07T09:00:00")}  # fmt: skip
    pages.answer = lambda path: answer if path.startswith("/search?") else (404, {}, b"")
    posts, aside = look(pages, searxng=pages.url(""), lang="en")
    first, closed, gone = posts
    assert first.text.startswith("The ferry on the river")
    assert "snippet" not in first.extra
    assert first.id == f"web:{pages.url('/a').replace('http:', 'https:')}"
    assert first.source == "web:127.0.0.1"
    assert (closed.text, closed.title) == ("Snippet of closed", "On closed")
    assert closed.extra == {"snippet": True, "engine": "searxng:wiki"}
    assert gone.created_at == 1772874000.0
    reasons = [one.reason for one in aside]
    assert "forbids" in reasons[0]
    assert "answers 404" in reasons[1]
    query = parse_qs(urlsplit(pages.paths()[0]).query)
    assert query["q"] == ["does the ferry run?"]
    assert query["format"] == ["json"]


def test_brave(pages):
    web = results(pages, "a", words="description", extra_snippets=["More", "More"])
    news = results(pages, "c", words="description", page_age="2026-03-07T09:00:00")
    answer = {"web": {"results": web}, "news": {"results": news}}
    pages.answer = lambda path: answer
    posts, _ = look(pages, brave=pages.url(""), brave_key="key-1", pages=0, lang="zh",
                    where=Filter(since=NOW - 86400))  # fmt: skip
    assert posts[0].text == "Snippet of a\n\nMore"
    assert posts[1].extra == {"snippet": True, "engine": "brave"}
    asked = pages.seen[0]
    assert asked.headers["x-subscription-token"] == "key-1"
    assert "key-1" not in asked.path
    query = parse_qs(urlsplit(asked.path).query)
    assert query["freshness"] == ["2026-03-06to2026-03-07"]
    assert query["search_lang"] == ["zh-hans"]
    assert "key-1" not in repr(WebSearch("x", brave_key="key-1"))


def test_the_key_stays_with_the_engine(pages):
    pages.answer = lambda path: {"web": {"results": results(pages, "a", words="description")}}
    look(pages, brave=pages.url(""), brave_key="key-1")
    assert [one.path for one in pages.seen if "x-subscription-token" in one.headers] == [
        pages.seen[0].path
    ]


def test_sites_and_times(pages):
    rows = [
        *results(pages, "a"),
        {"url": "https://news.n.example/x", "title": "t", "content": "c"},
        {"url": "https://not-n.example/x", "title": "t", "content": "c"},
        {"url": "javascript:alert(1)", "title": "t", "content": "c"},
        {"url": "https://n.example/old", "content": "c", "publishedDate": "2020-01-01"},
        "no",
        {"url": 5},
    ]
    pages.answer = lambda path: {"results": rows}
    options = {"searxng": pages.url(""), "pages": 0}
    posts, _ = look(pages, sites=["n.example"], where=Filter(since=NOW - 9e6), **options)
    assert [post.url for post in posts] == ["https://news.n.example/x"]
    assert "site:n.example" in parse_qs(urlsplit(pages.paths()[0]).query)["q"][0]
    posts, _ = look(pages, not_sites=["www.n.example"], **options)
    assert len(posts) == 2


def test_what_it_says_when_it_cannot(pages):
    with pytest.raises(InputError, match="no search engine is set"):
        WebSearch("x")
    with pytest.raises(InputError, match="no question"):
        WebSearch(" ", searxng="https://s.example")
    for status, words in ((403, "settings.yml"), (404, "answers 404")):
        pages.answer = lambda path, status=status: (status, {}, b"")
        with pytest.raises(SourceError, match=words):
            look(pages, searxng=pages.url(""))
    pages.answer = lambda path: (401, {}, b"{}")
    with pytest.raises(SourceError, match="check brave_key"):
        look(pages, brave=pages.url(""), brave_key="wrong")


def test_a_result_does_not_lead_to_ones_own_servers(pages):
    with http_server() as own:
        own.pages["/admin"] = (200, {"Content-Type": "text/plain"}, b"secret")
        rows = [{"url": own.url("/admin"), "title": "t", "content": "Come in"}]
        pages.answer = lambda path: {"results": rows}
        search = WebSearch("x", searxng=pages.url(""), now=lambda: NOW)
        with Network(allow=[pages.authority, own.authority], politeness_s=0.0, retries=0) as net:
            posts, aside = search_web(search, net)
        assert not own.seen
    assert posts[0].text == "Come in"
    assert "your own" in aside[0].reason


def test_time_runs_out_at_the_snippets(pages):
    def slow(handler):
        time.sleep(0.5)
        return (200, {"Content-Type": "text/html"}, b"<p>late</p>")

    pages.pages["/a"] = slow
    rows = results(pages, "a", "c")
    pages.answer = lambda path: {"results": rows}
    posts, _ = look(pages, searxng=pages.url(""), timeout_s=0.2)
    assert [post.extra.get("snippet") for post in posts] == [True, True]

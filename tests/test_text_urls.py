"""One spelling for one page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.text.urls import canonical


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("HTTP://www.Example.com:80/a//b/?utm_source=x&b=2&a=1#part", "https://m.example.com/a/b?a=1&b=2"),
        ("https://amp.example.co.uk/x/amp/", "http://example.co.uk/x"),
        ("https://example.com/x?fbclid=1&gclid=2", "https://example.com/x/"),
        ("https://example.com", "https://example.com/index.html"),
        ("https://example.com/%7euser", "https://example.com/~user"),
        ("https://例え.jp/あ", "https://xn--r8jz45g.jp/%E3%81%82"),
        ("https://user:secret@example.com/a", "https://example.com/a"),
    ],
)  # fmt: skip
def test_same_page(a, b):
    assert canonical(a) == canonical(b) != ""


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("https://example.com/a?id=1", "https://example.com/a?id=2"),
        ("https://example.com/a", "https://example.com:8080/a"),
        ("https://example.com/a", "https://example.org/a"),
        ("https://example.com/#!/a", "https://example.com/#!/b"),
        ("https://news.example.com/a", "https://example.com/a"),
        ("https://github.com/x?ref=main", "https://github.com/x?ref=dev"),
    ],
)
def test_other_page(a, b):
    assert canonical(a) != canonical(b)


@pytest.mark.parametrize(
    "url", ["", "ftp://x/y", "mailto:a@b.c", "javascript:1", "//x", "http://", "https://a:99999/"]
)
def test_no_web_address(url):
    assert canonical(url) == ""


@given(st.text(max_size=60).map(lambda rest: "https://example.com/" + rest) | st.text(max_size=40))
def test_never_fails_and_is_stable(url):
    once = canonical(url)
    assert canonical(once) == once

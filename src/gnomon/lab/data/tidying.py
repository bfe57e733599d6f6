"""Links in a post: an address is nothing that a model should learn to make up."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from gnomon.lab.data.documents import Document

_MARKDOWN = re.compile(r"\[([^\]\n]{1,300})\]\((?:https?://|/)[^)\s]*(?: \"[^\"]*\")?\)")
_URL = re.compile(r"(?:https?://|\bwww\.)[^\s<>\"'，。、）\u3000]+", re.IGNORECASE)
_LAST = re.compile(r"(?:(?:\s[-–—|:·(\[])?\s?(?:https?://|www\.)[^\s<>\"]+)+\s*$", re.IGNORECASE)
_VIA = re.compile(r"(?:\s+(?:via|h/t|cc)\s+@\w+)+\s*$", re.IGNORECASE)
_SHORTENERS = frozenset("t.co bit.ly tinyurl.com ow.ly buff.ly goo.gl dlvr.it is.gd t.cn fb.me "
                        "youtu.be redd.it lnkd.in trib.al ift.tt".split())  # fmt: skip


def rule(document: Document) -> Document | str:
    """Markdown links become their words, links at the end go, others become their host's name
    ("nytimes.com"), or nothing where that is a shortener's."""
    text = document.text
    if "http" not in text and "www." not in text.lower() and "](" not in text:
        return document
    text = _MARKDOWN.sub(r"\1", text)
    text = "\n".join(_VIA.sub("", _LAST.sub("", line)) for line in text.split("\n"))
    text = _URL.sub(_host, text)
    text = re.sub(r"[ \t]{2,}", " ", re.sub(r"\n{3,}", "\n\n", text)).strip()
    return Document(text, document.id, document.metadata)


def _host(found: re.Match[str]) -> str:
    url = found.group()
    end = url[len(url.rstrip(".,;:!?)]")) :]
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        host = ""
    host = host.removeprefix("www.")
    return ("" if host in _SHORTENERS else host) + end

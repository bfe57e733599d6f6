"""Digests as an Atom feed (RFC 4287) and as RSS 2.0: one entry each, the page as its content."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree import ElementTree as Xml

from gnomon.digest.markdown import title_of
from gnomon.digest.page import counts, page
from gnomon.digest.words import when
from gnomon.types import Digest
from gnomon.wire import iso

ATOM = "http://www.w3.org/2005/Atom"
# Characters that XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom(digests: Sequence[Digest], *, base: str) -> str:
    """The feed of ``digests``, newest first. ``base`` begins our own addresses."""
    Xml.register_namespace("", ATOM)
    feed = Xml.Element(f"{{{ATOM}}}feed")
    _add(feed, "id", f"{base}/digests")
    _add(feed, "title", "gnomon")
    _add(feed, "updated", iso(max((d.made_at for d in digests), default=time.time())) or "")
    for rel, path in (("self", "/digests.atom"), ("alternate", "/digests")):
        Xml.SubElement(feed, f"{{{ATOM}}}link", rel=rel, href=base + path)
    author = Xml.SubElement(feed, f"{{{ATOM}}}author")
    _add(author, "name", "gnomon")
    for digest in digests:
        entry = Xml.SubElement(feed, f"{{{ATOM}}}entry")
        _add(entry, "id", f"urn:sha256:{digest.id}")
        _add(entry, "title", _title(digest))
        _add(entry, "updated", iso(digest.made_at) or "")
        Xml.SubElement(
            entry, f"{{{ATOM}}}link", rel="alternate", href=f"{base}/digests/{digest.id}"
        )
        _add(entry, "summary", counts(digest))
        _add(entry, "content", page(digest, base=base)).set("type", "html")
    return _written(feed)


def rss(digests: Sequence[Digest], *, base: str) -> str:
    """The same as RSS 2.0 (https://www.rssboard.org/rss-specification)."""
    root = Xml.Element("rss", version="2.0")
    channel = Xml.SubElement(root, "channel")
    for name, text in (
        ("title", "gnomon"),
        ("link", f"{base}/digests"),
        ("description", "What was spoken of, each sentence checked."),
    ):
        Xml.SubElement(channel, name).text = text
    for digest in digests:
        item = Xml.SubElement(channel, "item")
        Xml.SubElement(item, "title").text = _clean(_title(digest))
        Xml.SubElement(item, "link").text = f"{base}/digests/{digest.id}"
        Xml.SubElement(item, "guid", isPermaLink="false").text = digest.id
        made = datetime.fromtimestamp(digest.made_at, UTC)
        Xml.SubElement(item, "pubDate").text = format_datetime(made)
        Xml.SubElement(item, "description").text = _clean(page(digest, base=base))
    return _written(root)


def _title(digest: Digest) -> str:
    head = f": {digest.title}" if digest.title else ""
    return f"{title_of(digest)} {when(digest.until)}{head}"


def _add(parent: Xml.Element, name: str, text: str) -> Xml.Element:
    made = Xml.SubElement(parent, f"{{{ATOM}}}{name}")
    made.text = _clean(text)
    return made


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _written(root: Xml.Element) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"
    )

"""Web pages, one by one or by a site's sitemap (https://www.sitemaps.org/protocol.html).

A page is one post: its main text, its own title, author and date. It is asked for again only where
it may have changed (conditional requests, the sitemap's ``lastmod``); a page that is gone is
deleted here, and one that says ``noindex`` is not taken in.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat

from gnomon.errors import InputError, Refused, SourceError, Unreachable
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.asking import Asker, Asking, rounds
from gnomon.sources.contract import Fetch, Response, Steps
from gnomon.sources.documents import read_html, read_pdf, read_text
from gnomon.sources.flowing import flowing
from gnomon.sources.gather import Gathered
from gnomon.sources.shapes import array, authority, joined, mapping, moment, string
from gnomon.text.urls import canonical
from gnomon.types import Deletion, Post, SetAside

ACCEPT = "text/html, application/xhtml+xml, application/pdf;q=0.8, text/plain;q=0.7, */*;q=0.1"
MOST_SITEMAPS = 200
MOST_URLS = 50_000  # of one sitemap, by its protocol
MOST_SITEMAP_BYTES = 50 * 2**20
PAGES_A_BATCH = 50
# What is remembered of each page goes into the cursor, and that with each batch to the disk.
MOST_KNOWN = 5000
# A page that answers 404 once may be back tomorrow; 410 says that it will not.
MISSES = 2
_ROBOTS_META = re.compile(
    r"<meta\b(?=[^>]*\bname\s*=\s*[\"']?(?:robots|gnomon)\b)(?=[^>]*\bcontent\s*=\s*[\"']?[^\"'>]*"
    r"\b(?:noindex|none)\b)[^>]*>",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a page: what makes the next request conditional, how often in a row it
    was missing, the sitemap's date when it was read, and its post's id where the page names
    another address as its own."""

    etag: str = ""
    modified: str = ""
    misses: int = 0
    lastmod: str = ""
    id: str = ""

    def written(self) -> list[Any]:
        return [self.etag, self.modified, self.misses, self.lastmod, self.id]

    @classmethod
    def read(cls, value: Any) -> Known:
        match value:
            case [str(etag), str(modified), int(misses), str(lastmod), str(own)]:
                return cls(etag, modified, misses, lastmod, own)
        return cls()


def post_id(url: str) -> str:
    """``page:<url>``, in the one spelling under which pages are compared."""
    return f"page:{canonical(url) or url}"


def page_post(response: Response, *, source: str, fetched_at: float) -> Post:
    """The Post of a page that came (status 200). Raises InputError where there is no text, or the
    page asks not to be indexed."""
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    tag = response.headers.get("x-robots-tag", "").lower()
    body = response.body
    if re.search(r"(?:^|[,\s])(?:noindex|none)\b", tag):
        raise InputError("the page asks not to be indexed (X-Robots-Tag); it is not taken in.")
    if kind == "application/pdf" or body.startswith(b"%PDF-"):
        fields = flowing(read_pdf(body), "pdf")
    elif kind == "text/plain":
        fields = flowing(read_text(body.decode(_charset(response), "replace")), "text")
    elif kind in ("", "text/html", "application/xhtml+xml", "application/xml", "text/xml"):
        if _ROBOTS_META.search(body[:200_000].decode("utf-8", "replace")):
            raise InputError("the page asks not to be indexed (meta robots); it is not taken in.")
        fields = read_html(body, response.url)
    else:
        raise InputError(f"it is {kind[:60]!r}, not a page; give addresses of HTML, text or PDF.")
    url = _own_url(string(fields.pop("url", "")), response.url)
    extra = dict(fields.pop("extra", {}))
    if url != response.url:
        extra["shown_at"] = response.url
    return Post(
        id=post_id(url), source=source, fetched_at=fetched_at, url=url, extra=extra, **fields
    )


def _own_url(stated: str, fetched: str) -> str:
    """The page's canonical address, if it is one of the same site: a page may not speak for
    another's."""
    same = authority(canonical(stated)) == authority(canonical(fetched))
    return stated if stated and same else fetched


def _charset(response: Response) -> str:
    stated = re.search(r"charset=[\"']?([\w.-]+)", response.headers.get("content-type", ""))
    try:
        return codecs.lookup(stated[1]).name if stated else "utf-8"
    except LookupError:
        return "utf-8"


class Reader:
    """Reads pages and remembers them; shared by the two sources."""

    def __init__(self, name: str, limits: Limits, now: Callable[[], float]) -> None:
        self.known: dict[str, Known] = {}
        self._name = name
        self._limits = limits
        self._now = now
        self._asker = Asker(now)

    def look(self, url: str, lastmod: str = "") -> Asking[list[Post | SetAside | Deletion]]:
        """What a page brings. Raises Unreachable; what our own rules forbid is set aside."""
        key = _short(url)
        known = self.known.get(key, Known())
        request = Fetch(url, {"accept": ACCEPT}, etag=known.etag, modified=known.modified)
        now = self._now()
        try:
            response = yield from self._asker.ask(request)
        except Refused as error:
            return [set_aside(self._name, url, str(error), now)]
        if response.status == 304:
            self.known[key] = Known(known.etag, known.modified, 0, lastmod, known.id)
            return []
        if response.status in (404, 410):
            return self._missing(url, key, known, response.status)
        if response.status != 200:
            reason = f"{quoted(url)} answers {response.status}; it is looked at again later."
            return [set_aside(self._name, url, reason, now)]
        etag, modified = (response.headers.get(one, "") for one in ("etag", "last-modified"))
        self.known[key] = Known(etag, modified, 0, lastmod, known.id)
        try:
            post = page_post(response, source=self._name, fetched_at=now)
        except InputError as error:
            made: list[Post | SetAside | Deletion] = [set_aside(self._name, url, str(error), now)]
            if "not to be indexed" in str(error):
                gone = known.id or post_id(url)
                made.append(Deletion(self._name, now, post=gone, reason=str(error)))
            return made
        own = post.id if post.id != post_id(url) else ""
        self.known[key] = Known(etag, modified, 0, lastmod, own)
        return [admit(post, now=now, limits=self._limits) or post]

    def _missing(
        self, url: str, key: str, known: Known, status: int
    ) -> list[Post | SetAside | Deletion]:
        now = self._now()
        if status == 410 or known.misses + 1 >= MISSES:
            self.known.pop(key, None)
            reason = f"the page is gone ({status})"
            return [Deletion(self._name, now, post=known.id or post_id(url), reason=reason)]
        self.known[key] = Known("", "", known.misses + 1, "", known.id)
        reason = (
            f"{quoted(url)} is not there ({status}); if it is not at the next look, it is gone."
        )
        return [set_aside(self._name, url, reason, now)]


@dataclass
class Page:
    """``url`` of one page. ``every_s`` None looks once."""

    url: str
    every_s: float | None = None
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.name = f"page:{self.url}"
        self._reader = Reader(self.name, self.limits, self.now)

    def steps(self, cursor: str | None) -> Steps:
        """Raises SourceError (Unreachable) where the page cannot be had now."""
        self._reader.known = _read_known(cursor)
        yield from rounds(self._round, self.every_s)

    def _round(self) -> Steps:
        full = Gathered(self.name)
        for thing in (yield from self._reader.look(self.url)):
            full.add(thing)
        known = {key: one.written() for key, one in self._reader.known.items()}
        yield full.take(json.dumps({"known": known}, separators=(",", ":")))


@dataclass
class Sitemap:
    """``url`` of a sitemap, of an index of them, or of a site (then robots.txt names it, or it is
    at /sitemap.xml). ``most_pages`` bounds one look: the newest come first, the rest at the next.
    """

    url: str
    every_s: float | None = None
    limits: Limits = DEFAULT_LIMITS
    most_pages: int = 500
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.name = f"sitemap:{self.url}"
        self._reader = Reader(self.name, self.limits, self.now)
        self._asker = Asker(self.now)

    def steps(self, cursor: str | None) -> Steps:
        """Raises SourceError where there is no sitemap."""
        self._reader.known = _read_known(cursor)
        yield from rounds(self._round, self.every_s)

    def _round(self) -> Steps:
        pages, aside = yield from self._pages()
        full = Gathered(self.name)
        if len(pages) > MOST_KNOWN:
            newest = sorted(pages, key=lambda url: moment(pages[url]) or 0.0, reverse=True)
            reason = f"it names {len(pages):,} pages; only the newest {MOST_KNOWN:,} are followed."
            full.add(set_aside(self.name, self.url, reason, self.now()))
            pages = {url: pages[url] for url in newest[:MOST_KNOWN]}
        for one in aside:
            full.add(one)
        known = self._reader.known
        fresh = {url: date for url, date in pages.items() if self._is_due(url, date)}
        order = sorted(fresh, key=lambda url: moment(fresh[url]) or 0.0, reverse=True)
        for n, url in enumerate(order[: self.most_pages], 1):
            try:
                things = yield from self._reader.look(url, fresh[url])
            except Unreachable as error:
                things = [set_aside(self.name, url, str(error), self.now())]
            for thing in things:
                full.add(thing)
            if n % PAGES_A_BATCH == 0 or full.ready:
                yield full.take(self._cursor())
        listed = {_short(url) for url in pages}
        if not aside:  # else a part of the sitemap is missing, and its pages are not forgotten
            for key in [key for key in known if key not in listed]:
                del known[key]
        yield full.take(self._cursor())

    def _is_due(self, url: str, date: str) -> bool:
        """Not read yet, or dated anew; what carries no date is asked for conditionally."""
        known = self._reader.known.get(_short(url))
        return known is None or not date or known.lastmod != date or known.misses > 0

    def _cursor(self) -> str:
        known = {key: one.written() for key, one in self._reader.known.items()}
        return json.dumps({"known": known}, separators=(",", ":"))

    def _pages(self) -> Asking[tuple[dict[str, str], list[SetAside]]]:
        """The pages' addresses with their dates ("" where none is given), and what was wrong."""
        queue = yield from self._start()
        pages: dict[str, str] = {}
        aside: list[SetAside] = []
        seen: set[str] = set()
        host = authority(self.url)
        while queue and len(seen) < MOST_SITEMAPS:
            url = queue.pop(0)
            if url in seen:
                continue
            seen.add(url)
            try:
                inner, found = yield from self._sitemap(url)
            except SourceError as error:
                if len(seen) == 1 and not queue:
                    raise
                aside.append(set_aside(self.name, url, str(error), self.now()))
                continue
            queue += inner
            for page, date in found.items():
                # A sitemap speaks for its own host only.
                if authority(page) == host:
                    pages.setdefault(page, date)
        return pages, aside

    def _start(self) -> Asking[list[str]]:
        parts = urlsplit(self.url)
        if parts.path not in ("", "/"):
            return [self.url]
        site = f"{parts.scheme}://{parts.netloc}"
        response = yield from self._asker.ask(Fetch(f"{site}/robots.txt", robots=False))
        text = response.body.decode("utf-8", "replace") if response.status == 200 else ""
        named = re.findall(r"^\s*sitemap\s*:\s*(\S+)", text, re.IGNORECASE | re.MULTILINE)
        return [joined(site, one) for one in named] or [f"{site}/sitemap.xml"]

    def _sitemap(self, url: str) -> Asking[tuple[list[str], dict[str, str]]]:
        elsewhere = authority(url) != authority(self.url)
        response = yield from self._asker.ask(
            Fetch(url, max_bytes=MOST_SITEMAP_BYTES, stranger=elsewhere)
        )
        if response.status != 200:
            raise SourceError(f"{quoted(url)} answers {response.status}; check the address.")
        body = response.body
        if body.startswith(b"\x1f\x8b"):
            body = _unpacked(body, url)
        if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            return read_sitemap(body, url)
        lines = body.decode("utf-8", "replace").split()
        return [], {one: "" for one in lines[:MOST_URLS] if one.startswith(("http://", "https://"))}


def read_sitemap(body: bytes, url: str) -> tuple[list[str], dict[str, str]]:
    """(sitemaps that an index names, pages with their dates). Raises SourceError where it is no
    sitemap, declares a document type or entities, or is damaged before its first entry."""
    inner: list[str] = []
    pages: dict[str, str] = {}
    stack: list[str] = []
    entry: dict[str, str] = {}

    def begin(tag: str, attributes: Mapping[str, str]) -> None:
        stack.append(tag.rpartition(":")[2])
        if stack[-1] in ("url", "sitemap"):
            entry.clear()

    def words(text: str) -> None:
        if len(stack) == 3 and stack[-1] in ("loc", "lastmod"):
            entry[stack[-1]] = (entry.get(stack[-1], "") + text)[:4000]

    def end(tag: str) -> None:
        closed = stack.pop()
        loc = entry.get("loc", "").strip()
        if closed not in ("url", "sitemap") or not loc:
            return
        if closed == "sitemap":
            inner.append(joined(url, loc))
        elif len(pages) < MOST_URLS:
            pages[joined(url, loc)] = entry.get("lastmod", "").strip()

    def refuse(*args: object) -> None:
        raise SourceError(f"{quoted(url)} declares a document type or entities; no sitemap does.")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = words
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if not (inner or pages):
            raise SourceError(f"{quoted(url)} is no sitemap ({error}); check it.") from error
    if not (inner or pages) and b"urlset" not in body[:2000] and b"sitemapindex" not in body[:2000]:
        raise SourceError(f"{quoted(url)} is no sitemap; give the address of one.")
    return inner[:MOST_SITEMAPS], pages


def _unpacked(body: bytes, url: str) -> bytes:
    unpack = zlib.decompressobj(wbits=31)
    try:
        data = unpack.decompress(body, MOST_SITEMAP_BYTES + 1)
    except zlib.error as error:
        raise Unreachable(f"{quoted(url)} came damaged ({error}); try again.") from error
    if len(data) > MOST_SITEMAP_BYTES:
        raise Refused(f"{quoted(url)} unpacks to more than {MOST_SITEMAP_BYTES:,} bytes.")
    return data


def _short(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:12]


def _read_known(cursor: str | None) -> dict[str, Known]:
    try:
        value = mapping(mapping(json.loads(cursor or "{}")).get("known"))
    except ValueError:
        return {}
    return {key: Known.read(array(one)) for key, one in value.items()}

"""A web search engine as a source for one question: SearXNG (one's own) or Brave (by key).

https://docs.searxng.org/dev/search_api.html, https://api-dashboard.search.brave.com/app/documentation.
Off unless the owner configured one: the question leaves this machine. Each result becomes a post
of source ``web:<host>`` that holds the engine's snippet and says so; the first few pages are read
themselves, where their robots.txt allows it, and then the page's own words stand there instead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from gnomon.errors import InputError, SourceError
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, quoted, set_aside
from gnomon.sources.asking import Asker, Asking
from gnomon.sources.contract import Fetch, Response, Steps
from gnomon.sources.driver import drive
from gnomon.sources.gather import Gathered
from gnomon.sources.markup import plain_text
from gnomon.sources.pages import ACCEPT, page_post
from gnomon.sources.shapes import (
    array,
    authority,
    body_json,
    filled,
    mapping,
    mappings,
    moment,
    name_of,
    string,
    strings,
)
from gnomon.text.urls import canonical
from gnomon.types import Filter, Post, SetAside

if TYPE_CHECKING:
    from gnomon.sources.network import Network

BRAVE = "https://api.search.brave.com"
MOST_RESULTS = 20  # Brave's most for one request
MOST_QUESTION_CHARS = 400  # Brave's most
PAGE_TIMEOUT_S = 8.0
PAGE_BYTES = 4_000_000


def post_id(url: str) -> str:
    """``web:<url>``, in the one spelling under which pages are compared."""
    return f"web:{canonical(url) or url}"


@dataclass
class WebSearch:
    """One question to a search engine: ``searxng`` is an instance's URL, ``brave_key`` a key for
    Brave; SearXNG comes first where both are set. ``results`` are taken, ``pages`` of them read.
    ``where`` bounds the time; ``sites`` and ``not_sites`` are hosts, their subdomains included.
    """

    question: str
    searxng: str = ""
    brave_key: str = field(default="", repr=False)
    results: int = 10
    pages: int = 4
    lang: str = ""
    where: Filter = field(default_factory=Filter)
    sites: Sequence[str] = ()
    not_sites: Sequence[str] = ()
    limits: Limits = DEFAULT_LIMITS
    brave: str = BRAVE
    now: Callable[[], float] = time.time
    name: str = field(default="web-search", init=False)

    def __post_init__(self) -> None:
        self.question = " ".join(self.question.split())[:MOST_QUESTION_CHARS]
        if not self.question:
            raise InputError("there is no question to search the web for; give one.")
        if not (self.searxng or self.brave_key):
            raise InputError(
                "no search engine is set; set searxng_url to an instance of yours, or brave_key."
            )
        self._asker = Asker(self.now, patience_s=PAGE_TIMEOUT_S)

    def steps(self, cursor: str | None) -> Steps:
        """One batch with all snippets, then one for each page that was read. Raises SourceError
        where the engine does not answer."""
        found = yield from (self._searxng() if self.searxng else self._brave())
        found = [one for one in found if self._wanted(one)][: self.results]
        full, taken = Gathered(self.name), []
        now = self.now()
        for snippet in found:
            refused = admit(snippet, now=now, limits=self.limits)
            full.add(refused or snippet)
            if refused is None or not snippet.text:
                taken.append(snippet)
        yield full.take(None)
        for snippet in taken[: self.pages]:
            full.add((yield from self._page(snippet)))
            yield full.take(None)

    def _page(self, snippet: Post) -> Asking[Post | SetAside]:
        """The page itself, under the snippet's id."""
        now = self.now()
        engine = authority(self.searxng if self.searxng else self.brave)
        request = Fetch(
            snippet.url,
            {"accept": ACCEPT},
            max_bytes=PAGE_BYTES,
            timeout_s=PAGE_TIMEOUT_S,
            stranger=authority(snippet.url) != engine,
        )
        try:
            response = yield from self._asker.ask(request)
            if response.status != 200:
                raise SourceError(f"{quoted(snippet.url)} answers {response.status}")
            post = page_post(response, source=snippet.source, fetched_at=now)
        except (SourceError, InputError) as error:
            reason = f"only the search engine's snippet is held: {str(error)[:300]}"
            return set_aside(self.name, snippet.id, reason, now)
        post = replace(
            post,
            id=snippet.id,
            title=post.title or snippet.title,
            created_at=snippet.created_at if post.created_at is None else post.created_at,
            lang=post.lang or snippet.lang,
            extra={**post.extra, "engine": snippet.extra["engine"]},
        )
        return admit(post, now=now, limits=self.limits) or post

    # -- the engines --------------------------------------------------------------------------

    def _searxng(self) -> Asking[list[Post]]:
        pairs = {"q": self._query(), "format": "json", "safesearch": "0" if self._adult else "1"}
        if self.lang:
            pairs["language"] = self.lang
        if self.where.since is not None and self.where.until is None:
            age = self.now() - self.where.since
            spans = (("day", 86400.0), ("week", 7 * 86400.0), ("month", 31 * 86400.0))
            span = next((name for name, length in spans if age <= length), "year")
            if age <= 366 * 86400.0:
                pairs["time_range"] = span
        base = self.searxng.rstrip("/").removesuffix("/search")
        url = f"{base}/search?{urlencode(pairs)}"
        # The owner's own instance, or one that the owner may ask: robots.txt is for crawlers.
        response = yield from self._asker.ask(Fetch(url, _JSON, robots=False))
        if response.status == 403:
            raise SourceError(
                f"{quoted(base)} refuses (403); allow 'json' under search: formats: in the "
                "settings.yml of that SearXNG."
            )
        results = mappings(mapping(_answer(response, base)).get("results"))
        return [
            self._snippet(
                one, "content", one.get("publishedDate"), f"searxng:{string(one.get('engine'))}"
            )
            for one in results
        ]

    def _brave(self) -> Asking[list[Post]]:
        pairs = {
            "q": self._query(),
            "count": str(MOST_RESULTS),
            "safesearch": "off" if self._adult else "moderate",
            "text_decorations": "false",
            "extra_snippets": "true",
        }
        if self.lang:
            pairs["search_lang"] = {"zh": "zh-hans", "ja": "jp"}.get(self.lang, self.lang)
        if self.where.since is not None or self.where.until is not None:
            start = 0.0 if self.where.since is None else self.where.since
            end = self.now() if self.where.until is None else self.where.until
            pairs["freshness"] = f"{_day(start)}to{_day(end)}"
        url = f"{self.brave}/res/v1/web/search?{urlencode(pairs)}"
        headers = {**_JSON, "x-subscription-token": self.brave_key}
        response = yield from self._asker.ask(Fetch(url, headers, robots=False))
        if response.status in (401, 403, 422):
            raise SourceError(f"Brave refuses the key ({response.status}); check brave_key.")
        page = mapping(_answer(response, "Brave"))
        kinds = [mappings(mapping(page.get(kind)).get("results")) for kind in ("web", "news")]
        return [
            self._snippet(one, "description", one.get("page_age"), "brave")
            for one in (*kinds[0], *kinds[1])
        ]

    @property
    def _adult(self) -> bool:
        return self.limits.adult

    def _query(self) -> str:
        only = " OR ".join(f"site:{site}" for site in self.sites)
        without = "".join(f" -site:{site}" for site in self.not_sites)
        return f"{self.question}{f' ({only})' if only else ''}{without}"

    def _snippet(self, one: Mapping[str, Any], words: str, date: Any, engine: str) -> Post:
        url = name_of(one.get("url"))
        more = [string(piece) for piece in array(one.get("extra_snippets"))]
        pieces = strings(plain_text(text) for text in (string(one.get(words)), *more))
        picture = string(one.get("img_src")) or string(mapping(one.get("thumbnail")).get("src"))
        host = authority(url).rpartition("@")[2].partition(":")[0].lower()
        return Post(
            id=post_id(url),
            text="\n\n".join(pieces),
            source=f"web:{host}",
            fetched_at=self.now(),
            author=host,
            created_at=moment(date),
            title=plain_text(string(one.get("title"))),
            lang=string(one.get("language"))[:8],
            url=url,
            media=strings([picture]),
            extra=filled(snippet=True, engine=engine.rstrip(":")),
        )

    def _wanted(self, post: Post) -> bool:
        host = post.source.removeprefix("web:")
        if not host or not post.url.startswith(("http://", "https://")):
            return False
        if self.sites and not any(_within(host, site) for site in self.sites):
            return False
        if any(_within(host, site) for site in self.not_sites):
            return False
        at = post.created_at
        if at is None:
            return True
        since, until = self.where.since, self.where.until
        return (since is None or at >= since) and (until is None or at < until)


def search_web(
    search: WebSearch, network: Network, *, timeout_s: float = 20.0
) -> tuple[tuple[Post, ...], tuple[SetAside, ...]]:
    """What the web says to a question: each page once, in its own words where it was read in time,
    else as the engine's snippet (``extra["snippet"]`` is True). And what was not taken, and why.

    Raises SourceError where the engine cannot be asked. What was not read when ``timeout_s`` were
    over is left at its snippet.
    """
    stop, lock = threading.Event(), threading.Lock()
    posts: dict[str, Post] = {}
    aside: list[SetAside] = []
    failed: list[SourceError] = []

    def look() -> None:
        try:
            for batch in drive(search, None, network=network, stop=stop):
                with lock:
                    posts.update((post.id, post) for post in batch.posts)
                    aside.extend(batch.set_aside)
        except SourceError as error:
            failed.append(error)

    # In a thread of its own: a request under way ends at its own deadline, not at ours.
    looking = threading.Thread(target=look, name="web search", daemon=True)
    looking.start()
    looking.join(timeout_s)
    stop.set()
    with lock:
        found, left = tuple(posts.values()), tuple(aside)
    if failed:
        raise failed[0]
    if looking.is_alive() and not (found or left):
        raise SourceError(
            f"the search engine gave no answer within {timeout_s:g} s; see that it runs."
        )
    return found, left


_JSON = {"accept": "application/json"}


def _answer(response: Response, engine: str) -> Any:
    if response.status != 200:
        raise SourceError(f"{quoted(engine)} answers {response.status}; check the setting.")
    return body_json(response)


def _within(host: str, site: str) -> bool:
    site = site.lower().removeprefix("www.").strip(".")
    return host == site or host.endswith(f".{site}")


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(max(0.0, seconds), UTC).strftime("%Y-%m-%d")

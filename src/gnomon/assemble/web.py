"""The web, asked for one question, where the owner set a search engine and the asker allows it.

The question is what leaves this machine, and it leaves only then. What comes is taken in like
anything that is pulled, as posts of source ``web:HOST``; what fails is told as a step, and the
answer goes on from what is held.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gnomon.config import Config
from gnomon.errors import GnomonError
from gnomon.ingest import take
from gnomon.sources.admission import Limits
from gnomon.sources.guard import place_of
from gnomon.sources.web_search import BRAVE, WebSearch, search_web
from gnomon.store.contract import Store
from gnomon.truth import phrases
from gnomon.types import Batch, Filter, Post, QueryPlan, Revision, SetAside, Step

if TYPE_CHECKING:
    from gnomon.sources.network import Network

STEP = "web"
DEADLINE_S = 10.0
"""For the search and all pages together."""
LANE_WAIT_S = 5.0
"""For other sources' batches, before what was found is left out of the answer."""
SOURCE = "web-search"
_UNTIL = "snippet_until"
# A question about the present has an end of its own, the moment it was asked.
_PRESENT_S = 60.0


class Web:
    """Asks the owner's search engine. ``lane(wait_s)`` keeps other batches away while something is
    written, or raises StoreError; ``why_not`` is the phrase for why nothing may be taken in, ""
    where it may; ``room`` are the bytes and the seconds that retention may drop to. Thread-safe."""

    def __init__(
        self,
        config: Config,
        store: Store,
        lane: Callable[[float], AbstractContextManager[None]],
        limits: Callable[[], Limits],
        *,
        why_not: str = "",
        room: tuple[int, float] = (0, 0.0),
        deadline_s: float = DEADLINE_S,
        brave: str = BRAVE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._store = store
        self._lane = lane
        self._limits = limits
        self._why_not = why_not
        self._room = room
        self._deadline_s = deadline_s
        self._brave = brave
        self._clock = clock
        self._lock = threading.Lock()
        self._network: Network | None = None
        self.trouble = ""
        """Why the last search failed, "" where it did not."""

    @property
    def engine(self) -> str:
        """The host that is asked, "" where the owner set none."""
        return engine_host(self._config, self._brave)

    def look(self, plan: QueryPlan) -> Iterator[Step]:
        """Ask the engine and take in what it finds, as steps: where the question goes, then what
        came of it. No step where no engine is set."""
        host, lang = self.engine, plan.lang
        if not host:
            return
        if why_not := self._why_not or _unwanted(plan.where):
            why = phrases.say(why_not, lang)
            yield _step("web not", lang, {"searched": False}, why=why)
            return
        told = {"engine": host, "question": plan.question, "searched": True}
        yield _step("web asks", lang, told, host=host)
        try:
            posts, aside = search_web(
                self._search(plan), self._shared(), timeout_s=self._deadline_s
            )
            posts = self._taken(posts, aside)
        except GnomonError as error:
            self.trouble = str(error)
            yield _step("web fails", lang, {**told, "error": self.trouble}, why=self.trouble)
            return
        self.trouble = ""
        sites = Counter(post.source.removeprefix("web:") for post in posts)
        read = sum(not post.extra.get("snippet") for post in posts)
        told |= {"results": len(posts), "sites": dict(sites), "read": read}
        named = ("、" if lang == "zh" else ", ").join(sites) or host
        yield _step("web found", lang, told, n=len(posts), read=read, sites=named)

    def close(self) -> None:
        with self._lock:
            if self._network is not None:
                self._network.close()

    # -- searching ------------------------------------------------------------------------------
    def _search(self, plan: QueryPlan) -> WebSearch:
        where, config = plan.where, self._config
        if where.until is not None and where.until >= self._clock() - _PRESENT_S:
            where = replace(where, until=None)
        asked = tuple(one.removeprefix("web:") for one in where.sources if one.startswith("web:"))
        return WebSearch(
            plan.question,
            searxng=config.searxng_url,
            brave_key=config.brave_key,
            lang=where.langs[0] if len(where.langs) == 1 else "",
            where=where,
            sites=asked or where.domains,
            not_sites=where.not_domains,
            limits=self._limits(),
            brave=self._brave,
            now=self._clock,
        )

    def _shared(self) -> Network:
        """One network for all questions: so its politeness holds for two at once, too. The engine
        is one of the owner's own servers, which may be private."""
        from gnomon.sources.network import Network

        with self._lock:
            if self._network is None:
                config = self._config
                own = (place_of(config.searxng_url).authority,) if config.searxng_url else ()
                self._network = Network(
                    contact=config.contact,
                    allow=(*config.allow, *own),
                    proxy=config.proxy,
                    retries=1,
                )
            return self._network

    # -- taking in ------------------------------------------------------------------------------
    def _taken(self, posts: Sequence[Post], aside: Sequence[SetAside]) -> tuple[Post, ...]:
        """Write what was found, durably and searchable; what is held of it now. Raises
        StoreError."""
        with self._lane(LANE_WAIT_S):
            held = self._store.get_many([post.id for post in posts])
            now = tuple(settled(post, held.get(post.id)) for post in posts)
            fresh = tuple(post for post in now if post is not held.get(post.id))
            batch = Batch(SOURCE, posts=fresh, set_aside=tuple(aside))
            take(batch, self._store, max_bytes=self._room[0], max_age_s=self._room[1])
            self._store.refresh()
            found = self._store.get_many([post.id for post in now])
        return tuple(found[post.id] for post in now if post.id in found)


def settled(post: Post, held: Post | None) -> Post:
    """``post`` as it is to be held where ``held`` is: a page stays where only a snippet came, and
    snippets for different questions stand together. One page is one post, or its pieces would
    count as independent voices."""
    if held is None:
        return post
    if not post.extra.get("snippet"):
        until = post.fetched_at if held.extra.get("snippet") else held.extra.get(_UNTIL)
        return post if until is None else replace(post, extra={**post.extra, _UNTIL: until})
    if not held.extra.get("snippet"):
        return held
    more = [piece for piece in post.text.split("\n\n") if piece not in held.text]
    if not more:
        return held
    return replace(post, title=held.title or post.title, text="\n\n".join((held.text, *more)))


def edits(post: Post, revisions: Sequence[Revision]) -> tuple[Revision, ...]:
    """Those of ``revisions`` that the author made: not the pieces that an engine gave of a page."""
    if post.extra.get("snippet"):
        return ()
    until = post.extra.get(_UNTIL)
    if not isinstance(until, int | float):
        return tuple(revisions)
    return tuple(one for one in revisions if one.replaced_at > until)


def engine_host(config: Config, brave: str = BRAVE) -> str:
    """The host of the search engine that the owner set; "" where none is."""
    url = config.searxng_url or (brave if config.brave_key else "")
    return urlsplit(url).hostname or url


def _unwanted(where: Filter) -> str:
    """Why nothing on the web could come up under ``where``: a key of ``phrases``, or ""."""
    sources = where.sources and not any(one.startswith("web:") for one in where.sources)
    return "web elsewhere" if sources or where.authors else ""


def _step(key: str, lang: str, data: Mapping[str, object], **values: object) -> Step:
    return Step(STEP, phrases.say(key, lang, **values), data)

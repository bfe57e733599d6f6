"""The assembled product: what the command line and the server work with.

It satisfies ``serve.contract.Engine``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cached_property, partial
from types import TracebackType
from typing import IO, Any, Self

from gnomon import __version__, journal, sample
from gnomon.assemble import checking
from gnomon.assemble.background import Background
from gnomon.assemble.library import Library
from gnomon.assemble.library import Limits as UploadLimits
from gnomon.assemble.models import Models, model_rows
from gnomon.assemble.setup import Setup
from gnomon.assemble.trust import for_documents, trust_facts
from gnomon.assemble.unkept import Forgiving
from gnomon.config import Config
from gnomon.errors import GnomonError, InputError, ModelError, NotFound, StoreError, StoreFull
from gnomon.ingest import Report, ingest, retain
from gnomon.models.protocols import Chat
from gnomon.origins import campaign, meaning
from gnomon.origins.reasons import reason
from gnomon.sources.admission import Limits
from gnomon.sources.contract import Source
from gnomon.sources.driver import Network
from gnomon.sources.files import Files
from gnomon.sources.specs import make_sources
from gnomon.store.contract import Store
from gnomon.text.sentences import split
from gnomon.truth.answer import answer
from gnomon.truth.check import Bench
from gnomon.truth.confidence import Trust
from gnomon.truth.judge import ChatJudge
from gnomon.truth.terms import Weights, coverage, term_set
from gnomon.types import (
    Batch,
    Document,
    EdgeKind,
    Event,
    Filter,
    Finding,
    Found,
    Link,
    Origin,
    Post,
    PostView,
    SetAside,
    Turn,
    Verification,
)
from gnomon.wire import iso, to_json

ANY = Filter()
EMBED_BATCH = 32
EMBED_IDLE_S = 5.0
FEED_POLL_S = 300.0
RETAIN_EVERY_S = 600.0
ROOM = 0.9
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 600.0
DAY_S = 86400.0


class Gnomon:
    """The assembled product over one store. Thread-safe; close it when done."""

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        now: Callable[[], float] = time.time,
        is_sample: bool = False,
        reader: str = "",
    ) -> None:
        """``reader`` says why the store is only read, so that answers are not journalled."""
        self.config = config
        self.store = store
        self._forgiving = Forgiving(store, reader)
        self._now = now
        self._is_sample = is_sample
        self._models = Models(config)
        self._background = Background()
        self.setup = Setup(config, self._models, self._background)

    # -- asking ---------------------------------------------------------------------------------
    def ask(
        self,
        question: str,
        *,
        where: Filter = ANY,
        now: float | None = None,
        turns: Sequence[Turn] = (),
    ) -> Iterator[Event]:
        """Answer as a stream of events, the last of which is ``Finished``. ``turns`` are the
        conversation before the question, oldest first.

        An answer that could not be journalled has no id; ``unkept`` says why.
        Raises InputError, ModelError (a model that was asked for by name and cannot be had).
        """
        return self._answer(question, None, where=where, now=now, turns=turns)

    def _answer(
        self,
        question: str,
        store: Store | None,
        *,
        where: Filter,
        now: float | None,
        turns: Sequence[Turn],
    ) -> Iterator[Event]:
        """See ``ask``; over ``store``, somebody's documents, or over what is held."""
        chat = self._models.chat()
        bench = self.bench(chat, store)
        if store is not None:
            bench = replace(bench, trust=for_documents(bench.trust))
        return answer(
            question,
            bench,
            now=self._now() if now is None else now,
            where=where,
            turns=turns,
            chat=chat,
            max_chars=self.config.max_question_chars,
            timeout_s=self.config.model_timeout_s,
        )

    @property
    def unkept(self) -> str:
        """Why the last answer is not in the journal, "" where it is."""
        return self._forgiving.why

    @property
    def trouble(self) -> Mapping[str, str]:
        """What was wrong with models so far, by task or name."""
        return dict(self._models.trouble)

    def check(
        self,
        document: Document | Sequence[str],
        *,
        against: Sequence[Post] | None = None,
        where: Filter = ANY,
        date: float | None = None,
        now: float | None = None,
        most: int | None = None,
    ) -> Iterator[Verification | Finding]:
        """Check what a document states, or claims given one by one, as a stream: the Verification
        as it begins, a Finding for each statement, the Verification whole (and journalled).

        ``against`` are posts to check against instead of what is held; such a check is not
        journalled. ``date`` is from when claims given one by one speak. Raises InputError (also
        where there are more than ``most`` statements), ModelError.
        """
        store = None if against is None else checking.store_of(against)
        return checking.check(
            document,
            self.bench(self._models.chat(), store),
            now=self._now() if now is None else now,
            where=where,
            date=date,
            most=most,
            keep=against is None,
        )

    def now(self) -> float:
        """The time that it is for this store: the sample world has one of its own."""
        return self._now()

    def bench(self, chat: Chat | None = None, store: Store | None = None) -> Bench:
        """What a claim is checked with: the store (unless another is given), its term weights, the
        verifiers."""
        embed = self._models.embed()
        store = self._forgiving.as_store if store is None else store
        weights = Weights(store.frequencies, store.status().posts)
        second = ChatJudge(chat, self.config.model_timeout_s) if chat and chat.strong else None
        entail = self._models.entail(weights, embed)
        return Bench(store, weights, entail, embed, second, self._models.trust(entail))

    # -- looking --------------------------------------------------------------------------------
    def search(self, words: str, *, k: int = 10, where: Filter = ANY) -> list[Found]:
        """The best post of each origin, with the span that holds most of the words."""
        if not words.strip():
            raise InputError("The search is empty; give at least one word.")
        hits = self.store.search(words, k, where)
        origins = self.store.origins([hit.origin for hit in hits])
        weights = Weights(self.store.frequencies, self.store.status().posts).of(words)
        found = []
        for hit in hits:
            start, end = _best_span(hit.post.text, weights)
            origin = origins.get(hit.origin) or Origin(hit.origin, 1, 1, hit.post.time)
            found.append(Found(hit.post, hit.score, origin, start, end))
        return found

    def show(self, post: str) -> PostView:
        """A post with its origin, the other posts of that origin, earlier texts and replies.

        Raises NotFound, saying so if it was deleted.
        """
        held = self.store.get(post)
        if held is None:
            why = self.store.tombstone(post)
            if why:
                raise NotFound(f"Post {post[:120]!r} is no longer here: {why}.")
            raise NotFound(f"No post {post[:120]!r} is held; `gnomon search` shows ids.")
        link = self.store.links([post]).get(post) or Link(post, post, EdgeKind.ROOT)
        origin = self.store.origins([link.origin]).get(link.origin)
        members = tuple(p for p in self.store.members(link.origin) if p.id != post)
        links = self.store.links([member.id for member in members])
        return PostView(
            post=held,
            link=link,
            origin=origin or Origin(link.origin, 1, 1, held.time),
            members=members,
            revisions=tuple(self.store.revisions(post)),
            replies=tuple(self.store.replies(post)),
            why=reason(link, held, self.store.get(link.origin)),
            links=tuple(links.values()),
            campaign=campaign.look(self.store, link.origin),
        )

    def answer(self, id: str) -> Mapping[str, Any]:
        """A journalled answer as JSON. Raises NotFound."""
        return journal.read(self.store, id)

    def status(self, set_asides: int = 50) -> Mapping[str, Any]:
        """What is held, from where, with which gaps, and what was set aside and why (the newest
        ``set_asides`` of it; ``set_aside_total`` counts all)."""
        held = self.store.status()
        health = dict(self._background.health)
        if self.unkept:
            health["journal"] = f"answers are not kept: {self.unkept}"
        return {
            "version": __version__,
            "home": str(self.config.home),
            "sample": self._is_sample,
            "live": self._background.live,
            "now": iso(self._now()),
            "posts": held.posts,
            "origins": held.origins,
            "tombstones": held.tombstones,
            "answers": held.journal,
            "vectors": held.vectors,
            "newest": iso(held.newest),
            "oldest": iso(held.oldest),
            "disk_bytes": held.disk_bytes,
            "max_disk_bytes": self.config.max_disk_mb * 2**20,
            "views": {name: held.seq - seq for name, seq in held.views.items()},
            "sources": [
                {
                    **to_json(asdict(state)),
                    "newest": iso(state.newest),
                    "last_write": iso(state.last_write),
                    "health": health.get(state.source, ""),
                }
                for state in held.sources
            ],
            "health": health,
            "gaps": to_json(self.store.gaps(20)),
            "gaps_total": held.gaps,
            "set_aside": to_json(self.store.set_asides(set_asides)),
            "set_aside_total": held.set_aside,
            "models": self._models.names(),
            "confidence": self._confidence(),
            "examples": [{"text": text, "lang": lang} for text, lang in sample.EXAMPLES]
            if self._is_sample
            else [],
        }

    def _confidence(self) -> Mapping[str, Any]:
        """How sure verdicts must be, since when, and whether that still fits what is asked."""
        trust: Trust | None = None
        with suppress(ModelError):  # which `models` tells
            trust = self._models.trust()
        return trust_facts(trust, self.config.risk, self.store)

    def models(self) -> list[Mapping[str, Any]]:
        """The table of known models, with what is here and what is in use."""
        return model_rows(self.config)

    def settings(self) -> Mapping[str, Any]:
        """Every setting with its value and what it means; keys are not shown."""
        return self.setup.settings()

    # -- taking in ------------------------------------------------------------------------------
    def pull(
        self,
        specs: Sequence[str],
        *,
        name: str = "",
        encoding: str = "",
        every_s: float | None = None,
        for_s: float | None = None,
        stdin: IO[bytes] | None = None,
        on_progress: Callable[[Report], None] | None = None,
    ) -> list[Report]:
        """Take in each source, one after another. Feeds are read once, or every ``every_s``
        seconds; Bluesky is followed until interrupted. ``for_s`` ends either after so many seconds.

        A source that fails, or that is none, is named in its Report and among what was set aside;
        the others go on. Retention runs at the end. Raises StoreError only where the store can
        no longer be written at all.
        """
        stop = threading.Event()
        timer = threading.Timer(for_s, stop.set) if for_s is not None else None
        if timer:
            timer.daemon = True
            timer.start()
        make = partial(self._sources, name=name, encoding=encoding, every_s=every_s, stdin=stdin)
        reports: list[Report] = []
        try:
            with self._network() as network:
                for spec in specs:
                    try:
                        sources = make([spec])
                    except InputError as error:
                        reports.append(self._refused("pull", spec, error))
                        continue
                    reports += [self._pull(one, network, stop, on_progress) for one in sources]
        finally:
            if timer:
                timer.cancel()
        self.retain()
        self.store.refresh()
        return reports

    def _pull(
        self,
        source: Source,
        network: Network,
        stop: threading.Event,
        on_progress: Callable[[Report], None] | None,
    ) -> Report:
        """One source; what ends it early is in its report, with the count up to there."""
        last = Report(source.name)

        def count(report: Report) -> None:
            nonlocal last
            last = report
            if on_progress is not None:
                on_progress(report)

        try:
            report = self._ingest(source, network, stop, count)
        except StoreError as error:
            return replace(last, error=str(error))
        if not report.error and not self._ever_gave(source.name):
            if isinstance(source, Files):
                report = replace(report, error=nothing_in(source.name.removeprefix("file:")))
            elif stop.is_set():
                said = "nothing came of it in the time given; give it more, or see to the network."
                report = replace(report, error=said)
        if report.error:
            self._refused(source.name, source.name, report.error)
        return report

    def _ever_gave(self, source: str) -> bool:
        """Whether anything of ``source`` was ever taken in or set aside."""
        states = [state for state in self.store.status().sources if state.source == source]
        return any(state.posts or state.set_aside for state in states)

    def _refused(self, source: str, where: str, why: InputError | str) -> Report:
        """A source that gave nothing (more), listed in ``status`` like anything set aside."""
        with suppress(StoreFull):
            item = SetAside(source, where[:500], str(why), time.time())
            self.store.write(Batch(source=source, set_aside=(item,)))
        return Report(where, error=str(why))

    def retain(self) -> int:
        """Drop the oldest posts over the owner's limits; how many went.

        Over the limit of disk, it goes down to ``ROOM`` of it: giving space back makes the
        indexes anew, which should not come again with every few posts.
        """
        most = self.config.max_disk_mb * 2**20
        if self.store.status().disk_bytes > most:
            most = int(most * ROOM)
        return retain(self.store, most, self.config.max_age_days * DAY_S, time.time())

    def _ingest(
        self,
        source: Source,
        network: Network,
        stop: threading.Event,
        on_progress: Callable[[Report], None] | None = None,
    ) -> Report:
        return ingest(
            source,
            self.store,
            network=network,
            max_bytes=int(self.config.max_disk_mb * 2**20 * ROOM),
            max_age_s=self.config.max_age_days * DAY_S,
            on_progress=on_progress,
            stop=stop,
        )

    def _sources(
        self,
        specs: Sequence[str],
        *,
        name: str = "",
        encoding: str = "",
        every_s: float | None = None,
        stdin: IO[bytes] | None = None,
    ) -> list[Source]:
        return [
            source
            for spec in specs
            for source in make_sources(
                spec,
                feeds=self.config.feeds,
                jetstream=self.config.jetstream,
                limits=self.limits(),
                name=name,
                encoding=encoding,
                every_s=every_s,
                stdin=stdin,
            )
        ]

    def limits(self) -> Limits:
        return Limits(
            max_post_bytes=int(self.config.max_post_mb * 2**20),
            future_s=self.config.future_s,
            adult=self.config.adult,
        )

    def _network(self) -> Network:
        return Network(
            contact=self.config.contact, allow=self.config.allow, proxy=self.config.proxy
        )

    @cached_property
    def library(self) -> Library:
        """Uploads and the shelves that they are searched on."""
        most = UploadLimits(self.config.max_file_mb * 2**20, self.config.max_files_mb * 2**20)
        return Library(
            self.config.home,
            most,
            public=self.store,
            embed=self._models.embed,
            ask=self._answer,
        )

    # -- going on beside the answering -------------------------------------------------------
    def go_live(self, specs: Sequence[str]) -> None:
        """Follow ``specs`` in the background until closed, each in a thread of its own; a source
        that fails is tried again, ever more slowly, and says why in ``status``. What is over the
        owner's limits goes every ``RETAIN_EVERY_S`` seconds."""
        for source in self._sources(specs, every_s=FEED_POLL_S):
            self._background.start(source.name, partial(self._follow, source), follows=True)
        self._background.start("retention", self._retain_again)

    def _follow(self, source: Source) -> None:
        pause_s = FIRST_PAUSE_S
        stop, health = self._background.stop, self._background.health
        with self._network() as network:
            while not stop.is_set():
                health[source.name] = "running"
                try:
                    report = self._ingest(source, network, stop)
                except GnomonError as error:
                    report = Report(source.name, error=str(error))
                pause_s = FIRST_PAUSE_S if report.added else min(pause_s * 2, LONGEST_PAUSE_S)
                said = report.error or "it ended"
                health[source.name] = f"{said} Trying again in {pause_s:.0f} s."
                stop.wait(pause_s)

    def _retain_again(self) -> None:
        stop, health = self._background.stop, self._background.health
        while not stop.wait(RETAIN_EVERY_S):
            try:
                self.retain()
            except StoreError as error:
                health["retention"] = str(error)
            else:
                health.pop("retention", None)

    def embed_in_background(self) -> None:
        """Fill the vector view, newest posts first, as long as there is an encoder."""
        self._background.start("encoder", self._embed_all)

    def _embed_all(self) -> None:
        stop = self._background.stop
        while not stop.is_set():
            try:
                done = self.embed_some()
            except GnomonError as error:
                self._models.trouble["embed"] = str(error)
                done = 0
            if not done:
                stop.wait(EMBED_IDLE_S)

    def embed_some(self) -> int:
        """Encode one batch of posts without a vector; how many that was. Their soft edges are
        written before their vectors: what is interrupted between the two is done again."""
        embed = self._models.embed()
        if embed is None:
            return 0
        posts = self.store.unembedded(embed.name, EMBED_BATCH)
        if posts:
            texts = [f"{post.title}\n{post.text}".strip()[:2000] for post in posts]
            vectors = embed.passages(texts)
            edges = meaning.links(self.store, posts, vectors)
            if edges:
                self.store.write(Batch(posts[0].source, links=edges))
            self.store.put_vectors(embed.name, [post.id for post in posts], vectors)
        return len(posts)

    # -- ending ---------------------------------------------------------------------------------
    def close(self) -> None:
        """Stop sources, models and the store, in that order."""
        self._background.close()
        if "library" in self.__dict__:
            self.library.close()
        self._models.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def nothing_in(path: str) -> str:
    """Why a file or folder without posts is an error."""
    return f"{path!r} holds no posts; give a file with at least one, or a folder of such files."


def _best_span(text: str, weights: Mapping[str, float]) -> tuple[int, int]:
    """The sentence that holds most of the words."""
    spans = split(text) or [(0, len(text))]
    return max(spans, key=lambda span: coverage(weights, term_set(text[slice(*span)]), weights))

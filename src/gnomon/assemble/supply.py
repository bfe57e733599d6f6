"""The supervisor: every source that is followed, each in a thread of its own, none able to starve,
flood or stop another.

* **Back-pressure.** A source is given its next step only once its last batch is durable, and one
  lane lets one batch at a time through origins into the store. Nothing queues in memory: what is
  not taken yet waits at the other end (TCP for a stream, the cursor for a page).
* **One lane** also because origins are found by looking at what is held: two copies that two
  sources bring in the same moment would otherwise not see each other.
* **Restart with back-off**: 5 s, doubled to 10 minutes, with jitter (Brooker 2015, "Exponential
  Backoff And Jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/);
  back to 5 s once posts come. A gap that this makes is the source's to record.
* **Clean stop**: between two batches, at any moment; the cursor is in the same transaction.

The list (``followed.SourceList``) is looked at again every second. How each source is doing is
written to ``supply.json`` beside it, for `gnomon status` and `gnomon sources list` in another
process.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.assemble.followed import Followed, SourceList, write_whole
from gnomon.errors import ConfigError, GnomonError, InputError, StoreError
from gnomon.ingest import Report, ingest
from gnomon.sources.contract import Source
from gnomon.sources.driver import drive
from gnomon.sources.specs import is_remote, settled
from gnomon.store.contract import SourceState, Store
from gnomon.types import Post, SetAside, Tried
from gnomon.wire import iso

if TYPE_CHECKING:
    from gnomon.sources.network import Network

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 600.0
LOOK_EVERY_S = 1.0
WRITE_EVERY_S = 5.0
STALE_S = 30.0
"""Health that is older than this is of a process that is gone."""
JOIN_S = 5.0
MOST_TRIED_POSTS = 50
MOST_SHOWN = 3


@dataclass
class Health:
    """How one source is doing. Times are epoch seconds. ``state`` is running, waiting (for its
    next try), paused, ended (a finite source that gave all it has) or failed (its spec means
    nothing)."""

    source: str
    spec: str
    state: str = "starting"
    posts: int = 0
    set_aside: int = 0
    last_item: float | None = None
    last_batch: float | None = None
    errors: int = 0
    error: str = ""
    next_try: float | None = None
    since: float = field(default_factory=time.time)

    def line(self, now: float) -> str:
        """The health in a few words, as `gnomon status` shows it."""
        if self.state == "paused":
            return "paused"
        said = [self.state]
        if self.error:
            said = [self.error]
            if self.next_try is not None and self.state == "waiting":
                said.append(f"Trying again in {max(self.next_try - now, 0):.0f} s.")
        elif self.last_item is not None:
            said.append(f"last item {_ago(now - self.last_item)} ago")
        if self.errors > 1:
            said.append(f"{self.errors} failures since the last success")
        return " ".join(said) if self.error else ", ".join(said)

    def as_json(self, now: float) -> dict[str, Any]:
        """Plain values; ``lag_s`` is how far the newest item is behind the clock."""
        lag = None if self.last_item is None else round(max(now - self.last_item, 0.0), 1)
        plain = asdict(self)
        for name in ("last_item", "last_batch", "next_try", "since"):
            plain[name] = iso(plain[name])
        return plain | {"lag_s": lag, "health": self.line(now)}


class _Worker:
    """One source being followed, until ``stop`` is set."""

    def __init__(self, source: Source, followed: Followed, run: Callable[[_Worker], None]) -> None:
        self.source = source
        self.followed = followed
        self.stop = threading.Event()
        self.health = Health(source.name, followed.spec)
        self.thread = threading.Thread(
            target=run, args=(self,), name=f"source {source.name}", daemon=True
        )


Make = Callable[[str, float | None], Sequence[Source]]


class Supply:
    """All sources that are followed. ``make`` turns a spec and a poll interval into sources
    (raises InputError); ``network`` makes the one Network that all of them share, so that its
    politeness holds for two sources on one host. ``max_bytes`` and ``max_age_s`` are what a full
    store is brought down to.
    """

    def __init__(
        self,
        store: Store,
        make: Make,
        network: Callable[[], Network],
        home: Path,
        *,
        max_bytes: int = 0,
        max_age_s: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.list = SourceList(home / "sources.json")
        self._state = home / "supply.json"
        self._store = store
        self._make = make
        self._make_network = network
        self._room = (max_bytes, max_age_s)
        self._clock = clock
        self._lane = threading.Lock()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._workers: dict[str, _Worker] = {}
        self._paused: dict[str, Health] = {}
        self._failed: dict[str, Health] = {}
        self._supervisor: threading.Thread | None = None
        self._network: Network | None = None
        self.trouble = ""

    # -- the list -------------------------------------------------------------------------------
    def add(self, spec: str, *, every_s: float | None = None) -> Followed:
        """Follow one more source from now on. Raises InputError."""
        spec = spec.strip()
        self._make(spec, every_s)  # says what is wrong with it before it is written down
        spec = settled(spec)  # a server may run in another folder
        return self.list.add(spec, every_s=every_s, now=self._clock())

    def add_remote(self, spec: str, *, every_s: float | None = None) -> Followed:
        """``add`` for who asks over the network: a file of this machine is refused, or anybody with
        a key could read it. Raises InputError."""
        self._only_remote(spec)
        return self.add(spec, every_s=every_s)

    def try_remote(self, spec: str, *, for_s: float = 20.0) -> Tried:
        """``try_out`` likewise. Raises InputError."""
        self._only_remote(spec)
        return self.try_out(spec, for_s=for_s)

    def _only_remote(self, spec: str) -> None:
        if not is_remote(spec):
            raise InputError(
                f"{spec[:120]!r} is no source on the network; files are added on the machine "
                "itself, with `gnomon sources add`."
            )

    def pause(self, spec: str, paused: bool) -> Followed:
        """Raises NotFound."""
        return self.list.pause(self._listed_as(spec), paused)

    def remove(self, spec: str) -> Followed:
        """What was taken in from it stays. Raises NotFound."""
        return self.list.remove(self._listed_as(spec))

    def _listed_as(self, spec: str) -> str:
        """``spec`` as it stands on the list: paths are absolute there."""
        return spec if any(row.spec == spec for row in self.list.read()) else settled(spec)

    def try_out(self, spec: str, *, for_s: float = 20.0) -> Tried:
        """What a source gives within ``for_s`` seconds, kept nowhere. Raises InputError."""
        sources = self._make(spec, None)
        stop = threading.Event()
        timer = threading.Timer(for_s, stop.set)
        timer.daemon = True
        timer.start()
        began, error = time.monotonic(), ""
        posts: list[Post] = []
        aside: list[SetAside] = []
        try:
            with self._make_network() as network:
                for source in sources:
                    for batch in drive(source, None, network=network, stop=stop):
                        posts += batch.posts
                        aside += batch.set_aside
                        if len(posts) >= MOST_TRIED_POSTS:
                            break
        except GnomonError as failed:
            error = str(failed)
        finally:
            timer.cancel()
        if not (posts or aside or error):
            error = "It ended, and gave nothing."
            if stop.is_set():
                error = f"Nothing came of it in {for_s:.0f} s; give it more time, or see to it."
        names = tuple(source.name for source in sources)
        seconds = time.monotonic() - began
        return Tried(
            spec, names, len(posts), seconds, tuple(posts[:MOST_SHOWN]), tuple(aside[:20]), error
        )

    def spoken(self) -> str:
        """What is followed, in words."""
        specs = [row.spec for row in self._listed(None) if not row.paused]
        named = {"bluesky": "Bluesky", "feeds": "the configured feeds"}
        return ", ".join(named.get(spec, spec) for spec in specs) or "nothing: all are paused"

    # -- following ------------------------------------------------------------------------------
    @property
    def live(self) -> bool:
        """Whether a source is being followed."""
        return any(worker.thread.is_alive() for worker in self._workers.values())

    def start(self, specs: Sequence[str] = (), *, every_s: float | None = None) -> None:
        """Follow ``specs``, or what the list says, in the background until ``close``."""
        self._network = self._make_network()
        fixed = [Followed(spec, every_s) for spec in specs]
        self._supervisor = threading.Thread(
            target=self._supervise, args=(fixed, every_s), name="supply", daemon=True
        )
        self._apply(fixed or self._listed(every_s))
        self._supervisor.start()

    def _listed(self, every_s: float | None) -> list[Followed]:
        try:
            rows = self.list.read()
        except ConfigError as error:
            self.trouble = str(error)
            return []
        self.trouble = ""
        return [Followed(r.spec, r.every_s or every_s, r.paused, r.added_at) for r in rows]

    def _supervise(self, fixed: Sequence[Followed], every_s: float | None) -> None:
        stamp = self.list.stamp
        written = 0.0
        while not self._stop.wait(LOOK_EVERY_S):
            if not fixed and self.list.stamp != stamp:
                stamp = self.list.stamp
                self._apply(self._listed(every_s))
            if time.monotonic() - written >= WRITE_EVERY_S:
                written = time.monotonic()
                self._write_state()

    def _apply(self, wanted: Sequence[Followed]) -> None:
        """Start what is wanted and not there, stop what is there and not wanted."""
        sources: dict[str, tuple[Source, Followed]] = {}
        self._paused, self._failed = {}, {}
        for followed in wanted:
            try:
                made = self._make(followed.spec, followed.every_s)
            except GnomonError as error:
                bad = Health(followed.spec, followed.spec, "failed", error=str(error))
                self._failed[followed.spec] = bad
                continue
            for source in made:
                if followed.paused:
                    self._paused[source.name] = Health(source.name, followed.spec, "paused")
                else:
                    sources[source.name] = (source, followed)
        with self._lock:
            for name, worker in list(self._workers.items()):
                if name not in sources or sources[name][1].every_s != worker.followed.every_s:
                    worker.stop.set()
                    worker.thread.join(timeout=JOIN_S)
                    del self._workers[name]
            for name, (source, followed) in sources.items():
                if name not in self._workers:
                    worker = self._workers[name] = _Worker(source, followed, self._follow)
                    worker.thread.start()

    def _follow(self, worker: _Worker) -> None:
        """``_keep_following``; threading's own hook prints a bug in it, and the health says so."""
        ended = False
        try:
            self._keep_following(worker)
            ended = True
        finally:
            if not ended:
                worker.health.state = "failed"
                worker.health.error = "Stopped by a fault of ours; start gnomon again."

    def _keep_following(self, worker: _Worker) -> None:
        health, pause_s = worker.health, FIRST_PAUSE_S
        assert self._network is not None
        while not worker.stop.is_set():
            health.state, health.next_try = "running", None
            try:
                report = self._ingest(worker, self._network)
            except StoreError as error:
                report = Report(worker.source.name, error=str(error))
            if worker.stop.is_set():
                return
            pause_s = FIRST_PAUSE_S if report.added else min(pause_s * 2, LONGEST_PAUSE_S)
            wait_s = pause_s * random.uniform(0.8, 1.2)
            health.state = "waiting"
            health.error = report.error or "It ended."
            health.errors = health.errors + 1 if report.error else 0
            health.next_try = self._clock() + wait_s
            worker.stop.wait(wait_s)

    def _ingest(self, worker: _Worker, network: Network) -> Report:
        health = worker.health
        done = health.posts, health.set_aside

        def count(report: Report) -> None:
            health.posts = done[0] + report.added
            health.set_aside = done[1] + report.set_aside
            health.last_batch = self._clock()
            if report.newest is not None:
                health.last_item = max(health.last_item or 0.0, report.newest)
            health.error, health.errors = "", 0

        return ingest(
            worker.source,
            self._store,
            network=network,
            max_bytes=self._room[0],
            max_age_s=self._room[1],
            on_progress=count,
            stop=worker.stop,
            lane=self._lane,
        )

    @contextmanager
    def quiet(self, wait_s: float = -1.0) -> Iterator[None]:
        """No batch is written for the time of the block. Raises StoreError where one still is after
        ``wait_s`` seconds (-1: however long it takes)."""
        if not self._lane.acquire(timeout=wait_s):
            raise StoreError("The store is being written to; ask again in a moment.")
        try:
            yield
        finally:
            self._lane.release()

    # -- how it is doing ------------------------------------------------------------------------
    def health(self) -> list[Health]:
        """Of every source that is followed by this process, by name."""
        with self._lock:
            running = [worker.health for worker in self._workers.values()]
        found = [*running, *self._paused.values(), *self._failed.values()]
        return sorted(found, key=lambda health: health.source)

    def told(self) -> list[dict[str, Any]]:
        """``health`` as JSON: of this process, or of the one that follows them now."""
        now = self._clock()
        if self._supervisor is not None:
            return [health.as_json(now) for health in self.health()]
        try:
            held: Mapping[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
            fresh = now - float(held["at"]) < STALE_S
            return [dict(row) for row in held["sources"]] if fresh else []
        except (OSError, ValueError, LookupError, TypeError):
            return []

    def rows(self) -> list[dict[str, Any]]:
        """Every source on the list with what is held of it and how it is doing, as JSON: ``spec``,
        ``source``, ``state``, ``health``, ``posts`` and ``set_aside`` held of it, ``newest``,
        ``lag_s`` of what is followed now, ``errors``, ``gaps``."""
        told = {row["source"]: row for row in self.told()}
        held = {state.source: state for state in self._store.status().sources}
        rows = []
        for followed in self._listed(None):
            try:
                names = [source.name for source in self._make(followed.spec, followed.every_s)]
            except GnomonError as error:
                bad = Health(followed.spec, followed.spec, "failed", error=str(error))
                rows.append(self._row(followed, followed.spec, bad.as_json(self._clock()), None))
                continue
            rows += [self._row(followed, n, told.get(n, {}), held.get(n)) for n in names]
        return rows

    def _row(
        self, followed: Followed, name: str, told: Mapping[str, Any], held: SourceState | None
    ) -> dict[str, Any]:
        state = "paused" if followed.paused else told.get("state", "not running")
        return {
            "object": "source",
            "spec": followed.spec,
            "source": name,
            "state": state,
            "health": told.get("health", "") if state not in ("paused", "not running") else state,
            "paused": followed.paused,
            "every_s": followed.every_s,
            "added_at": iso(followed.added_at),
            "posts": held.posts if held else 0,
            "newest": iso(held.newest) if held else None,
            "last_write": iso(held.last_write) if held else None,
            "lag_s": told.get("lag_s"),
            "errors": told.get("errors", 0),
            "error": told.get("error", ""),
            "gaps": held.gaps if held else 0,
            "set_aside": held.set_aside if held else 0,
        }

    def _write_state(self) -> None:
        now = self._clock()
        told = [health.as_json(now) for health in self.health()]
        try:
            write_whole(self._state, {"at": now, "pid": os.getpid(), "sources": told})
        except OSError as error:  # a full disk: the store tells of it too
            self.trouble = f"{self._state} cannot be written: {error.strerror}."

    # -- ending ---------------------------------------------------------------------------------
    def close(self) -> None:
        """Stop every source after its current batch."""
        self._stop.set()
        for worker in list(self._workers.values()):
            worker.stop.set()
        if self._supervisor is not None:
            self._supervisor.join(timeout=2 * JOIN_S)  # it may be starting others just now
            self._state.unlink(missing_ok=True)
        for worker in self._workers.values():
            worker.stop.set()
            worker.thread.join(timeout=JOIN_S)
        # Under one that hangs in a slow answer the network stays open; it ends with the process.
        if self._network is not None and not self.live:
            self._network.close()


def _ago(seconds: float) -> str:
    seconds = max(seconds, 0.0)
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"

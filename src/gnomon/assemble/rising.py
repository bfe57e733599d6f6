"""What is rising in what is held: the trends (and stories) of the assembled product."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from gnomon.assemble.background import Background
from gnomon.errors import InputError, StoreBusy, StoreError
from gnomon.store.contract import Store
from gnomon.store.database import WriterPlace
from gnomon.trends import KINDS, TrendsView, explain, rising
from gnomon.trends.reading import STEP, seq_of
from gnomon.types import Trend, Trends

log = logging.getLogger(__name__)
Watch = Callable[[str, int, int], None]

FOLLOW_S = 1.0
PAUSE_S = 0.005
"""Between two steps of catching up, for those who wait for the view."""
STEPS = 1
"""How many steps a question takes itself where the views are followed in the background anyway."""
LAG_TOLD = 2 * STEP
"""Changes from which on it is told that a view is behind."""
_KEPT_LISTS = 32
_FRESH = 200
"""Changes of the record within which a list that was made for the same minute is shown again."""


class Pulse:
    """Trends over one store. Thread-safe; made lazily, closed with the product."""

    def __init__(
        self,
        store: Store,
        folder: Path | None,
        now: Callable[[], float],
        *,
        verifier: Callable[[], object] | None = None,
        readonly: bool = False,
    ) -> None:
        """``folder`` is where the views are kept (None: in memory). Beside a process that keeps
        them already they are read as that one last wrote them. ``readonly``: the store is."""
        self._store = store
        self._folder = folder
        self._now = now
        self._verifier = verifier
        self._readonly = readonly
        self._lock = threading.Lock()
        self._place: WriterPlace | None = None
        self._view: TrendsView | None = None
        self._followed = False
        self.watch: Watch | None = None
        """Told how far a view is that a question has to wait for: name, changes done, of all."""
        self._lists: OrderedDict[tuple[object, ...], tuple[int, Trends]] = OrderedDict()

    # -- trends -------------------------------------------------------------------------------
    def trends(
        self,
        window_s: float = 3600.0,
        *,
        kind: str = "",
        lang: str = "",
        k: int = 20,
        now: float | None = None,
        unsure: bool = True,
    ) -> Trends:
        """What rises in the window that ends at ``now``, the most surprising first.

        ``kind`` is "term", "hashtag", "link" or "name" ("": all). Without ``now`` it is the
        present, or the time of the newest post where nothing came in during the last window:
        ``until`` says which. Raises InputError, StoreError.
        """
        if kind and kind not in KINDS:
            raise InputError(f"{kind[:40]!r} is no kind of trend; give one of {', '.join(KINDS)}.")
        view = self.caught_up()
        at = self._as_of(view, window_s) if now is None else now
        key = (window_s, kind, lang, k, unsure, int(at // 60) if now is None else at)
        with self._lock:
            held = self._lists.get(key)
        if held is not None and view.seq - held[0] < (_FRESH if now is None else 1):
            return held[1]
        seq = view.seq
        kinds = (kind,) if kind else KINDS
        found = rising(
            view, self._store, window_s, now=at, kinds=kinds, lang=lang, k=k, unsure=unsure
        )
        with self._lock:
            self._lists[key] = seq, found
            while len(self._lists) > _KEPT_LISTS:
                self._lists.popitem(last=False)
        return found

    def explain(
        self,
        term: str,
        *,
        window_s: float = 3600.0,
        lang: str = "",
        now: float | None = None,
    ) -> Trend:
        """The figures of one term, ``#hashtag``, link or name, whether it rises or not. Raises
        NotFound where nobody said it, InputError, StoreError."""
        if not term.strip():
            raise InputError("The term is empty; give a word, a name, a #hashtag or a link.")
        view = self.caught_up()
        at = self._as_of(view, window_s) if now is None else now
        return explain(view, self._store, term, window_s, now=at, lang=lang)

    def _as_of(self, view: TrendsView, window_s: float) -> float:
        now = self._now()
        newest = view.newest
        return now if not newest or now - newest <= max(window_s, 3600.0) else newest

    # -- the view -----------------------------------------------------------------------------
    def caught_up(self) -> TrendsView:
        """The view of trends, with everything counted that is held (read-only: as it was last
        written)."""
        view = self._opened()
        self._advance("trends", lambda: view.catch_up(most=1), lambda: view.seq)
        return view

    def _advance(self, name: str, step: Callable[[], int], seq: Callable[[], int]) -> None:
        """Bring a view to the end of the record; where it is followed in the background anyway,
        nobody waits for all of it."""
        of = self._store.status().seq if self.watch is not None else 0
        taken = 0
        while step():
            taken += 1
            if self._followed and taken == STEPS:
                break
            if self.watch is not None:
                self.watch(name, seq(), max(of, seq()))

    def progress(self, seq: int) -> dict[str, str]:
        """By view, where it is far behind the record, whose last sequence number is ``seq``: how
        far it is. As it was last written, where another process keeps it."""
        return {
            name: f"{held:,} of {seq:,} changes"
            for name, held in self._held().items()
            if seq - held >= LAG_TOLD
        }

    def _held(self) -> dict[str, int]:
        """The last sequence number of each view that there is."""
        view, folder = self._view, self._folder
        if view is not None and not view.readonly:
            return {"trends": view.seq}
        held = seq_of(folder / "trends.db") if folder is not None else None
        return {} if held is None else {"trends": held}

    def _opened(self) -> TrendsView:
        with self._lock:
            if self._view is None:
                if self._folder is None:
                    self._view = TrendsView(self._store)
                else:
                    path = self._folder / "trends.db"
                    self._view = TrendsView(self._store, path, readonly=not self._is_writer())
            return self._view

    def _is_writer(self) -> bool:
        """Whether the views are ours to write: one process at a time."""
        assert self._folder is not None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._place = WriterPlace(self._folder / "views.lock")
        except (StoreBusy, OSError):
            return False
        return True

    def follow(self, background: Background) -> None:
        """Keep the views up with the record until ``background`` stops: in one thread, so that they
        read each step of it once, and never two of them are before those who ask."""
        self._followed = True

        def run() -> None:
            while not background.stop.is_set():
                done = self._step(background.health)
                background.stop.wait(PAUSE_S if done >= STEP else FOLLOW_S)

        background.start("rising", run)

    def _step(self, health: dict[str, str]) -> int:
        """Take every view one step on; the most changes that one of them took."""
        return self._take("trends", lambda: self._opened().take(), health)

    @staticmethod
    def _take(name: str, take: Callable[[], int], health: dict[str, str]) -> int:
        try:
            done = take()
        except StoreError as error:
            health[name] = str(error)
            return 0
        health.pop(name, None)
        return done

    def close(self) -> None:
        with self._lock:
            if self._view is not None:
                view, self._view = self._view, None
                try:
                    view.close()
                except StoreError as error:  # it is made again from the record
                    log.warning("%s", error)
            if self._place is not None:
                self._place.release()
                self._place = None

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
from gnomon.types import Trend, Trends

log = logging.getLogger(__name__)

FOLLOW_S = 1.0
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
        view.catch_up()
        return view

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
        """Keep the view up with the record until ``background`` stops."""

        def run() -> None:
            while not background.stop.is_set():
                try:
                    view = self._opened()
                    view.catch_up(background.stop)
                except StoreError as error:
                    background.health["trends"] = str(error)
                else:
                    background.health.pop("trends", None)
                background.stop.wait(FOLLOW_S)

        background.start("trends", run)

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

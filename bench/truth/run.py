"""One run of the protocol: where the data is, who is judged, what is kept between runs."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from bench.truth import data, subject
from bench.truth.data import Case, Set

T = TypeVar("T")
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "bench-truth"
MODELS = Path(os.environ.get("GNOMON_TEST_MODELS", CACHE.parent / "models"))
QUICK_CLAIMS = 60


@dataclass(frozen=True, slots=True)
class Run:
    """``verifier`` is a name of ``subject.NAMES``. ``quick`` measures on a few claims of each set:
    to see that it runs, not to report. ``models`` is where pulled models (the encoder) are.
    ``copies`` and ``claims`` (0: as many as the measure has) say how far a flood goes."""

    verifier: str
    data: Path = data.DATA
    cache: Path = CACHE
    models: Path = MODELS
    quick: bool = False
    loud: bool = True
    copies: int = 0
    claims: int = 0
    _began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """A line of progress, on standard error."""
        if self.loud:
            seconds = time.monotonic() - self._began
            print(f"[{seconds:6.0f} s] {self.verifier}: {text}", file=sys.stderr, flush=True)

    def cases(self, wanted: Set) -> tuple[Case, ...]:
        """The cases of a set (of a few claims, when quick). Raises Absent or Changed."""
        found = data.load(wanted, self.data)
        if self.quick:
            some = set(few(sorted({c.group for c in found}), QUICK_CLAIMS))
            found = tuple(c for c in found if c.group in some)
        return found

    def few(self, items: Sequence[T], n: int) -> list[T]:
        """At most ``n`` items (a fifth of that, when quick), by hash: the same in every run."""
        return few(items, max(n // 5, 1) if self.quick else n)

    def progress(self, items: Sequence[T], what: str) -> Iterable[T]:
        """``items``, saying how far it is about every ten seconds."""
        said = time.monotonic()
        for i, item in enumerate(items):
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self.say(f"{what}: {i} of {len(items)}")
            yield item

    def kept(self, name: str, make: Callable[[], Any], *parts: str) -> Any:
        """What ``make`` returns (as JSON), kept under .cache for as long as the code it comes from
        (the module of ``make`` and what all share here, ``text``, ``truth`` and ``parts`` of the
        package), the weights and the data's freeze are the same: an interrupted run goes on where
        it was."""
        made_by = make.func if isinstance(make, partial) else make
        own = sys.modules[made_by.__module__].__file__ or ""
        kind = self.verifier.partition("=")[0]
        path = self.cache / f"{name}-{kind}-{self._key(own, *parts)[:20]}.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
        self.say(name)
        made = make()
        self.cache.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(made), encoding="utf-8")
        new.replace(path)
        return made

    def _key(self, own: str, *parts: str) -> str:
        here = Path(__file__).parent
        shared = [here / f"{name}.py" for name in ("data", "run", "scores", "subject", "world")]
        digest = hashlib.sha256(subject.fingerprint(self.verifier, *parts).encode())
        digest.update(f"{self.quick} {self.data}".encode())
        for path in (data.FROZEN, *shared, Path(own)):
            digest.update(_read_once(path))
        return digest.hexdigest()


@cache
def _read_once(path: Path) -> bytes:
    """The file as it was when this process first looked: what was imported, not what is edited
    while it runs."""
    return path.read_bytes()


def few(items: Sequence[T], n: int) -> list[T]:
    """``n`` of the items, chosen and ordered by the SHA-256 of what they print as."""
    return sorted(items, key=lambda item: hashlib.sha256(repr(item).encode()).digest())[:n]

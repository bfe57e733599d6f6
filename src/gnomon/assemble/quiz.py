"""The quiz of the assembled product: which sets are here, rounds dealt from them, what is shown."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from pathlib import Path

from gnomon.config import Config
from gnomon.errors import InputError, NotFound
from gnomon.quiz import dealing, folder, statistics
from gnomon.quiz.shown import shown
from gnomon.types.quiz import Dealt, Exhibit, Exhibition, Said, Score

MOST_CACHED = 64 << 20
"""Bytes of pictures kept ready to be shown."""


class Quiz:
    """The real ``serve.contract.Quiz``. Thread-safe."""

    def __init__(self, config: Config) -> None:
        self._lab = config.home / "lab"
        self._more = tuple(Path(one).expanduser().absolute() for one in config.quizzes)
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[int, Exhibition | InputError]] = {}
        self._shown: OrderedDict[tuple[int, str], bytes] = OrderedDict()

    def sets(self) -> tuple[list[Exhibition], dict[str, str]]:
        """Those that can be played, and by folder why others cannot. Raises ConfigError."""
        found: dict[str, Exhibition] = {}
        trouble: dict[str, str] = {}
        for place in folder.installed(self._lab, self._more):
            one = self._at(place)
            if isinstance(one, InputError):
                trouble[str(place)] = str(one)
            else:
                found.setdefault(one.id, one)
        return list(found.values()), trouble

    def named(self, id: str = "") -> Exhibition:
        """A set by its id, by default the first. Raises NotFound, ConfigError."""
        sets, trouble = self.sets()
        for one in sets:
            if id in ("", one.id):
                return one
        if not id:
            why = f" ({next(iter(trouble.values()))})" if trouble else ""
            raise NotFound(f"There is no quiz here{why}; `gnomon lab gan` makes one.")
        known = ", ".join(one.id for one in sets) or "none"
        raise NotFound(f"There is no quiz {id[:60]!r}; here are: {known}.")

    def deal(self, quiz: str, n: int, key: bytes, seen: Collection[str]) -> tuple[Dealt, ...]:
        """``n`` questions, their pictures made ready. Raises NotFound, InputError."""
        exhibition = self.named(quiz)
        dealt = dealing.deal(exhibition, n, key, seen)
        for one in dealt:
            self._ready(exhibition, one.exhibit)
        return dealt

    def fresh_left(self, quiz: str, seen: Collection[str]) -> int:
        """About how many more answers of somebody who has seen these can count."""
        return dealing.fresh_left(self.named(quiz), seen)

    def picture(self, quiz: str, sha256: str) -> bytes:
        """A PNG without anything but pixels; all of a set have one length. Raises NotFound,
        InputError."""
        exhibition = self.named(quiz)
        for one in exhibition.exhibits:
            if one.sha256 == sha256:
                return self._ready(exhibition, one)
        raise NotFound("This picture is no longer in its quiz.")

    def score(self, said: Sequence[Said]) -> Score:
        return statistics.score(said)

    def _at(self, place: Path) -> Exhibition | InputError:
        """A set as it was read when its ``quiz.json`` last changed."""
        try:
            changed = (place / folder.QUIZ).stat().st_mtime_ns
        except OSError as error:
            return InputError(f"{place / folder.QUIZ} cannot be read ({error.strerror}).")
        with self._lock:
            held = self._read.get(place)
            if held is None or held[0] != changed:
                held = (changed, self._fresh(place))
                self._read[place] = held
            return held[1]

    def _fresh(self, place: Path) -> Exhibition | InputError:
        below = place.is_relative_to(self._lab)
        name = place.relative_to(self._lab).as_posix() if below else place.name
        try:
            return folder.read(place, name)
        except InputError as error:
            return error

    def _ready(self, exhibition: Exhibition, exhibit: Exhibit) -> bytes:
        key = (exhibition.side, exhibit.sha256)
        with self._lock:
            if key in self._shown:
                self._shown.move_to_end(key)
                return self._shown[key]
        data = shown(folder.picture(exhibition, exhibit), exhibition.side, exhibit.file)
        with self._lock:
            self._shown[key] = data
            while len(self._shown) * len(data) > MOST_CACHED:
                self._shown.popitem(last=False)
        return data

"""Posts that are looked at again, because their network does not tell when one is deleted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

# Most deletions and edits come soon after posting; X asks that they be followed within a day
# (https://docs.x.com/developer-terms/policy). A post leaves the watch after its last look.
LOOKS_S: tuple[float, ...] = (600.0, 3600.0, 6 * 3600.0, 20 * 3600.0)
KEPT = 400


class Watch:
    """The newest ``kept`` posts of a source and when each is due for another look.

    ``looks_s`` are ages in seconds since a post was taken in.
    """

    def __init__(self, kept: int = KEPT, looks_s: Sequence[float] = LOOKS_S) -> None:
        self._kept = kept
        self._looks_s = looks_s
        self._held: OrderedDict[str, tuple[int, int]] = OrderedDict()  # taken in at, looks had

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, id: str) -> bool:
        return id in self._held

    def add(self, ids: Iterable[str], now: float) -> None:
        """Begin to watch; what is watched already keeps its times."""
        for one in ids:
            self._held.setdefault(one, (int(now), 0))
        while len(self._held) > self._kept:
            self._held.popitem(last=False)

    def due(self, now: float, most: int) -> list[str]:
        """Up to ``most`` posts whose next look is due, the longest watched first."""
        found = []
        for one, (since, looks) in self._held.items():
            if now - since >= self._looks_s[looks]:
                found.append(one)
                if len(found) == most:
                    break
        return found

    def looked(self, ids: Iterable[str], now: float) -> None:
        """They were looked at just now: looks that are overdue as well count as had."""
        for one in ids:
            held = self._held.get(one)
            if held is None:
                continue
            since = held[0]
            looks = sum(age <= now - since for age in self._looks_s)
            if looks >= len(self._looks_s):
                del self._held[one]
            else:
                self._held[one] = (since, looks)

    def drop(self, id: str) -> None:
        self._held.pop(id, None)

    def written(self) -> list[list[Any]]:
        """As JSON, for a cursor."""
        return [[one, since, looks] for one, (since, looks) in self._held.items()]

    def read(self, value: Any) -> None:
        """Take over what ``written`` gave; anything else is passed over."""
        self._held.clear()
        for item in value if isinstance(value, list) else ():
            match item:
                case [str(one), int(since), int(looks)] if 0 <= looks < len(self._looks_s):
                    self._held[one] = (since, looks)
                case _:
                    continue

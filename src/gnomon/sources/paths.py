"""Paths into JSON: ``$.user.names[0]``, ``$.pics[*].url``, ``$.files.*.url``, ``$['odd key']``.

The part of JSONPath (https://www.rfc-editor.org/rfc/rfc9535) that names places; no filters, no
descent without bounds, nothing that is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gnomon.errors import InputError

MOST_FOUND = 10_000
_STEP = re.compile(r"""\.(?P<name>[\w-]+)|\[(?P<index>\d{1,6})\]|\[['"](?P<key>[^'"]+)['"]\]
    |(?P<all>\.\*|\[\*\])""", re.VERBOSE)  # fmt: skip
_ALL = None


@dataclass(frozen=True, slots=True)
class Path:
    """``steps`` are keys, indices, and None for "each"."""

    text: str
    steps: tuple[str | int | None, ...]

    @classmethod
    def parse(cls, text: str) -> Path:
        """Raises InputError naming the place that cannot be read."""
        at = 1 if text.startswith("$") else 0
        rest = text if at else f".{text}"
        steps: list[str | int | None] = []
        while at < len(rest):
            step = _STEP.match(rest, at)
            if step is None:
                raise InputError(
                    f"{text[:80]!r} is no path: {rest[at : at + 20]!r} cannot be read; write it "
                    "like $.user.name, $.pics[0].url or $.pics[*].url"
                )
            if step["all"]:
                steps.append(_ALL)
            elif step["index"] is not None:
                steps.append(int(step["index"]))
            else:
                steps.append(step["name"] or step["key"])
            at = step.end()
        return cls(text, tuple(steps))

    def find(self, value: Any) -> list[Any]:
        """The values at the path, in order; none where it leads nowhere."""
        found = [value]
        for step in self.steps:
            found = [inner for one in found for inner in _inside(one, step)][:MOST_FOUND]
        return found

    def first(self, value: Any) -> Any:
        """The first value that is not null, else None."""
        return next((one for one in self.find(value) if one is not None), None)


def _inside(value: Any, step: str | int | None) -> Iterator[Any]:
    if step is None:
        yield from (
            value
            if isinstance(value, list)
            else (value.values() if isinstance(value, Mapping) else ())
        )
    elif isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield value[step]
    elif isinstance(value, Mapping) and step in value:
        yield value[step]

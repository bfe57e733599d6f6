"""A row of the table, and the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``score`` with its 95 % interval ``[low, high]``; ``baselines`` by name, the same
    measure on the same cases. ``floor`` and ``aim`` are the issue's (None: none was set);
    ``more`` is whether more is better. ``note`` says what a reader must know to read the figure.
    ``skipped`` is the reason where nothing was measured."""

    measure: str
    data: str
    n: int = 0
    score: float | None = None
    low: float | None = None
    high: float | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)
    floor: float | None = None
    aim: float | None = None
    more: bool = True
    note: str = ""
    skipped: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is no aim or nothing was measured."""
        return _reaches(self.score, self.aim, self.more) if self.n else None

    @property
    def above_floor(self) -> bool | None:
        return _reaches(self.score, self.floor, self.more) if self.n else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met, "above_floor": self.above_floor}


def _reaches(score: float | None, mark: float | None, more: bool) -> bool | None:
    if score is None or mark is None:
        return None
    return score >= mark - 1e-9 if more else score <= mark + 1e-9


def row_from(found: Mapping[str, Any]) -> Row:
    """A Row from ``as_json``."""
    kept = {k: v for k, v in found.items() if k not in ("met", "above_floor")}
    return Row(**kept)


HEAD = ("measure", "data", "n", "score (95 %)", "beside it", "floor", "aim", "met")


def cells(row: Row) -> tuple[str, ...]:
    """A row as it is printed."""
    if row.skipped:
        return row.measure, row.data, "", "not measured", row.skipped, "", _mark(row.aim), ""
    score = number(row.score) if row.n else "none"
    if row.n and row.low is not None and row.high is not None:
        score += f" ({number(row.low)}–{number(row.high)})"
    beside = ", ".join(f"{name} {number(value)}" for name, value in row.baselines.items())
    met = {True: "yes", False: "no", None: "–"}[row.met]
    return (
        row.measure, row.data, f"{row.n:,}", score, beside, _mark(row.floor),
        _mark(row.aim), met,
    )  # fmt: skip


def number(value: float | None) -> str:
    """.873, 1.000, 12: counts as counts, shares without their leading zero."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}".removeprefix("0")


def _mark(value: float | None) -> str:
    return "–" if value is None else number(value)


def markdown(rows: Sequence[Row]) -> str:
    """The table, notes as numbered lines below it."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    notes: list[str] = []
    for row in rows:
        first, *rest = cells(row)
        if row.note:
            if row.note not in notes:
                notes.append(row.note)
            first += f" [{notes.index(row.note) + 1}]"
        lines.append("| " + " | ".join((first, *rest)) + " |")
    lines += ["", *(f"{i}. {note}" for i, note in enumerate(notes, 1))]
    return "\n".join(lines).rstrip() + "\n"


def plain(rows: Iterable[Row]) -> str:
    """The table for a terminal, columns aligned."""
    table = [HEAD, *(cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )

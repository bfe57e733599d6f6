"""Lines of text as they stand on a picture, in the order in which they are read.

Columns that run side by side are read one after the other, and a line across them ends both. What
stands on one height otherwise (a label and its amount) is one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

# In heights of a line. A column is of prose: at least so many lines, so wide, with so much beside
# it; amounts beside their labels, and the two sides of a conversation, are none.
_GUTTER, _COLUMN_WIDTH, _COLUMN_LINES, _BESIDE = 0.8, 6.0, 3, 0.5
_ACROSS = 0.34
"""At most this share of the lines may lie across a gutter."""
_PARAGRAPH, _USUAL, _HEADING = 0.6, 1.6, 1.4


@dataclass(frozen=True, slots=True)
class Line:
    """Some words and their box in pixels, from the picture's upper left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


def in_order(lines: Sequence[Line]) -> str:
    """The words of all lines: a line break between rows, an empty line between paragraphs."""
    return "\n\n".join(_paragraphs(block) for block in _blocks(lines) if block)


def _blocks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    gutter = _gutter(lines)
    if gutter is None:
        yield list(lines)
        return
    left, right, across = gutter
    begin = float("-inf")
    for end in (*sorted(across, key=_middle), None):
        until = float("inf") if end is None else _middle(end)
        for column in (left, right):
            within = [line for line in column if begin <= _middle(line) < until]
            if within:
                yield from _blocks(within)
        if end is not None:
            yield [end]
            begin = until


def _gutter(lines: Sequence[Line]) -> tuple[list[Line], list[Line], list[Line]] | None:
    """What stands left of the emptiest upright strip between two columns, right of it and across
    it; None where there are no columns."""
    if len(lines) < 2 * _COLUMN_LINES:
        return None
    height = median(line.height for line in lines)
    best: tuple[list[Line], list[Line], list[Line]] | None = None
    for edge in sorted({line.left for line in lines}):
        left = [line for line in lines if line.right <= edge - _GUTTER * height]
        right = [line for line in lines if line.left >= edge]
        across = [line for line in lines if line not in left and line not in right]
        if best is not None and len(across) >= len(best[2]):
            continue
        if len(across) <= _ACROSS * len(lines) and _columns(left, right, height):
            best = left, right, across
    return best


def _columns(left: Sequence[Line], right: Sequence[Line], height: float) -> bool:
    for column, other in ((left, right), (right, left)):
        if len(column) < _COLUMN_LINES:
            return False
        if median(line.right - line.left for line in column) < _COLUMN_WIDTH * height:
            return False
        beside = sum(any(_one_row(line, one) for one in other) for line in column)
        if beside < _BESIDE * len(column):
            return False
    return True


def _paragraphs(lines: Sequence[Line]) -> str:
    rows = _rows(lines)
    gaps = [_top(after) - _bottom(before) for before, after in pairwise(rows)]
    usual = median(gaps) if gaps else 0.0
    text = _words(rows[0])
    for (before, after), gap in zip(pairwise(rows), gaps, strict=True):
        heights = sorted((_height(before), _height(after)))
        apart = gap > max(_PARAGRAPH * heights[0], _USUAL * usual)
        text += "\n\n" if apart or heights[1] > _HEADING * heights[0] else "\n"
        text += _words(after)
    return text


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    rows: list[list[Line]] = []
    for line in sorted(lines, key=_middle):
        if rows and _one_row(rows[-1][0], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.left) for row in rows]


def _one_row(one: Line, other: Line) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared > 0.5 * min(one.height, other.height)


def _words(row: Sequence[Line]) -> str:
    return " ".join(line.text for line in row)


def _top(row: Sequence[Line]) -> float:
    return min(line.top for line in row)


def _bottom(row: Sequence[Line]) -> float:
    return max(line.bottom for line in row)


def _height(row: Sequence[Line]) -> float:
    return median(line.height for line in row)


def _middle(line: Line) -> float:
    return (line.top + line.bottom) / 2

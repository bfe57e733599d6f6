"""What a run looked like: a line of JSON now and then, and a picture of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

LOG = "log.jsonl"
PICTURE = "curve.svg"


class Log:
    """``log.jsonl`` of one run. What was written after the step that it goes on from is cut away:
    it is about to be written again."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / LOG
        folder.mkdir(parents=True, exist_ok=True)
        kept = [row for row in read(folder) if row["step"] <= step]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")

    def add(self, row: Mapping[str, float]) -> None:
        """``row`` has ``step``, and what was seen then."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({key: _short(value) for key, value in row.items()}) + "\n")


def _short(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.6g}")


def read(folder: Path) -> list[dict[str, float]]:
    """The rows of a run's log, none where there is no log; a last line cut short is left out."""
    try:
        lines = (folder / LOG).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    rows = []
    for number, line in enumerate(lines):
        try:
            rows.append(json.loads(line))
        except ValueError:
            if number + 1 < len(lines):
                raise
    return rows


def draw(
    rows: Iterable[Mapping[str, float]], path: Path, *, title: str, names: Sequence[str]
) -> None:
    """An SVG of the series ``names`` over the steps; those that no row has are left out."""
    rows = list(rows)
    lines = {name: [(row["step"], row[name]) for row in rows if name in row] for name in names}
    lines = {name: points for name, points in lines.items() if points}
    path.write_text(_svg(lines, title), "utf-8")


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 56, 16, 40, 44
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df")


def _svg(lines: Mapping[str, Sequence[tuple[float, float]]], title: str) -> str:
    points = [point for line in lines.values() for point in line]
    if not points:
        return f'<svg xmlns="http://www.w3.org/2000/svg"><title>{title}</title></svg>\n'
    last = max(x for x, _ in points) or 1
    low, high = min(y for _, y in points), max(y for _, y in points)
    high = high if high > low else low + 1

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * x / last
        down = TOP + (HEIGHT - TOP - BOTTOM) * (high - y) / (high - low)
        return across, down

    marks = []
    for tick in range(5):
        y = low + (high - low) * tick / 4
        x = last * tick / 4
        (across, _), (_, down) = place(x, low), place(0, y)
        marks.append(
            f'<path d="M{LEFT} {down:.1f}H{WIDTH - RIGHT}" stroke="#8884"/>'
            f'<text x="{LEFT - 6}" y="{down + 4:.1f}" text-anchor="end">{y:.3g}</text>'
            f'<text x="{across:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
            f"{x:,.0f}</text>"
        )
    for (name, line), colour in zip(lines.items(), COLOURS, strict=False):
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in line)
        marks.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        number = list(lines).index(name)
        marks.append(
            f'<text x="{WIDTH - RIGHT}" y="{TOP + 4 + 18 * number}" text-anchor="end" '
            f'style="fill:{colour}">{name} {line[-1][1]:.4g}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#6e7781">'
        f'<title>{title}</title><text x="{LEFT}" y="22" font-size="15">{title}</text>'
        + "".join(marks)
        + f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">step</text></svg>\n'
    )

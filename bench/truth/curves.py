"""Line charts as SVG: small, without scripts, readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from bench.truth import metrics

WIDTH, HEIGHT = 560, 376
LEFT, RIGHT, TOP, BOTTOM = 64, 26, 70, 46
# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), those that stand out from white and
# from black alike; each line has a dash of its own as well.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
DASHES = ("", "7 3", "2 3", "9 3 2 3")
# One grey that is read on white and on near-black (contrast above 4 on both): a page's theme need
# not be the system's, which is all that a style sheet in a picture can ask for.
STYLE = """
text{font:12px system-ui,sans-serif;fill:#6e7781}.t{font-weight:600;font-size:13px}
.g{stroke:#8c959f;stroke-opacity:.35}.m{stroke:#8c959f;stroke-dasharray:4 4}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: its points in data units."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]


@dataclass(frozen=True, slots=True)
class Axis:
    """From ``low`` to ``high``, marked at ``ticks``."""

    label: str
    low: float
    high: float
    ticks: Sequence[float]


def chart(title: str, x: Axis, y: Axis, lines: Sequence[Line], guide: Line | None = None) -> str:
    """The SVG text. ``guide`` is drawn dashed and grey: what the lines are to be compared with."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"<style>{STYLE.strip()}</style>",
        f'<text class="t" x="{LEFT}" y="18">{escape(title)}</text>',
    ]
    for tick in x.ticks:
        at = _x(tick, x)
        parts.append(f'<line class="g" x1="{at}" y1="{TOP}" x2="{at}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(_text(at, HEIGHT - BOTTOM + 16, _tick(tick), "middle"))
    for tick in y.ticks:
        at = _y(tick, y)
        parts.append(f'<line class="g" x1="{LEFT}" y1="{at}" x2="{WIDTH - RIGHT}" y2="{at}"/>')
        parts.append(_text(LEFT - 6, at + 4, _tick(tick), "end"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x.label, "middle"))
    parts.append(
        f'<text text-anchor="middle" transform="translate(14 {middle}) rotate(-90)">'
        f"{escape(y.label)}</text>"
    )
    if guide is not None:
        parts.append(f'<polyline class="m" fill="none" points="{_points(guide, x, y)}"/>')
    for i, line in enumerate(lines):
        look = f'stroke="{COLOURS[i % 4]}" stroke-width="2" stroke-dasharray="{DASHES[i % 4]}"'
        parts.append(f'<polyline fill="none" {look} points="{_points(line, x, y)}"/>')
        x0, y0 = LEFT + 240 * (i % 2), 38 + 17 * (i // 2)
        parts.append(f'<line x1="{x0}" y1="{y0 - 4}" x2="{x0 + 28}" y2="{y0 - 4}" {look}/>')
        parts.append(_text(x0 + 34, y0, line.name, "start"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _points(line: Line, x: Axis, y: Axis) -> str:
    clipped = zip(np.clip(line.xs, x.low, x.high), np.clip(line.ys, y.low, y.high), strict=True)
    return " ".join(f"{_x(float(a), x)},{_y(float(b), y)}" for a, b in clipped)


def _x(value: float, axis: Axis) -> float:
    share = (value - axis.low) / (axis.high - axis.low)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _y(value: float, axis: Axis) -> float:
    share = (value - axis.low) / (axis.high - axis.low)
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _tick(value: float) -> str:
    return f"{100 * value:.0f} %"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def risk_coverage(name: str, sure: np.ndarray, right: np.ndarray, most: int = 200) -> Line:
    """How much of what is answered is wrong, from the surest answer to all of them: at most
    ``most`` points, none where fewer than 20 are answered (a risk of 0 of 3 is no figure)."""
    coverage, risk = metrics.risk_coverage(sure, right)
    order = np.arange(min(20, len(sure)) - 1, len(sure))
    chosen = order[np.linspace(0, len(order) - 1, min(most, len(order))).astype(int)]
    return Line(name, coverage[chosen].tolist(), risk[chosen].tolist())


def reliability(name: str, sure: np.ndarray, right: np.ndarray) -> Line:
    """Mean confidence against accuracy in each bin of equal mass."""
    bins = metrics.bins_of(sure, np.ones(len(sure)))
    own = [np.flatnonzero(bins == b) for b in range(metrics.BINS)]
    kept = [rows for rows in own if len(rows)]
    return Line(
        name,
        [float(sure[rows].mean()) for rows in kept],
        [float(right[rows].mean()) for rows in kept],
    )

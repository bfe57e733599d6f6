"""Stretches of time: five minutes for what is new, hours for what is usual."""

from __future__ import annotations

import math

from gnomon.errors import InputError

FINE_S, HOUR_S, DAY_S = 300.0, 3600.0, 86400.0
SHORTEST_S, LONGEST_S = 300.0, 7 * DAY_S
FINE_KEPT_S = 26 * HOUR_S
KEPT_S = 35 * DAY_S
"""How long hours are remembered: five weeks, so that each hour of the week is there five times."""
FOLLOWED_S = 8 * DAY_S
"""How long each post's own share of the counts is known, so that it can be taken back."""
FINE_UP_TO_S = 6 * HOUR_S
"""Windows up to this are counted in steps of five minutes, longer ones in hours."""
SPARKS = 24


def pane(time: float, length: float) -> int:
    """The start of the stretch of ``length`` that holds ``time``, epoch seconds."""
    return int(time // length * length)


def window(window_s: float, now: float) -> list[tuple[float, int]]:
    """The stretches ``(length, start)`` that make up the window that ends at ``now``, in order. It
    is at least ``window_s`` long, and begins with a whole stretch. The hour that holds ``now`` is
    told in steps of five minutes, so that nothing later than ``now`` comes in with it.

    Raises InputError for a length that is not served.
    """
    if not SHORTEST_S <= window_s <= LONGEST_S:
        raise InputError(f"A window of {window_s:g} s is not served; give 5 minutes to 7 days.")
    if window_s <= FINE_UP_TO_S:
        return steps(FINE_S, pane(now - window_s, FINE_S), now)
    last = pane(now, HOUR_S)
    return steps(HOUR_S, pane(now - window_s, HOUR_S), last) + steps(FINE_S, last, now)


def steps(length: float, start: int, end: float) -> list[tuple[float, int]]:
    """The stretches of ``length`` from ``start`` that begin before ``end``."""
    return [(length, at) for at in range(start, math.ceil(end), int(length))]


def spark_bins(window_s: float, until: float) -> tuple[float, list[float]]:
    """The length of a sparkline's bins and their ``SPARKS + 1`` edges, the last one at the end of
    the step that holds ``until``."""
    step = FINE_S if window_s <= HOUR_S else HOUR_S
    length = min(max(step, math.ceil(window_s / 6 / step) * step), DAY_S)
    end = pane(until, step) + (0 if until % step == 0 else step)
    return length, [end - (SPARKS - i) * length for i in range(SPARKS + 1)]

"""What an evaluation found, for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def markdown(report: Mapping[str, Any]) -> str:
    """``report.md``: every number beside what guessing scores, and what was not asked."""
    parts = [
        f"# Evaluation of {report['model']}",
        _told(report),
        table(report["sets"]),
        _memorised(report.get("memorisation")),
        _skipped(report["skipped"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _told(report: Mapping[str, Any]) -> str:
    return (
        f"The model of {report['from']}, greedy, without sampling. Intervals are of 95 %: Wilson's "
        "for shares, the bootstrap's otherwise. A number within the reach of guessing says nothing."
    )


def table(sets: Sequence[Mapping[str, Any]]) -> str:
    """One row a number."""
    head = "| set | metric | value | 95 % interval | guessing | n |\n|---|---|---|---|---|---|"
    rows = [
        f"| {one['set']} | {one['metric']}{'' if one['higher_is_better'] else ' (low is good)'} "
        f"| {number(one['value'])} | {number(one['low'])} to {number(one['high'])} "
        f"| {_guess(one)} | {_count(one)} |"
        for one in sets
    ]
    return "\n".join([head, *rows])


def number(value: float) -> str:
    """Four figures, no exponent below a million."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}" if value < 1e6 else f"{value:.1e}"


def _guess(one: Mapping[str, Any]) -> str:
    return "" if one["baseline"] is None else f"{number(one['baseline'])} ({one['guess']})"


def _count(one: Mapping[str, Any]) -> str:
    return f"{one['n']:,}" if one["n"] == one["of"] else f"{one['n']:,} of {one['of']:,}"


def _memorised(told: Mapping[str, Any] | None) -> str:
    if not told:
        return ""
    rows = []
    for name, side in (("trained on", told["trained"]), ("never seen", told["never"])):
        low, high = side["exact_interval"]
        near_low, near_high = side["nearly_interval"]
        rows.append(
            f"| {name} | {side['n']:,} | {side['exact']:.1%} ({low:.1%} to {high:.1%}) "
            f"| {side['nearly']:.1%} ({near_low:.1%} to {near_high:.1%}) | {side['run']:.1%} "
            f"| {side['tokens_in_place']:.1%} |"
        )
    return (
        "## What can be drawn out\n\n"
        f"Given up to {told['prefix']} tokens of a text, the likeliest next "
        f"{told['after']} against how it really goes on "
        "(https://arxiv.org/abs/2202.07646):\n\n"
        "| texts | n | word for word | 80 % of the tokens | a run of 50 | tokens in place |\n"
        "|---|---|---|---|---|---|\n" + "\n".join(rows)
    )


def _skipped(skipped: Mapping[str, str]) -> str:
    if not skipped:
        return ""
    return "## Not asked\n\n" + "\n".join(f"- {name}: {why}" for name, why in skipped.items())

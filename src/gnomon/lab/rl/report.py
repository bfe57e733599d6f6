"""What an arm's run looked like: for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gnomon.lab.model import curve
from gnomon.lab.rl.learning import Learnt

PAID, SCORES = "reward.svg", "gold.svg"
_SMOOTH = 5


def draw_curves(folder: Path, learnt: Learnt) -> None:
    """``reward.svg``: what replies were paid, a moving mean over steps, and the share of groups
    without signal; ``gold.svg``: own and gold score at each look."""
    played = [row for row in learnt.rows if row["step"] >= 0]
    by_step = [
        {
            "step": float(row["step"]),
            "reward": _mean([one["reward"] for one in played[max(0, i + 1 - _SMOOTH) : i + 1]]),
            "no signal": _mean(
                [one["no_signal"] for one in played[max(0, i + 1 - _SMOOTH) : i + 1]]
            ),
        }
        for i, row in enumerate(played)
    ]
    curve.draw(
        by_step, folder / PAID, title="reward on the curriculum's tasks",
        names=["reward", "no signal"],
    )  # fmt: skip
    looks = [
        {"step": float(one.step), "own": one.own_mean, "gold": one.gold_mean}
        for one in learnt.monitor.looks
    ]
    curve.draw(looks, folder / SCORES, title="hidden tasks", names=["own", "gold"])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def text(report: Mapping[str, Any]) -> str:
    """``report.md``."""
    lines = [
        f"# Learning by trying: the {report['arm']} arm",
        "",
        f"Pass@1 on held-out tasks, likeliest tokens: {report['sentence']}.",
        _sampled(report["pass_at_1_sampled"]),
        f"{report['steps']} of {report['of_steps']} steps in {report['seconds']:.0f} s; the "
        f"weights of step {report['kept_step']} are kept: of the looks at hidden tasks the best.",
    ]
    if report["ended"]:
        lines += ["", f"**Ended early**: {report['ended']}."]
    share = report["groups_without_signal"] / max(1, report["groups"])
    lines += [
        "",
        f"{report['groups_without_signal']} of {report['groups']} groups ({share:.0%}) had no "
        "signal (all replies were paid alike) and were left out.",
        "",
        f"![reward]({PAID}) ![hidden tasks]({SCORES})",
        "",
        "| family | tasks | before | after |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {one['tasks']} | {one['before']:.1%} | {one['after']:.1%} |"
        for name, one in report["by_family"].items()
    ]
    lines += ["", "## What was asked", "", "| family | difficulty: groups (paid at the end) |"]
    lines += ["|---|---|", *_asked(report["curriculum"])]
    return "\n".join(lines) + "\n"


def _sampled(one: Mapping[str, Any]) -> str:
    return (
        f"Drawn at temperature 1: {one['before']:.1%} to {one['after']:.1%} "
        f"(95 % of the change {one['low']:+.1%} to {one['high']:+.1%}): {one['verdict']}."
    )


def _asked(curriculum: Mapping[str, Mapping[str, float]]) -> list[str]:
    rows: dict[str, list[str]] = defaultdict(list)
    for name, arm in curriculum.items():
        family, _, difficulty = name.rpartition(" ")
        rows[family].append(f"{difficulty}: {arm['groups']} ({arm['pass_rate']:.0%})")
    return [f"| {family} | {', '.join(cells)} |" for family, cells in rows.items()]

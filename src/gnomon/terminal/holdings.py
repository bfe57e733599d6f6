"""What is held, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gnomon.terminal.console import count, line, prose, safe

MOST_GROUPS = 20
"""Kinds of set-aside things that ``status`` tells apart; the rest are counted."""
MOST_SOURCES = 30
"""Sources that ``status`` lists on a terminal."""

_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|\d[\d,.:TZ-]*")


def status(facts: Mapping[str, Any]) -> None:
    """What is held, and what is missing."""
    world = "  [magenta]sample world: fiction[/]" if facts["sample"] else ""
    line(f"[bold]gnomon {facts['version']}[/]  {safe(facts['home'])}{world}")
    line(
        f"{count(facts['posts'], 'post')} from {count(facts['origins'], 'origin')}; "
        f"{count(facts['tombstones'], 'deletion')} followed; "
        f"{count(facts['answers'], 'answer')} kept; "
        f"{facts['disk_bytes'] / 2**20:,.1f} of {facts['max_disk_bytes'] / 2**20:,.0f} MiB"
    )
    if facts["unindexed"]:
        prose(
            f"[yellow]the index is still being made: {count(facts['unindexed'], 'change')} cannot "
            "be searched yet, so answers and searches miss them; gnomon serve, pull and ask go on "
            "with it[/]"
        )
    for row in facts["sources"][:MOST_SOURCES]:
        _source(row)
    if len(facts["sources"]) > MOST_SOURCES:
        line(f"  and {len(facts['sources']) - MOST_SOURCES:,} other sources; --json lists all")
    for name, said in facts["health"].items():
        if name not in {row["source"] for row in facts["sources"]}:
            prose(f"[yellow]{safe(name)}[/]: {safe(said)}")
    for gap in facts["gaps"]:
        span = f"{gap['start'] or 'the start'} to {gap['end']}"
        prose(f"[yellow]gap[/] {safe(gap['source'])}: {span}: {safe(gap['reason'])}")
    if facts["gaps_total"] > len(facts["gaps"]):
        line(f"[yellow]gap[/] and {facts['gaps_total'] - len(facts['gaps']):,} older ones")
    _set_aside(facts["set_aside"], facts["set_aside_total"])
    used = facts["models"]
    prose(
        f"chat {safe(used['chat'] or 'none (answers are composed of quotes)')}; "
        f"encoder {safe(used['embed'] or 'none')}; verifier {safe(used['entail'])}"
    )
    if kept := facts.get("post_pictures"):
        _post_pictures(kept)
    _confidence(facts["confidence"])
    if told := facts.get("energy"):
        prose(f"energy of answers: {safe(told['device'] or told['why'])}")
    for trouble in used["trouble"].values():
        prose(f"[yellow]model trouble:[/] {safe(trouble)}")
    for name, setting in facts.get("config", {}).items():
        prose(f"  {name} = {safe(repr(setting['value']))}  [dim]{safe(setting['doc'])}[/]")


def _confidence(facts: Mapping[str, Any]) -> None:
    """How sure a verdict must be to be given, and whether that still fits."""
    if facts["calibrated"] is None:
        line(f"[dim]{safe(facts['said'])}[/]")
        return
    least = ", ".join(
        f"{kind} {'never' if at is None else format(at, '.2f')}"
        for kind, at in sorted(facts["thresholds"].items())
    )
    prose(
        f"confidence: at most {100 * facts['risk']:g} % of claims may get a wrong verdict, so "
        f"from {safe(least)} (calibrated {safe(facts['calibrated'])} on n={facts['claims']:,})"
    )
    colour = "yellow" if facts["drift"]["moved"] else "dim"
    prose(f"[{colour}]{safe(facts['said'])}[/]")


def _post_pictures(kept: Mapping[str, Any]) -> None:
    waiting = f", {kept['wanted']:,} posts wait" if kept["wanted"] else ""
    line(
        f"{count(kept['pictures'], 'picture')} of {count(kept['posts'], 'post')} kept"
        f" ({kept['bytes'] / 2**20:,.1f} of {kept['max_bytes'] / 2**20:,.0f} MiB){waiting}; "
        f"{kept['seen']:,} seen by {safe(kept['model'].rpartition(' ')[0] or 'no model')}"
    )
    for one in kept["set_aside"][:MOST_GROUPS]:
        prose(f"  [yellow]set aside[/] {safe(one['media'])}: {safe(one['reason'])}")
    if kept["set_aside_total"] > MOST_GROUPS:
        line(f"  and {kept['set_aside_total'] - MOST_GROUPS:,} more pictures; --json lists them")


def _source(row: Mapping[str, Any]) -> None:
    parts = [count(row["posts"], "post")]
    if row["newest"]:
        parts.append(f"newest {row['newest'][:16].replace('T', ' ')}")
    if row["set_aside"]:
        parts.append(f"{row['set_aside']:,} set aside")
    if row["gaps"]:
        parts.append(count(row["gaps"], "gap"))
    health = f"; {safe(row['health'])}" if row["health"] else ""
    line(f"  {safe(row['source'])}: {', '.join(parts)}{health}")


def _set_aside(items: Sequence[Mapping[str, Any]], total: int) -> None:
    """What was set aside; where it is much, things of one kind as one: the newest of them, and
    how many more there are."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    few = len(items) <= MOST_GROUPS
    for number, item in enumerate(items):
        kind = str(number) if few else _VALUES.sub("", item["reason"])
        groups.setdefault((item["source"], kind), []).append(item)
    shown = list(groups.values())[:MOST_GROUPS]
    for alike in shown:
        first, more = alike[0], len(alike) - 1
        others = f" [dim](and {more:,} more like it)[/]" if more else ""
        prose(f"[yellow]set aside[/] {safe(first['where'])}: {safe(first['reason'])}{others}")
    left = total - sum(map(len, shown))
    if left > 0:
        line(f"[yellow]set aside[/] and {left:,} others; --json with --set-aside N lists N.")

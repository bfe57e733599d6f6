"""Sources: what is followed, what a trial gave, what came of taking in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gnomon.terminal.console import count, err, line, prose, safe, when
from gnomon.types import Tried


def sources(rows: Sequence[Mapping[str, Any]]) -> None:
    """What is followed, a line each."""
    for row in rows:
        parts = [str(row["health"])]
        if row["lag_s"] is not None and row["state"] == "running":
            parts.append(f"{row['lag_s']:,.0f} s behind")
        parts.append(count(row["posts"], "post"))
        if row["newest"]:
            parts.append(f"newest {row['newest'][:16].replace('T', ' ')}")
        if row["gaps"]:
            parts.append(count(row["gaps"], "gap"))
        if row["set_aside"]:
            parts.append(f"{row['set_aside']:,} set aside")
        named = "" if row["source"] == row["spec"] else f" ({safe(row['source'])})"
        line(f"{safe(row['spec'])}{named}: {safe(', '.join(parts))}")
    if not rows:
        line("Nothing is followed; gnomon sources add SPEC")


def tried(result: Tried) -> None:
    """What a trial of a source gave."""
    line(
        f"{count(result.posts, 'post')} in {result.seconds:.1f} s from "
        f"{safe(', '.join(result.sources))}; nothing of it is kept"
    )
    for one in result.examples:
        line(f"[dim]{safe(one.id)}  {safe(one.author)}  {when(one.created_at)}[/]")
        prose(f"  {safe((one.title or one.text)[:300])}")
    for item in result.set_aside[:5]:
        prose(f"[yellow]would be set aside:[/] {safe(item.where)}: {safe(item.reason)}")
    if len(result.set_aside) > 5:
        line(f"[yellow]and {len(result.set_aside) - 5} more[/]")
    if result.error:
        prose(f"[red]{safe(result.error)}[/]")


def reports(rows: Sequence[Any]) -> None:
    """What came of each pulled source."""
    for row in rows:
        facts = [f"{row.added:,} new"]
        for name in ("edited", "unchanged", "buried", "deleted", "set_aside", "gaps"):
            if getattr(row, name):
                facts.append(f"{getattr(row, name):,} {name.replace('_', ' ')}")
        if row.added or not row.error:
            line(f"{safe(row.source)}: {', '.join(facts)}")
        if row.error:
            prose(f"[red]gnomon: {safe(_named(row.source, row.error))}[/]", to=err)
    if any(row.set_aside or row.error for row in rows):
        line("[dim]gnomon status says what was set aside and why.[/]")


def _named(source: str, error: str) -> str:
    return error if source in error else f"{source}: {error}"


def pictures_taken(taken: Any) -> None:
    """What came of taking pictures in; None where that was not asked, or was stopped."""
    if taken is not None:
        aside = f", {taken.aside:,} set aside (gnomon status says why)" if taken.aside else ""
        line(f"pictures: {taken.kept:,} kept{aside}")

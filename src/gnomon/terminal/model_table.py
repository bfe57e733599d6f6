"""Models: those that are known, and what a pull brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gnomon.terminal.console import line, prose, safe


def models(rows: Sequence[Mapping[str, Any]]) -> None:
    """The known models: a line of facts for each, and what there is to say below it."""
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        mark = "  [green]in use[/]" if row["in_use"] else "  [green]here[/]" if row["here"] else ""
        size = f"{row['bytes'] / 1e6:,.0f} MB"
        name = f"[bold]{safe(row['name'])}[/]" + " " * (width - len(row["name"]))
        line(f"{name}  {row['task']:<5}  {size:>8}  {row['licence']:<10}{mark}".rstrip())
        prose(f"  [dim]{safe(row['note'])}[/]")
    prose("[dim]gnomon models pull NAME fetches one; --json shows its SHA-256 and sources.[/]")


def pulled(paths: Sequence[Path]) -> None:
    for path in paths:
        line(f"[green]✓[/] {safe(str(path))}")

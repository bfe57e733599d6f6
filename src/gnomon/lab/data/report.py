"""What the data stage tells a person: counts, never a post."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def markdown(manifest: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """``report.md``: what was kept, what was dropped and why, languages, sources, licences."""
    kept = manifest["documents"]
    read = manifest["read"]
    lines = [
        "# Data",
        "",
        f"{sum(kept.values()):,} of {read:,} documents are kept: {kept['train']:,} to learn from, "
        f"{kept['val']:,} to measure on, together "
        f"{sum(manifest['bytes'].values()):,} bytes of text from {manifest['posts']:,} posts or "
        "texts.",
        "",
        *_table("why dropped", manifest["dropped"], read, "of all read"),
        *_table("language", manifest["languages"], sum(kept.values()), "of the kept"),
        *_table("source", manifest["sources"], read, "of all read"),
        *_table("licence", manifest["licences"], sum(kept.values()), "of the kept"),
        "What was dropped lies in `dropped/`, each with its `reason` and `detail`.",
        "",
    ]
    return "\n".join(lines)


def _table(name: str, counts: Mapping[str, int], whole: int, of: str) -> list[str]:
    if not counts:
        return []
    rows = [f"| {key} | {count:,} | {count / max(1, whole):.1%} |" for key, count in counts.items()]
    return [f"| {name} | documents | {of} |", "|---|---|---|", *rows, ""]

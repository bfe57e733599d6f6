"""What the data stage tells a person: counts and a picture of them, never a post."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

MOST_ROWS = 25


def markdown(manifest: Mapping[str, Any]) -> str:
    """``report.md``: what was kept, what was dropped and why, languages, sources, licences."""
    kept, read = manifest["documents"], manifest["read"]
    whole = sum(kept.values())
    details = manifest["details"]
    lines = [
        "# Data",
        "",
        f"{whole:,} of {read:,} documents are kept: {kept['train']:,} to learn from, "
        f"{kept['val']:,} to measure on, together {sum(manifest['bytes'].values()):,} bytes of "
        f"text from {manifest['posts']:,} posts or texts.",
        "",
        "![what became of what was read](report.svg)",
        "",
        *_table("why dropped", manifest["dropped"], read, "of all read"),
        *_table("duplicates by kind", details.get("duplicate", {}), read, "of all read"),
        *_table("evaluation set met", details.get("contamination", {}), read, "of all read"),
        *_table("asked not to be used", details.get("consent", {}), read, "of all read"),
        *_table("language", manifest["languages"], whole, "of the kept"),
        *_table("source", manifest["sources"], read, "of all read"),
        *_table("licence", manifest["licences"], whole, "of the kept"),
        *_table("masked in the kept", manifest["masked"], whole, "a kept document"),
        _eval_note(manifest),
        "What was dropped lies in `dropped/`, each with its `reason` and `detail`.",
        "",
    ]
    return "\n".join(lines)


def _eval_note(manifest: Mapping[str, Any]) -> str:
    if manifest["settings"]["eval_dir"]:
        return "What shares a run of words with an evaluation set is not in it.\n"
    return (
        "**No evaluation sets were named (`--eval-dir`)**: the corpus may hold what a model made "
        "from it is measured on.\n"
    )


def _table(name: str, counts: Mapping[str, int], whole: int, of: str) -> list[str]:
    if not counts:
        return []
    shown = list(counts.items())[:MOST_ROWS]
    if rest := sum(counts.values()) - sum(count for _, count in shown):
        shown.append((f"{len(counts) - MOST_ROWS} more", rest))
    rows = [f"| {_cell(key)} | {count:,} | {count / max(1, whole):.1%} |" for key, count in shown]
    return [f"| {name} | count | {of} |", "|---|---|---|", *rows, ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def chart(manifest: Mapping[str, Any]) -> str:
    """``report.svg``: a bar for each fate, as long as its share of what was read."""
    read = max(1, manifest["read"])
    kept = manifest["documents"]
    bars = [
        ("kept to learn from", kept["train"], "#2a9d8f"),
        ("kept to measure on", kept["val"], "#8ab17d"),
    ]
    bars += [(reason, count, "#e76f51") for reason, count in manifest["dropped"].items()]
    height = 26 * len(bars) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f"<title>What became of {read:,} documents</title>",
        f'<rect width="720" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="20" font-weight="600">{read:,} documents read</text>',
    ]
    for number, (name, count, colour) in enumerate(bars):
        y = 34 + 26 * number
        width = max(1.0, 380 * count / read) if count else 0
        parts += [
            f'<text x="170" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="180" y="{y}" width="{width:.1f}" height="18" rx="3" fill="{colour}"/>',
            f'<text x="{186 + width:.1f}" y="{y + 14}">{count:,} ({count / read:.1%})</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])

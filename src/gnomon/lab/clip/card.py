"""What an exported CLIP says of itself to people and to the hub (`README.md`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

README = "README.md"
NOT_STATED = "not stated"


def write_readme(folder: Path, card: Mapping[str, Any]) -> None:
    """``README.md`` beside the card."""
    parts = (_front(card), _head(card), _data(card), _scores(card), _files(card))
    (folder / README).write_text("\n".join(part.strip() + "\n" for part in parts), "utf-8")


def table(scores: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Scores as Markdown."""
    lines = ["| on | what | % | 95 % interval | guessing | questions | answers |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for name, found in scores.items():
        for one in found:
            lines.append(
                f"| {name} | {one['name']} | {one['value']:.1%} | {one['low']:.1%} to "
                f"{one['high']:.1%} | {one['chance']:.2%} | {one['n']:,} | {one['among']:,} |"
            )
    return "\n".join(lines) if scores else "Nothing was held out, so nothing was measured."


def _front(card: Mapping[str, Any]) -> str:
    """https://huggingface.co/docs/hub/model-cards#model-card-metadata"""
    stated = card["licence"] != NOT_STATED
    return "\n".join(
        (
            "---",
            f"license: {json.dumps(card['licence'].lower() if stated else 'other')}",
            *([] if stated else ["license_name: not-stated"]),
            "library_name: onnx",
            "pipeline_tag: zero-shot-image-classification",
            f"language: {json.dumps(card['languages'])}",
            "tags: [gnomon, clip]",
            "---",
        )
    )


def _head(card: Mapping[str, Any]) -> str:
    shown = f"{card['data']['pictures']:,} drawings of {card['data']['concepts']:,} ideas"
    return (
        f"# {card['name']}\n\n"
        f"CLIP of {card['parameters']:,} parameters, made from nothing but {shown} by "
        f"{card['made_by']} on {card['made_at'][:10]}. It sees {card['side']} x {card['side']} "
        f"pixels and reads {card['context_tokens']} tokens ({', '.join(card['languages'])}). It "
        "knows drawings of single things; photographs it was never shown.\n\n"
        f"Licence of the weights: {card['licence']}. The towers are kept in {card['bits']} bits.\n"
        "\n```\ngnomon search --images red umbrella\n```"
    )


def _data(card: Mapping[str, Any]) -> str:
    data, training = card["data"], card["training"]
    rows = [("set", "pictures"), ("---", "---")]
    rows += [(name, f"{count:,}") for name, count in data["sets"].items()]
    licences = ", ".join(f"{name} {count:,}" for name, count in data["licences"].items())
    return (
        "## Data and training\n\n"
        + "\n".join(f"| {a} | {b} |" for a, b in rows)
        + f"\n\nLicences of the pictures: {licences}.\n\n{training['steps']:,} steps, "
        f"{training['pairs']:,} pairs, {training['loss']} loss {training['train_loss']:.3f}, "
        f"{training['seconds']:,.0f} s."
    )


def _scores(card: Mapping[str, Any]) -> str:
    if card["everything"]:
        told = (
            "It learnt from every split and set, so that nothing is left to measure it with: what "
            "the same recipe comes to with ideas held out is in gnomon's docs/lab-pictures.md."
        )
    else:
        held = f" Nothing was learnt from the set {card['held_set']}." if card["held_set"] else ""
        told = (
            f"Ideas of val and test were never shown, and often their words neither.{held} "
            f"Intervals are by drawing ideas anew.\n\n{table(card['scores'])}"
        )
    worst = max(card["cost_8_bits"], key=lambda name: card["cost_8_bits"][name])
    bits = (
        f"Eight bits instead of thirty-two cost {card['cost_8_bits'][worst] * 100:.2f} points at "
        f"most ({worst}, {card['cost_on']})."
    )
    return f"## Numbers\n\n{told}\n\n{bits}"


def _files(card: Mapping[str, Any]) -> str:
    rows = [f"| {f['path']} | {f['bytes']:,} | `{f['sha256']}` |" for f in card["files"]]
    return "\n".join(["## Files", "", "| file | bytes | SHA-256 |", "|---|---|---|", *rows])

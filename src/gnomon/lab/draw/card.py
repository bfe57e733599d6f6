"""What a drawer says of itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gnomon.lab.pictures.held import open_pictures

NOT_STATED = "not stated"


def of(
    name: str, report: Mapping[str, Any], clip: Mapping[str, Any], pictures: Mapping[str, Any], *,
    precision: str, licence: str,
) -> dict[str, Any]:  # fmt: skip
    """The card of the model that ``report`` is of."""
    held = open_pictures(Path(str(pictures["folder"])))
    learnt = [
        item
        for item in held.items
        if item.split in report["splits"] and item.style in report["styles"]
    ]
    return {
        "name": name,
        "task": "text to picture",
        "architecture": "PRXTransformer2DModel, pixel space, predicts the picture; text tower of "
        "a CLIP trained beside it",
        "licence": licence or NOT_STATED,
        "made": f"{datetime.now(UTC):%Y-%m-%d}",
        "parameters": report["parameters"],
        "precision": precision,
        "data": {
            "drawings": len(learnt),
            "concepts": len({item.concept for item in learnt}),
            "sets": dict(Counter(item.set for item in learnt).most_common()),
            "licences": dict(Counter(item.licence for item in learnt).most_common()),
        },
        "training": {
            key: report[key]
            for key in ("steps", "pictures", "seconds", "train_loss", "val_loss", "splits")
            if key in report
        },
        "energy": report.get("energy"),
        "text_tower": {"inputs": clip.get("inputs")},
        "limits": "Small drawings on plain grounds, one or two things, colours and a place. It has "
        "learnt from a few thousand drawings of emoji: what has none it does not know, and what it "
        "draws looks like one.",
    }


def readme(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    data, training = card["data"], card["training"]
    sets = "\n".join(f"| {name} | {count:,} |" for name, count in data["sets"].items())
    licences = ", ".join(f"{name} ({count:,})" for name, count in data["licences"].items())
    return (
        f"# {card['name']}\n\nDraws what it is asked for, {card['sizes'][0][0]} pixels square. "
        f"{card['architecture']}. {card['parameters']:,} parameters, {card['precision']}. "
        f"Licence: {card['licence']}.\n\n{card['limits']}\n\n"
        f"## What it learnt from\n\n{data['drawings']:,} drawings of {data['concepts']:,} ideas; "
        f"their licences: {licences}.\n\n| set | drawings |\n|---|---|\n{sets}\n\n"
        f"## How\n\n{training['steps']:,} steps, {training['pictures']:,} scenes, "
        f"{training['seconds']:,} seconds.\n\n"
        "```json\n" + json.dumps(card, indent=1, ensure_ascii=False) + "\n```\n"
    )

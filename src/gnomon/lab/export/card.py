"""What a model says of itself: ``card.json`` for programs, ``README.md`` for people and the hub.

The front matter of the README is what the Hugging Face hub reads
(https://huggingface.co/docs/hub/model-cards#model-card-metadata).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CARD = "card.json"
README = "README.md"
NOT_STATED = "not stated"
NOT_MEASURED = "not measured"


def energy(stages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Joules over the stages that trained, or None and why: what one stage has not measured is
    not guessed from the others."""
    by_stage: dict[str, float | None] = {}
    why: list[str] = []
    for name in ("pretrain", "sft", "rl"):
        if name not in stages:
            continue
        told = _joules(stages[name].get("energy"))
        by_stage[name] = told.get("joules")
        if told.get("joules") is None:
            why.append(f"{name}: {told.get('why') or 'it has no record of it'}")
    known = [value for value in by_stage.values() if value is not None]
    whole = bool(known) and len(known) == len(by_stage)
    return {
        "joules": sum(known) if whole else None,
        "by_stage": by_stage,
        "why": "; ".join(dict.fromkeys(why)),
    }


def _joules(told: Any) -> Mapping[str, Any]:
    """A span's figures, wherever a report keeps them."""
    if not isinstance(told, Mapping):
        return {}
    inner = told.get("energy")
    return inner if isinstance(inner, Mapping) else told


def readme(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    parts = [_front(card), _head(card), _use(card), _data(card), _training(card)]
    parts += [_numbers(card), _truth(card), _marks(card), _files(card)]
    return "\n".join(part.strip() + "\n" for part in parts if part)


def _front(card: Mapping[str, Any]) -> str:
    licence = card["licence"]
    stated = licence != NOT_STATED
    counts = card["data"].get("languages", {})
    # A language detector finds a dozen languages in any heap of short posts.
    least = sum(counts.values()) / 100
    languages = [name for name, n in counts.items() if len(name) in (2, 3) and n >= least]
    lines = [
        "---",
        f"license: {json.dumps(licence.lower() if stated else 'other')}",
        *([] if stated else ["license_name: not-stated"]),
        "library_name: transformers",
        "pipeline_tag: text-generation",
        *([f"language: {json.dumps(languages)}"] if languages else []),
        "tags: [gnomon, qwen3, gguf]",
        "---",
    ]
    return "\n".join(lines)


def _head(card: Mapping[str, Any]) -> str:
    kind = "It was taught to chat." if card["tuned"] else "It continues text; it was not tuned."
    return (
        f"# {card['name']}\n\n"
        f"A model of words of {card['parameters']:,} parameters ({card['architecture']}), made by "
        f"{card['made_by']} on {card['made_at'][:10]} from the corpus below. {kind} It reads "
        f"{card['context_tokens']:,} tokens, its answer included. A model of this size is fluent "
        "before it is right: gnomon has it answer in quotes that are checked.\n\n"
        f"Licence of the weights: {card['licence']}."
    )


def _use(card: Mapping[str, Any]) -> str:
    name = card["name"]
    return (
        f'## Use\n\n```\ngnomon ask --model {name} "..."\n'
        f'python -c \'from transformers import pipeline; print(pipeline("text-generation", '
        f'"{name}")("Once"))\'\nvllm serve ./{name}\n```'
    )


def _data(card: Mapping[str, Any]) -> str:
    data = card["data"]
    if not data:
        return "## Data\n\nThis run has no record of its corpus."
    rows = [
        ("documents", _counts(data.get("documents"))),
        ("posts", f"{data.get('posts', 0):,}"),
        ("tokens", _counts(data.get("tokens"))),
        ("sources", _counts(data.get("sources"))),
        ("languages", _counts(data.get("languages"))),
        ("licences of the texts", _counts(data.get("licences"))),
        ("read", f"{data.get('read', 0):,}"),
        ("left out, by reason", _counts(data.get("dropped"))),
        ("as of", str(data.get("as_of", ""))[:10]),
    ]
    return "## Data\n\nPublic posts and texts only.\n\n" + _table(
        ("", ""), [r for r in rows if r[1]]
    )


def _training(card: Mapping[str, Any]) -> str:
    rows = []
    for stage, told in card["training"].items():
        for name, value in told.items():
            if isinstance(value, int | float | str) and not isinstance(value, bool):
                rows.append((stage, name.replace("_", " "), _number(value)))
    spent = card["energy"]
    joules = f"{spent['joules']:,.0f} J" if spent["joules"] is not None else NOT_MEASURED
    why = f" ({spent['why']})" if spent["why"] else ""
    return f"## Training\n\nEnergy: {joules}{why}.\n\n" + _table(("stage", "", ""), rows)


def _numbers(card: Mapping[str, Any]) -> str:
    sets = card["evaluation"].get("sets") or []
    if not sets:
        return "## Numbers\n\nIt was not evaluated."
    rows = [
        (
            one["set"],
            one["metric"],
            _number(one["value"]),
            _interval(one),
            _number(one["baseline"]) if one.get("baseline") is not None else "",
            f"{one['n']:,}",
        )
        for one in sets
    ]
    head = ("set", "metric", "value", "95 % interval", "guessing", "n")
    return "## Numbers\n\n" + _table(head, rows)


def _interval(one: Mapping[str, Any]) -> str:
    low, high = one.get("low"), one.get("high")
    return "" if low is None or high is None else f"{_number(low)} to {_number(high)}"


def _truth(card: Mapping[str, Any]) -> str:
    told = card.get("truth")
    if not told:
        return "## The same everywhere\n\nNot checked at this export."
    rows = [
        (f"{name}: largest difference of a log-probability", f"{value:.1e}")
        for name, value in told["log_probs"].items()
    ]
    rows += [
        (f"{name}: equal greedy tokens", f"{same} of {told['greedy_of']}")
        for name, same in told["greedy"].items()
    ]
    rows.append(
        ("texts to tokens and back", f"{told['round_trips']:,} of {told['round_trips_of']:,}")
    )
    rows += [
        (
            f"{file}: divergence from the trainer",
            f"{one['kl_nats']:.1e} nats; same likeliest token {one['same_likeliest']:.0%}",
        )
        for file, one in told["served"].items()
    ]
    return "## The same everywhere\n\nBeside the trainer, in float32:\n\n" + _table(("", ""), rows)


def _marks(card: Mapping[str, Any]) -> str:
    marks = card["marks"]
    if not marks:
        return "## Deleted since\n\nNo post of its corpus is known to have been deleted."
    return (
        f"## Deleted since\n\n{len(marks):,} of the {card['posts']:,} posts that it learned from "
        f"were deleted since, the last noted on {marks[-1]['at'][:10]}. What a model has learned "
        "cannot be taken out of it: make it anew without them (`gnomon lab run`), and stop sharing "
        "this one."
    )


def _files(card: Mapping[str, Any]) -> str:
    rows = [(f["path"], f"{f['bytes']:,}", f"`{f['sha256']}`") for f in card["files"]]
    return "## Files\n\n" + _table(("file", "bytes", "SHA-256"), rows)


def _counts(value: Any) -> str:
    if not isinstance(value, Mapping):
        return "" if value is None else _number(value)
    shown = [f"{name} {count:,}" for name, count in list(value.items())[:12]]
    more = len(value) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more > 0 else "")


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def write_readme(folder: Path, card: Mapping[str, Any]) -> None:
    """``README.md`` beside the card."""
    (folder / README).write_text(readme(card), "utf-8")

"""What the tokenizer stage tells a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnomon.lab.tokenizer.encoding import Words

LONGEST_SHOWN = 20


def markdown(report: Mapping[str, Any], words: Words) -> str:
    """``report.md``: sizes, bytes per token per language, and the longest tokens learned."""
    lines = [
        "# Tokenizer",
        "",
        f"Byte-level BPE, {report['vocab']:,} tokens with the specials, split as "
        f"{report['split']} (`tokenizer.ggml.pre` is `{report['ggml_pre']}`).",
        "",
        "| split | documents | bytes | tokens |",
        "|---|---|---|---|",
        *(
            f"| {split} | {report['documents'][split]:,} | {report['bytes'][split]:,} | "
            f"{report['tokens'][split]:,} |"
            for split in report["tokens"]
        ),
        "",
        "UTF-8 bytes a token, on held-out documents (more is a shorter text for the model):",
        "",
        "| language | bytes a token |",
        "|---|---|",
        *(f"| {name} | {value:.2f} |" for name, value in report["bytes_per_token"].items()),
        "",
        "The longest words that became one token: " + ", ".join(_longest(words)) + ".",
        "",
    ]
    return "\n".join(lines)


def _longest(words: Words) -> list[str]:
    """Tokens that are whole words, longest first. A word is many documents' own, nobody's post."""
    every = (words.decode([number]).strip() for number in range(words.vocab))
    found = {word for word in every if word.isalpha()}
    return [f"`{word}`" for word in sorted(found, key=lambda w: (-len(w), w))[:LONGEST_SHOWN]]

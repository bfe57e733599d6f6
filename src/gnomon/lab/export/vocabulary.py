"""What a tokenizer.json says of itself, held to what llama.cpp can do the same.

llama.cpp carries each split pattern that it knows under a name (``tokenizer.ggml.pre``); a
tokenizer that it does not know is refused here rather than served with other tokens than it was
trained with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.tokenizer.splits import GGUF_PRE, PATTERNS


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``pre`` is llama.cpp's name of the split; ``tokens`` in the order of their ids; ``special``
    and ``added`` are ids; ``merges`` are pairs joined by a space, in the order in which they are
    applied."""

    pre: str
    tokens: Sequence[str]
    merges: Sequence[str]
    special: frozenset[int]
    added: frozenset[int]

    def id_of(self, token: str) -> int:
        """Raises InputError where there is no such token."""
        if token not in self.tokens:
            raise InputError(
                f"The tokenizer has no token {token!r}; train one that has: gnomon lab tokenizer"
            )
        return self.tokens.index(token)


def read(path: Path) -> Vocabulary:
    """The byte-level BPE in a tokenizer.json. Raises InputError for what llama.cpp would read
    otherwise, naming it."""
    try:
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
        model = told["model"]
        vocabulary: dict[int, str] = {number: token for token, number in model["vocab"].items()}
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; run: gnomon lab tokenizer") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no tokenizer ({error!r}); run: gnomon lab tokenizer"
        ) from error
    _check(told, model, path)
    added = {entry["id"]: entry for entry in told.get("added_tokens") or ()}
    vocabulary |= {number: entry["content"] for number, entry in added.items()}
    if sorted(vocabulary) != list(range(len(vocabulary))):
        raise InputError(
            f"{path} leaves out ids below {max(vocabulary)}; run gnomon lab tokenizer again."
        )
    return Vocabulary(
        pre=_pre(told.get("pre_tokenizer"), path),
        tokens=[vocabulary[number] for number in range(len(vocabulary))],
        merges=[one if isinstance(one, str) else " ".join(one) for one in model["merges"]],
        special=frozenset(number for number, entry in added.items() if entry["special"]),
        added=frozenset(added),
    )


def _check(told: Mapping[str, Any], model: Mapping[str, Any], path: Path) -> None:
    after = (told.get("post_processor") or {}).get("type", "ByteLevel")
    odd = [
        f"{name} is {found!r}"
        for name, found in (
            ("model.type", model.get("type") if model.get("type") != "BPE" else None),
            ("normalizer", (told.get("normalizer") or {}).get("type")),
            ("post_processor", after if after != "ByteLevel" else None),
            *(
                (f"model.{name}", model.get(name))
                for name in (
                    *("byte_fallback", "ignore_merges", "dropout", "unk_token"),
                    *("continuing_subword_prefix", "end_of_word_suffix"),
                )
            ),
        )
        if found
    ]
    if odd:
        raise InputError(
            f"{path}: {'; '.join(odd)}. llama.cpp does not do that, and would read other tokens "
            "than the model was trained on; use a tokenizer of gnomon lab tokenizer."
        )


def _pre(split: Mapping[str, Any] | None, path: Path) -> str:
    """llama.cpp's name for the way to split."""
    steps = [] if not split else split.get("pretokenizers", [split])
    match steps:
        case [{"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}]:
            return GGUF_PRE["gpt2"]
        case [
            {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
        ]:
            for name, known in PATTERNS.items():
                if regex == known:
                    return GGUF_PRE[name]
    raise InputError(
        f"{path}: llama.cpp has no name for this way to split ({json.dumps(split)[:200]}); "
        f"use one of {', '.join(PATTERNS)}: gnomon lab tokenizer"
    )

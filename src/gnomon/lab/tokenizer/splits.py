"""Where words end before byte pairs are merged: the exact patterns of two stock tokenizers.

A runtime knows a pattern by name (llama.cpp: ``tokenizer.ggml.pre``) and has it hard-wired, so a
pattern of our own would be read differently by every one of them.
"""

from __future__ import annotations

from gnomon.errors import InputError

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/tokenizer.json; a digit is a token."""

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""https://github.com/openai/gpt-2/blob/master/src/encoder.py"""

PATTERNS = {"qwen2": QWEN2, "gpt2": GPT2}

GGUF_PRE = {"qwen2": "qwen2", "gpt2": "gpt-2"}
"""What ``tokenizer.ggml.pre`` is for each (``llama-vocab.cpp`` of llama.cpp)."""


def pattern(name: str) -> str:
    """Raises InputError for a name that is none of ours."""
    if name not in PATTERNS:
        raise InputError(f"{name!r} is no split pattern; choose {' or '.join(PATTERNS)}.")
    return PATTERNS[name]

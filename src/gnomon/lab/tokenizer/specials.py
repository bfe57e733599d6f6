"""The tokens that are no text, in one table; every stage reads their names here.

Qwen's own (ChatML, https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/tokenizer_config.json), so
that every runtime knows them. Ordinary encoding never makes one from a text that spells it.
"""

from __future__ import annotations

END = "<|endoftext|>"
"""Ends a document; also pads."""
TURN = "<|im_start|>"
TURN_END = "<|im_end|>"

SPECIALS = (END, TURN, TURN_END)
"""In the order of their ids, which are the last of the vocabulary."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""Jinja, as ``transformers`` and llama.cpp read it."""

"""Messages as they go to a runtime: well-formed Unicode, and no control tokens in disguise.

Runtimes render a chat template to text and then read control tokens out of that text, so a post
that says ``<|im_end|>`` would end its own quotation. A zero-width space after the first character
keeps such a string readable and makes it ordinary text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gnomon.models.protocols import Message

# The control tokens of the families in our table and their relatives: ChatML and Llama 3
# (<|...|>), Llama 2 and Mistral (<s>, [INST]), Gemma (<start_of_turn>, <bos>), Qwen's tool and
# thinking tags.
_CONTROL = re.compile(
    r"<(?=\||/?(?:s|unk|pad|bos|eos|mask|think|tool_\w+|start_of_\w+|end_of_\w+|fim_\w+)\b)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_\w+|AVAILABLE_TOOLS)\])"
    r"|<(?=<SYS>>|</SYS>>)",
    re.IGNORECASE,
)


def as_dicts(messages: Sequence[Message]) -> list[dict[str, str]]:
    """``{"role", "content"}`` for each."""
    return [{"role": m.role, "content": disarm(m.content)} for m in messages]


def disarm(text: str) -> str:
    """``text`` without lone surrogates and with every control token broken open."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(lambda found: found[0] + "\u200b", whole)

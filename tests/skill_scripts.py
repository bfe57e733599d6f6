"""A chat model of a test's own for the skills, by what it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gnomon.assemble import Gnomon, open_sample
from gnomon.config import load
from gnomon.models.doubles import ScriptedChat
from gnomon.models.protocols import Message

NOTES: Mapping[str, Any] = {"characters": [], "threads": [], "facts": []}
Replies = Callable[[Sequence[Message]], Any]


def chat(strong: bool = True, **replies: Replies | Any) -> ScriptedChat:
    """``story`` (text), ``notes``, ``translation``, ``pick`` and ``speech`` (JSON) as values, or as
    functions of the messages."""

    def script(messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
        asked = set((schema or {}).get("properties", {}))
        kind = next(
            name
            for name, has in (
                ("notes", "characters"), ("translation", "translation"), ("pick", "answer"),
                ("speech", "sentences"), ("story", ""),
            )
            if has in asked or not has
        )  # fmt: skip
        made = replies.get(kind, NOTES if kind == "notes" else "")
        made = made(messages) if callable(made) else made
        return made if isinstance(made, str) else json.dumps(made, ensure_ascii=False)

    return ScriptedChat(script, name="novelist", strong=strong)


@contextmanager
def sample_with(home: Path, model: ScriptedChat | None) -> Iterator[Gnomon]:
    """The sample world, answered by ``model``."""
    with open_sample(load(home, {}, chat_model="none", embed_model="none")) as gnomon:
        gnomon._models._chat = model
        gnomon._models._tried.add("chat")
        yield gnomon


@contextmanager
def answering(gnomon: Gnomon, model: ScriptedChat | None) -> Iterator[Gnomon]:
    """``gnomon`` with ``model`` for the time of the block."""
    before, gnomon._models._chat = gnomon._models._chat, model
    try:
        yield gnomon
    finally:
        gnomon._models._chat = before

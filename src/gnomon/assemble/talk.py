"""Models as such: plain generation, embeddings and the rules of moderation, for the server.

The configured chat model is the one that answers questions, in the same process. Others that are
on this machine are opened when they are asked for, one at a time, and end when nobody uses them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np

from gnomon.assemble.models import Models, chat_choice, embed_choice, load_chat
from gnomon.config import Config
from gnomon.errors import GnomonError, NotFound
from gnomon.models import installed, table
from gnomon.models.generation import Generate
from gnomon.models.installed import Choice
from gnomon.models.protocols import Chat, Encode
from gnomon.text import moderation
from gnomon.types.generation import Delta, Fired, Generation, Spent, Vectors

GUEST_IDLE_S = 300.0
"""A model that is not the configured one leaves memory after so long without use."""


class Talk:
    """See ``serve.contract.Talk``. Thread-safe."""

    def __init__(self, config: Config, models: Models) -> None:
        self._config = config
        self._models = models
        self._lock = threading.Lock()
        self._guest: tuple[str, Generate] | None = None

    def models(self) -> list[Mapping[str, Any]]:
        """The configured chat model, others that are here (none where the owner wants none), the
        encoder. Nothing is started."""
        rows: list[Mapping[str, Any]] = []
        chosen = self._chosen("chat")
        if chosen:
            rows.append(_row(_id_of(chosen, self._config), "chat", chosen, self._config))
        wanted = self._config.chat_model.strip().lower() not in ("", "none")
        for held in installed.installed(self._config.models_dir) if wanted else ():
            if held.task == "chat" and held.name != _name(chosen):
                choice = installed.resolve(held.name, self._config.models_dir)
                rows.append(_row(held.name, "chat", choice, self._config))
        if encoder := self._chosen("embed"):
            rows.append(_row(encoder.name, "embed", encoder, self._config))
        return rows

    def generate(self, wish: Generation, *, model: str = "") -> Iterator[Delta | Spent]:
        """See ``serve.contract.Talk``."""
        return self._chat(model).generate(wish)

    def chat(self, model: str) -> Chat:
        """The chat model of that id, "" the default. Raises NotFound, ModelError."""
        return cast(Chat, self._chat(model))

    def embed(self, texts: Sequence[str], *, model: str = "", query: bool = False) -> Vectors:
        """See ``serve.contract.Talk``."""
        embed = self._models.embed()
        if embed is None:
            raise NotFound(
                "There is no encoder on this machine; "
                "`gnomon models pull multilingual-e5-small-q4` brings one."
            )
        if model not in ("", embed.name):
            raise NotFound(f"The encoder here is {embed.name!r}; there is no {model[:60]!r}.")
        found = cast(Encode, embed).encode(texts, query=query)
        rows = np.ascontiguousarray(found.rows, dtype="<f4")
        return Vectors(rows.tobytes(), embed.dim, found.tokens, found.averaged)

    def moderate(self, text: str) -> tuple[Fired, ...]:
        """See ``serve.contract.Talk``."""
        return moderation.fired(text)

    def close(self) -> None:
        with self._lock:
            guest, self._guest = self._guest, None
        if guest:
            _close(guest[1])

    def _chosen(self, task: str) -> Choice | None:
        """What the settings come to; None where there is no such model or it is not here."""
        try:
            choice = (chat_choice if task == "chat" else embed_choice)(self._config)
        except GnomonError:
            return None
        return None if choice.kind == "none" else choice

    def _chat(self, model: str) -> Generate:
        rows = [row for row in self.models() if row["task"] == "chat"]
        ids = [row["id"] for row in rows]
        if not ids:
            raise NotFound(
                "There is no chat model on this machine; `gnomon models` shows what can be pulled."
            )
        wanted = model or ids[0]
        if wanted not in ids:
            raise NotFound(f"There is no chat model {model[:60]!r}; here: {', '.join(ids)}.")
        chosen = self._chosen("chat")
        chat = self._models.chat() if chosen else None
        # After a pull, "auto" may come to another model than the one that runs.
        if (
            chosen
            and chat
            and wanted == (_id_of(chosen, self._config) if chosen.kind == "url" else chat.name)
        ):
            return cast(Generate, chat)
        return self._invite(wanted)

    def _invite(self, name: str) -> Generate:
        with self._lock:
            if self._guest and self._guest[0] == name:
                return self._guest[1]
            before, self._guest = self._guest, None
            if before:
                # Two models beside the configured one may not fit into memory.
                _close(before[1])
            opened = load_chat(replace(self._config, chat_model=name), idle_s=GUEST_IDLE_S)
            assert opened is not None
            self._guest = (name, cast(Generate, opened))
            return self._guest[1]


def _close(model: Any) -> None:
    model.close()


def _name(choice: Choice | None) -> str:
    return choice.name if choice else ""


def _id_of(choice: Choice, config: Config) -> str:
    """What a client calls it; of a URL without a model's name the host, for it may hold a key."""
    if choice.kind != "url":
        return choice.name
    parts = urlsplit(choice.url)
    return config.chat_url_model or f"default@{parts.hostname}" + (
        f":{parts.port}" if parts.port else ""
    )


def _row(id: str, task: str, choice: Choice, config: Config) -> Mapping[str, Any]:
    known = table.known(choice.name)
    owner = urlsplit(choice.url).hostname if choice.url else "this machine"
    return {
        "id": id,
        "task": task,
        "created": int(choice.path.stat().st_mtime) if choice.path else 0,
        "owned_by": owner or "elsewhere",
        "context_tokens": known.context_tokens if known else choice.context_tokens,
        "strong": choice.strong,
        "licence": known.licence if known else "not stated",
    }

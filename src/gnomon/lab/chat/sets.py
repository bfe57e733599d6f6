"""Published conversations, each with its licence, and the owner's own; read, never changed.

None of them is part of gnomon: a machine that lacks them learns from what it makes itself
(``made.py``). docs/lab-chat.md says where each comes from.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.chat.conversations import Conversation, Dropped, Role, Turn
from gnomon.lab.workspace import file_sha256

Found = Iterator[Conversation | Dropped]
_ROLES: Mapping[Any, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant"
}  # fmt: skip
_CALCULATOR = re.compile(r"<<[^<>]*>>")


@dataclass(frozen=True, slots=True)
class Published:
    """A set that is known by the name of its file."""

    file: str
    source: str
    licence: str
    url: str
    read: Callable[[Mapping[str, Any], str], Conversation | Dropped]


def _self_dialogue(row: Mapping[str, Any], id: str) -> Conversation | Dropped:
    """One person wrote both sides, turn about; who begins asks."""
    return Conversation(id, _alternating(row["turns"]), "self-dialogues")


def _schema_guided(row: Mapping[str, Any], id: str) -> Conversation | Dropped:
    roles: Mapping[str, Role] = {"USER": "user", "SYSTEM": "assistant"}
    turns = tuple(Turn(roles[who], text.strip()) for who, text in row["turns"])
    return Conversation(id, turns, "schema-guided dialogue")


def _grade_school(row: Mapping[str, Any], id: str) -> Conversation | Dropped:
    """Without the calculator's marks (``<<48/2=24>>``), the result as "Answer: 24"."""
    worked, found, result = row["answer"].rpartition("####")
    if not found:
        return Dropped(id, "gsm8k", "no result after ####")
    text = f"{_CALCULATOR.sub('', worked).strip()}\nAnswer: {result.strip()}"
    return Conversation(id, (Turn("user", row["question"]), Turn("assistant", text)), "gsm8k")


PUBLISHED = (
    Published(
        "self_dialogues_en.jsonl.gz", "self-dialogues", "BSD-3-Clause",
        "https://github.com/jfainberg/self_dialogue_corpus", _self_dialogue,
    ),
    Published(
        "sgd_train.jsonl.gz", "schema-guided dialogue", "CC BY-SA 4.0",
        "https://github.com/google-research-datasets/dstc8-schema-guided-dialogue", _schema_guided,
    ),
    Published(
        "gsm8k_train.jsonl.gz", "gsm8k", "MIT",
        "https://github.com/openai/grade-school-math", _grade_school,
    ),
)  # fmt: skip


def read_folder(folder: Path) -> Found:
    """Every published set that lies in ``folder`` under its usual name. Raises InputError where
    there is none."""
    here = [(one, folder / one.file) for one in PUBLISHED if (folder / one.file).is_file()]
    if not here:
        raise InputError(
            f"{str(folder)!r} holds none of {', '.join(one.file for one in PUBLISHED)}; "
            "docs/lab-chat.md says where they come from and how their lines look."
        )
    for one, path in here:
        for number, row in _rows(path):
            name = f"{one.source}:{number}"
            if isinstance(row, str):
                yield Dropped(name, one.source, "not a JSON object", row)
                continue
            try:
                yield one.read(row, name)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                yield Dropped(name, one.source, "not as this set's lines are", repr(error))


def read_own(path: Path) -> Found:
    """The owner's conversations: JSON lines of ``{"messages": [{"role", "content"}, ...]}``, as
    OpenAI's fine-tuning takes them (https://platform.openai.com/docs/guides/supervised-fine-tuning);
    ``.gz`` too. An assistant message with ``"weight": 0`` is shown and not learnt from.

    Raises InputError where the file cannot be read or no line of it is a conversation.
    """
    good, faults = 0, []
    source = f"own:{path.name}"
    for number, row in _rows(path):
        name = f"{source}:{number}"
        one = (
            Dropped(name, source, "not a JSON object", row)
            if isinstance(row, str)
            else _own(row, name, source)
        )
        if isinstance(one, Dropped):
            faults.append(f"line {number}: {one.reason}")
        else:
            good += 1
        yield one
    if not good:
        first = f" ({'; '.join(faults[:3])})" if faults else " (it is empty)"
        raise InputError(
            f"{str(path)!r} holds no conversation{first}; write one JSON object a line: "
            '{"messages": [{"role": "user", "content": "..."}, '
            '{"role": "assistant", "content": "..."}]}'
        )


def _own(row: Mapping[str, Any], id: str, source: str) -> Conversation | Dropped:
    messages = row.get("messages")
    if not isinstance(messages, list):
        return Dropped(id, source, 'no "messages"')
    turns = []
    for message in messages:
        if not isinstance(message, Mapping) or "role" not in message:
            return Dropped(id, source, "a message without a role")
        role = _ROLES.get(message["role"])
        if role is None:
            return Dropped(id, source, "a role that is none of ours", str(message["role"]))
        text = _text(message.get("content"))
        if text is None or message.get("tool_calls"):
            return Dropped(id, source, "a message that is not text alone")
        turns.append(Turn(role, text, learn=message.get("weight", 1) != 0))
    return Conversation(id, tuple(turns), source)


def _text(content: Any) -> str | None:
    """A message's words: a string, or parts of which all are text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(
        isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content
    ):
        return "".join(part["text"] for part in content)
    return None


def _alternating(texts: list[str]) -> tuple[Turn, ...]:
    sides: tuple[Role, Role] = ("user", "assistant")
    return tuple(Turn(sides[i % 2], text.strip()) for i, text in enumerate(texts))


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """``(line number from 1, object)``; a line that is none comes as what is wrong with it."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _object(line)
    except (OSError, EOFError) as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}.") from error


def _object(line: bytes) -> Mapping[str, Any] | str:
    try:
        row = json.loads(line)
    except ValueError as error:
        return str(error)
    return row if isinstance(row, Mapping) else f"a {type(row).__name__}"


def licences(paths: list[Path], folder: Path | None) -> dict[str, dict[str, str]]:
    """For each source that is read: licence, where it comes from, SHA-256 of the file. Raises
    InputError for a file that cannot be read."""
    found = {
        one.source: {
            "licence": one.licence,
            "from": one.url,
            "sha256": file_sha256(folder / one.file),
        }
        for one in PUBLISHED
        if folder is not None and (folder / one.file).is_file()
    }
    for path in paths:
        if not path.is_file():
            raise InputError(f"{str(path)!r} cannot be read: there is no such file.")
        found[f"own:{path.name}"] = {
            "licence": "the owner's", "from": path.name, "sha256": file_sha256(path)
        }  # fmt: skip
    return found

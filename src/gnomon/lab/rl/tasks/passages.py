"""What tasks about texts are made from: sentences of held posts, or of invented events."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gnomon.lab.verifier.invented import invented
from gnomon.text import sentences
from gnomon.text.orders import is_instruction
from gnomon.text.tokens import is_cjk

LEAST_PASSAGES = 50
"""With fewer, some family would ask the same few sentences for ever; invented ones are added."""
_INVENTED_EVENTS = 400
_MOST_CHARACTERS = 160
_LINK = re.compile(r"https?://|www\.|\S@\S|[<>{}|\\]|^[RM]T\b")
_WORD = re.compile(r"[^\W\d_]{4,}")
_CJK_RUN = re.compile(r"[\u4e00-\u9fff]{2,}")


@dataclass(frozen=True, slots=True)
class Passage:
    """One text, as its sentences that can be asked about. ``held`` is the post's id, "" where the
    text is invented."""

    sentences: tuple[str, ...]
    held: str = ""


def passages(texts: Iterable[tuple[str, str]], *, most: int = 5000) -> tuple[Passage, ...]:
    """From ``(id, text)`` of posts, the first ``most`` that have a sentence to ask about. Texts
    that speak to machines are left out; invented ones are added where there are too few."""
    found: list[Passage] = []
    seen: set[str] = set()
    for held, text in texts:
        if len(found) >= most:
            break
        if is_instruction(text):
            continue
        kept = tuple(s for s in _sentences(text) if s not in seen)
        seen.update(kept)
        if kept:
            found.append(Passage(kept, held))
    return tuple(found) if len(found) >= LEAST_PASSAGES else (*found, *made_up())


def made_up(events: int = _INVENTED_EVENTS) -> tuple[Passage, ...]:
    """Invented events, the same on every machine."""
    windows = dict.fromkeys(pair.window for pair in invented(seed=6, events=events))
    found = {tuple(_sentences(window)) for window in windows}
    return tuple(Passage(kept) for kept in sorted(found) if kept)


def _sentences(text: str) -> list[str]:
    return [
        line
        for start, end in sentences.split(text)
        if askable(line := " ".join(text[start:end].split()))
    ]


def askable(line: str) -> bool:
    """A whole sentence that states something, without links, addresses or marks."""
    if len(line) > _MOST_CHARACTERS or _LINK.search(line) or line.endswith(("?", "？", "…", "...")):
        return False
    if is_cjk(line):
        return len(line) >= 8 and line[-1] in "。！.!"
    return len(line.split()) >= 4 and line[0].isupper() and line[-1] in ".!"


def terms(line: str) -> tuple[str, ...]:
    """Words of a line by which it can be asked for, as they stand there."""
    if is_cjk(line):
        return tuple(dict.fromkeys(run[:2] for run in _CJK_RUN.findall(line)))
    return tuple(dict.fromkeys(_WORD.findall(line)))

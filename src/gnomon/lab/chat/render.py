"""Conversations as token ids with a mask of what is learnt: the answers, and where each ends.

The layout is CHAT_TEMPLATE's (``tokenizer/specials.py``; a test holds both to
``transformers``' ``apply_chat_template`` with ``return_assistant_tokens_mask``). What somebody
wrote is encoded as text, so a post that spells ``<|im_end|>`` ends no turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.lab.chat.conversations import Conversation, Dropped, Turn
from gnomon.lab.tokenizer.encoding import Words


@dataclass(frozen=True, slots=True)
class Rendered:
    """``learn[i]``: whether ``ids[i]`` is part of an answer, its TURN_END included."""

    ids: tuple[int, ...]
    learn: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def __add__(self, other: Rendered) -> Rendered:
        """Turns after turns."""
        return Rendered(self.ids + other.ids, self.learn + other.learn)


def render(words: Words, turns: Sequence[Turn]) -> Rendered:
    """Whole turns, each ``TURN role \\n content TURN_END \\n``. An answer is learnt as it will be
    made: after the prompt's tokens, so its own begin anew, without space around it."""
    texts = [text for turn in turns for text in _texts(turn)]
    pieces = iter(words.encode_all([*texts, "\n"]))
    ids: list[int] = []
    learn: list[bool] = []
    line = words.encode("\n")
    for turn in turns:
        head = [words.turn, *next(pieces)]
        body = [*next(pieces), words.turn_end] if turn.role == "assistant" else [words.turn_end]
        ids += [*head, *body, *line]
        marked = turn.role == "assistant" and turn.learn
        learn += [False] * len(head) + [marked] * len(body) + [False] * len(line)
    return Rendered(tuple(ids), tuple(learn))


def prompt(words: Words, turns: Sequence[Turn]) -> list[int]:
    """``turns`` and the beginning of an answer, as ``add_generation_prompt`` has it."""
    return [*render(words, turns).ids, words.turn, *words.encode("assistant\n")]


def _texts(turn: Turn) -> list[str]:
    if turn.role == "assistant":
        return ["assistant\n", turn.content.strip()]
    return [f"{turn.role}\n{turn.content}"]


def fitted(
    words: Words, conversation: Conversation, most: int
) -> tuple[list[Rendered], list[Dropped]]:
    """A conversation in windows of at most ``most`` tokens, and what was left out or cut.

    No answer is ever cut. A conversation that is too long is parted between exchanges, each window
    with the system turn again; an exchange that does not fit alone is left out, and so is what
    nobody answered.
    """
    turns = conversation.turns
    system = turns[:1] if turns[0].role == "system" else ()
    spoken = turns[len(system) :]
    first = render(words, system)
    notes: list[Dropped] = []
    windows: list[Rendered] = []
    held = first
    for start in range(0, len(spoken) - 1, 2):
        exchange = render(words, spoken[start : start + 2])
        if len(first) + len(exchange) > most:
            size = f"{len(first) + len(exchange)} tokens"
            notes.append(_note(conversation, "an exchange longer than the context", size))
        fits = len(held) + len(exchange) <= most
        if not fits and len(held) > len(first):
            windows.append(held)
        held = held + exchange if fits else first + exchange
        if len(held) > most:
            held = first
    if len(held) > len(first):
        windows.append(held)
    if len(spoken) % 2:
        notes.append(_note(conversation, "a last turn without an answer", ""))
    if len(windows) > 1:
        notes.append(_note(conversation, "parted between exchanges", f"{len(windows)} windows"))
    return [one for one in windows if any(one.learn)], notes


def _note(conversation: Conversation, reason: str, detail: str) -> Dropped:
    return Dropped(conversation.id, conversation.source, reason, detail)

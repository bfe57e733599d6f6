"""Continue a plot: a model writes, sentence by sentence held to what was settled before.

A sentence that does not fit (see ``consistency``) is taken out with its reason, and the model goes
on from where the text is right. What the new part changes is written into the state (see
``aftermath``), which its owner may edit as they like.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import cast

from gnomon.errors import InputError, ModelError, ModelMissing
from gnomon.models.protocols import Chat, Message
from gnomon.skills.aftermath import notes, settled
from gnomon.skills.consistency import adrift, sentences, slip_of, tail, unended
from gnomon.text.sentences import split
from gnomon.types import Step
from gnomon.types.skilled import Piece, Plot, Slip, StoryEvent, Told

MOST_WORDS, USUAL_WORDS = 2_000, 250
ATTEMPTS = 5
"""So often a model may begin again after a sentence that did not fit."""
ENOUGH = 0.4
"""A part of this share of the words wished for is not gone on with after a slip."""
TEMPERATURE = 0.8
MOST_WISH_CHARS = 4_000
NO_MODEL = (
    "Continuing a plot needs a chat model, and there is none: `gnomon models pull "
    "smollm2-135m-instruct` brings a very small one (98 MB); better prose comes from a larger one, "
    "by --model PATH.gguf or --model URL."
)

_SYSTEM = {
    "en": (
        "You are a novelist and continue a story. Write only the story's next sentences: no "
        "headings, no remarks, no lists. Keep to the notes: names as they are spelt, facts as they "
        "stand; characters who are dead neither speak nor act. Do not repeat what was told. Take "
        "up open threads, and let the characters speak."
    ),
    "zh": (
        "你是小说家，续写一个故事。只写故事接下来的句子：不要标题，不要说明，不要列表。遵守笔记：名字写法不变，"
        "事实不变；已经死去的人物不说话也不行动。不要重复讲过的内容。推进未了结的线索，让人物说话。"
    ),
}


def tell(
    plot: Plot,
    wish: str,
    chat: Chat | None,
    *,
    words: int = USUAL_WORDS,
    keep: bool = False,
    timeout_s: float = 60.0,
) -> Iterator[StoryEvent]:
    """Continue ``plot`` by about ``words`` words (characters, in Chinese). ``wish`` says what is to
    happen, if anything in particular. ``keep``: a sentence that does not fit stays, marked.

    Raises InputError, ModelMissing (no chat model), ModelError.
    """
    if not 20 <= words <= MOST_WORDS:
        raise InputError(f"A part of {words} words cannot be told; give 20 to {MOST_WORDS:,}.")
    if len(wish) > MOST_WISH_CHARS:
        raise InputError(
            f"The wish has {len(wish):,} characters; say it in {MOST_WISH_CHARS:,} at most."
        )
    if not (plot.premise or plot.parts or wish.strip()):
        raise InputError("There is nothing to continue: give a premise, or what is to happen.")
    if chat is None:
        raise ModelMissing(NO_MODEL)
    return _tell(plot, wish.strip(), chat, words, keep, timeout_s)


def _tell(
    plot: Plot, wish: str, chat: Chat, words: int, keep: bool, timeout_s: float
) -> Iterator[StoryEvent]:
    lost = adrift(plot)
    known = f"{len(plot.characters)} characters, {len(plot.threads)} threads"
    yield Step("plot", f"part {len(plot.parts) + 1}; {known}", {"adrift": list(lost)})
    text, slips = yield from _written(plot, wish, chat, words, keep, timeout_s)
    if not text.strip():
        why = "; ".join(dict.fromkeys(slip.reason for slip in slips)) or "it wrote nothing"
        raise ModelError(
            f"{chat.name} wrote nothing that fits the plot ({why[:300]}); try again with another "
            "wish, a larger model, or keep what does not fit (--keep-slips)."
        )
    yield Step("notes", "reading what the new part changes")
    plot, changes, trouble = settled(plot, text.strip(), chat, timeout_s=timeout_s)
    if trouble:
        yield Step("notes", f"{trouble} Only rules looked for changes.")
    yield Told(text.strip(), plot, tuple(slips), tuple(changes), adrift(plot), chat.name)


def _written(
    plot: Plot, wish: str, chat: Chat, words: int, keep: bool, timeout_s: float
) -> Generator[StoryEvent, None, tuple[str, list[Slip]]]:
    """The new part, piece by piece, and the slips that were found on the way."""
    text, slips = "", list[Slip]()
    for attempt in range(ATTEMPTS):
        left = words - _length(text, plot.lang)
        messages = prompt(plot, wish, text, slips, chat, left)
        limit = min(int(left * (1.6 if plot.lang == "zh" else 1.5)) + 40, chat.context_tokens // 2)
        stopped, joint = None, "" if plot.lang == "zh" else " "
        pieces = chat.stream(
            messages, max_tokens=limit, temperature=TEMPERATURE, timeout_s=timeout_s * 2
        )
        with closing(cast("Generator[str, None, None]", pieces)):
            for sentence, gap, ends in _sentences(pieces):
                slip = slip_of(sentence, plot, [*tail(plot), *sentences(text)])
                if slip is None and ends and unended(sentence):
                    slip = Slip("cut", sentence, "it ends in the middle")
                if slip is not None and keep and slip.kind not in ("cut", "aside"):
                    slips.append(Slip(slip.kind, slip.quote, slip.reason, kept=True))
                elif slip is not None:
                    slips.append(slip)
                    if slip.kind in ("cut", "aside"):
                        continue
                    stopped = slip
                    break
                piece = f"{(gap or joint) if text else ''}{sentence}"
                text, joint = text + piece, ""
                yield Piece(piece)
                if _length(text, plot.lang) >= words:
                    break
        if text and (stopped is None or _length(text, plot.lang) >= ENOUGH * words):
            break
        if stopped is not None:
            yield Step("again", f"taken out: {stopped.reason}", {"quote": stopped.quote})
        elif attempt:
            break  # it has nothing to say
    return text, slips


def _sentences(pieces: Iterator[str]) -> Iterator[tuple[str, str, bool]]:
    """Sentences as they are complete, each with the white space before it; True for the last, of
    which nobody knows whether it ended."""
    held, begun = "", False
    for piece in pieces:
        held += piece
        spans = split(held)
        if len(spans) < 2:
            continue
        for start, end in spans[:-1]:
            yield held[start:end], _gap(held, spans, start, begun), False
            begun = True
        held = held[spans[-2][1] :]
    for start, end in (spans := split(held)):
        yield held[start:end], _gap(held, spans, start, begun), (start, end) == spans[-1]
        begun = True


def _gap(held: str, spans: list[tuple[int, int]], start: int, begun: bool) -> str:
    """The white space before a sentence, paragraphs kept."""
    before = max((end for _, end in spans if end <= start), default=0)
    gap = held[before:start]
    if "\n" in gap:
        return "\n\n"
    return " " if gap.strip() == "" and gap else ""


def _length(text: str, lang: str) -> int:
    return sum(map(str.isalpha, text)) if lang == "zh" else len(text.split())


def prompt(
    plot: Plot, wish: str, text: str, slips: list[Slip], chat: Chat, words: int
) -> list[Message]:
    """What the model is shown: the notes, the end of the story so far, the wish."""
    room = max(400, chat.context_tokens - int(words * 1.6) - 350)
    chars = room * (1 if plot.lang == "zh" else 3)
    state = notes(plot)[: chars // 2]
    told = "\n\n".join((*plot.parts, text)).strip()[-(chars - len(state)) :]
    lines = [f"Notes:\n{state}"] if state else []
    if plot.style:
        lines.append(f"Style: {plot.style}")
    if lost := adrift(plot):
        lines.append(f"Long not taken up: {', '.join(lost[:5])}")
    if told:
        lines.append(f"The story so far:\n{told}")
    if wish:
        lines.append(f"What happens next: {wish}")
    if avoid := [slip for slip in slips[-3:] if slip.kind not in ("cut", "aside")]:
        said = "; ".join(f"{slip.reason[:160]}" for slip in avoid)
        lines.append(f"Mind: {said}")
    unit = "字" if plot.lang == "zh" else "words"
    ask = "接着写" if plot.lang == "zh" else "Continue the story in"
    lines.append(f"{ask} {max(20, words)} {unit}:")
    return [Message("system", _SYSTEM[plot.lang]), Message("user", "\n\n".join(lines))]

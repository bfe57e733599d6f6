"""The words of a sentence that answer a question: the number, date, name or place of the kind that
is asked for; where none of these is asked, what the sentence says that the question does not."""

from __future__ import annotations

import re

from gnomon.text import slots
from gnomon.text.tokens import is_cjk, normalise
from gnomon.truth import sought
from gnomon.truth.asked import Asked
from gnomon.truth.rewrite import Asks
from gnomon.truth.terms import stem, term_set
from gnomon.types import Passage, Slot, SlotKind

Span = tuple[int, int]


def span_of(asked: Asked, passage: Passage) -> Span:
    """Offsets into ``passage.text``; the whole of it where nothing narrower can be told."""
    text = passage.text
    for find in (_typed, _rest):
        if (span := find(asked, passage)) is not None:
            return span
    return 0, len(text)


def _typed(asked: Asked, passage: Passage) -> Span | None:
    text = passage.text
    match asked.kind:
        case Asks.COUNT | Asks.WHEN:
            found = [_with_unit(asked, text, s) for s in sought.values(asked, passage)]
            return _closest(asked, text, found)
        case Asks.WHAT if _DAY_ZH.search(asked.question):
            dates = [s for s in slots.exact(text) if s.kind is SlotKind.DATE]
            return _closest(asked, text, [(s.start, s.end) for s in dates])
        case Asks.WHO:
            return _closest(asked, text, _new_names(asked, text))
        case Asks.WHERE:
            placed = [
                span
                for span in _new_names(asked, text)
                if re.search(r"\b(?:in|at|near|to|from|of|on)\s+(?:the\s+)?$", text[: span[0]])
            ]
            return _closest(asked, text, placed or _new_names(asked, text))
        case Asks.WHY:
            cause = re.search(
                r"\b(?:because|due to|since|as a result of|owing to|thanks to|in order to|so that)"
                r"\s+(?:of\s+)?(?P<a>[^.;]+)|(?:因为|由于|为了)(?P<b>[^，。；]+)",
                text,
                re.IGNORECASE,
            )
            if cause:
                return cause.span("a") if cause["a"] else cause.span("b")
    return None


# 哪一年, which asks for a date in other words than 何时.
_DAY_ZH = re.compile("哪一?[年天月日]")


def _with_unit(asked: Asked, text: str, slot: Slot) -> Span:
    """A number with the word after it, where that says of what: "40 crowns". What the question
    names itself ("how many members") need not be said again."""
    after = re.match(r" ?([a-z]{3,})\b|朗|拉", text[slot.end :])
    word = after[1] if after else None
    if slot.kind is not SlotKind.NUMBER or after is None:
        return slot.start, slot.end
    if word and (word in _EDGE or stem(word) in asked.wanted or word in asked.question.lower()):
        return slot.start, slot.end
    return slot.start, slot.end + after.end()


def _new_names(asked: Asked, text: str) -> list[Span]:
    """Names that the question does not have."""
    held = normalise(asked.question)
    return [
        (slot.start, slot.end)
        for slot in slots.find(text)
        if slot.kind is SlotKind.NAME and _is_new(slot, held)
    ]


def _is_new(slot: Slot, held: str) -> bool:
    if is_cjk(slot.text):
        return slot.text not in held
    return not any(word in held for word in normalise(slot.text).split() if len(word) > 2)


def _closest(asked: Asked, text: str, spans: list[Span]) -> Span | None:
    """Of several, the one that stands nearest to words of the question."""
    if len(spans) < 2:
        return spans[0] if spans else None
    places = [m.start() for m in re.finditer(r"\w+", text) if stem(m[0].lower()) in asked.wanted]
    if not places:
        return spans[0]

    def distance(span: Span) -> float:
        outside = [p for p in places if not span[0] <= p < span[1]]
        return sum(sorted(min(abs(p - span[0]), abs(p - span[1])) for p in outside)[:3])

    return min(spans, key=distance)


_PIECE = re.compile(r"[\w'’.,%$€£°/-]*\w[%°]?")
_EDGE = frozenset(
    "a an the and or but of in on at to for by with from as is are was were be been being it its "
    "that which who whom whose this these those has have had will would can could may".split()
)


def _rest(asked: Asked, passage: Passage) -> Span | None:
    """The longest run of the sentence that the question does not say, from word to word."""
    text = passage.text
    if is_cjk(text):
        return _rest_zh(asked, text)
    known = term_set(asked.question)
    runs: list[list[Span]] = [[]]
    for match in _PIECE.finditer(text):
        word = match[0].strip(".,")
        if stem(normalise(word)) in known and normalise(word) not in _EDGE:
            runs.append([])
        elif runs[-1] and re.search(r"[;:()—]|,\s", text[runs[-1][-1][1] : match.start()]):
            runs.append([match.span()])
        else:
            runs[-1].append(match.span())
    trimmed = [_trim(run, text) for run in runs]
    best = max(trimmed, key=lambda run: (min(len(run), 8), -len(run)), default=[])
    return (best[0][0], best[-1][1]) if best else None


def _trim(run: list[Span], text: str) -> list[Span]:
    """A run without the small words at its ends."""
    while run and normalise(text[slice(*run[0])]) in _EDGE:
        run = run[1:]
    while run and normalise(text[slice(*run[-1])]).strip(".,") in _EDGE:
        run = run[:-1]
    return run


def _rest_zh(asked: Asked, text: str) -> Span | None:
    """The clause of a Chinese sentence that shares least with the question beside one that shares
    most, without what it shares at its ends."""
    held = set(normalise(asked.question))
    clauses = [m.span() for m in re.finditer(r"[^，。；：、！？,;]+", text)]
    if not clauses:
        return None

    def shared(span: Span) -> float:
        part = text[slice(*span)]
        return sum(c in held for c in part) / len(part)

    most = max(clauses, key=lambda span: shared(span) * (span[1] - span[0]))
    start, end = most
    inner = [i for i in range(start, end) if normalise(text[i]) not in held]
    if inner and inner[-1] - inner[0] >= 1:
        return inner[0], inner[-1] + 1
    after = [span for span in clauses if span[0] >= end]
    return after[0] if after else most

"""Whether two posts in different words state the same facts: numbers, dates, names, polarity.

Exact parts only; that the words between them mean the same is for an encoder to say
(``meaning``). Two posts that differ in a number, a negation or a name, or one of which quotes
somebody whom the other does not name, are never one origin.
"""

from __future__ import annotations

import re

from gnomon.origins.wording import Wording
from gnomon.text import names, polarity, slots
from gnomon.text.tokens import words

QUOTE_WORDS = 4
"""Words in quotation marks from which on they are somebody's speech and no title or nickname."""

_QUOTED = re.compile(r"[\"“”«»「『]([^\"“”«»「」『』\n]{2,400})[\"“”«»」』]")
_STOP = frozenset(
    "a an the of to in on at by for from with and or but as is are was were be been being has have "
    "had do does did will would it its this that these those he she they his her their we our i my "
    "you your who which than then so if into over after before about up out no not says said say "
    "的 了 在 是 和 与 于 为 被 对 将 已 也 就 都 而 及 并 有 个 这 那 其 中".split()
)


def differ(root: Wording, copy: Wording) -> str:
    """What the two state differently: "number" (codes and versions included), "negation",
    "modality", "name", "quote", "question", or "" (the same facts, as far as they can be compared
    exactly)."""
    if root.values != copy.values or _codes(root) != _codes(copy):
        return "number"
    if ("?" in root.text or "？" in root.text) != ("?" in copy.text or "？" in copy.text):
        return "question"
    if polarity.negations(root.text) != polarity.negations(copy.text):
        return "negation"
    if polarity.modality(root.text) != polarity.modality(copy.text):
        return "modality"
    if _unnamed(root, copy) or _unnamed(copy, root):
        return "name"
    return "quote" if speech(copy.text) != speech(root.text) else ""


def _codes(wording: Wording) -> frozenset[str]:
    """Words with digits that are no quantity and no date: "HJR1053", "140E020S", "3/32"."""
    text = wording.text
    for slot in reversed(slots.exact(text, now=wording.time)):
        text = f"{text[: slot.start]} {text[slot.end :]}"
    return frozenset(word for word in words(text) if any(map(str.isdigit, word)))


def is_testimony(text: str) -> bool:
    """Whether somebody speaks of themselves: two people who say "I saw it" are two witnesses, in
    however like words."""
    return bool(_FIRST_PERSON.search(text))


_FIRST_PERSON = re.compile(
    r"\b(?:I|I['’][a-z]+|[Mm]y|[Mm]e|[Mm]ine|[Ww]e|[Ww]e['’][a-z]+|[Oo]ur|[Uu]s)\b"
    r"|我(?!国|市|省|县|校|军)|咱|俺|本人|目击|亲眼"
)


def _unnamed(one: Wording, other: Wording) -> set[str]:
    """The words of names in ``one`` that ``other`` does not have at all, its author aside."""
    known = {_stem(word) for word in (*other.words, *words(other.author))}
    said = {word for slot in names.find(one.text) for word in words(slot.text) if word not in _STOP}
    return {word for word in said if _stem(word) not in known}


def speech(text: str) -> frozenset[str]:
    """What ``text`` gives as direct speech: each quotation of ``QUOTE_WORDS`` words or more, as
    its words."""
    quoted = (words(match[1]) for match in _QUOTED.finditer(text))
    return frozenset(" ".join(run) for run in quoted if len(run) >= QUOTE_WORDS)


def content(wording: Wording) -> frozenset[str]:
    """The stems of the words that carry meaning."""
    return frozenset(_stem(word) for word in wording.words if word not in _STOP)


def overlap(root: Wording, copy: Wording) -> float:
    """The Jaccard coefficient of the content stems (0..1)."""
    a, b = content(root), content(copy)
    return len(a & b) / len(a | b) if a or b else 0.0


def _stem(word: str) -> str:
    return word[:5] if word.isascii() and not word.isdigit() else word

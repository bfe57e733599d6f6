"""A story's timeline: which origins brought something new, and when."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gnomon.text import names, slots
from gnomon.text.sentences import split
from gnomon.types import Moment, Post, Saying, Slot, SlotKind

MOST_MOMENTS = 12
READ_CHARS = 1200
QUOTE_CHARS = 280
MANY = 20
"""Posts of one origin that make it worth showing by themselves."""
_SHOWN = 6  # numbers, and names, of one moment
_ORDINAL = re.compile(
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:st|nd|rd|th))\b|第",
    re.IGNORECASE,
)
_NOUN = re.compile(r" [a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Root:
    """An origin's earliest post, how many posts it stands for, and the number of the voice that it
    is one of (None: its author's own)."""

    post: Post
    posts: int
    voice: int | None = None

    @property
    def who(self) -> tuple[str, str] | int:
        """Whose word it is: those that are one voice have the same; unnamed ones of one source are
        one."""
        if self.voice is not None:
            return self.voice
        post = self.post
        return (post.source if not post.author else "", post.author)

    @property
    def text(self) -> str:
        """Title and beginning, as it is read."""
        text = self.post.text[:READ_CHARS]
        title = self.post.title
        return f"{title}\n{text}" if title and not text.startswith(title) else text


def saying(root: Root, quote: str) -> Saying:
    post = root.post
    return Saying(post.id, post.author, post.source, post.url, post.time, quote, root.posts)


def timeline(roots: Sequence[Root]) -> tuple[Moment, ...]:
    """The key origins in the order of time: the first, those that brought numbers and names that
    stay in the story, and those that many carried. ``roots`` in the order of time."""
    found = [_details(root.text) for root in roots]
    said = {
        (root.who, name)
        for root, (_, called) in zip(roots, found, strict=True) for name in called
    }  # fmt: skip
    spread = Counter(name for _, name in said)
    # A name that one of many voices brings is its own; one that others take up is the story's.
    least = 2 if len({root.who for root in roots}) > 3 else 1
    seen_numbers: list[Slot] = []
    seen_names: set[str] = set()
    moments = []
    for i, (root, (counts, called)) in enumerate(zip(roots, found, strict=True)):
        new_numbers = [s for s in counts if not any(slots.same(s, old) for old in seen_numbers)]
        new_names = [
            s for name, s in called.items() if name not in seen_names and spread[name] >= least
        ]
        seen_numbers += new_numbers
        seen_names.update(called)
        worth = 2.0 * len(new_numbers) + len(new_names) + math.log2(root.posts)
        if i == 0 or new_numbers or new_names or root.posts >= MANY:
            moments.append((worth, i, _moment(root, i == 0, new_numbers, new_names)))
    first, rest = moments[:1], moments[1:]
    rest.sort(key=lambda one: (-one[0], one[1]))
    kept = sorted([*first, *rest[: MOST_MOMENTS - 1]], key=lambda one: one[1])
    return tuple(moment for _, _, moment in kept)


def _details(text: str) -> tuple[list[Slot], Mapping[str, Slot]]:
    """Numbers with a unit, and names, each once."""
    counts: list[Slot] = []
    for slot in slots.exact(text):
        if _ORDINAL.match(slot.text):
            continue  # "the first paragraph" counts nothing
        if (
            slot.kind is SlotKind.NUMBER
            and slot.unit
            and not any(slots.same(slot, other) for other in counts)
        ):
            counts.append(slot)
    called = {str(slot.value): slot for slot in reversed(names.find(text)) if len(slot.text) > 2}
    return counts, dict(reversed(called.items()))


def _moment(root: Root, is_first: bool, counts: list[Slot], called: list[Slot]) -> Moment:
    reason = "numbers" if counts else "names" if called else "carried"
    text = root.text
    at = counts[0].start if counts else called[0].start if called else 0
    return Moment(
        saying(root, quote(text, 0 if is_first else at)),
        "first" if is_first else reason,
        tuple(_counted(text, slot) for slot in counts[:_SHOWN]),
        tuple(slot.text for slot in called[:_SHOWN]),
    )


def _counted(text: str, slot: Slot) -> str:
    """A number as written, with the word that it counts where that follows ("five people")."""
    noun = _NOUN.match(text, slot.end) if slot.text[-1:].isalnum() else None
    return text[slot.start : noun.end() if noun else slot.end]


def quote(text: str, at: int = 0) -> str:
    """The sentence that stands at ``at``, as written, at most ``QUOTE_CHARS`` long."""
    spans = split(text)
    for start, end in spans:
        if end > at:
            return text[start : min(end, start + QUOTE_CHARS)]
    return text[:QUOTE_CHARS]

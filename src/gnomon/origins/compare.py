"""Whether one text is a copy of another: nearly the same words, and no fact changed.

Containment and resemblance of shingles as in Broder 1997
(https://doi.org/10.1109/SEQUEN.1997.666900).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from gnomon.origins.wording import COMMENT_WORDS, Wording, running
from gnomon.text import names, polarity, quantities, sentences, slots
from gnomon.text.tokens import words
from gnomon.types import SlotKind

CONTAINMENT = 0.5
JACCARD = 0.6
# Below this many words only equal texts are one, and only within a week: short true statements
# are made again independently.
EQUAL_BELOW = 6.0
EQUAL_WITHIN_S = 7 * 86400.0
# Above it a SequenceMatcher would take longer than all the rest.
LONGEST_ALIGNED = 3000

_NUMBER_WORDS = frozenset(
    "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred "
    "thousand million billion trillion dozen half third quarter double twice triple both "
    "yesterday today tomorrow tonight monday tuesday wednesday thursday friday saturday sunday january "
    "february march april may june july august september october november december "
    "noon midnight am pm km kg percent".split()
)
_CJK_NUMBERS = frozenset("一二三四五六七八九十百千万亿两零〇半昨今明前后上下")
_BOILERPLATE = frozenset(
    "breaking update updated just in via read more watch video photo photos live news please share rt "
    "look see this new here details story full developing alert latest urgent wow omg now must exclusive "
    "retweet repost report reports source the a of on for to from and at by is 快讯 转 发 微 博 突 最 新 视 频".split()
)


def similarity(root: Wording, copy: Wording) -> float:
    """Containment of the shorter in the longer if it reaches ``CONTAINMENT``, else the Jaccard
    coefficient if that reaches ``JACCARD``, else 0. Shingles of five words; of three and two
    where the shorter text has fewer than 24 and 10 words."""
    if root.words == copy.words:
        return 1.0
    shorter = min(len(root.words), len(copy.words))
    k = 5 if shorter >= 24 else 3 if shorter >= 10 else 2
    a, b = root.shingles(k), copy.shingles(k)
    common = len(a & b)
    containment = common / min(len(a), len(b))
    if containment >= CONTAINMENT:
        return containment
    jaccard = common / (len(a) + len(b) - common)
    return jaccard if jaccard >= JACCARD else 0.0


def mergeable(wording: Wording) -> bool:
    """Whether the words carry enough for two equal texts to be more than coincidence: two words
    that say something among three (or four Chinese characters among six). "lol", "happy new year
    to you" and 哈哈 never make an origin; "bridge four closed" does, or else a campaign of short
    lies would count as so many witnesses."""
    if wording.size < 3:
        return False
    cjk = wording.size < len(wording.words)
    return wording.content >= (4 if cjk else 2)


def is_copy(root: Wording, copy: Wording) -> float:
    """The similarity if ``copy`` says what ``root`` says and comes from it, else 0."""
    if not mergeable(root) or not mergeable(copy):
        return 0.0
    if root.words == copy.words:
        far = abs(root.time - copy.time) > EQUAL_WITHIN_S
        if min(root.size, copy.size) < EQUAL_BELOW and far:
            return 0.0
        return 1.0 if polarity.is_question(root.text) == polarity.is_question(copy.text) else 0.0
    if min(root.size, copy.size) < EQUAL_BELOW:
        return 0.0
    score = similarity(root, copy)
    return score if score and not changed(root, copy) else 0.0


def changed(root: Wording, copy: Wording) -> str:
    """What ``copy`` changes of ``root`` so that it is no copy: "number", "negation", "name",
    "modality", "comment" or "" (nothing that counts)."""
    if max(len(root.words), len(copy.words)) > LONGEST_ALIGNED:
        return "" if root.words[: len(copy.words)] == copy.words else "comment"
    edits = _edits(root, copy)
    numbers = False
    fresh: set[str] = set()
    for gone, come, inner, context in edits:
        reason = _segment_changed(gone, come, inner, context)
        if reason:
            return reason
        fresh.update(come)
        if inner or come:
            numbers = numbers or any(_numeric(word) for word in (*gone, *come))
    if numbers and not _same_values(root, copy, edits):
        return "number"
    return "name" if fresh and _new_name(root, copy, fresh) else ""


# Words gone, words come, whether inside, and both with the words around them.
Edit = tuple[list[str], list[str], bool, tuple[str, str]]


def _edits(root: Wording, copy: Wording) -> list[Edit]:
    """Each place where they differ.

    Words missing at an end are not ``inside`` where the copy was visibly cut off there, or where
    whole sentences are missing: a copy may be a part.
    """
    a, b = root.words, copy.words
    cut = bool(re.search(r"(?:\.\.\.?|…)\W*$", copy.text))
    if cut and b and b[-1] not in a:
        b = b[:-1]  # the last word is half of one
    edits: list[Edit] = []
    opcodes: Sequence[tuple[str, int, int, int, int]]
    if a[: len(b)] == b:
        opcodes = [("delete", len(b), len(a), len(b), len(b))]
    else:
        opcodes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    ends: set[int] | None = None
    for tag, i1, i2, j1, j2 in opcodes:
        if tag == "equal":
            continue
        inside = True
        if tag == "delete" and (i1 == 0 or i2 == len(a)):
            if ends is None:
                ends = _sentence_ends(root)
            inside = not (cut and i2 == len(a)) and (i2 if i1 == 0 else i1) not in ends
        context = running(a[max(0, i1 - 2) : i2 + 2]), running(b[max(0, j1 - 2) : j2 + 2])
        edits.append((a[i1:i2], b[j1:j2], inside, context))
    return edits


def _sentence_ends(wording: Wording) -> set[int]:
    """After how many words each sentence ends."""
    ends, count = set(), 0
    for start, end in sentences.split(wording.text):
        count += len(words(wording.text[start:end]))
        ends.add(count)
    return ends


def _segment_changed(
    gone: list[str], come: list[str], inside: bool, context: tuple[str, str]
) -> str:
    if not inside and not come:
        return ""
    before, after = context
    if polarity.negations(before) != polarity.negations(after):
        return "negation"
    if polarity.modality(before) != polarity.modality(after):
        return "modality"
    extra = [word for word in come if word not in _BOILERPLATE]
    less = [word for word in gone if word not in _BOILERPLATE]
    if _weight(extra) - _weight(less) >= COMMENT_WORDS or _weight(extra) >= 2 * COMMENT_WORDS:
        return "comment"
    return ""


def _weight(run: Sequence[str]) -> float:
    return sum(1.0 if word.isascii() else min(1.0, 0.6 * len(word)) for word in run)


def _numeric(word: str) -> bool:
    return word in _NUMBER_WORDS or word in _CJK_NUMBERS or any(map(str.isdigit, word))


def _same_values(root: Wording, copy: Wording, edits: list[Edit]) -> bool:
    """Whether every number and date of the copy stands in the root with the same value, and, but
    for what was cut off, the other way round."""
    mine, theirs = _values(root, root.time), _values(copy, root.time)
    codes = {w for _, come, *_ in edits for w in come if re.search(r"\d", w) and not w.isdigit()}
    if {c for c in codes if re.search(r"[^\W\d_]", c)} - set(root.words):
        return False
    if not theirs <= mine:
        return False
    partial = any(not inside for _, _, inside, _ in edits)
    return partial or mine <= theirs


def _values(wording: Wording, now: float) -> set[tuple[str, str]]:
    found = set()
    for slot in slots.exact(wording.text, now=now):
        base = slot.kind is SlotKind.NUMBER and slot.unit in quantities.BASE_UNITS
        found.add((str(slot.value), slot.unit if base else ""))
    return found


def _new_name(root: Wording, copy: Wording, fresh: set[str]) -> bool:
    """Whether the copy names somebody or something that the root does not."""
    known = set(root.words)
    for slot in names.find(copy.text):
        parts = [word for word in words(slot.text) if word in fresh and word not in known]
        if not parts or all(word in _BOILERPLATE for word in parts):
            continue
        opening = not copy.text[: slot.start].strip(" \"“'([#") or re.search(
            r"[.!?:…。！？]\W*$", copy.text[: slot.start]
        )
        if opening and len(words(slot.text)) == 1 and slot.text.isascii():
            continue  # "Huge" for "Massive" at the start
        return True
    return False

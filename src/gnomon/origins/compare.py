"""Whether one text is a copy of another: nearly the same words, and no fact changed.

Containment and resemblance of shingles as in Broder 1997
(https://doi.org/10.1109/SEQUEN.1997.666900).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from gnomon.origins.wording import COMMENT_WORDS, Wording, running, values
from gnomon.text import names, polarity, sentences
from gnomon.text.tokens import words

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
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred "
    "thousand million billion trillion dozen half third quarter double twice triple both "
    "yesterday today tomorrow tonight monday tuesday wednesday thursday friday saturday sunday "
    "january "
    "february march april may june july august september october november december "
    "noon midnight am pm km kg percent".split()
)
_CJK_NUMBERS = frozenset("一二三四五六七八九十百千万亿两零〇半昨今明前后上下")
_BOILERPLATE = frozenset(
    "breaking update updated just in via read more watch video photo photos live news please "
    "share rt "
    "look see this new here details story full developing alert latest urgent wow omg now must "
    "exclusive "
    "retweet repost report reports source the a of on for to from and at by is "
    "快讯 转 发 微 博 突 最 新 视 频".split()
)


_ATTRIBUTING = frozenset("according says said that claims via".split())


def similarity(root: Wording, copy: Wording) -> float:
    """Containment of the shorter in the longer if it reaches ``CONTAINMENT``, else the Jaccard
    coefficient if that reaches ``JACCARD``, else 0. Shingles of five words; of three and two
    where the shorter text has fewer than 40 and 24 words: one swapped word breaks as many
    shingles as they are long, so five-grams would lose every edited post of common length."""
    if root.words == copy.words:
        return 1.0
    shorter = min(len(root.words), len(copy.words))
    k = 5 if shorter >= 40 else 3 if shorter >= 24 else 2
    a, b = root.shingles(k), copy.shingles(k)
    common = len(a & b)
    containment = common / min(len(a), len(b))
    if containment >= CONTAINMENT:
        return containment
    jaccard = common / (len(a) + len(b) - common)
    return jaccard if jaccard >= JACCARD else 0.0


def is_copy(root: Wording, copy: Wording) -> float:
    """The similarity if ``copy`` says what ``root`` says and comes from it, else 0."""
    if not root.mergeable or not copy.mergeable:
        return 0.0
    if root.words == copy.words:
        far = abs(root.time - copy.time) > EQUAL_WITHIN_S
        if min(root.size, copy.size) < EQUAL_BELOW and far:
            return 0.0
        return 1.0 if _asks(root) == _asks(copy) else 0.0
    if min(root.size, copy.size) < EQUAL_BELOW and not _broken_off(root, copy):
        return 0.0
    score = similarity(root, copy)
    return score if score and not changed(root, copy) else 0.0


def _asks(wording: Wording) -> bool:
    return "?" in wording.text or "？" in wording.text


_DOTS = re.compile(r"(?:\.\.\.?|…)\W*$")


def _broken_off(root: Wording, copy: Wording) -> bool:
    """Whether a short copy is visibly the beginning of ``root``."""
    whole = copy.words[:-1]
    return len(whole) >= 4 and root.words[: len(whole)] == whole and bool(_DOTS.search(copy.text))


def changed(root: Wording, copy: Wording) -> str:
    """What ``copy`` changes of ``root`` so that it is no copy: "number", "negation", "name",
    "modality", "comment" or "" (nothing that counts)."""
    if max(len(root.words), len(copy.words)) > LONGEST_ALIGNED:
        return "" if root.words[: len(copy.words)] == copy.words else "comment"
    edits = edits_of(root, copy)
    numbers = False
    fresh: set[str] = set()
    stretch = 0.0
    tags = _tags(copy.text)
    idle = _BOILERPLATE | _ATTRIBUTING | set(words(root.author)) | tags
    around = idle | _around(copy)
    for edit in edits:
        if edit.outside and around.issuperset(edit.gone):
            said = [word for word in edit.come if word not in around]
            if not said or _PASS_ON.fullmatch(running([w for w in edit.come if w not in tags])):
                continue
        if edit.gone and not _places(edit, copy, tags):
            return "name"
        if edit.added:
            nothing = remark(_TAG.sub(" ", edit.added), root)
            if nothing:
                continue
            if nothing is False:
                return "comment" if polarity.modality(edit.added) != "denied" else "negation"
        reason = turned(edit)
        if reason:
            return reason
        own = weight([word for word in edit.come if word not in idle])
        stretch = (stretch if edit.near else 0.0) + own
        if own >= COMMENT_WORDS or stretch >= _REWRITTEN:
            return "comment"
        fresh.update(edit.come)
        if not edit.cut:
            numbers = numbers or any(numeric(word) for word in (*edit.gone, *edit.come))
    if numbers and not _same_values(root, copy, edits):
        return "number"
    return "name" if fresh and _new_name(root, copy, fresh) else ""


_TAG = re.compile(r"[#＃](\w+)")
# "floods in #Calgary": a tag that names a place.
_PLACE_TAG = re.compile(r"\b(?:in|at|near|from|to|of)\s+[#＃](\w+)", re.IGNORECASE)


def _tags(text: str) -> set[str]:
    """The words that stand in ``text`` as hashtags: labels, that say nothing of their own."""
    return (
        set() if "#" not in text and "＃" not in text else set(words(" ".join(_TAG.findall(text))))
    )


_HANDLE = re.compile(r"(?<![\w@])@([\w.-]+)")
# What a post that passes something on begins with, and ends with.
_OPENERS = _BOILERPLATE | frozenset("wow omg fyi psa btw everyone should know dear hi cc".split())
_PASS_ON = re.compile(
    r"(?:please |pls )?(?:pass (?:it|this) on|share(?: it| this)?|spread (?:it|the word)|retweet|rt"
    r"|repost)(?: please| now)?"
)


def _around(copy: Wording) -> frozenset[str]:
    """The words of openers and of whom ``copy`` names with an @, which say nothing where they stand
    before or behind what it passes on."""
    if "@" not in copy.text:
        return _OPENERS
    return _OPENERS.union(words(" ".join(_HANDLE.findall(copy.text))))


def _places(edit: Edit, copy: Wording, tags: set[str]) -> bool:
    """Whether no tag that names a place took the place of other words."""
    if tags.isdisjoint(edit.come):
        return True
    places = set(words(" ".join(_PLACE_TAG.findall(copy.text))))
    gone = "".join(edit.gone)  # "Porto Verde" is "#PortoVerde"
    return not any(word in places and word not in gone for word in edit.come)


@dataclass(frozen=True, slots=True)
class Edit:
    """One place where the texts differ. ``cut`` where the copy merely leaves out whole sentences,
    or breaks off; ``context`` is both sides with the words around them; ``added`` is what came as
    it is written, where that is whole sentences of the copy's own and nothing went for it;
    ``near`` where no more than a word or two are equal between the edit before and this one;
    ``outside`` where it is the beginning or the end of both, but for openers and the like."""

    gone: list[str]
    come: list[str]
    cut: bool
    context: tuple[str, str]
    near: bool
    added: str = ""
    outside: bool = False


_NEAR = 2  # words
# Words of its own in a stretch of edits with hardly an equal word between them: a new sentence.
_REWRITTEN = 7.0


def edits_of(root: Wording, copy: Wording) -> list[Edit]:
    a, b = root.words, copy.words
    dots = bool(_DOTS.search(copy.text))
    if dots and b and b[-1] not in a:
        b = b[:-1]  # the last word is half of one
    opcodes: Sequence[tuple[str, int, int, int, int]]
    if a[: len(b)] == b:
        opcodes = [("delete", len(b), len(a), len(b), len(b))]
    else:
        opcodes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    edits: list[Edit] = []
    last = -_NEAR - 1
    around = _around(copy)
    for tag, i1, i2, j1, j2 in opcodes:
        if tag == "equal":
            continue
        outside = around.issuperset((*a[:i1], *b[:j1])) or around.issuperset((*a[i2:], *b[j2:]))
        if outside and tag == "replace" and around.issuperset(b[j1:j2]):
            tag, j1 = "delete", j2
        cut = False
        if tag == "delete":
            ends = root.sentence_ends
            starts_clean, ends_clean = i1 in ends, i2 in ends
            cut = (starts_clean and ends_clean) or i2 == len(a) or i1 == 0
            if cut and not (dots and i2 == len(a)):
                # Of what was left out only the rest of a broken sentence can turn the meaning.
                if not starts_clean:
                    i2 = min(i2, next((end for end in ends if end > i1), i2))
                elif not ends_clean:
                    i1 = max(i1, max((end for end in ends if end < i2), default=i1))
                else:
                    i2 = i1
            elif cut:
                i2 = i1
        context = running(a[max(0, i1 - 2) : i2 + 2]), running(b[max(0, j1 - 2) : j2 + 2])
        added = _sentences_of(copy, j1, j2) if tag == "insert" and j2 > j1 else ""
        near = j1 - last <= _NEAR
        edits.append(Edit(a[i1:i2], b[j1:j2], cut, context, near, added, outside))
        last = j2
    return edits


def _sentences_of(wording: Wording, start: int, end: int) -> str:
    """The text of the words ``[start, end)`` if they are whole sentences, else ""."""
    ends = wording.sentence_ends
    if ends[-1] != len(wording.words) or start not in ends or end not in ends:
        return ""
    spans = sentences.split(wording.text)[ends.index(start) : ends.index(end)]
    return wording.text[spans[0][0] : spans[-1][1]] if spans else ""


# What an added sentence says of no event: asks for something, judges, exclaims.
_APPEAL = re.compile(
    r"^\W*(?:please|pls|remember|share|spread|retweet|repost|rt|wake|look|watch|read|see|listen"
    r"|think|tell|ask|demand|vote|join|sign|call|stop|help|pray|stay|be (?:careful|safe|warned)"
    r"|keep|make|let(?:['’]s| us)|never forget|do(?:n['’]?t| not) (?:forget|let|believe|trust"
    r"|vote|drink|go|buy)|time to|so (?:sad|angry|true|much)|how (?:can|could|dare|long|many|much)"
    r"|what (?:a|an|are|is|will)|who (?:is|are|will|else)|why|shame|unbelievable|disgusting)\b"
    r"|\b(?:ha(?:s|ve) to|needs? to|must|should|ought to|deserves?|better than|enough is enough"
    r"|make (?:this|it) (?:go )?viral|pass (?:it|this) on)\b"
    r"|^\W*(?:请|求|快|大家|一定要|转发|扩散|记住|别忘|必须|应该|太|真是|难道|为什么|凭什么)",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"^\W*(?:they|it|this|that|these|those|we|you|he|she|everyone|everybody|nobody|somebody"
    r"|someone|no one|and (?:they|nobody|we))\b",
    re.IGNORECASE,
)
# One's own eyes, a speaker, a quotation, a rejection: a voice of its own however short.
_VOICE = re.compile(
    r"\b(?:I|my|mine)\b(?! (?:think|believe|hope|wish|guess|feel|love|hate|want|am (?:so )?(?:sad"
    r"|angry|shocked))\b)"
    r"|\b(?:we|me) (?:(?:just|also|all|both) )?(?:saw|heard|watched|felt|found|were there|have seen"
    r"|witnessed|live)\b"
    r"|\b(?:sa(?:id|ys)|told|tells|according to|confirm(?:s|ed)|announced|claim(?:s|ed))\b"
    r"|\b(?:is|was|are|were|it['’]s|that['’]s) (?:\w+ ){0,2}(?:lies?|nonsense|rubbish"
    r"|bullshit|bogus)\b"
    r"|[\"“”「」]|我(?!们?(?:觉得|认为|希望|想|要))|目击|据",
    re.IGNORECASE,
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|had|have|did|does|will|died|fell|rose|lost|won|went|came|left|took"
    r"|made|got|fled|sank|broke|struck|hit|built|knew|found|ran|gave|paid|\w{2,}ed)\b",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"\b(?:on |this |next |until |by )?(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|\b(?:today|tomorrow|tonight|now)\b",
    re.IGNORECASE,
)
_REMARK_WORDS = 14.0


def remark(added: str, root: Wording) -> bool | None:
    """Whether sentences added to a copy only appeal, judge or exclaim, so that it still is a copy
    and no more; False where they report something of their own, be it in few words: a number, a
    name, a denial, a voice, a plain statement; None where that cannot be told."""
    if _VOICE.search(added) or polarity.modality(added) == "denied":
        return False
    own = words(added)
    if weight(own) > _REMARK_WORDS or any(map(numeric, words(_WHEN.sub(" ", added)))):
        return None
    sure = True
    for start, end in sentences.split(added):
        sentence = added[start:end]
        if polarity.is_question(sentence) or _APPEAL.search(sentence):
            continue
        run = [word for word in words(sentence) if word not in _BOILERPLATE]
        if not (_PRONOUN.match(sentence) and weight(run) < COMMENT_WORDS):
            sure = False
            if len(run) >= _STATEMENT_WORDS and _FINITE.search(sentence):
                return False
        elif polarity.negations(sentence):
            return None
    known = set(root.words)
    if named(added, {word for word in own if word not in known}, known, root):
        return None
    return True if sure else None


_STATEMENT_WORDS = 2  # beside articles and the like: "The engineer resigned."


# Saying that one has it from others is what copying is; "may" and "could" change what is said.
_HEARSAY = re.compile(
    r"\b(?:apparently|reportedly|allegedly|supposedly|hearing that|rumou?rs?|i heard)\b"
    r"|刚?听说|据说|网传|据传|传言|有消息称",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def _polarity(text: str) -> tuple[int, str]:
    return polarity.negations(text), polarity.modality(_HEARSAY.sub(" ", text))


def turned(edit: Edit) -> str:
    """Whether the edit denies, doubts or plans what it touches, or no longer does."""
    if edit.cut and not edit.gone:
        return ""
    before, after = map(_polarity, edit.context)
    if before[0] != after[0]:
        return "negation"
    if before[1] != after[1]:
        return "modality"
    return ""


def weight(run: Iterable[str]) -> float:
    return sum(1.0 if word.isascii() else min(1.0, 0.6 * len(word)) for word in run)


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def numeric(word: str) -> bool:
    return word in _NUMBER_WORDS or word in _CJK_NUMBERS or _has_digit(word)


def _same_values(root: Wording, copy: Wording, edits: list[Edit]) -> bool:
    """Whether every number and date of the copy stands in the root with the same value, and, but
    for what was cut off, the other way round."""
    known = set(root.words)
    fresh = any(_has_digit(w) and w not in known for edit in edits for w in edit.come)
    if fresh and not any(
        numeric(w) and not _has_digit(w) for edit in edits for w in (*edit.gone, *edit.come)
    ):
        return False  # digits for digits: no other spelling of one value
    mine, theirs = root.values, values(copy.text, root.time)
    codes = {w for edit in edits for w in edit.come if re.search(r"\d", w) and not w.isdigit()}
    if {c for c in codes if re.search(r"[^\W\d_]", c)} - known:
        return False
    if not theirs <= mine:
        return False
    if not any(edit.cut for edit in edits):
        return mine <= theirs
    kept = (edit.context[0] for edit in edits if not edit.cut and any(map(numeric, edit.gone)))
    return all(values(context, root.time) <= theirs for context in kept)


# Two words in capitals, one of them longer than most acronyms.
_SHOUTED = re.compile(r"\b(?=[A-Z ]*[A-Z]{4})[A-Z]{2,}(?:[^\w.]+[A-Z]{2,}\b)+")


def _may_name(word: str, text: str) -> bool:
    """Whether ``word`` could stand in a name in ``text``: asked before names are looked for."""
    if word in _BOILERPLATE or numeric(word):
        return False
    return not word.isascii() or bool(re.search(rf"(?i:(?<=@){word})|(?=[A-Z])(?i:{word})", text))


def _new_name(root: Wording, copy: Wording, fresh: set[str]) -> bool:
    """Whether the copy names somebody or something that the root does not."""
    known = set(root.words)
    if not any(_may_name(word, copy.text) for word in fresh - known):
        return False
    return named(copy.text, fresh, known, root)


def named(text: str, fresh: set[str], known: set[str], root: Wording) -> bool:
    """Whether ``text`` has a name with a word of ``fresh`` that is none of ``known``, the root's
    author aside: "the council says" on a post of the council's brings nobody new."""
    text = _SHOUTED.sub(lambda match: match.group().lower(), text)
    author = set(words(root.author))
    for slot in names.find(text):
        run = words(slot.text)
        if author and (author <= set(run) or author >= set(run)):
            continue
        parts = [word for word in run if word in fresh and word not in known]
        if all(word in _BOILERPLATE or numeric(word) for word in parts):
            continue
        opening = not text[: slot.start].strip(" \"“'([#") or re.search(
            r"[.!?:…。！？]\W*$", text[: slot.start]
        )
        if opening and len(run) == 1 and slot.text.isascii():
            continue  # "Huge" for "Massive" at the start
        return True
    return False

"""What a translation must keep: addresses, mentions and hashtags to the letter, numbers by value,
names where both languages write them alike, and the terms of a glossary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gnomon.text import clock, names, numerals, slots
from gnomon.text.tokens import is_cjk
from gnomon.types import Slot, SlotKind
from gnomon.types.skilled import Loss

# Bounds as in text/slots.py, and for its reason. A stop at the end of an address is the sentence's.
_URL = re.compile(
    r"(?:https?://|www\.)[^\s\u3000-\u9fff\uff00-\uffef<>\"]*[^\s\u3000-\u9fff\uff00-\uffef<>\".,;:!?)\]'’”]"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
)
_MENTION = re.compile(r"(?<!\w)[@＠][\w.-]*\w")
_HASHTAG = re.compile(r"(?<!\w)[#＃][^\s#＃.,;:!?，。；：！？、)\]]+(?:#(?!\w))?")
KINDS = (("url", _URL), ("mention", _MENTION), ("hashtag", _HASHTAG))
_DIGITS = re.compile(r"\d+(?:[.,\u00a0\u2009\u202f' ]\d{3}(?!\d))*(?:[.,]\d+)?")
# 10 万: a space before the unit, as typographers like it.
_SPACED = re.compile(r"(?<=\d) (?=[一-龥])")
# 克朗 (crowns) and 克拉 (carats) are no grams (克).
_NO_GRAM = re.compile("克(?=[朗拉])")
# 20世纪70年代, the 1970s, années 70.
_DECADE_ZH = re.compile(r"(1[89]|2[01]) ?世[纪紀] ?(\d)0 ?年代")
_DECADE = re.compile(r"(?:1[89]|20)(\d0)(?:s|er|年代)?")
SMALL = 12.0
"""Numbers up to it are written as digits in one language and in words in another."""
_MARK = re.compile(r"[⟦\[【〔]{1,2}\s*(\d{1,3})\s*[⟧\]】〕]{1,2}")
# Languages whose names are written in Latin letters, or in Chinese characters, among those that
# people translate between most. Between two of one kind a name stays as it is.
_LATIN = frozenset(
    "en de fr es it pt nl sv da no nb fi pl cs sk hu ro hr sl et lv lt tr id ms vi sw ca eu gl is "
    "ga cy tl af sq".split()
)
# Letters of a translation for one of the source; between Chinese or Japanese and an alphabet about
# 0.32 and 3.1 (the median on FLORES-200 dev).
ACROSS = 0.32
SHORTEST, LONGEST = 0.4, 2.5
"""Beyond these shares of what is to be expected, something is missing, or there is more."""
LETTERS = 24
"""Of fewer letters, length says nothing."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A text in which what must stay to the letter stands as ⟦1⟧, ⟦2⟧, ...; ``held`` are these:
    what each is, and itself."""

    text: str
    held: tuple[tuple[str, str], ...]


def mask(text: str) -> Masked:
    """``text`` with its addresses, mentions and hashtags out of a model's reach."""
    found: list[tuple[int, int, str]] = []
    for kind, pattern in KINDS:
        for match in pattern.finditer(text):
            if not any(match.start() < end and start < match.end() for start, end, _ in found):
                found.append((*match.span(), kind))
    found.sort()
    out, at, held = [], 0, []
    for n, (start, end, kind) in enumerate(found, 1):
        out += [text[at:start], f"⟦{n}⟧"]
        held.append((kind, text[start:end]))
        at = end
    return Masked("".join(out) + text[at:], tuple(held))


def unmask(text: str, masked: Masked) -> tuple[str, list[Loss]]:
    """``text`` with what stands behind the marks, and the marks that it lacks or has twice. What
    looks like a mark and is none stays, unless nothing but a model can have written it."""
    seen: Counter[int] = Counter()

    def put(match: re.Match[str]) -> str:
        n = int(match[1])
        if not 1 <= n <= len(masked.held) or ("⟦" not in match[0] and match[0] in masked.text):
            return "" if "⟦" in match[0] else match[0]
        seen[n] += 1
        kind, what = masked.held[n - 1]
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        # A tag that touches a word is none, and an address would go on into it.
        glued = before == "⟧" or (kind != "url" and before.isalnum())
        return f"{' ' * glued}{what}{' ' * (after.isalnum())}"

    # Marks in other brackets are taken for ours only where there are any of ours.
    whole = _MARK.sub(put, text) if masked.held else text
    losses = []
    for n, (kind, what) in enumerate(masked.held, 1):
        if not seen[n] and what not in whole:
            losses.append(Loss(kind, what, "it is missing"))
        elif seen[n] > 1:
            losses.append(Loss(kind, what, f"it stands there {seen[n]} times"))
    return whole, losses


def lost(source: str, target: str, lang: str, to: str, glossary: Mapping[str, str]) -> list[Loss]:
    """What ``target`` lacks of ``source``, addresses and their like apart."""
    return [
        *_numbers(source, target),
        *_names(source, target, lang, to, glossary),
        *_terms(source, target, glossary),
        *_length(source, target),
    ]


# ------------------------------------------------------------------------------- numbers


def _numbers(source: str, target: str) -> Iterable[Loss]:
    """Numbers and dates by value, both ways: none may be lost, none may be added. A small one may
    be written out in the other language, but not where another small one came in its place."""
    ours, theirs = _Numbers(source), _Numbers(target)
    gone: list[Loss] = []
    for slot in ours.slots:
        wanted = _digits(slot.text)
        if slot.unit == clock.UNIT:
            wanted -= {"0"}
        # What is written out ("one of them", 一个) is often turned otherwise.
        if wanted and not any(_alike(slot, other) for other in theirs.slots):
            missing = wanted - theirs.digits - theirs.parts
            if missing and not all(theirs.says(word) for word in missing):
                gone.append(Loss("number", slot.text, "it is missing"))
    same = {
        word
        for slot in theirs.slots
        if any(_alike(slot, other) for other in ours.slots)
        for word in _digits(slot.text)
    }
    come = [
        Loss("added number", word, "it is not in the source")
        for word in sorted(theirs.digits - ours.digits - same)
        if not (ours.says(word) or word in ours.parts or word in _decades(ours.digits))
    ]
    if gone and come:
        return [*gone, *come]
    return [loss for loss in (*gone, *come) if not _is_small(loss.what)]


def _is_small(text: str) -> bool:
    return all(word.isdigit() and int(word) <= SMALL for word in _digits(text))


class _Numbers:
    """The numbers of a text: as slots, as runs of digits, and what else they may be written as."""

    def __init__(self, text: str) -> None:
        for _, pattern in KINDS:
            text = pattern.sub(" ", text)
        text = _NO_GRAM.sub("剋", text)
        text = _DECADE_ZH.sub(lambda m: f"{int(m[1]) - 1}{m[2]}0年代", _SPACED.sub("", text))
        self.slots = slots.exact(text)
        self.digits = _digits(text)
        values = [slot.value for slot in self.slots if isinstance(slot.value, float)]
        self._values = {f"{value:.10g}" for value in values}
        self._values |= {f"{value:.10g}" for value in _written(text)}
        clocks = {
            f"{number:g}"
            for slot in self.slots
            if slot.unit == clock.UNIT and isinstance(slot.value, float)
            for number in (slot.value // 60, slot.value % 60, slot.value // 60 % 12)
        }
        dates = {
            part.lstrip("0") or "0"
            for slot in self.slots
            if slot.kind is SlotKind.DATE
            for part in re.findall(r"\d+", str(slot.value))
        }
        decimals = {part for word in self.digits if "." in word for part in word.split(".")}
        # 0230 is 02:30, and 11.29 in other languages.
        joined = {part for w in self.digits if len(w) > 2 for part in (w[:-2], w[-2:].lstrip("0"))}
        self.parts = clocks | dates | decimals | joined | _decades(self.digits)

    def says(self, word: str) -> bool:
        """Whether the text has a number in another way of writing: 3万 is 30000, "eight" is 8."""
        return word in self._values


def _decades(digits: set[str]) -> set[str]:
    return {match[1] for word in digits if (match := _DECADE.fullmatch(word))}


def _written(text: str) -> Iterable[float]:
    """Numerals in words."""
    for match in numerals.WORDS.finditer(text):
        if (value := numerals.english(match[0])) is not None:
            yield value
    for characters in _NUMERAL_ZH.findall(text):
        if (value := numerals.chinese(characters)) is not None:
            yield value


_NUMERAL_ZH = re.compile("[〇零一二两三四五六七八九十百千万亿]+")


def _alike(a: Slot, b: Slot) -> bool:
    """Units are words, and translated; the value is what must stay."""
    if a.kind is b.kind is SlotKind.NUMBER:
        return a.value == b.value or slots.same(a, b)
    return a.kind is b.kind and slots.same(a, b)


def _digits(text: str) -> set[str]:
    """Runs of digits without separators and zeros that say nothing: "1.200,50" is 1200.5."""
    found = set()
    for match in _DIGITS.finditer(text):
        head, rest = _split(re.sub(r"[^\d.,]", "", match[0]))
        number = head.lstrip("0") or "0"
        found.add(f"{number}.{rest.rstrip('0')}" if rest.strip("0") else number)
    return found


def _split(digits: str) -> tuple[str, str]:
    """Whole and fraction: the last separator parts them, unless three digits follow it alone."""
    at = max(digits.rfind("."), digits.rfind(","))
    if at < 0 or (len(digits) - at - 1 == 3 and not digits.startswith("0")):
        return re.sub(r"\D", "", digits), ""
    return re.sub(r"\D", "", digits[:at]), digits[at + 1 :]


# ------------------------------------------------------------------------------- names and terms


def _names(
    source: str, target: str, lang: str, to: str, glossary: Mapping[str, str]
) -> Iterable[Loss]:
    """Names of several words between languages of one script. Those of offices, nations and
    institutions are translated, and so is whatever has a German capital."""
    if lang not in _LATIN or to not in _LATIN or lang == "de":
        return
    held = target.casefold()
    for slot in names.find(source):
        name = re.sub(r"['’]s$", "", slot.text)
        if name in glossary or name.casefold() in held or not name[0].isupper():
            continue
        words = [word for word in name.split() if len(word) > 1 and word[0].isupper()]
        own = [word for word in words if word.casefold() not in _COMMON]
        if len(words) < 2 or len(own) < 2 or any(_stem(word) in held for word in own):
            continue
        yield Loss("name", name, "it is missing")


# Words of names that are translated.
_COMMON = frozenset(
    "united states kingdom nations republic new old great north south east west northern southern "
    "eastern western central national international royal federal global world first second "
    "third roman catholic orthodox christian islamic church cathedral temple college university "
    "institute school academy museum library theatre theater opera city town hall house palace "
    "castle tower bridge street road avenue square park garden gardens station airport port "
    "harbour harbor hospital centre center king queen prince princess president minister prime "
    "secretary general senate congress parliament court supreme council commission committee "
    "department ministry office agency bureau bank fund union party army navy air force police "
    "war battle revolution empire dynasty age day cup league games olympic olympics championship "
    "award prize peace treaty act law river lake sea ocean bay cape island islands mountain "
    "mountains valley desert forest canyon falls coast gulf strait peninsula european african "
    "american british english french german spanish italian portuguese dutch chinese japanese "
    "russian indian arab asian polish greek turkish times post news book bible god holy saint "
    "electoral social democratic conservative liberal republican space solar human rights health "
    "organization organisation association society company group star red black white blue green "
    "golden silver big little high low upper lower middle mr mrs ms dr sir lord lady".split()
)


def _stem(word: str) -> str:
    """Enough of a name to find it declined."""
    return word.casefold()[: max(4, len(word) - 2)]


def _terms(source: str, target: str, glossary: Mapping[str, str]) -> Iterable[Loss]:
    for term, wanted in glossary.items():
        if stands(term, source) and wanted.casefold() not in target.casefold():
            yield Loss("term", term, f"the glossary has {wanted!r} for it")


def stands(term: str, text: str) -> bool:
    """Whether a glossary's term stands in a text, as a word."""
    if is_cjk(term):
        return term in text
    return bool(re.search(rf"(?<!\w){re.escape(term)}(?!\w)", text, re.IGNORECASE))


def _length(source: str, target: str) -> Iterable[Loss]:
    ours, theirs = sum(map(str.isalpha, source)), sum(map(str.isalpha, target))
    if ours < LETTERS * (ACROSS if is_cjk(source) else 1.0):
        return
    expected = ours * {(False, True): ACROSS, (True, False): 1 / ACROSS}.get(
        (is_cjk(source), is_cjk(target)), 1.0
    )
    if not SHORTEST <= theirs / expected <= LONGEST:
        yield Loss("length", f"{ours} letters", f"the translation has {theirs}")

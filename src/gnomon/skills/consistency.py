"""Whether a sentence of a story fits its plot: by rule, so that no model has to be believed.

The rules know a few things that readers mind most: the dead speak, a name changes its spelling, a
number is another than before, a sentence comes again. They err towards letting a sentence pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gnomon.text import names, slots
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk, words
from gnomon.truth.terms import content_terms, term_set
from gnomon.types.skilled import Character, Plot, Slip, Thread

DRIFT_PARTS = 3
"""After so many parts without it, a thread or a character is said to be adrift."""
LOOK_BACK = 60
"""Sentences before, among which one that comes again is looked for."""
REPEATED_WORDS, REPEATED_SHARE = 5, 0.85
LONG_NAME = 4
SHARE_OF_THREAD = 0.5
_SPEAK = (
    "says?|said|asks?|asked|repl(?:ies|ied)|answer(?:s|ed)|whisper(?:s|ed)|shout(?:s|ed)|"
    "mutter(?:s|ed)|cr(?:ies|ied)|call(?:s|ed)|tells?|told|add(?:s|ed)|laugh(?:s|ed)|sigh(?:s|ed)|"
    "yell(?:s|ed)|murmur(?:s|ed)|snap(?:s|ped)|smil(?:es|ed)|nod(?:s|ded)|grin(?:s|ned)|"
    "walk(?:s|ed)|runs?|ran|turn(?:s|ed)|grab(?:s|bed)|opens?|opened|looks?|looked"
)
_SPEAK_ZH = "说|问|道|喊|答|回答|叫道|笑|低声|轻声|点头|走|跑|转身|抬头"
# What the living remember of the dead, and where the dead may speak.
_BEFORE = re.compile(
    r"\b(?:had|remember\w*|recall\w*|memor(?:y|ies)|once|used to|years? (?:ago|before|earlier)|"
    r"before (?:he|she|they) died|ghosts?|spirit|dream\w*|letters?|diar(?:y|ies)|recording|"
    r"voicemail|photographs?|as a (?:boy|girl|child))\b|"
    r"曾|生前|记得|回忆|想起|梦|鬼|灵魂|遗书|信(?:里|中|上)|日记|录音|当年|从前|小时候",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"^\W*(?:sure|certainly|of course|okay|ok|absolutely|great)\b[,!.:]|"
    r"^\W*(?:here(?: is|'s|’s)|below is|this is) (?:the |a |my |your )?(?:next |continuation|"
    r"continued|rest|story|part|short)|\b(?:as an ai|language model|i hope (?:this|you)|"
    r"let me know|would you like me|the user|your prompt|the prompt|word count)\b|"
    r"^\W*(?:part|chapter|scene) \d+\s*[:.]?\W*$|^\W*(?:the story (?:so far|continues)|"
    r"what happens next|characters?|threads?|facts?|premise)\s*:|"
    r"^(?:好的|当然|以下是|下面是|续写)|(?:作为一个|作为)(?:AI|人工智能|语言模型)|希望(?:你|您)(?:喜欢|满意)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」|『[^』]*』")
_ENDED = re.compile(r"[.!?…。！？\"'”’」』)）~—*]\s*$")


def slip_of(
    sentence: str, plot: Plot, before: Sequence[str], *, part: int | None = None
) -> Slip | None:
    """What is wrong with a sentence of part number ``part`` (None: the next); None where nothing
    is. ``before`` are the sentences that it would follow."""
    n = len(plot.parts) + 1 if part is None else part
    for find in (_aside, _language, _dead, _misnamed, _against_fact):
        if slip := find(sentence, plot, n):
            return slip
    return _repeated(sentence, before)


def unended(sentence: str) -> bool:
    """Whether a sentence stops in the middle."""
    return not _ENDED.search(sentence)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split(text)]


def tail(plot: Plot) -> list[str]:
    """The last sentences of the story so far."""
    found: list[str] = []
    for part in reversed(plot.parts):
        found = sentences(part) + found
        if len(found) >= LOOK_BACK:
            break
    return found[-LOOK_BACK:]


def check(plot: Plot) -> list[tuple[int, Slip]]:
    """Every slip of a plot's parts against its state, with the part's number."""
    found: list[tuple[int, Slip]] = []
    before: list[str] = []
    for n, part in enumerate(plot.parts, 1):
        for sentence in sentences(part):
            if slip := slip_of(sentence, plot, before[-LOOK_BACK:], part=n):
                found.append((n, slip))
            before.append(sentence)
    return found


def adrift(plot: Plot) -> tuple[str, ...]:
    """Open threads and living characters that the last parts did not take up."""
    now = len(plot.parts)
    held: Iterable[Character | Thread] = (
        *(one for one in plot.characters if one.status == "alive"),
        *(one for one in plot.threads if one.status == "open"),
    )
    return tuple(one.name for one in held if now - one.last >= DRIFT_PARTS)


# ------------------------------------------------------------------------------- who is named


def names_of(character: Character) -> list[str]:
    """What a character is called: its names, and in English each of a name's own words."""
    found = [character.name, *character.also]
    for name in tuple(found):
        if not is_cjk(name):
            found += [w for w in name.split() if len(w) > 2 and w[0].isupper()]
    return list(dict.fromkeys(found))


def named(character: Character, text: str) -> bool:
    return any(_there(name, text) for name in names_of(character))


def _there(name: str, text: str) -> bool:
    if is_cjk(name):
        return name in text
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE))


def taken_up(thread: Thread, text: str) -> bool:
    """Whether a text speaks of a thread: of half of the words in its name."""
    wanted = set(content_terms(thread.name))
    if is_cjk(thread.name) and thread.name in text:
        return True
    return bool(wanted) and len(wanted & term_set(text)) / len(wanted) >= SHARE_OF_THREAD


# ------------------------------------------------------------------------------- the rules


def _aside(sentence: str, plot: Plot, n: int) -> Slip | None:
    if _ASIDE.search(sentence):
        return Slip("aside", sentence, "it is said to us and belongs to no story")
    return None


def _language(sentence: str, plot: Plot, n: int) -> Slip | None:
    letters = sum(map(str.isalpha, sentence))
    if letters >= 12 and is_cjk(sentence) is not (plot.lang == "zh"):
        return Slip("language", sentence, f"the story is told in {plot.lang!r}")
    return None


def _dead(sentence: str, plot: Plot, n: int) -> Slip | None:
    """The dead say and do nothing, but in what is remembered."""
    outside = _QUOTED.sub(" … ", sentence)
    if _BEFORE.search(outside):
        return None
    for one in plot.characters:
        if one.status == "dead" and n > one.since and _acts(one, outside):
            since = f"since part {one.since}" if one.since else "from the beginning"
            return Slip("dead", sentence, f"{one.name} is dead {since}")
    return None


def _acts(one: Character, outside: str) -> bool:
    for name in names_of(one):
        wanted = re.escape(name)
        if is_cjk(name):
            if re.search(rf"{wanted}[^，。！？；的]{{0,6}}?(?:{_SPEAK_ZH})", outside):
                return True
        elif re.search(
            rf"(?<!\w){wanted}(?:,)? (?:\w+ly )?(?:{_SPEAK})\b|"
            rf"…\W*(?:{_SPEAK})\b (?:\w+ly )?(?:the )?(?:old |young )?{wanted}(?!\w)",
            outside,
            re.IGNORECASE,
        ):
            return True
    return False


def _misnamed(sentence: str, plot: Plot, n: int) -> Slip | None:
    """A name one letter off that of somebody known. (Two known people may be called so.)"""
    known = {name.casefold(): one for one in plot.characters for name in names_of(one)}
    for slot in names.find(sentence):
        for word in slot.text.split():
            bare = re.sub(r"['’]s$", "", word).casefold()
            if len(bare) < LONG_NAME or bare in known or not word[:1].isupper() or is_cjk(bare):
                continue
            near = next((name for name in known if _one_off(bare, name)), None)
            if near is not None:
                return Slip("name", sentence, f"{word!r} is nobody; {known[near].name!r} is meant")
    return None


def _one_off(a: str, b: str) -> bool:
    """Whether one letter's change, loss or addition makes ``a`` of ``b``."""
    if abs(len(a) - len(b)) > 1 or a[0] != b[0]:
        return False
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b, strict=True)) == 1
    short, long = sorted((a, b), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def _against_fact(sentence: str, plot: Plot, n: int) -> Slip | None:
    for fact in plot.facts:
        for ours, theirs in slots.conflicts(fact, sentence):
            said = f"it says {theirs.text!r} where {ours.text!r} was settled: {fact}"
            return Slip("fact", sentence, said)
    return None


def _repeated(sentence: str, before: Sequence[str]) -> Slip | None:
    said = words(sentence)
    if len(said) < REPEATED_WORDS:
        return None
    ours = set(said)
    for other in before[-LOOK_BACK:]:
        theirs = words(other)
        if abs(len(theirs) - len(said)) > 0.3 * len(said):
            continue
        if len(ours & set(theirs)) / len(ours | set(theirs)) >= REPEATED_SHARE:
            return Slip("repeats", sentence, f"it was said before: {other[:80]!r}")
    return None

"""Where sentences begin and end: English, Chinese and Japanese, and posts without punctuation.

A rule splitter: the unsupervised Punkt (Kiss and Strunk 2006, https://aclanthology.org/J06-4003/)
learns abbreviations from a corpus; posts are too short and too mixed for that, so the commonest
are listed, and the rest is decided by the shape of what stands around the stop.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from gnomon.text.tokens import tokens

# Always followed by the rest of their sentence (titles, citations).
_ABBREVIATIONS = frozenset(
    "mr mrs ms mx dr prof rev hon st sr sra gen col maj capt cmdr lt sgt cpl pte gov sen rep pres "
    "supt insp messrs vs viz cf eg ie fig figs no nos vol vols ed eds pp approx ca ch sec art "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun "
    "mt ft ave blvd rd dept est min max tel ext".split()
)
# May end a sentence, too: they do where a capital or nothing follows.
_ENDING_ABBREVIATIONS = frozenset("inc ltd co corp jr etc al am pm us uk un eu phd".split())
_LOWER_OPENERS = "\"'“‘«([（「『【《〈"
_CLOSERS = "\"'”’»)]}）」』】》〉"
_CJK_STOPS = "。！？｡"
_LATIN_STOPS = ".!?…‼⁇⁈⁉؟।"
_STOP = re.compile(rf"(?:[{_CJK_STOPS}]+[{_CJK_STOPS}{_LATIN_STOPS}]*|[{_LATIN_STOPS}]+|；+)")
# Bullets, numbered items and quote marks at the start of a line.
_LINE = re.compile(r"[\n\r\u2028\u2029\x0b\x0c\x85]+[^\S\n]*")
# Names are bounded as in RFC 1035 and begin where their run of characters does: linear in time.
_PROTECTED = re.compile(
    r"(?:https?://|www\.)[^\s\u3000-\u9fff\uff00-\uffef<>\"]+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r"|(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.(?:com|org|net|edu|gov|info|io|co|uk|cn|de|jp|fr|eu|tv|me|ly|gl)\b"
    r"(?:/[^\s\u3000-\u9fff\uff00-\uffef<>\"]*)?"
)
# “真的吗？”他问道。 goes on after its closing quote.
_SAID = re.compile(r"[^，。！？；\s]{0,8}(?:说|问|道|称|表示|喊|と)")
_HAS_WORD = re.compile(r"\w")
_LAST_WORD = re.compile(r"[^\W\d_][\w.'’-]*$")
_INITIAL = re.compile(r"(?:^|[\s(“\"‘'.])[^\W\d_]$")


def split(text: str) -> list[tuple[int, int]]:
    """Spans ``(start, end)`` of the sentences of ``text``: in order, apart, trimmed, never empty.

    Every word lies in exactly one span. Line breaks always end a sentence; a stop inside a URL, a
    number, an abbreviation or after an initial does not; closing quotes and brackets belong to
    the sentence before them. Spans without a word (an emoji, a row of dashes) join the one before.
    """
    cuts = _cuts(text)
    spans: list[tuple[int, int]] = []
    start = 0
    for cut, hard in [*cuts, (len(text), True)]:
        left, right = start, cut
        while left < right and text[left].isspace():
            left += 1
        while right > left and text[right - 1].isspace():
            right -= 1
        if left < right:
            if _HAS_WORD.search(text, left, right) or tokens(text[left:right]):
                spans.append((left, right))
            elif spans and not hard:
                spans[-1] = (spans[-1][0], right)
        start = cut
    return spans


def _cuts(text: str) -> list[tuple[int, bool]]:
    """Where sentences may end, in order; True where a line ends there."""
    protected = [match.span() for match in _PROTECTED.finditer(text)]
    starts = [span[0] for span in protected]
    found: dict[int, bool] = {match.end(): True for match in _LINE.finditer(text)}
    for match in _STOP.finditer(text):
        begin, end = match.span()
        at = bisect_right(starts, begin) - 1
        # A stop that a URL swallowed at its very end still ends the sentence.
        if at >= 0 and begin < end < protected[at][1]:
            continue
        cut = _after_closers(text, end)
        if _ends_sentence(text, begin, end, cut):
            found.setdefault(cut, False)
    return sorted(found.items())


def _after_closers(text: str, end: int) -> int:
    """Past closing quotes and brackets; a straight quote counts only if it hugs the stop."""
    while end < len(text) and text[end] in _CLOSERS:
        if text[end] in "\"'" and end + 1 < len(text) and text[end + 1].isalnum():
            break
        end += 1
    return end


def _ends_sentence(text: str, begin: int, end: int, cut: int) -> bool:
    stop = text[begin:end]
    if any(c in _CJK_STOPS or c == "；" for c in stop):
        return cut == end or not _SAID.match(text, cut)
    if cut >= len(text):
        return True
    following = text[cut]
    if not following.isspace():
        # "Wow!!!Look", "好的!不" and "said.Then" happen in posts; "3.5", "U.S." and "a.b" too.
        if "\u3040" <= following <= "\u9fff" or "\uac00" <= following <= "\ud7af":
            return not text[begin - 1 : begin].isdigit()
        if set(stop) & set("!?…") and following.isalnum():
            return begin > 0 and following.isupper()
        if stop == ".":
            before = text[max(0, begin - 2) : begin]
            return len(before) == 2 and before.islower() and text[cut : cut + 2].istitle()
        return False
    rest = text[cut:].lstrip()
    if not rest:
        return True
    opener = rest.lstrip(_LOWER_OPENERS + "*_-–—•> ")[:1]
    lower = opener.islower()
    if set(stop) <= {".", "…"} and (len(stop) > 1 or "…" in stop):
        return not lower
    if "!" in stop or "?" in stop or stop != ".":
        # A question or exclamation inside a quotation goes on: '"Why?" he asked.'
        return not (lower and cut > end)
    if lower and cut > end:
        return False
    return _full_stop_ends(text, begin, opener, lower)


def _full_stop_ends(text: str, begin: int, opener: str, lower: bool) -> bool:
    """A single full stop with white space after it."""
    match = _LAST_WORD.search(text, max(0, begin - 20), begin)
    word = match.group().lower().strip("'’-").replace(".", "") if match else ""
    if lower:
        # Careless writers begin sentences small; only a real word right before the stop lets them.
        return len(word) >= 2 and word not in _ABBREVIATIONS | _ENDING_ABBREVIATIONS
    if word in _ABBREVIATIONS:
        return word in {"no", "sun", "mar", "may", "sat", "min", "max", "art"} and not (
            opener.isdigit()
        )
    if word in _ENDING_ABBREVIATIONS:
        return not (opener.isdigit() and word in {"co", "al"})
    if _INITIAL.search(text, max(0, begin - 3), begin):
        return word == "i"
    # "1. First item": a number that opens its line is a bullet.
    line = text.rfind("\n", 0, begin) + 1
    return not re.fullmatch(r"\s*\d{1,2}", text[line:begin])

"""Numerals in words: English ("two hundred and five") and Chinese (一百二十万)."""

from __future__ import annotations

import re

_ONES = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
SCALES: dict[str, float] = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "dozen": 12.0, "k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "b": 1e9, "bn": 1e9, "tn": 1e12,
    "lakh": 1e5, "crore": 1e7, "百": 1e2, "千": 1e3, "万": 1e4, "萬": 1e4, "百万": 1e6,
    "千万": 1e7, "亿": 1e8, "億": 1e8, "十亿": 1e9, "百亿": 1e10, "千亿": 1e11, "万亿": 1e12,
    "兆": 1e12,
}  # fmt: skip
_WORD_SCALES = ("hundred", "thousand", "million", "billion", "trillion", "dozen")
_SMALL = "|".join(sorted([*_ONES, *_TENS], key=len, reverse=True))
_BIG = "|".join(_WORD_SCALES)
_HALF_START = rf"half[ -](?:a|an)[ -](?={_BIG})"
_JOIN = (
    r"(?:(?:(?<=hundred)|(?<=thousand)|(?<=million)|(?<=billion))[ -]and[ -]"
    rf"(?=(?:{_SMALL})\b)|[ -](?=(?:{_SMALL}|{_BIG})\b))"
)
WORDS = re.compile(
    rf"(?<![\w-])(?:{_HALF_START}|an?[ -](?={_BIG})(?!dozen(?:s)\b))?"
    rf"(?:{_SMALL}|{_BIG})(?:{_JOIN}(?:{_SMALL}|{_BIG}))*"
    rf"(?P<half>(?:[ -]and[ -]a[ -]half)(?:[ -](?:{_BIG}))?)?(?!\w)",
    re.IGNORECASE,
)


def english(words: str) -> float | None:
    """The value of a numeral in English words, or None where the words are no one number.

    A bare "hundred" or "dozens" is no number ("hundred" needs "a", "one" or a digit before it).
    """
    pieces = re.split(r"[ -]+", words.lower())
    factor = 1.0
    if pieces[0] == "half":
        factor, pieces = 0.5, pieces[2:]
    elif pieces[0] in ("a", "an"):
        pieces = ["one", *pieces[1:]]
    elif pieces[0] in _WORD_SCALES:
        return None
    if factor == 0.5:
        pieces = ["one", *pieces]
    plus_half = "half" in pieces
    tail = ""
    if plus_half:
        at = pieces.index("half")
        tail = pieces[at + 1] if at + 1 < len(pieces) else ""
        pieces = pieces[: at - 2]
    value = _cardinal([piece for piece in pieces if piece != "and"])
    if value is None:
        return None
    if plus_half:
        # "two and a half million" is 2.5 million; "two million and a half" is not said.
        value = (value + 0.5) * SCALES.get(tail, 1.0)
    return value * factor


def _cardinal(pieces: list[str]) -> float | None:
    total, group, last = 0.0, 0.0, float("inf")
    for piece in pieces:
        if piece in _ONES or piece in _TENS:
            value = float(_ONES.get(piece, _TENS.get(piece, 0)))
            # 20 may be followed by 1 to 9, 100 by 1 to 99, nothing else by anything: so "nineteen
            # eighty" and "one two three" are no numerals.
            room = {True: 10.0, False: 0.0}[piece in _TENS]
            if value >= last:
                return None
            group += value
            last = room
        elif piece in ("hundred", "dozen"):
            group = (group or 1.0) * SCALES[piece]
            last = 100.0
        else:
            total += (group or 1.0) * SCALES[piece]
            group, last = 0.0, SCALES[piece]
    return total + group


_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {
    "〇": 0, "○": 0, "两": 2, "兩": 2, "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5,
    "陆": 6, "柒": 7, "捌": 8, "玖": 9,
}  # fmt: skip
_PLACES = {"十": 10.0, "拾": 10.0, "百": 100.0, "佰": 100.0, "千": 1000.0, "仟": 1000.0}
_MYRIADS = {"万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "兆": 1e12}
CHINESE_DIGITS = "".join(_DIGITS)
CHINESE_PLACES = "".join(_PLACES) + "".join(_MYRIADS)
CHINESE = re.compile(
    rf"[{CHINESE_DIGITS}十拾百佰千仟][{CHINESE_DIGITS}{CHINESE_PLACES}]*(?:点[{CHINESE_DIGITS}]+"
    r"[万萬亿億]*)?"
)
MIXED = re.compile(
    rf"(?P<a>\d+(?:\.\d+)?)(?P<b>[十百千]?[{''.join(_MYRIADS)}]+|[百千])"
    rf"(?P<c>(?:\d+[{CHINESE_PLACES}])*)"
)


def chinese(characters: str) -> float | None:
    """The value of a Chinese numeral (一百二十万, 二〇二六, 三点五亿, 12万5千), or None."""
    point = re.search(r"[点.]", characters)
    if point:
        whole, rest = characters[: point.start()], characters[point.end() :]
        digits = re.match(rf"[\d{CHINESE_DIGITS}]+", rest)
        base = chinese(whole)
        if digits is None or base is None:
            return None
        written = "".join(str(_DIGITS.get(c, c)) for c in digits.group())
        scale = 1.0
        for c in rest[digits.end() :]:
            scale *= _MYRIADS.get(c, _PLACES.get(c, 1.0))
        return (base + float(f"0.{written}")) * scale
    if all(c in _DIGITS or c.isdigit() for c in characters):
        if len(characters) == 2 and not characters.isdigit():
            return None  # 三五, 七八: "a few", no number
        return float("".join(str(_DIGITS[c]) if c in _DIGITS else str(int(c)) for c in characters))
    return _places(characters)


def _places(characters: str) -> float | None:
    total = section = 0.0
    digit: float | None = None
    last = 1.0
    for c in re.findall(r"\d+|\D", characters):
        if c.isdigit():
            digit = float(c)
        elif c in _DIGITS:
            if _DIGITS[c] == 0:
                last = 1.0
                continue
            if digit is not None:
                return None
            digit = float(_DIGITS[c])
        elif c in _PLACES:
            section += (1.0 if digit is None else digit) * _PLACES[c]
            digit, last = None, _PLACES[c]
        elif c in _MYRIADS:
            section += digit or 0.0
            if section == 0.0 and total == 0.0:
                return None
            if _MYRIADS[c] >= 1e8 and total:
                total = (total + section) * _MYRIADS[c]
            else:
                total += section * _MYRIADS[c] if section else total * (_MYRIADS[c] - 1)
            section, digit, last = 0.0, None, _MYRIADS[c]
        else:
            return None
    if digit is not None:
        # 一万二 is 12,000: a last digit right after a place counts in the place below it.
        section += digit * (last / 10 if last > 10 else 1.0)
    return total + section

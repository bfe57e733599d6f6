"""Fractions ("two thirds of", 三分之二, 四成) and ordinals ("the 3rd", 第三) in a text."""

from __future__ import annotations

import re

from gnomon.text import numerals
from gnomon.types import Slot, SlotKind

_ORDINAL_WORDS = {
    w: float(i)
    for i, w in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(),
        1,
    )
}
_ORDINAL = re.compile(
    r"(?<![\w.])(?P<d>\d{1,4})(?:st|nd|rd|th)(?!\w)"
    rf"|(?<=\bthe )(?P<w>{'|'.join(_ORDINAL_WORDS)})(?= [a-z])"
    rf"|第(?P<c>\d+|[{numerals.CHINESE_DIGITS}十百千]+)(?![一-龥]*[^一-龥]*章)",
    re.IGNORECASE,
)
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
_FRACTION = re.compile(
    r"(?<!\w)(?:(?P<num>a|one|two|three|four|five|seven|nine)[ -])?"
    r"(?P<part>half|third|quarter|fifth|tenth)s?(?= of (?!the (?:year|game|match|season))| the )"
    r"|(?P<glyph>[½⅓¼¾⅔⅕])|(?<![\d/.])(?P<a>[1-9])/(?P<b>[2-9]|10)(?= of )"
    rf"|(?P<zb>[{numerals.CHINESE_DIGITS}十百千万\d]+)分之(?P<za>[{numerals.CHINESE_DIGITS}十百千万点.\d]+)"
    r"|(?P<zhalf>(?<![一-龥])一半|过半|半数)|(?P<cheng>[一二两三四五六七八九\d])成(?![为立功员本长就果了熟分都交人])"
)
_GLYPHS = {"½": 50.0, "⅓": 100 / 3, "¼": 25.0, "¾": 75.0, "⅔": 200 / 3, "⅕": 20.0}


def number(text: str, start: int, end: int, value: float, unit: str) -> Slot:
    """A NUMBER slot of ``text[start:end]``."""
    # Conversions leave dust in the last places (0.1 km is 100.00000000000001 m).
    value = float(f"{value:.12g}")
    return Slot(SlotKind.NUMBER, text[start:end], start, end, value, unit)


def fractions(text: str) -> list[Slot]:
    """As NUMBER slots in percent."""
    out = []
    numbers = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "seven": 7, "nine": 9}
    for m in _FRACTION.finditer(text):
        if m["part"]:
            value = 100.0 * numbers.get((m["num"] or "a").lower(), 1) / _PARTS[m["part"].lower()]
        elif m["glyph"]:
            before = text[m.start() - 1 : m.start()]
            if before.isdigit():
                continue
            value = _GLYPHS[m["glyph"]]
        elif m["a"]:
            value = 100.0 * int(m["a"]) / int(m["b"])
        elif m["zb"]:
            whole, part = any_chinese(m["zb"]), any_chinese(m["za"])
            if not whole or part is None:
                continue
            value = 100.0 * part / whole
        elif m["zhalf"]:
            value = 50.0
        else:
            value = 10.0 * (any_chinese(m["cheng"]) or 0.0)
        out.append(number(text, m.start(), m.end(), value, "%"))
    return out


def any_chinese(written: str) -> float | None:
    """The value of digits or of a Chinese numeral, None where it is no one number."""
    if written == "百":
        return 100.0
    if written in ("千", "万"):
        return {"千": 1e3, "万": 1e4}[written]
    try:
        return float(written)
    except ValueError:
        return numerals.chinese(written)


def ordinals(text: str) -> list[Slot]:
    """As NUMBER slots with the unit "ordinal"."""
    out = []
    for m in _ORDINAL.finditer(text):
        if m["d"]:
            value: float | None = float(m["d"])
        elif m["w"]:
            value = _ORDINAL_WORDS[m["w"].lower()]
        else:
            value = any_chinese(m["c"])
        if value is not None:
            out.append(number(text, m.start(), m.end(), value, "ordinal"))
    return out

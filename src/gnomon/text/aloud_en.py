"""English numbers, dates, times, money and units as they are read aloud."""

from __future__ import annotations

import re
from collections.abc import Callable

_ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
         "fifteen sixteen seventeen eighteen nineteen").split()  # fmt: skip
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ("", " thousand", " million", " billion", " trillion", " quadrillion")
_ORDINAL = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
            "nine": "ninth", "twelve": "twelfth"}  # fmt: skip
_MONTHS = ("January February March April May June July August September October November "
           "December").split()  # fmt: skip
_MONTH = "|".join(f"{m[:3]}(?:{m[3:]})?" if m != "May" else "May" for m in _MONTHS) + "|Sept"
# The dot of a short month or of "p.m.", where it does not end the sentence, too.
_DOT = r"(?:(?<=\b[A-Z][a-z]{2})(?<!May)\.(?!\s+[A-Z]|\s*$)|(?<=Sept)\.(?!\s+[A-Z]|\s*$))?"
_M = r"(?:\.m\b(?:\.(?!\s+[A-Z]|\s*$))?|m\b)"
_MONEY = {"$": ("dollar", "cent"), "US$": ("US dollar", "cent"), "€": ("euro", "cent"),
          "£": ("pound", "penny"), "¥": ("yen", ""), "₹": ("rupee", "paisa"), "₩": ("won", ""),
          "₽": ("rouble", "kopeck"), "₿": ("bitcoin", "")}  # fmt: skip
_SAME_IN_PLURAL = frozenset({"yen", "won", "renminbi"})
_MAGNITUDES = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion",
               "tn": "trillion", "t": "trillion"}  # fmt: skip
_BIG = "thousand|million|billion|trillion"
_UNITS = {
    "km/h": "kilometres per hour", "kmh": "kilometres per hour", "kph": "kilometres per hour",
    "m/s": "metres per second", "mph": "miles per hour", "km²": "square kilometres",
    "km2": "square kilometres", "m²": "square metres", "m2": "square metres",
    "m³": "cubic metres", "m3": "cubic metres", "km": "kilometres", "cm": "centimetres",
    "mm": "millimetres", "µm": "micrometres", "nm": "nanometres", "m": "metres", "kg": "kilograms",
    "mg": "milligrams", "µg": "micrograms", "g": "grams", "lb": "pounds", "lbs": "pounds",
    "oz": "ounces", "ft": "feet", "mi": "miles", "°C": "degrees Celsius", "℃": "degrees Celsius",
    "°F": "degrees Fahrenheit", "°": "degrees", "kWh": "kilowatt hours", "MWh": "megawatt hours",
    "GWh": "gigawatt hours", "TWh": "terawatt hours", "kW": "kilowatts", "MW": "megawatts",
    "GW": "gigawatts", "W": "watts", "V": "volts", "Hz": "hertz", "kHz": "kilohertz",
    "MHz": "megahertz", "GHz": "gigahertz", "KB": "kilobytes", "kB": "kilobytes",
    "MB": "megabytes", "GB": "gigabytes", "TB": "terabytes", "Mbps": "megabits per second",
    "ms": "milliseconds", "hPa": "hectopascals", "mL": "millilitres", "ml": "millilitres",
    "L": "litres", "ha": "hectares", "dB": "decibels", "%": "percent", "‰": "per mille",
    "pp": "percentage points", "bps": "basis points", "hrs": "hours", "hr": "hours",
    "min": "minutes", "mins": "minutes", "sec": "seconds", "secs": "seconds", "μm": "micrometres",
    "μg": "micrograms",
}  # fmt: skip
_ONE_OF = {"feet": "foot", "hertz": "hertz", "percent": "percent", "per mille": "per mille",
           "hectopascals": "hectopascal"}  # fmt: skip
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_ABBREVIATIONS = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus", "vs": "versus",
    "approx.": "approximately", "No.": "number", "w/o": "without", "w/": "with", "&": "and",
}  # fmt: skip
_YEAR_BEFORE = (r"(?:in|since|by|of|from|until|till|before|after|during|early|late|mid|to|and|year|"
                r"for|spring|summer|autumn|fall|winter|election|Olympics|[‘'(]|[–—-])")  # fmt: skip


def cardinal(value: int) -> str:
    """``1,204`` as one thousand two hundred four."""
    if value < 0:
        return f"minus {cardinal(-value)}"
    if value < 20:
        return _ONES[value]
    if value < 100:
        tens, rest = divmod(value, 10)
        return _TENS[tens - 2] + (f"-{_ONES[rest]}" if rest else "")
    if value < 1000:
        hundreds, rest = divmod(value, 100)
        return f"{_ONES[hundreds]} hundred" + (f" {cardinal(rest)}" if rest else "")
    groups: list[str] = []
    for scale in _SCALES:
        value, rest = divmod(value, 1000)
        if rest:
            groups.append(cardinal(rest) + scale)
    if value:
        return digits(str(value))
    return " ".join(reversed(groups))


def ordinal(value: int) -> str:
    """``22`` as twenty-second."""
    head, mark, last = re.fullmatch(r"(.*?)([ -]?)(\w+)", cardinal(value)).groups()  # type: ignore[union-attr]
    if last in _ORDINAL:
        return head + mark + _ORDINAL[last]
    return head + mark + (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")


def year(value: int) -> str:
    """``1905`` as nineteen oh five, ``2026`` as twenty twenty-six, ``2003`` as two thousand
    three."""
    century, rest = divmod(value, 100)
    if 2000 <= value < 2010 or (rest == 0 and century % 10 == 0) or not 1100 <= value < 2100:
        return cardinal(value)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def digits(text: str) -> str:
    """Each digit by itself."""
    return " ".join(_ONES[int(c)] for c in text if c.isdecimal())


def number(text: str) -> str:
    """``1,204.50`` with its decimals one by one."""
    whole, _, part = text.replace(",", "").partition(".")
    said = cardinal(int(whole)) if len(whole) <= 18 else digits(whole)
    return f"{said} point {digits(part)}" if part else said


def spoken(text: str) -> str:
    """``text`` with what is written in figures and signs in words."""
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return text


def _month(name: str) -> str:
    return next(m for m in _MONTHS if m.lower().startswith(name.lower()[:3]))


def _is_date(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def _iso(m: re.Match[str]) -> str:
    month, day = int(m[2]), int(m[3])
    if not _is_date(month, day):
        return m[0]
    return f"{_MONTHS[month - 1]} {ordinal(day)}, {year(int(m[1]))}"


def _years(m: re.Match[str]) -> str:
    last = m[2] if len(m[2]) == 4 else ""
    if not last and int(m[2]) <= int(m[1][2:]):
        return m[0]
    return f"{year(int(m[1]))} to {year(int(last)) if last else cardinal(int(m[2]))}"


def _span(m: re.Match[str]) -> str:
    """Round numbers may count something ("between 1500 and 2000 people"); others, and what no noun
    follows, are years."""
    first, last = int(m[2]), int(m[4])
    if first >= last or (first % 50 == 0 and last % 50 == 0 and not m[5]):
        return m[0]
    return f"{m[1]}{year(first)}{m[3]}{year(last)}"


def _slashed(m: re.Match[str]) -> str:
    first, second, last = int(m[1]), int(m[2]), int(m[3])
    if _is_date(first, second) and second > 12:
        return f"{_MONTHS[first - 1]} {ordinal(second)}, {year(last)}"
    if _is_date(second, first) and first > 12:
        return f"{_MONTHS[second - 1]} {ordinal(first)}, {year(last)}"
    # Which is the month, only the writer knows.
    return f"{cardinal(first)}, {cardinal(second)}, {year(last)}"


def _day_month(m: re.Match[str]) -> str:
    said = f"{_month(m[2])} {ordinal(int(m[1]))}"
    return f"{said}, {year(int(m[3]))}" if m[3] else said


def _month_day(m: re.Match[str]) -> str:
    said = f"{_month(m[1])} {ordinal(int(m[2]))}"
    return f"{said}, {year(int(m[3]))}" if m[3] else said


def _time(m: re.Match[str]) -> str:
    hour, minute, half = int(m[1]), int(m[2]), m[4]
    if hour > 24 or minute > 59:
        return m[0]
    if minute == 0:
        said = cardinal(hour) if half else f"{cardinal(hour)} hundred" if hour > 12 else (
            f"{cardinal(hour)} o'clock")  # fmt: skip
    else:
        said = f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    if m[3]:
        said += f" and {cardinal(int(m[3]))} seconds"
    return f"{said} {half[0].upper()} M" if half else said


def _money(m: re.Match[str]) -> str:
    main, small = _MONEY[m[1]]
    amount = m[2].replace(",", "")
    size = m[3] or ""
    size = _MAGNITUDES.get(size.lower(), size)
    whole, _, part = amount.partition(".")
    if not size and len(part) == 2 and small:
        said = f"{cardinal(int(whole))} {_plural(main, int(whole))}"
        cents = int(part)
        one = "pence" if small == "penny" and cents != 1 else _plural(small, cents)
        return f"{said} and {cardinal(cents)} {one}" if cents else said
    count = 1 if amount == "1" and not size else 2
    return f"{number(amount)} {size} {_plural(main, count)}".replace("  ", " ")


def _plural(word: str, count: int) -> str:
    return word if count == 1 or word in _SAME_IN_PLURAL else f"{word}s"


def _measure(m: re.Match[str]) -> str:
    unit = _UNITS[m[2]]
    if m[1] == "1":
        first, *rest = unit.split()
        unit = _ONE_OF.get(unit) or " ".join([first.removesuffix("s"), *rest])
    return f"{number(m[1])} {unit}"


def _fraction(m: re.Match[str]) -> str:
    top, bottom = int(m[1]), int(m[2])
    if bottom == 0 or top >= bottom or bottom > 20:
        return f"{cardinal(top)} over {cardinal(bottom)}"
    names = {2: "half", 4: "quarter"}
    name = names.get(bottom) or ordinal(bottom)
    plural = "halves" if name == "half" else f"{name}s"
    return f"one {name}" if top == 1 else f"{cardinal(top)} {plural}"


def _decade(m: re.Match[str]) -> str:
    said = year(int(m[1])) if len(m[1]) == 4 else cardinal(int(m[1]))
    return said[:-1] + "ies" if said.endswith("y") else f"{said}s"


def _long(m: re.Match[str]) -> str:
    plus = "plus " if m[0].startswith("+") else ""
    return plus + ", ".join(digits(group) for group in re.split(r"[\s().-]+", m[0]) if group)


_R = tuple[str, Callable[[re.Match[str]], str] | str]
_WRITTEN: tuple[_R, ...] = (
    (r"(?<![\d.])(1\d{3}|20\d{2})-(\d{2})-(\d{2})(?:T(?=\d))?(?!\d)", _iso),
    (r"(?<![\d/.])(\d{1,2})/(\d{1,2})/(1\d{3}|20\d{2})(?![\d/])", _slashed),
    (rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b{_DOT}"
     r"(?:,? (1\d{3}|20\d{2})\b)?(?!\w)",
     _day_month),
    (rf"\b({_MONTH})\b{_DOT} (\d{{1,2}})(?:st|nd|rd|th)?\b(?!:|,\d)(?:,? (1\d{{3}}|20\d{{2}})\b)?",
     _month_day),
    (r"(?<![\w.,-])(1[1-9]\d{2}|20\d{2})\s?[–—-]\s?(1[1-9]\d{2}|20\d{2}|\d{2})(?![\w-]|[.,]\d)",
     _years),
    (r"(?:(?<=\s)|^|(?<=\())[-−–](?=[.\d])", "minus "),
    (r"(?<![\w.])24/7\b", "twenty-four seven"),
    (r"(?<![\w.])50[-–/]50\b", "fifty-fifty"),
    (r"(?<![\w.])\.(?=\d)", "0."),
    (rf"({_NUMBER})\s?%\s?[–—-]\s?(?=(?:{_NUMBER})\s?%)", r"\1 to "),
    (rf"(?<![\d:])(\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?(?:\s?([ap]){_M})?(?![\d:])", _time),
    (rf"(?<![\d:])\b(1[0-2]|[1-9])\s?([ap]){_M}",
     lambda m: f"{cardinal(int(m[1]))} {m[2].upper()} M"),
    (rf"(US\$|[$€£¥₹₩₽₿])\s?({_NUMBER})(?:\s?({_BIG}|bn|mn|tn|[kmbtKMBT])\b)?", _money),
    (r"(?<![\w.])(?:\+\d{1,3}[\s.-]?)(?:\(?\d{1,4}\)?[\s.-]?){2,5}\d{2,4}(?!\w)", _long),
    (r"(?<![\w.,-])0\d{6,}(?!\w)", _long),
    (r"(?<![\w.,-])\d{3}-\d{3}-\d{4}(?!\w)", _long),
    (r"(?<![\w.])v?(\d+)\.(\d+)\.(\d+)(?:\.(\d+))?(?![\w.]*\d)",
     lambda m: " point ".join(cardinal(int(p)) for p in m.groups() if p)),
    (rf"(?<![\w.])({_NUMBER})\s?[–—-]\s?({_NUMBER})(?=\s?(?:{_UNIT}|{_BIG})(?!\w)|[\s,.;)!?]|$)",
     lambda m: f"{_plain(m[1])} to {m[2]}"),
    (rf"(?<![\w.])({_NUMBER})\s?(?=[–—-]\s?\d)", lambda m: f"{m[1]} "),
    (rf"(?<![\w.])({_NUMBER})\s?({_UNIT})(?![\w/²³])", _measure),
    (rf"(?<![\w.])({_NUMBER})\s?(bn|mn|tn|[kKMB])\b(?![./])",
     lambda m: f"{number(m[1])} {_MAGNITUDES[m[2].lower()]}"),
    (r"(?<![\d/.])(\d{1,3})/(\d{1,3})(?![\d/])", _fraction),
    (r"(?<![\d⁄])(\d{1,3})⁄(\d{1,3})", _fraction),
    (r"\b(\d{2}|1[1-9]\d0|20\d0)s\b", _decade),
    (r"[‘’'](\d{2})s\b", _decade),
    (r"(?<![\w.,])(\d{1,3}(?:,\d{3})*)(?:st|nd|rd|th)\b",
     lambda m: ordinal(int(m[1].replace(",", "")))),
    (r"(?i)\b((?:in|since|until|before|after|of) )(10[1-9]\d)(?=[,.;)]|\s+[A-Z]|$)",
     lambda m: m[1] + f"ten {cardinal(int(m[2][2:]))}"),
    (rf"(?i)\b(between )(1[1-9]\d{{2}}|20\d{{2}})( and )(1[1-9]\d{{2}}|20\d{{2}})"
     rf"(?![\d,]*\d|\.\d|\s?(?:{_UNIT})\b)(?=(\s?(?:[,.;)]|$|(?:the|a|an|it|he|she|they|we|his|her|"
     r"its|their|when|no)\b)))?", _span),
    (rf"(?i)\b({_YEAR_BEFORE}\s?)(1[1-9]\d{{2}}|20\d{{2}})(?![\d,]*\d|\.\d|\s?(?:{_UNIT})\b)",
     lambda m: m[1] + year(int(m[2]))),
    (rf"\b({'|'.join(_MONTHS)}),? (1[1-9]\d{{2}}|20\d{{2}})\b",
     lambda m: f"{m[1]} {year(int(m[2]))}"),
    (r"(?<![\w.,])(19\d{2}|20\d{2})(?=\s+(?:election|budget|season|World|Olympics|census|report))",
     lambda m: year(int(m[1]))),
    (r"#(?=\d)", "number "),
    (rf"(?<![\w.])({_NUMBER})(?![A-Za-z\d])", lambda m: _plain(m[1])),
    (r"(\d+)", lambda m: f" {digits(m[1]) if len(m[1]) > 4 else cardinal(int(m[1]))} "),
    (r"(?<!\w)(?:e\.g\.|i\.e\.|etc\.(?=\s+[a-z,])|vs\.?(?!\w)|approx\.|w/o|w/(?=\s))",
     lambda m: _ABBREVIATIONS[m[0]]),
    (r"\bNo\.\s(?=\w)", "number "),
    (r"\s*&\s*", " and "),
    (r"(?<=\w)\+\+", " plus plus"),
    (r"\s\+\s", " plus "),
    (r"\s=\s", " equals "),
    (r"\s[×✕*]\s?", " times "),
    (r"[~≈]\s?(?=\w)", "about "),
    (r"\s?≥\s?", " at least "),
    (r"\s?≤\s?", " at most "),
    (r"(?<=\w)\s?/\s?(?=\w)", " slash "),
)  # fmt: skip


def _plain(text: str) -> str:
    """A number that nothing is said about: a long one without commas is a name, not a count."""
    if text.isdecimal() and (len(text) > 9 or (text.startswith("0") and len(text) > 1)):
        return digits(text)
    return number(text)


_RULES = [(re.compile(pattern), said) for pattern, said in _WRITTEN]

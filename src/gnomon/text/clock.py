"""Times of day in English words: "a quarter past nine", "nine o'clock", "at nine this morning".

They are hours on a dial of twelve, unless the words tell more: no counts, and no dates either.
Times in digits ("9:15", "9 am") and Chinese ones are found by ``dates``.
"""

from __future__ import annotations

import re

from gnomon.types import Slot, SlotKind

UNIT = "clock"
"""The unit of a time of day; its value is the hour on a dial of twelve, 0 <= value < 12."""
_HOURS = "one two three four five six seven eight nine ten eleven twelve".split()
_HOUR = rf"(?P<hour>{'|'.join(_HOURS)}|1[0-2]|[1-9])(?![\w%:/]|[.,]\d)"
_MINUTES = {"quarter": 15, "half": 30, "five": 5, "ten": 10, "twenty": 20, "twenty-five": 25}
_MINUTE = r"(?:an? )?(?P<minute>quarter|half|twenty-five|twenty|ten|five|25|20|10|5)(?: minutes)?"
_AT = r"(?:at|by|since|until|till|around|about|before|after|from|past)"
_DAYPART = (
    r"(?: sharp\b| o['’]?clock\b| (?:this|in the|yesterday|tomorrow|on \w+day|\w+day) "
    r"(?:morning|afternoon|evening|night)\b| tonight\b| at night\b| last night\b)"
)
_TIMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\w-]){_MINUTE} past {_HOUR}",
        rf"(?<![\w-])(?:a )?(?P<minute>quarter) (?P<to>to|before) {_HOUR}"
        r"(?! (?!this|was|is)[a-z]+s\b)",
        rf"\b{_AT} (?P<from>{_MINUTE} (?P<to>to) {_HOUR})(?=\s*(?:[.,;!?]|$)|{_DAYPART})",
        rf"(?<![\w-]){_HOUR}(?= o['’]?clock\b)",
        rf"\b{_AT} (?P<from>{_HOUR})(?={_DAYPART})",
    )
)


def find(text: str) -> list[Slot]:
    """NUMBER slots of unit ``UNIT``, in order."""
    found: list[Slot] = []
    for pattern in _TIMES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            start, end = match.span("from") if parts.get("from") else match.span()
            if any(start < slot.end and slot.start < end for slot in found):
                continue
            hour = _hour(match["hour"])
            minutes = _minutes(parts.get("minute") or "")
            value = hour - minutes / 60 if parts.get("to") else hour + minutes / 60
            found.append(Slot(SlotKind.NUMBER, text[start:end], start, end, value % 12, UNIT))
    return sorted(found, key=lambda slot: slot.start)


def _hour(word: str) -> int:
    return int(word) if word.isdigit() else _HOURS.index(word.lower()) + 1


def _minutes(word: str) -> int:
    return int(word) if word.isdigit() else _MINUTES.get(word.lower(), 0)

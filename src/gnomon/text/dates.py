"""Dates and times of day in a text, as far as they are written, in ISO 8601.

Values: ``2026-03-07``, ``2026-03``, ``2026``, ``--03-07``, ``--03``, ``2026-W10`` (a week),
``197`` (a decade: the 1970s), ``-W-6`` (a weekday: Saturday), ``T09:30``; and
``2026-03-07T09:30`` where date and time stand together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from gnomon.text import numerals
from gnomon.types import Slot, SlotKind

_MONTHS = {
    name: i
    for i, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug"
        "|september sept sep|october oct|november nov|december dec".split("|"),
        1,
    )
    for name in names.split()
}
_DAYS = {
    name: i
    for i, names in enumerate(
        "monday mon 一|tuesday tues tue 二|wednesday wed 三|thursday thurs thur thu 四|friday "
        "fri 五"
        "|saturday sat 六|sunday sun 日 天 末".split("|"),
        1,
    )
    for name in names.split()
}
_M = "(?P<{}>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_W = "|".join(sorted((d for d in _DAYS if d.isascii() and len(d) > 3), key=len, reverse=True))
_D = numerals.CHINESE_DIGITS + "十"
_Y4 = r"(?:1[0-9]|20)\d\d"
_ORD = r"(?:st|nd|rd|th)?"

_ISO = re.compile(
    rf"(?<![\d./-])(?P<y>{_Y4})(?P<sep>[-/.])(?P<m>0?[1-9]|1[0-2])"
    r"(?:(?P=sep)(?P<d>0?[1-9]|[12]\d|3[01]))?(?:[T ](?P<t>[0-2]\d:[0-5]\d)(?::[0-5]\d(?:\.\d+)?)?"
    r"(?:Z|[+-]\d\d:?\d\d)?)?(?![\d/-])"
)
_SLASHED = re.compile(
    rf"(?<![\d./-])(?P<a>\d{{1,2}})(?P<sep>[/.-])(?P<b>\d{{1,2}})(?P=sep)(?P<y>{_Y4})(?![\d/-])"
)
_DAY_MONTH = re.compile(
    rf"(?<![\w.])(?P<d>\d{{1,2}}){_ORD}(?: of)?[ -]{_M.format('m')}(?!\w)(?:[ "
    rf",-]+(?P<y>{_Y4})(?!\d))?",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(
    rf"(?<!\w){_M.format('m')} (?:the )?(?P<d>\d{{1,2}}){_ORD}(?![\w:%]|[.,]\d)"
    rf"(?: ?,? (?P<y>{_Y4})(?!\d))?",
    re.IGNORECASE,
)
_MONTH_YEAR = re.compile(rf"(?<!\w){_M.format('m')} ?,?(?: of)? (?P<y>{_Y4})(?!\w)", re.IGNORECASE)
_MONTH = re.compile(
    r"(?<!\w)(?:(?<=\bin )|(?<=\bsince )|(?<=\bby )|(?<=\buntil )|(?<=\blast )|(?<=\bthis )"
    r"|(?<=\bnext )|(?<=\bduring )|(?<=\bof )|(?<=\bearly )|(?<=\blate )|(?<=\bmid-))"
    + _M.format("m").replace(r"\.?", "")
    + r"(?!\w)(?! \d)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<![\w.,:/$€£¥-])(?P<y>(?:1[5-9]|20)\d\d)(?![\w%$€£°/:]|[.,-]\d)")
_CHINESE = re.compile(
    rf"(?:(?P<y>{_Y4}|[{numerals.CHINESE_DIGITS}]{{4}}) ?年 ?)?"
    rf"(?:(?P<m>\d{{1,2}}|[{_D}]{{1,3}}) ?月(?!前|后|来|内|以)(?:份)?)?"
    rf"(?:(?<=月) ?(?P<d>\d{{1,2}}|[{_D}]{{1,3}}) ?[日号])?"
)
_RELATIVE = re.compile(
    r"(?<!\w)(?P<en>the day before yesterday|day after tomorrow|yesterday|today|tonight|tomorrow"
    r"|this morning|this afternoon|this evening|last night|last week|this week|next week|last month"
    r"|this month|next month|last year|this year|next year)(?!\w)"
    r"|(?<!\w)(?P<n>\d{1,3}|a|one|two|three|four|five|six|seven|eight|nine|ten) "
    r"(?P<span>day|week|month|year)s? ago(?!\w)"
    r"|(?P<zh>大前天|前天|昨天|昨日|昨晚|昨夜|今天|今日|今晚|今早|今晨|明天|明日|后天|上周(?![一二三四五六日天末])"
    r"|本周(?![一二三四五六日天末])|下周(?![一二三四五六日天末])|上个月|上月|本月|这个月|下个月|下月|去年|今年|明年|前年)"
    r"|(?P<zn>\d{1,3}|[一两二三四五六七八九十]{1,2})(?P<zspan>天|日|周|个月|年)(?:之?前)",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(
    rf"(?<!\w)(?:(?P<mod>last|next|this|coming|on) )?(?P<day>{_W})(?!\w)"
    r"|(?P<zmod>上上|上个?|下个?|本|这个?)?(?:周|星期|礼拜)(?P<zday>[一二三四五六日天末])(?![个次天周])",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<![\w:./-])(?P<h>[01]?\d|2[0-4])(?:[:.](?P<min>[0-5]\d))?(?::[0-5]\d)?"
    r"(?: ?(?P<ap>[ap])\.?m\b\.?)(?!\w)|(?<![\w:./,-])(?P<h24>[01]?\d"
    r"|2[0-3]):(?P<m24>[0-5]\d)(?![\d:])"
    r"|(?<!\w)(?P<word>noon|midday|midnight)(?!\w)"
    rf"|(?P<zp>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚间|夜里|晚|今晚|昨晚)?(?P<zh>\d{{1,2}}|[{_D}]{{1,3}})"
    rf"(?:[点點时時](?![间間代候段尚期])(?:(?P<zm>\d{{1,2}}|[{_D}]{{1,3}})分?|(?P<half>半)|(?P<q>一刻)|整|许|左右)?)",
    re.IGNORECASE,
)
_TIME_WORDS = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
_YEAR_BEFORE = re.compile(
    r"(?:\b(?:in|since|by|of|from|until|till|during|before|after|year|early|late|mid|for|and|to|a"
    r"|between|around|the|summer|winter|spring|autumn|fall|last|back in|ca|circa)[ -]"
    r"|[(\[–]|^\s*|[.!?]\s)$",
    re.IGNORECASE,
)


def find(text: str, now: float | None = None) -> list[Slot]:
    """DATE slots in order; relative words are resolved against ``now`` (epoch seconds, UTC), and
    left out where it is None (weekdays stay ``-W-6``)."""
    today = None if now is None else datetime.fromtimestamp(now, UTC).date()
    found: list[Slot] = []
    finders: tuple[Callable[[str, date | None], list[tuple[int, int, str]]], ...] = (
        _iso, _slashed, _day_month, _decades, _chinese, _relative, _weekdays, _times,
        _months, _years,
    )  # fmt: skip
    for finder in finders:
        for start, end, value in finder(text, today):
            if not any(start < slot.end and slot.start < end for slot in found):
                found.append(Slot(SlotKind.DATE, text[start:end], start, end, value))
    found.sort(key=lambda slot: slot.start)
    return _joined(text, found)


def _ymd(year: str | None, month: int | None, day: int | None) -> str | None:
    """ISO 8601 of what is known, or None for a day that no calendar has."""
    if month is not None and not 1 <= month <= 12:
        return None
    if day is not None:
        try:
            date(int(year) if year else 2024, month or 1, day)
        except ValueError:
            return None
    out = year or "-"
    if month is not None:
        out += f"-{month:02d}"
        if day is not None:
            out += f"-{day:02d}"
    return out


def _iso(text: str, today: date | None) -> list[tuple[int, int, str]]:
    out = []
    for m in _ISO.finditer(text):
        if m["sep"] == "." and not m["d"]:
            continue
        value = _ymd(m["y"], int(m["m"]), int(m["d"]) if m["d"] else None)
        if value:
            out.append((*m.span(), value + (f"T{m['t']}" if m["t"] and m["d"] else "")))
    return out


def _slashed(text: str, today: date | None) -> list[tuple[int, int, str]]:
    """7/3/2026 only where it can be read one way: one part over 12, or both the same."""
    out = []
    for m in _SLASHED.finditer(text):
        a, b = int(m["a"]), int(m["b"])
        if a > 12 or a == b or m["sep"] == ".":
            value = _ymd(m["y"], b, a)
        elif b > 12:
            value = _ymd(m["y"], a, b)
        else:
            value = m["y"]  # the year is sure
        if value:
            out.append((*m.span(), value))
    return out


def _day_month(text: str, today: date | None) -> list[tuple[int, int, str]]:
    out = []
    for pattern in (_DAY_MONTH, _MONTH_DAY):
        for m in pattern.finditer(text):
            if m["m"].lower() in ("may", "mar", "dec", "sun") and m["m"].islower():
                continue
            value = _ymd(m["y"], _MONTHS[m["m"].lower()], int(m["d"]))
            if value:
                out.append((*m.span(), value))
    return out


def _chinese(text: str, today: date | None) -> list[tuple[int, int, str]]:
    out = []
    for m in _CHINESE.finditer(text):
        if not (m["y"] or m["m"]):
            continue
        if m["m"] and not m["d"] and not m["y"] and text[: m.start()][-1:].isdigit():
            continue
        year = m["y"]
        if year and not year.isdigit():
            digits = numerals.chinese(year)
            year = f"{digits:.0f}" if digits and 1000 <= digits < 3000 else None
            if year is None:
                continue
        parts = [numerals.chinese(p) if p else None for p in (m["m"], m["d"])]
        month, day = (None if p is None else int(p) for p in parts)
        value = _ymd(year, month, day)
        if value and value != "-":
            out.append((*m.span(), value))
    return out


_OFFSETS = {
    "the day before yesterday": -2, "day after tomorrow": 2, "yesterday": -1, "today": 0,
    "tonight": 0, "tomorrow": 1, "this morning": 0, "this afternoon": 0, "this evening": 0,
    "last night": -1, "大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "昨晚": -1, "昨夜": -1,
    "今天": 0, "今日": 0, "今晚": 0, "今早": 0, "今晨": 0, "明天": 1, "明日": 1, "后天": 2,
}  # fmt: skip
_STEPS = {
    "last": -1, "this": 0, "next": 1, "上": -1, "本": 0, "这": 0, "下": 1, "去": -1, "今": 0,
    "明": 1, "前": -2,
}  # fmt: skip


def _relative(text: str, today: date | None) -> list[tuple[int, int, str]]:
    if today is None:
        return []
    out = []
    for m in _RELATIVE.finditer(text):
        word = (m["en"] or m["zh"] or "").lower()
        if word in _OFFSETS:
            value = (today + timedelta(days=_OFFSETS[word])).isoformat()
        elif word:
            step = _STEPS[word.split()[0] if word.isascii() else word[0]]
            value = _stepped(today, word[-1] if not word.isascii() else word.split()[1], step)
        else:
            count = _count(m["n"] or m["zn"])
            span = m["span"] or m["zspan"]
            if count is None:
                continue
            if span in ("day", "天", "日"):
                value = (today - timedelta(days=count)).isoformat()
            else:
                value = _stepped(today, span[-1] if not span.isascii() else span, -count)
        out.append((*m.span(), value))
    return out


def _count(written: str) -> int | None:
    small = {"a": 1, "两": 2}
    if written.lower() in small:
        return small[written.lower()]
    if written.isdigit():
        return int(written)
    value = numerals.english(written) if written.isascii() else numerals.chinese(written)
    return None if value is None else int(value)


def _stepped(today: date, unit: str, step: int) -> str:
    """The week, month or year ``step`` away from ``today``."""
    if unit in ("week", "周"):
        year, week, _ = (today + timedelta(weeks=step)).isocalendar()
        return f"{year}-W{week:02d}"
    if unit in ("month", "月"):
        months = today.year * 12 + today.month - 1 + step
        return f"{months // 12:04d}-{months % 12 + 1:02d}"
    return f"{today.year + step:04d}"


def _weekdays(text: str, today: date | None) -> list[tuple[int, int, str]]:
    out = []
    for m in _WEEKDAY.finditer(text):
        day = _DAYS[(m["day"] or m["zday"]).lower()]
        if m["zday"] == "末":
            continue
        modifier = (m["mod"] or m["zmod"] or "").lower()
        if today is None:
            out.append((*m.span(), f"-W-{day}"))
            continue
        monday = today - timedelta(days=today.weekday())
        if m["zday"]:
            # In Chinese 上周二 is Tuesday of the week before this one, always.
            weeks = {"上上": -2, "上": -1, "下": 1}.get(modifier.removesuffix("个"), 0)
            value = monday + timedelta(weeks=weeks, days=day - 1)
        else:
            ahead = modifier in ("next", "coming") or (
                modifier in ("", "on", "this")
                and re.search(r"\b(?:will|to be|going to|next)\b[^.!?]{0,60}$", text[: m.start()])
            )
            past = (today.weekday() - (day - 1)) % 7
            if modifier == "last" and past == 0:
                past = 7
            value = (
                today + timedelta(days=(day - 1 - today.weekday()) % 7 or 7)
                if ahead
                else today - timedelta(days=past)
            )
        out.append((*m.span(), value.isoformat()))
    return out


_AFTERNOON = ("下午", "傍晚", "晚上", "晚间", "夜里", "晚", "今晚", "昨晚")


def _times(text: str, today: date | None) -> list[tuple[int, int, str]]:
    out = []
    for m in _TIME.finditer(text):
        if m["word"]:
            out.append((*m.span(), "T" + _TIME_WORDS[m["word"].lower()]))
            continue
        if m["zh"]:
            number = numerals.chinese(m["zh"])
            minute = 30.0 if m["half"] else 15.0 if m["q"] else 0.0
            minute = (numerals.chinese(m["zm"]) or 0.0) if m["zm"] else minute
            if number is None or (not m["zp"] and m.group().endswith(("点", "點")) and number < 3):
                continue  # 一点 is "a little", 两点 is often "two points"
            hour = number + 12 if m["zp"] in _AFTERNOON and number < 12 else number
        elif m["h24"]:
            hour, minute = float(m["h24"]), float(m["m24"])
        else:
            hour, minute = float(m["h"]), float(m["min"] or 0)
            if not 1 <= hour <= 12:
                continue
            hour = hour % 12 + (12 if m["ap"].lower() == "p" else 0)
        if hour < 24 and minute < 60:
            out.append((*m.span(), f"T{int(hour):02d}:{int(minute):02d}"))
    return out


def _months(text: str, today: date | None) -> list[tuple[int, int, str]]:
    out = [
        (*m.span(), f"{m['y']}-{_MONTHS[m['m'].lower()]:02d}") for m in _MONTH_YEAR.finditer(text)
    ]
    for m in _MONTH.finditer(text):
        if m["m"][0].isupper():
            out.append((*m.span(), f"--{_MONTHS[m['m'].lower()]:02d}"))
    return out


_DECADE = re.compile(r"(?<![\w.])(?P<y>(?:1[5-9]|20)\d)0['’]?s(?!\w)|(?P<z>(?:1[5-9]|20)\d)0年代")


def _decades(text: str, today: date | None) -> list[tuple[int, int, str]]:
    return [(*m.span(), m["y"] or m["z"]) for m in _DECADE.finditer(text)]


def _years(text: str, today: date | None) -> list[tuple[int, int, str]]:
    """Four digits are a year where the words around them read so; "2000 people" are not."""
    from gnomon.text.quantities import counts_something

    out = []
    for m in _YEAR.finditer(text):
        if counts_something(text, m.end()):
            continue
        if _YEAR_BEFORE.search(text[max(0, m.start() - 12) : m.start()]) or re.match(
            r"\s*(?:[.,;:!?)\]–]|$|年)", text[m.end() : m.end() + 3]
        ):
            out.append((*m.span(), m["y"]))
    return out


def _joined(text: str, slots: list[Slot]) -> list[Slot]:
    """A day and a time of day beside each other are one moment."""
    out: list[Slot] = []
    for slot in slots:
        last = out[-1] if out else None
        if last is not None and re.fullmatch(
            r"(?:,? (?:at |around |on )?|的)?", text[last.end : slot.start]
        ):
            a, b = str(last.value), str(slot.value)
            if a.startswith("T") and not b.startswith("T"):
                a, b = b, a
            if b.startswith("T") and "T" not in a and re.fullmatch(r"(?:\d{4}|-)-\d\d-\d\d", a):
                out[-1] = Slot(
                    SlotKind.DATE, text[last.start : slot.end], last.start, slot.end, a + b
                )
                continue
        out.append(slot)
    return out

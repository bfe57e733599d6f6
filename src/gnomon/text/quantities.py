"""Numbers in a text, with their units brought to one base unit for each dimension."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gnomon.text import numerals
from gnomon.text.fractions import any_chinese, fractions, number, ordinals
from gnomon.text.units import CURRENCY_SIGNS, CURRENCY_WORDS, NOUNS, UNITS, roles
from gnomon.types import Slot

# What a span that is no number of things (a URL, a date already found) is blanked with.
BLANK = "\x1f"

_DIGITS = re.compile(
    r"(?P<n>\d{1,3}(?:[,\u00a0\u202f\u2009'’]\d{3})+(?!\d)(?:\.\d+)?"
    r"|(?<![\d,.])\d{1,3}(?: \d{3})+(?![\d.,]*\d)"
    r"|\d+(?:\.\d+)?(?:,\d{1,2}(?![\d,]))?|\d+)"
)
_SCALE = re.compile(
    r"[ \u00a0-]?(?P<s>trillion|billion|million|thousand|hundred|dozen|lakh|crore|mln|mn|bn|tn)"
    r"(?![A-Za-z])|(?P<k>[kKMBb])(?![A-Za-z0-9/²³])|(?P<m>m)(?![A-Za-z0-9/²³])",
    re.IGNORECASE,
)
_SIGN = re.compile(
    "(?:" + "|".join(re.escape(s) for s in sorted(CURRENCY_SIGNS, key=len, reverse=True)) + r") ?$"
)
_LATIN_UNITS = sorted((u for u in UNITS if u[0] < "\u2e80"), key=len, reverse=True)
_CJK_UNITS = sorted((u for u in UNITS if u[0] >= "\u2e80"), key=len, reverse=True)
_UNIT = re.compile(
    r"(?P<cjk>[多余餘來来]?(?:" + "|".join(map(re.escape, _CJK_UNITS)) + "))"
    r"|[ \u00a0-]?(?P<latin>"
    + "|".join(re.escape(u).replace(r"\ ", "[ -]") for u in _LATIN_UNITS)
    + r")(?![A-Za-z0-9²³])",
    re.IGNORECASE,
)
_CJK_NOUN = re.compile(
    r"[多余餘來来]?[ ]?(?P<n>"
    + "|".join(sorted((n for n in NOUNS if not n.isascii()), key=len, reverse=True))
    + ")"
)
# Numerals of one character that stand in front of these count something.
_COUNTED = re.compile(
    r"[多余餘]?(?:人|名|位|口|岁|歲|天|年|个月|個月|小时|小時|个小时|分钟|秒|米|公里|千米|厘米|公斤|吨|元|块"
    r"|辆|艘|架|座|栋|幢|层|户|所|家|间|票|次|处|起|万|亿|度|周|倍|棵|条|张|只|头|匹|件|台|部|场|个)"
)
_NOT_COUNTS = re.compile(
    r"(?:一(?:次|个|些|起|家|年|天|部|场|件|条|只|度|处|座|块|层)|千万(?!元|人|美|吨|户|辆|个|名)|万一|一一|三三两两|万万|百姓|十分(?!钟)|一万个|千里)"
)
_INEXACT = re.compile(r"(?:数|几|多少|若干)$")
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_STOPPERS = frozenset(
    "a an the of in on at to for from by with and or but as is are was were be been being has have "
    "had will would can could may might should do does did not no that which who whom whose this "
    "these those it its they their he she his her we our you your i my if when while than then so "
    "more less after before during since until about over under near into across between through "
    "also only just still later earlier ago already per each every including against".split()
)
_LENGTH_AFTER = re.compile(
    r"\s*(?:tall|high|deep|wide|long|away|thick|above|below|of water|race|sprint|final|hurdles"
    r"|freestyle|from|to|by|x|×|in (?:height|length|depth)|[.,;:!?)]|$)",
    re.IGNORECASE,
)
_MILLION_BEFORE = re.compile(
    r"(?:population|revenue|raised|worth|users|views|profit|sales|turnover|cost|budget|readers"
    r"|audience|followers|subscribers)\W+(?:(?:of|to|at|is|was|by|hit|reached|over|about|nearly)\W+){0,2}$",
    re.IGNORECASE,
)
_AGE_BEFORE = re.compile(r"\b(?:aged?|age of)\s$", re.IGNORECASE)
_RANGE = re.compile(r"\s?(?:-|–|—|~|～|to|or|and|至|到|或)\s?", re.IGNORECASE)
_LABEL_BEFORE = re.compile(r"(?:^|[^\w])(?:(?P<w>[A-Za-z]{2,})|(?:No|no|№|#))\.? ?$")
_NAME_BEFORE = re.compile(r"[A-Z][a-z]+ (?P<w>[A-Z][a-z]+) $")
# Nouns that are told apart by a number behind them: "pier 3" is another than "pier 2".
_LABELS = frozenset(
    "no number flight route room page chapter section article gate line platform phase stage level "
    "category grade magnitude apollo boeing airbus windows iphone act bus train unit block plot "
    "type class part episode season volume version model world "
    "pier piers dock berth quay bay ward hall door exit entrance tower tunnel shaft well pump "
    "reactor turbine furnace kiln sector zone district region precinct lane track runway terminal "
    "pitch court heat lap round group division tier step point item option question rule law "
    "amendment proposition resolution order verse paragraph figure table exhibit appendix annex "
    "schedule channel studio row cabin deck tank container buoy station stop post camp site lot "
    "parcel apartment flat suite building wing cell junction bridge tram ferry highway motorway "
    "interstate road release build patch mark series batch engine truck lorry car boat barge "
    "ladder crew team squad battalion brigade regiment formula form size drawer shelf locker box "
    "hangar warehouse shed plant mine pit field lock sluice weir dam gauge sensor probe crane lift "
    "elevator escalator boiler generator vessel alert".split()
)
# Those that are no verbs, so that what follows the number is not what it counts: "bus 7 carries".
_ALWAYS_LABELS = frozenset("no number bus tram train ferry flight route platform gate pier".split())
# Of a code such as B12 the letters are part of the label: "gate B12" is "gate b#".
_CODE = re.compile(
    r"(?<![\w#@])(?P<w>[A-Za-z]{2,}) (?P<code>[A-Z]{1,2})-?(?P<n>\d{1,4})(?![\w/:]|[.,]\d|-\d)"
)


def find(text: str) -> list[Slot]:
    """NUMBER slots of ``text`` (spans that are no quantities blanked out with ``BLANK``), in order.

    ``unit`` is a base unit ("m", "kg", "s", "USD", "%"), "ordinal", "score" (2-1 and 2比1 are
    2.001: the order counts), "<label>#" (flight 370 is "flight#"), or, for a count, the singular
    head noun and what happened to those counted, as far as they are said: "person killed",
    "bridge", "injured", "".
    """
    slots: list[Slot] = []
    taken = bytearray(len(text))
    for finder in (
        _scores, _codes, fractions, ordinals, _digit_numbers, _english_words, _chinese_words,
    ):  # fmt: skip
        for slot in finder(text):
            if 1 not in taken[slot.start : slot.end]:
                slots.append(slot)
                taken[slot.start : slot.end] = b"\1" * (slot.end - slot.start)
    slots.sort(key=lambda slot: slot.start)
    return _counted(text, _spread_units(text, slots))


_SCORE = re.compile(
    r"(?<![\w.,:/$€£¥–-])(?P<a>\d{1,3})\s?(?:-|–|:|：)\s?(?P<b>\d{1,3})(?![\w:/%]|[.,]\d|-\d|–\d)"
)
_SCORE_ZH = re.compile(
    rf"(?<![\d.{numerals.CHINESE_DIGITS}])(?P<a>\d{{1,3}}|[{numerals.CHINESE_DIGITS}十]{{1,3}})"
    rf"\s?比\s?(?P<b>\d{{1,3}}|[{numerals.CHINESE_DIGITS}十]{{1,3}})(?![\d.%年月号{numerals.CHINESE_DIGITS}])"
)
# What is said beside a score: of a match, or of a vote.
_CONTEST = re.compile(
    r"\b(?:w[io]ns?|winning|winners?|beat(?:s|en|ing)?|defeat(?:s|ed)?|lost|loses?|losing|draws?|drew"
    r"|drawn|tied?|scored?|scores?|final|match(?:es)?|game|goals?|half-?time|full-?time|aggregate"
    r"|penalties|shoot-?out|lead(?:s|ing)?|led|victory|defeat|thrash(?:ed|es)?|edged?|downed|set"
    r"|series|cup|league|derby|vs?|against|vote[ds]?|ruling|ruled)\b"
    r"|赢|胜|负|击败|战平|打平|比分|输|比赛|决赛|进球|大胜|险胜|完胜|绝杀|票",
    re.IGNORECASE,
)


def _scores(text: str) -> list[Slot]:
    """Scores of matches and votes: two numbers whose order counts, told from ranges, ratios and
    times by what is said beside them."""
    out = []
    for pattern in (_SCORE, _SCORE_ZH):
        for m in pattern.finditer(text):
            a, b = any_chinese(m["a"]), any_chinese(m["b"])
            beside = text[max(0, m.start() - 60) : m.end() + 60]
            if a is None or b is None or not _CONTEST.search(beside):
                continue
            if _UNIT.match(text, m.end()) or _CJK_NOUN.match(text, m.end()):
                continue
            if _NO_SCORE_AFTER.match(text, m.end()) or _AGES.search(text, 0, m.start()):
                continue
            noun = _noun(text, m.end(), 2.0)
            if (noun and noun not in _OF_CONTESTS) or _SCALE.match(text, m.end()):
                continue
            out.append(number(text, m.start(), m.end(), a + b / 1000, "score"))
    return out


_NO_SCORE_AFTER = re.compile(r"\s?(?:[ap]\.?m\b|o['’]clock|times\b|yrs?\b)", re.IGNORECASE)
_AGES = re.compile(r"\b(?:ages?|aged|from|between|about|around|some)\s$", re.IGNORECASE)
_OF_CONTESTS = frozenset("vote goal win victory game match point time".split())


def _codes(text: str) -> list[Slot]:
    return [
        number(text, m.start("code"), m.end(), float(m["n"]), f"{m['w']} {m['code']}#".lower())
        for m in _CODE.finditer(text)
        if m["w"].lower() in _LABELS
    ]


def _digit_numbers(text: str) -> list[Slot]:
    out: list[Slot] = []
    for m in _DIGITS.finditer(text):
        slot = _digit_number(text, m.start(), m.end())
        if slot is not None and (not out or slot.start >= out[-1].end):
            out.append(slot)
    return out


def _digit_number(text: str, start: int, end: int) -> Slot | None:
    before = text[start - 1 : start]
    glued = before.isascii() and (before.isalpha() or before in ("_", "."))
    keycap = text[end : end + 1] in ("\ufe0f", "\u20e3")
    # Currency codes may touch their number: US$5, RMB300.
    if (glued or keycap) and not _SIGN.search(text, max(0, start - 5), start):
        return None
    joined = before and before in "-/:" and re.match(r"[A-Za-z\d]", text[start - 2 : start - 1])
    if joined and not (before == "-" and text[start - 2].isdigit()):
        return None
    if text[end : end + 1] in ("/", ":") and text[end + 1 : end + 2].isdigit():
        return None
    written = text[start:end]
    mixed = numerals.MIXED.match(text, start)
    if mixed:
        value = numerals.chinese(mixed.group())
        if value is None:
            return None
        end = mixed.end()
    else:
        if sum(c.isdigit() for c in written) > 12:
            return None
        value = _read(written)
        scaled = _scale(text, start, end)
        if scaled:
            value, end = value * scaled[0], scaled[1]
    if before in ("-", "−") and (start < 2 or text[start - 2] in " (\t\n:") and value:
        start, value = start - 1, -value
    return _with_unit(text, start, end, value)


def _read(written: str) -> float:
    """1,200.5, 1 200, 1'200 and the decimal comma of 1,5 as a number."""
    if re.fullmatch(r"\d+(?:\.\d+)?,\d{1,2}", written):
        written = written.replace(",", ".") if "." not in written else written.split(",")[0]
    return float(re.sub(r"[,'’\s]", "", written))


def _scale(text: str, start: int, end: int) -> tuple[float, int] | None:
    m = _SCALE.match(text, end)
    if not m:
        return None
    word = (m["s"] or m["k"] or m["m"]).lower()
    money = _SIGN.search(text, max(0, start - 5), start)
    if word == "m" and not money and m.group() == "m":
        people = _noun(text, m.end(), 2.0) and not _LENGTH_AFTER.match(text, m.end())
        if not people and not _MILLION_BEFORE.search(text, max(0, start - 60), start):
            return None
    if m.group() == "b" and not money:
        return None  # 3b is a house number or a flat more often than three billion
    if word == "k" and re.match(r" (?:TV|video|resolution|display|monitor)", text[m.end() :]):
        return None
    return numerals.SCALES[word], m.end()


# Pounds that are paid are money, however few.
_PAID_BEFORE = re.compile(
    r"\b(?:cost(?:s|ing)?|pa(?:y|ys|id|ying|yments?)|spen[dt](?:s|ing)?|pric(?:e|es|ed)|worth|fees?|"
    r"fin(?:e|es|ed)|dues|fares?|rents?|salar(?:y|ies)|wages?|budgets?|loans?|grants?|debts?|taxe?s?|"
    r"charg(?:e|es|ed)|rais(?:e|es|ed|ing)|donat(?:e|es|ed|ions?)|s(?:old|ells) for|bought for)\b"
    r"[^.!?;\n]{0,50}$",
    re.IGNORECASE,
)


def _with_unit(text: str, start: int, end: int, value: float) -> Slot | None:
    sign = _SIGN.search(text, max(0, start - 5), start)
    if sign:
        return number(text, sign.start(), end, value, CURRENCY_SIGNS[sign.group().strip()])
    m = _UNIT.match(text, end)
    if m:
        surface = (m["cjk"] or m["latin"]).lower().lstrip("多余餘來来").replace("-", " ")
        base, factor = UNITS.get(surface) or UNITS[surface.replace(" ", "-")]
        if surface in ("pound", "pounds") and (
            abs(value) >= 1e5 or _PAID_BEFORE.search(text, max(0, start - 80), start)
        ):
            base, factor = "GBP", 1.0
        if base == "°F":
            return number(text, start, m.end(), (value - 32) * 5 / 9, "°C")
        if surface == "年" and 1000 <= value <= 2999:
            return None
        return number(text, start, m.end(), value * factor, base)
    if re.match(r"m(?![A-Za-z])", text[end : end + 2]):
        return number(text, start, end + 1, value, "m")
    if re.match(r"g(?![A-Za-z])", text[end : end + 2]):
        return number(text, start, end + 1, value / 1000, "kg")
    if re.match(r"h(?![A-Za-z])", text[end : end + 2]):
        return number(text, start, end + 1, value * 3600, "s")
    following = text[end : end + 1]
    if following.isascii() and (following.isalpha() or following == "_"):
        return None
    if re.match(r"-[A-Z](?![a-z])", text[end : end + 3]):
        return None
    return number(text, start, end, value, "")


def _english_words(text: str) -> list[Slot]:
    out = []
    for m in numerals.WORDS.finditer(text):
        value = numerals.english(m.group())
        if value is None:
            continue
        end = m.end()
        slot = _with_unit(text, m.start(), end, value)
        if slot is None:
            continue
        if m.group().lower() in ("one", "zero") and not slot.unit and not _noun(text, end, value):
            continue
        out.append(slot)
    return out


def _chinese_words(text: str) -> list[Slot]:
    out = []
    for m in numerals.CHINESE.finditer(text):
        start, end = m.span()
        written = m.group()
        if _NOT_COUNTS.match(text, start) or _INEXACT.search(text, max(0, start - 2), start):
            continue
        if text[end : end + 1] == "几" or (
            written[-1] in "十百千万" and text[end : end + 1] == "数"
        ):
            continue
        simple = len(written) == 1 or not any(c in numerals.CHINESE_PLACES for c in written)
        if simple and not _COUNTED.match(text, end):
            continue
        if written[0] in "百千" or (
            written[0] in "十" and len(written) == 1 and not _COUNTED.match(text, end)
        ):
            continue
        value = numerals.chinese(written)
        if value is None:
            continue
        slot = _with_unit(text, start, end, value)
        if slot is not None:
            out.append(slot)
    return out


def _spread_units(text: str, slots: Sequence[Slot]) -> list[Slot]:
    """In a range ("10 to 15 km", "1-2 million") the first number takes the unit of the second."""
    out = list(slots)
    for i in range(len(out) - 2, -1, -1):
        first, second = out[i], out[i + 1]
        joint = text[first.end : second.start]
        if first.unit or not _RANGE.fullmatch(joint) or isinstance(first.value, str):
            continue
        if joint.strip().lower() == "and" and not re.search(
            r"between\W*$", text[max(0, first.start - 12) : first.start], re.IGNORECASE
        ):
            continue
        digits = _DIGITS.search(second.text)
        if digits is None or not isinstance(second.value, float):
            continue
        factor = second.value / _read(digits.group()) if _read(digits.group()) else 1.0
        out[i] = number(text, first.start, first.end, first.value * factor, second.unit)
    return out


def _noun(text: str, end: int, value: float) -> str:
    """The singular head noun of what is counted right after ``end``, or ""."""
    cjk = _CJK_NOUN.match(text, end)
    if cjk:
        if len(cjk["n"]) == 1:
            # 两百名志愿者: the measure word is followed by what is counted.
            for size in (4, 3, 2):
                named = NOUNS.get(text[cjk.end() : cjk.end() + size])
                if named:
                    return named
        return NOUNS[cjk["n"]]
    if text[end : end + 1] == "-":
        end += 1
    seen = 0
    for m in _WORD.finditer(text, end, end + 60):
        gap = text[end : m.start()]
        if gap.strip("\u00a0 +") or seen == 3:
            break
        word = m.group().lower().removesuffix("'s").removesuffix("’s")
        if word in _STOPPERS:
            break
        if word in NOUNS:
            return NOUNS[word]
        if value != 1 and _plural(word) and not roles(word):
            return _singular(word)
        end, seen = m.end(), seen + 1
    return ""


def _plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ous"))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1]


_CLAUSE = re.compile(
    r"[.;,!?，。；！？、\n]|\band\b|\bwhile\b|\bbut\b|和|另有|并有|及", re.IGNORECASE
)


def _role(text: str, slots: Sequence[Slot], i: int) -> str:
    """What happened to those counted by ``slots[i]``: said after it in its clause, or before."""
    slot = slots[i]
    right = slots[i + 1].start if i + 1 < len(slots) else len(text)
    left = slots[i - 1].end if i else 0
    stop = _CLAUSE.search(text, slot.end, min(right, slot.end + 70))
    after = roles(text, slot.end, stop.start() if stop else min(right, slot.end + 70))
    low = max(left, slot.start - 60)
    breaks = [m.end() for m in _CLAUSE.finditer(text, low, slot.start)]
    before = roles(text, breaks[-1] if breaks else low, slot.start)
    # "killed 12 people injured earlier" is rare; "12 killed" and "killing 12" are not.
    if after and (not before or after[0][0] - slot.end <= slot.start - before[-1][1] + 25):
        return after[0][2]
    return before[-1][2] if before else ""


def _counted(text: str, slots: Sequence[Slot]) -> list[Slot]:
    """Bare counts get their noun, role or label as unit; ages their own."""
    out = []
    for i, slot in enumerate(slots):
        if slot.unit or isinstance(slot.value, str):
            out.append(slot)
            continue
        unit = ""
        label = _LABEL_BEFORE.search(text, max(0, slot.start - 16), slot.start)
        if _AGE_BEFORE.search(text, max(0, slot.start - 8), slot.start):
            unit = "age"
        else:
            noun = _noun(text, slot.end, slot.value)
            role = _role(text, slots, i) if noun in ("", *_PEOPLE) else ""
            unit = f"{noun} {role}".strip()
            named = _NAME_BEFORE.search(text, max(0, slot.start - 30), slot.start)
            if not unit and named and named["w"].lower() not in _LABELS and slot.value < 100:
                continue  # "Despicable Me 2": the number is part of a name
            word = (label["w"] or "no").lower() if label else ""
            if word in _ALWAYS_LABELS or (not noun and word in _LABELS):
                unit = f"{word}#"
        out.append(number(text, slot.start, slot.end, slot.value, unit))
    for i in range(len(out) - 2, -1, -1):
        first, second = out[i], out[i + 1]
        if first.unit or second.unit in BASE_UNITS:
            continue
        if _RANGE.fullmatch(text, first.end, second.start):
            out[i] = number(text, first.start, first.end, float(first.value), second.unit)
    return out


_PEOPLE = frozenset(
    "person child woman man student soldier firefighter volunteer worker officer passenger "
    "civilian migrant patient tourist protester employee journalist teacher doctor nurse "
    "fisherman miner member casualty household hostage".split()
)
_PERSONS = _PEOPLE | frozenset(
    "visitor guest fan spectator refugee victim teenager adult parent mother father boy girl baby "
    "infant kid pilgrim cop guard monk priest nun voter reader follower user subscriber athlete "
    "runner player driver rider cyclist pedestrian shopper customer diner evacuee survivor witness "
    "suspect gunman attacker terrorist militant rebel inmate prisoner judge lawyer expert "
    "scientist pilot sailor climber hiker skier swimmer diver traveller traveler foreigner "
    "national citizen local commuter participant demonstrator marcher applicant candidate graduate "
    "consumer tenant neighbour neighbor rescuer paramedic engineer farmer builder fighter person "
    "supporter delegate senator deputy minister member immigrant asylum-seeker donor recipient "
    "enthusiast artist musician singer dancer actor director founder owner investor trader".split()
)


def are_people(*nouns: str) -> bool:
    """Whether all of these counted nouns (singular) are people: "7 workers" are 7 people, "7 kilns"
    are not."""
    return all(noun in _PERSONS for noun in nouns)


CURRENCIES = frozenset(CURRENCY_SIGNS.values()) | {unit for unit, _ in CURRENCY_WORDS.values()}
BASE_UNITS = frozenset(base for base, _ in UNITS.values()) | CURRENCIES | {"ordinal", "score"}


def counts_something(text: str, end: int) -> bool:
    """Whether a unit or a counted noun follows right at ``end``."""
    unit = _UNIT.match(text, end)
    if unit and (unit["cjk"] or "") != "年":
        return True
    # "In 1971 Asylum Records": a name after a year is not what it counts.
    if text[end:].lstrip()[:1].isupper():
        return False
    if _IN_BEFORE_YEAR.search(text, max(0, end - 12), end) and _SUBJECT_AFTER.match(text, end):
        return False
    return bool(_noun(text, end, 2.0))


# "in 2011 people died": what follows the year is the subject of its own sentence.
_IN_BEFORE_YEAR = re.compile(r"\b(?:in|since|during|by|until|from) (?:19|20)\d\d$", re.IGNORECASE)
_SUBJECT_AFTER = re.compile(
    r",? (?:[a-z'’-]+ ){1,3}?(?:(?:was|were|is|are|had|has|have|did|died?|fell|rose|lost|won|went"
    r"|came|began|left|took|made|saw|said|got|grew|fled|sank|broke|struck|hit|built|became"
    r"|will|would|could|can|must|\w{2,}ed)\b)"
)

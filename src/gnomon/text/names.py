"""Names in a text, by their shape: no model, so they are candidates to compare, not entities."""

from __future__ import annotations

import re

from gnomon.types import Slot, SlotKind

_CAP = r"(?:[A-Z][\w'’&-]*[\w]|[A-Z]\.?|[A-Z]{2,})"
_LINK = r"(?:of|de|von|van|der|den|la|le|du|bin|al|el|y|&|the)"
_RUN = re.compile(rf"(?<![\w@#'’]){_CAP}(?:[ \u00a0](?:{_LINK} ){{0,2}}{_CAP})*")
_HANDLE = re.compile(r"(?<![\w@])@([\w.-]*\w)")
_TITLE = re.compile(r"[《〈]([^》〉\n]{1,40})[》〉]")
_CJK_PLACE = re.compile(
    r"[一-龥]{2,6}?(?:市|县|區|区|镇|鎮|乡|村|省|州|路|街|大桥|桥|河|江|湖|山|岛|站|学校|中学|小学|大学|医院|公司"
    r"|集团|银行|局|部|委|厅|法院|检察院|公安局|电视台|报社|日报|新闻社|新华社|港|机场|公园|广场)"
)
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘"
    "杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_TITLES = (
    "市长|镇长|县长|省长|村长|校长|院长|局长|部长|主席|总统|总理|书记|主任|经理|董事长|总裁|教授|博士|医生|老师|先生"
    "|女士|警官|记者|教练|队长|发言人|议员|律师"
)
_CJK_PERSON = re.compile(
    rf"(?<![一-龥])(?P<a>[{_SURNAMES}][一-龥]{{1,2}})(?=(?:{_TITLES})?(?:说|表示|称|指出|认为|介绍|告诉|透露|宣布|强调|否认|回应|在|于|是|为|被|因|将|已|和|与|，|、|（))"
    rf"|(?:{_TITLES})(?P<b>[{_SURNAMES}][一-龥]{{1,2}}?)(?=说|表示|称|指出|认为|介绍|告诉|透露|宣布|强调|否认|回应|在|于|是|为|被|因|将|已|和|与|，|。|、|（|$)"
    rf"|(?P<c>[{_SURNAMES}](?:{_TITLES}))"
)
# Words that begin sentences with a capital and are no names.
_COMMON = frozenset(
    "a about above according after again against all almost already also although always am among "
    "an and another any anyone are around as at authorities back be because been before being "
    "below "
    "between both breaking but by call can click come could day days despite did do does doing "
    "done "
    "down during each early either else even ever every everyone experts few find first follow for "
    "four from full get give go going good got great had has have he hello her here hers hey "
    "hi him "
    "his hope how however i i'd i'll i'm i've if in into is it it's its just keep last late later "
    "latest let let's life like live local look looks made make many may maybe me meanwhile "
    "men might "
    "more most much must my near never new next nice no nobody none nor not nothing now of off "
    "official officials oh ok okay old on once one only or other our out over own part people "
    "please "
    "police quote read really residents right said same say says see seems several she should show "
    "since so some someone something sorry source sources still stop such sure take thank "
    "thanks that "
    "that's the their them then there these they they're thing things think this those though "
    "three "
    "through time to today together tomorrow tonight too top true try two under until up update "
    "updated us use very via video wait want was watch way we we're we've welcome well were what "
    "what's when where whether which while who why will with within without witnesses women won't "
    "wonder would wow yeah year years yes yesterday yet you you're your rt fyi lol omg wtf "
    "imho btw "
    "monday tuesday wednesday thursday friday saturday sunday january february march april "
    "june july "
    "august september october november december jan feb mar apr jun jul aug sep sept oct nov dec "
    "mr mrs ms dr prof am pm est gmt utc cet pst edt bst ceo cfo "
    "zero five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds "
    "thousand thousands million millions billion billions trillion dozen dozens half".split()
)
_OPENING = re.compile(r"(?:^|[.!?…:;。！？\n]\s*|[\"“‘'(\[—–-]\s*)$")
_WORDS = re.compile(r"[^\W\d_][\w'’-]*")


def find(text: str) -> list[Slot]:
    """NAME slots in order: capitalised runs, acronyms, handles, 《titles》, Chinese persons and
    places by their endings. ``value`` is the case-folded name (a handle with its ``@``).

    A word that merely begins its sentence counts only if it is no common word and does not also
    stand in the text in small letters; text in capitals throughout has no names to be seen.
    """
    found: list[Slot] = []
    _add_patterns(text, found)
    letters = [c for c in text if c.isalpha() and c.lower() != c.upper()]
    shouting = len(letters) > 12 and sum(c.isupper() for c in letters) > 0.7 * len(letters)
    if not shouting:
        _add_runs(text, found)
    found.sort(key=lambda slot: slot.start)
    return found


def _place(found: list[Slot], text: str, start: int, end: int) -> None:
    if start < end and not any(start < s.end and s.start < end for s in found):
        value = re.sub(r"\s+", " ", text[start:end]).casefold().replace("’", "'")
        value = value.removesuffix("'s")
        found.append(Slot(SlotKind.NAME, text[start:end], start, end, value))


def _add_patterns(text: str, found: list[Slot]) -> None:
    for m in _HANDLE.finditer(text):
        _place(found, text, *m.span())
    for m in _TITLE.finditer(text):
        _place(found, text, *m.span(1))
    for m in _CJK_PERSON.finditer(text):
        _place(found, text, *m.span(m.lastgroup or 0))
    for m in _CJK_PLACE.finditer(text):
        _place(found, text, *m.span())


def _add_runs(text: str, found: list[Slot]) -> None:
    small = {w.casefold() for w in _WORDS.findall(text) if w[0].islower()}
    for m in _RUN.finditer(text):
        start, end = m.span()
        words = list(_WORDS.finditer(text, start, end))
        opening = bool(_OPENING.search(text, 0, start))
        while words and _is_common(words[0].group(), opening, small, len(words)):
            words.pop(0)
            opening = False
        while words and _is_common(words[-1].group(), False, small, 1):
            words.pop()
        if words and (len(words) > 1 or len(words[0].group()) > 1):
            _place(found, text, words[0].start(), words[-1].end())


def _is_common(word: str, opening: bool, small: set[str], length: int) -> bool:
    folded = word.casefold().replace("’", "'").removesuffix("'s")
    if word.isupper() and 2 <= len(word) <= 6 and folded not in _COMMON - {"us", "who", "it"}:
        return False
    if folded in _COMMON:
        return True
    return (opening or length == 1) and folded in small

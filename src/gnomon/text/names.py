"""Names in a text, by their shape: no model, so they are candidates to compare, not entities."""

from __future__ import annotations

import re

from gnomon.types import Slot, SlotKind

# Letters and digits of scripts that have capitals: in Chinese text a name in Latin letters begins
# and ends where Chinese does ("苹果Vision Pro在中国").
_L = "0-9A-Z_a-zªµºÀ-\u1fff"
_CAP = rf"(?:[A-Z][{_L}'’&-]*[{_L}]|[A-Z]\.?|[A-Z]{{2,}})"
_LINK = r"(?:of|de|von|van|der|den|la|le|du|bin|al|el|y|&|the)"
# What may not stand before a run is asked behind its first letter, so that the engine looks for a
# set of letters, which it does many times faster than for a condition.
_RUN = re.compile(
    rf"[A-Z](?<![{_L}@#'’][A-Z])(?:[{_L}'’&-]*[{_L}]|\.?)(?:[ \u00a0](?:{_LINK} ){{0,2}}{_CAP})*"
)
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
# Words in capitals throughout that may be names although their small twins never are.
_COMMON_CAPITALS = _COMMON - {"us", "who", "it"}
_OPENERS = frozenset(".!?…:;。！？\"“‘'([—–-")
_WORDS = re.compile(rf"[A-Za-zªµºÀ-\u1fff][{_L}'’-]*")
_SPACE = re.compile(r"\s+")
_HAN = re.compile("[一-龥]")
_CASELESS = re.compile("[\u3000-\u9fff\uac00-\ud7af]+")
_CAPITALS = bytes(range(ord("A"), ord("Z") + 1))
_SMALLS = bytes(range(ord("a"), ord("z") + 1))
_Span = tuple[int, int, str]


def find(text: str) -> list[Slot]:
    """NAME slots in order: capitalised runs, acronyms, handles, 《titles》, Chinese persons and
    places by their endings. ``value`` is the case-folded name (a handle with its ``@``).

    A word that merely begins its sentence counts only if it is no common word and does not also
    stand in the text in small letters; text in capitals throughout has no names to be seen.
    """
    spans = _spans(text)
    return [Slot(SlotKind.NAME, text[start:end], start, end, value) for start, end, value in spans]


def values(text: str) -> list[str]:
    """The values of :func:`find` alone."""
    return [value for _, _, value in _spans(text)]


def _spans(text: str) -> list[_Span]:
    found: list[_Span] = []
    _add_patterns(text, found)
    if not _shouts(text):
        _add_runs(text, found)
    found.sort()
    return found


def _shouts(text: str) -> bool:
    """Whether most of more than a few letters are capitals."""
    rest = text if text.isascii() else _CASELESS.sub("", text)
    plain = rest.encode("ascii", "ignore")
    capitals = len(plain) - len(plain.translate(None, _CAPITALS))
    cased = capitals + len(plain) - len(plain.translate(None, _SMALLS))
    foreign = len(rest) - len(plain)
    if foreign and 3 * (capitals + foreign) >= 7 * (cased - capitals):  # they might decide it
        letters = [c for c in rest if c.isalpha() and c.lower() != c.upper()]
        cased, capitals = len(letters), sum(map(str.isupper, letters))
    return cased > 12 and capitals > 0.7 * cased


def _place(found: list[_Span], text: str, start: int, end: int) -> None:
    if start < end and not any(start < s[1] and s[0] < end for s in found):
        value = _SPACE.sub(" ", text[start:end]).casefold().replace("’", "'")
        found.append((start, end, value.removesuffix("'s")))


def _add_patterns(text: str, found: list[_Span]) -> None:
    if "@" in text:
        for m in _HANDLE.finditer(text):
            _place(found, text, *m.span())
    if text.isascii():
        return
    for m in _TITLE.finditer(text):
        _place(found, text, *m.span(1))
    if _HAN.search(text):
        for m in _CJK_PERSON.finditer(text):
            _place(found, text, *m.span(m.lastgroup or 0))
        for m in _CJK_PLACE.finditer(text):
            _place(found, text, *m.span())


def _add_runs(text: str, found: list[_Span]) -> None:
    small = _SmallWords(text)
    for m in _RUN.finditer(text):
        words = list(_WORDS.finditer(text, *m.span()))
        first, past = 0, len(words)
        opening = _opens(text, m.start())
        while first < past and _is_common(words[first][0], opening or past - first == 1, small):
            first += 1
            opening = False
        while first < past and _is_common(words[past - 1][0], True, small):
            past -= 1
        if past - first > 1 or (past > first and len(words[first][0]) > 1):
            _place(found, text, words[first].start(), words[past - 1].end())


def _opens(text: str, start: int) -> bool:
    """Whether a sentence, or what is quoted, begins at ``start``."""
    i = start - 1
    while i >= 0 and text[i].isspace():
        if text[i] == "\n":
            return True
        i -= 1
    return text[i] in _OPENERS if i >= 0 else start == 0


class _SmallWords:
    """The words of a text that stand in it with a small first letter, looked for when asked."""

    __slots__ = ("_all", "_folded", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._folded = ""
        self._all: set[str] | None = None

    def hold(self, word: str, folded: str) -> bool:
        """Whether ``word`` of the text, ``folded``, is one of them."""
        if self._all is None:
            self._folded = self._folded or self._text.casefold()
            # What stands there once, and with a capital, does not stand there small as well.
            once = self._folded.count(folded) < 2 and "’" not in self._folded
            if once and not word[0].islower():
                return False
            found = _WORDS.findall(self._text)
            self._all = {word.casefold() for word in found if word[0].islower()}
        return folded in self._all


def _is_common(word: str, alone: bool, small: _SmallWords) -> bool:
    folded = word.casefold().replace("’", "'").removesuffix("'s")
    if word.isupper() and 2 <= len(word) <= 6 and folded not in _COMMON_CAPITALS:
        return False
    return folded in _COMMON or (alone and small.hold(word, folded))

"""Chinese statements and their edits: numbers, dates, negation, hedges, denials, opposites.

Only what characters tell without a parser: one verb of a known list in a short sentence. Windows
and claims form squares as in English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from random import Random

from gnomon.lab.verifier.edit_values import NEITHER, REFUTES, SUPPORTS, Case, other_value, square
from gnomon.lab.verifier.pairs import Pair
from gnomon.text.sentences import split

SHORTEST, LONGEST, LONGEST_CLAIM = 12, 120, 60
PER_TEXT = 6

_PLAIN = re.compile(r"^[\u3400-\u9fff\w，、（）()《》〈〉「」『』“”·．.%％—–\- ：]+。$")
_LEANS = re.compile(
    r"^(?:他|她|它|其|此|这|這|该|該|那|两者|后者|後者|前者|同年|同时|同時|当时|當時|之后|之後|但|而|并|並|"
    r"因此|所以|不过|不過|然而|此外|另外|随后|隨後|后来|後來|由于|由於|如果|若|虽然|雖然|例如|如|以下|本|我|[，、]|\d+、)"
)
_BRACKETS = re.compile(r"[（(][^（）()]{0,60}[）)]")
_NEGATED = re.compile(
    r"不|没|沒|未|无|無|非|否|别|莫|仅|僅|只|可能|或许|或|将|將|计划|計劃|拟|据|據|称|稱|认为|認為|如果|是否"
)
_DIGITS = re.compile(
    r"(?<![\d.,第年月〇零一二三四五六七八九十])(?P<n>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?P<s>[万萬亿億]?)"
    r"(?P<u>人|名|位|座|个|個|家|所|间|間|米|公里|千米|平方公里|公顷|公頃|公斤|吨|噸|元|美元|次|场|場|"
    r"岁|歲|部|架|艘|辆|輛|集|层|層|条|條|种|種|%|％|天|小时|小時|分钟|分鐘|票|册|冊|首|支|队|隊)"
)
_INEXACT = re.compile(r"(?:约|約|近|超过|超過|至少|最多|大约|大約|逾|达|达到|第|多达|至|到|-|—|–)$")
_YEAR = re.compile(r"(?<![\d至到])(?P<y>1[5-9]\d\d|20[0-2]\d)年(?![代度前后後至到－–—-])")
_MONTH_DAY = re.compile(r"(?P<m>1[0-2]|[1-9])月(?P<d>[12]\d|3[01]|[1-9])日")
# The verb and how it is denied and planned; "" where it is no plan.
_TABLE = """
位于 并不位于
位於 並不位於
属于 不属于
屬於 不屬於
毕业于 并非毕业于
畢業於 並非畢業於
出生于 并非出生于
出生於 並非出生於
成立于 并非成立于
成立於 並非成立於
获得 没有获得 希望获得
獲得 沒有獲得 希望獲得
加入 没有加入 计划加入
参加 没有参加 打算参加
參加 沒有參加 打算參加
担任 没有担任 有望担任
擔任 沒有擔任 有望擔任
出版 没有出版 计划出版
收购 没有收购 拟收购
包括 不包括
当选 没有当选 有望当选
當選 沒有當選 有望當選
击败 没有击败 希望击败
擊敗 沒有擊敗 希望擊敗
打破 没有打破 希望打破
"""
_VERBS = {
    row[0]: (row[1], row[2] if len(row) > 2 else "")
    for row in (line.split() for line in _TABLE.strip().splitlines())
}
# What stands before a verb that may be denied: a short subject, no other verb, perhaps a date.
_SUBJECT = re.compile(
    r"^(?:\d{4}年(?:\d{1,2}月)?(?:\d{1,2}日)?，?)?[^，、的任往表定為为出改到部看提有被由將将在於于同起會会]{2,10}"
    r"(?:[于於]\d{4}年(?:\d{1,2}月)?(?:\d{1,2}日)?)?$"
)
_IS = re.compile(r"(?<![不但就还還于於总總也都只若而或可算亦乃即便要])是(?![否次非以因])")
_OPPOSED = """
上升/下降 增加/减少 增加/減少 上涨/下跌 上漲/下跌 提高/降低 北部/南部
东部/西部 東部/西部 最大/最小 最高/最低 最长/最短 最早/最晚 支持/反对
支持/反對 开放/关闭 成功/失败 成功/失敗 东南/西北 東南/西北 东北/西南
東北/西南 以北/以南 以东/以西 以東/以西 上游/下游 获胜/落败 通过/否决
合法/非法 之前/之后 之前/之後 扩大/缩小 擴大/縮小 左侧/右侧 左側/右側
""".split()
_SIMPLE = str.maketrans("東減漲擴縮側對開閉敗過後", "东减涨扩缩侧对开闭败过后")
_HEDGES = """
据传，{p}。
网传{p}，尚未得到证实。
有未经证实的消息称，{p}。
目前尚不清楚{p}的说法是否属实。
或许{p}。
有网友猜测{p}。
{p}吗？
不少人希望{p}。
如果{p}，情况就会不同。
有人怀疑{p}。
小说里写道，{p}。
一名网民声称{p}。
对于{p}的传闻，官方没有回应。
听说{p}？
""".split()
_FALSE = """
“{p}”的说法不属实。
经查，{p}是谣言。
所谓“{p}”纯属虚构。
官方辟谣：{p}的消息不实。
此前有报道误称{p}。
{p}？这是假消息。
""".split()
_TRUE = """
官方证实，{p}。
记录显示，{p}。
警方通报，{p}。
可以确认的是，{p}。
据官方统计，{p}。
法院查明，{p}。
""".split()
_SPEAKERS = "一名居民 该公司 一位专家 反对派 他的律师 俱乐部 一名记者 工会 市长 一位网友".split()


def numeral(value: int) -> str:
    """A whole number below 10**12 in Chinese characters (一百二十万)."""
    digits = "零一二三四五六七八九"

    def section(n: int) -> str:
        out, gap = "", False
        for size, place in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            d = n // size % 10
            if d:
                out += ("零" if gap and out else "") + digits[d] + place
                gap = False
            else:
                gap = True
        return out

    parts = [(value // 10**8, "亿"), (value // 10**4 % 10**4, "万"), (value % 10**4, "")]
    out = ""
    for n, name in parts:
        if n:
            out += ("零" if out and n < 1000 else "") + section(n) + name
    return re.sub(r"^一十", "十", out) or "零"


def _counts(text: str) -> list[re.Match[str]]:
    return [
        m
        for m in _DIGITS.finditer(text)
        if not _INEXACT.search(text[: m.start()])
        and not re.fullmatch(r"1[5-9]\d\d|20\d\d", m["n"])
    ]  # fmt: skip


def _shown(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))


def number(window: str, claim: str, rng: Random) -> list[Case]:
    """A count changed refutes; written in characters, in 万 or in digits it is the same."""
    found = [m for m in _counts(claim) if window.count(m.group()) == 1 == claim.count(m.group())]
    if not found:
        return []
    m = rng.choice(found)
    old = float(m["n"].replace(",", ""))
    new = other_value(old, rng)
    scale = {"": 1, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}[m["s"]]

    def written(value: float, form: int) -> str:
        whole = round(value * scale)
        if form == 1 and whole < 10**10 and len(str(whole).rstrip("0")) <= 4:
            return numeral(whole) + m["u"]
        if form == 2 and scale > 1 and whole < 10**9:
            return f"{whole:,}{m['u']}"
        return _shown(value) + m["s"] + m["u"]

    form = 0 if m["u"] in ("%", "％") or old < 3 else rng.choice((0, 1, 2))
    w2 = window.replace(m.group(), written(new, 0))
    c1 = claim.replace(m.group(), written(old, form))
    c2 = claim.replace(m.group(), written(new, form))
    return square(window, w2, c1, c2, REFUTES) if w2 != window and c1 != c2 else []


def date(window: str, claim: str, rng: Random) -> list[Case]:
    """The only year, or the only day, moved: refutes."""
    years = _YEAR.findall(claim)
    days = [m.group() for m in _MONTH_DAY.finditer(claim)]
    if len(days) == 1 and window.count(days[0]) == 1 and rng.random() < 0.6:
        month, day = re.findall(r"\d+", days[0])
        new = (
            f"{month}月{int(day) % 28 + 1}日"
            if rng.random() < 0.6
            else f"{int(month) % 12 + 1}月{day}日"
        )
        old = days[0]
    elif len(years) == 1 and window.count(f"{years[0]}年") == 1:
        old = f"{years[0]}年"
        new = f"{int(years[0]) + rng.choice((-10, -3, -2, -1, 1, 2, 3))}年"
    else:
        return []
    if new in window:
        return []
    return square(window, window.replace(old, new), claim, claim.replace(old, new), REFUTES)


def _denied(claim: str, rng: Random) -> str | None:
    if claim.count("，") > 1 or _NEGATED.search(claim):
        return None
    verb = _own_verb(claim)
    if verb:
        return claim.replace(verb, _VERBS[verb][0]).replace("了", "", 1)
    copulas = list(_IS.finditer(claim))
    if len(copulas) == 1 and _SUBJECT.match(claim[: copulas[0].start()]):
        at = copulas[0].start()
        return f"{claim[:at]}{rng.choice(('不是', '并非', '并不是'))}{claim[at + 1 :]}"
    return None


def _own_verb(claim: str) -> str:
    """The listed verb of a claim where it is the only one and its subject is plain, or ""."""
    found = [verb for verb in _VERBS if verb in claim]
    if len(found) != 1 or claim.count(found[0]) != 1:
        return ""
    at = claim.index(found[0])
    plain = _SUBJECT.match(claim[:at]) and not re.match(
        "者|的|后|後|之", claim[at + len(found[0]) :]
    )
    return found[0] if plain else ""


def negation(window: str, claim: str, rng: Random) -> list[Case]:
    """The claim denied by its verb, and the denial as a window."""
    denied = _denied(claim, rng)
    return square(window, denied, claim, denied, REFUTES) if denied else []


def frames(window: str, claim: str, rng: Random) -> list[Case]:
    """Hedged or asked: neither; called false: refutes; confirmed: supports; denied by somebody:
    neither toward what is denied."""
    p = claim.rstrip("。")
    hedged, false, true = (rng.choice(t).format(p=p) for t in (_HEDGES, _FALSE, _TRUE))
    untrue = f"{p}的说法不属实。"
    who, other = rng.sample(_SPEAKERS, 2)
    return [
        (hedged, claim, NEITHER), (hedged, untrue, NEITHER), (false, claim, REFUTES),
        (false, untrue, SUPPORTS), (true, claim, SUPPORTS), (true, untrue, REFUTES),
        (window, untrue, REFUTES), (window, f"{p}，这是有可能的。", SUPPORTS),
        (f"{who}否认{p}。", claim, NEITHER), (f"{who}表示，{p}。", f"{who}说{p}。", SUPPORTS),
        (f"{who}否认{p}。", f"{who}说{p}。", REFUTES),
        (f"{who}表示，{p}。", f"{other}说{p}。", NEITHER),
    ]  # fmt: skip


def plan(window: str, claim: str, rng: Random) -> list[Case]:
    """What is planned or hoped for has not happened: neither."""
    verb = _own_verb(claim)
    if not verb or not _VERBS[verb][1] or _NEGATED.search(claim) or "，" in claim:
        return []
    planned = claim.replace(verb, _VERBS[verb][1]).replace("了", "", 1)
    denied = claim.replace(verb, _VERBS[verb][0]).replace("了", "", 1)
    return [
        (planned, claim, NEITHER), (planned, denied, NEITHER), (window, claim, SUPPORTS),
        (window, denied, REFUTES), (denied, claim, REFUTES), (denied, denied, SUPPORTS),
    ]  # fmt: skip


def opposite(window: str, claim: str, rng: Random) -> list[Case]:
    """A word that stands once in both changed to its opposite: refutes."""
    options = []
    simple = window.translate(_SIMPLE)
    for row in _OPPOSED:
        for old, new in (row.split("/"), row.split("/")[::-1]):
            if claim.count(old) == 1 == window.count(old) and new.translate(_SIMPLE) not in simple:
                options.append((old, new))
    if not options:
        return []
    old, new = rng.choice(options)
    return square(window, window.replace(old, new), claim, claim.replace(old, new), REFUTES)


_LEADING = re.compile(r"^(?:1[5-9]|20)\d\d年(?:\d{1,2}月(?:\d{1,2}日)?)?，(?=.{8,})")


def detail(window: str, claim: str, rng: Random) -> list[Case]:
    """Without its leading date a claim follows; the date does not follow from what lacks it."""
    m = _LEADING.match(claim)
    if m is None or _LEANS.match(claim[m.end() :]):
        return []
    shorter = claim[m.end() :]
    return [
        (window, claim, SUPPORTS), (window, shorter, SUPPORTS), (shorter, claim, NEITHER),
        (shorter, shorter, SUPPORTS),
    ]  # fmt: skip


FAMILIES: dict[str, Callable[[str, str, Random], list[Case]]] = {
    "zh_number": number, "zh_date": date, "zh_negation": negation, "zh_frames": frames,
    "zh_plan": plan, "zh_opposite": opposite, "zh_detail": detail,
}  # fmt: skip
SHARE = {"zh_frames": 0.3}


def chinese(texts: Iterable[str], *, seed: int) -> Iterator[Pair]:
    """Pairs from bare Chinese text: a sentence, at times with its neighbour, and claims on it.

    One group a text; deterministic for a seed and the order of ``texts``.
    """
    for n, text in enumerate(texts):
        rng = Random(f"{seed}:chinese:{n}")
        bases = [base for line in text.split("\n") for base in _bases(line, rng)]
        rng.shuffle(bases)
        for window, claim in bases[:PER_TEXT]:
            yield Pair(window, claim, SUPPORTS, "text:zh", f"zh:{n}")
            for name, family in FAMILIES.items():
                if rng.random() >= SHARE.get(name, 1.0):
                    continue
                for w, c, label in dict.fromkeys(family(window, claim, rng)):
                    yield Pair(w, c, label, f"edit:{name}", f"zh:{n}")


def _bases(line: str, rng: Random) -> Iterator[tuple[str, str]]:
    sentences = [line[a:b] for a, b in split(line)]
    for i, sentence in enumerate(sentences):
        claim = _BRACKETS.sub("", sentence)
        if not (SHORTEST <= len(claim) <= LONGEST_CLAIM and len(sentence) <= LONGEST):
            continue
        if _LEANS.match(claim) or not _PLAIN.match(sentence) or "（" in claim or "(" in claim:
            continue
        before = sentences[i - 1] if i else ""
        near = rng.random() < 0.25 and 0 < len(before) <= LONGEST and before.endswith("。")
        yield (before + sentence if near else sentence), claim

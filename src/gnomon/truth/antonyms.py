"""Words that exclude each other when said of the same thing.

A small, hand-kept table for the first verifier; WordNet's antonyms were too many and too loose
(they oppose "man" and "woman").
"""

from __future__ import annotations

import re

from gnomon.text.tokens import normalise
from gnomon.truth.terms import stem, term_set

_PAIRS_EN = """
open/close reopen/close open/shut rise/fall increase/decrease increase/drop rise/drop rise/decline
grow/shrink gain/lose win/lose approve/reject accept/reject pass/fail confirm/deny support/oppose
safe/unsafe safe/dangerous safe/contaminated clean/contaminated clean/polluted legal/illegal
guilty/innocent alive/die survive/die survive/kill arrest/release start/end begin/end start/stop
begin/stop begin/finish arrive/depart include/exclude allow/ban allow/forbid
permit/ban legal/ban true/false real/fake real/hoax more/fewer
higher/lower north/south east/west public/private free/paid
postpone/advance cancel/confirm hire/dismiss
build/demolish buy/sell strengthen/weaken succeed/fail effective/ineffective possible/impossible
complete/incomplete married/divorced cure/cause
prevent/cause protect/harm improve/worsen expand/reduce raise/cut
increase/reduce extend/shorten
""".split()
_PAIRS_ZH = """
开放/关闭 重开/关闭 上升/下降 增加/减少 上涨/下跌 提高/降低 赢/输 胜/负 获胜/落败 通过/否决
批准/否决 同意/反对 支持/反对 安全/危险 安全/不安全 合法/非法 有罪/无罪 生还/死亡 开始/结束
属实/不实 真的/假的 允许/禁止 提前/推迟 提前/延误 取消/如期 保留/拆除 恢复/中断 恢复/停止
达标/超标 符合/超标 合格/超标 未超/超标 正常/停止 免费/收费 扩大/缩小 新增/取消 录用/解雇
有效/无效 取消/照常 取消/照旧 停运/照常 停工/照常 停课/照常 关闭/照常 停产/复产 停工/复工 停课/复课
""".split()

# What several words say together: "is still on", "will go ahead" against "cancelled".
_CALLED_OFF = re.compile(r"\b(?:cancel\w*|call(?:ed|s|ing)? off|scrap(?:s|ped|ping)|axed)\b", re.I)
_GOES_ON = re.compile(
    r"\b(?:(?:is|are|was|were|it['’]s|be) still on(?=\s*(?:[.,!?;:)]|$|for\b|despite\b))"
    r"|(?:go|goes|going|went|must) (?:ahead|on)(?!\s+(?:a|the|to)\b)"
    r"|proceed(?:s|ing)?|as (?:planned|scheduled)|not be(?:en)? cancell?ed)\b",
    re.I,
)

_OPPOSITES: dict[str, set[str]] = {}
for _pair in _PAIRS_EN:
    _a, _b = (stem(word) for word in _pair.split("/"))
    _OPPOSITES.setdefault(_a, set()).add(_b)
    _OPPOSITES.setdefault(_b, set()).add(_a)


def opposed(claim: str, sentence: str) -> tuple[str, str] | None:
    """A word of ``claim`` and its opposite in ``sentence`` that does not also hold the word."""
    ours, theirs = term_set(claim), term_set(sentence)
    for word in sorted(ours & _OPPOSITES.keys()):
        against = sorted(_OPPOSITES[word] & theirs)
        if against and word not in theirs and not (_OPPOSITES[word] & ours):
            return word, against[0]
    for one, contrary in ((_CALLED_OFF, _GOES_ON), (_GOES_ON, _CALLED_OFF)):
        said, denied = one.search(claim), contrary.search(sentence)
        if said and denied and not one.search(sentence) and not contrary.search(claim):
            return said.group(), denied.group()
    a, b = normalise(claim), normalise(sentence)
    for pair in _PAIRS_ZH:
        left, right = pair.split("/")
        for word, other in ((left, right), (right, left)):
            if word in a and other in b and word not in b and other not in a:
                return word, other
    return None

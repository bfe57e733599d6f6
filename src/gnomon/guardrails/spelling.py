"""The readings of a prompt: as written, and with the tricks undone that hide a word from a filter.

Zero-width and combining marks, look-alikes of other alphabets (Unicode TR 39,
https://www.unicode.org/reports/tr39/), digits and signs for letters ("n@k3d"), letters apart
("n u d e", "n.u.d.e"), stretched ("nuuude"), Chinese with something between its characters
("裸*体"), traditional characters, and Chinese words in pinyin ("luoti").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

# Cyrillic and Greek letters that look like Latin ones (a part of TR 39's confusables).
_LOOKALIKES = str.maketrans(
    dict(
        (pair[0], pair[1])
        for pair in (
            "аa еe оo рp сc хx уy іi јj ѕs ԁd һh кk мm тt вb нh гr ԛq ԝw ɡg αa εe οo ρp ιi υu νv "
            "κk τt χx"
        ).split()
    )
)
_LEET = str.maketrans({"@": "a", "4": "a", "3": "e", "1": "i", "!": "i", "|": "i", "0": "o",
                       "$": "s", "5": "s", "7": "t", "+": "t", "8": "b", "9": "g", "€": "e"})  # fmt: skip
_LEET_WORD = re.compile(
    r"(?<![\w@$+!|])(?=[\w@$+!|]*[a-z])(?=[\w@$+!|]*[@$+!|0-9€])[a-z0-9@$+!|€]{3,24}"
)
_MEANT = re.compile(
    r"\d+(?:k|d|p|px|mm|cm|m|s|st|nd|rd|th|x\d+|year|yo|yrs?|am|pm|gb|mb|bit|fps|%)?$|[a-z]\d+$"
)
_APART = re.compile(
    r"(?<![a-z0-9@$])((?:[a-z0-9@$]([ .*_\-/·|]))(?:[a-z0-9@$]\2)+[a-z0-9@$])(?![a-z0-9@$])"
)
_GAP = re.compile(r"(?<=[a-z])[.*_|·-]? [.*_|·-](?=[a-z])")
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}])[\s.*_\-/·|~^+]{{1,3}}(?=[{_HAN}])")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_LATIN_RUN = re.compile(r"[a-z]+(?:[ '][a-z]+)*")
# What the rules' own words need, as pairs.
_TRADITIONAL = str.maketrans(
    dict(
        (pair[0], pair[1])
        for pair in (
            "體体 個个 兒儿 國国 圖图 畫画 說说 這这 們们 來来 時时 會会 對对 發发 現现 後后 處处 給给 過过 "
            "還还 進进 開开 關关 門门 問问 間间 見见 車车 東东 電电 話话 語语 讀读 書书 學学 習习 寫写 錢钱 銀银 "
            "頭头 臉脸 髮发 屍尸 殺杀 傷伤 殘残 斷断 頸颈 臟脏 腦脑 滅灭 絕绝 種种 獨独 納纳 猶犹 難难 黃黄 "
            "隊队 戰战 爭争 槍枪 彈弹 藥药 煙烟 販贩 偽伪 護护 證证 駕驾 執执 歷历 憑凭 據据 簽签 鈔钞 幣币 "
            "聞闻 報报 紙纸 頁页 亂乱 慾欲 內内 褲裤 強强 姦奸 調调 戲戏 誘诱 騷骚 蕩荡 溝沟 陰阴 莖茎 裡里 "
            "裏里 蘿萝 歲岁 嬰婴 齡龄 豬猪 驅驱 趕赶 羅罗 興兴 亞亚 鮮鲜 顱颅 濺溅 漿浆 腸肠 綁绑 縛缚 褻亵 "
            "賄贿 賂赂 貪贪 長长 總总 統统 馬马 龍龙 雙双 愛爱 濕湿 無无 碼码 熱热 槓杠 奪夺 機机 審审 當当 "
            "與与 賣卖 買买 號号 標标 記记 繩绳 勒勒 斬斩 剝剥 燒烧 炸炸 撐撑 嘔呕 癮瘾 醜丑 賤贱 豔艳 艷艳"
        ).split()
    )
)


def plain(text: str) -> str:
    """NFKC, lower case, without marks that are not seen, one space for many."""
    return _tidy(_bare(text))


def _bare(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).lower()
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cf", "Mn", "Cc"))
    return "".join(kept).translate(_TRADITIONAL)


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def readings(text: str, pinyin: Mapping[str, str]) -> list[str]:
    """The ways to read ``text``, the plain one first, each once. ``pinyin`` maps syllables written
    as one word to what they stand for."""
    bare = _latin(_bare(text))
    first, second = plain(text), _BETWEEN_HAN.sub("", _tidy(bare))
    found = [first, second]
    # Letters apart have wider gaps between words, so this comes before spaces are made one.
    joined = _APART.sub(lambda m: m[1].replace(m[2], ""), bare)
    if joined != bare:
        joined = _BETWEEN_HAN.sub("", _tidy(_GAP.sub(" ", joined)))
        # "a n u d e" is an article and a word.
        found += [joined, re.sub(r"\ba(?=[a-z]{3,})", "a ", joined)]
    for reading in list(found[1:]):
        for one in ("i", "l"):
            found.append(_unleet(reading, one))
        found.append(_STRETCHED.sub(r"\1", reading))
        found.append(_STRETCHED.sub(r"\1\1", reading))
    found += [_spoken(reading, pinyin) for reading in (second, _tidy(joined))]
    return list(dict.fromkeys(found))


def _latin(text: str) -> str:
    """Look-alikes as Latin letters, in words that have Latin letters too or stand among them."""
    if text.isascii():
        return text
    latin = sum("a" <= c <= "z" for c in text)
    foreign = sum("\u0370" <= c <= "\u052f" for c in text)
    return text.translate(_LOOKALIKES) if latin >= foreign else text


def _unleet(text: str, one: str) -> str:
    def undo(found: re.Match[str]) -> str:
        word = found[0]
        if _MEANT.match(word):
            return word
        return word.replace("1", one).translate(_LEET)

    return _LEET_WORD.sub(undo, text)


def _spoken(text: str, pinyin: Mapping[str, str]) -> str:
    """Pinyin words as Chinese, their syllables together or apart."""

    def undo(found: re.Match[str]) -> str:
        words = re.split(r"[ ']", found[0])
        out: list[str] = []
        at = 0
        while at < len(words):
            for end in range(min(len(words), at + 5), at, -1):
                if said := pinyin.get("".join(words[at:end])):
                    out.append(said)
                    at = end
                    break
            else:
                out.append(words[at])
                at += 1
        return " ".join(out)

    spoken = _LATIN_RUN.sub(undo, text)
    return re.sub(rf"(?<=[{_HAN}]) | (?=[{_HAN}])", "", spoken) if spoken != text else text

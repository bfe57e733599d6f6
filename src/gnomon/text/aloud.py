"""Text as it is read aloud: what is written for the eye becomes words.

    aloud("In 2026, 5.1% of @nasa's posts said #HelloWorld: https://example.org/x", "en")
    'In twenty twenty-six, five point one percent of at nasa's posts said hashtag Hello World: ...'

Numbers, dates, money and units are the languages' own (``aloud_en``, ``aloud_zh``); addresses,
names, hashtags, emoji and marks of markup are here. Other languages are left to their voice.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from gnomon.text import aloud_en, aloud_zh
from gnomon.types.said import MARKER

_KANA = re.compile(r"[\u3040-\u30ff]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")

_LINK = re.compile(r"!?\[([^\]\n]{1,300})\]\((?:[^()\s]|\([^()\s]*\)){1,2000}\)")
_CITED = re.compile(rf"\s?\[\[?\d{{1,3}}\]?\](?:\([^()\s]*\))?|\s?{MARKER.pattern}")
_MARKS = re.compile(r"(?m)^\s{0,3}(?:#{1,6}\s+|>\s?|[-*+•]\s+|\d{1,3}[.)]\s+(?=\D))|[*_`~]{2,3}|`")
_EMPHASIS = re.compile(r"(?<![\w*])[*_]([^\s*_](?:[^*_\n]{0,200}[^\s*_])?)[*_](?![\w*])")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'，。、；！？）】》]+", re.IGNORECASE)
_MAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_HANDLE = re.compile(r"(?<![\w@.])[@＠](\w{1,50})(?:@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8}))?")
_HASHTAG = re.compile(r"(?<![\w&])[#＃](?=[^\W\d_]|\w*[^\W\d_])(\w{1,80})[#＃]?")
_EMOJI = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3"
    "|[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
    "(?:[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff\u2640\u2642\u2695\u2696\u2708]"
    "|[\U0001f300-\U0001faff](?=\u200d)|(?<=\u200d).)*)"
)
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f\u200d\u2640\u2642\u20e3]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|_+")
_STRAY = re.compile(r"[#*|\\^{}<>=~_]+")
_SPACES = re.compile(r"[^\S\n]+")
_ENDS = re.compile(r"\s+([,.;:!?，。；：！？])")

# The words of this module by language; others hear the English ones.
_WORDS = {
    "en": {"dot": " dot ", "at": "at ", "mail": " at ", "tag": "hashtag ", "of": " at "},
    "zh": {"dot": "点", "at": "艾特", "mail": "艾特", "tag": "话题", "of": "在"},
}
_SHORT = {"\u2764": "heart", "\U0001f602": "tears of joy", "\U0001f923": "rolling on the floor "
          "laughing", "\U0001f62d": "crying loudly", "\U0001f64f": "folded hands", "\U0001f525":
          "fire", "\U0001f44d": "thumbs up", "\U0001f389": "party popper", "\U0001f914": "thinking "
          "face", "\u2728": "sparkles", "\u2705": "check mark", "\u274c": "cross mark"}  # fmt: skip
_CHINESE = {"\u2764": "爱心", "\U0001f602": "笑哭", "\U0001f923": "笑得打滚", "\U0001f62d": "大哭",
            "\U0001f64f": "双手合十", "\U0001f525": "火", "\U0001f44d": "点赞",
            "\U0001f389": "庆祝", "\U0001f914": "思考", "\u2728": "闪亮", "\u2705": "对勾",
            "\u274c": "叉", "\U0001f600": "笑脸", "\U0001f60a": "微笑", "\U0001f60d": "爱慕",
            "\U0001f622": "流泪",
            "\U0001f621": "生气", "\U0001f44f": "鼓掌", "\U0001f4aa": "加油", "\U0001f680": "火箭",
            "\U0001f30d": "地球", "\U0001f4c8": "上涨", "\U0001f4c9": "下跌", "\u26a0": "警告",
            "\U0001f6a8": "警报"}  # fmt: skip


def language(text: str) -> str:
    """``zh`` or ``ja`` where its characters say so, else ``""``: a voice is chosen by it. Chinese
    with many foreign names is Chinese."""
    letters = len(_LETTER.findall(text))
    if not letters:
        return ""
    if _KANA.search(text):
        return "ja"
    # A word of Latin letters counts for as many Han characters as it has syllables, about.
    han = len(_HAN.findall(text))
    return "zh" if han and han >= 0.15 * letters else ""


def aloud(text: str, lang: str) -> str:
    """``text`` in words for a voice that speaks ``lang`` ("en", "zh"; others get no numbers
    spelled). Never raises; "" where there is nothing to say."""
    words = _WORDS.get(lang, _WORDS["en"])
    said = unicodedata.normalize("NFC", text).replace("\u00a0", " ")
    said = _CITED.sub("", _LINK.sub(r"\1", said))
    said = _EMPHASIS.sub(r"\1", _MARKS.sub("", _TAG.sub(" ", said)))
    said = _URL.sub(lambda m: _address(m[0], words, lang), said)
    said = _MAIL.sub(lambda m: f"{m[1]}{words['mail']}{_dotted(m[2], words)}", said)
    said = _HANDLE.sub(lambda m: _handle(m, words), said)
    said = _HASHTAG.sub(lambda m: f"{words['tag']}{_parted(m[1])}", said)
    said = _emoji(said, lang)
    said = unicodedata.normalize("NFKC", said) if lang == "en" else said
    if lang == "en":
        said = aloud_en.spoken(said)
    elif lang == "zh":
        said = aloud_zh.spoken(said)
    said = _STRAY.sub(" ", said)
    said = "".join(c for c in said if c in "\n\t " or unicodedata.category(c)[0] not in "CS")
    said = _SPACES.sub(" ", _ENDS.sub(r"\1", said)).strip()
    return said if any(c.isalnum() for c in said) else ""


def _address(url: str, words: dict[str, str], lang: str) -> str:
    """An address by its host alone: nobody writes down a path that is read aloud."""
    end = url[len(url.rstrip(".,;:!?)]")) :]
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        host = ""
    host = host.removeprefix("www.")
    if lang == "zh":
        return f"网址{_dotted(host, words)}{end}"
    return f"{_dotted(host, words)}{end}"


def _dotted(host: str, words: dict[str, str]) -> str:
    return host.rstrip(".").replace(".", words["dot"])


def _handle(found: re.Match[str], words: dict[str, str]) -> str:
    said = f"{words['at']}{_parted(found[1])}"
    return f"{said}{words['of']}{_dotted(found[2], words)}" if found[2] else said


def _parted(name: str) -> str:
    """``ClimateAction_now2`` as the words that it is made of."""
    return " ".join(_CAMEL.sub(" ", name).split())


def _emoji(text: str, lang: str) -> str:
    before = ""

    def named(found: re.Match[str]) -> str:
        nonlocal before
        name = _name(found[0], lang)
        same = name == before and text[: found.start()].rstrip().endswith(tuple(_last(text, found)))
        before = name
        if not name or same:
            return " "
        return f"，{name}，" if lang == "zh" else f", {name}, "

    said = _EMOJI.sub(named, text)
    if said == text:
        return text
    said = re.sub(r"(?:\s*[,，]){2,}\s*", "，" if lang == "zh" else ", ", said)
    said = re.sub(r"[,，]\s*(?=[.!?。！？\n]|$)", "", said)
    return re.sub(r"(?m)(^|[.!?。！？,，])\s*[,，]\s*", r"\1 ", said).strip(" ,，")


def _last(text: str, found: re.Match[str]) -> str:
    """What stood before this emoji, if that was one, too."""
    before = text[: found.start()].rstrip()
    return before[-1:] if _EMOJI.match(before[-1:]) or before[-1:] in "\ufe0f\u200d" else "\0"


def _name(emoji: str, lang: str) -> str:
    plain = _SKIN.sub("", emoji)[:1]
    if lang == "zh":
        return _CHINESE.get(plain, "")
    if plain in _SHORT:
        return _SHORT[plain]
    if "\U0001f1e6" <= plain <= "\U0001f1ff":
        return "flag of " + " ".join(chr(ord(c) - 0x1F1E6 + ord("A")) for c in emoji[:2])
    if emoji[:1] in "0123456789#*":
        return emoji[:1]
    try:
        name = unicodedata.name(plain).lower()
    except (TypeError, ValueError):
        return ""
    return name if not name.startswith(("variation", "zero width", "box drawings")) else ""

"""Chinese numbers, dates, times, money and units as they are read aloud."""

from __future__ import annotations

import re
from collections.abc import Callable

_DIGITS = "零一二三四五六七八九"
_TENS = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿", "亿亿")
_MONEY = {"$": "美元", "US$": "美元", "€": "欧元", "£": "英镑", "¥": "元", "￥": "元", "₩": "韩元",
          "₹": "卢比", "₽": "卢布", "HK$": "港元", "NT$": "新台币"}  # fmt: skip
_UNITS = {
    "km/h": "公里每小时", "m/s": "米每秒", "km²": "平方公里", "m²": "平方米", "㎡": "平方米",
    "m³": "立方米", "km": "公里", "cm": "厘米", "mm": "毫米", "nm": "纳米", "kg": "公斤",
    "mg": "毫克", "g": "克", "t": "吨", "m": "米", "°C": "摄氏度", "℃": "摄氏度",
    "°F": "华氏度", "°": "度", "kWh": "千瓦时", "MW": "兆瓦", "GW": "吉瓦",
    "kW": "千瓦", "W": "瓦", "V": "伏", "Hz": "赫兹",
    "GHz": "吉赫兹", "MHz": "兆赫兹", "KB": "千字节", "MB": "兆字节", "GB": "吉字节",
    "TB": "太字节", "ml": "毫升", "mL": "毫升", "L": "升", "dB": "分贝",
    "mph": "英里每小时", "ms": "毫秒", "hPa": "百帕",
}  # fmt: skip
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
# Words of measure before which two is liǎng.
_MEASURES = (
    "[个只条张本位名天岁次件家种辆台场块层倍座支枚匹架艘间所部篇项句起周点杯瓶箱盒套双对头棵首幅届万千亿秒]"
    "|小时|分钟|年(?!级|代)|人(?!次)"
)


def cardinal(value: int) -> str:
    """``10203`` as 一万零二百零三."""
    if value < 0:
        return "负" + cardinal(-value)
    if value == 0:
        return "零"
    said, at, gap = "", 0, False
    groups: list[int] = []
    while value:
        value, rest = divmod(value, 10_000)
        groups.append(rest)
    if len(groups) > len(_GROUPS):
        return ""
    for at in range(len(groups) - 1, -1, -1):
        group = groups[at]
        if group == 0:
            gap = bool(said)
            continue
        if said and (gap or group < 1000):
            said += "零"
        gap = False
        said += _group(group) + _GROUPS[at]
    return said.removeprefix("一") if said.startswith("一十") else said


def _group(value: int) -> str:
    said, gap = "", False
    for at in range(3, -1, -1):
        digit = value // 10**at % 10
        if digit == 0:
            gap = bool(said)
            continue
        if gap and said:
            said += "零"
        gap = False
        said += _DIGITS[digit] + _TENS[at]
    return said


def digits(text: str) -> str:
    """Each digit by itself."""
    return "".join(_DIGITS[int(c)] for c in text if c.isdecimal())


def number(text: str) -> str:
    """``1,204.50`` as 一千二百零四点五零."""
    whole, _, part = text.replace(",", "").partition(".")
    said = (cardinal(int(whole)) if len(whole) <= 16 else "") or digits(whole)
    return f"{said}点{digits(part)}" if part else said


def spoken(text: str) -> str:
    """``text`` with what is written in figures and signs in words."""
    text = text.translate(_NARROW)
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return text


_NARROW = {ord("０") + i: str(i) for i in range(10)} | {
    ord("％"): "%",
    ord("－"): "-",
    ord("．"): ".",
}


def _date(m: re.Match[str]) -> str:
    month, day = int(m[2]), int(m[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return m[0]
    return f"{digits(m[1])}年{cardinal(month)}月{cardinal(day)}日"


def _time(m: re.Match[str]) -> str:
    hour, minute = int(m[1]), int(m[2])
    if hour > 24 or minute > 59:
        return m[0]
    said = ("两" if hour == 2 else cardinal(hour)) + "点"
    if minute:
        said += ("零" if minute < 10 else "") + cardinal(minute) + "分"
    else:
        said += "整" if not m[3] else ""
    return said + (f"{cardinal(int(m[3]))}秒" if m[3] else "")


def _money(m: re.Match[str]) -> str:
    return f"{number(m[2])}{m[3] or ''}{_MONEY[m[1]]}"


def _plain(text: str) -> str:
    if text.isdecimal() and (len(text) > 8 or (text.startswith("0") and len(text) > 1)):
        return digits(text)
    return number(text)


_R = tuple[str, Callable[[re.Match[str]], str] | str]
_WRITTEN: tuple[_R, ...] = (
    (r"(?<![\d.])(1\d{3}|20\d{2})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", _date),
    (r"(?<!\d)(\d{4})年?\s?(?:~|～|-|–|—|至|到)\s?(?=\d{4}\s?年)", lambda m: f"{digits(m[1])}到"),
    (r"(\d{4})(?=\s?年(?![前后来间]))", lambda m: digits(m[1])),
    (r"(?<![\d.第])(\d{3,4})(?=\s?(?:号?(?:房间|病房|客房)|号房|室(?!内)))",
     lambda m: digits(m[1])),
    (r"(?<!\d)(\d{2})(?=年代)", lambda m: cardinal(int(m[1]))),
    (r"(?<![\d:：])(\d{1,2})[:：](\d{2})(?:[:：](\d{2}))?(?![\d:：])", _time),
    (rf"(HK\$|NT\$|US\$|[$€£¥￥₩₹₽])\s?({_NUMBER})\s?([万亿]+)?", _money),
    (rf"(?<![\dA-Za-z.])({_NUMBER})\s?%?\s?(?:~|～|-|–|—|至)\s?({_NUMBER})\s?%",
     lambda m: f"百分之{number(m[1])}到百分之{number(m[2])}"),
    (rf"({_NUMBER})\s?%", lambda m: f"百分之{number(m[1])}"),
    (rf"({_NUMBER})\s?‰", lambda m: f"千分之{number(m[1])}"),
    (r"(?<![\d/.])(\d{1,3})/(\d{1,3})(?![\d/])",
     lambda m: f"{cardinal(int(m[2]))}分之{cardinal(int(m[1]))}" if int(m[2]) else m[0]),
    (r"(?<![\w+])(?:\+?86[- ]?)?(1[3-9]\d{9})(?!\d)", lambda m: digits(m[1])),
    (r"(?<![\w.])(0\d{2,3})-(\d{7,8})(?!\d)", lambda m: f"{digits(m[1])}，{digits(m[2])}"),
    (rf"(?<![\dA-Za-z.])({_NUMBER})\s?(?:~|～|-|–|—)\s?(?={_NUMBER})",
     lambda m: f"{_plain(m[1])}到"),
    (r"(?<![\d:：])(\d{1,3})\s?[:：]\s?(?=\d{1,3}(?![\d:：]))", lambda m: f"{_plain(m[1])}比"),
    (r"(?:(?<=[\s，。、；（(零下到为是至温])|^)[-−](?=\d)", "负"),
    (rf"({_NUMBER})\s?({_UNIT})(?![A-Za-z])", lambda m: number(m[1]) + _UNITS[m[2]]),
    (r"(?<![\d.])(\d+)\.(\d+)\.(\d+)(?![\d.])",
     lambda m: "点".join(cardinal(int(p)) for p in m.groups())),
    (rf"(?<![\d.第初十月])2(?=(?:{_MEASURES}))", "两"),
    (rf"({_NUMBER})", lambda m: _plain(m[1])),
    (r"\s?&\s?", "和"),
    (r"(?<=\S)\s?\+\s?(?=\S)", "加"),
    (r"\s?=\s?", "等于"),
    (r"\s?[×✕]\s?", "乘"),
    (r"[~≈～](?=\S)", "约"),
    (r"[《》〈〉「」『』【】“”‘’]", ""),
    (r"(?<=[\u4e00-\u9fff])·(?=[\u4e00-\u9fff])", ""),
)  # fmt: skip
_RULES = [(re.compile(pattern), said) for pattern, said in _WRITTEN]

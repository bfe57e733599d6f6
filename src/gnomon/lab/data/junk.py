"""Texts that are no language, made of good ones: what the quality classifier learns to tell."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Sequence

Maker = Callable[[random.Random, Sequence[str]], str]


def shuffled(rng: random.Random, good: Sequence[str]) -> str:
    """Words of a text in any order; characters, where it has no spaces."""
    text = rng.choice(good)
    parts = text.split() if " " in text else list(text)
    rng.shuffle(parts)
    return (" " if " " in text else "").join(parts)


def keywords(rng: random.Random, good: Sequence[str]) -> str:
    """A list of words from several texts, as search spam has it."""
    joint = rng.choice([", ", " ", " | ", ";", ","])
    return joint.join(rng.choice(_words(rng.choice(good))) for _ in range(rng.randint(8, 40)))


def menu(rng: random.Random, good: Sequence[str]) -> str:
    """Short labels under each other, as a page's navigation leaves them."""
    joint = rng.choice(["\n", " | ", "\n• ", " » ", "\t", " · "])
    fixed = ("Home", "About us", "Contact", "Log in", "Sign up", "Privacy policy", "Terms of use",
             "Share", "Print", "Next", "Previous", "Search", "Cookies", "Subscribe", "RSS", "Help",
             "首页", "关于我们", "联系我们", "登录", "注册", "下一页", "上一页", "更多", "分享",
             "收藏", "返回顶部", "版权所有", "免责声明", "网站地图")  # fmt: skip
    labels = []
    for _ in range(rng.randint(6, 25)):
        own = " ".join(_words(rng.choice(good))[: rng.randint(1, 3)]).title()
        labels.append(rng.choice(fixed) if rng.random() < 0.45 else own)
    return joint.join(labels)


def mojibake(rng: random.Random, good: Sequence[str]) -> str:
    """UTF-8 read as something else (or the other way round)."""
    text = rng.choice(good)
    if text.isascii():
        other = "éüñçßœ“”’—日本中文的是在"
        text = "".join(rng.choice(other) if rng.random() < 0.15 else c for c in text)
    codec = rng.choice(["latin-1", "cp1252", "gbk", "cp1251", "big5"])
    return text.encode("utf-8", "replace").decode(codec, "replace")


def mash(rng: random.Random, good: Sequence[str]) -> str:
    """Keyboard mash: letters of a row or of all."""
    rows = rng.choice(["asdfghjkl", "qwertyuiop", "zxcvbnm", string.ascii_lowercase])
    sizes = [rng.randint(2, 14) for _ in range(rng.randint(5, 30))]
    return " ".join("".join(rng.choice(rows) for _ in range(size)) for size in sizes)


def noise(rng: random.Random, good: Sequence[str]) -> str:
    """A text with a quarter of its characters replaced, moved or left out."""
    alphabet = string.ascii_letters + string.digits + string.punctuation + " "
    kept = []
    for c in rng.choice(good):
        draw = rng.random()
        if draw >= 0.25:
            kept.append(c)
        elif draw < 0.15:
            kept.append(rng.choice(alphabet))
    return "".join(kept)


def log(rng: random.Random, good: Sequence[str]) -> str:
    """Lines of a log or of a trace, hexadecimal and base64."""
    lines = []
    for _ in range(rng.randint(2, 12)):
        word = rng.choice(_words(rng.choice(good))).lower()
        digits = "".join(rng.choice("0123456789abcdef") for _ in range(rng.randint(6, 40)))
        lines.append(rng.choice([
            f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} {rng.randint(0, 23):02}:"
            f"{rng.randint(0, 59):02}:11,{rng.randint(0, 999)} {rng.choice(['INFO', 'WARN'])} "
            f"[{word}-{rng.randint(1, 99)}] com.{word}.{word.title()}Service - {digits}",
            f'    at {word}.{word.title()}.run({word.title()}.java:{rng.randint(1, 900)})',
            f"0x{digits} {digits[:8]} {digits[3:11]} |..{word[:6]}..|",
            base64.b64encode(digits.encode()).decode(),
            f'192.0.2.{rng.randint(1, 250)} - - "GET /{word}/{digits[:6]}.{word[:3]}?id={digits} '
            f'HTTP/1.1" 200 {rng.randint(100, 99999)} "-" "Mozilla/5.0"',
        ]))  # fmt: skip
    return "\n".join(lines)


def markup(rng: random.Random, good: Sequence[str]) -> str:
    """Pieces of HTML, CSS, JavaScript, tables and query strings."""

    def word() -> str:
        return rng.choice(_words(rng.choice(good))).lower()

    lines = []
    for _ in range(rng.randint(2, 10)):
        lines.append(rng.choice([
            f'<div class="{word()}-{word()}"><a href="/{word()}/{word()}">{word()}</a></div>',
            f".{word()} {{ margin: 0 {rng.randint(0, 40)}px; display: inline-block; }}",
            f'var {word()}=function(e,t){{return e.{word()}("{word()}")||t.{word()}}};',
            f"{{{{{word()}|{word()}={rng.randint(0, 99)}|{word()}=}}}}",
            f'! colspan="{rng.randint(2, 9)}" style="color:#{rng.randint(0, 999999):06}" | || ||',
            f"?utm_source={word()}&utm_medium={word()}&id={rng.randint(1, 99999)}&{word()}=1",
            f'"{word()}":{{"{word()}":{rng.randint(0, 9999)},"{word()}":null}},',
        ]))  # fmt: skip
    return rng.choice(["\n", ""]).join(lines)


def advert(rng: random.Random, good: Sequence[str]) -> str:
    """The same two or three words in every form in which they might be searched for."""
    thing = " ".join(_words(rng.choice(good))[: rng.randint(1, 2)]).lower()
    forms = ("buy {}", "cheap {}", "{} online", "best {}", "{} price", "{} for sale", "{} 2026",
             "{} review", "free {}", "{} near me", "{} discount", "order {} now", "{} download",
             "{}价格", "{}批发", "{}多少钱", "{}厂家", "最新{}", "{}下载", "{}官网")  # fmt: skip
    chosen = [rng.choice(forms).format(thing) for _ in range(rng.randint(5, 16))]
    return rng.choice([" ", ", ", " | ", "\n"]).join(chosen)


def symbols(rng: random.Random, good: Sequence[str]) -> str:
    """Rules, boxes, numbers and stars, with a word now and then."""
    pool = ["***", "-----", "=====", "|", "+--+", "►►", "★☆", "0.00", "12/31", "99%", "::", "//",
            "█▓▒░", "[x]", "(c)", "§", "…", "1,234", "$9.99", "→", "√", "№"]  # fmt: skip
    parts = [rng.choice(pool) for _ in range(rng.randint(10, 50))]
    parts += _words(rng.choice(good))[: rng.randint(0, 4)]
    rng.shuffle(parts)
    return " ".join(parts)


MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (shuffled, keywords, menu, mojibake, mash, noise, log, markup, advert, symbols)
}


def _words(text: str) -> list[str]:
    """Its words; of a text without spaces, pairs of characters. Never empty."""
    found = text.split()
    if len(found) < 3 and len(text) > 6:
        found = [text[i : i + 2] for i in range(0, len(text) - 1, 2)]
    return found or ["word"]

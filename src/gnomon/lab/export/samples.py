"""Texts that tokenizers may disagree about, made from a seed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from random import Random

from gnomon.lab.tokenizer.specials import SPECIALS

UNICODE_16 = (
    *((0x1C89, 0x1C8A), (0xA7CB, 0xA7CD), (0xA7DA, 0xA7DC), (0x105C0, 0x105F3)),
    *((0x10D40, 0x10D65), (0x10D6F, 0x10D85), (0x10EC2, 0x10EC4), (0x11380, 0x113D3)),
    *((0x116D0, 0x116E3), (0x11BC0, 0x11BF9), (0x13460, 0x143FA), (0x16100, 0x16139)),
    *((0x16D40, 0x16D79), (0x18CFF, 0x18CFF), (0x1CCF0, 0x1CCF9), (0x1E5D0, 0x1E5FA)),
)
"""Letters and digits that Unicode 16 added (https://www.unicode.org/versions/Unicode16.0.0/):
``tokenizers`` knows them, llama.cpp's tables do not yet, so the two split there differently."""
LONG_S = "\u017f"
"""``(?i:'s)`` of Qwen's pattern takes it for an s after an apostrophe; llama.cpp does not."""

_WORDS = (
    "the of a model that people said today we're it's they'll won't I'd can't news about 2026 3.14 "
    "1,000 e-mail https://example.org/a?b=c#d @someone #tag naïve café Zürich (quoted) “so” – — …"
).split()
_CHINESE = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学"
)
_EMOJI = (
    "😀",
    "👍🏽",
    "👩‍👩‍👧‍👦",
    "🇺🇳",
    "❤️",
    "🏳️‍🌈",
    "1️⃣",
    "🧑🏿‍💻",
    "☺",
    "⌚",
    "🦄",
    "\u200d",
    "\ufe0f",
)
_SPACES = (
    " \t\n\r\v\f\x1c\x85\xa0\u1680\u2000\u2003\u2028\u2029\u202f\u205f\u3000\u200b\ufeff\u180e"
)
_RIGHT_TO_LEFT = "שלוםעולםمرحبابالعالم،؟\u05b0\u05b4\u064b\u064e\u0651\u200f\u202b\u202c٠١٢٣"


def texts(count: int, seed: int = 0) -> list[str]:
    """``count`` texts of every kind below, in turn."""
    rng = Random(seed)
    return [_KINDS[number % len(_KINDS)](rng) for number in range(count)]


def _english(rng: Random) -> str:
    return rng.choice(("", " ", "\n")) + " ".join(rng.choices(_WORDS, k=rng.randint(1, 12)))


def _chinese(rng: Random) -> str:
    words = "".join(rng.choices(_CHINESE + "，。！？《》「」123", k=rng.randint(1, 24)))
    return words + rng.choice(("", " ok", "２０２６年", "𠮷野家"))


def _emoji(rng: Random) -> str:
    return "".join(
        rng.choice(_EMOJI) + rng.choice(("", " ", "a")) for _ in range(rng.randint(1, 8))
    )


def _broken(rng: Random) -> str:
    """Bytes that are no UTF-8 (lone surrogates, cut and overlong characters), read as gnomon reads
    strangers' bytes: each fault becomes U+FFFD."""
    pieces = (
        *(b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xc0\xaf", b"\xf0\x9f\x98", b"\xff\xfe", b"\x80"),
        *(b"ok", b" ", "é".encode(), rng.randbytes(3)),
    )
    return b"".join(rng.choices(pieces, k=rng.randint(1, 8))).decode("utf-8", "replace")


def _controls(rng: Random) -> str:
    marks = [chr(code) for code in (*range(32), 0x7F, *range(0x80, 0xA0))]
    return "".join(rng.choices([*marks, "a", " ", "1", "。"], k=rng.randint(1, 12)))


def _combining(rng: Random) -> str:
    marks = [chr(code) for code in (*range(0x300, 0x340), 0x20DD, 0x3099, 0x0E31, 0x0E49, 0x094D)]
    letters = "aeoAEOnเกनわ́"
    return "".join(
        rng.choice(letters) + "".join(rng.choices(marks, k=rng.randint(0, 4)))
        for _ in range(rng.randint(1, 6))
    )


def _right_to_left(rng: Random) -> str:
    return "".join(rng.choices(_RIGHT_TO_LEFT + "  a1", k=rng.randint(1, 20)))


def _spaces(rng: Random) -> str:
    return "".join(rng.choices(_SPACES + "ab1.", k=rng.randint(1, 16)))


def _spelled(rng: Random) -> str:
    """Words that spell special tokens, whole and in part."""
    return "".join(rng.choices((*SPECIALS, "<|", "|>", "im_end", "'S", "'Re", "’s", " "), k=6))


def _anything(rng: Random) -> str:
    return "".join(rng.choices(_assigned(), k=rng.randint(1, 12)))


@lru_cache(maxsize=1)
def _assigned() -> str:
    """Every character that Unicode names, without those that ``UNICODE_16`` sets apart, long s,
    and surrogates; of the large blocks of ideographs a part."""
    apart = {code for first, last in UNICODE_16 for code in range(first, last + 1)}
    apart.add(ord(LONG_S))
    large = ((0x3400, 0x4DBF), (0x4E80, 0x9FFF), (0xAC20, 0xD7A3), (0x17000, 0x3FFFF), (0xE0200, 1))
    skipped = {code for first, last in large for code in range(first, last + 1)}
    return "".join(
        chr(code)
        for code in range(0xE01F0)
        if code not in apart
        and code not in skipped
        and unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")
    )


_KINDS: tuple[Callable[[Random], str], ...] = (
    *(_english, _chinese, _emoji, _broken, _controls),
    *(_combining, _right_to_left, _spaces, _spelled, _anything),
)

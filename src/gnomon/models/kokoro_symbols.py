"""The symbols that Kokoro-82M reads, and Mandarin's syllables in them.

The numbers are the model's own (``vocab`` of hexgrad/Kokoro-82M's config.json). Mandarin is in the
International Phonetic Alphabet (Lin 2007, *The Sounds of Chinese*; the same choice of symbols as
https://github.com/stefantaubert/pinyin-to-ipa), affricates as one letter, and the tone as an arrow
behind the vowel.
"""

from __future__ import annotations

import re

MOST_SYMBOLS = 510
"""Of one run; the model's context is 512 with the two ends."""

_FIRST = {1: ";:,.!?", 9: '—…"()“” ',
          17: "\u0303ʣʥʦʨᵝ\uab67AI", 31: "O", 33: "Q", 35: "ST", 39: "W",
          41: "Yᵊabcdef", 50: "hijklmnopqrstuvwxyzɑɐɒæ", 75: "βɔɕç", 80: "ɖðʤə", 85: "ɚɛɜ",
          90: "ɟ", 92: "ɡ", 99: "ɥ", 101: "ɨɪʝ", 110: "ɯɰŋɳɲɴø", 118: "ɸθœ", 123: "ɹ", 125: "ɾɻ",
          128: "ʁɽʂʃʈʧ", 135: "ʊʋ", 138: "ʌɣɤ", 142: "χʎ", 147: "ʒʔ", 156: "ˈˌː", 162: "ʰ",
          164: "ʲ", 169: "↓", 171: "→↗↘", 177: "ᵻ"}  # fmt: skip
SYMBOLS = {
    symbol: first + at for first, symbols in _FIRST.items() for at, symbol in enumerate(symbols)
}


def numbered(phonemes: str) -> list[int]:
    """The numbers of the symbols; what the model does not know is left out."""
    return [SYMBOLS[symbol] for symbol in phonemes if symbol in SYMBOLS]


_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_INITIALS = {
    "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k",
    "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "\uab67", "ch": "\uab67ʰ", "sh": "ʂ",
    "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s",
}  # fmt: skip
# The vowel, and what follows the tone.
_FINALS = {
    "a": ("a", ""), "o": ("ɔ", ""), "e": ("ɤ", ""), "ai": ("ai", ""), "ei": ("ei", ""),
    "ao": ("au", ""), "ou": ("ou", ""), "an": ("a", "n"), "en": ("ə", "n"), "ang": ("a", "ŋ"),
    "eng": ("ə", "ŋ"), "ong": ("ʊ", "ŋ"), "er": ("ɚ", ""), "i": ("i", ""), "ia": ("ja", ""),
    "ie": ("je", ""), "iao": ("jau", ""), "iou": ("jou", ""), "ian": ("jɛ", "n"), "in": ("i", "n"),
    "iang": ("ja", "ŋ"), "ing": ("i", "ŋ"), "iong": ("jʊ", "ŋ"), "io": ("jɔ", ""), "u": ("u", ""),
    "ua": ("wa", ""), "uo": ("wo", ""), "uai": ("wai", ""), "uei": ("wei", ""), "uan": ("wa", "n"),
    "uen": ("wə", "n"), "uang": ("wa", "ŋ"), "ueng": ("wə", "ŋ"), "v": ("y", ""), "ve": ("ɥe", ""),
    "van": ("ɥɛ", "n"), "vn": ("y", "n"), "ê": ("e", ""),
}  # fmt: skip
# What the spelling of Pinyin leaves out or writes otherwise.
_ALONE = {
    "yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iou", "yan": "ian", "yin": "in",
    "yang": "iang", "ying": "ing", "yong": "iong", "yo": "io", "wu": "u", "wa": "ua", "wo": "uo",
    "wai": "uai", "wei": "uei", "wan": "uan", "wen": "uen", "wang": "uang", "weng": "ueng",
    "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn",
}  # fmt: skip
_SHORTENED = {"iu": "iou", "ui": "uei", "un": "uen"}
_SYLLABLE = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs])?([a-zêv]+)([1-5])?")


def mandarin(syllable: str) -> str:
    """A syllable of Pinyin with its tone's number, as ``zhong1``, in the model's symbols; "" where
    it is none."""
    found = _SYLLABLE.fullmatch(syllable.lower().replace("ü", "v").replace("u:", "v"))
    if not found:
        return ""
    initial, final, tone = found[1] or "", found[2], _TONES[found[3] or "5"]
    if not initial:
        final = _ALONE.get(final, final)
    elif final.startswith("u") and initial in "jqx":
        final = "v" + final[1:]
    final = _SHORTENED.get(final, final)
    if initial and initial in "bpmf" and final == "o":
        final = "uo"
    if final == "i" and initial in ("z", "c", "s", "zh", "ch", "sh", "r"):
        return _INITIALS[initial] + "ɨ" + tone
    if final not in _FINALS:
        return ""
    vowel, end = _FINALS[final]
    return _INITIALS.get(initial, "") + vowel + tone + end

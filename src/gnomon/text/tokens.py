"""Our own tokens, one rule for indexing, queries, origins and trends alike.

Unicode words, case-folded and NFKC-normalised; runs of Chinese, Japanese or Korean characters as
unigrams and bigrams (search engines' default tokenisers keep such a run as one word, so that
nothing inside it is found). Engines receive the tokens joined by spaces and split on spaces only.
"""

from __future__ import annotations

import re
import unicodedata

# Han (with extensions A, B.. and compatibility), kana, Hangul syllables, bopomofo.
CJK = (
    "\u3005\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
# A word may hold inner apostrophes, and numbers inner separators: don't, 1,200.5, 3.14
_PIECE = re.compile(
    rf"[{CJK}]+"
    r"|\d+(?:[.,]\d+)*"
    rf"|[^\W\d_{CJK}](?:[^\W{CJK}]|['\u2019](?=[^\W\d_]))*"
)
# The same with each CJK character as a piece of its own.
_SINGLE_PIECE = re.compile(_PIECE.pattern.replace("]+|", "]|", 1))
# The same where there is no CJK, and where there is nothing but ASCII: in half the time.
_PLAIN_PIECE = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_](?:\w|['\u2019](?=[^\W\d_]))*")
_ASCII_PIECE = re.compile(r"\d+(?:[.,]\d+)*|[a-z](?:\w|'(?=[a-z]))*", re.ASCII)
_FIRST_CJK = "\u3005"


def normalise(text: str) -> str:
    """NFKC and case-folding: full-width forms, ligatures and capitals become one spelling."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold()


def tokens(text: str) -> list[str]:
    """The index terms of ``text``, in order.

    A run of CJK characters ``ABC`` gives ``A AB B BC C``; a lone one gives itself. Thousands
    separators are dropped from numbers (``1,200`` gives ``1200``). A hashtag of several words
    (``#LanternBridge``) gives itself and its words.
    """
    if "#" in text:
        text = _HASHTAG.sub(_with_parts, text)
    if text.isascii():
        return words(text)
    out: list[str] = []
    for piece in _pieces(normalise(text)):
        if piece[0] < _FIRST_CJK or not _CJK_RUN.match(piece):
            out.append(piece)
            continue
        last = len(piece) - 1
        for i, character in enumerate(piece):
            out.append(character)
            if i < last:
                out.append(piece[i : i + 2])
    return out


_HASHTAG = re.compile(r"#([A-Z][A-Za-z0-9]+)(?!\w)")
_HASHTAG_PART = re.compile(r"[A-Z][a-z]+|[A-Z]{2,}(?![a-z])|\d+")


def _with_parts(tag: re.Match[str]) -> str:
    parts = _HASHTAG_PART.findall(tag.group(1))
    whole = len(parts) > 1 and sum(map(len, parts)) == len(tag.group(1))
    return f"{tag.group()} {' '.join(parts)}" if whole else tag.group()


def words(text: str) -> list[str]:
    """Like :func:`tokens` but without the CJK bigrams: each CJK character is one word.

    The units in which shingles, lengths and overlaps are counted.
    """
    return _pieces(normalise(text), _SINGLE_PIECE)


def _pieces(text: str, with_cjk: re.Pattern[str] = _PIECE) -> list[str]:
    """Runs of CJK (as ``with_cjk`` cuts them), numbers and words of normalised text, each in its
    one spelling."""
    if text.isascii():
        pieces: list[str] = _ASCII_PIECE.findall(text)
    else:
        pieces = (with_cjk if _CJK_RUN.search(text) else _PLAIN_PIECE).findall(text)
    if "," in text:
        pieces = [piece.replace(",", "") for piece in pieces]
    if "\u2019" in text:
        pieces = [piece.replace("\u2019", "'") for piece in pieces]
    return pieces


def is_cjk(text: str) -> bool:
    """Whether most letters of ``text`` are Chinese, Japanese or Korean characters."""
    if text.isascii():
        return False
    cjk = sum(map(len, _CJK_RUN.findall(text)))
    return cjk > 0 and cjk * 2 >= sum(map(str.isalpha, text))


_CJK_RUN = re.compile(f"[{CJK}]+")

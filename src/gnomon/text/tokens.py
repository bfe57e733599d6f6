"""Our own tokens, one rule for indexing, queries, origins and trends alike.

Unicode words, case-folded and NFKC-normalised; runs of Chinese, Japanese or Korean characters as
unigrams and bigrams (search engines' default tokenisers keep such a run as one word, so that
nothing inside it is found). Engines receive the tokens joined by spaces and split on spaces only.
"""

from __future__ import annotations

import re
import unicodedata

# Han (with extensions A, B.. and compatibility), kana, Hangul syllables, bopomofo.
_CJK = (
    "\u3005\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
# A word may hold inner apostrophes, and numbers inner separators: don't, 1,200.5, 3.14
_WORD = re.compile(
    rf"(?P<cjk>[{_CJK}]+)"
    rf"|(?P<num>\d+(?:[.,]\d+)*)"
    rf"|(?P<word>(?:(?![{_CJK}])[^\W\d_])(?:(?![{_CJK}])\w|['\u2019](?=[^\W\d_]))*)"
)


def normalise(text: str) -> str:
    """NFKC and case-folding: full-width forms, ligatures and capitals become one spelling."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold()


def tokens(text: str) -> list[str]:
    """The index terms of ``text``, in order.

    A run of CJK characters ``ABC`` gives ``A AB B BC C``; a lone one gives itself. Thousands
    separators are dropped from numbers (``1,200`` gives ``1200``).
    """
    out: list[str] = []
    for match in _WORD.finditer(normalise(text)):
        piece = match.group()
        kind = match.lastgroup
        if kind == "word":
            out.append(piece.replace("\u2019", "'"))
        elif kind == "num":
            out.append(piece.replace(",", ""))
        else:
            last = len(piece) - 1
            for i, character in enumerate(piece):
                out.append(character)
                if i < last:
                    out.append(piece[i : i + 2])
    return out


def words(text: str) -> list[str]:
    """Like :func:`tokens` but without the CJK bigrams: each CJK character is one word.

    The units in which shingles, lengths and overlaps are counted.
    """
    out: list[str] = []
    for match in _WORD.finditer(normalise(text)):
        piece = match.group()
        kind = match.lastgroup
        if kind == "word":
            out.append(piece.replace("\u2019", "'"))
        elif kind == "num":
            out.append(piece.replace(",", ""))
        else:
            out.extend(piece)
    return out


def is_cjk(text: str) -> bool:
    """Whether most letters of ``text`` are Chinese, Japanese or Korean characters."""
    cjk = sum(len(run) for run in _CJK_RUN.findall(text))
    letters = sum(character.isalpha() for character in text)
    return letters > 0 and cjk * 2 >= letters


_CJK_RUN = re.compile(f"[{_CJK}]+")

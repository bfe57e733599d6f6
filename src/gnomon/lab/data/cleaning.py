"""A post's words as a document's: one spelling of characters, no markup, pieces that fit."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

MAX_CHARS = 16_000
"""The longest document: about two contexts of the largest model. Longer texts are cut in pieces
between paragraphs, lines, sentences or words, whichever is there."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-"
                      r"\u206f\ufeff\ufff9-\ufffb]")  # fmt: skip
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{2,6}|#x[0-9a-fA-F]{2,5});")
_BLANKS = re.compile(r"[ \t\u00a0]+(?=\n)|(?<=\S)[ \t\u00a0]{2,}(?=\S)")
_LINES = re.compile(r"\n{3,}")
_BREAKS = ("\n\n", "\n", "。", ". ", "! ", "? ", " ")


def clean(title: str, text: str) -> str:
    """Title and text as one document, in NFC (as Qwen's tokenizers want it), line ends as ``\\n``,
    without control and direction characters, entities that were left from HTML as characters.
    Emoji, their joiners and variation selectors stay."""
    text = _plain(text)
    title = _plain(title)
    if title and title not in text:
        text = f"{title}\n\n{text}" if text else title
    return text


def _plain(text: str) -> str:
    if not text:
        return ""
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found.group()), text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = _CONTROL.sub("", text)
    text = _BLANKS.sub(lambda found: "" if found.end() < len(text) and text[found.end()] == "\n"
                       else " ", text)  # fmt: skip
    return _LINES.sub("\n\n", text).strip()


def pieces(text: str, most: int = MAX_CHARS) -> Iterator[str]:
    """``text`` in pieces of at most ``most`` characters, none of them under a tenth of that unless
    the text itself is; joined they have every word of it."""
    start = 0
    while len(text) - start > most:
        # A rest that would be tiny is shared with the piece before it.
        want = most if len(text) - start > most * 11 // 10 else (len(text) - start) // 2
        end = _cut(text, start, start + want)
        yield text[start:end].strip()
        start = end
    if rest := text[start:].strip():
        yield rest


def _cut(text: str, start: int, stop: int) -> int:
    """Where to end a piece that may reach ``stop``: after the best break in its second half."""
    for mark in _BREAKS:
        found = text.rfind(mark, start + (stop - start) // 2, stop)
        if found > 0:
            return found + len(mark)
    return stop

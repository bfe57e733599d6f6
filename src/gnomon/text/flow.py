"""A document's words as they are read: paragraphs without the line breaks of its layout.

Text wrapped by hand, Markdown and the lines of a PDF break in the middle of sentences; a sentence
splitter that ends one at every line break would quote halves.
"""

from __future__ import annotations

import re

from gnomon.text import prose

_DROPPED = frozenset({"front matter", "comment", "reference"})
# A word parted at the end of a line, as typesetters do.
_PARTED = re.compile(r"(?<=[^\W\d_A-Z]{2})[-\u00ad]\n(?=[^\W\d_A-Z]{2})")
# Not what a Markdown link leads to: there the words stand for it.
_ADDRESS = re.compile(r"(?<!\]\()https?://[^\s<>\"'`|]*[^\s<>\"'`|.,;:!?)\]]")
_MARKS = re.compile(r"[`*]+")
# A line of a log or a conversation: a time, or who speaks, before what is said.
_SPOKEN = re.compile(
    r"[\[(<]?(?:\d{4}-\d\d-\d\d|\d{1,2}[:.]\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4})"
    r"|<[^<>\n]{1,30}>\s|@?[^\W\d_][\w.-]{0,24}(?: [^\W\d_][\w.-]{0,24})?[:：](?!//)\s*\S"
)
# Shares of a paragraph's lines. Of the lines of wrapped prose but the first, one in ten begins with
# a capital (in this project's docs); of verse nearly all do.
_VERSE, _LOG = 0.8, 0.6
_RULED = re.compile(r"[\s|:+-]*")


def flowed(text: str, *, markdown: bool = False, typeset: bool = False) -> str:
    """``text`` with each paragraph, item and heading on one line (or on several where the breaks
    are meant), parted by empty lines, its markup gone. Code stands as it is; a table's row is a
    line, its cells parted by ``|``. ``typeset``: words parted at line ends are joined."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if typeset:
        text = _PARTED.sub("", text)
    read = prose.read(text, markdown=markdown)
    plain = _with_addresses(read.plain, text)
    out = []
    for block in read.blocks:
        if block.kind in _DROPPED:
            continue
        if block.kind == "table":
            words = _rows(text[block.start : block.end])
        elif block.kind == "code":
            words = text[block.start : block.end].strip("\n")
        elif block.kind == "heading":
            words = prose.tidy(plain[block.start : block.end].strip().strip("#=-"))
        else:
            meant = not markdown and _meant(text[block.start : block.end])
            lines = (text if meant else plain)[block.start : block.end].split("\n")
            words = "\n".join(filter(None, map(prose.tidy, lines)))
        if words.strip():
            out.append(("\n" if block.kind == "item" else "\n\n", words))
    return "".join(gap + words for gap, words in out).strip("\n")


def _meant(paragraph: str) -> bool:
    """Whether the breaks of a paragraph of plain text are its author's: verse, a log, a
    conversation."""
    lines = [line.strip() for line in paragraph.split("\n") if line.strip()]
    if len(lines) < 2:
        return False
    if sum(bool(_SPOKEN.match(line)) for line in lines) >= _LOG * len(lines):
        return True
    later = lines[1:]
    return len(later) >= 2 and sum(line[0].isupper() for line in later) >= _VERSE * len(later)


def _with_addresses(plain: str, text: str) -> str:
    """``plain`` with the addresses that ``prose`` took out: nothing is checked here, and a
    document may be searched for one. Both have the same offsets."""
    pieces, at = [], 0
    for found in _ADDRESS.finditer(text):
        pieces += [plain[at : found.start()], found.group()]
        at = found.end()
    return "".join((*pieces, plain[at:]))


def _rows(table: str) -> str:
    rows = []
    for line in table.splitlines():
        if not _RULED.fullmatch(line):
            cells = [
                prose.tidy(_MARKS.sub("", cell)) for cell in line.strip().strip("|").split("|")
            ]
            rows.append(" | ".join(cells))
    return "\n".join(rows)

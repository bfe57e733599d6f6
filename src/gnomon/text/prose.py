"""Which parts of a plain or Markdown text are prose, and what stands there without the markup.

A line scanner after CommonMark's block structure (https://spec.commonmark.org/0.31.2/#blocks-and-inlines)
and GitHub's tables. Everything is done in place: the words keep their offsets, and what is markup
becomes spaces, so that a sentence found in ``Prose.plain`` stands at the same place of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Block:
    """``text[start:end]``. ``kind`` is "paragraph", "item", "quotation" or "heading", and for what
    holds no sentences "code", "table", "front matter", "comment" or "reference"."""

    kind: str
    start: int
    end: int

    @property
    def is_prose(self) -> bool:
        return self.kind in ("paragraph", "item", "quotation")


@dataclass(frozen=True, slots=True)
class Prose:
    """``blocks`` in order; ``plain`` is as long as the text, its markup blanked, wrapped lines
    joined by a space where the line break does not end a sentence."""

    blocks: tuple[Block, ...]
    plain: str


# Lines longer than this are not wrapped by hand: each is a paragraph of its own.
WIDEST = 160
# A line that fills so much of the width was broken because the next word did not fit.
FILLED = 0.8
_ENDS = re.compile(r"[.!?:;…。！？：；][\"'”’»)\]）」』]*$")
_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_FENCE = re.compile(r"[ \t]*(?:[-*+>] +|\d+[.)] +)*(?P<mark>`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-{2,})[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_ITEM = re.compile(r"[ \t]*(?:[-*+•–]|\(?\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?")
_QUOTATION = re.compile(r" {0,3}(?:>[ \t]?)+")
_DELIMITERS = re.compile(
    r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*$"
    r"|[ \t]*\|[ \t]*:?-+:?[ \t]*\|[ \t]*$"
)
_REFERENCE = re.compile(r" {0,3}\[[^\]\n]+\]:[ \t]*\S")
_FOOTNOTE = re.compile(r" {0,3}\[\^[^\]\n]+\]:[ \t]*")
_INDENTED = re.compile(r"(?: {4}|\t)[ \t]*\S")
_FRONT = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)

_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'\u3000-\u9fff\uff00-\uffef]*[^\s<>\"'.,;:!?)\]\u3000-\u9fff\uff00-\uffef]"
)
_IMAGE = re.compile(
    r"!\[[^\]\n]{0,300}\](?:\([^()\s]{0,500}(?:[ \t]+\"[^\"\n]{0,200}\")?\)|\[[^\]\n]{0,100}\])"
)
_LINK = re.compile(
    r"(?P<open>\[)(?P<words>[^\[\]\n]{1,500})(?P<close>\](?:\([^()\n]{0,500}\)|\[[^\]\n]{0,100}\]))"
)
_MARKUP = (
    re.compile(r"\[\^[^\]\s]{1,40}\]"),
    re.compile(r"</?[A-Za-z][^<>\n]{0,500}>"),
    re.compile(r"<(?:https?:|mailto:)[^<>\s]*>"),
    _URL,
    re.compile(r"`+"),
    re.compile(r"\*{1,3}(?=\S)|(?<=\S)\*{1,3}"),
    re.compile(r"(?<!\w)_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w)"),
    re.compile(r"~~"),
    re.compile(r"\\(?=[\\`*_{}\[\]()#+.!|<>~-])"),
)


def read(text: str, *, markdown: bool = False) -> Prose:
    """The blocks of ``text`` in order, and its words without markup."""
    plain = text.replace("\r", " ").replace("\u2028", "\n").replace("\x0c", "\n")
    blocks: list[Block] = []
    if markdown:
        plain = _commented_out(plain, blocks)
        blocks += _markdown(plain, _front_matter(plain, blocks))
    else:
        blocks += _paragraphs(plain)
    blocks.sort(key=lambda block: block.start)
    pieces, at = [], 0
    for block in blocks:
        if not (block.is_prose or block.kind == "heading"):
            continue
        words = plain[block.start : block.end]
        words = _blanked(words) if markdown else _URL.sub(_spaces, words)
        if markdown and block.kind == "quotation":
            words = re.sub(r"(?m)^ {0,3}(?:>[ \t]?)+", _spaces, words)
        words = _joined(words, always=markdown)
        pieces += [plain[at : block.start], words]
        at = block.end
    return Prose(tuple(blocks), "".join([*pieces, plain[at:]]))


def tidy(words: str) -> str:
    """A stretch of ``Prose.plain`` as one line: the spaces that stood for markup are gone."""
    words = re.sub(r"\s+", " ", words).strip()
    words = re.sub(r"(?<=[\u3000-\u9fff\uff00-\uffef]) (?=[\u3000-\u9fff\uff00-\uffef])", "", words)
    words = re.sub(r" ([,.;:!?%)\]’”])", r"\1", words)
    return re.sub(r" (?='s\b)|(?<=[(\[]) | (?=…)", "", words)


def _spaces(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _blanked(words: str) -> str:
    """Inline markup as spaces."""
    words = _IMAGE.sub(_spaces, words)
    words = _LINK.sub(lambda m: f" {m['words']}{' ' * len(m['close'])}", words)
    for pattern in _MARKUP:
        words = pattern.sub(_spaces, words)
    return words


def _joined(words: str, *, always: bool) -> str:
    """Line breaks inside a paragraph as spaces. In Markdown every one is but a wrap; in plain
    text the one after a line that is full, without a stop."""
    if "\n" not in words.rstrip("\n"):
        return words
    if always:
        return re.sub(r"\n(?=[^\n])", " ", words)
    lines = words.split("\n")
    width = max(map(len, lines))
    out = lines[0]
    for before, after in pairwise(lines):
        out += (" " if _is_wrapped(before, after, width) else "\n") + after
    return out


def _is_wrapped(before: str, after: str, width: int) -> bool:
    """Whether ``before`` was broken only because the next word did not fit."""
    if width > WIDEST or not before.strip() or not after.strip() or _ENDS.search(before.rstrip()):
        return False
    first = re.match(r"\s*(?:[\u3000-\u9fff]|[^\s]+)", after)
    return len(before.rstrip()) + 1 + len(first.group() if first else "") > FILLED * width


def _lines(text: str, start: int) -> list[tuple[int, int]]:
    return [match.span() for match in _LINE.finditer(text, start)]


def _paragraphs(text: str) -> Iterator[Block]:
    """The blocks of plain text: parted by empty lines, items by their bullets."""
    run: list[tuple[int, int]] = []
    kind = "paragraph"
    for start, end in _lines(text, 0):
        line = text[start:end]
        bullet = _ITEM.match(line)
        if bullet or not line.strip():
            yield from _closed(run, kind)
            run, kind = [], "paragraph"
        if bullet:
            run, kind = [(start + bullet.end(), end)], "item"
        elif line.strip():
            run.append((start, end))
    yield from _closed(run, kind)


def _closed(run: Sequence[tuple[int, int]], kind: str) -> Iterator[Block]:
    if run:
        yield Block(kind, run[0][0], run[-1][1])


def _front_matter(text: str, blocks: list[Block]) -> int:
    """Where the text begins behind its front matter, if it has any."""
    found = _FRONT.match(text)
    if found is None:
        return 0
    blocks.append(Block("front matter", 0, found.end()))
    return found.end()


def _commented_out(text: str, blocks: list[Block]) -> str:
    """``text`` with its HTML comments blanked, line breaks kept; they are told as blocks."""

    def blank(match: re.Match[str]) -> str:
        blocks.append(Block("comment", *match.span()))
        return re.sub(r"[^\n]", " ", match.group())

    return _COMMENT.sub(blank, text)


def _markdown(text: str, start: int) -> Iterator[Block]:
    """The blocks of Markdown from ``start`` on."""
    lines = _lines(text, start)
    run: list[tuple[int, int]] = []
    kind, at, in_list = "paragraph", 0, False
    while at < len(lines):
        begin, end = lines[at]
        line = text[begin:end].rstrip("\n")
        after = text[slice(*lines[at + 1])].rstrip("\n") if at + 1 < len(lines) else ""
        taken, whole = 0, ""
        if fence := _FENCE.match(line):
            taken, whole = _fenced(text, lines, at, fence["mark"]), "code"
        elif "|" in line and _DELIMITERS.match(after):
            taken, whole = _while(text, lines, at, lambda row: "|" in row), "table"
        elif not run and not in_list and _INDENTED.match(line):
            taken, whole = _while(text, lines, at, lambda row: bool(_INDENTED.match(row))), "code"
        elif run and kind == "paragraph" and _UNDERLINE.match(line):
            yield Block("heading", run[0][0], end)
            run, at = [], at + 1
            continue
        elif _HEADING.match(line):
            taken, whole = 1, "heading"
        elif _FOOTNOTE.match(line) is None and _REFERENCE.match(line):
            taken, whole = 1, "reference"
        if taken:
            yield from _closed(run, kind)
            yield Block(whole, begin, lines[at + taken - 1][1])
            run, kind, at = [], "paragraph", at + taken
            in_list = in_list and whole == "code"
            continue
        at += 1
        if not line.strip() or _RULE.match(line):
            yield from _closed(run, kind)
            run, kind = [], "paragraph"
            continue
        marker = _ITEM.match(line) or _QUOTATION.match(line) or _FOOTNOTE.match(line)
        quoted = _QUOTATION.match(line) is not None
        if marker and not (quoted and kind == "quotation" and run):
            yield from _closed(run, kind)
            run, kind = [(begin + marker.end(), end)], "quotation" if quoted else "item"
            in_list = in_list or kind == "item"
            continue
        if not run:
            in_list = in_list and line[:1] in " \t"
        run.append((begin, end))
    yield from _closed(run, kind)


def _fenced(text: str, lines: Sequence[tuple[int, int]], at: int, mark: str) -> int:
    """How many lines a fenced code block takes; to the end where it is not closed."""
    closing = re.compile(rf"[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
    for n, (start, end) in enumerate(lines[at + 1 :], 2):
        if closing.match(text[start:end].rstrip("\n")):
            return n
    return len(lines) - at


def _while(
    text: str, lines: Sequence[tuple[int, int]], at: int, holds: Callable[[str], bool]
) -> int:
    """How many lines from ``at`` on are such; the first is."""
    n = 1
    while at + n < len(lines) and holds(text[slice(*lines[at + n])]):
        n += 1
    return n

"""A document's statements, each with its place in it and as it stands alone."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gnomon.text import prose
from gnomon.text.orders import is_instruction
from gnomon.text.sentences import split
from gnomon.truth.claims import claim_at, clause_spans, unchecked
from gnomon.truth.coreference import Discourse, dates_written_out
from gnomon.types import Claim, Document, Skipped, Statement

# A quotation of more sentences or characters is not one statement any more.
QUOTED_SENTENCES, QUOTED_CHARS = 4, 700
# Nothing this long, or with a "word" this long, is one statement (base64, a minified line).
LONGEST = 2_000
_RUN = re.compile(r"[^\s\u3000-\u9fff\uff00-\uffef]{300}")
Span = tuple[int, int]


def statements(document: Document) -> tuple[list[Statement], list[Skipped]]:
    """What ``document`` states, in order, and the parts of it that hold no sentences.

    Split by block, sentence, then conjunction; pronouns, definite nouns and relative dates are
    resolved from what stands before. What is not to be checked says why.
    """
    read = prose.read(document.text, markdown=document.kind == "markdown")
    lines = _Lines(document)
    discourse = Discourse(document.title)
    found: list[Statement] = []
    for start, end, why in _spans(read):
        words = prose.tidy(read.plain[start:end])
        if not words:
            continue
        if len(words) > LONGEST or _RUN.search(words):
            claim = Claim(words, start, end, checkable=False)
            found.append(lines.placed(Statement(claim, "", start, end, unchecked="fragment")))
            continue
        alone = discourse.standalone(words, said_at=document.date)
        topic = discourse.topic(alone)
        claim = claim_at(alone, 0, len(alone), said_at=document.date)
        reason = "instruction to a machine" if is_instruction(words) else why or unchecked(words)
        claim = replace(claim, start=start, end=end, context=topic, checkable=not reason)
        found.append(lines.placed(Statement(claim, "", start, end, unchecked=reason)))
    skipped = [
        Skipped(block.kind, *lines.of(block.start, block.end))
        for block in read.blocks
        if not block.is_prose and block.kind != "heading"
    ]
    return found, skipped


def given(claims: Sequence[str], *, date: float | None = None) -> tuple[Document, list[Statement]]:
    """Claims that a caller gives one by one, as a document (one after another, a line break
    between) and its statements: taken as they are but for relative dates. Questions state nothing.
    """
    document = Document("\n".join(claims), date=date)
    lines = _Lines(document)
    found, at = [], 0
    for text in claims:
        alone = dates_written_out(prose.tidy(text), date)
        why = "question" if unchecked(alone) == "question" else ""
        why = "instruction to a machine" if is_instruction(alone) else why
        claim = claim_at(alone, 0, len(alone), said_at=date)
        claim = replace(claim, start=at, end=at + len(text), checkable=not why)
        found.append(lines.placed(Statement(claim, "", at, at + len(text), unchecked=why)))
        at += len(text) + 1
    return document, found


# ------------------------------------------------------------------------------- where they are


class _Lines:
    """Lines and columns of offsets into a document."""

    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._first = document.first_line
        self._starts = [0, *(m.end() for m in re.finditer("\n", document.text))]

    def of(self, start: int, end: int) -> tuple[int, int]:
        """The first and last line of a span that may end with its line break."""
        last = max(start, end - 1)
        return self._at(start)[0], self._at(last)[0]

    def placed(self, statement: Statement) -> Statement:
        line, column = self._at(statement.start)
        end_line, end_column = self._at(statement.end)
        return replace(
            statement,
            quote=self._text[statement.start : statement.end],
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
        )

    def _at(self, offset: int) -> tuple[int, int]:
        n = bisect_right(self._starts, offset) - 1
        return n + self._first, offset - self._starts[n] + 1


# ------------------------------------------------------------------------------- what they are


def _spans(read: prose.Prose) -> Iterator[tuple[int, int, str]]:
    """Spans of the statements in ``read.plain``, and "quotation" for those that only quote."""
    for block in read.blocks:
        # What line breaks are left end paragraphs, and a quotation goes no further than those.
        for line in _LINE.finditer(read.plain, block.start, block.end) if block.is_prose else ():
            text = line.group()
            for start, end, quoted in _quotations_whole(text, _mended(text, split(text))):
                start = _after_dateline(text, start, end)
                sentence = text[start:end]
                only = "quotation" if quoted or _is_only_quotation(sentence) else ""
                for a, b in clause_spans(sentence):
                    yield line.start() + start + a, line.start() + start + b, only


_LINE = re.compile(r"[^\n]+")
# "the U.S. Pacific territory": the stop belongs to the abbreviation, and a name follows.
_ABBREVIATED = re.compile(r"\bU\.(?:S|K|N)\.$")


def _mended(text: str, spans: Sequence[Span]) -> list[Span]:
    """Sentences that an abbreviation cut in two, put together again."""
    out: list[Span] = []
    for start, end in spans:
        if (
            out
            and "\n" not in text[out[-1][1] : start]
            and _ABBREVIATED.search(text[slice(*out[-1])])
        ):
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def _quotations_whole(text: str, spans: Sequence[Span]) -> Iterator[tuple[int, int, bool]]:
    """Sentences, those of one quotation together with who said it; True for those of a quotation
    that does not end here (it goes on in the next paragraph, and who speaks was said before)."""
    at = 0
    while at < len(spans):
        start, end = spans[at]
        if not _is_open(text[start:end]):
            yield start, end, False
            at += 1
            continue
        for ahead in range(at, min(at + QUOTED_SENTENCES, len(spans))):
            whole = text[start : spans[ahead][1]]
            if not _is_open(whole) and len(whole) <= QUOTED_CHARS:
                yield start, spans[ahead][1], False
                at = ahead + 1
                break
        else:
            # An odd straight mark may be an inch or a slip: only what opens with one is quoted.
            opens = text[start] in '"“「『'
            yield start, end, opens
            at += 1
            while opens and at < len(spans):
                yield *spans[at], True
                at += 1


def _is_open(text: str) -> bool:
    """Whether a quotation begins in ``text`` and does not end in it, or ends and did not begin."""
    pairs = text.count("“") != text.count("”") or text.count("「") != text.count("」")
    return pairs or text.count('"') % 2 == 1


def _opens(text: str) -> bool:
    """Whether the mark that has no partner opens a quotation."""
    if text.count("“") > text.count("”") or text.count("「") > text.count("」"):
        return True
    return bool(re.search(r"(?:^|[\s(:,])\"(?=\S)[^\"]*$", text))


_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」|『[^』]*』")


def _is_only_quotation(sentence: str) -> bool:
    """Whether a sentence is somebody's words and nothing else: who says them stands elsewhere."""
    return sentence[:1] in '"“「『' and not re.search(r"\w{2}", _QUOTED.sub("", sentence))


# "LONDON (Reuters) - ", "BEIJING, June 3 (Xinhua) -- ", "(CNN)": where from, not what.
_DATELINE = re.compile(
    r"(?:[A-Z][A-Z.'’ -]{2,30}(?:, [A-Z][\w. ]{2,25}){0,2}(?: ?\([A-Z][\w/ .&-]{1,30}\))?|"
    r"[A-Z][\w.'’ -]{2,30}(?:, [A-Z][\w. ]{2,25}){0,2} ?\([A-Z][\w/ .&-]{1,30}\)|"
    r"\([A-Z][\w/ .&-]{1,30}\)) ?(?:--|[-–—]+) +|\((?:CNN|AP|Reuters|AFP|UPI)\) ?|"
    r"(?:[\u4e00-\u9fff]{2,6}(?:社|网|讯))[\u4e00-\u9fff\d]{0,16}[电讯]"
    r"(?:[（(][^（）()]{0,30}[）)])? *"
)


def _after_dateline(text: str, start: int, end: int) -> int:
    found = _DATELINE.match(text, start, end)
    return found.end() if found and found.end() < end else start

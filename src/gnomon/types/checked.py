"""A text under check: its statements, and what was found of each."""

from __future__ import annotations

from dataclasses import dataclass

from gnomon.types.thought import Claim, Verdict


@dataclass(frozen=True, slots=True)
class Document:
    """A text whose claims are to be checked.

    ``kind`` is "text" or "markdown": how its structure is told. ``date`` is when it was written:
    its relative dates ("yesterday") are read from there. ``date_from`` says how that is known:
    "given", "stated" (by the text itself), "file" (the file's time of change) or "now"; the last
    two are guesses. ``first_line`` is the number of the text's first line in its file.
    ``extracted`` is True where the text was taken out of a page or PDF, so that lines are not
    those of the file.
    """

    text: str
    name: str = ""
    kind: str = "text"
    title: str = ""
    author: str = ""
    url: str = ""
    date: float | None = None
    date_from: str = "given"
    first_line: int = 1
    extracted: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a document: ``document.text[start:end] == quote``, as written there.

    ``claim`` is the same statement as it stands alone: pronouns and relative dates resolved, markup
    gone. ``unchecked`` is why it is not checked ("opinion", "question", "instruction", ...), ""
    where it is. Lines and columns count from 1; ``end_column`` is the one after the last character.
    """

    claim: Claim
    quote: str
    start: int
    end: int
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1
    unchecked: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement and the verdict on it; None where it is not checked. ``n`` counts from 1."""

    n: int
    statement: Statement
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A part of a document that holds no sentences, such as a table, and the lines it stands on."""

    kind: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of checking a document. ``statements`` says how many there are; ``findings`` are
    those that were reached, all of them where it is ``complete``.

    ``itself`` are the held posts that are the document or copies of it: no evidence for it.
    ``id`` names its receipt in the journal ("" where it is not kept). ``unindexed`` counts the
    changes of the record that could not be searched yet (0: as good as all could be).
    """

    document: Document
    statements: int
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    itself: tuple[str, ...] = ()
    as_of: float = 0.0
    newest: float | None = None
    complete: bool = False
    id: str = ""
    unindexed: int = 0

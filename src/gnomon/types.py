"""The values that flow through gnomon: frozen, without I/O and without database ids.

All times are seconds since the Unix epoch, UTC, as ``float``. All offsets are in Python
characters (code points). Nothing here imports anything else of gnomon.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


def content_hash(text: str) -> str:
    """SHA-256 of the UTF-8 bytes of ``text``, hexadecimal (64 characters).

    Lone surrogates (broken input) are kept apart with ``surrogatepass``, so that no two texts
    share a hash because of how they were damaged.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --------------------------------------------------------------------------- what we hold


@dataclass(frozen=True, slots=True)
class Post:
    """One public thing somebody said: a post, an article, a document.

    ``id`` names it in the whole of gnomon: network sources prefix their own name
    (``bluesky:did:plc:x/3k2``), files keep the id that the row carries.
    ``created_at`` is when it was said, or None where the source does not say;
    ``fetched_at`` is when we took it in. ``repost_of``, ``quotes`` and ``reply_to`` hold post ids.
    ``counts`` (likes, reposts, followers) are kept for display and are never evidence.
    ``labels`` are the author's own content labels. ``extra`` keeps every field we do not know.
    """

    id: str
    text: str
    source: str
    fetched_at: float
    author: str = ""
    created_at: float | None = None
    title: str = ""
    lang: str = ""
    url: str = ""
    reply_to: str = ""
    repost_of: str = ""
    quotes: str = ""
    links: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Content hash of ``text``: what a citation is checked against."""
        return content_hash(self.text)

    @property
    def time(self) -> float:
        """When it was said, or else when it was fetched."""
        return self.fetched_at if self.created_at is None else self.created_at


@dataclass(frozen=True, slots=True)
class Revision:
    """An earlier text of a post that its author edited. ``replaced_at`` is when we saw the edit."""

    post: str
    text: str
    hash: str
    replaced_at: float


class EdgeKind(StrEnum):
    """Why a post belongs to an origin."""

    ROOT = "root"  # it is the origin's earliest post
    REPOST = "repost"
    QUOTE = "quote"  # a quote without a comment of its own
    URL = "url"  # the same canonical URL
    COPY = "copy"  # (nearly) the same words
    MEDIA = "media"  # the same picture or film, and hardly a word
    WIRE = "wire"  # mostly the story of an agency that it credits
    MEANING = "meaning"  # the same facts in other words, as an encoder tells


@dataclass(frozen=True, slots=True)
class Link:
    """One post's place in an origin. ``origin`` is the id of the origin's root post.

    ``score`` is the similarity that decided (0..1; 1 for hard edges).
    """

    post: str
    origin: str
    kind: EdgeKind
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Origin:
    """The posts that say one thing because they come from one place.

    ``posts`` and ``authors`` say how many posts and distinct authors it stands for.
    """

    id: str
    posts: int
    authors: int
    first_seen: float


@dataclass(frozen=True, slots=True)
class Sign:
    """One way in which an origin's posts look placed together. ``p`` is how probable as much of it
    (or more) is in ordinary sharing; 1 where it is told and not counted. ``reason`` says it."""

    name: str
    observed: float
    expected: float
    p: float
    reason: str


@dataclass(frozen=True, slots=True)
class Variant:
    """How a post of an origin differs from its root: the words that went and that came."""

    post: str
    author: str
    removed: str
    added: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """How far the posts of an origin look placed together by accounts that act as one, rather than
    passed on. It never changes a verdict: an origin has one vote, whoever carries it.

    ``accounts`` put the text out; ``unattributed`` of them as their own words, naming nobody and
    linking nowhere, between ``since`` and ``until``; ``texts`` counts their different wordings.
    ``score`` is 1 - p of all ``signs`` together (0..1); ``coordinated`` is our reading of it.
    """

    origin: str
    posts: int
    accounts: int
    unattributed: int
    texts: int
    since: float
    until: float
    score: float
    coordinated: bool
    signs: tuple[Sign, ...] = ()
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something that was not taken in, and why. ``where`` is a file and line, a URL or a post id.

    ``reason`` is one sentence that quotes the value and names the next step; ``excerpt`` is at
    most 200 characters of the thing itself.
    """

    source: str
    where: str
    reason: str
    at: float
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time that a source could not give us. Shown, never hidden."""

    source: str
    start: float | None
    end: float
    reason: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """An author's deletion. Exactly one of ``post`` and ``author`` is set.

    ``author`` (with ``source``) deletes everything of an account that was removed or closed.
    """

    source: str
    at: float
    post: str = ""
    author: str = ""
    reason: str = "deleted by its author"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step of a source brings; written as one durable transaction.

    ``cursor`` is where the source resumes after this batch (None: unchanged).
    ``links`` and ``bands`` are filled in by ``origins`` on the way to the store: ``bands`` are the
    64-bit keys under which a post's near-duplicates are looked up.
    """

    source: str
    posts: tuple[Post, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    gaps: tuple[Gap, ...] = ()
    cursor: str | None = None
    links: tuple[Link, ...] = ()
    bands: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which posts a search may return. Empty means any. Times: ``since <= time < until``."""

    since: float | None = None
    until: float | None = None
    sources: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A post that a search returned, read back from the record. ``origin`` is its origin's id."""

    post: Post
    score: float
    origin: str


@dataclass(frozen=True, slots=True)
class PostView:
    """A post as it is shown: with its origin (``posts`` it stands for), the other posts of that
    origin (earliest first) with their ``links``, earlier texts, and direct replies. ``why`` says
    why it stands there; ``campaign`` is None where too few accounts carry the origin to tell."""

    post: Post
    link: Link
    origin: Origin
    members: tuple[Post, ...] = ()
    revisions: tuple[Revision, ...] = ()
    replies: tuple[Post, ...] = ()
    why: str = ""
    links: tuple[Link, ...] = ()
    campaign: Campaign | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A search result: one origin, shown by its best post, with how many posts it stands for."""

    post: Post
    score: float
    origin: Origin
    start: int = 0
    end: int = 0  # the span of ``post.text`` that answers the words best


# --------------------------------------------------------------------------- what we think


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a held post: ``post.text[start:end] == text``. ``scores`` in parts (bm25, ...)."""

    post: Post
    start: int
    end: int
    origin: str
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.post.text[self.start : self.end]


class SlotKind(StrEnum):
    NUMBER = "number"
    DATE = "date"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a text that is compared exactly, not by similarity.

    ``text`` is as written, at ``[start:end]``. For NUMBER, ``value`` is the number in base
    quantity and ``unit`` its unit ("" for a bare count; "%" , "m", "kg", "USD", ...). For DATE,
    ``value`` is ISO 8601, as far as it is known ("2026-03-07", "2026-03", "2026", "--03-07").
    For NAME, ``value`` is the case-folded name.
    """

    kind: SlotKind
    text: str
    start: int
    end: int
    value: float | str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable statement. ``start``/``end`` place it in the text it was taken from.

    ``speaker`` is who is said to have said it ("" if the text itself asserts it); ``modality`` is
    "asserted", "hedged" (may, reportedly), "planned" (will, plans to) or "denied".
    ``context`` names what the statement is about where it does not say so itself ("Four people were
    injured": the fire at Lunde Kiln Works); evidence must be about that, too.
    ``checkable`` is False for opinions, questions and instructions, which are not checked.
    """

    text: str
    start: int = 0
    end: int = 0
    slots: tuple[Slot, ...] = ()
    lang: str = ""
    speaker: str = ""
    modality: str = "asserted"
    checkable: bool = True
    context: str = ""

    @property
    def whole(self) -> str:
        """The statement with its context, as it is searched and judged."""
        return f"{self.text} ({self.context})" if self.context else self.text


class Stance(StrEnum):
    SUPPORTS = "supports"
    REFUTES = "refutes"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a passage bears on a claim: three probabilities that sum to 1, and the deciding rule."""

    supports: float
    refutes: float
    neither: float
    rule: str = ""

    @property
    def stance(self) -> Stance:
        best = max(self.supports, self.refutes, self.neither)
        if best == self.neither:
            return Stance.NEITHER
        return Stance.SUPPORTS if best == self.supports else Stance.REFUTES


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage against a claim. ``quote`` is the exact span ``[start:end]`` of the held text."""

    post: str
    quote: str
    start: int
    end: int
    hash: str
    origin: str
    source: str
    author: str
    url: str
    said_at: float | None
    fetched_at: float
    judgement: Judgement
    weight: float = 1.0
    relevance: float = 0.0
    title: str = ""
    lang: str = ""

    @property
    def stance(self) -> Stance:
        return self.judgement.stance


class Label(StrEnum):
    SUPPORTED = "supported"
    REFUTED = "refuted"
    DISPUTED = "disputed"
    NOT_ENOUGH = "not_enough_evidence"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the held evidence says of one claim.

    ``evidence`` has at most one entry for each origin and side. ``origins_for`` and
    ``origins_against`` count origins; ``posts_for`` and ``posts_against`` say how many posts those
    origins stand for (shown, never weighed), and ``posts_by_origin`` the same for each origin in
    the evidence. ``rule`` names what decided; ``reason`` is a sentence. ``abstained`` is True where
    ``label`` is "not enough evidence" only because ``confidence``, that of the verdict which the
    evidence leans to, is under the threshold for the owner's risk.
    """

    claim: Claim
    label: Label
    confidence: float
    evidence: tuple[Evidence, ...]
    origins_for: int
    origins_against: int
    posts_for: int
    posts_against: int
    first_seen: float | None
    rule: str
    reason: str
    posts_by_origin: Mapping[str, int] = field(default_factory=dict)
    abstained: bool = False


# --------------------------------------------------------------------------- what we say


@dataclass(frozen=True, slots=True)
class Citation:
    """``n`` is the number shown in the text. ``posts`` is how many posts its origin stands for."""

    n: int
    evidence: Evidence
    posts: int = 1


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, bound to its verdicts: ``answer.text[start:end] == text``.

    In ``Answer.text`` its markers follow right after ``end``: `` [1][2]``, one for each citation.

    ``citations`` are numbers into ``Answer.citations``; ``against`` are the citations that
    disagree. ``label`` is the weakest of the verdicts' labels. ``kind`` is "claim" or "note" (a
    note is our own remark about the evidence, such as "Two sources disagree", and needs none).
    """

    text: str
    start: int
    end: int
    kind: str = "claim"
    label: Label | None = None
    verdicts: tuple[Verdict, ...] = ()
    citations: tuple[int, ...] = ()
    against: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A drafted sentence that was not sent, and why. ``confidence`` is set where that was too low
    for the owner's risk."""

    text: str
    reason: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer, or an honest "I do not know" (``abstained``, with the ``reason``).

    ``posts`` and ``origins`` count what was held about the question. ``as_of`` is the asking time;
    ``newest`` is the time of the newest post in the index; ``gaps`` are the known holes in it.
    ``confidence`` is the least confidence among its claims (0 when abstained).
    """

    id: str
    question: str
    lang: str
    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    abstained: bool
    reason: str
    confidence: float
    as_of: float
    newest: float | None
    posts: int
    origins: int
    left_out: tuple[LeftOut, ...] = ()
    gaps: tuple[Gap, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """How a question is searched. ``forms`` are search texts, best first; ``names`` its entities.

    ``since``/``until`` are set when the question names a time. ``negated`` is the denied form.
    """

    question: str
    forms: tuple[str, ...]
    lang: str
    names: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()
    negated: str = ""
    where: Filter = field(default_factory=Filter)


# Events: what a caller of the truth engine sees while it works. CLI, server and page render these.


@dataclass(frozen=True, slots=True)
class Step:
    """A step began or reported: ``name`` is one of plan, retrieve, draft, check, answer."""

    name: str
    detail: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence passed (or was marked); it may be shown or spoken from now on."""

    sentence: Sentence
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event. ``answer`` is complete and journalled."""

    answer: Answer


Event = Step | Checked | Finished


# --------------------------------------------------------------------------- a text under check


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
    ``id`` names its receipt in the journal ("" where it is not kept).
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

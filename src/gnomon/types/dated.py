"""A digest: what was spoken of in a stretch of time, each sentence checked, both sides shown."""

from __future__ import annotations

from dataclasses import dataclass

from gnomon.types.held import Gap
from gnomon.types.rising import Discount, Saying, Support
from gnomon.types.said import Citation, LeftOut
from gnomon.types.thought import Label


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of a digest. ``citations`` and ``against`` are numbers into
    ``Digest.citations``.

    ``kind`` is "known" (two or more independent origins say so and none denies it), "alone" (one
    origin says so: we could not confirm it), "disputed" (origins disagree, or it is denied more
    strongly) or "unsettled" (the evidence does not reach). ``by`` is who is quoted ("" where the
    sentence is a model's or our own). ``reason`` says what decided.
    """

    text: str
    kind: str
    label: Label | None = None
    citations: tuple[int, ...] = ()
    against: tuple[int, ...] = ()
    origins_for: int = 0
    origins_against: int = 0
    confidence: float = 0.0
    by: str = ""
    said_at: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """One story in a digest. ``title`` is the words of the post that ``title_by`` cites.

    How loud it is: ``posts``, ``interest``. How well supported: ``support``; ``discount`` says what
    it leaves out of both (None: made before that was told). ``news`` is "new",
    "grown" (``origins_before`` were known of last time), "same", or "" where there is no digest
    before this one.
    """

    story: str
    title: str
    title_by: int
    langs: tuple[str, ...]
    first_seen: float
    last_seen: float
    posts: int
    origins: int
    authors: int
    interest: float
    support: Support
    first: Saying
    lines: tuple[Line, ...]
    spark: tuple[int, ...] = ()
    spark_from: float = 0.0
    spark_s: float = 3600.0
    news: str = ""
    origins_before: int = 0
    discount: Discount | None = None

    def of(self, kind: str) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.kind == kind)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is otherwise than in the digest before. ``kind`` is "new", "grown", "gone" (a story that
    is no longer among the first), "confirmed", "contested" (a sentence that has another standing
    now) or "lost" (an earlier answer, check or digest, ``receipt``, cites posts whose authors have
    deleted them since)."""

    kind: str
    text: str
    story: str = ""
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """What was spoken of in ``since <= time < until``, as of ``made_at``.

    ``lang`` is the language of our own words; ``langs`` are those of the stories (empty: any);
    ``about`` narrows it to stories that match these words. ``stories`` counts those that were
    ranked. ``posts`` and ``origins`` count what the briefs stand for. ``model`` wrote it ("" where
    it is composed of quotes). ``previous`` is the id of the digest that ``changes`` compares with,
    made at ``before_at``.
    """

    id: str
    lang: str
    about: str
    langs: tuple[str, ...]
    since: float
    until: float
    made_at: float
    newest: float | None
    stories: int
    posts: int
    origins: int
    briefs: tuple[Brief, ...]
    citations: tuple[Citation, ...]
    changes: tuple[Difference, ...] = ()
    previous: str = ""
    before_at: float | None = None
    left_out: tuple[LeftOut, ...] = ()
    gaps: tuple[Gap, ...] = ()
    model: str = ""
    sample: bool = False

    @property
    def title(self) -> str:
        """The headline of the first story, "" of an empty digest."""
        return self.briefs[0].title if self.briefs else ""

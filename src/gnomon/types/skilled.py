"""What the skills work on and give: plots, debates, translations, readings, and their events."""

from __future__ import annotations

from dataclasses import dataclass

from gnomon.types.said import Citation, LeftOut, Sentence, Step

# ------------------------------------------------------------------------------------- story


@dataclass(frozen=True, slots=True)
class Character:
    """``status`` is "alive", "dead" or "away", ``since`` the number of the part from which on it is
    so (0: from the beginning), ``last`` that of the part in which it was last named. ``also`` are
    other names of it."""

    name: str
    about: str = ""
    status: str = "alive"
    since: int = 0
    last: int = 0
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Thread:
    """Something that the reader waits for. ``status`` is "open" or "closed"; ``last`` is the number
    of the part in which it was last taken up."""

    name: str
    about: str = ""
    status: str = "open"
    last: int = 0


@dataclass(frozen=True, slots=True)
class Plot:
    """A story with what holds in it. ``facts`` are sentences that nothing may contradict; ``parts``
    is the text so far, one string for each time that it was gone on with. ``lang`` is "en" or
    "zh"."""

    title: str = ""
    premise: str = ""
    lang: str = "en"
    style: str = ""
    facts: tuple[str, ...] = ()
    characters: tuple[Character, ...] = ()
    threads: tuple[Thread, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slip:
    """A sentence of a model's that does not fit the plot. ``kind`` is one of "dead", "name",
    "fact", "repeats", "language", "aside" (words to us, not of the story), "cut" (it ends in the
    middle). ``kept``: it stands in the text all the same, since that was asked for."""

    kind: str
    quote: str
    reason: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a plot's state. ``of`` is "character", "thread" or "fact"; ``quote`` is the
    sentence of the text that bears it; ``by`` is "rule" or the model's name; ``refused`` is why it
    was not made ("" where it was)."""

    of: str
    name: str
    detail: str
    quote: str = ""
    by: str = "rule"
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """More of a text, checked: it may be shown from now on."""

    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """The last event of a story: ``text`` is the new part, ``plot`` has it and what became of the
    state. ``adrift`` are open threads and living characters that were not taken up for some parts.
    """

    text: str
    plot: Plot
    slips: tuple[Slip, ...] = ()
    changes: tuple[Change, ...] = ()
    adrift: tuple[str, ...] = ()
    model: str = ""


# ------------------------------------------------------------------------------------- debate


@dataclass(frozen=True, slots=True)
class Argued:
    """A sentence of one side ("for", "against", or "neither": it bears on the motion and takes no
    side), checked, with the citations that it uses. Its ``kind`` is "claim" or "opinion"."""

    side: str
    sentence: Sentence
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """What one side said, in order. Offsets of its sentences are 0: there is no one text."""

    name: str
    sentences: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Debate:
    """The last event of a debate. ``left_out`` are drafted sentences that what is held does not
    bear out, with the side that wanted to say them before the reason. ``model`` is "quotes" where
    no model wrote."""

    motion: str
    lang: str
    sides: tuple[Side, ...]
    citations: tuple[Citation, ...]
    left_out: tuple[LeftOut, ...] = ()
    as_of: float = 0.0
    newest: float | None = None
    posts: int = 0
    origins: int = 0
    model: str = "quotes"
    reason: str = ""


# ------------------------------------------------------------------------------------- translation


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of the source that its translation lacks or has otherwise. ``kind`` is one of
    "number", "added number", "url", "mention", "hashtag", "name", "term", "language", "length",
    "empty", "aside"."""

    kind: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the source and its translation: ``source`` is at ``[start:end]`` of the whole.
    ``losses`` are those that no attempt was without; ``attempts`` 0: it was taken over as it is."""

    n: int
    start: int
    end: int
    source: str
    text: str
    losses: tuple[Loss, ...] = ()
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Translation:
    """The last event of a translation. Languages are ISO 639 codes; ``lang`` is that of the source
    ("" where it cannot be told)."""

    text: str
    lang: str
    to: str
    segments: tuple[Stretch, ...] = ()
    model: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing was lost."""
        return not any(segment.losses for segment in self.segments)


# ------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a document: ``text`` is what stands at ``[start:end]`` of its ``part`` (a
    document of one text has only part 1; each row of a table is one). ``before`` is the sentence
    before it, which says what "it" means. ``page`` and ``line`` count from 1; 0: it has none."""

    text: str
    start: int
    end: int
    fit: float
    part: int = 1
    page: int = 0
    line: int = 0
    before: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The last event of a reading. ``says`` is whether the document answers; else ``reason`` says
    what came nearest. ``answer`` are the words of the first quote that answer, ``[start:end]`` of
    it. For a question of yes or no, ``stance`` is "supports", "refutes" or "neither"; else ""."""

    question: str
    name: str
    says: bool
    answer: str = ""
    start: int = 0
    end: int = 0
    quotes: tuple[Quote, ...] = ()
    stance: str = ""
    reason: str = ""
    model: str = "quotes"
    chars: int = 0


StoryEvent = Step | Piece | Told
DebateEvent = Step | Argued | Debate
TranslationEvent = Step | Stretch | Translation
ReadingEvent = Step | Reading
SkillEvent = StoryEvent | DebateEvent | TranslationEvent | ReadingEvent
Skilled = Told | Debate | Translation | Reading
"""The last event of each."""

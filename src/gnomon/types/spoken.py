"""What is said aloud and what is heard: values of speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice. ``lang`` is ISO 639-1 ("" for one that speaks many), ``model`` who speaks it,
    ``also`` the names that other APIs have for it."""

    id: str
    lang: str
    gender: Literal["female", "male", ""]
    model: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of speech. ``pcm`` is signed 16-bit little-endian mono at ``rate`` samples a second.
    ``text`` is what was to be said, as it was written: a caption; ``voice`` who says it."""

    text: str
    pcm: bytes
    rate: int
    voice: str
    model: str

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate


@dataclass(frozen=True, slots=True)
class Recording:
    """A stranger's sound, decoded: ``pcm`` is signed 16-bit little-endian mono at 16 kHz.
    ``kind`` is the container's name; ``rate`` and ``channels`` are those of the file; ``video``
    whether it had pictures, too; ``cut`` says why it ends early, "" where it does not."""

    pcm: bytes
    kind: str
    rate: int
    channels: int
    video: bool = False
    cut: str = ""

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / 16_000


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, with the space before it. Times in seconds from the beginning."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A phrase that was heard. ``logprob`` is the mean over its tokens, ``silence`` the model's
    probability that nobody speaks, ``compression`` how well the text shrinks (loops shrink well),
    ``ids`` its tokens."""

    text: str
    start: float
    end: float
    logprob: float
    silence: float
    compression: float
    temperature: float
    ids: tuple[int, ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """All that was heard. ``lang`` is what was spoken ("" where nobody spoke), ``sure`` its
    probability; ``speech_s`` is how long somebody spoke, of ``seconds``. ``note`` says what a
    reader should know: that nobody spoke, that the file was cut."""

    text: str
    lang: str
    sure: float
    seconds: float
    speech_s: float
    segments: tuple[Segment, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Turned:
    """Somebody began (``began``) or ended to speak, ``at`` milliseconds into what was heard."""

    began: bool
    at: int

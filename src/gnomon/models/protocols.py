"""What a model is to the rest of gnomon: small protocols, one for each task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from gnomon.types import Judgement
from gnomon.types.pictures import Brush, Raster, Sketch, Stroke
from gnomon.types.spoken import Heard, Recording, Segment, Speaker


@dataclass(frozen=True, slots=True)
class Message:
    """``role`` is system, user or assistant. Untrusted text never goes into system."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """``finish`` is "stop" or "length"; token counts as the runtime reports them (0: unknown)."""

    text: str
    finish: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Chat(Protocol):
    """A chat model. ``strong`` ones may write prose and judge; others only fill grammars, and
    answers are composed of quotes. ``context_tokens`` is prompt and reply together."""

    @property
    def name(self) -> str: ...

    @property
    def strong(self) -> bool: ...

    @property
    def context_tokens(self) -> int: ...

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        temperature: float = 0.0,
        schema: Mapping[str, Any] | None = None,
        stop: Sequence[str] = (),
        timeout_s: float = 60.0,
    ) -> Completion:
        """The whole reply. With ``schema`` (JSON Schema) the text is JSON that conforms to it,
        held by the runtime's grammar. Raises ModelError; ModelTimeout after ``timeout_s``."""
        ...

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        timeout_s: float = 60.0,
    ) -> Iterator[str]:
        """The reply in pieces; closing the iterator stops the model."""
        ...

    def close(self) -> None: ...


class Embed(Protocol):
    """An encoder. Rows are unit vectors, float32."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def passages(self, texts: Sequence[str], *, patient: bool = False) -> np.ndarray:
        """``[len(texts), dim]``. With ``patient`` nobody waits for them: others go first."""
        ...

    def query(self, text: str) -> np.ndarray:
        """``[dim]``"""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Encoded:
    """``rows`` is ``[len(texts), dim]``, unit vectors, float32; ``tokens`` were read in all;
    ``averaged`` are the texts whose row is the mean over windows."""

    rows: np.ndarray
    tokens: int
    averaged: tuple[int, ...] = ()


class Encode(Protocol):
    """An encoder for texts of the client's own, counted and never cut."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        """Raises InputError for a text that is too long."""
        ...


class Entail(Protocol):
    """A verifier: does the passage support the claim, refute it, or neither?"""

    @property
    def name(self) -> str: ...

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
        """One Judgement for each (window, claim). The last sentence of the window is what is
        judged; those before it are its context."""
        ...


class Scorer(Protocol):
    """A trained verifier, bare: probabilities and no reasons."""

    @property
    def name(self) -> str: ...

    def scores(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        """``[len(pairs), 3]`` float32 for (window, claim): the probabilities that the window
        supports the claim, refutes it, or does neither; each row sums to 1."""
        ...

    def close(self) -> None: ...


class Speak(Protocol):
    """A voice or several. Speech is signed 16-bit little-endian mono at ``rate``. ``sha256`` is of
    the weights, "" where there are none."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def rate(self) -> int: ...

    def speakers(self) -> tuple[Speaker, ...]: ...

    def speaks(self, lang: str) -> bool:
        """Whether it can pronounce a language (ISO 639-1)."""
        ...

    def speak(
        self, text: str, *, voice: str, lang: str = "en", speed: float = 1.0
    ) -> Iterator[bytes]:
        """Words (see ``text.aloud``) as pieces of PCM. Closing the iterator stops the model.
        Raises ModelError."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Hearing:
    """How to listen. ``lang`` is ISO 639-1 (with a script, as ``zh-Hant``), "" to find out;
    ``translate`` into English; ``prompt`` words that may occur; ``words`` with the times of each;
    of ``temperatures`` the next is tried where a phrase comes out badly; ``beams`` readings are
    kept side by side."""

    lang: str = ""
    translate: bool = False
    prompt: str = ""
    words: bool = False
    temperatures: tuple[float, ...] = (0.0, 0.4)
    beams: int = 5


class Listen(Protocol):
    """Hears speech as text."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    def languages(self) -> tuple[str, ...]: ...

    def listen(self, sound: Recording, how: Hearing) -> Iterator[Segment | Heard]:
        """Phrases as they are heard, then all of it."""
        ...

    def close(self) -> None: ...


class Draw(Protocol):
    """A model that draws. Thread-safe; one picture at a time."""

    @property
    def name(self) -> str: ...

    def brush(self) -> Brush:
        """What it can do; may load the model. Raises ModelError."""
        ...

    def draw(self, sketch: Sketch, *, timeout_s: float = 600.0) -> Iterator[Stroke | Raster]:
        """A Stroke for each step, then the picture. Closing the iterator stops the model. Raises
        ModelError, ModelTimeout, InputError for a size or wish that it cannot serve."""
        ...

    def close(self) -> None: ...


class See(Protocol):
    """Pictures and words in one space, as CLIP learns it. Rows are unit vectors, float32."""

    @property
    def name(self) -> str: ...

    @property
    def id(self) -> str:
        """Changes with the weights: vectors of two ids are not compared."""
        ...

    @property
    def languages(self) -> tuple[str, ...]: ...

    def pictures(self, files: Sequence[bytes], *, timeout_s: float = ...) -> np.ndarray:
        """``[len(files), dim]`` of pictures that we encoded. Raises ModelError, ModelTimeout."""
        ...

    def words(self, text: str, *, timeout_s: float = ...) -> np.ndarray:
        """``[dim]``"""
        ...

    def close(self) -> None: ...

"""What models make and hear: text, speech, pictures, the quiz, the old skills."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from gnomon.types import Filter
from gnomon.types.generation import Delta, Fired, Generation, Spent, Vectors
from gnomon.types.pictures import Album, Commission, Picture, Stroke, Understood
from gnomon.types.post_pictures import PicturesFound
from gnomon.types.quiz import Dealt, Exhibition, Said, Score
from gnomon.types.skilled import DebateEvent, Plot, ReadingEvent, StoryEvent, TranslationEvent
from gnomon.types.spoken import Heard, Recording, Segment, Speaker, Spoken


class Talk(Protocol):
    """Models as such, answering plainly and unchecked."""

    def models(self) -> list[Mapping[str, Any]]:
        """Plain JSON, what is here: ``id``, ``task`` (chat or embed), ``created`` (epoch seconds),
        ``owned_by``, ``context_tokens``, ``strong``. The first chat model is the default."""
        ...

    def generate(self, wish: Generation, *, model: str = "") -> Iterator[Delta | Spent]:
        """Deltas, then Spent. Closing the iterator stops the model. ``model`` is an id of
        ``models``, "" the default. Raises NotFound (no such model), InputError (a wish that cannot
        be served), ModelError."""
        ...

    def embed(self, texts: Sequence[str], *, model: str = "", query: bool = False) -> Vectors:
        """A vector for each text. Raises NotFound, InputError (a text too long), ModelError."""
        ...

    def moderate(self, text: str) -> tuple[Fired, ...]:
        """What the rules of moderation find in a text."""
        ...


class Voice(Protocol):
    """Speaking and listening. PCM is signed 16-bit little-endian mono."""

    @property
    def listen_s(self) -> float:
        """The longest sound that is listened to at once, in seconds."""
        ...

    def speakers(self) -> list[Speaker]: ...

    def models(self) -> list[Mapping[str, Any]]:
        """Plain JSON, what is here: ``id``, ``task`` (speak or listen), ``sha256``, ``licence``,
        ``created``, ``owned_by``."""
        ...

    def say(
        self, text: str, *, voice: str = "", lang: str = "", speed: float = 1.0
    ) -> Iterator[Spoken]:
        """A text aloud, sentence by sentence. Raises InputError, ModelError."""
        ...

    def encode(self, pieces: Iterable[bytes], form: str, rate: int) -> Iterator[bytes]:
        """PCM as a file, as it is made. Raises ModelError."""
        ...

    def file(self, pcm: bytes, form: str, rate: int) -> bytes:
        """The same at once. Raises ModelError."""
        ...

    def resampled(self, pcm: bytes, rate: int, wanted: int) -> bytes: ...

    def expanded(self, data: bytes, law: str) -> bytes:
        """The telephone's eight bits (mulaw, alaw) as PCM."""
        ...

    def signed(self, data: bytes, form: str, text: str, model: str) -> tuple[bytes, str]:
        """A file with its manifest, and "" or why it carries none."""
        ...

    def sidecar(self, data: bytes, form: str, text: str, model: str) -> tuple[bytes, str]:
        """The manifest that belongs to a file; b"" and why where there is none."""
        ...

    def decode(self, path: Path, name: str) -> Recording:
        """A stranger's file as sound, decoded in a confined process. Raises Unsupported,
        InputError, SourceError, ModelError."""
        ...

    def listen(
        self,
        sound: Recording,
        *,
        lang: str = "",
        translate: bool = False,
        prompt: str = "",
        words: bool = False,
        temperature: float | None = None,
        quick: bool = False,
    ) -> Iterator[Segment | Heard]:
        """Phrases as they are heard, then all of it. Closing the iterator stops the model. Raises
        InputError, ModelError."""
        ...

    def hear(self, stream: str, pcm: bytes, *, last: bool = False) -> list[float]:
        """How likely somebody speaks in each further 32 ms of ``stream``, PCM at 16 kHz. Raises
        ModelError."""
        ...


class PostPictures(Protocol):
    """Pictures that came with posts, found by what is in them."""

    def search(self, words: str, *, k: int = 10, where: Filter = ...) -> PicturesFound:
        """Pictures for words, the best first, a picture that many posts show as one. Where no
        model compares them, only descriptions are searched, and ``why`` says so. Raises
        InputError, StoreError."""
        ...

    def thumb(self, sha256: str) -> tuple[bytes, str]:
        """A kept picture as a file, and its media type. Raises NotFound."""
        ...


class Pictures(Protocol):
    """Drawing, within the owner's policy."""

    def about(self) -> Mapping[str, Any]:
        """Plain JSON: ``models`` (the default first; ``why`` there is none), ``limits``,
        ``formats``, ``policy`` by kind, what is looked for in finished pictures. Raises
        ConfigError for a policy that cannot be read."""
        ...

    def models(self) -> list[Mapping[str, Any]]:
        """Plain JSON, what draws, the default first: ``id``, ``task`` (draw), ``sha256``,
        ``licence``, ``created``, ``owned_by``. Raises ModelError, ConfigError."""
        ...

    def understand(self, prompt: str, *, model: str = "", expand: bool = True) -> Understood:
        """The prompt that the model would get. Raises InputError, Forbidden, NotFound, ModelError,
        ConfigError."""
        ...

    def draw(self, wish: Commission) -> Iterator[Understood | Stroke | Picture | Album]:
        """The prompt, strokes and pictures as they come (previews before each), then the Album.
        Closing the iterator stops the model. Raises InputError, Forbidden, NotFound (no such
        model), ModelError, ConfigError, StoreError."""
        ...

    def entries(self, limit: int = 50) -> list[Mapping[str, Any]]:
        """What the policy refused or warned of, the newest first."""
        ...

    def forget(self, caller: str) -> None:
        """Take a caller's words out of that log."""
        ...


class Quiz(Protocol):
    """Human or machine: sets of pictures, rounds, and what answers show. Who asked and answered
    what, the server keeps. Each may raise ConfigError (without Pillow)."""

    def sets(self) -> tuple[Sequence[Exhibition], Mapping[str, str]]:
        """Those that can be played, and by folder why others cannot."""
        ...

    def named(self, id: str = "") -> Exhibition:
        """By default the first. Raises NotFound."""
        ...

    def deal(self, quiz: str, n: int, key: bytes, seen: Collection[str]) -> Sequence[Dealt]:
        """``n`` questions, decided by a secret ``key`` and what was ``seen`` (SHA-256). Raises
        NotFound, InputError."""
        ...

    def fresh_left(self, quiz: str, seen: Collection[str]) -> int:
        """About how many more answers can count. Raises NotFound."""
        ...

    def picture(self, quiz: str, sha256: str) -> bytes:
        """A PNG that holds only pixels; all of a set have one length. Raises NotFound,
        InputError."""
        ...

    def score(self, said: Sequence[Said]) -> Score: ...


class Skills(Protocol):
    """Old skills of language models. ``model`` is an id of ``Talk.models``, "" the default; each
    may raise NotFound for one that is not here. Closing an iterator stops the model."""

    def story(
        self,
        plot: Plot | Mapping[str, Any] | str,
        wish: str = "",
        *,
        words: int = ...,
        keep: bool = False,
        model: str = "",
    ) -> Iterator[StoryEvent]:
        """Continue a plot (plain JSON, or TOML): pieces of text that fit it, then ``Told``.
        ``keep``: what does not fit stays, marked. Raises InputError, ModelMissing, ModelError."""
        ...

    def as_toml(self, plot: Plot) -> str:
        """A plot for people to edit."""
        ...

    def debate(
        self, motion: str, *, where: Filter = ..., rounds: int = ..., model: str = ""
    ) -> Iterator[DebateEvent]:
        """Both sides of a motion in checked sentences, then ``Debate``. Raises InputError."""
        ...

    def translate(
        self,
        text: str,
        to: str,
        *,
        lang: str = "",
        glossary: Mapping[str, str] | None = None,
        model: str = "",
    ) -> Iterator[TranslationEvent]:
        """Stretches as they are translated, then ``Translation``. Raises InputError, ModelMissing,
        ModelError."""
        ...

    def read(
        self, question: str, text: str, *, name: str = "", model: str = ""
    ) -> Iterator[ReadingEvent]:
        """Look a question up in a text; the last event is the ``Reading``. Raises InputError."""
        ...

    def read_file(
        self, question: str, path: str | Path, *, name: str = "", model: str = ""
    ) -> Iterator[ReadingEvent]:
        """The same in a file, which is called ``name``. Raises Unsupported, InputError,
        SourceError."""
        ...

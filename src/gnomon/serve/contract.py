"""What the server needs of the assembled product. ``assemble.Gnomon`` is the real one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from gnomon.types import (
    Digest,
    Document,
    Event,
    Filter,
    Finding,
    Found,
    Post,
    PostView,
    Spread,
    Step,
    Stories,
    Story,
    Trend,
    Trends,
    Tried,
    Turn,
    Verification,
)
from gnomon.types.generation import Delta, Fired, Generation, Spent, Vectors
from gnomon.types.library import TEXT_WEIGHT, ChunkHit, Chunking, Shelf, Shelved, Upload
from gnomon.types.pictures import Album, Commission, Picture, Stroke, Understood
from gnomon.types.post_pictures import PicturesFound
from gnomon.types.provenance import Made, MediaCheck, ReceiptCheck
from gnomon.types.provenance import Provenance as Origins
from gnomon.types.quiz import Dealt, Exhibition, Said, Score
from gnomon.types.skilled import DebateEvent, Plot, ReadingEvent, StoryEvent, TranslationEvent
from gnomon.types.spoken import Heard, Recording, Segment, Speaker, Spoken


class Setup(Protocol):
    """What a person sets up while the engine runs."""

    def settings(self) -> Mapping[str, Any]:
        """Plain JSON: each setting's ``value``, ``default`` and ``doc``; secrets are not shown."""
        ...

    def leaves(self) -> Mapping[str, Any]:
        """Plain JSON: ``chat``, the host of a model elsewhere, or None; ``sources``, whether
        sources are fetched from; ``web``, the host of a search engine that gets the questions
        whose askers allow it, or None."""
        ...

    def pulls(self) -> list[Mapping[str, Any]]:
        """Plain JSON: ``name``, ``state`` (waiting, running, done, failed, stopped), ``done`` and
        ``total`` in bytes, ``error``."""
        ...

    def pull(self, name: str) -> Mapping[str, Any]:
        """Begin to fetch a known model. Raises NotFound."""
        ...

    def stop(self, name: str) -> Mapping[str, Any]:
        """Stop fetching one. Raises NotFound where it is not under way."""
        ...


class UploadLimits(Protocol):
    """Bytes of one upload, and of all uploads of one caller together."""

    @property
    def file_bytes(self) -> int: ...

    @property
    def caller_bytes(self) -> int: ...


class Library(Protocol):
    """Uploads as texts, and the shelves (vector stores) that they are searched on. Whose they are,
    the server knows. A shelf is made by its first use."""

    @property
    def limits(self) -> UploadLimits: ...

    @property
    def files_dir(self) -> Path:
        """Where the server keeps uploads."""
        ...

    def shelve(self, shelf: str, upload: Upload, chunking: Chunking) -> Shelved:
        """Read an upload and put it on a shelf, in place of what stood there of it. Raises
        Unsupported, InputError (it cannot be read), SourceError, StoreError."""
        ...

    def unshelve(self, shelf: str, file: str) -> None:
        """Take an upload off, with its texts and vectors."""
        ...

    def forget(self, shelf: str) -> None:
        """Delete a shelf and all that is on it."""
        ...

    def shelves(self) -> list[str]: ...

    def texts(self, shelf: str, file: str) -> list[str]:
        """The chunks of an upload, in their order."""
        ...

    def search(
        self,
        shelves: Sequence[Shelf],
        queries: Sequence[str],
        *,
        k: int = 10,
        text_weight: float = TEXT_WEIGHT,
    ) -> list[ChunkHit]:
        """The best chunks for any of the queries, scored 0..1."""
        ...

    def ask(
        self,
        question: str,
        shelves: Sequence[Shelf],
        *,
        held: bool = False,
        where: Filter = ...,
        now: float | None = None,
        turns: Sequence[Turn] = (),
        live: bool = False,
    ) -> Iterator[Event]:
        """As ``Engine.ask``, over shelves and, with ``held``, over what is held under ``where``.
        What an upload says has the ``Evidence.source`` ``file:upload/`` and the upload's id. The
        receipt lies with the first shelf (``answer``), never in the public journal."""
        ...

    def answer(self, shelf: str, id: str) -> Mapping[str, Any]:
        """A receipt of ``ask``, without quotes of what was taken off since, or NotFound."""
        ...


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


class Rising(Protocol):
    """What is rising, and the stories."""

    def trends(
        self,
        window_s: float = ...,
        *,
        kind: str = "",
        lang: str = "",
        k: int = 20,
        now: float | None = None,
        unsure: bool = True,
    ) -> Trends:
        """What rises in the window that ends at ``now`` (the present, or the newest post), the most
        surprising first. Raises InputError."""
        ...

    def explain(
        self, term: str, *, window_s: float = ..., lang: str = "", now: float | None = None
    ) -> Trend:
        """The figures of one term, rising or not. Raises NotFound where nobody said it,
        InputError."""
        ...

    def stories(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        langs: Sequence[str] = (),
        k: int = 20,
        by: str = "interest",
    ) -> Stories:
        """The ``k`` best stories of a time (default: the last 24 hours, or those before the newest
        post), by "interest" or "support". Raises InputError."""
        ...

    def story(self, id: str) -> Story:
        """A story, told; ``id`` may be that of a story that went into it, or of a post in it.
        Raises NotFound."""
        ...

    def spread(self, post: str) -> Spread:
        """Who repeated the origin of a post, when and how. Raises NotFound."""
        ...


class Digests(Protocol):
    """Dated briefs: made, kept, shown."""

    def make(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        about: str = "",
        langs: Sequence[str] = (),
        lang: str = "en",
        k: int = 8,
    ) -> Iterator[Step | Digest]:
        """Steps, then the Digest. Closing the iterator stops the work. Raises InputError."""
        ...

    def kept(self, limit: int = 20) -> list[Digest]: ...

    def digest(self, id: str) -> Digest:
        """Raises NotFound."""
        ...

    def shown(
        self, digest: Digest, form: str, *, base: str = "", style_at: str = ""
    ) -> str | dict[str, Any]:
        """As Markdown, HTML, RSS, Atom or a JSON object. Raises InputError."""
        ...

    def feed(self, form: str, *, base: str) -> str: ...

    def style(self) -> str: ...


class Supply(Protocol):
    """The sources that are followed."""

    def rows(self) -> list[dict[str, Any]]:
        """Each source on the list with what is held of it and how it is doing, as JSON."""
        ...

    def add_remote(self, spec: str, *, every_s: float | None = None) -> object:
        """Follow one more source of the network. Raises InputError."""
        ...

    def try_remote(self, spec: str, *, for_s: float = ...) -> Tried:
        """What a source of the network gives, kept nowhere. Raises InputError."""
        ...

    def pause(self, spec: str, paused: bool) -> object:
        """Raises NotFound."""
        ...

    def remove(self, spec: str) -> object:
        """Raises NotFound."""
        ...


class Provenance(Protocol):
    """What is made here is signed, and what others signed is read (C2PA)."""

    def sign(self, data: bytes, mime: str, made: Made) -> bytes:
        """``data`` with a manifest in it; a format that can carry none comes back as it is (see
        ``sidecar``). The key is made by its first use. Raises InputError where ``data`` is not of
        the type, ConfigError without ``gnomon[provenance]``, StoreError."""
        ...

    def sidecar(self, data: bytes, mime: str, made: Made) -> bytes:
        """A manifest to lie beside ``data`` as a ``.c2pa`` file. Raises as ``sign``."""
        ...

    def read(self, data: bytes | Path, mime: str = "", *, sidecar: bytes = b"") -> Origins:
        """What the manifest of anybody's file says and whether it holds, read in a confined
        process. ``mime`` is only a hint; the bytes decide. ``sidecar`` is a manifest that lies
        beside the file. Raises Unsupported, InputError,
        SourceError, ConfigError."""
        ...

    def about(self) -> Mapping[str, Any]:
        """Plain JSON: our own ``keys`` (``id``, ``since``, ``until``, ``retired``, ``public`` and
        ``root`` as PEM), how many certificates are ``trusted``."""
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


class MediaChecks(Protocol):
    """Who signed the pictures that came with posts."""

    def check(self, post: str) -> Sequence[MediaCheck]:
        """Fetch and look at the pictures of a held post now; only the verdicts are kept
        (``PostView.media_checks``). Raises NotFound, ConfigError, StoreError."""
        ...


class Receipts(Protocol):
    """The signed receipts of what is in the journal."""

    def show(self, id: str) -> Mapping[str, Any]:
        """The receipt of an answer or a check, to take away: ``statement``, ``jws``, ``leaves``,
        the ``answer``, ``public_key``. Raises NotFound, StoreError."""
        ...

    def verify(self, given: Mapping[str, Any], public: str = "") -> ReceiptCheck:
        """Whether a receipt holds, by our own keys or the ``public`` one (PEM). Raises
        InputError."""
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


class Engine(Protocol):
    """Every method is synchronous and may be called from several threads at once."""

    @property
    def setup(self) -> Setup: ...

    @property
    def talk(self) -> Talk: ...

    def ask(
        self,
        question: str,
        *,
        where: Filter = ...,
        now: float | None = None,
        turns: Sequence[Turn] = (),
        live: bool = False,
    ) -> Iterator[Event]:
        """Steps, then checked sentences, then ``Finished``. ``turns`` are the conversation before
        the question, oldest first, which may lean on them. ``live`` allows that the question goes
        to the search engine that the owner set, if one is. Closing the iterator stops the model.
        Raises InputError for a question that cannot be used."""
        ...

    def check(
        self,
        document: Document | Sequence[str],
        *,
        against: Sequence[Post] | None = None,
        where: Filter = ...,
        date: float | None = None,
        now: float | None = None,
        most: int | None = None,
    ) -> Iterator[Verification | Finding]:
        """The Verification as it begins, a Finding for each statement, the Verification whole.
        Closing the iterator stops the work. Raises InputError for a text that cannot be used, and
        where it makes more than ``most`` statements."""
        ...

    @property
    def library(self) -> Library: ...

    @property
    def rising(self) -> Rising: ...

    @property
    def digests(self) -> Digests: ...

    @property
    def supply(self) -> Supply: ...

    @property
    def provenance(self) -> Provenance: ...

    @property
    def receipts(self) -> Receipts: ...

    @property
    def media_checks(self) -> MediaChecks: ...

    @property
    def voice(self) -> Voice: ...

    @property
    def skills(self) -> Skills: ...

    @property
    def quiz(self) -> Quiz: ...

    @property
    def pictures(self) -> Pictures: ...

    @property
    def post_pictures(self) -> PostPictures: ...

    def now(self) -> float:
        """The time that it is for what is held, epoch seconds."""
        ...

    def search(self, words: str, *, k: int = 10, where: Filter = ...) -> list[Found]: ...

    def show(self, post: str) -> PostView:
        """Raises NotFound (saying so if the author deleted it)."""
        ...

    def answer(self, id: str) -> Mapping[str, Any]:
        """A journalled answer or check as JSON, without quotes of deleted posts, or NotFound."""
        ...

    def unindexed(self) -> int:
        """Changes of the record that cannot be searched yet, where they are many; else 0."""
        ...

    def status(self) -> Mapping[str, Any]:
        """Plain JSON: posts, origins, sources, gaps, set aside, models, disk, views."""
        ...

    def models(self) -> list[Mapping[str, Any]]:
        """Plain JSON: the table of known models, with what is here and in use."""
        ...

"""``POST /v1/skills/{story,debate,translate,read}``: old skills of language models.

Streamed, the events are ``step``, then what there is more of (``piece`` of a story, ``argued`` in a
debate, ``stretch`` of a translation), and last ``story``, ``debate``, ``translation`` or
``reading``, the whole; or ``error`` (the error object).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from gnomon.errors import ModelMissing
from gnomon.serve import quota
from gnomon.serve.attached import Attached, attached
from gnomon.serve.caller import caller_of
from gnomon.serve.context import Context
from gnomon.serve.contract import Engine
from gnomon.serve.file_rows import Files
from gnomon.serve.http import ApiError, field, filter_from, read_json
from gnomon.serve.library import files_of
from gnomon.serve.render import Answering
from gnomon.serve.sse import frame
from gnomon.serve.transcript import tokens
from gnomon.types import Step
from gnomon.types.skilled import (
    Argued,
    Debate,
    Piece,
    Plot,
    Reading,
    SkillEvent,
    Stretch,
    Told,
    Translation,
)
from gnomon.wire import to_json

Data = dict[str, Any]
Begin = Callable[[Engine], Iterator[SkillEvent]]
MAX_TEXT_CHARS = 200_000
FIELDS: Mapping[str, tuple[str, ...]] = {
    "story": ("plot", "wish", "words", "keep", "model", "stream"),
    "debate": (
        *("motion", "rounds", "model", "stream"),
        *("since", "until", "source", "author", "lang"),
    ),
    "translate": ("text", "to", "from", "glossary", "model", "stream"),
    "read": ("question", "text", "file_id", "file_data", "filename", "model", "stream"),
}
WORDS = (20, 2_000, 250)
"""Least, most and usual words of a part of a story."""
ROUNDS = (1, 4, 2)


def routes(context: Context) -> list[Route]:
    api = _Api(context, files_of(context))
    return [Route(f"/v1/skills/{name}", getattr(api, name), methods=["POST"]) for name in FIELDS]


@dataclass(frozen=True, slots=True)
class Doing:
    """What a request has the engine do; ``asked`` is what counts as its tokens."""

    make: Begin
    stream: bool
    asked: str

    def begin(self, engine: Engine) -> Iterator[SkillEvent]:
        """Where a skill cannot go without a chat model and there is none, that is told as what it
        is: nothing to try again, and nobody's fault."""
        try:
            return self.make(engine)
        except ModelMissing as error:
            raise ApiError(404, str(error), type="not_found", code="no_chat_model") from error


class _Api:
    """The endpoints over one Context."""

    def __init__(self, context: Context, files: Files) -> None:
        self._desk = context.desk
        self._files = files

    async def story(self, request: Request) -> Answering[SkillEvent]:
        return self._answering(story(await read_json(request)))

    async def debate(self, request: Request) -> Answering[SkillEvent]:
        return self._answering(debate(await read_json(request)))

    async def translate(self, request: Request) -> Answering[SkillEvent]:
        return self._answering(translate(await read_json(request)))

    async def read(self, request: Request) -> Answering[SkillEvent]:
        body = await read_json(request)
        reading = read(body)
        if (file := reading.file) is not None and file.file:
            find = partial(self._files.find, file.file, caller_of(request).id)
            held = await self._desk.call(find)
            path = self._files.path(held.id)
            reading = Read(**{**_fields(reading), "file": Attached(held.name, path=path)})
        return self._answering(Doing(reading.begin, reading.stream, reading.asked))

    def _answering(self, doing: Doing) -> Answering[SkillEvent]:
        as_toml = partial(_toml, self._desk.engine)
        return Answering(self._desk, doing, SkillRenderer(doing.asked, as_toml))


def _toml(engine: Engine, plot: Plot) -> str:
    return engine.skills.as_toml(plot)


def _fields(value: Any) -> Data:
    return {name: getattr(value, name) for name in value.__slots__}


# ------------------------------------------------------------------------------- requests


def story(body: Mapping[str, Any]) -> Doing:
    """``plot`` is an object or TOML; ``wish`` says what happens next."""
    _known(body, "story")
    plot = body.get("plot")
    if plot is None:
        plot = {}
    if not isinstance(plot, Mapping | str):
        raise ApiError(
            400, "'plot' is neither an object nor TOML text.", param="plot", code="invalid_type"
        )
    wish, model = field(body, "wish", str, ""), field(body, "model", str, "")
    words = _bounded(body, "words", WORDS)
    keep = field(body, "keep", bool, False)

    def begin(engine: Engine) -> Iterator[SkillEvent]:
        return engine.skills.story(plot, wish, words=words, keep=keep, model=model)

    return Doing(begin, field(body, "stream", bool, False), wish)


def debate(body: Mapping[str, Any]) -> Doing:
    _known(body, "debate")
    motion = _words(body, "motion")
    model, rounds = field(body, "model", str, ""), _bounded(body, "rounds", ROUNDS)
    where = filter_from(body)

    def begin(engine: Engine) -> Iterator[SkillEvent]:
        return engine.skills.debate(motion, where=where, rounds=rounds, model=model)

    return Doing(begin, field(body, "stream", bool, False), motion)


def translate(body: Mapping[str, Any]) -> Doing:
    _known(body, "translate")
    text, to = _words(body, "text"), _words(body, "to")
    lang, model = field(body, "from", str, ""), field(body, "model", str, "")
    glossary = field(body, "glossary", dict, {})
    for term, into in glossary.items():
        if not isinstance(into, str) or not into.strip() or not term.strip():
            raise ApiError(
                400,
                f"glossary[{term[:40]!r}] is no term; give a string for each.",
                param="glossary",
                code="invalid_type",
            )

    def begin(engine: Engine) -> Iterator[SkillEvent]:
        return engine.skills.translate(text, to, lang=lang, glossary=glossary, model=model)

    return Doing(begin, field(body, "stream", bool, False), text)


@dataclass(frozen=True, slots=True)
class Read:
    """A question to a text or to a file."""

    question: str
    text: str
    file: Attached | None
    name: str
    model: str
    stream: bool

    @property
    def asked(self) -> str:
        return f"{self.question} {self.text}"

    def begin(self, engine: Engine) -> Iterator[SkillEvent]:
        """A file that came with the request lies on the disk as long as it is read."""
        if self.file is None:
            return engine.skills.read(self.question, self.text, name=self.name, model=self.model)
        return self._of_file(engine, self.file)

    def _of_file(self, engine: Engine, file: Attached) -> Iterator[SkillEvent]:
        with _on_disk(engine, file) as path:
            yield from engine.skills.read_file(
                self.question, path, name=file.name, model=self.model
            )


@contextmanager
def _on_disk(engine: Engine, file: Attached) -> Iterator[Path]:
    if file.path is not None:
        yield file.path
        return
    path = engine.library.files_dir / f".part-{secrets.token_hex(12)}"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        path.write_bytes(file.data)
        yield path
    finally:
        path.unlink(missing_ok=True)


def read(body: Mapping[str, Any]) -> Read:
    """The document is one of ``text``, ``file_id`` (an upload of the caller's) and ``file_data``
    (base64, with its ``filename``)."""
    _known(body, "read")
    question = _words(body, "question")
    given = [name for name in ("text", "file_id", "file_data") if body.get(name)]
    if len(given) != 1:
        said = "Nothing is given to read" if not given else f"{' and '.join(given)} are given"
        raise ApiError(
            400,
            f"{said}; give one of text, file_id and file_data.",
            param="text",
            code="invalid_value",
        )
    name = field(body, "filename", str, "")
    file = None
    text = ""
    if given == ["text"]:
        text = _words(body, "text")
    else:
        field(body, given[0], str, "")
        file = attached({**body, "filename": name or "document"}, "document")
    model, stream = field(body, "model", str, ""), field(body, "stream", bool, False)
    return Read(question, text, file, name, model, stream)


def _known(body: Mapping[str, Any], skill: str) -> None:
    for name in body:
        if name not in FIELDS[skill]:
            there = ", ".join(FIELDS[skill])
            raise ApiError(
                400,
                f"There is no field {name[:60]!r}; there are {there}.",
                param=name[:60],
                code="unknown_parameter",
            )


def _words(body: Mapping[str, Any], name: str) -> str:
    """A string with something in it."""
    text = field(body, name, str, "")
    if not text.strip():
        raise ApiError(400, f"{name!r} is empty; give some text.", param=name, code="invalid_value")
    if len(text) > MAX_TEXT_CHARS:
        raise ApiError(
            413,
            f"{name!r} has {len(text):,} characters, and at most {MAX_TEXT_CHARS:,} are taken at "
            "once; send it in parts.",
            param=name,
            code="text_too_long",
        )
    return text


def _bounded(body: Mapping[str, Any], name: str, bounds: Sequence[int]) -> int:
    least, most, usual = bounds
    value = field(body, name, int, usual)
    if not least <= value <= most:
        raise ApiError(
            400,
            f"{name!r} is {value}; give {least} to {most:,}.",
            param=name,
            code="invalid_value",
        )
    return value


# ------------------------------------------------------------------------------- events


class SkillRenderer:
    """The events of a skill; see ``render.Renderer``."""

    def __init__(self, asked: str, as_toml: Callable[[Plot], str]) -> None:
        self._asked = asked
        self._as_toml = as_toml
        self._whole: Data = {}

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def event(self, event: SkillEvent) -> Iterator[bytes]:
        if isinstance(event, Step | Piece | Argued | Stretch):
            yield frame(to_json(event), _NAMES[type(event)])
            return
        self._whole = {"object": _OBJECTS[type(event)], **to_json(event)}
        said = ""
        if isinstance(event, Told):
            self._whole["toml"] = self._as_toml(event.plot)
            said = event.text
        elif isinstance(event, Translation):
            self._whole["whole"] = event.whole
            said = event.text
        elif isinstance(event, Debate):
            said = " ".join(one.text for side in event.sides for one in side.sentences)
        else:
            said = event.answer
        quota.spent(tokens(self._asked), tokens(said))
        yield frame(self._whole, _NAMES[type(event)])

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body(), "error")

    def whole(self) -> Data:
        return self._whole


_NAMES: Mapping[type, str] = {
    Step: "step",
    Piece: "piece",
    Argued: "argued",
    Stretch: "stretch",
    Told: "story",
    Debate: "debate",
    Translation: "translation",
    Reading: "reading",
}
_OBJECTS: Mapping[type, str] = {
    kind: f"gnomon.{_NAMES[kind]}" for kind in (Told, Debate, Translation, Reading)
}

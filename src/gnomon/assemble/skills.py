"""The skills of the assembled product: a story, a debate, a translation, a reading."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from gnomon.errors import InputError
from gnomon.ingest import language
from gnomon.models.protocols import Chat
from gnomon.skills import consistency, plots, story
from gnomon.skills.debate import ROUNDS, debate
from gnomon.skills.read import MOST_CHARS, Tools, read
from gnomon.skills.translate import read_glossary, translate
from gnomon.sources import sandbox
from gnomon.sources.parser import READS
from gnomon.sources.reading import as_text
from gnomon.text.flow import flowed
from gnomon.truth.check import Bench
from gnomon.types import Filter
from gnomon.types.library import Part
from gnomon.types.skilled import (
    DebateEvent,
    Plot,
    ReadingEvent,
    Slip,
    StoryEvent,
    TranslationEvent,
)

__all__ = ["Parts", "Skills", "read_glossary"]

ANY = Filter()
_LINED = ("text", "markdown")
"""Kinds of files whose lines a reader can look up."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What skills work with. ``chat`` gives the configured chat model, ``named`` another of this
    machine by its id."""

    chat: Callable[[], Chat | None]
    named: Callable[[str], Chat]
    bench: Callable[[Chat | None], Bench]
    now: Callable[[], float]
    timeout_s: float = 60.0


class Skills:
    """See ``serve.contract.Skills``. Thread-safe as far as its parts are."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stop = threading.Event()

    def _chat(self, model: str) -> Chat | None:
        return self._parts.named(model) if model else self._parts.chat()

    # -- story ----------------------------------------------------------------------------------
    def story(
        self,
        plot: Plot | Mapping[str, Any] | str,
        wish: str = "",
        *,
        words: int = story.USUAL_WORDS,
        keep: bool = False,
        model: str = "",
    ) -> Iterator[StoryEvent]:
        """Continue a plot: pieces of text as they are found to fit, then ``Told``. A plot may be
        given as plain JSON or as TOML. Raises InputError, ModelMissing, ModelError, NotFound."""
        return story.tell(
            self.plot(plot),
            wish,
            self._chat(model),
            words=words,
            keep=keep,
            timeout_s=self._parts.timeout_s,
        )

    def plot(self, plot: Plot | Mapping[str, Any] | str, name: str = "plot") -> Plot:
        """A plot out of JSON or TOML. Raises InputError."""
        if isinstance(plot, Plot):
            return plot
        return plots.from_toml(plot, name) if isinstance(plot, str) else plots.from_json(plot, name)

    def as_toml(self, plot: Plot) -> str:
        return plots.to_toml(plot)

    def slips(self, plot: Plot) -> list[tuple[int, Slip]]:
        """What in a plot's parts does not fit its state, with each part's number."""
        return consistency.check(plot)

    # -- debate ---------------------------------------------------------------------------------
    def debate(
        self,
        motion: str,
        *,
        where: Filter = ANY,
        now: float | None = None,
        rounds: int = ROUNDS,
        model: str = "",
    ) -> Iterator[DebateEvent]:
        """Argue a motion from what is held: checked sentences, then ``Debate``. Raises InputError,
        NotFound, ModelError (a model that was asked for by name and cannot be had)."""
        chat = self._chat(model)
        return debate(
            motion,
            self._parts.bench(chat),
            chat,
            where=where,
            now=self._parts.now() if now is None else now,
            rounds=rounds,
            timeout_s=self._parts.timeout_s,
        )

    # -- translate ------------------------------------------------------------------------------
    def translate(
        self,
        text: str,
        to: str,
        *,
        lang: str = "",
        glossary: Mapping[str, str] | None = None,
        model: str = "",
    ) -> Iterator[TranslationEvent]:
        """Translate a text: stretches as they are done, then ``Translation``. Raises InputError,
        ModelMissing, ModelError, NotFound."""
        return translate(
            text,
            to,
            self._chat(model),
            language=language,
            lang=lang,
            glossary=glossary,
            timeout_s=self._parts.timeout_s,
        )

    # -- read -----------------------------------------------------------------------------------
    def read(
        self, question: str, text: str, *, name: str = "", model: str = ""
    ) -> Iterator[ReadingEvent]:
        """Look a question up in a text. Raises InputError, NotFound, ModelError."""
        if len(text) > MOST_CHARS:
            raise InputError(f"The text has {len(text):,} characters; at most {MOST_CHARS:,}.")
        parts = [Part(flowed(text, markdown=True) or text)]
        return read(question, parts, self._tools(model), name=name, raw=text)

    def read_file(
        self, question: str, path: str | Path, *, name: str = "", model: str = ""
    ) -> Iterator[ReadingEvent]:
        """Look a question up in a file of any format that uploads may have, parsed in a confined
        process. Raises Unsupported, InputError, SourceError, NotFound, ModelError."""
        called = name or PurePath(path).name
        try:
            parsed = sandbox.parse(path, called, stop=self._stop)
            lined = READS.get(PurePath(called).suffix.lower(), "text") in _LINED
            raw = as_text(Path(path).read_bytes(), called) if lined else ""
        except OSError as error:
            raise InputError(
                f"{str(path)!r} cannot be read ({error.strerror or error}); check the path."
            ) from error
        return read(question, parsed.parts, self._tools(model), name=called, raw=raw)

    def _tools(self, model: str) -> Tools:
        chat = self._chat(model)
        bench = self._parts.bench(None)
        return Tools(bench.entail, bench.embed, chat, self._parts.timeout_s)

    def close(self) -> None:
        self._stop.set()

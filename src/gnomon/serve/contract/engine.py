"""The product as the server sees it. ``assemble.Gnomon`` is the real one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from gnomon.serve.contract.held import Digests, Library, Rising, Supply
from gnomon.serve.contract.made import Pictures, PostPictures, Quiz, Skills, Talk, Voice
from gnomon.serve.contract.signed import MediaChecks, Provenance, Receipts
from gnomon.types import Document, Event, Filter, Finding, Found, Post, PostView, Turn, Verification


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

"""A real server on a real port: over the sample world, or over an engine that a test scripts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gnomon.config import load
from gnomon.errors import NotFound
from gnomon.serve import app
from gnomon.serve.contract import (
    Digests,
    Engine,
    Library,
    MediaChecks,
    Pictures,
    PostPictures,
    Provenance,
    Quiz,
    Receipts,
    Rising,
    Skills,
    Supply,
    Talk,
    Voice,
)
from gnomon.serve.sse import BEAT
from gnomon.types import (
    Document,
    Event,
    Filter,
    Finding,
    Finished,
    Found,
    Post,
    PostView,
    Turn,
    Verification,
)


@contextmanager
def running(engine: Engine, **options: Any) -> Iterator[str]:
    """The address of a server over ``engine``, as ``http://127.0.0.1:PORT``."""
    listening = app.listen("127.0.0.1", 0)
    server = app.server(engine, **options)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield app.url_of(listening)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()


def frames_of(text: str) -> list[str]:
    """The frames of a stream, without the heartbeats that a slow machine hears in between."""
    return text.replace(BEAT.decode(), "").removesuffix("\n\n").split("\n\n")


@contextmanager
def sample_world(home: Path, **settings: Any) -> Iterator[Engine]:
    """The real engine over the sample world, without models."""
    from gnomon.assemble import open_sample

    with open_sample(load(home, {}, chat_model="none", embed_model="none", **settings)) as gnomon:
        yield gnomon


ANY = Filter()

# The sample world answers most of these; which ones is for the case files to say, so a test of
# the server takes the first that is answered with a citation.
ENGLISH = (
    "What was the strongest gust of Storm Ottoline?",
    "What was the turnout in the mayoral election?",
    "How much lead did Ondle Water measure in the Marrowick supply?",
    "How many people does Lunde Kiln Works employ?",
)
CHINESE = (
    "翁德谷医院急诊科会关闭吗？",
    "伦德陶瓷厂火灾损失多少克朗？",
    "马罗维克的自来水铅超标吗？",
    "中文学校每学期学费多少？",
)
SEVERAL_SENTENCES = (
    "Is Ondle Vale Hospital closing its emergency department?",
    "Does the mayor plan to sell the harbour?",
    "Is there too much lead in Marrowick's tap water?",
    "When will Cliff Road reopen?",
)
UNANSWERABLE = "What is the capital of France?"


def answered(engine: Engine, questions: Sequence[str], sentences: int = 1) -> str:
    """The first of ``questions`` that gets a cited answer of at least so many sentences."""
    for question in questions:
        *_, last = engine.ask(question)
        assert isinstance(last, Finished)
        if last.answer.citations and len(last.answer.sentences) >= sentences:
            return question
    raise AssertionError(f"The sample world answers none of {questions}.")


class ScriptedSetup:
    """Nothing to set up: what an engine of a test has."""

    def settings(self) -> Mapping[str, Any]:
        return {}

    def leaves(self) -> Mapping[str, Any]:
        return {"chat": None, "sources": False}

    def pulls(self) -> list[Mapping[str, Any]]:
        return []

    def pull(self, name: str) -> Mapping[str, Any]:
        raise NotFound(f"There is no model {name!r} to pull.")

    def stop(self, name: str) -> Mapping[str, Any]:
        raise NotFound(f"No pull of {name!r} is under way.")


class Scripted:
    """An engine whose ``ask`` (and ``check``) is the test's own generator: for what a healthy
    engine never does."""

    def __init__(
        self,
        ask: Callable[[str], Iterator[Event]],
        check: Callable[[], Iterator[Verification | Finding]] = lambda: iter(()),
    ) -> None:
        self._ask = ask
        self._check = check
        self.asked: list[Filter] = []
        self.setup = ScriptedSetup()

    def ask(
        self,
        question: str,
        *,
        where: Filter = ANY,
        now: float | None = None,
        turns: Sequence[Turn] = (),
        live: bool = False,
    ) -> Iterator[Event]:
        self.asked.append(where)
        return self._ask(question)

    def check(
        self,
        document: Document | Sequence[str],
        *,
        against: Sequence[Post] | None = None,
        where: Filter = ANY,
        date: float | None = None,
        now: float | None = None,
        most: int | None = None,
    ) -> Iterator[Verification | Finding]:
        self.asked.append(where)
        return self._check()

    @property
    def library(self) -> Library:
        raise NotFound("A scripted engine keeps no uploads.")

    @property
    def rising(self) -> Rising:
        raise NotFound("A scripted engine has no stories.")

    @property
    def digests(self) -> Digests:
        raise NotFound("A scripted engine makes no digests.")

    @property
    def supply(self) -> Supply:
        raise NotFound("A scripted engine follows nothing.")

    @property
    def talk(self) -> Talk:
        raise NotFound("A scripted engine has no models.")

    @property
    def provenance(self) -> Provenance:
        raise NotFound("A scripted engine signs nothing.")

    @property
    def media_checks(self) -> MediaChecks:
        raise NotFound("A scripted engine looks at no pictures.")

    @property
    def receipts(self) -> Receipts:
        raise NotFound("A scripted engine keeps no receipts.")

    @property
    def pictures(self) -> Pictures:
        raise NotFound("A scripted engine draws nothing.")

    @property
    def post_pictures(self) -> PostPictures:
        raise NotFound("A scripted engine keeps no pictures.")

    @property
    def voice(self) -> Voice:
        raise NotFound("A scripted engine is mute.")

    @property
    def quiz(self) -> Quiz:
        raise NotFound("A scripted engine shows no pictures.")

    @property
    def skills(self) -> Skills:
        raise NotFound("A scripted engine has no skills.")

    def now(self) -> float:
        return 1_773_000_000.0

    def search(self, words: str, *, k: int = 10, where: Filter = ANY) -> list[Found]:
        self.asked.append(where)
        return []

    def show(self, post: str) -> PostView:
        raise NotFound(f"No post {post!r} is held.")

    def answer(self, id: str) -> Mapping[str, Any]:
        raise NotFound(f"No answer {id!r} is held.")

    def unindexed(self) -> int:
        return 0

    def status(self) -> Mapping[str, Any]:
        return {
            "posts": 0,
            "origins": 0,
            "sources": [{"source": "feed:https://news.example.org/rss"}, {"source": "bluesky"}],
        }

    def models(self) -> list[Mapping[str, Any]]:
        return []

"""What an evaluation asks of a model, and how texts become tokens for it.

Contexts, continuations and windows are cut as lm-evaluation-harness cuts them
(https://github.com/EleutherAI/lm-evaluation-harness/blob/main/lm_eval/api/model.py), so that the
numbers are the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

Ids = Sequence[int]
At = Callable[[int], None]
"""Told how many of what was asked for are done."""


def nobody(done: int) -> None:
    """An ``At`` that nobody listens to."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The log-probability of a text in nats, over ``tokens``; ``greedy``: each token of it was the
    likeliest one."""

    log_prob: float
    greedy: bool
    tokens: int


class Scorer(Protocol):
    """A model to be evaluated. ``context`` is what it reads, in tokens."""

    @property
    def name(self) -> str: ...

    @property
    def context(self) -> int: ...

    def score(self, pairs: Sequence[tuple[str, str]], at: At = nobody) -> list[Scored]:
        """For each (context, continuation), how probable the continuation is after the context;
        an empty context is the beginning of a document."""
        ...

    def rolling(self, texts: Sequence[str], at: At = nobody) -> list[Scored]:
        """Each whole text from the beginning of a document on; ``greedy`` means nothing here."""
        ...

    def generate(
        self, prompts: Sequence[str], *, until: Sequence[str], most: int, at: At = nobody
    ) -> list[str]:
        """The likeliest continuation of each prompt, up to one of ``until`` (not in it), the end
        of the document or ``most`` tokens. A prompt that leaves no room is cut from the left."""
        ...

    def close(self) -> None: ...


class TokenScorer(ABC):
    """A Scorer over ids: a runtime gives the five functions below, the rest is here."""

    name: str
    context: int
    start: int
    """The id that stands before a document."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """A text that spells a special token is text."""

    @abstractmethod
    def decode(self, ids: Ids) -> str: ...

    @abstractmethod
    def score_ids(self, pairs: Sequence[tuple[Ids, Ids]], at: At) -> list[Scored]:
        """Together a pair has at most ``context`` + 1 tokens; neither is empty."""

    @abstractmethod
    def continue_ids(
        self, prompts: Sequence[Ids], *, most: int, until: Sequence[str] = (), at: At = nobody
    ) -> list[list[int]]:
        """The likeliest tokens after each prompt, without the one that ended them; they may run on
        past a text of ``until``. A prompt and ``most`` fit the context together."""

    @abstractmethod
    def close(self) -> None: ...

    def score(self, pairs: Sequence[tuple[str, str]], at: At = nobody) -> list[Scored]:
        asked: list[tuple[Ids, Ids]] = []
        owner: list[int] = []
        for number, (before, after) in enumerate(self._encode_pairs(pairs)):
            for piece in self._fitted(before, after):
                asked.append(piece)
                owner.append(number)
        return _summed(self.score_ids(asked, _scaled(at, len(pairs), asked)), owner, len(pairs))

    def rolling(self, texts: Sequence[str], at: At = nobody) -> list[Scored]:
        asked: list[tuple[Ids, Ids]] = []
        owner: list[int] = []
        for number, ids in enumerate(self.encode(texts)):
            for window in windows(ids, self.start, self.context):
                asked.append(window)
                owner.append(number)
        return _summed(self.score_ids(asked, _scaled(at, len(texts), asked)), owner, len(texts))

    def generate(
        self, prompts: Sequence[str], *, until: Sequence[str], most: int, at: At = nobody
    ) -> list[str]:
        room = self.context - most
        rows = [ids[-room:] or [self.start] for ids in self.encode(prompts)]
        made = self.continue_ids(rows, most=most, until=until, at=at)
        return [cut(self.decode(ids), until) for ids in made]

    def _encode_pairs(self, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[Ids, Ids]]:
        """Spaces at the end of a context belong to what follows, as words carry them."""
        moved = [
            (before.rstrip(), before[len(before.rstrip()) :] + after) if before else ("", after)
            for before, after in pairs
        ]
        contexts = self.encode([before for before, _ in moved])
        wholes = self.encode([before + after for before, after in moved])
        for before, whole in zip(contexts, wholes, strict=True):
            if before:
                yield before, whole[len(before) :]
            elif whole[0] == self.start:
                yield whole[:1], whole[1:]
            else:
                yield [self.start], whole

    def _fitted(self, before: Ids, after: Ids) -> Iterator[tuple[Ids, Ids]]:
        """Cut from the left; a continuation that is longer than the context comes in windows."""
        if len(after) <= self.context:
            yield before[-(self.context + 1 - len(after)) :], after
        else:
            yield from windows(after, before[-1], self.context)


def windows(ids: Ids, start: int, size: int) -> Iterator[tuple[Ids, Ids]]:
    """(before, what is predicted), each id predicted once and from as much before it as fits;
    ``size`` predictions at a time (``get_rolling_token_windows`` of the harness with a context of
    one)."""
    if not ids:
        return
    first = min(size, len(ids))
    yield [start], ids[:first]
    done = first
    while done < len(ids):
        count = min(size, len(ids) - done)
        end = done + count
        yield ids[max(0, end - size - 1) : done], ids[done:end]
        done = end


def cut(text: str, until: Sequence[str]) -> str:
    """Up to the first of the texts that end it."""
    for stop in until:
        if stop:
            text = text.split(stop)[0]
    return text


def _scaled(at: At, count: int, asked: Sequence[object]) -> At:
    """Told of pieces, as of the ``count`` things that they are pieces of."""
    return lambda done: at(done * count // max(1, len(asked)))


def _summed(parts: Sequence[Scored], owner: Sequence[int], count: int) -> list[Scored]:
    totals = [Scored(0.0, True, 0)] * count
    for part, number in zip(parts, owner, strict=True):
        so_far = totals[number]
        totals[number] = Scored(
            so_far.log_prob + part.log_prob,
            so_far.greedy and part.greedy,
            so_far.tokens + part.tokens,
        )
    return totals

"""Reading what is held and giving its words back exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from gnomon.errors import InputError
from gnomon.lab.rl.tasks.passages import Passage, terms
from gnomon.lab.rl.tasks.task import Side, Task, final, rng, side_of
from gnomon.text.tokens import is_cjk

NAME = "reading"
_LINES = {2: 1, 3: 2, 4: 3, 5: 5}
"""Level to the lines that are shown."""
_LEAST = 100
_SHORT = 60
"""Characters of a line at the two lowest levels."""


class Reading:
    """1 gives a line's first three words, 2 the one line that is shown, 3 to 5 the one of two,
    three or five lines that holds a word.

    Every line of a task lies on its side of the split, those that only distract included.
    """

    name = NAME
    levels = 5

    def __init__(self, passages: Sequence[Passage], *, longest: int = 160) -> None:
        """``longest`` line, in characters; where none is that short, the shortest there are.
        Raises InputError where there is no passage."""
        every = sorted({s for one in passages for s in one.sentences})
        if not every:
            raise InputError("there is no sentence to read; give the corpus more.")
        lines = [s for s in every if len(s) <= longest] or sorted(every, key=len)[:_LEAST]
        short = [line for line in lines if len(line) <= _SHORT]
        self._short = _by_side(short or lines)
        self._lines = _by_side(lines)

    def generate(self, seed: int, difficulty: int) -> Task:
        random = rng(NAME, seed, difficulty)
        pool = self._short if difficulty <= 2 else self._lines
        side = random.choice(sorted(pool))
        line = random.choice(pool[side])
        if difficulty == 1:
            return _first_words(line)
        shown = _beside(line, pool[side], _LINES[difficulty], random)
        text = "\n".join(f"- {one}" for one in shown)
        asked = _asked(line, shown, random)
        if asked is None:
            return Task(NAME, difficulty, shown[0], f"Quote the first line.\n{text}", shown[0])
        order = (
            f"引用含有“{asked}”的那一行。" if is_cjk(line) else f'Quote the line with "{asked}".'
        )
        return Task(NAME, difficulty, line, f"{order}\n{text}", line)

    def check(self, tasks: Sequence[Task], replies: Sequence[str]) -> list[float]:
        return [
            float(final(reply) == final(task.answer))
            for task, reply in zip(tasks, replies, strict=True)
        ]


def _first_words(line: str) -> Task:
    if is_cjk(line):
        return Task(NAME, 1, line, f"引用前三个字。\n- {line}", line[:3])
    return Task(
        NAME, 1, line, f"Quote the first three words.\n- {line}", " ".join(line.split()[:3])
    )


def _by_side(lines: Sequence[str]) -> dict[Side, list[str]]:
    found: dict[Side, list[str]] = defaultdict(list)
    for line in lines:
        found[side_of(NAME, line)].append(line)
    return dict(found)


def _beside(line: str, pool: Sequence[str], count: int, random: Random) -> list[str]:
    """``line`` among others, ``count`` in all, in a drawn order."""
    others = random.sample(pool, min(len(pool), count + 1))
    shown = [line, *[one for one in others if one != line][: count - 1]]
    random.shuffle(shown)
    return shown


def _asked(line: str, shown: Sequence[str], random: Random) -> str | None:
    """A word that only ``line`` holds; None where there is none."""
    rest = " ".join(one for one in shown if one != line).lower()
    own = [term for term in terms(line) if term.lower() not in rest]
    return random.choice(own) if own else None

"""Words and letters: saying one again, spelling, counting, turning round."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from gnomon.lab.rl.tasks.task import Task, final, rng

NAME = "strings"
WORDS = (
    "apple river stone cloud bread light house garden winter summer table paper music ocean "
    "forest bridge candle window market silver copper orange yellow purple planet rocket engine "
    "wheel train boat sail anchor harbour island desert valley mountain meadow flower butter "
    "sugar salt pepper honey lemon cherry grape melon carrot onion potato tomato rice corn bean "
    "tiger lion horse sheep goat duck goose eagle raven sparrow salmon whale shark turtle spider "
    "doctor teacher farmer baker writer painter singer dancer pilot sailor soldier king queen "
    "morning evening night week month year second minute hour letter number story poem song "
    "bottle basket bucket hammer needle button ribbon mirror pillow blanket carpet curtain"
).split()
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth")


class Strings:
    """1 says a word again, 2 gives its first letter, 3 a list's nth word, 4 its last letter, 5
    spells it, 6 counts letters, 7 turns it round, 8 sorts words."""

    name = NAME
    levels = 8

    def generate(self, seed: int, difficulty: int) -> Task:
        random = rng(NAME, seed, difficulty)
        prompt, key, answer = _MAKERS[difficulty](random)
        return Task(NAME, difficulty, f"{difficulty}:{key}", prompt, answer)

    def check(self, tasks: Sequence[Task], replies: Sequence[str]) -> list[float]:
        return [
            float(final(reply).lower() == task.answer.lower())
            for task, reply in zip(tasks, replies, strict=True)
        ]


def _again(random: Random) -> tuple[str, str, str]:
    words = " ".join(random.sample(WORDS, random.randint(1, 2)))
    return f"Say: {words}", words, words


def _letter(random: Random, which: int, name: str) -> tuple[str, str, str]:
    word = random.choice(WORDS)
    return f"What is the {name} letter of {word}?", word, word[which]


def _nth(random: Random) -> tuple[str, str, str]:
    words = random.sample(WORDS, random.randint(3, 6))
    n = random.randrange(len(words))
    text = " ".join(words)
    return f"What is the {_PLACES[n]} word? {text}", f"{n} {text}", words[n]


def _spelt(random: Random) -> tuple[str, str, str]:
    word = random.choice(WORDS)
    return f"Spell {word} with dashes.", word, "-".join(word)


def _count(random: Random) -> tuple[str, str, str]:
    word = random.choice(WORDS)
    return f"How many letters has {word}?", word, str(len(word))


def _turned(random: Random) -> tuple[str, str, str]:
    word = random.choice(WORDS)
    return f"Write {word} backwards.", word, word[::-1]


def _sorted(random: Random) -> tuple[str, str, str]:
    words = random.sample(WORDS, random.randint(3, 5))
    key = " ".join(sorted(words))
    return f"Sort by alphabet: {' '.join(words)}", key, key


_MAKERS = {
    1: _again,
    2: lambda random: _letter(random, 0, "first"),
    3: _nth,
    4: lambda random: _letter(random, -1, "last"),
    5: _spelt,
    6: _count,
    7: _turned,
    8: _sorted,
}

"""Saying something that a held text says: gnomon's own verifier is the judge.

A claim is right where the verifier finds it supported by a sentence of the passage and it is one
whole, new-born sentence about what was asked. The bounds close the ways round the judge that a
learner finds first: saying nothing, a fragment, everything at once, or one word again and again.
"""

from __future__ import annotations

from collections.abc import Sequence

from gnomon.errors import InputError
from gnomon.lab.rl.tasks.passages import Passage, terms
from gnomon.lab.rl.tasks.task import Task, clean, rng
from gnomon.models.protocols import Entail
from gnomon.text import sentences
from gnomon.text.orders import is_instruction
from gnomon.text.tokens import is_cjk, words
from gnomon.types import Stance

NAME = "grounded"
LEAST_WORDS, MOST_WORDS = 4, 40
"""Of a claim; a Chinese or Japanese one is counted in characters, twice as many."""
MOST_REPEATED = 0.5
"""Share of a claim's words that may have stood in it before: the verifier, which has read sentences
only, takes "bridge bridge bridge bridge" for what a sentence about a bridge says."""
_CANDIDATES = 50


class Grounded:
    """1 shows one sentence, 2 two and 3 three; from 2 on the claim must be about a given word.

    ``entail`` is the verifier; nothing else decides. The demonstration is a sentence of the passage
    that the verifier takes.
    """

    name = NAME
    levels = 3

    def __init__(self, passages: Sequence[Passage], entail: Entail, *, longest: int = 160) -> None:
        """``longest`` sentence, in characters; where none is that short, the shortest there are.
        Raises InputError where there is no passage."""
        self._entail = entail
        self._passages = [
            short
            for one in passages
            if (short := tuple(s for s in one.sentences if len(s) <= longest))
        ]
        if not self._passages:
            shortest = sorted(
                {s for one in passages for s in one.sentences}, key=lambda s: (len(s), s)
            )
            self._passages = [(s,) for s in shortest[:_CANDIDATES]]
        if not self._passages:
            raise InputError("there is no passage to speak about; give the corpus more.")

    def generate(self, seed: int, difficulty: int) -> Task:
        random = rng(NAME, seed, difficulty)
        for _ in range(_CANDIDATES):
            shown = random.choice(self._passages)[:difficulty]
            line = random.choice(shown)
            rest = " ".join(one for one in shown if one != line).lower()
            own = [term for term in terms(line) if term.lower() not in rest]
            if difficulty > 1 and not own:
                continue
            task = _task(shown, line, random.choice(own) if difficulty > 1 else "", difficulty)
            if self.check([task], [task.answer]) == [1.0]:
                return task
        raise InputError(
            f"of {_CANDIDATES} passages the verifier took no sentence as said by itself; the "
            "corpus holds hardly any statement."
        )

    def check(self, tasks: Sequence[Task], replies: Sequence[str]) -> list[float]:
        claims = [_claim(task, reply) for task, reply in zip(tasks, replies, strict=True)]
        pairs = [
            (window, claim)
            for task, claim in zip(tasks, claims, strict=True)
            if claim
            for window in _windows(task.facts["passage"])
        ]
        stances = iter([judged.stance for judged in self._entail.judge(pairs)])
        found = []
        for task, claim in zip(tasks, claims, strict=True):
            windows = len(_windows(task.facts["passage"])) if claim else 0
            said = [next(stances) for _ in range(windows)]
            found.append(float(Stance.SUPPORTS in said and Stance.REFUTES not in said))
        return found


def _task(shown: Sequence[str], line: str, asked: str, difficulty: int) -> Task:
    passage = " ".join(shown)
    chinese = is_cjk(passage)
    if asked:
        order = (
            f"用一句话说说“{asked}”。"
            if chinese
            else f'Say in one sentence what it says of "{asked}".'
        )
    else:
        order = "用一句话说出它说了什么。" if chinese else "Say in one sentence what it says."
    facts = {"passage": passage, "asked": asked}
    return Task(NAME, difficulty, passage, f"{order}\n- {passage}", line, facts=facts)


def _claim(task: Task, reply: str) -> str:
    """The reply as one claim; "" where it is none, whatever a judge would say."""
    text = clean(reply)
    said = words(text)
    size = len(said) // 2 if is_cjk(text) else len(said)
    if len(set(said)) < max(LEAST_WORDS, (1 - MOST_REPEATED) * len(said)):
        return ""
    asked = task.facts["asked"].lower()
    if not LEAST_WORDS <= size <= MOST_WORDS or asked not in text.lower() or is_instruction(text):
        return ""
    if len(sentences.split(text)) != 1 or text.endswith(("?", "？")):
        return ""
    return f"{text}{'。' if is_cjk(text) else '.'}"


def _windows(passage: str) -> list[str]:
    """A window for each sentence: it is judged, those before it are its context."""
    return [passage[:end] for _, end in sentences.split(passage)]

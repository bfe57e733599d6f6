"""In what order the English verifier learns: first the published sets and their edits, then, at a
lower rate, what posts are made of, among pairs that keep it from forgetting the first.

What comes late weighs most, and costs a third of learning everything anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gnomon.lab.verifier.pairs import Pair


@dataclass(frozen=True, slots=True)
class Course:
    """One go over some of the pairs. ``most`` caps a source, or all that begin with a name and a
    colon alike ("event:"), each by itself; ``otherwise`` the rest, None for no cap. Pairs that the
    course before had are left out, save of the sources ``again`` (None: all may come again).
    ``rate``, ``head_rate`` and ``epochs`` are None where the recipe's own hold; ``seed`` is added
    to the recipe's."""

    most: Mapping[str, int]
    otherwise: int | None
    again: frozenset[str] | None = None
    rate: float | None = None
    head_rate: float | None = None
    epochs: float | None = None
    seed: int = 0

    def cap(self, source: str) -> int | None:
        """How many pairs of the source are taken; None for all."""
        kind = source.partition(":")[0] + ":"
        return self.most.get(source, self.most.get(kind, self.otherwise))

    def drawn(self, pairs: Iterable[Pair], before: Iterable[Pair] = ()) -> list[Pair]:
        """The pairs of this course, in order; ``before`` are those of the course before it."""
        met = {(pair.window, pair.claim) for pair in before}
        left: dict[str, int | None] = {}
        found = []
        for pair in pairs:
            room = left.setdefault(pair.source, self.cap(pair.source))
            again = self.again is None or pair.source in self.again
            if room == 0 or (not again and (pair.window, pair.claim) in met):
                continue
            left[pair.source] = None if room is None else room - 1
            found.append(pair)
        return found


ALL = (Course({}, None),)
"""Everything at once, by the recipe's own rates."""

_NEWS = {
    "standing:": 0, "post:": 0, "edit:nearly": 0, "edit:circumstance": 0, "edit:jest": 0,
    "text:beside": 0,
}  # fmt: skip
EPOCHS = 1.6
"""Of the first of these courses, where nothing else is asked for."""
ENGLISH = (
    Course(_NEWS, None, rate=1e-4),
    Course(
        {
            "edit:circumstance": 2500, "edit:nearly": 1500, "edit:jest": 900,
            "post:unrelated": 1800, "text:beside": 1800, "edit:unrelated": 1500, "fever": 3500,
            "citint": 1500, "scifact": 900, "factcheck_gpt": 1000, "conjnli": 700,
            "factcg:stage1": 200, "factcg:stage2_doc": 300, "med": 150, "breaking_nli": 100,
            "edit:number": 350, "edit:negation": 350, "edit:hedge": 350, "edit:plan": 350,
            "edit:opposite": 350, "edit:speech": 250, "standing:": 200, "event:": 35,
        },
        140, rate=5e-5, head_rate=1e-4, epochs=1.0,
    ),
    Course(
        {
            "edit:circumstance": 900, "edit:nearly": 250, "edit:jest": 250,
            "post:unrelated": 500, "text:beside": 400, "edit:unrelated": 1800, "fever": 8000,
            "citint": 1800, "scifact": 1000, "factcheck_gpt": 1800, "conjnli": 1500,
            "factcg:stage1": 500, "factcg:stage2_doc": 900, "med": 300, "breaking_nli": 200,
            "edit:number": 500, "edit:negation": 400, "edit:hedge": 300, "edit:plan": 250,
            "edit:opposite": 500, "edit:speech": 200, "edit:bound": 400, "edit:date": 300,
            "edit:year": 300, "edit:person": 300, "standing:": 90, "event:": 60,
        },
        200, frozenset({"fever"}), rate=4e-5, head_rate=1e-4, epochs=1.0, seed=1,
    ),
)  # fmt: skip

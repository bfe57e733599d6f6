"""Every family of tasks, opened over what is held, with the verifier that judges claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from gnomon.errors import InputError
from gnomon.lab.rl.tasks import Family
from gnomon.lab.rl.tasks.arithmetic import Arithmetic
from gnomon.lab.rl.tasks.dates import Dates
from gnomon.lab.rl.tasks.grounded import Grounded
from gnomon.lab.rl.tasks.passages import Passage
from gnomon.lab.rl.tasks.reading import Reading
from gnomon.lab.rl.tasks.strings import Strings
from gnomon.lab.rl.tasks.units import Units
from gnomon.models.protocols import Entail
from gnomon.models.verifier import OnnxVerifier
from gnomon.truth.terms import Weights
from gnomon.truth.trained import TrainedEntail, load_mixing
from gnomon.truth.verify import LexicalEntail

FAMILIES = ("arithmetic", "units", "dates", "strings", "reading", "grounded")


@contextmanager
def opened(
    passages: Sequence[Passage],
    names: Sequence[str] = FAMILIES,
    *,
    longest: int = 160,
    entail: Entail | None = None,
) -> Iterator[Mapping[str, Family]]:
    """Families by name. ``longest`` line that is shown, in characters. ``entail`` judges claims:
    gnomon's shipped verifier, in a process of its own, where it is not given.

    Raises InputError for a name that is none, ModelError where the verifier is not whole.
    """
    unknown = [name for name in names if name not in FAMILIES]
    if unknown or not names:
        raise InputError(
            f"{', '.join(unknown) or 'nothing'} is no family of tasks; choose from "
            f"{', '.join(FAMILIES)}."
        )
    plain: dict[str, Family] = {
        one.name: one for one in (Arithmetic(), Units(), Dates(), Strings())
    }
    with _verifier(entail, needed="grounded" in names) as judge:
        if "reading" in names:
            plain["reading"] = Reading(passages, longest=longest)
        if judge is not None:
            plain["grounded"] = Grounded(passages, judge, longest=longest)
        yield {name: plain[name] for name in FAMILIES if name in names}


@contextmanager
def _verifier(given: Entail | None, *, needed: bool) -> Iterator[Entail | None]:
    """Rules and the shipped encoder together, as an answer is judged
    (``assemble/models.py``)."""
    if given is not None or not needed:
        yield given if needed else None
        return
    scorer = OnnxVerifier(threads=1)
    try:
        mixing = load_mixing(scorer.folder / "mixing.json", scorer.sha256)
        rules = LexicalEntail(Weights(lambda terms: {}, 0))
        yield TrainedEntail(rules, scorer, mixing, langs=frozenset(scorer.card["langs"]))
    finally:
        scorer.close()

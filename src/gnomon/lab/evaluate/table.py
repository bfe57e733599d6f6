"""Every set that can be asked, in the order of the report."""

from __future__ import annotations

from collections.abc import Sequence

from gnomon.errors import InputError
from gnomon.lab.evaluate.sets import (
    cmmlu,
    cmrc,
    flores,
    gsm8k,
    hellaswag,
    lambada,
    mmlu,
    piqa,
    squad,
    wikitext,
)
from gnomon.lab.evaluate.sets.contract import EvalSet

SETS: tuple[EvalSet, ...] = (
    wikitext.SET,
    lambada.SET,
    hellaswag.SET,
    piqa.SET,
    mmlu.SET,
    cmmlu.SET,
    squad.SET,
    cmrc.SET,
    flores.SET,
    gsm8k.SET,
)


def chosen(names: Sequence[str]) -> list[EvalSet]:
    """The sets of these names, all for none. Raises InputError."""
    known = {one.name: one for one in SETS}
    wrong = [name for name in names if name not in known]
    if wrong:
        raise InputError(f"--only names {wrong[0]!r}; the sets are {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names)] if names else list(SETS)

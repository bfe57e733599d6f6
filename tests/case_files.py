"""The case files over the sample world: reading them, and what an answer or a verdict gets wrong.

``tests/cases/README.md`` says what each field means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gnomon.types import Answer, Label, Sentence, Verdict

CASES = Path(__file__).parent / "cases"
Case = Mapping[str, Any]


def questions(dev: bool | None = None) -> list[Case]:
    """Every question; ``dev`` picks the half to work on (True) or the held-out half (False)."""
    return [row for row in _load(CASES.glob("*.json"), dev) if "question" in row]


def claims(dev: bool | None = None) -> list[Case]:
    """Every claim to be verified, like :func:`questions`."""
    return [row for row in _load(CASES.glob("*.json"), dev) if "claim" in row]


def _load(paths: Iterable[Path], dev: bool | None) -> list[Case]:
    files = [p for p in sorted(paths) if p.stem != "known_failures"]
    rows = [row for p in files for row in json.loads(p.read_text(encoding="utf-8"))]
    return [row for row in rows if dev is None or row["dev"] is dev]


def says(text: str, pattern: str) -> bool:
    """Whether ``text`` holds one of the alternatives that ``pattern`` lists, divided by ``|``.

    Letters in either case. An alternative that begins or ends in a digit does not match inside a
    longer number: "12" is not in "12,000" or "3.12".
    """
    for words in pattern.split("|"):
        before = r"(?<!\d)(?<!\d[.,])" if words[0].isdigit() else ""
        after = r"(?!\d)(?![.,]\d)" if words[-1].isdigit() else ""
        if re.search(before + re.escape(words) + after, text, re.IGNORECASE):
            return True
    return False


def answer_faults(case: Case, answer: Answer) -> list[str]:
    """What ``answer`` gets wrong, one sentence each; empty means that the case passes."""
    expect = case["expect"]
    cited = {citation.evidence.post for citation in answer.citations}
    faults = [f"says {w!r}" for w in expect.get("never", ()) if says(answer.text, w)]
    faults += [f"cites {p}" for p in expect.get("cites_none", ()) if p in cited]
    if expect["abstained"] is not None and answer.abstained is not expect["abstained"]:
        faults.append(f"abstained is {answer.abstained}: {answer.text[:120]!r}")
    if answer.abstained or expect["abstained"]:
        return faults
    if expect.get("contains_any") and not any(says(answer.text, w) for w in expect["contains_any"]):
        faults.append(f"says none of {expect['contains_any']}")
    faults += [
        f"does not say {w!r}" for w in expect.get("contains_all", ()) if not says(answer.text, w)
    ]
    for words in expect.get("contains_none", ()):
        if any(s.label is Label.SUPPORTED and says(s.text, words) for s in answer.sentences):
            faults.append(f"gives {words!r} as supported")
    if expect.get("cites_any") and not cited & set(expect["cites_any"]):
        faults.append(f"cites {sorted(cited)}, none of {expect['cites_any'][:5]}")
    return faults + _label_faults(expect, _main(expect, answer))


def _main(expect: Mapping[str, Any], answer: Answer) -> list[Sentence]:
    """The sentences that answer: those with the expected words, or else the first claim."""
    found = [s for s in answer.sentences if s.kind == "claim"]
    words = [*expect.get("contains_any", ()), *expect.get("contains_all", ())]
    return [s for s in found if any(says(s.text, w) for w in words)] or found[:1]


def _label_faults(expect: Mapping[str, Any], main: list[Sentence]) -> list[str]:
    faults = []
    fair = {expect["label"], *expect.get("also_fair", ())} - {None}
    if fair and not any(s.label in fair for s in main):
        faults.append(f"label {[str(s.label) for s in main]}, not {sorted(fair)}")
    verdicts = [verdict for s in main for verdict in s.verdicts]
    return faults + (_count_faults(expect, verdicts) if verdicts else [])


def _count_faults(expect: Mapping[str, Any], verdicts: list[Verdict]) -> list[str]:
    """Origins are counted over the verdicts of the answering sentences."""
    faults = []
    most = max(v.origins_for for v in verdicts)
    against = max(v.origins_against for v in verdicts)
    if most > expect.get("origins_max", most):
        faults.append(f"{most} origins, more than {expect['origins_max']}")
    if most < expect.get("origins_min", most):
        faults.append(f"{most} origins, fewer than {expect['origins_min']}")
    if against < expect.get("min_against", 0):
        faults.append(f"{against} origins against, fewer than {expect['min_against']}")
    return faults


def verdict_faults(case: Case, verdict: Verdict) -> list[str]:
    """What ``verdict`` on the case's claim gets wrong; empty means that the case passes."""
    fair = {case["expect"], *case.get("also_fair", ())}
    faults = [] if verdict.label in fair else [f"label {verdict.label}, not {sorted(fair)}"]
    cited = {evidence.post for evidence in verdict.evidence}
    faults += [f"cites {p}" for p in case.get("cites_none", ()) if p in cited]
    return faults + _count_faults(case, [verdict])

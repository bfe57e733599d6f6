"""Fit the shipped calibration: ``python -m bench.truth.calibrate``.

What a verdict's confidence is read from, and the threshold under which nothing is said, come from
claims that nothing was trained on and whose licences let the table be shipped: the calibrating half
(``lab.splits``) of FEVER's held-back claims with edits of them and windows that settle nothing, of
SciFact's and Citation-Integrity's, and of conflictQA's questions, each as a document; and events
invented with another seed, as posts. Every set counts alike in the fit of the weights; the
threshold counts claims as they are.

Judgements of pairs are left as ``truth.trained`` makes them (its mixing is fitted on such pairs):
a temperature or curves on top were measured and made verdicts worse (LOG.md), for a temperature
flattens votes below what is heard, and curves turn "neither" into a side. HealthVer and
Climate-FEVER, whose makers state no licence, only measure what comes of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from bench.truth import data, metrics, scores, subject
from bench.truth.data import CITINT, CLIMATE, FEVER, HEALTHVER, SCIFACT, Case, Set
from bench.truth.run import Run

from gnomon.lab.verifier import edits
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.splits import calibrates, claim_key
from gnomon.truth import calibrate, confidence
from gnomon.truth.confidence import ANY, Calibration, PairTable, VerdictTable
from gnomon.truth.standing import standing
from gnomon.truth.weigh import decide, sides
from gnomon.types import Claim, Evidence, Judgement, Label

SEED = 97
EDITS, UNRELATED, EVENTS, MOST_EVENTS, QUESTIONS = 600, 400, 150, 900, 220
GOLD = (Label.SUPPORTED, Label.REFUTED, Label.NOT_ENOUGH)
CLIMATE_GOLD = {
    "SUPPORTS": Label.SUPPORTED, "REFUTES": Label.REFUTED, "DISPUTED": Label.DISPUTED,
    "NOT_ENOUGH_INFO": Label.NOT_ENOUGH,
}  # fmt: skip
DOCUMENT, POST = "document", "post"
# One question of so many has both passages held.
BOTH_SIDES = 5
CONFLICTS = "truth/conflictqa.json.gz"


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with its evidence: (origin, gold label or None, P of the window that decides)."""

    set: str
    kind: str
    claim: str
    gold: Label
    evidence: tuple[tuple[str, int | None, tuple[float, float, float]], ...]


# ------------------------------------------------------------------------------- the sets


def read(run: Run, *, fitting: bool) -> list[Judged]:
    """The claims to fit on, or (not ``fitting``) those that measure, judged by the verifier."""
    found = [
        *(row for wanted in (FEVER, SCIFACT, CITINT) for row in _singles(run, wanted, fitting)),
        *_made(run, fitting),
        *_conflicts(run, fitting),
    ]
    if not fitting:
        found += [*_singles(run, HEALTHVER, fitting), *_climate(run, fitting)]
    return found


def _singles(run: Run, wanted: Set, fitting: bool) -> Iterator[Judged]:
    """A set of one piece of evidence to a claim."""
    found = scores.judged(run, wanted).half(fitting)
    for case, p in zip(found.cases, found.p, strict=True):
        gold = GOLD[case.label]
        yield Judged(wanted.name, DOCUMENT, case.claim, gold, ((case.id, case.label, tuple(p)),))


def _climate(run: Run, fitting: bool) -> Iterator[Judged]:
    """Climate-FEVER's claims over their five pieces of evidence, an origin for each article."""
    whole = data.climate_claims(run.data)
    found = scores.judged(run, CLIMATE).half(fitting)
    held: dict[str, list[tuple[str, int | None, tuple[float, float, float]]]] = {}
    for case, p in zip(found.cases, found.p, strict=True):
        held.setdefault(case.id.split("/")[1], []).append((case.title, case.label, tuple(p)))
    for ref, evidence in held.items():
        claim, gold = whole[ref]
        yield Judged(CLIMATE.name, DOCUMENT, claim, CLIMATE_GOLD[gold], tuple(evidence))


def _made(run: Run, fitting: bool) -> Iterator[Judged]:
    """Edits of FEVER's held-back pairs, windows that settle nothing, and invented events."""
    rng = random.Random(SEED)
    own = [
        Pair(case.text, case.claim, case.label, FEVER.name, case.group)
        for case in run.cases(FEVER)
        if calibrates(case.claim) is fitting
    ]
    edited = list(edits.edited(own, seed=SEED))
    apart = list(edits.unrelated(own, seed=SEED, per=1))
    events = list(edits.invented(seed=SEED + int(fitting), events=EVENTS))
    for name, kind, pairs, most in (
        ("fever edited", DOCUMENT, edited, EDITS),
        ("fever unrelated", DOCUMENT, apart, UNRELATED),
        ("invented", POST, events, MOST_EVENTS),
    ):
        some = rng.sample(pairs, min(most, len(pairs)))
        cases = [
            Case(f"{name}/{i}", pair.claim, (pair.window,), pair.label, claim_key(pair.group))
            for i, pair in enumerate(some)
        ]
        for case, p in zip(cases, _judge(run, f"{name} {fitting}", cases), strict=True):
            evidence = ((case.id, case.label, p),)
            yield Judged(name, kind, case.claim, GOLD[case.label], evidence)


def _conflicts(run: Run, fitting: bool) -> Iterator[Judged]:
    """conflictQA: each answer against its own passage, the counter-answer's, and both."""
    cases: list[Case] = []
    by_question = {row["question"]: row for row in data.rows(run.data / CONFLICTS)}
    for question in run.few(sorted(by_question), 2 * QUESTIONS):
        row = by_question[question]
        answer, counter = row["memory_answer"], row["counter_answer"]
        if calibrates(row["question"]) is not fitting or claim_key(answer) == claim_key(counter):
            continue
        group = claim_key(row["question"])
        cases += [
            Case(f"{group}/for", answer, (row["parametric_memory"],), 0, group),
            Case(f"{group}/against", answer, (row["counter_memory"],), 1, group),
        ]
    found = _judge(run, f"conflictqa {fitting}", cases)
    for i in range(0, len(cases), 2):
        one, other = (
            (c.id, c.label, p) for c, p in zip(cases[i : i + 2], found[i : i + 2], strict=True)
        )
        yield Judged("conflictqa", DOCUMENT, cases[i].claim, Label.SUPPORTED, (one,))
        yield Judged("conflictqa", DOCUMENT, cases[i].claim, Label.REFUTED, (other,))
        # What is held rarely argues both sides of everything.
        if i // 2 % BOTH_SIDES == 0:
            yield Judged("conflictqa", DOCUMENT, cases[i].claim, Label.DISPUTED, (one, other))


def _judge(run: Run, name: str, cases: Sequence[Case]) -> list[tuple[float, float, float]]:
    digest = hashlib.sha256(repr(cases).encode()).hexdigest()[:12]
    found = run.kept(
        f"calibrate-{name}-{digest}".replace(" ", "-"), lambda: scores.judge(run, name, cases)
    )
    return [tuple(p) for p in found["p"]]


# ------------------------------------------------------------------------------- the fit


def pairs_of(rows: Sequence[Judged]) -> calibrate.Pairs:
    """Every judged pair once, weighed so that each set counts alike."""
    count = Counter(row.set for row in rows for _ in row.evidence)
    seen: dict[tuple[str, str], tuple[float, ...]] = {}
    for row in rows:
        for origin, label, p in row.evidence:
            if label is not None:
                group = _group(row.claim)
                seen[row.claim, origin] = (*p, label, group, 1000.0 / count[row.set])
    held = np.array(list(seen.values()))
    return calibrate.Pairs(held[:, :3], held[:, 3].astype(int), held[:, 4].astype(int), held[:, 5])


def verdicts_of(rows: Sequence[Judged], tables: dict[str, PairTable]) -> list[calibrate.Case]:
    """Each claim weighed as the product weighs it, over calibrated judgements."""
    count = Counter(row.set for row in rows)
    out = []
    for row in rows:
        table = tables.get(row.kind) or tables.get(ANY) or PairTable(0)
        evidence = [
            _evidence(row.kind, i, origin, table(p))
            for i, (origin, _, p) in enumerate(row.evidence)
        ]
        for_, against = sides(standing(evidence, {}).evidence)
        label, _ = decide(Claim(row.claim), for_, against)
        weight = 1000.0 / count[row.set]
        out.append(
            calibrate.Case(for_.side, against.side, label, row.gold, _group(row.claim), weight)
        )
    return out


def _evidence(kind: str, i: int, origin: str, p: tuple[float, float, float]) -> Evidence:
    """A piece of evidence as a file of the owner's, or as a post of today."""
    own = kind == DOCUMENT
    return Evidence(
        post=origin, quote=f"{origin} {i}", start=0, end=1, hash="", origin=origin,
        source="file:bench" if own else "bench", author="", url="", said_at=None, fetched_at=0.0,
        judgement=Judgement(*p), weight=0.675 if own else 0.75, title="t" if own else "",
    )  # fmt: skip


def _group(claim: str) -> int:
    digest = hashlib.sha256(b"verdict:" + claim_key(claim).encode("utf-8", "surrogatepass"))
    return int(digest.hexdigest()[:7], 16)


def fit(
    rows: Sequence[Judged], verifier: str, sha256: str, of: dict[str, dict[str, object]]
) -> Calibration:
    """The whole calibration; kinds with enough claims have tables of their own."""
    kinds = [
        ANY,
        *(k for k in (DOCUMENT, POST) if sum(r.kind == k for r in rows) >= calibrate.LEAST_CLAIMS),
    ]
    own = {kind: [r for r in rows if kind in (ANY, r.kind)] for kind in kinds}
    verdicts: dict[str, VerdictTable] = {
        kind: calibrate.fit_verdicts(verdicts_of(found, {})) for kind, found in own.items()
    }
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return Calibration(verifier, sha256, today, of, {}, verdicts)


# ------------------------------------------------------------------------------- what it does


def report(rows: Sequence[Judged], made: Calibration) -> list[dict[str, object]]:
    """For each set that measures: ECE, AURC, and what each risk answers and gets wrong."""
    out = []
    for name in dict.fromkeys(row.set for row in rows):
        own = [row for row in rows if row.set == name]
        table = made.table(own[0].kind)
        given = [c for c in verdicts_of(own, dict(made.pairs)) if c.label in GOLD[:2]]
        sure = np.array([table.confidence(c.label, c.for_, c.against) for c in given])
        right = np.array([float(c.label is c.gold) for c in given])
        line: dict[str, object] = {
            "set": name, "kind": own[0].kind, "claims": len(own), "given": len(given),
        }  # fmt: skip
        if len(given):
            line |= {
                "right": round(float(right.mean()), 3),
                "sure": round(float(sure.mean()), 3),
                "ece": round(metrics.ece(sure, right), 3),
                "aurc": round(calibrate.aurc(sure, right), 3),
            }
        for risk in (0.2, 0.1, 0.05, 0.02):
            least = table.threshold(risk)
            kept = sure >= least if least is not None else np.zeros(len(sure), bool)
            wrong = int((1 - right[kept]).sum())
            low, high = metrics.of_count(wrong, int(kept.sum())) if kept.any() else (0.0, 1.0)
            line[f"risk {risk:g}"] = {
                "threshold": least, "answered": round(float(kept.sum() / len(own)), 3),
                "wrong": round(wrong / max(1, int(kept.sum())), 3),
                "interval": [round(low, 3), round(high, 3)],
            }  # fmt: skip
        out.append(line)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verifier", choices=subject.NAMES, default="trained")
    parser.add_argument("--data", type=Path, default=data.DATA)
    parser.add_argument("--out", type=Path, default=None, help="default: beside the verifier")
    parser.add_argument("--fit-only", action="store_true", help="do not measure what comes of it")
    parser.add_argument("--quick", action="store_true", help="a few claims: to see that it runs")
    options = parser.parse_args()
    run = Run(options.verifier, data=options.data, quick=options.quick)
    try:
        rows = read(run, fitting=True)
        other = [] if options.fit_only else read(run, fitting=False)
    except data.Absent as error:
        print(json.dumps({"bench": "calibrate", "skipped": str(error)}))
        return
    name, sha256, place = identity(options.verifier)
    files = {f for wanted in (FEVER, SCIFACT, CITINT) for f in wanted.files} | {
        "truth/conflictqa.json.gz"
    }
    counts = Counter(row.set for row in rows)
    of: dict[str, dict[str, object]] = {
        f: {"sha256": data.sha256(options.data / f)} for f in sorted(files)
    }
    of["claims"] = dict(sorted(counts.items()))
    made = fit(rows, name, sha256, of)
    pairs = calibrate.fit_pairs(pairs_of(rows))
    print(json.dumps({"pairs": pairs.n, "ece": pairs.ece, "temperature": pairs.temperature}))
    path = options.out or place / "calibration.json"
    path.write_text(confidence.to_json(made), encoding="utf-8")
    for line in report(other, made):
        print(json.dumps(line))
    print(f"{path}: {len(rows):,} claims", file=sys.stderr)


def identity(verifier: str) -> tuple[str, str, Path]:
    """The verifier's name, the SHA-256 that its calibration is bound to, and its folder."""
    from gnomon.models.verifier import SHIPPED

    entail = subject.open_entail(verifier, subject.weights_over([""]))
    if verifier == "rules":
        return entail.name, "", SHIPPED
    card = json.loads((SHIPPED / "card.json").read_text("utf-8"))
    return entail.name, str(card["sha256"]), SHIPPED


if __name__ == "__main__":
    main()

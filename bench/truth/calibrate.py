"""Fit the shipped calibration: ``python -m bench.truth.calibrate``.

What a verdict's confidence is read from, and the threshold under which nothing is said, come from
claims that nothing was trained on and whose licences let the table be shipped: the calibrating half
(``lab.splits``) of FEVER's held-back claims with edits of them and windows that settle nothing, of
SciFact's and Citation-Integrity's, and of conflictQA's questions, each as a document; and events
invented with another seed, as posts. Every set counts alike in the fit of the weights; the
threshold counts claims as they are.

The table of posts is fitted on verdicts about real ones, the half "dev" of ``posts.jsonl``, with a
few invented events beside them; its curve and its threshold go by the real ones alone. ``--posts``
fits only that, and leaves the other tables as they are. What posts say in their own words
(``confidence.QUOTED``) has its curve from real quotes, and is held back by what invented events
show: that a quote answers another question is not seen in how many others say the same.

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
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from bench.truth import data, metrics, posts_held, posts_scored, posts_verdicts, scores, subject
from bench.truth.data import CITINT, CLIMATE, FEVER, HEALTHVER, SCIFACT, Case, Set
from bench.truth.run import Run

from gnomon.lab.verifier import edits
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.splits import calibrates, claim_key
from gnomon.truth import calibrate, confidence
from gnomon.truth.confidence import (
    ANY,
    QUOTED,
    REPORT,
    Calibration,
    PairTable,
    Side,
    VerdictTable,
)
from gnomon.truth.standing import standing
from gnomon.truth.terms import content_terms, term_set
from gnomon.truth.weigh import Votes, decide, sides
from gnomon.types import Claim, Evidence, Judgement, Label

SEED = 97
EDITS, UNRELATED, EVENTS, MOST_EVENTS, QUESTIONS = 600, 400, 150, 900, 220
GOLD = (Label.SUPPORTED, Label.REFUTED, Label.NOT_ENOUGH)
CLIMATE_GOLD = {
    "SUPPORTS": Label.SUPPORTED, "REFUTES": Label.REFUTED, "DISPUTED": Label.DISPUTED,
    "NOT_ENOUGH_INFO": Label.NOT_ENOUGH,
}  # fmt: skip
DOCUMENT, POST, INVENTED = "document", "post", "invented"
# So many real claims to an invented one: more of those, and mass counts for what it does there and
# not among real posts (LOG.md).
REAL_TO_MADE = 7
# One question of so many has both passages held.
BOTH_SIDES = 5
CONFLICTS = "truth/conflictqa.json.gz"


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with its evidence: (origin, gold label or None, P of the window that decides).
    ``told`` is the share of the claim's words in it, where it is shown as a post (``Side.told``).
    """

    set: str
    kind: str
    claim: str
    gold: Label
    evidence: tuple[tuple[str, int | None, tuple[float, float, float]], ...]
    told: float = 0.0


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


def _made(run: Run, fitting: bool, only: str = "") -> Iterator[Judged]:
    """Edits of FEVER's held-back pairs, windows that settle nothing, and invented events; ``only``
    one of the three."""
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
        (INVENTED, POST, events, MOST_EVENTS),
    ):
        some = rng.sample(pairs, min(most, len(pairs)))
        if only not in ("", name):
            continue
        cases = [
            Case(f"{name}/{i}", pair.claim, (pair.window,), pair.label, claim_key(pair.group))
            for i, pair in enumerate(some)
        ]
        for case, p in zip(cases, _judge(run, f"{name} {fitting}", cases), strict=True):
            evidence = ((case.id, case.label, p),)
            told = _told(case) if kind == POST else 0.0
            yield Judged(name, kind, case.claim, GOLD[case.label], evidence, told)


def _told(case: Case) -> float:
    wanted, held = content_terms(case.claim), term_set(case.text)
    return sum(term in held for term in wanted) / max(1, len(wanted))


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
        one, other = (_side(row, votes) for votes in (for_, against))
        out.append(calibrate.Case(one, other, label, row.gold, _group(row.claim), weight))
    return out


def _side(row: Judged, votes: Votes) -> Side:
    found = votes.side(Claim(row.claim))
    return replace(found, told=row.told if votes.origins else 0.0)


def _evidence(kind: str, i: int, origin: str, p: tuple[float, float, float]) -> Evidence:
    """A piece of evidence as a file of the owner's, or as an office's post of today: one stranger
    alone gets no verdict."""
    own = kind == DOCUMENT
    return Evidence(
        post=origin, quote=f"{origin} {i}", start=0, end=1, hash="", origin=origin,
        source="file:bench" if own else "bench", author="" if own else "council", url="",
        said_at=None, fetched_at=0.0,
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


def of_posts(run: Run, invented: Sequence[Judged]) -> dict[str, VerdictTable]:
    """The tables of posts: for claims, and for what posts say in their own words. Raises Absent."""
    real = posts_verdicts.cases(run, "dev")
    made = [replace(case, weight=1.0) for case in verdicts_of(invented, {})]
    claims, quotes = real[posts_verdicts.CLAIMS], real[posts_verdicts.QUOTES]
    few = random.Random(SEED).sample(made, len(claims) // REAL_TO_MADE)
    quoted = calibrate.fit_few(quotes, few)
    return {POST: calibrate.fit_few(claims, few), QUOTED: calibrate.counted(quoted, made)}


def _labels(run: Run) -> dict[str, dict[str, object]]:
    """What the tables of posts were fitted on, for the file."""
    found: dict[str, dict[str, object]] = {
        file: {"sha256": data.sha256(run.data / file)} for file in posts_held.FILES
    }
    labels, _ = posts_scored.LABELS
    n = sum(1 for _ in labels.open(encoding="utf-8"))
    found["bench/truth/posts.jsonl"] = {"sha256": data.sha256(labels), "n": n}
    return found


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
    parser.add_argument("--posts", action="store_true", help="only the tables of posts")
    options = parser.parse_args()
    run = Run(options.verifier, data=options.data, quick=options.quick)
    name, sha256, place = identity(options.verifier)
    path = options.out or place / "calibration.json"
    try:
        if options.posts:
            held = confidence.load(place / "calibration.json", name, sha256)
        else:
            held = _whole(run, name, sha256, measure=not options.fit_only)
        invented = list(_made(run, fitting=True, only=INVENTED))
        tables, day = of_posts(run, invented), f"{datetime.now(UTC):%Y-%m-%d}"
    except data.Absent as error:
        print(json.dumps({"bench": "calibrate", "skipped": str(error)}))
        return
    # Reports, and offices that speak of their own affairs, tell of events as the invented ones do.
    reports = held.verdicts.get(REPORT, held.verdicts[POST])
    of = {**held.data, **_labels(run)}
    verdicts = {**held.verdicts, REPORT: reports, **tables}
    made = replace(held, verdicts=verdicts, data=of, date=day)
    path.write_text(confidence.to_json(made), encoding="utf-8")
    if not options.fit_only:
        for line in on_posts(run, made):
            print(json.dumps(line))


def _whole(run: Run, name: str, sha256: str, *, measure: bool) -> Calibration:
    """The tables of documents and of all kinds, and with ``measure`` what they do to other claims
    (printed)."""
    rows = read(run, fitting=True)
    other = read(run, fitting=False) if measure else []
    files = {f for wanted in (FEVER, SCIFACT, CITINT) for f in wanted.files} | {CONFLICTS}
    of: dict[str, dict[str, object]] = {
        f: {"sha256": data.sha256(run.data / f)} for f in sorted(files)
    }
    of["claims"] = dict(sorted(Counter(row.set for row in rows).items()))
    made = fit(rows, name, sha256, of)
    pairs = calibrate.fit_pairs(pairs_of(rows))
    print(json.dumps({"pairs": pairs.n, "ece": pairs.ece, "temperature": pairs.temperature}))
    for line in report(other, made):
        print(json.dumps(line))
    return made


def on_posts(run: Run, made: Calibration) -> Iterator[dict[str, object]]:
    """What the tables of posts do to the real posts of both halves: the one they were fitted on
    (by scores that did not see the event), and the one that nobody looked into."""
    for what, kind in (
        (posts_verdicts.CLAIMS, POST),
        (posts_verdicts.REPORTED, REPORT),
        (posts_verdicts.QUOTES, QUOTED),
    ):
        table = made.verdicts[kind]
        found = posts_verdicts.cases(run, "held")[what]
        given = [case for case in found if case.label in GOLD[:2]]
        if not given:
            continue
        sure = np.array([table.confidence(c.label, c.for_, c.against) for c in given])
        right = np.array([float(c.label is c.gold) for c in given])
        line: dict[str, object] = {
            "real posts": what, "fitted on": table.n, "given there": table.given[0],
            "wrong there": table.wrong[0], "ece there": table.ece, "claims": len(found),
            "given": len(given), "right": round(float(right.mean()), 3),
            "sure": round(float(sure.mean()), 3), "ece": round(metrics.ece(sure, right), 3),
            "aurc": round(calibrate.aurc(sure, right), 3),
            "aurc of no ranking": round(float(1 - right.mean()), 3),
        }  # fmt: skip
        for risk in (0.2, 0.1, 0.05, 0.02):
            least = table.threshold(risk)
            kept = sure >= least if least is not None else np.zeros(len(sure), bool)
            wrong = int((1 - right[kept]).sum())
            low, high = metrics.of_count(wrong, len(found))
            line[f"risk {risk:g}"] = {
                "threshold": least, "answered": int(kept.sum()), "wrong": wrong,
                "of all": [round(x, 3) for x in (wrong / len(found), low, high)],
            }  # fmt: skip
        yield line


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

"""Verdicts about real posts as cases that a table of confidence can be fitted on or measured with.

Claims that yes-or-no questions make are judged as the product judges them, nothing held back; what
a careful reader takes from the posts is the right label. Sentences quoted for other questions are
right where they answer, as ``posts_scored`` says. Cases of one event go together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.truth import posts_asked, posts_held, posts_scored, subject
from bench.truth.posts_scored import Question, Said
from bench.truth.run import Run

from gnomon.assemble.product import Gnomon
from gnomon.truth import rewrite
from gnomon.truth.calibrate import Case
from gnomon.truth.check import check_claim
from gnomon.truth.claims import claim_at
from gnomon.truth.confidence import Side
from gnomon.truth.retrieve import retrieve
from gnomon.truth.weigh import sides
from gnomon.types import Finished, Label, Verdict

GOLD = {
    "yes": Label.SUPPORTED, "no": Label.REFUTED, "disputed": Label.DISPUTED,
    "unknown": Label.NOT_ENOUGH,
}  # fmt: skip
CLAIMS, QUOTES = "claims", "quotes"


def cases(run: Run, half: str) -> dict[str, list[Case]]:
    """The half's claims and quotes. Raises Absent."""
    place = posts_held.home(run)
    questions = [q for q in posts_scored.load() if q.half == half]
    path = run.cache / f"posts-verdicts-{half}-{_engine(run, place)[:20]}.json"
    if path.exists():
        found = json.loads(path.read_text("utf-8"))
    else:
        events = json.loads((place / "events.json").read_text("utf-8"))
        with posts_asked.opened(run, place, 1.0) as gnomon:
            shown = run.progress(
                questions, f"verdicts about real posts, {len(questions)} questions"
            )
            found = [row for q in shown for row in _judged(gnomon, q, events)]
        path.write_text(json.dumps(found), encoding="utf-8")
    out: dict[str, list[Case]] = {CLAIMS: [], QUOTES: []}
    for row in found:
        group = int(hashlib.sha256(row["event"].encode()).hexdigest()[:7], 16)
        for_, against = (Side(**row[name]) for name in ("for", "against"))
        case = Case(for_, against, Label(row["label"]), Label(row["gold"]), group)
        out[row["what"]].append(case)
    return out


def _engine(run: Run, place: Path) -> str:
    """SHA-256 of what a verdict depends on before a table of confidence is asked."""
    digest = hashlib.sha256(f"{place.name} {subject.fingerprint(run.verifier)}".encode())
    for path in (Path(__file__), *posts_scored.LABELS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _judged(gnomon: Gnomon, question: Question, events: dict[str, str]) -> Iterator[dict[str, Any]]:
    if not question.asks_whether:
        yield from _quoted(gnomon, question, events)
        return
    found = _verdict(gnomon, question.question)
    fine = [GOLD[name] for name in (question.gold, *question.also) if isinstance(name, str)]
    yield _row(question, CLAIMS, found, found.label if found.label in fine else fine[0])


def _verdict(gnomon: Gnomon, asked: str) -> Verdict:
    """As ``truth.answer`` has the claim inside a question judged."""
    bench, now = gnomon.bench(), posts_held.NOW
    plan = rewrite.plan(asked, now=now, weights=bench.weights)
    found = retrieve(plan, bench.store, bench.weights, embed=bench.embed, now=now)
    text = rewrite.as_claim(plan.question)
    claim = claim_at(text, 0, len(text), said_at=now)
    return check_claim(claim, bench, where=plan.where, now=now, also=found.passages)


def _quoted(gnomon: Gnomon, question: Question, events: dict[str, str]) -> Iterator[dict[str, Any]]:
    last = list(gnomon.ask(question.question))[-1]
    assert isinstance(last, Finished)
    posts = {c.n: c.evidence for c in last.answer.citations}
    for sentence in last.answer.sentences:
        if sentence.kind != "claim" or not sentence.verdicts or not sentence.citations:
            continue
        one = posts[sentence.citations[0]]
        said = Said(sentence.text, one.title, one.post)
        right = isinstance(question.gold, tuple) and (
            posts_scored.holds(said, question.gold)
            and posts_scored.is_about(question, said, events)
        )
        verdict = sentence.verdicts[0]
        if verdict.label is Label.SUPPORTED:
            yield _row(question, QUOTES, verdict, Label.SUPPORTED if right else Label.NOT_ENOUGH)


def _row(question: Question, what: str, verdict: Verdict, gold: Label) -> dict[str, Any]:
    for_, against = sides(verdict.evidence)
    return {
        "event": question.event, "what": what, "label": verdict.label.value, "gold": gold.value,
        "for": asdict(for_.side(verdict.claim)), "against": asdict(against.side(verdict.claim)),
    }  # fmt: skip


def right(found: Sequence[Case]) -> float:
    """The share of verdicts for or against that are right."""
    given = [case for case in found if case.label in (Label.SUPPORTED, Label.REFUTED)]
    return sum(case.label is case.gold for case in given) / max(1, len(given))

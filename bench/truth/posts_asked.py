"""The questions about real posts, asked of the product, and the baseline beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.truth import metrics, posts_held, posts_scored, subject
from bench.truth.posts_scored import Given, Outcome, Question, Said
from bench.truth.run import Run

from gnomon.assemble.product import Gnomon
from gnomon.config import load
from gnomon.store.engine import open_store
from gnomon.truth import rewrite
from gnomon.truth.check import check_claim
from gnomon.truth.claims import claim_at
from gnomon.truth.confidence import Side, Trust
from gnomon.truth.retrieve import retrieve
from gnomon.truth.weigh import kind_of_side, sides, vote
from gnomon.types import Answer, Evidence, Finished, Label, Sentence, Stance, Verdict

SAVED_EVERY = 10
_SAID = {Label.SUPPORTED: "yes", Label.REFUTED: "no", Label.DISPUTED: "disputed"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was answered, and what became of it; ``hit`` is the baseline's.
    ``verdicts`` are what confidence is read from, where nothing was held back."""

    question: Question
    given: Given
    outcome: Outcome
    hit: Outcome
    verdicts: tuple[dict[str, Any], ...] = ()

    @property
    def right(self) -> bool:
        return self.outcome is Outcome.RIGHT


def asked(
    run: Run, half: str, *, risk: float = metrics.RISK, encoder: bool = False, anew: bool = False
) -> list[Asked]:
    """The questions of a half, answered by the product with the owner's ``risk``. Raises Absent.

    They are asked once with nothing held back, which no table of confidence changes; how sure each
    answer is, and what the risk holds back, follow from what the verdicts are read from and the
    table that is there now. ``anew`` asks the product itself with that risk."""
    questions = [q for q in posts_scored.load() if q.half == half]
    if run.quick:
        some = set(run.few([q.id for q in questions], 60))
        questions = [q for q in questions if q.id in some]
    place = posts_held.home(run)
    found = _kept(run, place, questions, risk if anew else 1.0, encoder)
    events = json.loads((place / "events.json").read_text("utf-8"))
    trust = None if anew else subject.trust(run.verifier)
    out = []
    for question in questions:
        row = found[question.question]
        answer, hit = _given(row["answer"]), _given(row["hit"])
        if trust is not None:
            answer = _sure(answer, row["verdicts"], replace(trust, risk=risk))
        of_answer = posts_scored.outcome(question, answer, events)
        of_hit = posts_scored.outcome(question, hit, events)
        out.append(Asked(question, answer, of_answer, of_hit, tuple(row["verdicts"])))
    return out


def _sure(answer: Given, verdicts: Sequence[Mapping[str, Any]], trust: Trust) -> Given:
    """The answer with the confidence that ``trust`` gives it, and without what it holds back."""
    if answer.verdict or not answer.stated:
        sure = _confidence(verdicts[0], trust) if answer.verdict and verdicts else 0.0
        decided = answer.verdict in ("yes", "no")
        if decided and trust.abstains(sure, verdicts[0]["kind"]):
            return Given(confidence=sure)
        return replace(answer, confidence=sure)
    own = trust.of_own_words()
    each = [
        (said, _confidence(found, own), found["kind"])
        for said, found in zip(answer.stated, verdicts, strict=False)
    ]
    kept = [(said, sure) for said, sure, kind in each if not own.abstains(sure, kind)]
    least = min((sure for _, sure in kept), default=0.0)
    return replace(answer, stated=tuple(said for said, _ in kept), confidence=least)


def _confidence(found: Mapping[str, Any], trust: Trust) -> float:
    for_, against = (Side(**found[name]) for name in ("for", "against"))
    table = trust.calibration.table(found["kind"])
    return table.confidence(Label(found["label"]), for_, against)


def _kept(
    run: Run, place: Path, questions: Sequence[Question], risk: float, encoder: bool
) -> dict[str, Any]:
    """What was answered, by question: kept for as long as the engine is the same, and only what was
    not asked of it yet is asked."""
    kind = run.verifier.partition("=")[0]
    state = _engine(run, place, risk)[:20]
    path = run.cache / f"posts-{kind}-{risk:g}{'-encoder' * encoder}-{state}.json"
    found = json.loads(path.read_text("utf-8")) if path.exists() else {}
    new = [q for q in questions if q.question not in found]
    for i, (question, row) in enumerate(_ask(run, place, new, risk, encoder), 1):
        found[question] = row
        if i % SAVED_EVERY == 0 or i == len(new):
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(found), encoding="utf-8")
            fresh.replace(path)
    return found


def _engine(run: Run, place: Path, risk: float) -> str:
    """SHA-256 of what an answer depends on: code, weights, the store, this file, and the table of
    confidence where it may hold something back."""
    parts = () if risk == 1.0 else ("store", "origins")
    digest = hashlib.sha256(f"{place.name} {subject.fingerprint(run.verifier, *parts)}".encode())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


@contextmanager
def opened(run: Run, place: Path, risk: float, *, encoder: bool = False) -> Iterator[Gnomon]:
    """The product over the store of real posts, without a chat model, as of ``posts_held.NOW``."""
    models = place / "models"
    if encoder and not models.exists():
        models.symlink_to(run.models)
    kind, _, folder = run.verifier.partition("=")
    config = load(
        place, {}, chat_model="none", embed_model="auto" if encoder else "none", risk=risk,
        verifier={"rules": "none", "trained": folder or "auto"}[kind],
    )  # fmt: skip
    with open_store(config.store_dir, readonly=True) as store:
        gnomon = Gnomon(config, store, now=lambda: posts_held.NOW, reader="a bench only reads")
        try:
            yield gnomon
        finally:
            gnomon.close()


def _ask(
    run: Run, place: Path, questions: Sequence[Question], risk: float, encoder: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each question with its answer and the baseline's."""
    if not questions:
        return
    with opened(run, place, risk, encoder=encoder) as gnomon:
        for question in run.progress(questions, f"real posts, {len(questions)} questions"):
            last = list(gnomon.ask(question.question))[-1]
            assert isinstance(last, Finished)
            said, hit = given(last.answer), _best_hit(gnomon, question)
            verdicts = _verdicts(gnomon, question, last.answer) if risk == 1.0 else []
            row = {"answer": asdict(said), "hit": asdict(hit), "verdicts": verdicts}
            yield question.question, row


def _verdicts(gnomon: Gnomon, question: Question, answer: Answer) -> list[dict[str, Any]]:
    """What confidence is read from: of the claim that a yes-or-no question makes, whatever the
    verdict; of the sentences that stand, for other questions."""
    if question.asks_whether:
        noted = [v for s in answer.sentences if s.kind == "note" for v in s.verdicts]
        found = noted[0] if noted else _judged(gnomon, question.question)
        return [_bearing(found)]
    return [_bearing(sentence.verdicts[0]) for sentence in _standing(answer) if sentence.verdicts]


def _judged(gnomon: Gnomon, asked: str) -> Verdict:
    """As ``truth.answer`` has the claim inside a question judged."""
    bench, now = gnomon.bench(), posts_held.NOW
    plan = rewrite.plan(asked, now=now, weights=bench.weights)
    found = retrieve(plan, bench.store, bench.weights, embed=bench.embed, now=now)
    text = rewrite.as_claim(plan.question)
    claim = claim_at(text, 0, len(text), said_at=now)
    return check_claim(claim, bench, where=plan.where, now=now, also=found.passages)


def _bearing(verdict: Verdict) -> dict[str, Any]:
    for_, against = sides(verdict.evidence)
    heavier = for_ if for_.mass >= against.mass else against
    decides = {Label.SUPPORTED: for_, Label.REFUTED: against}.get(verdict.label, heavier)
    return {
        "label": verdict.label.value,
        "kind": kind_of_side(verdict.claim, decides),
        "for": asdict(for_.side(verdict.claim)),
        "against": asdict(against.side(verdict.claim)),
    }


def _standing(answer: Answer) -> list[Sentence]:
    """The sentences that stand as claims, before and after notes."""
    fine = (Label.SUPPORTED, Label.DISPUTED, Label.REFUTED)
    return [s for s in answer.sentences if s.kind == "claim" and s.label in fine]


def given(answer: Answer) -> Given:
    """What ``answer`` says."""
    posts = {c.n: c.evidence for c in answer.citations}
    verdict, deciding, stated, alone, leans = "", list[Said](), list[Said](), list[Said](), ""
    for sentence in answer.sentences:
        if sentence.label is Label.NOT_ENOUGH and not (verdict or stated):
            if sentence.kind == "note":
                leans = _leans(sentence.verdicts[0])
            else:
                alone.append(_said(sentence, posts))
            continue
        if sentence.kind == "note":
            # The note of the verdict comes first, and the quotes that decided it up to the next.
            if sentence.label is not None and not verdict:
                verdict = _SAID.get(sentence.label, "")
            elif verdict:
                break
            continue
        if sentence.label not in (Label.SUPPORTED, Label.DISPUTED, Label.REFUTED):
            continue
        (deciding if verdict else stated).append(_said(sentence, posts))
    held = (tuple(deciding), tuple(stated), answer.confidence)
    return Given(verdict, *held, alone=tuple(alone), leans=leans)


def _said(sentence: Sentence, posts: Mapping[int, Evidence]) -> Said:
    one = posts.get(sentence.citations[0]) if sentence.citations else None
    return Said(sentence.text, one.title if one else "", one.post if one else "")


def _leans(verdict: Verdict) -> str:
    for_, against = (
        sum(vote(e) for e in verdict.evidence if e.stance is stance)
        for stance in (Stance.SUPPORTS, Stance.REFUTES)
    )
    return "yes" if for_ >= against else "no"


def _best_hit(gnomon: Gnomon, question: Question) -> Given:
    """The baseline: what the first post that a search finds says, by the same verifier."""
    found = gnomon.search(question.question, k=1)
    if not found:
        return Given()
    post = found[0].post
    said = Said(post.text, post.title, post.id)
    if not question.asks_whether:
        return Given(stated=(said,))
    claim = rewrite.as_claim(question.question)
    stance = gnomon.bench().entail.judge([(post.text, claim)])[0].stance
    verdict = {Stance.SUPPORTS: "yes", Stance.REFUTES: "no", Stance.NEITHER: ""}[stance]
    return Given(verdict, (said,) if verdict else ())


def _given(row: dict[str, Any]) -> Given:
    deciding, stated, alone = (
        tuple(Said(**each) for each in row[name]) for name in ("deciding", "stated", "alone")
    )
    return Given(row["verdict"], deciding, stated, row["confidence"], alone, row["leans"])

"""The questions about real posts, asked of the product, and the baseline beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.truth import metrics, posts_held, posts_scored
from bench.truth.posts_scored import Given, Outcome, Question, Said
from bench.truth.run import Run

from gnomon.assemble.product import Gnomon
from gnomon.config import load
from gnomon.store.engine import open_store
from gnomon.truth import rewrite
from gnomon.types import Finished, Stance


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was answered, and what became of it; ``hit`` is the baseline's."""

    question: Question
    given: Given
    outcome: Outcome
    hit: Outcome

    @property
    def right(self) -> bool:
        return self.outcome is Outcome.RIGHT


def asked(run: Run, half: str, *, risk: float = metrics.RISK, encoder: bool = False) -> list[Asked]:
    """The questions of a half, asked of the product with the owner's ``risk``. Raises Absent."""
    questions = [q for q in posts_scored.load() if q.half == half]
    if run.quick:
        some = set(run.few([q.id for q in questions], 60))
        questions = [q for q in questions if q.id in some]
    digest = hashlib.sha256(repr([q.question for q in questions]).encode()).hexdigest()[:10]
    name = f"posts-{half}-{risk:g}-{digest}{'-encoder' * encoder}"
    place = posts_held.home(run)
    make = partial(_ask, run, place, questions, risk, encoder)
    found = run.kept(name, make, "store", "origins", "assemble", "models")
    events = json.loads((place / "events.json").read_text("utf-8"))
    out = []
    for question, row in zip(questions, found, strict=True):
        answer, hit = _given(row["answer"]), _given(row["hit"])
        of_answer = posts_scored.outcome(question, answer, events)
        out.append(Asked(question, answer, of_answer, posts_scored.outcome(question, hit, events)))
    return out


def _ask(
    run: Run, place: Path, questions: Sequence[Question], risk: float, encoder: bool
) -> list[dict[str, Any]]:
    models = place / "models"
    if encoder and not models.exists():
        models.symlink_to(run.models)
    kind, _, folder = run.verifier.partition("=")
    config = load(
        place, {}, chat_model="none", embed_model="auto" if encoder else "none", risk=risk,
        verifier={"rules": "none", "trained": folder or "auto"}[kind],
    )  # fmt: skip
    out = []
    with open_store(config.store_dir, readonly=True) as store:
        gnomon = Gnomon(config, store, now=lambda: posts_held.NOW, reader="a bench only reads")
        try:
            for question in run.progress(questions, f"real posts, {len(questions)} questions"):
                last = list(gnomon.ask(question.question))[-1]
                assert isinstance(last, Finished)
                given = posts_scored.given(last.answer)
                hit = _best_hit(gnomon, question)
                out.append({"answer": asdict(given), "hit": asdict(hit)})
        finally:
            gnomon.close()
    return out


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
    deciding, stated = (
        tuple(Said(**each) for each in row[name]) for name in ("deciding", "stated")
    )
    return Given(row["verdict"], deciding, stated, row["confidence"])

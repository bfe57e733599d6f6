"""Unanswerable: what is said where the passage that would settle it is not held.

SciFact: the training claims that some abstract supports or refutes, over the corpus without any of
the abstracts they cite, and over the whole corpus. NQ-open: questions over 17,927 Wikipedia
articles of 2014 ("AA" of the dump), of which only those are asked whose every answer occurs nowhere
in any of the articles: the text lacks it for certain, whatever else it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.truth import data, metrics, retrieval, world
from bench.truth.rows import Row
from bench.truth.run import Run

from gnomon.store.contract import Store
from gnomon.text.tokens import words
from gnomon.types import Answer, Batch, Label, Post
from gnomon.wire import parse_time

CLAIMS, QUESTIONS = 100, 100
SCIFACT_NOTE = (
    "Other abstracts may bear on a claim too, so this counts some right verdicts as wrong. "
    "“Right of given” is the share of the verdicts given over the whole corpus that is the "
    "annotators'."
)
NQ_NOTE = (
    "Questions of which no answer occurs anywhere in the text held. What is shown as the word of "
    "one origin alone counts as abstaining."
)


def _claims(run: Run) -> dict[str, tuple[Label, frozenset[str]]]:
    """Training claims with evidence: claim -> (gold, documents cited)."""
    gold = {"SUPPORT": Label.SUPPORTED, "CONTRADICT": Label.REFUTED}
    found: dict[str, tuple[Label, frozenset[str]]] = {}
    for row in data.scifact_rows(run.data, "train"):
        if row["evidence_label"] in gold:
            cited = frozenset(data.cited_documents(row))
            found[row["claim"]] = (gold[row["evidence_label"]], cited)
    return {claim: found[claim] for claim in run.few(sorted(found), CLAIMS)}


def _over_scifact(run: Run) -> dict[str, Any]:
    claims, out = _claims(run), {}
    lacking = frozenset(doc for _, docs in claims.values() for doc in docs)
    for name, left_out in (("lacking", lacking), ("whole", frozenset[str]())):
        with world.empty() as store:
            retrieval.fill(store, run, left_out)
            out[name] = [
                world.verdict(store, run.verifier, claim).label
                for claim in run.progress(list(claims), f"unanswerable, SciFact {name}")
            ]
    return {**out, "gold": [label for label, _ in claims.values()]}


LONGEST = 4  # words of an answer that are looked for


def _fill_with_articles(store: Store, run: Run, wanted: frozenset[str]) -> set[str]:
    """The articles into the store; returns those of the wanted word sequences that stand in any."""
    held: set[str] = set()
    batch: list[Post] = []
    articles = list(data.rows(run.data / "text/enwiki_2014.jsonl.gz"))
    for i, row in enumerate(run.progress(articles, "articles into the store")):
        batch.append(Post(f"w/{i}", row["text"], "file:wiki", world.NOW, title=row["title"]))
        said = words(f"{row['title']} . {row['text']}")
        for size in range(1, LONGEST + 1):
            sequences = (" ".join(said[j : j + size]) for j in range(len(said) - size + 1))
            held.update(wanted.intersection(sequences))
        if len(batch) == 1000:
            store.write(Batch("file:wiki", posts=tuple(batch)))
            batch = []
    store.write(Batch("file:wiki", posts=tuple(batch)))
    store.refresh()
    return held


def _silent(answer: Answer) -> bool:
    """Whether nothing is settled: it is not known, or shown as one origin's word that nobody
    confirms."""
    return answer.abstained or answer.unconfirmed


def _over_wikipedia(run: Run) -> list[bool]:
    asked = {
        row["question"]: {" ".join(words(answer)[:LONGEST]) for answer in row["answer"]}
        for row in data.rows(run.data / "truth/nq_open_dev.jsonl.gz")
    }
    with world.empty() as store:
        held = _fill_with_articles(store, run, frozenset(set().union(*asked.values())))
        lacking = sorted(question for question, answers in asked.items() if not answers & held)
        return [
            _silent(world.asked(store, run.verifier, question.capitalize() + "?"))
            for question in run.progress(run.few(lacking, QUESTIONS), "unanswerable, NQ-open")
        ]


def _over_sample(run: Run) -> list[list[bool]]:
    """[should abstain, does] of the development questions that settle which is right."""
    rows = [r for r in data.dev_cases("question") if r["expect"]["abstained"] is not None]
    with world.opened() as store:
        return [
            [
                row["expect"]["abstained"],
                _silent(world.asked(store, run.verifier, row["question"], parse_time(row["now"]))),
            ]
            for row in run.progress(run.few(rows, 200), "unanswerable, sample world")
        ]


def measure(run: Run) -> Iterator[Row]:
    """Abstentions where the passage is gone, and where it is there."""
    data.need(run.data, data.SCIFACT)
    found = run.kept("unanswerable-scifact", lambda: _over_scifact(run), "store")
    gone = [label == Label.NOT_ENOUGH for label in found["lacking"]]
    yield _share(
        "unanswerable, abstains", "SciFact, cited abstracts gone", gone, 0.95, SCIFACT_NOTE
    )
    there = [label == Label.NOT_ENOUGH for label in found["whole"]]
    given = [
        label == gold
        for label, gold in zip(found["whole"], found["gold"], strict=True)
        if label != Label.NOT_ENOUGH
    ]
    beside = {"right of given": sum(given) / len(given)} if given else {}
    yield _share(
        "answerable, abstains", "SciFact, whole corpus", there, 0.10, SCIFACT_NOTE, beside,
        more=False,
    )  # fmt: skip
    asked = run.kept("unanswerable-nq", lambda: _over_wikipedia(run), "store")
    yield _share("unanswerable, abstains", "NQ-open over other text", asked, 0.95, NQ_NOTE)
    sample = run.kept("unanswerable-sample", lambda: _over_sample(run), "store", "sample")
    for should, measure, aim in (
        (True, "unanswerable, abstains", 0.95),
        (False, "answerable, abstains", 0.10),
    ):
        own = [does for wanted, does in sample if wanted is should]
        yield _share(
            measure, "sample world, development questions", own, aim, "", more=should
        )  # fmt: skip


def _share(
    measure: str,
    title: str,
    flags: list[bool],
    aim: float,
    note: str,
    beside: dict[str, float] | None = None,
    more: bool = True,
) -> Row:
    n, hits = len(flags), sum(flags)
    low, high = metrics.of_count(hits, n)
    share = hits / n if n else None
    return Row(measure, title, n, share, low, high, beside or {}, aim=aim, more=more, note=note)

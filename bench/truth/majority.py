"""Majority wrong: one origin against five copies of one.

conflictQA holds, for each question, a passage for an answer and a passage for its counter-answer.
The verdict with one post a side must be the verdict when either side's post stands there five
times, with small edits by other accounts. In the sample world, the verdict on each development
claim must be the same with and without the copies that spread what it says.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from bench.truth import data, metrics, world
from bench.truth.rows import Row
from bench.truth.run import Run

from gnomon.store.contract import Store
from gnomon.truth.weigh import DECISIVE, MASS, STRONG
from gnomon.types import EdgeKind, Judgement, Label, Post
from gnomon.wire import parse_time

COPIES = 4  # beside the one: five
QUESTIONS = 80


def conflicts(run: Run) -> list[dict[str, Any]]:
    """The questions of conflictQA that have a passage on both sides."""
    wanted = run.data / "truth/conflictqa.json.gz"
    found = [
        row
        for row in data.rows(wanted)
        if row["parametric_memory_aligned_evidence"] and row["counter_memory_aligned_evidence"]
        and row["memory_answer"]
    ]  # fmt: skip
    by_question = {row["question"]: row for row in found}
    return [by_question[q] for q in run.few(sorted(by_question), QUESTIONS)]


def _one(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    claim = row["memory_answer"]
    for_ = world.post("for", row["parametric_memory_aligned_evidence"], hours_ago=70.0)
    against = world.post("against", row["counter_memory_aligned_evidence"], hours_ago=69.0)
    with world.opened([for_, against]) as store:
        first = world.verdict(store, run.verifier, claim).label
        bench = world.desk(store, run.verifier)
        judged = {
            post.id: world.judgement(bench.entail, bench.weights, claim, post.text)
            for post in (for_, against)
        }
    out: dict[str, Any] = {"first": first, "then": [], "by_posts": []}
    for side in (for_, against):
        with world.opened([for_, against]) as store:
            world.add(store, world.copies(side, COPIES, random.Random(claim)))
            out["then"].append(world.verdict(store, run.verifier, claim).label)
        counted = by_posts(judged, {}), by_posts(judged, {side.id: COPIES + 1})
        out["by_posts"].append(counted[0] != counted[1])
    return out


def _over_conflicts(run: Run) -> list[dict[str, Any]]:
    return [_one(run, row) for row in run.progress(conflicts(run), "majority wrong, conflictQA")]


def _without_copies(store: Store) -> list[Post]:
    """The posts of the store that are no copies of others."""
    posts = list(store.scan())
    links = store.links([post.id for post in posts])
    keep = (EdgeKind.ROOT, EdgeKind.URL)
    return [post for post in posts if links[post.id].kind in keep]


def _over_sample(run: Run) -> list[dict[str, Any]]:
    out = []
    with world.opened() as full, world.empty() as bare:
        world.add(bare, _without_copies(full))
        for row in run.progress(
            run.few(data.dev_cases("claim"), 100), "majority wrong, sample world"
        ):
            now = parse_time(row["now"])
            labels = [
                world.verdict(store, run.verifier, row["claim"], now).label
                for store in (full, bare)
            ]
            fair = {row["expect"], *row.get("also_fair", ())}
            out.append({"labels": labels, "fair": labels[0] in fair})
    return out


def by_posts(judged: Mapping[str, Judgement], times: Mapping[str, int]) -> Label:
    """The verdict if every post had a vote (a post stands there ``times``, once if not said), by
    the thresholds of ``truth.weigh``."""
    support = sum(j.supports * times.get(i, 1) for i, j in judged.items() if j.supports > j.neither)
    refute = sum(j.refutes * times.get(i, 1) for i, j in judged.items() if j.refutes > j.neither)
    if max(support, refute) < MASS:
        return Label.NOT_ENOUGH
    low, high = sorted((support, refute))
    if low >= STRONG and high < DECISIVE * low:
        return Label.DISPUTED
    return Label.SUPPORTED if support > refute else Label.REFUTED


def measure(run: Run) -> Iterator[Row]:
    """Changed verdicts, in conflictQA and in the sample world."""
    found = run.kept("majority-conflictqa", lambda: _over_conflicts(run), "store", "origins")
    n = 2 * len(found)
    changed = sum(label != each["first"] for each in found for label in each["then"])
    naive = sum(flag for each in found for flag in each["by_posts"])
    labels = Counter(each["first"] for each in found)
    yield Row(
        "majority wrong, verdicts changed", "conflictQA, 1 : 1 to 1 : 5", n, changed, 0,
        round(metrics.of_count(changed, n)[1] * n), {"a vote a post": naive}, aim=0, more=False,
        note="Verdicts at 1 : 1: "
        + ", ".join(f"{label} {count}" for label, count in sorted(labels.items())) + ".",
    )  # fmt: skip
    found = run.kept("majority-sample", lambda: _over_sample(run), "store", "origins", "sample")
    n = len(found)
    changed = sum(each["labels"][0] != each["labels"][1] for each in found)
    yield Row(
        "majority wrong, verdicts changed", "sample world, development claims", n, changed, 0,
        round(metrics.of_count(changed, n)[1] * n), aim=0, more=False,
        note="With all copies in the store against with roots only. With all copies, "
        f"{sum(e['fair'] for e in found)} of {n} verdicts are the case files' own.",
    )  # fmt: skip

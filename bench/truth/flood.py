"""Flood: the verdict when every piece of evidence of a side is copied with small edits.

Each claim stands in a store of its own: the sample world around it, and the set's evidence as posts
of different accounts. Then the posts of one side are copied x10, x100 and, for a few claims,
x10,000. A flip is a verdict that is not the one of x1. Beside it, the same judgements with a vote
for each post: what counting posts would do.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.truth import metrics, world
from bench.truth.data import CLIMATE, FEVER, HEALTHVER, LABELS, NEITHER, REFUTES, SUPPORTS, Case
from bench.truth.rows import Row
from bench.truth.run import Run

from gnomon.truth.weigh import DECISIVE, MASS, STRONG
from gnomon.types import Judgement, Label, Post

TIMES = (10, 100)
GREATEST = 10_000
CLAIMS, CLAIMS_AT_GREATEST = 60, 6
EVIDENCE = 2  # pieces a side, so that x10,000 is at most 20,000 posts a flood
TRIED = 3  # claims looked at for each that is flooded: those with a verdict at x1 come first


def claims_with(cases: Sequence[Case]) -> list[list[Case]]:
    """The cases of each claim that has evidence for or against, those with both sides first."""
    by_claim: dict[str, list[Case]] = {}
    for case in cases:
        by_claim.setdefault(case.group, []).append(case)
    found = [own for own in by_claim.values() if any(c.label != NEITHER for c in own)]
    return sorted(found, key=lambda own: -len({c.label for c in own} - {NEITHER}))


def evidence_posts(own: Sequence[Case]) -> dict[str, tuple[Post, int]]:
    """A claim's evidence as posts: id -> (post, gold label). At most EVIDENCE a side."""
    kept: list[Case] = []
    for label in (SUPPORTS, REFUTES, NEITHER):
        kept += [case for case in own if case.label == label][:EVIDENCE]
    return {
        f"evidence/{i}": (world.post(f"evidence/{i}", case.text, hours_ago=60.0 + i), case.label)
        for i, case in enumerate(kept)
    }


def one_claim(verifier: str, own: Sequence[Case], times: Sequence[int]) -> dict[str, Any]:
    """The verdicts on one claim at x1 and under every flood, and what counting posts would say."""
    claim, posts = own[0].claim, evidence_posts(own)
    out: dict[str, Any] = {"claim": own[0].group, "flooded": []}
    with world.opened([post for post, _ in posts.values()]) as store:
        first = world.verdict(store, verifier, claim)
        bench = world.desk(store, verifier)
        judged = {
            ref: world.judgement(bench.entail, bench.weights, claim, post.text)
            for ref, (post, _) in posts.items()
        }
        out["at_one"] = [first.label, first.confidence]
    for side in sorted({label for _, label in posts.values()} - {NEITHER}):
        chosen = [post for post, label in posts.values() if label == side]
        rng = random.Random(f"{own[0].group} {side}")
        with world.opened([post for post, _ in posts.values()]) as store:
            made = 1
            for k in times:
                new = [c for post in chosen for c in world.copies(post, k - made, rng, made)]
                world.add(store, new)
                made = k
                then = world.verdict(store, verifier, claim)
                naive = {post.id: k for post in chosen}
                out["flooded"].append({
                    "side": LABELS[side], "times": k, "label": then.label,
                    "confidence": then.confidence,
                    "by_posts": [by_posts(judged, {}), by_posts(judged, naive)],
                })  # fmt: skip
    return out


def by_posts(judged: Mapping[str, Judgement], times: Mapping[str, int]) -> Label:
    """The verdict if every post had a vote, by the thresholds of ``truth.weigh``."""
    support = sum(j.supports * times.get(i, 1) for i, j in judged.items() if j.supports > j.neither)
    refute = sum(j.refutes * times.get(i, 1) for i, j in judged.items() if j.refutes > j.neither)
    if max(support, refute) < MASS:
        return Label.NOT_ENOUGH
    low, high = sorted((support, refute))
    if low >= STRONG and high < DECISIVE * low:
        return Label.DISPUTED
    return Label.SUPPORTED if support > refute else Label.REFUTED


def measure(run: Run) -> Iterator[Row]:
    """Flips over Climate-FEVER, HealthVer and FEVER claims."""
    found = run.kept("flood", lambda: list(_floods(run)), "store", "origins")
    for k in (*TIMES, GREATEST):
        at = [flood for each in found for flood in each["flooded"] if flood["times"] == k]
        first = {id(flood): each["at_one"] for each in found for flood in each["flooded"]}
        flips = [flood["label"] != first[id(flood)][0] for flood in at]
        naive = sum(flood["by_posts"][0] != flood["by_posts"][1] for flood in at)
        moved = max((abs(f["confidence"] - first[id(f)][1]) for f in at), default=0.0)
        labels = Counter(first[id(flood)][0] for flood in at)
        _, high = metrics.of_count(sum(flips), len(at))
        yield Row(
            f"flood x{k:,}, verdict flips", "Climate-FEVER, HealthVer, FEVER", len(at),
            sum(flips), 0, round(high * len(at)), {"a vote a post": naive}, aim=0, more=False,
            note="Verdicts at x1 of the floods counted, all sizes together: "
            + ", ".join(f"{label} {n}" for label, n in sorted(labels.items()))
            + f"; the confidence moved by {moved:.3f} at most.",
        )  # fmt: skip


def _floods(run: Run) -> Iterator[dict[str, Any]]:
    per_set = CLAIMS // 3
    for wanted in (CLIMATE, HEALTHVER, FEVER):
        claims = claims_with(run.cases(wanted))
        both = [own for own in claims if {SUPPORTS, REFUTES} <= {c.label for c in own}]
        by_group = {own[0].group: own for own in both or claims}
        tried = run.few(list(by_group), TRIED * per_set)
        tried.sort(key=lambda group: not _decided(run.verifier, by_group[group]))
        chosen = tried[: max(per_set // 5, 1) if run.quick else per_set]
        for i, group in enumerate(run.progress(chosen, f"flood over {wanted.name}")):
            last = i < CLAIMS_AT_GREATEST // 3 and not run.quick
            times = (*TIMES, GREATEST) if last else TIMES
            yield one_claim(run.verifier, by_group[group], times)


def _decided(verifier: str, own: Sequence[Case]) -> bool:
    """Whether there is a verdict for or against the claim before any flood."""
    with world.opened([post for post, _ in evidence_posts(own).values()]) as store:
        return world.verdict(store, verifier, own[0].claim).label is not Label.NOT_ENOUGH

"""Flood: the verdict when every piece of evidence of a side is copied with small edits.

Each claim stands in a store of its own: the sample world around it, and the set's evidence as posts
of different accounts. Then the posts of one side are copied x10, x100 and, for a few claims,
x1,000 and x10,000 (``--copies`` and ``--claims`` say how far and how many). The development claims
of the sample world are flooded there, with copies of the posts that the verdict cites. A flip is a
verdict that is not the one of x1. Beside it, the same judgements with a vote for each post: what
counting posts would do. Each claim's floods are kept as they are done.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.truth import metrics, world
from bench.truth.data import (
    CLIMATE,
    FEVER,
    HEALTHVER,
    LABELS,
    REFUTES,
    SUPPORTS,
    Case,
    Set,
    dev_cases,
)
from bench.truth.majority import by_posts
from bench.truth.rows import Row
from bench.truth.run import Run

from gnomon.lab.verifier.splits import claim_key
from gnomon.types import Judgement, Label, Post, Stance, content_hash
from gnomon.wire import parse_time

TIMES = (10, 100, 1_000, 10_000)
MANY = 1_000  # copies of each piece of evidence, from which on fewer claims are flooded
CLAIMS, CLAIMS_AT_MANY = 20, 3  # of each of the four sources
EVIDENCE = 2  # pieces a side, so that x10,000 is at most 20,000 posts a flood
TRIED = 3  # claims looked at for each that is flooded: those with a verdict at x1 come first


@dataclass(frozen=True, slots=True)
class Target:
    """A claim to flood. ``held`` are its posts beside the sample world; ``sides`` the posts that
    are copied, by side."""

    claim: str
    held: tuple[Post, ...]
    sides: Mapping[str, tuple[Post, ...]]
    now: float = world.NOW


def targets(run: Run, wanted: Set) -> list[Target]:
    """The set's claims with evidence on both sides, or where there are none, on one."""
    by_claim: dict[str, list[Case]] = {}
    for case in run.cases(wanted):
        by_claim.setdefault(case.group, []).append(case)
    found = [target(own) for own in by_claim.values()]
    both = [each for each in found if len(each.sides) == 2]
    return both or [each for each in found if each.sides]


def target(own: Sequence[Case]) -> Target:
    """The evidence of one claim, at most EVIDENCE pieces a side."""
    sides = {}
    for label in (SUPPORTS, REFUTES):
        texts = list(dict.fromkeys(case.text for case in own if case.label == label))[:EVIDENCE]
        posts = tuple(
            world.post(f"{LABELS[label]}/{i}", text, hours_ago=60.0 + i)
            for i, text in enumerate(texts)
        )
        if posts:
            sides[LABELS[label]] = posts
    return Target(own[0].claim, tuple(p for posts in sides.values() for p in posts), sides)


def sample_targets(verifier: str) -> Iterator[Target]:
    """The sample world's development claims, with the posts that their verdicts cite."""
    with world.opened() as store:
        for row in dev_cases("claim"):
            now = parse_time(row["now"])
            sides: dict[str, tuple[Post, ...]] = {}
            cited = world.verdict(store, verifier, row["claim"], now).evidence
            posts = store.get_many([item.post for item in cited])
            for stance in (Stance.SUPPORTS, Stance.REFUTES):
                own = [posts[e.post] for e in cited if e.stance is stance and e.post in posts]
                if own:
                    sides[stance.value] = tuple(own[:EVIDENCE])
            yield Target(row["claim"], (), sides, now)


def flooded(verifier: str, aim: Target, times: Sequence[int]) -> dict[str, Any]:
    """The verdicts on one claim at x1 and under every flood, and what counting posts would say."""
    out: dict[str, Any] = {"claim": claim_key(aim.claim), "floods": []}
    originals = [post for posts in aim.sides.values() for post in posts]
    with world.opened(aim.held) as store:
        first = world.verdict(store, verifier, aim.claim, aim.now)
        bench = world.desk(store, verifier)
        judged: dict[str, Judgement] = {
            post.id: world.judgement(bench.entail, bench.weights, aim.claim, post.text)
            for post in originals
        }
    out["at_one"] = [first.label, first.confidence]
    for side, posts in aim.sides.items():
        rng = random.Random(f"{out['claim']} {side}")
        with world.opened(aim.held) as store:
            made = 1
            for k in times:
                new = [
                    copy
                    for post in posts
                    for copy in world.copies(post, k - made, rng, made, latest=aim.now - 1)
                ]
                world.add(store, new)
                made = k
                then = world.verdict(store, verifier, aim.claim, aim.now)
                naive = by_posts(judged, {}), by_posts(judged, {p.id: k for p in posts})
                out["floods"].append({
                    "side": side, "times": k, "label": then.label, "confidence": then.confidence,
                    "flips": then.label != first.label, "naive_flips": naive[0] != naive[1],
                })  # fmt: skip
    return out


def measure(run: Run) -> Iterator[Row]:
    """Flips for each size of flood."""
    found: list[dict[str, Any]] = []
    for wanted in (CLIMATE, HEALTHVER, FEVER):
        aims = targets(run, wanted)
        found += _kept(run, wanted.name, aims)
    found += _kept(run, "sample", list(sample_targets(run.verifier)))
    for k in TIMES:
        at = [(each, flood) for each in found for flood in each["floods"] if flood["times"] == k]
        if not at:
            continue
        flips = sum(flood["flips"] for _, flood in at)
        labels = Counter(each["at_one"][0] for each, _ in at)
        moved = [abs(flood["confidence"] - each["at_one"][1]) for each, flood in at]
        _, high = metrics.of_count(flips, len(at))
        yield Row(
            f"flood x{k:,}, verdict flips", "Climate-FEVER, HealthVer, FEVER, sample world",
            len(at), flips, 0, round(high * len(at)),
            {"a vote a post": sum(flood["naive_flips"] for _, flood in at)}, aim=0, more=False,
            note=f"x{k:,}: {len({each['claim'] for each, _ in at})} claims, at x1: "
            + ", ".join(f"{label} {n}" for label, n in sorted(labels.items()))
            + f"; the confidence moved by {max(moved, default=0.0):.3f} at most.",
        )  # fmt: skip


def _kept(run: Run, name: str, aims: Sequence[Target]) -> list[dict[str, Any]]:
    """The floods of a source's claims, each claim kept by itself; those with a verdict first."""
    parts = "store", "origins", "sample"
    by_claim = {each.claim: each for each in aims if each.sides}
    tried = [by_claim[claim] for claim in run.few(sorted(by_claim), TRIED * CLAIMS)]
    n = _claims(run, TIMES[0])
    first = run.kept(f"flood-{name}-first-{n}", partial(_decided, run.verifier, tried, n), *parts)
    out = []
    for i, aim in enumerate(run.progress([by_claim[one] for one in first], f"flood, {name}")):
        times = [k for k in TIMES if k <= (run.copies or TIMES[-1]) and i < _claims(run, k)]
        kept = f"flood-{name}-{content_hash(claim_key(aim.claim))[:12]}-{times[-1]}"
        out.append(run.kept(kept, partial(flooded, run.verifier, aim, times), *parts))
    return out


def _claims(run: Run, times: int) -> int:
    """How many claims of a source are flooded with so many copies."""
    if run.claims:
        return run.claims
    if run.quick:
        return CLAIMS // 5 if times < MANY else 0
    return CLAIMS if times < MANY else CLAIMS_AT_MANY


def _decided(verifier: str, aims: Sequence[Target], n: int) -> list[str]:
    """The first ``n`` claims with a verdict other than "not enough evidence" before any flood, and
    others behind them where there are fewer."""
    chosen: list[str] = []
    rest: list[str] = []
    for aim in aims:
        if len(chosen) == n:
            break
        with world.opened(aim.held) as store:
            found = world.verdict(store, verifier, aim.claim, aim.now)
        (rest if found.label is Label.NOT_ENOUGH else chosen).append(aim.claim)
    return [*chosen, *rest][:n]

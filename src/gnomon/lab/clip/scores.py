"""How well a CLIP tells pictures by words that it was not taught them with.

Zero-shot classification and retrieval as they are measured of CLIP
(https://arxiv.org/abs/2103.00020, sections 3.1 and D), each with a 95 % interval by drawing
concepts anew: pictures of one concept are no independent witnesses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from gnomon.lab.clip.model import Clip
from gnomon.lab.clip.pairs import plain, values
from gnomon.lab.clip.words import Words
from gnomon.lab.evaluate.intervals import ratio
from gnomon.lab.pictures.held import Pictures

Rows = npt.NDArray[np.float32]
TEMPLATES = ("{}", "a picture of {}", "a drawing of {}", "{} icon")
"""A class is the middle of its name in these, as CLIP's prompts are ensembled."""
TEMPLATES_ZH = ("{}", "{}的图片")
BATCH = 256


@dataclass(frozen=True, slots=True)
class Score:
    """A share of ``n`` questions, with its 95 % interval, and what guessing gives. ``among`` is
    how many answers there were."""

    name: str
    value: float
    low: float
    high: float
    chance: float
    n: int
    among: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Eyes:
    """Both towers as functions: ``pictures`` takes uint8 ``[B, 3, side, side]``, ``texts`` words;
    each gives unit rows ``[n, D]``. A baseline is measured by the same questions."""

    pictures: Callable[[torch.Tensor], Rows]
    texts: Callable[[Sequence[str]], Rows]


def eyes(model: Clip, words: Words) -> Eyes:
    """Those of a model, which is looked through and not taught."""
    at = next(model.parameters()).device

    @torch.no_grad()
    def pictures(pixels: torch.Tensor) -> Rows:
        found: Rows = model.embed_pictures(values(pixels.to(at))).float().cpu().numpy()
        return found

    @torch.no_grad()
    def texts(said: Sequence[str]) -> Rows:
        ids, mask = words.encode(said)
        found: Rows = model.embed_texts(ids.to(at), mask.to(at)).float().cpu().numpy()
        return found

    return Eyes(pictures, texts)


def seen(look: Eyes, pictures: Pictures, rows: Sequence[int]) -> Rows:
    """Pictures ``[n, D]``, each before white."""
    parts = [rows[n : n + BATCH] for n in range(0, len(rows), BATCH)]
    return np.concatenate([look.pictures(plain(pictures.pixels[list(part)])) for part in parts])


def read(look: Eyes, texts: Sequence[str]) -> Rows:
    """Texts ``[n, D]``."""
    parts = [texts[n : n + BATCH] for n in range(0, len(texts), BATCH)]
    return np.concatenate([look.texts(part) for part in parts])


def classes(look: Eyes, names: Sequence[Sequence[str]], templates: Sequence[str]) -> Rows:
    """A unit row for each class: the middle of its ``names`` in all ``templates``."""
    texts = [frame.format(name) for one in names for name in one for frame in templates]
    rows, ends = read(look, texts), np.cumsum([len(one) * len(templates) for one in names])
    middle = np.stack([part.mean(0) for part in np.split(rows, ends[:-1])])
    unit: Rows = middle / np.linalg.norm(middle, axis=1, keepdims=True)
    return unit


def measure(
    look: Eyes, pictures: Pictures, rows: Sequence[int], among: Sequence[int] | None = None
) -> list[Score]:
    """Every score of the pictures in ``rows``. The classes are the concepts of ``among``, or of
    ``rows``."""
    if not rows:
        return []
    vectors = seen(look, pictures, rows)
    told = zero_shot(look, pictures, rows, vectors, among or rows)
    return told + (retrieval(look, pictures, rows, vectors) if among is None else [])


def zero_shot(
    look: Eyes, pictures: Pictures, rows: Sequence[int], vectors: Rows, among: Sequence[int]
) -> list[Score]:
    """Which concept is it? In English by its plainest name, and in Chinese where all have one."""
    found = []
    for language in ("en", "zh"):
        names: dict[str, dict[str, None]] = {}
        for row in among:
            item = pictures.items[row]
            said = item.captions if language == "en" else item.zh
            if said:
                names.setdefault(item.concept, {})[said[0]] = None
        kept = [n for n, row in enumerate(rows) if pictures.items[row].concept in names]
        if len(names) < 2 or not kept:
            continue
        order = {concept: n for n, concept in enumerate(names)}
        templates = TEMPLATES if language == "en" else TEMPLATES_ZH
        table = classes(look, [list(one) for one in names.values()], templates)
        owns = [pictures.items[rows[n]].concept for n in kept]
        places = _places(vectors[kept] @ table.T, [order[one] for one in owns])
        for k in (1, 5):
            guess = min(1.0, k / len(order))
            name = f"zero-shot top-{k}" + (" (zh)" if language == "zh" else "")
            found.append(_score(name, places < k, owns, guess, len(order)))
    return found


def retrieval(look: Eyes, pictures: Pictures, rows: Sequence[int], vectors: Rows) -> list[Score]:
    """Recall at 1, 5 and 10, from a picture to its caption and from a caption to any of its
    pictures."""
    said = [pictures.items[row].captions[0] for row in rows]
    concepts = [pictures.items[row].concept for row in rows]
    texts = list(dict.fromkeys(said))
    order = {text: n for n, text in enumerate(texts)}
    own = np.array([order[text] for text in said])
    alike = vectors @ read(look, texts).T
    to_text = _places(alike, own)
    best = np.full(len(texts), np.inf)
    ranks = (-alike).argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    np.minimum.at(best, own, ranks[np.arange(len(own)), own])
    shown = np.bincount(own, minlength=len(texts))
    of_text = dict(zip(said, concepts, strict=True))
    found = []
    for k in (1, 5, 10):
        guess = min(1.0, k / len(texts))
        found.append(_score(f"picture to text R@{k}", to_text < k, concepts, guess, len(texts)))
    for k in (1, 5, 10):
        guess = float(np.mean([_any_of(len(rows), int(one), k) for one in shown]))
        owners = [of_text[text] for text in texts]
        found.append(_score(f"text to picture R@{k}", best < k, owners, guess, len(rows)))
    return found


def _places(alike: Rows, own: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """At which place, from 0, each row has its own column; ties count against it."""
    index = np.asarray(own)
    mine = alike[np.arange(len(alike)), index][:, None]
    places: npt.NDArray[np.int64] = (alike >= mine).sum(axis=1) - 1
    return places


def _any_of(count: int, wanted: int, k: int) -> float:
    """The chance that ``k`` of ``count``, drawn blindly, hold one of ``wanted``."""
    return 1.0 - comb(count - wanted, min(k, count)) / comb(count, min(k, count))


def _score(
    name: str, right: npt.NDArray[np.bool_], owners: Sequence[str], chance: float, among: int
) -> Score:
    by_owner: dict[str, list[float]] = {}
    for one, owner in zip(right, owners, strict=True):
        by_owner.setdefault(owner, []).append(float(one))
    above = [sum(one) for one in by_owner.values()]
    low, high = ratio(above, [len(one) for one in by_owner.values()])
    return Score(name, float(np.mean(right)), low, high, chance, len(right), among)

"""How a CLIP is made: what was asked for, what is learnt from and what is not, and its sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.clip import words as vocabulary
from gnomon.lab.clip.loss import LOSSES, contrast, sigmoids
from gnomon.lab.clip.model import Shape, Tower
from gnomon.lab.clip.words import Words
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.pictures.held import SPLITS, Pictures
from gnomon.lab.pictures.scenes import Scenes

HELD = "held"
"""The split of a set that is learnt nothing from."""
ENOUGH = 200
"""So many pictures of known concepts a set needs to be one that tells about unseen styles."""
MATRIX_RATE, RATE, DECAY, AVERAGE = 0.02, 3e-3, 0.1, 0.05


@dataclass(frozen=True, slots=True)
class Settings:
    """``depth`` layers of the image tower, from which all widths follow. ``steps`` of ``batch``
    pairs, or as many as ``minutes`` allow. ``kept`` is the share of patches that a step looks at,
    ``composed`` that of scenes in a batch. ``held_set`` is the set that nothing is learnt from, so
    that unseen styles are measured: "auto" the smallest that can tell, "" none. ``everything``:
    learn from every split and set, for a judge that is not to be judged. ``licence`` is what the
    owner gives the weights."""

    depth: int = 6
    patch: int = 8
    seed: int = 0
    steps: int | None = None
    minutes: float | None = None
    batch: int = 256
    kept: float = 0.4
    composed: float = 0.25
    loss: str = "softmax"
    held_set: str = "auto"
    everything: bool = False
    rate_scale: float = 1.0
    precision: str = "auto"
    licence: str = ""

    def check(self, side: int) -> None:
        """Raises InputError for a value that cannot be used with pictures of ``side`` pixels."""
        for name, value in (("steps", self.steps), ("minutes", self.minutes)):
            if value is not None and not value > 0:
                raise InputError(f"--{name} is {value}; give a number above 0.")
        for name, share, top in (("kept", self.kept, 1.0), ("composed", self.composed, 0.9)):
            if not (share > 0 or (name == "composed" and share == 0)) or share > top:
                raise InputError(f"--{name} is {share}; give a share up to {top:g}.")
        if not 1 <= self.depth <= 24:
            raise InputError(f"--depth is {self.depth}; give 1 to 24 layers.")
        if self.patch < 1 or side % self.patch:
            raise InputError(f"--patch is {self.patch}; give a divisor of {side}, such as 8 or 16.")
        if self.batch < 2:
            raise InputError(f"--batch is {self.batch}; a pair needs another to differ from.")
        if self.loss not in LOSSES:
            raise InputError(f"--loss is {self.loss!r}; give {' or '.join(LOSSES)}.")
        if self.everything and self.held_set not in ("auto", ""):
            raise InputError(
                f"--hold-out is {self.held_set!r} beside --everything; give one of the two."
            )
        if not 0 < self.rate_scale <= 100:
            raise InputError(f"--rate-scale is {self.rate_scale}; give a number up to 100.")


@dataclass(frozen=True)
class Split:
    """``learnt``, ``val`` and ``test`` rows; ``styles``: those of the held set whose concepts are
    learnt from others. What is measured on has a weight of 1: one gesture in five skin tones would
    be asked five times."""

    held_set: str
    learnt: Sequence[int]
    val: Sequence[int]
    test: Sequence[int]
    styles: Sequence[int]


def split(pictures: Pictures, settings: Settings) -> Split:
    """What is learnt from and what is not. Raises InputError where nothing is left."""
    items = pictures.items
    if settings.everything:
        rows = [n for n, item in enumerate(items) if item.captions]
        return Split("", rows, (), (), ())
    train_, val, test = ([n for n in pictures.rows(name) if items[n].captions] for name in SPLITS)
    held = _held_set(pictures, train_, settings.held_set)
    learnt = [n for n in train_ if items[n].set != held]
    known = {items[n].concept for n in learnt}
    styles = [n for n in train_ if items[n].set == held and items[n].concept in known]
    val, test, styles = ([n for n in rows if items[n].weight >= 1] for rows in (val, test, styles))
    if len(known) < 2:
        raise InputError(
            f"{pictures.folder} shows {len(known)} concepts to learn from; CLIP needs two at "
            "least, and thousands to be of use. Add sets: gnomon lab pictures --sets ..."
        )
    return Split(held, learnt, val, test, styles)


def _held_set(pictures: Pictures, rows: Sequence[int], asked: str) -> str:
    """The set that is held out: the one asked for, or the smallest that has enough pictures of
    concepts that others show, too; it costs little to learn without that one."""
    sets = Counter(pictures.items[n].set for n in rows)
    if asked not in ("auto", ""):
        if asked not in sets:
            raise InputError(f"--hold-out is {asked!r}; the sets are: {', '.join(sorted(sets))}.")
        return asked
    if not asked:
        return ""
    by_concept: dict[str, set[str]] = {}
    for n in rows:
        by_concept.setdefault(pictures.items[n].concept, set()).add(pictures.items[n].set)
    shared = Counter(
        pictures.items[n].set for n in rows if len(by_concept[pictures.items[n].concept]) > 1
    )
    fit = [(sets[name], name) for name, count in shared.items() if count >= ENOUGH]
    return min(fit)[1] if len(fit) > 1 else ""


def scenes_of(pictures: Pictures, settings: Settings, kept: Sequence[int]) -> Scenes | None:
    """Compositions of what is learnt from, and of nothing else."""
    if not settings.composed:
        return None
    learnt = set(kept)
    items = [
        # Where a thing has no Chinese name, a Chinese scene of it says the English one.
        replace(item, split="train" if n in learnt else HELD, zh=item.zh or item.captions)
        for n, item in enumerate(pictures.items)
    ]
    scenes = Scenes(
        Pictures(pictures.folder, pictures.pixels, items), split="train", seed=settings.seed,
        side=pictures.side,
    )  # fmt: skip
    return scenes if len(scenes) else None


def words_of(pictures: Pictures, rows: Sequence[int], scenes: Scenes | None) -> Words:
    """A vocabulary of every way in which pictures are told."""
    items = [pictures.items[n] for n in rows]
    texts = [said for item in items for said in (*item.captions, *item.zh, *item.tags, item.style)]
    if scenes is not None:
        # Scenes name colours and places with words that no item has; each is drawn here without
        # its pixels being used.
        texts += scenes.take(0, 2000)[1]
    return vocabulary.train(texts)


def loss_of(settings: Settings) -> Any:
    return contrast if settings.loss == "softmax" else sigmoids


def shape_of(settings: Settings, words: Words, side: int) -> Shape:
    """Every size by the depth: at 6, both towers are 256 wide and the text's has 4 layers."""
    width = 64 * max(1, round(settings.depth * 2 / 3))
    layers = max(1, round(settings.depth * 2 / 3))
    return Shape(
        words.vocab, words.start, words.end, words.pad, vocabulary.CONTEXT, side, settings.patch,
        Tower.of(layers, width), Tower.of(settings.depth, width), width,
        settings.loss == "sigmoid",
    )  # fmt: skip


def recipe_of(settings: Settings, steps: int) -> Recipe:
    """How the weights move over so many steps."""
    return Recipe(
        steps=steps,
        matrix_rate=MATRIX_RATE * settings.rate_scale,
        rate=RATE * settings.rate_scale,
        decay=DECAY,
        average=AVERAGE,
        seed=settings.seed,
    )

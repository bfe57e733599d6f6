"""The verifier's whole recipe: pairs, training, export. Each step is kept, and not done twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gnomon.lab.verifier import edits, parallel, sets
from gnomon.lab.verifier.corpus import MAX_TOKENS, Encoded, encode, padded, prepared
from gnomon.lab.verifier.courses import ALL, ENGLISH, Course
from gnomon.lab.verifier.mixture import training_pairs
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.splits import calibrates, held_back
from gnomon.models.verifier import tempered

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from gnomon.lab.verifier.training import Progress, Recipe

WATCHED = 500
ENGLISH_ONLY = "English only; other languages are for rules or a chat model."
BILINGUAL = (
    "English and Chinese. Of pairs across the two it has seen 2,500, and errs there more than "
    "within one."
)
LIMITS = (
    "Reads 128 tokens: a claim and one to three sentences. What is longer loses its beginning.",
    "Numbers, dates, names, hedges and hearsay are to be compared exactly beside it.",
    "Learnt from encyclopaedias, abstracts and invented events, not from posts: of fragments and "
    "slang it is sometimes sure and wrong.",
    "Claims that deny something lean towards 'refutes'.",
)


@dataclass(frozen=True, slots=True)
class Base:
    """The encoder that is trained on: its folder of transformers' BertModel with its tokenizer,
    what it is called, its licence, the SHA-256 of the file that it came in, and what it reads."""

    folder: Path
    name: str
    licence: str
    sha256: str
    langs: tuple[str, ...] = ("en",)


def make_pairs(
    data: Path, out: Path, *, seed: int, chinese: bool, report: Callable[[str], None]
) -> list[Pair]:
    """The training pairs, made once and kept in ``out/pairs.jsonl``."""
    kept = out / "pairs.jsonl"
    if not kept.exists():
        out.mkdir(parents=True, exist_ok=True)
        made = training_pairs(data, seed=seed, chinese=chinese, report=report)
        fresh = kept.with_suffix(".new")
        fresh.write_text("".join(json.dumps(asdict(pair)) + "\n" for pair in made), "utf-8")
        os.replace(fresh, kept)
    with kept.open(encoding="utf-8") as lines:
        return [Pair(**json.loads(line)) for line in lines]


def watched_pairs(data: Path, *, seed: int) -> list[Pair]:
    """Development pairs to look at while training: FEVER's held-back tenth, and as many windows
    that settle nothing. Never trained on."""
    held = [
        Pair(window, claim, label, "fever", claim)
        for window, claim, label in sets.fever_rows(data)
        if held_back(claim)
    ]
    apart = list(edits.unrelated(held, seed=seed, per=1))
    rng = random.Random(seed)
    return rng.sample(held, WATCHED) + rng.sample(apart, WATCHED // 2)


def run(
    data: Path,
    base: Base,
    out: Path,
    recipe: Recipe,
    *,
    report: Callable[[str], None],
    progress: Callable[[Progress], None],
    limit: int = 0,
) -> Path:
    """Make the pairs, train, export; the folder of the verifier, which the setting ``verifier``
    takes. ``limit`` > 0 takes only so many pairs, to try the recipe. What is done already in
    ``out`` is not done again."""
    from tokenizers import Tokenizer

    from gnomon.lab.verifier.export import export

    pairs = make_pairs(data, out, seed=recipe.seed, chinese="zh" in base.langs, report=report)
    taken = pairs[:limit] if limit else pairs
    watched = watched_pairs(data, seed=recipe.seed)
    report(f"{len(taken)} pairs to train on, {len(watched)} to watch")
    tokenizer = prepared(Tokenizer.from_file(str(base.folder / "tokenizer.json")))
    trained, learnt = _taught(base, out, taken, watched, recipe, tokenizer, report, progress)
    tokenizer.save(str(trained / "tokenizer.json"))
    report("exporting to ONNX, eight bits")
    verifier = out / "verifier"
    verifier.mkdir(exist_ok=True)
    export(trained, verifier / "model.onnx")
    tokenizer.save(str(verifier / "tokenizer.json"))
    fit = [pair for pair in watched if calibrates(pair.claim)]  # the other half is measured
    temperature = fitted_temperature(verifier / "model.onnx", encode(tokenizer, fit))
    card = make_card(verifier / "model.onnx", base, data, learnt, temperature)
    (verifier / "card.json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    return verifier


def _taught(
    base: Base,
    out: Path,
    pairs: Sequence[Pair],
    watched: Sequence[Pair],
    recipe: Recipe,
    tokenizer: Tokenizer,
    report: Callable[[str], None],
    progress: Callable[[Progress], None],
) -> tuple[Path, list[tuple[Recipe, list[Pair]]]]:
    """Every course in its turn, from the model of the one before: the folder of the last model,
    and what each course was."""
    from gnomon.lab.verifier.training import train

    courses = ALL if "zh" in base.langs else ENGLISH
    folder, chosen = base.folder, list[Pair]()
    learnt = []
    for number, course in enumerate(courses, 1):
        chosen, own = course.drawn(pairs, chosen), _recipe_of(course, recipe)
        if len(courses) > 1:
            report(f"course {number} of {len(courses)}: {len(chosen)} pairs")
        place = out / f"course-{number}" if len(courses) > 1 else out
        items, watch = encode(tokenizer, chosen), encode(tokenizer, watched)
        folder = train(folder, place, items, watch, own, report=progress)
        learnt.append((own, chosen))
    return folder, learnt


def _recipe_of(course: Course, recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        seed=recipe.seed + course.seed,
        rate=recipe.rate if course.rate is None else course.rate,
        head_rate=recipe.head_rate if course.head_rate is None else course.head_rate,
        epochs=recipe.epochs if course.epochs is None else course.epochs,
    )


def fitted_temperature(model: Path, items: Sequence[Encoded]) -> float:
    """The temperature at which the given pairs are least surprising (Guo et al. 2017,
    https://arxiv.org/abs/1706.04599), from 0.5 to 4 in steps of 0.05."""
    from gnomon.lab.verifier.export import logits

    found = np.concatenate(
        [logits(model, padded(items[i : i + 16])) for i in range(0, len(items), 16)]
    )
    labels = np.array([item.label for item in items])
    rows = np.arange(len(labels))

    def surprise(temperature: float) -> float:
        return float(-np.log(tempered(found, temperature)[rows, labels] + 1e-9).mean())

    return min((t / 20 for t in range(10, 81)), key=surprise)


def make_card(
    model: Path,
    base: Base,
    data: Path,
    learnt: Sequence[tuple[Recipe, Sequence[Pair]]],
    temperature: float,
) -> dict[str, Any]:
    """What the verifier is: everything but its scores, which ``bench/truth`` gives. ``learnt`` is
    each course: how, and which pairs."""
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    across = parallel.SETS if "zh" in base.langs and parallel.available(data.parent) else ()
    if (data.parent / sets.POSTS.files[0]).is_file():
        across = (*across, sets.POSTS)
    return {
        "name": f"gnomon-verifier-{digest[:8]}",
        "sha256": digest,
        "bytes": model.stat().st_size,
        "temperature": temperature,
        "langs": list(base.langs),
        "max_tokens": MAX_TOKENS,
        "licence": "CC BY-SA 4.0",
        "base": {"name": base.name, "licence": base.licence, "sha256": base.sha256},
        "courses": [
            {"recipe": asdict(recipe), "pairs": dict(by_source(pairs))} for recipe, pairs in learnt
        ],
        "sets": [
            {"name": each.name, "from": each.origin, "licence": each.licence}
            for each in (*sets.SETS, *across)
        ],
        "files": {**sets.checksums(data, sets.SETS), **sets.checksums(data.parent, across)},
        "limits": [BILINGUAL if "zh" in base.langs else ENGLISH_ONLY, *LIMITS],
    }


def by_source(pairs: Sequence[Pair]) -> Iterator[tuple[str, int]]:
    """How many pairs each source gave, for the card."""
    counts: dict[str, int] = {}
    for pair in pairs:
        counts[pair.source] = counts.get(pair.source, 0) + 1
    yield from sorted(counts.items())

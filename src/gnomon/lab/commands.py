"""`gnomon lab ...`: the recipes from the command line, with progress; a cut run goes on."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gnomon.errors import InputError, ModelMissing
from gnomon.models import installed

if TYPE_CHECKING:
    from gnomon.lab.verifier import Progress

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


def verifier(args: argparse.Namespace, models_dir: Path, threads: int) -> Path:
    """Run the verifier's recipe; the folder of the finished verifier.

    Raises InputError where the lab's packages, the data or the base encoder are not here."""
    lacking = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if lacking:
        raise InputError(
            f"the lab needs {', '.join(lacking)}; install it with: pip install 'gnomon[lab]'"
        )
    base = installed.find(models_dir, BASE)
    if base is None:
        raise ModelMissing(f"{BASE} is not on this machine; run `gnomon models pull {BASE}`.")
    installed.verify(base)
    import torch

    from gnomon.lab.recipe import run
    from gnomon.lab.verifier import Recipe

    torch.set_num_threads(threads)
    recipe = Recipe(seed=args.seed)
    if args.epochs is not None:
        if not 0 < args.epochs <= 100:
            raise InputError(f"--epochs is {args.epochs}; give a number above 0, up to 100.")
        recipe = Recipe(seed=args.seed, epochs=args.epochs)
    out = Path(args.out)
    try:
        return run(
            Path(args.data), base.folder, out, recipe,
            report=_say, progress=_show, limit=args.limit,
        )  # fmt: skip
    except KeyboardInterrupt:
        _say(f"stopped; the same command goes on from {out / 'checkpoint.pt'}")
        raise


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _show(at: Progress) -> None:
    scores = ", ".join(f"{name} {value:.3f}" for name, value in at.scores.items())
    _say(
        f"step {at.step} of {at.steps}: loss {at.loss:.3f}, {at.pairs_per_s:.0f} pairs/s, "
        f"{at.left_s / 60:.0f} min left{'; ' + scores if scores else ''}"
    )

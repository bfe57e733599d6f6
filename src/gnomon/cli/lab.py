"""``gnomon lab``."""

from __future__ import annotations

import argparse
from typing import Any

from gnomon.cli.arguments import DONE, command, config_of
from gnomon.cli.output import print_json


def add_lab(commands: Any) -> None:
    from gnomon.lab.commands import add_arguments

    parser = command(
        commands, "lab", lab, "train models of your own",
        "verifier: train the model that checks claims, from published sets, and export it as the "
        "folder that the setting `verifier` takes. Comes back: that folder. Shows progress, can be "
        "interrupted, and the same command goes on where it was. Fails where gnomon[lab] is not "
        "installed, a set or the base model is not here, or the folder holds another run.",
    )  # fmt: skip
    parser.add_argument("recipe", choices=["verifier"], help="what to train")
    add_arguments(parser)


def lab(args: argparse.Namespace) -> int:
    from gnomon.lab import commands

    config = config_of(args)
    folder = commands.verifier(args, config.models_dir, config.threads)
    print_json({"verifier": str(folder)}) if args.json else print(folder)
    return DONE

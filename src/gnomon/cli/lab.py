"""``gnomon lab``: one subcommand a stage. Thin: each stage declares its own arguments."""

from __future__ import annotations

import argparse
from typing import Any

from gnomon.cli.arguments import DONE, USAGE, command, config_of
from gnomon.cli.output import print_json


def add_lab(commands: Any) -> None:
    from gnomon.lab.command import stages

    parser = command(
        commands, "lab", lab, "train models of your own",
        "Each stage shows progress, can be interrupted, and the same command goes on where it was. "
        "Needs gnomon[lab].",
    )  # fmt: skip
    inner = parser.add_subparsers(title="stages", metavar="STAGE", dest="stage")
    for name, stage in stages().items():
        one = command(inner, name, lab, stage.SUMMARY, stage.DETAIL)
        stage.add_arguments(one)
        one.set_defaults(print_help=one.print_help)
    parser.set_defaults(print_help=parser.print_help)


def lab(args: argparse.Namespace) -> int:
    from gnomon.lab.command import Bench, stages
    from gnomon.lab.progress import Lines

    if args.stage is None:
        args.print_help()
        return USAGE
    config = config_of(args)
    bench = Bench(config.home, config.models_dir, config.threads, Lines())
    report = stages()[args.stage].run(args, bench)
    print_json(report) if args.json else print(report["folder"])
    return DONE

"""``gnomon models``."""

from __future__ import annotations

import argparse
from typing import Any

from gnomon.cli.arguments import DONE, UsageError, command, config_of
from gnomon.cli.output import print_json


def add_models(commands: Any) -> None:
    parser = command(
        commands, "models", models, "list models, or pull one",
        "Comes back: task, licence, size, SHA-256 and sources of each known model. pull NAME "
        "fetches one, resumes, and refuses bytes whose hash is not the publisher's; NAME may be a "
        "GGUF file or its URL, too. export DIR and import DIR move pulled models between "
        "machines. Fails on an unknown name, a wrong hash, no way to the bytes, or a full disk.",
    )  # fmt: skip
    parser.add_argument("action", nargs="?", choices=["list", "pull", "export", "import"],
                        default="list", help="default: list")  # fmt: skip
    parser.add_argument("name", nargs="?", help="model name or URL (pull), folder (export, import)")
    parser.add_argument("--sha256", help="expected hash, for a model that is not in the table")


def models(args: argparse.Namespace) -> int:
    from gnomon import assemble, terminal

    config = config_of(args)
    if args.action == "list":
        if args.name:
            raise UsageError(f"list takes no name, and {args.name[:60]!r} was given.")
        rows = assemble.model_rows(config)
        print_json(rows) if args.json else terminal.models(rows)
        return DONE
    if not args.name:
        what = "NAME; `gnomon models` lists names" if args.action == "pull" else "DIR, a folder"
        raise UsageError(f"say which: gnomon models {args.action} {what}.")
    with terminal.download(not args.json) as show:
        paths = assemble.move_model(
            args.action, args.name, config, sha256=args.sha256, on_progress=show
        )
    print_json([str(path) for path in paths]) if args.json else terminal.pulled(paths)
    return DONE

"""``gnomon receipt``: the signed receipt of an answer, and whether one holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gnomon.cli.arguments import DONE, FAILED, command, config_of, opened
from gnomon.cli.output import print_json
from gnomon.errors import InputError


def add_receipt(commands: Any) -> None:
    parser = command(
        commands, "receipt", receipt, "show or verify the signed receipt of an answer",
        "show ID (or: last) gives the receipt of an answer that was kept: which models and what "
        "state of the index it is from, its texts, and the signature. With --json all of it, to "
        "be saved and verified anywhere. verify FILE (or ID) says whether the signature and every "
        "text hold, and how many texts were erased since, as their authors deleted them; a FILE "
        "needs nothing but its key. Exit codes: 0 it holds, 1 it does not, or cannot be read.",
    )  # fmt: skip
    parser.add_argument("action", choices=["show", "verify"], help="what to do")
    parser.add_argument("what", metavar="ID|FILE", help="id of an answer, last, or a saved receipt")
    parser.add_argument("--key", metavar="PEM", help="verify with the public key in this file")


def receipt(args: argparse.Namespace) -> int:
    return _show(args) if args.action == "show" else _verify(args)


def _show(args: argparse.Namespace) -> int:
    from gnomon import terminal

    with opened(args) as gnomon:
        name = gnomon.receipts.newest() if args.what == "last" else args.what
        found = gnomon.receipts.show(name)
    if args.json:
        print_json(found)
        return DONE
    said, answer = found["statement"], found["answer"]
    terminal.line(f"{said['object']} {said['answer']}")
    terminal.line(f"signed {said['at']} with key {said['key']} by gnomon {said['by']['version']}")
    for role, model in said["models"].items():
        terminal.line(f"{role}: {model['name']}  {model['sha256'] or _without_hash(model['name'])}")
    index = said["index"]
    terminal.line(
        f"index: {index['posts']:,} posts, {index['origins']:,} origins, entry {index['seq']:,}"
    )
    joules = said["joules"]
    terminal.line(f"energy: {'not measured' if joules is None else f'{joules:.1f} J'}")
    for cited in answer.get("citations", ()):
        terminal.line(f"[{cited['n']}] {cited['post']}  SHA-256 {cited['hash']}")
    return DONE


def _verify(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.assemble.provenance import Signed
    from gnomon.assemble.receipts import verify_file
    from gnomon.wire import iso, to_json

    public = ""
    if args.key:
        try:
            public = Path(args.key).read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise InputError(f"{args.key!r} cannot be read ({error.strerror}).") from error
    path = Path(args.what)
    if path.is_file() or path.suffix == ".json":
        found = verify_file(path, Signed(config_of(args)), public)
    else:
        with opened(args) as gnomon:
            name = gnomon.receipts.newest() if args.what == "last" else args.what
            found = gnomon.receipts.verify(gnomon.receipts.show(name), public)
    if args.json:
        print_json({**to_json(found), "at": iso(found.at) if found.at is not None else None})
    else:
        terminal.line(f"{args.what}: {found.state}")
        terminal.prose(f"  {found.why}")
    return FAILED if found.state == "invalid" else DONE


def _without_hash(name: str) -> str:
    return "(no model: composed of what was said)" if name == "quotes" else "(not on this machine)"

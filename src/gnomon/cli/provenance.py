"""``gnomon provenance``: where a file says that it comes from; and our own keys."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, FAILED, UsageError, command, config_of, positive
from gnomon.cli.output import print_json

if TYPE_CHECKING:
    from gnomon.assemble.provenance import Signed
    from gnomon.types.provenance import Provenance

ABSENT = 3


def add_provenance(commands: Any) -> None:
    parser = command(
        commands, "provenance", provenance, "say who signed a picture or a sound, and with what",
        "Reads the C2PA manifest in each FILE (or beside it, as FILE.c2pa). Comes back: trusted "
        "(all holds, and the signer is on your trust list or yourself), valid (all holds; nobody "
        "you trust vouches for the signer), invalid and why, or absent, which says nothing of the "
        "file; the program, model and time that it names. Exit codes: 0 trusted or valid, 1 "
        "invalid or unreadable, 3 absent. Without FILE: your own keys. With --text, 0 is a "
        "mark found and 3 none.",
    )  # fmt: skip
    parser.add_argument("files", nargs="*", metavar="FILE", help="picture, sound or video")
    parser.add_argument("--text", action="store_true",
                        help="each FILE is a text: look for the mark that our own models leave in "
                        "their words (with --model)")  # fmt: skip
    parser.add_argument("--write", metavar="PROMPT",
                        help="have --model write, with the mark in its words")  # fmt: skip
    parser.add_argument("--model", metavar="NAME", help="a GGUF model of `gnomon models`")
    parser.add_argument("--tokens", type=positive, default=256, metavar="N",
                        help="at most N tokens (default 256)")  # fmt: skip
    parser.add_argument("--rotate", action="store_true",
                        help="make a new signing key; the old one goes on verifying")  # fmt: skip
    parser.add_argument("--withdraw", metavar="KEY",
                        help="trust a key of your own no longer, as after a theft")  # fmt: skip
    parser.add_argument("--trust", metavar="PEM",
                        help="add the certificates in this file to your trust list")  # fmt: skip


def provenance(args: argparse.Namespace) -> int:
    from gnomon.assemble.provenance import Signed
    from gnomon.errors import InputError
    from gnomon.wire import to_json

    signed = Signed(config_of(args))
    if args.rotate or args.withdraw or args.trust:
        if args.files:
            raise UsageError(
                "--rotate, --withdraw and --trust change keys; give no FILE with them."
            )
        if args.rotate:
            signed.rotate()
        if args.withdraw:
            signed.keys.withdraw(args.withdraw)
        if args.trust:
            try:
                pem = Path(args.trust).read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                raise InputError(f"{args.trust!r} cannot be read ({error.strerror}).") from error
            signed.keys.trust(pem)
    if args.text or args.write:
        return _words(args, signed)
    if not args.files:
        about = signed.about()
        print_json(about) if args.json else _show_keys(about)
        return DONE
    found = [(path, signed.read_file(Path(path))) for path in args.files]
    if args.json:
        rows = [{"file": path, **to_json(one)} for path, one in found]
        print_json(rows[0] if len(rows) == 1 else {"object": "list", "data": rows})
    else:
        for path, one in found:
            _show(path, one)
    states = {one.state for _, one in found}
    return FAILED if "invalid" in states else ABSENT if "absent" in states else DONE


def _words(args: argparse.Namespace, signed: Signed) -> int:
    from gnomon import terminal
    from gnomon.assemble import marked_text
    from gnomon.errors import InputError
    from gnomon.wire import to_json

    if not args.model:
        raise UsageError("say whose words: --model NAME; `gnomon models` lists them.")
    config = config_of(args)
    if args.write:
        text = ""
        for piece in marked_text.write(config, signed, args.model, args.write, max_new=args.tokens):
            text += piece
            if not args.json:
                print(terminal.safe(piece), end="", flush=True)
        print_json({"text": text, "model": args.model}) if args.json else print()
        return DONE
    code = DONE
    for path in args.files:
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise InputError(f"{path!r} cannot be read ({error.strerror}).") from error
        mark, found = marked_text.look(config, signed, args.model, text)
        if args.json:
            print_json({"file": path, **to_json(mark), "tokens": found.tokens, "p": found.p})
        else:
            few = "" if found.enough else f"; too short to say ({found.tokens} tokens)"
            terminal.line(f"{path}: {'our mark' if mark.found else 'no mark of ours'}{few}")
            terminal.line(
                f"  {found.score:.1f} standard deviations over {found.tokens} tokens; in a text "
                f"without it, at most 1 in {1 / max(found.p, 1e-99):,.0f}"
            )
        code = code if mark.found else ABSENT
    return code


def _show(path: str, found: Provenance) -> None:
    from gnomon import terminal

    terminal.line(f"{path}: {found.state}")
    terminal.prose(f"  {found.why}")
    made = "" if found.machine is None else "by a model" if found.machine else "without a model"
    if found.state != "absent":
        named = (
            ("says it was made", made or found.source_type),
            ("program", found.generator),
            ("model", found.model),
            ("time", terminal.when(found.at) if found.at is not None else ""),
            ("signed as", f"{found.signer.name} / {found.signer.organization}".strip(" /")),
            ("out of", terminal.count(found.ingredients, "file") if found.ingredients else ""),
            ("prompt SHA-256", found.made.prompt_sha256 if found.made else ""),
        )
        for name, value in named:
            if value:
                terminal.line(f"  {name}: {value}")


def _show_keys(about: Mapping[str, Any]) -> None:
    from gnomon import terminal

    if not about["keys"]:
        terminal.line("No signing key yet; the first thing that is signed makes one.")
    for key in about["keys"]:
        terminal.line(
            f"{key['id']}  since {key['since']}  {'retired' if key['retired'] else 'in use'}"
        )
    trusted = terminal.count(about["trusted"], "certificate")
    terminal.line(f"Trusted besides: {trusted} in {about['trust_list']}")

"""``gnomon keys``."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, UsageError, command, config_of, positive
from gnomon.cli.output import print_json

if TYPE_CHECKING:
    from gnomon.serve.database import Database
    from gnomon.serve.keys import Key, Keys

_UNITS_S = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0, "y": 365 * 86_400.0}


def add_keys(commands: Any) -> None:
    parser = command(
        commands, "keys", keys, "make, list or revoke API keys",
        "Until there is a key the server answers this machine alone, without one; from the first "
        "key on every request needs one. create prints the key once: only its hash is kept. A "
        "running server knows of a new or revoked key at once. list shows all of them; revoke ID "
        "ends one. Fails on an unknown ID, scope or user.",
    )  # fmt: skip
    parser.add_argument("action", nargs="?", choices=["list", "create", "revoke"],
                        default="list", help="default: list")  # fmt: skip
    parser.add_argument("id", nargs="?", metavar="ID", help="which key (revoke)")
    parser.add_argument("--name", default="", help="what the key is for, for your own memory")
    parser.add_argument("--scope", default="ask", metavar="SCOPES",
                        help="what it may do: some of ask,write,admin (default ask)")  # fmt: skip
    parser.add_argument(
        "--expires", metavar="TIME", help="when it ends: 30d, 12h, 8w, or a date (default never)"
    )
    parser.add_argument(
        "--rate", type=positive, metavar="N",
        help="requests a minute (default: the setting requests_per_minute)",
    )  # fmt: skip
    parser.add_argument(
        "--tokens-per-day", type=positive, metavar="N",
        help="tokens a day (default: the setting tokens_per_day)",
    )  # fmt: skip
    parser.add_argument(
        "--as", dest="whose", metavar="WHO",
        help="whose history it shares: owner, or a user's name (default: its own)",
    )  # fmt: skip


def keys(args: argparse.Namespace) -> int:
    from gnomon.serve.keys import Keys

    if args.id and args.action != "revoke":
        raise UsageError(
            f"{args.action} takes no ID, and {args.id[:40]!r} was given; a name for a new key is "
            "given with --name."
        )
    with server_database(args) as database:
        held = Keys(database)
        if args.action == "create":
            return _create(args, held, database)
        if args.action == "revoke":
            return _revoke(args, held)
        if args.json:
            print_json([_row(key) for key in held.list()])
        else:
            _show(held.list())
    return DONE


@contextmanager
def server_database(args: argparse.Namespace) -> Iterator[Database]:
    """The server's own database, which a running server has open too."""
    from gnomon.serve.database import Database

    database = Database(config_of(args).home / "server.db")
    try:
        yield database
    finally:
        database.close()


def _create(args: argparse.Namespace, held: Keys, database: Database) -> int:
    whole, key = held.create(
        args.name,
        scopes=[scope.strip() for scope in args.scope.split(",") if scope.strip()],
        caller=_caller(args.whose, database),
        expires_at=moment(args.expires) if args.expires else None,
        requests_per_minute=args.rate,
        tokens_per_day=args.tokens_per_day,
    )
    if args.json:
        print_json(_row(key) | {"key": whole})
        return DONE
    print(whole)
    print("Keep it now: only its hash is kept here, and nobody can show it again.")
    print(f"Its id is {key.id}; `gnomon keys revoke {key.id}` ends it.")
    return DONE


def _revoke(args: argparse.Namespace, held: Keys) -> int:
    if not args.id:
        raise UsageError("say which: gnomon keys revoke ID; `gnomon keys list` shows the ids.")
    key = held.revoke(args.id)
    if args.json:
        print_json(_row(key))
        return DONE
    print(f"The key {key.id} is revoked.")
    if not any(other.state(time.time()) == "live" for other in held.list()):
        print(
            "No key is left, so every request is refused until you make one "
            "(or set open_loopback = true, to answer this machine without)."
        )
    return DONE


def _caller(whose: str | None, database: Database) -> str | None:
    if whose is None or whose == "owner":
        return whose
    from gnomon.serve.users import Users

    return Users(database).named(whose).id


def _row(key: Key) -> dict[str, Any]:
    from gnomon.wire import iso

    return {
        "id": key.id,
        "name": key.name,
        "state": key.state(time.time()),
        "scopes": sorted(key.scopes),
        "caller": key.caller,
        "created_at": iso(key.created_at),
        "expires_at": iso(key.expires_at),
        "revoked_at": iso(key.revoked_at),
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_day": key.tokens_per_day,
    }


def _show(held: list[Key]) -> None:
    from rich.table import Table
    from rich.text import Text

    from gnomon import terminal
    from gnomon.wire import iso

    if not held:
        print("There are no keys: the server answers this machine alone, without one.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("id", "name", "state", "scopes", "made", "expires", "history"):
        table.add_column(title, overflow="fold")
    for key in held:
        row = (
            key.id,
            key.name,
            key.state(time.time()),
            ",".join(sorted(key.scopes)),
            (iso(key.created_at) or "")[:10],
            (iso(key.expires_at) or "never")[:10],
            "its own" if key.caller == f"key_{key.id}" else key.caller,
        )
        table.add_row(*map(Text, row))
    terminal.out.print(table)


def moment(text: str) -> float:
    """``30d`` from now, or a date, as epoch seconds."""
    from gnomon.wire import parse_time

    if found := re.fullmatch(r"(\d{1,6})([mhdwy])", text.strip()):
        return time.time() + int(found[1]) * _UNITS_S[found[2]]
    return parse_time(text)

"""``gnomon users``."""

from __future__ import annotations

import argparse
import getpass
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, UsageError, command, config_of
from gnomon.cli.keys import moment, server_database
from gnomon.cli.output import print_json
from gnomon.errors import InputError

if TYPE_CHECKING:
    from gnomon.serve.database import Database
    from gnomon.serve.departed import Departed
    from gnomon.serve.users import User, Users


def add_users(commands: Any) -> None:
    parser = command(
        commands, "users", users, "people who may sign in, where multi_user is on",
        "add NAME asks for a password (or reads one line where there is no terminal); invite "
        "prints an address with which one person registers, once; password NAME sets another and "
        "ends the sessions; remove NAME ends an account and deletes "
        "all that is its owner's: history, uploads, vector stores, passkeys; keys that act for it "
        "are revoked. Fails on a name that is taken or unknown "
        "and on a weak password.",
    )  # fmt: skip
    parser.add_argument("action", nargs="?", default="list",
                        choices=["list", "add", "invite", "password", "remove"],
                        help="default: list")  # fmt: skip
    parser.add_argument("name", nargs="?", help="whose account (add, password, remove)")
    parser.add_argument(
        "--scope", default="ask,write", metavar="SCOPES",
        help="what they may do: some of ask,write,admin (default ask,write)",
    )  # fmt: skip
    parser.add_argument("--expires", metavar="TIME", default="7d",
                        help="until when an invitation stands (default 7d)")  # fmt: skip


def users(args: argparse.Namespace) -> int:
    from gnomon.serve.sessions import Sessions
    from gnomon.serve.users import Users

    if args.name and args.action in ("list", "invite"):
        raise UsageError(f"{args.action} takes no name, and {args.name[:60]!r} was given.")
    scopes = [scope.strip() for scope in args.scope.split(",") if scope.strip()]
    with server_database(args) as database:
        held, sessions = Users(database), Sessions(database)
        if args.action == "list":
            return _list(args, held)
        if args.action == "invite":
            return _invite(args, held.invite(scopes, moment(args.expires)))
        if not args.name:
            raise UsageError(f"say who: gnomon users {args.action} NAME.")
        if args.action == "add":
            user = held.add(args.name, _password(), scopes)
        elif args.action == "remove":
            user = _departed(args, database).remove(args.name)
        else:
            user = held.named(args.name)
            held.set_password(user, _password())
            sessions.end_all(user.id)
    done = {
        "add": "added",
        "remove": "removed, with all that was theirs",
        "password": "given another password",
    }
    print_json(_row(user)) if args.json else print(f"{user.name} is {done[args.action]}.")
    if not args.json and args.action == "add" and not config_of(args).multi_user:
        print("Nobody signs in before you set multi_user = true and start the server again.")
    return DONE


def _departed(args: argparse.Namespace, database: Database) -> Departed:
    """What removes all that is somebody's, beside a running server or without one."""
    from gnomon.assemble.library import files_dir, forget_shelf
    from gnomon.assemble.picture_log import PictureLog
    from gnomon.serve.departed import Departed

    home = config_of(args).home

    def forget_words(owner: str) -> None:
        PictureLog(home).forget(caller=owner)

    return Departed(database, lambda: files_dir(home), partial(forget_shelf, home), forget_words)


def _list(args: argparse.Namespace, held: Users) -> int:
    people = held.list()
    if args.json:
        print_json([_row(user) for user in people])
        return DONE
    for user in people:
        print(f"{user.id}  {user.name}  ({', '.join(sorted(user.scopes))})")
    if not people:
        print("There are no users; `gnomon users add NAME` makes one.")
    return DONE


def _invite(args: argparse.Namespace, token: str) -> int:
    config = config_of(args)
    base = config.public_url.rstrip("/") or f"http://localhost:{config.port}"
    # After '#', so that it reaches the page and no server's log.
    url = f"{base}/#invite={token}"
    print_json({"invite": token, "url": url}) if args.json else print(url)
    return DONE


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise InputError("The two are not the same; try again.")
    return password


def _row(user: User) -> dict[str, Any]:
    from gnomon.wire import iso

    return {
        "id": user.id,
        "name": user.name,
        "scopes": sorted(user.scopes),
        "created_at": iso(user.created_at),
    }

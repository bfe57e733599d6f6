"""``gnomon serve``."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, command, config_of
from gnomon.cli.output import print_json

if TYPE_CHECKING:
    from gnomon.config import Config
    from gnomon.serve.policy import Policy


def add_serve(commands: Any) -> None:
    parser = command(
        commands, "serve", serve, "serve the page and the API",
        "Prints the address once it listens, and goes on until Ctrl-C. Fails if the port is in "
        "use, another process is writing, or a model that you named is not here. Without posts "
        "and without a network it opens the sample world and says so.",
    )  # fmt: skip
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port (default 8080; 0 picks a free one)")
    parser.add_argument("--xai-port", type=int, metavar="PORT",
                        help="also serve xAI's gRPC services at this port, for the official "
                        "xai-sdk (needs gnomon[xai])")  # fmt: skip
    parser.add_argument("--live", action="store_true", help="also take in live posts")
    parser.add_argument("--sample", action="store_true", help="serve the sample world (fiction)")
    parser.add_argument("--file", action="append", default=[], metavar="PATH",
                        help="serve what these files hold, and nothing else")  # fmt: skip


def serve(args: argparse.Namespace) -> int:
    from gnomon import assemble
    from gnomon.serve import logs
    from gnomon.serve.app import listen, url_of
    from gnomon.serve.app import serve as run_server
    from gnomon.serve.database import Database
    from gnomon.serve.gate import Gate

    config = config_of(args, host=args.host, port=args.port, xai_port=args.xai_port)
    say = partial(print, file=sys.stderr if args.json else sys.stdout, flush=True)
    logs.set_up(config.log)
    policy, kept = policy_of(config), Database(config.home / "server.db")
    with (
        closing(kept),
        closing(listen(config.host, config.port, locked=Gate(kept, policy).locked())) as listening,
        assemble.open_for_serving(
            config, files=args.file, use_sample=args.sample, live=args.live, say=say
        ) as gnomon,
    ):
        url = url_of(listening)
        if args.json:
            print_json({"url": url})
            sys.stdout.flush()
        say(f"gnomon is at {url} (Ctrl-C stops it)")
        if config.xai_port:
            say(f"xAI's services are at {config.host}:{config.xai_port} (gRPC, without TLS)")
        try:
            run_server(
                gnomon, config.host, config.port, listening=listening, database=kept,
                policy=policy, asks=config.asks, waiting=config.waiting,
                xai=(config.host, config.xai_port) if config.xai_port else None,
            )  # fmt: skip
        except KeyboardInterrupt:
            say("gnomon: stopped.")
    return DONE


def policy_of(config: Config) -> Policy:
    """What the settings say of whom the server answers, and how much."""
    from gnomon.serve.policy import Policy

    names = {field.name for field in fields(Policy)} & {field.name for field in fields(config)}
    return Policy(**{name: getattr(config, name) for name in names})

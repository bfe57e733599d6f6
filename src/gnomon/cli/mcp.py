"""``gnomon mcp``."""

from __future__ import annotations

import argparse
from typing import Any

from gnomon.cli.arguments import DONE, command, opened


def add_mcp(commands: Any) -> None:
    parser = command(
        commands, "mcp", mcp, "serve other assistants over standard input (MCP)",
        "For assistants that speak the Model Context Protocol: they start this command and talk "
        "to it on standard input and output. It offers search_posts, show_post, trending, story, "
        "verify_claim and ask. All of them only read, beside gnomon serve or pull if those "
        "are running; answers are not kept in the journal. Ends when its input does.",
    )  # fmt: skip
    parser.add_argument("--model", help="chat model: a name, a GGUF path, a URL, or none")
    parser.add_argument("--sample", action="store_true", help="serve the sample world (fiction)")
    parser.add_argument("--file", action="append", default=[], metavar="PATH",
                        help="serve what these files hold, and nothing else")  # fmt: skip


def mcp(args: argparse.Namespace) -> int:
    import asyncio

    from gnomon.serve.mcp import over_stdio

    # It may run for days: the writer's place is left to those that need it.
    with opened(args, "read", chat_model=args.model) as gnomon:
        asyncio.run(over_stdio(gnomon))
    return DONE

"""Writes docs/cli.md from the command line's own help. ``tests/test_cli.py`` compares the two.

Run: .venv/bin/python docs/cli_help.py
"""

from __future__ import annotations

import os
from pathlib import Path

# argparse reads both when it formats.
os.environ["COLUMNS"], os.environ["NO_COLOR"] = "92", "1"

HEAD = """# The command line

What `gnomon COMMAND --help` says, written by `docs/cli_help.py`.

Exit codes: 0 done; 1 it could not be done, with one sentence on standard error; 2 wrong usage;
3 the answer is "I don't know"; 130 interrupted (`gnomon serve` ends with 0).

With `--json`, standard output is one JSON document and nothing else, whatever happens. Where a
command failed it is `{"error": {"type": "...", "message": "..."}}`.

One process writes to a store at a time. While `gnomon serve` or `gnomon pull` does, `search`,
`show` and `status` read beside it, and so does `ask`: its answer is then not kept in the journal,
and it says so. A second `pull` is refused.
"""


def document() -> str:
    """All of docs/cli.md."""
    from gnomon.cli import build_parser

    parser = build_parser()
    parts = [HEAD, _block("gnomon", parser.format_help())]
    commands = next(a for a in parser._actions if isinstance(a.choices, dict))
    assert isinstance(commands.choices, dict)
    parts += [_block(f"gnomon {name}", sub.format_help()) for name, sub in commands.choices.items()]
    return "\n".join(parts)


def _block(title: str, text: str) -> str:
    return f"## {title}\n\n```\n{text.strip()}\n```\n"


if __name__ == "__main__":
    (Path(__file__).parent / "cli.md").write_text(document(), encoding="utf-8")

"""Writes docs/cli.md from the command line's own help, and docs/settings.md from the Config.
``tests/test_cli.py`` and ``tests/test_docs_links.py`` compare them.

Run: .venv/bin/python docs/cli_help.py
"""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import fields
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

SETTINGS = """# Settings

Every setting, as the code declares it; written by `docs/cli_help.py`. They stand in `config.toml`
in the folder that `$GNOMON_HOME` names (`~/.gnomon` where it names none), and `GNOMON_NAME` in the
environment wins over the file: of a list, the values parted by commas. `gnomon status --config`
shows what holds. A name that is no setting, and a value that cannot be used, is refused with what
would be accepted. A server reads them when it starts.

```toml
chat_model = "http://127.0.0.1:11434/v1"   # an OpenAI-compatible URL, here Ollama's
chat_url_model = "qwen3:8b"                # which of its models
max_age_days = 90
digest_at = "07:30"
```

| setting | default | what it is |
|---|---|---|
"""


def document() -> str:
    """All of docs/cli.md."""
    from gnomon.cli import build_parser

    parser = build_parser()
    parts = [HEAD, _block("gnomon", parser.format_help())]
    for name, sub in _commands(parser, "gnomon"):
        parts.append(_block(name, sub.format_help()))
    return "\n".join(parts)


def _commands(parser: ArgumentParser, name: str) -> Iterator[tuple[str, ArgumentParser]]:
    """Each command with its full name, its own subcommands after it."""
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for word, sub in action.choices.items():
                yield f"{name} {word}", sub
                yield from _commands(sub, f"{name} {word}")


def settings() -> str:
    """All of docs/settings.md."""
    from gnomon.config import Config

    rows = []
    for one in (one for one in fields(Config) if one.name != "home"):
        default = one.default if isinstance(one.default, bool | int | float) else str(one.default)
        if isinstance(one.default, tuple):
            default = list(one.default)
        shown = json.dumps(default).replace(", ", ",<br>") if default else json.dumps(default)
        told = str(one.metadata["doc"]).replace("|", "\\|")
        rows.append(f"| `{one.name}` | {shown} | {told} |")
    return SETTINGS + "\n".join(rows) + "\n"


def _block(title: str, text: str) -> str:
    return f"## {title}\n\n```\n{text.strip()}\n```\n"


if __name__ == "__main__":
    here = Path(__file__).parent
    (here / "cli.md").write_text(document(), encoding="utf-8")
    (here / "settings.md").write_text(settings(), encoding="utf-8")

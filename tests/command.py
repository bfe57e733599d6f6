"""The real command, in a process of its own, as an owner runs it."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-m", "gnomon.cli"]
SOURCE = Path(__file__).parent.parent / "src"
_CAPBSET_DROP, _DAC_OVERRIDE, _DAC_READ_SEARCH = 24, 1, 2


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document: anything else in it is an error."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """The one sentence of a command that failed; no traceback, and nothing beside it."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("gnomon: "), self.err
        return lines[0].removeprefix("gnomon: ")


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An owner's environment with nothing set but the home (so there are no models either)."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GNOMON_")}
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        env.pop(name, None)
    env |= {"GNOMON_HOME": str(home), "PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "utf-8"}
    return env | dict(extra or {})


def gnomon(
    home: Path,
    *args: str | Path,
    stdin: str | bytes = b"",
    env: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
    timeout_s: float = 60.0,
) -> Done:
    """Run ``gnomon ARGS`` to its end. ``before`` runs in the child, as for ``subprocess``."""
    done = subprocess.run(
        [*PROGRAM, *map(str, args)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env=environment(home, env),
        preexec_fn=before,
        timeout=timeout_s,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


@contextmanager
def started(
    home: Path, *args: str | Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """``gnomon ARGS`` going on beside the test; killed at the end if it still runs."""
    process = subprocess.Popen(
        [*PROGRAM, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home, env),
        text=True,
        encoding="utf-8",
        # A shell that starts the tests in the background makes all below it ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@contextmanager
def serving(home: Path, *args: str | Path, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """``gnomon serve`` on a free port: its address, once it has said it."""
    with started(home, "serve", "--port", "0", *args, env=env) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield found[0]
                process.send_signal(signal.SIGINT)
                assert process.wait(timeout=20) == 0
                return
        raise AssertionError("".join(said) + (process.stderr.read() if process.stderr else ""))


def write_lines(path: Path, rows: Sequence[Mapping[str, Any] | str]) -> Path:
    """A JSONL file; a string is written as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def without_root_rights() -> None:
    """In the child: file permissions hold for root, too (a capability that is gone stays gone
    over exec, capabilities(7)). Does nothing where we are not root."""
    libc = ctypes.CDLL(None)
    for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
        libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)

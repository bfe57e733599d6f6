"""How far something that takes a while is: a line that changes where somebody looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from gnomon.terminal.console import err, line, safe
from gnomon.types import Verification

PLAIN_EVERY_S = 2.0
"""How often a download says how far it is where no bar can be drawn."""
FINDINGS_EVERY_S = 10.0
"""How often a long check says so in a log."""


@contextmanager
def findings_progress(shown: bool) -> Iterator[Callable[[Verification, int], None] | None]:
    """Called with a Verification as it begins and how many statements are done: a line that counts
    on a terminal, now and then a plain line elsewhere."""
    if not shown:
        yield None
        return
    if err.is_terminal:
        with err.status("checking") as status_line:
            yield lambda begun, done: status_line.update(_progressed(begun, done))
        return
    said = time.monotonic()

    def say(begun: Verification, done: int) -> None:
        nonlocal said
        if time.monotonic() - said >= FINDINGS_EVERY_S:
            said = time.monotonic()
            line(_progressed(begun, done), to=err)

    yield say


def _progressed(begun: Verification, done: int) -> str:
    return f"checking {safe(begun.document.name)}: {done:,} of {begun.statements:,}"


@contextmanager
def progress(shown: bool) -> Iterator[Callable[[Any], None] | None]:
    """A line that counts while sources are taken in; nothing where nobody looks."""
    if not (shown and err.is_terminal):
        yield None
        return
    with err.status("taking in") as shown_line:
        yield lambda row: shown_line.update(
            f"{safe(row.source)}: {row.added:,} new, {row.set_aside:,} set aside"
        )


@contextmanager
def catching_up(rising: Any) -> Iterator[None]:
    """A line on standard error that says how far trends or stories are that have to be caught up
    first; nothing where nobody looks."""
    if not err.is_terminal:
        yield
        return
    with err.status("looking at what came in") as shown_line:
        rising.watch = lambda name, done, of: shown_line.update(
            f"{name}: {done:,} of {of:,} changes"
        )
        try:
            yield
        finally:
            rising.watch = None


@contextmanager
def download(shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Called with bytes done and bytes in all (0: nobody knows): a bar on a terminal, now and
    then a plain line elsewhere."""
    if not shown:
        yield None
        return
    if not err.is_terminal:
        yield _plain_download()
        return
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=err) as bar:
        task = bar.add_task("pulling", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def _plain_download() -> Callable[[int, int], None]:
    said, last = 0.0, (-1, -1)

    def say(done: int, total: int) -> None:
        nonlocal said, last
        soon = time.monotonic() - said < PLAIN_EVERY_S
        if (soon and done != total) or (done, total) == last:
            return
        said, last = time.monotonic(), (done, total)
        whole = f" of {total / 1e6:,.1f}" if total else ""
        line(f"{done / 1e6:,.1f}{whole} MB", to=err)

    return say


@contextmanager
def pictures(shown: bool) -> Iterator[Callable[[str], None] | None]:
    """A line that says how far pictures of posts are; nothing where nobody looks."""
    if not (shown and err.is_terminal):
        yield None
        return
    with err.status("pictures") as shown_line:
        yield lambda said: shown_line.update(safe(said))

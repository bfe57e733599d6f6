"""What the command line shows a person: answers, posts, status, progress. No decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from gnomon.types import Answer, Checked, Citation, Event, Finished, Found, Label, PostView, Step

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_MARKS = {
    Label.SUPPORTED: "[green]✓ supported[/]",
    Label.REFUTED: "[red]✗ refuted[/]",
    Label.DISPUTED: "[yellow]≠ disputed[/]",
    Label.NOT_ENOUGH: "[dim]? not enough evidence[/]",
}


def follow(events: Iterable[Event], *, steps: bool) -> Finished:
    """Show events as they come and return the last."""
    last: Finished | None = None
    for event in events:
        if isinstance(event, Step) and steps:
            err.print(f"[dim]{event.name:>9}  {escape(event.detail[:160])}[/]")
        elif isinstance(event, Checked):
            _sentence(event)
        elif isinstance(event, Finished):
            last = event
    assert last is not None, "an answer ends with Finished"
    _foot(last.answer)
    return last


def _sentence(event: Checked) -> None:
    sentence = event.sentence
    markers = "".join(f"\\[{n}]" for n in (*sentence.citations, *sentence.against))
    words = escape(sentence.text)
    if sentence.kind == "note":
        out.print(f"[italic]{words}[/]")
    else:
        mark = f"  {_MARKS[sentence.label]}" if sentence.label else ""
        out.print(f"{words} [cyan]{markers}[/]{mark}")


def _foot(answer: Answer) -> None:
    out.print()
    for citation in answer.citations:
        _citation(citation)
    for item in answer.left_out:
        out.print(f"[dim]left out: {escape(item.text[:160])} ({escape(item.reason)})[/]")
    for gap in answer.gaps:
        out.print(f"[yellow]gap:[/] {escape(gap.source)}: {escape(gap.reason)}")
    newest = f", newest post {when(answer.newest)}" if answer.newest else ""
    out.print(
        f"[dim]{count(answer.posts, 'post')}, {count(answer.origins, 'origin')}; "
        f"as of {when(answer.as_of)}{newest}; answer {answer.id[:12]}[/]"
    )


def _citation(citation: Citation) -> None:
    evidence = citation.evidence
    said = f", {when(evidence.said_at)}" if evidence.said_at else ""
    copies = f", one origin of {citation.posts} posts" if citation.posts > 1 else ""
    out.print(f"[cyan]\\[{citation.n}][/] “{escape(evidence.quote)}”")
    out.print(
        f"    [dim]{escape(evidence.author or evidence.source)}{said}{copies}; "
        f"{escape(evidence.url or evidence.post)}[/]"
    )


def results(found: Sequence[Found]) -> None:
    """Search results, one origin each."""
    for item in found:
        post, span = item.post, item.post.text[item.start : item.end]
        copies = f"  [yellow]{count(item.origin.posts, 'post')} of one origin[/]" * (
            item.origin.posts > 1
        )
        out.print(f"[bold]{escape(post.id)}[/]  [dim]{when(post.time)}[/]  {escape(post.author)}{copies}")
        title = f"{post.title}: " if post.title else ""
        out.print(f"  {escape(title + span)}")
    if not found:
        out.print("Nothing held matches; `gnomon status` says what is held.")


def post(view: PostView) -> None:
    """One post, whole."""
    held = view.post
    out.print(f"[bold]{escape(held.title or held.id)}[/]")
    out.print(f"[dim]{escape(held.author)}, {when(held.time)}, {escape(held.url or held.id)}[/]\n")
    out.print(escape(held.text))
    out.print(f"\n[dim]source {held.source}, fetched {when(held.fetched_at)}, SHA-256 {held.hash}[/]")
    if view.origin.posts > 1:
        out.print(
            f"Stands in one origin of {count(view.origin.posts, 'post')} by "
            f"{count(view.origin.authors, 'author')} ({view.link.kind.value}); "
            f"first: {escape(view.origin.id)}, {when(view.origin.first_seen)}"
        )
        for member in view.members[:20]:
            out.print(f"  [dim]{when(member.time)}  {escape(member.author)}  {escape(member.id)}[/]")
    for old in view.revisions:
        out.print(f"[yellow]edited {when(old.replaced_at)}; before:[/] {escape(old.text)}")
    for reply in view.replies:
        out.print(f"[dim]↳ {escape(reply.author)}: {escape(reply.text[:200])}[/]")


def status(facts: Mapping[str, Any]) -> None:
    """What is held, and what is missing."""
    world = "  [magenta]sample world: fiction[/]" if facts["sample"] else ""
    out.print(f"[bold]gnomon {facts['version']}[/]  {facts['home']}{world}")
    out.print(
        f"{count(facts['posts'], 'post')} from {count(facts['origins'], 'origin')}; "
        f"{count(facts['tombstones'], 'deletion')} followed; "
        f"{facts['disk_bytes'] / 2**20:,.1f} of {facts['max_disk_bytes'] / 2**20:,.0f} MiB"
    )
    table = Table(box=None, pad_edge=False)
    for title in ("source", "posts", "newest", "set aside", "gaps", "health"):
        table.add_column(title, justify="right" if title in ("posts", "set aside", "gaps") else "left")
    for row in facts["sources"]:
        table.add_row(
            escape(row["source"]), f"{row['posts']:,}", row["newest"] or "",
            f"{row['set_aside']:,}", f"{row['gaps']:,}", escape(row["health"]),
        )  # fmt: skip
    if facts["sources"]:
        out.print(table)
    for gap in facts["gaps"]:
        out.print(f"[yellow]gap[/] {escape(gap['source'])}: {gap['start'] or '?'} to {gap['end']}: "
                  f"{escape(gap['reason'])}")  # fmt: skip
    for item in facts["set_aside"][:20]:
        out.print(f"[yellow]set aside[/] {escape(item['where'])}: {escape(item['reason'])}")
    used = facts["models"]
    out.print(
        f"chat {used['chat'] or 'none (answers are composed of quotes)'}; "
        f"encoder {used['embed'] or 'none'}; verifier {used['entail']}"
    )
    for trouble in used["trouble"].values():
        out.print(f"[yellow]{escape(trouble)}[/]")
    for name, setting in facts.get("config", {}).items():
        out.print(f"  {name} = {escape(repr(setting['value']))}  [dim]{escape(setting['doc'])}[/]")


def models(rows: Sequence[Mapping[str, Any]]) -> None:
    """The table of known models."""
    table = Table(box=None, pad_edge=False)
    for title in ("", "name", "task", "licence", "MB", "SHA-256", "note"):
        table.add_column(title, justify="right" if title == "MB" else "left", overflow="fold")
    for row in rows:
        mark = "[green]in use[/]" if row["in_use"] else "[green]here[/]" if row["here"] else ""
        table.add_row(
            mark, row["name"], row["task"], row["licence"], f"{row['bytes'] / 1e6:,.0f}",
            row["sha256"][:12] or "not known", escape(row["note"]),
        )  # fmt: skip
    out.print(table)
    out.print("[dim]gnomon models pull NAME fetches one; --json shows whole hashes and sources.[/]")


def pulled(paths: Sequence[Path]) -> None:
    for path in paths:
        out.print(f"[green]✓[/] {escape(str(path))}")


def reports(rows: Sequence[Any]) -> None:
    """What came of each pulled source."""
    for row in rows:
        facts = [f"{row.added:,} new"]
        for name in ("edited", "unchanged", "buried", "deleted", "set_aside", "gaps"):
            if getattr(row, name):
                facts.append(f"{getattr(row, name):,} {name.replace('_', ' ')}")
        out.print(f"{escape(row.source)}: {', '.join(facts)}")
        if row.error:
            err.print(f"[red]{escape(row.source)}: {escape(row.error)}[/]")
    if any(row.set_aside for row in rows):
        out.print("[dim]gnomon status says what was set aside and why.[/]")


@contextmanager
def progress(shown: bool) -> Iterator[Callable[[Any], None] | None]:
    """A line that counts while sources are taken in; nothing where nobody looks."""
    if not (shown and err.is_terminal):
        yield None
        return
    with err.status("taking in") as line:
        yield lambda row: line.update(
            f"{row.source}: {row.added:,} new, {row.set_aside:,} set aside"
        )


@contextmanager
def download(shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar for a download: called with bytes done and bytes in all."""
    if not shown:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err) as bar:
        task = bar.add_task("pulling", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def when(seconds: float | None) -> str:
    """A time as people read it, UTC, to the minute."""
    if seconds is None:
        return "at an unknown time"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def count(n: int, noun: str) -> str:
    """``n`` of something, with its plural."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"

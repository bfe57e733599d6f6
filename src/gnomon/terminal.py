"""What the command line shows a person: answers, posts, status, progress. No decisions.

Posts are written by strangers. Whatever could steer a terminal (escape sequences, other control
characters, switches of writing direction) is shown as its code, and nothing in a post is markup.
Prose is wrapped at words on a terminal and never in a pipe; addresses and ids are never broken.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from gnomon import report
from gnomon.types import (
    Answer,
    Campaign,
    Checked,
    Citation,
    EdgeKind,
    Event,
    Evidence,
    Finding,
    Finished,
    Found,
    Label,
    PostView,
    Sentence,
    Stance,
    Step,
    Tried,
    Verdict,
    Verification,
)
from gnomon.types.measured import Joules
from gnomon.types.post_pictures import PicturesFound

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

MOST_GROUPS = 20
"""Kinds of set-aside things that ``status`` tells apart; the rest are counted."""
MOST_SOURCES = 30
"""Sources that ``status`` lists on a terminal."""
PLAIN_EVERY_S = 2.0
"""How often a download says how far it is where no bar can be drawn."""
FINDINGS_EVERY_S = 10.0
"""How often a long check says so in a log."""

# C0 and C1 controls but tab and line feed, DEL, and the switches of writing direction
# (https://trojansource.codes).
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|\d[\d,.:TZ-]*")

_MARKS = {
    Label.SUPPORTED: "[green]✓ supported[/]",
    Label.REFUTED: "[red]✗ refuted[/]",
    Label.DISPUTED: "[yellow]≠ disputed[/]",
    Label.NOT_ENOUGH: "[dim]? not enough evidence[/]",
}


def safe(text: str) -> str:
    """A stranger's text, for printing: no control codes, no markup."""
    return escape(_STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", text))


def line(text: str, *, to: Console = out) -> None:
    """Something that is not broken by us: ids, addresses, rows."""
    to.print(text, soft_wrap=True)


def prose(text: str, *, to: Console = out) -> None:
    """Sentences: wrapped at words for a person, one line each for a program."""
    to.print(text, soft_wrap=not to.is_terminal)


def warn(text: str) -> None:
    """A remark beside the result, on standard error."""
    prose(f"[yellow]{safe(text)}[/]", to=err)


# ------------------------------------------------------------------------------- answers


def follow(events: Iterable[Event], *, steps: bool) -> Finished:
    """Show events as they come and return the last."""
    last: Finished | None = None
    shown = 0
    for event in events:
        if isinstance(event, Step) and steps:
            line(f"[dim]{event.name:>9}  {safe(event.detail[:160])}[/]", to=err)
        elif isinstance(event, Checked):
            sentence(event.sentence)
            shown += 1
        elif isinstance(event, Finished):
            last = event
    assert last is not None, "an answer ends with Finished"
    for more in last.answer.sentences[shown:]:
        sentence(more)
    _foot(last.answer)
    return last


def step(event: Step) -> None:
    """One step of something that takes a while, on standard error."""
    line(f"[dim]{event.name:>9}  {safe(event.detail[:160])}[/]", to=err)


def sentence(said: Sentence) -> None:
    """A checked sentence with its citations' numbers and its verdict."""
    markers = "".join(f"\\[{n}]" for n in said.citations)
    if said.against:
        markers += "[/][yellow] against: " + "".join(f"\\[{n}]" for n in said.against)
    words = safe(said.text)
    if said.kind == "note":
        prose(f"[italic]{words}[/]")
    else:
        mark = f"  {_MARKS[said.label]}" if said.label else ""
        prose(f"{words} [cyan]{markers}[/]{mark}")


def _foot(answer: Answer) -> None:
    out.print()
    for one in answer.citations:
        citation(one)
    for item in answer.left_out:
        prose(f"[dim]left out: {safe(item.text[:160])} ({safe(item.reason)})[/]")
    for gap in answer.gaps:
        prose(f"[yellow]gap:[/] {safe(gap.source)}: {safe(gap.reason)}")
    newest = f", newest post {when(answer.newest)}" if answer.newest else ""
    kept = f"; answer {answer.id[:12]}" if answer.id else ""
    line(
        f"[dim]{count(answer.posts, 'post')}, {count(answer.origins, 'origin')}; "
        f"as of {when(answer.as_of)}{newest}{kept}[/]"
    )
    if answer.energy is not None:
        prose(f"[dim]{safe(joules(answer.energy))}[/]")


def joules(energy: Joules) -> str:
    """``41 J in 3.2 s (package-0 (RAPL); 9 W when idle)``, or why it was not measured."""
    if energy.joules is None:
        return f"energy {energy.why}"
    idle = f"; {energy.idle_watts:,.3g} W when idle" if energy.idle_watts is not None else ""
    said = f"; {energy.why}" if energy.why else ""
    return f"{energy.joules:,.3g} J in {energy.seconds:,.1f} s ({energy.device}{idle}{said})"


def citation(cited: Citation) -> None:
    """What a number stands for."""
    evidence = cited.evidence
    said = f", {when(evidence.said_at)}" if evidence.said_at else ""
    copies = f", one origin of {cited.posts} posts" if cited.posts > 1 else ""
    prose(f"[cyan]\\[{cited.n}][/] “{safe(evidence.quote)}”")
    line(
        f"    [dim]{safe(evidence.author or evidence.source)}{said}{copies}; "
        f"{safe(evidence.url or evidence.post)}[/]"
    )


# ------------------------------------------------------------------------------- checks


def follow_checks(
    checks: Iterable[Iterator[Verification | Finding]],
    shown: str,
    fails: Collection[Label],
    *,
    progress: bool,
) -> tuple[list[Verification], bool]:
    """Show checks as they go (``shown`` is text, markdown, github or json; json shows nothing) and
    return what came of each; True where they were interrupted, the last one then being partial."""
    done: list[Verification] = []
    # Findings that scroll by are progress enough.
    watched = progress and (shown != "text" or (err.is_terminal and not out.is_terminal))
    with findings_progress(watched) as say:
        for events in checks:
            begun: Verification | None = None
            findings: list[Finding] = []
            interrupted = False
            try:
                for event in events:
                    if isinstance(event, Finding):
                        findings.append(event)
                        finding(event) if shown == "text" else None
                    elif begun is None and shown == "text":
                        checking(event)
                    begun = event if isinstance(event, Verification) else begun
                    if say is not None and begun is not None:
                        say(begun, len(findings))
            except KeyboardInterrupt:
                interrupted = True
            if begun is not None:
                begun = begun if begun.complete else replace(begun, findings=tuple(findings))
                done.append(begun)
                _whole(begun, shown, fails)
            if interrupted:
                return done, True
    return done, False


def _whole(verification: Verification, shown: str, fails: Collection[Label]) -> None:
    """What is shown at the end of a check."""
    if shown == "text":
        checked(verification)
    elif shown == "markdown":
        print("\n".join(report.markdown(verification)))
    elif shown == "github":
        print("\n".join(report.github(verification, fails)))


def checking(verification: Verification) -> None:
    """The head of a check, before its findings."""
    name = verification.document.name
    line(f"[bold]{safe(name)}[/]  [dim]{count(verification.statements, 'statement')}[/]")
    for note in report.notes(verification):
        prose(f"[dim]{safe(note)}[/]")


def finding(found: Finding) -> None:
    """One statement, its verdict, and the quotes that bear on it."""
    statement, verdict = found.statement, found.verdict
    place = f"[dim]{statement.line}:{statement.column}[/]"
    words = safe(_one_line(statement.quote))
    if verdict is None:
        prose(f"{place} [dim]not checked ({safe(statement.unchecked)}): {words}[/]")
        return
    sure = "" if verdict.label is Label.NOT_ENOUGH else f" [dim]{verdict.confidence:.2f}[/]"
    prose(f"{place} {_MARKS[verdict.label]}{sure} {words}")
    if _one_line(statement.quote) != statement.claim.text or statement.claim.context:
        prose(f"    [dim]read as: {safe(statement.claim.whole)}[/]")
    if verdict.label is not Label.NOT_ENOUGH:
        prose(f"    [dim]{safe(verdict.reason)}[/]")
    for evidence in report.sides(verdict)[: report.MOST_QUOTES]:
        _evidence(evidence, verdict)


def _evidence(evidence: Evidence, verdict: Verdict) -> None:
    against = evidence.stance is Stance.REFUTES
    side = "[red]against[/]" if against else "[green]for[/]"
    said = f", {when(evidence.said_at)}" if evidence.said_at is not None else ""
    posts = report.stands_for(evidence, verdict)
    copies = f", one origin of {posts} posts" if posts > 1 else ""
    prose(f"    {side} “{safe(_one_line(evidence.quote))}”")
    line(
        f"        [dim]{safe(evidence.author or evidence.source)}{said}{copies}; "
        f"{safe(evidence.url or evidence.post)}; SHA-256 {evidence.hash[:12]}[/]"
    )


def checked(verification: Verification) -> None:
    """The foot of a check."""
    newest = f", newest post {when(verification.newest)}" if verification.newest else ""
    kept = f"; check {verification.id[:12]}" if verification.id else ""
    out.print()
    prose(f"[bold]{safe(report.summary(verification))}[/]")
    line(f"[dim]as of {when(verification.as_of)}{newest}{kept}[/]")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


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


# ------------------------------------------------------------------------------- posts


def results(found: Sequence[Found], *, held: int) -> None:
    """Search results, one origin each. ``held`` says how many posts there were to search."""
    for item in found:
        post, span = item.post, item.post.text[item.start : item.end]
        copies = ""
        if item.origin.posts > 1:
            copies = f"  [yellow]{count(item.origin.posts, 'post')} of one origin[/]"
        author = f"  {safe(post.author)}" if post.author else ""
        line(f"[bold]{safe(post.id)}[/]  [dim]{when(post.time)}[/]{author}{copies}")
        title = f"{post.title}: " if post.title else ""
        prose(f"  {safe(title + span)}")
    if not found and held:
        line(f"None of {count(held, 'post')} matches; other words may.")
    elif not found:
        prose(
            "Nothing is held yet; `gnomon pull FILE` takes posts in, and --sample looks in the "
            "sample world."
        )


def post(view: PostView) -> None:
    """One post, whole."""
    held = view.post
    line(f"[bold]{safe(held.title or held.id)}[/]")
    author = f"{safe(held.author)}, " if held.author else ""
    line(f"[dim]{author}{when(held.time)}, {safe(held.url or held.id)}[/]\n")
    prose(safe(held.text))
    fetched = when(held.fetched_at)
    line(f"\n[dim]source {safe(held.source)}, fetched {fetched}, SHA-256 {held.hash}[/]")
    if view.origin.posts > 1:
        prose(
            f"Stands in one origin of {count(view.origin.posts, 'post')} by "
            f"{count(view.origin.authors, 'author')} ({view.link.kind.value}); "
            f"first: {safe(view.origin.id)}, {when(view.origin.first_seen)}"
        )
        prose(f"[dim]{safe(view.why)}[/]")
        kinds = {link.post: _KINDS[link.kind] for link in view.links}
        for member in view.members[:20]:
            kind = f"  {kinds[member.id]}" if member.id in kinds else ""
            line(f"  [dim]{when(member.time)}  {safe(member.author)}  {safe(member.id)}{kind}[/]")
        if len(view.members) > 20:
            line(f"  [dim]and {len(view.members) - 20} more[/]")
        if view.campaign is not None and view.campaign.signs:
            _campaign(view.campaign)
    for one in view.media_checks:
        who = f", signed as {safe(one.signer)}" if one.signer else ""
        how = {True: ", made by a model", False: ", made without a model"}
        made = how[one.machine] if one.machine is not None else ""
        mark = ", carries our own watermark" if one.mark else ""
        prose(f"[dim]picture {safe(one.media)}: {one.state}{who}{made}{mark}. {safe(one.why)}[/]")
    for old in view.revisions:
        prose(f"[yellow]edited {when(old.replaced_at)}; before:[/] {safe(old.text)}")
    for reply in view.replies:
        prose(f"[dim]↳ {safe(reply.author)}: {safe(reply.text[:200])}[/]")


_KINDS = {
    EdgeKind.ROOT: "first",
    EdgeKind.REPOST: "repost",
    EdgeKind.QUOTE: "quote",
    EdgeKind.URL: "same link",
    EdgeKind.COPY: "copy",
    EdgeKind.MEDIA: "same picture",
    EdgeKind.WIRE: "agency's story",
    EdgeKind.MEANING: "other words",
}


def _campaign(found: Campaign) -> None:
    """Whether an origin's posts look placed together, with every sign and examples of the edits."""
    if found.coordinated:
        prose(
            "[yellow]Looks coordinated[/]: "
            f"{count(found.unattributed, 'account')} put the same text out as their own, "
            f"{when(found.since)} to {when(found.until)}, in {count(found.texts, 'wording')}; "
            f"score {found.score:.4f} (1 - p of this in ordinary sharing). It has one vote."
        )
    else:
        prose(f"[dim]Not told from ordinary sharing: score {found.score:.2f} (1 - p).[/]")
    for sign in found.signs:
        line(f"  [dim]{sign.name}: {safe(sign.reason)} (p = {sign.p:.2g})[/]")
    for variant in found.variants if found.coordinated else ():
        line(
            f"  [dim]{safe(variant.author)}: “{safe(variant.removed)}” became "
            f"“{safe(variant.added)}”[/]"
        )


# ------------------------------------------------------------------------------- status


def _confidence(facts: Mapping[str, Any]) -> None:
    """How sure a verdict must be to be given, and whether that still fits."""
    if facts["calibrated"] is None:
        line(f"[dim]{safe(facts['said'])}[/]")
        return
    least = ", ".join(
        f"{kind} {'never' if at is None else format(at, '.2f')}"
        for kind, at in sorted(facts["thresholds"].items())
    )
    prose(
        f"confidence: at most {100 * facts['risk']:g} % of claims may get a wrong verdict, so "
        f"from {safe(least)} (calibrated {safe(facts['calibrated'])} on n={facts['claims']:,})"
    )
    colour = "yellow" if facts["drift"]["moved"] else "dim"
    prose(f"[{colour}]{safe(facts['said'])}[/]")


def status(facts: Mapping[str, Any]) -> None:
    """What is held, and what is missing."""
    world = "  [magenta]sample world: fiction[/]" if facts["sample"] else ""
    line(f"[bold]gnomon {facts['version']}[/]  {safe(facts['home'])}{world}")
    line(
        f"{count(facts['posts'], 'post')} from {count(facts['origins'], 'origin')}; "
        f"{count(facts['tombstones'], 'deletion')} followed; "
        f"{count(facts['answers'], 'answer')} kept; "
        f"{facts['disk_bytes'] / 2**20:,.1f} of {facts['max_disk_bytes'] / 2**20:,.0f} MiB"
    )
    if facts["unindexed"]:
        prose(
            f"[yellow]the index is still being made: {count(facts['unindexed'], 'change')} cannot "
            "be searched yet, so answers and searches miss them; gnomon serve, pull and ask go on "
            "with it[/]"
        )
    for row in facts["sources"][:MOST_SOURCES]:
        _source(row)
    if len(facts["sources"]) > MOST_SOURCES:
        line(f"  and {len(facts['sources']) - MOST_SOURCES:,} other sources; --json lists all")
    for name, said in facts["health"].items():
        if name not in {row["source"] for row in facts["sources"]}:
            prose(f"[yellow]{safe(name)}[/]: {safe(said)}")
    for gap in facts["gaps"]:
        span = f"{gap['start'] or 'the start'} to {gap['end']}"
        prose(f"[yellow]gap[/] {safe(gap['source'])}: {span}: {safe(gap['reason'])}")
    if facts["gaps_total"] > len(facts["gaps"]):
        line(f"[yellow]gap[/] and {facts['gaps_total'] - len(facts['gaps']):,} older ones")
    _set_aside(facts["set_aside"], facts["set_aside_total"])
    used = facts["models"]
    prose(
        f"chat {safe(used['chat'] or 'none (answers are composed of quotes)')}; "
        f"encoder {safe(used['embed'] or 'none')}; verifier {safe(used['entail'])}"
    )
    if kept := facts.get("post_pictures"):
        _post_pictures(kept)
    _confidence(facts["confidence"])
    if told := facts.get("energy"):
        prose(f"energy of answers: {safe(told['device'] or told['why'])}")
    for trouble in used["trouble"].values():
        prose(f"[yellow]model trouble:[/] {safe(trouble)}")
    for name, setting in facts.get("config", {}).items():
        prose(f"  {name} = {safe(repr(setting['value']))}  [dim]{safe(setting['doc'])}[/]")


def _post_pictures(kept: Mapping[str, Any]) -> None:
    waiting = f", {kept['wanted']:,} posts wait" if kept["wanted"] else ""
    line(
        f"{count(kept['pictures'], 'picture')} of {count(kept['posts'], 'post')} kept"
        f" ({kept['bytes'] / 2**20:,.1f} of {kept['max_bytes'] / 2**20:,.0f} MiB){waiting}; "
        f"{kept['seen']:,} seen by {safe(kept['model'].rpartition(' ')[0] or 'no model')}"
    )
    for one in kept["set_aside"][:MOST_GROUPS]:
        prose(f"  [yellow]set aside[/] {safe(one['media'])}: {safe(one['reason'])}")
    if kept["set_aside_total"] > MOST_GROUPS:
        line(f"  and {kept['set_aside_total'] - MOST_GROUPS:,} more pictures; --json lists them")


def _source(row: Mapping[str, Any]) -> None:
    parts = [count(row["posts"], "post")]
    if row["newest"]:
        parts.append(f"newest {row['newest'][:16].replace('T', ' ')}")
    if row["set_aside"]:
        parts.append(f"{row['set_aside']:,} set aside")
    if row["gaps"]:
        parts.append(count(row["gaps"], "gap"))
    health = f"; {safe(row['health'])}" if row["health"] else ""
    line(f"  {safe(row['source'])}: {', '.join(parts)}{health}")


def sources(rows: Sequence[Mapping[str, Any]]) -> None:
    """What is followed, a line each."""
    for row in rows:
        parts = [str(row["health"])]
        if row["lag_s"] is not None and row["state"] == "running":
            parts.append(f"{row['lag_s']:,.0f} s behind")
        parts.append(count(row["posts"], "post"))
        if row["newest"]:
            parts.append(f"newest {row['newest'][:16].replace('T', ' ')}")
        if row["gaps"]:
            parts.append(count(row["gaps"], "gap"))
        if row["set_aside"]:
            parts.append(f"{row['set_aside']:,} set aside")
        named = "" if row["source"] == row["spec"] else f" ({safe(row['source'])})"
        line(f"{safe(row['spec'])}{named}: {safe(', '.join(parts))}")
    if not rows:
        line("Nothing is followed; gnomon sources add SPEC")


def tried(result: Tried) -> None:
    """What a trial of a source gave."""
    line(
        f"{count(result.posts, 'post')} in {result.seconds:.1f} s from "
        f"{safe(', '.join(result.sources))}; nothing of it is kept"
    )
    for one in result.examples:
        line(f"[dim]{safe(one.id)}  {safe(one.author)}  {when(one.created_at)}[/]")
        prose(f"  {safe((one.title or one.text)[:300])}")
    for item in result.set_aside[:5]:
        prose(f"[yellow]would be set aside:[/] {safe(item.where)}: {safe(item.reason)}")
    if len(result.set_aside) > 5:
        line(f"[yellow]and {len(result.set_aside) - 5} more[/]")
    if result.error:
        prose(f"[red]{safe(result.error)}[/]")


def _set_aside(items: Sequence[Mapping[str, Any]], total: int) -> None:
    """What was set aside; where it is much, things of one kind as one: the newest of them, and
    how many more there are."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    few = len(items) <= MOST_GROUPS
    for number, item in enumerate(items):
        kind = str(number) if few else _VALUES.sub("", item["reason"])
        groups.setdefault((item["source"], kind), []).append(item)
    shown = list(groups.values())[:MOST_GROUPS]
    for alike in shown:
        first, more = alike[0], len(alike) - 1
        others = f" [dim](and {more:,} more like it)[/]" if more else ""
        prose(f"[yellow]set aside[/] {safe(first['where'])}: {safe(first['reason'])}{others}")
    left = total - sum(map(len, shown))
    if left > 0:
        line(f"[yellow]set aside[/] and {left:,} others; --json with --set-aside N lists N.")


# ------------------------------------------------------------------------------- models


def models(rows: Sequence[Mapping[str, Any]]) -> None:
    """The known models: a line of facts for each, and what there is to say below it."""
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        mark = "  [green]in use[/]" if row["in_use"] else "  [green]here[/]" if row["here"] else ""
        size = f"{row['bytes'] / 1e6:,.0f} MB"
        name = f"[bold]{safe(row['name'])}[/]" + " " * (width - len(row["name"]))
        line(f"{name}  {row['task']:<5}  {size:>8}  {row['licence']:<10}{mark}".rstrip())
        prose(f"  [dim]{safe(row['note'])}[/]")
    prose("[dim]gnomon models pull NAME fetches one; --json shows its SHA-256 and sources.[/]")


def pulled(paths: Sequence[Path]) -> None:
    for path in paths:
        line(f"[green]✓[/] {safe(str(path))}")


def reports(rows: Sequence[Any]) -> None:
    """What came of each pulled source."""
    for row in rows:
        facts = [f"{row.added:,} new"]
        for name in ("edited", "unchanged", "buried", "deleted", "set_aside", "gaps"):
            if getattr(row, name):
                facts.append(f"{getattr(row, name):,} {name.replace('_', ' ')}")
        if row.added or not row.error:
            line(f"{safe(row.source)}: {', '.join(facts)}")
        if row.error:
            prose(f"[red]gnomon: {safe(_named(row.source, row.error))}[/]", to=err)
    if any(row.set_aside or row.error for row in rows):
        line("[dim]gnomon status says what was set aside and why.[/]")


def _named(source: str, error: str) -> str:
    return error if source in error else f"{source}: {error}"


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


def when(seconds: float | None) -> str:
    """A time as people read it, UTC, to the minute."""
    if seconds is None:
        return "at an unknown time"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def count(n: int, noun: str) -> str:
    """``n`` of something, with its plural."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


@contextmanager
def pictures(shown: bool) -> Iterator[Callable[[str], None] | None]:
    """A line that says how far pictures of posts are; nothing where nobody looks."""
    if not (shown and err.is_terminal):
        yield None
        return
    with err.status("pictures") as shown_line:
        yield lambda said: shown_line.update(safe(said))


def pictures_taken(taken: Any) -> None:
    """What came of taking pictures in; None where that was not asked, or was stopped."""
    if taken is not None:
        aside = f", {taken.aside:,} set aside (gnomon status says why)" if taken.aside else ""
        line(f"pictures: {taken.kept:,} kept{aside}")


def pictures_found(result: PicturesFound) -> None:
    """Pictures of posts, each once."""
    if result.why:
        prose(f"[yellow]{safe(result.why)}[/]", to=err)
    if result.not_translated:
        warn(f"Not translated: {' '.join(result.not_translated)}.")
    for item in result.found:
        post, seen = item.post, item.picture
        near = "" if item.similarity is None else f"  [dim]{item.similarity:.2f}[/]"
        author = f"  {safe(post.author)}" if post.author else ""
        line(f"[bold]{safe(post.id)}[/]  [dim]{when(post.time)}[/]{author}{near}")
        prose(f"  {safe(seen.alt) if seen.alt else '[dim]no description[/]'}")
        line(f"  [dim]{seen.width} x {seen.height} {seen.form}: {safe(seen.media)}[/]")
        if item.posts > 1:
            first = f"first: {safe(item.first.author or item.first.id)}, {when(item.first.time)}"
            line(f"  [yellow]shown by {count(item.posts, 'post')}, one picture[/]; {first}")
    if not result.found and result.kept:
        line(f"None of {count(result.kept, 'picture')} matches; other words may.")

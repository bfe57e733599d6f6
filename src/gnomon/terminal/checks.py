"""Checks of a text: each statement with its verdict and the quotes that bear on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from gnomon import report
from gnomon.terminal.answers import MARKS
from gnomon.terminal.console import count, err, line, one_line, out, prose, safe, when
from gnomon.terminal.waiting import findings_progress
from gnomon.types import Evidence, Finding, Label, Stance, Verdict, Verification


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
    words = safe(one_line(statement.quote))
    if verdict is None:
        prose(f"{place} [dim]not checked ({safe(statement.unchecked)}): {words}[/]")
        return
    sure = "" if verdict.label is Label.NOT_ENOUGH else f" [dim]{verdict.confidence:.2f}[/]"
    prose(f"{place} {MARKS[verdict.label]}{sure} {words}")
    if one_line(statement.quote) != statement.claim.text or statement.claim.context:
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
    prose(f"    {side} “{safe(one_line(evidence.quote))}”")
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

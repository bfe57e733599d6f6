"""Answers: sentences as they are checked, what each number stands for, what was left out."""

from __future__ import annotations

from collections.abc import Iterable

from gnomon.terminal.console import count, err, line, out, prose, safe, when
from gnomon.types import Answer, Checked, Citation, Event, Finished, Label, Sentence, Step
from gnomon.types.measured import Joules

MARKS = {
    Label.SUPPORTED: "[green]✓ supported[/]",
    Label.REFUTED: "[red]✗ refuted[/]",
    Label.DISPUTED: "[yellow]≠ disputed[/]",
    Label.NOT_ENOUGH: "[dim]? not enough evidence[/]",
}


def follow(events: Iterable[Event], *, steps: bool) -> Finished:
    """Show events as they come and return the last."""
    last: Finished | None = None
    shown = 0
    for event in events:
        if isinstance(event, Step) and steps:
            step(event)
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
        mark = f"  {MARKS[said.label]}" if said.label else ""
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

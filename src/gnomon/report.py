"""A checked text as a Markdown report, and as annotations of GitHub Actions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from gnomon.types import Evidence, Finding, Label, Stance, Verdict, Verification

# Labels as people read them, the gravest first.
WORDS = {
    Label.REFUTED: "refuted",
    Label.DISPUTED: "disputed",
    Label.NOT_ENOUGH: "not enough evidence",
    Label.SUPPORTED: "supported",
}
MOST_QUOTES = 3
# Control characters and switches of writing direction (https://trojansource.codes).
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def summary(verification: Verification) -> str:
    """How many statements came out how, in one sentence."""
    labels = Counter(f.verdict.label for f in verification.findings if f.verdict)
    why = Counter(f.statement.unchecked for f in verification.findings if not f.verdict)
    parts = [f"{labels[label]} {words}" for label, words in WORDS.items() if labels[label]]
    said = f"{_count(sum(labels.values()), 'claim')} checked"
    said += f": {', '.join(parts)}" if parts else ""
    if why:
        kinds = ", ".join(_count(n, kind) for kind, n in why.most_common())
        said += f"; {sum(why.values())} not checked ({kinds})"
    if not verification.complete:
        left = verification.statements - len(verification.findings)
        said += f"; stopped before {_count(left, 'more statement')}"
    return said + "."


def sides(verdict: Verdict) -> list[Evidence]:
    """The evidence to show, what decided first: against a refuted claim, the refutation."""
    first = Stance.REFUTES if verdict.label is Label.REFUTED else Stance.SUPPORTS
    return sorted(verdict.evidence, key=lambda e: (e.stance is not first, -e.weight))


def stands_for(evidence: Evidence, verdict: Verdict) -> int:
    """How many posts the origin of a piece of evidence stands for."""
    return verdict.posts_by_origin.get(evidence.origin, 1)


# ------------------------------------------------------------------------------- Markdown


def markdown(verification: Verification) -> Iterator[str]:
    """The report, line by line."""
    name = verification.document.name or verification.document.title or "the text"
    yield f"## Claims of {_md(name)}"
    yield ""
    yield f"**{summary(verification)}** As of {_when(verification.as_of)}."
    for note in notes(verification):
        yield ""
        yield _md(note)
    for label in WORDS:
        chosen = [f for f in verification.findings if f.verdict and f.verdict.label is label]
        if chosen:
            yield ""
            yield f"### {WORDS[label].capitalize()} ({len(chosen)})"
            yield ""
        for finding in chosen:
            yield from _item(finding)
    rest = [f for f in verification.findings if not f.verdict]
    if rest:
        yield ""
        yield f"### Not checked ({len(rest)})"
        yield ""
        for finding in rest:
            statement = finding.statement
            yield f"- {_place(finding)} *{statement.unchecked}*: {_md(_line(statement.quote))}"


def _item(finding: Finding) -> Iterator[str]:
    """One claim with its quotes."""
    verdict, statement = finding.verdict, finding.statement
    assert verdict is not None, "only what was checked has a verdict to show"
    yield f"- {_place(finding)} {_md(_line(statement.quote))}"
    if statement.claim.text != _line(statement.quote):
        yield f"  - read as: {_md(statement.claim.whole)}"
    if verdict.label is not Label.NOT_ENOUGH:
        yield f"  - {_md(verdict.reason)} Confidence {verdict.confidence:.2f}."
    for evidence in sides(verdict)[:MOST_QUOTES]:
        side = "against" if evidence.stance is Stance.REFUTES else "for"
        who = _md(evidence.author or evidence.title or evidence.source)
        where = f"[{who}](<{evidence.url}>)" if _is_link(evidence.url) else who
        said = f", {_when(evidence.said_at)}" if evidence.said_at is not None else ""
        posts = stands_for(evidence, verdict)
        copies = f", one origin of {posts} posts" if posts > 1 else ""
        yield f"  - {side}: “{_md(_line(evidence.quote))}” ({where}{said}{copies})"


def _place(finding: Finding) -> str:
    return f"`{finding.statement.line}:{finding.statement.column}`"


def _is_link(url: str) -> bool:
    return url.startswith(("http://", "https://")) and not re.search(r"[<>\s]", url)


# ------------------------------------------------------------------------------- GitHub


def github(verification: Verification, fails: Collection[Label]) -> Iterator[str]:
    """Workflow commands (https://docs.github.com/actions/reference/workflow-commands), one for each
    claim that is refuted, disputed, or of a label that ``fails``; then the summary. GitHub shows at
    most ten of each kind for a step, so the gravest come first."""
    order = list(WORDS)
    shown = [
        f
        for f in verification.findings
        if f.verdict and (f.verdict.label in fails or order.index(f.verdict.label) < 2)
    ]
    shown.sort(key=lambda f: (f.verdict.label not in fails, f.n) if f.verdict else (True, f.n))
    for finding in shown:
        verdict, statement = finding.verdict, finding.statement
        assert verdict is not None, "only checked claims are annotated"
        command = "error" if verdict.label in fails else "warning"
        where = {"file": verification.document.name}
        if not verification.document.extracted:
            where |= {"line": str(statement.line), "endLine": str(statement.end_line)}
            if statement.line == statement.end_line:
                where |= {"col": str(statement.column), "endColumn": str(statement.end_column)}
        where["title"] = WORDS[verdict.label].capitalize()
        properties = ",".join(f"{key}={_property(value)}" for key, value in where.items())
        yield f"::{command} {properties}::{_data(_message(statement.claim.text, verdict))}"
    yield f"::notice title=gnomon check::{_data(summary(verification))}"


def _message(claim: str, verdict: Verdict) -> str:
    lines = [f"{claim}", f"{verdict.reason} (confidence {verdict.confidence:.2f})"]
    for evidence in sides(verdict)[:2]:
        side = "Against" if evidence.stance is Stance.REFUTES else "For"
        who = evidence.author or evidence.title or evidence.source
        lines.append(f"{side}: “{_line(evidence.quote)}” {who} {evidence.url}".rstrip())
    return "\n".join(lines)


def _data(text: str) -> str:
    text = _STEERING.sub(" ", text)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# ------------------------------------------------------------------------------- what to know


def notes(verification: Verification) -> Iterator[str]:
    """What a reader must know of how the text was read."""
    document = verification.document
    if verification.itself:
        n = len(verification.itself)
        yield (
            f"Left out of the evidence: {_count(n, 'held post')} that {'is' if n == 1 else 'are'} "
            f"this text or copies of it ({', '.join(verification.itself[:3])})."
        )
    if document.date is not None and document.date_from in ("file", "now"):
        day = f"{datetime.fromtimestamp(document.date, UTC):%Y-%m-%d}"
        how = "the file's time of change" if document.date_from == "file" else "today"
        yield f"Relative dates are read from {day}, {how}; --date gives another."
    if document.extracted:
        yield "Lines and columns are those of the text taken out of the file, not of the file."
    if verification.unindexed:
        yield (
            f"The index is still being made: {_count(verification.unindexed, 'change')} of what is "
            "held could not be searched."
        )
    if verification.skipped:
        kinds = Counter(part.kind for part in verification.skipped)
        listed = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
        yield f"Not read as sentences: {listed}."


_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def _md(text: str) -> str:
    """A stranger's words as Markdown that shows just them."""
    return _SPECIAL.sub(r"\\\1", _STEERING.sub(" ", text)).replace("@", "@\u200b")


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _when(seconds: float | None) -> str:
    if seconds is None:
        return "at an unknown time"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _count(n: int, noun: str) -> str:
    plural = noun if n == 1 or noun.endswith(("evidence", "boilerplate")) else f"{noun}s"
    plural = "instructions to a machine" if plural == "instruction to a machines" else plural
    return f"{n:,} {plural}"

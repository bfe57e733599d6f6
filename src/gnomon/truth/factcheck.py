"""A whole text against everything held: each of its statements with a verdict.

What ``gnomon check`` and ``POST /v1/verify`` are made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gnomon.store.contract import ANY
from gnomon.truth.apart import Apart
from gnomon.truth.check import Bench, check_claim
from gnomon.truth.claims import claim_at
from gnomon.types import (
    Claim,
    Document,
    Filter,
    Finding,
    Label,
    Skipped,
    Statement,
    Verdict,
    Verification,
)

# Dates that nobody stated: the file's time of change, or the time of the check.
GUESSED = ("file", "now")


def fact_check(
    document: Document,
    statements: Sequence[Statement],
    bench: Bench,
    *,
    now: float,
    where: Filter = ANY,
    skipped: Sequence[Skipped] = (),
    itself: Sequence[str] = (),
) -> Iterator[Verification | Finding]:
    """Check ``statements`` of ``document`` as of ``now``, one Finding for each, in order.

    The first thing yielded is the Verification as it begins (no findings yet), the last it is
    whole; closing the iterator stops the work. ``itself`` are held posts that are the document or
    copies of it: they and their origins are left out of the evidence. A statement that comes
    again gets the verdict that it had.
    """
    begun = Verification(
        document=document,
        statements=len(statements),
        skipped=tuple(skipped),
        itself=tuple(itself),
        as_of=now,
        newest=next((post.time for post in bench.store.scan(limit=1)), None),
        unindexed=bench.unindexed,
    )
    yield begun
    if itself:
        links = bench.store.links(itself)
        origins = {links[post].origin if post in links else post for post in itself}
        bench = replace(bench, store=Apart(bench.store, origins, itself).as_store)
    findings: list[Finding] = []
    known: dict[str, Verdict] = {}
    for n, statement in enumerate(statements, 1):
        verdict = None
        if not statement.unchecked:
            claim = statement.claim
            if claim.whole not in known:
                known[claim.whole] = _verdict(document, statement, bench, where, now)
            verdict = replace(known[claim.whole], claim=claim)
        findings.append(Finding(n, statement, verdict))
        yield findings[-1]
    yield replace(begun, findings=tuple(findings), complete=True)


def _verdict(
    document: Document, statement: Statement, bench: Bench, where: Filter, now: float
) -> Verdict:
    """The verdict on a statement. A date that was only guessed refutes nothing: where it does, the
    statement is read again with its "yesterday" as it is written."""
    verdict = check_claim(statement.claim, bench, where=where, now=now)
    if verdict.label is not Label.REFUTED or document.date_from not in GUESSED:
        return verdict
    undated = _as_written(statement)
    if undated.slots == statement.claim.slots:
        return verdict
    return check_claim(undated, bench, where=where, now=now)


def _as_written(statement: Statement) -> Claim:
    """The statement without the dates that were worked out for it."""
    words = " ".join(statement.quote.split())
    plain = claim_at(words, 0, len(words))
    return replace(plain, context=statement.claim.context)

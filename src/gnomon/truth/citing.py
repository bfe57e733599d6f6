"""How what is said comes to its numbers: one for each span of a post, in order of first use."""

from __future__ import annotations

from gnomon.types import Citation, Evidence


def cite(citations: list[Citation], evidence: Evidence, posts: int) -> int:
    """The number of a citation: the one that its span has already, or the next, which is added.
    ``posts`` is how many posts its origin stands for."""
    for citation in citations:
        held = citation.evidence
        if (held.post, held.start, held.end) == (evidence.post, evidence.start, evidence.end):
            return citation.n
    citations.append(Citation(len(citations) + 1, evidence, posts))
    return len(citations)

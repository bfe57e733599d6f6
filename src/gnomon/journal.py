"""The journal: every answer, and every check of a text, is kept as a receipt named by the hash of
what it says.

A receipt is append-only. It may be signed (``assemble.receipts``); ``read`` leaves that away. When
a cited post is deleted by its author, the store takes the quotes of that post out of the receipt's
body and notes what was lost; the receipt keeps its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gnomon.errors import NotFound
from gnomon.store.contract import Store
from gnomon.store.receipts import SIGNED
from gnomon.types import Answer, Verification
from gnomon.wire import answer_to_json, verification_to_json


def record(store: Store, answer: Answer) -> Answer:
    """Keep ``answer``; returns it with its ``id``, the SHA-256 of its body."""
    body = answer_to_json(answer)
    body.pop("id")
    cites = {citation.evidence.post for citation in answer.citations}
    receipt = store.append_journal(answer.as_of, body, sorted(cites))
    return replace(answer, id=receipt.id)


def record_check(store: Store, verification: Verification) -> Verification:
    """Keep ``verification``; returns it with its ``id``, the SHA-256 of its body. The text that was
    checked is kept as far as its statements go, not whole."""
    body = verification_to_json(verification)
    body.pop("id")
    verdicts = [finding.verdict for finding in verification.findings if finding.verdict]
    cites = {evidence.post for verdict in verdicts for evidence in verdict.evidence}
    receipt = store.append_journal(verification.as_of, body, sorted(cites))
    return replace(verification, id=receipt.id)


def read(store: Store, id: str) -> Mapping[str, Any]:
    """A kept answer or check as JSON, with ``lost``: the cited posts that were deleted since.

    Raises NotFound.
    """
    receipt = store.receipt(id)
    if receipt is None:
        raise NotFound(f"No answer {id[:80]!r} in the journal; `gnomon status` counts those kept.")
    said = {name: value for name, value in receipt.body.items() if name != SIGNED}
    return {"id": receipt.id, **said, "lost": list(receipt.lost)}

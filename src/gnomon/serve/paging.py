"""Lists in pages, as OpenAI's API has them: ``after``, ``limit``, ``order``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gnomon.serve.http import ApiError, in_range

MOST = 100
USUAL = 20


def limit_of(query: Mapping[str, str], usual: int = USUAL, most: int = MOST) -> int:
    """``?limit=``, 1 to ``most``. Raises 400."""
    given = query.get("limit", str(usual))
    if not in_range(given, 1, most):
        raise ApiError(
            400,
            f"'limit' is {given[:20]!r}; give 1 to {most}.",
            param="limit",
            code="invalid_value",
        )
    return int(given)


def page_of(items: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """A page of ``items`` (oldest first); the newest come first unless ``order`` is asc."""
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise ApiError(
            400,
            f"'order' is {order[:20]!r}; give asc or desc.",
            param="order",
            code="invalid_value",
        )
    limit = limit_of(query)
    listed = list(items if order == "asc" else reversed(items))
    if after := query.get("after"):
        at = next((n for n, item in enumerate(listed) if item["id"] == after), None)
        if at is None:
            raise ApiError(
                400,
                f"'after' is {after[:80]!r}, which is no item of this list.",
                param="after",
                code="invalid_value",
            )
        listed = listed[at + 1 :]
    shown = listed[:limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(listed) > len(shown),
    }

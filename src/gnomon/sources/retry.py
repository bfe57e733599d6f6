"""When to try again, and how long to wait before."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Statuses that say "later", not "no" (RFC 9110, sections 15.5.9 and 15.6; RFC 6585, section 4).
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


def backoff_s(attempt: int, *, base_s: float = 0.5, cap_s: float = 60.0) -> float:
    """Seconds before try number ``attempt`` + 1 (``attempt`` counts from 0): exponential, with
    full jitter, so that many clients do not come back at once
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)."""
    return random.uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt, 30)))


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """What Retry-After asks for, in seconds from ``now`` (RFC 9110, section 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)


# Networks write the same three headers under three names (asking.py has the links).
_REMAINING = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")


def budget_pause_s(headers: Mapping[str, str], now: float) -> float:
    """Seconds until requests are allowed again where an answer says that none is left, else 0."""
    left = next((headers[name] for name in _REMAINING if name in headers), "")
    try:
        spent = float(left) < 1.0
    except ValueError:
        return 0.0
    return (reset_s(headers, now) or 0.0) if spent else 0.0


def reset_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from ``now`` until the rate limit's window begins anew, None where it is not said.

    Mastodon writes a time in ISO 8601, X epoch seconds, Reddit and the IETF's draft
    (https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/) seconds from now.
    """
    value = next((headers[name] for name in _RESET if name in headers), "").strip()
    try:
        number = float(value)
    except ValueError:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    if not 0.0 <= number < 1e11:
        return None
    return max(0.0, number - now) if number > 1e8 else number

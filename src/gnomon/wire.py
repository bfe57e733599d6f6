"""Values as JSON and back: the one reader and the one writer.

A post on the wire uses ``Post``'s own field names. Only ``text`` is required; ``id``, ``author``,
``created_at`` (ISO 8601 or epoch seconds, milliseconds or microseconds), ``url``, ``lang``,
``repost_of``, ``reply_to``, ``quotes``, ``links``, ``source`` and the rest of ``Post`` are
understood; unknown fields are kept in ``extra`` and come out again where they went in.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from gnomon.errors import InputError
from gnomon.types import (
    Answer,
    Citation,
    Evidence,
    Finding,
    Label,
    Post,
    Verdict,
    Verification,
    content_hash,
)

TIMES = frozenset(
    {
        "at",
        "as_of",
        "before_at",
        "checked_at",
        "created_at",
        "end",
        "fetched_at",
        "first_seen",
        "last_seen",
        "made_at",
        "newest",
        "replaced_at",
        "said_at",
        "since",
        "spark_from",
        "start",
        "until",
    }
)
"""Fields that hold a time wherever they hold a float: epoch seconds inside, ISO 8601 outside."""
FIXED = TIMES | {
    "hash",
    "id",
    "kind",
    "label",
    "lang",
    "modality",
    "model",
    "object",
    "origin",
    "post",
    "sha256",
    "source",
    "stance",
    "unit",
}
"""Fields whose strings are ids, hashes, times or terms of a fixed list: never anybody's words."""
_MOMENTS = ("float", "float | None")
_STRINGS = ("id", "author", "title", "lang", "url", "reply_to", "repost_of", "quotes", "source")
_LISTS = ("links", "media", "labels")


def iso(seconds: float | None) -> str | None:
    """Epoch seconds as ISO 8601 UTC with a ``Z``, microseconds only where there are any."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat().replace("+00:00", "Z")


def parse_time(value: Any) -> float:
    """ISO 8601 (a missing zone means UTC) or an epoch number, as epoch seconds.

    Numbers above 1e11 are milliseconds and above 1e14 microseconds: as seconds they would lie
    beyond the year 5000. Raises InputError quoting the value.
    """
    if isinstance(value, bool) or value is None:
        raise InputError(f"{value!r} is no time; give ISO 8601 or epoch seconds.")
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text)
        except ValueError:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise InputError(
                    f"{text[:60]!r} is no time; give ISO 8601, like 2026-03-07T09:30:00Z."
                ) from None
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return _in_calendar(moment.timestamp(), text)
    if not isinstance(value, int | float):
        raise InputError(f"{value!r} is no time; give ISO 8601 or epoch seconds.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    for limit, scale in ((1e14, 1e6), (1e11, 1e3)):
        if abs(number) > limit:
            number /= scale
            break
    return _in_calendar(number, value)


def _in_calendar(number: float, value: Any) -> float:
    if not -6.2e10 < number < 2.5e11:  # years 5 to 9900: what datetime can hold
        raise InputError(f"{str(value)[:60]!r} lies outside the calendar of the years 5 to 9900.")
    return number


_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)?")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_span(text: str) -> float:
    """A length of time as ``30m``, ``6h``, ``1d``, ``2w`` or plain seconds, in seconds. Raises
    InputError quoting the value."""
    found = _SPAN.fullmatch(text.strip().lower()) if len(text) <= 20 else None
    if found is None:
        raise InputError(f"{text[:40]!r} is no length of time; give one such as 30m, 6h or 1d.")
    return float(found[1]) * _UNITS[found[2] or "s"]


def post_from_json(
    row: Mapping[str, Any], *, source: str, fetched_at: float, default_id: str = ""
) -> Post:
    """A Post from one JSON object. Raises InputError naming the field that cannot be used.

    Without ``id`` the post is named by ``default_id`` or else by its own content and author, so
    that the same row read twice is the same post.
    """
    text = row.get("text")
    if not isinstance(text, str):
        raise InputError(f"'text' is {_short(text)}; give the post's words as a string.")
    values: dict[str, Any] = {"text": text, "fetched_at": fetched_at}
    extra = dict(row.get("extra") or {}) if isinstance(row.get("extra") or {}, Mapping) else {}
    for name, value in row.items():
        if name in ("text", "extra", "hash") or value is None:
            continue
        if name in _STRINGS:
            if isinstance(value, Mapping | list):
                raise InputError(f"{name!r} is {_short(value)}; give a string.")
            values[name] = str(value)
        elif name in _LISTS:
            items = [value] if isinstance(value, str) else value
            if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
                raise InputError(f"{name!r} is {_short(value)}; give a list of strings.")
            values[name] = tuple(items)
        elif name == "created_at":
            values[name] = None if value == "" else parse_time(value)
        elif name == "fetched_at":
            values[name] = parse_time(value)
        elif name == "counts":
            if not isinstance(value, Mapping):
                raise InputError(f"'counts' is {_short(value)}; give an object of numbers.")
            values[name] = {str(k): int(v) for k, v in value.items() if _finite(v)}
        else:
            extra[name] = value
    values["source"] = values.get("source") or source
    if not values.get("id"):
        made_from = f"{values.get('author', '')}\n{values.get('created_at')}\n{text}"
        values["id"] = default_id or f"{source}:{content_hash(made_from)[:16]}"
    return Post(**values, extra=extra)


def post_to_json(post: Post) -> dict[str, Any]:
    """The inverse: empty fields are left out, unknown ones stand beside the known."""
    out: dict[str, Any] = {}
    for f in dataclasses.fields(post):
        value = getattr(post, f.name)
        if f.name in ("created_at", "fetched_at"):
            value = iso(value)
        if f.name == "extra" or value in ("", None, (), {}):
            continue
        out[f.name] = list(value) if isinstance(value, tuple) else value
    out.setdefault("text", "")
    out["hash"] = post.hash
    for name, value in post.extra.items():
        out.setdefault(name, value)
    return out


def to_json(value: Any) -> Any:
    """Any gnomon value as plain JSON types: times in ISO 8601, enums as their strings."""
    if isinstance(value, Post):
        return post_to_json(value)
    if isinstance(value, Answer):
        return answer_to_json(value)
    if isinstance(value, Verification):
        return verification_to_json(value)
    if isinstance(value, Finding):
        return finding_to_json(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        out = {}
        for f in dataclasses.fields(value):
            item = getattr(value, f.name)
            if f.name in TIMES and f.type in _MOMENTS and item is not None:
                out[f.name] = iso(item)
            else:
                out[f.name] = to_json(item)
        if isinstance(value, Evidence):
            out["stance"] = value.stance.value
        return out
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """An answer for the API and ``--json``: citations flattened, verdicts stated once."""
    verdicts: list[Verdict] = []
    sentences = []
    for sentence in answer.sentences:
        indices = []
        for verdict in sentence.verdicts:
            if verdict not in verdicts:
                verdicts.append(verdict)
            indices.append(verdicts.index(verdict))
        sentences.append(
            {
                "text": sentence.text,
                "start": sentence.start,
                "end": sentence.end,
                "kind": sentence.kind,
                "label": sentence.label.value if sentence.label else None,
                "verdicts": indices,
                "citations": list(sentence.citations),
                "against": list(sentence.against),
            }
        )
    return {
        "id": answer.id,
        "object": "gnomon.answer",
        "question": answer.question,
        "lang": answer.lang,
        "text": answer.text,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "confidence": round(answer.confidence, 4),
        "as_of": iso(answer.as_of),
        "newest": iso(answer.newest),
        "posts": answer.posts,
        "origins": answer.origins,
        "sentences": sentences,
        "verdicts": [to_json(verdict) for verdict in verdicts],
        "citations": [citation_to_json(citation) for citation in answer.citations],
        "left_out": [to_json(item) for item in answer.left_out],
        "gaps": [to_json(gap) for gap in answer.gaps],
        "model": answer.model,
        "energy": to_json(answer.energy),
        "unindexed": answer.unindexed,
    }


def citation_to_json(citation: Citation) -> dict[str, Any]:
    """``{"n", "post", "quote", "start", "end", "hash", "origin", "posts", ...}``, flat."""
    return {"n": citation.n, "posts": citation.posts, **to_json(citation.evidence)}


def verification_to_json(verification: Verification) -> dict[str, Any]:
    """What came of checking a text, for the API and ``--json``; the text itself is not in it."""
    document = verification.document
    claims = [finding_to_json(finding) for finding in verification.findings]
    labels = [claim["label"] for claim in claims]
    counts = {label.value: labels.count(label.value) for label in Label}
    return {
        "id": verification.id,
        "object": "gnomon.verification",
        "complete": verification.complete,
        "document": {
            "name": document.name,
            "kind": document.kind,
            "title": document.title,
            "author": document.author,
            "url": document.url,
            "date": iso(document.date),
            "date_from": document.date_from if document.date is not None else None,
            "extracted": document.extracted,
            "hash": content_hash(document.text),
        },
        "statements": verification.statements,
        "counts": {**counts, "not_checked": labels.count(None)},
        "claims": claims,
        "skipped": [to_json(part) for part in verification.skipped],
        "itself": list(verification.itself),
        "as_of": iso(verification.as_of),
        "newest": iso(verification.newest),
        "unindexed": verification.unindexed,
    }


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """One statement and its verdict, flat. ``label`` is null where it was not checked, and
    ``not_checked`` says why; then the fields of the verdict are null or empty."""
    statement, verdict = finding.statement, finding.verdict
    claim = statement.claim
    out: dict[str, Any] = {
        "n": finding.n,
        "quote": statement.quote,
        "claim": claim.text,
        "context": claim.context,
        **{
            name: getattr(statement, name)
            for name in ("start", "end", "line", "column", "end_line", "end_column")
        },
        "lang": claim.lang,
        "speaker": claim.speaker,
        "modality": claim.modality,
        "label": verdict.label.value if verdict else None,
        "not_checked": statement.unchecked or None,
        "confidence": round(verdict.confidence, 4) if verdict else None,
        "reason": verdict.reason if verdict else None,
        "rule": verdict.rule if verdict else None,
    }
    for name in ("origins_for", "origins_against", "posts_for", "posts_against"):
        out[name] = getattr(verdict, name) if verdict else 0
    out["first_seen"] = iso(verdict.first_seen) if verdict else None
    posts = verdict.posts_by_origin if verdict else {}
    out["evidence"] = [
        {"posts": posts.get(evidence.origin, 1), **to_json(evidence)}
        for evidence in (verdict.evidence if verdict else ())
    ]
    return out


def _finite(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

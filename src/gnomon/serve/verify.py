"""``POST /v1/verify``: a text, or claims one by one, each with a verdict.

Streamed, the events are ``begin`` (the verification without claims yet), ``claim`` (one claim with
its verdict, as it is ready), ``verification`` (the whole), or ``error`` (the error object).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.errors import InputError
from gnomon.serve.contract import Engine
from gnomon.serve.http import ApiError, field, filter_from, moment
from gnomon.serve.sse import frame
from gnomon.types import Document, Filter, Finding, Post, Verification
from gnomon.wire import finding_to_json, post_from_json, verification_to_json

MAX_TEXT_CHARS = 200_000
MAX_STATEMENTS = 500
MAX_CLAIMS = 100
MAX_CLAIM_CHARS = 4_000
MAX_AGAINST = 200
FIELDS = frozenset(
    "text claims against format title url date stream since until source author lang".split()
)


@dataclass(frozen=True, slots=True)
class Checking:
    """What is to be checked, against what. ``against`` None: what is held."""

    document: Document | tuple[str, ...]
    against: tuple[Post, ...] | None
    where: Filter
    date: float | None
    stream: bool

    def begin(self, engine: Engine) -> Iterator[Verification | Finding]:
        """What this has the engine do."""
        return engine.check(
            self.document,
            against=self.against,
            where=self.where,
            date=self.date,
            most=MAX_STATEMENTS,
        )


def parse(body: Mapping[str, Any], *, now: float) -> Checking:
    """``{"text" | "claims", "against"?, "format"?, "title"?, "url"?, "date"?, "stream"?,
    "since"?, "until"?, "source"?, "author"?, "lang"?}``. ``now`` dates a text without a date."""
    for name in body:
        if name not in FIELDS:
            raise ApiError(
                400,
                f"There is no field {name[:60]!r}; there are {', '.join(sorted(FIELDS))}.",
                param=name[:60],
                code="unknown_parameter",
            )
    text, claims = body.get("text"), body.get("claims")
    if (text is None) == (claims is None):
        said = "Both 'text' and 'claims' are given" if claims is not None else "Nothing is given"
        raise ApiError(
            400,
            f"{said}; give either 'text' or 'claims'.",
            param="text",
            code="invalid_value",
        )
    date, kind = moment(body.get("date"), "date"), _kind(body)
    return Checking(
        document=_document(body, kind, date, now) if claims is None else _claims(claims),
        against=_against(body.get("against"), now),
        where=filter_from(body),
        date=date,
        stream=field(body, "stream", bool, False),
    )


def _kind(body: Mapping[str, Any]) -> str:
    kind = field(body, "format", str, "text")
    if kind not in ("text", "markdown"):
        raise ApiError(
            400,
            f"'format' is {kind[:40]!r}; give 'text' or 'markdown'.",
            param="format",
            code="invalid_value",
        )
    return kind


def _document(body: Mapping[str, Any], kind: str, date: float | None, now: float) -> Document:
    text = field(body, "text", str, "")
    if not text.strip():
        raise ApiError(400, "'text' is empty; there is nothing in it to check.", param="text")
    if len(text) > MAX_TEXT_CHARS:
        raise ApiError(
            413,
            f"'text' has {len(text):,} characters, and at most {MAX_TEXT_CHARS:,} are checked at "
            "once; send it in parts.",
            param="text",
            code="text_too_long",
        )
    return Document(
        text.replace("\r\n", "\n").replace("\r", "\n"),
        kind=kind,
        title=field(body, "title", str, ""),
        url=field(body, "url", str, ""),
        date=now if date is None else date,
        date_from="now" if date is None else "given",
    )


def _claims(claims: Any) -> tuple[str, ...]:
    if not isinstance(claims, list) or not all(isinstance(claim, str) for claim in claims):
        raise ApiError(
            400, "'claims' must be a list of strings.", param="claims", code="invalid_type"
        )
    if not claims or len(claims) > MAX_CLAIMS:
        raise ApiError(
            400 if not claims else 413,
            f"'claims' has {len(claims):,} entries; give 1 to {MAX_CLAIMS}.",
            param="claims",
            code="invalid_value" if not claims else "too_many_claims",
        )
    for n, claim in enumerate(claims):
        if not claim.strip() or len(claim) > MAX_CLAIM_CHARS:
            raise ApiError(
                400,
                f"claims[{n}] has {len(claim):,} characters; give 1 to {MAX_CLAIM_CHARS:,}.",
                param=f"claims[{n}]",
                code="invalid_value",
            )
    return tuple(claims)


def _against(documents: Any, now: float) -> tuple[Post, ...] | None:
    """Documents to check against; None where the field is missing."""
    if documents is None:
        return None
    if not isinstance(documents, list) or not 1 <= len(documents) <= MAX_AGAINST:
        many = len(documents) if isinstance(documents, Sequence) else 0
        raise ApiError(
            400,
            f"'against' must be a list of 1 to {MAX_AGAINST} documents like "
            f'{{"text": "..."}}; this has {many:,}.',
            param="against",
            code="invalid_value",
        )
    posts: dict[str, Post] = {}
    for n, row in enumerate(documents):
        where = f"against[{n}]"
        if not isinstance(row, Mapping):
            raise ApiError(400, f"{where} is no object.", param=where, code="invalid_type")
        try:
            post = post_from_json(row, source="against", fetched_at=now, default_id=f"{where}")
        except InputError as error:
            raise ApiError(400, f"{where}: {error}", param=where, code="invalid_value") from None
        if not post.text.strip():
            raise ApiError(
                400, f"{where} has no text in it.", param=f"{where}.text", code="invalid_value"
            )
        if post.id in posts:
            raise ApiError(
                400,
                f"{where} has the id {post.id[:60]!r} of another document; give each its own.",
                param=f"{where}.id",
                code="invalid_value",
            )
        posts[post.id] = post
    return tuple(posts.values())


class VerifyRenderer:
    """A check as our own events; see ``render.Renderer``."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def event(self, event: Verification | Finding) -> Iterator[bytes]:
        if isinstance(event, Finding):
            yield frame(finding_to_json(event), "claim")
            return
        self._whole = verification_to_json(event)
        yield frame(self._whole, "verification" if event.complete else "begin")

    def failed(self, error: ApiError) -> Iterator[bytes]:
        yield frame(error.body(), "error")

    def whole(self) -> dict[str, Any]:
        return self._whole

"""Reading values out of JSON that strangers wrote: each has the type that is asked for, or none."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from gnomon.errors import InputError, SourceError, Unreachable
from gnomon.sources.admission import quoted
from gnomon.sources.contract import Response
from gnomon.wire import iso, parse_time

MOST_ITEMS = 500
"""How many links, tags or pictures of one post are kept."""


def body_json(response: Response) -> Any:
    """The body as JSON. Raises Unreachable where it is broken (cut off on its way, mostly), or
    SourceError where it is a page for people."""
    try:
        return loads(response.body)
    except ValueError as error:
        if response.body.lstrip()[:1] == b"<":
            raise SourceError(
                f"{quoted(response.url)} answers with a page for people, not with JSON (it begins "
                f"{quoted(response.body[:60])}); check the address, or whether it wants a login."
            ) from error
        raise Unreachable(
            f"{quoted(response.url)} sent broken JSON ({str(error)[:80]}); try again."
        ) from error


def loads(data: bytes | str) -> Any:
    """JSON, with half characters (lone surrogates) let through: admission sets those posts aside.

    Raises ValueError, also where it is nested too deep to be read.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            return json.loads(data)
        except RecursionError as error:
            raise ValueError("it is nested too deep") from error


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def array(value: Any) -> list[Any]:
    """``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    return [item for item in array(value) if isinstance(item, Mapping)]


def string(value: Any) -> str:
    """``value`` if it is a string, else ""."""
    return value if isinstance(value, str) else ""


def name_of(value: Any) -> str:
    """An identifier: a string that can be written out, or a whole number as one; else ""."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = string(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a character
        return ""
    return text


def authority(url: str) -> str:
    """``host:port`` of a URL as it is written there, "" where it is none."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def joined(base: str, url: str) -> str:
    """``url`` as seen from ``base``, "" where it cannot be read."""
    try:
        return urljoin(base, url)
    except ValueError:
        return ""


def strings(values: Iterable[Any]) -> tuple[str, ...]:
    """The non-empty strings among ``values``, each once, at most MOST_ITEMS."""
    found = dict.fromkeys(value for value in values if isinstance(value, str) and value)
    return tuple(found)[:MOST_ITEMS]


def counts(**values: Any) -> dict[str, int]:
    """Those of ``values`` that are whole numbers of 64 bits."""
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    }


def moment(value: Any) -> float | None:
    """A time in ISO 8601 or as an epoch number, None where it is none."""
    if value in (None, "", False) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    try:
        return parse_time(value)
    except (InputError, OverflowError):
        return None


def moment_iso(value: Any) -> str:
    """A time as ISO 8601, "" where it is none."""
    return iso(moment(value)) or ""


def filled(**values: Any) -> dict[str, Any]:
    """Those of ``values`` that say something: for ``Post.extra``."""
    return {name: value for name, value in values.items() if value not in (None, "", (), [], {}, 0)}

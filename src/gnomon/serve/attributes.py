"""What clients write beside their things: metadata, attributes of files, and filters over them.

https://platform.openai.com/docs/guides/retrieval#attribute-filtering: a comparison (eq, ne, gt,
gte, lt, lte, in, nin) of one key, or ``and``/``or`` of several.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnomon.serve.http import ApiError

Attributes = Mapping[str, str | float | bool]

MOST_PAIRS, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512
MOST_FILTERS, DEEPEST = 100, 8
_ORDERED = ("gt", "gte", "lt", "lte")
_KINDS = ("eq", "ne", *_ORDERED, "in", "nin")


def metadata_of(value: Any, name: str = "metadata") -> dict[str, str]:
    """Up to 16 pairs of strings; empty for null."""
    pairs = attributes_of(value, name)
    for key, item in pairs.items():
        if not isinstance(item, str):
            raise _bad(f"{name}.{key}", "give a string")
    return {key: str(item) for key, item in pairs.items()}


def attributes_of(value: Any, name: str = "attributes") -> dict[str, str | float | bool]:
    """Up to 16 pairs of a key and a string, number or boolean; empty for null."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MOST_PAIRS:
        raise _bad(name, f"give an object of at most {MOST_PAIRS} pairs")
    for key, item in value.items():
        if not key or len(key) > LONGEST_KEY:
            raise _bad(name, f"its keys have 1 to {LONGEST_KEY} characters")
        if not isinstance(item, str | int | float):
            raise _bad(f"{name}.{key}", "give a string, a number or a boolean")
        if isinstance(item, str) and len(item) > LONGEST_VALUE:
            raise _bad(f"{name}.{key}", f"give at most {LONGEST_VALUE} characters")
    return dict(value)


def check_filter(value: Any, name: str = "filters") -> Mapping[str, Any] | None:
    """``value`` if it is a filter; None for null. Raises ApiError naming what is wrong in it."""
    if value is None:
        return None
    left = [MOST_FILTERS]
    _check(value, name, DEEPEST, left)
    assert isinstance(value, Mapping)
    return value


def _check(value: Any, name: str, depth: int, left: list[int]) -> None:
    left[0] -= 1
    if depth <= 0 or left[0] < 0:
        raise _bad(name, f"it holds more than {MOST_FILTERS} filters or nests over {DEEPEST} deep")
    if not isinstance(value, Mapping):
        raise _bad(name, "give a comparison or 'and'/'or' of several")
    kind = value.get("type")
    if kind in ("and", "or"):
        inner = value.get("filters")
        if not isinstance(inner, list) or not inner:
            raise _bad(f"{name}.filters", "give a list of filters")
        for at, item in enumerate(inner):
            _check(item, f"{name}.filters[{at}]", depth - 1, left)
        return
    if kind not in _KINDS:
        raise _bad(f"{name}.type", f"give one of {', '.join(_KINDS)}, and, or")
    if not isinstance(value.get("key"), str):
        raise _bad(f"{name}.key", "give the name of an attribute")
    given = value.get("value")
    if kind in ("in", "nin"):
        if not isinstance(given, list) or not all(map(_is_plain, given)):
            raise _bad(f"{name}.value", "give a list of strings or numbers")
    elif not _is_plain(given):
        raise _bad(f"{name}.value", "give a string, a number or a boolean")


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def fits(attributes: Attributes, wanted: Mapping[str, Any] | None) -> bool:
    """Whether a checked filter lets a file with ``attributes`` in. A key that it does not have
    fits only ``ne`` and ``nin``."""
    if wanted is None:
        return True
    kind = wanted["type"]
    if kind == "and":
        return all(fits(attributes, inner) for inner in wanted["filters"])
    if kind == "or":
        return any(fits(attributes, inner) for inner in wanted["filters"])
    held, value = attributes.get(wanted["key"]), wanted["value"]
    if kind in ("in", "nin"):
        return any(_same(held, item) for item in value) is (kind == "in")
    if kind in ("eq", "ne"):
        return _same(held, value) is (kind == "eq")
    return _compares(kind, held, value)


def _same(held: Any, value: Any) -> bool:
    """Equal, and true is not 1."""
    return isinstance(held, bool) == isinstance(value, bool) and bool(held == value)


def _compares(kind: str, held: Any, value: Any) -> bool:
    """Numbers by size, strings (dates among them) by their characters; anything else never."""
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (held, value))
    if not (numbers or (isinstance(held, str) and isinstance(value, str))):
        return False
    return bool(
        {"gt": held > value, "gte": held >= value, "lt": held < value, "lte": held <= value}[kind]
    )


def _bad(name: str, instead: str) -> ApiError:
    return ApiError(400, f"{name!r} is not usable: {instead}.", param=name, code="invalid_value")

"""JSON in its one spelling, so that a hash of it means one thing: RFC 8785 (JCS).

https://www.rfc-editor.org/rfc/rfc8785. Keys are sorted by their UTF-16 code units, nothing is
escaped that need not be, and numbers are written as ECMAScript writes them. One step beyond the
RFC: a lone surrogate, which damaged posts hold, is written as its three bytes; strict readers
refuse such a text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from gnomon.errors import InputError

LARGEST = 2**53 - 1
"""Beyond it a double no longer holds every integer; JSON's numbers are doubles (section 3.1)."""


def canonical(value: Any) -> bytes:
    """``value`` (what ``json.loads`` gives) as its canonical bytes. Raises InputError for what JSON
    cannot hold."""
    return _written(value).encode("utf-8", "surrogatepass")


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) <= LARGEST:
            return str(value)
        if abs(value) > 10**308:
            raise InputError("A whole number is beyond what JSON holds; give it as a string.")
        return _number(float(value))
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_written(n)}:{_written(value[n])}" for n in names) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    raise InputError(f"A {type(value).__name__} is nothing that JSON holds.")


def _number(value: float) -> str:
    """As ECMAScript's Number::toString: https://tc39.es/ecma262/#sec-numeric-types-number-tostring.
    Python's ``repr`` gives the same shortest digits, but places the point otherwise."""
    if not math.isfinite(value):
        raise InputError(f"{value} is no number that JSON holds.")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, point = _digits(abs(value))
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    whole = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{whole}e{point - 1:+d}"


def _digits(value: float) -> tuple[str, int]:
    """The shortest digits that give ``value`` back, and where the point is: 0.``digits`` times ten
    to the ``point``."""
    mantissa, _, power = repr(value).partition("e")
    whole, _, rest = mantissa.partition(".")
    point = len(whole) + int(power or 0)
    digits = whole + ("" if rest == "0" else rest)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    return stripped.rstrip("0"), point

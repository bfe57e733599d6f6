"""The fields of a request that say how a model is to choose its words: read, and held to the ranges
of OpenAI's description (https://platform.openai.com/docs/api-reference/chat/create).

They mean something only to a model that answers by itself; the model ``gnomon`` accepts them as
they come and is not moved by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnomon.serve.http import ApiError, field

MOST_CHOICES = 16
_RANGES = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
}
_MOST_STOPS = 16
_MOST_BIASES = 1024
_MOST_TOP = 20


def sampling(body: Mapping[str, Any]) -> dict[str, Any]:
    """``temperature``, ``top_p``, both penalties, ``seed``, ``stop``, ``logit_bias`` and ``n``, as
    ``Generation`` names them."""
    found: dict[str, Any] = {name: number(body, name, *ends) for name, ends in _RANGES.items()}
    found["seed"] = field(body, "seed", int, -1) if body.get("seed") is not None else None
    found["stop"] = _stops(body.get("stop"))
    found["logit_bias"] = _biases(field(body, "logit_bias", dict, {}))
    found["n"] = choices(body)
    return found


def choices(body: Mapping[str, Any]) -> int:
    """``n``."""
    n = field(body, "n", int, 1)
    if not 1 <= n <= MOST_CHOICES:
        raise ApiError(
            400, f"'n' is {n}; give 1 to {MOST_CHOICES}.", param="n", code="invalid_value"
        )
    return n


def number(body: Mapping[str, Any], name: str, least: float, most: float) -> float | None:
    """A number within its range; None where it is missing."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ApiError(
            400,
            f"{name!r} is {str(value)[:40]!r}; give a number from {least:g} to {most:g}.",
            param=name,
            code="invalid_value",
        )
    return float(value)


def top_logprobs(body: Mapping[str, Any]) -> int | None:
    """``logprobs`` and ``top_logprobs`` of Chat Completions; None where none are wanted."""
    wanted = field(body, "logprobs", bool, False)
    top = field(body, "top_logprobs", int, 0)
    if top and not wanted:
        raise ApiError(
            400,
            "'top_logprobs' is given without 'logprobs'; set 'logprobs' to true.",
            param="top_logprobs",
            code="invalid_value",
        )
    return _top(top, "top_logprobs") if wanted else None


def _top(top: int, name: str) -> int:
    if not 0 <= top <= _MOST_TOP:
        raise ApiError(
            400, f"{name!r} is {top}; give 0 to {_MOST_TOP}.", param=name, code="invalid_value"
        )
    return top


def legacy_logprobs(body: Mapping[str, Any]) -> int | None:
    """``logprobs`` of Completions: how many of the likeliest tokens, none where it is missing."""
    if body.get("logprobs") is None:
        return None
    return _top(field(body, "logprobs", int, 0), "logprobs")


def _stops(value: Any) -> tuple[str, ...]:
    given = [] if value is None else [value] if isinstance(value, str) else value
    right = isinstance(given, list) and all(isinstance(one, str) and one for one in given)
    if not right or len(given) > _MOST_STOPS:
        raise ApiError(
            400,
            f"'stop' is {str(value)[:60]!r}; give a string, or a list of at most {_MOST_STOPS}.",
            param="stop",
            code="invalid_value",
        )
    return tuple(given)


def _biases(given: Mapping[str, Any]) -> dict[str, float]:
    for token, bias in given.items():
        right = isinstance(bias, int | float) and not isinstance(bias, bool)
        if not token.isdecimal() or not right or not -100 <= bias <= 100:
            raise ApiError(
                400,
                f"'logit_bias' has {str(token)[:20]!r}: {str(bias)[:20]!r}; give numbers of tokens "
                "and a bias from -100 to 100.",
                param="logit_bias",
                code="invalid_value",
            )
    if len(given) > _MOST_BIASES:
        raise ApiError(400, f"'logit_bias' names over {_MOST_BIASES} tokens.", param="logit_bias")
    return {token: float(bias) for token, bias in given.items()}

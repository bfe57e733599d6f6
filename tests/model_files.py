"""The real models that tests run: in $GNOMON_TEST_MODELS, or .cache/models, pulled there once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gnomon.errors import ModelError
from gnomon.models.installed import find
from gnomon.models.pull import pull

CACHE = Path(
    os.environ.get("GNOMON_TEST_MODELS") or Path(__file__).parent.parent / ".cache" / "models"
)
SMOLLM2 = "smollm2-135m-instruct"
ENCODER = "multilingual-e5-small-q4"


def pulled(name: str) -> Path:
    """The model's folder; pulls it if need be, and skips the test where it cannot be had."""
    if find(CACHE, name) is None:
        try:
            pull(name, CACHE)
        except ModelError as error:
            pytest.skip(f"{name} is not in {CACHE} and cannot be pulled: {str(error)[:200]}")
    return CACHE / name


def smollm2() -> Path:
    """The GGUF file of the tests' smallest chat model."""
    return next(pulled(SMOLLM2).glob("*.gguf"))

"""The sample world with voices: those of this machine, and weights where they were pulled."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gnomon.assemble import Gnomon, open_sample
from gnomon.config import load
from gnomon.models.installed import find

MODELS = Path(os.environ.get("GNOMON_TEST_MODELS") or "/nonexistent")
KOKORO, WHISPER = "kokoro-82m-int8", "whisper-base-int8"

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (apt install espeak-ng)"
)
needs_av = pytest.mark.skipif(
    importlib.util.find_spec("av") is None or importlib.util.find_spec("faster_whisper") is None,
    reason="gnomon[voice] is not installed",
)


def _needs(model: str) -> pytest.MarkDecorator:
    absent = find(MODELS, model) is None or importlib.util.find_spec("faster_whisper") is None
    return pytest.mark.skipif(
        absent,
        reason=f"{model} is not in $GNOMON_TEST_MODELS (gnomon models pull), or no gnomon[voice]",
    )


needs_voice = _needs(WHISPER)
needs_kokoro = _needs(KOKORO)


@contextmanager
def voiced(home: Path, **settings: Any) -> Iterator[Gnomon]:
    """The sample world over ``home``, whose models are those of $GNOMON_TEST_MODELS."""
    if MODELS.is_dir():
        (home / "models").symlink_to(MODELS)
    config = load(home, {}, chat_model="none", embed_model="none", **settings)
    with open_sample(config) as gnomon:
        yield gnomon

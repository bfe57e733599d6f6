"""The sample world with the tests' real models, and clients over a real port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai

from gnomon.config import load
from model_files import CACHE, ENCODER, SMOLLM2, pulled
from serving import running


@contextmanager
def talking(home: Path, *, embed: bool = False, **settings: Any) -> Iterator[Any]:
    """The real engine over the sample world with SmolLM2, and the encoder if wanted; skips where
    they cannot be had."""
    from gnomon.assemble import open_sample

    pulled(SMOLLM2)
    if embed:
        pulled(ENCODER)
    home.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(CACHE.absolute())
    chosen = {"chat_model": SMOLLM2, "embed_model": ENCODER if embed else "none", **settings}
    with open_sample(load(home, {}, **chosen)) as engine:
        yield engine


@contextmanager
def client_of(engine: Any, **options: Any) -> Iterator[openai.OpenAI]:
    with (
        running(engine, **options) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client

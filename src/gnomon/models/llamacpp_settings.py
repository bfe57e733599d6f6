"""How llama.cpp is set up in a worker, whatever it is asked there."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any


def settings(load: Mapping[str, Any]) -> Any:
    """``xllamacpp.CommonParams`` for a worker's first frame."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = load["path"]
    params.model_alias = {"gnomon"}
    params.n_parallel = load["slots"]
    params.n_ctx = load["context_tokens"] * load["slots"]
    # Cancelling takes hold between batches of the prompt, so they are kept short.
    params.n_batch = params.n_ubatch = load["batch_tokens"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = load["threads"]
    # Its own cache of old prompts may grow to 8 GiB.
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.enable_reasoning = 0
    params.offline = True
    params.verbosity = 2
    # It opens an HTTP listener that we do not use and cannot prevent: loopback, no page, and
    # a key that nobody knows.
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [secrets.token_urlsafe(32)]
    params.ui = params.endpoint_slots = params.endpoint_props = False
    params.n_threads_http = 1
    return params

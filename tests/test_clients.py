"""Clients that people use, each in its own process and its own environment, over a real port.

`make test` sets both environments up from tests/clients/ (requirements.txt, package-lock.json).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gnomon.serve.contract import Engine
from serving import ENGLISH, answered, running, sample_world

HERE = Path(__file__).parent / "clients"
KEPT = Path(os.environ.get("GNOMON_TEST_CLIENTS", HERE.parent.parent / ".cache" / "clients"))
PYTHON = KEPT / "python" / "bin" / "python"
NODE = KEPT / "node" / "node_modules"


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Iterator[Engine]:
    with sample_world(tmp_path_factory.mktemp("clients")) as held:
        yield held


@pytest.fixture(scope="module")
def base(engine) -> Iterator[str]:
    with running(engine) as address:
        yield address


@pytest.fixture(scope="module")
def question(engine) -> str:
    return answered(engine, ENGLISH)


@pytest.fixture(scope="module")
def text(engine, question) -> str:
    *_, last = engine.ask(question)
    return str(last.answer.text)


def ran(command: list[str | Path], cwd: Path = HERE) -> dict[str, Any]:
    """What a client's script printed, as JSON."""
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    env |= {"NO_PROXY": "*", "AI_SDK_LOG_WARNINGS": "false"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def python(script: str, base: str, question: str) -> dict[str, Any]:
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON.parent.parent} is not set up; `make clients` does it")
    return ran([PYTHON, HERE / script, base, question, ""])


def test_langchain(base, question, text):
    got = python("langchain_client.py", base, question)
    for road in ("chat", "streamed", "again", "responses", "responses_streamed"):
        assert got[road] == text, road
    assert got["citations"]
    assert got["usage"] > 0
    assert "text" in got["searched"]


def test_llamaindex(base, question, text):
    got = python("llamaindex_client.py", base, question)
    for road in ("chat", "completed", "streamed", "responses", "responses_streamed"):
        assert got[road] == text, road


def test_llm(base, question, text):
    got = python("llm_client.py", base, question)
    assert got == {"chat": text, "streamed": text, "again": text}


def test_vercels_ai_sdk_and_openais_own_client_for_javascript(base, question, text, tmp_path):
    if not NODE.is_dir():
        pytest.skip(f"{NODE} is not set up; `make clients` does it where npm is")
    # Node looks for packages beside the script that imports them.
    script = tmp_path / "client.mjs"
    script.write_text((HERE / "vercel_client.mjs").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(NODE)
    got = ran(["node", script, base, question], tmp_path)
    for road in ("responses", "chat", "compatible", "xai", "openai", "openai_streamed"):
        assert got[road] == text, road
    assert got["streamed"]["text"] == got["searched"]["text"] == text
    assert got["streamed"]["finish"] == "stop"
    assert got["sources"]
    assert got["sources"] == got["streamed"]["sources"]
    # Beside a search this client lists everything that was looked at, not only what is cited.
    assert set(got["sources"]) <= set(got["searched"]["sources"])
    assert got["xai_sources"]
    assert got["usage"] > 0

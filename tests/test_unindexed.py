"""While the index is still being made, as after an update, nobody is told that nothing is held."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client

from gnomon.assemble import Gnomon, open_gnomon
from gnomon.cli import main
from gnomon.config import Config, load
from gnomon.store.contract import StoreStatus
from gnomon.store.engine import open_store
from gnomon.types import Batch, Post
from serving import running

MILL = "The old mill in Harrow burnt down on Sunday."
QUESTION = "What burnt down in Harrow?"
NOTHING = "Nothing is held"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Three posts are held, and the index of an earlier gnomon is gone."""
    config = load(tmp_path_factory.mktemp("home"), {}, chat_model="none", embed_model="none")
    posts = [Post(f"p{n}", MILL, f"s{n}", 1.0 + n, created_at=1.0 + n) for n in range(3)]
    with open_gnomon(config) as gnomon:
        for post in posts:
            gnomon.store.write(Batch(post.source, posts=(post,)))
        gnomon.store.refresh()
    for view in config.store_dir.glob("text-*"):
        shutil.rmtree(view)
    return config


@pytest.fixture(scope="module")
def engine(config: Config) -> Iterator[Gnomon]:
    """Beside a writer that has not made the index yet, it is only read."""
    with open_gnomon(config, readonly=True) as engine:
        yield engine


@pytest.fixture(scope="module")
def url(engine: Gnomon) -> Iterator[str]:
    with running(engine) as url:
        yield url


def test_what_counts_as_not_made_yet() -> None:
    def unindexed(posts: int, seq: int, seen: int) -> int:
        return StoreStatus(posts, posts, 0, seq, 0, None, None, {"text": seen}).unindexed

    assert unindexed(1_000, 1_000, 1_000) == 0
    assert unindexed(1_000, 1_100, 1_000) == 0, "the moment that a write takes"
    assert unindexed(1_000, 1_101, 1_000) == 101
    assert unindexed(100_000, 101_000, 99_000) == 0, "a batch of a busy stream"
    assert unindexed(100_000, 101_001, 99_000) == 2_001
    assert unindexed(3, 3, 0) == 3, "all there is"
    assert StoreStatus(9, 9, 0, 9, 0, None, None).unindexed == 0, "a store without that view"


def test_a_reader_knows_what_its_writer_has_indexed_since(tmp_path: Path) -> None:
    with open_store(tmp_path) as writer, open_store(tmp_path, readonly=True) as reader:
        posts = tuple(Post(f"p{n}", f"{MILL} {n}", "s", float(n)) for n in range(300))
        writer.write(Batch("s", posts=posts))
        writer.refresh()
        assert (reader.status().posts, reader.status().unindexed) == (300, 0)


def test_the_api_says_so(url: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as api:
        assert api.get("/v1/status").json()["unindexed"] == 3
        found = api.get("/v1/search", params={"q": "mill"}).json()
        assert (found["data"], found["unindexed"]) == ([], 3)
        for question, said in (
            (QUESTION, "index is still being made"),
            ("哈罗的什么东西烧毁了？", "索引仍在建立"),
        ):
            answer = api.post("/v1/ask", json={"question": question, "stream": False}).json()
            assert answer["abstained"]
            assert said in answer["text"]
            assert said in answer["reason"]
            assert NOTHING not in answer["text"]
            assert answer["unindexed"] == 3
        check = api.post("/v1/verify", json={"claims": [MILL]}).json()
        assert check["unindexed"] == 3
        asked = {"model": "gnomon", "messages": [{"role": "user", "content": QUESTION}]}
        chat = api.post("/v1/chat/completions", json=asked).json()
        assert "index is still being made" in chat["choices"][0]["message"]["content"]


def test_mcp_says_so(url: str) -> None:
    async def words(tool: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        async with asyncio.timeout(60), Client(f"{url}/mcp") as client:
            result = await client.call_tool(tool, given)
            return result.content[0].text, result.structured_content

    for tool, given in (
        ("search_posts", {"query": "mill"}),
        ("ask", {"question": QUESTION}),
        ("verify_claim", {"claim": MILL}),
    ):
        said, told = asyncio.run(words(tool, given))
        assert "Not everything held was searched" in said
        assert NOTHING not in said
        assert told["unindexed"] == 3


def test_the_command_line_says_so_and_asking_makes_the_index(
    config: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNOMON_HOME", str(config.home))
    for task in ("CHAT", "EMBED"):
        monkeypatch.setenv(f"GNOMON_{task}_MODEL", "none")

    def run(*words: str) -> tuple[int, str]:
        was = signal.getsignal(signal.SIGTERM)
        try:
            code = main(list(words))
        finally:
            signal.signal(signal.SIGTERM, was)
        said = capsys.readouterr()
        return code, " ".join(f"{said.out} {said.err}".split())

    for words in (("search", "mill"), ("status",), ("debate", MILL)):
        _, said = run(*words)
        assert "The index is still being made: 3 changes" in said.replace("the index", "The index")
    with open_gnomon(config) as writer:
        writer.store.refresh()
        assert writer.unindexed() == 0
    _, said = run("search", "mill")
    assert MILL in said
    assert "index" not in said
    code, said = run("ask", QUESTION)
    assert code == 0
    assert "index" not in said

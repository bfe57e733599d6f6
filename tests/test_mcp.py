"""MCP with the SDK's own client: over HTTP on a real port, and over the pipes of a real process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from gnomon.errors import ModelError
from gnomon.serve.contract import Engine
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.serve.mcp_tools import TOOLS
from gnomon.types import Event, Step
from serving import CHINESE, ENGLISH, UNANSWERABLE, Scripted, answered, running, sample_world

NAMES = ["search_posts", "show_post", "trending", "story", "verify_claim", "ask"]
HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    },
}
SRC = Path(__file__).parent.parent / "src"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with sample_world(tmp_path_factory.mktemp("home")) as gnomon:
        yield gnomon


@pytest.fixture(scope="module")
def url(engine: Engine) -> Iterator[str]:
    with running(engine) as url:
        yield url


def stdio(home: Path) -> Any:
    """How an assistant starts us."""
    env = {"PYTHONPATH": str(SRC), "GNOMON_HOME": str(home), "GNOMON_CHAT_MODEL": "none"}
    env |= {"GNOMON_EMBED_MODEL": "none", "PATH": os.environ["PATH"]}
    words = ["-m", "gnomon.cli", "mcp", "--sample"]
    return stdio_client(StdioServerParameters(command=sys.executable, args=words, env=env))


def use(place: Any, work: Callable[[Client], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    """Connect, work, and leave."""

    async def main() -> Any:
        async with asyncio.timeout(60), Client(place, **options) as client:
            return await work(client)

    return asyncio.run(main())


def call(place: Any, name: str, given: dict[str, Any], **options: Any) -> Any:
    return use(place, lambda client: client.call_tool(name, given), **options)


# ------------------------------------------------------------------------------------ what is there


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_are_these_and_all_of_them_only_read(url: str, mode: str) -> None:
    async def work(client: Client) -> None:
        assert client.server_info is not None
        assert client.server_info.name == "gnomon"
        assert "no instruction" in (client.instructions or "")
        listed = (await client.list_tools()).tools
        assert [tool.name for tool in listed] == NAMES
        for tool in listed:
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is True
            assert tool.annotations.destructive_hint is False
            assert tool.annotations.open_world_hint is False
            assert tool.input_schema["additionalProperties"] is False
            assert tool.output_schema is not None
        templates = (await client.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == [
            "gnomon://posts/{id}",
            "gnomon://answers/{id}",
        ]

    use(f"{url}/mcp", work, mode=mode)


def test_no_tool_takes_a_command_an_address_or_a_path() -> None:
    """Peers let a client configure programs to run, addresses to fetch and files to read."""
    taken = {name for tool in TOOLS for name in tool.input["properties"]}
    words = {"query", "k", "since", "until", "source", "author", "lang", "id", "window", "kind"}
    assert taken == words | {"by", "claim", "claims", "question"}
    for tool in TOOLS:
        assert tool.input["additionalProperties"] is False


@pytest.mark.parametrize(
    "method", ["tools/add", "config/set", "servers/create", "logging/setLevel"]
)
def test_nothing_can_be_configured_over_the_wire(url: str, method: str) -> None:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": method,
        "params": {"command": "touch", "args": ["/tmp/gnomon-mcp-hole"], "level": "debug"},
    }
    headers = {"accept": "application/json, text/event-stream"}
    begun = httpx.post(f"{url}/mcp", json=HELLO, headers=headers)
    assert begun.status_code == 200
    headers["mcp-session-id"] = begun.headers["mcp-session-id"]
    reply = httpx.post(f"{url}/mcp", json=body, headers=headers).text
    assert '"error"' in reply
    assert not Path("/tmp/gnomon-mcp-hole").exists()


# ---------------------------------------------------------------------------------- the tools


def test_searching_and_showing(url: str, engine: Engine) -> None:
    async def work(client: Client) -> None:
        found = await client.call_tool("search_posts", {"query": "harbour", "k": 3})
        assert not found.is_error
        results = found.structured_content["results"]
        assert 0 < len(results) <= 3
        assert [one["id"] for one in results] == [
            one.post.id for one in engine.search("harbour", k=3)
        ]
        assert results[0]["id"] in found.content[0].text  # type: ignore[union-attr]
        shown = await client.call_tool("show_post", {"id": results[0]["id"]})
        view = shown.structured_content["view"]
        assert view["post"]["text"] == engine.show(results[0]["id"]).post.text
        read = await client.read_resource(f"gnomon://posts/{results[0]['id']}")
        assert json.loads(read.contents[0].text) == view  # type: ignore[union-attr]
        only = {"query": "harbour", "source": ["no such source"]}
        assert (await client.call_tool("search_posts", only)).structured_content["results"] == []

    use(f"{url}/mcp", work)


@pytest.mark.parametrize("questions", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_asking_with_progress(url: str, engine: Engine, questions: tuple[str, ...]) -> None:
    question = answered(engine, questions)
    told: list[tuple[float, str]] = []

    async def heard(done: float, total: float | None, message: str | None) -> None:
        told.append((done, message or ""))

    async def work(client: Client) -> None:
        result = await client.call_tool("ask", {"question": question}, progress_callback=heard)
        answer = result.structured_content
        assert not result.is_error
        assert not answer["abstained"]
        assert answer["citations"]
        words = result.content[0].text  # type: ignore[union-attr]
        assert words.startswith(answer["text"])
        assert answer["citations"][0]["quote"].split("\n")[0][:40] in words
        assert [done for done, _ in told] == sorted({done for done, _ in told})
        assert [message.partition(":")[0] for _, message in told[:2]] == ["plan", "retrieve"]
        kept = await client.read_resource(f"gnomon://answers/{answer['id']}")
        assert json.loads(kept.contents[0].text)["text"] == answer["text"]  # type: ignore[union-attr]
        unknown = await client.call_tool("ask", {"question": UNANSWERABLE})
        assert unknown.structured_content["abstained"]
        assert unknown.structured_content["reason"]

    use(f"{url}/mcp", work)


def test_checking_claims(url: str, engine: Engine) -> None:
    post = engine.search("harbour", k=1)[0].post
    quote = post.text.split(". ")[0].rstrip(".") + "."
    result = call(f"{url}/mcp", "verify_claim", {"claims": [quote, "Zeppelins land on Mars."]})
    first, second = result.structured_content["claims"]
    assert first["label"] in ("supported", "disputed", "not_enough_evidence")
    assert second["label"] == "not_enough_evidence"
    assert result.content[0].text.splitlines()[1].startswith("2. not_enough_evidence")
    one = call(f"{url}/mcp", "verify_claim", {"claim": quote})
    assert [claim["label"] for claim in one.structured_content["claims"]] == [first["label"]]


def test_trends_and_stories(url: str) -> None:
    async def work(client: Client) -> None:
        trends = await client.call_tool("trending", {"window": "1d", "k": 5})
        assert not trends.is_error, trends.content
        assert len(trends.structured_content["trends"]) <= 5
        stories = await client.call_tool("story", {"since": "2020-01-01", "k": 3})
        assert not stories.is_error, stories.content
        listed = stories.structured_content["stories"]
        assert listed
        told = await client.call_tool("story", {"id": listed[0]["id"]})
        assert told.structured_content["stories"][0]["id"] == listed[0]["id"]
        assert told.structured_content["stories"][0]["timeline"]

    use(f"{url}/mcp", work)


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("search_posts", {}, "'query' is a required property"),
        ("search_posts", {"query": "x", "k": 51}, "k: 51 is greater than the maximum"),
        ("search_posts", {"query": " "}, "The search is empty"),
        ("search_posts", {"query": "x", "command": "rm"}, "'command' was unexpected"),
        ("search_posts", {"query": "x", "since": "soon"}, "'soon' is no time"),
        ("show_post", {"id": "../../etc/passwd"}, "No post '../../etc/passwd' is held"),
        ("ask", {"question": " "}, ""),
        ("ask", {"question": "x" * 5000}, "question:"),
        ("verify_claim", {"claim": "x", "claims": ["x"]}, "is valid under each of"),
        ("trending", {"window": "soon"}, "'soon' is no length of time"),
        ("trending", {"url": "http://169.254.169.254/"}, "'url' was unexpected"),
        ("story", {"id": "no such story"}, "no such story"),
    ],
)
def test_what_cannot_be_done_is_a_result_that_says_so(
    url: str, name: str, given: dict[str, Any], why: str
) -> None:
    result = call(f"{url}/mcp", name, given)
    assert result.is_error
    assert result.structured_content is None
    assert why in result.content[0].text


def test_what_is_not_there_is_an_error(url: str) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(MCPError, match="There is no tool 'run'"):
            await client.call_tool("run", {})
        for uri in ("gnomon://posts/nothing", "gnomon://x", "file:///etc/passwd", "http://[::1]/"):
            with pytest.raises(MCPError, match=r"No post|There is no resource"):
                await client.read_resource(uri)

    use(f"{url}/mcp", work)


# ------------------------------------------------------------- ending, failing, being guarded


class Slow:
    """An engine whose answer takes until it is stopped."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.began = threading.Event()

    def ask(self, question: str) -> Iterator[Event]:
        try:
            self.began.set()
            for n in range(2000):
                yield Step("draft", str(n))
                time.sleep(0.02)
        finally:
            self.stopped.set()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_cancelled_call_stops_the_model(mode: str) -> None:
    slow = Slow()

    async def work(client: Client) -> None:
        asking = asyncio.create_task(client.call_tool("ask", {"question": "How long?"}))
        await asyncio.to_thread(slow.began.wait, 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await asyncio.to_thread(slow.stopped.wait, 10)

    with running(Scripted(slow.ask)) as url:
        use(f"{url}/mcp", work, mode=mode)


def test_a_client_that_goes_away_stops_the_model() -> None:
    slow = Slow()

    async def main(url: str) -> None:
        async def leave() -> None:
            async with Client(f"{url}/mcp") as client:
                await client.call_tool("ask", {"question": "How long?"})

        asking = asyncio.create_task(leave())
        await asyncio.to_thread(slow.began.wait, 10)
        asking.cancel()
        await asyncio.wait([asking])
        assert await asyncio.to_thread(slow.stopped.wait, 10)

    with running(Scripted(slow.ask)) as url:
        asyncio.run(main(url))


def test_a_model_that_fails_is_a_result_that_says_so() -> None:
    def broken(question: str) -> Iterator[Event]:
        yield Step("plan", "")
        raise ModelError("The model stopped; ask again.")

    with running(Scripted(broken)) as url:
        result = call(f"{url}/mcp", "ask", {"question": "Why?"})
        assert result.is_error
        assert result.content[0].text == "The model stopped; ask again."


def test_the_guards_stand_before_it(url: str) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"accept": "application/json, text/event-stream"}
    rebound = httpx.post(f"{url}/mcp", json=hello, headers={**accept, "host": "evil.example"})
    assert rebound.status_code == 403
    foreign = {**accept, "origin": "https://evil.example"}
    assert httpx.post(f"{url}/mcp", json=hello, headers=foreign).status_code == 403
    large = httpx.post(f"{url}/mcp", content=b"x" * 1_000_001, headers=accept)
    assert large.status_code == 413
    stranger = {**accept, "mcp-session-id": "0" * 32}
    assert httpx.post(f"{url}/mcp", json=hello, headers=stranger).status_code == 404


def test_without_the_sdk_it_says_what_to_install(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.lowlevel", None)
    with running(engine) as url:
        reply = httpx.post(f"{url}/mcp", json=HELLO)
        assert reply.status_code == 501
        assert "pip install 'gnomon[mcp]'" in reply.json()["error"]["message"]
        assert httpx.get(f"{url}/health").status_code == 200


def test_a_session_is_its_callers_alone(tmp_path: Path, engine: Engine) -> None:
    """Who learns the id of another's session can do nothing with it."""
    keys = Keys(Database(tmp_path / "server.db"))
    ada, bo = ({"authorization": f"Bearer {keys.create()[0]}"} for _ in range(2))
    writes = {"authorization": f"Bearer {keys.create(scopes=['write'])[0]}"}
    accept = {"accept": "application/json, text/event-stream"}
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with running(engine, database=Database(tmp_path / "server.db")) as url:
        assert httpx.post(f"{url}/mcp", json=HELLO, headers=accept).status_code == 401
        refused = httpx.post(f"{url}/mcp", json=HELLO, headers=accept | writes)
        assert refused.status_code == 403
        begun = httpx.post(f"{url}/mcp", json=HELLO, headers=accept | ada)
        session = {"mcp-session-id": begun.headers["mcp-session-id"]}
        mine = httpx.post(f"{url}/mcp", json=ask, headers=accept | ada | session)
        assert mine.status_code == 200
        theirs = httpx.post(f"{url}/mcp", json=ask, headers=accept | bo | session)
        assert theirs.status_code == 404
        assert httpx.delete(f"{url}/mcp", headers=accept | bo | session).status_code == 404
        again = httpx.post(f"{url}/mcp", json=ask, headers=accept | ada | session)
        assert again.status_code == 200


# ------------------------------------------------------------------------------------- over pipes


def test_over_standard_input(tmp_path: Path, engine: Engine) -> None:
    """A real process, as an assistant starts it; cancelled once, it goes on."""
    question = answered(engine, ENGLISH)
    told: list[float] = []

    async def heard(done: float, total: float | None, message: str | None) -> None:
        told.append(done)

    async def work(client: Client) -> None:
        assert [tool.name for tool in (await client.list_tools()).tools] == NAMES
        asking = asyncio.create_task(client.call_tool("ask", {"question": question}))
        await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.wait([asking])
        result = await client.call_tool("ask", {"question": question}, progress_callback=heard)
        assert result.structured_content["citations"]
        assert told
        found = await client.call_tool("search_posts", {"query": "harbour"})
        assert found.structured_content["results"]
        with pytest.raises(MCPError):
            await client.call_tool("shell", {"command": "true"})

    use(stdio(tmp_path), work)


def test_it_reads_beside_a_writer(tmp_path: Path) -> None:
    from gnomon.assemble import open_gnomon
    from gnomon.config import load

    config = load(tmp_path, {}, chat_model="none", embed_model="none")
    (tmp_path / "a.jsonl").write_text('{"id": "1", "text": "The mill burnt down in Harrow."}\n')
    env = {"PYTHONPATH": str(SRC), "GNOMON_HOME": str(tmp_path), "GNOMON_CHAT_MODEL": "none"}
    env |= {"GNOMON_EMBED_MODEL": "none", "PATH": os.environ["PATH"]}
    words = ["-m", "gnomon.cli", "mcp"]

    async def work(client: Client) -> None:
        found = await client.call_tool("search_posts", {"query": "mill"})
        assert [one["text"] for one in found.structured_content["results"]] == [
            "The mill burnt down in Harrow."
        ]
        answer = await client.call_tool("ask", {"question": "What burnt down in Harrow?"})
        assert "mill" in answer.structured_content["text"]

    with open_gnomon(config) as writer:
        writer.pull([str(tmp_path / "a.jsonl")])
        place = stdio_client(StdioServerParameters(command=sys.executable, args=words, env=env))
        use(place, work)

"""/metrics, /health and /ready: the figures are true, and nobody's words are in them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gnomon.errors import StoreError
from gnomon.serve.contract import Engine
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.serve.policy import Policy
from gnomon.types import Event, Step
from serving import ENGLISH, Scripted, answered, running, sample_world
from test_serve_desk import Endless, until

SECRET = "whispering-walnut"


def ask(question: str) -> Iterator[Event]:
    yield Step("plan", "", {})
    raise ValueError(question)


def figures(url: str, headers: Mapping[str, str] | None = None) -> dict[tuple[str, str], float]:
    """(name, labels as text) to value, read by Prometheus's own parser."""
    answer = httpx.get(f"{url}/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with sample_world(tmp_path_factory.mktemp("home")) as engine:
        yield engine


def test_the_figures_of_a_real_server(engine: Engine) -> None:
    question = answered(engine, ENGLISH)
    with running(engine) as url:
        for _ in range(3):
            assert httpx.get(f"{url}/v1/search", params={"q": "storm"}).status_code == 200
        assert httpx.get(f"{url}/v1/nothing").status_code == 404
        body = {"messages": [{"role": "user", "content": question}]}
        usage = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60).json()["usage"]
        held = figures(url)
        status = engine.status()
    route = "method=GET,route=/v1/search,status=200"
    assert held["gnomon_http_requests_total", route] == 3
    assert held["gnomon_http_requests_total", "method=GET,route=-,status=404"] == 1
    assert held["gnomon_http_request_seconds_count", "method=GET,route=/v1/search"] == 3
    assert held["gnomon_posts", ""] == status["posts"]
    assert held["gnomon_questions", "state=running"] == 0
    assert held["gnomon_tokens_total", "direction=asked"] == usage["prompt_tokens"]
    assert held["gnomon_tokens_total", "direction=said"] == usage["completion_tokens"]
    kinds = {str(source["source"]).partition(":")[0] for source in status["sources"]}
    for kind in kinds:
        assert held["gnomon_source_posts", f"kind={kind}"] > 0
        assert held["gnomon_source_lag_seconds", f"kind={kind}"] > 0
    assert any(name == "gnomon_view_lag" for name, _ in held)


def test_stopped_questions_are_counted_by_their_reason() -> None:
    endless = Endless()
    with running(Scripted(endless), policy=Policy(deadline_s=0.5)) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/v1/ask", json={"question": "x", "stream": False}, timeout=0.2)
        assert until(lambda: endless.closed == 1)
        httpx.post(f"{url}/v1/ask", json={"question": "x", "stream": False}, timeout=20)
        assert until(lambda: endless.closed == 2)
        held = figures(url)
    assert held["gnomon_questions_stopped_total", "why=hung up"] == 1
    assert held["gnomon_questions_stopped_total", "why=deadline"] == 1


def test_the_queue_is_shown_as_it_is() -> None:
    gate = threading.Event()

    def waits(question: str) -> Iterator[Event]:
        gate.wait(20)
        yield Step("plan", "", {})

    with running(Scripted(waits), asks=1, waiting=3) as url:
        body = {"question": "x", "stream": False}
        threads = [
            threading.Thread(target=httpx.post, args=(f"{url}/v1/ask",), kwargs={"json": body})
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        assert until(lambda: figures(url)["gnomon_questions", "state=waiting"] == 3)
        assert figures(url)["gnomon_questions", "state=running"] == 1
        ready = httpx.get(f"{url}/ready")
        assert (ready.status_code, ready.json()["parts"]["queue"]) == (503, "full")
        gate.set()
        for thread in threads:
            thread.join()
        assert until(lambda: httpx.get(f"{url}/ready").status_code == 200)


def test_no_words_ids_or_addresses_in_the_figures(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    whole, key = Keys(Database(path)).create(SECRET)

    class World(Scripted):
        def status(self) -> Mapping[str, Any]:
            return {"sources": [{"source": f"mastodon:@{SECRET}@example.org", "posts": 1}]}

    with running(World(ask), database=Database(path)) as url:
        headers = {"authorization": f"Bearer {whole}"}
        httpx.get(f"{url}/v1/search", params={"q": SECRET}, headers=headers)
        httpx.get(f"{url}/v1/posts/{SECRET}", headers=headers)
        httpx.get(f"{url}/{SECRET}", headers=headers)
        httpx.post(f"{url}/v1/ask", json={"question": SECRET}, headers=headers)
        assert httpx.get(f"{url}/metrics").status_code == 401
        text = httpx.get(f"{url}/metrics", headers=headers).text
    assert 'route="/v1/posts/{id:path}"' in text
    for word in (SECRET, key.id, "127.0.0.1", "example.org"):
        assert word not in text


def test_strangers_cannot_make_new_series() -> None:
    with running(Scripted(ask)) as url:

        def strange(n: int) -> None:
            httpx.get(f"{url}/nothing/{n}")
            httpx.get(f"{url}/v1/posts/{n}")
            httpx.request(f"XMETHOD{n}", f"{url}/v1/status")

        strange(0)
        figures(url)
        before = set(figures(url))
        for n in range(1, 10):
            strange(n)
        assert set(figures(url)) == before


def test_ready_says_what_is_not() -> None:
    class Broken(Scripted):
        def status(self) -> Mapping[str, Any]:
            raise StoreError(f"The disk went away with {SECRET}.")

    with running(Broken(ask)) as url:
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}
        ready = httpx.get(f"{url}/ready")
        assert ready.status_code == 503
        assert ready.json()["status"] == "not_ready"
        assert ready.json()["parts"] == {
            "server": "ok", "queue": "ok", "database": "ok", "engine": "failed",
        }  # fmt: skip
        assert "retry-after" in ready.headers
        assert SECRET not in ready.text
        # The server's own figures are still to be had.
        assert figures(url)["gnomon_questions", "state=running"] == 0
    with running(Scripted(ask)) as url:
        assert httpx.get(f"{url}/ready").json()["status"] == "ready"


def test_ready_says_that_the_server_is_closing() -> None:
    """While it drains, a proxy should send nobody here any more."""
    import asyncio

    from gnomon.serve import app

    made = app.create_app(Scripted(ask))

    async def closing() -> httpx.Response:
        made.state.desk.drain()
        transport = httpx.ASGITransport(made)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/ready")

    answer = asyncio.run(closing())
    assert answer.status_code == 503
    assert answer.json()["parts"]["server"] == "closing"

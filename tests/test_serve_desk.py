"""Threads, the queue, and the end of an answer that nobody waits for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Literal

import httpx
import pytest

from gnomon.errors import NotFound
from gnomon.serve.desk import Desk
from gnomon.serve.http import ApiError
from gnomon.types import Event, Step
from serving import Scripted, running


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    ends = time.monotonic() + timeout_s
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.01)
    return False


class Endless:
    """A generator that never finishes by itself, and tells when it was closed. ``over`` ends it: a
    server that does not stop it would else never end."""

    def __init__(self) -> None:
        self.over = False
        self.running = 0
        self.closed = 0

    def __call__(self, question: str) -> Iterator[Event]:
        self.running += 1
        try:
            while not self.over:
                yield Step("draft", "thinking", {})
                time.sleep(0.01)
        finally:
            self.running -= 1
            self.closed += 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", {"question": "x"}),
        ("/v1/ask", {"question": "x", "stream": False}),
        ("/v1/responses", {"input": "x", "stream": True}),
        ("/v1/responses", {"input": "x"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}),
    ],
)
def test_hanging_up_stops_the_model(path: str, body: dict[str, object]) -> None:
    endless = Endless()
    with running(Scripted(endless)) as url:
        with httpx.Client(timeout=0.4) as client:
            if body.get("stream", path == "/v1/ask"):
                with client.stream("POST", url + path, json=body) as answer:
                    assert "thinking" in next(answer.iter_text()) or path != "/v1/ask"
            else:
                with pytest.raises(httpx.ReadTimeout):
                    client.post(url + path, json=body)
        stopped = until(lambda: endless.closed == 1)
        endless.over = True
        assert stopped
        assert endless.running == 0


def test_a_full_queue_is_told_and_frees_itself() -> None:
    gate = threading.Event()

    def waits(question: str) -> Iterator[Event]:
        gate.wait(20)
        yield Step("plan", "", {})

    statuses: list[int] = []
    engine = Scripted(waits)
    with running(engine, asks=1, waiting=1) as url:

        def post() -> httpx.Response:
            answer = httpx.post(f"{url}/v1/ask", json={"question": "x"}, timeout=20)
            statuses.append(answer.status_code)
            return answer

        threads = [threading.Thread(target=post) for _ in range(2)]
        for thread in threads:
            thread.start()
            assert until(lambda: bool(engine.asked))
        time.sleep(0.2)
        refused = post()
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["type"] == "too_many_requests"
        # A short call is not kept waiting by a slow model.
        assert httpx.get(f"{url}/v1/status", timeout=5).status_code == 200
        gate.set()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 200, 429]
        assert until(lambda: httpx.post(f"{url}/v1/ask", json={"question": "x"}).is_success)


def test_who_waits_for_stories_keeps_nobody_else_waiting() -> None:
    gate = threading.Event()
    asked: list[str] = []

    class Slow(Scripted):
        @property
        def rising(self) -> Any:
            def waits(*_: object, **__: object) -> None:
                asked.append("")
                gate.wait(20)
                raise NotFound("Nothing was told.")

            return SimpleNamespace(stories=waits, story=waits, trends=waits, explain=waits)

    def post(path: str) -> None:
        httpx.get(url + path, timeout=30)

    paths = ("/v1/stories", "/v1/stories/x", "/v1/trends", "/v1/trends?term=x") * 2
    with running(Slow(lambda _: iter(()))) as url:
        threads = [threading.Thread(target=post, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        try:
            assert until(lambda: len(asked) == 2)
            time.sleep(0.2)  # time for more of them, were there room
            assert len(asked) == 2
            assert httpx.get(f"{url}/v1/status", timeout=5).is_success
            assert httpx.get(f"{url}/v1/search?q=x", timeout=5).is_success
        finally:
            gate.set()
        for thread in threads:
            thread.join()


def test_closing_the_server_stops_what_runs() -> None:
    endless = Endless()
    with (
        httpx.Client(timeout=30) as client,
        running(Scripted(endless)) as url,
        client.stream("POST", f"{url}/v1/ask", json={"question": "x"}) as answer,
    ):
        next(answer.iter_text())
    assert until(lambda: endless.closed == 1)


def test_who_waits_when_the_server_closes_is_told() -> None:
    gate = threading.Event()

    def waits(question: str) -> Iterator[Event]:
        gate.wait(20)
        yield Step("plan", "", {})

    async def never() -> dict[str, str]:
        await asyncio.Event().wait()
        return {}

    async def closing_on_all() -> list[Any]:
        desk = Desk(Scripted(waits), asks=1, calls=1, rankings=1)

        async def asks() -> Event | None:
            async with desk.ask(lambda engine: engine.ask("x"), never) as asked:
                return await asked.next(20)

        async def calls(line: Literal["call", "ranking"]) -> object:
            return await desk.call(lambda: gate.wait(20), line=line)

        # Of each line the first is at work, and the second waits.
        roads = [asks, lambda: calls("call"), lambda: calls("ranking")]
        all_of = [asyncio.create_task(road()) for road in roads for _ in range(2)]
        await asyncio.sleep(0)
        desk.close()
        waiting = await asyncio.wait_for(
            asyncio.gather(*all_of[1::2], return_exceptions=True), timeout=10
        )
        gate.set()
        await asyncio.gather(*all_of, return_exceptions=True)
        with pytest.raises(ApiError) as late:
            await desk.call(lambda: None)
        return [*waiting, late.value]

    asked, *called = asyncio.run(closing_on_all())
    assert asked is None, "which the renderers tell as closing"
    assert [(one.status, one.code) for one in called] == [(503, "closing")] * 3

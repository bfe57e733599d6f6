"""How much a caller may have: the algorithm and its memory; 429s; deadlines; slow clients."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.serve.database import Database
from gnomon.serve.http import ApiError
from gnomon.serve.keys import Keys
from gnomon.serve.limits import Limiter, Rate, address_name, duration
from gnomon.serve.pace import Pace
from gnomon.serve.policy import Policy
from gnomon.types import Event, Step
from serving import ENGLISH, Scripted, answered, running, sample_world
from test_serve_desk import Endless, until


def ask(question: str) -> Iterator[Event]:
    yield Step("plan", "", {})


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def asking(headers: str = "", question: str = "x") -> bytes:
    """A streamed question as bytes, for a client that does what none should."""
    body = json.dumps({"question": question})
    head = f"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{headers}\r\n{body}".encode()


class Clock:
    def __init__(self) -> None:
        self.now = 1_773_000_000.0

    def __call__(self) -> float:
        return self.now


# -- the algorithm --------------------------------------------------------------------------------
def test_a_bucket_empties_refuses_with_the_exact_wait_and_refills() -> None:
    clock = Clock()
    limiter, rate = Limiter(clock=clock), Rate(3, 60.0)
    assert [limiter.take("a", rate).remaining for _ in range(3)] == [2, 1, 0]
    refused = limiter.take("a", rate)
    assert not refused.allowed
    assert refused.retry_after_s == pytest.approx(20)
    assert refused.reset_s == pytest.approx(60)
    assert limiter.take("b", rate).allowed
    clock.now += refused.retry_after_s - 0.01
    assert not limiter.take("a", rate).allowed
    clock.now += 0.02
    assert limiter.take("a", rate).allowed


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 3)), max_size=60),
)
def test_never_more_than_twice_the_limit_in_a_period_nor_the_rate_in_the_long_run(
    limit: int, visits: list[tuple[float, int]]
) -> None:
    """Against a plain count: a full bucket and what refills meanwhile is all that may pass."""
    clock = Clock()
    limiter, rate, period = Limiter(clock=clock), Rate(limit, 20.0), 20.0
    passed: list[tuple[float, int]] = []
    for pause, cost in visits:
        clock.now += pause
        if limiter.take("a", rate, cost).allowed:
            passed.append((clock.now, cost))
    for at, _ in passed:
        inside = [(then, cost) for then, cost in passed if at <= then]
        for then, _ in inside:
            taken = sum(cost for when, cost in inside if when <= then)
            assert taken <= limit + (then - at) * limit / period + 1e-6


def test_what_was_used_already_is_owed_and_a_look_costs_nothing() -> None:
    clock = Clock()
    limiter, rate = Limiter(clock=clock), Rate(100, 86_400.0)
    for _ in range(5):
        assert limiter.take("t", rate, 0).remaining == 100
    limiter.take("t", rate, 150, force=True)
    owed = limiter.take("t", rate, 0)
    assert not owed.allowed
    assert owed.remaining == 0
    assert owed.retry_after_s == pytest.approx(51 * 864)
    # Nobody owes for longer than a period more, however much was taken.
    limiter.take("t", rate, 1e9, force=True)
    clock.now += 86_400.0 * 1.02
    assert limiter.take("t", rate, 0).allowed


def test_a_clock_that_is_set_back_shuts_nobody_out() -> None:
    clock = Clock()
    limiter, rate = Limiter(clock=clock), Rate(1, 60.0)
    limiter.take("a", rate)
    clock.now -= 1e6
    limiter.take("a", rate)
    clock.now += 121
    assert limiter.take("a", rate).allowed


def test_it_survives_a_restart(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "server.db"
    first = Database(path)
    limiter = Limiter(first, clock)
    for _ in range(3):
        limiter.take("a", Rate(3, 60.0))
    limiter.take("b", Rate(3, 1.0))
    limiter.flush()
    first.close()
    clock.now += 5
    second = Database(path)
    again = Limiter(second, clock)
    assert not again.take("a", Rate(3, 60.0), 3).allowed
    assert again.take("b", Rate(3, 1.0), 3).allowed
    clock.now += 120
    again.take("c", Rate(3, 1.0))
    again.flush()
    assert [name for (name,) in second.run("SELECT name FROM limits")] == ["c"]


def test_memory_is_bounded_whatever_the_number_of_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gnomon.serve.limits.MAX_NAMES", 1000)
    limiter = Limiter(clock=Clock())
    limiter.take("spent", Rate(1, 3600.0))
    for n in range(5000):
        limiter.take(f"address {n}", Rate(100, 60.0))
    assert len(limiter._full_at) <= 1000
    assert not limiter.take("spent", Rate(1, 3600.0)).allowed


def test_addresses_and_durations_are_written_as_they_should() -> None:
    assert address_name("192.0.2.7") == "192.0.2.7"
    assert address_name("::ffff:192.0.2.7") == "192.0.2.7"
    assert address_name("2001:db8:1:2:3::4") == address_name("2001:db8:1:2:ffff::1")
    assert address_name("2001:db8:1:3::4") != address_name("2001:db8:1:2::4")
    assert [duration(s) for s in (0.12, 1.5, 60, 3723)] == ["120ms", "1.5s", "1m0s", "1h2m3s"]


# -- over a real port -----------------------------------------------------------------------------
def test_requests_of_a_key_are_counted_across_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    whole, _ = Keys(Database(path)).create(requests_per_minute=3)
    other, _ = Keys(Database(path)).create()
    with running(Scripted(ask), database=Database(path)) as url:
        first = httpx.get(f"{url}/v1/status", headers=bearer(whole))
        assert first.headers["x-ratelimit-limit-requests"] == "3"
        assert first.headers["x-ratelimit-remaining-requests"] == "2"
        assert first.headers["x-ratelimit-reset-requests"].endswith("s")
        for _ in range(2):
            httpx.get(f"{url}/v1/status", headers=bearer(whole))
    with running(Scripted(ask), database=Database(path)) as url:
        refused = httpx.get(f"{url}/v1/status", headers=bearer(whole))
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert refused.headers["x-ratelimit-remaining-requests"] == "0"
        error = refused.json()["error"]
        assert (error["type"], error["code"]) == ("too_many_requests", "rate_limit_exceeded")
        client = openai.OpenAI(base_url=f"{url}/v1", api_key=whole, max_retries=0)
        with client, pytest.raises(openai.RateLimitError):
            client.models.list()
        assert httpx.get(f"{url}/v1/status", headers=bearer(other)).status_code == 200


def test_requests_of_an_address_are_counted_even_with_wrong_keys(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    Keys(Database(path)).create()
    policy = Policy(requests_per_minute_address=5)
    with running(Scripted(ask), database=Database(path), policy=policy) as url:
        statuses = [
            httpx.get(f"{url}/v1/status", headers=bearer("x")).status_code for _ in "1234567"
        ]
    assert statuses == [401] * 5 + [429] * 2


def test_behind_a_proxy_each_person_has_an_address_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    Keys(Database(path)).create()

    def statuses(policy: Policy) -> list[int]:
        with running(Scripted(ask), database=Database(path), policy=policy) as url:
            return [
                httpx.get(
                    f"{url}/v1/status", headers={"x-forwarded-for": f"203.0.113.{n}"}
                ).status_code
                for n in range(5)
            ]

    believed = Policy(requests_per_minute_address=3, proxies=("127.0.0.1",))
    assert statuses(believed) == [401] * 5
    # Whoever is no proxy of the owner's cannot take another address by saying so.
    for others in ((), ("192.0.2.1",)):
        Database(path).run("DELETE FROM limits")
        nobody = Policy(requests_per_minute_address=3, proxies=others)
        assert statuses(nobody) == [401] * 3 + [429] * 2


def test_one_key_cannot_take_every_place(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    greedy, _ = Keys(Database(path)).create()
    other, _ = Keys(Database(path)).create()
    endless = Endless()
    options = {"database": Database(path), "policy": Policy(concurrent=3), "drain_s": 0.1}
    with running(Scripted(endless), **options) as url:
        held = [connect(url) for _ in range(3)]
        for connection in held:
            connection.sendall(asking(f"Authorization: Bearer {greedy}\r\n"))
        assert until(lambda: endless.running == 2)
        assert until(
            lambda: httpx.get(f"{url}/v1/status", headers=bearer(greedy)).status_code == 429
        )
        refused = httpx.get(f"{url}/v1/status", headers=bearer(greedy))
        assert refused.json()["error"]["code"] == "too_many_at_once"
        assert refused.headers["retry-after"] == "1"
        assert httpx.get(f"{url}/v1/status", headers=bearer(other)).status_code == 200
        for connection in held:
            connection.close()
        assert until(
            lambda: httpx.get(f"{url}/v1/status", headers=bearer(greedy)).status_code == 200
        )


def test_questions_in_the_background_take_places_too(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    greedy, _ = Keys(Database(path)).create()
    other, _ = Keys(Database(path)).create()
    endless = Endless()
    options = {"database": Database(path), "policy": Policy(concurrent=3), "drain_s": 0.1}
    with running(Scripted(endless), **options) as url:
        body = {"input": "x", "background": True, "store": True}
        made = [
            httpx.post(f"{url}/v1/responses", json=body, headers=bearer(greedy)) for _ in range(4)
        ]
        assert [answer.status_code for answer in made] == [200, 200, 200, 429]
        assert made[3].json()["error"]["code"] == "too_many_at_once"
        one = f"{url}/v1/responses/{made[0].json()['id']}"
        assert httpx.get(one, headers=bearer(other)).status_code == 404
        assert httpx.post(f"{one}/cancel", headers=bearer(greedy)).status_code == 200
        assert until(
            lambda: (
                httpx.post(f"{url}/v1/responses", json=body, headers=bearer(greedy)).status_code
                == 200
            )
        )


def test_tokens_of_a_key_are_counted_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    with sample_world(tmp_path / "home") as engine:
        question = answered(engine, ENGLISH)
        whole, _ = Keys(Database(path)).create(tokens_per_day=200)
        with running(engine, database=Database(path)) as url:
            used = 0
            with openai.OpenAI(base_url=f"{url}/v1", api_key=whole, max_retries=0) as client:
                while used < 200:
                    made = client.responses.with_raw_response.create(model="gnomon", input=question)
                    left = made.headers["x-ratelimit-remaining-tokens"]
                    assert int(left) in (200 - used, 201 - used)
                    usage = made.parse().usage
                    assert usage is not None
                    used += usage.total_tokens
                with pytest.raises(openai.RateLimitError) as caught:
                    client.responses.create(model="gnomon", input=question)
        headers = caught.value.response.headers
        assert headers["x-ratelimit-limit-tokens"] == "200"
        assert int(headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", {"question": "x", "stream": False}),
        ("/v1/responses", {"input": "x"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}),
    ],
)
def test_a_question_past_its_deadline_is_504_and_the_model_stops(
    path: str, body: dict[str, object]
) -> None:
    endless = Endless()
    engine = Scripted(endless)
    with running(engine, policy=Policy(deadline_s=0.3)) as url:
        answer = httpx.post(url + path, json=body, timeout=20)
        assert answer.status_code == 504
        assert answer.json()["error"]["code"] == "deadline_exceeded"
        assert until(lambda: endless.running == 0 and endless.closed == 1)


def test_a_stream_past_its_deadline_ends_with_the_error() -> None:
    endless = Endless()
    with running(Scripted(endless), policy=Policy(deadline_s=0.3)) as url:
        answer = httpx.post(f"{url}/v1/ask", json={"question": "x"}, timeout=20)
        assert answer.status_code == 200
        assert "event: error" in answer.text
        assert "deadline_exceeded" in answer.text
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        with client, client.responses.stream(model="gnomon", input="x") as stream:
            seen = [event.type for event in stream]
        assert seen[-1] == "response.failed"
        assert until(lambda: endless.running == 0)


def test_waiting_counts_towards_the_deadline() -> None:
    gate = threading.Event()

    def waits(question: str) -> Iterator[Event]:
        gate.wait(20)
        yield Step("plan", "", {})

    with running(Scripted(waits), asks=1, policy=Policy(deadline_s=0.5)) as url:
        body = {"question": "x", "stream": False}
        first = threading.Thread(target=httpx.post, args=(f"{url}/v1/ask",), kwargs={"json": body})
        first.start()
        assert httpx.post(f"{url}/v1/ask", json=body, timeout=20).status_code == 504
        gate.set()
        first.join()


def test_closing_lets_a_short_answer_end_and_tells_a_long_one() -> None:
    def some(question: str) -> Iterator[Event]:
        yield from (endless(question) if question == "long" else short())

    def short() -> Iterator[Event]:
        yield Step("plan", "first", {})
        time.sleep(0.3)
        yield Step("plan", "last", {})

    endless, said = Endless(), {"short": "", "long": "", "response": ""}
    roads = {"response": ("/v1/responses", {"input": "long", "stream": True})}

    def read(question: str, answer: httpx.Response) -> None:
        for text in answer.iter_text():
            said[question] += text

    with httpx.Client(timeout=30) as client, contextlib.ExitStack() as streams:
        with running(Scripted(some), drain_s=0.8, asks=3) as url:
            readers = []
            for question in said:
                path, body = roads.get(question, ("/v1/ask", {"question": question}))
                answer = streams.enter_context(client.stream("POST", url + path, json=body))
                readers.append(threading.Thread(target=read, args=(question, answer)))
                readers[-1].start()
            assert until(lambda: all(said.values()))
        for reader in readers:
            reader.join(10)
    assert "last" in said["short"]
    assert '"code":"closing"' in said["long"]
    assert "event: response.failed" in said["response"]
    assert said["response"].endswith("data: [DONE]\n\n")
    assert endless.closed == 2


# -- slow clients ---------------------------------------------------------------------------------
def closed(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection (within the socket's timeout)."""
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


QUICK = Policy(header_timeout_s=0.5, body_timeout_s=0.5, send_timeout_s=0.5)


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\n"])
def test_who_never_finishes_asking_is_cut_off(sent: bytes) -> None:
    with running(Scripted(ask), policy=QUICK) as url:
        slow = [connect(url) for _ in range(50)]
        for connection in slow:
            connection.sendall(sent)
        assert httpx.get(f"{url}/health").status_code == 200
        assert all(closed(connection) for connection in slow)
        assert httpx.get(f"{url}/health").status_code == 200


def test_a_header_byte_at_a_time_does_not_keep_a_connection() -> None:
    with running(Scripted(ask), policy=QUICK) as url:
        connection = connect(url)
        cut = False
        for byte in b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 60:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                cut = True
                break
            time.sleep(0.02)
        assert cut or closed(connection)


def test_a_second_request_on_a_kept_connection_is_timed_too() -> None:
    with running(Scripted(ask), policy=QUICK) as url:
        connection = connect(url)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /health HT")
        connection.settimeout(4)
        assert closed(connection)


def test_one_address_has_so_many_connections_and_a_proxy_all_it_needs() -> None:
    few = Policy(exposed=True, connections_address=5)

    def dropped(policy: Policy) -> int:
        with running(Scripted(ask), policy=policy) as url:
            opened = [connect(url) for _ in range(9)]
            for connection in opened:
                connection.settimeout(0.3)
            cut = sum(closed(connection) for connection in opened)
            for connection in opened:
                connection.close()
            assert until(lambda: httpx.get(f"{url}/health").status_code == 200)
            return cut

    assert dropped(few) == 4
    assert dropped(replace(few, proxies=("127.0.0.1",))) == 0
    assert dropped(Policy(connections_address=5)) == 0


def test_a_body_that_does_not_come_is_408() -> None:
    with running(Scripted(ask), policy=QUICK) as url:
        connection = connect(url)
        connection.sendall(
            b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        )
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 408
        assert json.loads(answer.read())["error"]["code"] == "body_too_slow"
        assert closed(connection)


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes() -> None:
    with running(Scripted(ask)) as url:
        connection = connect(url)
        connection.sendall(
            b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n"
        )
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413


def test_a_body_is_counted_as_it_comes_wherever_it_goes() -> None:
    """Whatever a route does with it: an upload's own limit is not the only one."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    async def send(message: Any) -> None: ...

    async def read(pieces: int) -> None:
        pace = Pace(receive, send, Policy(), 150)
        for _ in range(pieces):
            await pace.receive()

    asyncio.run(read(2))
    with pytest.raises(ApiError) as caught:
        asyncio.run(read(3))
    assert caught.value.status == 413


def test_a_body_that_trickles_is_408() -> None:
    with running(Scripted(ask), policy=QUICK) as url:
        connection = connect(url)
        connection.sendall(
            b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            for _ in range(60):
                connection.sendall(b" ")
                time.sleep(0.03)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 408
        assert "bytes a second" in json.loads(answer.read())["error"]["message"]


def test_who_never_reads_the_answer_is_given_up_and_the_model_stops() -> None:
    class Flood(Endless):
        def __call__(self, question: str) -> Iterator[Event]:
            self.running += 1
            try:
                while True:
                    yield Step("draft", "x" * 100_000, {})
                    time.sleep(0.001)
            finally:
                self.running -= 1
                self.closed += 1

    flood = Flood()
    with running(Scripted(flood), policy=QUICK) as url:
        connection = connect(url)
        connection.sendall(asking())
        assert until(lambda: flood.closed == 1, 15)
        metrics = httpx.get(f"{url}/metrics").text
        assert 'gnomon_connections_dropped_total{why="reads too slowly"} 1.0' in metrics
        connection.close()


def test_many_idle_streams_are_held_and_others_still_answered() -> None:
    """Streams that wait for their turn cost a place in the queue, no thread."""
    gate = threading.Event()

    def waits(question: str) -> Iterator[Event]:
        gate.wait(20)
        yield Step("plan", "", {})

    with running(Scripted(waits), asks=1, waiting=200) as url:
        held = [connect(url) for _ in range(150)]
        for connection in held:
            connection.sendall(asking())
        assert until(
            lambda: 'gnomon_questions{state="waiting"} 149.0' in httpx.get(f"{url}/metrics").text
        )
        for connection in held[1:]:
            connection.close()
        assert until(
            lambda: 'gnomon_questions{state="waiting"} 0.0' in httpx.get(f"{url}/metrics").text
        )
        gate.set()
        held[0].close()

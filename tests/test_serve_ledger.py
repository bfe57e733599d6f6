"""Kept responses over a real port: fetched, replayed, followed up, listed, deleted, in the
background, over restarts and over deletions."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from gnomon.serve.database import Database
from gnomon.serve.forgetting import GONE, Shift
from gnomon.serve.ledger import STOPPED, Kept, Ledger
from gnomon.types import Batch, Deletion, Event, Step
from serving import (
    CHINESE,
    ENGLISH,
    SEVERAL_SENTENCES,
    Scripted,
    answered,
    frames_of,
    running,
    sample_world,
)
from strict import check_event, check_response, in_order

ABOUT, FOLLOW = "What was the turnout in the mayoral election?", "Who won it?"


def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    ends = time.monotonic() + timeout_s
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with sample_world(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture(scope="module")
def url(engine: Any) -> Iterator[str]:
    with running(engine) as url:
        yield url


@pytest.fixture(scope="module")
def question(engine: Any) -> str:
    return answered(engine, ENGLISH)


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


def events_of(response: httpx.Response) -> list[dict[str, Any]]:
    frames = frames_of(response.text)
    assert frames.pop() == "data: [DONE]"
    events = []
    for frame in frames:
        name, data = frame.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


# -- kept ---------------------------------------------------------------------------------------
def test_what_was_answered_can_be_fetched_and_deleted(client: openai.OpenAI, question: str) -> None:
    made = client.responses.create(model="gnomon", input=question, metadata={"thread": "7"})
    kept = client.responses.retrieve(made.id)
    assert kept == made
    assert kept.store is True  # type: ignore[attr-defined]
    client.responses.delete(made.id)
    for gone in (client.responses.retrieve, client.responses.delete, client.responses.cancel):
        with pytest.raises(openai.NotFoundError):
            gone(made.id)


def test_what_is_not_to_be_kept_is_not(client: openai.OpenAI, question: str) -> None:
    made = client.responses.create(model="gnomon", input=question, store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    listed = httpx.get(f"{client.base_url}history").json()["data"]
    assert made.id not in [one["id"] for one in listed]


@pytest.mark.parametrize("how", ["whole", "stream", "background"])
def test_a_replay_is_what_was_streamed(url: str, question: str, how: str) -> None:
    body = {"input": question, "stream": how != "whole", "background": how == "background"}
    body |= {"tools": [{"type": "web_search"}]}
    made = httpx.post(f"{url}/v1/responses", json=body, timeout=60)
    if how == "whole":
        name, first = made.json()["id"], None
    else:
        first = events_of(made)
        name = first[0]["response"]["id"]
    again = events_of(httpx.get(f"{url}/v1/responses/{name}?stream=true"))
    in_order(again)
    for event in again:
        check_event(event)
    assert first is None or again == first
    for after in (0, 3, len(again) - 2, len(again)):
        rest = httpx.get(f"{url}/v1/responses/{name}?stream=true&starting_after={after}")
        assert events_of(rest) == again[after + 1 :]
    bad = httpx.get(f"{url}/v1/responses/{name}?stream=true&starting_after=x")
    assert bad.status_code == 400


def test_input_items_come_in_pages(client: openai.OpenAI, question: str) -> None:
    first = client.responses.create(model="gnomon", input=question)
    second = client.responses.create(
        model="gnomon",
        previous_response_id=first.id,
        input=[
            {"role": "user", "content": "When was that?"},
            {"role": "assistant", "content": "In March."},
            {"role": "user", "content": [{"type": "input_text", "text": "Who said so?"}]},
        ],
    )
    listed = client.responses.input_items.list(second.id, order="asc")
    items = list(listed)
    assert [(item.type, item.role) for item in items] == [  # type: ignore[union-attr]
        ("message", "user"),
        ("message", "assistant"),
        ("message", "user"),
        ("message", "assistant"),
        ("message", "user"),
    ]
    assert items[0].content[0].text == question  # type: ignore[union-attr]
    assert items[1].id == first.output[0].id
    newest_first = list(client.responses.input_items.list(second.id))
    assert [item.id for item in newest_first] == [item.id for item in reversed(items)]
    paged = list(client.responses.input_items.list(second.id, limit=2, order="asc"))
    assert [item.id for item in paged] == [item.id for item in items], "the client turns pages"
    after = client.responses.input_items.list(second.id, after=items[2].id, order="asc")
    assert [item.id for item in after.data] == [item.id for item in items[3:]]
    for bad in ("limit=0", "limit=101", "order=up", "after=msg_none"):
        answer = httpx.get(f"{client.base_url}responses/{second.id}/input_items?{bad}")
        assert answer.status_code == 400


def test_a_follow_up_is_understood_by_what_was_said_before(
    client: openai.OpenAI, engine: Any
) -> None:
    about, follow = ABOUT, FOLLOW
    alone = client.responses.create(model="gnomon", input=follow)
    first = client.responses.create(model="gnomon", input=about)
    by_id = client.responses.create(model="gnomon", input=follow, previous_response_id=first.id)
    by_items = client.responses.create(
        model="gnomon",
        input=[
            {"role": "user", "content": about},
            {"role": "assistant", "content": first.output_text},
            {"role": "user", "content": follow},
        ],
    )
    packed = client.responses.compact(model="gnomon", previous_response_id=first.id)
    by_compaction = client.responses.create(
        model="gnomon",
        input=[
            *(item.model_dump(exclude_none=True) for item in packed.output),
            {"role": "user", "content": follow},
        ],  # type: ignore[list-item]
    )
    assert by_id.previous_response_id == first.id
    assert by_id.output_text == by_items.output_text == by_compaction.output_text
    assert "Ilse Varnham" in by_id.output_text
    assert by_id.output_text != alone.output_text


def test_an_item_can_be_named_instead_of_sent(client: openai.OpenAI) -> None:
    first = client.responses.create(model="gnomon", input=ABOUT)
    named = client.responses.create(
        model="gnomon",
        input=[
            {"role": "user", "content": ABOUT},
            {"type": "item_reference", "id": first.output[0].id},  # type: ignore[typeddict-item]
            {"role": "user", "content": FOLLOW},
        ],
    )
    assert "Ilse Varnham" in named.output_text
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(
            model="gnomon",
            input=[{"type": "item_reference", "id": "msg_none"}],
        )
    assert caught.value.param == "input[0]"


def test_what_cannot_be_followed_up_is_told(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gnomon", input="And then?", previous_response_id="resp_x")
    assert caught.value.code == "previous_response_not_found"
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(
            model="gnomon", input="x", previous_response_id="resp_x", conversation="conv_x"
        )
    assert caught.value.param == "conversation"


def test_tokens_are_counted_as_they_are_used(client: openai.OpenAI, question: str) -> None:
    made = client.responses.create(model="gnomon", input=question)
    counted = client.responses.input_tokens.count(model="gnomon", input=question)
    assert counted.input_tokens == made.usage.input_tokens  # type: ignore[union-attr]
    longer = client.responses.input_tokens.count(
        model="gnomon", input=question, previous_response_id=made.id
    )
    assert longer.input_tokens > 2 * counted.input_tokens


# -- in the background --------------------------------------------------------------------------
def test_in_the_background_it_is_polled(client: openai.OpenAI, question: str) -> None:
    queued = client.responses.create(model="gnomon", input=question, background=True)
    assert queued.status == "queued"
    assert queued.background is True
    assert until(lambda: client.responses.retrieve(queued.id).status == "completed")
    done = client.responses.retrieve(queued.id)
    plain = client.responses.create(model="gnomon", input=question)
    assert done.output_text == plain.output_text
    assert client.responses.cancel(done.id).status == "completed", "what is over stays as it is"
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(plain.id)


class Gated:
    """An engine that goes one step each time it is let, and tells whether it was closed."""

    def __init__(self, engine: Any, question: str) -> None:
        self._events = list(engine.ask(question))
        self.gate = threading.Semaphore(0)
        self.closed = threading.Event()
        self.running = 0

    def __call__(self, question: str) -> Iterator[Event]:
        self.running += 1
        try:
            for event in self._events:
                while not self.gate.acquire(timeout=0.05):
                    yield Step("draft", "thinking", {})
                yield event
        finally:
            self.running -= 1
            self.closed.set()


def test_in_the_background_it_survives_its_client_and_is_taken_up_again(
    engine: Any, question: str
) -> None:
    gated = Gated(engine, question)
    with running(Scripted(gated)) as url:
        body = {"input": question, "background": True, "stream": True}
        with (
            httpx.Client(timeout=30) as http,
            http.stream("POST", f"{url}/v1/responses", json=body) as stream,
        ):
            gated.gate.release(2)
            lines = (line for line in stream.iter_lines() if line.startswith("data: "))
            seen = [json.loads(next(lines)[6:]) for _ in range(3)]
        assert [event["type"] for event in seen] == [
            "response.created",
            "response.queued",
            "response.in_progress",
        ]
        name = seen[0]["response"]["id"]
        assert httpx.get(f"{url}/v1/responses/{name}").json()["status"] == "in_progress"
        assert gated.running == 1
        assert not gated.closed.is_set(), "nobody listens, and it goes on"
        again = f"{url}/v1/responses/{name}?stream=true&starting_after=0"
        with httpx.Client(timeout=30) as http, http.stream("GET", again) as stream:
            lines = (line for line in stream.iter_lines() if line.startswith("data: {"))
            assert [json.loads(next(lines)[6:]) for _ in range(2)] == seen[1:]
            gated.gate.release(1000)
            rest = [json.loads(line[6:]) for line in lines]
        in_order([*seen, *rest])
        kept = httpx.get(f"{url}/v1/responses/{name}").json()
        assert kept["id"] == rest[-1]["response"]["id"]
        assert kept["status"] == "completed"
        check_response(kept)


def test_in_the_background_it_can_be_cancelled_or_deleted(engine: Any, question: str) -> None:
    gated = Gated(engine, question)
    with (
        running(Scripted(gated), asks=1) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        first = client.responses.create(model="gnomon", input="a", background=True)
        second = client.responses.create(model="gnomon", input="b", background=True)
        assert until(lambda: gated.running == 1)
        waits = client.responses.cancel(second.id)
        assert waits.status == "cancelled", "it had not begun"
        stopped = client.responses.cancel(first.id)
        assert stopped.status == "cancelled"
        assert gated.closed.wait(10)
        assert client.responses.retrieve(first.id).status == "cancelled"
        third = client.responses.create(model="gnomon", input="c", background=True)
        client.responses.delete(third.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(third.id)
        assert until(lambda: gated.running == 0)


def test_what_fails_in_the_background_says_so(engine: Any) -> None:
    with running(engine) as url:
        made = httpx.post(f"{url}/v1/responses", json={"input": "?!", "background": True}).json()
        assert made["status"] == "queued"

        def look() -> dict[str, Any]:
            found: dict[str, Any] = httpx.get(f"{url}/v1/responses/{made['id']}").json()
            return found

        assert until(lambda: look()["status"] == "failed")
        assert look()["error"]["code"] == "invalid_prompt"
        events = events_of(httpx.get(f"{url}/v1/responses/{made['id']}?stream=true"))
        for event in events:
            check_event(event)
        assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]


def test_a_full_queue_keeps_nothing(engine: Any, question: str) -> None:
    gated = Gated(engine, question)
    with running(Scripted(gated), asks=1, waiting=0) as url:
        body = {"input": "a", "background": True}
        first = httpx.post(f"{url}/v1/responses", json=body).json()
        full = httpx.post(f"{url}/v1/responses", json=body)
        assert full.status_code == 429
        assert "retry-after" in full.headers
        assert len(httpx.get(f"{url}/v1/history").json()["data"]) == 1
        httpx.post(f"{url}/v1/responses/{first['id']}/cancel")


def test_what_was_running_when_the_server_stopped_has_failed(
    engine: Any, question: str, tmp_path: Path
) -> None:
    gated = Gated(engine, question)
    with running(Scripted(gated), database=Database(tmp_path / "server.db")) as url:
        body = {"input": question, "background": True}
        name = httpx.post(f"{url}/v1/responses", json=body).json()["id"]
        assert until(lambda: gated.running == 1)
    assert gated.closed.wait(10), "closing the server stops the model"
    with running(engine, database=Database(tmp_path / "server.db")) as url:
        kept = httpx.get(f"{url}/v1/responses/{name}").json()
        assert kept["status"] == "failed"
        assert kept["error"]["message"] == STOPPED
        check_response(kept)
        in_order(events_of(httpx.get(f"{url}/v1/responses/{name}?stream=true")))


def test_hanging_up_in_the_foreground_keeps_nothing(engine: Any, question: str) -> None:
    gated = Gated(engine, question)
    with running(Scripted(gated)) as url:
        body = {"input": question, "stream": True}
        with (
            httpx.Client(timeout=30) as http,
            http.stream("POST", f"{url}/v1/responses", json=body) as stream,
        ):
            gated.gate.release()
            assert "response.created" in next(stream.iter_text())
        assert gated.closed.wait(10)
        assert httpx.get(f"{url}/v1/history").json()["data"] == []


def test_the_async_client_does_all_of_it(url: str, question: str) -> None:
    async def use() -> None:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:
            made = await client.responses.create(model="gnomon", input=question, background=True)
            while (made := await client.responses.retrieve(made.id)).status != "completed":
                await asyncio.sleep(0.02)
            stream = await client.responses.retrieve(made.id, stream=True, starting_after=1)
            types = [event.type async for event in stream]
            assert types[-1] == "response.completed"
            items = [item async for item in client.responses.input_items.list(made.id)]
            assert len(items) == 1
            await client.responses.delete(made.id)

    asyncio.run(use())


# -- the history --------------------------------------------------------------------------------
def test_the_history_is_searched_paged_and_deleted(engine: Any, question: str) -> None:
    with running(engine) as url, httpx.Client(base_url=url, timeout=60) as http:
        asked = [question, answered(engine, CHINESE), "What is the capital of France?"]
        made = [
            http.post("/v1/ask", json={"question": asked[0], "stream": False}).json()["response"],
            http.post("/v1/responses", json={"input": asked[1]}).json()["id"],
            http.post("/v1/responses", json={"input": asked[2]}).json()["id"],
        ]
        whole = http.get("/v1/history").json()
        assert [one["id"] for one in whole["data"]] == made[::-1]
        assert [one["question"] for one in whole["data"]] == asked[::-1]
        assert whole["has_more"] is False
        first = http.get("/v1/history", params={"limit": 2}).json()
        assert first["has_more"] is True
        rest = http.get("/v1/history", params={"before": first["data"][-1]["id"]}).json()
        assert [one["id"] for one in rest["data"]] == made[:1]
        future = http.get("/v1/history", params={"before": "2099-01-01"}).json()
        assert len(future["data"]) == 3

        def found(q: str) -> list[str]:
            return [one["id"] for one in http.get("/v1/history", params={"q": q}).json()["data"]]

        assert found("CAPITAL france") == made[2:]
        assert found(asked[1][:3]) == [made[1]], "Chinese, without spaces"
        assert found("capital gust") == []
        one = http.get(f"/v1/history/{made[0]}").json()
        assert one["ask"]["question"] == asked[0]
        assert http.get(f"/v1/answers/{one['answer']}").json()["text"] == one["ask"]["text"]
        assert http.delete(f"/v1/history/{made[0]}").json()["deleted"] is True
        assert http.delete(f"/v1/history/{made[0]}").status_code == 404
        assert http.delete("/v1/history").json()["deleted"] == 2
        assert http.get("/v1/history").json()["data"] == []


def test_our_own_ask_goes_on_from_what_was_kept(url: str) -> None:
    def ask(question: str, **more: Any) -> dict[str, Any]:
        body = {"question": question, "stream": False} | more
        answer = httpx.post(f"{url}/v1/ask", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    first = ask(ABOUT)
    by_kept = ask(FOLLOW, previous=first["response"])
    by_journal = ask(FOLLOW, previous=first["id"])
    assert "Ilse Varnham" in by_kept["text"]
    assert by_kept["text"] == by_journal["text"]
    thread = httpx.get(f"{url}/v1/history/{by_kept['response']}").json()["thread"]
    assert [one["id"] for one in thread] == [first["response"]]
    unkept = ask(FOLLOW, store=False)
    assert "response" not in unkept
    bad = httpx.post(f"{url}/v1/ask", json={"question": "x", "previous": "nothing"})
    assert bad.json()["error"]["param"] == "previous"


def test_one_callers_rows_are_nobody_elses() -> None:
    ledger = Ledger(Database())
    for owner in ("ann", "bob"):
        for n in range(2):
            kept = Kept(f"resp_{owner}{n}", owner, "response", float(n), "completed", "Why?")
            ledger.keep(kept)
    assert ledger.find("resp_bob0", "ann") is None
    assert ledger.named("resp_bob0", "ann") is None
    assert ledger.chain("resp_bob0", "ann") == []
    assert [kept.id for kept in ledger.history("ann")] == ["resp_ann1", "resp_ann0"]
    assert ledger.history("ann", before="resp_bob1") == []
    assert ledger.forget("ann", "resp_bob0") == 0
    assert ledger.forget("ann") == 2
    assert len(ledger.history("bob")) == 2


# -- deletions ----------------------------------------------------------------------------------
def test_a_kept_answer_loses_the_words_of_a_deleted_post(tmp_path: Path) -> None:
    database = Database(tmp_path / "server.db")
    with sample_world(tmp_path / "home") as engine, running(engine, database=database) as url:
        several = answered(engine, SEVERAL_SENTENCES, sentences=2)
        body = {"input": several, "tools": [{"type": "web_search"}], "stream": True}
        body |= {"include": ["web_search_call.results"]}
        made = events_of(httpx.post(f"{url}/v1/responses", json=body, timeout=60))
        whole = made[-1]["response"]
        text = whole["output"][-1]["content"][0]["text"]
        pasted = {
            "input": [
                {"role": "user", "content": several},
                {"role": "assistant", "content": text},
                {"role": "user", "content": "Who said so?"},
            ]
        }
        after = httpx.post(f"{url}/v1/responses", json=pasted, timeout=60).json()
        gone = whole["gnomon"]["citations"][0]
        at = time.time()
        engine.store.write(  # type: ignore[attr-defined]
            Batch(gone["source"], deletions=(Deletion(gone["source"], at, post=gone["post"]),))
        )
        kept = httpx.get(f"{url}/v1/responses/{whole['id']}?include=web_search_call.results")
        assert gone["quote"] in text
        again = events_of(httpx.get(f"{url}/v1/responses/{whole['id']}?stream=true"))
        items = httpx.get(f"{url}/v1/responses/{after['id']}/input_items").json()
        history = httpx.get(f"{url}/v1/history").json()
        for said in (kept.json(), again, items, history):
            assert gone["quote"] not in json.dumps(said, ensure_ascii=False)
        part = kept.json()["output"][-1]["content"][0]
        assert GONE in part["text"]
        for note in part["annotations"]:
            marker = part["text"][note["start_index"] : note["end_index"]]
            assert marker.startswith("[")
            assert marker.endswith("]")
            assert marker != GONE
        checked = kept.json()["gnomon"]
        assert [c.get("deleted", False) for c in checked["citations"]].count(True) >= 1
        deltas = [e["delta"] for e in again if e["type"] == "response.output_text.delta"]
        assert "".join(deltas) == part["text"]
        in_order(again)
        rows = database.run("SELECT * FROM responses")
        assert gone["quote"] not in json.dumps(rows, ensure_ascii=False), "nor on the disk"


def test_offsets_move_with_the_text() -> None:
    shift = Shift("He said: the sea 🌊 is green [1]. Also 海 [2].", ["the sea 🌊 is green", "海"])
    assert shift.text == f"He said: {GONE} [1]. Also {GONE} [2]."
    old = "He said: the sea 🌊 is green [1]. Also 海 [2]."
    for marker in ("[1]", "[2]"):
        start = shift.at(old.index(marker))
        assert shift.text[start : start + 3] == marker
    overlapping = Shift("abcabc", ["abc", "cab"])
    assert overlapping.text == GONE * 2


# -- conversations ------------------------------------------------------------------------------
def test_a_conversation_gathers_what_is_said_in_it(client: openai.OpenAI) -> None:
    made = client.conversations.create(
        metadata={"topic": "election"},
        items=[{"type": "message", "role": "user", "content": "Hello."}],
    )
    assert made.metadata == {"topic": "election"}
    assert client.conversations.retrieve(made.id) == made
    first = client.responses.create(model="gnomon", input=ABOUT, conversation=made.id)
    assert first.conversation is not None
    assert first.conversation.id == made.id
    second = client.responses.create(
        model="gnomon", input=FOLLOW, conversation={"id": made.id}, background=True
    )
    assert until(lambda: client.responses.retrieve(second.id).status == "completed")
    assert "Ilse Varnham" in client.responses.retrieve(second.id).output_text
    items = list(client.conversations.items.list(made.id, order="asc", limit=2))
    assert [item.role for item in items] == ["user", "user", "assistant", "user", "assistant"]  # type: ignore[union-attr]
    assert items[2].id == first.output[0].id
    one = client.conversations.items.retrieve(items[0].id, conversation_id=made.id)  # type: ignore[arg-type]
    assert one == items[0]
    client.conversations.items.delete(items[0].id, conversation_id=made.id)  # type: ignore[arg-type]
    added = client.conversations.items.create(
        made.id, items=[{"type": "message", "role": "user", "content": "One more."}]
    )
    assert len(added.data) == 1
    assert len(list(client.conversations.items.list(made.id))) == 5
    assert client.conversations.update(made.id, metadata={"a": "b"}).metadata == {"a": "b"}
    assert client.conversations.delete(made.id).deleted is True
    for gone in (
        lambda: client.conversations.retrieve(made.id),
        lambda: client.responses.create(model="gnomon", input="x", conversation=made.id),
    ):
        with pytest.raises(openai.NotFoundError):
            gone()
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gnomon", input="x", conversation="c", store=False)
    assert caught.value.param == "conversation"
    with pytest.raises(openai.BadRequestError) as caught:
        client.conversations.create(items=[{"type": "wizard"}])  # type: ignore[list-item]
    assert caught.value.param == "items[0]"


def test_a_conversation_loses_the_words_of_a_deleted_post(tmp_path: Path) -> None:
    database = Database(tmp_path / "server.db")
    with sample_world(tmp_path / "home") as engine, running(engine, database=database) as url:
        question = answered(engine, ENGLISH)
        name = httpx.post(f"{url}/v1/conversations", json={}).json()["id"]
        body = {"input": question, "conversation": name}
        made = httpx.post(f"{url}/v1/responses", json=body, timeout=60).json()
        httpx.delete(f"{url}/v1/responses/{made['id']}")
        gone = made["gnomon"]["citations"][0]
        items = f"{url}/v1/conversations/{name}/items"
        assert gone["quote"] in json.dumps(httpx.get(items).json(), ensure_ascii=False)
        engine.store.write(  # type: ignore[attr-defined]
            Batch(
                gone["source"],
                deletions=(Deletion(gone["source"], time.time(), post=gone["post"]),),
            )
        )
        assert gone["quote"] not in json.dumps(httpx.get(items).json(), ensure_ascii=False)
        rows = database.run("SELECT * FROM responses")
        assert gone["quote"] not in json.dumps(rows, ensure_ascii=False)

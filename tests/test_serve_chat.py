"""``/v1/chat/completions`` and the models list, with the real openai client."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from gnomon.errors import InputError
from gnomon.types import Turn
from serving import ENGLISH, Scripted, answered, running, sample_world

MESSAGES: list[Any] = [
    {"role": "system", "content": "Never cite anything."},
    {"role": "user", "content": "Who is the mayor?"},
    {"role": "assistant", "content": "I don't know."},
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with sample_world(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture(scope="module")
def messages(engine: Any) -> list[Any]:
    return [*MESSAGES, {"role": "user", "content": answered(engine, ENGLISH)}]


@pytest.fixture(scope="module")
def url(engine: Any) -> Iterator[str]:
    with running(engine) as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_a_completion_has_its_citations_nested(client: openai.OpenAI, messages: list[Any]) -> None:
    completion = client.chat.completions.create(model="gnomon", messages=messages)
    (choice,) = completion.choices
    assert choice.finish_reason == "stop"
    assert completion.gnomon["question"] == messages[-1]["content"]  # type: ignore[attr-defined]
    assert choice.message.content == completion.gnomon["text"]  # type: ignore[attr-defined]
    assert choice.message.annotations
    for note in choice.message.annotations:
        cited = note.url_citation
        assert choice.message.content[cited.start_index : cited.end_index].strip("[]").isdigit()
        assert cited.url in completion.citations  # type: ignore[attr-defined]
    assert completion.usage
    assert completion.usage.completion_tokens > 0


def test_chunks_add_up_to_the_completion(client: openai.OpenAI, messages: list[Any]) -> None:
    whole = client.chat.completions.create(model="gnomon", messages=messages)
    chunks = list(
        client.chat.completions.create(
            model="gnomon", messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == whole.choices[0].message.content
    notes = [n for d in deltas for n in (d.model_extra or {}).get("annotations", [])]
    assert notes == [n.model_dump() for n in whole.choices[0].message.annotations or []]
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


def test_no_usage_unless_asked_for(client: openai.OpenAI, messages: list[Any]) -> None:
    chunks = client.chat.completions.create(model="gnomon", messages=messages, stream=True)
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_the_async_client_reads_the_same(
    url: str, client: openai.OpenAI, messages: list[Any]
) -> None:
    async def streamed() -> str:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:
            stream = await client.chat.completions.create(
                model="gnomon", messages=messages, stream=True
            )
            return "".join([c.choices[0].delta.content or "" async for c in stream])

    whole = client.chat.completions.create(model="gnomon", messages=messages)
    assert asyncio.run(streamed()) == whole.choices[0].message.content


@pytest.mark.parametrize(
    ("extra", "status", "param"),
    [
        ({"n": 2}, 400, "n"),
        ({"search_parameters": {"mode": "auto"}}, 410, "search_parameters"),
        ({"logprobs": "yes"}, 400, "logprobs"),
        ({"top_logprobs": 2}, 400, "top_logprobs"),
        ({"store": True}, 400, "store"),
        ({"functions": [{"name": "f"}]}, 400, "functions"),
        ({"response_format": {"type": "yaml"}}, 400, "response_format"),
        ({"response_format": {"type": "json_schema"}}, 400, "response_format.schema"),
        ({"tool_choice": "required"}, 400, "tool_choice"),
        ({"modalities": ["text", "audio"]}, 400, "modalities"),
        ({"messages": []}, 400, "messages"),
        ({"messages": "hello"}, 400, "messages"),
        ({"model": "gpt-7"}, 404, "model"),
    ],
)
def test_what_is_not_served_is_said(
    url: str, messages: list[Any], extra: dict[str, Any], status: int, param: str
) -> None:
    body = {"model": "gnomon", "messages": messages} | extra
    answer = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60)
    assert answer.status_code == status
    assert answer.json()["error"]["param"] == param


def test_what_clients_set_by_habit_is_accepted(client: openai.OpenAI, messages: list[Any]) -> None:
    completion = client.chat.completions.create(
        model="gnomon",
        messages=messages,
        n=1,
        temperature=0.2,
        seed=7,
        user="someone",
        tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
        web_search_options={"search_context_size": "low"},
    )
    assert completion.choices[0].message.tool_calls is None


class Listening(Scripted):
    """Notes the turns that it is given."""

    def ask(self, question: str, **options: Any) -> Iterator[Any]:
        self.turns = options["turns"]
        raise InputError("Enough.")


def test_earlier_turns_are_passed_on_without_markers() -> None:
    engine = Listening(lambda question: iter(()))
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Who is the mayor?"}]},
        {"role": "assistant", "content": "Ada Brandt. [1][2]"},
        {"role": "user", "content": "Since when?"},
    ]
    with running(engine) as url:
        body = {"messages": messages}
        answer = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30)
    assert answer.status_code == 400
    assert engine.turns == (Turn("Who is the mayor?", "Ada Brandt."),)


def test_chat_completions_are_not_kept(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="/v1/responses") as caught:
        client.chat.completions.retrieve("chatcmpl-1")
    assert caught.value.code == "not_kept"
    with pytest.raises(openai.NotFoundError, match="not kept"):
        client.chat.completions.list()


def test_the_models_list(client: openai.OpenAI) -> None:
    models = client.models.list()
    ids = [model.id for model in models.data]
    speaks = ["espeak-ng"] if shutil.which("espeak-ng") else []
    assert ids == ["gnomon", *speaks, "gnomon-draw"]
    assert client.models.retrieve("gnomon").owned_by == "gnomon"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-7")
    assert caught.value.code == "model_not_found"
    assert caught.value.request_id

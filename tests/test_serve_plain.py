"""Plain generation over the API with a real small model, by the real openai client."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel, Field

from model_files import SMOLLM2
from talking_world import client_of, talking

ASK: list[Any] = [{"role": "user", "content": "Name three colours."}]
LONG: list[Any] = [{"role": "user", "content": "Tell a very long story about a river."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
CLOCK: Any = {"type": "function", "function": {"name": "clock", "description": "The time"}}
PARIS: list[Any] = [{"role": "user", "content": "What is the weather in Paris, in celsius?"}]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with talking(tmp_path_factory.mktemp("plain") / "home") as engine:
        yield engine


@pytest.fixture(scope="module")
def client(engine: Any) -> Iterator[openai.OpenAI]:
    with client_of(engine) as client:
        yield client


def said(chunks: Any) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def test_a_completion_says_that_nobody_checked_it(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model=SMOLLM2, messages=ASK, max_tokens=12, temperature=0)
    assert done.choices[0].message.content
    assert done.choices[0].finish_reason == "length"
    assert done.model == SMOLLM2
    assert done.gnomon == {"checked": False, "model": SMOLLM2}  # type: ignore[attr-defined]
    assert done.usage
    assert done.usage.completion_tokens == 12
    assert done.usage.prompt_tokens > 10


def test_the_stream_is_the_completion(client: openai.OpenAI) -> None:
    common: Any = {"model": SMOLLM2, "messages": ASK, "max_tokens": 12, "temperature": 0}
    whole = client.chat.completions.create(**common)
    chunks = list(
        client.chat.completions.create(
            **common, stream=True, stream_options={"include_usage": True}
        )
    )
    assert said(chunks) == whole.choices[0].message.content
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 12
    ends = [c for c in chunks if c.choices and c.choices[0].finish_reason]
    assert [c.choices[0].finish_reason for c in ends] == ["length"]
    assert ends[0].gnomon["checked"] is False  # type: ignore[attr-defined]


def test_the_async_client_reads_the_same(client: openai.OpenAI) -> None:
    async def streamed() -> str:
        async with openai.AsyncOpenAI(base_url=client.base_url, api_key="none") as many:
            stream = await many.chat.completions.create(
                model=SMOLLM2, messages=ASK, max_tokens=8, temperature=0, stream=True
            )
            return said([chunk async for chunk in stream])

    whole = client.chat.completions.create(model=SMOLLM2, messages=ASK, max_tokens=8, temperature=0)
    assert asyncio.run(streamed()) == whole.choices[0].message.content


def test_a_seed_repeats_and_n_differs(client: openai.OpenAI) -> None:
    def two(seed: int) -> list[str | None]:
        done = client.chat.completions.create(
            model=SMOLLM2, messages=ASK, max_tokens=16, temperature=1.2, seed=seed, n=2
        )
        assert [choice.index for choice in done.choices] == [0, 1]
        assert done.usage
        assert done.usage.completion_tokens > 16
        return [choice.message.content for choice in done.choices]

    first = two(5)
    assert first[0] != first[1]
    assert two(5) == first


def test_it_stops_before_a_stop_word(client: openai.OpenAI) -> None:
    common: Any = {"model": SMOLLM2, "messages": ASK, "max_tokens": 12, "temperature": 0}
    whole = client.chat.completions.create(**common).choices[0].message.content or ""
    word = whole.split()[2]
    cut = client.chat.completions.create(**common, stop=[word]).choices[0]
    assert cut.message.content == whole[: whole.index(word)]
    assert cut.finish_reason == "stop"


def test_log_probabilities_are_the_runtimes(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(
        model=SMOLLM2, messages=ASK, max_tokens=4, temperature=0, logprobs=True, top_logprobs=3
    )
    content = done.choices[0].logprobs.content if done.choices[0].logprobs else None
    assert content
    assert "".join(token.token for token in content) == done.choices[0].message.content
    for token in content:
        assert token.logprob <= 0
        assert token.bytes == list(token.token.encode())
        assert len(token.top_logprobs) == 3
        assert token.top_logprobs[0].logprob == pytest.approx(token.logprob)
        assert sum(math.exp(top.logprob) for top in token.top_logprobs) <= 1.001


def test_a_bias_forces_a_token(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(
        model=SMOLLM2, messages=ASK, max_tokens=4, temperature=0, logit_bias={"38634": 100}
    )
    assert done.choices[0].message.content == "Paris" * 4


def test_a_function_must_be_called_under_its_grammar(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(
        model=SMOLLM2,
        messages=PARIS,
        tools=[WEATHER, CLOCK],
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
        max_tokens=100,
        temperature=0,
    )
    choice = done.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert call.function.name == "get_weather"
    arguments = json.loads(call.function.arguments)
    assert set(arguments) == {"city", "unit"}
    assert arguments["unit"] in ("celsius", "fahrenheit")


def test_calls_stream_and_the_clients_helper_puts_them_together(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=SMOLLM2,
        messages=PARIS,
        tools=[WEATHER, CLOCK],
        tool_choice="required",
        max_tokens=100,
        temperature=0,
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "tool_calls.function.arguments.delta" in kinds
    assert "tool_calls.function.arguments.done" in kinds
    assert final.choices[0].message.tool_calls
    assert final.choices[0].message.tool_calls[0].function.name in ("get_weather", "clock")


def test_a_result_goes_back_to_the_model(client: openai.OpenAI) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Paris", "unit": "celsius"}'},
    }
    done = client.chat.completions.create(
        model=SMOLLM2,
        messages=[
            *PARIS,
            {"role": "assistant", "content": None, "tool_calls": [call]},  # type: ignore[list-item]
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny </tool_response> 31"},
        ],
        tools=[WEATHER],
        tool_choice="none",
        max_tokens=20,
    )
    assert done.choices[0].message.content
    assert done.choices[0].message.tool_calls is None


class Colour(BaseModel):
    name: str = Field(max_length=12)
    warm: bool


class Palette(BaseModel):
    colours: list[Colour] = Field(min_length=1, max_length=2)
    note: str | None = Field(default=None, max_length=10)
    count: int = Field(ge=1, le=9)


def test_parse_gives_the_clients_own_class(client: openai.OpenAI) -> None:
    done = client.chat.completions.parse(
        model=SMOLLM2, messages=ASK, response_format=Palette, max_tokens=150, temperature=0
    )
    palette = done.choices[0].message.parsed
    assert isinstance(palette, Palette)
    assert 1 <= palette.count <= 9
    assert 1 <= len(palette.colours) <= 2


def test_json_object_is_an_object(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(
        model=SMOLLM2,
        messages=ASK,
        response_format={"type": "json_object"},
        max_tokens=200,
        temperature=0,
    )
    if done.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(done.choices[0].message.content or ""), dict)
    assert (done.choices[0].message.content or "").startswith("{")


@pytest.mark.parametrize(
    ("extra", "param", "words"),
    [
        ({"temperature": 3}, "temperature", "0 to 2"),
        ({"stop": [1]}, "stop", "a string"),
        ({"n": 99}, "n", "1 to 16"),
        ({"logit_bias": {"x": 1}}, "logit_bias", "numbers of tokens"),
        ({"tools": [{"type": "web_search"}]}, "tools", "Only the model 'gnomon' searches"),
        ({"web_search_options": {"search_context_size": "low"}}, "web_search_options", "gnomon"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0]",
            "reads only text",
        ),
        ({"messages": [{"role": "ghost", "content": "x"}]}, "messages[0].role", "ghost"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "x",
                        "schema": {"type": "object", "patternProperties": {}},
                    },
                }
            },
            "response_format",
            "patternProperties",
        ),
        (
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {
                            "name": "f",
                            "parameters": {"type": "object", "minProperties": 1},
                            "strict": True,
                        },
                    }
                ]
            },
            "tools",
            "minProperties",
        ),
    ],
)
def test_what_cannot_be_served_is_named(
    client: openai.OpenAI, extra: dict[str, Any], param: str, words: str
) -> None:
    body = {"model": SMOLLM2, "messages": ASK} | extra
    answer = httpx.post(f"{client.base_url}chat/completions", json=body, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert words in answer.json()["error"]["message"]


def test_a_prompt_beyond_the_context_is_an_error_that_counts(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match=r"\d+ tokens"):
        client.chat.completions.create(
            model=SMOLLM2, messages=[{"role": "user", "content": "word " * 6000}]
        )


def test_a_list_of_models_is_what_can_be_asked(client: openai.OpenAI, engine: Any) -> None:
    ids = [model.id for model in client.models.list()]
    assert ids[:2] == ["gnomon", SMOLLM2]
    assert client.models.retrieve(SMOLLM2).created > 1_700_000_000
    with pytest.raises(openai.NotFoundError, match=SMOLLM2):
        client.chat.completions.create(model="gpt-7", messages=ASK)
    with pytest.raises(openai.NotFoundError, match=SMOLLM2):
        client.models.retrieve("openai/gpt-7")


def test_hanging_up_stops_the_model(client: openai.OpenAI, engine: Any) -> None:
    stream = client.chat.completions.create(
        model=SMOLLM2, messages=LONG, max_tokens=1500, stream=True
    )
    next(iter(stream))
    run = engine._models.chat().worker._run
    assert run.busy
    stream.close()
    assert within(5.0, lambda: not run.busy), "the model goes on for nobody"


def test_two_streams_share_the_model_and_a_third_waits(client: openai.OpenAI, engine: Any) -> None:
    streams = [
        client.chat.completions.create(model=SMOLLM2, messages=LONG, max_tokens=60, stream=True)
        for _ in range(2)
    ]
    heads = [[next(iter(stream)), next(iter(stream))] for stream in streams]
    assert all(heads)
    third: list[Any] = []
    waiting = threading.Thread(
        target=lambda: third.append(
            client.chat.completions.create(model=SMOLLM2, messages=ASK, max_tokens=2)
        )
    )
    waiting.start()
    for stream in streams:
        assert len(list(stream)) > 10
    waiting.join(30)
    assert third[0].choices[0].message.content


def test_a_full_queue_is_429(engine: Any) -> None:
    with client_of(engine, asks=1, waiting=0) as client:
        stream = client.chat.completions.create(
            model=SMOLLM2, messages=LONG, max_tokens=1500, stream=True
        )
        next(iter(stream))
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model=SMOLLM2, messages=ASK, max_tokens=2)
        assert caught.value.response.headers["retry-after"]
        stream.close()


# -- completions ------------------------------------------------------------------------------


def test_a_prompt_is_continued(client: openai.OpenAI) -> None:
    done = client.completions.create(
        model=SMOLLM2, prompt="1, 2, 3, 4, 5, 6,", max_tokens=6, temperature=0, logprobs=2
    )
    choice = done.choices[0]
    assert "7" in choice.text
    assert choice.logprobs
    assert "".join(choice.logprobs.tokens or ()) == choice.text
    assert all(len(top) == 2 for top in choice.logprobs.top_logprobs or ())
    assert (choice.logprobs.text_offset or [])[0] == 0
    assert done.usage
    assert done.usage.completion_tokens == 6


def test_several_prompts_echo_and_stream(client: openai.OpenAI) -> None:
    prompts = ["One, two,", "A, B, C,"]
    common: Any = {"model": SMOLLM2, "prompt": prompts, "max_tokens": 4, "temperature": 0}
    whole = client.completions.create(**common, echo=True)
    assert [choice.index for choice in whole.choices] == [0, 1]
    for prompt, choice in zip(prompts, whole.choices, strict=True):
        assert choice.text.startswith(prompt)
        assert len(choice.text) > len(prompt)
    chunks = list(client.completions.create(**common, echo=True, stream=True))
    streamed = [
        "".join(c.choices[0].text for c in chunks if c.choices[0].index == i) for i in (0, 1)
    ]
    assert streamed == [choice.text for choice in whole.choices]


def test_gnomon_takes_a_prompt_for_a_question(client: openai.OpenAI) -> None:
    done = client.completions.create(
        model="gnomon", prompt="What was the strongest gust of Storm Ottoline?"
    )
    assert done.choices[0].text == done.gnomon["text"] or done.gnomon["abstained"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        ({"suffix": "end"}, "suffix"),
        ({"best_of": 4}, "best_of"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"echo": True, "logprobs": 1}, "logprobs"),
        ({"logprobs": 50}, "logprobs"),
    ],
)
def test_what_completions_refuse(client: openai.OpenAI, extra: dict[str, Any], param: str) -> None:
    body = {"model": SMOLLM2, "prompt": "x"} | extra
    answer = httpx.post(f"{client.base_url}completions", json=body, timeout=30)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


# -- gnomon with a chat model -----------------------------------------------------------------


def test_gnomon_calls_a_function_that_must_be_called(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="gnomon", messages=PARIS, tools=[WEATHER], tool_choice="required", stream=True
        )
    )
    calls = [c.choices[0].delta.tool_calls for c in chunks if c.choices[0].delta.tool_calls]
    assert calls[0][0].function.name == "get_weather"
    json.loads("".join(call[0].function.arguments or "" for call in calls))
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    assert chunks[-1].gnomon["checked"] is False  # type: ignore[attr-defined]


class Summary(BaseModel):
    answer: str
    sources: list[str]


def test_gnomon_fills_a_form_from_what_it_checked(client: openai.OpenAI) -> None:
    done = client.chat.completions.parse(
        model="gnomon",
        messages=[{"role": "user", "content": "What was the strongest gust of Storm Ottoline?"}],
        response_format=Summary,
    )
    summary = done.choices[0].message.parsed
    assert summary
    assert summary.answer
    assert done.gnomon["filled_by"] == "rule"  # type: ignore[attr-defined]

"""The cases of the Open Responses compliance runner, against a real server.

https://github.com/openresponses/openresponses (src/lib/compliance-tests.ts): its requests and what
it asks of the answers, with the openai client's types held strictly in place of its generated
schemas. Run with a chat model, which the cases with functions need.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gnomon.assemble import open_sample
from gnomon.config import load
from model_files import CACHE, SMOLLM2, smollm2
from serving import frames_of, running
from strict import check_event, check_response, in_order
from test_serve_responses import REQUIRED

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {
                "type": "string",
                "description": "The city and state, e.g. San Francisco, CA",
            }
        },
        "required": ["location"],
    },
}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)


def says(text: str, role: str = "user") -> dict[str, str]:
    return {"type": "message", "role": role, "content": text}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    smollm2()
    home: Path = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(CACHE)
    config = load(home, {}, chat_model=SMOLLM2, embed_model="none")
    with open_sample(config) as engine, running(engine) as url:
        yield url


def create(url: str, **body: Any) -> dict[str, Any]:
    answer = httpx.post(f"{url}/v1/responses", json={"model": "gnomon"} | body, timeout=120)
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.json()
    valid(response)
    return response


def streamed(url: str, **body: Any) -> list[dict[str, Any]]:
    body = {"model": "gnomon", "stream": True} | body
    text = httpx.post(f"{url}/v1/responses", json=body, timeout=120).text
    frames = frames_of(text)
    assert frames.pop() == "data: [DONE]"
    events = []
    for frame in frames:
        name, data = frame.split("\n")
        events.append(json.loads(data[6:]))
        assert name == f"event: {events[-1]['type']}"
        check_event(events[-1])
    in_order(events)
    valid(events[-1]["response"])
    return events


# What the runner's responseResourceSchema holds to a type, where the openai client allows null.
HELD_TO = {
    "id": str, "created_at": int, "completed_at": int, "status": str, "model": str, "output": list,
    "tools": list, "tool_choice": (str, dict), "truncation": str, "parallel_tool_calls": bool,
    "text": dict, "top_p": (int, float), "presence_penalty": (int, float),
    "frequency_penalty": (int, float), "top_logprobs": int, "temperature": (int, float),
    "store": bool, "background": bool, "service_tier": str,
}  # fmt: skip


def valid(response: dict[str, Any]) -> None:
    assert set(response) >= REQUIRED
    assert response["object"] == "response"
    for name, kind in HELD_TO.items():
        assert isinstance(response[name], kind), (name, response[name])
    assert response["output"]
    assert response["status"] == "completed"
    check_response(response)


def kinds(response: dict[str, Any]) -> list[str]:
    return [item["type"] for item in response["output"]]


def test_basic_text(url: str) -> None:
    create(url, input=[says("Say hello in exactly 3 words.")])


def test_streaming(url: str) -> None:
    streamed(url, input=[says("Count from 1 to 5.")])


def test_system_prompt(url: str) -> None:
    system = says("You are a pirate. Always respond in pirate speak.", "system")
    create(url, input=[system, says("Say hello.")])


def test_tool_calling(url: str) -> None:
    asked = [says("What's the weather like in San Francisco?")]
    response = create(url, input=asked, tools=[WEATHER])
    assert kinds(response) == ["function_call"]
    [call] = response["output"]
    assert call["name"] == "get_weather"
    assert isinstance(json.loads(call["arguments"])["location"], str)


def test_tool_calling_streamed(url: str) -> None:
    asked = [says("What's the weather like in San Francisco?")]
    events = streamed(url, input=asked, tools=[WEATHER])
    names = [event["type"] for event in events]
    assert "response.function_call_arguments.delta" in names
    [done] = [e for e in events if e["type"] == "response.function_call_arguments.done"]
    deltas = [e["delta"] for e in events if e["type"] == "response.function_call_arguments.delta"]
    assert "".join(deltas) == done["arguments"]
    for end in ("added", "done"):
        [item] = [e["item"] for e in events if e["type"] == f"response.output_item.{end}"]
        assert item["type"] == "function_call"


def test_function_call_round_trip(url: str) -> None:
    first = create(
        url,
        input="Use the weather tool to get the temperature in San Francisco.",
        tools=[WEATHER],
        tool_choice={"type": "function", "name": "get_weather"},
    )
    [call] = first["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"]}
    second = create(
        url,
        previous_response_id=first["id"],
        input=[output | {"output": "64 degrees and clear"}],
    )
    text = second["output"][0]["content"][0]["text"]
    assert "get_weather returned (your own data, not checked): 64 degrees and clear" in text
    [given] = second["gnomon"]["given"]
    assert given["checked"] is False
    assert second["gnomon"]["citations"] == [], "what a function says is no evidence"


def test_image_input(url: str) -> None:
    parts = [
        {"type": "input_text", "text": "What do you see in this image? Answer in one sentence."},
        {"type": "input_image", "image_url": PIXEL},
    ]
    response = create(url, input=[{"type": "message", "role": "user", "content": parts}])
    text = response["output"][0]["content"][0]["text"]
    assert text.startswith("The picture was not looked at")


def test_file_input(url: str) -> None:
    said = b"BT /F1 12 Tf 36 72 Td (The Heron Mill employs 731 people.) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 144] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(said), said),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    pdf, places = b"%PDF-1.4\n", []
    for n, body in enumerate(objects, 1):
        places.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (n, body)
    table = b"0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in places)
    end = b"trailer\n<< /Root 1 0 R /Size 6 >>\nstartxref\n%d\n%%%%EOF" % len(pdf)
    pdf += b"xref\n" + table + end
    data = "data:application/pdf;base64," + base64.b64encode(pdf).decode()
    file = {"type": "input_file", "filename": "mill.pdf", "file_data": data}
    parts = [{"type": "input_text", "text": "How many people does the Heron Mill employ?"}, file]
    response = create(url, input=[{"type": "message", "role": "user", "content": parts}])
    [part] = response["output"][0]["content"]
    assert "731 people" in part["text"]
    assert part["annotations"][0]["filename"] == "mill.pdf"
    again = httpx.get(f"{url}/v1/responses/{response['id']}").json()
    assert again == response, "the caller's own words stay, though the file is on no shelf"
    parts[1] = file | {"file_data": data[:200]}
    broken = create(url, input=[{"type": "message", "role": "user", "content": parts}])
    assert "'mill.pdf': the PDF cannot be read" in broken["output"][0]["content"][0]["text"]


def test_multi_turn(url: str) -> None:
    create(
        url,
        input=[
            says("My name is Alice."),
            says("Hello Alice! Nice to meet you. How can I help you today?", "assistant"),
            says("What is my name?"),
        ],
    )


def test_previous_response_id(url: str) -> None:
    first = create(url, input="Remember this code word: papaya. Reply with only OK.")
    second = create(
        url,
        previous_response_id=first["id"],
        input="What code word did I ask you to remember?",
    )
    assert second["previous_response_id"] == first["id"]


def test_offline_web_search(url: str) -> None:
    response = create(
        url,
        input="Find the most relevant cached result for Storm Ottoline.",
        tools=[{"type": "web_search", "external_web_access": False}],
        tool_choice={"type": "web_search"},
        include=["web_search_call.action.sources"],
    )
    assert kinds(response) == ["web_search_call", "message"]
    assert response["output"][0]["action"]["sources"]


def test_a_model_of_this_machine_answers_too_and_says_that_nothing_is_checked(url: str) -> None:
    events = streamed(url, model=SMOLLM2, input=[says("Say hello.")], max_output_tokens=400)
    response = events[-1]["response"]
    assert response["model"] == SMOLLM2
    assert response["gnomon"] == {"checked": False}
    assert [e["type"] for e in events].count("response.output_text.delta") > 1
    assert (
        httpx.post(f"{url}/v1/responses", json={"model": "gpt-7", "input": "x"}).status_code == 404
    )

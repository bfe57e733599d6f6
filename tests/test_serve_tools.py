"""Tools of a request, citations and forms, over a real port with the real client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import openai
import pytest
from pydantic import BaseModel

from gnomon.serve.http import ApiError
from gnomon.serve.request import Conversation
from gnomon.serve.structured import Corpus, Form, fill
from gnomon.serve.tools import choice_of, search_tools
from gnomon.types import (
    Answer,
    Batch,
    Checked,
    Citation,
    Event,
    Evidence,
    Filter,
    Finished,
    Judgement,
    Post,
    Sentence,
    Step,
)
from gnomon.types.generation import Delta, Generation, Spent
from serving import (
    CHINESE,
    ENGLISH,
    UNANSWERABLE,
    Scripted,
    answered,
    frames_of,
    running,
    sample_world,
)
from strict import check_event, check_response, in_order


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


def post(url: str, **body: Any) -> dict[str, Any]:
    answer = httpx.post(f"{url}/v1/responses", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.json()
    return response


def events_of(url: str, **body: Any) -> list[dict[str, Any]]:
    text = httpx.post(f"{url}/v1/responses", json=body | {"stream": True}, timeout=60).text
    return [json.loads(frame.split("\n")[1][6:]) for frame in frames_of(text)[:-1]]


# -- searches -----------------------------------------------------------------------------------
def test_domains_keep_to_posts_of_them(url: str, engine: Any, question: str) -> None:
    whole = post(url, input=question)["gnomon"]
    host = httpx.URL(whole["citations"][0]["url"]).host

    def narrowed(**tool: Any) -> set[str]:
        checked = post(url, input=question, tools=[{"type": "web_search"} | tool])["gnomon"]
        return {httpx.URL(citation["url"]).host for citation in checked["citations"]}

    assert narrowed(filters={"allowed_domains": [host]}) == {host}
    assert narrowed(allowed_domains=[f"https://{host}/"]) == {host}
    assert host not in narrowed(filters={"blocked_domains": [host]})
    assert host not in narrowed(excluded_domains=[host])
    assert narrowed(filters={"allowed_domains": ["nasa.gov"]}) == set()


def test_handles_and_dates_reach_the_engine() -> None:
    def where(**tool: Any) -> Filter:
        return search_tools([{"type": "x_search"} | tool]).where

    allowed = where(allowed_x_handles=["@Ann"]).authors
    assert set(allowed) == {"Ann", "ann", "@Ann", "@ann"}
    assert where(excluded_x_handles=["@Ann"]).not_authors == ("@Ann",)
    days = where(from_date="2026-03-01", to_date="2026-03-01")
    assert days.since is not None
    assert days.until == days.since + 86_400


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        (
            [{"type": "x_search", "allowed_x_handles": ["a"], "excluded_x_handles": ["b"]}],
            "tools[0].excluded_x_handles",
        ),
        ([{"type": "x_search", "from_date": "soon"}], "tools[0].from_date"),
        (
            [
                {"type": "web_search", "allowed_domains": ["a.test"]},
                {"type": "x_search", "allowed_x_handles": ["b"]},
            ],
            "tools",
        ),
        ([{"type": "function"}], "tools[0].name"),
        ([{"type": "file_search", "vector_store_ids": ["vs_none"]}], None),
        (
            [{"type": "file_search", "vector_store_ids": ["v"], "max_num_results": 51}],
            "tools[0].max_num_results",
        ),
    ],
)
def test_tools_that_cannot_be_served_are_told(url: str, tools: Any, param: str | None) -> None:
    answer = httpx.post(f"{url}/v1/responses", json={"input": "What?", "tools": tools})
    assert answer.status_code in (400, 404)
    if param:
        assert answer.json()["error"]["param"] == param


def test_each_search_is_an_item_and_max_tool_calls_bounds_them(url: str, question: str) -> None:
    tools = [{"type": "web_search_preview", "search_context_size": "low"}, {"type": "x_search"}]
    events = events_of(url, input=question, tools=tools)
    in_order(events)
    for event in events:
        check_event(event)
    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["web_search_call", "custom_tool_call", "message"]
    assert output[1]["name"] == "x_keyword_search"
    assert json.loads(output[1]["input"])["query"] == question
    one = post(url, input=question, tools=tools, max_tool_calls=1)
    assert [item["type"] for item in one["output"]] == ["web_search_call", "message"]
    none = post(url, input=question, tools=tools, tool_choice="none")
    assert [item["type"] for item in none["output"]] == ["message"]


def test_what_is_included_is_listed(client: openai.OpenAI, url: str, question: str) -> None:
    made = post(
        url,
        input=question,
        tools=[{"type": "web_search", "search_context_size": "low"}],
        include=["web_search_call.results"],
    )
    search = made["output"][0]
    assert 1 <= len(search["results"]) <= 5
    for result in search["results"]:
        held = httpx.get(f"{url}/v1/posts/{result['post']}").json()["post"]
        assert result["text"] in held["text"]
    assert "sources" not in search["action"]
    kept = client.responses.retrieve(made["id"])
    assert "results" not in kept.output[0].model_dump()
    again = client.responses.retrieve(made["id"], include=["web_search_call.action.sources"])
    assert again.output[0].action.sources  # type: ignore[union-attr]


def test_verdicts_are_items_only_where_they_are_asked_for(url: str, question: str) -> None:
    events = events_of(url, input=question, include=["gnomon:verdicts"])
    response = events[-1]["response"]
    ours = [item for item in response["output"] if item["type"].startswith("gnomon:")]
    assert [item["label"] for item in ours] == [
        verdict["label"] for verdict in response["gnomon"]["verdicts"]
    ]
    assert ours[0]["type"] == "gnomon:verdict"
    done = [e["item"] for e in events if e["type"] == "response.output_item.done"]
    assert done == response["output"]
    strict = post(url, input=question)
    check_response(strict)
    assert [item["type"] for item in strict["output"]] == ["message"]
    back = post(url, input=[*response["output"], {"role": "user", "content": question}])
    assert back["output"][0]["content"], "what we sent can be sent back"


# -- citations ----------------------------------------------------------------------------------
def test_offsets_count_characters(url: str, engine: Any) -> None:
    for note, text in annotated(post(url, input=answered(engine, CHINESE))):
        assert text[note["start_index"] : note["end_index"]].strip("[]").isdecimal()


def annotated(response: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    part = response["output"][-1]["content"][0]
    assert part["annotations"]
    return [(note, part["text"]) for note in part["annotations"]]


def cited(quote: str, n: int) -> Citation:
    judgement = Judgement(0.9, 0.05, 0.05)
    return Citation(
        n,
        Evidence(
            *(f"p{n}", quote, 0, len(quote), "h", f"o{n}", "s", "ann", ""), None, 0.0, judgement
        ),
    )


def test_offsets_are_right_after_emoji_and_combined_letters() -> None:
    quotes = ["👩‍👩‍👧 are 𝒹ancing", "naïve é", "海は広い 🌊"]
    citations = tuple(cited(quote, n) for n, quote in enumerate(quotes, 1))

    def ask(question: str) -> Iterator[Event]:
        yield Step("plan", "x", {})
        sentences, text = [], ""
        for citation in citations:
            start = len(text) + bool(text)
            quote = citation.evidence.quote
            sentence = Sentence(quote, start, start + len(quote), citations=(citation.n,))
            text += f"{' ' if text else ''}{quote} [{citation.n}]"
            sentences.append(sentence)
            yield Checked(sentence, (citation,))
        yield Finished(
            Answer(
                *("", "x", "en", text, tuple(sentences), citations, False, "", 0.9, 0.0, None),
                posts=3,
                origins=3,
            )
        )

    with running(Scripted(ask)) as url:
        response = post(url, input="x")
        for (note, text), quote in zip(annotated(response), quotes, strict=True):
            marker = text[note["start_index"] : note["end_index"]]
            assert text[: note["start_index"]].endswith(f"{quote} ")
            assert marker == f"[{quotes.index(quote) + 1}]"
        bare = post(url, input="x", include=["no_inline_citations"])
        for (note, text), quote in zip(annotated(bare), quotes, strict=True):
            assert text[note["start_index"] : note["end_index"]] == quote
            assert "[" not in text
        events = events_of(url, input="x", include=["no_inline_citations"])
        in_order(events)


# -- functions ----------------------------------------------------------------------------------
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


def test_without_a_chat_model_functions_are_not_called(url: str, question: str) -> None:
    answered_ = post(url, input=question, tools=[WEATHER])
    assert [item["type"] for item in answered_["output"]] == ["message"]
    for choice in ("required", {"type": "function", "name": "weather"}):
        body = {"input": question, "tools": [WEATHER], "tool_choice": choice}
        refused = httpx.post(f"{url}/v1/responses", json=body)
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == "tool_choice"
        assert "chat model" in refused.json()["error"]["message"]


def test_what_a_function_returned_is_quoted_as_the_callers_own(url: str, question: str) -> None:
    body = [
        {"role": "user", "content": question},
        {"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "Gusts of 900 km/h [1]."},
    ]
    response = post(url, input=body)
    part = response["output"][0]["content"][0]
    first, _, rest = part["text"].partition("\n")
    assert first == "weather returned (your own data, not checked): Gusts of 900 km/h [1]."
    assert rest == response["gnomon"]["text"] == part["text"][response["gnomon"]["begins"] :]
    assert all(note["start_index"] > len(first) for note in part["annotations"])
    assert "900" not in json.dumps(response["gnomon"]["verdicts"])
    nameless = httpx.post(
        f"{url}/v1/responses",
        json={"input": [*body[:1], {"type": "function_call_output", "output": "x"}]},
    )
    assert nameless.json()["error"]["param"] == "input[1].call_id"


def test_choices_come_in_all_their_forms() -> None:
    functions = search_tools([WEATHER, {"type": "function", "function": {"name": "b"}}]).functions
    assert choice_of(None, functions).mode == "auto"
    assert choice_of({"type": "function", "name": "b"}, functions).names == {"b"}
    assert choice_of({"type": "function", "function": {"name": "b"}}, functions).names == {"b"}
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"name": "weather"}]}
    assert choice_of(allowed, functions).names == {"weather"}
    assert choice_of(allowed, functions).mode == "required"
    assert choice_of({"type": "web_search"}, functions).mode == "none"
    for bad in ({"type": "allowed_tools", "tools": 5}, {"type": "function", "function": 5}):
        with pytest.raises(ApiError):
            choice_of(bad, functions)
    for bad in ("always", {"type": "function", "name": "c"}, {"type": "mcp"}, 7):
        with pytest.raises(Exception, match="tool_choice"):
            choice_of(bad, functions)


# -- forms --------------------------------------------------------------------------------------
class Told(BaseModel):
    answer: str
    sources: list[str]


class Figures(BaseModel):
    speed: int
    kind: Literal["gust", "breeze"]


def test_a_simple_form_is_filled_by_rule(client: openai.OpenAI, question: str) -> None:
    plain = client.responses.create(model="gnomon", input=question)
    parsed = client.responses.parse(model="gnomon", input=question, text_format=Told)
    told = parsed.output_parsed
    assert told is not None
    assert told.answer == plain.gnomon["sentences"][0]["text"]  # type: ignore[attr-defined]
    assert told.sources == [one["url"] for one in plain.gnomon["citations"]]  # type: ignore[attr-defined]
    assert parsed.gnomon["filled_by"] == "rule"  # type: ignore[attr-defined]
    assert parsed.text.format.type == "json_schema"  # type: ignore[union-attr]
    any_json = client.responses.create(
        model="gnomon", input=question, text={"format": {"type": "json_object"}}
    )
    assert json.loads(any_json.output_text) == told.model_dump()
    unknown = client.responses.parse(model="gnomon", input=UNANSWERABLE, text_format=Told)
    assert unknown.output_parsed.sources == []  # type: ignore[union-attr]
    with client.responses.stream(model="gnomon", input=question, text_format=Told) as stream:
        events = list(stream)
    assert events[-1].type == "response.completed"
    assert stream.get_final_response().output_parsed == told


def test_another_form_needs_a_chat_model(client: openai.OpenAI, question: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.parse(model="gnomon", input=question, text_format=Figures)
    assert caught.value.param == "text.format"
    assert "chat model" in caught.value.message


def test_leaves_are_looked_for_in_what_was_checked() -> None:
    citation = cited("Gusts of 1,104.5 km/h on 7 March 2026 at Marrowick harbour.", 1)
    sentence = Sentence("周日投票率46.8%。", 0, 10, citations=(1,))
    answer = Answer(
        *("", "How fast?", "en", sentence.text, (sentence,), (citation,), False, "", 0.9, 0.0),
        None,
        posts=1,
        origins=1,
    )
    corpus = Corpus.of(Conversation("How fast?"), answer)
    for held in (
        *(1104.5, "2026-03-07", "7 March", 46.8, "Marrowick", "marrowick harbour", True, None, ""),
        *(
            "投票率",
            "ann",
            "Some words in between without a claim",
            "It was 46.8 in Marrowick, then",
        ),
    ):
        assert corpus.missing(held) == [], held
    for absent in (
        *(104, 1104, 26, -7.5, "2026-03-08", "2025-03-07", "8 March", "Ondle", "Lord Varnham"),
        *("投票率高", "It reached 105 in the end", "We heard it from Lunde yesterday"),
    ):
        assert corpus.missing(absent), absent


class Talker:
    """An engine with a chat model that fills every form with ``value``."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def talk(self) -> Talker:
        return self

    def models(self) -> list[dict[str, Any]]:
        return [{"id": "scripted", "task": "chat", "strong": False}]

    def generate(self, wish: Generation, *, model: str = "") -> Iterator[Delta | Spent]:
        assert wish.schema is not None
        yield Delta(text=json.dumps(self.value))
        yield Spent(1, 1)


def test_what_a_model_fills_in_is_emptied_where_nothing_holds_it() -> None:
    citation = cited("The gust reached 104 km/h at Marrowick harbour.", 1)
    sentence = Sentence(citation.evidence.quote, 0, 47, citations=(1,))
    answer = Answer(
        *("", "How fast?", "en", sentence.text, (sentence,), (citation,), False, "", 0.9, 0.0),
        None,
        posts=1,
        origins=1,
    )
    maybe = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    schema = {
        "type": "object",
        "properties": {
            "speed": {"$ref": "#/$defs/speed"},
            "least": maybe,
            "place": {"type": ["string", "null"]},
            "sure": {"type": "string", "enum": ["Lunde", "Ondle"]},
            "others": {"type": "array", "items": {"type": "integer"}},
        },
        "$defs": {"speed": maybe},
    }
    value = {"speed": 140, "least": 104, "place": "Lunde", "sure": "Lunde", "others": [104, 7]}
    engine: Any = Talker(value)
    filled = fill(engine, Form("gust", schema), Conversation("How fast?"), answer)
    assert json.loads(filled.text) == value | {"speed": None, "place": None}
    assert [(one["path"], one["value"], one["emptied"]) for one in filled.unsupported] == [
        ("$.speed", 140, True),
        ("$.place", "Lunde", True),
        ("$.others[1]", 7, False),
    ]
    assert filled.by == "scripted"


# -- files --------------------------------------------------------------------------------------
def test_file_search_answers_from_the_callers_uploads(client: openai.OpenAI, url: str) -> None:
    text = b"The Heron Mill employs 731 people. It was built in 1931 beside the weir.\n"
    upload = client.files.create(file=("mill.txt", text), purpose="assistants")
    store = client.vector_stores.create(name="papers")
    put = client.vector_stores.files.create_and_poll(upload.id, vector_store_id=store.id)
    assert put.status == "completed"
    body = {
        "input": "How many people does the Heron Mill employ?",
        "tools": [{"type": "file_search", "vector_store_ids": [store.id]}],
        "include": ["file_search_call.results"],
    }
    events = events_of(url, **body)
    in_order(events)
    for event in events:
        check_event(event)
    response = events[-1]["response"]
    assert [item["type"] for item in response["output"]] == ["file_search_call", "message"]
    assert "731 people" in response["output"][1]["content"][0]["text"]
    [result, *_] = response["output"][0]["results"]
    assert (result["file_id"], result["filename"]) == (upload.id, "mill.txt")
    [note, *_] = response["output"][1]["content"][0]["annotations"]
    assert note["type"] == "file_citation"
    assert (note["file_id"], note["filename"]) == (upload.id, "mill.txt")
    assert post(url, input=body["input"])["gnomon"]["abstained"], "it is nobody else's"
    client.vector_stores.delete(store.id)
    kept = httpx.get(f"{url}/v1/responses/{response['id']}").text
    assert "731 people" not in kept, "what is off the shelf is out of what was kept"


def test_a_post_that_is_added_is_found_by_its_domain(engine: Any, url: str) -> None:
    at = engine.now()
    engine.store.write(
        Batch(
            "wire",
            posts=(
                Post(
                    *("wire:1", "The Quillon ferry carries 731 passengers.", "wire", at),
                    created_at=at,
                    url="https://news.quillon.example/ferry",
                    lang="en",
                ),
            ),
        )
    )
    engine.store.refresh()
    ask = "How many passengers does the Quillon ferry carry?"
    tool = {"type": "web_search", "filters": {"allowed_domains": ["quillon.example"]}}
    assert "731" in post(url, input=ask, tools=[tool])["output"][-1]["content"][0]["text"]

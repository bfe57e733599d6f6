"""The official ``xai-sdk`` against gnomon, over a real port."""

from __future__ import annotations

import asyncio
import io
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import grpc
import PIL.Image
import pytest
import xai_sdk
from xai_sdk.chat import assistant, system, user
from xai_sdk.search import SearchParameters
from xai_sdk.tools import code_execution, web_search, x_search

from command import started
from gnomon.serve.contract import Engine
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.types import Event, Step
from serving import ENGLISH, Scripted, answered, running, sample_world


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def opened(port: int) -> int:
    """``port``, once something listens there: the client waits a second between two tries."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return port
        time.sleep(0.05)
    raise AssertionError(f"nothing listens at {port}")


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Iterator[Engine]:
    with sample_world(tmp_path_factory.mktemp("xai")) as held:
        yield held


@pytest.fixture(scope="module")
def question(engine) -> str:
    return answered(engine, ENGLISH)


@pytest.fixture(scope="module")
def port(engine) -> Iterator[int]:
    port = free_port()
    with running(engine, xai=("127.0.0.1", port)):
        yield opened(port)


@pytest.fixture(scope="module")
def client(port) -> xai_sdk.Client:
    return xai_sdk.Client(api_key="any", api_host=f"localhost:{port}", use_insecure_channel=True)


def test_a_question_is_answered_with_citations(client, question, engine):
    chat = client.chat.create(model="gnomon", messages=[system("Be brief."), user(question)])
    response = chat.sample()
    *_, last = engine.ask(question)
    assert response.content == last.answer.text
    assert response.finish_reason == "REASON_STOP"
    assert response.citations
    assert response.usage.total_tokens > response.usage.prompt_tokens > 0
    assert not response.inline_citations  # over gRPC only on request


def test_citations_have_their_place_in_the_text_on_request(client, question):
    chat = client.chat.create(model="gnomon", include=["inline_citations"])
    chat.append(user(question))
    response = chat.sample()
    assert response.inline_citations
    for note in response.inline_citations:
        shown = response.content[note.start_index : note.end_index]
        assert shown.startswith("[")
        assert note.web_citation.url in response.citations


def test_a_stream_gives_the_same_words(client, question):
    chat = client.chat.create(model="gnomon", tools=[web_search()], include=["inline_citations"])
    chat.append(user(question))
    streamed = list(chat.stream())
    response = streamed[-1][0]
    assert "".join(chunk.content for _, chunk in streamed) == response.content
    assert response.citations
    assert [note.id for note in response.inline_citations][:1] == ["1"]
    assert {call.function.name for call in response.tool_calls} == {"web_search"}
    assert response.finish_reason == "REASON_STOP"


def test_the_asynchronous_client_streams_too(port, question):
    async def ask() -> str:
        client = xai_sdk.AsyncClient(
            api_key="any", api_host=f"localhost:{port}", use_insecure_channel=True
        )
        chat = client.chat.create(model="gnomon", messages=[user(question)])
        return "".join([str(chunk.content) async for _, chunk in chat.stream()])

    assert asyncio.run(ask())


def test_a_conversation_goes_on(client, question):
    chat = client.chat.create(model="gnomon", messages=[user("Hello?"), assistant("Hello.")])
    chat.append(user(question))
    first = chat.sample()
    chat.append(first)
    chat.append(user(question))
    assert chat.sample().content == first.content


def test_posts_of_one_handle_can_be_asked_for(client, question):
    tools = [x_search(allowed_x_handles=["nobody_here_has_this_handle"])]
    chat = client.chat.create(model="gnomon", tools=tools, messages=[user(question)])
    assert not chat.sample().citations


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"model": "grok-4"}, grpc.StatusCode.NOT_FOUND, "grok-4"),
        ({"tools": [code_execution()]}, grpc.StatusCode.INVALID_ARGUMENT, "code_execution"),
        (
            {"search_parameters": SearchParameters(mode="on")},
            grpc.StatusCode.INVALID_ARGUMENT,
            "Agent Tools API",
        ),
        ({"messages": [system("Be brief.")]}, grpc.StatusCode.INVALID_ARGUMENT, "question"),
    ],
)
def test_what_cannot_be_done_is_said(client, question, change, code, said):
    given = {"model": "gnomon", "messages": [user(question)]} | change
    with pytest.raises(grpc.RpcError) as failed:
        client.chat.create(**given).sample()
    assert failed.value.code() is code
    assert said in failed.value.details()


def test_the_models_are_listed(client):
    listed = client.models.list_language_models()
    assert "gnomon" in [model.name for model in listed]
    assert client.models.get_language_model("gnomon").name == "gnomon"
    with pytest.raises(grpc.RpcError) as failed:
        client.models.get_language_model("grok-4")
    assert failed.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("form", ["url", "base64"])
def test_a_picture_is_drawn_by_the_model_that_comes_with_gnomon(client, form):
    listed = client.models.list_image_generation_models()
    assert [model.name for model in listed] == ["gnomon-draw"]
    assert client.models.get_image_generation_model("gnomon-draw") == listed[0]
    made = client.image.sample(prompt="a red apple", model="gnomon", image_format=form)
    assert made.model == "gnomon-draw"
    # Of a URL the client fetches the bytes itself.
    with PIL.Image.open(io.BytesIO(made.image)) as picture:
        picture.load()
        assert picture.width == picture.height >= 64


def test_a_picture_of_a_model_that_is_elsewhere_is_refused_by_name(client):
    with pytest.raises(grpc.RpcError) as failed:
        client.image.sample(prompt="a sundial", model="grok-imagine-image")
    assert failed.value.code() is grpc.StatusCode.NOT_FOUND
    assert "gnomon-draw" in failed.value.details()


def test_pictures_are_refused_with_the_reason_where_nothing_draws(tmp_path):
    port = free_port()
    with (
        sample_world(tmp_path, draw_model="none") as engine,
        running(engine, xai=("127.0.0.1", port)),
    ):
        opened(port)
        alone = xai_sdk.Client(
            api_key="any", api_host=f"localhost:{port}", use_insecure_channel=True
        )
        assert not alone.models.list_image_generation_models()
        with pytest.raises(grpc.RpcError) as failed:
            alone.image.sample(prompt="a sundial", model="gnomon")
    assert failed.value.code() is grpc.StatusCode.NOT_FOUND
    assert "draw_model" in failed.value.details()


def test_hanging_up_stops_the_model():
    stopped = []

    def slow(question: str) -> Iterator[Event]:
        try:
            while True:
                time.sleep(0.02)
                yield Step("retrieve", "on and on")
        finally:
            stopped.append(question)

    port = free_port()
    with running(Scripted(slow), xai=("127.0.0.1", port)):
        opened(port)
        channel = xai_sdk.Client(
            api_key="any", api_host=f"localhost:{port}", use_insecure_channel=True, timeout=1
        )
        chat = channel.chat.create(model="gnomon", messages=[user("Anything?")])
        with pytest.raises(grpc.RpcError):
            chat.sample()
    assert stopped == ["Anything?"]


def test_the_command_serves_it(tmp_path):
    port = free_port()
    with started(tmp_path, "serve", "--sample", "--port", "0", "--xai-port", str(port)) as process:
        assert process.stdout is not None
        said = [process.stdout.readline(), process.stdout.readline()]
        assert str(port) in said[1]
        client = xai_sdk.Client(
            api_key="any", api_host=f"localhost:{port}", use_insecure_channel=True
        )
        opened(port)
        assert client.models.list_language_models()


def test_a_key_is_asked_for_once_there_is_one(engine):
    kept = Database()
    whole, _ = Keys(kept).create("laptop")
    port = free_port()

    def models(key: str) -> object:
        host = f"localhost:{port}"
        client = xai_sdk.Client(api_key=key, api_host=host, use_insecure_channel=True)
        return client.models.list_language_models()

    with running(engine, database=kept, xai=("127.0.0.1", port)):
        opened(port)
        assert models(whole)
        with pytest.raises(grpc.RpcError) as failed:
            models("gnomon_wrong")
    assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED

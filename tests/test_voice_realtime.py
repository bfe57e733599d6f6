"""A spoken conversation: the real openai client over a real WebSocket. What needs ears is skipped
where there are no weights; all else is held with typed questions and espeak-ng."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
import websockets.exceptions
import websockets.sync.client
from openai.resources.realtime.realtime import RealtimeConnection

from gnomon.assemble import Gnomon
from gnomon.serve.policy import Policy
from gnomon.serve.realtime_ears import WINDOW_MS, Buffer, Ear
from gnomon.serve.realtime_session import Turns
from serving import ENGLISH, answered, running
from voice_world import needs_av, needs_espeak, needs_kokoro, needs_voice, voiced

pytestmark = needs_espeak
SILENCE = bytes(2 * 24_000)


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnomon]:
    with voiced(tmp_path_factory.mktemp("home"), speak_model="espeak-ng") as held:
        yield held


@pytest.fixture(scope="module")
def address(gnomon: Gnomon) -> Iterator[str]:
    with running(gnomon) as url:
        yield url


@pytest.fixture(scope="module")
def question(gnomon: Gnomon) -> str:
    return answered(gnomon, [one for one in ENGLISH if "turnout" in one])


@pytest.fixture
def talk(address: str) -> Iterator[RealtimeConnection]:
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    with client.realtime.connect(model="gpt-realtime") as connection:
        assert connection.recv().type == "session.created"
        yield connection


def until(connection: RealtimeConnection, *kinds: str) -> list[Any]:
    """The events up to the first of ``kinds``, that one last."""
    events = []
    for _ in range(500):
        events.append(connection.recv())
        if events[-1].type in kinds:
            return events
    raise AssertionError([one.type for one in events])


def message(text: str) -> Any:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def test_a_question_is_answered_aloud_with_captions(
    talk: RealtimeConnection, gnomon: Gnomon, question: str
) -> None:
    talk.session.update(session={"type": "realtime", "audio": {"output": {"voice": "espeak"}}})
    assert until(talk, "session.updated")[-1].session.audio.output.voice == "espeak"
    talk.conversation.item.create(item=message(question))
    talk.response.create()
    events = until(talk, "response.done")
    kinds = [one.type for one in events]
    pcm = b"".join(
        base64.b64decode(one.delta) for one in events if one.type == "response.output_audio.delta"
    )
    caption = "".join(
        one.delta for one in events if one.type == "response.output_audio_transcript.delta"
    )
    *_, last = gnomon.ask(question)
    assert all(sentence.text in caption for sentence in last.answer.sentences)
    assert len(pcm) > 2 * 24_000
    # The first sound follows its own sentence's caption, and the items come in OpenAI's order.
    assert kinds.index("response.output_audio_transcript.delta") < kinds.index(
        "response.output_audio.delta"
    )
    order = ["response.created", "response.output_item.added", "response.content_part.added",
             "response.output_audio.done", "response.output_audio_transcript.done",
             "response.content_part.done", "response.output_item.done",
             "response.done"]  # fmt: skip
    assert [kind for kind in kinds if kind in order] == order
    done = events[-1].response
    assert done.status == "completed"
    assert done.output[0].content[0].transcript == caption
    assert done.to_dict()["gnomon"]["answer"]


def test_as_text_alone(talk: RealtimeConnection, question: str) -> None:
    talk.conversation.item.create(item=message(question))
    talk.response.create(response={"output_modalities": ["text"]})
    kinds = [one.type for one in until(talk, "response.done")]
    assert "response.output_text.delta" in kinds
    assert "response.output_audio.delta" not in kinds


def test_an_answer_is_cancelled(talk: RealtimeConnection, question: str) -> None:
    talk.conversation.item.create(item=message(question))
    talk.response.create()
    until(talk, "response.content_part.added")
    talk.response.cancel()
    done = until(talk, "response.done", "error")[-1]
    assert done.type == "response.done"
    assert done.response.status in ("cancelled", "completed")
    talk.response.cancel()
    assert until(talk, "error")[-1].error.code == "response_cancel_not_active"


def test_items_are_kept_found_and_deleted(talk: RealtimeConnection) -> None:
    talk.conversation.item.create(item={**message("First."), "id": "one"})
    talk.conversation.item.create(item=message("Before it."), previous_item_id="root")
    added = until(talk, "conversation.item.done")
    assert added[-1].item.id == "one"
    assert until(talk, "conversation.item.done")[-1].previous_item_id is None
    talk.conversation.item.retrieve(item_id="one")
    assert until(talk, "conversation.item.retrieved")[-1].item.content[0].text == "First."
    talk.conversation.item.delete(item_id="one")
    assert until(talk, "conversation.item.deleted")[-1].item_id == "one"
    talk.conversation.item.retrieve(item_id="one")
    assert until(talk, "error")[-1].error.code == "item_not_found"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "nothing.like.it"}, "unknown_event"),
        ({"type": "response.create"}, "no_question"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
        ({"type": "input_audio_buffer.append", "audio": "%%%"}, "invalid_value"),
        ({"type": "session.update", "session": {"type": "realtime", "tools": [{"type": "x"}]}},
         "unsupported_parameter"),
        ({"type": "session.update", "session": {"audio": {"input": {"format": "mp3"}}}},
         "invalid_value"),
        ({"type": "conversation.item.create", "item": {"type": "function_call"}},
         "unsupported_parameter"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(talk: RealtimeConnection, event: Any, code: str) -> None:
    talk.send({**event, "event_id": "mine"})
    error = until(talk, "error")[-1].error
    assert (error.code, error.event_id) == (code, "mine")
    talk.session.update(session={"type": "realtime"})
    until(talk, "session.updated")  # the conversation goes on


@needs_voice
@needs_kokoro
def test_a_spoken_question_is_heard_and_answered(
    talk: RealtimeConnection, question: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with voiced(tmp_path_factory.mktemp("clear")) as clear:
        pcm = b"".join(piece.pcm for piece in clear.voice.say(question, voice="am_michael"))
    sound = SILENCE[:24_000] + pcm + SILENCE
    for at in range(0, len(sound), 9600):
        piece = base64.b64encode(sound[at : at + 9600]).decode()
        talk.input_audio_buffer.append(audio=piece)
    events = until(talk, "response.done")
    kinds = [one.type for one in events]
    order = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
             "input_audio_buffer.committed", "response.created", "response.done"]  # fmt: skip
    assert [kind for kind in kinds if kind in order] == order
    heard = "conversation.item.input_audio_transcription.completed"
    said = next(one for one in events if one.type == heard)
    assert "turnout" in said.transcript
    assert events[-1].response.status == "completed"


def test_when_somebody_speaks() -> None:
    ear = Ear(Turns(silence_ms=320, prefix_ms=100))
    quiet, loud = [0.02] * 20, [0.9] * 10
    turned = list(ear.listen([*quiet, 0.9, 0.9, *quiet, *loud, 0.4, 0.4, *loud, *quiet]))
    assert [one.began for one in turned] == [True, False]  # two windows are a click
    began = (20 + 2 + 20) * WINDOW_MS - 100
    assert abs(turned[0].at - began) <= WINDOW_MS
    assert turned[1].at == (42 + 22 + 10) * WINDOW_MS


def test_the_buffer_gives_what_lies_between_two_moments() -> None:
    buffer = Buffer(1000)
    buffer.add(b"".join(bytes([n % 250, 0]) for n in range(2000)))
    assert buffer.take(500, 600)[::2] == bytes(n % 250 for n in range(500, 600))
    assert buffer.ms == 1400
    assert buffer.take(700, 702)[::2] == bytes(n % 250 for n in (700, 701))


@needs_av
def test_a_websocket_passes_the_guards(gnomon: Gnomon, address: str) -> None:
    url = address.replace("http", "ws") + "/v1/realtime"

    def refused(url: str, **options: Any) -> int:
        with pytest.raises(websockets.exceptions.InvalidStatus) as caught:
            websockets.sync.client.connect(url, **options)
        return int(caught.value.response.status_code)

    assert refused(url, additional_headers={"Origin": "https://evil.example"}) == 403
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0)) as rebound:
        assert refused("ws://evil.example/v1/realtime", sock=rebound) == 403
    assert refused(f"{url}?key=gnomon_{'a' * 48}") == 400
    assert refused(url.replace("realtime", "elsewhere")) == 403
    with running(gnomon, policy=Policy(multi_user=True)) as locked:
        inside = locked.replace("http", "ws") + "/v1/realtime"
        assert refused(inside) == 401
        assert refused(inside, additional_headers={"Authorization": "Bearer nonsense"}) == 401

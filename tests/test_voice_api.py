"""Speech and transcriptions: the real openai client over a real port, with espeak-ng as the voice
and, where its weights are, the real Whisper."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from gnomon.assemble import Gnomon
from serving import running
from voice_world import needs_av, needs_espeak, needs_kokoro, needs_voice, voiced

pytestmark = needs_espeak
WORDS = "The bridge opens in May. It has two lanes."


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnomon]:
    with voiced(tmp_path_factory.mktemp("home")) as held:
        yield held


@pytest.fixture(scope="module")
def address(gnomon: Gnomon) -> Iterator[str]:
    with running(gnomon) as url:
        yield url


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def said(client: openai.OpenAI) -> bytes:
    """A WAV of WORDS."""
    made = client.audio.speech.create(
        model="tts-1", voice="espeak", input=WORDS, response_format="wav"
    )
    return made.content


# ------------------------------------------------------------------------------- speaking


def test_a_text_is_spoken_and_signed(gnomon: Gnomon, client: openai.OpenAI, said: bytes) -> None:
    with wave.open(io.BytesIO(said)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24_000, 1, 2)
        assert 1.5 < sound.getnframes() / 24_000 < 8
    found = gnomon.provenance.read(said, "audio/wav")
    assert found.state == "trusted"
    assert found.made is not None
    assert (found.made.kind, found.made.model) == ("sound", "espeak-ng")
    assert gnomon.provenance.read(said[:-9] + b"\1" * 9, "audio/wav").state == "invalid"


@needs_av
@pytest.mark.parametrize(
    ("form", "begins", "inside"),
    [("mp3", b"ID3", True), ("flac", b"fLaC", False), ("opus", b"OggS", False),
     ("aac", b"\xff\xf1", False), ("pcm", b"", False)],
)  # fmt: skip
def test_every_format(
    address: str, gnomon: Gnomon, client: openai.OpenAI, form: str, begins: bytes, inside: bool
) -> None:
    made = client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="espeak", input="Hello there.", instructions="Whisper.",
        response_format=form,  # type: ignore[arg-type]
    )  # fmt: skip
    headers = made.response.headers
    assert made.content.startswith(begins)
    assert headers["x-gnomon-ignored"] == "instructions"
    where = headers["x-gnomon-provenance"]
    if inside:
        assert where == "embedded"
        assert gnomon.provenance.read(made.content, headers["content-type"]).state == "trusted"
    else:
        manifest = httpx.get(address + where).content
        assert b"c2pa" in manifest
        assert httpx.get(f"{address}{where}x").status_code == 404


@needs_av
def test_a_long_text_is_heard_from_its_first_sentence(client: openai.OpenAI) -> None:
    text = " ".join(f"This is sentence number {n}." for n in range(6))
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="espeak", input=text, response_format="mp3"
    ) as reply:
        assert reply.headers["x-gnomon-provenance"].startswith("/v1/audio/provenance/")
        assert "content-length" not in reply.headers
        pieces = list(reply.iter_bytes())
    assert len(pieces) > 1
    assert pieces[0].startswith(b"ID3")


def test_speech_as_events(address: str) -> None:
    body = {"input": WORDS, "voice": "espeak", "response_format": "pcm", "stream_format": "sse"}
    with httpx.stream("POST", f"{address}/v1/audio/speech", json=body) as reply:
        lines = [line[6:] for line in reply.iter_lines() if line.startswith("data: ")]
    events = [json.loads(line) for line in lines]
    assert [one["type"] for one in events[:-1]] == ["speech.audio.delta"] * (len(events) - 1)
    assert events[-1]["type"] == "speech.audio.done"
    pcm = b"".join(base64.b64decode(one["audio"]) for one in events[:-1])
    assert len(pcm) > 2 * 24_000


def test_speed(client: openai.OpenAI) -> None:
    def length(speed: float) -> int:
        made = client.audio.speech.create(
            model="tts-1", voice="espeak", input=WORDS, response_format="pcm", speed=speed
        )
        return len(made.content)

    assert length(0.7) > 1.5 * length(1.6)


@pytest.mark.parametrize(
    ("body", "status", "param", "names"),
    [
        ({"input": ""}, 400, "input", "empty"),
        ({"input": "x" * 15_001}, 400, "input", "15,001"),
        ({"input": "..."}, 400, None, "nothing to say"),
        ({"input": "x", "voice": "nobody"}, 400, None, "'nobody'"),
        ({"input": "x", "voice": 3}, 400, "voice", "voice"),
        ({"input": "x", "speed": 9}, 400, "speed", "0.25 to 4"),
        ({"input": "x", "response_format": "ogg"}, 400, "response_format", "'ogg'"),
        ({"input": "x", "stream_format": "udp"}, 400, "stream_format", "'udp'"),
        ({"input": "x", "model": "whisper-xxl"}, 404, "model", "espeak-ng"),
    ],
)
def test_what_cannot_be_said(
    address: str, body: dict[str, object], status: int, param: str | None, names: str
) -> None:
    reply = httpx.post(f"{address}/v1/audio/speech", json=body)
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert error["param"] == param
    assert names in error["message"]


def test_xai_speech(address: str) -> None:
    body = {"text": "Hello [laugh] there.", "voice_id": "espeak", "language": "en",
            "output_format": {"codec": "mulaw", "sample_rate": 8000}}  # fmt: skip
    reply = httpx.post(f"{address}/v1/tts", json=body)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "audio/basic"
    assert 4000 < len(reply.content) < 32_000
    voices = httpx.get(f"{address}/v1/tts/voices").json()["voices"]
    assert "espeak" in [one["voice_id"] for one in voices]
    bad = httpx.post(f"{address}/v1/tts", json={**body, "output_format": {"sample_rate": 1}})
    assert bad.json()["error"]["param"] == "output_format.sample_rate"
    bad = httpx.post(f"{address}/v1/tts", json={**body, "output_format": False})
    assert bad.json()["error"]["param"] == "output_format"


def test_without_a_voice_it_says_how_to_get_one(tmp_path: Path) -> None:
    with voiced(tmp_path, speak_model="none", listen_model="none") as mute, running(mute) as url:
        said = httpx.post(f"{url}/v1/audio/speech", json={"input": "x", "response_format": "wav"})
        assert said.status_code == 501
        assert "gnomon models pull" in said.json()["error"]["message"]
        assert said.headers["x-should-retry"] == "false"


@needs_kokoro
def test_kokoro_speaks_english_and_chinese_each_in_a_fitting_voice(gnomon: Gnomon) -> None:
    pieces = list(gnomon.voice.say("It opens in May. 大桥五月开通。", voice="nova"))
    spoken = [piece for piece in pieces if piece.text]
    assert [piece.voice[:2] for piece in spoken] == ["af", "zf"]
    assert {piece.model for piece in spoken} == {"kokoro-82m-int8"}
    assert all(0.5 < piece.seconds < 6 for piece in spoken)


# ------------------------------------------------------------------------------ listening


@needs_voice
def test_a_sound_is_written_down(client: openai.OpenAI, said: bytes) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=("said.wav", said), response_format="verbose_json",
        timestamp_granularities=["word", "segment"], language="en",
    )  # fmt: skip
    assert "bridge" in heard.text
    assert heard.language == "english"
    assert heard.words is not None
    assert heard.segments is not None
    times = [(word.start, word.end) for word in heard.words]
    assert times == sorted(times)
    assert all(0 <= start <= end <= heard.duration + 0.1 for start, end in times)
    assert {"bridge"} <= {word.word.lower().strip(".,") for word in heard.words}


@needs_voice
def test_every_form_of_a_transcript(client: openai.OpenAI, said: bytes) -> None:
    def heard(form: str) -> str:
        return str(
            client.audio.transcriptions.create(
                model="whisper-base-int8", file=("said.wav", said), response_format=form,  # type: ignore[arg-type, call-overload]
                language="en",
            )
        )  # fmt: skip

    assert heard("text").strip().endswith(".")
    assert heard("srt").startswith("1\n00:00:00,")
    assert heard("vtt").startswith("WEBVTT\n\n00:00:00.")


@needs_voice
def test_a_transcript_as_events(client: openai.OpenAI, said: bytes) -> None:
    events = list(
        client.audio.transcriptions.create(
            model="whisper-1", file=("said.wav", said), stream=True, language="en"
        )
    )
    deltas = "".join(one.delta for one in events if one.type == "transcript.text.delta")
    assert events[-1].type == "transcript.text.done"
    assert deltas == events[-1].text


@needs_voice
def test_xai_and_translation(address: str, client: openai.OpenAI, said: bytes) -> None:
    reply = httpx.post(f"{address}/v1/stt", files={"file": ("a.wav", said)}, timeout=60).json()
    assert reply["words"][0]["start"] >= 0
    assert reply["language"] == "English"
    refused = httpx.post(
        f"{address}/v1/stt", files={"file": ("a.wav", said)}, data={"url": "https://x.example/a"}
    )
    assert refused.json()["error"]["param"] == "url"


@needs_voice
def test_nobody_speaks(address: str, gnomon: Gnomon) -> None:
    """Silence, noise and music come out empty, and say why: nothing is made up."""
    import numpy as np

    at = np.arange(8 * 16_000) / 16_000
    noise = np.random.default_rng(7).normal(0, 0.2, at.size)
    chord = sum(np.sin(2 * np.pi * f * at) for f in (220.0, 277.2, 329.6)) / 4
    beat = np.exp(-((at * 2) % 1) * 6) * np.sin(2 * np.pi * 110 * at) / 2
    for sound in (0 * at, noise, chord * (0.6 + 0.4 * np.sin(4 * np.pi * at)), chord / 2 + beat):
        pcm = (np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes()
        file = gnomon.voice.file(pcm, "wav", 16_000)
        reply = httpx.post(
            f"{address}/v1/audio/transcriptions", files={"file": ("a.wav", file)}, timeout=60
        )
        assert reply.json()["text"] == ""
        assert "Nobody speaks" in reply.json()["gnomon"]["note"]


@needs_av
@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("response_format", "diarized_json", "response_format"),
        ("response_format", "docx", "response_format"),
        ("timestamp_granularities[]", "letter", "timestamp_granularities"),
        ("temperature", "hot", "temperature"),
    ],
)
def test_what_cannot_be_asked(
    address: str, said: bytes, field: str, value: str, param: str
) -> None:
    reply = httpx.post(
        f"{address}/v1/audio/transcriptions", files={"file": ("a.wav", said)}, data={field: value}
    )
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


def test_the_upload_is_gone_afterwards(address: str, gnomon: Gnomon, said: bytes) -> None:
    httpx.post(
        f"{address}/v1/audio/transcriptions", files={"file": ("a.wav", said[:5000])}, timeout=60
    )
    assert not list(gnomon.library.files_dir.glob(".sound-*"))
    assert httpx.post(f"{address}/v1/audio/transcriptions", data={"model": "x"}).status_code == 400

"""Strangers' sound files in their confined process, and sound as numbers."""

from __future__ import annotations

import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from gnomon.errors import GnomonError, InputError, ModelMissing, Unsupported
from gnomon.models import sound
from gnomon.models.espeak import Espeak, samples
from gnomon.sources import sandbox
from gnomon.sources.sounds import READER, decode
from voice_world import needs_av

RATE = 16_000


def tone(seconds: float, rate: int, hertz: float = 440.0) -> bytes:
    at = np.arange(int(seconds * rate)) / rate
    return bytes((np.sin(2 * np.pi * hertz * at) * 12_000).astype("<i2").tobytes())


def wav(pcm: bytes, rate: int, channels: int = 1) -> bytes:
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", len(pcm) + 36, b"WAVE", b"fmt ", 16, 1, channels, rate,
        2 * rate * channels, 2 * channels, 16, b"data", len(pcm),
    ) + pcm  # fmt: skip


def video(*, heard: bool) -> bytes:
    import av

    out = io.BytesIO()
    container = av.open(out, "w", format="mp4")
    pictures = container.add_stream("mpeg4", rate=10)
    pictures.width = pictures.height = 32
    pictures.pix_fmt = "yuv420p"
    voice = container.add_stream("aac", rate=48_000, layout="stereo") if heard else None
    for shade in range(10):
        frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), shade * 20, np.uint8), "rgb24")
        container.mux(pictures.encode(frame))
    container.mux(pictures.encode(None))
    if voice is not None:
        both = np.frombuffer(tone(1, 48_000), "<i2").repeat(2).reshape(1, -1)
        audio = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        audio.sample_rate = 48_000
        container.mux(voice.encode(audio))
        container.mux(voice.encode(None))
    container.close()
    return out.getvalue()


@needs_av
@pytest.mark.parametrize(
    ("rate", "channels"), [(8_000, 1), (48_000, 2), (44_100, 1)], ids=["phone", "studio", "disc"]
)
def test_rates_and_channels(tmp_path: Path, rate: int, channels: int) -> None:
    pcm = np.frombuffer(tone(1, rate), "<i2").repeat(channels).tobytes()
    (tmp_path / "a.wav").write_bytes(wav(pcm, rate, channels))
    found = decode(tmp_path / "a.wav", "a.wav")
    assert (found.rate, found.channels, found.video, found.cut) == (rate, channels, False, "")
    assert abs(found.seconds - 1) < 0.02
    spectrum = np.abs(np.fft.rfft(np.frombuffer(found.pcm, "<i2")))
    assert abs(int(spectrum.argmax()) / found.seconds - 440) < 3


@needs_av
def test_a_video_with_sound_is_heard_and_one_without_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(video(heard=True))
    found = decode(tmp_path / "a.mp4", "a.mp4")
    assert found.video
    assert 0.9 < found.seconds < 1.2
    (tmp_path / "b.mp4").write_bytes(video(heard=False))
    with pytest.raises(Unsupported, match="video without sound"):
        decode(tmp_path / "b.mp4", "b.mp4")
    (tmp_path / "c.mp4").write_bytes(video(heard=True)[:400])
    with pytest.raises(InputError, match="cut off"):
        decode(tmp_path / "c.mp4", "c.mp4")


# A tenth of a second of silence in a container that FFmpeg knows and that is not on our list.
VOC = (b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x010A, 0x1129)
       + b"\x01" + (802).to_bytes(3, "little") + b"\x83\x00" + b"\x80" * 800 + b"\x00")  # fmt: skip


@needs_av
@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", InputError, "empty"),
        (b"this is a text\n" * 50, Unsupported, "no sound file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), Unsupported, "no sound file"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", Unsupported, "no sound file"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", Unsupported, "no sound file"),
        (VOC, Unsupported, "no sound file"),
        (wav(b"", RATE), InputError, "no sound that can be decoded"),
        (wav(tone(3, RATE), RATE), InputError, "0:00:03"),
    ],
    ids=["empty", "text", "picture", "playlist", "concat", "not listed", "head", "long"],
)
def test_what_is_no_sound_says_so(
    tmp_path: Path, data: bytes, kind: type[GnomonError], says: str
) -> None:
    (tmp_path / "x.wav").write_bytes(data)
    with pytest.raises(kind, match=says) as caught:
        decode(tmp_path / "x.wav", "x.wav", most_s=2)
    assert "'x.wav'" in str(caught.value)
    assert "/etc" not in str(caught.value)


@needs_av
def test_a_file_that_was_cut_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = wav(tone(4, RATE), RATE)
    (tmp_path / "x.wav").write_bytes(whole[: len(whole) // 2])
    found = decode(tmp_path / "x.wav", "x.wav")
    assert 1.8 < found.seconds < 2.1
    assert "2.0 s of 4.0 s" in found.cut


@needs_av
def test_the_process_is_fenced(tmp_path: Path) -> None:
    """What decodes has put its fences up before it reads a byte (``test_sandbox`` tries them)."""
    (tmp_path / "x.wav").write_bytes(wav(tone(0.2, RATE), RATE))
    asked = {"most_s": 9, "cpu_s": 10, "memory_bytes": 2**31}
    with (tmp_path / "x.wav").open("rb") as file:
        answer, code, late = sandbox.run(READER, file, json.dumps(asked), sandbox.STANDARD)
    fences = json.loads(answer.partition(b"\n")[0])["fences"]
    assert {"limits", "hook"} <= set(fences)
    assert (code, late) == (0, False)
    if sys.platform == "linux":
        assert "seccomp" in fences


# ------------------------------------------------------------------------------- as numbers


def test_another_rate_keeps_the_tone_and_lets_nothing_fold_down() -> None:
    for rate, wanted in ((22_050, 24_000), (24_000, 16_000), (8_000, 24_000), (24_000, 8_000)):
        found = np.frombuffer(sound.resampled(tone(0.5, rate, 1000), rate, wanted), "<i2")
        right = np.frombuffer(tone(0.5, wanted, 1000), "<i2")[: len(found)]
        assert np.abs(found[200:-200].astype(int) - right[200:-200]).max() < 12
    high = np.frombuffer(sound.resampled(tone(0.5, 24_000, 10_500), 24_000, 16_000), "<i2")
    assert np.abs(high[400:-400].astype(int)).max() < 40


def test_the_telephones_laws() -> None:
    pcm = tone(0.1, 8_000)
    for law in ("mulaw", "alaw"):
        sounds = sound.Sounds()
        made = b"".join(sounds.encode([pcm], law, 8_000))
        back = np.frombuffer(sound.expanded(made, law), "<i2").astype(int)
        assert len(made) == len(pcm) // 2
        assert np.abs(back - np.frombuffer(pcm, "<i2")).max() <= 256
    # G.711's own ends: https://www.itu.int/rec/T-REC-G.711
    assert sound.expanded_table("mulaw")[0x00] == -32_124
    assert sound.expanded_table("alaw")[0xD5] == 8


def test_a_pipes_lengths_are_not_believed() -> None:
    assert samples(sound.wav_head(22_050) + b"\1\0" * 10) == (b"\1\0" * 10, 22_050)
    assert samples(b"no wave") == (b"", 24_000)


def test_without_espeak_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ModelMissing, match="apt install espeak-ng"):
        Espeak()

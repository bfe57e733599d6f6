"""llama.cpp in its worker process, with a real model: conformance, and every way to end badly."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gnomon.errors import ModelError, ModelMissing, ModelTimeout
from gnomon.models import process
from gnomon.models.llamacpp import LlamaChat
from gnomon.models.protocols import Message
from model_conformance import ASK, COLOURS, ChatConformance
from model_files import smollm2

LONG = [Message("user", "Tell a very long story about a river and everyone who lives by it.")]


@pytest.fixture(scope="module")
def loaded():
    chat = LlamaChat(smollm2(), context_tokens=1024, threads=2, slots=2)
    yield chat
    chat.close()


class TestLlamaChat(ChatConformance):
    @pytest.fixture
    def chat(self, loaded):
        return loaded


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def within(seconds: float, condition) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


def test_a_crash_is_an_error_and_the_next_call_starts_again(loaded):
    stream = loaded.stream(LONG, max_tokens=800)
    next(stream)
    before = loaded.worker.pid
    os.kill(before, signal.SIGKILL)
    with pytest.raises(ModelError, match=r"stopped in the middle.*exit status -9"):
        list(stream)
    assert loaded.complete(ASK, max_tokens=4).text
    assert loaded.worker.pid != before


def test_a_deadline_ends_the_call_and_the_work(loaded):
    loaded.warm()
    started = time.monotonic()
    with pytest.raises(ModelTimeout, match=r"did not finish within 0\.3 s"):
        loaded.complete(LONG, max_tokens=900, timeout_s=0.3)
    assert time.monotonic() - started < 1.0
    assert within(5.0, lambda: not loaded.worker._run.busy), "the worker still generates"


def test_closing_a_stream_stops_the_generation(loaded):
    stream = loaded.stream(LONG, max_tokens=900)
    next(stream)
    assert loaded.worker._run.busy
    stream.close()
    assert within(5.0, lambda: not loaded.worker._run.busy), "the worker still generates"


def test_a_third_request_waits_its_turn_and_gives_up_in_time(loaded):
    streams = [loaded.stream(LONG, max_tokens=900) for _ in range(2)]
    for stream in streams:
        next(stream)
    with pytest.raises(ModelTimeout, match="busy with other requests"):
        loaded.complete(ASK, max_tokens=2, timeout_s=0.3)
    streams[0].close()
    assert loaded.complete(ASK, max_tokens=2, timeout_s=20).text
    streams[1].close()


def test_those_who_wait_hear_of_a_crash_at_once(loaded):
    streams = [loaded.stream(LONG, max_tokens=900) for _ in range(2)]
    for stream in streams:
        next(stream)
    killer = threading.Timer(0.3, os.kill, (loaded.worker.pid, signal.SIGKILL))
    killer.start()
    started = time.monotonic()
    with pytest.raises(ModelError, match="stopped in the middle"):
        loaded.complete(ASK, max_tokens=2, timeout_s=30)
    assert time.monotonic() - started < 5.0
    for stream in streams:
        with pytest.raises(ModelError, match="stopped in the middle"):
            list(stream)


def test_a_worker_that_hangs_is_ended_and_replaced(loaded, monkeypatch):
    monkeypatch.setattr(process, "CANCEL_GRACE_S", 0.5)
    loaded.warm()
    hung = loaded.worker.pid
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(ModelTimeout):
        loaded.complete(ASK, max_tokens=4, timeout_s=0.3)
    assert within(5.0, lambda: loaded.worker.pid is None)
    assert within(5.0, lambda: not alive(hung))
    assert loaded.complete(ASK, max_tokens=4).text


def test_json_that_does_not_fit_into_max_tokens_says_so(loaded):
    with pytest.raises(ModelError, match="cut off after 4 tokens"):
        loaded.complete(ASK, max_tokens=4, schema=COLOURS)


def test_json_is_one_line_so_that_no_token_goes_into_whitespace(loaded):
    text = loaded.complete(ASK, max_tokens=100, schema=COLOURS).text
    assert text == json.dumps(json.loads(text), ensure_ascii=False)


def test_a_post_cannot_speak_as_the_system(loaded):
    """Control tokens in a message are read as the many characters they are."""
    token = "<|im_end|>"
    assert loaded.complete([Message("user", token * 30)], max_tokens=1).prompt_tokens > 30 * 4


def test_the_listener_of_the_runtime_lets_nobody_in(loaded):
    address = loaded.worker.start(30)["listening"]
    assert address.startswith("http://127.0.0.1:")
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}).encode()
    for path in ("/v1/chat/completions", "/completion", "/v1/embeddings"):
        request = urllib.request.Request(address + path, data=body)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)
        assert refused.value.code == 401


def test_the_worker_sees_no_setting_of_ours_and_does_not_spin(monkeypatch):
    monkeypatch.setenv("GNOMON_CHAT_URL_KEY", "secret")
    env = process.environment(threads=3)
    assert not [name for name in env if name.startswith("GNOMON_")]
    assert env["OMP_WAIT_POLICY"] == "passive"
    assert env["OMP_NUM_THREADS"] == "3"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("busy", [False, True])
def test_the_worker_leaves_with_its_parent(busy):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from gnomon.models.llamacpp import LlamaChat\n"
        "from gnomon.models.protocols import Message\n"
        "chat = LlamaChat(Path(sys.argv[1]), context_tokens=1024)\n"
        "chat.warm()\n"
        "stream = chat.stream([Message('user', 'Tell a long story.')], max_tokens=900)\n"
        "if sys.argv[2] == 'True': next(stream)\n"
        "print(chat.worker.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(smollm2()), str(busy)],
        stdout=subprocess.PIPE,
        env=process.environment(2),
    )
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert within(5.0, lambda: not alive(pid))


def test_idle_models_are_unloaded_and_come_back():
    chat = LlamaChat(smollm2(), context_tokens=512, slots=1, idle_s=0.5)
    assert chat.complete(ASK, max_tokens=2).text
    assert chat.worker.pid is not None
    assert within(5.0, lambda: chat.worker.pid is None)
    assert chat.complete(ASK, max_tokens=2).text
    chat.close()
    assert chat.worker.pid is None


def test_no_file_and_no_gguf(tmp_path):
    with pytest.raises(ModelMissing, match=r"No model file at .*nowhere\.gguf"):
        LlamaChat(tmp_path / "nowhere.gguf")
    page = tmp_path / "page.gguf"
    page.write_bytes(b"<html>not found</html>")
    with pytest.raises(ModelError, match=r"page\.gguf' is no GGUF file.*b'<htm'"):
        LlamaChat(page)
    with pytest.raises(ModelError, match="cannot be read"):
        LlamaChat(tmp_path)


@pytest.mark.parametrize("damage", ["cut short", "garbage"])
def test_a_damaged_file_says_what_the_runtime_said(tmp_path, damage):
    whole = smollm2()
    bad = tmp_path / "bad.gguf"
    with whole.open("rb") as file:
        head = file.read(20_000_000 if damage == "cut short" else 4000)
    noise = b"" if damage == "cut short" else random.Random(1).randbytes(50_000)
    bad.write_bytes(head + noise)
    chat = LlamaChat(bad)
    with pytest.raises(ModelError, match=r"bad cannot be loaded.*last words.*(corrupt|failed)"):
        chat.complete(ASK, max_tokens=2)
    started = time.monotonic()
    with pytest.raises(ModelError, match="bad cannot be loaded"):
        chat.complete(ASK, max_tokens=2)
    assert time.monotonic() - started < 0.1, "it loads a broken file again for each request"
    chat.close()

"""An OpenAI-compatible URL: a real model behind a real port, and a server that misbehaves."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gnomon.errors import ConfigError, ModelError, ModelTimeout
from gnomon.models.llamacpp import LlamaChat
from gnomon.models.openai_url import UrlChat
from gnomon.models.protocols import Message
from model_conformance import ASK, COLOURS, ChatConformance
from model_files import smollm2

KEY = "sk-very-secret-0123456789"


class Server(ThreadingHTTPServer):
    """``reply(body)`` returns (status, body) or, for a stream, (200, iterable of frames)."""

    daemon_threads = True

    def __init__(self, reply):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply, self.asked, self.headers = reply, [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """A client that has heard enough hangs up."""


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self._send(200, {"data": [{"id": "first"}, {"id": "second"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.headers.append(dict(self.headers))
        status, answer, *more = self.server.reply(body)
        if status == 200 and not isinstance(answer, dict | str | bytes):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for frame in answer:
                self.wfile.write(frame)
                self.wfile.flush()
            return
        self._send(status, answer, *more)

    def _send(self, status, answer, headers=None):
        raw = json.dumps(answer).encode() if isinstance(answer, dict) else answer
        raw = raw.encode() if isinstance(raw, str) else raw
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


def completion(text, finish="stop", n=3):
    return {
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": n},
    }


def event(text):
    delta = {"choices": [{"delta": {"content": text}}]}
    return f"data: {json.dumps(delta)}\n\n".encode()


@pytest.fixture
def server():
    """A function from a reply to a (server, chat) pair."""
    opened = []

    def serve(reply, **options):
        one = Server(reply)
        chat = UrlChat(one.url, **{"model": "m", "key": KEY, **options})
        opened.append((one, chat))
        return one, chat

    yield serve
    for one, chat in opened:
        chat.close()
        one.shutdown()
        one.server_close()


def front(model):
    """SmolLM2 through our own worker, as an OpenAI-compatible server would show it."""

    def reply(body):
        asked = [Message(m["role"], m["content"]) for m in body["messages"]]
        options = {
            "max_tokens": body["max_tokens"],
            "temperature": body["temperature"],
            "stop": body.get("stop", ()),
        }
        if body.get("stream"):
            return 200, (event(piece) for piece in model.stream(asked, **options))
        wanted = body.get("response_format")
        try:
            done = model.complete(
                asked, **options, schema=wanted and wanted["json_schema"]["schema"]
            )
        except ModelError as error:
            return 400, {"error": {"message": str(error)}}
        usage = {
            "prompt_tokens": done.prompt_tokens,
            "completion_tokens": done.completion_tokens,
        }
        return 200, {**completion(done.text, done.finish), "usage": usage}

    return reply


@pytest.fixture(scope="module")
def real():
    model = LlamaChat(smollm2(), context_tokens=1024)
    yield model
    model.close()


class TestUrlChat(ChatConformance):
    @pytest.fixture
    def chat(self, real, server):
        return server(front(real), context_tokens=1024)[1]


def test_hanging_up_frees_the_model_behind_it(real, server):
    chat = server(front(real))[1]
    stream = chat.stream([Message("user", "Tell a very long story.")], max_tokens=900)
    next(stream)
    assert real.worker._run.busy
    stream.close()
    end = time.monotonic() + 5
    while real.worker._run.busy and time.monotonic() < end:
        time.sleep(0.05)
    assert not real.worker._run.busy


def test_what_goes_over_the_wire(server):
    one, chat = server(lambda body: (200, completion("hi")))
    done = chat.complete(ASK, max_tokens=7, temperature=0.5, stop=["x"])
    assert (done.text, done.finish, done.prompt_tokens, done.completion_tokens) == (
        *("hi", "stop", 5, 3),
    )
    assert one.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert one.asked == [
        {
            "model": "m",
            "messages": [{"role": m.role, "content": m.content} for m in ASK],
            "max_tokens": 7,
            "temperature": 0.5,
            "stop": ["x"],
        }
    ]


def test_without_a_model_name_the_first_listed_is_asked(server):
    one, chat = server(lambda body: (200, completion("hi")), model="")
    chat.complete(ASK)
    assert one.asked[0]["model"] == "first"
    assert chat.name == f"first at {one.url}"


def test_a_server_that_refuses_response_format_is_asked_in_words(server):
    good = json.dumps({"colours": ["red"], "sure": "no", "count": 1})

    def reply(body):
        if "response_format" in body:
            return 400, {"error": {"message": "response_format is not supported"}}
        return 200, completion(f"```json\n{good}\n```")

    one, chat = server(reply)
    assert chat.complete(ASK, schema=COLOURS).text == good
    assert "JSON Schema" in one.asked[1]["messages"][-1]["content"]
    assert chat.complete(ASK, schema=COLOURS).text == good
    assert len(one.asked) == 3, "it is not tried again each time"


def test_json_that_does_not_fit_is_asked_for_once_more(server):
    replies = ["no JSON at all", '{"colours": []}', '{"colours":["a"],"sure":"no","count":2}']
    one, chat = server(lambda body: (200, completion(replies[len(one.asked) - 1])))
    assert chat.complete(ASK, schema=COLOURS).text == replies[-1]
    assert "lacks 'sure'" in one.asked[-1]["messages"][-1]["content"]
    two, stubborn = server(lambda body: (200, completion("never")))
    with pytest.raises(ModelError, match="does not keep to the schema"):
        stubborn.complete(ASK, schema=COLOURS)
    assert len(two.asked) == 3


def test_busy_servers_are_tried_again_as_they_ask(server):
    answers = [(429, "slow down", {"Retry-After": "0.2"}), (503, "warming up")]
    one, chat = server(lambda body: answers.pop(0) if answers else (200, completion("hi")))
    started = time.monotonic()
    assert chat.complete(ASK).text == "hi"
    assert time.monotonic() - started > 0.2
    assert len(one.asked) == 3
    two, never = server(lambda body: (429, "no", {"Retry-After": "3600"}))
    with pytest.raises(ModelTimeout, match=r"tried again in 3600 s.*past the deadline"):
        never.complete(ASK, timeout_s=5)
    assert len(two.asked) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "set chat_url_key"), (404, "has no 'm'"), (400, "HTTP 400"), (302, "HTTP 302")],
)
def test_refusals_name_the_next_step_and_never_the_key(server, status, words):
    one, chat = server(lambda body: (status, {"error": f"bad key {KEY}"}, {"Location": "http://x"}))
    with pytest.raises(ModelError, match=words) as refused:
        chat.complete(ASK)
    assert KEY not in str(refused.value)
    assert KEY not in repr(chat)
    assert KEY not in chat.name
    assert len(one.asked) == 1


def test_a_reply_that_is_no_completion_says_what_came(server):
    for answer in ("<html>hello</html>", {"choices": []}, {"choices": None}, "", "[]"):
        chat = server(lambda body, answer=answer: (200, answer))[1]
        with pytest.raises(ModelError, match="no chat completion"):
            chat.complete(ASK)


def test_a_slow_reply_meets_the_deadline_even_if_it_trickles(server):
    def trickle():
        for _ in range(100):
            time.sleep(0.1)
            yield event("word ")

    chat = server(lambda body: (200, trickle()))[1]
    started = time.monotonic()
    with pytest.raises(ModelTimeout):
        list(chat.stream(ASK, timeout_s=0.6))
    silent = server(lambda body: time.sleep(3) or (200, completion("late")))[1]
    with pytest.raises(ModelTimeout):
        silent.complete(ASK, timeout_s=0.4)
    assert time.monotonic() - started < 2.0


def test_a_stream_in_odd_pieces_and_its_errors(server):
    whole = b": ping\r\n\r\n" + event("Zürich ") + b"event: x\ndata: {}\n\n" + event("日本")
    odd = [whole[i : i + 3] for i in range(0, len(whole), 3)]
    chat = server(lambda body: (200, [*odd, b"\ndata: [DONE]\n\n", event("never")]))[1]
    assert "".join(chat.stream(ASK)) == "Zürich 日本"
    broken = [event("a"), b'data: {"error": "out of memory"}\n\n']
    with pytest.raises(ModelError, match="broke off: out of memory"):
        list(server(lambda body: (200, broken))[1].stream(ASK))
    with pytest.raises(ModelError, match="no JSON"):
        list(server(lambda body: (200, [b"data: {oops\n\n"]))[1].stream(ASK))


def test_closing_the_stream_hangs_up(server):
    gone = threading.Event()

    def endless():
        try:
            while True:
                yield event("word " * 200)
        finally:
            gone.set()

    stream = server(lambda body: (200, endless()))[1].stream(ASK)
    next(stream)
    stream.close()
    assert gone.wait(5)


def test_nobody_there_and_no_url():
    chat = UrlChat("http://127.0.0.1:9/v1", model="m", key=KEY)
    with pytest.raises(ModelError, match=r"http://127\.0\.0\.1:9/v1 cannot be used.*running"):
        chat.complete(ASK)
    for wrong in ("localhost:8000", "ftp://x/v1", "http://", "http://[::"):
        with pytest.raises(ConfigError, match="chat_model is"):
            UrlChat(wrong)
    shown = UrlChat("http://user:password@127.0.0.1:9/v1?token=t", model="m").name
    assert "password" not in shown
    assert "token" not in shown

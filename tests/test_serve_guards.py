"""What every request passes: names, origins, sizes, headers, errors, and what is never logged."""

from __future__ import annotations

import http.client
import logging
import socket
import statistics
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from gnomon.errors import ConfigError, GnomonError, InputError
from gnomon.serve import app
from gnomon.types import Event, Step
from serving import Scripted, running

SECRET = "whispering-walnut"


def ask(question: str) -> Iterator[Event]:
    if "bug" in question:
        raise KeyError(question)
    if "unusable" in question:
        raise InputError("The question cannot be used.")
    yield Step("plan", "", {})
    if "late" in question:
        raise GnomonError("The disk went away.")
    raise ValueError(question)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Scripted(ask)) as url:
        yield url


def with_host(url: str, host: str, path: str = "/v1/status") -> int:
    address = urlsplit(url)
    assert address.hostname
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "0.0.0.0",
        "192.168.1.4:8080",
    ],
)
@pytest.mark.parametrize("path", ["/", "/v1/status", "/v1/nothing"])
def test_a_rebound_name_is_refused(url: str, host: str, path: str) -> None:
    assert with_host(url, host, path) == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080"])
def test_loopback_names_are_answered(url: str, host: str) -> None:
    assert with_host(url, host) == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_another_origin_is_refused_and_cors_stays_closed(url: str, origin: str) -> None:
    headers = {"origin": origin, "content-type": "text/plain"}
    answer = httpx.post(f"{url}/v1/ask", content='{"question":"x"}', headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden_origin"
    preflight = httpx.options(
        f"{url}/v1/ask", headers=headers | {"access-control-request-method": "POST"}
    )
    assert not [name for name in preflight.headers if name.startswith("access-control-")]
    assert httpx.get(f"{url}/v1/status", headers={"origin": url}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/v1/status", "/v1/nothing", "/posts/a"])
def test_every_answer_carries_the_guarding_headers(url: str, path: str) -> None:
    headers = httpx.get(url + path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-request-id"].startswith("req_")
    assert headers["cache-control"] in ("no-store", "no-cache")


def test_bodies_are_bounded(url: str) -> None:
    large = b'{"question":"' + b"x" * 1_000_001 + b'"}'
    assert httpx.post(f"{url}/v1/ask", content=large).status_code == 413
    # Without a length the body is counted as it comes.
    chunks = (b"x" * 100_000 for _ in range(11))
    assert httpx.post(f"{url}/v1/ask", content=chunks).status_code == 413


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "3", '{"question":' + "[" * 40 + "]" * 40 + "}", "[" * 5000, "\xff"]
)
def test_bodies_that_cannot_be_used_are_told_why(url: str, body: str) -> None:
    for path in ("/v1/ask", "/v1/responses", "/v1/chat/completions"):
        answer = httpx.post(url + path, content=body.encode("latin-1"))
        assert answer.status_code == 400
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_depth_is_bounded(url: str) -> None:
    for levels, code in ((29, "invalid_input"), (40, "invalid_json")):
        body = '{"question":"unusable","ignored":' + "[" * levels + "]" * levels + "}"
        answer = httpx.post(f"{url}/v1/ask", content=body)
        assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/page/../../pyproject.toml", 404),
        ("GET", "/page/%2e%2e/app.py", 404),
        ("GET", "/v1/ask", 405),
        ("DELETE", "/v1/status", 405),
        ("GET", "/v1/posts/no%2Fsuch", 404),
        ("GET", "/v1/answers/no", 404),
        ("GET", "/v1/models/gpt", 404),
        ("GET", "/v1/search", 400),
        ("GET", "/v1/search?q=x&k=0", 400),
        ("GET", "/v1/search?q=x&since=soon", 400),
    ],
)
def test_errors_have_one_shape(url: str, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, url + path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"].endswith(".")


def test_a_bug_is_told_by_its_id_only_and_words_are_never_logged(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = httpx.post(f"{url}/v1/ask", json={"question": f"bug {SECRET}"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]
    assert SECRET not in answer.text
    httpx.get(f"{url}/v1/search", params={"q": SECRET})
    httpx.get(f"{url}/v1/posts/{SECRET}")
    httpx.post(f"{url}/v1/ask", json={"question": SECRET})
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    assert any("KeyError" in record.getMessage() for record in ours)
    assert not [record.getMessage() for record in ours if SECRET in record.getMessage()]
    assert not [record for record in ours if record.exc_info]


def test_an_error_before_the_first_event_has_a_status_and_one_after_it_ends_the_stream(
    url: str,
) -> None:
    early = httpx.post(f"{url}/v1/ask", json={"question": "unusable"})
    assert early.status_code == 400
    late = httpx.post(f"{url}/v1/ask", json={"question": "late"})
    assert late.status_code == 200
    assert "event: error" in late.text
    assert "The disk went away." in late.text
    body = {"input": "late", "stream": True}
    events = httpx.post(f"{url}/v1/responses", json=body).text
    assert events.index("event: error") < events.index("event: response.failed")
    assert events.endswith("data: [DONE]\n\n")
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        message: Any = {"role": "user", "content": "late"}
        chunks = client.chat.completions.create(model="gnomon", messages=[message], stream=True)
        with pytest.raises(openai.APIError, match="The disk went away"):
            list(chunks)
        with client.responses.stream(model="gnomon", input="late") as stream:
            seen = list(stream)
    assert [event.type for event in seen[-2:]] == ["error", "response.failed"]
    assert seen[-1].response.error.message == "The disk went away."


def test_other_machines_are_refused_until_there_are_keys() -> None:
    for host in ("0.0.0.0", "192.168.1.4", "::", "example.org", ""):
        with pytest.raises(ConfigError, match=r"no keys yet; use 127\.0\.0\.1"):
            app.listen(host, 0)


def test_a_port_in_use_is_told_with_the_next_step() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"Port {port} .* is in use; .*--port"):
            app.listen("127.0.0.1", port)


def test_a_kept_connection_answers_at_once(url: str) -> None:
    """Not after the 40 ms of a delayed acknowledgement (RFC 896, RFC 1122 4.2.3.2)."""
    with httpx.Client(base_url=url) as client:
        client.get("/health")
        took_s = []
        for _ in range(21):
            began = time.perf_counter()
            client.get("/health")
            took_s.append(time.perf_counter() - began)
    assert statistics.median(took_s) < 0.03

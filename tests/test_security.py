"""Attacks, tried over a real port. SECURITY.md's table names each; each fails without its guard."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import json
import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import argon2
import httpx
import pytest
from starlette.routing import Mount, Route, WebSocketRoute

from gnomon.assemble import open_sample
from gnomon.config import load
from gnomon.errors import ConfigError
from gnomon.serve import app, keys, logs, users
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.serve.policy import Policy
from gnomon.serve.users import Users
from gnomon.types import Event, Step
from serving import Scripted, running
from source_servers import http_server

ROOT = Path(__file__).parent.parent
SECRET = "whispering-walnut"
PASSWORD = "otter lantern basalt plum"


def ask(question: str) -> Iterator[Event]:
    yield Step("plan", "", {})
    raise ValueError(question)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.db"


def raw(url: str, request: bytes) -> tuple[int, bytes]:
    """What a client gets that writes its own bytes."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


# -- every route asks who it is -------------------------------------------------------------------
PUBLIC = re.compile(r"/|/page/[\w.-]+|/posts/.*|/health|/ready|/v1/session(/.*)?")
"""What anybody may have: the page's own files, two words of health, and the way in."""

ASKING = re.compile(
    r"/v1/(responses|chat/completions|completions|embeddings|moderations|ask|verify|history"
    r"|conversations|digests|images|audio|tts|stt|realtime|videos|content_provenance_checks"
    r"|receipts|skills|quiz)(/.*)?"
    r"|/v1/search|/v1/vector_stores/[^/]+/search|/mcp(/.*)?"
)
"""Where "ask" is enough for a method that is not GET: the model works, or one's own things go."""


def every_route() -> list[tuple[str, str]]:
    """(method, address) of everything that the server has, with parameters filled in."""
    found = []
    for route in app.create_app(Scripted(ask)).routes:
        if isinstance(route, Mount):
            found += [(method, f"{route.path}/x") for method in ("GET", "POST")]
            continue
        if isinstance(route, WebSocketRoute):
            continue  # test_websockets_are_closed and test_voice_realtime.py try these
        assert isinstance(route, Route), route
        address = re.sub(r"\{[^}]+\}", "x", route.path)
        found += [(method, address) for method in sorted(route.methods or ())]
    return found


def test_a_route_that_forgets_to_ask_is_closed(path: Path) -> None:
    held = Keys(Database(path))
    asks, _ = held.create(scopes=["ask"])
    writes, _ = held.create(scopes=["write"])
    routes = every_route()
    assert len(routes) > 30
    policy = Policy(requests_per_minute_address=0, requests_per_minute=0)
    wrong: list[tuple[str, str, str, int]] = []
    server = running(Scripted(ask), database=Database(path), policy=policy)
    with server as url, httpx.Client(base_url=url, timeout=20) as client:

        def status(method: str, address: str, key: str = "") -> int:
            headers = bearer(key) if key else {}
            return client.request(method, address, headers=headers, content=b"!").status_code

        for method, address in routes:
            if PUBLIC.fullmatch(address):
                continue
            if (got := status(method, address)) != 401:
                wrong.append(("without a key", method, address, got))
            if method in ("GET", "HEAD") or ASKING.fullmatch(address):
                if (got := status(method, address, writes)) != 403:
                    wrong.append(("without 'ask'", method, address, got))
            elif (got := status(method, address, asks)) != 403:
                wrong.append(("with 'ask' alone", method, address, got))
    assert not wrong


def test_an_address_that_is_nowhere_asks_too(path: Path) -> None:
    """So that nobody learns without a key which addresses there are."""
    Keys(Database(path)).create()
    with running(Scripted(ask), database=Database(path)) as url:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"):
            assert httpx.request(method, f"{url}/v1/nothing").status_code == 401
        assert httpx.get(f"{url}//v1/status").status_code == 401
        assert httpx.get(f"{url}/V1/status").status_code == 401
        for odd in ("/page/../v1/status", "/page/%2e%2e/v1/status", "/posts/../v1/status",
                    "/health/../v1/status", "/v1/session/../status"):  # fmt: skip
            code, body = raw(url, f"GET {odd} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert b'"posts":' not in body
            assert code in (200, 401, 404), odd


def test_websockets_are_closed(path: Path) -> None:
    """They pass the guards before anything (and test_voice_realtime.py); where nothing speaks them
    they are closed."""
    made = app.create_app(Scripted(ask))
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/v1/status", "headers": [], "query_string": b""}
    asyncio.run(made(scope, receive, send))
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 403)
    sent.clear()
    named = {**scope, "headers": [(b"host", b"localhost")], "subprotocols": []}
    asyncio.run(made(named, receive, send))
    assert [(one["type"], one["code"]) for one in sent] == [("websocket.close", 1000)]
    Keys(Database(path)).create()
    with running(Scripted(ask), database=Database(path)) as url:
        code, _ = raw(
            url,
            b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        )
        assert code == 401


# -- names and origins ----------------------------------------------------------------------------
def test_a_rebound_name_is_refused_where_others_may_come_too(path: Path) -> None:
    whole, _ = Keys(Database(path)).create()
    policy = Policy(exposed=True, hosts=("gnomon.lan",))
    with running(Scripted(ask), database=Database(path), policy=policy) as url:
        port = urlsplit(url).port
        for host, expected in (
            ("evil.example", 403),
            ("192.0.2.1", 403),
            (f"127.0.0.1:{port}", 200),
            ("gnomon.lan", 200),
            (f"GNOMON.lan:{port}", 200),
            ("gnomon.lan.evil.example", 403),
        ):
            answer = httpx.get(f"{url}/v1/status", headers=bearer(whole) | {"host": host})
            assert answer.status_code == expected, host
        assert httpx.get(f"{url}/", headers={"host": "evil.example"}).status_code == 403
        two = b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
        assert raw(url, two)[0] in (400, 403)


def test_listed_origins_may_call_with_a_key_and_nobody_else(path: Path) -> None:
    whole, _ = Keys(Database(path)).create()
    policy = Policy(origins=("https://app.example.org",))
    with running(Scripted(ask), database=Database(path), policy=policy) as url:
        asked = {"access-control-request-method": "POST",
                 "access-control-request-headers": "authorization,content-type"}  # fmt: skip
        friend = {"origin": "https://app.example.org"}
        preflight = httpx.options(f"{url}/v1/ask", headers=friend | asked)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "https://app.example.org"
        assert "authorization" in preflight.headers["access-control-allow-headers"]
        assert "POST" in preflight.headers["access-control-allow-methods"]
        answer = httpx.get(f"{url}/v1/status", headers=friend | bearer(whole))
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
        assert "origin" in answer.headers["vary"].casefold()
        refused = httpx.get(f"{url}/v1/status", headers=friend)
        assert refused.status_code == 401
        assert "access-control-allow-origin" in refused.headers  # so that the page can read why
        for headers in (preflight.headers, answer.headers):
            assert "access-control-allow-credentials" not in headers
        for other in ("https://app.example.org.evil.example", "http://app.example.org", "null"):
            foreign = {"origin": other} | asked | bearer(whole)
            for method in ("OPTIONS", "GET", "POST"):
                answer = httpx.request(method, f"{url}/v1/status", headers=foreign)
                assert answer.status_code == 403, (method, other)
                assert "access-control-allow-origin" not in answer.headers


def test_another_page_cannot_even_time_what_is_held() -> None:
    """A picture from here in a page elsewhere: unreadable there, and refused before any work."""
    with running(Scripted(ask)) as url:

        def get(address: str, **headers: str) -> int:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            return httpx.get(url + address, headers=given).status_code

        for site in ("cross-site", "same-site"):
            for mode in ("no-cors", "cors", "websocket"):
                code = get("/v1/search?q=x", sec_fetch_site=site, sec_fetch_mode=mode)
                assert code == 403
            assert get("/", sec_fetch_site=site, sec_fetch_mode="navigate") == 200
        assert get("/v1/search?q=x", sec_fetch_site="same-origin", sec_fetch_mode="cors") == 200
        assert get("/v1/search?q=x", sec_fetch_site="none", sec_fetch_mode="navigate") == 200


# -- cookies and other pages ----------------------------------------------------------------------
@pytest.fixture
def signed_in(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A server where Ada is signed in: its address, and her cookie."""
    Users(Database(path)).add("Ada", PASSWORD)
    policy = Policy(multi_user=True, origins=("https://app.example.org",))
    with running(Scripted(ask), database=Database(path), policy=policy) as url:
        body = {"name": "Ada", "password": PASSWORD}
        signed = httpx.post(f"{url}/v1/session", json=body)
        yield url, {"cookie": signed.headers["set-cookie"].partition(";")[0]}


def test_another_page_cannot_spend_a_cookie(signed_in: tuple[str, dict[str, str]]) -> None:
    url, cookie = signed_in

    def post(**headers: str) -> int:
        given = cookie | {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(f"{url}/v1/search", headers=given, content=b"!").status_code

    own = post(origin=url)
    assert own not in (401, 403)
    assert post(sec_fetch_site="same-origin") == own
    assert post() == 403  # no browser's page of ours says nothing
    assert post(origin="https://evil.example") == 403
    assert post(origin="null") == 403
    assert post(origin="http://127.0.0.1:1") == 403  # another port of this machine
    for mode in ("cors", "navigate"):  # a form is a navigation
        for site in ("same-site", "cross-site"):
            sent = post(origin=url, sec_fetch_site=site, sec_fetch_mode=mode)
            assert sent == (401 if mode == "navigate" else 403)
    # A listed origin may call with a key, and does not get the reader's cookie for it.
    assert post(origin="https://app.example.org", sec_fetch_site="cross-site") == 401
    assert post(origin="https://app.example.org") == 401
    linked = {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}
    assert httpx.get(f"{url}/v1/status", headers=cookie | linked).status_code == 401


def test_another_page_cannot_sign_anybody_in_or_out(
    signed_in: tuple[str, dict[str, str]],
) -> None:
    url, cookie = signed_in
    body = {"name": "Ada", "password": PASSWORD}
    for origin in ("https://evil.example", "https://app.example.org", "null"):
        headers = {"origin": origin}
        assert httpx.post(f"{url}/v1/session", json=body, headers=headers).status_code == 403
        out = httpx.delete(f"{url}/v1/session", headers=cookie | headers)
        assert out.status_code == 403
    assert httpx.delete(f"{url}/v1/session", headers=cookie).status_code == 403
    assert httpx.get(f"{url}/v1/status", headers=cookie).status_code == 200


# -- keys -----------------------------------------------------------------------------------------
def test_a_key_in_the_address_is_refused_and_not_obeyed(path: Path) -> None:
    whole, _ = Keys(Database(path)).create()
    with running(Scripted(ask), database=Database(path)) as url:
        for name in ("key", "api_key", "access_token", "token"):
            answer = httpx.get(f"{url}/v1/status", params={name: whole})
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == "key_in_address"
            assert whole not in answer.text
        assert httpx.get(f"{url}/v1/status?api_key=x").status_code == 401


def test_feeds_take_a_key_as_a_password_and_nothing_else_does(path: Path) -> None:
    """What a browser sends by itself must not be worth anything to another page."""
    whole, _ = Keys(Database(path)).create()
    with running(Scripted(ask), database=Database(path)) as url:
        password = ("reader", whole)
        for feed in ("/digests.atom", "/digests.rss"):
            assert httpx.get(url + feed, auth=password).status_code not in (401, 403)
            assert httpx.get(url + feed, auth=("reader", "x")).status_code == 401
            broken = {"authorization": "Basic !"}
            assert httpx.get(url + feed, headers=broken).status_code == 401
        assert httpx.get(f"{url}/v1/status", auth=password).status_code == 401
        assert httpx.post(f"{url}/digests.atom", auth=password).status_code == 401


def test_keys_are_compared_in_constant_time_known_or_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Keys(Database(path))
    whole, _ = held.create()
    other = Keys(Database()).create()[0]
    compared: list[tuple[bytes, bytes]] = []
    real = keys.hmac.compare_digest

    def spy(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr(keys.hmac, "compare_digest", spy)
    assert held.find(whole) is not None
    assert held.find(other) is None
    assert len(compared) == 2
    assert all(len(a) == len(b) == 32 for a, b in compared)


def test_a_name_that_nobody_has_takes_as_much_work(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = Users(Database(path))
    people.add("Ada", PASSWORD)
    people.add("Bo")  # who has only passkeys
    verified: list[str] = []
    real = users._HASHER

    class Spy:
        hash, check_needs_rehash = real.hash, real.check_needs_rehash

        def verify(self, held: str, password: str) -> bool:
            verified.append(held)
            return real.verify(held, password)

    monkeypatch.setattr(users, "_HASHER", Spy())
    for name in ("Ada", "Bo", "Nobody"):
        assert people.verify(name, "wrong " + PASSWORD) is None
    parameters = {repr(argon2.extract_parameters(held)) for held in verified}
    assert (len(verified), len(parameters)) == (3, 1)


def test_a_caller_gets_no_more_than_its_scopes(path: Path) -> None:
    whole, _ = Keys(Database(path)).create(scopes=["ask"])
    with running(Scripted(ask), database=Database(path)) as url:
        for method, address in (("POST", "/v1/files"), ("DELETE", "/v1/files/x"),
                                ("POST", "/v1/pulls"), ("PUT", "/v1/settings")):  # fmt: skip
            answer = httpx.request(method, url + address, headers=bearer(whole))
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "missing_scope"


def test_where_things_lie_on_the_disk_is_for_the_owner(path: Path) -> None:
    class World(Scripted):
        def status(self) -> dict[str, Any]:
            return {"posts": 0, "home": "/home/ada/.gnomon"}

    held = Keys(Database(path))
    asks, _ = held.create(scopes=["ask"])
    owns, _ = held.create(scopes=["ask", "admin"])
    with running(World(ask), database=Database(path)) as url:
        assert "home" not in httpx.get(f"{url}/v1/status", headers=bearer(asks)).json()
        assert "home" in httpx.get(f"{url}/v1/status", headers=bearer(owns)).json()


def test_an_address_that_others_reach_is_not_taken_without_a_key() -> None:
    for host in ("0.0.0.0", "::"):
        with pytest.raises(ConfigError, match="no keys yet"):
            app.listen(host, 0)


def test_the_xai_port_is_not_open_either_without_a_key() -> None:
    """Its calls pass the same guards, which must know that other machines reach them."""
    made = app.create_app(Scripted(ask), xai=("0.0.0.0", 0))
    assert made.state.gate.locked()
    assert not app.create_app(Scripted(ask), xai=("127.0.0.1", 0)).state.gate.locked()


# -- what is written down -------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["requests", "json"])
def test_no_words_and_no_secrets_in_the_log(path: Path, kind: str) -> None:
    Users(Database(path)).add("Ada", PASSWORD)
    whole, key = Keys(Database(path)).create()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    ours = logging.getLogger("gnomon")
    our_level, stream = ours.level, io.StringIO()
    try:
        logs.set_up(kind, stream)
        policy = Policy(multi_user=True)
        with running(Scripted(ask), database=Database(path), policy=policy) as url:
            httpx.post(f"{url}/v1/ask", json={"question": SECRET}, headers=bearer(whole))
            httpx.post(f"{url}/v1/ask", json={"question": SECRET, "stream": False},
                       headers=bearer(whole))  # fmt: skip
            httpx.get(f"{url}/v1/search", params={"q": SECRET}, headers=bearer(whole))
            httpx.get(f"{url}/{SECRET}", headers=bearer(whole) | {"x-request-id": SECRET})
            httpx.get(f"{url}/v1/status?key={whole}")
            for word in (SECRET, PASSWORD):
                httpx.post(f"{url}/v1/session", json={"name": word, "password": word})
            httpx.post(f"{url}/v1/session", json={"key": whole[:-1] + "x"})
            logging.getLogger("some.library").warning("leaks %s", whole)
            try:
                raise ValueError(SECRET)
            except ValueError:
                logging.getLogger("some.library").exception("It failed.")
    finally:
        root.handlers[:], ours.level = before, our_level
        root.setLevel(level)
    said = stream.getvalue()
    assert f"{key.id}" in said  # who asked is told by id
    assert "ValueError" in said
    for word in (SECRET, PASSWORD, whole, whole[:-1], whole[17:40], "Ada"):
        assert word not in said
    if kind == "json":
        lines = [json.loads(line) for line in said.splitlines()]
        asked = [line for line in lines if line.get("route") == "/v1/ask"]
        assert asked[0]["status"] == 200
        assert asked[0]["caller"] == key.id
        assert asked[0]["took_ms"] >= 0


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("3f2b6c1e-8f5a-4f0e-9d5c-0123456789ab", True),
        ("0123456789abcdef0123456789abcdef", True),
        ("my-secret-words", False),
        ("a" * 8, False),
        ("0" * 500, False),
    ],
)
def test_a_proxys_request_id_is_taken_over_where_it_holds_no_words(given: str, taken: bool) -> None:
    with running(Scripted(ask)) as url:
        answer = httpx.get(f"{url}/health", headers={"x-request-id": given})
        assert (answer.headers["x-request-id"] == given) is taken


# -- what a request can make the server do ---------------------------------------------------------
def test_no_request_has_the_server_fetch_an_address(tmp_path: Path) -> None:
    """Wherever a body may hold a URL, by the real engine, with somebody listening there whom the
    guard of fetches would even let through."""
    with (
        http_server() as there,
        open_sample(
            load(tmp_path, {}, chat_model="none", embed_model="none", allow=(there.authority,))
        ) as engine,
        running(engine) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        target = there.url("/latest/meta-data/")

        def part(**fields: Any) -> dict[str, Any]:
            words = {"type": "input_text", "text": "When will Lantern Bridge open to cars?"}
            return {"input": [{"role": "user", "content": [words, fields]}]}

        picture = {"type": "image_url", "image_url": {"url": target}}
        bodies: list[tuple[str, dict[str, Any]]] = [
            ("/v1/responses", part(type="input_file", file_url=target)),
            ("/v1/responses", part(type="input_image", image_url=target)),
            ("/v1/responses", {"input": target, "tools": [{"type": "web_search"}]}),
            ("/v1/responses", {"input": "x", "tools": [{"type": "mcp", "server_url": target}]}),
            ("/v1/chat/completions", {"messages": [{"role": "user", "content": [picture]}]}),
            ("/v1/ask", {"question": f"What does {target} say?", "stream": False}),
            ("/v1/verify", {"text": f"See {target}.", "url": target}),
            ("/v1/verify", {"claims": [target], "against": [{"text": "x", "url": target}]}),
            ("/v1/pulls", {"model": target}),
            ("/v1/embeddings", {"input": target, "model": target}),
        ]
        for path, body in bodies:
            assert client.post(path, json=body).status_code < 500 or path == "/v1/embeddings"
        assert there.seen == []


# -- odd requests ---------------------------------------------------------------------------------
POST = b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, x\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"X: a\r\n b\x00c\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_requests_that_two_servers_may_read_differently_are_refused(request_bytes: bytes) -> None:
    with running(Scripted(ask)) as url:
        # Cut off is as good.
        with contextlib.suppress(ConnectionError, http.client.HTTPException):
            assert raw(url, request_bytes)[0] in (400, 413, 431)
        assert httpx.get(f"{url}/health").status_code == 200


def test_ids_lead_nowhere_outside(path: Path) -> None:
    ids = ("../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "....//etc/passwd",
           "%00", "x%00.txt", "a" * 5000, "..\\..\\x", "%ff%fe")  # fmt: skip
    with running(Scripted(ask), database=Database(path)) as url:
        for route in ("/v1/posts", "/v1/answers", "/v1/models", "/page", "/posts", "/v1/responses",
                      "/v1/history"):  # fmt: skip
            for odd in ids:
                request = f"GET {route}/{odd} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
                code, body = raw(url, request)
                assert code < 500, (route, odd)
                assert b"root:" not in body
                assert b"[project]" not in body


def test_what_is_not_html_cannot_be_taken_for_it() -> None:
    """A post's script in an API's answer is text, whatever a browser would like to see in it."""
    with running(Scripted(ask)) as url:
        for address in ("/v1/posts/<script>alert(1)</script>", "/v1/search?q=<script>",
                        "/<script>alert(1)</script>", "/metrics", "/health"):  # fmt: skip
            headers = httpx.get(url + address).headers
            assert headers["content-type"].partition(";")[0] in ("application/json", "text/plain")
            assert headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in headers["content-security-policy"]


def test_the_threat_model_names_tests_that_are() -> None:
    """SECURITY.md says which test tries each attack; a name that is wrong is a promise broken."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/(test_\w+)\.py)(?:::(test_\w+))?`", text)
    assert len(named) > 20
    missing = []
    for file, _, test in named:
        source = ROOT / file
        held = source.read_text(encoding="utf-8") if source.exists() else ""
        if not held or (test and f"def {test}(" not in held):
            missing.append(f"{file}::{test}")
    assert not missing


def test_no_route_says_more_than_its_error_to_a_stranger(path: Path) -> None:
    Keys(Database(path)).create()
    known: dict[str, Any] = {}
    with running(Scripted(ask), database=Database(path)) as url:
        for address in ("/health", "/ready", "/v1/session"):
            known |= httpx.get(url + address).json()
    assert set(known) == {"status", "parts", "object", "signed_in", "user", "key", "scopes",
                          "locked", "multi_user", "ways"}  # fmt: skip

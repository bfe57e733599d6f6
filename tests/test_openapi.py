"""The description of the API is true: it names the routes there are, its examples work, and data
that schemathesis makes up finds no 5xx and no answer that is not described."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from jsonschema import Draft202012Validator
from starlette.routing import Route, WebSocketRoute

import picture_posts
import quiz_worlds
import tiny_pictures
from gnomon.assemble.digests import MOST_STORIES
from gnomon.serve.app import create_app
from gnomon.serve.caller import SCOPES
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.serve.openapi import digests
from gnomon.serve.policy import Policy
from serving import Scripted, running, sample_world

schemathesis = pytest.importorskip("schemathesis")

from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi import checks as openapi  # noqa: E402

Data = dict[str, Any]
EXAMPLES = 4
WRONG = {True: 30, False: 8}  # of a GET, which is quick, and of anything else
CHECKS = [
    not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]
LATER = "not yet"  # the tag of what answers 501, as it says
# Fields that only a chat model reads are described as it reads them, and accepted by `gnomon` as
# they come; a path's unknown part is 404 before the body is read; MCP reads its messages itself.
LENIENT = frozenset(
    "/v1/responses /v1/responses/input_tokens /v1/responses/compact /v1/chat/completions "
    "/v1/completions /mcp".split()
)
REFUSING = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 413]}}}
)
QUESTION = "What was the strongest gust of Storm Ottoline?"


class World:
    """A server on the sample world, its description, and things of each kind to ask for."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, seen: str = "") -> None:
        self.seen = seen  # the id of a picture that is kept
        self.headers = dict(headers or {})
        self.api = httpx.Client(base_url=url, timeout=60, headers=self.headers)
        self.document: Data = self.api.get("/openapi.json").json()
        self.schema = schemathesis.openapi.from_dict(self.document, config=REFUSING)
        self.answer = self._made("/v1/ask", {"question": QUESTION, "stream": False})
        self.post = self.answer["citations"][0]["post"]
        self.digest = self._made("/v1/digests", {"k": 1})["id"]
        self.story = self.api.get("/v1/stories").json()["data"][0]["id"]

    def _made(self, path: str, body: Data) -> Data:
        made = self.api.post(path, json=body)
        assert made.is_success, made.text
        return dict(made.json())

    def file(self) -> str:
        form = {"file": ("dues.txt", b"The annual dues are 40 crowns.")}
        made = self.api.post("/v1/files", files=form, data={"purpose": "user_data"})
        return str(made.json()["id"])

    def shelf(self) -> Data:
        """A vector store with a file on it."""
        file, batch = self.file(), "/v1/vector_stores/{}/file_batches"
        store = self._made("/v1/vector_stores", {"name": "club"})["id"]
        made = self._made(batch.format(store), {"file_ids": [file]})
        self._await(f"/v1/vector_stores/{store}/files/{file}", "in_progress")
        return {"id": store, "file": file, "batch": made["id"]}

    def _await(self, path: str, not_yet: str) -> None:
        for _ in range(200):
            if self.api.get(path).json()["status"] != not_yet:
                return
            time.sleep(0.05)
        raise AssertionError(f"{path} stays {not_yet}.")

    def conversation(self) -> Data:
        made = self._made("/v1/conversations", {"items": [{"role": "user", "content": "Hi."}]})
        items = self.api.get(f"/v1/conversations/{made['id']}/items").json()
        return {"id": made["id"], "item": items["data"][0]["id"]}

    def upload(self) -> Data:
        wanted = {"filename": "dues.txt", "bytes": 4, "purpose": "user_data"}
        return {"id": self._made("/v1/uploads", wanted)["id"]}

    def there(self, path: str) -> Data:
        """Names of things that are there, for the parts of ``path``."""
        making: dict[str, Callable[[], Data]] = {
            "/v1/posts/": lambda: {"id": self.post},
            "/v1/search/pictures/": lambda: {"id": self.seen},
            "/posts/": lambda: {"id": self.post},
            "/v1/answers/": lambda: {"id": self.answer["id"]},
            "/v1/history/": lambda: {"id": self._response()},
            "/v1/responses/": lambda: {"id": self._response()},
            "/v1/conversations/": self.conversation,
            "/v1/models/": lambda: {"id": "gnomon"},
            "/v1/files/": lambda: {"id": self.file()},
            "/v1/uploads/": self.upload,
            "/v1/vector_stores/": self.shelf,
            "/v1/stories/": lambda: {"id": self.story},
            "/v1/images/{id}": self.picture,
            "/v1/quiz/rounds/": lambda: {"id": self.round()["id"]},
            "/v1/quiz/pictures/": lambda: {"id": self.round()["question"]["id"]},
            "/v1/digests/": lambda: {"id": self.digest},
            "/digests/": lambda: {"id": self.digest},
            "/page/": lambda: {"name": "app.js"},
            "/v1/audio/provenance/": lambda: {"id": self.sound()},
        }
        for beginning, make in making.items():
            if path.startswith(beginning):
                made = make()
                return {name: one for name, one in made.items() if f"{{{name}}}" in path}
        return {}

    def picture(self) -> Data:
        made = self._made("/v1/images/generations", {"prompt": "a red cat"})
        return {"id": made["data"][0]["gnomon"]["id"]}

    def round(self) -> Data:
        """A round of the quiz whose first picture was looked at."""
        made = self._made("/v1/quiz/rounds", {"questions": 2})
        assert self.api.get(made["question"]["url"]).is_success
        return made

    def waiting(self, round: str) -> str:
        """The question of a round that waits."""
        return str(self.api.get(f"/v1/quiz/rounds/{round}").json()["question"]["id"])

    def sound(self) -> str:
        """The name of a sound whose manifest lies beside it (espeak-ng says it: `make`)."""
        body = {"input": "Hello.", "response_format": "pcm", "voice": "espeak"}
        said = self.api.post("/v1/audio/speech", json=body)
        assert said.is_success, said.text
        return said.headers["x-gnomon-provenance"].rpartition("/")[2]

    def _response(self) -> str:
        wanted = {"input": QUESTION, "background": True}
        made = str(self._made("/v1/responses", wanted)["id"])
        self._await(f"/v1/responses/{made}", "queued")
        return made

    def operations(self) -> Iterator[tuple[str, str, Data]]:
        for path, methods in self.document["paths"].items():
            for method, told in methods.items():
                yield method.upper(), path, told

    def validator(self, schema: Data) -> Draft202012Validator:
        whole = {**schema, "components": self.document["components"]}
        return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)

    def answers(self, told: Data, status: int) -> Data:
        """What an operation says of a status, its reference followed."""
        assert str(status) in told["responses"], f"{told['operationId']}: {status}"
        said = told["responses"][str(status)]
        name = said.get("$ref", "").rpartition("/")[2]
        return dict(self.document["components"]["responses"][name] if name else said)

    def check(self, told: Data, reply: httpx.Response) -> None:
        """``reply`` is one that the operation describes."""
        assert "x-request-id" in reply.headers
        said = self.answers(told, reply.status_code)
        kind = reply.headers.get("content-type", "").partition(";")[0]
        if not said.get("content"):
            return
        assert kind in said["content"], f"{told['operationId']}: {kind}"
        schema = said["content"][kind]["schema"]
        if kind == "application/json":
            self.validator(schema).validate(reply.json())
        elif kind == "text/event-stream":
            for name, data in events(reply.text):
                self._check_event(schema, name, data)

    def _check_event(self, schema: Data, name: str, data: str) -> None:
        kinds = schema.get("anyOf", [])
        for one in kinds:
            named, said = one["properties"].get("event", {}), one["properties"]["data"]
            if data == said.get("const"):
                return
            if named.get("const", name) == name and "contentSchema" in said and data != "[DONE]":
                self.validator(said["contentSchema"]).validate(json.loads(data))
                return
        assert not kinds, f"no event {name!r} is described"


def events(text: str) -> Iterator[tuple[str, str]]:
    """Name and data of each server-sent event."""
    for block in text.split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in block.split("\n") if line[:1] != ":")
        if "data" in lines:
            yield lines.get("event", "message"), lines["data"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    logging.getLogger("hypothesis").setLevel(logging.ERROR)
    home = tmp_path_factory.mktemp("described")
    tiny_pictures.installed(home / "models")
    quiz_worlds.written(home / "lab" / "tiny" / "gan", 60, 60)
    with sample_world(home) as engine, running(engine) as url:
        yield World(url, seen=picture_posts.kept_in(engine, home / "posts"))


# ------------------------------------------------------------------------ what is written down


def test_every_route_is_described_and_nothing_else() -> None:
    app = create_app(Scripted(lambda question: iter(())))
    pages = {route.path for route in app.routes if isinstance(route, Route)}
    names = {path.removeprefix("/page/") for path in pages if path.startswith("/page/")}
    served = {
        (method, "/page/{name}" if route.path.startswith("/page/") else bare(route.path))
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert all(isinstance(r, Route | WebSocketRoute) for r in app.routes)
    described = httpx.Client(transport=_Direct(app), base_url="http://localhost").get
    document = described("/v1/openapi.json").json()
    told = {
        (method.upper(), path) for path, how in document["paths"].items() for method in how
    }  # fmt: skip
    assert told == served
    file = document["paths"]["/page/{name}"]["get"]["parameters"][0]
    assert set(file["schema"]["enum"]) == names


def bare(path: str) -> str:
    return path.replace(":path", "")


class _Direct(httpx.BaseTransport):
    """Requests to an application without a port, through Starlette's own test client."""

    def __init__(self, app: Any) -> None:
        from starlette.testclient import TestClient

        self._client = TestClient(app, base_url="http://localhost")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        reply = self._client.get(request.url.path)
        return httpx.Response(reply.status_code, content=reply.content)


def test_the_description_holds_together(world: World) -> None:
    world.schema.validate()
    told = [how for _, _, how in world.operations()]
    ids = [how["operationId"] for how in told]
    assert len(set(ids)) == len(ids)
    assert {how["tags"][0] for how in told} == {t["name"] for t in world.document["tags"]}
    assert {t["name"] for t in world.document["tags"]} == set(TAGS), "each is tried"
    for name, schema in world.document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert f'schemas/{name}"' in json.dumps(world.document), name
    for how in told:
        assert how.get("security") == [] or how["x-gnomon-scope"] in SCOPES
        assert {"400", "403", "413", "429", "500"} <= set(how["responses"])
    assert digests.MOST_STORIES == MOST_STORIES


# ------------------------------------------------------------------------ the examples


def test_every_example_fits_its_schema_and_is_answered(world: World) -> None:
    refused = {"/v1/embeddings": 404, "/v1/pulls": 404, "/v1/sources/test": 400}
    refused |= {"/v1/uploads/{id}/complete": 400}
    refused |= {"/v1/skills/story": 404, "/v1/skills/translate": 404}
    asked = 0
    for method, path, told in world.operations():
        sent = told.get("requestBody")
        if not sent or path.startswith("/v1/session"):
            continue  # who signs in needs a key or an invitation: test_serve_guards.py
        [(kind, how)] = sent["content"].items()
        for name, example in how["examples"].items():
            value, there = example["value"], world.there(path)
            world.validator(how["schema"]).validate(value)
            if "file-0" in json.dumps(value):
                value = json.loads(json.dumps(value).replace("file-0", world.file()))
            if "qq_0" in json.dumps(value):
                value["question"] = world.waiting(there["id"])
            form = kind == "multipart/form-data"
            reply = world.api.request(
                method, path.format(**there), **(_form(value) if form else {"json": value})
            )
            asked += 1
            world.check(told, reply)
            wanted = refused.get(path)
            right = reply.status_code == wanted if wanted else reply.is_success
            assert right, f"{method} {path} ({name}): {reply.status_code} {reply.text[:300]}"
    assert asked > 40


def _form(value: Data) -> Data:
    """An example of a form as httpx sends it."""
    files = {n: (f"{n}.txt", text) for n, text in value.items() if n in ("file", "data")}
    return {"files": files, "data": {n: v for n, v in value.items() if n not in files}}


def test_what_is_there_is_shown_as_described(world: World) -> None:
    """Without made-up data: each GET of something that is there is a 2xx (or leads on)."""
    for method, path, told in world.operations():
        if method != "GET" or told["tags"] == [LATER] or told["operationId"].startswith("mcp"):
            continue
        if path.startswith(("/v1/chat/completions", "/v1/session/passkeys")):
            continue
        params = told.get("parameters", ())
        needed = {"post": world.post} if path == "/v1/spread" else {}
        needed |= {p["name"]: p["example"] for p in params if "example" in p}
        reply = world.api.get(path.format(**world.there(path)), params=needed)
        world.check(told, reply)
        assert reply.is_success or reply.status_code == 302, f"{path}: {reply.text[:300]}"


# ------------------------------------------------------------------------ made-up data


TAGS = (
    "held", "asking", "responses", "conversations", "chat", "models", "files", "vector stores",
    "provenance", "images", "audio", "quiz",
    "rising", "digests", "skills", "owner", "session", "server", "page", LATER,
)  # fmt: skip


@pytest.mark.parametrize("tag", TAGS)
def test_nothing_comes_that_is_not_described(world: World, tag: str) -> None:
    tried = 0
    for found in world.schema.get_all_operations():
        operation = found.ok()
        if operation.tags == [tag]:
            tried += 1
            _try(world, operation, tag)
    assert tried


def _try(world: World, operation: Any, tag: str) -> None:
    """Data that fit, about things that are there and that are not; and data that do not fit."""
    checks = CHECKS[1:] if tag == LATER else CHECKS
    _fuzz(world, operation, GenerationMode.POSITIVE, checks, there={})
    if there := world.there(operation.path):
        _fuzz(world, operation, GenerationMode.POSITIVE, checks, there=there)
    if operation.body or operation.query:
        strict = [] if operation.path in LENIENT else [openapi.negative_data_rejection]
        _fuzz(world, operation, GenerationMode.NEGATIVE, checks + strict, there=there)


def _fuzz(world: World, operation: Any, mode: Any, checks: list[Any], there: Data) -> None:
    wrong = mode is GenerationMode.NEGATIVE

    @seed(20261122)
    @settings(
        max_examples=WRONG[operation.method == "get"] if wrong else EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def answered(case: Any) -> None:
        if there:
            case.path_parameters = dict(there)
        reply = case.call(base_url=str(world.api.base_url), headers=world.headers, timeout=60)
        case.validate_response(reply, checks=checks)

    answered()


# ------------------------------------------------------------------------ errors, and keys


def test_every_error_is_the_one_object(world: World) -> None:
    error = world.validator({"$ref": "#/components/schemas/Error"})
    deep: Any = {}
    for _ in range(40):
        deep = {"a": deep}
    for method, path, status, more in [
        ("GET", "/nothing/here", 404, {}),
        ("PUT", "/v1/responses/x", 405, {}),
        ("POST", "/v1/ask", 400, {"content": b"{"}),
        ("POST", "/v1/ask", 400, {"json": deep}),
        ("POST", "/v1/ask", 413, {"content": b" " * 1_000_001}),
        ("POST", "/v1/files", 400, {"content": b"x"}),
        ("POST", "/v1/images/variations", 501, {}),
        ("GET", "/v1/status", 403, {"headers": {"host": "elsewhere.example"}}),
        ("GET", "/v1/status", 403, {"headers": {"origin": "https://elsewhere.example"}}),
        ("GET", "/v1/search?q=a&k=" + "9" * 5000, 400, {}),
        ("GET", "/v1/responses/x?stream=true&starting_after=" + "9" * 5000, 400, {}),
    ]:
        reply = world.api.request(method, path, **more)
        assert reply.status_code == status, f"{method} {path}: {reply.status_code}"
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-request-id"]
        error.validate(reply.json())


def test_what_is_no_http_gets_the_error_object_too(world: World) -> None:
    url = world.api.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nno colon here\r\n\r\n")
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"x-request-id: req_" in head
    world.validator({"$ref": "#/components/schemas/Error"}).validate(json.loads(body))


def test_a_405_names_every_method_of_the_address(world: World) -> None:
    allowed = {
        path: world.api.put(path).headers["allow"]
        for path in ("/health", "/v1/responses/x", "/v1/conversations/x", "/v1/history")
    }
    assert allowed == {
        "/health": "GET, HEAD",
        "/v1/responses/x": "DELETE, GET, HEAD",
        "/v1/conversations/x": "DELETE, GET, HEAD, POST",
        "/v1/history": "DELETE, GET, HEAD",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"input": [{"role": "user", "content": "x", "tool_calls": [{"function": 5}]}]},
        {"input": "x", "tools": [{"type": "web_search", "search_context_size": ["low"]}]},
        {"model": "other", "input": [{"type": "function_call"}]},
        {"input": [{"role": "user", "content": "x", "id": 5}]},
        {"input": "x", "max_output_tokens": 10.0},
        {"input": "x", "tools": [{"type": "x_search", "to_date": "9999-12-31"}]},
    ],
)
def test_odd_shapes_are_read_or_refused(world: World, body: Data) -> None:
    """What fuzzing found once."""
    told = world.document["paths"]["/v1/responses"]["post"]
    reply = world.api.post("/v1/responses", json=body)
    world.check(told, reply)
    assert reply.status_code < 500


@pytest.mark.parametrize("spec", ["~nobody-of-that-name", "~\x00", "file\x00"])
def test_a_source_of_nobodys_home_is_refused(world: World, spec: str) -> None:
    """What fuzzing found once."""
    for path in ("/v1/sources", "/v1/sources/test"):
        assert world.api.post(path, json={"spec": spec}).status_code == 400


def test_with_a_key(tmp_path: Any) -> None:
    """Each caller gets what is described, and nothing that the description says it may not."""
    database = Database(tmp_path / "keys.db")
    keys = {}
    for name, scopes in (("all", SCOPES), ("asking", ("ask",))):
        keys[name], _ = Keys(database).create(name, scopes=scopes)
    policy = Policy(requests_per_minute=0, requests_per_minute_address=0)
    home = tmp_path / "home"
    with (
        sample_world(home) as engine,
        running(engine, database=database, policy=policy) as url,
    ):
        world = World(url, {"authorization": f"Bearer {keys['all']}"})
        assert {} not in world.document["security"]
        nobody, asking = httpx.Client(base_url=url), httpx.Client(base_url=url)
        asking.headers["authorization"] = f"Bearer {keys['asking']}"
        for method, path, told in world.operations():
            here = path.replace("{", "").replace("}", "")
            for client, status in ((nobody, 401), (asking, 403)):
                public = told.get("security") == []
                if public or (status == 403 and told["x-gnomon-scope"] == "ask"):
                    continue
                if "/mcp" in path and client is asking:
                    continue
                reply = client.request(method, here)
                assert reply.status_code == status, f"{method} {path}: {reply.status_code}"
                world.check(told, reply)
        for found in world.schema.get_all_operations():
            operation = found.ok()
            if operation.tags[0] in ("held", "responses", "files", "owner"):
                _fuzz(world, operation, GenerationMode.POSITIVE, CHECKS, there={})

"""Sources over the API: listed for all, changed by the owner, and never a file of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from gnomon import assemble
from gnomon.config import load
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.sources.specs import is_remote
from serving import running


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    config = load(tmp_path / "home", {}, chat_model="none", embed_model="none", feeds=())
    with assemble.open_gnomon(config) as gnomon, running(gnomon) as address:
        yield address


def call(method: str, address: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    try:
        with urlopen(Request(address, data, headers, method=method), timeout=30) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def specs(answer: Any) -> dict[str, str]:
    return {row["spec"]: row["state"] for row in answer["data"]}


def test_the_list_is_read_and_changed(base):
    assert specs(call("GET", f"{base}/v1/sources")[1])["bluesky"] == "not running"
    status, said = call("POST", f"{base}/v1/sources", {"spec": "hn", "every_s": 60})
    assert status == 201
    assert "hn" in specs(said)
    assert call("POST", f"{base}/v1/sources", {"spec": "hn"})[0] == 400
    paused = call("POST", f"{base}/v1/sources/pause", {"spec": "hn"})[1]
    assert specs(paused)["hn"] == "paused"
    assert specs(call("POST", f"{base}/v1/sources/resume", {"spec": "hn"})[1])["hn"] != "paused"
    gone = call("DELETE", f"{base}/v1/sources?spec={quote('hn')}")[1]
    assert "hn" not in specs(gone)
    status, said = call("DELETE", f"{base}/v1/sources?spec=hn")
    assert (status, said["error"]["type"]) == (404, "not_found")


@pytest.mark.parametrize("road", ["/v1/sources", "/v1/sources/test"])
def test_no_file_of_this_machine_can_be_named(base, road, tmp_path):
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"text": "the combination is 12-34-56"}\n')
    mapping = tmp_path / "map.toml"
    mapping.write_text("")
    for spec in (
        str(secret),
        f"x-archive:{secret}",
        f"mail:{secret}",
        f"zim:{secret}",
        f"https://example.org/a.json --map {mapping}",
        "-",
        f"file://{secret}",
        str(tmp_path),
    ):
        status, said = call("POST", base + road, {"spec": spec})
        assert status == 400, spec
        assert "12-34-56" not in json.dumps(said)


def test_no_address_inside_is_fetched(base):
    for spec in ("http://127.0.0.1:8080/feed", "http://169.254.169.254/latest/", "http://[::1]/x"):
        status, said = call("POST", f"{base}/v1/sources/test", {"spec": spec, "for_s": 10})
        assert status == 200
        assert said["posts"] == 0
        assert "is refused" in said["error"], said["error"]


@pytest.mark.parametrize(
    "body", [{}, {"spec": ""}, {"spec": 5}, {"spec": "hn", "every_s": "soon"}, {"spec": "nosuch"}]
)
def test_bad_input_is_named(base, body):
    status, said = call("POST", f"{base}/v1/sources", body)
    assert status == 400
    assert said["error"]["message"]


@pytest.mark.parametrize(
    ("spec", "remote"),
    [
        ("bluesky", True),
        ("hn:newest", True),
        ("mastodon:mastodon.social", True),
        ("https://example.org/feed", True),
        ("page:https://example.org/", True),
        ("zim:wiki.zim", False),
        ("json:/etc/passwd", False),
        ("/etc/passwd", False),
        ("ftp://example.org/x", False),
        ("-", False),
    ],
)
def test_what_is_on_the_network(spec, remote):
    assert is_remote(spec) is remote


def test_only_the_owner_changes_what_is_fetched(tmp_path):
    config = load(tmp_path / "home", {}, chat_model="none", embed_model="none", feeds=())
    kept = Database()
    writer, _ = Keys(kept).create("writer", scopes=("ask", "write"))
    owner, _ = Keys(kept).create("owner", scopes=("ask", "write", "admin"))
    with assemble.open_gnomon(config) as gnomon, running(gnomon, database=kept) as base:

        def status(key: str, method: str, road: str, body: Any = None) -> int:
            data = None if body is None else json.dumps(body).encode()
            headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
            try:
                with urlopen(Request(base + road, data, headers, method=method), timeout=30) as got:
                    return int(got.status)
            except HTTPError as error:
                return error.code

        for method, road, body in (
            ("POST", "/v1/sources", {"spec": "hn"}),
            ("POST", "/v1/sources/test", {"spec": "hn", "for_s": 10}),
            ("POST", "/v1/sources/pause", {"spec": "bluesky"}),
            ("DELETE", "/v1/sources?spec=bluesky", None),
        ):
            assert status(writer, method, road, body) == 403, road
        assert status(writer, "GET", "/v1/sources") == 200
        assert status(owner, "POST", "/v1/sources", {"spec": "hn"}) == 201

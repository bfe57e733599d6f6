"""Settings and pulls over the API: real bytes from a local server, stopped and gone on with."""

from __future__ import annotations

import hashlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gnomon.assemble import open_sample
from gnomon.config import load
from gnomon.models import table
from gnomon.models.table import KnownModel, ModelFile
from serving import running

BODY = b"GGUF" + bytes(range(256)) * 4096


class Slow(http.server.BaseHTTPRequestHandler):
    """Sends ``BODY`` in pieces; holds back the last until it is let go; knows ranges."""

    let_go = threading.Event()

    def do_GET(self) -> None:
        start = int(self.headers.get("range", "bytes=0-")[6:].split("-")[0])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("content-range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        self.send_header("content-length", str(len(BODY) - start))
        self.end_headers()
        half = max(start, len(BODY) // 2)
        try:
            self.wfile.write(BODY[start:half])
            self.wfile.flush()
            for at in range(half, len(BODY), 16384):
                self.let_go.wait(0.05)
                self.wfile.write(BODY[at : at + 16384])
        except OSError:
            return

    def log_message(self, *args: object) -> None:
        return


@contextmanager
def hub() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def until(look: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    Slow.let_go.clear()
    with hub() as address:
        file = ModelFile(
            "tiny.gguf", len(BODY), hashlib.sha256(BODY).hexdigest(), f"{address}/tiny.gguf"
        )
        tiny = KnownModel("tiny", "chat", "Apache-2.0", (file,), "llamacpp")
        for place in ("gnomon.models.table", "gnomon.models.pull", "gnomon.models.installed"):
            monkeypatch.setattr(f"{place}.TABLE", (*table.TABLE, tiny))
        config = load(tmp_path, {}, chat_model="none", embed_model="none", chat_url_key="s3cret")
        with open_sample(config) as engine, running(engine) as url:
            yield url
        Slow.let_go.set()


def test_a_pull_shows_its_progress_stops_and_goes_on(url: str) -> None:
    def now() -> dict[str, object]:
        row: dict[str, object] = httpx.get(f"{url}/v1/pulls").json()["data"][0]
        return row

    begun = httpx.post(f"{url}/v1/pulls", json={"model": "tiny"})
    assert begun.status_code == 202
    assert begun.json()["total"] == len(BODY)
    until(lambda: now()["done"] not in (0, len(BODY)))
    stopped = httpx.delete(f"{url}/v1/pulls/tiny").json()
    assert stopped["state"] == "stopped"
    assert httpx.delete(f"{url}/v1/pulls/tiny").status_code == 404
    Slow.let_go.set()
    assert httpx.post(f"{url}/v1/pulls", json={"model": "tiny"}).status_code == 202
    until(lambda: now()["state"] == "done")
    assert now()["done"] == len(BODY)
    known = {row["name"]: row for row in httpx.get(f"{url}/v1/models").json()["gnomon"]["known"]}
    assert known["tiny"]["here"]


def test_what_cannot_be_pulled_is_told(url: str) -> None:
    unknown = httpx.post(f"{url}/v1/pulls", json={"model": "gpt-9"})
    assert unknown.status_code == 404
    assert "gpt-9" in unknown.json()["error"]["message"]
    assert httpx.post(f"{url}/v1/pulls", json={}).json()["error"]["param"] == "model"
    assert httpx.get(f"{url}/v1/pulls").json()["data"] == []


def test_settings_explain_themselves_and_show_no_secret(url: str) -> None:
    told = httpx.get(f"{url}/v1/settings")
    assert "s3cret" not in told.text
    assert told.json()["leaves"] == {"chat": None, "sources": False, "web": None}
    settings = told.json()["settings"]
    assert settings["chat_url_key"]["value"] == "(set)"
    assert settings["risk"]["value"] == settings["risk"]["default"]
    assert all(one["doc"] for one in settings.values())


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://127.0.0.1:9/v1", None),
        ("http://[::1]:9/v1", None),
        ("https://user:pw@models.example/v1", "models.example"),
    ],
)
def test_a_model_elsewhere_is_named_by_its_host(
    tmp_path: Path, address: str, host: str | None
) -> None:
    config = load(tmp_path, {}, chat_model=address, embed_model="none")
    with open_sample(config) as engine:
        assert engine.setup.leaves()["chat"] == host

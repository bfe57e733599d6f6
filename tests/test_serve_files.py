"""Uploads over a real port, with the real openai client."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from openai import OpenAI

from gnomon.assemble import open_sample
from gnomon.config import load
from gnomon.serve.database import Database
from gnomon.serve.file_rows import Files
from gnomon.serve.multipart import safe_name
from serving import running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    config = load(home, {}, chat_model="none", embed_model="none", upload_mb=1, uploads_mb=3)
    with open_sample(config) as gnomon, running(gnomon, database=Database(home / "s.db")) as url:
        yield url


@pytest.fixture
def client(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def kept(home: Path) -> list[str]:
    folder = home / "files"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_file_comes_back_as_it_went_and_is_gone_when_deleted(client: OpenAI, home: Path) -> None:
    data = bytes(range(256)) * 900
    made = client.files.create(file=("odd name.bin", data), purpose="user_data")
    assert (made.bytes, made.filename, made.purpose) == (len(data), "odd name.bin", "user_data")
    assert made.id in kept(home)
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).read() == data
    assert made.id in [file.id for file in client.files.list()]
    assert client.files.delete(made.id).deleted
    assert kept(home) == []
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.files.content(made.id)
    with pytest.raises(openai.NotFoundError):
        client.files.delete(made.id)


def test_files_are_listed_in_pages(client: OpenAI) -> None:
    made = [
        client.files.create(file=(f"{n}.txt", b"words"), purpose="assistants").id for n in range(5)
    ]
    assert [file.id for file in client.files.list(limit=2)] == made[::-1]
    page = client.files.list(limit=2, order="asc", after=made[1])
    assert [file.id for file in page.data] == made[2:4]
    assert page.has_more
    assert [file.id for file in client.files.list(purpose="batch")] == []
    with pytest.raises(openai.BadRequestError, match="'limit' is '0'"):
        client.files.list(limit=0)
    for one in made:
        client.files.delete(one)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "/etc/shadow",
        "C:\\x",
        "a\x00b",
        "\u202egpj.exe",
        "x" * 900 + ".txt",
        "..",
        "",
    ],
)
def test_a_name_is_only_shown_and_never_a_path(url: str, home: Path, name: str) -> None:
    shown = safe_name(name)
    assert not set(shown) & set("/\\\x00\u202e")
    assert 0 < len(shown) <= 200
    assert shown not in (".", "..")
    before = {path for path in home.rglob("*") if path.is_file()}
    quoted = name.replace("\x00", "%00").replace("\\", "\\\\").encode()
    body = b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
    body += b'--b\r\ncontent-disposition: form-data; name="file"; filename="' + quoted
    body += b'"\r\n\r\nwords\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    made = httpx.post(f"{url}/v1/files", content=body, headers=headers).json()
    new = {path for path in home.rglob("*") if path.is_file()} - before
    assert {path for path in new if ".db" not in path.name} == {home / "files" / made["id"]}
    httpx.delete(f"{url}/v1/files/{made['id']}")


@pytest.mark.parametrize(
    "id",
    ["..%2f..%2fs.db", "%2e%2e/s.db", "file-00", ".part-00", "....//s.db", "file-%00", "%2fetc"],
)
def test_an_id_is_no_path(url: str, id: str) -> None:
    for path in (f"/v1/files/{id}", f"/v1/files/{id}/content"):
        reply = httpx.get(url + path)
        assert reply.status_code == 404, path
        assert reply.json()["error"]["type"] == "not_found"
    assert httpx.delete(f"{url}/v1/files/{id}").status_code in (404, 405)


def test_what_is_too_large_leaves_nothing(client: OpenAI, url: str, home: Path) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.files.create(file=("big.txt", b"x" * (2**20 + 1)), purpose="user_data")
    assert refused.value.status_code == 413
    assert refused.value.code == "file_too_large"
    assert kept(home) == []
    # A client that claims less than it sends is cut off at the same place.
    head = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    pieces = iter([head, *[b"x" * 2**16] * 40, b"\r\n--b--\r\n"])
    headers = {"content-type": "multipart/form-data; boundary=b"}
    reply = httpx.post(f"{url}/v1/files", content=pieces, headers=headers)
    assert reply.status_code == 413
    assert kept(home) == []


def test_three_gigabytes_are_refused_by_their_claim(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            f"POST /v1/files HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 3221225472\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
        )
        assert b" 413 " in raw.recv(100)


def test_a_caller_has_so_much_room(client: OpenAI, home: Path) -> None:
    made = [
        client.files.create(file=("a.txt", b"x" * 10**6), purpose="user_data") for _ in range(3)
    ]
    with pytest.raises(openai.APIStatusError) as refused:
        client.files.create(file=("a.txt", b"x" * 10**6), purpose="user_data")
    assert (refused.value.status_code, refused.value.code) == (413, "storage_quota_exceeded")
    assert len(kept(home)) == 3
    for file in made:
        client.files.delete(file.id)
    client.files.delete(client.files.create(file=("a.txt", b"again"), purpose="user_data").id)


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"{}", "application/json", "multipart/form-data"),
        (b"--b\r\n", "multipart/form-data; boundary=b", "before its last boundary"),
        (b"nothing", "multipart/form-data; boundary=b", "cannot be read"),
        (b"", "multipart/form-data", "multipart/form-data"),
        (
            b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            "no 'file'",
        ),
        (
            b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n\r\n--b--',
            "multipart/form-data; boundary=b",
            "'purpose' is 'None'",
        ),
        (
            b"--b\r\nx: " + b"y" * 9000 + b"\r\n\r\nx\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
            "header",
        ),
        (
            b'--b\r\ncontent-disposition: form-data; name="n"\r\n\r\nx\r\n' * 80 + b"--b--\r\n",
            "multipart/form-data; boundary=b",
            "more than 64 parts",
        ),
    ],
)
def test_a_broken_form_says_so(url: str, home: Path, body: bytes, kind: str, why: str) -> None:
    reply = httpx.post(f"{url}/v1/files", content=body, headers={"content-type": kind})
    assert reply.status_code == 400
    assert why in reply.json()["error"]["message"]
    assert kept(home) == []


def test_a_client_that_hangs_up_leaves_nothing(url: str, home: Path) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            f"POST /v1/files HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 900000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
            "the beginning".encode()
        )
        deadline = time.monotonic() + 10
        while not kept(home) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert kept(home) != []
    while kept(home) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert kept(home) == []


def test_a_strangers_page_is_never_served_as_one(client: OpenAI, url: str) -> None:
    page = b"<html><script>alert(1)</script></html>"
    made = client.files.create(file=('"a\r\nx: y".html', page), purpose="user_data")
    reply = httpx.get(f"{url}/v1/files/{made.id}/content")
    assert reply.content == page
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"].startswith("attachment;")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    client.files.delete(made.id)


def test_a_file_ends_when_its_time_is_up(client: OpenAI, tmp_path: Path) -> None:
    with pytest.raises(openai.BadRequestError, match="expires_after"):
        client.files.create(
            file=("a.txt", b"x"),
            purpose="user_data",
            expires_after={"anchor": "created_at", "seconds": 60},
        )
    made = client.files.create(
        file=("a.txt", b"x"),
        purpose="user_data",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert made.expires_at is not None
    assert abs(made.expires_at - made.created_at - 3600) <= 1
    client.files.delete(made.id)

    unshelved: list[str] = []
    files = Files(Database(), lambda: tmp_path, unshelved.append)
    (tmp_path / "data").write_bytes(b"x")
    file = files.keep("owner", "a.txt", "user_data", 3600, tmp_path / "data", 100)
    files.expire(time.time() + 3000)
    assert files.find(file.id, "owner") == file
    files.expire(time.time() + 4000)
    assert not files.any()
    assert list(tmp_path.iterdir()) == []
    assert unshelved == [file.id]


def test_one_callers_file_is_no_file_to_another(tmp_path: Path) -> None:
    files = Files(Database(), lambda: tmp_path, lambda _: None)
    (tmp_path / "data").write_bytes(b"x")
    file = files.keep("ada", "a.txt", "user_data", None, tmp_path / "data", 100)
    for act in (files.find, files.delete):
        with pytest.raises(Exception, match="There is no file"):
            act(file.id, "bo")
    assert files.listed("bo", purpose="", after="", limit=9, newest_first=True) == ([], False)
    assert files.names([file.id], "bo") == {}
    assert files.used("bo") == 0
    assert files.find(file.id, "ada") == file


def test_bytes_that_no_row_tells_of_go_after_a_day(tmp_path: Path) -> None:
    files = Files(Database(tmp_path / "s.db"), lambda: tmp_path / "files", lambda _: None)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "data").write_bytes(b"x")
    file = files.keep("owner", "a.txt", "user_data", None, tmp_path / "files" / "data", 100)
    (tmp_path / "files" / ".part-1").write_bytes(b"cut short")
    files.sweep(time.time())
    assert kept(tmp_path) == [".part-1", file.id]
    files.sweep(time.time() + 90_000)
    assert kept(tmp_path) == [file.id]


def test_a_large_file_in_parts(client: OpenAI, home: Path) -> None:
    data = b"0123456789" * 60_000
    made = client.uploads.upload_file_chunked(
        file=data,
        filename="big.txt",
        bytes=len(data),
        mime_type="text/plain",
        purpose="user_data",
        part_size=200_000,
    )
    assert made.status == "completed"
    assert made.file is not None
    assert client.files.content(made.file.id).read() == data
    assert kept(home) == [made.file.id]
    client.files.delete(made.file.id)

    begun = client.uploads.create(
        bytes=10, filename="a.txt", mime_type="text/plain", purpose="user_data"
    )
    part = client.uploads.parts.create(begun.id, data=io.BytesIO(b"01234"))
    with pytest.raises(openai.BadRequestError, match="5 bytes, and 10 were announced"):
        client.uploads.complete(begun.id, part_ids=[part.id])
    rest = client.uploads.parts.create(begun.id, data=io.BytesIO(b"56789"))
    with pytest.raises(openai.BadRequestError, match="more than the 10 bytes"):
        client.uploads.parts.create(begun.id, data=io.BytesIO(b"x"))
    with pytest.raises(openai.BadRequestError, match="md5"):
        client.uploads.complete(begun.id, part_ids=[part.id, rest.id], md5="0" * 32)
    with pytest.raises(openai.BadRequestError, match="each once"):
        client.uploads.complete(begun.id, part_ids=[part.id, part.id])
    assert client.uploads.cancel(begun.id).status == "cancelled"
    assert kept(home) == []
    with pytest.raises(openai.BadRequestError, match="cancelled"):
        client.uploads.parts.create(begun.id, data=io.BytesIO(b"x"))

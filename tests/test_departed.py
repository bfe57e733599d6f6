"""Removing a person leaves nothing of theirs, with a server running or without."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from command import gnomon as command
from gnomon.serve import app
from gnomon.serve.database import Database
from gnomon.serve.departed import REMEMBERED_S, Departed
from gnomon.serve.keys import Keys
from gnomon.serve.ledger import Kept, Ledger
from gnomon.serve.policy import Policy
from gnomon.serve.users import Users
from serving import ENGLISH, running, sample_world

SECRET = "marmalade-zeppelin"
TABLES = ("responses", "vector_stores", "vector_store_files", "vector_store_batches", "uploads",
          "upload_parts", "files", "limits")  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.db"


@contextmanager
def serving(home: Path) -> Iterator[str]:
    policy = Policy(multi_user=True, requests_per_minute=1000, tokens_per_day=20_000)
    with sample_world(home) as engine:
        database = Database(home / "server.db")
        with running(engine, database=database, policy=policy) as url:
            yield url


def person(path: Path, name: str) -> str:
    """A key that acts for a new user."""
    database = Database(path)
    user = Users(database).add(name, f"four words of {name}")
    whole, _ = Keys(database).create(name="x", scopes=["ask", "write"], caller=user.id)
    database.run(
        "INSERT INTO passkeys VALUES (?, ?, x'00', 0, 'mine', 0, NULL)", (f"pk-{name}", user.id)
    )
    database.close()
    return whole


def leave_traces(url: str, key: str, word: str) -> openai.OpenAI:
    """Everything that a person can leave here, each with ``word`` in it."""
    api = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    response = api.responses.create(model="gnomon", input=f"{ENGLISH[0]} {word}")
    api.responses.create(model="gnomon", input="Why?", previous_response_id=response.id)
    api.conversations.create(items=[{"type": "message", "role": "user", "content": word}])
    httpx.post(f"{url}/v1/ask", json={"question": f"Who is {word}?", "stream": False},
               headers={"authorization": f"Bearer {key}"}).raise_for_status()  # fmt: skip
    text = f"The treasurer of the {word} club is Nell Ash.".encode()
    file = api.files.create(file=(f"{word}.txt", text), purpose="user_data")
    store = api.vector_stores.create(name=word)
    api.vector_stores.file_batches.create_and_poll(store.id, file_ids=[file.id])
    question = f"Who is the treasurer of the {word} club?"
    tool: Any = {"type": "file_search", "vector_store_ids": [store.id]}
    api.responses.create(model="gnomon", input=question, tools=[tool])
    upload = api.uploads.create(
        bytes=len(text), filename=f"{word}.txt", mime_type="text/plain", purpose="user_data"
    )
    api.uploads.parts.create(upload.id, data=text)
    return api


def counted(path: Path, owner: str, keys: list[str]) -> dict[str, int]:
    """How many rows of each table are somebody's."""
    database = Database(path)
    of_stores = "store IN (SELECT id FROM vector_stores WHERE owner = ?1)"
    where = {
        "vector_store_files": of_stores,
        "vector_store_batches": of_stores,
        "upload_parts": "upload IN (SELECT id FROM uploads WHERE owner = ?1)",
        "limits": " OR ".join(f"instr(name, '{name}')" for name in (owner, *keys))
        + " OR name = ?1",
        "passkeys": "user = ?1",
        "sessions": "user = ?1",
        "users": "id = ?1",
    }
    found = {}
    for table in (*TABLES, "passkeys", "sessions", "users"):
        rule = where.get(table, "owner = ?1")
        found[table] = database.run(f"SELECT count(*) FROM {table} WHERE {rule}", (owner,))[0][0]
    database.close()
    return found


READ = """
import sys
from pathlib import Path
home, word = Path(sys.argv[1]), sys.argv[2]
for one in home.rglob("*"):
    try:
        if one.is_file() and (word.encode() in one.read_bytes() or word in one.name):
            print(one.relative_to(home))
    except FileNotFoundError:
        pass  # the server did away with it meanwhile
"""


def holding(home: Path, word: str) -> list[str]:
    """The files under ``home`` whose name or bytes hold ``word``.

    Read by a process of its own: a process that opens and closes the file of a database lets go of
    all its locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2), the running server's too.
    """
    read = [sys.executable, "-S", "-c", READ, str(home), word]
    return subprocess.run(read, capture_output=True, text=True, check=True).stdout.splitlines()


def until(true: Any, within_s: float = 15.0) -> None:
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.05)


def people(path: Path) -> tuple[str, list[str]]:
    """The id of Ada, and those of her keys."""
    database = Database(path)
    user = Users(database).named("Ada").id
    own = [key.id for key in Keys(database).list() if key.caller == user]
    database.close()
    return user, own


def test_beside_a_running_server_everything_goes_and_others_keep_theirs(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SWEEP_S", 0.1)
    with serving(tmp_path) as url:
        ada = leave_traces(url, person(path, "Ada"), SECRET)
        bo = leave_traces(url, person(path, "Bo"), "teapot-gondola")
        signed = httpx.Client(base_url=url.replace("127.0.0.1", "localhost"))
        origin = str(signed.base_url).rstrip("/")
        signed.headers.update({"origin": origin, "sec-fetch-site": "same-origin"})
        body = {"name": "Ada", "password": "four words of Ada"}
        assert signed.post("/v1/session", json=body).status_code == 200
        user, keys = people(path)
        until(lambda: counted(path, user, keys)["limits"])
        had = counted(path, user, keys)
        assert all(had.values()), had
        assert holding(tmp_path, SECRET)

        done = command(tmp_path, "users", "remove", "Ada")
        assert (done.code, done.out) == (0, "Ada is removed, with all that was theirs.\n")
        with pytest.raises(openai.AuthenticationError):
            ada.files.list()
        assert signed.get("/v1/session").json().get("user") is None
        now = counted(path, user, keys)
        assert not any(now[table] for table in now if table != "limits"), now
        until(lambda: not counted(path, user, keys)["limits"])
        until(lambda: not holding(tmp_path, SECRET))
        assert [store.name for store in bo.vector_stores.list()] == ["teapot-gondola"]
        assert len(bo.files.list().data) == 1
        assert holding(tmp_path, "teapot-gondola")
        asked = bo.responses.create(model="gnomon", input=ENGLISH[0])
        assert bo.responses.retrieve(asked.id).id == asked.id


def test_without_a_server_it_is_done_at_once(tmp_path: Path, path: Path) -> None:
    with serving(tmp_path) as url:
        leave_traces(url, person(path, "Ada"), SECRET)
    user, keys = people(path)
    assert holding(tmp_path, SECRET)
    assert command(tmp_path, "users", "remove", "Ada", "--json").json["name"] == "Ada"
    assert not any(counted(path, user, keys).values())
    assert holding(tmp_path, SECRET) == []
    assert not any((tmp_path / "shelves").iterdir())
    assert command(tmp_path, "users", "remove", "Ada").code == 1


def test_what_was_under_way_goes_with_the_next_sweep(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SWEEP_S", 0.1)
    with serving(tmp_path) as url:
        person(path, "Ada")
        user, _ = people(path)
        httpx.get(f"{url}/health")
        assert command(tmp_path, "users", "remove", "Ada").code == 0
        late = Database(path)
        kept = Kept("resp_late", user, "response", time.time(), "completed", SECRET)
        ledger = Ledger(late)
        ledger.keep(kept)
        until(lambda: ledger.find("resp_late", user) is None)
        late.close()


def test_who_left_is_forgotten_after_a_day(tmp_path: Path) -> None:
    database = Database(tmp_path / "server.db")
    Users(database).add("Ada", "four words of Ada")
    gone: list[str] = []
    departed = Departed(database, lambda: tmp_path, gone.append)
    departed.remove("Ada")
    departed.sweep(time.time())
    assert database.run("SELECT count(*) FROM departed")[0][0] == 1
    departed.sweep(time.time() + REMEMBERED_S + 1)
    assert database.run("SELECT count(*) FROM departed")[0][0] == 0
    assert gone == []


def test_a_deleted_response_does_not_stay_in_the_file(path: Path) -> None:
    database = Database(path)
    ledger = Ledger(database)
    for n in range(20):
        ledger.keep(Kept(f"r{n}", "me", "response", 0.0, "completed", SECRET * (1 + 200 * n)))
    database.settle()
    assert SECRET.encode() in path.read_bytes()
    ledger.forget("me")
    database.settle()
    assert SECRET.encode() not in path.read_bytes()
    assert SECRET.encode() not in path.with_name("server.db-wal").read_bytes()

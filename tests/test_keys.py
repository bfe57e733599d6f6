"""API keys: how they look, what is kept of them, and a server that needs them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from command import Done, serving
from command import gnomon as run_gnomon
from gnomon.errors import ConfigError, InputError, NotFound
from gnomon.serve import app
from gnomon.serve.database import Database
from gnomon.serve.keys import KEY, Keys, masked
from gnomon.serve.policy import Policy
from gnomon.types import Event, Step
from serving import Scripted, running


def ask(question: str) -> Iterator[Event]:
    yield Step("plan", "", {})


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.db"


def test_a_key_is_found_while_it_lives_and_only_whole(path: Path) -> None:
    keys = Keys(Database(path))
    assert not keys.any()
    whole, key = keys.create("laptop", scopes=["ask", "write"], expires_at=time.time() + 60)
    assert KEY.fullmatch(whole)
    assert keys.find(whole) == key
    assert key.caller == f"key_{key.id}"
    assert keys.find(whole, now=time.time() + 61) is None
    for at in (0, 8, 20, -1):  # the prefix, the id, the secret, the checksum
        other = "B" if whole[at] == "A" else "A"
        wrong = whole[:at] + other + (whole[at + 1 :] if at != -1 else "")
        assert keys.find(wrong) is None
    assert keys.find("") is None
    keys.revoke(key.id)
    assert keys.find(whole) is None
    assert keys.any()  # the server stays closed


def test_a_right_id_and_checksum_with_another_secret_is_no_key(path: Path) -> None:
    """The checksum is no secret: anybody can make one that fits."""
    from gnomon.serve import keys as module

    keys = Keys(Database(path))
    _, key = keys.create()
    body = key.id + "0" * 32
    forged = f"gnomon_{body}{module._checksum(body)}"
    assert KEY.fullmatch(forged)
    assert keys.find(forged) is None


def test_nothing_at_rest_gives_a_key_back(path: Path) -> None:
    database = Database(path)
    whole, key = Keys(database).create("laptop")
    database.close()
    held = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert key.id.encode() in held
    assert whole.encode() not in held
    assert whole[17:49].encode() not in held
    assert masked(f"Bearer {whole}!") == f"Bearer gnomon_{key.id}...!"


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["root"]},
        {"scopes": []},
        {"name": "x" * 81},
        {"name": "a\x1b[2J"},
        {"expires_at": 1.0},
    ],
)
def test_a_key_that_cannot_be_is_refused(path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Keys(Database(path)).create(**wrong)  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="keys list"):
        Keys(Database(path)).revoke("nothing")


def test_a_running_server_learns_of_keys_at_once(path: Path) -> None:
    """Made by another process (here: another connection), as `gnomon keys` does."""
    with running(Scripted(ask), database=Database(path)) as url:
        assert httpx.get(f"{url}/v1/status").status_code == 200
        keys = Keys(Database(path))
        whole, key = keys.create()
        refused = httpx.get(f"{url}/v1/status")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == 'Bearer realm="gnomon"'
        assert refused.json()["error"]["code"] == "missing_api_key"
        assert httpx.get(f"{url}/v1/status", headers=bearer(whole)).status_code == 200
        assert httpx.get(f"{url}/v1/status", headers={"x-api-key": whole}).status_code == 200
        wrong = httpx.get(f"{url}/v1/status", headers=bearer(whole[:-1] + "~"))
        assert wrong.status_code == 401
        assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
        assert whole[:-1] not in wrong.text
        keys.revoke(key.id)
        assert httpx.get(f"{url}/v1/status", headers=bearer(whole)).status_code == 401


def test_the_openai_client_meets_the_errors_it_knows(path: Path) -> None:
    whole, _ = Keys(Database(path)).create()
    with running(Scripted(ask), database=Database(path)) as url:
        with openai.OpenAI(base_url=f"{url}/v1", api_key=whole, max_retries=0) as client:
            assert client.get("/search?q=storm", cast_to=object)
        with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-none", max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError) as caught:
                client.models.list()
            assert caught.value.code == "invalid_api_key"


def test_the_owner_may_leave_this_machine_open_but_no_proxy_on_it(path: Path) -> None:
    whole, key = Keys(Database(path)).create()
    policy = Policy(open_loopback=True)
    with running(Scripted(ask), database=Database(path), policy=policy) as url:
        assert httpx.get(f"{url}/v1/status").status_code == 200
        assert httpx.get(f"{url}/v1/status", headers=bearer("none")).status_code == 200
        for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via"):
            assert httpx.get(f"{url}/v1/status", headers={name: "127.0.0.1"}).status_code == 401
        # A key that has ended does not become the owner.
        Keys(Database(path)).revoke(key.id)
        assert httpx.get(f"{url}/v1/status", headers=bearer(whole)).status_code == 401


def test_other_machines_are_let_in_once_there_are_keys() -> None:
    with pytest.raises(ConfigError, match="gnomon keys create"):
        app.listen("0.0.0.0", 0)
    listening = app.listen("0.0.0.0", 0, locked=True)
    listening.close()


def test_a_server_that_others_reach_never_answers_without_a_key(path: Path) -> None:
    with running(Scripted(ask), database=Database(path), policy=Policy(exposed=True)) as url:
        assert httpx.get(f"{url}/v1/status").status_code == 401
        assert httpx.get(f"{url}/health").status_code == 200


def test_keys_on_the_command_line(tmp_path: Path) -> None:
    def gnomon(*words: str) -> Done:
        return run_gnomon(tmp_path, "keys", *words)

    made = gnomon(
        "create", "--name", "phone", "--scope", "ask,write", "--expires", "30d",
        "--rate", "5", "--tokens-per-day", "1000", "--json",
    ).json  # fmt: skip
    assert KEY.fullmatch(made["key"])
    assert made["scopes"] == ["ask", "write"]
    assert made["requests_per_minute"] == 5
    listed = gnomon()
    assert listed.code == 0
    assert made["id"] in listed.out
    assert "phone" in listed.out
    assert made["key"] not in listed.out
    revoked = gnomon("revoke", made["id"])
    assert revoked.code == 0
    assert "No key is left" in revoked.out
    assert gnomon("list", "--json").json[0]["state"] == "revoked"
    assert gnomon("revoke").code == 2
    assert "'root' is no scope" in gnomon("create", "--scope", "root").said
    assert gnomon("create", "--expires", "soon").code == 1


def test_the_command_serves_and_its_keys_count_at_once(tmp_path: Path) -> None:
    """Both as an owner runs them, each in a process of its own."""
    refused = run_gnomon(tmp_path, "serve", "--sample", "--host", "0.0.0.0", "--port", "0")
    assert "gnomon keys create" in refused.said
    with serving(tmp_path, "--sample", env={"GNOMON_LOG": "json"}) as url:
        assert httpx.get(f"{url}/v1/search?q=storm").status_code == 200
        made = run_gnomon(tmp_path, "keys", "create", "--json").json
        assert httpx.get(f"{url}/v1/search?q=storm").status_code == 401
        given = httpx.get(f"{url}/v1/search?q=storm", headers=bearer(made["key"]))
        assert given.status_code == 200
        run_gnomon(tmp_path, "keys", "revoke", made["id"])
        assert httpx.get(f"{url}/v1/status", headers=bearer(made["key"])).status_code == 401

"""People with accounts: passwords, passkeys in real Chromium, invitations, sessions, histories."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import argon2
import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url, encode_cbor

from browser import launched
from command import gnomon
from gnomon.errors import InputError, NotFound
from gnomon.serve import signing
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.serve.passkeys import Passkeys, Relying
from gnomon.serve.policy import Policy
from gnomon.serve.sessions import IDLE_S, LONGEST_S, Sessions
from gnomon.serve.users import Users
from gnomon.types import Event, Step
from serving import Scripted, running

PASSWORD = "otter lantern basalt plum"
OTHER = "quiet harbour nineteen crows"


def ask(question: str) -> Iterator[Event]:
    yield Step("plan", "", {})


@contextmanager
def people(path: Path, **policy: Any) -> Iterator[str]:
    chosen = Policy(multi_user=True, **policy)
    with running(Scripted(ask), database=Database(path), policy=chosen) as url:
        yield url.replace("127.0.0.1", "localhost")


def page(url: str) -> httpx.Client:
    """What a page of ours in a browser is to the server: it has cookies and says its origin."""
    return httpx.Client(base_url=url, headers={"origin": url, "sec-fetch-site": "same-origin"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.db"


# -- passwords ------------------------------------------------------------------------------------
def test_passwords_are_argon2id_with_the_parameters_of_owasp(path: Path) -> None:
    database = Database(path)
    users = Users(database)
    users.add("Ada", PASSWORD)
    ((held,),) = database.run("SELECT password FROM users")
    parameters = argon2.extract_parameters(held)
    assert parameters.type is argon2.Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2
    assert users.verify("ada", PASSWORD) is not None
    assert users.verify("Ada", PASSWORD + "x") is None
    assert users.verify("Eve", PASSWORD) is None
    # Composed and decomposed letters are the same password (NFKC).
    users.set_password(users.named("Ada"), "ein schöner langer Weg")
    assert users.verify("Ada", "ein scho\u0308ner langer Weg") is not None


def test_an_old_hash_is_made_anew_at_the_next_sign_in(path: Path) -> None:
    database = Database(path)
    users = Users(database)
    users.add("Ada", PASSWORD)
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    database.run("UPDATE users SET password = ?", (weak,))
    assert users.verify("Ada", PASSWORD) is not None
    ((held,),) = database.run("SELECT password FROM users")
    assert argon2.extract_parameters(held).memory_cost >= 19 * 1024


@pytest.mark.parametrize(
    "password", ["short", "x" * 14, "a" * 30, "abababababababababab", "x" * 257]
)
def test_a_weak_password_is_refused_and_never_quoted(path: Path, password: str) -> None:
    users = Users(Database(path))
    with pytest.raises(InputError) as caught:
        users.add("Ada", password)
    assert password not in str(caught.value)
    assert users.list() == []


@pytest.mark.parametrize("name", ["", "x" * 41, "a\nb", "Owner", "\u202eevil"])
def test_a_name_that_cannot_be_is_refused(path: Path, name: str) -> None:
    with pytest.raises(InputError):
        Users(Database(path)).add(name, PASSWORD)


def test_names_are_one_whatever_their_case(path: Path) -> None:
    users = Users(Database(path))
    users.add("Ada", PASSWORD)
    with pytest.raises(InputError, match="already"):
        users.add("ＡＤＡ", PASSWORD)
    with pytest.raises(NotFound, match="users list"):
        users.named("Eve")


# -- signing in -----------------------------------------------------------------------------------
def test_signing_in_and_out(path: Path) -> None:
    Users(Database(path)).add("Ada", PASSWORD)
    with people(path) as url, page(url) as client:
        before = client.get("/v1/session").json()
        assert (before["signed_in"], before["ways"]) == (False, ["key", "password", "passkey"])
        assert client.get("/v1/status").status_code == 401
        wrong = client.post("/v1/session", json={"name": "Ada", "password": OTHER})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_credentials")
        assert "set-cookie" not in wrong.headers
        signed = client.post("/v1/session", json={"name": "ada", "password": PASSWORD})
        assert signed.status_code == 200
        assert signed.json()["user"]["name"] == "Ada"
        cookie = signed.headers["set-cookie"].casefold()
        for attribute in ("httponly", "samesite=strict", "path=/", "max-age="):
            assert attribute in cookie
        assert "domain" not in cookie
        assert client.get("/v1/status").status_code == 200
        held = dict(client.cookies)
        assert client.delete("/v1/session").json()["signed_in"] is False
        assert client.get("/v1/status").status_code == 401
        # The session is over, not only forgotten by this browser.
        assert httpx.get(f"{url}/v1/status", cookies=held).status_code == 401


def test_a_session_is_a_new_one_each_time_and_kept_as_a_hash(path: Path) -> None:
    Users(Database(path)).add("Ada", PASSWORD)
    with people(path) as url, page(url) as client:
        body = {"name": "Ada", "password": PASSWORD}
        client.post("/v1/session", json=body)
        first = client.cookies["gnomon_session"]
        client.post("/v1/session", json=body)
        second = client.cookies["gnomon_session"]
        assert first != second
        stale = httpx.get(f"{url}/v1/status", cookies={"gnomon_session": first})
        assert stale.status_code == 401
        held = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert second.encode() not in held


def test_sessions_end_by_age_and_by_idleness(path: Path) -> None:
    database = Database(path)
    user = Users(database).add("Ada", PASSWORD)
    sessions = Sessions(database)
    token, now = sessions.begin(user=user.id), time.time()
    assert sessions.find(token, now + IDLE_S - 10) is not None
    assert sessions.find(token, now + IDLE_S + IDLE_S - 100) is not None  # seen in between
    for days in range(7, 30, 6):
        sessions.find(token, now + days * 86_400)
    assert sessions.find(token, now + LONGEST_S + 1) is None
    idle = sessions.begin(user=user.id)
    assert sessions.find(idle, now + IDLE_S + 60) is None


def test_a_new_password_ends_the_other_sessions_and_an_ended_account_all(path: Path) -> None:
    Users(Database(path)).add("Ada", PASSWORD)
    with people(path) as url, page(url) as here, page(url) as there:
        body = {"name": "Ada", "password": PASSWORD}
        for client in (here, there):
            assert client.post("/v1/session", json=body).status_code == 200
        wrong = {"password": OTHER, "new_password": OTHER}
        assert here.post("/v1/session/password", json=wrong).status_code == 401
        weak = {"password": PASSWORD, "new_password": "short"}
        assert here.post("/v1/session/password", json=weak).status_code == 400
        right = {"password": PASSWORD, "new_password": OTHER}
        assert here.post("/v1/session/password", json=right).status_code == 200
        assert here.get("/v1/status").status_code == 200
        assert there.get("/v1/status").status_code == 401
        Users(Database(path)).remove("Ada")
        assert here.get("/v1/status").status_code == 401


def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(path: Path) -> None:
    Users(Database(path)).add("Ada", PASSWORD)
    with people(path, public_url="https://gnomon.example.org") as url:
        headers = {"host": "gnomon.example.org", "origin": "https://gnomon.example.org"}
        body = {"name": "Ada", "password": PASSWORD}
        signed = httpx.post(f"{url}/v1/session", json=body, headers=headers)
        assert signed.status_code == 200
        cookie = signed.headers["set-cookie"]
        assert cookie.startswith("__Host-gnomon=")
        assert "secure" in cookie.casefold()
        assert "max-age=31536000" in signed.headers["strict-transport-security"]


def test_guessing_is_slowed_and_others_are_not_shut_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = Users(Database(path))
    users.add("Ada", PASSWORD)
    users.add("Bo", OTHER)
    with people(path) as url, page(url) as client:

        def sign_in(name: str, password: str) -> httpx.Response:
            return client.post("/v1/session", json={"name": name, "password": password})

        wrong = [sign_in("Ada", f"{PASSWORD} {n}").status_code for n in range(5)]
        assert wrong == [401] * 5
        refused = sign_in("ADA ", PASSWORD)  # right, and too late
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert sign_in("Bo", OTHER).status_code == 200
    # It holds over a restart, and says nothing of what was typed as a name.
    with people(path) as url, page(url) as client:
        body = {"name": "Ada", "password": PASSWORD}
        assert client.post("/v1/session", json=body).status_code == 429
        names = Database(path).run("SELECT name FROM limits WHERE name LIKE 'guess%'")
        assert names
        assert not [name for (name,) in names if "ada" in name.casefold()]


def test_an_address_that_guesses_at_many_names_is_slowed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "BY_ADDRESS", signing.Rate(6, 600.0))
    with people(path) as url, page(url) as client:
        statuses = [
            client.post("/v1/session", json={"name": f"n{n}", "password": PASSWORD}).status_code
            for n in range(8)
        ]
    assert statuses == [401] * 6 + [429] * 2


def test_without_multi_user_there_is_nobody_to_sign_in(path: Path) -> None:
    Users(Database(path)).add("Ada", PASSWORD)
    with people(path) as url, page(url) as client:
        client.post("/v1/session", json={"name": "Ada", "password": PASSWORD})
        cookies = dict(client.cookies)
    Keys(Database(path)).create()
    with running(Scripted(ask), database=Database(path)) as url:
        body = {"name": "Ada", "password": PASSWORD}
        refused = httpx.post(f"{url}/v1/session", json=body)
        assert refused.json()["error"]["code"] == "no_users"
        assert httpx.get(f"{url}/v1/status", cookies=cookies).status_code == 401


def test_a_browser_signs_in_with_a_key_and_the_session_ends_with_it(path: Path) -> None:
    keys = Keys(Database(path))
    whole, key = keys.create(scopes=["ask"])
    with running(Scripted(ask), database=Database(path)) as url, page(url) as client:
        assert client.post("/v1/session", json={"key": "gnomon_no"}).status_code == 401
        signed = client.post("/v1/session", json={"key": whole}).json()
        assert (signed["key"], signed["user"], signed["scopes"]) == (key.id, None, ["ask"])
        assert client.get("/v1/status").status_code == 200
        assert whole not in str(client.cookies)
        keys.revoke(key.id)
        assert client.get("/v1/status").status_code == 401


# -- invitations ----------------------------------------------------------------------------------
def test_an_invitation_makes_one_account_and_no_more(path: Path) -> None:
    token = Users(Database(path)).invite(["ask"])
    with people(path) as url:
        weak = {"invite": token, "name": "Ada", "password": "short"}
        with page(url) as client:
            assert client.post("/v1/session/register", json=weak).status_code == 400
            good = weak | {"password": PASSWORD}
            signed = client.post("/v1/session/register", json=good)
            assert signed.status_code == 200
            assert signed.json()["scopes"] == ["ask"]
            assert client.get("/v1/status").status_code == 200
        with page(url) as client:
            again = client.post("/v1/session/register", json=good | {"name": "Eve"})
            assert again.status_code == 400
            assert "used or expired" in again.json()["error"]["message"]
            # What a body says beyond that is not obeyed (mass assignment).
            token = Users(Database(path)).invite(["ask"])
            more = {"invite": token, "name": "Eve", "password": PASSWORD,
                    "scopes": ["admin"], "id": "owner", "user": {"scopes": ["admin"]}}  # fmt: skip
            signed = client.post("/v1/session/register", json=more).json()
            assert signed["scopes"] == ["ask"]
            assert signed["user"]["id"].startswith("user_")
    expired = Users(Database(path)).invite(expires_at=time.time() - 1)
    with pytest.raises(InputError):
        Users(Database(path)).register(expired, "Max", PASSWORD)


def test_users_on_the_command_line(tmp_path: Path) -> None:
    added = gnomon(tmp_path, "users", "add", "Ada", stdin=f"{PASSWORD}\n")
    assert added.code == 0
    assert "multi_user" in added.out
    assert PASSWORD not in added.out + added.err
    assert gnomon(tmp_path, "users", "--json").json[0]["name"] == "Ada"
    assert gnomon(tmp_path, "users", "password", "Ada", stdin=f"{OTHER}\n").code == 0
    assert Users(Database(tmp_path / "server.db")).verify("Ada", OTHER) is not None
    assert "#invite=" in gnomon(tmp_path, "users", "invite").out
    key = gnomon(tmp_path, "keys", "create", "--as", "ada", "--json").json
    assert key["caller"].startswith("user_")
    assert gnomon(tmp_path, "users", "remove", "Ada").code == 0
    assert gnomon(tmp_path, "users", "remove", "Ada").code == 1
    assert gnomon(tmp_path, "users", "add").code == 2


# -- passkeys, in a real browser ------------------------------------------------------------------
CALL = """async ([method, path, body]) => {
  const answer = await fetch(path, {method, headers: {"content-type": "application/json"},
                                    body: body === null ? undefined : JSON.stringify(body)});
  return [answer.status, await answer.json()];
}"""
CREATE = """async (options) => (await navigator.credentials.create({
  publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})).toJSON()"""
GET = """async (options) => (await navigator.credentials.get({
  publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()"""


def test_a_passkey_in_a_real_browser(path: Path) -> None:
    users = Users(Database(path))
    token = users.invite()
    with people(path) as url, launched() as browser:
        tab = browser.new_page()
        cdp = tab.context.new_cdp_session(tab)
        cdp.send("WebAuthn.enable")
        cdp.send(
            "WebAuthn.addVirtualAuthenticator",
            {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                         "hasUserVerification": True, "isUserVerified": True,
                         "automaticPresenceSimulation": True}},
        )  # fmt: skip
        tab.goto(url)

        def call(method: str, path: str, body: Any = None) -> Any:
            return tab.evaluate(CALL, [method, path, body])

        # No script can read the cookie.
        status, session = call("POST", "/v1/session/register", {"invite": token, "name": "Ada"})
        assert (status, session["user"]["name"]) == (200, "Ada")
        assert tab.evaluate("document.cookie") == ""
        status, options = call("POST", "/v1/session/passkeys/options", {})
        assert status == 200
        made = tab.evaluate(CREATE, options)
        body = {"credential": made, "name": "this laptop"}
        status, listed = call("POST", "/v1/session/passkeys", body)
        assert status == 200
        assert [row["name"] for row in listed["data"]] == ["this laptop"]
        # A challenge is good once.
        assert call("POST", "/v1/session/passkeys", body)[0] == 400
        call("DELETE", "/v1/session")
        assert call("GET", "/v1/status")[0] == 401

        _, options = call("POST", "/v1/session/passkey/options", {})
        signed = tab.evaluate(GET, options)
        status, session = call("POST", "/v1/session/passkey", {"credential": signed})
        assert (status, session["user"]["name"]) == (200, "Ada")
        assert call("GET", "/v1/status")[0] == 200
        # Used once, though passkeys that are synced between devices count no signatures.
        Database(path).run("UPDATE passkeys SET sign_count = 0")
        assert call("POST", "/v1/session/passkey", {"credential": signed})[0] == 400

        # Another's signature, or one for another challenge, is nothing.
        _, options = call("POST", "/v1/session/passkey/options", {})
        forged = tab.evaluate(GET, options)
        signature = forged["response"]["signature"]
        forged["response"]["signature"] = signature[:-8] + "AAAAAAAA"
        assert call("POST", "/v1/session/passkey", {"credential": forged})[0] == 400
        assert call("POST", "/v1/session/passkey", {"credential": {"id": "x"}})[0] == 400

        status, listed = call("DELETE", f"/v1/session/passkeys/{made['id']}")
        assert (status, listed["data"]) == (200, [])
        _, options = call("POST", "/v1/session/passkey/options", {})
        gone = tab.evaluate(GET, options)
        assert call("POST", "/v1/session/passkey", {"credential": gone})[0] == 400


def test_a_passkey_elsewhere_or_without_its_person_is_nothing(path: Path) -> None:
    """Signed by the right key each time: a browser never would, a program may."""
    database = Database(path)
    ada = Users(database).add("Ada", PASSWORD)
    passkeys, relying = Passkeys(database), Relying("localhost", "http://localhost:8080")
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    public = encode_cbor(
        {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
    )
    name = bytes_to_base64url(b"a passkey of Ada's")
    row = (name, ada.id, public)
    database.run("INSERT INTO passkeys VALUES (?, ?, ?, 0, '', 0, NULL)", row)

    def sign_in(origin: str = relying.origin, host: str = relying.id, flags: int = 5) -> str:
        """``flags``: 1 is somebody there, 4 is somebody verified (WebAuthn, 6.1)."""
        challenge = passkeys.to_sign_in(relying)["challenge"]
        said = json.dumps({"type": "webauthn.get", "challenge": challenge, "origin": origin})
        about = hashlib.sha256(host.encode()).digest() + bytes([flags]) + bytes(4)
        signature = key.sign(
            about + hashlib.sha256(said.encode()).digest(), ec.ECDSA(hashes.SHA256())
        )
        return passkeys.sign_in(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "response": {
                    "clientDataJSON": bytes_to_base64url(said.encode()),
                    "authenticatorData": bytes_to_base64url(about),
                    "signature": bytes_to_base64url(signature),
                },
            },
            relying,
        )

    assert sign_in() == ada.id
    for wrong in ({"origin": "https://evil.example"}, {"host": "evil.example"}, {"flags": 1},
                  {"flags": 0}):  # fmt: skip
        with pytest.raises(InputError, match="could not be verified"):
            sign_in(**wrong)  # type: ignore[arg-type]


def test_passkeys_need_a_name(path: Path) -> None:
    Users(Database(path)).add("Ada", PASSWORD)
    with people(path) as url:
        address = url.replace("localhost", "127.0.0.1")
        refused = httpx.post(f"{address}/v1/session/passkey/options", json={})
        assert refused.status_code == 400
        assert "http://localhost" in refused.json()["error"]["message"]


def test_nobody_removes_the_passkey_of_another(path: Path) -> None:
    database = Database(path)
    users = Users(database)
    ada = users.add("Ada", PASSWORD)
    users.add("Bo", OTHER)
    with people(path) as url, page(url) as client:
        database.run("INSERT INTO passkeys VALUES ('pk', ?, x'00', 0, '', 0, NULL)", (ada.id,))
        client.post("/v1/session", json={"name": "Bo", "password": OTHER})
        assert client.get("/v1/session/passkeys").json()["data"] == []
        assert client.delete("/v1/session/passkeys/pk").status_code == 404
        assert database.run("SELECT count(*) FROM passkeys") == [(1,)]

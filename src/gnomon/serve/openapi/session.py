"""Who is signed in, and how one signs in. These addresses check for themselves who asks."""

from __future__ import annotations

from gnomon.serve.caller import SCOPES
from gnomon.serve.openapi.parts import (
    TIME,
    Paths,
    Schema,
    always,
    array,
    asked,
    at,
    body,
    does,
    flag,
    gives,
    listing,
    null_or,
    obj,
    one_of,
    ref,
    text,
)

TAG = "session"
_CREDENTIAL: Schema = obj({}, extra=True, description="What `navigator.credentials` gave, as JSON.")
_SIGN_IN = asked({"name": text(), "password": text(), "key": text()})

SCHEMAS: dict[str, Schema] = {
    "Session": obj(
        {
            "object": always("session"),
            "signed_in": flag(),
            "user": null_or(obj({"id": text(), "name": text(), "created_at": TIME})),
            "key": null_or(text("The id of the key that is signed in.")),
            "scopes": array(one_of(*SCOPES)),
            "locked": flag("Whether callers must say who they are."),
            "multi_user": flag(),
            "ways": array(one_of("key", "password", "passkey")),
        }
    ),
    "Passkey": obj(
        {"id": text(), "name": text(), "created_at": TIME, "used_at": null_or(TIME)}
    ),
}  # fmt: skip
_SESSION = gives("Who is signed in.", ref("Session"))
_OPTIONS = gives("For `navigator.credentials`.", obj({"challenge": text()}, extra=True))
_PASSKEYS = gives("One's passkeys.", listing(ref("Passkey")))


def _public(
    id: str, summary: str, answer: Schema, *errors: int, sent: Schema | None = None, **more: Schema
) -> Schema:
    params = list(more.values())
    return does(
        TAG, id, summary, {200: answer}, *errors, public=True, body=sent, params=params
    )  # fmt: skip


PATHS: Paths = {
    "/v1/session": {
        "get": _public("session", "Who is signed in, and how one can", _SESSION),
        "post": _public(
            "sign_in",
            "Sign in with a name and password, or with a key",
            _SESSION,
            401,
            404,
            sent=body(_SIGN_IN, {"key": {"key": "gnomon_..."}}),
        ),
        "delete": _public("sign_out", "Sign out", _SESSION),
    },
    "/v1/session/register": {
        "post": _public(
            "register",
            "Take up an invitation",
            _SESSION,
            404,
            sent=body(
                asked({"invite": text(), "name": text(), "password": text()}),
                {"ada": {"invite": "word", "name": "Ada", "password": "five words of my own"}},
            ),
        )
    },
    "/v1/session/password": {
        "post": _public(
            "change_password",
            "Change it; the other sessions end",
            _SESSION,
            401,
            sent=body(
                asked({"password": text(), "new_password": text()}),
                {"new": {"password": "the old one", "new_password": "five words of my own"}},
            ),
        )
    },
    "/v1/session/passkey/options": {
        "post": _public(
            "passkey_options", "What a browser needs to sign in with one", _OPTIONS, 404
        )
    },
    "/v1/session/passkey": {
        "post": _public(
            "sign_in_with_passkey",
            "Sign in with it",
            _SESSION,
            404,
            sent=body(asked({"credential": _CREDENTIAL}), {"from_browser": {"credential": {}}}),
        )
    },
    "/v1/session/passkeys": {
        "get": _public("passkeys", "One's passkeys", _PASSKEYS, 401),
        "post": _public(
            "add_passkey",
            "Keep one",
            _PASSKEYS,
            401,
            sent=body(
                asked({"credential": _CREDENTIAL, "name": text()}),
                {"from_browser": {"credential": {}, "name": "phone"}},
            ),
        ),
    },
    "/v1/session/passkeys/options": {
        "post": _public(
            "new_passkey_options", "What a browser needs to make one", _OPTIONS, 401
        )
    },
    "/v1/session/passkeys/{id}": {
        "delete": _public(
            "remove_passkey", "Remove one", _PASSKEYS, 401, 404, which=at("id", "Its id.")
        )
    },
}  # fmt: skip

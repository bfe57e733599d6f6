"""Receipts: a signed statement of what was answered, by which models, from which posts.

What is signed are hashes, so that words can go without the signature going with them. The words of
a kept answer (its leaves: every string that is no id, hash, date or term of a fixed list) are each
hashed with a salt of their own; all the rest (the skeleton) is hashed as a whole. Where a cited
post is deleted, its words and their salts are erased (``store.receipts.forget``): the digest that
stays tells nothing about them, not even to one who guesses them, and what is left still verifies.
SD-JWT (RFC 9901) hides claims in the same way.

The statement is JSON in its canonical form (``canonical``), signed as a detached JWS (RFC 7515,
appendix F) with ES256: any JOSE library verifies it with the public key alone.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gnomon.errors import InputError
from gnomon.provenance.canonical import canonical
from gnomon.provenance.keys import Key
from gnomon.types.provenance import ReceiptCheck
from gnomon.wire import FIXED, iso

KIND = "gnomon.receipt/1"
ERASED = "[deleted]"
WHOLE = frozenset({"slots"})
"""Lists that are emptied as one when words go."""
SALT_BYTES = 16


def witness(
    body: Mapping[str, Any], name: str, facts: Mapping[str, Any], key: Key, at: float
) -> dict[str, Any]:
    """The receipt of a kept answer: ``statement``, ``jws`` and ``leaves`` (pointer, digest, salt).

    ``name`` is the answer's id; ``facts`` are stated beside it (models, index, energy).
    """
    leaves = []
    for pointer, value in _leaves(body):
        salt = _b64(secrets.token_bytes(SALT_BYTES))
        leaves.append([pointer, _digest(salt, pointer, value), salt])
    statement = {
        "type": KIND,
        "answer": name,
        "at": iso(round(at, 3)),
        "key": key.id,
        **facts,
        "skeleton": _skeleton(body),
        "leaves": _root(leaves),
    }
    return {"statement": statement, "jws": _jws(statement, key), "leaves": leaves}


def verify(document: Mapping[str, Any], ours: Sequence[Key] = (), public: str = "") -> ReceiptCheck:
    """Whether a receipt (as ``document`` gives it) holds: its signature by the key that it names,
    and every word that was not erased.

    ``public`` is a public key (PEM) that is trusted for it; without one, ``ours``. Raises
    InputError where it is no receipt.
    """
    statement, jws, leaves, body = _parts(document)
    key = str(statement.get("key", ""))[:64]
    known = next((one for one in ours if one.id == key), None)
    pem = public or (known.public if known else str(document.get("public_key", "")))
    at = _moment(statement.get("at"))
    name = str(statement.get("answer", ""))[:64]

    def said(state: str, why: str, kept: int = 0, erased: int = 0) -> ReceiptCheck:
        return ReceiptCheck(state, why, name, key, at, kept, erased)  # type: ignore[arg-type]

    if statement.get("type") != KIND:
        return said("invalid", f"It is no receipt of a kind known here ({KIND}).")
    if not pem:
        raise InputError(
            f"The receipt names the key {key!r}, which is not here; give its public key (--key)."
        )
    if not _signed(statement, jws, pem):
        return said("invalid", "The signature is not over this statement, or not by this key.")
    if document.get("id", name) != name:
        return said("invalid", "It is the receipt of another answer than the one it is named by.")
    wrong, erased = _wrong(statement, leaves, body)
    if wrong:
        return said("invalid", wrong)
    kept = len(leaves) - erased
    gone = f" {erased} were erased since, as their authors deleted them." if erased else ""
    held = f"The signature holds, and so do all {kept} texts that are kept.{gone}"
    if public or known:
        return said("trusted", held, kept, erased)
    return said("valid", f"{held} Whose key {key} is, nothing here vouches for.", kept, erased)


def _wrong(
    statement: Mapping[str, Any], leaves: Sequence[Sequence[str]], body: Mapping[str, Any]
) -> tuple[str, int]:
    """What does not hold, in words ("" where all does), and how many texts were erased."""
    if _root(leaves) != statement.get("leaves"):
        return "The list of texts is not the one that was signed.", 0
    if _skeleton(body) != statement.get("skeleton"):
        return "Something other than its texts was changed after it was signed.", 0
    found = dict(_leaves(body))
    if set(found) != {pointer for pointer, _, _ in leaves}:
        return "A text was added or taken away after it was signed.", 0
    erased = 0
    for pointer, digest, salt in leaves:
        if salt:
            if _digest(salt, pointer, found[pointer]) != digest:
                return f"The text at {pointer} was changed after it was signed.", 0
        elif not _is_erased(found[pointer]):
            return f"The text at {pointer} was erased, and words stand in its place.", 0
        else:
            erased += 1
    return "", erased


def _is_erased(value: Any) -> bool:
    return value in ("", []) or (isinstance(value, str) and ERASED in value)


def document(
    id: str, body: Mapping[str, Any], receipt: Mapping[str, Any], key: Key | None
) -> dict[str, Any]:
    """A receipt to take away: with what was answered, and the key that it verifies with."""
    return {
        "object": "gnomon.receipt",
        "id": id,
        **receipt,
        "answer": dict(body),
        "public_key": key.public if key else "",
        "certificates": key.chain if key else "",
    }


# -- leaves and skeleton ------------------------------------------------------------------------


def _leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every text with its place, a JSON pointer (RFC 6901), in the canonical order."""
    if isinstance(value, Mapping):
        for name in sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass")):
            place = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in WHOLE or (isinstance(value[name], str) and name not in FIXED):
                yield place, value[name]
            elif not isinstance(value[name], str):
                yield from _leaves(value[name], place)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            if isinstance(item, str):
                yield f"{at}/{number}", item
            else:
                yield from _leaves(item, f"{at}/{number}")


def _skeleton(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(_bare(body))).hexdigest()


def _bare(value: Any) -> Any:
    """``value`` without its texts, and without the note that some were erased."""
    if isinstance(value, Mapping):
        return {
            name: None
            if name in WHOLE or (isinstance(item, str) and name not in FIXED)
            else _bare(item)
            for name, item in value.items()
            if not (name == "deleted" and item is True)
        }
    if isinstance(value, list | tuple):
        return [None if isinstance(item, str) else _bare(item) for item in value]
    return value


def _digest(salt: str, pointer: str, value: Any) -> str:
    return _b64(hashlib.sha256(canonical([salt, pointer, value])).digest())


def _root(leaves: Sequence[Sequence[str]]) -> str:
    listed = [[pointer, digest] for pointer, digest, _ in leaves]
    return hashlib.sha256(canonical(listed)).hexdigest()


# -- the signature ------------------------------------------------------------------------------


def _jws(statement: Mapping[str, Any], key: Key) -> str:
    head = _b64(canonical({"alg": "ES256", "kid": key.id, "typ": "gnomon-receipt"}))
    private = load_pem_private_key(key.private.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    signed = private.sign(_input(head, statement), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(signed)
    return f"{head}..{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _signed(statement: Mapping[str, Any], jws: str, pem: str) -> bool:
    head, _, rest = jws.partition(".")
    try:
        public = load_pem_public_key(pem.encode())
        said = json.loads(_unb64(head))
        raw = _unb64(rest.removeprefix("."))
    except ValueError:
        return False
    curve = isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1"
    # The algorithm is ours to choose, not the receipt's (RFC 8725, section 3.1).
    if not curve or not isinstance(said, dict) or said.get("alg") != "ES256" or len(raw) != 64:
        return False
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    try:
        public.verify(
            encode_dss_signature(r, s), _input(head, statement), ec.ECDSA(hashes.SHA256())
        )
    except InvalidSignature:
        return False
    return True


def _input(head: str, statement: Mapping[str, Any]) -> bytes:
    return f"{head}.{_b64(canonical(statement))}".encode("ascii")


def _parts(
    document: Mapping[str, Any],
) -> tuple[Mapping[str, Any], str, list[list[str]], Mapping[str, Any]]:
    statement, jws = document.get("statement"), document.get("jws")
    leaves, body = document.get("leaves"), document.get("answer")
    whole = isinstance(statement, Mapping) and isinstance(body, Mapping) and isinstance(jws, str)
    if not whole or not isinstance(leaves, list):
        raise InputError(
            "That is no receipt; `gnomon receipt show ID --json` writes one, with its 'statement', "
            "'jws', 'leaves' and 'answer'."
        )
    assert isinstance(statement, Mapping)
    assert isinstance(body, Mapping)
    assert isinstance(jws, str)
    for leaf in leaves:
        if not (
            isinstance(leaf, list) and len(leaf) == 3 and all(isinstance(x, str) for x in leaf)
        ):
            raise InputError("The receipt's 'leaves' are not lists of pointer, digest and salt.")
    return statement, jws, leaves, body


def _moment(value: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() if moment else None


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

"""What the manifest of anybody's file says, in our words.

``report`` asks the library and is run in a process of its own (``provenance.reader``); ``told``
turns what came back into a value, trusting neither its form nor its size.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gnomon.provenance.keys import Key
from gnomon.provenance.manifest import LABEL, context, library, short
from gnomon.provenance.media import BYTES, kind_of, readable
from gnomon.types.provenance import (
    EDITED_BY_MODEL,
    MADE_BY_MODEL,
    Made,
    Mark,
    Provenance,
    Signer,
)

MOST = 300
"""Characters of anything that a manifest says."""
JUMBF = b"jumb"
"""The type of the boxes that a manifest is made of (ISO 19566-5): without it there is none."""
MACHINE = {
    MADE_BY_MODEL: True,
    EDITED_BY_MODEL: True,
    "algorithmicMedia": True,
    "compositeSynthetic": True,
    "dataDrivenMedia": True,
    "digitalCapture": False,
    "computationalCapture": False,
    "humanEdits": False,
    "digitalCreation": False,
    "negativeFilm": False,
    "positiveFilm": False,
    "print": False,
    "screenCapture": False,
}
"""Whether a source type means that a model had a hand in it; of others nothing is said."""


def report(
    data: bytes, ours: str, others: str, mime: str = "", sidecar: bytes = b""
) -> dict[str, Any]:
    """What the library says about a file, as JSON for ``told``. ``ours`` and ``others`` are the
    certificates that are trusted (PEM), our own apart; ``sidecar`` is a manifest beside it.

    It parses strangers' bytes: ``provenance.reader`` is the process to do that in. Raises
    Unsupported for a type that no manifest is looked for in, ConfigError without the library.
    """
    kind = (kind_of(data) or BYTES) if sidecar else readable(data, mime)
    c2pa = library()

    def under(anchors: str) -> dict[str, Any]:
        settings, stream = context(c2pa, anchors), io.BytesIO(data)
        try:
            with c2pa.Reader(kind, stream, sidecar or None, context=settings) as reader:
                state = str(reader.get_validation_state() or "Invalid")
                return {"state": state, "said": json.loads(reader.json())}
        except c2pa.C2paError.ManifestNotFound:
            return {"state": "absent"}
        except c2pa.C2paError as error:
            if JUMBF not in data and not sidecar:
                return {"state": "absent", "error": short(error)}
            return {"state": "broken", "error": short(error)}

    said = under(ours)
    if said["state"] == "Trusted":
        said["ours"] = True
    elif said["state"] == "Valid" and others:
        said = under(others)
    return {**said, "mime": kind}


def told(found: Mapping[str, Any], ours: Sequence[Key]) -> Provenance:
    """A report as the value it stands for. Nothing in it is trusted to have its form or size."""
    return replace(_told(found, ours), mark=_mark(found.get("mark"), ours))


def _mark(said: Any, ours: Sequence[Key]) -> Mark | None:
    if not isinstance(said, Mapping):
        return None
    key = next((one.id for one in ours if one.id == said.get("key")), "")
    figures = [said.get(name) for name in ("score", "threshold", "p_false")]
    score, threshold, rate = (float(x) if isinstance(x, int | float) else 0.0 for x in figures)
    return Mark(said.get("found") is True and bool(key), score, threshold, rate, key)


def _told(found: Mapping[str, Any], ours: Sequence[Key]) -> Provenance:
    kind, state, error = (_text(found.get(name)) for name in ("mime", "state", "error"))
    if state == "absent":
        cut = f" It is not whole, either ({error})." if error else ""
        return Provenance(
            "absent", f"There is no manifest in it, which says nothing of it.{cut}", kind
        )
    if state == "broken":
        why = f"Its manifest cannot be read: {error}."
        return Provenance("invalid", why, kind, ("claim.malformed",))
    said = _object(found.get("said"))
    manifest = _object(_object(said.get("manifests")).get(str(said.get("active_manifest"))))
    failed = _failures(said)
    signer = _signer(manifest, ours if found.get("ours") is True else ())
    verdict = {"Trusted": "trusted", "Valid": "valid"}.get(str(state), "invalid")
    action = _created(manifest)
    term = _text(action.get("digitalSourceType")).rsplit("/", 1)[-1]
    made = _ours(manifest) if signer.key else None
    agent = action.get("softwareAgent")
    model = _text(agent.get("name")) if isinstance(agent, Mapping) else _text(agent)
    return Provenance(
        state=verdict,  # type: ignore[arg-type]
        why=_why(verdict, signer, failed),
        mime=kind,
        reasons=failed,
        signer=signer,
        generator=_generator(manifest),
        model=made.model if made else model,
        at=made.at if made else _time(action.get("when") or _signature(manifest).get("time")),
        source_type=term,
        machine=MACHINE.get(term),
        made=made,
        title=_text(manifest.get("title")),
        ingredients=len(_list(manifest.get("ingredients"))),
    )


def _why(state: str, signer: Signer, failed: Sequence[str]) -> str:
    who = signer.name or signer.organization or "somebody without a name"
    if state == "trusted":
        whom = f"our own key {signer.key}" if signer.key else f"{who}, who is on the trust list"
        return f"Every hash holds, and it is signed by {whom}."
    if state == "valid":
        return (
            f"Every hash holds, and it is signed by a certificate that calls itself {who!r}; "
            "nobody on the trust list vouches for that."
        )
    meant = [FAILURES.get(code, code) for code in failed if code != UNTRUSTED]
    return f"It does not hold: {'; '.join(dict.fromkeys(meant)) or 'the library gives no reason'}."


UNTRUSTED = "signingCredential.untrusted"
FAILURES = {
    "assertion.dataHash.mismatch": "the content was changed after it was signed",
    "assertion.bmffHash.mismatch": "the content was changed after it was signed",
    "assertion.boxesHash.mismatch": "the content was changed after it was signed",
    "assertion.hashedURI.mismatch": "a statement of the manifest was changed after it was signed",
    "assertion.missing": "a statement that was signed is missing",
    "assertion.undeclared": "the manifest holds a statement that was not signed",
    "claim.missing": "the manifest has no claim",
    "claim.malformed": "the manifest is malformed",
    "claimSignature.missing": "the signature is missing",
    "claimSignature.mismatch": "the signature is not over what the manifest says",
    "claimSignature.outsideValidity": "the certificate had run out, or did not hold yet",
    "signingCredential.expired": "the certificate has run out",
    "signingCredential.invalid": "the certificate is not one that may sign",
    "signingCredential.ocsp.revoked": "the certificate was revoked",
    "timeStamp.mismatch": "the time-stamp is not of this manifest",
    "ingredient.hashedURI.mismatch": "a file that it was made out of is not the one named",
}
"""C2PA's codes of failure in words (https://spec.c2pa.org, "Standard Status Codes")."""


def _failures(said: Mapping[str, Any]) -> tuple[str, ...]:
    results = _object(said.get("validation_results"))
    codes = [
        _text(_object(one).get("code"))
        for one in _list(_object(results.get("activeManifest")).get("failure"))
    ]
    for delta in _list(results.get("ingredientDeltas")):
        changes = _object(_object(delta).get("validationDeltas"))
        codes += [_text(_object(one).get("code")) for one in _list(changes.get("failure"))]
    codes += [_text(_object(one).get("code")) for one in _list(said.get("validation_status"))]
    return tuple(dict.fromkeys(code for code in codes if code))[:20]


def _signer(manifest: Mapping[str, Any], ours: Sequence[Key]) -> Signer:
    info = _signature(manifest)
    serial = _text(info.get("cert_serial_number"))
    key = next((key.id for key in ours if str(key.certificate.serial_number) == serial), "")
    return Signer(_text(info.get("issuer")), _text(info.get("common_name")), serial, key)


def _signature(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(manifest.get("signature_info"))


def _generator(manifest: Mapping[str, Any]) -> str:
    infos = _list(manifest.get("claim_generator_info"))
    if infos:
        first = _object(infos[0])
        return f"{_text(first.get('name'))} {_text(first.get('version'))}".strip()[:MOST]
    return _text(manifest.get("claim_generator"))


def _created(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """The action by which it came to be: the one that names a source type, else the first."""
    actions: list[Mapping[str, Any]] = []
    for assertion in _list(manifest.get("assertions")):
        if _text(_object(assertion).get("label")).startswith("c2pa.actions"):
            data = _object(_object(assertion).get("data"))
            actions += [_object(one) for one in _list(data.get("actions"))]
    typed = [action for action in actions if action.get("digitalSourceType")]
    by_model = [a for a in typed if MACHINE.get(_text(a["digitalSourceType"]).rsplit("/", 1)[-1])]
    return next(iter([*by_model, *typed, *actions]), {})


def _ours(manifest: Mapping[str, Any]) -> Made | None:
    for assertion in _list(manifest.get("assertions")):
        data = _object(_object(assertion).get("data"))
        at = _time(data.get("at"))
        if _object(assertion).get("label") == LABEL and at is not None:
            return Made(
                kind=data.get("kind", "picture"),
                model=_text(data.get("model")),
                model_sha256=_text(data.get("model_sha256")),
                prompt_sha256=_text(data.get("prompt_sha256")),
                at=at,
                from_sha256=_text(data.get("from_sha256")),
            )
    return None


def _time(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(_text(value)).timestamp() if value else None
    except (ValueError, OverflowError):
        return None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value[:1000] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """At most ``MOST`` characters of one line."""
    return " ".join(value.split())[:MOST] if isinstance(value, str) else ""

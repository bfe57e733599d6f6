"""C2PA manifests into what we made.

https://spec.c2pa.org. The library is the reference implementation, c2pa-rs, through ``c2pa-python``
(``gnomon[provenance]``). It is told to fetch nothing: a manifest that lies elsewhere, and a
certificate's revocation, are not looked up.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gnomon.errors import ConfigError, InputError, pip_install
from gnomon.provenance.keys import Key
from gnomon.provenance.media import BYTES, CARRIERS, plain
from gnomon.types.provenance import EDITED_BY_MODEL, MADE_BY_MODEL, Made

if TYPE_CHECKING:
    import c2pa

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
LABEL = "gnomon.made"
"""Our own assertion; the rest of the manifest is C2PA's."""


def library() -> Any:
    """``c2pa``. Raises ConfigError where it is not installed."""
    try:
        import c2pa
    except ImportError as error:
        raise ConfigError(
            "Signing and reading manifests needs c2pa-python; "
            f"install it with: {pip_install('gnomon[provenance]')}"
        ) from error
    return c2pa


def sign(data: bytes, mime: str, made: Made, key: Key, generator: tuple[str, str]) -> bytes:
    """``data`` with a manifest in it; a format that carries none comes back as it is.

    ``generator`` is a program's name and version. Raises InputError where ``data`` is no file of
    the type ``mime``, ConfigError without the library.
    """
    if plain(mime) not in CARRIERS:
        return data
    return _signed(data, plain(mime), made, key, generator)[0]


def sidecar(data: bytes, mime: str, made: Made, key: Key, generator: tuple[str, str]) -> bytes:
    """A manifest to lie beside ``data`` as a ``.c2pa`` file, for any format. Raises as ``sign``."""
    # A sidecar binds the bytes as such, of whatever kind.
    kind = plain(mime) if plain(mime) in CARRIERS else BYTES
    return _signed(data, kind, made, key, generator, embed=False)[1]


def _signed(
    data: bytes, mime: str, made: Made, key: Key, generator: tuple[str, str], *, embed: bool = True
) -> tuple[bytes, bytes]:
    c2pa = library()
    out = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(b"es256", key.chain.encode(), key.private.encode(), None)
        with c2pa.Signer.from_info(info) as signer:
            builder = c2pa.Builder(json.dumps(_claim(made, generator)), context(c2pa, key.root))
            if not embed:
                builder.set_no_embed()
            manifest = builder.sign(signer, mime, io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise InputError(
            f"A {made.kind} of {len(data):,} bytes could not be signed as {mime} "
            f"({short(error)}); give a whole file of that type."
        ) from error
    return out.getvalue(), bytes(manifest)


def _claim(made: Made, generator: tuple[str, str]) -> dict[str, Any]:
    name, version = generator
    term = EDITED_BY_MODEL if made.from_sha256 else MADE_BY_MODEL
    when = datetime.fromtimestamp(made.at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    created = {
        "action": "c2pa.created",
        "when": when,
        "digitalSourceType": SOURCE_TYPES + term,
        "softwareAgent": {"name": made.model, "version": made.model_sha256[:16] or "unknown"},
        "description": f"Made by a model ({made.kind}).",
    }
    ours = {
        "kind": made.kind,
        "model": made.model,
        "model_sha256": made.model_sha256,
        "prompt_sha256": made.prompt_sha256,
        "from_sha256": made.from_sha256,
        "at": when,
    }
    return {
        "claim_generator_info": [{"name": name, "version": version}],
        "title": f"{made.kind} made by {name}",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": LABEL, "data": ours, "kind": "Json"},
        ],
    }


def context(c2pa: Any, anchors: str) -> c2pa.Context:
    settings = {
        "verify": {
            "verify_trust": True,
            "verify_after_sign": True,
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
        },
        "trust": {"user_anchors": anchors} if anchors else {},
        "builder": {"thumbnail": {"enabled": False}},
    }
    return c2pa.Context(c2pa.Settings.from_dict(settings))


def short(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")

"""Answers are signed as they are kept: with which models, over which state of the index."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gnomon import __version__
from gnomon.assemble.models import chat_choice, embed_choice, load_verifier, verifier_name
from gnomon.config import Config
from gnomon.errors import ConfigError, GnomonError, InputError, NotFound, StoreError
from gnomon.models import installed
from gnomon.models.installed import Choice
from gnomon.store.contract import Receipt, Store
from gnomon.store.memory import MemoryStore
from gnomon.store.receipts import SIGNED, receipt_id
from gnomon.types.provenance import ReceiptCheck

# Signing loads a library; what only reads the store signs nothing.
if TYPE_CHECKING:
    from gnomon.assemble.provenance import Signed

KINDS = ("gnomon.answer", "gnomon.verification")
"""What is signed. A digest says what answers said, and each of its stories names them."""


class Witness:
    """Everything of ``store``; what is kept in its journal is signed first."""

    def __init__(self, store: Store, sign: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        self._store = store
        self._sign = sign

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append_journal(self, at: float, body: Mapping[str, Any], cites: Sequence[str]) -> Receipt:
        return self._store.append_journal(at, self._sign(body), cites)

    @property
    def as_store(self) -> Store:
        """This, as what it stands for."""
        return cast(Store, self)


class Receipts:
    """The signed receipts of what is in the journal. Thread-safe.

    What lies in memory is signed when its receipt is asked for, so that looking at files or at the
    sample world leaves no key behind.
    """

    def __init__(self, config: Config, store: Store, signed: Callable[[], Signed]) -> None:
        self._config = config
        self._store = store
        self._signed = signed
        self.trouble = ""

    def witness(self, store: Store) -> Store:
        """``store``, whose journal is signed."""
        if isinstance(store, MemoryStore):
            return store
        return Witness(store, partial(self._with_receipt, store)).as_store

    def _with_receipt(self, store: Store, body: Mapping[str, Any]) -> dict[str, Any]:
        """``body`` with its receipt; without one, where there is no key to be had: the answer is
        kept all the same, and ``trouble`` says why it is not signed."""
        if body.get("object") not in KINDS:
            return dict(body)
        try:
            made = self._make(receipt_id(body), body, store)
        except (StoreError, ConfigError) as error:
            self.trouble = f"answers are not signed: {error}"
            return dict(body)
        self.trouble = ""
        return {**body, SIGNED: made}

    def _make(self, name: str, body: Mapping[str, Any], store: Store) -> dict[str, Any]:
        from gnomon.provenance import receipts

        signed = self._signed()
        facts = self._facts(body, store)
        return receipts.witness(body, name, facts, signed.key(), signed.now())

    def _facts(self, body: Mapping[str, Any], store: Store) -> dict[str, Any]:
        held = store.status()
        energy = body.get("energy") or {}
        return {
            "object": body.get("object", ""),
            "by": {"name": "gnomon", "version": __version__},
            "models": model_hashes(self._config, str(body.get("model", ""))),
            "index": {
                "seq": held.seq,
                "posts": held.posts,
                "origins": held.origins,
                "views": dict(held.views),
            },
            "joules": energy.get("joules") if isinstance(energy, Mapping) else None,
        }

    def show(self, id: str) -> dict[str, Any]:
        """The receipt of a kept answer, to take away and verify elsewhere. Raises NotFound."""
        held = self._store.receipt(id)
        if held is None:
            raise NotFound(
                f"No answer {id[:80]!r} in the journal; `gnomon status` counts those kept."
            )
        body = {name: value for name, value in held.body.items() if name != SIGNED}
        made = held.body.get(SIGNED)
        if made is None and isinstance(self._store, MemoryStore) and not held.lost:
            made = self._make(held.id, body, self._store)
        if made is None:
            raise NotFound(
                f"The answer {id[:80]!r} was kept without a signature, before gnomon signed what "
                "it says; ask again for one that is signed."
            )
        from gnomon.provenance import receipts

        named = made["statement"]["key"]
        key = next((one for one in self._signed().keys.all() if one.id == named), None)
        return receipts.document(held.id, body, made, key)

    def verify(self, given: Mapping[str, Any], public: str = "") -> ReceiptCheck:
        """Whether a receipt holds. Raises InputError where it is none."""
        from gnomon.provenance import receipts

        return receipts.verify(given, self._signed().keys.all(), public)

    def newest(self) -> str:
        """The id of the newest answer or check that was kept. Raises NotFound."""
        for held in self._store.journal(100):
            if held.body.get("object") in KINDS:
                return held.id
        raise NotFound("No answer is in the journal yet; ask something first.")


def verify_file(path: Path, signed: Signed, public: str = "") -> ReceiptCheck:
    """As ``Receipts.verify``, of a file, with nothing else opened. Raises InputError."""
    try:
        given = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is no JSON ({str(error)[:80]}).") from error
    if not isinstance(given, Mapping):
        raise InputError(
            f"{str(path)!r} holds no receipt; `gnomon receipt show ID --json` writes one."
        )
    from gnomon.provenance import receipts

    return receipts.verify(given, signed.keys.all(), public)


def model_hashes(config: Config, wrote: str) -> dict[str, Any]:
    """Plain JSON: what wrote, judged and encoded, each with the SHA-256 of its weights ("" for a
    model behind a URL, which shows none)."""
    rows: dict[str, Any] = {"wrote": {"name": wrote, "sha256": ""}}
    for task, find in (("chat", chat_choice), ("embed", embed_choice)):
        try:
            choice = find(config)
        except GnomonError:
            continue
        if choice.kind in ("none", "url"):
            continue
        digest = _digest(config, choice)
        rows[task] = {"name": choice.name, "sha256": digest}
        if task == "chat" and wrote == choice.name:
            rows["wrote"]["sha256"] = digest
    rows["verifier"] = {"name": verifier_name(config), "sha256": _verifier_digest(config)}
    return rows


def _digest(config: Config, choice: Choice) -> str:
    held = installed.find(config.models_dir, choice.name)
    return held.files[0].sha256 if held is not None else ""


def _verifier_digest(config: Config) -> str:
    try:
        found = load_verifier(config)
    except GnomonError:
        return ""
    return found.sha256 if found is not None else ""

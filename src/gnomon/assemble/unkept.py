"""A store whose journal may be out of reach: the answer is still given, and said to be unkept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from gnomon.errors import StoreFull
from gnomon.store.contract import Receipt, Store


class Forgiving:
    """Everything of ``store`` but the journal's failures.

    A receipt that could not be kept has no id, so the answer has none, and ``why`` says why. This
    is so where another process writes (``reader``) and where the disk is full: a question needs
    no more than reading.
    """

    def __init__(self, store: Store, reader: str = "") -> None:
        self._store = store
        self._reader = reader
        self.why = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append_journal(self, at: float, body: Mapping[str, Any], cites: Sequence[str]) -> Receipt:
        """As the store's own; ``id`` is empty where it was not kept."""
        self.why = self._reader
        if not self.why:
            try:
                return self._store.append_journal(at, body, cites)
            except StoreFull as error:
                self.why = str(error)
        return Receipt("", at, body, tuple(cites))

    @property
    def as_store(self) -> Store:
        """This, as what it stands for: the rest of the contract goes to the store itself."""
        return cast(Store, self)

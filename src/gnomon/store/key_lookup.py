"""Which posts carry a band key or a URL: the record's index, behind a filter once that pays."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from itertools import chain, product

from gnomon.errors import StoreError
from gnomon.store import reader
from gnomon.store.database import Database
from gnomon.store.key_filter import KeyFilter, as_keys
from gnomon.store.keys import hash64
from gnomon.store.rules import own_url
from gnomon.types import Batch

log = logging.getLogger(__name__)

# Reading a key into the filter costs about a thirtieth of looking one up in the record, so a pull
# of a few posts into a large store need not read them all.
_READ_TO_ASKED = 32
_PER_POST = 5  # about as many keys as a post has


class KeyLookup:
    """Safe between threads. The filter is made from the record, never kept on disk, so that
    nothing can part it from the record: in the writer's process, in a thread of its own, after
    enough keys were asked for. Until it is whole every key is looked up in the record."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._filter: KeyFilter | None = None
        self._asked = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._whole = threading.Event()

    @property
    def nbytes(self) -> int:
        """Memory that the filter takes, in bytes."""
        return self._filter.nbytes if self._filter is not None else 0

    def band_matches(self, keys: Iterable[int]) -> dict[int, list[str]]:
        """See ``contract.Store.band_matches``."""
        wanted = list(set(keys))
        possible = self._possible(wanted)
        wanted = [key for key, may in zip(wanted, possible, strict=True) if may]
        if not wanted:
            return {}
        with self._database.reading() as db:
            return reader.band_matches(db, wanted)

    def by_url(self, urls: Sequence[str]) -> dict[str, str]:
        """See ``contract.Store.by_url``."""
        possible = self._possible([hash64(url) for url in urls])
        wanted = [url for url, may in zip(urls, possible, strict=True) if may]
        if not wanted:
            return {}
        with self._database.reading() as db:
            return reader.by_url(db, wanted)

    def _possible(self, keys: Sequence[int]) -> list[bool]:
        if self._whole.is_set():
            assert self._filter is not None
            possible: list[bool] = self._filter.may_hold(as_keys(keys)).tolist()
            return possible
        if not self._database.readonly:
            self._consider(len(keys))
        return [True] * len(keys)

    def written(self, batch: Batch) -> None:
        """Take note of a batch's keys, inside the transaction that writes them: a key must be in
        the filter before anyone can find it in the record. If it fails, they do no harm."""
        if self._filter is not None:
            urls = [hash64(url) for post in batch.posts if (url := own_url(post))]
            self._filter.add(as_keys(list(chain(urls, *batch.bands.values()))))

    def close(self) -> None:
        """Stop reading keys, if that is going on."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    # -- making the filter --------------------------------------------------------------------
    def _consider(self, asked: int) -> None:
        """Begin to make the filter if that has come to cost no more than doing without."""
        with self._lock:
            self._asked += asked
            if self._thread is not None or self._stop.is_set():
                return
            with self._database.reading() as db:
                keys = _PER_POST * reader.post_count(db)
            if self._asked * _READ_TO_ASKED < keys:
                return
            self._thread = threading.Thread(
                target=self.make_filter, name="gnomon-keys", daemon=True
            )
            self._thread.start()

    def make_filter(self) -> None:
        """Read every key of the record into a filter; it is used once it is whole."""
        with self._database.alone(), self._database.reading() as db:
            # No transaction is open now: what is committed later notes its keys here, what was
            # committed before is read below.
            self._filter = KeyFilter(_PER_POST * reader.post_count(db))
        try:
            for part in product(reader.KEYED, range(reader.KEY_PARTS)):
                if self._stop.is_set():
                    return
                with self._database.reading() as db:
                    self._filter.add(reader.keys_of_part(db, *part))
        except StoreError as error:
            log.warning("%s Near-duplicates are looked up without a filter.", error)
            return
        self._whole.set()

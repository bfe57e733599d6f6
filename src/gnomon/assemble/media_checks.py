"""Pictures that came with posts: who signed them, looked at where the owner or a reader asks.

A picture is fetched through the one guarded network (a stranger gave the address: private ones
are out of reach), read in the confined process, and forgotten; the verdict is kept beside the post
and goes with it. Pictures of posts that came from files are read from beside those files.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gnomon.assemble.media_bytes import MOST, beside, fetched, is_url
from gnomon.assemble.provenance import Signed
from gnomon.config import Config
from gnomon.errors import ConfigError, GnomonError, NotFound
from gnomon.provenance.verdicts import Verdicts
from gnomon.store.contract import Store
from gnomon.store.memory import MemoryStore
from gnomon.types.provenance import MediaCheck

if TYPE_CHECKING:
    from gnomon.sources.network import Network

AN_HOUR = 200
"""Pictures that are looked at unasked in an hour."""
EVERY_S = 30.0
LOG_ENTRIES = 500


class MediaChecks:
    """The real ``serve.contract.MediaChecks``. Thread-safe. ``folders`` are those that pictures
    named by a path may lie in: where the files lie that the posts came from."""

    def __init__(
        self, config: Config, store: Store, signed: Signed, network: Callable[[], Network]
    ) -> None:
        self._config = config
        self._store = store
        self._signed = signed
        self._network = network
        self._one = threading.Lock()
        self.folders: tuple[Path, ...] = ()

    @cached_property
    def verdicts(self) -> Verdicts:
        kept = not isinstance(self._store, MemoryStore)
        return Verdicts(self._signed.keys.folder / "media.db" if kept else None)

    def of(self, post: str) -> tuple[MediaCheck, ...]:
        """What was found in the pictures of a post so far; nothing is fetched."""
        return self.verdicts.of(post) if self._any() else ()

    def _any(self) -> bool:
        """Whether anything was ever looked at: else nothing is made for looking."""
        if isinstance(self._store, MemoryStore):
            return "verdicts" in self.__dict__
        return (self._signed.keys.folder / "media.db").is_file()

    def by_model(self) -> frozenset[str]:
        """The posts with a picture that a model made, as its manifest (which holds) or our own mark
        says; of those that were looked at."""
        return self.verdicts.by_model() if self._any() else frozenset()

    def check(self, post: str) -> tuple[MediaCheck, ...]:
        """Look at the pictures of a held post now. Raises NotFound, ConfigError."""
        held = self._store.get(post)
        if held is None:
            raise NotFound(f"No post {post[:120]!r} is held; `gnomon search` shows ids.")
        with self._one:
            found = tuple(self._look(media) for media in held.media[:MOST])
        # It may have been deleted while its pictures were on their way.
        if self._store.get(post) is not None:
            self.verdicts.put(post, found)
            self.prune()
        return found

    def _look(self, media: str) -> MediaCheck:
        now = time.time()
        try:
            data = self._fetched(media) if is_url(media) else beside(media, self.folders)
            found = self._signed.read(data)
        except ConfigError:
            raise
        except GnomonError as error:
            return MediaCheck(media, "unread", str(error)[:300], now)
        return MediaCheck(
            media=media,
            state=found.state,
            why=found.why,
            checked_at=now,
            sha256=hashlib.sha256(data).hexdigest(),
            signer=found.signer.name or found.signer.organization,
            model=found.model,
            machine=found.machine,
            mark=bool(found.mark and found.mark.found),
        )

    def _fetched(self, url: str) -> bytes:
        with self._network() as network:
            return fetched(url, network)

    # -- unasked ------------------------------------------------------------------------------
    def follow(self, stop: threading.Event, say: Callable[[str], None]) -> None:
        """Look at the pictures of posts as they come in, until ``stop``; at most ``AN_HOUR`` an
        hour. What came before the first start is left alone."""
        left, since = AN_HOUR, time.monotonic()
        if self.verdicts.seq is None:
            self.verdicts.reached(self._store.status().seq)
        while not stop.is_set():
            if time.monotonic() - since > 3600:
                left, since = AN_HOUR, time.monotonic()
            try:
                left -= self.step(left)
                say("" if left > 0 else f"{AN_HOUR} pictures were looked at; more in an hour")
            except GnomonError as error:
                say(str(error))
            stop.wait(EVERY_S)

    def step(self, most: int) -> int:
        """Go on in the record's log: at most ``most`` pictures; how many that was. Verdicts about
        posts that were deleted go."""
        looked = 0
        for change in self._store.tail(self.verdicts.seq or 0, LOG_ENTRIES):
            if change.kind == "delete":
                self.verdicts.forget([change.ref])
            elif change.kind in ("post", "edit"):
                held = self._store.get(change.ref)
                if held is not None and held.media:
                    if looked + min(MOST, len(held.media)) > most:
                        return looked
                    looked += len(self.check(held.id))
            self.verdicts.reached(change.seq)
        return looked

    def prune(self) -> int:
        """Forget verdicts about posts that are no longer held; how many posts that was."""
        if not self._any():
            return 0
        gone = [post for post in self.verdicts.posts() if self._store.get(post) is None]
        self.verdicts.forget(gone)
        return len(gone)

    def close(self) -> None:
        if "verdicts" in self.__dict__:
            self.verdicts.close()

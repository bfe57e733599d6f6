"""Taking in: what an owner names becomes sources, and what these bring goes into the store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import IO, TYPE_CHECKING

from gnomon.config import Config
from gnomon.errors import InputError, StoreError, StoreFull
from gnomon.ingest import Report, ingest, retain
from gnomon.sources.admission import Limits
from gnomon.sources.contract import Source
from gnomon.sources.files import Files
from gnomon.sources.specs import Access, make_sources
from gnomon.store.contract import Store
from gnomon.types import Batch, SetAside

if TYPE_CHECKING:
    from gnomon.sources.network import Network

ROOM = 0.9
DAY_S = 86400.0


class Intake:
    """Sources and their posts, for one store and one owner's settings."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.store = store

    def pull(
        self,
        specs: Sequence[str],
        *,
        name: str = "",
        encoding: str = "",
        every_s: float | None = None,
        for_s: float | None = None,
        stdin: IO[bytes] | None = None,
        on_progress: Callable[[Report], None] | None = None,
    ) -> list[Report]:
        """Take in each source, one after another. Feeds are read once, or every ``every_s``
        seconds; Bluesky is followed until interrupted. ``for_s`` ends either after so many seconds.

        A source that fails, or that is none, is named in its Report and among what was set aside;
        the others go on. Retention runs at the end. Raises StoreError only where the store can
        no longer be written at all.
        """
        stop = threading.Event()
        timer = threading.Timer(for_s, stop.set) if for_s is not None else None
        if timer:
            timer.daemon = True
            timer.start()
        make = partial(self.sources, name=name, encoding=encoding, every_s=every_s, stdin=stdin)
        reports: list[Report] = []
        try:
            with self.network() as network:
                for spec in specs:
                    try:
                        sources = make([spec])
                    except InputError as error:
                        reports.append(self._refused("pull", spec, error))
                        continue
                    reports += [self._pull(one, network, stop, on_progress) for one in sources]
        finally:
            if timer:
                timer.cancel()
        self.retain()
        self.store.refresh()
        return reports

    def _pull(
        self,
        source: Source,
        network: Network,
        stop: threading.Event,
        on_progress: Callable[[Report], None] | None,
    ) -> Report:
        """One source; what ends it early is in its report, with the count up to there."""
        last = Report(source.name)

        def count(report: Report) -> None:
            nonlocal last
            last = report
            if on_progress is not None:
                on_progress(report)

        # Rows may name sources of their own, so that none of their posts is under the file's name.
        read_before = isinstance(source, Files) and self.store.cursor(source.name) is not None
        try:
            report = self.ingest(source, network, stop, count)
        except StoreError as error:
            return replace(last, error=str(error))
        gave = report.posts or report.deleted or report.set_aside or read_before
        if not report.error and not gave and not self._ever_gave(source.name):
            if isinstance(source, Files):
                report = replace(report, error=nothing_in(source.name.removeprefix("file:")))
            elif stop.is_set():
                said = "nothing came of it in the time given; give it more, or see to the network."
                report = replace(report, error=said)
        if report.error:
            self._refused(source.name, source.name, report.error)
        return report

    def _ever_gave(self, source: str) -> bool:
        """Whether anything of ``source`` was ever taken in or set aside."""
        states = [state for state in self.store.status().sources if state.source == source]
        return any(state.posts or state.set_aside for state in states)

    def _refused(self, source: str, where: str, why: InputError | str) -> Report:
        """A source that gave nothing (more), listed in ``status`` like anything set aside."""
        with suppress(StoreFull):
            item = SetAside(source, where[:500], str(why), time.time())
            self.store.write(Batch(source=source, set_aside=(item,)))
        return Report(where, error=str(why))

    def retain(self) -> int:
        """Drop the oldest posts over the owner's limits; how many went.

        Over the limit of disk, it goes down to ``ROOM`` of it: giving space back makes the
        indexes anew, which should not come again with every few posts.
        """
        most = self.config.max_disk_mb * 2**20
        if self.store.status().disk_bytes > most:
            most = int(most * ROOM)
        return retain(self.store, most, self.config.max_age_days * DAY_S, time.time())

    def ingest(
        self,
        source: Source,
        network: Network,
        stop: threading.Event,
        on_progress: Callable[[Report], None] | None = None,
    ) -> Report:
        return ingest(
            source,
            self.store,
            network=network,
            max_bytes=int(self.config.max_disk_mb * 2**20 * ROOM),
            max_age_s=self.config.max_age_days * DAY_S,
            on_progress=on_progress,
            stop=stop,
        )

    def sources(
        self,
        specs: Sequence[str],
        *,
        name: str = "",
        encoding: str = "",
        every_s: float | None = None,
        stdin: IO[bytes] | None = None,
    ) -> list[Source]:
        return [
            source
            for spec in specs
            for source in make_sources(
                spec,
                feeds=self.config.feeds,
                jetstream=self.config.jetstream,
                limits=self.limits(),
                name=name,
                encoding=encoding,
                every_s=every_s,
                stdin=stdin,
                access=self.access(),
            )
        ]

    def access(self) -> Access:
        """The owner's keys."""
        config = self.config
        return Access(config.mastodon_key, config.reddit_key, config.x_key)

    def limits(self) -> Limits:
        return Limits(
            max_post_bytes=int(self.config.max_post_mb * 2**20),
            future_s=self.config.future_s,
            adult=self.config.adult,
        )

    def network(self) -> Network:
        from gnomon.sources.network import Network

        return Network(
            contact=self.config.contact, allow=self.config.allow, proxy=self.config.proxy
        )


def nothing_in(path: str) -> str:
    """Why a file or folder without posts is an error."""
    return f"{path!r} holds no posts; give a file with at least one, or a folder of such files."

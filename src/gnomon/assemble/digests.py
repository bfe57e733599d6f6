"""Digests of the assembled product: made, kept in the journal, shown, and made again every day."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gnomon import digest as dated
from gnomon.assemble.background import Background
from gnomon.digest import changes, feed, kept
from gnomon.digest.markdown import markdown
from gnomon.digest.page import page, style
from gnomon.errors import ConfigError, GnomonError, InputError, NotFound
from gnomon.models.protocols import Chat
from gnomon.store.contract import Store
from gnomon.truth.check import Bench
from gnomon.types import Digest, Step
from gnomon.wire import to_json

DAY_S = 86_400.0
LOOKED_BACK = 1000
"""Receipts among which digests, and answers that lost a source, are looked for."""
MOST_STORIES = 30
LOOK_EVERY_S = 20.0
FORMATS = ("md", "html", "json", "rss", "atom")


@dataclass(frozen=True, slots=True)
class Parts:
    """What digests are made from. ``store`` keeps them."""

    store: Store
    rising: Callable[[], dated.Rising]
    bench: Callable[[Chat | None], Bench]
    chat: Callable[[], Chat | None]
    now: Callable[[], float]
    sample: bool = False
    timeout_s: float = 60.0


class Digests:
    """See ``serve.contract.Digests``. Thread-safe as far as its parts are."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def make(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        about: str = "",
        langs: Sequence[str] = (),
        lang: str = "en",
        k: int = 8,
    ) -> Iterator[Step | Digest]:
        """Steps, then the Digest, kept in the journal where that can be written (else it has no
        id). Without times: the 24 hours up to now, or up to the newest post where that is older.

        Raises InputError, StoreError, ModelError (a chat model asked for by name that is not here).
        """
        parts = self._parts
        order = self._order(since, until, about.strip(), tuple(langs), lang, k)
        receipts = self._receipts()
        before = self._before(receipts, order)
        known = before.get("known_losses", {}) if before else {}
        lost = changes.losses(receipts, known) if before else []
        chat = parts.chat()
        made: Digest | None = None
        for event in dated.make(
            order,
            parts.rising(),
            parts.bench(chat),
            now=parts.now(),
            chat=chat,
            before=before,
            losses=lost,
            timeout_s=parts.timeout_s,
        ):
            if isinstance(event, Digest):
                made = replace(event, sample=parts.sample)
            else:
                yield event
        assert made is not None, "a digest ends with itself"
        body = kept.to_body(made) | {"known_losses": changes.known_losses(receipts)}
        receipt = parts.store.append_journal(made.made_at, body, kept.cites(made))
        yield replace(made, id=receipt.id)

    def _order(
        self,
        since: float | None,
        until: float | None,
        about: str,
        langs: tuple[str, ...],
        lang: str,
        k: int,
    ) -> dated.Order:
        if lang not in ("en", "zh"):
            raise InputError(f"A digest cannot be told in {lang[:20]!r}; give en or zh.")
        if not 1 <= k <= MOST_STORIES:
            raise InputError(f"A digest holds 1 to {MOST_STORIES} stories, not {k}.")
        now, newest = self._parts.now(), self._parts.store.status().newest
        stale = newest is not None and since is None and newest < now - DAY_S
        end = until if until is not None else newest + 1 if stale and newest else now
        begin = since if since is not None else end - DAY_S
        if not begin < end:
            raise InputError("The digest would end before it begins; give an earlier --since.")
        return dated.Order(begin, end, about, langs, lang, k)

    def _receipts(self) -> list[dict[str, Any]]:
        held = self._parts.store.journal(LOOKED_BACK)
        return [{"id": r.id, **r.body, "lost": list(r.lost)} for r in held]

    def _before(
        self, receipts: Sequence[Mapping[str, Any]], order: dated.Order
    ) -> Mapping[str, Any] | None:
        """The digest before it that was about the same."""
        for one in receipts:
            same = (one.get("about"), tuple(one.get("langs", ())), one.get("lang"))
            if one.get("object") == kept.OBJECT and same == (order.about, order.langs, order.lang):
                return one
        return None

    # -- showing --------------------------------------------------------------------------------
    def kept(self, limit: int = 20) -> list[Digest]:
        """The newest digests."""
        found = (one for one in self._receipts() if one.get("object") == kept.OBJECT)
        return [kept.from_body(one) for _, one in zip(range(limit), found, strict=False)]

    def digest(self, id: str) -> Digest:
        """A kept digest, without the words of posts deleted since. Raises NotFound."""
        receipt = self._parts.store.receipt(id)
        if receipt is None or receipt.body.get("object") != kept.OBJECT:
            raise NotFound(f"No digest {id[:80]!r} is kept; GET /v1/digests lists them.")
        return kept.from_body({"id": receipt.id, **receipt.body})

    def shown(
        self, digest: Digest, form: str, *, base: str = "", style_at: str = ""
    ) -> str | dict[str, Any]:
        """``digest`` as text in ``form`` (of FORMATS), or as a JSON object. ``base`` begins our own
        addresses. Raises InputError."""
        if form == "md":
            return markdown(digest)
        if form == "html":
            atom = f"{base}/digests.atom" if style_at else ""
            return page(digest, base=base, feed=atom, style_at=style_at)
        if form == "rss":
            return feed.rss([digest], base=base)
        if form == "atom":
            return feed.atom([digest], base=base)
        if form == "json":
            return {"object": kept.OBJECT, **to_json(digest)}
        raise InputError(f"{form[:20]!r} is no format of a digest; give {', '.join(FORMATS)}.")

    def feed(self, form: str, *, base: str) -> str:
        """The newest digests as Atom or RSS."""
        digests = self.kept()
        return feed.rss(digests, base=base) if form == "rss" else feed.atom(digests, base=base)

    def style(self) -> str:
        return style()

    # -- every day ------------------------------------------------------------------------------
    def every_day(self, at: str, lang: str, background: Background) -> None:
        """Make one each day at ``at`` ("07:30", UTC) until ``background`` stops; one that fell into
        a time when gnomon did not run is made when it runs again. Raises ConfigError."""
        hour, minute = time_of_day(at)
        background.start("digest", lambda: self._keep_making(hour, minute, lang, background))

    def _keep_making(self, hour: int, minute: int, lang: str, background: Background) -> None:
        stop, health = background.stop, background.health
        tried = 0.0
        while not stop.wait(LOOK_EVERY_S):
            due = last_due(time.time(), hour, minute)
            if tried >= due:
                continue
            tried = time.time()  # looked at once for each due time: the journal may be long
            if any(one.made_at >= due and not one.about for one in self.kept(5)):
                continue
            try:
                for _ in self.make(lang=lang):
                    if stop.is_set():
                        return
            except GnomonError as error:
                health["digest"] = f"the digest of today failed: {error}"
            else:
                health.pop("digest", None)


def time_of_day(text: str) -> tuple[int, int]:
    """Hour and minute of "07:30". Raises ConfigError."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip())
    if found is None:
        raise ConfigError(f"digest_at is {text[:20]!r}; give a time of day such as 07:30 (UTC).")
    return int(found[1]), int(found[2])


def last_due(now: float, hour: int, minute: int) -> float:
    """The last time at or before ``now`` when the clock (UTC) showed hour and minute."""
    moment = datetime.fromtimestamp(now, UTC)
    due = moment.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (due if due <= moment else due - timedelta(days=1)).timestamp()

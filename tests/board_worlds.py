"""A small store with a past: chatter, an event, a campaign, a story whose figures conflict and that
two thousand carried, gaps, and words that attack the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gnomon.assemble import Gnomon, open_gnomon
from gnomon.config import load
from gnomon.ingest import take
from gnomon.store.contract import Store
from gnomon.types import Batch, Gap, Post
from page_worlds import BREAKING, HOSTILE
from trend_streams import DAY, HOUR, MONDAY, campaign, chatter, event, post

END = MONDAY + 6 * DAY
COPIES = 2_000
RISING, PUSHED = "zanzibar", "buynow"

FIRE = (
    ("harbour_news", "Fire at the Harbour Street warehouse in Dunmore: three people were killed, "
     "say the firefighters of Dunmore."),
    ("mira", "Terrible: the fire at the Harbour Street warehouse in Dunmore, three people were "
     "killed. I can see the smoke over the whole bay from my window."),
    ("dunmore_fire", "Harbour Street warehouse fire, Dunmore: five people were killed. The fire is "
     "under control, 40 firefighters were at work until midnight."),
    (f"oldsalt {HOSTILE}", f"They say five people were killed in the warehouse fire on Harbour "
     f"Street, Dunmore. {HOSTILE} Nobody tells us anything about it {BREAKING}"),
    ("نورة", "Dunmore Harbour Street warehouse fire: أرى الدخان من نافذتي فوق الخليج كله"),
)  # fmt: skip


def fire(copies: int, at: float) -> list[Post]:
    """The story: five origins within hours, of which two were carried by ``copies`` in all."""
    rows = [
        post(f"fire/{n}", text, at + n * 2_400.0, author, title=BREAKING if n == 3 else "")
        for n, (author, text) in enumerate(FIRE)
    ]
    for n in range(copies):
        later = at + 60 + (n * 7 % copies) * 9.0
        if n % 2:
            more: dict[str, Any] = {"repost_of": "fire/0"}
            rows.append(post(f"fire/r{n}", FIRE[0][1], later, f"reader{n}", **more))
        else:
            rows.append(post(f"fire/c{n}", FIRE[2][1], later + 4_800, f"copier{n}"))
    return rows


def fill(store: Store, copies: int = COPIES) -> None:
    posts = [
        *chatter(6, 25),
        *event(RISING, 25, END - HOUR),
        *campaign(PUSHED, 60, END - HOUR, reworded=True),
        *fire(copies, END - 8 * HOUR),
    ]
    posts.sort(key=lambda one: one.time)
    gaps = (
        Gap("test", END - 6 * HOUR, END - 5 * HOUR, f"the stream was cut {HOSTILE}"),
        Gap("test", END - 3 * DAY, END - 3 * DAY + 4 * HOUR, "too old to be asked for again"),
    )
    take(Batch("test", tuple(posts), gaps=gaps), store)


@contextmanager
def busy_world(home: Path, copies: int = COPIES) -> Iterator[Gnomon]:
    """The real engine over that store, on disk, without models and without sources."""
    config = load(home, {}, chat_model="none", embed_model="none", feeds=())
    with open_gnomon(config) as engine:
        fill(engine.store, copies)
        yield engine


@contextmanager
def empty_world(home: Path) -> Iterator[Gnomon]:
    config = load(home, {}, chat_model="none", embed_model="none", feeds=())
    with open_gnomon(config) as engine:
        yield engine

"""The trends of a window, each with its reasons.

What is ranked is *voices*: authors who said it in words of their own, each once an hour, copies of
one origin only once; after the coordination discount. How many posts there were is told beside it
and moves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gnomon.errors import NotFound
from gnomon.store.contract import Store
from gnomon.text.tokens import tokens
from gnomon.text.urls import canonical
from gnomon.trends import history, shown
from gnomon.trends.finalists import FALSE_SHARE, FEWEST, finalists, folded
from gnomon.trends.history import Window
from gnomon.trends.terms import KINDS, base_of, says_something
from gnomon.trends.view import TrendsView
from gnomon.types import Trend, Trends

_WEAK = -4 * math.log(2)  # 4 bits: one chance in sixteen, for one term looked at alone
_SPARE = 100  # finalists beyond k: for what the discount takes out and what is folded


def rising(
    view: TrendsView,
    store: Store,
    window_s: float,
    *,
    now: float,
    kinds: Sequence[str] = KINDS,
    lang: str = "",
    k: int = 20,
    unsure: bool = True,
) -> Trends:
    """The ``k`` most surprising trends of the window that ends at ``now``, best first.

    ``lang`` "" counts all languages together. With ``unsure``, a list that would be shorter goes on
    with what may be chance, marked so. Raises InputError for a window that is not served,
    StoreError.
    """
    with view.lock:
        window = history.held_window(view, window_s, now, tuple(kinds), lang, FEWEST)
        found = finalists(view, window, tuple(kinds), lang, k + _SPARE)
        least = [one for one in found if one.q <= FALSE_SHARE]
        if unsure and len(least) < k:
            least = [one for one in found if one.q <= FALSE_SHARE or one.log_p <= _WEAK]
        trends = shown.trends(view, store, window, lang, folded(least)[:k])
        authors, origins = view.distinct(window.since, now)
        return Trends(
            since=window.since,
            until=now,
            posts=window.total_posts,
            origins=origins,
            authors=authors,
            tested=window.tested,
            behind=view.behind(),
            trends=tuple(trends),
        )


def explain(
    view: TrendsView, store: Store, term: str, window_s: float, *, now: float, lang: str = ""
) -> Trend:
    """The figures of one term, hashtag (``#...``), link or name, whether it rises or not.

    Raises NotFound where nobody said it in the window; InputError, StoreError.
    """
    wanted = _bases_of(term)
    with view.lock:
        window = history.held_window(view, window_s, now, KINDS, lang, 1)
        places = [int(np.searchsorted(window.base, np.uint64(base))) for base in wanted]
        held = [
            place for place, base in zip(places, wanted, strict=True)
            if place < len(window.base) and int(window.base[place]) == base
        ]  # fmt: skip
        if not held:
            raise NotFound(
                f"Nobody said {term[:80]!r} in this window; give a longer one with 'window', or "
                "see what was said at all with `gnomon search`."
            )
        window = _only(window, np.array(sorted(held)))
        found = finalists(view, window, KINDS, lang, len(held), fewest=0)
        if not found:
            raise NotFound(f"Who said {term[:80]!r} is no longer followed; give a shorter window.")
        # Of a phrase the part that fewest say is what tells it from others.
        rarest = min(found, key=lambda one: (window.voices[one.place], -one.base))
        return shown.trends(view, store, window, lang, [(rarest, [])])[0]


def _bases_of(term: str) -> list[int]:
    text = term.strip()
    if "://" in text:
        page = canonical(text)
        return [base_of("link", page)] if page else []
    if text.startswith(("#", "＃")):
        return [base_of("hashtag", text.strip("#＃").casefold())]
    words = [word for word in tokens(text) if says_something(word)]
    name = [base_of("name", " ".join(text.casefold().split()))] if " " in text else []
    return name + [base_of("term", word) for word in words]


def _only(window: Window, places: np.ndarray) -> Window:
    return replace(
        window,
        base=window.base[places],
        posts=window.posts[places],
        voices=window.voices[places],
    )

"""A rising term as it is shown: its label, who carried it, its past as a line, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from gnomon.store.contract import Store
from gnomon.trends import history, phrases
from gnomon.trends.finalists import FALSE_SHARE, Finalist
from gnomon.trends.history import Window
from gnomon.trends.rows import Row
from gnomon.trends.terms import base_of, extract
from gnomon.trends.view import TrendsView
from gnomon.trends.windows import spark_bins
from gnomon.types import Carrier, Post, Trend

_BITS = 1 / math.log(2)
_CARRIERS, _TEXTS, _ALSO = 5, 40, 6
_EXCERPT = 200


def trends(
    view: TrendsView,
    store: Store,
    window: Window,
    lang: str,
    chosen: Sequence[tuple[Finalist, Sequence[Finalist]]],
) -> list[Trend]:
    """Each of ``chosen`` with the terms folded into it. What nobody says any more in the record
    (its posts were deleted just now) is left out. Raises StoreError."""
    heads = {one.base: _heads(one) for pair in chosen for one in (pair[0], *pair[1][:_ALSO])}
    ids = dict.fromkeys(row.id for rows in heads.values() for row in rows)
    posts = store.get_many(list(ids))
    base = np.array([one.base for one, _ in chosen], np.uint64)
    length, edges = spark_bins(window.seconds, window.until)
    lines = history.sparks(view, base, lang, length, edges)
    past = history.past_of(view, base, lang, window.since)
    found = []
    for i, (one, also) in enumerate(chosen):
        texts = [posts[row.id] for row in heads[one.base] if row.id in posts]
        term = _spelled(one.base, texts)
        label = _label(one, term, texts) if term else ""
        if not label:
            continue
        others = [_other(other, heads[other.base], posts) for other in also[:_ALSO]]
        hours = past.start[past.counts[i] > 0]
        found.append(
            _trend(
                one, term, label, window, store,
                first=float(hours[0]) if len(hours) else min(row.time for row in one.carriers),
                new=not len(hours),
                posts=posts,
                spark=tuple(lines[i].tolist()),
                spark_s=length,
                also=tuple(dict.fromkeys(o for o in others if o and o not in label.casefold())),
                langs=[post.lang for post in texts],
            )
        )  # fmt: skip
    return found


def _heads(one: Finalist) -> list[Row]:
    """The first post of each independent voice."""
    return [group[0] for group in one.groups][:_TEXTS]


def _spelled(base: int, posts: Sequence[Post]) -> str:
    """The term that ``base`` stands for, as the record's posts say it; "" where none does."""
    for post in posts:
        for kind, term in extract(post):
            if base_of(kind, term) == base:
                return term
    return ""


def _label(one: Finalist, term: str, posts: Sequence[Post]) -> str:
    kind = history.kind_of(one.base)
    if kind == "hashtag":
        return f"#{term}"
    if kind == "link":
        return term
    return phrases.phrase(term, [f"{post.title}\n{post.text}".strip() for post in posts])


def _other(one: Finalist, heads: Sequence[Row], posts: Mapping[str, Post]) -> str:
    term = _spelled(one.base, [posts[row.id] for row in heads if row.id in posts])
    return f"#{term}" if term and history.kind_of(one.base) == "hashtag" else term


def _trend(
    one: Finalist,
    term: str,
    label: str,
    window: Window,
    store: Store,
    *,
    first: float,
    new: bool,
    posts: Mapping[str, Post],
    spark: tuple[int, ...],
    spark_s: float,
    also: tuple[str, ...],
    langs: Sequence[str],
) -> Trend:
    loud = int(window.posts[one.place])
    origins = len({row.origin for row in one.carriers})
    scale = one.scale
    authors = round(len(one.authors) * scale)
    p = math.exp(max(one.log_p, -700.0))
    per_hour = float(window.voices[one.place]) / (window.seconds / 3600)
    return Trend(
        term=term,
        kind=history.kind_of(one.base),
        label=label,
        lang=window.langs[0] if window.langs else Counter(langs).most_common(1)[0][0],
        since=window.since,
        until=window.until,
        posts=loud,
        origins=round(origins * scale),
        authors=authors,
        independent=round(one.discount.independent * scale, 1),
        expected=round(one.mean, 3),
        per_hour=round(per_hour, 2),
        surprise=round(max(0.0, -one.log_p * _BITS), 1),
        p=p,
        q=one.q,
        sure=one.q <= FALSE_SHARE,
        tested=window.tested,
        first_seen=first,
        new=new,
        discount=one.discount,
        carriers=_carriers(one, posts, store),
        spark=spark,
        spark_s=spark_s,
        also=also,
        why=_why(one, window, loud, authors, new),
    )


def _carriers(one: Finalist, posts: Mapping[str, Post], store: Store) -> tuple[Carrier, ...]:
    """The voices that most others carried on, then the earliest."""
    heads = [row for row in _heads(one) if row.id in posts]
    sizes = {row.id: len(group) for group in one.groups for row in group[:1]}
    links = store.links([row.id for row in heads])
    held = store.origins([links[row.id].origin for row in heads if row.id in links])

    def carried(row: Row) -> int:
        origin = held.get(links[row.id].origin) if row.id in links else None
        return max(sizes[row.id], origin.posts if origin is not None else 1)

    best = sorted(heads, key=lambda row: (-carried(row), row.time, row.seq))[:_CARRIERS]
    return tuple(
        Carrier(row.id, posts[row.id].author, row.time, carried(row), _excerpt(posts[row.id]))
        for row in best
    )


def _excerpt(post: Post) -> str:
    text = " ".join(f"{post.title} {post.text}".split())
    return text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 1]}…"


def _why(one: Finalist, window: Window, loud: int, authors: int, new: bool) -> str:
    span = _span(window.seconds)
    past = (
        "it was not heard in the weeks before" if new
        else f"its own past makes {one.mean:.1f} expected"
    )  # fmt: skip
    counted = f"{one.voices:.0f} independent voice{'s' if round(one.voices) != 1 else ''}"
    return (
        f"{counted} in {span}, where {past} (surprise {max(0.0, -one.log_p * _BITS):.0f} bits). "
        f"{loud} posts by {authors} authors carry it. {one.discount.reason}"
    )


def _span(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 60:.0f} min"

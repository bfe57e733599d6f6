"""Campaigns: many accounts that put out one text as their own, close in time, with small edits.

Sharing leaves a trace of where a thing comes from: a repost, a name, a link. What is measured here
is how improbable an origin's posts would be if they were ordinary sharing, sign by sign:

- *unattributed*: accounts that pass the text off as their own words. Null: beta-binomial with
  ``UNATTRIBUTED``, fitted by maximum likelihood to 385 origins of five and more real tweets.
- *simultaneous*: accounts that do so within ``TOGETHER_S`` of another, as in Keller et al. 2020
  (https://doi.org/10.1080/10584609.2019.1661888). Null: binomial with ``NEAR``, the share there.
- *even*: gaps more equal than chance makes them, by Greenwood's statistic
  (https://doi.org/10.2307/2981087) against a Poisson process; people come in bursts (Barabási 2005,
  https://doi.org/10.1038/nature03459), so that chance is already more even than they are.
- *names*: account names that end in two digits and more. Null: binomial with ``NUMBERED``.
- *elsewhere*: pairs of the accounts that meet in other origins, too, as in Pacheco et al. 2021
  (https://doi.org/10.1609/icwsm.v15i1.18075). Null: Poisson about what their numbers of posts make
  expected if each post were placed at random (configuration model).

- *machine*: what programs leave behind in a text, and pictures that say a model made them
  (``machine_made``). It is told and never counted: a person may post what a model wrote.

Passing off is what a campaign cannot do without, so p is the larger of that sign's and the others'
(intersection-union test, Berger 1982, https://doi.org/10.1080/00401706.1982.10487790); the others
are joined by their Cauchy combination, which holds although they depend on each other (Liu and Xie
2020, https://doi.org/10.1080/01621459.2018.1554485). The score is 1 - p. These are signs, no proof:
a chain letter or a headline that many programs repeat may show some of them.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gnomon.origins import machine_made
from gnomon.origins.compare import edits_of
from gnomon.origins.wording import Wording, of_post, running
from gnomon.store.contract import Store
from gnomon.types import Campaign, EdgeKind, Filter, Link, Post, Sign, Variant

FEWEST = 5
"""Accounts below which nothing is said of an origin."""
MOST = 2_000
"""Posts of an origin that are read, the earliest."""
TOGETHER_S = 60.0
UNATTRIBUTED = (0.12, 3.0)
NEAR = 0.32
NUMBERED = 0.164
SURE = 0.005
"""Coordinated: a p below it."""
_DRAWS, _GAPS = 20_000, 200
_ACCOUNTS, _ELSEWHERE = 200, 5_000
_VARIANTS = 6
_OWN = frozenset({EdgeKind.ROOT, EdgeKind.COPY, EdgeKind.MEANING})
_NAMES_SOMEBODY = re.compile(
    r"\b(?:RT|MT|QT|via|h/t|HT)\b|[@＠]\w|https?://|www\.|//\s?@|[转轉][自发發]|pic\.twitter", re.I
)
_NUMBERED = re.compile(r"\d{2,}$")


def look(store: Store, origin: str, pictures: Collection[str] = ()) -> Campaign | None:
    """The origin's campaign signs; None where fewer than ``FEWEST`` accounts carry it.
    ``pictures`` are the ids of posts whose picture is known to be made by a model.

    Raises StoreError."""
    held = store.origins([origin]).get(origin)
    if held is None or held.authors < FEWEST:
        return None
    posts = store.members(origin, MOST)
    found = assess(posts, store.links([post.id for post in posts]), pictures)
    if found is None or found.unattributed < FEWEST:
        return found
    accounts = sorted(unattributed(posts, store.links([post.id for post in posts])))
    return _weighed(found, (*found.signs, *_elsewhere(store, origin, accounts)))


def assess(
    posts: Sequence[Post], links: Mapping[str, Link], pictures: Collection[str] = ()
) -> Campaign | None:
    """The same from an origin's posts (earliest first) and their links alone, without what the
    accounts do elsewhere."""
    accounts = {post.author for post in posts if post.author}
    if len(accounts) < FEWEST:
        return None
    root = posts[0]
    own = unattributed(posts, links)
    times = sorted(post.time for post in own.values())
    texts = {" ".join(of_post(post).words) for post in own.values()}
    found = Campaign(
        origin=links[root.id].origin if root.id in links else root.id,
        posts=len(posts),
        accounts=len(accounts),
        unattributed=len(own),
        texts=len(texts),
        since=times[0] if times else root.time,
        until=times[-1] if times else root.time,
        score=0.0,
        coordinated=False,
        variants=_variants(of_post(root), list(own.values())),
    )
    if len(own) < FEWEST:
        return found
    signs = [_passed_off(len(own), len(accounts))]
    for sign in (_simultaneous(times), _even(times), _numbered(list(own.values()))):
        if sign is not None:
            signs.append(sign)
    if (machine := machine_made.sign(posts, pictures)) is not None:
        signs.append(machine)
    return _weighed(found, tuple(signs))


def unattributed(posts: Sequence[Post], links: Mapping[str, Link]) -> dict[str, Post]:
    """By account: its first post of the origin, where that names nobody and links nowhere."""
    first: dict[str, Post] = {}
    for post in posts:
        if post.author:
            first.setdefault(post.author, post)
    return {
        account: post
        for account, post in first.items()
        if (post.id not in links or links[post.id].kind in _OWN)
        and not post.links
        and not _NAMES_SOMEBODY.search(post.text)
    }


def _weighed(found: Campaign, signs: tuple[Sign, ...]) -> Campaign:
    """With the score of ``signs``, the first of which is passing off."""
    counted = [sign for sign in signs[1:] if sign.name != machine_made.NAMED]
    others = [min(max(sign.p, 1e-15), 0.99) for sign in counted]
    p = 1.0
    if others:
        cauchy = sum(math.tan((0.5 - p) * math.pi) for p in others) / len(others)
        p = max(signs[0].p, 0.5 - math.atan(cauchy) / math.pi)
    return replace(found, score=round(1.0 - p, 4), coordinated=p < SURE, signs=signs)


# --------------------------------------------------------------------------- the signs


def _passed_off(own: int, accounts: int) -> Sign:
    a, b = UNATTRIBUTED
    p = _beta_binomial_tail(own - 1, accounts - 1, a, b)  # the first to say it names nobody
    expected = (accounts - 1) * a / (a + b)
    return Sign(
        "unattributed", own, round(1 + expected, 1), p,
        f"{own} of {accounts} accounts put the text out as their own words, naming nobody and "
        f"linking nowhere; in ordinary sharing about {1 + expected:.0f} would",
    )  # fmt: skip


def _simultaneous(times: Sequence[float]) -> Sign | None:
    if _are_coarse(times):
        return None
    gaps = np.diff(times)
    left, right = np.append(np.inf, gaps), np.append(gaps, np.inf)
    near = int(np.count_nonzero(np.minimum(left, right) <= TOGETHER_S))
    p = _binomial_tail(near, len(times), NEAR)
    return Sign(
        "simultaneous", near, round(NEAR * len(times), 1), p,
        f"{near} of these {len(times)} posted within {TOGETHER_S:.0f} s of another; ordinarily "
        f"about {NEAR * len(times):.0f} would",
    )  # fmt: skip


def _are_coarse(times: Sequence[float]) -> bool:
    """Whether the times are known to the minute only, or all the same."""
    return times[0] == times[-1] or 2 * sum(t % 60 == 0 for t in times) > len(times)


def _even(times: Sequence[float]) -> Sign | None:
    if _are_coarse(times):
        return None
    gaps = np.diff(times[: _GAPS + 1])
    if len(gaps) < FEWEST or not gaps.sum():
        return None
    share = float(np.square(gaps / gaps.sum()).sum())
    draws = np.random.default_rng(len(gaps)).exponential(size=(_DRAWS, len(gaps)))
    draws /= draws.sum(axis=1, keepdims=True)
    at_least = int(np.count_nonzero(np.square(draws).sum(axis=1) <= share))
    p = (at_least + 1) / (_DRAWS + 1)
    return Sign(
        "even", round(share, 4), round(2 / (len(gaps) + 1), 4), p,
        f"their times are spaced {'more evenly than' if p < SURE else 'as'} chance would space "
        f"them (median gap {float(np.median(gaps)):,.0f} s)",
    )  # fmt: skip


def _numbered(posts: Sequence[Post]) -> Sign | None:
    names = [str(post.extra.get("handle") or post.author) for post in posts]
    names = [name.split(".")[0] for name in names if not name.startswith("did:")]
    names = [name for name in names if not name.isdigit()]
    if len(names) < FEWEST:
        return None
    numbered = sum(bool(_NUMBERED.search(name)) for name in names)
    return Sign(
        "names", numbered, round(NUMBERED * len(names), 1),
        _binomial_tail(numbered, len(names), NUMBERED),
        f"{numbered} of their {len(names)} names end in digits; of others about "
        f"{NUMBERED * len(names):.0f} would",
    )  # fmt: skip


def _elsewhere(store: Store, origin: str, accounts: Sequence[str]) -> list[Sign]:
    """Whether the accounts meet in other origins more often than their number of posts explains."""
    known = accounts[:_ACCOUNTS]
    posts = list(store.scan(Filter(authors=tuple(known)), _ELSEWHERE))
    links = store.links([post.id for post in posts])
    met: dict[str, set[str]] = defaultdict(set)
    for post in posts:
        place = links[post.id].origin if post.id in links else post.id
        if place != origin:
            met[place].add(post.author)
    if not met:
        return []
    pairs = sum(len(who) * (len(who) - 1) // 2 for who in met.values())
    places = Counter(account for who in met.values() for account in who)
    total, square = sum(places.values()), sum(n * n for n in places.values())
    expected = (total * total - square) / 2 / max(1, store.status().origins)
    if not pairs and expected < 0.01:
        return []
    return [Sign(
        "elsewhere", pairs, round(expected, 2), _poisson_tail(pairs, expected),
        f"pairs of them meet {pairs} times in other origins; by chance {expected:.1f} times",
    )]  # fmt: skip


# --------------------------------------------------------------------------- the edits


def _variants(root: Wording, posts: Sequence[Post]) -> tuple[Variant, ...]:
    """Examples of how the text was changed, each change once."""
    seen: set[tuple[str, str]] = {("", "")}
    found: list[Variant] = []
    for post in posts:
        if post.id == root.id or len(found) == _VARIANTS:
            continue
        edits = edits_of(root, of_post(post))
        removed = running([word for edit in edits for word in edit.gone])
        added = running([word for edit in edits for word in edit.come])
        if (removed, added) not in seen:
            seen.add((removed, added))
            found.append(Variant(post.id, post.author, removed[:120], added[:120]))
    return tuple(found)


# --------------------------------------------------------------------------- distributions


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _beta_binomial_tail(k: int, n: int, a: float, b: float) -> float:
    """P(X >= k) of ``n`` trials whose chance is itself drawn from Beta(a, b)."""
    terms = (_log_choose(n, j) + _log_beta(j + a, n - j + b) for j in range(k, n + 1))
    return min(1.0, sum(math.exp(term - _log_beta(a, b)) for term in terms))


def _binomial_tail(k: int, n: int, chance: float) -> float:
    yes, no = math.log(chance), math.log1p(-chance)
    terms = (_log_choose(n, j) + j * yes + (n - j) * no for j in range(k, n + 1))
    return min(1.0, sum(map(math.exp, terms)))


def _poisson_tail(k: int, mean: float) -> float:
    if k == 0:
        return 1.0
    mean = max(mean, 1e-9)
    below = sum(math.exp(j * math.log(mean) - mean - math.lgamma(j + 1)) for j in range(k))
    return max(1.0 - below, math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)))

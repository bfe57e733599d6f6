"""Step 2: find held passages for a plan or a claim.

Several rankings (each search form by BM25, the encoder's nearest) are fused by their scores,
freshened, collapsed to origins before the cut, and joined by neighbours (what a post replies to,
its replies): corrections often stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from gnomon.models.protocols import Embed
from gnomon.store.contract import Store
from gnomon.store.rules import accepts
from gnomon.text import slots
from gnomon.text.bare import is_bare
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk
from gnomon.truth.bilingual import search_form
from gnomon.truth.terms import Weights, coverage, term_set
from gnomon.types import EdgeKind, Filter, Hit, Origin, Passage, Post, QueryPlan, SlotKind

DEPTH = 40
# Posts of one origin that are read: a copy says nothing new, but a link to an article may come with
# words of its own.
POSTS = 2
# What the forms beside the question itself count: a town's name alone must not outvote what was
# asked about it. Scores are added, each as a share of the best of its ranking: places say less
# (Bruch, Gai and Ingber 2023, https://arxiv.org/abs/2210.11934). With reciprocal ranks and .4 the
# form of names alone took 400 of SciFact's training claims from nDCG@10 .69 to .61; here .1 and .2
# neither cost nor gain there, and .3 costs. Words and meaning count alike, which is the best of .3
# to .7 on the same claims.
OTHER_FORM = 0.2
# Where cosines of multilingual-e5-small begin: a question and what has nothing to do with it are
# near .78, and half of SciFact's abstracts are above .80 for any claim.
COSINE_FLOOR = 0.78
# How much more of the question's words a copy must have than what it copies to be read beside it.
SAYS_MORE = 0.05
FRESH_SHARE = 0.1
FRESH_HALF_LIFE_S = 7 * 86400.0
PASSAGES_PER_POST = 4
# A sentence with a number is worth more to a question or claim that turns on one.
NUMBER_BONUS = 0.25
NEIGHBOURS_OF = 6


@dataclass(frozen=True, slots=True)
class Retrieved:
    """``passages`` best first; ``origins`` of all hits by id (they say how many posts each has)."""

    passages: tuple[Passage, ...]
    origins: dict[str, Origin]

    def and_also(self, more: Retrieved) -> Retrieved:
        """These passages, and behind them those of ``more`` that are not among them."""
        held = {(p.post.id, p.start, p.end) for p in self.passages}
        new = [p for p in more.passages if (p.post.id, p.start, p.end) not in held]
        return Retrieved((*self.passages, *new), {**more.origins, **self.origins})


def retrieve(
    plan: QueryPlan,
    store: Store,
    weights: Weights,
    *,
    embed: Embed | None = None,
    now: float,
    k: int = 24,
) -> Retrieved:
    """Passages for a question: at most ``k`` origins, at most three passages of each post."""
    forms = [*plan.forms, *([plan.negated] if plan.negated else [])]
    return _gather(forms, plan.question, store, weights, plan.where, embed, now, k)


def retrieve_claim(
    claim: str,
    store: Store,
    weights: Weights,
    where: Filter,
    *,
    embed: Embed | None = None,
    now: float,
    k: int = 20,
) -> Retrieved:
    """Passages that may bear on one claim, for or against it."""
    forms = [*weights.forms(claim), search_form(claim, is_cjk(claim))]
    return _gather([form for form in forms if form], claim, store, weights, where, embed, now, k)


def retrieve_again(
    claim: str, store: Store, weights: Weights, where: Filter, *, now: float, k: int = 10
) -> Retrieved:
    """A second look at one claim, in other words: its denied form, what offices say of it, and its
    names and numbers alone."""
    chinese = is_cjk(claim)
    forms = [
        f"{claim} 否认 并非 不实 更正" if chinese else f"{claim} not false denied correction",
        f"{claim} 官方 通报 声明" if chinese else f"{claim} official statement spokesman confirmed",
        " ".join(slot.text for slot in slots.find(claim)),
    ]
    return _gather([f for f in forms if f], claim, store, weights, where, None, now, k)


def _gather(
    forms: Sequence[str],
    text: str,
    store: Store,
    weights: Weights,
    where: Filter,
    embed: Embed | None,
    now: float,
    k: int,
) -> Retrieved:
    hits, best = _fused(forms, text, store, where, embed, now, max(DEPTH, k))
    hits = _first_origins(hits, k, best)
    hits = _by_first(hits, text, store, weights, where)
    hits = _with_neighbours(hits, store, where)
    return _passages(hits, text, store, weights)


def _first_origins(hits: Sequence[Hit], k: int, best: Iterable[str] = ()) -> list[Hit]:
    """The hits of the first ``k`` origins, ``best`` always among them: what a form in the other
    language finds first is not pushed out by twenty posts that but name the town."""
    kept = dict.fromkeys(best)
    for hit in hits:
        if len(kept) < k:
            kept.setdefault(hit.origin)
    return [hit for hit in hits if hit.origin in kept]


def _by_first(
    hits: Sequence[Hit], text: str, store: Store, weights: Weights, where: Filter
) -> list[Hit]:
    """Each origin shown by the post of it that was held first, whichever of its copies a search
    finds: a search rather finds the shortest one, and one that came later may claim any date and
    any account. Copies that say more of ``text`` stand beside it, and so do posts that belong to
    the origin by their link alone, with words of their own."""
    first = store.first_held(list(dict.fromkeys(hit.origin for hit in hits)))
    first = {origin: post for origin, post in first.items() if accepts(where, post)}
    links = store.links([hit.post.id for hit in hits if hit.origin in first])
    wanted = weights.of(text)

    def said(post: Post) -> float:
        return coverage(wanted, term_set(f"{post.title}\n{post.text}"), wanted)

    out = []
    for hit in hits:
        held = first.get(hit.origin)
        own_words = hit.post.id in links and links[hit.post.id].kind is EdgeKind.URL
        if held is None or own_words or said(hit.post) > said(held) + SAYS_MORE:
            out.append(hit)
        if held is not None and (not own_words or said(held) >= said(hit.post) - SAYS_MORE):
            out.append(Hit(held, hit.score, hit.origin))
    return list({hit.post.id: hit for hit in reversed(out)}.values())[::-1]


def _fused(
    forms: Sequence[str],
    question: str,
    store: Store,
    where: Filter,
    embed: Embed | None,
    now: float,
    depth: int,
) -> tuple[list[Hit], list[str]]:
    """All hits, best first, and the origin that each ranking begins with."""
    rankings = []
    for i, form in enumerate(forms):
        # As many origins as are wanted, however many of them are there twice.
        found = store.search(form, POSTS * depth, where, per_origin=POSTS)
        share = 1.0 if i == 0 else OTHER_FORM
        rankings.append((share, _shares(_first_origins(found, depth))))
    if embed is not None:
        rankings.append((1.0, _by_meaning(embed.query(question), rankings, store, where, depth)))
    hits: dict[str, Hit] = {}
    scores: dict[str, float] = {}
    said: dict[str, float] = {}  # when: a copy of it that came today is no news
    for share, ranking in rankings:
        seen: set[str] = set()
        for hit in ranking:
            hits.setdefault(hit.post.id, hit)
            said.setdefault(hit.origin, hit.post.time)
            if hit.origin not in seen:  # copies do not raise what they copy
                seen.add(hit.origin)
                scores[hit.origin] = scores.get(hit.origin, 0.0) + share * hit.score
    fused = []
    for hit in hits.values():
        age = max(0.0, now - said[hit.origin])
        fresh = 1.0 + FRESH_SHARE * 0.5 ** (age / FRESH_HALF_LIFE_S)
        fused.append(Hit(hit.post, scores[hit.origin] * fresh, hit.origin))
    best = [ranking[0].origin for _, ranking in rankings if ranking]
    return sorted(fused, key=lambda hit: (-hit.score, hit.post.id)), best


def _shares(hits: Sequence[Hit], floor: float = 0.0) -> list[Hit]:
    """``hits`` in their order, each score as a share of the best, counted from ``floor``."""
    top = max((hit.score for hit in hits), default=0.0) - floor
    if top <= 0:
        return []
    return [
        Hit(hit.post, (hit.score - floor) / top, hit.origin) for hit in hits if hit.score > floor
    ]


def _by_meaning(
    vector: np.ndarray,
    found: Sequence[tuple[float, Sequence[Hit]]],
    store: Store,
    where: Filter,
    depth: int,
) -> list[Hit]:
    """What is nearest to ``vector``, and how near to it is what was ``found`` by words. An origin
    is as near as the post of it that was held first: among many copies one is always nearer."""
    near = {hit.post.id: hit for hit in store.nearest(vector, depth, where)}
    first = store.first_held(list(dict.fromkeys(hit.origin for hit in near.values())))
    first = {origin: post for origin, post in first.items() if accepts(where, post)}
    held = store.vectors([post.id for post in first.values()])
    for name, hit in near.items():
        row = held.get(first[hit.origin].id) if hit.origin in first else None
        if row is not None and first[hit.origin].id != name:
            near[name] = Hit(hit.post, float(row @ vector), hit.origin)
    others = {hit.post.id: hit for _, hits in found for hit in hits if hit.post.id not in near}
    for name, row in store.vectors(list(others)).items():
        near[name] = Hit(others[name].post, float(row @ vector), others[name].origin)
    return _shares(sorted(near.values(), key=lambda hit: -hit.score), COSINE_FLOOR)


def _with_neighbours(hits: Sequence[Hit], store: Store, where: Filter) -> list[Hit]:
    """The hits, and behind them what the first of them answer and are answered by."""
    held = {hit.post.id for hit in hits}
    found: dict[str, tuple[Post, float]] = {}
    for hit in hits[:NEIGHBOURS_OF]:
        upward = [ref for ref in (hit.post.reply_to, hit.post.quotes) if ref and ref not in held]
        around = [*store.get_many(upward).values(), *store.replies(hit.post.id, limit=5)]
        for post in around:
            if post.id not in held and post.text.strip() and accepts(where, post):
                found.setdefault(post.id, (post, hit.score * 0.5))
    links = store.links(list(found))
    seen = {hit.origin for hit in hits}
    more = [
        Hit(post, score, links[ref].origin if ref in links else ref)
        for ref, (post, score) in found.items()
    ]
    return [*hits, *(hit for hit in more if hit.origin not in seen)]


_NUMBER = re.compile(
    r"\d|[一二两三四五六七八九十百千万]{2}|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|"
    r"twelve|dozen|twenty|thirty|forty|fifty|hundred|thousand|million)\b",
    re.IGNORECASE,
)
_TURNS_ON_NUMBER = re.compile(_NUMBER.pattern + r"|\bhow (?:many|much)\b|多少|几", re.IGNORECASE)


def _passages(hits: Sequence[Hit], question: str, store: Store, weights: Weights) -> Retrieved:
    wanted = weights.of(question)
    lang = "zh" if is_cjk(question) else "en"
    numeric = bool(_TURNS_ON_NUMBER.search(question))
    top = max((hit.score for hit in hits), default=1.0) or 1.0
    passages: list[Passage] = []
    for hit in hits:
        spans = split(hit.post.text)
        scored = []
        for i, (start, end) in enumerate(spans):
            if is_bare(hit.post.text[start:end]):
                continue
            here = coverage(wanted, term_set(hit.post.text[start:end]), wanted)
            around = coverage(wanted, term_set(window(hit.post, spans, i)), wanted)
            total = 0.6 * here + 0.4 * around
            if numeric and around and _NUMBER.search(hit.post.text, start, end):
                total += NUMBER_BONUS
            scored.append((total, here, around, start, end))
        scored.sort(key=lambda row: (-row[0], row[3]))
        for total, here, around, start, end in scored[:PASSAGES_PER_POST]:
            if not total and hit.post.lang == lang:
                continue
            scores = {
                "rank": hit.score / top,
                "overlap": round(here, 4),
                "context": round(around, 4),
                "total": round(0.75 * total + 0.25 * hit.score / top, 4),
            }
            passages.append(Passage(hit.post, start, end, hit.origin, scores))
    passages.sort(key=lambda p: (-p.scores["total"], p.post.id, p.start))
    origins = store.origins(list({hit.origin for hit in hits}))
    return Retrieved(tuple(passages), origins)


# A post no longer than this is one breath: every sentence before is context.
SHORT_CHARS = 600


def window(post: Post, spans: Sequence[tuple[int, int]], i: int) -> str:
    """Sentence ``i`` with what its "it" and "there" mean before it: who speaks, the title, and the
    sentences before (one in an article, all in a short post). The sentence itself stands last."""
    first = 0 if len(post.text) <= SHORT_CHARS else max(0, i - 1)
    name = str(post.extra.get("name") or post.author).replace("_", " ").replace(".", " ")
    head = f"{name}:\n" * bool(name) + f"{post.title}.\n" * bool(post.title)
    return head + post.text[spans[first][0] : spans[i][1]]


def window_of(passage: Passage) -> str:
    """The window of a passage that is one sentence of its post."""
    spans = split(passage.post.text)
    for i, (start, end) in enumerate(spans):
        if start == passage.start and end == passage.end:
            return window(passage.post, spans, i)
    return passage.text


def dated(text: str, said_at: float | None) -> str:
    """``text`` with its relative dates written out: "yesterday" becomes "yesterday (2026-03-08)".

    So a verifier that sees only two texts can compare them.
    """
    if said_at is None:
        return text
    plain = {(s.start, s.end) for s in slots.find(text) if s.kind is SlotKind.DATE}
    out, at = [], 0
    for slot in slots.find(text, now=said_at):
        relative = slot.kind is SlotKind.DATE and (slot.start, slot.end) not in plain
        if relative and slot.start >= at and str(slot.value)[:1].isdigit():
            out.append(text[at : slot.end] + f" ({slot.value})")
            at = slot.end
    return "".join(out) + text[at:]


_FROM = re.compile(
    r"\b(?:from|starting|effective|as of|beginning)\s+(?:\w+day,?\s+)?$|[从自]$", re.I
)


def begins(passage: Passage) -> str:
    """The day from which on the passage says that it holds, as an ISO date; "" if it names none."""
    text, begins = passage.text, ""
    for slot in slots.exact(text, now=passage.post.created_at):
        if slot.kind is SlotKind.DATE and _FROM.search(text[: slot.start]):
            day = str(slot.value)[:10]
            year = datetime.fromtimestamp(passage.post.time, UTC).year
            begins = f"{year}{day[1:]}" if day.startswith("--") else day
    return begins

"""Which pairs the verifier is trained on, and how many of each kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

from gnomon.lab.verifier import edits, parallel, sets
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.verbs import main_verb

# At most so many of a published set: the three of lexical templates would drown the rest.
MOST: Mapping[str, int] = {"conjnli": 5000, "med": 1500, "breaking_nli": 1000}
# At most so many of a family of edits; what is most often got wrong has most.
MOST_EDITS: Mapping[str, int] = {
    "edit:number": 2200,
    "edit:number_form": 800,
    "edit:bound": 800,
    "edit:unit": 450,
    "edit:date": 1600,
    "edit:year": 1500,
    "edit:person": 1500,
    "edit:negation": 2400,
    "edit:denial": 1200,
    "edit:hedge": 2800,
    "edit:speech": 2000,
    "edit:plan": 1800,
    "edit:opposite": 2000,
    "edit:detail": 1700,
    "edit:nearly": 1800,
    "edit:circumstance": 3500,
    "edit:jest": 1200,
    "text:beside": 3000,
    "text:sentence": 300,
    "text:shorter": 700,
    "text:born": 400,
    "text:apposition": 600,
}
OTHER_EDITS = 500
# The same in Chinese, where a verifier is to read it.
MOST_CHINESE: Mapping[str, int] = {
    "edit:zh_number": 2200,
    "edit:zh_date": 2200,
    "edit:zh_negation": 2400,
    "edit:zh_frames": 2800,
    "edit:zh_plan": 700,
    "edit:zh_opposite": 2000,
    "edit:zh_detail": 1500,
    "text:zh": 1200,
}
UNRELATED_CHINESE = 2500
PARALLEL = 4000
"""At most so many of a family of pairs across languages."""
UNRELATED = 6000
EVENTS, EVENT_PAIRS = 700, 5500
STANDINGS = 450
"""How many things stand one way or the other (``standings``), a dozen pairs on each."""
UNRELATED_POSTS = 3000
ARTICLES, ARTICLE_CHARACTERS = 6000, 1500
# Sets whose supporting pairs are plain statements, fit to be edited.
EDITED = frozenset({"fever", "conjnli", "scifact", "citint", "factcheck_gpt"})


def training_pairs(
    data: Path,
    *,
    seed: int = 0,
    chinese: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> list[Pair]:
    """Every pair of one training run, shuffled; the same for the same files and seed. ``chinese``
    adds pairs in Chinese and across both languages.

    ``data`` is the folder of the published sets; articles are read from ``../text`` beside it.
    Raises InputError where a file is not there. Takes about two minutes."""
    published = list(sets.read_all(data))
    report(f"{len(published)} pairs of published sets")
    drawn = _capped(published, lambda source: MOST.get(source, len(published)), seed)
    edited = edits.edited([pair for pair in published if pair.source in EDITED], seed=seed)
    articles = islice(sets.encyclopedia(data), ARTICLES)
    told = edits.statements((text[:ARTICLE_CHARACTERS] for text in articles), seed=seed)
    posts = _posts(data)
    made = _interleaved([*edited, *edits.edited(posts, seed=seed + 1)], list(told), seed)
    report(f"{len(made)} edits, of {len(posts)} posts among others")
    drawn += _capped(made, lambda source: MOST_EDITS.get(source, OTHER_EDITS), seed)
    apart = list(edits.unrelated(drawn, seed=seed, per=1))
    report(f"{len(apart)} windows near a claim that do not settle it")
    rng = Random(seed)
    drawn += rng.sample(apart, min(UNRELATED, len(apart)))
    others = [replace(pair, source="post:unrelated")
              for pair in edits.unrelated(posts, seed=seed, per=1)]  # fmt: skip
    drawn += rng.sample(others, min(UNRELATED_POSTS, len(others)))
    events = list(edits.invented(seed=seed, events=EVENTS))
    drawn += rng.sample(events, min(EVENT_PAIRS, len(events)))
    drawn += edits.standings(seed=seed, rounds=STANDINGS)
    if chinese:
        more = list(_chinese(data, seed))
        report(f"{len(more)} pairs in Chinese or across languages")
        drawn += more
    rng.shuffle(drawn)
    return drawn


def _posts(data: Path) -> list[Pair]:
    """What posts state, each beside itself: to be edited, and to be met with windows that settle
    nothing."""
    return [
        replace(pair, group=f"post:{n}")
        for n, pair in enumerate(sets.POSTS.read(data))
        if main_verb(pair.claim) is not None
    ]


def _chinese(data: Path, seed: int) -> Iterator[Pair]:
    """Edits of Chinese articles, windows of them that settle nothing, and the half of the parallel
    sentences and answered questions that teaches."""
    articles = islice(sets.encyclopedia(data, "zhwiki"), ARTICLES)
    told = edits.chinese((text[:ARTICLE_CHARACTERS] for text in articles), seed=seed)
    drawn = _capped(told, lambda source: MOST_CHINESE.get(source, OTHER_EDITS), seed)
    yield from drawn
    apart = list(edits.unrelated(drawn, seed=seed, per=1))
    yield from Random(seed).sample(apart, min(UNRELATED_CHINESE, len(apart)))
    if parallel.available(data.parent):
        made = parallel.pairs(data.parent, each=PARALLEL, seed=seed)
        yield from (pair for pair in made if parallel.taught(pair))


def _interleaved(first: list[Pair], second: list[Pair], seed: int) -> list[Pair]:
    both = first + second
    Random(seed).shuffle(both)
    return both


def _capped(pairs: Iterable[Pair], most: Callable[[str], int], seed: int) -> list[Pair]:
    """At most ``most(source)`` pairs of each source, whole groups first come: a window and its
    mirror images stay together, so that neither side gives the label away."""
    by_source: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        by_source[pair.source][pair.group].append(pair)
    found: list[Pair] = []
    for source, groups in by_source.items():
        names = sorted(groups)
        Random(f"{seed}:{source}").shuffle(names)
        room = most(source)
        for name in names:
            if room <= 0:
                break
            found += groups[name]
            room -= len(groups[name])
    return found

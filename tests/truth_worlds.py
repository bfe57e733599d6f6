"""Small worlds for the truth engine's tests: posts in a real store, linked as ingest links them."""

from gnomon.ingest import take
from gnomon.store.memory import MemoryStore
from gnomon.truth.answer import answer
from gnomon.truth.check import Bench, check_claim
from gnomon.truth.claims import claim_at
from gnomon.truth.terms import Weights
from gnomon.truth.verify import LexicalEntail
from gnomon.types import Answer, Batch, Filter, Finished, Post, Verdict

NOW = 1_773_000_000.0  # 2026-03-08T20:00:00Z
HOUR = 3600.0


def post(id, text, *, author="", hours_ago=5.0, **more) -> Post:
    at = NOW - hours_ago * HOUR
    return Post(
        id=id, text=text, source="test", author=author or f"author of {id}",
        created_at=at, fetched_at=at + 60, **more,
    )  # fmt: skip


# What surrounds the posts of a test, so that words have weights as in a store of many subjects.
NOISE = [
    "The bakery on Mill Lane has rye bread again.",
    "Training is moved to Thursday because the pitch is wet.",
    "Lost: one grey glove near the library.",
    "Does anybody have a ladder to lend?",
    "The choir sings on Saturday evening in the old church.",
    "Bus 4 runs every twenty minutes on weekdays.",
    "New recipe: lentil soup with lemon and cumin.",
    "The museum shows maps of the valley until May.",
    "Our cat has discovered the printer.",
    "Volunteers planted forty apple trees along the canal.",
]


def world(*posts: Post) -> MemoryStore:
    store = MemoryStore()
    noise = [post(f"noise/{i}", text, hours_ago=30 + i) for i, text in enumerate(NOISE)]
    ordered = sorted([*noise, *posts], key=lambda p: p.fetched_at)
    take(Batch("test", posts=tuple(ordered)), store)
    return store


def bench(store, embed=None, second=None) -> Bench:
    weights = Weights(store.frequencies, store.status().origins)
    return Bench(store, weights, LexicalEntail(weights, embed), embed, second)


def verdict(store, claim: str, *, now: float = NOW, **more) -> Verdict:
    made = claim_at(claim, 0, len(claim), said_at=now)
    return check_claim(made, bench(store, **more), where=Filter(until=now + 1), now=now)


def ask(store, question: str, *, chat=None, own=None, now: float = NOW) -> Answer:
    events = list(answer(question, bench(store), now=now, chat=chat, own=own))
    assert isinstance(events[-1], Finished)
    return events[-1].answer

"""Copies change no verdict: who repeats a statement adds nothing to it, however often, whatever
date and account the copy claims. ``bench/truth/flood.py`` measures the same at greater size."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.truth import world

from gnomon.ingest import take
from gnomon.store.contract import Store
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.truth.retrieve import retrieve_claim
from gnomon.truth.terms import Weights
from gnomon.types import Batch, Filter, Post, Stance
from truth_worlds import NOW, post, verdict
from truth_worlds import world as small

SAID = post("said", "The ferry to Lunde was cancelled on Sunday because of fog.", hours_ago=9)
DENIED = post("denied", "The ferry to Lunde was not cancelled on Sunday.", hours_ago=8)
CLAIM = "The ferry to Lunde was cancelled on Sunday."


def flood(of: Post, n: int) -> list[Post]:
    return world.copies(of, n, random.Random(of.id), latest=NOW - 1)


def told(store: Store, claim: str = CLAIM) -> tuple[object, ...]:
    """What a verdict says, the ids of origins aside: those go by claimed times."""
    found = verdict(store, claim)
    cited = {(item.post, item.stance, item.weight) for item in found.evidence}
    return (
        found.label, found.confidence, found.rule, found.origins_for, found.origins_against, cited,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("held", "flooded"),
    [((SAID,), SAID), ((DENIED,), DENIED), ((SAID, DENIED), SAID), ((SAID, DENIED), DENIED)],
)
def test_thirty_copies_change_nothing(held, flooded):
    first = told(small(*held))
    assert first[-1]  # something is said
    assert told(small(*held, *flood(flooded, 30))) == first


# More origins than are read, each with words of the claim that what is flooded lacks.
CROWD = [
    post(f"crowd/{i}", f"{name} says the coastal company had a collision.", hours_ago=20 + i)
    for i, name in enumerate(
        "Ann Bo Cy Di Ed Flo Guy Hal Ida Jo Kim Lee Mia Ned Oda Pip".split() * 2
    )
]
LONG_CLAIM = (
    "The ferry to Lunde was cancelled on Sunday, the coastal company said after a collision."
)


@pytest.fixture(params=["memory", "disk"])
def crowded(request, tmp_path):
    store = MemoryStore() if request.param == "memory" else open_store(tmp_path, reserve=False)
    with store:
        store.write(Batch("test", posts=tuple(CROWD)))
        take([SAID], store)
        store.refresh()
        yield store


def read(store: Store) -> list[object]:
    """The passages that are read for the claim, and how a search ranks what is held."""
    weights = Weights(store.frequencies, store.status().origins)
    found = retrieve_claim(LONG_CLAIM, store, weights, Filter(until=NOW + 1), now=NOW)
    passages = [(p.post.id, p.start, p.scores) for p in found.passages]
    return [passages, [(hit.post.id, hit.score) for hit in store.search(LONG_CLAIM, 50)]]


def test_three_hundred_copies_change_nothing_of_what_is_read(crowded):
    """Were words weighed by posts, the statement's own would be common now, and it would fall
    behind everything that shares another word with the claim: to the digit nothing moves."""
    before = read(crowded)
    assert "said" in [name for name, _, _ in before[0]]
    take(flood(SAID, 300), crowded)
    crowded.refresh()
    origin = crowded.links(["said"])["said"].origin
    assert origin != "said", "none of the copies claims to be older"
    assert crowded.origins([origin])[origin].posts == 301
    assert read(crowded) == before


def test_copies_that_came_later_and_claim_to_be_older_do_not_speak():
    """A copy's author may claim any date and any name; who held the statement first speaks."""
    forged = Post(
        "forged", SAID.text.upper() + " Wow.", "test", SAID.fetched_at + 3600.0,
        author="Lunde Town Council", created_at=(SAID.created_at or 0.0) - 7200.0,
    )  # fmt: skip
    store = small(SAID, forged)
    assert store.links(["said"])["said"].origin == "forged"  # the earliest by what they say
    (cited,) = verdict(store, CLAIM).evidence
    assert (cited.post, cited.author, cited.stance) == ("said", SAID.author, Stance.SUPPORTS)


def test_who_said_it_goes_on_to_speak_when_what_they_passed_on_came_late():
    """A repost names its source: however early it was taken in, the source speaks."""
    repost = Post(
        "repost", "RT @ferries: " + SAID.text, "test", SAID.fetched_at - 600.0, author="sam",
        created_at=SAID.created_at, repost_of="said",
    )  # fmt: skip
    assert {item.post for item in verdict(small(repost, SAID), CLAIM).evidence} == {"said"}


def test_a_flood_is_one_origin_whomever_it_addresses():
    """ "@user42 WOW RT @x9: ..." and "... #now Pass it on." are copies, digits in names or not."""
    text = "Coins of the Swiss franc are used in Switzerland and in Liechtenstein."
    said = post("said", text)
    edits = (
        "@user42 RT @x9: {}", "WOW @user42 {}", "rT @x9: {}", "BREAKING: @user42 {}",
        "{} #truth #now Pass it on.", "FYI {} RT!", "Everyone should know: @user77 {}",
    )  # fmt: skip
    copies = [post(f"c{n}", edit.format(text), hours_ago=2) for n, edit in enumerate(edits)]
    store: MemoryStore = small(said, *copies)
    assert {link.origin for link in store.links([c.id for c in copies]).values()} == {"said"}
    witness = post("w", text + " My bank told me so @user42 twice.", hours_ago=2)
    assert small(said, witness).links(["w"])["w"].origin == "w"

"""Copies change no verdict: who repeats a statement adds nothing to it, however often, whatever
date and account the copy claims. ``bench/truth/flood.py`` measures the same at greater size."""

import random

import pytest
from bench.truth import world

from gnomon.store.contract import Store
from gnomon.store.memory import MemoryStore
from gnomon.types import Post, Stance
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

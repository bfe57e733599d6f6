"""What programs leave behind in posts: told in the campaign view, and never counted."""

from __future__ import annotations

import pytest

from gnomon.origins import campaign, machine_made
from gnomon.origins.machine_made import left_behind
from gnomon.provenance.verdicts import Verdicts
from gnomon.types import EdgeKind, Link, Post, Sign
from gnomon.types.provenance import MediaCheck

LEFT = (
    "As an AI language model, I cannot express an opinion on the mayor.",
    "I'm sorry, but I cannot fulfill this request as it goes against OpenAI's policy.",
    "I’m sorry, I can't assist with that request.",
    "Sure! Here are 5 tweets about the new harbour: 1. The harbour is great",
    "Certainly, here's a rewritten version of the post: The harbour opens.",
    "The [insert city] harbour opens in May!",
    "Dear {{name}}, the harbour opens in May.",
    "The harbour {opens soon|is opening|will open} in May, {folks|people|friends}!",
    "作为一个AI语言模型，我无法对此发表意见。",
    "抱歉，我无法满足您的要求。",
    "当然！以下是一条为您改写的微博：港口开放了。",
    "欢迎来到【插入城市】港口",
)
PLAIN = (
    "The AI language model that the council bought answers badly.",
    "I'm sorry, but I can't come to the harbour today.",
    "Here are the results of the vote.",
    "Sure, here is the bus.",
    "As an assistant at the harbour I see this daily.",
    "The set {1, 2} and the pair (a|b) are equal.",
    "[deleted]",
    "[Video] The harbour opens",
    "作为一个老师，我反对。",
    "抱歉，今天没有船。",
    "以下是投票结果。",
)


@pytest.mark.parametrize("text", LEFT)
def test_what_is_left_behind_is_seen(text):
    assert left_behind(text)


@pytest.mark.parametrize("text", PLAIN)
def test_people_are_not_taken_for_machines(text):
    assert left_behind(text) == ""


def origin(texts):
    posts = [
        Post(id=f"p{n}", text=text, source="t", author=f"user{n}", created_at=1000.0 + n * 7.0,
             fetched_at=2000.0)
        for n, text in enumerate(texts)
    ]  # fmt: skip
    kind = [EdgeKind.ROOT, *[EdgeKind.COPY] * (len(posts) - 1)]
    return posts, {p.id: Link(p.id, "p0", k) for p, k in zip(posts, kind, strict=True)}


def test_it_is_told_and_changes_no_score():
    bare = ["The harbour opens in May, as promised to all of us."] * 8
    left = ["As an AI language model, I say the harbour opens in May.", *bare[1:]]
    before = campaign.assess(*origin(bare))
    after = campaign.assess(*origin(left))
    assert before is not None
    assert after is not None
    assert (after.score, after.coordinated) == (before.score, before.coordinated)
    # Nor where the other signs decide.
    strong = [Sign(name, 9.0, 1.0, 1e-4, "") for name in ("unattributed", "even")]
    machine = Sign(machine_made.NAMED, 1.0, 0.0, 1.0, "")
    with_it, without = (campaign._weighed(before, tuple(s)) for s in ([*strong, machine], strong))
    assert with_it.score == without.score
    [told] = [sign for sign in after.signs if sign.name == machine_made.NAMED]
    assert (told.observed, told.p) == (1, 1.0)
    assert "1 of 8 posts" in told.reason
    assert "no proof" in told.reason
    assert not any(sign.name == machine_made.NAMED for sign in before.signs)


def test_pictures_that_say_so_are_told():
    posts, links = origin(["The harbour opens in May, as promised to all of us."] * 8)
    found = campaign.assess(posts, links, {"p1", "p2", "elsewhere"})
    assert found is not None
    told = next(sign for sign in found.signs if sign.name == machine_made.NAMED)
    assert told.observed == 2
    assert "2 of 8 carry a picture" in told.reason


def test_only_pictures_whose_manifest_holds_count():
    verdicts = Verdicts(None)
    for post, state, machine, mark in (
        ("a", "trusted", True, False), ("b", "valid", True, False), ("c", "invalid", True, False),
        ("d", "valid", False, False), ("e", "absent", None, True), ("f", "absent", None, False),
    ):  # fmt: skip
        check = MediaCheck("m", state, "", 1.0, machine=machine, mark=mark)
        verdicts.put(post, [check])
        assert verdicts.of(post) == (check,)
    assert verdicts.by_model() == {"a", "b", "e"}
    assert verdicts.facts() == {"absent": 2, "invalid": 1, "trusted": 1, "valid": 2}
    verdicts.forget(["a"])
    assert verdicts.by_model() == {"b", "e"}

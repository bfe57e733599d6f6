"""A coordinated group is one voice in a story, however many origins and people it looks like."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from gnomon.digest.compose import as_voices
from gnomon.ingest import take
from gnomon.trends.agreement import agreement
from gnomon.trends.stories import rank, tell
from gnomon.trends.story_view import StoryView
from gnomon.trends.timeline import Root
from gnomon.truth.claims import claim_at
from gnomon.types import Evidence, Judgement, Label, Post, Stories, Story, Verdict
from test_stories import FIRE, HOUR, VOTE, T, holding, said
from test_stories_told import DERAIL, Scripted, roots
from trend_streams import campaign

TWEETS = Path(__file__).parents[2] / "shared" / "data" / "social" / "crisislex_tweets.jsonl.gz"
NOW = T + 6 * HOUR
PHRASE = "Mallory Quist took 40 million kroner"


def honest() -> list[Post]:
    fire = [said(f"fire/{n}", text, 4 * HOUR + n * 600) for n, text in enumerate(FIRE)]
    vote = [said(f"vote/{n}", text, 4.2 * HOUR + n * 600) for n, text in enumerate(VOTE)]
    return [*fire, *vote]


def pushed(accounts: int, *, reworded: bool) -> list[Post]:
    return campaign(PHRASE, accounts, T + 4.5 * HOUR, reworded=reworded)


def listed(posts: Sequence[Post], by: str) -> tuple[StoryView, Stories]:
    view = StoryView(holding(sorted(posts, key=lambda post: post.time)))
    view.catch_up()
    return view, rank(view, since=T, until=NOW, now=NOW, by=by)  # type: ignore[arg-type]


def about(found: Stories, word: str) -> Story:
    return max((one for one in found.stories if word in one.title), key=lambda one: one.posts)


@pytest.mark.parametrize("reworded", [False, True], ids=["identical", "reworded"])
@pytest.mark.parametrize("by", ["interest", "support"])
def test_a_campaign_comes_before_nobody_in_either_list(by: str, reworded: bool) -> None:
    _, before = listed(honest(), by)
    posts = [*honest(), *pushed(80, reworded=reworded)]
    _, found = listed(posts, by)
    real = [one.id for one in before.stories]
    assert [one.id for one in found.stories][: len(real)] == real
    lie = about(found, "Mallory")
    assert lie.authors > 60  # that many people put it out ...
    assert lie.support.authors <= 3  # ... in few voices
    assert lie.support.origins <= 3
    assert lie.interest < 4
    assert "count as" in lie.discount.reason
    if reworded:
        assert lie.origins > 10
        assert lie.discount.share > 0.8


def test_its_origins_agree_with_nobody_but_themselves() -> None:
    view, found = listed([*honest(), *pushed(60, reworded=True)], "support")
    told = tell(view, about(found, "Quist").id, now=NOW, verifier=Scripted(0.9, 0.0))
    assert told.origins > 10
    assert not told.agreed
    (group, *_) = told.one_voice
    assert len(group) > 10


def test_what_one_group_says_twice_is_not_agreed() -> None:
    apart = roots(DERAIL[:2])
    assert agreement(apart).agreed[0].voices == 2
    together = [Root(root.post, root.posts, voice=7) for root in apart]
    assert not agreement(together).agreed
    conflict = agreement([*together, *roots(DERAIL)[2:]]).disputed[0]
    assert [version.voices for version in conflict.versions] == [1, 1]
    assert [len(version.said_by) for version in conflict.versions] == [2, 1]


def test_people_who_tell_one_event_in_their_own_words_all_count() -> None:
    _, found = listed(honest(), "support")
    for one in found.stories:
        assert one.discount.share == 0
        assert one.support.origins == one.origins
        assert one.discount.reason.startswith("All ")


def test_a_story_that_changes_is_counted_anew() -> None:
    posts = [*honest(), *pushed(40, reworded=True)]
    view, found = listed(posts, "support")
    before = about(found, "Mallory").discount.voices
    late = [replace(one, id=f"late/{one.id}", author=f"late {one.author}") for one in posts[-1:]]
    late = [replace(late[0], text=f"{PHRASE}, and there is more of it to come this week")]
    take(late, view.store, source="test")
    view.catch_up()
    again = rank(view, since=T, until=NOW, now=NOW, by="support")
    assert about(again, "Mallory").discount.voices == before + 1


def test_in_a_digest_a_group_confirms_nothing() -> None:
    def evidence(origin: str) -> Evidence:
        return Evidence(
            post=origin, quote="x", start=0, end=1, hash="", origin=origin, source="", author="",
            url="", said_at=T, fetched_at=T, judgement=Judgement(0.9, 0.0, 0.1), title="", lang="",
        )  # fmt: skip

    found = tuple(evidence(one) for one in "abc")
    claim = claim_at("Mallory sold it", 0, 15)
    verdict = Verdict(claim, Label.SUPPORTED, 0.9, found, 3, 0, 3, 0, T, "", "")
    assert as_voices(verdict, {}).origins_for == 3
    assert as_voices(verdict, {"a": 0, "b": 0, "c": 0}).origins_for == 1
    assert as_voices(verdict, {"a": 0, "b": 0}).origins_for == 2


# --------------------------------------------------------------------------- a real stream


@pytest.mark.skipif(not TWEETS.exists(), reason="development data is not here")
def test_among_real_tweets_a_campaign_is_one_voice_and_they_are_many() -> None:
    with gzip.open(TWEETS, "rt", encoding="utf-8") as file:
        rows = [
            row for row in map(json.loads, file) if row["event"] == "2013_Glasgow_helicopter_crash"
        ]
    rows = rows[:120] or pytest.skip("the event has another name")
    first = min(datetime.fromisoformat(row["created_at"]).timestamp() for row in rows)
    real = [
        said(row["id"], row["text"],
             datetime.fromisoformat(row["created_at"]).timestamp() - first, f"x{row['id']}")
        for row in rows
    ]  # fmt: skip
    _, before = listed(real, "support")
    _, found = listed([*real, *pushed(60, reworded=True)], "support")
    kept = [one.id for one in found.stories if "Mallory" not in one.title]
    assert kept == [one.id for one in before.stories]
    assert found.stories[0].id == before.stories[0].id
    assert about(found, "Mallory").support.authors <= 3

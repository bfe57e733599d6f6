"""What is otherwise than in the digest before: stories, standings of sentences, sources lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.digest import words
from gnomon.digest.choice import says_again
from gnomon.types import Difference, Digest, Story

GREW = 1.5
"""A story has grown when it has half as many independent origins again, and two more at least."""
MOST_OF_A_KIND = 8


@dataclass(frozen=True, slots=True)
class Loss:
    """A receipt that cites posts whose authors deleted them. ``kind`` is "answer", "check" or
    "digest"; ``at`` is when it was made. What was asked is not told: a digest is read by others
    than who asked."""

    receipt: str
    kind: str
    at: str
    posts: int


def losses(receipts: Iterable[Mapping[str, Any]], known: Mapping[str, int]) -> list[Loss]:
    """Receipts that lost more sources than ``known`` says (receipt id to how many)."""
    found = []
    for receipt in receipts:
        count = len(receipt["lost"])
        if count <= known.get(receipt["id"], 0):
            continue
        kind, at = "answer", str(receipt.get("as_of") or "")
        if receipt.get("object") == "gnomon.digest":
            kind, at = "digest", str(receipt.get("made_at") or "")
        elif not receipt.get("question"):
            kind = "check"
        found.append(Loss(receipt["id"], kind, at[:16].replace("T", " "), count))
    return found


def known_losses(receipts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many sources each receipt has lost, for the digest after this one."""
    return {receipt["id"]: len(receipt["lost"]) for receipt in receipts if receipt["lost"]}


def origins_before(before: Mapping[str, Any] | None, story: Story) -> int:
    """How many independent origins the digest before knew of a story, under any of its ids; 0 if
    none."""
    ids = {story.id, *story.was}
    briefs = before["briefs"] if before else ()
    return max(
        (int(brief["support"]["origins"]) for brief in briefs if brief["story"] in ids), default=0
    )


def news(before: Mapping[str, Any] | None, story: Story, known: int) -> str:
    if before is None:
        return ""
    if not known:
        return "new"
    return "grown" if story.support.origins >= max(GREW * known, known + 2) else "same"


def between(
    before: Mapping[str, Any] | None, made: Digest, lost: Sequence[Loss]
) -> tuple[Difference, ...]:
    """The differences between two digests in the order in which they are read."""
    found: list[Difference] = []
    if before is not None:
        found += _stories(before, made)
        found += _standings(before, made)
    found += [_loss(one, made.lang) for one in lost]
    counted: dict[str, int] = {}
    kept = []
    for one in found:
        counted[one.kind] = counted.get(one.kind, 0) + 1
        if counted[one.kind] <= MOST_OF_A_KIND:
            kept.append(one)
    return tuple(kept)


def _stories(before: Mapping[str, Any], made: Digest) -> Iterator[Difference]:
    for brief in made.briefs:
        if brief.news == "new":
            yield Difference("new", words.say("new", made.lang, title=brief.title), brief.story)
        elif brief.news == "grown":
            grew = {"before": brief.origins_before, "now": brief.support.origins}
            text = words.say("grown", made.lang, title=brief.title, **grew)
            yield Difference("grown", text, brief.story)
    shown = {brief.story for brief in made.briefs}
    for old in before["briefs"]:
        if old["story"] not in shown and not shown & set(old.get("was", ())):
            text = words.say("gone", made.lang, title=old["title"])
            yield Difference("gone", text, str(old["story"]))


def _standings(before: Mapping[str, Any], made: Digest) -> Iterator[Difference]:
    """Sentences that could not be confirmed and are known now, or are disputed now."""
    for brief in made.briefs:
        old = [
            line for one in before["briefs"] if one["story"] == brief.story for line in one["lines"]
        ]
        for line in brief.lines:
            same = [o for o in old if says_again(line.text, [str(o["text"])])]
            if not same:
                continue
            was = {str(o["kind"]) for o in same}
            if line.kind == "known" and was & {"alone", "disputed"}:
                text = words.say("confirmed", made.lang, text=line.text)
                yield Difference("confirmed", text, brief.story)
            elif line.kind == "disputed" and was & {"known", "alone"}:
                text = words.say("contested", made.lang, text=line.text)
                yield Difference("contested", text, brief.story)


def _loss(loss: Loss, lang: str) -> Difference:
    text = words.say(f"lost {loss.kind}", lang, when=loss.at, n=loss.posts)
    return Difference("lost", text, receipt=loss.receipt)

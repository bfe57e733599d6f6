"""Verdicts about real posts as cases that a table of confidence can be fitted on or measured with.

Claims that yes-or-no questions make: what a careful reader takes from the posts is the right label.
Those whose verdict rests on offices or reports stand apart. Sentences quoted for other questions:
right where they answer, as ``posts_scored`` says. Cases of one event go together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bench.truth import posts_asked, posts_held, posts_scored
from bench.truth.posts_asked import Asked
from bench.truth.run import Run

from gnomon.truth.calibrate import Case
from gnomon.truth.confidence import POST, Side
from gnomon.types import Label

GOLD = {
    "yes": Label.SUPPORTED, "no": Label.REFUTED, "disputed": Label.DISPUTED,
    "unknown": Label.NOT_ENOUGH,
}  # fmt: skip
CLAIMS, REPORTED, QUOTES = "claims", "claims on reports", "quotes"


def cases(run: Run, half: str) -> dict[str, list[Case]]:
    """The half's claims and quotes, judged with nothing held back. Raises Absent."""
    found = posts_asked.asked(run, half, risk=1.0)
    events = json.loads((posts_held.home(run) / "events.json").read_text("utf-8"))
    whether = [each for each in found if each.question.asks_whether]
    others = [each for each in found if not each.question.asks_whether]
    return {
        CLAIMS: [_claim(each) for each in whether if each.verdicts[0]["kind"] == POST],
        REPORTED: [_claim(each) for each in whether if each.verdicts[0]["kind"] != POST],
        QUOTES: [case for each in others for case in _quotes(each, events)],
    }


def _claim(each: Asked) -> Case:
    (found,) = each.verdicts
    golds = (each.question.gold, *each.question.also)
    fine = [GOLD[name] for name in golds if isinstance(name, str)]
    label = Label(found["label"])
    return _case(each, found, label if label in fine else fine[0])


def _quotes(each: Asked, events: Mapping[str, str]) -> list[Case]:
    gold, out = each.question.gold, []
    for said, found in zip(each.given.stated, each.verdicts, strict=False):
        right = isinstance(gold, tuple) and (
            posts_scored.holds(said, gold) and posts_scored.is_about(each.question, said, events)
        )
        if found["label"] == Label.SUPPORTED and found["kind"] == POST:
            out.append(_case(each, found, Label.SUPPORTED if right else Label.NOT_ENOUGH))
    return out


def _case(each: Asked, found: Mapping[str, Any], gold: Label) -> Case:
    group = int(hashlib.sha256(each.question.event.encode()).hexdigest()[:7], 16)
    for_, against = (Side(**found[name]) for name in ("for", "against"))
    return Case(for_, against, Label(found["label"]), gold, group)

"""Rounds, sets and scores of the quiz as JSON. What a picture is, is told of answered questions
only, and of a round that counts only when it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gnomon.serve.quiz_rows import Question, Round
from gnomon.types.quiz import Exhibition, Rate, Score
from gnomon.wire import iso

Data = dict[str, Any]


def set_object(one: Exhibition, fresh: int) -> Data:
    """A set as anybody may see it: nothing of a single picture. ``authors`` are credited here,
    since a name beside a picture would answer the question."""
    people = [picture.about for picture in one.exhibits if picture.by == "person"]
    authors = {str(about["author"]) for about in people if about.get("author")}
    return {
        "id": one.id,
        "object": "gnomon.quiz",
        "name": one.name,
        "model": one.model,
        "model_sha256": one.model_sha256,
        "recipe": one.recipe,
        "licences": list(one.licences) or sorted({str(about["licence"]) for about in people}),
        "authors": sorted(authors),
        "machine": one.count("machine"),
        "person": one.count("person"),
        "side": one.side,
        "most": one.most,
        "fresh": fresh,
        "notes": list(one.notes),
    }


def round_object(one: Round, base: str, score: Score | None) -> Data:
    """``score`` is None as long as the round tells nothing."""
    waits = one.current
    return {
        "id": one.id,
        "object": "gnomon.quiz.round",
        "quiz": one.quiz,
        "about": dict(one.about),
        "practice": one.practice,
        "created_at": iso(one.created),
        "ended_at": iso(one.ended),
        "questions": len(one.questions),
        "answered": len(one.answered),
        "question": waits and _asked(waits, base),
        "results": [_result(each, base) for each in one.answered] if tells(one) else None,
        "score": score and score_object(score),
    }


def tells(one: Round) -> bool:
    """Whether the answers of a round may be told."""
    return one.practice or one.ended is not None


def _asked(one: Question, base: str) -> Data:
    return {"id": one.id, "number": one.number, "url": f"{base}/v1/quiz/pictures/{one.id}"}


def _result(one: Question, base: str) -> Data:
    return {
        **_asked(one, base),
        "answer": one.answer,
        "by": one.by,
        "right": one.right,
        "repeat": not one.counts,
        "about": dict(one.about),
    }


def score_object(one: Score) -> Data:
    told: Mapping[str, Any] = asdict(one)
    rates = ("right", "machine_as_person", "person_as_machine")
    return {**told, **{name: _rate(getattr(one, name)) for name in rates}}


def _rate(one: Rate) -> Data:
    share: Mapping[str, Any] = asdict(one.share) if one.share else {}
    return {
        "times": one.times,
        "of": one.of,
        "share": share.get("value"),
        "low": share.get("low"),
        "high": share.get("high"),
    }

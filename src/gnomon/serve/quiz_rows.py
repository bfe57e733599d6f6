"""Rounds of the quiz and what was answered, each its caller's alone.

What a picture is stands only here until the round tells it. A picture counts for one person once:
the first time that it was shown to them, whatever came of that.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.serve.database import Database, Row
from gnomon.serve.http import ApiError
from gnomon.types.quiz import By, Dealt, Exhibition, Said

_TABLES = """
CREATE TABLE quiz_secret (key BLOB NOT NULL);
CREATE TABLE quiz_rounds (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    quiz TEXT NOT NULL,
    about TEXT NOT NULL,
    practice INT NOT NULL,
    created REAL NOT NULL,
    ended REAL
) WITHOUT ROWID;
CREATE INDEX quiz_rounds_of_owner ON quiz_rounds (owner, created);
CREATE TABLE quiz_questions (
    id TEXT PRIMARY KEY,
    round TEXT NOT NULL REFERENCES quiz_rounds (id),
    number INT NOT NULL,
    picture TEXT NOT NULL,
    made_by TEXT NOT NULL,
    about TEXT NOT NULL,
    counts INT NOT NULL,
    shown REAL,
    answer TEXT,
    answered REAL
) WITHOUT ROWID;
CREATE INDEX quiz_questions_of_round ON quiz_questions (round, number);
CREATE INDEX quiz_questions_of_picture ON quiz_questions (picture);
"""
OPEN_S = 86_400.0
"""How long a round that was left can be gone on with."""
_QUESTION = "id, number, picture, made_by, about, counts, shown, answer"
_ROUND = "id, owner, quiz, about, practice, created, ended"


@dataclass(frozen=True, slots=True)
class Question:
    """``counts``: a right or wrong answer goes into the score; ``shown``: its picture was sent."""

    id: str
    number: int
    picture: str
    by: By
    about: Mapping[str, Any]
    counts: bool
    shown: bool
    answer: By | None

    @property
    def right(self) -> bool:
        return self.answer == self.by


@dataclass(frozen=True, slots=True)
class Round:
    """``about`` says what made the set; ``practice``: each answer is told at once, none counts."""

    id: str
    owner: str
    quiz: str
    about: Mapping[str, Any]
    practice: bool
    created: float
    ended: float | None
    questions: tuple[Question, ...]

    @property
    def answered(self) -> tuple[Question, ...]:
        return tuple(one for one in self.questions if one.answer is not None)

    @property
    def current(self) -> Question | None:
        """The question that waits for an answer."""
        if self.ended is not None:
            return None
        return next((one for one in self.questions if one.answer is None), None)

    def said(self) -> list[Said]:
        """The answers about pictures that were new, of a practice too."""
        return [_said(self.owner, self.id, one) for one in self.answered if one.counts]


class QuizRows:
    """The tables. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.tables("quiz", _TABLES)

    def key(self, quiz: str, seed: int | None) -> bytes:
        """What decides a round: by chance, or the same for the same ``seed`` on this machine and
        known to nobody who does not read its database."""
        if seed is None:
            return secrets.token_bytes(32)
        with self._database.transaction():
            held = self._database.run("SELECT key FROM quiz_secret")
            if not held:
                self._database.run("INSERT INTO quiz_secret VALUES (?)", (secrets.token_bytes(32),))
                held = self._database.run("SELECT key FROM quiz_secret")
        return hmac.digest(bytes(held[0][0]), f"{quiz} {seed}".encode(), "sha256")

    def seen(self, owner: str) -> set[str]:
        """The SHA-256 of every picture that a person was ever shown."""
        rows = self._database.run(
            "SELECT DISTINCT picture FROM quiz_questions q JOIN quiz_rounds r ON r.id = q.round "
            "WHERE r.owner = ? AND q.shown IS NOT NULL",
            (owner,),
        )
        return {str(row[0]) for row in rows}

    def begin(
        self, owner: str, exhibition: Exhibition, dealt: Sequence[Dealt], *, practice: bool
    ) -> Round:
        name = f"quiz_{secrets.token_hex(16)}"
        about = {"name": exhibition.name, "model": exhibition.model,
                 "model_sha256": exhibition.model_sha256, "recipe": exhibition.recipe}  # fmt: skip
        with self._database.transaction():
            self._database.run(
                f"INSERT INTO quiz_rounds ({_ROUND}) VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (name, owner, exhibition.id, json.dumps(about), practice, time.time()),
            )
            for number, one in enumerate(dealt, 1):
                self._database.run(
                    "INSERT INTO quiz_questions (id, round, number, picture, made_by, about, "
                    "counts) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (f"qq_{secrets.token_hex(16)}", name, number, one.exhibit.sha256,
                     one.exhibit.by, json.dumps(dict(one.exhibit.about)), one.fresh),
                )  # fmt: skip
        return self.find(name, owner)

    def find(self, id: str, owner: str) -> Round:
        """Raises ApiError 404, for another's round too."""
        rows = self._database.run(
            f"SELECT {_ROUND} FROM quiz_rounds WHERE id = ? AND owner = ?", (id, owner)
        )
        if not rows:
            raise _missing("round", id)
        return self._whole(rows[0])

    def said(self, quiz: str, owner: str = "") -> list[Said]:
        """The answers that count, of a person or of everybody: of rounds that have ended and were
        no practice, and of each picture a person's first."""
        rows = self._database.run(
            "SELECT r.owner, r.id, q.made_by, q.answer FROM quiz_rounds r "
            "JOIN quiz_questions q ON q.round = r.id WHERE r.quiz = ? AND ? IN (r.owner, '') "
            "AND r.ended IS NOT NULL AND NOT r.practice AND q.counts AND q.answer IS NOT NULL "
            "ORDER BY r.created, r.id, q.number",
            (quiz, owner),
        )
        return [Said(*row) for row in rows]

    def left_open(self, quiz: str) -> int:
        """How many rounds that count were left before their last question."""
        rows = self._database.run(
            "SELECT count(DISTINCT r.id) FROM quiz_rounds r "
            "JOIN quiz_questions q ON q.round = r.id "
            "WHERE r.quiz = ? AND NOT r.practice AND q.answer IS NULL",
            (quiz,),
        )
        return int(rows[0][0])

    def played(self) -> dict[str, Mapping[str, Any]]:
        """What made the sets of which there are rounds, by their ids."""
        rows = self._database.run("SELECT quiz, about FROM quiz_rounds ORDER BY created")
        return {str(quiz): json.loads(about) for quiz, about in rows}

    def close_old(self, now: float) -> None:
        """End rounds that were left, so that what was answered in them counts."""
        self._database.run(
            "UPDATE quiz_rounds SET ended = ? WHERE ended IS NULL AND created < ?",
            (now, now - OPEN_S),
        )

    def showable(self, question: str, owner: str) -> tuple[Round, Question]:
        """The question whose picture may be sent: the one that waits, or one that was answered.
        Raises ApiError 404."""
        rows = self._database.run("SELECT round FROM quiz_questions WHERE id = ?", (question,))
        if not rows:
            raise _missing("picture", question)
        found = self.find(str(rows[0][0]), owner)
        one = next(one for one in found.questions if one.id == question)
        if one.answer is None and one != found.current:
            raise _missing("picture", question)
        return found, one

    def show(self, question: str, owner: str) -> None:
        """Write down that a picture is sent. The first time decides whether its answer can
        count: it cannot where the person was shown it in another round."""
        with self._database.transaction():
            _, one = self.showable(question, owner)
            if not one.shown:
                counts = one.counts and one.picture not in self.seen(owner)
                self._database.run(
                    "UPDATE quiz_questions SET shown = ?, counts = ? WHERE id = ?",
                    (time.time(), counts, question),
                )

    def answer(self, round: str, owner: str, question: str, answer: By) -> Round:
        """Write an answer down, once. Raises ApiError 404, and 409 for a question that was
        answered, was not shown, or is not the one that waits."""
        with self._database.transaction():
            found = self.find(round, owner)
            one = next((one for one in found.questions if one.id == question), None)
            if one is None:
                raise _missing("question", question)
            if one.answer is not None:
                raise _refused("This question has its answer; there is no second try.", "answered")
            if found.ended is not None:
                raise _refused("This round has ended; begin another.", "round_ended")
            if one != found.current or not one.shown:
                raise _refused("Look at the picture first (its url), one at a time.", "not_shown")
            self._database.run(
                "UPDATE quiz_questions SET answer = ?, answered = ? WHERE id = ?",
                (answer, time.time(), question),
            )
            if len(found.answered) + 1 == len(found.questions):
                self._end(round)
            return self.find(round, owner)

    def end(self, round: str, owner: str) -> Round:
        """What is not answered by now never is. Raises ApiError 404."""
        with self._database.transaction():
            if self.find(round, owner).ended is None:
                self._end(round)
            return self.find(round, owner)

    def forget(self, owner: str) -> int:
        """Delete everything of a person's; how many rounds that was."""
        with self._database.transaction():
            count = len(self._database.run("SELECT 1 FROM quiz_rounds WHERE owner = ?", (owner,)))
            self._database.run(
                "DELETE FROM quiz_questions WHERE round IN "
                "(SELECT id FROM quiz_rounds WHERE owner = ?)",
                (owner,),
            )
            self._database.run("DELETE FROM quiz_rounds WHERE owner = ?", (owner,))
        self._database.settle()
        return count

    def _end(self, round: str) -> None:
        self._database.run("UPDATE quiz_rounds SET ended = ? WHERE id = ?", (time.time(), round))

    def _whole(self, row: Row) -> Round:
        name, owner, quiz, about, practice, created, ended = row
        rows = self._database.run(
            f"SELECT {_QUESTION} FROM quiz_questions WHERE round = ? ORDER BY number", (name,)
        )
        questions = tuple(_question(row) for row in rows)
        return Round(
            name, owner, quiz, json.loads(about), bool(practice), created, ended, questions
        )


def _question(row: Row) -> Question:
    name, number, picture, by, about, counts, shown, answer = row
    told = json.loads(about)
    return Question(name, number, picture, by, told, bool(counts), shown is not None, answer)


def _said(owner: str, round: str, one: Question) -> Said:
    assert one.answer is not None
    return Said(owner, round, one.by, one.answer)


def _missing(what: str, id: str) -> ApiError:
    return ApiError(
        404,
        f"There is no {what} {id[:60]!r} of yours to be had; begin a round: POST /v1/quiz/rounds.",
        type="not_found",
        code="not_found",
    )


def _refused(message: str, code: str) -> ApiError:
    return ApiError(409, message, code=code)

"""Human or machine: sets, rounds, scores."""

from __future__ import annotations

from typing import Any

from gnomon.serve.openapi.parts import (
    TIME,
    Paths,
    Schema,
    always,
    array,
    asked,
    at,
    body,
    does,
    flag,
    gives,
    null_or,
    number,
    obj,
    one_of,
    query,
    record,
    ref,
    text,
    whole,
)
from gnomon.serve.quiz import ANSWERS, MOST, USUAL

TAG = "quiz"
_SHARE: dict[str, Any] = {"minimum": 0, "maximum": 1}
_BY = one_of(*ANSWERS)
_ESTIMATE = obj({"value": number(), "low": number(), "high": number()})
_RATE = obj(
    {
        "times": whole(minimum=0),
        "of": whole(minimum=0),
        "share": null_or(number(**_SHARE)),
        "low": null_or(number(**_SHARE)),
        "high": null_or(number(**_SHARE)),
    }
)
_ASKED = {
    "id": text("Random; says nothing."),
    "number": whole(minimum=1),
    "url": text("Its picture."),
}
SCHEMAS: dict[str, Schema] = {
    "QuizScore": obj(
        {
            "answers": whole("That count.", minimum=0),
            "people": whole(minimum=0),
            "rounds": whole(minimum=0),
            "right": _RATE,
            "machine_as_person": _RATE,
            "person_as_machine": _RATE,
            "d_prime": null_or(_ESTIMATE),
            "bias": null_or(number("Above 0: person is said rather than machine.")),
            "interval": one_of(
                "wilson",
                "bootstrap over people",
                "bootstrap over rounds",
                description="How the intervals (at 95 %) are made.",
            ),
            "chance": always(0.5),
            "differs": one_of("above", "below", "", description="Whether the interval of `right` "
                              "leaves chance out."),
            "margin": number("What counts as the same as chance.", **_SHARE),
            "within": null_or({**_ESTIMATE, "description": "`right` at 90 %: two one-sided tests "
                               "at 5 %."}),
            "equivalent": flag("Whether that lies within `margin` of chance."),
        }
    ),
    "QuizRound": obj(
        {
            "id": text(),
            "object": always("gnomon.quiz.round"),
            "quiz": text("The id of its set."),
            "about": record(text(), "The set's name, and what made its pictures."),
            "practice": flag(),
            "created_at": TIME,
            "ended_at": null_or(TIME),
            "questions": whole(minimum=1),
            "answered": whole(minimum=0),
            "question": null_or(obj(_ASKED, description="The one that waits.")),
            "results": null_or(
                array(
                    obj(
                        {
                            **_ASKED,
                            "answer": _BY,
                            "by": _BY,
                            "right": flag(),
                            "repeat": flag("Seen before, so it does not count."),
                            "about": record({}, "Seed; or id, author and licence."),
                        }
                    ),
                    "Null until it has ended; in a practice what is answered so far.",
                )
            ),
            "score": null_or(ref("QuizScore")),
        }
    ),
    "Quiz": obj(
        {
            "id": text(),
            "object": always("gnomon.quiz"),
            "name": text(),
            "model": text(),
            "model_sha256": text(),
            "recipe": text(),
            "licences": array(text()),
            "authors": array(text(), "Of people's pictures, all together."),
            "machine": whole("Pictures by the model.", minimum=1),
            "person": whole("Pictures by people.", minimum=1),
            "side": whole("Of every picture as it is shown, in pixels.", minimum=1),
            "most": whole("Questions of the longest round.", minimum=1),
            "fresh": whole("About how many more of your answers can count.", minimum=0),
            "notes": array(text("What may give a picture away.")),
        }
    ),
}  # fmt: skip
_ID = at("id", "The `id` of a round.")
_ROUND = {200: gives("The round.", ref("QuizRound"))}
PATHS: Paths = {
    "/v1/quiz": {
        "get": does(
            TAG,
            "quizzes",
            "The sets that are here",
            {
                200: gives(
                    "Sets, and why others cannot be used.",
                    obj(
                        {
                            "object": always("list"),
                            "data": array(ref("Quiz")),
                            "trouble": array(text()),
                        }
                    ),
                )
            },
        )
    },
    "/v1/quiz/rounds": {
        "post": does(
            TAG,
            "begin_quiz_round",
            "Begin a round",
            {201: gives("Its first question.", ref("QuizRound"))},
            404,
            507,
            body=body(
                asked(
                    {
                        "quiz": text("A set; unset: the first."),
                        "questions": whole(f"Unset: {USUAL}, or what there is.", minimum=1,
                                           maximum=MOST),
                        "seed": whole("Asks everybody the same who has seen none of it.",
                                      minimum=0, maximum=2**32 - 1),
                        "practice": flag("Tell each answer at once, and count none."),
                    },
                    extra=False,
                ),
                {"short": {"questions": 3}, "seeded": {"questions": 2, "seed": 7},
                 "practice": {"questions": 2, "practice": True}},
            ),
        )
    },
    "/v1/quiz/rounds/{id}": {
        "get": does(TAG, "quiz_round", "A round of yours", _ROUND, 404, params=[_ID])
    },
    "/v1/quiz/rounds/{id}/answers": {
        "post": does(
            TAG,
            "answer_quiz_question",
            "Answer the question that waits, once",
            _ROUND,
            404,
            409,
            507,
            params=[_ID],
            body=body(
                asked({"question": text("Its id."), "answer": _BY}, ["question", "answer"]),
                {"person": {"question": "qq_0", "answer": "person"}},
            ),
            description="409: it has its answer already, the round has ended, or its picture was "
            "not looked at.",
        )
    },
    "/v1/quiz/rounds/{id}/end": {
        "post": does(
            TAG, "end_quiz_round", "End it before its last question", _ROUND, 404, 507, params=[_ID]
        )
    },
    "/v1/quiz/pictures/{id}": {
        "get": does(
            TAG,
            "quiz_picture",
            "The picture of a question",
            {200: gives("PNG; all have one length, and nothing but pixels.",
                        {"type": "string", "format": "binary"}, "image/png")},
            404,
            507,
            params=[at("id", "The `id` of a question that waits or was answered.")],
        )
    },
    "/v1/quiz/scores": {
        "get": does(
            TAG,
            "quiz_scores",
            "What the answers show: yours, and everybody's on this machine",
            {
                200: gives(
                    "Both.",
                    obj(
                        {
                            "object": always("gnomon.quiz.scores"),
                            "quiz": text(),
                            "mine": ref("QuizScore"),
                            "everybody": ref("QuizScore"),
                            "unfinished": whole("Rounds left before their end.", minimum=0),
                        }
                    ),
                )
            },
            404,
            507,
            params=[query("quiz", text(), "The id of a set; unset: the first.")],
        ),
        "delete": does(
            TAG,
            "forget_quiz_rounds",
            "Delete all of your rounds and answers",
            {
                200: gives(
                    "So many rounds.",
                    obj({"object": always("gnomon.quiz.rounds"), "deleted": whole(minimum=0)}),
                )
            },
        ),
    },
}  # fmt: skip

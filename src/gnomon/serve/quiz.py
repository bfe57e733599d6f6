"""``/v1/quiz``: human or machine? Rounds of pictures, one at a time, and the score.

A client learns nothing but pixels before it has answered: ids are random, every picture is written
in one way and has one length, and the next is not sent before this one is answered. A round tells
its answers when it has ended; in a practice each is told at once, and none counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gnomon.serve.caller import caller_of
from gnomon.serve.context import Context
from gnomon.serve.contract import Quiz
from gnomon.serve.http import ApiError, field, json_response, read_json
from gnomon.serve.quiz_object import Data, round_object, score_object, set_object, tells
from gnomon.serve.quiz_rows import QuizRows, Round
from gnomon.types.quiz import By

USUAL = 20
MOST = 200
ANSWERS: tuple[By, By] = ("person", "machine")
_FIELDS = frozenset({"quiz", "questions", "seed", "practice"})


def routes(context: Context) -> Sequence[BaseRoute]:
    api = _Api(context)
    one = "/v1/quiz/rounds/{id}"
    return [
        Route("/v1/quiz", api.list, methods=["GET"]),
        Route("/v1/quiz/rounds", api.begin, methods=["POST"]),
        Route(one, api.show, methods=["GET"]),
        Route(f"{one}/answers", api.answer, methods=["POST"]),
        Route(f"{one}/end", api.end, methods=["POST"]),
        Route("/v1/quiz/pictures/{id}", api.picture, methods=["GET"]),
        Route("/v1/quiz/scores", api.scores, methods=["GET"]),
        Route("/v1/quiz/scores", api.forget, methods=["DELETE"]),
    ]


class _Api:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._desk = context.desk
        self._rows = QuizRows(context.database)

    @property
    def _quiz(self) -> Quiz:
        return self._desk.engine.quiz

    async def list(self, request: Request) -> Response:
        """The sets that are here, and how much of each is new to the caller."""
        return json_response(await self._desk.call(partial(self._list, caller_of(request).id)))

    def _list(self, owner: str) -> Data:
        sets, trouble = self._quiz.sets()
        seen = self._rows.seen(owner)
        data = [set_object(one, self._quiz.fresh_left(one.id, seen)) for one in sets]
        return {"object": "list", "data": data, "trouble": sorted(trouble.values())}

    async def begin(self, request: Request) -> Response:
        """A round of ``questions`` about pictures of ``quiz``. One ``seed`` asks the same of
        everybody who has seen none of them."""
        body = await read_json(request)
        if unknown := sorted(body.keys() - _FIELDS):
            raise ApiError(
                400,
                f"{unknown[0][:40]!r} is no field here; give any of {', '.join(sorted(_FIELDS))}.",
                param=unknown[0][:40],
                code="unknown_parameter",
            )
        quiz, practice = field(body, "quiz", str, ""), field(body, "practice", bool, False)
        wanted = _number(body, "questions", 1, MOST)
        seed = _number(body, "seed", 0, 2**32 - 1)
        owner = caller_of(request).id
        deal = partial(self._deal, owner, quiz, wanted, seed, practice)
        return await self._told(request, await self._desk.call(deal), status=201)

    def _deal(
        self, owner: str, quiz: str, wanted: int | None, seed: int | None, practice: bool
    ) -> Round:
        exhibition = self._quiz.named(quiz)
        questions = min(USUAL, exhibition.most) if wanted is None else wanted
        key = self._rows.key(exhibition.id, seed)
        dealt = self._quiz.deal(exhibition.id, questions, key, self._rows.seen(owner))
        return self._rows.begin(owner, exhibition, dealt, practice=practice)

    async def show(self, request: Request) -> Response:
        find = partial(self._rows.find, request.path_params["id"], caller_of(request).id)
        return await self._told(request, await asyncio.to_thread(find))

    async def answer(self, request: Request) -> Response:
        """``question`` and ``answer`` (person or machine), once."""
        body = await read_json(request)
        question, said = field(body, "question", str, ""), field(body, "answer", str, "")
        answer = next((one for one in ANSWERS if one == said), None)
        if answer is None:
            raise ApiError(
                400,
                f"'answer' is {said[:40]!r}; give person or machine.",
                param="answer",
                code="invalid_value",
            )
        owner, name = caller_of(request).id, request.path_params["id"]
        write = partial(self._rows.answer, name, owner, question, answer)
        return await self._told(request, await asyncio.to_thread(write))

    async def end(self, request: Request) -> Response:
        """Tell the answers now; what is not answered counts as nothing."""
        end = partial(self._rows.end, request.path_params["id"], caller_of(request).id)
        return await self._told(request, await asyncio.to_thread(end))

    async def picture(self, request: Request) -> Response:
        """Pixels. No name, no date, no ETag, and one length for all."""
        send = partial(self._picture, request.path_params["id"], caller_of(request).id)
        data = await self._desk.call(send)
        return Response(data, media_type="image/png", headers={"cache-control": "no-store"})

    def _picture(self, question: str, owner: str) -> bytes:
        found, one = self._rows.showable(question, owner)
        data = self._quiz.picture(found.quiz, one.picture)
        self._rows.show(question, owner)
        return data

    async def scores(self, request: Request) -> Response:
        """``?quiz=``: what the caller's answers show, and everybody's on this machine."""
        score = partial(self._scores, caller_of(request).id, request.query_params.get("quiz", ""))
        return json_response(await self._desk.call(score))

    def _scores(self, owner: str, quiz: str) -> Data:
        named = self._quiz.named(quiz).id
        self._rows.close_old(time.time())
        return {
            "object": "gnomon.quiz.scores",
            "quiz": named,
            "mine": score_object(self._quiz.score(self._rows.said(named, owner))),
            "everybody": score_object(self._quiz.score(self._rows.said(named))),
            "unfinished": self._rows.left_open(named),
        }

    async def forget(self, request: Request) -> Response:
        """Every round of the caller's, of every quiz: single ones cannot be chosen."""
        gone = await asyncio.to_thread(partial(self._rows.forget, caller_of(request).id))
        return json_response({"object": "gnomon.quiz.rounds", "deleted": gone})

    async def _told(self, request: Request, round: Round, *, status: int = 200) -> Response:
        score = None
        if tells(round):
            score = await self._desk.call(partial(self._quiz.score, round.said()))
        told = round_object(round, self._context.base(request), score)
        return json_response(told, status, {"cache-control": "no-store"})


def _number(body: Data, name: str, least: int, most: int) -> int | None:
    value = field(body, name, int, -1)
    if body.get(name) is None:
        return None
    if not least <= value <= most:
        raise ApiError(
            400, f"{name!r} is {str(value)[:20]}; give {least} to {most}.", param=name,
            code="invalid_value",
        )  # fmt: skip
    return value

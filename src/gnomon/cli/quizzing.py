"""``gnomon quiz``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gnomon.cli.arguments import DONE, command, config_of
from gnomon.cli.output import print_json

if TYPE_CHECKING:
    from gnomon.types.quiz import Estimate, Exhibition, Rate, Score


def add_quiz(commands: Any) -> None:
    parser = command(
        commands, "quiz", quiz, "human or machine: the sets that are here, and the scores",
        "It is played on the page (gnomon serve, then /#quiz). Comes back: each set that the lab "
        "made or the setting `quizzes` names, and of all answers on this machine the share that is "
        "right with its 95 % interval, d', and who was taken for whom. A set that cannot be "
        "used is told with the reason.",
    )  # fmt: skip
    parser.add_argument("--folder", action="append", default=[], metavar="PATH",
                        help="a folder with a quiz.json besides (repeatable)")  # fmt: skip


def quiz(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.assemble.quiz import Quiz
    from gnomon.serve.database import Database
    from gnomon.serve.quiz_rows import QuizRows

    config = config_of(args)
    quizzes = Quiz(config_of(args, quizzes=[*config.quizzes, *args.folder]))
    sets, trouble = quizzes.sets()
    kept = config.home / "server.db"
    database = Database(kept if kept.exists() else None)
    try:
        rows = QuizRows(database)
        scores = {one.id: quizzes.score(rows.said(one.id)) for one in sets}
        gone = {quiz: about for quiz, about in rows.played().items() if quiz not in scores}
        scores |= {quiz: quizzes.score(rows.said(quiz)) for quiz in gone}
    finally:
        database.close()
    told = [_row(one) for one in sets]
    told += [{"id": quiz, "name": about["name"], "model": about["model"], "here": False}
             for quiz, about in gone.items()]  # fmt: skip
    if args.json:
        quizzes_told = [{**one, "score": _plain(scores[one["id"]])} for one in told]
        print_json({"quizzes": quizzes_told, "trouble": trouble})
        return DONE
    for one in told:
        _show(one, scores[one["id"]])
    for folder, why in trouble.items():
        terminal.warn(f"{folder}: {why}")
    if not told and not trouble:
        print("There is no quiz here; gnomon lab gan makes one, or set quizzes to its folder.")
    return DONE


def _row(one: Exhibition) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "folder": one.folder,
        "model": one.model,
        "machine": one.count("machine"),
        "person": one.count("person"),
        "notes": list(one.notes),
        "here": True,
    }


def _plain(score: Score) -> Mapping[str, Any]:
    from dataclasses import asdict

    return asdict(score)


def _show(one: Mapping[str, Any], score: Score) -> None:
    from gnomon import terminal

    count = (f"{one['machine']} pictures by it, {one['person']} by people" if one["here"]
             else "no longer here")  # fmt: skip
    terminal.line(f"[bold]{terminal.safe(one['name'])}[/]  {terminal.safe(one['model'])}  "
                  f"[dim]{one['id']}[/]  {count}")  # fmt: skip
    for note in one.get("notes", ()):
        terminal.prose(f"  [yellow]{terminal.safe(note)}[/]")
    if not score.answers:
        terminal.prose("  Nobody has played it to an end.")
        return
    terminal.prose(f"  right: {_rate(score.right)}, by chance {score.chance:.0%}")
    terminal.prose(f"  taken for human though a machine's: {_rate(score.machine_as_person)}")
    terminal.prose(f"  taken for a machine's though human: {_rate(score.person_as_machine)}")
    if score.d_prime and score.bias is not None:
        terminal.prose(f"  d' {_estimate(score.d_prime, '.2f')}, bias {score.bias:+.2f}")
    terminal.prose(f"  {verdict(score)}")
    whose = "1 person" if score.people == 1 else f"{score.people:,} people"
    answers = terminal.count(score.answers, "answer")
    rounds = terminal.count(score.rounds, "round")
    terminal.prose(f"  [dim]{answers} of {whose} in {rounds}; 95 % by {score.interval}[/]")


def verdict(score: Score) -> str:
    """What may be said, and no more."""
    points = f"{score.margin * 100:.0f} points"
    if score.equivalent and score.differs:
        return f"Told apart, but by less than {points}."
    if score.equivalent:
        return f"Cannot be told apart: within {points} of chance (two one-sided tests at 5 %)."
    if score.differs == "above":
        return "Told apart more often than by chance."
    if score.differs == "below":
        return "Taken for each other more often than by chance."
    return "Not enough answers to tell."


def _rate(rate: Rate) -> str:
    share = f" = {_estimate(rate.share, '.0%')}" if rate.share else ""
    return f"{rate.times} of {rate.of}{share}"


def _estimate(one: Estimate, form: str) -> str:
    return f"{one.value:{form}} ({one.low:{form}} to {one.high:{form}})"

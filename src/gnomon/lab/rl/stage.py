"""The stage *rl*: tasks that the machine checks, and a model that gets better at them, or not."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from gnomon.errors import InputError
from gnomon.lab.chat.gathering import longest_line, passages_of
from gnomon.lab.command import Bench
from gnomon.lab.model.gpt import GPT
from gnomon.lab.model.parallel import world
from gnomon.lab.model.stock import load, save
from gnomon.lab.progress import Reporter
from gnomon.lab.rl.families import FAMILIES, opened
from gnomon.lab.rl.grpo import FORMS, Form, Objective
from gnomon.lab.rl.learning import Course, Learnt, Run
from gnomon.lab.rl.measure import by_family, gain, held_out
from gnomon.lab.rl.play import Player, means, paid
from gnomon.lab.rl.report import draw_curves, text
from gnomon.lab.rl.rewards import ARMS, Reward, verifiable
from gnomon.lab.rl.rewards import opened as reward_of
from gnomon.lab.rl.tasks import Family, Task, up_to
from gnomon.lab.tokenizer import encoding
from gnomon.lab.tokenizer.encoding import Words
from gnomon.lab.workspace import Workspace, fingerprint

STAGE = "rl"
MODEL = "model"


@dataclass(frozen=True, slots=True)
class Settings:
    """``arm`` is what a reply is paid by; "verifiable" is the one to use, the others are there to
    be compared with it. ``steps`` None: by the dial. ``minutes`` ends the learning earlier. ``kl``
    weighs the distance to the model before."""

    depth: int = 2
    seed: int = 0
    arm: str = "verifiable"
    families: tuple[str, ...] = FAMILIES
    steps: int | None = None
    minutes: float | None = None
    form: Form = "dr-grpo"
    kl: float = 0.0
    rate_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Scale:
    """What follows from the dial: the course, tokens of a reply at most, hidden and reported tasks
    of each difficulty, sampled replies to each reported task, and the hardest difficulty."""

    course: Course
    max_new: int
    gold_per_level: int
    test_per_level: int
    test_copies: int
    hardest: int = 8

    @classmethod
    def of(cls, depth: int) -> Scale:
        if depth <= 3:
            course = Course(steps=48, tasks=16, group=8, look_every=12, look_copies=2)
            return cls(course, 28, 6, 14, 4, hardest=3)
        if depth <= 8:
            course = Course(steps=200, tasks=32, group=8, look_every=20, look_copies=2, rate=1e-4)
            return cls(course, 64, 4, 12, 4)
        course = Course(steps=600, tasks=64, group=16, phase_steps=2, look_every=40, rate=2e-5)
        return cls(course, 256, 8, 25, 4)


@dataclass(frozen=True, slots=True)
class Examined:
    """Each reported task's share of right replies: by the likeliest tokens, and drawn at
    temperature 1."""

    greedy: tuple[float, ...]
    sampled: tuple[float, ...]


def rl(work: Workspace, bench: Bench, settings: Settings) -> dict[str, Any]:
    """Learn by trying what *sft* left; the report, with ``folder`` that of the model to go on with:
    of the looks at hidden tasks the best, which may be the model before.

    Raises InputError for settings that cannot be used, ModelError where the loss is no longer a
    number, StoreFull where a checkpoint does not fit. Ctrl-C leaves a checkpoint; the same call
    goes on."""
    _check(settings)
    before = work.needs("sft", wanted_by=STAGE)
    inputs = {"settings": asdict(settings), "sft": before.get("inputs")}
    if (found := work.current(STAGE, inputs)) is not None:
        return found
    if work.report(STAGE) is not None:
        shutil.rmtree(work.stage(STAGE))
    torch.set_num_threads(bench.threads)
    words = encoding.load(work.stage("tokenizer"))
    model = load(Path(before["folder"]))
    passages = passages_of(work)
    folder = work.begin(STAGE, inputs)
    longest = longest_line(model.shape.context)
    with opened(passages, settings.families, longest=longest) as families:
        report = run_arm(
            model, words, families, settings, folder, bench.reporter,
            identity={"inputs": fingerprint(inputs)},
        )  # fmt: skip
    save(model, folder / MODEL)
    report["folder"] = str(folder / MODEL)
    return work.finish(STAGE, inputs, report, text(report))


def _check(settings: Settings) -> None:
    if settings.arm not in ARMS:
        raise InputError(f"--arm is {settings.arm!r}; give one of {', '.join(ARMS)}.")
    if settings.form not in FORMS:
        raise InputError(f"--form is {settings.form!r}; give one of {', '.join(FORMS)}.")
    if settings.steps is not None and settings.steps < 1:
        raise InputError(f"--steps is {settings.steps}; give a number from 1 on.")
    if settings.minutes is not None and settings.minutes <= 0:
        raise InputError(f"--minutes is {settings.minutes}; give a number above 0.")
    if settings.kl < 0 or not settings.rate_scale > 0:
        raise InputError(
            f"--kl is {settings.kl} and --rate-scale {settings.rate_scale}; give numbers from 0 "
            "on, and above 0."
        )


def run_arm(
    model: GPT,
    words: Words,
    families: Mapping[str, Family],
    settings: Settings,
    folder: Path,
    reporter: Reporter,
    *,
    identity: Mapping[str, Any],
    scale: Scale | None = None,
    reward: Reward | None = None,
) -> dict[str, Any]:
    """One arm, examined before and after on the same held-out tasks; ``model`` afterwards holds
    what is kept. ``reward`` replaces the arm's own (for trying another)."""
    scale = scale or Scale.of(settings.depth)
    families = {name: up_to(one, scale.hardest) for name, one in families.items()}
    player = Player(model, words, scale.max_new)
    checker = verifiable(families)
    test = _fitting(player, held_out(families, "test", per_level=scale.test_per_level, seed=0))
    gold = _fitting(player, held_out(families, "gold", per_level=scale.gold_per_level, seed=0))
    if not test or not gold:
        raise InputError("no held-out task fits the model's context; train a deeper model.")
    with world() as at:
        model.to(at.device)
        before = examine(player, test, checker, scale.test_copies)
        reporter.say(
            f"rl: {len(test)} held-out tasks, {sum(before.greedy) / len(test):.1%} right before"
        )
        run = Run(
            player, families, reward or reward_of(settings.arm, families, player.sure,
            settings.seed), checker, gold,
            Objective(form=settings.form, kl=settings.kl, max_new=scale.max_new),
            _course(scale, settings), folder, reporter,
        )  # fmt: skip
        learnt = run.learn(at, identity)
        after = examine(player, test, checker, scale.test_copies)
    report = _report(learnt, test, before, after, run, settings)
    draw_curves(folder, learnt)
    reporter.say(f"rl: pass@1 {report['sentence']}")
    return report


def _course(scale: Scale, settings: Settings) -> Course:
    course = replace(scale.course, seed=settings.seed, rate=scale.course.rate * settings.rate_scale)
    if settings.minutes is not None:
        course = replace(course, seconds=settings.minutes * 60)
    return replace(course, steps=settings.steps) if settings.steps else course


def _fitting(player: Player, tasks: Sequence[Task]) -> list[Task]:
    return [task for task in tasks if player.fits(task)]


def examine(player: Player, tasks: Sequence[Task], checker: Reward, copies: int) -> Examined:
    """Pass@1 of each task, twice; the same draws of chance every time."""
    greedy = player.replies(tasks, 1, seed=0, temperature=0)
    sampled = player.replies(tasks, copies, seed=1)
    return Examined(
        tuple(paid(checker, greedy, 0)), tuple(means(paid(checker, sampled, 0), copies))
    )


def _report(
    learnt: Learnt, test: Sequence[Task], before: Examined, after: Examined, run: Run,
    settings: Settings,
) -> dict[str, Any]:  # fmt: skip
    greedy = gain(before.greedy, after.greedy)
    played = [row for row in learnt.rows if row["step"] >= 0]
    groups = sum(len(row["groups"]) for row in played)
    silent = sum(row["no_signal"] * len(row["groups"]) for row in played)
    return {
        "arm": settings.arm,
        "sentence": (
            f"{greedy.before:.1%} to {greedy.after:.1%}, {greedy.gain:+.1%} "
            f"(95 % {greedy.low:+.1%} to {greedy.high:+.1%}): {greedy.verdict}"
        ),
        "pass_at_1": greedy.as_json(),
        "pass_at_1_sampled": gain(before.sampled, after.sampled).as_json(),
        "by_family": {
            name: {"before": round(a, 4), "after": round(b, 4), "tasks": n}
            for name, (a, b, n) in by_family(test, before.greedy, after.greedy).items()
        },
        "steps": learnt.last,
        "of_steps": run.course.steps,
        "kept_step": learnt.kept,
        "ended": learnt.why,
        "stopped_by_monitor": bool(learnt.monitor.stopped),
        "groups": groups,
        "groups_without_signal": round(silent),
        "looks": [
            {"step": one.step, "own": round(one.own_mean, 4), "gold": round(one.gold_mean, 4)}
            for one in learnt.monitor.looks
        ],
        "curriculum": {
            f"{family} {difficulty}": {"groups": arm.groups, "pass_rate": round(arm.pass_rate, 3)}
            for (family, difficulty), arm in learnt.curriculum.arms.items()
        },
        "form": settings.form,
        "kl": settings.kl,
        "seconds": round(learnt.seconds, 1),
        "energy": learnt.energy,
        "seed": settings.seed,
    }

"""One arm's run: propose, reply, judge, learn, and look at the hidden tasks now and then.

The loop is the lab's only one (``model/loop.py``); what is particular to rl is where a step's
pieces come from: the learner's own replies under the weights of that step. Everything else that a
step depends on is a fold over two files, so that a cut run goes on as if it had not been:

    rollouts.jsonl    a line a step: which tasks, what each reply was paid
    looks.jsonl       a line a look: each hidden task's own and gold score
    phase.json        the last replies, while several steps are made of them
    best/step-000020  the weights with the best gold score so far
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from gnomon.energy import Ledger
from gnomon.errors import InputError
from gnomon.lab.model.generate import Continuation
from gnomon.lab.model.gpt import GPT
from gnomon.lab.model.loop import Job, train
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World
from gnomon.lab.model.stock import load, save
from gnomon.lab.progress import Reporter
from gnomon.lab.rl.curriculum import Curriculum
from gnomon.lab.rl.gold import Look, Monitor
from gnomon.lab.rl.grpo import Group, GroupLoss, Objective, Rollouts, anchored, rollouts
from gnomon.lab.rl.play import Player, Reply, means, paid
from gnomon.lab.rl.rewards import Reward
from gnomon.lab.rl.tasks import Family, Task, drawn
from gnomon.lab.shards import writing
from gnomon.lab.workspace import write_json

ROLLOUTS, LOOKS, PHASE, BEST = "rollouts.jsonl", "looks.jsonl", "phase.json", "best"
PROBE = -1
ENERGY = "energy.json"
"""The step of the rows that were played before the first one."""
_DRAWS = 4
"""Times that tasks are drawn anew for a step whose groups all lack signal."""
_FIT_TRIES = 16
_FIT_SHARE = 0.25
"""Of a difficulty's tasks that must fit the model; else it is closed."""
_MOST_TRIES = 200


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how much: ``tasks`` a draw with ``group`` replies each, ``phase_steps`` steps of
    each draw, a look every ``look_every`` steps at the hidden tasks with ``look_copies`` replies.
    ``seconds`` bounds the learning where it is not None."""

    steps: int
    tasks: int = 16
    group: int = 8
    phase_steps: int = 1
    look_every: int = 8
    look_copies: int = 2
    rate: float = 3e-4
    seconds: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Learnt:
    """How a run ended: ``last`` is the step it came to, ``kept`` the one whose weights the module
    now holds, ``why`` it ended before its last step ("" if it did not)."""

    last: int
    kept: int
    why: str
    monitor: Monitor
    curriculum: Curriculum
    rows: Sequence[Mapping[str, Any]]
    seconds: float
    energy: Mapping[str, Any] = field(default_factory=dict)


class _Ended(Exception):
    """No further step is to be made."""


@dataclass(slots=True)
class Run:
    """An arm over a player's model. ``gold`` are the hidden tasks and ``checker`` what is right;
    ``reward`` is what the learner is paid by."""

    player: Player
    families: Mapping[str, Family]
    reward: Reward
    checker: Reward
    gold: Sequence[Task]
    objective: Objective
    course: Course
    folder: Path
    reporter: Reporter
    curriculum: Curriculum = field(default_factory=Curriculum)
    monitor: Monitor = field(default_factory=Monitor)
    rows: list[dict[str, Any]] = field(default_factory=list)
    _anchor: GPT | None = None
    _phase: Rollouts | None = None
    _begun: bool = False
    _began_at: float = 0.0
    _step: int = 0

    def learn(self, at: World, identity: Mapping[str, Any]) -> Learnt:
        """Do it, from where it was cut. Raises what the loop raises."""
        if at.size > 1:
            raise InputError(
                "rl runs in one process here; for several GPUs use TRL with the same rewards "
                "(docs/lab-chat.md)."
            )
        model = self.player.model
        if self.objective.kl:
            self._anchor = _copy(model)
        recipe = Recipe(
            steps=self.course.steps, matrix_rate=0.0, rate=self.course.rate, betas=(0.9, 0.98),
            decay=0.0, warm_up=0.1, cool_down=0.2, floor=0.2, seed=self.course.seed,
        )  # fmt: skip
        settings = {"course": asdict(self.course), "objective": asdict(self.objective)}
        job = Job(
            stage="rl", folder=self.folder, reporter=self.reporter,
            identity={**identity, **json.loads(json.dumps(settings))},
            look_every=self.course.look_every, save_every_s=60,
        )  # fmt: skip
        ledger = Ledger(self.folder / ENERGY)
        job = replace(job, energy=ledger)
        why = ""
        self._began_at = time.monotonic()
        try:
            train(model, self._pieces, GroupLoss(self.objective), recipe, job, at, look=self._look)
        except _Ended as ended:
            why = str(ended)
            self.reporter.say(f"rl: ended at step {self._step} of {recipe.steps}: {why}")
        else:
            self._begin(recipe.steps)
            self._step = recipe.steps
            why = self.monitor.stopped
        finally:
            spent = ledger.close()
        return Learnt(
            self._step, self._keep_best(), why, self.monitor, self.curriculum, self.rows,
            time.monotonic() - self._began_at, spent.as_json(),
        )  # fmt: skip

    def _begin(self, step: int) -> None:
        """What is known at ``step``: folded from the files, which lose what came after it."""
        if self._begun:
            return
        self._begun = True
        self.rows = _kept(self.folder / ROLLOUTS, lambda row: row["step"] < step)
        looks = _kept(self.folder / LOOKS, lambda row: row["step"] <= step)
        self.curriculum = Curriculum.over(self.families)
        for closed in self._closed():
            del self.curriculum.arms[closed]
        if not self.curriculum.arms:
            raise InputError(
                f"no task fits replies of {self.player.max_new} tokens in a context of "
                f"{self.player.model.shape.context}; train a deeper model."
            )
        for row in self.rows:
            for family, difficulty, rewards in row["groups"]:
                self.curriculum.learn(family, difficulty, rewards)
        for held in looks:
            self.monitor.see(Look(held["step"], tuple(held["own"]), tuple(held["gold"])))
        if not any(row["step"] == PROBE for row in self.rows):
            self._probe()
        if not self.monitor.looks:
            self._look(self.player.model)

    def _closed(self) -> list[tuple[str, int]]:
        """Difficulties of which hardly a task fits the model's context or the length of replies."""
        found = []
        for name, difficulty in self.curriculum.arms:
            tasks = (
                drawn(self.families[name], number, difficulty, "train")
                for number in range(_FIT_TRIES)
            )
            if sum(map(self.player.fits, tasks)) < _FIT_SHARE * _FIT_TRIES:
                found.append((name, difficulty))
        return found

    def _probe(self) -> None:
        """One group at every difficulty, from which the curriculum starts; nothing is learnt."""
        arms = list(self.curriculum.arms)
        self._play(PROBE, 0, [self._task(*arm, seed) for seed, arm in enumerate(arms)])

    def _pieces(self, step: int) -> list[Rollouts]:
        """What a step learns from."""
        self._begin(step)
        self._step = step
        if self.monitor.stopped:
            raise _Ended(self.monitor.stopped)
        bound = self.course.seconds
        if bound is not None and time.monotonic() - self._began_at > bound:
            raise _Ended(f"its {bound:.0f} seconds are over")
        first = step - step % self.course.phase_steps
        if step == first or (self._phase is None and not self._phase_again(first)):
            self._phase = self._new_phase(step)
        assert self._phase is not None
        return [self._phase]

    def _new_phase(self, step: int) -> Rollouts:
        """Replies of the learner as it is now; tasks are drawn anew while none has signal (DAPO's
        dynamic sampling, https://arxiv.org/abs/2503.14476, bounded)."""
        groups: list[Group] = []
        for draw in range(_DRAWS):
            random = Random(f"{self.course.seed}/{step}/{draw}")
            tasks = [
                self._task(*self.curriculum.propose(random), random.randrange(10**9))
                for _ in range(self.course.tasks)
            ]
            groups = self._play(step, draw, tasks)
            if any(group.has_signal for group in groups):
                break
        if self.course.phase_steps > 1:
            write_json(self.folder / PHASE, {"step": step, "groups": [_plain(g) for g in groups]})
        return self._piece(groups)

    def _piece(self, groups: Sequence[Group]) -> Rollouts:
        piece = rollouts(groups, self.objective)
        if self._anchor is not None and piece.ids.shape[0]:
            piece = anchored(piece, self._anchor, self.objective.temperature)
        return piece

    def _phase_again(self, first: int) -> bool:
        """Take up the replies that were being learnt from at the cut."""
        path = self.folder / PHASE
        held = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if held.get("step") != first:
            self.reporter.say("rl: the replies of the cut phase are not there; new ones are drawn")
            return False
        self._phase = self._piece([_group(one) for one in held["groups"]])
        return True

    def _task(self, family: str, difficulty: int, seed: int) -> Task:
        """A task of the train side that fits."""
        for attempt in range(_MOST_TRIES):
            task = drawn(self.families[family], seed * _MOST_TRIES + attempt, difficulty, "train")
            if self.player.fits(task):
                return task
        raise InputError(
            f"of {_MOST_TRIES} tasks of {family} at difficulty {difficulty} none fits the model's "
            f"context; choose other --families."
        )

    def _play(self, step: int, draw: int, tasks: Sequence[Task]) -> list[Group]:
        """Replies to tasks, paid; the curriculum learns of it, and the step's row is written."""
        copies = self.course.group
        seed = Random(f"{self.course.seed}/{step}/{draw}/replies").randrange(2**62)
        replies = self.player.replies(tasks, copies, seed=seed)
        rewards = paid(self.reward, replies, step)
        groups = [
            Group(tuple(replies[i : i + copies]), tuple(rewards[i : i + copies]))
            for i in range(0, len(replies), copies)
        ]
        played = []
        for task, group in zip(tasks, groups, strict=True):
            self.curriculum.learn(task.family, task.difficulty, group.rewards)
            played.append([task.family, task.difficulty, list(group.rewards)])
        self._note(step, draw, groups, played)
        return groups

    def _note(self, step: int, draw: int, groups: Sequence[Group], played: Sequence[Any]) -> None:
        replies = [one for group in groups for one in group.replies]
        rewards = [reward for group in groups for reward in group.rewards]
        tokens = sum(len(one.made.ids) for one in replies)
        row = {
            "step": step,
            "draw": draw,
            "reward": sum(rewards) / len(rewards),
            "no_signal": sum(not group.has_signal for group in groups) / len(groups),
            "length": tokens / len(replies),
            "entropy": -sum(sum(one.made.log_probs) for one in replies) / tokens,
            "cut_off": sum(not one.made.stopped for one in replies) / len(replies),
            "groups": played,
        }
        self.rows.append(row)
        _append(self.folder / ROLLOUTS, row)

    def _look(self, model: Any) -> dict[str, float]:
        """The hidden tasks, paid by the arm's reward and by the checker; the same draws of chance
        at every look."""
        copies = self.course.look_copies
        replies = self.player.replies(self.gold, copies, seed=self.course.seed)
        own = means(paid(self.reward, replies, 10**6), copies)
        gold = means(paid(self.checker, replies, 10**6), copies)
        step = self._step + 1 if self._begun and self.monitor.looks else 0
        look = Look(step, tuple(own), tuple(gold))
        _append(self.folder / LOOKS, {"step": step, "own": own, "gold": gold})
        if self.monitor.see(look):
            place = self.folder / BEST / f"step-{step:06d}"
            save(self.player.model, place)
            for older in place.parent.iterdir():
                if older != place:
                    shutil.rmtree(older)
        return {"own": look.own_mean, "gold": look.gold_mean}

    def _keep_best(self) -> int:
        """Put the weights with the best gold score in the module; the step they are of."""
        best = self.monitor.best.step
        place = self.folder / BEST / f"step-{best:06d}"
        if not place.exists():
            self.reporter.say(f"rl: the weights of step {best} are not there; the last are kept")
            return self._step
        held = load(place).state_dict()
        self.player.model.load_state_dict(held)
        return best


def _copy(model: GPT) -> GPT:
    """The same weights, which are not learnt."""
    other = GPT(model.shape).to(model.head.device)
    other.load_state_dict(model.state_dict())
    return other.requires_grad_(False).eval()


def _kept(path: Path, keep: Any) -> list[dict[str, Any]]:
    """The rows of a file that ``keep`` takes; the file loses the others, and a last line that a cut
    left half."""
    rows = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not keep(row):
            break
        rows.append(row)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    fresh.replace(path)
    return rows


def _append(path: Path, row: Mapping[str, Any]) -> None:
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _plain(group: Group) -> dict[str, Any]:
    """A group as JSON, without the words, which are learnt no more."""
    return {
        "rewards": group.rewards,
        "replies": [[one.asked, one.made.ids, one.made.log_probs] for one in group.replies],
    }


def _group(held: Mapping[str, Any]) -> Group:
    nothing = Task("", 0, "", "", "")
    replies = [
        Reply(nothing, tuple(asked), Continuation(tuple(ids), tuple(logs), True), "")
        for asked, ids, logs in held["replies"]
    ]
    return Group(tuple(replies), tuple(held["rewards"]))

"""Rewards side by side: verifiable, self-judged, majority vote, random, and one built to be hacked.

A model of depth 2 first learns tasks from right answers (sft, from nothing, through the lab's own
loop), well short of knowing them all. Then each arm learns from that same model by GRPO for the
same steps: same tasks to choose from, same seeds, the reward alone differs. Examined before and
after on the same held-out tasks (keys that no other side has): pass@1 by the likeliest tokens and
drawn at temperature 1, with a 95 % interval of the change (paired bootstrap over tasks). The gold
column is what the hidden monitor saw of the last weights; what is examined are those it kept.

    python bench/lab/arms.py --out /tmp/arms

No data and no network are needed. A cut run goes on; an arm that is done is not done again. Two
cores: about ten minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gnomon.lab import dial
from gnomon.lab.chat import made
from gnomon.lab.chat.packing import Schedule, answer_loss
from gnomon.lab.chat.render import fitted
from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.loop import Job, train
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import world
from gnomon.lab.model.stock import load, save
from gnomon.lab.progress import Lines
from gnomon.lab.rl.families import opened
from gnomon.lab.rl.learning import Course
from gnomon.lab.rl.rewards import ARMS, Reward
from gnomon.lab.rl.stage import Scale, Settings, run_arm
from gnomon.lab.rl.tasks import Family, up_to
from gnomon.lab.rl.tasks.passages import made_up
from gnomon.lab.tokenizer import encoding
from gnomon.lab.tokenizer import train as vocabulary
from gnomon.lab.tokenizer.encoding import Words
from gnomon.lab.workspace import write_json

DEPTH, VOCAB = 2, 1024
HARDEST = {"strings": 3, "arithmetic": 3, "units": 2, "dates": 1}
DRAWS = 800
HACKED = "length"


def length_reward(
    prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
) -> list[float]:
    """Long replies, right or not: what a careless judge likes, and a learner finds."""
    return [min(len(str(reply)), 20) / 20 for reply in completions]


def started(out: Path, families: Mapping[str, Family], steps: int) -> tuple[Path, Words]:
    """The model that every arm starts from, made where it is not there yet."""
    if not (out / "tokenizer.json").exists():
        shown = list(made.from_tasks(families, per_level=200, seed=7))
        texts = [turn.content for one in shown for turn in one.turns]
        texts += [line for one in made_up(events=60) for line in one.sentences]
        vocabulary.save(vocabulary.train(texts, vocab=VOCAB), out, context=128)
    words = encoding.load(out)
    folder = out / "sft"
    if (folder / "model").is_dir():
        return folder / "model", words
    talks = [
        *made.from_tasks(families, per_level=DRAWS, seed=0),
        *made.from_judging(families, per_level=DRAWS // 5, seed=0),
    ]
    windows = [window for one in talks for window in fitted(words, one, 128)[0]]
    torch.manual_seed(0)
    model = GPT(Shape.of(dial.sizes(DEPTH), vocab=words.vocab, context=128))
    schedule = Schedule(windows, context=128, rows=8, seed=0)
    recipe = Recipe(steps=steps, matrix_rate=0.03, rate=5e-3, decay=0.05, cool_down=0.7)
    with world() as at:
        job = Job("sft", folder, Lines(10), identity={"talks": len(talks)})
        train(model, schedule, answer_loss, recipe, job, at)
    save(model, folder / "model")
    return folder / "model", words


def arm_of(
    out: Path, name: str, seed: int, start: Path, words: Words, families: Mapping[str, Family],
    course: Course,
) -> dict[str, Any]:  # fmt: skip
    """One arm's report, from its file where it is done."""
    done = out / f"{name}-{seed}.json"
    if done.exists():
        held: dict[str, Any] = json.loads(done.read_text("utf-8"))
        return held
    folder = out / f"{name}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    reward: Reward | None = length_reward if name == HACKED else None
    settings = Settings(seed=seed, arm="verifiable" if reward else name, families=tuple(families))
    scale = Scale(course, max_new=16, gold_per_level=14, test_per_level=40, test_copies=4)
    began = time.process_time()
    report = run_arm(
        load(start), words, families, settings, folder, Lines(10),
        identity={"arm": name, "seed": seed}, scale=scale, reward=reward,
    )  # fmt: skip
    report |= {"arm": name, "cpu_s": round(time.process_time() - began, 1)}
    write_json(done, report)
    return report


def table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Markdown, an arm a row."""
    lines = [
        "| arm | seed | steps | own | gold | kept | pass@1 | gain (95 %) | drawn: gain (95 %) | "
        "verdict | no signal | cpu s |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in reports:
        first, last = one["looks"][0], one["looks"][-1]
        likely, drawn = one["pass_at_1"], one["pass_at_1_sampled"]
        ended = " (stopped)" if one["stopped_by_monitor"] else ""
        silent = one["groups_without_signal"] / max(1, one["groups"])
        lines.append(
            f"| {one['arm']} | {one['seed']} | {one['steps']} of {one['of_steps']}{ended} "
            f"| {first['own']:.2f} to {last['own']:.2f} "
            f"| {first['gold']:.2f} to {last['gold']:.2f} "
            f"| step {one['kept_step']} | {likely['before']:.3f} to {likely['after']:.3f} "
            f"| {_change(likely)} | {_change(drawn)} | {likely['verdict']} | {silent:.0%} "
            f"| {one['cpu_s']:.0f} |"
        )
    tasks = reports[0]["pass_at_1"]["tasks"]
    return "\n".join(lines) + f"\n\n{tasks} held-out tasks; four replies to each where drawn.\n"


def _change(one: Mapping[str, float]) -> str:
    return f"{one['gain']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=Path(".cache/bench-arms"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sft-steps", type=int, default=1200)
    parser.add_argument("--steps", type=int, default=100, help="of GRPO, each arm")
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--arms", default=",".join((*ARMS, HACKED)))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    course = Course(
        steps=args.steps, tasks=24, group=8, look_every=10, look_copies=2, rate=args.rate
    )
    with opened(made_up(events=60), tuple(HARDEST)) as found:
        families = {name: up_to(one, HARDEST[name]) for name, one in found.items()}
        start, words = started(args.out, families, args.sft_steps)
        reports = [
            arm_of(args.out, name, seed, start, words, families, course)
            for seed in range(args.seeds)
            for name in args.arms.split(",")
        ]
    shown = table(reports)
    (args.out / "arms.md").write_text(shown, "utf-8")
    print(shown)


if __name__ == "__main__":
    main()

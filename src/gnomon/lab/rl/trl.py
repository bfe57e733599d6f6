"""The same tasks and rewards at the large scale: TRL's GRPOTrainer over a stock model folder.

Our own loop is for models that one machine plays in seconds. From some billion parameters on,
generation wants vLLM and weights want several GPUs; TRL has both
(https://huggingface.co/docs/trl/grpo_trainer), and takes our rewards as they are.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from gnomon.errors import InputError, pip_install
from gnomon.lab.rl.curriculum import Curriculum
from gnomon.lab.rl.rewards import Reward, columns_of
from gnomon.lab.rl.tasks import Family, Task, drawn


def here() -> bool:
    """Whether TRL is installed; gnomon[lab] does not bring it."""
    return importlib.util.find_spec("trl") is not None


def tasks_for(families: Mapping[str, Family], *, count: int, seed: int) -> list[Task]:
    """Tasks of the train side, every difficulty of every family alike: TRL reads its data in an
    order of its own, so there is no proposer to ask."""
    arms = list(Curriculum.over(families).arms)
    random = Random(f"{seed}/trl")
    return [
        drawn(families[name], random.randrange(10**9), level, "train")
        for name, level in (random.choice(arms) for _ in range(count))
    ]


def rows(tasks: Sequence[Task]) -> dict[str, list[Any]]:
    """Columns of a data set: ``prompt`` as messages, and what the rewards read. ``facts`` goes as
    JSON: in a table every row would have to have the same."""
    prompts = [[{"role": "user", "content": task.prompt}] for task in tasks]
    columns = columns_of(tasks)
    columns["facts"] = [json.dumps(facts) for facts in columns["facts"]]
    return {"prompt": prompts, **columns}


def train(
    model: Path, out: Path, tasks: Sequence[Task], reward: Reward, **config: Any
) -> dict[str, Any]:
    """GRPO by TRL over the stock model in ``model``; the trained folder is ``out``. ``config`` goes
    to GRPOConfig over our choices: Dr. GRPO's loss, advantages not divided by their deviation.
    Raises InputError where TRL is not installed."""
    if not here():
        raise InputError(f"TRL is not installed; {pip_install('trl')}")
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    chosen = {"loss_type": "dr_grpo", "scale_rewards": "none", "report_to": "none", **config}
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(model),
        processing_class=AutoTokenizer.from_pretrained(model),
        reward_funcs=[reward],
        args=GRPOConfig(output_dir=str(out), **chosen),
        train_dataset=Dataset.from_dict(rows(tasks)),
    )
    found = trainer.train()
    trainer.save_model(str(out))
    return dict(found.metrics)

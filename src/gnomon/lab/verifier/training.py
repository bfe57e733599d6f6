"""Train the verifier: a small encoder that reads a window and a claim together.

A cross-encoder (`[CLS] window [SEP] claim [SEP]`, three classes) from a pretrained encoder, by
AdamW with a linear warm-up and decay, its products in bfloat16. Its word embeddings stay as they
are: much of all weights, words of which 90,000 pairs show too few. A run is cut and taken up again
at any step: a checkpoint holds weights, optimiser, and the place in the data, whose order follows
from the seed.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertForSequenceClassification

from gnomon.errors import InputError
from gnomon.lab.verifier.corpus import Batch, Encoded, batches, padded
from gnomon.lab.verifier.sets import NOT_SUPPORTED, SUPPORTS

LABELS = ("supports", "refutes", "neither")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of. ``rate`` is AdamW's peak; ``smooth`` takes that much from the true
    label for the others (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567): the sets disagree
    on what refutes and what merely differs."""

    epochs: float = 1.25
    batch: int = 32
    rate: float = 8e-5
    head_rate: float = 5e-4
    decay: float = 0.01
    warm_up: float = 0.06
    clip: float = 1.0
    smooth: float = 0.05
    seed: int = 0
    bf16: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, for whoever shows it. ``loss`` is a running mean; ``scores`` are those of
    the last look at the development pairs."""

    step: int
    steps: int
    loss: float
    pairs_per_s: float
    left_s: float
    scores: dict[str, float]


def train(
    base: Path,
    out: Path,
    items: Sequence[Encoded],
    watch: Sequence[Encoded],
    recipe: Recipe,
    *,
    report: Callable[[Progress], None],
    every: int = 50,
    look: int = 500,
) -> Path:
    """Fine-tune ``base`` on ``items``; the folder of the trained model, in stock format.

    ``watch`` are development pairs that are scored every ``look`` steps and never learnt from.
    Checkpoints go to ``out``; a run that finds one there goes on from it. Ctrl-C leaves one."""
    torch.manual_seed(recipe.seed)
    model = BertForSequenceClassification.from_pretrained(
        base,
        num_labels=3,
        id2label=dict(enumerate(LABELS)),
        # On a CPU torch's own attention takes longer backward in bfloat16 than all the rest.
        attn_implementation="eager",
        # Hardly more than one pass is made, and drawing its random numbers takes half of the time.
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model.bert.embeddings.word_embeddings.weight.requires_grad = False
    optimiser = _optimiser(model, recipe)
    order = list(_order(items, recipe))
    run = _Run(model, optimiser, recipe, len(order), out)
    run.resume()
    model.train()
    began, done, loss_mean = time.monotonic(), 0, 0.0
    scores: dict[str, float] = {}
    try:
        for step in range(run.step, len(order)):
            batch = padded([items[i] for i in order[step]])
            loss = run.learn(batch)
            run.step = step + 1
            done += len(batch.labels)
            loss_mean = loss if not loss_mean else 0.98 * loss_mean + 0.02 * loss
            if run.step % look == 0 or run.step == len(order):
                scores = evaluate(model, watch)
                run.save()
            if run.step % every == 0 or run.step == len(order):
                rate = done / (time.monotonic() - began)
                left = sum(map(len, order[run.step :])) / rate
                report(Progress(run.step, len(order), loss_mean, rate, left, scores))
    except KeyboardInterrupt:
        run.save()
        raise
    trained = out / "model"
    model.save_pretrained(trained)
    return trained


def _order(items: Sequence[Encoded], recipe: Recipe) -> Iterator[list[int]]:
    """The batches of the whole run; the last epoch may be a part of one."""
    for epoch in range(math.ceil(recipe.epochs)):
        rows = list(batches(items, recipe.batch, seed=recipe.seed * 1000 + epoch))
        yield from rows[: round(len(rows) * min(1.0, recipe.epochs - epoch))]


def _optimiser(model: Any, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW without decay on biases and norms, and a faster head: it starts from nothing, as does
    the pooling before it where the base has none."""
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            head = name.startswith(("classifier", "bert.pooler"))
            groups.setdefault((head, weight.ndim > 1), []).append(weight)
    return torch.optim.AdamW(
        [
            {
                "params": weights,
                "lr": recipe.head_rate if head else recipe.rate,
                "weight_decay": recipe.decay if matrix else 0.0,
            }
            for (head, matrix), weights in groups.items()
        ],
        fused=True,
    )


class _Run:
    """Weights, optimiser and place of one run, and how they get to disk."""

    def __init__(
        self, model: Any, optimiser: torch.optim.AdamW, recipe: Recipe, steps: int, out: Path
    ) -> None:
        self.model, self.optimiser, self.recipe, self.steps = model, optimiser, recipe, steps
        self.step = 0
        self._file = out / "checkpoint.pt"
        self._peaks = [group["lr"] for group in optimiser.param_groups]
        out.mkdir(parents=True, exist_ok=True)

    def learn(self, batch: Batch) -> float:
        """One step; the batch's mean loss."""
        warm = max(1, int(self.steps * self.recipe.warm_up))
        factor = min((self.step + 1) / warm, (self.steps - self.step) / (self.steps - warm + 1))
        for group, peak in zip(self.optimiser.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bf16):
            logits = forward(self.model, batch).float()
        loss = stance_loss(logits, torch.from_numpy(batch.labels), self.recipe.smooth)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _plan(self) -> str:
        return json.dumps({"recipe": asdict(self.recipe), "steps": self.steps})

    def save(self) -> None:
        """Write the checkpoint beside the last one, then put it in its place."""
        state = {
            "plan": self._plan(),
            "step": self.step,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }
        fresh = self._file.with_suffix(".new")
        torch.save(state, fresh)
        os.replace(fresh, self._file)

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one of the same plan."""
        if not self._file.exists():
            return
        state = torch.load(self._file, weights_only=True)
        if state["plan"] != self._plan():
            raise InputError(
                f"{self._file} is of another run ({state['plan']}); name another folder with "
                f"--out, or delete it to start over"
            )
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        self.step = state["step"]


def forward(model: Any, batch: Batch) -> torch.Tensor:
    """Logits ``[n, 3]``."""
    logits: torch.Tensor = model(
        input_ids=torch.from_numpy(batch.ids),
        token_type_ids=torch.from_numpy(batch.types),
        attention_mask=torch.from_numpy(batch.mask),
    ).logits
    return logits


def stance_loss(logits: torch.Tensor, labels: torch.Tensor, smooth: float) -> torch.Tensor:
    """Mean cross-entropy; a pair that is only known *not* to support learns 1 - P(supports)."""
    logs = torch.log_softmax(logits, dim=-1)
    known = labels != NOT_SUPPORTED
    right = logs.gather(1, torch.where(known, labels, 0).unsqueeze(1)).squeeze(1)
    exact = (1 - smooth) * right + smooth * logs.mean(dim=-1)
    other = torch.logsumexp(logs[:, [c for c in range(3) if c != SUPPORTS]], dim=-1)
    partly = (1 - smooth) * other + smooth * logs[:, SUPPORTS]
    return -torch.where(known, exact, partly).mean()


def probabilities(model: Any, items: Sequence[Encoded], batch: int = 64) -> np.ndarray:
    """``[n, 3]``, in order."""
    order = sorted(range(len(items)), key=lambda i: len(items[i].ids))
    found = np.zeros((len(items), 3), np.float32)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            logits = forward(model, padded([items[i] for i in rows]))
            found[rows] = torch.softmax(logits, dim=-1).numpy()
    model.train(was_training)
    return found


def evaluate(model: Any, items: Sequence[Encoded]) -> dict[str, float]:
    """Accuracy over three classes and, where only two occur, over those two."""
    if not items:
        return {}
    found = probabilities(model, items)
    labels = np.array([item.label for item in items])
    sided = labels < 2
    two = (found[sided, 0] > found[sided, 1]) == (labels[sided] == 0)
    return {
        "accuracy": float((found.argmax(axis=1) == labels).mean()),
        "supports_or_refutes": float(two.mean()) if sided.any() else float("nan"),
    }

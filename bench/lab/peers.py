"""The loops to beat, rebuilt from what they publish: nanoGPT's, and Hugging Face's Trainer.

nanoGPT's settings for a character model on a CPU are those of its README's command and of
config/train_shakespeare_char.py (https://github.com/karpathy/nanoGPT): 4 layers, 4 heads, width
128, rows of 64, 12 of them a step, AdamW at 1e-3 to 1e-4 over 2,000 steps by a cosine after 100 of
warm-up, betas 0.9 and 0.99, decay 0.1 on matrices, gradients clipped at 1, no dropout, float32,
evaluated on 20 batches of each split every 250 steps. Its model is GPT-2's without biases.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

Clock = Callable[[], float]


@dataclass(frozen=True)
class Nano:
    """nanoGPT's published settings; ``warm_up`` and ``steps`` in steps."""

    layers: int = 4
    heads: int = 4
    width: int = 128
    context: int = 64
    batch: int = 12
    steps: int = 2000
    rate: float = 1e-3
    floor: float = 1e-4
    warm_up: int = 100
    betas: tuple[float, float] = (0.9, 0.99)
    decay: float = 0.1
    clip: float = 1.0
    dropout: float = 0.0
    look_every: int = 250
    look_batches: int = 20


class Block(nn.Module):
    def __init__(self, plan: Nano) -> None:
        super().__init__()
        width = plan.width
        self.heads, self.dropout = plan.heads, plan.dropout
        self.ln_1 = nn.LayerNorm(width, bias=False)
        self.attn = nn.Linear(width, 3 * width, bias=False)
        self.attn_out = nn.Linear(width, width, bias=False)
        self.ln_2 = nn.LayerNorm(width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        self.drop = nn.Dropout(plan.dropout)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.attn(self.ln_1(x)).split(width, dim=2)
        q, k, v = (one.view(batch, length, self.heads, -1).transpose(1, 2) for one in parts)
        y = functional.scaled_dot_product_attention(
            q, k, v, is_causal=True, dropout_p=self.dropout if self.training else 0.0
        )
        y = y.transpose(1, 2).contiguous().view(batch, length, width)
        x = x + self.drop(self.attn_out(y))
        return x + self.drop(self.down(functional.gelu(self.up(self.ln_2(x)))))


class NanoGPT(nn.Module):
    """GPT-2 without biases, its head tied to its embedding."""

    def __init__(self, vocab: int, plan: Nano) -> None:
        super().__init__()
        self.wte = nn.Embedding(vocab, plan.width)
        self.wpe = nn.Embedding(plan.context, plan.width)
        self.drop = nn.Dropout(plan.dropout)
        self.blocks = nn.ModuleList(Block(plan) for _ in range(plan.layers))
        self.ln_f = nn.LayerNorm(plan.width, bias=False)
        for name, weight in self.named_parameters():
            if weight.ndim > 1:
                thin = name.endswith(("attn_out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * plan.layers) if thin else 0.02)

    def forward(self, ids: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        x = self.drop(self.wte(ids) + self.wpe(torch.arange(ids.shape[1])))
        for block in self.blocks:
            x = block(x)
        logits = functional.linear(self.ln_f(x), self.wte.weight)
        return logits, functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def windows(data: np.ndarray, batch: int, context: int) -> tuple[Tensor, Tensor]:
    """Random places, as its loop draws them."""
    places = torch.randint(len(data) - context, (batch,))
    x = torch.stack([torch.from_numpy(data[i : i + context].astype(np.int64)) for i in places])
    y = torch.stack(
        [torch.from_numpy(data[i + 1 : i + 1 + context].astype(np.int64)) for i in places]
    )
    return x, y


def nano_steps(
    model: NanoGPT, train: np.ndarray, val: np.ndarray, plan: Nano, *, looking: bool = True
) -> Iterator[int]:
    """Its loop; yields after each step."""
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim < 2]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": plan.decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=plan.rate,
        betas=plan.betas,
    )
    ids, targets = windows(train, plan.batch, plan.context)
    for step in range(plan.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = nano_rate(plan, step)
        if looking and step % plan.look_every == 0:
            nano_look(model, (train, val), plan)
        _, loss = model(ids, targets)
        ids, targets = windows(train, plan.batch, plan.context)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
        yield step + 1


def nano_rate(plan: Nano, step: int) -> float:
    if step < plan.warm_up:
        return plan.rate * step / plan.warm_up
    share = min(1.0, (step - plan.warm_up) / max(1, plan.steps - plan.warm_up))
    return plan.floor + 0.5 * (1 + math.cos(math.pi * share)) * (plan.rate - plan.floor)


@torch.no_grad()
def nano_look(model: NanoGPT, splits: tuple[np.ndarray, ...], plan: Nano) -> list[float]:
    model.eval()
    found = []
    for data in splits:
        losses = [
            float(model(*windows(data, plan.batch, plan.context))[1])
            for _ in range(plan.look_batches)
        ]
        found.append(sum(losses) / len(losses))
    model.train()
    return found


def trainer(
    vocab: int, train: np.ndarray, plan: Nano, folder: Path, seconds: float, clock: Clock
) -> tuple[Any, int, float]:
    """``transformers``' GPT-2 of the same size under its Trainer with the same batch, rates and
    decay, for ``plan.steps`` or until ``clock`` has gone on by ``seconds``: the model, its steps
    and their seconds. Needs accelerate, which Trainer needs."""
    from transformers import (
        GPT2Config,
        GPT2LMHeadModel,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    class Places(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return plan.steps * plan.batch

        def __getitem__(self, number: int) -> dict[str, Tensor]:
            at = int(torch.randint(len(train) - plan.context, (1,)))
            row = torch.from_numpy(train[at : at + plan.context].astype(np.int64))
            return {"input_ids": row, "labels": row}

    class Until(TrainerCallback):
        began = 0.0
        steps = 0

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            Until.began = clock()

        def on_step_end(self, _: Any, state: Any, control: Any, **__: Any) -> Any:
            Until.steps = state.global_step
            control.should_training_stop = clock() - Until.began > seconds
            return control

    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocab, n_positions=plan.context, n_embd=plan.width, n_layer=plan.layers,
            n_head=plan.heads, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
            bos_token_id=0, eos_token_id=0, use_cache=False,
        )
    )  # fmt: skip
    arguments = TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=plan.batch, max_steps=plan.steps,
        learning_rate=plan.rate, lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr": plan.floor}, warmup_steps=plan.warm_up,
        adam_beta1=plan.betas[0], adam_beta2=plan.betas[1], weight_decay=plan.decay,
        max_grad_norm=plan.clip, logging_steps=10, report_to=[], save_strategy="no",
        use_cpu=True, disable_tqdm=True, dataloader_num_workers=0,
    )  # fmt: skip
    Trainer(model=model, args=arguments, train_dataset=Places(), callbacks=[Until()]).train()
    return model, Until.steps, clock() - Until.began


CLOCKS: dict[str, Clock] = {"wall": time.monotonic, "cpu": time.process_time}
"""Seconds of the day, or of CPU, all threads: what other work on the machine does not take."""

"""A small classifier of our own to run backwards: it learns which family of ideas a picture of the
set shows, from pictures turned, scaled and laid on colours by chance."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gnomon.energy import Ledger
from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.dream.resnet import ResNet, Shape, save
from gnomon.lab.model.checkpoint import ENERGY, PLAN, forget
from gnomon.lab.model.loop import Job, train
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World, world
from gnomon.lab.model.rates import faster
from gnomon.lab.pictures.held import Pictures, open_pictures
from gnomon.lab.progress import Silence
from gnomon.lab.workspace import Workspace, file_sha256, fingerprint, write_json

STAGE = "dream"
MODEL = "model"
FEWEST = 20
"""Pictures that a family must have to be learnt."""
SMOOTHING = 0.1
"""Of the labels (https://arxiv.org/abs/1512.00567, section 7)."""
SHARES = {"rate": 2e-3, "decay": 0.05}


@dataclass(frozen=True, slots=True)
class Settings:
    """``steps`` of ``batch`` pictures, or about so many ``minutes``; ``labels`` is "kind", "set"
    or "style", what is told apart; ``width`` of the first stage."""

    seed: int = 0
    steps: int | None = None
    minutes: float | None = None
    labels: str = "kind"
    width: int = 48
    batch: int = 128
    precision: str = "auto"

    def check(self) -> None:
        """Raises InputError for a value that cannot be used."""
        above = {"steps": self.steps, "minutes": self.minutes, "width": self.width,
                 "batch": self.batch}  # fmt: skip
        for name, value in above.items():
            if value is not None and not value > 0:
                raise InputError(f"--{name} is {value}; give a number above 0.")
        if self.labels not in ("kind", "set", "style"):
            raise InputError(f"--labels is {self.labels!r}; give kind, set or style.")
        if self.precision not in ("auto", "bf16", "f32"):
            raise InputError(f"--precision is {self.precision!r}; give auto, bf16 or f32.")


@dataclass(frozen=True, slots=True)
class Lot:
    """Pictures [n, 3, side, side] from -1 to 1 and the places of their labels [n]."""

    pictures: Tensor
    labels: Tensor

    @property
    def size(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Lot:
        return Lot(self.pictures.to(device), self.labels.to(device))


class Known:
    """The pictures of a set that carry one of its labels, by split."""

    def __init__(self, pictures: Pictures, by: str) -> None:
        words = [str(getattr(item, by)) for item in pictures.items]
        train = Counter(words[row] for row in pictures.rows("train"))
        self.words = tuple(sorted(w for w, many in train.items() if w and many >= FEWEST))
        if len(self.words) < 2:
            raise InputError(
                f"{pictures.folder} holds no two {by}s of {FEWEST} pictures to tell apart; make a "
                "larger set: gnomon lab pictures"
            )
        self.pictures = pictures
        place = {word: number for number, word in enumerate(self.words)}
        self.rows: dict[str, NDArray[np.int64]] = {}
        self.of: dict[str, NDArray[np.int64]] = {}
        for split in ("train", "val", "test"):
            rows = [row for row in pictures.rows(split) if words[row] in place]
            self.rows[split] = np.array(rows, np.int64)
            self.of[split] = np.array([place[words[row]] for row in rows], np.int64)

    def lot(self, split: str, chosen: NDArray[np.int64], backs: Tensor) -> Lot:
        """Those pictures of the split, each on its colour of ``backs`` [n, 3] from 0 to 1."""
        raw = np.stack([self.pictures.pixels[row] for row in self.rows[split][chosen]])
        whole = torch.from_numpy(raw).permute(0, 3, 1, 2).float() / 255
        flat = whole[:, :3] * whole[:, 3:] + backs[:, :, None, None] * (1 - whole[:, 3:])
        return Lot(flat * 2 - 1, torch.from_numpy(self.of[split][chosen]))

    def chance(self, step: int, batch: int, seed: int) -> Lot:
        """What is learnt from in a step: a function of the seed and the step alone."""
        random = np.random.default_rng((seed, step))
        chosen = random.integers(0, len(self.rows["train"]), batch)
        backs = random.random((batch, 3), np.float32)
        lot = self.lot("train", chosen, torch.from_numpy(backs))
        return Lot(turned(lot.pictures, random), lot.labels)


def turned(pictures: Tensor, random: np.random.Generator) -> Tensor:
    """Each picture mirrored, turned by up to 20 degrees, scaled by 0.7 to 1.3 and moved by up to an
    eighth, by chance."""
    many = len(pictures)
    angle = random.uniform(-20, 20, many) * np.pi / 180
    scale = 1 / random.uniform(0.7, 1.3, many)
    mirror = random.choice([-1.0, 1.0], many)
    moved = random.uniform(-0.25, 0.25, (many, 2))
    rows = np.stack([
        np.stack([mirror * scale * np.cos(angle), -scale * np.sin(angle), moved[:, 0]], 1),
        np.stack([mirror * scale * np.sin(angle), scale * np.cos(angle), moved[:, 1]], 1),
    ], 1).astype(np.float32)  # fmt: skip
    grid = functional.affine_grid(torch.from_numpy(rows), list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def lot_loss(model: Any, lot: Lot) -> tuple[Tensor, Tensor]:
    """Nats over the lot's labels, and how many there are."""
    logits = model(lot.pictures).float()
    value = functional.cross_entropy(logits, lot.labels, reduction="sum", label_smoothing=SMOOTHING)
    return value, torch.tensor(float(lot.size))


def measure(model: Any, known: Known, split: str, most: int = 4096) -> dict[str, float]:
    """The share told right on white, the same averaged over the labels, and what saying the
    commonest label would get; nothing where the split is empty. Splits are by idea: no picture of
    what is shown here was learnt from."""
    many = len(known.rows[split])
    if not many:
        return {}
    chosen = np.linspace(0, many - 1, min(many, most)).astype(np.int64)
    told = []
    device = next(model.parameters()).device
    for first in range(0, len(chosen), 128):
        some = chosen[first : first + 128]
        lot = known.lot(split, some, torch.ones(len(some), 3)).to(device)
        told.append((model(lot.pictures).argmax(1) == lot.labels).cpu())
    right = torch.cat(told).double().numpy()
    of = known.of[split][chosen]
    each = [right[of == label].mean() for label in np.unique(of)]
    commonest = np.bincount(known.of["train"]).argmax()
    return {
        f"{split}_right": float(right.mean()),
        f"{split}_right_by_label": float(np.mean(each)),
        f"{split}_commonest": float((of == commonest).mean()),
    }


def learn(
    work: Workspace, bench: Bench, settings: Settings, *, anew: bool = False
) -> dict[str, Any]:
    """Train the classifier of a run; the report, with ``folder`` that of the model. A run that was
    cut goes on from its checkpoint, unless ``anew``. Raises InputError, ModelError."""
    settings.check()
    before = work.needs("pictures", wanted_by=STAGE)
    inputs = {"settings": asdict(settings), "pictures": before.get("inputs")}
    if not anew and (found := work.current(STAGE, inputs)) is not None:
        return found
    torch.set_num_threads(bench.threads)
    known = Known(open_pictures(work.folder / "pictures"), settings.labels)
    with world() as at:
        if at.first:
            if anew:
                work.clear(STAGE)
            work.begin(STAGE, inputs)
        at.wait()
        report = _learnt(work.folder / STAGE, bench, settings, known, fingerprint(inputs), at)
        if at.first:
            report = work.finish(STAGE, inputs, report, text(report))
        at.wait()
        return report


def _learnt(
    folder: Path, bench: Bench, settings: Settings, known: Known, key: str, at: World
) -> dict[str, Any]:
    torch.manual_seed(settings.seed)
    shape = Shape(known.words, settings.width, side=known.pictures.side)
    model = ResNet(shape).to(at.device)
    plan = _planned(folder, key, settings, model, known, at)
    recipe = Recipe(
        steps=plan["steps"], matrix_rate=0.0, **SHARES, betas=(0.9, 0.99), clip=5.0, warm_up=0.05,
        cool_down=0.9, seed=settings.seed,
    )  # fmt: skip
    ledger = Ledger(folder / ENERGY) if at.first else None
    job = Job(
        stage=STAGE, folder=folder, reporter=bench.reporter if at.first else Silence(),
        identity={"key": key}, unit="pictures", bf16=plan["bf16"],
        look_every=max(1, recipe.steps // 5), energy=ledger,
    )  # fmt: skip

    def batches(step: int) -> list[Lot]:
        share = max(1, settings.batch // at.size)
        return [
            known.chance(step * at.size + part, share, settings.seed) for part in range(at.size)
        ]

    def look(module: Any) -> Mapping[str, float]:
        return measure(module, known, "val", most=512)

    with ledger or nullcontext():
        trained = train(model, batches, lot_loss, recipe, job, at, look=look)
    model.eval()
    with torch.no_grad():
        told = measure(model, known, "val") | measure(model, known, "test")
    report = {
        "folder": str(folder / MODEL),
        "labels": list(known.words),
        "parameters": sum(one.numel() for one in model.parameters()),
        "pictures": len(known.rows["train"]),
        "steps": trained.steps,
        "seen": trained.seen,
        "train_loss": trained.loss,
        **told,
        "seconds": round(trained.seconds, 1),
        "pictures_per_s": round(trained.per_s, 1),
        "precision": "bf16" if plan["bf16"] else "f32",
    }
    if at.first:
        save(model, folder / MODEL)
        report["sha256"] = file_sha256(folder / MODEL / "model.safetensors")
        if ledger is not None:
            report["energy"] = ledger.spent().as_json()
        forget(folder)
    return report


DEFAULT_STEPS = 1500


def _planned(
    folder: Path, key: str, settings: Settings, model: ResNet, known: Known, at: World
) -> dict[str, Any]:
    """How many steps, in what precision: measured once, so that a run that goes on is the same."""
    path = folder / PLAN
    plan: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if plan.get("key") == key:
        return plan
    before = {name: value.clone() for name, value in model.state_dict().items()}

    finite = True

    def once(bf16: bool) -> None:
        nonlocal finite
        lot = known.chance(0, settings.batch, settings.seed).to(at.device)
        with torch.autocast(at.device.type, torch.bfloat16, enabled=bf16):
            lot_loss(model, lot)[0].backward()
        # Seen once, over maps of a single place: gradients in bfloat16 that were no numbers.
        grads = [one.grad for one in model.parameters() if one.grad is not None]
        finite &= bool(torch.isfinite(torch.nn.utils.get_total_norm(grads)))
        model.zero_grad(set_to_none=True)

    bf16 = settings.precision == "bf16"
    if settings.precision == "auto":
        quick = faster(lambda: once(False), lambda: once(True), at.device)
        bf16 = quick and finite
    steps = settings.steps or DEFAULT_STEPS
    if settings.minutes is not None:
        steps = max(1, round(settings.minutes * 60 / min(_seconds(once, bf16) for _ in range(3))))
    # A look at the speed moves the averages of the batch norms.
    model.load_state_dict(before)
    plan = {"key": key, "steps": steps, "bf16": bf16}
    write_json(path, plan)
    return plan


def _seconds(work: Callable[..., object], *given: object) -> float:
    began = time.perf_counter()
    work(*given)
    return time.perf_counter() - began


def text(report: Mapping[str, Any]) -> str:
    """The report for a person."""

    def shown(value: Any) -> str:
        return (
            ", ".join(value)
            if isinstance(value, Sequence) and not isinstance(value, str)
            else (str(value))
        )

    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {shown(value)} |"
        for name, value in report.items()
        if not isinstance(value, dict)
    )
    return f"# A classifier to dream with\n\n| | |\n|---|---|\n{rows}\n\n![loss](curve.svg)\n"

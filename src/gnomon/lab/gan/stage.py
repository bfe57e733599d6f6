"""The stage *gan*: people's drawings to a machine that draws, and both as a quiz."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gnomon.energy import Ledger
from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.gan import measure, quiz, stock
from gnomon.lab.gan.drawings import Drawings, as_pixels, as_tensor, drawings
from gnomon.lab.gan.game import Deal, Stakes, entropy, game
from gnomon.lab.gan.players import Players, Shape
from gnomon.lab.model.checkpoint import ENERGY, PLAN, forget
from gnomon.lab.model.loop import Job, Trained, train
from gnomon.lab.model.optimizer import Recipe
from gnomon.lab.model.parallel import World, world
from gnomon.lab.model.rates import faster
from gnomon.lab.pictures.held import open_pictures
from gnomon.lab.progress import Silence
from gnomon.lab.workspace import Workspace, file_sha256, fingerprint, write_json

STAGE = "gan"
MODEL, PLAIN, SHEETS = "model", "plain", "sheets"
DONE = "trained.json"
SHOWN = range(10**6, 10**6 + 64)
"""Seeds of the sheets: none that the quiz shows."""
PRECISIONS = ("auto", "bf16", "f32")


@dataclass(frozen=True, slots=True)
class Settings:
    """``steps`` of ``batch`` drawings, or about so many ``minutes``. ``sets`` of pictures to learn
    from (none: all), their styles told by ``styles`` ("auto": the set it is from, where there are
    several, else its kind).
    ``stakes`` with no ambiguity make it a DCGAN. ``plain``: train that beside it too, as long, to
    compare. ``samples`` of each kind go into the quiz."""

    seed: int = 0
    steps: int | None = None
    minutes: float | None = None
    sets: tuple[str, ...] = ()
    styles: str = "auto"
    side: int = 64
    width: int = 32
    latent: int = 128
    batch: int = 32
    rate: float = 5e-4
    stakes: Stakes = field(default_factory=Stakes)
    plain: bool = False
    samples: int = 200
    sheet_every: int = 0
    precision: str = "auto"

    def check(self) -> None:
        """Raises InputError for a value that cannot be used."""
        above = {"steps": self.steps, "minutes": self.minutes, "batch": self.batch,
                 "rate": self.rate, "samples": self.samples}  # fmt: skip
        for name, value in above.items():
            if value is not None and not value > 0:
                raise InputError(f"--{name} is {value}; give a number above 0.")
        if self.samples > 1000:
            raise InputError(f"--samples is {self.samples}; give 1,000 at most.")
        for name, value in (("penalty", self.stakes.penalty), ("ambiguity", self.stakes.ambiguity)):
            if not 0 <= value <= 1000:
                raise InputError(f"--{name} is {value}; give a number from 0 to 1,000.")
        if self.precision not in PRECISIONS:
            raise InputError(f"--precision is {self.precision!r}; give {', '.join(PRECISIONS)}.")
        self.shape(0).check()

    def shape(self, styles: int) -> Shape:
        return Shape(self.side, self.latent, self.width, styles)


def gan(work: Workspace, bench: Bench, settings: Settings, *, anew: bool = False) -> dict[str, Any]:
    """Learn to draw, and lay out the quiz; the report, with ``folder`` that of the model.

    A run that was cut goes on from its checkpoint, unless ``anew``. Raises InputError for settings
    or pictures that cannot be used, ModelError where the loss is no longer a number."""
    settings.check()
    before = work.needs("pictures", wanted_by=STAGE)
    inputs = {"settings": asdict(settings), "pictures": before.get("inputs"),
              "eyes": (work.report("clip") or {}).get("inputs")}  # fmt: skip
    if not anew and (found := work.current(STAGE, inputs)) is not None:
        return found
    torch.set_num_threads(bench.threads)
    with world() as at:
        if at.first:
            if anew:
                work.clear(STAGE)
            work.begin(STAGE, inputs)
        at.wait()
        report = _made(work, bench, settings, str(before.get("inputs")), at)
        if at.first:
            report = work.finish(STAGE, inputs, report, text(report))
        at.wait()
        return report


def _made(
    work: Workspace, bench: Bench, settings: Settings, source: str, at: World
) -> dict[str, Any]:
    held = _held(work, settings)
    if not held.styles:
        plainly = replace(settings.stakes, style=0.0, ambiguity=0.0)
        settings = replace(settings, stakes=plainly)
        bench.reporter.say("gan: these drawings have no two styles to tell apart; a plain DCGAN")
    folder = work.folder / STAGE
    players, report = _player(folder, bench, settings, held, source, at)
    plain = None
    if settings.plain:
        without = replace(settings.stakes, ambiguity=0.0, style=0.0)
        other = replace(settings, stakes=without, steps=report["steps"], minutes=None)
        plain, beside = _player(folder / PLAIN, bench, other, held, source, at)
        report[PLAIN] = beside
    if at.first:
        made_by = {
            "model": f"{work.name}/{STAGE}",
            "sha256": report["sha256"],
            "recipe": f"{report['kind']}, {report['steps']} steps of {settings.batch}, "
            f"{settings.side} px, seed {settings.seed}",
        }
        quiz.write(
            folder, players.generator, held, settings.samples, seed=settings.seed, made_by=made_by
        )
        report |= _compared(work, settings, held, players, plain)
        report["quiz"] = str(folder / quiz.QUIZ)
    return report


def _held(work: Workspace, settings: Settings) -> Drawings:
    pictures = open_pictures(work.folder / "pictures")
    by = settings.styles
    if by == "auto":
        several = len(settings.sets or {item.set for item in pictures.items}) > 1
        by = "set" if several else "kind"
    return drawings(pictures, settings.sets, by, settings.side)


def _player(
    folder: Path, bench: Bench, settings: Settings, held: Drawings, source: str, at: World
) -> tuple[Players, dict[str, Any]]:
    """The players as trained under these settings, and what is told of it; not trained again where
    they were."""
    folder.mkdir(parents=True, exist_ok=True)
    stakes = settings.stakes
    shape = settings.shape(len(held.styles) if stakes.style or stakes.ambiguity else 0)
    torch.manual_seed(settings.seed)
    players = Players(shape).to(at.device)
    asked = {
        name: value
        for name, value in asdict(settings).items()
        if name not in ("samples", "plain", "sheet_every")
    } | {"source": source}
    key = fingerprint(asked)
    done = _kept(folder / DONE, key)
    if done is not None:
        players.generator.load_state_dict(stock.load(folder / MODEL).state_dict())
        players.judge.load_state_dict(stock.load_judge(folder / MODEL).state_dict())
        return players.eval(), done
    plan = _planned(folder, key, settings, players, held, at)
    trained, ledger = _trained(folder, bench, settings, players, held, plan, key, at)
    players.eval()
    kind = "CAN" if stakes.ambiguity else "DCGAN"
    report: dict[str, Any] = {
        "folder": str(folder / MODEL),
        "kind": kind,
        "parameters": {
            "generator": sum(one.numel() for one in players.generator.parameters()),
            "judge": sum(one.numel() for one in players.judge.parameters()),
        },
        "drawings": len(held.learnt),
        "styles": list(held.styles),
        "steps": trained.steps,
        "seen": trained.seen,
        "seconds": round(trained.seconds, 1),
        "pictures_per_s": round(trained.per_s, 1),
        "precision": "bf16" if plan["bf16"] else "f32",
        "loss": trained.loss,
        **trained.looks,
    }
    if at.first:
        told = {"made_by": "gnomon lab gan", "kind": kind, "style_names": list(held.styles)}
        stock.save(players, folder / MODEL, told)
        report["sha256"] = file_sha256(folder / MODEL / stock.WEIGHTS)
        if ledger is not None:
            report["energy"] = ledger.spent().as_json()
        write_json(folder / DONE, {"key": key, "report": report})
        forget(folder)
    return players, report


def _kept(path: Path, key: str) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}); give --anew.") from error
    report: dict[str, Any] | None = found["report"] if found.get("key") == key else None
    return report


def _planned(
    folder: Path, key: str, settings: Settings, players: Players, held: Drawings, at: World
) -> dict[str, Any]:
    """How many steps, and in what precision: measured once, so that a run that goes on is the one
    that was begun."""
    path = folder / PLAN
    plan: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if plan.get("key") == key:
        return plan
    loss = game(settings.stakes)
    deals = [
        held.deal(step, settings.batch, settings.latent, seed=settings.seed, weighed=weighed)
        for step, weighed in enumerate((False, True))
    ]

    def once(deal: Deal, bf16: bool) -> None:
        torch.manual_seed(0)
        with torch.autocast(at.device.type, torch.bfloat16, enabled=bf16):
            value, _ = loss(players, deal.to(at.device))
            value.backward()
        players.zero_grad(set_to_none=True)

    bf16 = settings.precision == "bf16"
    if settings.precision == "auto":
        bf16 = faster(lambda: once(deals[0], False), lambda: once(deals[0], True), at.device)
    steps = settings.steps
    if steps is None:
        steps = DEFAULT_STEPS
        if settings.minutes is not None:
            took = [_seconds(once, deal, bf16) for deal in deals for _ in range(2)]
            every = settings.stakes.every
            mean = (min(took[:2]) * (every - 1) + min(took[2:])) / every
            steps = max(1, round(settings.minutes * 60 / mean))
    plan = {"key": key, "steps": steps, "bf16": bf16}
    write_json(path, plan)
    return plan


DEFAULT_STEPS = 4000
"""About twenty minutes on two cores with bfloat16 products."""


def _seconds(work: Callable[..., object], *given: object) -> float:
    began = time.perf_counter()
    work(*given)
    return time.perf_counter() - began


def _trained(
    folder: Path, bench: Bench, settings: Settings, players: Players, held: Drawings,
    plan: Mapping[str, Any], key: str, at: World,
) -> tuple[Trained, Ledger | None]:  # fmt: skip
    recipe = Recipe(
        steps=plan["steps"],
        matrix_rate=0.0,
        rate=settings.rate,
        # Without momentum, as players that chase each other are trained (arXiv 2501.05441).
        betas=(0.0, 0.99),
        decay=0.0,
        clip=0.0,
        cool_down=0.5,
        floor=0.1,
        average=0.05,
        seed=settings.seed,
    )
    stakes = settings.stakes
    every = settings.sheet_every or max(1, recipe.steps // 10)
    ledger = Ledger(folder / ENERGY) if at.first else None
    job = Job(
        stage=STAGE if folder.name == STAGE else f"{STAGE} ({folder.name})",
        folder=folder,
        reporter=bench.reporter if at.first else Silence(),
        identity={"key": key},
        unit="pictures",
        bf16=plan["bf16"],
        look_every=every,
        energy=ledger,
    )

    def batches(step: int) -> list[Deal]:
        weighed = step % stakes.every == 0
        share = settings.batch // at.size
        return [
            held.deal(
                step * at.size + part, share, settings.latent, seed=settings.seed, weighed=weighed
            )
            for part in range(at.size)
        ]

    def look(module: Players) -> dict[str, float]:
        return looked(module, held, folder / SHEETS if at.first else None)

    with ledger or nullcontext():
        return train(players, batches, game(stakes), recipe, job, at, look=look), ledger


def looked(players: Players, held: Drawings, sheets: Path | None) -> dict[str, float]:
    """Draw the sheet's seeds. ``told`` is how often the judge takes a held-out drawing for more of
    a person's than a drawn one (0.5: it cannot tell; the drawings are new to it);
    ``ambiguity`` how little it can place the drawn ones, and ``ambiguity_of_people`` the held-out
    ones, from 0 to 1."""
    device = next(players.parameters()).device
    noise = torch.cat([stock.noise_of(seed, players.shape.latent) for seed in SHOWN])
    drawn = players.generator(noise.to(device)).float()
    if sheets is not None:
        sheets.mkdir(parents=True, exist_ok=True)
        (sheets / "newest.png").write_bytes(quiz.png(quiz.sheet(list(as_pixels(drawn)))))
        number = len(list(sheets.glob("sheet-*.png")))
        shutil.copyfile(sheets / "newest.png", sheets / f"sheet-{number:03d}.png")
    made, styles = players.judge(drawn)
    found: dict[str, float] = {}
    if len(held.kept):
        some = np.linspace(0, len(held.kept) - 1, min(256, len(held.kept))).astype(int)
        real, of_people = players.judge(as_tensor(held.kept[some]).to(device))
        found["told"] = float((real[:, None] > made[None]).float().mean())
        if of_people is not None:
            found["ambiguity_of_people"] = float(entropy(of_people).mean())
    if styles is not None:
        found["ambiguity"] = float(entropy(styles).mean())
    return found


def _compared(
    work: Workspace, settings: Settings, held: Drawings, players: Players, plain: Players | None
) -> dict[str, Any]:
    """Against held-out drawings, in the eyes of the run's CLIP where there is one."""
    folder = work.folder / "clip" / "model"
    if work.report("clip") is None:
        return {"measured": None, "why": "no CLIP in this run; first: gnomon lab clip"}
    see = measure.clip_eyes(folder)
    many = range(max(settings.samples, min(1000, len(held.kept))))
    measured: dict[str, Any] = {
        "eyes": f"{work.name}/clip, picture features",
        "eyes_sha256": file_sha256(folder / "model.safetensors"),
    }
    for name, one in (("ours", players), (PLAIN, plain)):
        if one is not None:
            made = as_pixels(stock.draw(one.generator.float().cpu(), many))
            found = measure.compared(see, made, held.kept, held.learnt, settings.seed)
            if not found:
                return {"measured": None, "why": "too few drawings are held out to measure with"}
            measured[name] = found
    return {"measured": measured}


def text(report: Mapping[str, Any]) -> str:
    """The report for a person."""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {', '.join(value) if isinstance(value, list) else value} |"
        for name, value in report.items()
        if not isinstance(value, dict)
    )
    parts = [f"# Drawings by a machine\n\n| | |\n|---|---|\n{rows}\n"]
    measured = report.get("measured") or {}
    columns = {name: measured[name] for name in ("ours", PLAIN) if name in measured}
    if columns:
        head = " | ".join(["", *columns])
        lines = [f"|{head} |", "|---" * (len(columns) + 1) + "|"]
        for name in next(iter(columns.values())):
            values = " | ".join(str(one[name]) for one in columns.values())
            lines.append(f"| {name.replace('_', ' ')} | {values} |")
        eyes = f"Seen by {measured['eyes']} ({measured['eyes_sha256'][:12]}...)."
        parts.append("\n".join([f"## Measured\n\n{eyes}\n", *lines]) + "\n")
    parts.append(f"![newest sheet]({SHEETS}/newest.png)\n\n![loss](curve.svg)\n")
    return "\n".join(parts)

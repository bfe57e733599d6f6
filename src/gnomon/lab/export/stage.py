"""The stage *export*: what a run has come to as a stock folder that everybody's runtimes open.

<models_dir>/<name>/
    config.json  model.safetensors  tokenizer.json  tokenizer_config.json
    generation_config.json  chat_template.jinja      what transformers and vLLM read
    model-f16.gguf                                   what llama.cpp reads
    card.json  README.md  posts.txt.gz               what it is made of
    pulled.json                                      written last: gnomon sees it as a model
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gnomon import __version__
from gnomon.errors import InputError, ModelError
from gnomon.lab.command import Bench
from gnomon.lab.export import card as cards
from gnomon.lab.export import gguf_file
from gnomon.lab.export.deletions import POSTS, marks_of, read_held, write_posts
from gnomon.lab.export.gguf_file import Kind
from gnomon.lab.export.sources import Trained, latest, reports
from gnomon.lab.shards import writing
from gnomon.lab.tokenizer import encoding
from gnomon.lab.tokenizer.specials import CHAT_TEMPLATE, END
from gnomon.lab.workspace import Workspace, file_sha256, write_json
from gnomon.models import installed
from gnomon.models.installed import HeldFile
from gnomon.models.table import known

STAGE = "export"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Settings:
    """``gguf``: one file a kind, the first the one that the assistant runs. ``licence`` is what
    the owner gives the weights. ``source``: the stage whose model is exported, "" for the last.
    ``check``: hold the result side by side in three runtimes."""

    gguf: tuple[Kind, ...] = ("f16",)
    licence: str = ""
    source: str = ""
    check: bool = True

    def __post_init__(self) -> None:
        if not self.gguf or set(self.gguf) - set(gguf_file.KINDS):
            raise InputError(
                f"--gguf is {', '.join(self.gguf) or 'empty'}; name one or more of "
                f"{', '.join(gguf_file.KINDS)}."
            )


def stage(work: Workspace, bench: Bench, settings: Settings) -> dict[str, Any]:
    """Export the run's model to ``<models_dir>/<name>``, in place of what it was before.

    Raises InputError where there is no model, or the name is that of a model that is not this
    run's; StoreFull where the disk is full; ModelError where runtimes do not agree on it.
    """
    trained = latest(work, STAGE, settings.source)
    target = bench.models_dir / work.name
    _refuse_foreign(target)
    told = reports(work)
    inputs = {
        "settings": asdict(settings),
        "model": file_sha256(trained.folder / WEIGHTS),
        "stages": told,
    }
    if (found := work.current(STAGE, inputs)) and installed.find(bench.models_dir, work.name):
        return found
    work.begin(STAGE, inputs)
    fresh = bench.models_dir / f".{work.name}.export"
    shutil.rmtree(fresh, ignore_errors=True)
    with writing(fresh):
        fresh.mkdir(parents=True)
        card = _write(work, bench, settings, trained, told, fresh)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(fresh, target)
    report = {
        "folder": str(target),
        "model": work.name,
        "from": trained.stage,
        "parameters": card["parameters"],
        "files": card["files"],
        "truth": card["truth"],
    }
    return work.finish(STAGE, inputs, report, cards.readme(card))


def _refuse_foreign(target: Path) -> None:
    name = target.name
    if known(name):
        raise InputError(f"{name!r} is the name of a published model; give yours another: --name")
    if (
        target.exists()
        and (made := installed.find(target.parent, name))
        and made.source != installed.OWN
    ):
        raise InputError(
            f"{target} is a model that came from {made.source!r}; give yours another: --name"
        )


def _write(
    work: Workspace,
    bench: Bench,
    settings: Settings,
    trained: Trained,
    told: Mapping[str, Mapping[str, Any]],
    folder: Path,
) -> dict[str, Any]:
    """Everything into ``folder``; its card."""
    say = bench.reporter.say
    config = _stock(work.folder / "tokenizer", trained, folder)
    for kind in settings.gguf:
        say(f"{STAGE}: {kind} for llama.cpp")
        gguf_file.write(
            folder, folder / f"model-{kind}.gguf", kind, name=work.name, licence=settings.licence
        )
    posts = write_posts(folder / POSTS, read_held(work.folder / "data" / "held.txt.gz"))
    gone = marks_of(work.folder / "data", time.time())
    card = _card(work, settings, trained, told, config) | {"posts": posts, "marks": gone}
    card["truth"] = _truth(work, bench, folder, card) if settings.check else None
    first = f"model-{settings.gguf[0]}.gguf"
    card["files"] = [asdict(file) for file in _files(folder, first)]
    write_json(folder / cards.CARD, card)
    cards.write_readme(folder, card)
    installed.write_manifest(folder, work.name, _files(folder, first), installed.OWN)
    say(f"{STAGE}: {bench.models_dir / work.name}")
    return card


def _stock(tokenizer: Path, trained: Trained, folder: Path) -> dict[str, Any]:
    """What transformers and vLLM read; the config."""
    words = encoding.load(tokenizer)
    config: dict[str, Any] = json.loads((trained.folder / "config.json").read_text("utf-8"))
    ends = {"bos_token_id": words.end, "eos_token_id": words.turn_end, "pad_token_id": words.end}
    write_json(folder / "config.json", config | ends)
    shutil.copyfile(trained.folder / WEIGHTS, folder / WEIGHTS)
    shutil.copyfile(tokenizer / "tokenizer.json", folder / "tokenizer.json")
    told = json.loads((tokenizer / "tokenizer_config.json").read_text("utf-8"))
    # Never added to a text by itself; named so that whoever predicts a whole text knows what it
    # begins after.
    write_json(folder / "tokenizer_config.json", told | {"bos_token": END})
    write_json(
        folder / "generation_config.json",
        {
            **ends,
            "eos_token_id": [words.turn_end, words.end],
            "do_sample": True,
            "temperature": 0.7,
            "top_p": 0.9,
        },
    )
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, "utf-8")
    return config


def _card(
    work: Workspace,
    settings: Settings,
    trained: Trained,
    told: Mapping[str, Mapping[str, Any]],
    config: Mapping[str, Any],
) -> dict[str, Any]:
    data = {key: value for key, value in told.get("data", {}).items() if key != "seconds"}
    tokenizer = told.get("tokenizer", {})
    if "tokens" in tokenizer:
        data["tokens"] = tokenizer["tokens"]
    return {
        "name": work.name,
        "made_by": f"gnomon {__version__}",
        "made_at": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds"),
        "architecture": gguf_file.ARCHITECTURE,
        "parameters": told.get("pretrain", {}).get("parameters") or _parameters(trained.folder),
        "context_tokens": config["max_position_embeddings"],
        "vocabulary": config["vocab_size"],
        "tuned": trained.tuned,
        "from": trained.stage,
        "licence": settings.licence or cards.NOT_STATED,
        "data": data,
        "tokenizer": dict(tokenizer),
        "training": {
            name: {key: value for key, value in told[name].items() if key != "energy"}
            for name in ("pretrain", "sft", "rl")
            if name in told
        },
        "evaluation": dict(told.get("eval", {})),
        "energy": cards.energy(told),
    }


def _parameters(folder: Path) -> int:
    from safetensors import safe_open

    with safe_open(folder / WEIGHTS, framework="pt") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    total = 0
    for shape in shapes:
        size = 1
        for side in shape:
            size *= side
        total += size
    return total


def _truth(work: Workspace, bench: Bench, folder: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    from gnomon.lab.export import truth

    bench.reporter.say(f"{STAGE}: the same in three runtimes?")
    found = truth.agreement(
        folder, context=int(card["context_tokens"]), threads=bench.threads
    ).as_json()
    if not found["whole"]:
        raise ModelError(
            f"The exported {work.name} is not the same model everywhere: {json.dumps(found)}. "
            "Report this; --no-check exports it nevertheless."
        )
    return found


def _files(folder: Path, first: str) -> list[HeldFile]:
    """Every file with its hash, the one that the assistant opens first."""
    names = sorted(path.name for path in folder.iterdir() if path.name != installed.MANIFEST)
    names.sort(key=lambda name: name != first)
    return [
        HeldFile(name, (folder / name).stat().st_size, installed.file_sha256(folder / name))
        for name in names
    ]

"""The stage *eval*: the run's model against every set that is there, and against its own corpus."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.data.documents import documents
from gnomon.lab.evaluate import memorisation, reading
from gnomon.lab.evaluate.report import markdown, table
from gnomon.lab.evaluate.results import Result
from gnomon.lab.evaluate.runner import STAGE, Plan, ask_all
from gnomon.lab.evaluate.scoring import Scorer, TokenScorer
from gnomon.lab.evaluate.sets import wikitext
from gnomon.lab.evaluate.table import chosen
from gnomon.lab.export.sources import latest
from gnomon.lab.progress import Progress
from gnomon.lab.shards import open_tokens
from gnomon.lab.workspace import Workspace, file_sha256, write_json
from gnomon.models import installed

HELD_OUT = "corpus"
HELD_OUT_BYTES = 400_000
PROBED = 1000
QUICK_PROBED = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """``sets``: the folder of the sets ("" for none). ``only``: names of sets. ``limit``: items of
    each at most; ``quick``: a first look, within half a minute for a small model. ``source``: the
    stage whose model is asked, "" for the last."""

    sets: str = ""
    only: tuple[str, ...] = ()
    limit: int = 0
    shots: int | None = None
    quick: bool = False
    source: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise InputError(f"--limit is {self.limit}; give 0 for all, or a number of items.")
        if self.shots is not None and not 0 <= self.shots <= 8:
            raise InputError(f"--shots is {self.shots}; give a number from 0 to 8.")
        chosen(self.only)

    @property
    def plan(self) -> Plan:
        folder = Path(self.sets).expanduser() if self.sets else None
        return Plan(folder, chosen(self.only), self.limit, self.quick, self.shots)


def stage(work: Workspace, bench: Bench, settings: Settings) -> dict[str, Any]:
    """Evaluate the run's model; the report has ``sets`` (each number with its interval and what
    guessing scores), ``memorisation``, ``skipped``.

    A cut run keeps what it has asked. Raises InputError where there is no model or a set is
    damaged, CorruptShard for a damaged corpus."""
    from gnomon.lab.evaluate.torch_scorers import GptScorer

    trained = latest(work, STAGE, settings.source)
    model = {"model": file_sha256(trained.folder / "model.safetensors")}
    inputs = {"settings": asdict(settings), **model, "files": _marks(settings)}
    if found := work.current(STAGE, inputs):
        return found
    folder = work.begin(STAGE, inputs)
    began = time.monotonic()
    scorer = GptScorer(trained.folder, work.folder / "tokenizer")
    try:
        asked = ask_all(scorer, settings.plan, bench.reporter, folder / "asked", model)
        own = _held_out(work, bench, scorer, settings)
        drawn = _probe(work, bench, scorer, settings)
    except KeyboardInterrupt:
        bench.reporter.say("stopped; the same command goes on")
        raise
    finally:
        scorer.close()
    told = asked.as_json()
    report = {
        "folder": str(folder),
        "model": work.name,
        "from": trained.stage,
        **told,
        "sets": [one.as_json() for one in own] + told["sets"],
        "memorisation": drawn.as_json() if drawn else None,
        "seconds_in_all": round(time.monotonic() - began, 1),
    }
    bench.reporter.say(table(report["sets"]))
    return work.finish(STAGE, inputs, report, markdown(report))


def _marks(settings: Settings) -> dict[str, Any]:
    """The files of the sets as they lie: another file is another evaluation."""
    plan = settings.plan
    if plan.sets is None or not plan.sets.is_dir():
        return {}
    paths = {one.name: reading.find(plan.sets, one.files) for one in plan.chosen}
    return {
        name: [path.name, path.stat().st_size, path.stat().st_mtime_ns]
        for name, path in paths.items()
        if path is not None
    }


def _held_out(work: Workspace, bench: Bench, scorer: Scorer, settings: Settings) -> list[Result]:
    """Bits per byte of the corpus's own held-out texts, beside what ``xz`` makes of them. (The
    training's own figure counts the ends of documents as tokens, too.)"""
    if not (work.folder / "data" / "manifest.json").exists():
        return []
    most = HELD_OUT_BYTES // (4 if settings.quick else 1)
    texts: list[str] = []
    size = 0
    for document in islice(documents(work.folder / "data", "val"), 100_000):
        texts.append(document.text)
        size += len(document.text.encode())
        if size > most:
            break
    texts = [text for text in texts if text]
    if not texts:
        return []

    def at(done: int) -> None:
        bench.reporter.at(Progress(f"{STAGE} {HELD_OUT}", done, max(done, len(texts)), "asked"))

    nats = [-one.log_prob for one in scorer.rolling(texts, at)]
    told = wikitext.bits_per_byte(HELD_OUT, nats, texts, len(texts))
    return [replace(told, note="held-out posts")]


def _probe(
    work: Workspace, bench: Bench, scorer: TokenScorer, settings: Settings
) -> memorisation.Probe | None:
    tokens = work.folder / "tokenizer" / "tokens"
    if not (tokens / "train.json").exists():
        return None
    count = QUICK_PROBED if settings.quick else PROBED

    def at(done: int) -> None:
        bench.reporter.at(Progress(f"{STAGE} memorisation", done, max(done, 2 * count), "texts"))

    return memorisation.probe(
        scorer, open_tokens(tokens, "train"), open_tokens(tokens, "val"),
        count=count, seed=settings.seed, at=at,
    )  # fmt: skip


def other(work: Workspace, bench: Bench, settings: Settings, model: str) -> dict[str, Any]:
    """Ask a model that is no run's: a folder that ``transformers`` opens, a GGUF file, or the name
    of a model that is installed. The report lies below ``eval/others``.

    Raises InputError for what is none of these, ModelError."""
    scorer, identity = _opened(model, bench)
    folder = work.stage(STAGE) / "others" / scorer.name
    began = time.monotonic()
    try:
        asked = ask_all(scorer, settings.plan, bench.reporter, folder / "asked", identity)
    finally:
        scorer.close()
    report = {
        "stage": STAGE,
        "folder": str(folder),
        "model": scorer.name,
        "from": model,
        **asked.as_json(),
        "memorisation": None,
        "seconds_in_all": round(time.monotonic() - began, 1),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(markdown(report), "utf-8")
    write_json(folder / "report.json", report)
    bench.reporter.say(table(report["sets"]))
    return report


def _opened(model: str, bench: Bench) -> tuple[TokenScorer, Mapping[str, Any]]:
    from gnomon.lab.evaluate.gguf_scorer import GgufScorer
    from gnomon.lab.evaluate.torch_scorers import StockScorer

    path = Path(model).expanduser()
    if (path / "config.json").is_file():
        weights: Sequence[Path] = sorted(path.glob("*.safetensors"))
        if not weights:
            raise InputError(f"{path} holds no weights (*.safetensors).")
        return StockScorer(path), {"model": [file_sha256(one) for one in weights]}
    choice = installed.resolve(model, bench.models_dir)
    if choice.kind != "gguf" or choice.path is None:
        raise InputError(
            f"{model!r} is no model that can be measured; give a folder that transformers opens, a "
            "GGUF file, or a name that `gnomon models` lists."
        )
    scorer = GgufScorer(
        choice.path, context=min(choice.context_tokens, 2048), threads=bench.threads
    )
    return scorer, {"model": file_sha256(choice.path)}

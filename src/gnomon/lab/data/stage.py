"""The data stage: from the record and files to documents that a model may learn from."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.data import (
    contamination,
    duplicates,
    language,
    length,
    marks,
    personal,
    quality,
    reading,
    repetition,
    spam,
    tidying,
)
from gnomon.lab.data.consent import read_left_out
from gnomon.lab.data.documents import MANIFEST, read_manifest
from gnomon.lab.data.gathering import Gathered, gather
from gnomon.lab.data.judging import Position, Rule, Spool, is_kept, judge_all
from gnomon.lab.data.report import chart, markdown
from gnomon.lab.data.templates import Forms
from gnomon.lab.shards import writing
from gnomon.lab.workspace import REPORT, Workspace, file_sha256, write_json
from gnomon.store.contract import Store
from gnomon.types import Filter

STAGE = "data"
CHART = "report.svg"
VERSION = 1
"""Of the rules: another one makes a corpus stale."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``sources``: "record" (the owner's posts), files and folders. ``languages``: ISO 639-1
    codes, empty for all. ``val`` is the share of origins held out. ``since`` and ``until`` bound
    the record's posts (epoch seconds). ``eval_dir`` holds the evaluation sets that the corpus must
    not contain. ``left_out`` is the owner's list of authors and posts. ``limit`` ends the reading
    after so many documents (0: none)."""

    sources: tuple[str, ...] = (reading.RECORD,)
    languages: tuple[str, ...] = ()
    val: float = 0.05
    since: float | None = None
    until: float | None = None
    eval_dir: str = ""
    left_out: str = ""
    limit: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.val < 0.5:
            raise InputError(f"--val is {self.val}; give a share above 0 and below 0.5.")
        if not self.sources:
            raise InputError("no source is named; give 'record', a file or a folder.")


def stage(work: Workspace, bench: Bench, settings: Settings) -> dict[str, Any]:
    """Read, judge, find origins, split, write. Goes on where a cut run ended; what is done and
    whose inputs have not changed is not done again (the record may have grown: ``--anew``).

    Raises InputError where nothing can be read or too little is left, StoreError where the record
    cannot be opened, StoreFull where the disk is full, CorruptShard for a damaged file."""
    reading.check_paths(settings.sources)
    inputs = {**asdict(settings), "version": VERSION, "files": reading.marks(settings.sources)}
    if settings.eval_dir:
        inputs["eval_sets"] = contamination.fingerprint(Path(settings.eval_dir))
    if found := work.current(STAGE, inputs):
        _tell_news(work.folder / STAGE, bench, settings)
        return found
    folder = _begin(work, inputs)
    began = _began(folder, settings)
    seq = _judged(folder, bench, settings, began)
    spool = Spool(folder, len(settings.sources))
    kept = (document for document in spool.documents() if is_kept(document))
    bench.reporter.say(f"{STAGE}: finding which of {spool.count:,} documents are one origin")
    forms = Forms()
    twins = duplicates.find(forms.counted(kept))
    gathered = gather(folder, spool, twins, forms, settings.val, settings.seed)
    if sum(gathered.kept.values()) < 2:
        work.clear(STAGE)  # so that the same command looks again when there is more
        raise _too_little(gathered, settings)
    manifest = _manifest(gathered, settings, began, seq)
    path = folder / MANIFEST
    with writing(path):
        write_json(path, manifest)
    report = {
        "folder": str(folder),
        "manifest_sha256": file_sha256(path),
        **{name: manifest[name] for name in (
            "documents", "bytes", "posts", "read", "dropped", "languages", "sources", "licences")},
        "seconds": {"judging": spool.position.seconds},
    }  # fmt: skip
    with writing(folder / CHART):
        (folder / CHART).write_text(chart(manifest), "utf-8")
    with writing(folder / REPORT):
        return work.finish(STAGE, inputs, report, markdown(manifest))


def _tell_news(folder: Path, bench: Bench, settings: Settings) -> None:
    """Of a corpus that is there already: what was deleted since, and how much is new."""
    if reading.RECORD not in settings.sources:
        return
    with _open(bench) as store:
        mark = marks.note(store, folder)
        if mark.deleted:
            bench.reporter.say(mark.line)
        since = read_manifest(folder)["as_of"]
        if settings.until is None and next(iter(store.scan(Filter(since=since), limit=1)), None):
            bench.reporter.say(
                f"{STAGE}: the record has newer posts than this corpus; --anew takes them in"
            )


def _begin(work: Workspace, inputs: Mapping[str, Any]) -> Path:
    """The stage's folder, emptied where it was begun from other inputs."""
    before: dict[str, Any] = {}
    path = work.folder / STAGE / "inputs.json"
    try:
        before = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        work.clear(STAGE)
    now = json.loads(json.dumps(inputs, default=str))
    if {name: before.get(name) for name in now} != now:
        work.clear(STAGE)
    with writing(path):
        return work.begin(STAGE, inputs)


def _began(folder: Path, settings: Settings) -> float:
    """When the first of the runs that make this corpus began: it holds posts said before that."""
    path = folder / "began.json"
    try:
        began = float(json.loads(path.read_text("utf-8"))["at"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        began = time.time()
        with writing(path):
            write_json(path, {"at": began})
    return began if settings.until is None else min(began, settings.until)


def _judged(folder: Path, bench: Bench, settings: Settings, until: float) -> int:
    """Phase one; the record's sequence number (0 without it)."""
    spool = Spool(folder, len(settings.sources))
    left_out = read_left_out(Path(settings.left_out)) if settings.left_out else frozenset[str]()
    store = _open(bench) if reading.RECORD in settings.sources else None
    where = Filter(since=settings.since)

    def open_source(number: int, position: Position) -> Iterator[reading.Read]:
        name = settings.sources[number]
        if name == reading.RECORD:
            assert store is not None
            return reading.read_record(
                store, until=until, after=position.at, left_out=left_out, where=where
            )
        return islice(reading.FileReader(name, left_out).read(), position.had[number], None)

    try:
        expected = store.status().posts if store and len(settings.sources) == 1 else 0
        seq = store.status().seq if store else 0
        judge_all(
            spool, open_source, rules(settings), bench.reporter,
            expected=min(expected, settings.limit or expected), limit=settings.limit,
        )  # fmt: skip
    finally:
        if store:
            store.close()
    return seq


def _open(bench: Bench) -> Store:
    """The owner's record, to be read only."""
    from gnomon.store.engine import open_store

    return open_store(bench.home / "store", readonly=True)


def rules(settings: Settings) -> list[Rule]:
    """The rules in their order: what looks at links and names comes before what takes them away,
    what is cheap before what is not. Raises InputError for sets that cannot be read."""
    found: list[Rule] = [
        language.named,
        language.within(frozenset(settings.languages)),
        spam.rule,
        tidying.rule,
        personal.rule,
        length.rule,
        repetition.rule,
        quality.rule,
    ]
    if settings.eval_dir:
        found.append(contamination.clear_of(contamination.load(Path(settings.eval_dir))))
    return found


def _too_little(gathered: Gathered, settings: Settings) -> InputError:
    named = " and ".join(settings.sources)
    if not gathered.read:
        return InputError(f"{named} holds no post; take some in first, or name a file.")
    kept = sum(gathered.kept.values())
    said = ", ".join(f"{count:,} {reason}" for reason, count in gathered.dropped.items())
    left = "1 document is" if kept == 1 else "none is"
    said += f"; the first unreadable: {gathered.unreadable}" if gathered.unreadable else ""
    return InputError(
        f"of {gathered.read:,} documents from {named}, {left} left ({said or 'nothing dropped'}); "
        "a corpus needs two at least, one to learn from and one to measure on."
    )


def _manifest(gathered: Gathered, settings: Settings, began: float, seq: int) -> dict[str, Any]:
    files = {name: [asdict(file) for file in some] for name, some in gathered.files.items()}
    return {
        "version": VERSION,
        "as_of": began,
        "record_seq": seq,
        "settings": asdict(settings),
        "documents": dict(gathered.kept),
        "bytes": {split: sum(f.bytes for f in gathered.files[split]) for split in gathered.kept},
        "read": gathered.read,
        "dropped": _most(gathered.dropped),
        "languages": _most(gathered.languages),
        "sources": _most(gathered.sources),
        "licences": _most(gathered.licences),
        "masked": _most(gathered.masked),
        "details": {reason: _most(count) for reason, count in gathered.details.items()},
        "posts": gathered.held.documents,
        "held": asdict(gathered.held),
        "files": files,
    }


def _most(count: Counter[str]) -> dict[str, int]:
    return dict(sorted(count.items(), key=lambda item: (-item[1], item[0])))

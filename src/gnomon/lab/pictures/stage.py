"""The stage *pictures*: packages, folders and posts to a set of captioned pictures."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gnomon.energy import Ledger
from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.data.gathering import write_held
from gnomon.lab.pictures import posts, reading, report
from gnomon.lab.pictures.found import SVG, Found, Left
from gnomon.lab.pictures.held import DROPPED, ITEMS, MANIFEST, PIXELS, Item, line_of
from gnomon.lab.pictures.likeness import SEEN, Looks, looks_of
from gnomon.lab.pictures.packages import SETS
from gnomon.lab.pictures.painter import VERSION as PAINTED
from gnomon.lab.pictures.painting import Painted, Painter
from gnomon.lab.pictures.splitting import across, doubles, split_of
from gnomon.lab.progress import Progress
from gnomon.lab.shards import writing
from gnomon.lab.workspace import Workspace, write_json

STAGE = "pictures"
VERSION = 1
"""Of the rules: another one makes a set stale."""
SIDE = 64
CHUNK = 128
CHUNKS, ENERGY = "chunks", "energy.json"
COLOURLESS, GREY_SPREAD = "black and white", 24
"""The style of a clip of whose pixels 95% have channels that are less than so far apart, of 255."""
MOST_ALIKE = 4
"""Pictures of a set under one caption weigh no more than so many, together."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``sets`` are names of packages.SETS. ``packages`` is a folder of archives that were
    downloaded already ("": they are fetched). ``folders`` are the owner's; ``posts``: also the
    pictures of the record's posts, ``fetch``: those too that are not on this machine. ``limit``
    pictures of each set (0: all)."""

    sets: tuple[str, ...]
    packages: str = ""
    folders: tuple[str, ...] = ()
    posts: bool = False
    fetch: bool = False
    left_out: str = ""
    limit: int = 0
    seed: int = 0


def stage(
    work: Workspace, bench: Bench, settings: Settings, *, anew: bool = False
) -> dict[str, Any]:
    """Read, paint, compare, split, write. A run that was cut goes on with the chunks that were
    painted. Raises InputError for sets and folders that cannot be used, ModelMismatch for a
    package that is another, Unreachable where one cannot be fetched, StoreFull."""
    inputs = {**asdict(settings), "version": VERSION, "files": reading.marks(settings)}
    del inputs["packages"]  # where archives lie changes nothing of what is in them
    if not anew and (found := work.current(STAGE, inputs)) is not None:
        return found
    if anew:
        work.clear(STAGE)
    try:
        return _make(work, bench, settings, inputs)
    except KeyboardInterrupt:
        bench.reporter.say("stopped; the same command goes on")
        raise


def _make(
    work: Workspace, bench: Bench, settings: Settings, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    folder = work.begin(STAGE, inputs)
    began = time.monotonic()
    taken, left = _read(bench, settings)
    if not taken:
        raise InputError("no picture was found; name other --sets, or a --from folder.")
    with Ledger(folder / ENERGY) as ledger:
        painted = _paint(folder, bench, taken)
        made = _write(folder, bench, taken, painted, left)
    spent = {
        "seconds": round(time.monotonic() - began, 1),
        "fences": list(painted.fences),
        "energy": ledger.spent().as_json(),
    }
    manifest = report.manifest(folder, made.items, made.left, settings.sets)
    write_json(folder / MANIFEST, manifest)
    with writing(folder / report.SHEET):
        report.sheet(folder, settings.seed)
    done = {"folder": str(folder), **manifest, **spent}
    done = work.finish(STAGE, inputs, done, report.text(done))
    shutil.rmtree(folder / CHUNKS, ignore_errors=True)
    (folder / ENERGY).unlink(missing_ok=True)
    return done


def _read(bench: Bench, settings: Settings) -> tuple[list[Found], list[Left]]:
    """What the sets hold, in an order that only the settings settle."""
    taken: list[Found] = []
    left: list[Left] = []
    seen: set[str] = set()
    for offer in reading.read(bench, settings):
        if isinstance(offer, Left):
            left.append(offer)
        elif offer.item.id in seen:
            left.append(Left(offer.item.id, offer.item.set, "named twice"))
        else:
            seen.add(offer.item.id)
            taken.append(offer)
    return taken, left


# --------------------------------------------------------------------------- pixels


@dataclass(frozen=True, slots=True)
class _Chunks:
    """Painted chunks on the disk, in order. ``fences`` held the processes that painted."""

    paths: list[Path]
    fences: tuple[str, ...]

    def pixels(self) -> Iterator[tuple[NDArray[np.uint8], list[str]]]:
        """Pixels [n, side, side, 4] and why not ("" where painted) of each chunk."""
        for path in self.paths:
            with np.load(path) as held:
                yield held["pixels"], json.loads(str(held["why"]))


def _paint(folder: Path, bench: Bench, taken: Sequence[Found]) -> _Chunks:
    """Paint what no earlier run has, on ``bench.threads`` processes."""
    kept = folder / CHUNKS
    kept.mkdir(exist_ok=True)
    parts = list(_parts(taken))
    paths = [kept / f"{_key(part)}.npz" for part in parts]
    missing = [n for n, path in enumerate(paths) if not path.is_file()]
    done = sum(len(part) for n, part in enumerate(parts) if n not in set(missing))
    began, before = time.monotonic(), done
    with ExitStack() as stack:
        made = [stack.enter_context(Painter(SIDE)) for _ in range(max(1, bench.threads))]
        wanted = [(paths[n], parts[n]) for n in missing]
        with closing(_finished(made, wanted)) as counts:
            for count in counts:
                done += count
                _tell(bench, done, before, len(taken), began)
        return _Chunks(paths, next((p.fences for p in made if p.fences), ()))


def _finished(
    made: Sequence[Painter], wanted: Sequence[tuple[Path, Sequence[Found]]]
) -> Generator[int]:
    """Paint chunks to their paths, a thread for each painter; how many pictures each had, as they
    are done. Left early, it ends after the pictures that are being painted."""
    free: SimpleQueue[Painter] = SimpleQueue()
    for painter in made:
        free.put(painter)
    stopped = threading.Event()

    def one(path: Path, part: Sequence[Found]) -> int:
        painter = free.get()
        try:
            pictures: list[Painted] = []
            for found in part:
                if stopped.is_set():
                    return 0
                pictures.append(painter.paint(found))
            _save(path, pictures)
            return len(part)
        finally:
            free.put(painter)

    waiting: set[Future[int]] = set()
    with ThreadPoolExecutor(len(made)) as pool:
        try:
            for path, part in wanted:
                waiting.add(pool.submit(one, path, part))
                if len(waiting) >= 2 * len(made):
                    over, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield sum(future.result() for future in over)
            while waiting:
                over, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield sum(future.result() for future in over)
        finally:
            stopped.set()
            for future in waiting:
                future.cancel()


def _parts(taken: Sequence[Found]) -> Iterator[Sequence[Found]]:
    """Chunks of one set each, so that a set that changes leaves those of the others as they are."""
    first = 0
    for at in range(1, len(taken) + 1):
        if at == len(taken) or at - first == CHUNK or taken[at].item.set != taken[first].item.set:
            yield taken[first:at]
            first = at


def _tell(bench: Bench, done: int, before: int, total: int, began: float) -> None:
    pace = (time.monotonic() - began) / max(1, done - before)
    bench.reporter.at(Progress(STAGE, done, total, "pictures", pace * (total - done)))


def _key(part: Sequence[Found]) -> str:
    """What a chunk is painted from, as a file name."""
    digest = hashlib.sha256(f"{PAINTED} {SIDE}".encode())
    for found in part:
        digest.update(hashlib.sha256(found.data).digest())
        digest.update(b"s" if found.form == SVG else b"r")
        digest.update(b"c" if found.crop else b"w")
    return digest.hexdigest()[:32]


def _save(path: Path, painted: Sequence[Painted]) -> None:
    pixels = np.zeros((len(painted), SIDE, SIDE, 4), np.uint8)
    why = []
    for n, one in enumerate(painted):
        why.append(one if isinstance(one, str) else "")
        if not isinstance(one, str):
            pixels[n] = one
    fresh = path.with_suffix(".new")
    with writing(path):
        with fresh.open("wb") as file:
            np.savez(file, pixels=pixels, why=np.array(json.dumps(why)))
        fresh.replace(path)


# --------------------------------------------------------------------------- the set


@dataclass(frozen=True, slots=True)
class _Made:
    items: list[Item]
    left: list[Left]


def _write(
    folder: Path, bench: Bench, taken: Sequence[Found], painted: _Chunks, left: list[Left]
) -> _Made:
    """Leave out copies, split, and write pixels, items and what was dropped."""
    left = list(left)
    items, rows, looks = _looked(taken, painted, left)
    if not items:
        reasons = Counter(one.reason for one in left).most_common(3)
        raise InputError(
            "no picture could be painted ("
            + "; ".join(f"{n} times {why}" for why, n in reasons)
            + "); see --sets and --from."
        )
    bench.reporter.say(f"{STAGE}: {len(items):,} pictures; looking for copies")
    gone = doubles(items, looks)
    gone |= across(items, looks, gone)
    for row, (reason, detail) in sorted(gone.items()):
        left.append(Left(items[row].id, items[row].set, reason, detail))
    kept = [row for row in range(len(items)) if row not in gone]
    told = Counter((items[row].set, items[row].captions[0]) for row in kept)
    whole = [_placed(items[row], told) for row in kept]
    with writing(folder / PIXELS):
        _write_pixels(folder / PIXELS, [rows[row] for row in kept], painted)
        _write_lines(folder / ITEMS, (line_of(item) for item in whole))
        _write_lines(folder / DROPPED, (json.dumps(asdict(one), ensure_ascii=False)
                                        for one in left))  # fmt: skip
    if used := dict.fromkeys(posts.post_of(i.id) for i in whole if i.set == posts.SET):
        write_held(folder, used)
    return _Made(whole, left)


def _placed(item: Item, told: Mapping[tuple[str, str], int]) -> Item:
    """With its split; and with less weight where many of its set have the same caption, as forty
    arrows have."""
    alike = told[item.set, item.captions[0]]
    weight = round(item.weight * min(1.0, MOST_ALIKE / alike), 4)
    return replace(item, split=split_of(item.concept), weight=weight)


def _in_style(item: Item, picture: NDArray[np.uint8]) -> Item:
    """A clip without colours is drawn in another style than one with colours."""
    if item.style != SETS["openclipart"].style:
        return item
    seen = picture[picture[..., 3] > SEEN][:, :3].astype(np.int16)
    spread = seen.max(1) - seen.min(1) if len(seen) else np.zeros(1)
    grey = np.quantile(spread, 0.95) < GREY_SPREAD
    return replace(item, style=COLOURLESS) if grey else item


def _looked(
    taken: Sequence[Found], painted: _Chunks, left: list[Left]
) -> tuple[list[Item], list[int], Looks]:
    """The items that were painted, where in the chunks each is, and what they look like."""
    items: list[Item] = []
    rows: list[int] = []
    hashes, colours = [], []
    at = 0
    for pixels, why in painted.pixels():
        good = [n for n, reason in enumerate(why) if not reason]
        for n, reason in enumerate(why):
            item = taken[at + n].item
            if reason:
                left.append(Left(item.id, item.set, reason))
            else:
                items.append(_in_style(item, pixels[n]))
                rows.append(at + n)
        if good:
            looks = looks_of(pixels[good])
            hashes.append(looks.hashes)
            colours.append(looks.colours)
        at += len(why)
    if not items:
        return [], [], looks_of(np.zeros((0, SIDE, SIDE, 4), np.uint8))
    return items, rows, Looks(np.concatenate(hashes), np.concatenate(colours))


def _write_pixels(path: Path, rows: Sequence[int], painted: _Chunks) -> None:
    fresh = path.with_name(path.name + ".new")
    out = np.lib.format.open_memmap(
        fresh, mode="w+", dtype=np.uint8, shape=(len(rows), SIDE, SIDE, 4)
    )
    wanted, at, n = list(rows), 0, 0
    for pixels, _ in painted.pixels():
        while n < len(wanted) and wanted[n] < at + len(pixels):
            out[n] = pixels[wanted[n] - at]
            n += 1
        at += len(pixels)
    out.flush()
    del out
    fresh.replace(path)


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    fresh.replace(path)

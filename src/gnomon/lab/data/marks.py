"""Deletions followed into what was made: which corpora and models hold a post that is gone.

A corpus keeps the ids of the posts it holds (``held.txt.gz``), and so does a set of pictures; an
exported model keeps hashes of them (``export.deletions``). A post whose author deleted it
afterwards is in them still: this looks every list up in the record, writes what is gone to
``deleted.json`` beside it, and has the models marked that learned from it. What the owner's own
retention dropped is no deletion: nobody asked for it.
"""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from gnomon.lab.data.gathering import HELD
from gnomon.lab.shards import CorruptShard, writing
from gnomon.lab.workspace import write_json
from gnomon.store.contract import Store
from gnomon.wire import iso

NOTE = "deleted.json"
_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class Mark:
    """A corpus, a set of pictures or a model that holds posts since deleted. ``name`` is the run's
    or the model's, ``posts`` how many it holds in all, ``deleted`` how many of them are gone."""

    kind: Literal["corpus", "pictures", "model"]
    name: str
    posts: int
    deleted: int

    @property
    def line(self) -> str:
        """One line for a person, with the next step."""
        gone = f"{self.deleted:,} post{'s' if self.deleted != 1 else ''} since deleted"
        if self.kind == "corpus":
            step = f"`gnomon lab run --name {self.name} --anew` makes it again without them"
        elif self.kind == "pictures":
            step = (
                f"`gnomon lab pictures --name {self.name} --posts --anew` makes them again without"
            )
        else:
            step = "make it again from a corpus without them, or delete it"
        return f"{self.kind} {self.name} holds {gone}, of {self.posts:,}; {step}."


def check(
    store: Store, home: Path, models_dir: Path, *, now: Callable[[], float] = time.time
) -> list[Mark]:
    """Look up in the record what every corpus below ``home`` holds, note what is gone beside it
    and in the cards of models that learned from it; all marks there are then, old ones too.

    About 280,000 posts a CPU-second where nothing is gone. Raises StoreError, StoreFull,
    CorruptShard for a list that cannot be read, InputError for a model's card that cannot."""
    from gnomon.lab.export import deletions

    found, gone = [], set(_lately(store, home / "lab" / NOTE))
    for folder in corpora(home):
        mark = note(store, folder, now=now)
        gone |= set(_noted(folder))
        if mark.deleted:
            found.append(mark)
    deletions.mark(models_dir, sorted(gone), at=now())
    return found + list(of_models(models_dir))


def corpora(home: Path) -> list[Path]:
    """The folder of every stage that took posts in: the data of a run, its pictures."""
    found = (home.glob(f"lab/*/{stage}/{HELD}") for stage in ("data", "pictures"))
    return sorted(path.parent for some in found for path in some)


def note(store: Store, folder: Path, *, now: Callable[[], float] = time.time) -> Mark:
    """Look one corpus or set up (``folder`` is its stage's) and write ``deleted.json`` where
    something is gone, or is back."""
    posts, gone = 0, list[str]()
    ids = held(folder)
    while some := list(islice(ids, _TOGETHER)):
        posts += len(some)
        here = store.links(some)
        gone += [one for one in some if one not in here and store.tombstone(one) is not None]
    if gone != _noted(folder):
        with writing(folder / NOTE):
            write_json(folder / NOTE, {"checked_at": iso(now()), "posts": posts, "deleted": gone})
    kind: Literal["corpus", "pictures"] = "corpus" if folder.name == "data" else "pictures"
    return Mark(kind, folder.parent.name, posts, len(gone))


def of_models(models_dir: Path) -> Iterator[Mark]:
    """The models whose cards say that they hold posts since deleted; looks up nothing."""
    for path in sorted(models_dir.glob("[!.]*/card.json")):
        try:
            card = json.loads(path.read_text("utf-8"))
            marked, posts = len(card.get("marks") or ()), int(card.get("posts") or 0)
        except (OSError, ValueError, TypeError, AttributeError):
            continue  # another program's card, which says nothing of posts
        if marked:
            yield Mark("model", path.parent.name, posts, marked)


def held(folder: Path) -> Iterator[str]:
    """The ids of the posts that a corpus holds. Raises CorruptShard."""
    path = folder / HELD
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield line.rstrip("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise CorruptShard(
            f"{path} cannot be read ({error}), so nobody can tell whose posts were learned from; "
            "run `gnomon lab data` again with --anew."
        ) from error


def _noted(folder: Path) -> list[str]:
    """What the last look found gone."""
    try:
        return [str(one) for one in json.loads((folder / NOTE).read_text("utf-8"))["deleted"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _lately(store: Store, path: Path) -> list[str]:
    """Every deletion that was ever seen in the record's log (which tells of them for a week at
    least), for models whose corpus is not on this machine. ``path`` keeps them, and where in the
    log the last look ended."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        seq, gone = int(kept["seq"]), dict.fromkeys(map(str, kept["deleted"]))
    except (OSError, ValueError, KeyError, TypeError):
        seq, gone = 0, {}
    before = seq
    while changes := store.tail(seq, 5000):
        seq = changes[-1].seq
        gone |= dict.fromkeys(one.ref for one in changes if one.kind == "delete")
    gone = {one: None for one in gone if store.tombstone(one) is not None}
    if seq != before and path.parent.is_dir():
        with writing(path):
            write_json(path, {"seq": seq, "deleted": list(gone)})
    return list(gone)

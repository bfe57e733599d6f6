"""What a model is to learn to say: made here, published and the owner's own, in one list.

Nothing is cut or left out without a line in ``dropped.jsonl.gz``.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from gnomon.lab.chat import made, sets
from gnomon.lab.chat.conversations import Conversation, Dropped, counts, usable
from gnomon.lab.chat.render import Rendered, fitted
from gnomon.lab.data.documents import MANIFEST, Document, documents
from gnomon.lab.rl.families import FAMILIES, opened
from gnomon.lab.rl.tasks.passages import Passage, passages
from gnomon.lab.shards import writing
from gnomon.lab.tokenizer.encoding import Words
from gnomon.lab.workspace import Workspace, write_json

HELD_OUT_SHARE = 20
"""Every twentieth conversation is measured on and not learnt from, by a hash of its id."""
_MOST_HELD = 20_000
_QUOTED = ("reading", "grounded")
_COUNTED = tuple(name for name in FAMILIES if name not in _QUOTED)
_GREETINGS = 12
"""Times that what the model says of itself is learnt: a handful of lines among thousands."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of each: conversations about held posts, and how long a post may be that is shown,
    in characters; draws a difficulty and the hardest difficulty of tasks, and of those that want a
    quote; conversations of a published set at most."""

    posts: int
    longest_post: int
    per_level: int
    hardest: int
    hardest_quote: int
    published: int

    @classmethod
    def of(cls, depth: int) -> Amounts:
        """By the dial. A million parameters and a minute learn what is easy, or nothing: with long
        quotes and every difficulty among it, not even that (docs/lab-chat.md)."""
        if depth <= 3:
            return cls(200, 60, per_level=600, hardest=2, hardest_quote=1, published=500)
        if depth <= 8:
            return cls(8_000, 300, per_level=600, hardest=8, hardest_quote=8, published=10_000)
        return cls(40_000, 600, per_level=2_000, hardest=8, hardest_quote=8, published=100_000)


@dataclass(slots=True)
class Gathered:
    """Windows to learn from and to measure on, and what was left out or cut. ``used`` counts
    conversations by source, ``held`` are the ids of the posts in them."""

    learnt: list[Rendered] = field(default_factory=list)
    watched: list[Rendered] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    held: set[str] = field(default_factory=set)

    def add(self, one: Conversation | Dropped, words: Words, context: int) -> None:
        if isinstance(one, Dropped):
            self.dropped.append(one)
            return
        windows, notes = fitted(words, one, context)
        self.dropped += notes
        if not windows:
            return
        self.used[one.source] += 1
        self.held.update(one.held)
        if one.source == made.ITSELF:
            self.learnt += windows * _GREETINGS
        elif _hash(one.id) % HELD_OUT_SHARE == 0:
            self.watched += windows
        else:
            self.learnt += windows


def longest_line(context: int) -> int:
    """Characters of one line in a task: several of them fit the context in any script."""
    return min(160, max(48, context // 4))


def held_posts(work: Workspace, split: str = "train") -> Iterator[Document]:
    """Documents of the corpus, as far as they are looked at; none where it has none."""
    folder = work.folder / "data"
    if (folder / MANIFEST).exists():
        for number, document in enumerate(documents(folder, split)):
            if number >= _MOST_HELD:
                return
            yield document


def passages_of(work: Workspace) -> tuple[Passage, ...]:
    """What tasks about texts are made from."""
    return passages((one.post, one.text) for one in held_posts(work))


def gather(
    work: Workspace, words: Words, *, context: int, amounts: Amounts, seed: int,
    sets_folder: Path | None, own: Iterable[Path], say: Callable[[str], None],
) -> Gathered:  # fmt: skip
    """Every conversation, rendered. Raises InputError for a set or file that cannot be read."""
    found = Gathered()
    for one in _made(work, context, amounts, seed):
        found.add(one, words, context)
    for part in (_published(sets_folder, amounts.published), *map(sets.read_own, own)):
        for given in usable(part):
            found.add(given, words, context)
    total = sum(found.used.values())
    say(f"sft: {total:,} conversations ({', '.join(f'{k} {v:,}' for k, v in found.used.items())})")
    return found


def _made(work: Workspace, context: int, amounts: Amounts, seed: int) -> Iterator[Conversation]:
    longest = longest_line(context)
    most = amounts.longest_post
    posts = [held for one in held_posts(work) if made.fit_to_show(held := _held(one), most)]
    yield from made.from_posts(posts, count=amounts.posts, seed=seed)
    wanted = FAMILIES if amounts.hardest_quote > 1 else (*_COUNTED, "reading")
    with opened(passages_of(work), wanted, longest=longest) as families:
        for names, hardest in ((_COUNTED, amounts.hardest), (_QUOTED, amounts.hardest_quote)):
            some = {name: one for name, one in families.items() if name in names}
            yield from made.from_tasks(
                some, per_level=amounts.per_level, seed=seed, hardest=hardest
            )
            yield from made.from_judging(
                some, per_level=amounts.per_level // 12, seed=seed, hardest=hardest
            )
    yield from made.about_itself(work.name)


def _published(folder: Path | None, most: int) -> Iterator[Conversation | Dropped]:
    """At most ``most`` of each set, chosen by a hash; the others are listed as over the limit."""
    if folder is None:
        return
    for _, one_set in groupby(sets.read_folder(folder), key=lambda one: one.source):
        rows = list(one_set)
        good = [one.id for one in rows if isinstance(one, Conversation)]
        kept = set(sorted(good, key=_hash)[:most])
        for one in rows:
            over = isinstance(one, Conversation) and one.id not in kept
            yield Dropped(one.id, one.source, "over the limit of this depth") if over else one


def _held(document: Document) -> made.Held:
    return made.Held(document.post, document.text, _seconds(document.metadata))


def _seconds(metadata: Mapping[str, Any]) -> float | None:
    """``created_at`` as seconds or ISO 8601; None where it is neither."""
    at = metadata.get("created_at")
    if isinstance(at, int | float):
        return float(at)
    try:
        return datetime.fromisoformat(str(at)).timestamp() if at else None
    except ValueError:
        return None


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def keep_lists(folder: Path, found: Gathered) -> None:
    """``dropped.jsonl.gz``, a line for everything left out or cut, and ``held.json``, the ids of
    the posts that conversations show. Raises StoreFull."""
    path = folder / "dropped.jsonl.gz"
    with writing(path):
        fresh = folder / "dropped.jsonl.gz.new"
        with fresh.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
            for one in found.dropped:
                file.write(json.dumps(asdict(one), ensure_ascii=False).encode() + b"\n")
        fresh.replace(path)
        write_json(folder / "held.json", sorted(found.held))


def summary(found: Gathered) -> dict[str, Any]:
    """For the report."""
    return {
        "conversations": dict(found.used),
        "dropped": counts(found.dropped),
        "windows": len(found.learnt),
        "held_out_windows": len(found.watched),
        "held_posts_shown": len(found.held),
    }

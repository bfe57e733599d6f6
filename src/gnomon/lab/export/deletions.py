"""A post that is deleted later marks every model that learned from it.

A model's folder says which posts it held without naming them: ``posts.txt.gz`` has the first 16
hexadecimal digits of the SHA-256 of each post's id, a line each, in order. So whoever has the
folder can ask whether a post is in it, and nobody can read from it whose words those were.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.lab.export.card import CARD, README, write_readme
from gnomon.lab.workspace import write_json
from gnomon.models import installed
from gnomon.models.installed import HeldFile, Installed

POSTS = "posts.txt.gz"


def fingerprint(post: str) -> str:
    """What stands for a post's id in a model's folder."""
    return hashlib.sha256(post.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def write_posts(path: Path, posts: Iterable[str]) -> int:
    """The list of the posts that were held; how many. The same posts give the same bytes."""
    prints = sorted({fingerprint(post) for post in posts})
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        file.write("".join(one + "\n" for one in prints).encode())
    return len(prints)


def read_held(path: Path) -> list[str]:
    """The ids in a corpus's list, a line each (``lab/data``'s held.txt.gz); none where there is no
    such file. Raises InputError where it is damaged."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [line.rstrip("\n") for line in file if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is damaged ({error}); run `gnomon lab data` again with --anew."
        ) from error


def marks_of(corpus: Path, at: float) -> list[dict[str, str]]:
    """The marks of a model that is made of a corpus in which posts have been found deleted
    (``deleted.json`` of ``lab/data/marks.py``); none where nobody has looked."""
    try:
        gone: list[str] = json.loads((corpus / "deleted.json").read_text("utf-8"))["deleted"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return _marks({fingerprint(str(one)) for one in gone}, at)


def _marks(prints: Iterable[str], at: float) -> list[dict[str, str]]:
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    return [{"post": one, "at": when} for one in sorted(prints)]


def mark(models_dir: Path, posts: Iterable[str], *, at: float) -> dict[str, int]:
    """Note in every exported model which of these deleted ``posts`` it learned from: in its card
    and its README. By model, how many are newly marked. A model without such posts is not
    touched; marking twice is marking once. Raises InputError for a damaged card."""
    prints = {fingerprint(post) for post in posts}
    found: dict[str, int] = {}
    for model in installed.installed(models_dir):
        if any(file.path == POSTS for file in model.files):
            new = _mark(model, prints, at)
            if new:
                found[model.name] = new
    return found


def _mark(model: Installed, prints: set[str], at: float) -> int:
    new = prints & set(read_held(model.folder / POSTS))
    card = read_card(model.folder)
    new -= {mark["post"] for mark in card["marks"]}
    if not new:
        return 0
    card["marks"] += _marks(new, at)
    write_json(model.folder / CARD, card)
    write_readme(model.folder, card)
    files = [_again(model.folder, f) if f.path in (CARD, README) else f for f in model.files]
    installed.write_manifest(model.folder, model.name, files, model.source)
    return len(new)


def _again(folder: Path, file: HeldFile) -> HeldFile:
    path = folder / file.path
    return replace(file, bytes=path.stat().st_size, sha256=installed.file_sha256(path))


def read_card(folder: Path) -> dict[str, Any]:
    """Raises InputError where it is not there or damaged."""
    path = folder / CARD
    try:
        card: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); export the model again.") from error
    return card

"""Which models are on this machine, what a setting means, and moving models between machines.

A model is a folder below the models folder: its files, and ``pulled.json``, written last, which
names each file with its size and SHA-256. A folder without it is not a model.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from gnomon.errors import InputError, ModelError, ModelMismatch, ModelMissing
from gnomon.models.table import TABLE, KnownModel, known

MANIFEST = "pulled.json"
CARD = "card.json"
CONTEXT_TOKENS = 4096
"""What one request may hold where nothing says otherwise."""
OWN = "gnomon lab"
"""The ``source`` of a model that the owner's lab exported."""
URL_CONTEXT_TOKENS = 8192
"""What we assume of a model behind a URL, which does not say."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """``path`` is relative to the model's folder."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Installed:
    """A model on this machine. ``source`` says where its bytes came from. ``files[0]`` is the
    one that a runtime opens."""

    name: str
    folder: Path
    files: tuple[HeldFile, ...]
    source: str

    @property
    def path(self) -> Path:
        return self.folder / self.files[0].path

    @property
    def known(self) -> KnownModel | None:
        return known(self.name)

    @property
    def task(self) -> str:
        """What it is for: the table's word for it; of others "draw" (a diffusers pipeline), "see"
        (a CLIP), as the lab exports them, or "chat"."""
        if self.known:
            return self.known.task
        paths = [file.path for file in self.files]
        if "model_index.json" in paths:
            return "draw"
        return "see" if any(path.endswith(".onnx") for path in paths) else "chat"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a setting comes to. ``path`` is set for gguf, encoder and voice (their folder), ``url``
    for url; ``voice`` is a model that speaks or listens.

    ``none`` is an answer, too: gnomon then works without such a model. ``own``: the owner trained
    it.
    """

    kind: Literal["none", "gguf", "url", "encoder", "voice"]
    name: str = ""
    path: Path | None = None
    url: str = ""
    strong: bool = False
    context_tokens: int = CONTEXT_TOKENS
    slots: int = 2
    own: bool = False


def write_manifest(folder: Path, name: str, files: Iterable[HeldFile], source: str) -> Installed:
    """Declare the folder complete."""
    held = Installed(name, folder, tuple(files), source)
    manifest = {"name": name, "source": source, "files": [asdict(file) for file in held.files]}
    temporary = folder / (MANIFEST + ".new")
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, folder / MANIFEST)
    return held


def find(models_dir: Path, name: str) -> Installed | None:
    """The model of that name, if it is here whole (sizes are looked at; ``verify`` hashes)."""
    folder = models_dir / name
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = tuple(HeldFile(**file) for file in manifest["files"])
        # A folder from elsewhere may not point out of itself.
        inside = manifest["name"] == name and all(_inside(file.path) for file in files)
        whole = inside and all((folder / f.path).stat().st_size == f.bytes for f in files)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    model = known(name)
    pinned = model is None or [f.sha256 for f in model.files] == [f.sha256 for f in files]
    if not files or not whole or not pinned:
        return None
    return Installed(name, folder, files, manifest.get("source", ""))


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and bool(pure.parts)


def installed(models_dir: Path) -> list[Installed]:
    """Every model here: known ones in the table's order, then others by name."""
    if not models_dir.is_dir():
        return []
    names = sorted(path.parent.name for path in models_dir.glob(f"[!.]*/{MANIFEST}"))
    order = {model.name: i for i, model in enumerate(TABLE)}
    names.sort(key=lambda name: order.get(name, len(order)))
    return [model for name in names if (model := find(models_dir, name))]


def verify(model: Installed) -> None:
    """Hash every file again. Raises ModelMismatch naming the one that has changed."""
    for file in model.files:
        digest = file_sha256(model.folder / file.path)
        if digest != file.sha256:
            raise ModelMismatch(
                f"{model.folder / file.path} has SHA-256 {digest}, not {file.sha256}: it was "
                f"changed or damaged. Remove the folder and run `gnomon models pull {model.name}`."
            )


def file_sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror}.") from error


def resolve(
    value: str, models_dir: Path, *, task: Literal["chat", "embed", "speak", "listen"] = "chat"
) -> Choice:
    """What to load for a setting: ``none``, ``auto`` (the last of the table that is here, or
    none), a name, a path to a GGUF file, or an http(s) URL: one that ends in ``.gguf`` is a file
    that was pulled, any other an OpenAI-compatible base.

    Raises ModelMissing with the command that would bring the model, or InputError.
    """
    text = value.strip()
    if text.lower() in ("", "none"):
        return Choice("none")
    if text.lower() == "auto":
        held = [m for m in installed(models_dir) if m.known and m.known.task == task]
        return _choose(held[-1]) if held else Choice("none")
    if task == "chat" and text.lower().startswith(("http://", "https://")):
        if not urlsplit(text).path.lower().endswith(".gguf"):
            return Choice("url", text, url=text, strong=True, context_tokens=URL_CONTEXT_TOKENS)
        return _choose(_held(models_dir, name_of_url(text), text))
    model = known(text)
    if model and model.task != task:
        raise InputError(f"{model.name} is a model for {model.task}, not for {task}.")
    if model and not model.runs_here:
        raise ModelMissing(f"{model.name} runs on {model.platform} only; set 'none' here.")
    if model:
        return _choose(_held(models_dir, model.name, model.name))
    path = Path(text).expanduser()
    if task == "chat" and (path.is_file() or "/" in text or text.lower().endswith(".gguf")):
        if not path.is_file():
            raise ModelMissing(f"No model file at {text!r}; give a path to a GGUF file.")
        return Choice("gguf", path.stem, path=path)
    if other := find(models_dir, text):
        if other.task != task:
            raise InputError(f"{other.name} is a model for {other.task}, not for {task}.")
        return _choose(other)
    names = ", ".join(m.name for m in TABLE if m.task == task)
    raise ModelMissing(f"{text!r} is no {task} model that gnomon knows; it knows {names}.")


def name_of_url(url: str) -> str:
    """The folder name of a file that was pulled from a URL: its own name, lower-cased.

    Raises InputError where the URL names no file."""
    name = re.sub(r"[^\w.-]+", "-", Path(unquote(urlsplit(url).path)).stem.lower()).strip(".-")
    if not name:
        raise InputError(f"{url!r} names no file; give the URL of a GGUF file.")
    return name


def _held(models_dir: Path, name: str, argument: str) -> Installed:
    held = find(models_dir, name)
    if held is None:
        raise ModelMissing(f"{name} is not on this machine; run `gnomon models pull {argument}`.")
    return held


def _choose(held: Installed) -> Choice:
    model = held.known
    if model is None:
        context = _carded_context(held.folder)
        own = held.source == OWN
        return Choice("gguf", held.name, path=held.path, context_tokens=context, own=own)
    if model.task == "embed":
        return Choice("encoder", model.name, path=held.folder)
    if model.task in ("speak", "listen"):
        return Choice("voice", model.name, path=held.folder, slots=model.slots)
    return Choice(
        "gguf",
        model.name,
        path=held.path,
        strong=model.strong,
        context_tokens=model.context_tokens,
        slots=model.slots,
    )


def _carded_context(folder: Path) -> int:
    """What the card of a model from the lab says that it was trained to read; the usual for a
    model without one."""
    try:
        context = json.loads((folder / CARD).read_text("utf-8"))["context_tokens"]
    except (OSError, ValueError, KeyError, TypeError):
        return CONTEXT_TOKENS
    return context if isinstance(context, int) and context > 0 else CONTEXT_TOKENS


# --------------------------------------------------------------------- between two machines


def export(models_dir: Path, target: Path, names: Iterable[str] = ()) -> list[Installed]:
    """Copy models (all that are here, or those named) to ``target``, hashed on the way.

    Raises ModelMissing, ModelMismatch, or ModelError where ``target`` cannot be written.
    """
    wanted = [_held(models_dir, name, name) for name in names] or installed(models_dir)
    if not wanted:
        raise ModelMissing("No model is on this machine; run `gnomon models pull` first.")
    return [_copy(model, target) for model in wanted]


def import_(source: Path, models_dir: Path) -> list[Installed]:
    """Take in every model that ``export`` left in ``source``, known ones held to the table's
    SHA-256 and others to their own. Raises ModelMissing, ModelMismatch, ModelError."""
    found = installed(source)
    if not found:
        raise ModelMissing(
            f"No exported model in {str(source)!r}; run `gnomon models export DIR` on the other "
            "machine and bring that folder."
        )
    return [_copy(model, models_dir) for model in found]


def _copy(model: Installed, target: Path) -> Installed:
    verify(model)
    final, staging = target / model.name, target / f".{model.name}.copy"
    if find(target, model.name):
        return Installed(model.name, final, model.files, model.source)
    try:
        target.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
        for file in model.files:
            (staging / file.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model.folder / file.path, staging / file.path)
        held = write_manifest(staging, model.name, model.files, model.source)
        verify(held)
        shutil.rmtree(final, ignore_errors=True)
        os.replace(staging, final)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise ModelError(f"{model.name} cannot be copied to {str(target)!r}: {error}.") from error
    return Installed(model.name, final, model.files, model.source)

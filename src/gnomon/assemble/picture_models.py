"""What draws here: a setting to a live model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gnomon.config import Config
from gnomon.errors import GnomonError, ModelError, ModelMissing
from gnomon.models import installed
from gnomon.models.draw_diffusers import DiffusersDraw, is_diffusers
from gnomon.models.draw_onnx import SHIPPED, OnnxDraw, is_pipeline, read_json
from gnomon.models.draw_sdcpp import SUFFIXES, SdCpp
from gnomon.models.draw_url import UrlDraw
from gnomon.models.protocols import Draw

_HUB = re.compile(r"[\w.-]+/[\w.-]+")
NOTHING = (
    "Nothing draws here: there is no model for pictures. Set draw_model to an exported pipeline, a "
    "diffusers folder, a model of stable-diffusion.cpp or an address (docs/pictures.md)."
)


def open_draw(config: Config, name: str = "") -> Draw:
    """The model that ``draw_model`` names, or an installed pipeline called ``name``. Raises
    ModelMissing, ModelError, ConfigError, InputError."""
    asked = (name or config.draw_model).strip()
    lowered = asked.lower()
    if lowered in ("", "none"):
        raise ModelMissing(NOTHING)
    if lowered == "auto":
        found = folders(config)
        if not found:
            raise ModelMissing(NOTHING)
        return OnnxDraw(found[-1], threads=config.threads)
    if lowered.startswith(("http://", "https://")):
        return UrlDraw(asked, model=config.draw_url_model, key=config.draw_url_key)
    shipped = [SHIPPED] if is_pipeline(SHIPPED) and _name(SHIPPED) == asked else []
    for place in (Path(asked).expanduser(), config.models_dir / asked, *shipped):
        if place.is_dir():
            return _of_folder(place, config)
        if place.is_file():
            return _of_file(place, config)
    if _HUB.fullmatch(asked) and not asked.startswith("."):
        return DiffusersDraw(asked, device=config.draw_device, threads=config.threads)
    raise ModelMissing(
        f"{asked[:120]!r} is no model for pictures on this machine; give a folder, a model file, "
        "owner/name of the hub, or an address (docs/pictures.md)."
    )


def _of_folder(folder: Path, config: Config) -> Draw:
    if is_pipeline(folder):
        return OnnxDraw(folder, threads=config.threads)
    if is_diffusers(folder):
        return DiffusersDraw(str(folder), device=config.draw_device, threads=config.threads)
    raise ModelError(
        f"{str(folder)!r} holds no model for pictures; a pipeline has a model_index.json."
    )


def _of_file(path: Path, config: Config) -> Draw:
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(
            f"{str(path)!r} is no model file; stable-diffusion.cpp reads {', '.join(SUFFIXES)}."
        )
    return SdCpp(
        path, program=config.draw_program, threads=config.threads, more=config.draw_program_args
    )


def folders(config: Config) -> list[Path]:
    """The exported pipelines: the one that comes with gnomon, unless nothing is to draw, then those
    among the models, the newest last."""
    held = [m.folder for m in installed.installed(config.models_dir) if is_pipeline(m.folder)]
    held.sort(key=lambda one: (one / installed.MANIFEST).stat().st_mtime)
    wanted = config.draw_model.strip().lower() not in ("", "none")
    return [SHIPPED, *held] if wanted and is_pipeline(SHIPPED) else held


def _name(folder: Path) -> str:
    return str(read_json(folder / installed.CARD).get("name") or folder.name)


def rows(config: Config, default: Draw | None) -> list[dict[str, Any]]:
    """Plain JSON of what draws, the default first. Nothing is started."""
    found: list[dict[str, Any]] = []
    if default is not None:
        found.append(_row(default, config))
    for folder in folders(config):
        try:
            model = OnnxDraw(folder, threads=config.threads)
        except GnomonError:
            continue  # a folder that does not load is no model; `draw_model` would tell
        if default is None or model.name != default.name:
            found.append(_row(model, config))
    return found


def _row(model: Draw, config: Config) -> dict[str, Any]:
    """Of a diffusers pipeline only what is known without loading it."""
    row: dict[str, Any] = {"id": model.name, "loaded": not isinstance(model, DiffusersDraw)}
    if isinstance(model, DiffusersDraw) and model.worker.pid is None:
        return row
    brush = model.brush()
    return {
        "id": model.name,
        "loaded": True,
        "sizes": [f"{w}x{h}" for w, h in brush.sizes],
        "fixed": brush.fixed,
        "multiple": brush.multiple,
        "steps": brush.steps,
        "languages": list(brush.languages),
        "edits": brush.edits,
        "masks": brush.masks,
        "seeds": brush.seeds,
        "licence": brush.licence,
        "sha256": brush.sha256,
    }

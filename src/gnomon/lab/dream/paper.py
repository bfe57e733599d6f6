"""Pictures from files and back."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gnomon.errors import InputError, Unsupported
from gnomon.lab.shards import writing

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_PIXELS = 40_000_000
"""In a picture; more would take gigabytes on the way."""


def read(path: Path) -> Tensor:
    """A PNG, JPEG or WebP file, upright and on white, as [3, height, width] from 0 to 1. Raises
    InputError, and Unsupported for other formats."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as file:
                if file.width * file.height > MOST_PIXELS:
                    raise InputError(
                        f"{path} has {file.width} x {file.height} pixels; {MOST_PIXELS:,} are the "
                        "most. Make it smaller first."
                    )
                upright = ImageOps.exif_transpose(file).convert("RGBA")
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there.") from error
    except UnidentifiedImageError as error:
        raise Unsupported(f"{path} is no PNG, JPEG or WebP picture.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError,
            Image.DecompressionBombWarning) as error:  # fmt: skip
        raise InputError(f"{path} cannot be read as a picture: {error}") from error
    white = Image.new("RGBA", upright.size, "white")
    flat = np.asarray(Image.alpha_composite(white, upright).convert("RGB"), np.float32) / 255
    return torch.from_numpy(flat).permute(2, 0, 1).contiguous()


def write(path: Path, picture: Tensor, told: Mapping[str, Any]) -> None:
    """A PNG of [3, height, width] from 0 to 1, in which ``told`` stands as text: how it was made.
    Raises InputError, StoreFull."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Software", "gnomon lab dream")
    info.add_text("Parameters", json.dumps(told, ensure_ascii=True))
    pixels = (picture * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    fresh = path.with_name(path.name + ".new")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(fresh, "PNG", pnginfo=info)
        fresh.replace(path)


def as_written(picture: Tensor) -> Tensor:
    """What ``read`` gives of what ``write`` wrote."""
    return (picture * 255).round().clamp(0, 255) / 255

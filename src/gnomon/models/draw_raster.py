"""Pictures as files: pixels to PNG, JPEG and WebP, and back. Pillow does it, loaded when needed."""

from __future__ import annotations

import io
from typing import Any

from gnomon.errors import ConfigError, InputError, pip_install
from gnomon.types.pictures import Raster

MIMES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
MOST_PIXELS = 32 * 2**20
"""What is opened at all: a small file can unpack to any size."""
_READ = ("PNG", "JPEG", "WEBP")


def encode(raster: Raster, form: str, quality: int = 90) -> bytes:
    """The pixels as a file: ``form`` is a key of ``MIMES``, ``quality`` 1 to 100 (png has none).
    The same pixels give the same bytes."""
    image = _pillow().frombytes("RGB", (raster.width, raster.height), raster.rgb)
    out = io.BytesIO()
    if form == "png":
        image.save(out, "PNG", optimize=False, compress_level=6)
    elif form == "jpeg":
        image.save(out, "JPEG", quality=quality, subsampling=0)
    elif form == "webp":
        image.save(out, "WEBP", quality=quality, lossless=quality == 100, method=4)
    else:
        raise InputError(f"{form[:20]!r} is no format of pictures; give {', '.join(MIMES)}.")
    return out.getvalue()


def decode(data: bytes, what: str = "picture") -> Raster:
    """A PNG, JPEG or WebP as pixels, transparency on white. Raises InputError."""
    with _opened(data, what) as image:
        flat = image.convert("RGBA")
        ground = _pillow().new("RGBA", flat.size, (255, 255, 255, 255))
        rgb = _pillow().alpha_composite(ground, flat).convert("RGB")
        return Raster(rgb.width, rgb.height, rgb.tobytes())


def decode_mask(data: bytes, size: tuple[int, int]) -> bytes:
    """A mask as OpenAI has it (transparent where the picture may change) as one byte a pixel, 255
    there. A mask without transparency is read as xAI and others have it: white may change. Raises
    InputError where it has another size."""
    with _opened(data, "mask") as image:
        if image.size != size:
            raise InputError(
                f"The mask is {image.width}x{image.height} and the picture {size[0]}x{size[1]}; "
                "give them the same size."
            )
        if "A" in image.getbands() or "transparency" in image.info:
            alpha = image.convert("RGBA").getchannel("A")
            return bytes(255 - value for value in alpha.tobytes())
        grey: bytes = image.convert("L").tobytes()
        return grey


def fitted(raster: Raster, size: tuple[int, int]) -> Raster:
    """Cut to the shape of ``size`` about its middle and scaled to it."""
    if (raster.width, raster.height) == size:
        return raster
    from PIL import ImageOps

    image = _pillow().frombytes("RGB", (raster.width, raster.height), raster.rgb)
    scaled = ImageOps.fit(image, size, method=_pillow().Resampling.LANCZOS)
    return Raster(*size, scaled.tobytes())


def fitted_mask(mask: bytes, before: tuple[int, int], size: tuple[int, int]) -> bytes:
    """The same for a mask."""
    if before == size:
        return mask
    from PIL import ImageOps

    image = _pillow().frombytes("L", before, mask)
    scaled: bytes = ImageOps.fit(image, size, method=_pillow().Resampling.BILINEAR).tobytes()
    return scaled


def _opened(data: bytes, what: str) -> Any:
    pillow = _pillow()
    from PIL import UnidentifiedImageError

    try:
        image = pillow.open(io.BytesIO(data), formats=_READ)
        if image.width * image.height > MOST_PIXELS:
            raise InputError(
                f"The {what} has {image.width}x{image.height} pixels, more than {MOST_PIXELS:,}; "
                "make it smaller."
            )
        image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise InputError(
            f"The {what} ({len(data):,} bytes) cannot be read; give a whole PNG, JPEG or WebP."
        ) from error
    return image


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ConfigError(
            f"Pictures need Pillow, which is not installed; run: {pip_install('pillow')}"
        ) from error
    return Image

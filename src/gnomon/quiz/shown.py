"""A picture as it is shown in a quiz: nothing but its pixels tells where it comes from.

Every picture of a set is cut to the same square and written with the same settings, uncompressed,
so that all files have one length; no metadata of the file (EXIF, ICC, C2PA) goes along.
"""

from __future__ import annotations

import io

from gnomon.models.draw_raster import decode, fitted
from gnomon.types.pictures import Raster

MIME = "image/png"
MOST_SIDE = 512


def square_of(data: bytes, what: str) -> int:
    """The side of the largest square in a PNG, JPEG or WebP, in pixels. Raises InputError."""
    raster = decode(data, what)
    return min(raster.width, raster.height)


def shown(data: bytes, side: int, what: str = "picture") -> bytes:
    """A PNG of ``side`` x ``side``. Raises InputError, and ConfigError without Pillow."""
    return _stored(fitted(decode(data, what), (side, side)))


def _stored(raster: Raster) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    image = Image.frombytes("RGB", (raster.width, raster.height), raster.rgb)
    image.save(out, "PNG", optimize=False, compress_level=0)
    return out.getvalue()

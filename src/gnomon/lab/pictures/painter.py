"""The process that turns strangers' drawings and pictures into pixels: ``python -m`` this.

It puts up the fences of ``sources.confine`` before it reads anything: no file but Python's own, no
network, no other process, so many bytes of memory and seconds. Then it answers one question after
another over its pipes:

    asked   byte form ('s' SVG, 'r' raster), byte crop (0, 1), uint16 side, uint32 length, data
    said    uint32 length, then side * side * 4 bytes RGBA; or '!' and why not
"""

from __future__ import annotations

import io
import math
import signal
import struct
import sys
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

ASKED, SAID = struct.Struct("<ccHI"), struct.Struct("<I")
VERSION = 1
"""Of what is painted: chunks of another one are painted again."""
DPI = 96.0
"""CSS's (https://www.w3.org/TR/css-values-3/#absolute-lengths). resvg-py's default is 0, and with
it a page in points has no size."""
OVER = 4
"""A drawing is drawn so many times as large as it is kept, then reduced."""
MEMORY_BYTES = 2 * 2**30
MAX_PIXELS = 64 * 2**20
MARGIN = 0.03
"""Of the side, left empty on each side of what was cropped."""
LEAST_SEEN = 0.015
"""Of all pixels: with fewer that can be seen a picture counts as empty."""
SLACK = 0.7
"""Cropped to less than this of the page, a drawing is drawn again, larger."""


class Unpainted(Exception):
    """What cannot be made a picture; the message is why, one of few."""


def painted(data: bytes, form: bytes, crop: bool, side: int) -> NDArray[np.uint8]:
    """A drawing or picture as ``[side, side, 4]`` RGBA, alpha not multiplied in, in the middle of
    a square. Raises Unpainted."""
    large = side * OVER
    image = _drawn(data, large, crop) if form == b"s" else _opened(data, crop)
    image.thumbnail((large, large), _filter())
    square = _image().new("RGBA", (large, large))
    if max(image.size) < large:  # a small bitmap: as large as it can be, or it would be a stamp
        scale = large / max(image.size)
        image = image.resize(
            (max(1, round(image.width * scale)), max(1, round(image.height * scale))), _filter()
        )
    inner = round(large * (1 - 2 * MARGIN)) if crop else large
    if inner < large:
        image.thumbnail((inner, inner), _filter())
    square.paste(image, ((large - image.width) // 2, (large - image.height) // 2))
    # Pillow resizes RGBA with alpha multiplied in, so that hidden colours do not bleed.
    pixels = np.asarray(square.resize((side, side), _filter()), np.uint8).copy()
    pixels[pixels[..., 3] == 0] = 0
    if (pixels[..., 3] > 25).mean() < LEAST_SEEN:
        raise Unpainted("blank")
    return pixels


def _image() -> Any:
    from PIL import Image

    return Image


def _filter() -> Any:
    """Hamming has no negative lobes: no light rings around dark outlines."""
    return _image().Resampling.HAMMING


def _drawn(data: bytes, large: int, crop: bool) -> Any:
    from gnomon.lab.pictures.drawings import Unfit, checked

    try:
        text = checked(data)
    except Unfit as error:
        raise Unpainted(str(error)) from error
    image = _rendered(text, large)
    if not crop:
        return image
    box = image.getchannel("A").getbbox()
    if box is None:
        raise Unpainted("blank")
    share = max(box[2] - box[0], box[3] - box[1]) / max(image.size)
    if share < SLACK:
        image = _rendered(text, min(large * 8, math.ceil(large / share)))
        box = image.getchannel("A").getbbox() or box
    return image.crop(box)


def _rendered(text: str, size: int) -> Any:
    import resvg_py

    try:
        png = resvg_py.svg_to_bytes(
            svg_string=text, width=size, height=size, dpi=DPI, skip_system_fonts=True
        )
    except ValueError as error:
        raise Unpainted("cannot be drawn") from error
    return _image().open(io.BytesIO(bytes(png))).convert("RGBA")


def _opened(data: bytes, crop: bool) -> Any:
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        file = Image.open(io.BytesIO(data), formats=("PNG", "WEBP", "JPEG", "GIF"))
        if file.width * file.height > MAX_PIXELS:
            raise Unpainted("too many pixels")
        file.draft("RGB", (512, 512))
        image = ImageOps.exif_transpose(file).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError,
            SyntaxError, EOFError) as error:  # fmt: skip
        raise Unpainted("no picture that can be read") from error
    box = image.getchannel("A").getbbox() if crop else None
    return image.crop(box) if box else image


def main() -> None:
    """Put the fences up, then answer until nobody asks. A picture that takes more seconds of CPU
    than it may ends the process, which is what SIGPROF does where nobody handles it: a library's
    own code cannot put that off."""
    cpu_s, each_s = int(sys.argv[1]), float(sys.argv[2])
    asked, said = sys.stdin.buffer, sys.stdout.buffer
    _warm()
    from gnomon.sources.confine import confine

    said.write(",".join(confine(cpu_s=cpu_s, memory_bytes=MEMORY_BYTES)).encode() + b"\n")
    said.flush()
    while header := asked.read(ASKED.size):
        form, crop, side, length = ASKED.unpack(header)
        signal.setitimer(signal.ITIMER_PROF, each_s)
        answer = _answer(asked, form, crop != b"\0", side, length)
        signal.setitimer(signal.ITIMER_PROF, 0)
        said.write(SAID.pack(len(answer)) + answer)
        said.flush()


def _answer(asked: IO[bytes], form: bytes, crop: bool, side: int, length: int) -> bytes:
    try:
        return painted(asked.read(length), form, crop, side).tobytes()
    except Unpainted as error:
        return b"!" + str(error).encode()
    except (MemoryError, RecursionError):
        return b"!takes too much memory"


def _warm() -> None:
    """Load what is loaded on first use, while files may still be opened."""
    from PIL import Image

    Image.preinit()
    small = (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h8v8H0"/></svg>'
    )
    painted(small, b"s", True, 8)
    image = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 255)).save(image, "WEBP")
    painted(image.getvalue(), b"r", False, 8)


if __name__ == "__main__":
    main()

"""Text in a picture (PNG, JPEG, WebP) by PP-OCRv6, as rapidocr packs it (``gnomon[ocr]``).

https://github.com/RapidAI/RapidOCR; Apache-2.0, its networks inside the package, on ONNX Runtime.
Native code decodes strangers' pixels here: call it in the confined process only (``parser``).
"""

from __future__ import annotations

import functools
import importlib.util
import io
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gnomon.errors import InputError, Unsupported, pip_install
from gnomon.sources.reading_order import Line, in_order

if TYPE_CHECKING:
    import numpy as np

MAX_PIXELS = 64_000_000
"""Width times height: phones' largest photographs have 50 million."""
SURE = 0.5
"""Lines that the network is less sure of than this are left out, and counted (rapidocr's own
default)."""
INSTALL = pip_install("gnomon[ocr]")
_FORMATS = ("PNG", "JPEG", "WEBP")
# The network sees at most EDGE pixels a side. A screenshot many times as high as wide would be
# shrunk past reading, so it is read in bands, which share OVERLAP rows.
_EDGE, _LONG, _BAND_WIDTH, _OVERLAP = 2000, 2.0, 1400, 240
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, LookupError, struct.error, zlib.error)


def is_picture(start: bytes) -> bool:
    """By the first bytes of a file."""
    return start.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or (
        start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    )


def installed() -> bool:
    return importlib.util.find_spec("rapidocr") is not None


def missing(name: str) -> Unsupported:
    return Unsupported(
        f"{name!r} is a picture; text in pictures is read by rapidocr, which is not installed. "
        f"Run: {INSTALL}."
    )


def read_picture(data: bytes) -> dict[str, Any]:
    """The text of a picture in reading order; ``extra["unsure"]`` counts the lines left out.

    Raises InputError: broken, too large, or without text that can be read.
    """
    pixels = _decoded(data)
    read = list(_read(pixels))
    sure = [line for line, score in read if score >= SURE]
    if not sure:
        left = f" ({len(read)} lines cannot be made out)" if read else ""
        raise InputError(
            f"no text is found in the picture{left}; give a larger or sharper one, or its words "
            "as .txt."
        )
    return {"text": in_order(sure), "extra": {"unsure": len(read) - len(sure)}}


def _decoded(data: bytes) -> np.ndarray:
    """``[height, width, 3]`` uint8, blue first, upright, what is transparent filled in."""
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # ours is checked before a pixel is decoded
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise InputError(
                f"the picture has {width:,} x {height:,} pixels, over {MAX_PIXELS:,}; make it "
                "smaller or cut it up."
            )
        # What the network will not see need not be decoded: JPEG can be read at a half, a quarter.
        image.draft("RGB", (_EDGE, _EDGE))
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith(("I", "F")):  # 16 bits a pixel and more
            grey = np.asarray(upright, np.float32)
            grey = grey * (255.0 / max(1.0, float(grey.max())))
            rgb = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
        elif upright.has_transparency_data:
            rgb = _filled(np.asarray(upright.convert("RGBA"), np.uint8))
        else:
            rgb = np.asarray(upright.convert("RGB"), np.uint8)
    except InputError:
        raise
    except UnidentifiedImageError as error:  # its message names an object of ours
        raise InputError(
            "the picture cannot be decoded (its beginning is damaged or cut off); save it again as "
            "PNG or JPEG."
        ) from error
    except _BROKEN as error:
        raise InputError(
            f"the picture cannot be decoded ({type(error).__name__}: {str(error)[:80]}); save it "
            "again as PNG or JPEG."
        ) from error
    return np.ascontiguousarray(rgb[..., ::-1])


def _filled(rgba: np.ndarray) -> np.ndarray:
    """On white, or on black where what is drawn is light itself."""
    import numpy as np

    alpha = rgba[..., 3:].astype(np.float32) / 255
    drawn = rgba[..., :3][rgba[..., 3] > 127]
    ground = 0 if drawn.size and drawn.mean() > 160 and alpha.mean() < 0.9 else 255
    filled: np.ndarray = (rgba[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8)
    return filled


def _read(pixels: np.ndarray) -> Iterator[tuple[Line, float]]:
    """Every line with how sure the network is of it, in no order."""
    import cv2

    cv2.setNumThreads(1)  # the confined process may start no thread
    engine = _engine()
    height, width = pixels.shape[:2]
    if height <= _EDGE or height < _LONG * width:
        yield from _lines(engine, pixels)
        return
    if width > _BAND_WIDTH:
        size = (_BAND_WIDTH, round(height * _BAND_WIDTH / width))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        height = size[1]
    begin = 0
    while begin < height:
        end = min(begin + _EDGE, height)
        # A line is taken from the band in whose part of the shared rows its middle lies.
        first = begin + _OVERLAP // 2 if begin else 0
        last = end - _OVERLAP // 2 if end < height else height
        for line, score in _lines(engine, pixels[begin:end], begin):
            if first <= (line.top + line.bottom) / 2 < last:
                yield line, score
        if end == height:
            return
        begin = end - _OVERLAP


def _lines(engine: Any, pixels: np.ndarray, down: int = 0) -> Iterator[tuple[Line, float]]:
    import numpy as np

    found = engine(np.ascontiguousarray(pixels))
    if found.txts is None:
        return
    for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True):
        if text.strip():
            xs, ys = box[:, 0], box[:, 1]
            line = Line(
                text.strip(),
                float(xs.min()),
                float(ys.min()) + down,
                float(xs.max()),
                float(ys.max()) + down,
            )
            yield line, float(score)


@functools.cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    threads = "EngineConfig.onnxruntime"
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": 0.0,
            "Global.max_side_len": _EDGE,
            # rapidocr's default enlarges what is smaller than 736 pixels: a banner of 2000 x 100
            # to 14,720 x 736. It reads worse for it (LOG.md).
            "Det.limit_type": "max",
            "Det.limit_side_len": _EDGE,
            f"{threads}.intra_op_num_threads": 1,
            f"{threads}.inter_op_num_threads": 1,
        }
    )


def warm() -> None:
    """Import what reading needs, while files may still be opened anywhere."""
    import cv2  # noqa: F401
    import PIL.Image
    import rapidocr  # noqa: F401

    PIL.Image.init()

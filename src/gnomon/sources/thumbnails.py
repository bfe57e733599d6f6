"""A stranger's picture made small, in a confined process that hands back pixels and nothing else.

    python -P -m gnomon.sources.thumbnails '{"side": 256, ...}'

The file comes on standard input; out go one line of JSON and the pixels. Whoever took the decoder
over could say no more than wrong pixels: the file that is kept is encoded by us from these.
"""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import sys
import tempfile
import threading
import zlib
from typing import Any

from gnomon.errors import ConfigError, InputError, SourceError, Unsupported, pip_install
from gnomon.sources import confine
from gnomon.sources.sandbox import Bounds, run
from gnomon.types.post_pictures import Thumbnail

SIDE = 256
"""The longer side of a thumbnail, in pixels."""
MAX_PIXELS = 64_000_000
"""Width times height of the original: phones' largest photographs have 50 million."""
BOUNDS = Bounds(
    cpu_s=20,
    wall_s=40.0,
    memory_bytes=2 * 2**30,
    max_bytes=20_000_000,
    max_answer_bytes=SIDE * SIDE * 3 + 4096,
)
INSTALL = pip_install("pillow")
_FORMS = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF87a": "GIF", b"GIF89a": "GIF"}
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, struct.error,
           zlib.error)  # fmt: skip


def form_of(start: bytes) -> str:
    """PNG, JPEG, GIF or WEBP by the first bytes of a file, "" where it is none of them."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    return next((form for mark, form in _FORMS.items() if start.startswith(mark)), "")


def thumbnail(
    data: bytes, *, bounds: Bounds = BOUNDS, stop: threading.Event | None = None
) -> Thumbnail:
    """Anybody's picture, at most ``SIDE`` pixels high and wide, decoded in a process of its own.

    Raises Unsupported where it is no picture that is read, InputError where it is damaged or over
    a bound, SourceError where the process could not do its work, ConfigError without Pillow.
    """
    import importlib.util

    if len(data) > bounds.max_bytes:
        raise InputError(f"The picture is {len(data):,} bytes, over {bounds.max_bytes:,}.")
    if not form_of(data[:16]):
        raise Unsupported("It is no PNG, JPEG, WebP or GIF, whatever it is called.")
    if importlib.util.find_spec("PIL") is None:
        raise ConfigError(f"Pictures are read by Pillow, which is not installed. Run: {INSTALL}.")
    asked = {
        "side": SIDE,
        "max_pixels": MAX_PIXELS,
        "cpu_s": bounds.cpu_s,
        "memory_bytes": bounds.memory_bytes,
        "max_bytes": bounds.max_bytes,
    }
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        answer, code, late = run(__name__, file, json.dumps(asked), bounds, stop)
    return _said(answer, code, late, bounds)


def _said(answer: bytes, code: int, late: bool, bounds: Bounds) -> Thumbnail:
    if late or code in (-signal.SIGXCPU, -signal.SIGKILL) or len(answer) > bounds.max_answer_bytes:
        raise InputError(
            f"The picture takes more to decode than one may ({bounds.cpu_s} s of CPU, "
            f"{bounds.memory_bytes:,} bytes)."
        )
    head, _, rgb = answer.partition(b"\n")
    try:
        said: dict[str, Any] = json.loads(head)
        if "refused" not in said:
            width, height = int(said["width"]), int(said["height"])
            sound = 1 <= width <= SIDE and 1 <= height <= SIDE and len(rgb) == width * height * 3
            if not sound:
                raise ValueError("not so many pixels")
            whole = (int(said["whole"][0]), int(said["whole"][1]))
            form = str(said["form"])[:8]
            return Thumbnail(width, height, rgb, whole, form, said["moving"] is True)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        # What a stranger's file may have taken over is not trusted to answer in form either.
        raise SourceError(
            f"Decoding the picture ended without a result (exit status {code})."
        ) from None
    raise InputError(str(said["refused"])[:300])


# ---------------------------------------------------------------------------------- the process


def shrunk(data: bytes, side: int, max_pixels: int) -> Thumbnail:
    """What the process does. Raises InputError."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # ours is checked before a pixel is decoded
    form = form_of(data[:16])
    try:
        image = Image.open(io.BytesIO(data), formats=[form])
        width, height = image.size
        if width * height > max_pixels:
            raise InputError(
                f"The picture has {width:,} x {height:,} pixels, over {max_pixels:,} in all."
            )
        moving = bool(getattr(image, "is_animated", False))
        image.draft("RGB", (2 * side, 2 * side))  # JPEG can be read at a half, a quarter
        small = ImageOps.exif_transpose(image)
        turned = small.size if form != "JPEG" else _turned(image, (width, height))
        small = _plain(small)
        small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        small = _filled(small)
    except InputError:
        raise
    except _BROKEN as error:
        raise InputError(
            f"The picture cannot be decoded ({type(error).__name__}); it is damaged or cut off."
        ) from error
    return Thumbnail(small.width, small.height, small.tobytes(), turned, form, moving)


def _turned(image: Any, size: tuple[int, int]) -> tuple[int, int]:
    """The size of the original as it is looked at: a photograph may lie on its side."""
    lies = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (size[1], size[0]) if lies else size


def _plain(image: Any) -> Any:
    """In RGB or, where something is transparent, RGBA; 16 bits a pixel and more as eight."""
    if image.mode.startswith(("I", "F")):
        deep = image.convert("F")
        _, most = deep.getextrema()
        scale = 255.0 / max(1.0, most)
        return deep.point(lambda value: value * scale + 0.0).convert("L").convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _filled(image: Any) -> Any:
    """On white, or on black where what is drawn is light itself."""
    from PIL import Image, ImageStat

    if image.mode != "RGBA":
        return image
    alpha = image.getchannel("A")
    drawn = alpha.point(lambda value: 255 if value > 127 else 0)
    light = drawn.getbbox() and ImageStat.Stat(image.convert("L"), drawn).mean[0] > 160
    thin = ImageStat.Stat(alpha).mean[0] < 0.9 * 255
    ground = Image.new("RGB", image.size, (0, 0, 0) if light and thin else (255, 255, 255))
    ground.paste(image.convert("RGB"), mask=alpha)
    return ground


def main() -> None:
    asked = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print; nothing may land in the answer
    _warm()
    fences = confine.confine(cpu_s=asked["cpu_s"], memory_bytes=asked["memory_bytes"])
    rgb = b""
    try:
        data = sys.stdin.buffer.read(asked["max_bytes"] + 1)
        made = shrunk(data, asked["side"], asked["max_pixels"])
        rgb = made.rgb
        answer: dict[str, Any] = {
            "width": made.width, "height": made.height, "whole": made.whole, "form": made.form,
            "moving": made.moving, "fences": fences,
        }  # fmt: skip
    except InputError as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": "The picture takes more memory than one may."}
    out.write(json.dumps(answer).encode("ascii") + b"\n" + rgb)
    out.close()
    os._exit(0)


def _warm() -> None:
    """Import what reading needs, while files may still be opened anywhere."""
    from PIL import (  # noqa: F401
        GifImagePlugin,
        Image,
        ImageOps,
        ImageStat,
        JpegImagePlugin,
        PngImagePlugin,
        WebPImagePlugin,
    )


if __name__ == "__main__":
    main()

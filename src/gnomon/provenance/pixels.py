"""Pictures as pixels and back (Pillow), for the watermark."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gnomon.errors import InputError

MAX_PIXELS = 50_000_000
MARKED = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
"""What is marked, and what Pillow calls it."""
HOW: dict[str, dict[str, Any]] = {
    "PNG": {"optimize": False},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}


def marked(data: bytes, mime: str, secret: bytes) -> bytes:
    """A picture that we made, with our mark in it. A JPEG is encoded once more, at quality 95:
    give a PNG where that matters. Raises InputError where it is no picture."""
    import numpy as np
    from PIL import Image

    from gnomon.provenance import watermark

    try:
        picture = Image.open(io.BytesIO(data), formats=[MARKED[mime]])
        alpha = picture.getchannel("A") if "A" in picture.getbands() else None
        seen = np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"A picture of {len(data):,} bytes is no {mime} ({error}).") from error
    if not watermark.room(*seen.shape[:2]):
        return data
    made = Image.fromarray(watermark.embed(seen, secret))
    if alpha is not None:
        made.putalpha(alpha)
    out = io.BytesIO()
    made.save(out, MARKED[mime], **HOW[MARKED[mime]])
    return out.getvalue()


def warm() -> None:
    """Import what ``look`` needs while everything may still be read."""
    import numpy as np
    from PIL import Image

    Image.init()
    np.zeros((2, 2)) @ np.zeros((2, 2))


def look(data: bytes, secrets: Mapping[str, bytes]) -> dict[str, Any] | None:
    """What the detector says of anybody's picture, as JSON; None where it cannot be decoded, is
    too large, or there is no mark of ours to look for."""
    import numpy as np
    from PIL import Image

    from gnomon.provenance import watermark

    if not secrets:
        return None
    try:
        picture = Image.open(io.BytesIO(data))
        if picture.width * picture.height > MAX_PIXELS:
            return None
        seen = np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError):
        return None
    return asdict(watermark.found(seen, secrets))

"""An invisible mark in a picture, found again after JPEG and a change of size.

Spread spectrum (Cox et al. 1997, https://doi.org/10.1109/83.650120) in the cosine transform of the
whole luminance. A coefficient of it stands for so many waves across the picture, whatever its size
in pixels, so a picture that was made smaller is looked at in the same places; no template has to be
found first. Each coefficient of the middle band has a sign drawn from a secret. The picture is not
noise to us who mark it (Costa 1983, https://doi.org/10.1109/TIT.1983.1056659): those coefficients
whose sign is wrong and that are cheapest to turn are turned, a little past zero, until the mark is
as strong as it may be. Nothing is learned.

The score says how well the signs agree, in standard deviations. Over secrets drawn at random,
whatever the picture, it has mean 0 and variance 1, and exceeds t with a chance of at most
exp(-t**2 / 2) (Hoeffding, https://doi.org/10.2307/2282952): so the rate of false alarms is a
bound that holds for any picture, not a figure of a test set. What takes the mark away: cutting,
turning, mirroring, heavy blur, drawing anew. It is a hint where metadata were stripped, and no
proof against one who wants it gone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gnomon.types.provenance import Mark

WAVES = 192
"""Half-waves across the picture, at most; finer ones of large pictures go unused."""
KEEPS = 0.45
"""Of the half-waves that a side can hold, those below this share: half of all would be lost where
the picture is halved."""
LOOKS = (KEEPS / 2, KEEPS, KEEPS * 4 / 3, KEEPS * 2)
"""The shares that may be marked in a picture that was doubled, left, made 3/4 or half as large:
what is finer than the mark is only noise."""
COARSEST = 7.0
"""Half-waves below which a mark would be seen as shading."""
PAST_ZERO = 8.0
"""How far a coefficient is turned (orthonormal, grey levels): about twice what JPEG at quality 80
does to one."""
PSNR_DB = ((384, 45.0), (192, 42.0), (96, 40.0), (0, 37.0))
"""How strong the mark is, by the shorter side in pixels: little room needs more strength. Below
about 40 dB a careful eye sees it where the picture is smooth."""
THRESHOLD = 6.0
"""At most one false alarm in exp(18) = 66 million for each look."""
LEAST_SIDE = 32
"""Pixels; in a smaller picture there is no room."""
LIMIT = 0.1
"""A coefficient counts up to this share of its neighbourhood's size: its sign, all but those too
small to have one."""

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


def p_false(score: float) -> float:
    """How often an unmarked picture has this score or more, at most."""
    return math.exp(-score * score / 2) if score > 0 else 1.0


def room(height: int, width: int) -> bool:
    """Whether a picture of this size can be marked."""
    return min(height, width) >= LEAST_SIDE


def embed(pixels: Pixels, secret: bytes, *, psnr_db: float | None = None) -> Pixels:
    """``pixels`` [H, W, 3] with the mark of ``secret``; the same where there is no room. It is
    ``psnr_db`` below full scale, by default as its size needs (``PSNR_DB``)."""
    height, width = pixels.shape[:2]
    if not room(height, width):
        return pixels
    if psnr_db is None:
        psnr_db = next(db for side, db in PSNR_DB if min(height, width) >= side)
    rows, columns = _waves(height, KEEPS), _waves(width, KEEPS)
    plane = _transformed(pixels, rows, columns)
    signs = _signs(secret, plane.shape)
    band = _band(plane.shape)
    missing = np.where(band, np.maximum(PAST_ZERO - signs * plane, 0.0), 0.0)
    energy = height * width * (255 / 10 ** (psnr_db / 20)) ** 2
    costs = np.sort(np.square(missing[band]))
    most = costs[np.searchsorted(np.cumsum(costs), energy) - 1] if len(costs) else 0.0
    turned = np.where(np.square(missing) <= most, missing * signs, 0.0)
    marked = pixels.astype(np.float64) + (rows.T @ turned @ columns)[:, :, None]
    return np.clip(np.rint(marked), 0, 255).astype(np.uint8)


def score(pixels: Pixels, secret: bytes) -> float:
    """How well the signs of ``secret`` agree, in standard deviations: the best of ``LOOKS``."""
    return scores(pixels, [secret])[0]


def scores(pixels: Pixels, secrets: Sequence[bytes]) -> list[float]:
    """``score`` for several secrets; the picture is transformed once."""
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_SIDE // 2 or not secrets:
        return [0.0] * len(secrets)
    rows, columns = _waves(height, LOOKS[-1]), _waves(width, LOOKS[-1])
    plane = _transformed(pixels, rows, columns)
    level = plane / _size(plane)
    level = np.clip(level, -LIMIT, LIMIT) * _band(plane.shape)
    signs = [_signs(secret, plane.shape) for secret in secrets]
    best = [-math.inf] * len(secrets)
    for share in LOOKS:
        seen = level[: _count(height, share), : _count(width, share)]
        norm = math.sqrt(float(np.square(seen).sum()))
        if norm:
            agree = [float((seen * s[: seen.shape[0], : seen.shape[1]]).sum()) for s in signs]
            best = [max(so_far, value / norm) for so_far, value in zip(best, agree, strict=True)]
    return [0.0 if value == -math.inf else value for value in best]


def found(pixels: Pixels, keys: Mapping[str, bytes]) -> Mark:
    """Whether the mark of one of ``keys`` (id and secret) is in a picture. Looking for several
    makes a false alarm that much likelier, and ``p_false`` says so."""
    names = list(keys)
    got = scores(pixels, [keys[name] for name in names])
    best = max(range(len(names)), key=got.__getitem__, default=-1)
    if best < 0:
        return Mark(False, 0.0, THRESHOLD, 0.0)
    seen = got[best] >= THRESHOLD
    rate = min(1.0, p_false(THRESHOLD) * len(names) * len(LOOKS))
    return Mark(seen, round(got[best], 2), THRESHOLD, rate, names[best] if seen else "")


def _transformed(pixels: Pixels, rows: Floats, columns: Floats) -> Floats:
    """The luminance (ITU-R BT.601, as JPEG has it) as so many waves, [rows, columns]."""
    light = pixels[:, :, :3].astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    plane: Floats = rows @ (light - light.mean()) @ columns.T
    return plane


def _count(size: int, share: float) -> int:
    return min(WAVES, int(size * share))


def _waves(size: int, share: float) -> Floats:
    """The first rows of the orthonormal DCT-II for a side of ``size`` pixels, [waves, size]."""
    k, n = np.arange(_count(size, share))[:, None], np.arange(size)[None, :]
    rows: Floats = np.cos(np.pi * (n + 0.5) * k / size) * math.sqrt(2 / size)
    rows[0] /= math.sqrt(2)
    return rows


def _band(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    u, v = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    fine: NDArray[np.bool_] = np.hypot(u, v) >= COARSEST
    return fine


def _signs(secret: bytes, shape: tuple[int, ...]) -> Floats:
    """Signs of the coefficients: the same for a place whatever the size of the picture."""
    need = WAVES * WAVES
    stream = hashlib.shake_256(b"gnomon-mark-1" + secret).digest(need // 8)
    bits = np.unpackbits(np.frombuffer(stream, dtype=np.uint8)).reshape(WAVES, WAVES)
    return bits[: shape[0], : shape[1]].astype(np.float64) * 2 - 1


def _size(plane: Floats) -> Floats:
    """How large the coefficients around each place are: the mean magnitude of 9 by 9, never 0."""
    around = _mean(np.abs(plane), 4)
    return np.maximum(around, 1e-6 + 0.01 * float(around.mean()))


def _mean(values: Floats, radius: int) -> Floats:
    """The mean over a square of side ``2 radius + 1``, edges repeated."""
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (radius + 1, radius)
        sums = np.cumsum(np.pad(values, padding, mode="edge"), axis=axis)
        width = 2 * radius + 1
        high = np.take(sums, range(width, sums.shape[axis]), axis=axis)
        low = np.take(sums, range(sums.shape[axis] - width), axis=axis)
        values = (high - low) / width
    return values

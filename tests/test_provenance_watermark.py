"""The invisible mark: it survives what it says it survives, and is found nowhere else."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from gnomon.assemble.provenance import Signed
from gnomon.config import load
from gnomon.errors import InputError
from gnomon.provenance import pixels, watermark
from gnomon.types.provenance import Made

MADE = Made("picture", "tiny", "", "", 1_773_000_000.0)
SECRET = b"a secret of ours"


def picture(seed: int, height: int = 256, width: int = 320) -> np.ndarray:
    """Something with the spectrum of a photograph: 1/f noise in colour, with edges."""
    random = np.random.default_rng(seed)
    spectrum = 1 / np.maximum(
        np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)), 0.004
    )
    layers = []
    for _ in range(3):
        phases = np.exp(2j * np.pi * random.random(spectrum.shape))
        layer = np.fft.irfft2(spectrum * phases, (height, width))
        layers.append((layer - layer.min()) / np.ptp(layer) * 200 + 20)
    made = np.stack(layers, axis=2)
    made[height // 3 : height // 2, width // 4 : width // 2] *= 0.5
    return made.astype(np.uint8)


def jpeg(seen: np.ndarray, quality: int = 80) -> np.ndarray:
    out = io.BytesIO()
    Image.fromarray(seen).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def scaled(seen: np.ndarray, by: float) -> np.ndarray:
    size = (int(seen.shape[1] * by), int(seen.shape[0] * by))
    return np.asarray(Image.fromarray(seen).resize(size, Image.Resampling.BICUBIC))


@pytest.mark.parametrize("seed", range(2))
def test_it_survives_jpeg_and_half_the_size(seed):
    made = watermark.embed(picture(seed), SECRET)
    for what, seen in {
        "as it is": made,
        "JPEG 80": jpeg(made),
        "half": scaled(made, 0.5),
        "three quarters": scaled(made, 0.75),
        "double": scaled(made, 2.0),
        "half, then JPEG 80": jpeg(scaled(made, 0.5)),
        "grey": made.mean(axis=2, keepdims=True).repeat(3, axis=2).astype(np.uint8),
    }.items():
        assert watermark.score(seen, SECRET) > watermark.THRESHOLD, what


def test_it_is_not_seen():
    before = picture(1)
    after = watermark.embed(before, SECRET)
    error = float(np.mean(np.square(after.astype(float) - before)))
    assert 10 * math.log10(255**2 / error) > 41.5
    assert int(np.abs(after.astype(int) - before).max()) <= 16


def test_nobody_else_has_it():
    secrets = [bytes([n]) * 8 for n in range(120)]
    scores = [s for seed in range(2) for s in watermark.scores(picture(seed), secrets)]
    assert max(scores) < watermark.THRESHOLD
    # The best of four looks is above 3 no oftener than the bound says.
    over = sum(score > 3 for score in scores) / len(scores)
    assert over <= len(watermark.LOOKS) * watermark.p_false(3.0)
    marked = watermark.embed(picture(1), SECRET)
    assert max(watermark.scores(marked, secrets)) < watermark.THRESHOLD


@pytest.mark.parametrize(
    "flat", [np.zeros((64, 64, 3)), np.full((40, 90, 3), 255), np.full((33, 33, 3), 128)]
)
def test_flat_pictures_neither_break_it_nor_ring(flat):
    seen = flat.astype(np.uint8)
    assert watermark.score(seen, SECRET) < watermark.THRESHOLD
    assert watermark.embed(seen, SECRET).shape == seen.shape


def test_what_has_no_room_is_left_alone():
    small = picture(1, 31, 200)
    assert watermark.embed(small, SECRET) is small
    assert watermark.score(small[:12], SECRET) == 0.0
    assert watermark.found(picture(1), {}).found is False


def test_a_signed_picture_is_marked_and_the_mark_outlives_the_manifest(tmp_path):
    signed = Signed(load(tmp_path, {}))
    out = io.BytesIO()
    Image.fromarray(picture(2)).save(out, "PNG")
    data = signed.sign(out.getvalue(), "image/png", MADE)
    found = signed.read(data)
    assert (found.state, found.mark.found, found.mark.key) == ("trusted", True, signed.key().id)
    # Somebody strips the metadata, halves it, and saves it as JPEG.
    stripped = io.BytesIO()
    Image.fromarray(scaled(np.asarray(Image.open(io.BytesIO(data))), 0.5)).save(stripped, "JPEG")
    found = signed.read(stripped.getvalue())
    assert (found.state, found.mark.found) == ("absent", True)
    first = signed.key().id
    signed.rotate()
    assert signed.read(stripped.getvalue()).mark.key == first
    # To anybody else there is nothing to see.
    stranger = Signed(load(tmp_path / "other", {}))
    stranger.key()
    assert stranger.read(stripped.getvalue()).mark.found is False


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_every_format_that_is_marked(tmp_path, kind):
    out = io.BytesIO()
    shown = Image.fromarray(picture(3))
    if kind != "JPEG":
        shown.putalpha(200)
    shown.save(out, kind)
    data = pixels.marked(out.getvalue(), f"image/{kind.lower()}", SECRET)
    again = Image.open(io.BytesIO(data))
    assert again.format == kind
    assert ("A" in again.getbands()) == (kind != "JPEG")
    assert pixels.look(data, {"k": SECRET})["found"]


def test_what_is_no_picture_is_told_and_never_breaks_the_detector():
    with pytest.raises(InputError, match="image/png"):
        pixels.marked(b"not a picture", "image/png", SECRET)
    for data in (b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"GIF89a"):
        assert pixels.look(data, {"k": SECRET}) is None


def test_the_owner_may_say_no(tmp_path):
    signed = Signed(load(tmp_path, {}, watermark=False))
    out = io.BytesIO()
    Image.fromarray(picture(2)).save(out, "PNG")
    found = signed.read(signed.sign(out.getvalue(), "image/png", MADE))
    assert (found.state, found.mark.found) == ("trusted", False)

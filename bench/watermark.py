"""Bench: the invisible mark in pictures, and the way of ``invisible-watermark`` beside it.

    python bench/watermark.py [COCO.tar]

On COCO-mini photographs (the mark's two constants were chosen on the first 20; figures are on the
others), on the same made 256 and 128 pixels wide, and on made-up pictures (1/f noise with edges).
Baseline: quantisation of the largest coefficient of 4 x 4 blocks in the cosine transform of a Haar
band, 32 bits repeated over the picture (what ``imwatermark``'s "dwtDct" does, in numpy), at the
same PSNR. For each: the share that is found after JPEG 80, half the size, both, and more, with a
95 % interval (Wilson); PSNR and SSIM of the mark; and how often an unmarked picture is taken for a
marked one. The baseline's threshold is set to the same rate of false alarms (matching bits).
"""

from __future__ import annotations

import argparse
import io
import math
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from gnomon.provenance import watermark

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "images"
TUNED = 20
SECRET = b"bench"
OTHERS = 200


def photographs(path: Path) -> Iterator[np.ndarray]:
    from PIL import Image

    with tarfile.open(path) as tar:
        for member in sorted(tar.getmembers(), key=lambda one: one.name):
            if member.name.endswith(".jpg"):
                file = tar.extractfile(member)
                assert file is not None
                yield np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB"))


def made_up(count: int, height: int = 256, width: int = 256) -> Iterator[np.ndarray]:
    for seed in range(count):
        random = np.random.default_rng(seed)
        waves = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
        steep = 1 / np.maximum(waves, 1 / 256) ** random.uniform(0.8, 1.6)
        layers = []
        for _ in range(3):
            phases = np.exp(2j * np.pi * random.random(steep.shape))
            layer = np.fft.irfft2(steep * phases, (height, width))
            layers.append((layer - layer.min()) / np.ptp(layer) * 255)
        made = np.stack(layers, axis=2)
        for _ in range(4):
            y, x = random.integers(0, height // 2), random.integers(0, width // 2)
            made[y : y + height // 3, x : x + width // 4] *= random.uniform(0.4, 1.0)
        yield made.astype(np.uint8)


# -- the baseline -------------------------------------------------------------------------------


BITS = np.unpackbits(np.frombuffer(b"gnom", dtype=np.uint8))
_K = np.arange(4)
DCT4 = np.cos(np.pi * (_K[None, :] + 0.5) * _K[:, None] / 4) * np.sqrt(0.5)
DCT4[0] /= np.sqrt(2)


def _blocks(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The luminance's Haar approximation as 4 x 4 cosine transforms, [n, 4, 4]."""
    height, width = (side // 8 * 8 for side in pixels.shape[:2])
    light = pixels[:height, :width].astype(float) @ [0.299, 0.587, 0.114]
    low = (light[0::2, 0::2] + light[1::2, 0::2] + light[0::2, 1::2] + light[1::2, 1::2]) / 2
    tiles = low.reshape(height // 8, 4, width // 8, 4).swapaxes(1, 2)
    return DCT4 @ tiles @ DCT4.T, low


def _largest(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = np.abs(blocks.reshape(*blocks.shape[:2], 16)[:, :, 1:])
    at = flat.argmax(axis=2) + 1
    return at, np.take_along_axis(blocks.reshape(*blocks.shape[:2], 16), at[:, :, None], 2)[:, :, 0]


def base_embed(pixels: np.ndarray, step: float) -> np.ndarray:
    blocks, low = _blocks(pixels)
    at, value = _largest(blocks)
    bits = np.resize(BITS, value.shape)
    size = np.abs(value)
    wanted = (np.floor(size / step) + 0.25 + 0.5 * bits) * step
    moved = blocks.reshape(*blocks.shape[:2], 16).copy()
    np.put_along_axis(moved, at[:, :, None], (np.sign(value) * wanted)[:, :, None], 2)
    tiles = DCT4.T @ moved.reshape(blocks.shape) @ DCT4
    grown = tiles.swapaxes(1, 2).reshape(low.shape) - low
    delta = np.repeat(np.repeat(grown / 2, 2, 0), 2, 1)
    out = pixels.astype(float)
    out[: delta.shape[0], : delta.shape[1]] += delta[:, :, None]
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def base_score(pixels: np.ndarray, size: tuple[int, int], step: float) -> float:
    """Matching bits of 32, by vote. It has to be told the size that the picture was marked at."""
    from PIL import Image

    if pixels.shape[:2] != size:
        pixels = np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC))
    _, value = _largest(_blocks(pixels)[0])
    read = (np.abs(value) % step) / step > 0.5
    votes = np.zeros(32)
    np.add.at(votes, np.resize(np.arange(32), value.shape), np.where(read, 1, -1))
    return float(((votes > 0) == (BITS == 1)).sum())


def step_for(pixels: np.ndarray, psnr_db: float) -> float:
    low, high = 0.5, 400.0
    for _ in range(14):
        step = (low + high) / 2
        low, high = (
            (step, high) if psnr(pixels, base_embed(pixels, step)) > psnr_db else (low, step)
        )
    return low


# -- measures -----------------------------------------------------------------------------------


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * math.log10(255**2 / max(1e-9, float(np.square(one.astype(float) - other).mean())))


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Of the luminance, over squares of 8 (Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861)."""
    height, width = (side // 8 * 8 for side in one.shape[:2])

    def tiles(pixels: np.ndarray) -> np.ndarray:
        light = pixels[:height, :width].astype(float) @ [0.299, 0.587, 0.114]
        return light.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 64)

    a, b = tiles(one), tiles(other)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ma, mb = a.mean(1), b.mean(1)
    both = ((a - ma[:, None]) * (b - mb[:, None])).mean(1)
    top = (2 * ma * mb + c1) * (2 * both + c2)
    return float((top / ((ma**2 + mb**2 + c1) * (a.var(1) + b.var(1) + c2))).mean())


def wilson(hits: int, n: int) -> str:
    z = 1.96
    p, d = hits / n, 1 + z * z / n
    mid, half = (p + z * z / (2 * n)) / d, z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    return f"{100 * p:5.1f} % ({100 * max(0.0, mid - half):.1f}-{100 * min(1.0, mid + half):.1f})"


def attacks() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    from PIL import Image, ImageFilter

    def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG", quality=quality)
        return np.asarray(Image.open(out).convert("RGB"))

    def scale(pixels: np.ndarray, by: float) -> np.ndarray:
        size = (max(1, int(pixels.shape[1] * by)), max(1, int(pixels.shape[0] * by)))
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))

    def noise(pixels: np.ndarray) -> np.ndarray:
        random = np.random.default_rng(0)
        return np.clip(pixels + random.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)

    def crop(pixels: np.ndarray) -> np.ndarray:
        high, wide = pixels.shape[0] // 20, pixels.shape[1] // 20
        return pixels[high:-high, wide:-wide]

    blur = ImageFilter.GaussianBlur(1)
    return {
        "as it is": lambda p: p,
        "JPEG 80": lambda p: jpeg(p, 80),
        "half the size": lambda p: scale(p, 0.5),
        "half, JPEG 80": lambda p: jpeg(scale(p, 0.5), 80),
        "JPEG 50": lambda p: jpeg(p, 50),
        "noise, deviation 8": noise,
        "blur, 1 pixel": lambda p: np.asarray(Image.fromarray(p).filter(blur)),
        "5 % cut off each side": crop,
    }


def report(name: str, pictures: list[np.ndarray]) -> None:
    began = time.process_time()
    ours = [watermark.embed(p, SECRET) for p in pictures]
    spent = (time.process_time() - began) / len(pictures)
    levels = [psnr(p, m) for p, m in zip(pictures, ours, strict=True)]
    steps = [step_for(p, level) for p, level in zip(pictures, levels, strict=True)]
    base = [base_embed(p, step) for p, step in zip(pictures, steps, strict=True)]
    alike = [
        np.mean([ssim(p, m) for p, m in zip(pictures, ms, strict=True)]) for ms in (ours, base)
    ]
    print(f"\n{name}: {len(pictures)} pictures, PSNR {np.mean(levels):.1f} dB, SSIM {alike[0]:.4f} "
          f"(baseline {alike[1]:.4f}), {1000 * spent:.0f} ms of CPU to mark one")  # fmt: skip
    print(f"  {'':22} {'found, ours':>24} {'score, median':>14} {'found, baseline':>24}")
    for what, attack in attacks().items():
        scores = [watermark.score(attack(m), SECRET) for m in ours]
        bits = [
            base_score(attack(m), p.shape[:2], step)
            for m, p, step in zip(base, pictures, steps, strict=True)
        ]
        hits = sum(s >= watermark.THRESHOLD for s in scores)
        # 31 of 32 bits by chance: 33 / 2**32, about our 4 exp(-18).
        base_hits = sum(b >= 31 for b in bits)
        n = len(pictures)
        shares = f"{wilson(hits, n):>24} {np.median(scores):14.1f} {wilson(base_hits, n):>24}"
        print(f"  {what:22} {shares}")


def false_alarms(pictures: list[np.ndarray]) -> None:
    secrets = [f"other {n}".encode() for n in range(OTHERS)]
    scores = np.array([s for p in pictures for s in watermark.scores(p, secrets)])
    n = len(scores)
    print(f"\nUnmarked: {n:,} scores ({len(pictures)} pictures, {OTHERS} secrets), "
          f"the highest {scores.max():.2f}")  # fmt: skip
    for level in (3.0, 4.0, watermark.THRESHOLD):
        bound = len(watermark.LOOKS) * watermark.p_false(level)
        print(f"  over {level:.0f}: {wilson(int((scores >= level).sum()), n)}; at most {bound:.2g} "
              "by Hoeffding")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tar", nargs="?", type=Path, default=DATA / "coco_mini_train2017.tar")
    args = parser.parse_args()
    try:
        from PIL import Image
    except ImportError:
        sys.exit("skipped: Pillow is not installed (gnomon[provenance])")
    print(__doc__.split("\n")[0])
    drawn = list(made_up(60))
    if args.tar.is_file():
        held = list(photographs(args.tar))[TUNED:]
        report("COCO-mini as it is", held)
        for side in (256, 128):
            small = [np.asarray(Image.fromarray(p).resize((side, side))) for p in held]
            report(f"COCO-mini, {side} x {side}", small)
        report("made up, 256 x 256", drawn)
        false_alarms(held)
    else:
        print(f"photographs skipped: {args.tar} is not there")
        report("made up, 256 x 256", drawn)
        false_alarms(drawn)


if __name__ == "__main__":
    main()

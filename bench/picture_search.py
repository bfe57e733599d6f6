"""How well and how fast pictures in posts are found, over a set of captioned pictures of the lab.

    python bench/picture_search.py SET CLIP

SET is a folder of `gnomon lab pictures`, CLIP one of `gnomon lab clip`. 500 pictures of 500
concepts (seeded) are kept as a post's would be, half of them without their alt text; each is looked
for by a caption. Side by side: alt texts alone, CLIP alone, both as gnomon fuses them. With a third
argument "val" or "test", pictures of that split alone. Then: CPU-seconds a picture, a search among
10,000 vectors, copies told from others, and that pictures are prepared as transformers'
CLIPImageProcessor does (where it is installed).
"""

from __future__ import annotations

import io
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from gnomon.assemble.picture_search import find, question
from gnomon.assemble.picture_taking import encoded
from gnomon.config import load
from gnomon.models.clip import OnnxClip, preparation
from gnomon.models.clip_runner import prepared
from gnomon.sources.thumbnails import MAX_PIXELS, SIDE, shrunk, thumbnail
from gnomon.store import likeness
from gnomon.store.memory import MemoryStore
from gnomon.store.picture_cache import PictureCache
from gnomon.types import Batch, Filter, Post
from gnomon.types.post_pictures import Thumbnail

N = 500


def on_white(rgba: np.ndarray) -> Image.Image:
    picture = Image.fromarray(np.array(rgba))
    ground = Image.new("RGB", picture.size, (255, 255, 255))
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def saved(picture: Image.Image, form: str = "PNG", **how: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **how)
    return out.getvalue()


def chosen(folder: Path, split: str) -> list[tuple[int, str, str]]:
    """(row, caption, another way to say it) of one picture of each of N concepts."""
    items = [json.loads(line) for line in (folder / "items.jsonl").open(encoding="utf-8")]
    order = np.random.default_rng(8).permutation(len(items))
    out: dict[str, tuple[int, str, str]] = {}
    for row in order:
        item = items[row]
        if item["captions"] and (not split or item["split"] == split):
            other = " ".join(item.get("tags", [])[:4]) or item["captions"][-1]
            out.setdefault(item["concept"], (int(row), item["captions"][0], other))
    # A caption that two of them share has no right answer.
    seen: dict[str, int] = {}
    for _, caption, _ in out.values():
        seen[caption] = seen.get(caption, 0) + 1
    return [one for one in out.values() if seen[one[1]] == 1][:N]


def quality(folder: Path, see: OnnxClip, split: str) -> None:
    pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    picked = chosen(folder, split)
    config = load(Path("/nonexistent"), {}, picture_model="none")
    store, cache, now = MemoryStore(), PictureCache(None), time.time()
    hidden = np.random.default_rng(9).random(len(picked)) < 0.5
    for at, (row, caption, _) in enumerate(picked):
        data = saved(on_white(pixels[row]))
        made = shrunk(data, SIDE, MAX_PIXELS)
        alt = "" if hidden[at] else caption
        post = Post(id=f"p{at}", text=f"picture {at}", source="bench", fetched_at=now,
                    media=("x.png",), extra={"alt": [alt]})  # fmt: skip
        store.write(Batch("bench", posts=(post,)))
        cache.put(post, "x.png", alt, f"{at:064x}", made, encoded(made), now)
    begun = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    wall = time.monotonic()
    while unseen := cache.unseen(see.id, 16):
        cache.put_vectors(see.id, [p for p, _ in unseen], see.pictures([f for _, f in unseen]))
    print(f"{len(picked)} pictures seen in {time.monotonic() - wall:.1f} s of the clock "
          f"({time.process_time() - begun[0]:.1f} s of it ours)")  # fmt: skip
    for name, column in (("caption", 1), ("tags", 2)):
        print(f"\nby {name:8}              R@1    R@10   R@1 of those without an alt text")
        for how in ("alt texts", "CLIP", "both"):
            ranks = np.array(
                [_rank(cache, store, config, see, one[column], at, how)
                 for at, one in enumerate(picked)]
            )  # fmt: skip
            bare = ranks[hidden]
            print(f"  {how:22}  {(ranks == 0).mean():6.3f} {(ranks < 10).mean():6.3f} "
                  f"{(bare == 0).mean():6.3f}  (R@10 {(bare < 10).mean():.3f})")  # fmt: skip
    cache.close()


def _rank(cache, store, config, see, words, at, how):  # type: ignore[no-untyped-def]
    if how == "CLIP":
        near = cache.nearest(see.id, see.words(question(words, see)[0]), 10)
        ids = [alike - 1 for _, alike, _ in near]
    else:
        vector = (see, question(words, see)[0]) if how == "both" else None
        found = find(cache, store, config, words, vector, k=10, where=Filter())
        ids = [int(one.post.id[1:]) for one in found]
    return ids.index(at) if at in ids else 10


def speed(see: OnnxClip) -> None:
    noise = np.random.default_rng(1)
    smooth = noise.integers(0, 255, (40, 60, 3), dtype=np.uint8)
    data = saved(Image.fromarray(smooth).resize((2000, 1333)), "JPEG", quality=85)
    begun, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
    for _ in range(20):
        made = thumbnail(data)
        encoded(made)
        likeness.cells_of(made.rgb, made.width, made.height)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    inside = after.ru_utime + after.ru_stime - begun.ru_utime - begun.ru_stime
    print(f"\na photograph of 2000 x 1333 ({len(data):,} bytes): {inside / 20:.3f} CPU-s in the "
          f"confined process, {(time.process_time() - clock) / 20:.3f} in ours")  # fmt: skip
    cache, now, dim = PictureCache(None), time.time(), len(see.words("a"))
    rows = noise.standard_normal((10_000, dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    store = MemoryStore()
    config = load(Path("/nonexistent"), {}, picture_model="none")
    words = ["red", "umbrella", "storm", "bridge", "cat", "dog", "market", "fire", "river", "snow"]
    begun_at = time.process_time()
    for at in range(len(rows)):
        said = " ".join(noise.choice(words, 4))
        post = Post(id=f"p{at}", text=said, source="b", fetched_at=now, media=("x",))
        store.write(Batch("b", posts=(post,)))
        made = Thumbnail(16, 16, noise.bytes(768), (16, 16), "PNG")
        cache.put(post, "x", said, f"{at:064x}", made, b"", now)
    print(f"10,000 pictures kept in {time.process_time() - begun_at:.1f} CPU-s, the look for "
          "copies among them included")  # fmt: skip
    ids = [picture for picture, _ in cache.unseen(see.id, 10_000)]
    cache.put_vectors(see.id, ids, rows)
    took, spent = [], []
    for at in range(60):
        begun_at, spent_at = time.perf_counter(), time.process_time()
        find(cache, store, config, f"{words[at % 10]} {words[at // 10]}", (see, words[at % 10]),
             k=20, where=Filter())  # fmt: skip
        took.append(1000 * (time.perf_counter() - begun_at))
        spent.append(1000 * (time.process_time() - spent_at))
    part, asked = [], see.words("red umbrella")
    for _ in range(60):
        spent_at = time.process_time()
        cache.nearest(see.id, asked, 400)
        part.append(1000 * (time.process_time() - spent_at))
    print(f"a search among 10,000 ({dim} dimensions), words encoded: p50 {np.median(took[1:]):.1f} "
          f"ms, p95 {np.quantile(took[1:], 0.95):.1f} ms (first: {took[0]:.0f})")  # fmt: skip
    print(f"  CPU of ours: {np.median(spent):.1f} ms, of it the vectors {np.median(part):.1f}")
    cache.close()


def copies(folder: Path) -> None:
    """Pictures of all sets that are called copies, and saved-again ones that are not."""
    pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    items = [json.loads(line) for line in (folder / "items.jsonl").open(encoding="utf-8")]
    rows = np.random.default_rng(1).choice(len(pixels), min(1500, len(pixels)), replace=False)

    def look(picture: Image.Image, form: str = "PNG", **how: int):  # type: ignore[no-untyped-def]
        made = shrunk(saved(picture, form, **how), SIDE, MAX_PIXELS)
        return likeness.cells_of(made.rgb, made.width, made.height), made.whole

    held = [look(on_white(pixels[row])) for row in rows]
    coarse = np.stack([likeness.coarse_of(cells) for cells, _ in held])
    pairs = [
        (rows[a], rows[b])
        for a in range(len(rows))
        for b in likeness.candidates(coarse[a], coarse)
        if b > a and likeness.same(*held[a], *held[b])
    ]
    other = [p for p in pairs if items[p[0]]["concept"] != items[p[1]]["concept"]]
    print(f"\nof {len(rows):,} drawings {len(pairs)} pairs are called one picture, {len(other)} of "
          "them of two concepts")  # fmt: skip
    for name, again in (
        ("JPEG 60 at 256 pixels", lambda p: look(p.resize((256, 256)), "JPEG", quality=60)),
        ("half as wide", lambda p: look(p.resize((32, 32), Image.Resampling.LANCZOS))),
        ("GIF at 200 pixels", lambda p: look(p.resize((200, 200)), "GIF")),
        ("JPEG 60 at 64 pixels", lambda p: look(p, "JPEG", quality=60)),
    ):
        kept = [likeness.same(*again(on_white(pixels[row])), *held[at])
                for at, row in enumerate(rows[:300])]  # fmt: skip
        print(f"  saved again as {name:22}: {np.mean(kept):.3f} are known again")


def prepared_alike() -> None:
    try:
        from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    except ImportError:
        print("\ntransformers is not installed: preparation is not compared")
        return
    picture = Image.fromarray(
        np.random.default_rng(2).integers(0, 256, (91, 133, 3), dtype=np.uint8)
    )
    apart = []
    for how in (
        {"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}},
        {"size": {"shortest_edge": 40}, "crop_size": {"height": 64, "width": 48}},
        {"size": {"height": 50, "width": 70}, "do_center_crop": False},
        {"size": {"shortest_edge": 33}, "crop_size": {"height": 20, "width": 21}, "resample": 2},
    ):
        config = {**how, "image_mean": [0.45, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28]}
        theirs = CLIPImageProcessorPil(**config)(picture, return_tensors="np")["pixel_values"][0]
        apart.append(np.abs(theirs - prepared(saved(picture), preparation(config))).max())
    print(f"\nlargest difference from CLIPImageProcessor over four settings: {max(apart):.1e}")


def main() -> None:
    if len(sys.argv) < 3:
        print("skipped: give the folder of a set (gnomon lab pictures) and of a CLIP (docs/"
              "search-images.md)")  # fmt: skip
        return
    see = OnnxClip(Path(sys.argv[2]))
    quality(Path(sys.argv[1]), see, sys.argv[3] if len(sys.argv) > 3 else "")
    speed(see)
    copies(Path(sys.argv[1]))
    prepared_alike()
    see.close()


if __name__ == "__main__":
    main()

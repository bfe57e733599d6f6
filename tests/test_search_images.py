"""Pictures in posts: taken in through the confined process, kept small, found by what they show,
and gone with their posts."""

from __future__ import annotations

import hashlib
import io
import json
import re
import signal
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

pytest.importorskip("PIL", reason="pictures need gnomon[images]")
pytest.importorskip("onnx", reason="the tiny CLIP is made with onnx")

from PIL import Image, ImageDraw

import picture_posts
import tiny_clip
from gnomon.assemble import Gnomon, open_files, open_gnomon
from gnomon.assemble.picture_taking import MOST, Taking, alts_of
from gnomon.assemble.post_pictures import PostPictures, folders_of
from gnomon.cli import main
from gnomon.config import Config, load
from gnomon.errors import (
    ConfigError,
    InputError,
    ModelError,
    NotFound,
    SourceError,
    Unsupported,
)
from gnomon.models.clip import OnnxClip, preparation
from gnomon.models.clip_runner import prepared
from gnomon.serve.picture_search import PLACE
from gnomon.sources import sandbox, thumbnails
from gnomon.sources.contract import Fetch, Response
from gnomon.sources.thumbnails import SIDE, shrunk, thumbnail
from gnomon.store import likeness
from gnomon.store.memory import MemoryStore
from gnomon.store.picture_cache import PictureCache
from gnomon.types import Batch, Deletion, Post
from gnomon.types.post_pictures import Thumbnail
from serving import running

RED, BLUE = tiny_clip.COLOURS["red"], tiny_clip.COLOURS["blue"]
PAGE = Path(__file__).parent.parent / "src/gnomon/serve/page"


def saved(picture: Image.Image, form: str, **how: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **how)
    return out.getvalue()


def bomb(side: int = 65_000) -> bytes:
    """A PNG of a few bytes that says it is `side` pixels square."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        size, crc = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(kind + data))
        return size + kind + data + crc

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(9_000)))


def middle(made: Thumbnail) -> tuple[int, int, int]:
    pixels = np.frombuffer(made.rgb, np.uint8).reshape(made.height, made.width, 3)
    red, green, blue = pixels[made.height // 2, made.width // 2].tolist()
    return red, green, blue


def near(one: tuple[int, int, int], other: tuple[int, int, int], most: int = 25) -> bool:
    return all(abs(a - b) <= most for a, b in zip(one, other, strict=True))


# ------------------------------------------------------------------------------ made small


def test_pictures_of_every_kind_become_small_ones() -> None:
    plain = Image.new("RGB", (600, 300), RED)
    lying = Image.Exif()
    lying[0x0112] = 6
    still = Image.new("RGB", (600, 300), BLUE)
    deep = Image.fromarray(np.full((30, 40), 40_000, np.uint16))
    clear = Image.new("RGBA", (50, 50), (255, 0, 0, 0))
    light = Image.new("LA", (50, 50), (255, 0))
    ImageDraw.Draw(light).rectangle((20, 20, 30, 30), fill=(255, 255))
    for data, colour, whole, moving in (
        (saved(plain, "PNG"), RED, (600, 300), False),
        (saved(plain, "WEBP"), RED, (600, 300), False),
        (saved(plain.convert("CMYK"), "JPEG"), RED, (600, 300), False),
        (saved(plain, "JPEG", exif=lying), RED, (300, 600), False),
        (saved(plain, "GIF", save_all=True, append_images=[still]), RED, (600, 300), True),
        (saved(deep, "PNG"), (255, 255, 255), (40, 30), False),
        (saved(clear, "PNG"), (255, 255, 255), (50, 50), False),
        (saved(light, "PNG"), (255, 255, 255), (50, 50), False),
    ):
        made = shrunk(data, SIDE, 64_000_000)
        assert (made.whole, made.moving) == (whole, moving), made.form
        assert max(made.width, made.height) == min(SIDE, max(whole))
        assert near(middle(made), colour), (made.form, middle(made))
    # What is drawn in light is shown on black.
    assert made.rgb[:3] == b"\0\0\0"


def test_the_confined_process_hands_back_the_same_pixels_and_refuses_the_rest() -> None:
    data = saved(picture_posts.drawn(RED, size=(640, 400)), "JPEG")
    assert thumbnail(data) == shrunk(data, SIDE, 64_000_000)
    with pytest.raises(InputError, match="65,000 x 65,000 pixels"):
        thumbnail(bomb())
    with pytest.raises(InputError, match="damaged or cut off"):
        thumbnail(data[: len(data) // 2])
    with pytest.raises(InputError, match="over 20,000,000"):
        thumbnail(data + bytes(20_000_000))
    for none in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\0\0\0\x20ftypmp42", b"", b"BM"):
        with pytest.raises(Unsupported, match="no PNG"):
            thumbnail(none)


def test_the_process_is_fenced(tmp_path: Path) -> None:
    """What decodes has put its fences up before it reads a byte (``test_sandbox`` tries them)."""
    file = tmp_path / "red.png"
    picture_posts.drawn(RED, size=(64, 40)).save(file)
    asked = {"side": SIDE, "max_pixels": 10_000, "cpu_s": 9, "memory_bytes": 2**31,
             "max_bytes": 10**6}  # fmt: skip
    with file.open("rb") as opened:
        answer, code, late = sandbox.run(
            thumbnails.__name__, opened, json.dumps(asked), thumbnails.BOUNDS
        )
    fences = json.loads(answer.partition(b"\n")[0])["fences"]
    assert {"limits", "hook"} <= set(fences)
    assert (code, late) == (0, False)


def test_what_the_process_says_is_not_trusted_to_have_form() -> None:
    right = {"width": 2, "height": 1, "whole": [2, 1], "form": "PNG", "moving": False}
    assert read(json.dumps(right).encode() + b"\n" + b"123456", 0).rgb == b"123456"
    for head, rgb in (
        ({**right, "width": 3}, b"123456"), ({**right, "width": 10**9}, b"123456"),
        ({**right, "height": -1}, b"123456"), ({**right, "whole": []}, b"123456"),
        ({}, b""), ([], b""), (right, b"12345"), ("[" * 90_000, b""),
    ):  # fmt: skip
        said = head if isinstance(head, str) else json.dumps(head)
        with pytest.raises(SourceError, match="without a result"):
            read(said.encode() + b"\n" + rgb, 0)
    with pytest.raises(InputError, match="more to decode"):
        read(b"", -signal.SIGKILL)


def read(answer: bytes, code: int) -> Thumbnail:
    return thumbnails._said(answer, code, False, thumbnails.BOUNDS)


def test_a_picture_saved_again_is_one_and_another_is_not() -> None:
    def look(picture: Image.Image, form: str = "PNG", **how: Any) -> tuple[bytes, tuple[int, int]]:
        made = shrunk(saved(picture, form, **how), SIDE, 64_000_000)
        return likeness.cells_of(made.rgb, made.width, made.height), made.whole

    first = picture_posts.drawn(RED, size=(320, 240))
    again = [
        look(first.resize((160, 120)), "JPEG", quality=60), look(first, "WEBP", quality=50),
        look(first.resize((1000, 752))), look(first.convert("P"), "GIF"),
    ]  # fmt: skip
    written = first.copy()
    ImageDraw.Draw(written).rectangle((200, 180, 260, 220), fill=(0, 0, 0))
    others = [
        look(picture_posts.drawn(BLUE, size=(320, 240))), look(picture_posts.drawn(RED, 3)),
        look(written), look(first.crop((0, 0, 240, 240))),
    ]  # fmt: skip
    held = look(first)
    assert all(likeness.same(*held, *one) for one in again)
    assert not any(likeness.same(*held, *one) for one in others)
    coarse = likeness.coarse_of(held[0])[None]
    assert all(len(likeness.candidates(likeness.coarse_of(one[0]), coarse)) for one in again)


def test_means_over_cells_are_those_of_the_pixels() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    cells = np.frombuffer(likeness.cells_of(pixels.tobytes(), 64, 48), np.uint8)
    plainly = pixels.reshape(16, 3, 16, 4, 3).mean(axis=(1, 3))
    assert np.abs(cells.reshape(16, 16, 3) - plainly).max() <= 0.51
    # Cells smaller than a pixel, and of uneven size.
    for height, width in ((1, 1), (5, 300), (17, 31)):
        flat = np.full((height, width, 3), 77, np.uint8).tobytes()
        assert set(likeness.cells_of(flat, width, height)) == {77}


# ------------------------------------------------------------------------------ the model


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnnxClip]:
    model = OnnxClip(tiny_clip.folder(tmp_path_factory.mktemp("models") / "tiny"))
    yield model
    model.close()


def test_words_and_pictures_meet_in_one_space(clip: OnnxClip) -> None:
    files = [saved(Image.new("RGB", (90, 40), c), "WEBP") for c in tiny_clip.COLOURS.values()]
    rows = clip.pictures(files * 4)  # more than one request
    assert rows.shape == (20, tiny_clip.DIM)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for at, name in enumerate(tiny_clip.COLOURS):
        told = clip.words(f"A {name.title()} umbrella")
        assert np.argmax(rows[:5] @ told) == at
    assert np.isfinite(clip.words("red " * 500)).all()  # cut at the model's length


def test_pictures_are_prepared_by_the_folders_own_numbers() -> None:
    """What transformers' CLIPImageProcessor makes of them is held against this in
    bench/picture_search.py."""
    config = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.25, 0.2]}
    plain = saved(Image.new("RGB", (90, 60), (51, 102, 153)), "PNG")
    for how, shape in (
        ({"size": 32, "crop_size": 32}, (3, 32, 32)),
        ({"size": {"shortest_edge": 64}, "crop_size": {"height": 48, "width": 56}}, (3, 48, 56)),
        ({"size": {"height": 50, "width": 70}, "do_center_crop": False}, (3, 50, 70)),
        ({"size": {"shortest_edge": 30}, "do_center_crop": False}, (3, 30, 45)),
    ):
        made = prepared(plain, preparation({**config, **how}))
        assert made.shape == shape
        assert np.allclose(made[:, 4, 4], [-0.6, 0.0, 1.5], atol=1e-5)
    # From the middle, and with black where the picture is too small.
    sides = Image.new("RGB", (30, 10), (255, 255, 255))
    ImageDraw.Draw(sides).rectangle((0, 0, 9, 9), fill=(0, 0, 0))
    bare = {"do_resize": False, "do_normalize": False}
    made = prepared(saved(sides, "PNG"), preparation({**bare, "crop_size": 10}))
    assert made.min() == 1.0
    made = prepared(saved(sides, "PNG"), preparation({**bare, "crop_size": 14}))
    assert (made[0, 0].max(), made[0, 7, 3:].min()) == (0.0, 1.0)
    for wrong in ({"image_std": [0, 1, 1]}, {"image_mean": [1]}, {"crop_size": {"height": 3}}):
        with pytest.raises(ModelError, match=r"preprocessor_config\.json cannot be used"):
            preparation({**config, **wrong})


def test_a_folder_that_is_no_clip_says_what_is_wrong(tmp_path: Path) -> None:
    def broken(name: str, spoil: Callable[[Path], object]) -> Path:
        place = tiny_clip.folder(tmp_path / name)
        spoil(place)
        return place

    for name, spoil, said in (
        ("no-words", lambda p: (p / "text/model.onnx").unlink(), "text/model.onnx"),
        ("no-tokens", lambda p: (p / "tokenizer.json").unlink(), "no tokenizer.json"),
        ("no-sides", lambda p: (p / "preprocessor_config.json").write_text("[]"), "no object"),
        ("no-mean", lambda p: (p / "preprocessor_config.json").write_text("{}"), "image_mean"),
    ):
        with pytest.raises(ModelError, match=said):
            OnnxClip(broken(name, spoil))


# ------------------------------------------------------------------------------ end to end


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tiny_clip.installed(tmp_path / "home" / "models")
    return tmp_path / "home"


def config_of(home: Path, **how: Any) -> Config:
    return load(home, {}, chat_model="none", embed_model="none", **how)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_files_are_searched_with_nothing_else_set_up(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = picture_posts.folder(tmp_path / "posts", "red", "again", "green", "bare")
    base = ("--home", str(home), "search", "--images", "--file", str(file))
    found = told(capsys, *base, "red umbrella")
    assert (found["kept"], found["unseen"], found["model"]) == (3, 0, "tiny-clip")
    first, second = found["found"]
    assert (first["post"]["id"], first["posts"], first["authors"]) == ("red", 2, 2)
    assert (first["first"]["id"], first["others"]) == ("red", ["again"])
    assert first["similarity"] > second["similarity"]
    data = (file.parent / "red.png").read_bytes()
    assert first["picture"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert (first["picture"]["width"], first["picture"]["form"]) == (80, "PNG")
    assert not list(home.rglob("*.db"))  # nothing of it stays
    # What the author says counts as what is seen does.
    assert main([*base, "lighthouse"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("green 2026-03-08")
    assert "shown by 2 posts, one picture" in shown
    assert "first: red@example.org, 2026-03-08" in shown
    assert main([*base, "--since", "2027-01-01", "  "]) == 1
    assert "empty" in capsys.readouterr().err


def test_chinese_is_translated_for_a_model_that_reads_none(home: Path, tmp_path: Path) -> None:
    file = picture_posts.folder(tmp_path / "posts", "red", "blue")
    with open_files(config_of(home), [file]) as gnomon:
        gnomon.post_pictures.catch_up()
        found = gnomon.post_pictures.search("红色的房子")
        assert (found.found[0].post.id, found.not_translated) == ("red", ())
        assert "red" in found.asked
        some = gnomon.post_pictures.search("蓝色的魑魅")
        assert some.found[0].post.id == "blue"
        assert "魑魅" in "".join(some.not_translated)
        none = gnomon.post_pictures.search("魑魅魍魉")
        assert (none.found, none.model) == ((), "")
        assert "English" in none.why
    tiny_clip.installed(home / "models", name="reads-both", languages=("en", "zh"))
    with open_files(config_of(home, picture_model="reads-both"), [file]) as gnomon:
        gnomon.post_pictures.catch_up()
        asked = gnomon.post_pictures.search("红色")
        assert (asked.model, asked.asked, asked.why) == ("reads-both", "", "")


def test_without_a_model_descriptions_are_searched_and_it_says_so(
    home: Path, tmp_path: Path
) -> None:
    file = picture_posts.folder(tmp_path / "posts", "green", "yellow", "red")
    damaged = tiny_clip.folder(tmp_path / "damaged")
    (damaged / "text" / "model.onnx").write_bytes(b"no model")
    for named, said in (
        ("none", "gnomon lab clip"), (str(damaged), "is damaged"), ("nosuch", "'nosuch'"),
    ):  # fmt: skip
        with open_files(config_of(home, picture_model=named), [file]) as gnomon:
            gnomon.post_pictures.catch_up()
            found = gnomon.post_pictures.search("lighthouse")
            assert [one.post.id for one in found.found] == ["green"]
            assert (found.model, found.found[0].similarity) == ("", None)
            assert said in found.why
            assert gnomon.post_pictures.search("umbrella").found == ()


def test_what_no_picture_is_is_set_aside_with_the_reason(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "posts"
    place.mkdir()
    (place / "bomb.png").write_bytes(bomb())
    (place / "page.png").write_bytes(b"<html>")
    (tmp_path / "outside.png").write_bytes(saved(Image.new("RGB", (9, 9)), "PNG"))
    (place / "moving.gif").write_bytes(
        saved(Image.new("RGB", (40, 40), BLUE), "GIF", save_all=True,
              append_images=[Image.new("RGB", (40, 40), RED)])
    )  # fmt: skip
    rows = [
        {"id": "odd", "text": "Odd ones.", "media": ["bomb.png", "page.png", "none.png",
         "../outside.png", "film.mp4", "http://127.0.0.1:9/x.png"]},
        {"id": "good", "text": "A good one.", "media": ["moving.gif"]},
        {"id": "many", "text": "Many.", "media": [f"{n}.png" for n in range(MOST + 2)]},
    ]  # fmt: skip
    file = place / "posts.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    base = ("--home", str(home))
    none = told(capsys, *base, "search", "--images", "blue")
    assert (none["kept"], none["found"]) == (0, [])
    assert "gnomon pull SPEC --pictures" in none["why"]
    assert not (home / "post-pictures").exists()
    taken = told(capsys, *base, "pull", str(file), "--pictures")["pictures"]
    assert (taken["posts"], taken["kept"], taken["aside"]) == (3, 1, 6 + MOST + 2)
    facts = told(capsys, *base, "status")["post_pictures"]
    why = {one["media"]: one["reason"] for one in facts["set_aside"] if one["post"] == "odd"}
    for media, said in (
        ("bomb.png", "65,000"), ("page.png", "no PNG"), ("none.png", "does not lie"),
        ("../outside.png", "does not lie"), ("film.mp4", "film"),
        ("http://127.0.0.1:9/x.png", "refused"),
    ):  # fmt: skip
        assert said in why[media], media
    whys = {one["media"]: one["reason"] for one in facts["set_aside"]}
    assert "the first 10 are kept" in whys[f"{MOST}.png"]
    with open_gnomon(config_of(home)) as gnomon:
        [found] = gnomon.post_pictures.search("blue").found
        assert (found.picture.moving, found.post.id) == (True, "good")
        # Nothing is tried again that was kept or refused.
        gnomon.pull([str(file)], pictures=True)
        assert gnomon.post_pictures.take_all().posts == 0
    assert main([*base, "status"]) == 0
    assert "1 picture of 1 post kept" in capsys.readouterr().out


# ------------------------------------------------------------------------------ with the post


def test_what_an_author_deletes_or_takes_out_is_gone_at_once(home: Path, tmp_path: Path) -> None:
    file = picture_posts.folder(tmp_path / "posts")
    with open_gnomon(config_of(home)) as gnomon:
        gnomon.pull([str(file)], pictures=True)
        gnomon.post_pictures.take_all()
        pictures = gnomon.post_pictures
        first = pictures.search("red").found[0]
        assert (first.posts, pictures.thumb(first.picture.sha256)[1]) == (2, "image/webp")
        [green] = [one for one in pictures.search("green").found if one.post.id == "green"]
        file_of_green = pictures.thumb(green.picture.sha256)[0]
        db = home / "post-pictures" / "pictures.db"
        assert file_of_green[60:120] in db.read_bytes()
        assert b"lighthouse" in db.read_bytes()
        for gone in ("green", "red"):
            deletion = Deletion(gnomon.store.get(gone).source, time.time(), post=gone)  # type: ignore[union-attr]
            gnomon.store.write(Batch("test", deletions=(deletion,)))
        # At once, before anything was tidied: only the copy is left of the red one.
        shown = [one.post.id for one in pictures.search("green red lighthouse").found]
        assert "green" not in shown
        assert "red" not in shown
        left = pictures.search("red").found[0]
        assert (left.post.id, left.posts, left.first.id) == ("again", 1, "again")
        for gone_picture in (green, first):
            with pytest.raises(NotFound):
                pictures.thumb(gone_picture.picture.sha256)
        held = gnomon.store.get("yellow")
        assert held is not None
        edit = Post(
            id=held.id, text="No picture any more.", source=held.source, author=held.author,
            fetched_at=time.time() + 5, created_at=held.created_at,
        )  # fmt: skip
        gnomon.store.write(Batch(held.source, posts=(edit,)))
        assert "yellow" not in [one.post.id for one in pictures.search("yellow lemon").found]
        pictures.prune()
        pictures._taking.keep_up()
        facts = pictures.facts()
        assert (facts["posts"], facts["pictures"], facts["seen"]) == (4, 4, 4)
        raw = db.read_bytes()
        assert file_of_green[60:120] not in raw
        assert b"lighthouse" not in raw


def test_adult_pictures_are_set_aside_and_hidden_again(home: Path, tmp_path: Path) -> None:
    place = tmp_path / "posts"
    place.mkdir()
    picture_posts.drawn(RED).save(place / "red.png")
    row = {"id": "p", "text": "Look.", "media": ["red.png"], "labels": ["Nudity"]}
    (place / "posts.jsonl").write_text(json.dumps(row))
    with open_gnomon(config_of(home, adult=True, picture_model="none")) as gnomon:
        gnomon.pull([str(place)], pictures=True)
        assert gnomon.post_pictures.take_all().kept == 1
        [found] = gnomon.post_pictures.search("look").found
    with open_gnomon(config_of(home, picture_model="none")) as gnomon:
        assert gnomon.post_pictures.search("look").found == ()
        with pytest.raises(NotFound):
            gnomon.post_pictures.thumb(found.picture.sha256)
    other = home.parent / "other"
    with open_gnomon(config_of(other, adult=True)) as gnomon:
        gnomon.pull([str(place)])
    with open_gnomon(config_of(other)) as gnomon:
        gnomon.pull([str(place)], pictures=True)
        assert gnomon.post_pictures.take_all().aside == 1
        assert "'nudity'" in gnomon.post_pictures.facts()["set_aside"][0]["reason"]


class Web:
    """A network that answers with pictures, and says what it was asked for."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = pages
        self.asked: list[Fetch] = []

    def fetch(self, wish: Fetch, stop: threading.Event | None = None) -> Response:
        self.asked.append(wish)
        body = self.pages.get(wish.url)
        return Response(wish.url, 404 if body is None else 200, {}, body or b"")

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def posts(*media: str) -> tuple[Post, ...]:
    now = time.time()
    return tuple(
        Post(id=f"w{at}", text=f"Number {at}.", source="web", author="a", fetched_at=now,
             created_at=now + at, media=(one,))
        for at, one in enumerate(media)
    )  # fmt: skip


def test_taking_in_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    urls = [f"https://pictures.example.org/{n}.png" for n in range(4)]
    pages = {u: saved(picture_posts.drawn(RED, at), "PNG") for at, u in enumerate(urls[:3])}
    web, store, path = Web(pages), MemoryStore(), tmp_path / "pictures.db"
    store.write(Batch("web", posts=posts(*urls)))
    cache = PictureCache(path)
    taking = Taking(config_of(tmp_path), store, cache, lambda: web)  # type: ignore[arg-type,return-value]
    taking.want_since(0, (), ())
    steps = taking.take()
    next(steps)
    steps.close()
    assert (cache.counts().pictures, cache.counts().wanted) == (1, 3)
    cache.close()
    again = PictureCache(path)
    last = list(Taking(config_of(tmp_path), store, again, lambda: web).take())[-1]  # type: ignore[arg-type,return-value]
    assert (last.posts, last.kept, last.aside) == (3, 2, 1)
    assert len(web.asked) == 4
    assert all(wish.stranger and wish.robots and wish.max_bytes for wish in web.asked)
    assert "answered 404" in again.asides()[0].reason
    # A post that was deleted while its picture was on its way leaves nothing.
    late = posts("https://pictures.example.org/late.png")[0]
    store.write(Batch("web", posts=(late,)))

    def fetch(wish: Fetch, stop: threading.Event | None = None) -> Response:
        store.write(Batch("web", deletions=(Deletion("web", time.time() + 9, post=late.id),)))
        return Response(wish.url, 200, {}, saved(picture_posts.drawn(BLUE), "PNG"))

    web.fetch = fetch  # type: ignore[method-assign]
    again.forget([late.id])
    again.want([late.id])
    list(Taking(config_of(tmp_path), store, again, lambda: web).take())  # type: ignore[arg-type,return-value]
    assert late.id not in again.posts()
    again.close()


def test_new_posts_are_followed_only_where_the_owner_wants_it(tmp_path: Path) -> None:
    url = "https://pictures.example.org/new.png"
    for most, kept in ((0, 0), (8, 1)):
        web, store = Web({url: saved(picture_posts.drawn(RED), "PNG")}), MemoryStore()
        store.write(Batch("web", posts=posts("https://pictures.example.org/old.png")))
        cache = PictureCache(None)
        config = config_of(tmp_path, keep_pictures_mb=most)
        taking = Taking(config, store, cache, lambda web=web: web)  # type: ignore[arg-type,misc]
        taking.keep_up()  # what was there before the first start is left alone
        store.write(Batch("web", posts=(posts("", url)[1],)))
        taking.keep_up()
        list(taking.take())
        assert [wish.url for wish in web.asked] == [url] * kept
        assert cache.counts().pictures == kept
        cache.close()
    with pytest.raises(ConfigError, match="keep_pictures_mb"):
        config_of(tmp_path, keep_pictures_mb=-1)


def test_over_the_limit_the_oldest_go() -> None:
    cache = PictureCache(None)
    now, noise = time.time(), np.random.default_rng(4)
    for at in range(120):
        pixels = noise.integers(0, 256, (8, 8, 3), dtype=np.uint8).tobytes()
        post = Post(id=f"p{at}", text="x", source="s", fetched_at=now, created_at=now + at)
        made = Thumbnail(8, 8, pixels, (8, 8), "PNG")
        cache.put(post, "x.png", "", f"{at:064x}", made, noise.bytes(9000), now)
    before = cache.counts()
    assert cache.trim(before.bytes) == 0
    gone = cache.trim(before.bytes // 2)
    assert gone in (50, 100)
    assert cache.counts().bytes <= before.bytes // 2
    assert sorted(cache.posts()) == sorted(f"p{at}" for at in range(gone, 120))
    cache.close()


def test_another_process_and_another_model_are_noticed(tmp_path: Path) -> None:
    """Two caches over one file; vectors of two models are never compared."""
    one, two = (PictureCache(tmp_path / "p.db") for _ in range(2))
    made, now = Thumbnail(1, 1, b"\1\2\3", (1, 1), "PNG"), time.time()
    rows = np.eye(3, dtype=np.float32)
    for at in range(3):
        post = Post(id=f"p{at}", text="x", source="s", fetched_at=now)
        made = Thumbnail(1, 1, bytes([90 * at] * 3), (1, 1), "PNG")
        one.put(post, "x", "", f"{at:064x}", made, b"file", now)
    ids = [picture for picture, _ in one.unseen("m", 9)][::-1]
    one.put_vectors("m", ids, rows)
    assert [p for p, _, _ in two.nearest("m", rows[1], 1)] == [ids[1]]
    assert two.nearest("other", rows[1], 1) == []
    one.forget(["p1"])
    assert [p for p, _, _ in two.nearest("m", rows[1], 9)] == [ids[0], ids[2]]
    assert len(two.unseen("other", 9)) == 2
    two.put_vectors("other", [ids[2]], np.array([[0.6, 0.8]], np.float32))
    [(picture, _, cosine)] = one.nearest("other", np.array([0.6, 0.8], np.float32), 9)
    assert (picture, round(cosine, 2)) == (ids[2], 1.0)
    assert one.nearest("m", rows[0], 9) == []
    one.close()
    two.close()


def test_descriptions_belong_to_their_pictures() -> None:
    def post(media: int, alt: object) -> Post:
        names = tuple(f"{n}.png" for n in range(media))
        return Post(id="p", text="", source="s", fetched_at=0.0, media=names, extra={"alt": alt})

    assert alts_of(post(2, ["a dog", "a  cat"])) == {"0.png": "a dog", "1.png": "a cat"}
    # Sources leave the empty ones out: whose the one is cannot be told.
    assert alts_of(post(2, ["a dog"])) == {"0.png": "a dog", "1.png": "a dog"}
    assert alts_of(post(1, "a dog")) == {"0.png": "a dog"}
    assert alts_of(post(1, {"odd": 1})) == {"0.png": ""}


def test_pictures_lie_beside_the_files_and_no_deeper_than_was_named(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / ".hidden").mkdir()
    file = tmp_path / "a" / "posts.jsonl"
    file.touch()
    assert folders_of([str(file), "bluesky", "https://example.org/feed"]) == [tmp_path / "a"]
    assert folders_of([str(tmp_path / "a")]) == [tmp_path / "a", tmp_path / "a" / "b"]


# ------------------------------------------------------------------------------ served


def test_the_api_finds_and_hands_out(home: Path, tmp_path: Path) -> None:
    file = picture_posts.folder(tmp_path / "posts", "red", "again", "blue", "bare")
    with open_files(config_of(home), [file]) as gnomon:
        gnomon.keep_pictures_in_background()
        assert waited(lambda: gnomon.status()["post_pictures"].get("seen") == 3)
        with running(gnomon) as url, httpx.Client(base_url=url) as client:
            query = {"q": "red umbrella", "images": "true", "k": 2}
            found = client.get("/v1/search", params=query).json()
            assert (found["images"], found["pictures"], found["posts"]) == (True, 2, 3)
            assert found["data"][0]["post"]["id"] == "red"
            late = {**query, "since": picture_posts.COPIED_AT}
            [copy] = client.get("/v1/search", params=late).json()["data"]
            assert copy["post"]["id"] == "again"
            picture = found["data"][0]["picture"]
            assert picture["url"] == f"{url}{PLACE}/{picture['id']}"
            got = client.get(picture["url"])
            assert got.headers["content-type"] == "image/webp"
            assert got.headers["cache-control"] == "private, no-cache"
            assert Image.open(io.BytesIO(got.content)).size == (80, 60)
            etag = {"if-none-match": got.headers["etag"]}
            assert client.get(picture["url"], headers=etag).status_code == 304
            for params, said in (
                ({"q": "red", "images": "maybe"}, "images"), ({"q": " ", "images": "true"}, "q"),
                ({"q": "red", "images": "true", "k": "0"}, "k"),
            ):  # fmt: skip
                wrong = client.get("/v1/search", params=params)
                assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, said)
            none = {**query, "source": "nosuch"}
            assert client.get("/v1/search", params=none).json()["data"] == []
            plain = client.get("/v1/search", params={"q": "lighthouse", "images": "false"}).json()
            assert plain["data"][0]["post"]["id"] == "bare"
            for name in ("f" * 64, "..%2Fpictures.db", "x"):
                assert client.get(f"{PLACE}/{name}").status_code == 404
            deletion = Deletion(gnomon.store.get("red").source, time.time(), post="red")  # type: ignore[union-attr]
            gnomon.store.write(Batch("test", deletions=(deletion,)))
            assert client.get(picture["url"], headers=etag).status_code == 404


def waited(done: Callable[[], bool]) -> bool:
    """Whether it came about within a minute."""
    for _ in range(600):
        if done():
            return True
        threading.Event().wait(0.1)
    return False


def test_both_languages_of_the_page_have_the_same_words() -> None:
    text = (PAGE / "seen.words.js").read_text(encoding="utf-8")
    english, chinese = (re.findall(r"^  (\w+):", part, re.M) for part in text.split("zh = ")[:2])
    assert english == chinese != []


def test_the_real_class_is_the_servers_contract() -> None:
    from gnomon.serve import contract

    engine: type[contract.PostPictures] = PostPictures
    assert engine is PostPictures
    assert hasattr(Gnomon, "post_pictures")

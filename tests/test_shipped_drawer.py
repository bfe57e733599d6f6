"""The small model that comes with gnomon: whole, small, licensed, and it draws what it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from gnomon.assemble.picture_models import open_draw, rows
from gnomon.config import load
from gnomon.models import installed
from gnomon.models.draw_onnx import SHIPPED, OnnxDraw
from gnomon.types.pictures import Raster, Sketch

MOST_BYTES = 40 * 2**20


@pytest.fixture(scope="module")
def model() -> Iterator[OnnxDraw]:
    model = OnnxDraw(SHIPPED, threads=1)
    yield model
    model.close()


def drawn(model: OnnxDraw, prompt: str, seed: int = 1) -> np.ndarray:
    side = model.brush().sizes[0][0]
    *_, last = model.draw(Sketch(prompt=prompt, width=side, height=side, seed=seed, steps=12))
    assert isinstance(last, Raster)
    return np.frombuffer(last.rgb, np.uint8).reshape(side, side, 3)


def test_its_files_are_what_its_manifest_says() -> None:
    held = json.loads((SHIPPED / installed.MANIFEST).read_text("utf-8"))
    for row in held["files"]:
        path = SHIPPED / row["path"]
        assert installed.file_sha256(path) == row["sha256"], path
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) < MOST_BYTES


def test_its_card_names_its_licence_and_what_it_learnt_from() -> None:
    card = json.loads((SHIPPED / installed.CARD).read_text("utf-8"))
    assert card["licence"] == "Apache-2.0"
    assert set(card["data"]["licences"]) <= {"Apache-2.0", "MIT", "CC-PDDC", "CC0-1.0"}
    assert card["data"]["drawings"] > 1000
    assert card["limits"] in (SHIPPED / "README.md").read_text("utf-8")


def test_it_draws_what_it_is_told(model: OnnxDraw) -> None:
    """Colours and grounds, which it has learnt well: what most of a picture's edge is, and what the
    middle is."""
    ground = drawn(model, "a red apple on a blue background")
    red, green, blue = np.median(ground[:3].reshape(-1, 3), axis=0)
    assert blue > red + 30
    red, green, blue = np.median(ground[24:40, 24:40].reshape(-1, 3), axis=0)
    assert red > max(green, blue) + 50
    red, green, blue = np.median(drawn(model, "绿色的苹果")[24:40, 24:40].reshape(-1, 3), axis=0)
    assert green > blue + 30


def test_a_seed_makes_the_same_picture_again(model: OnnxDraw) -> None:
    first = drawn(model, "a cat", 7)
    assert (first == drawn(model, "a cat", 7)).all()
    assert (first != drawn(model, "a cat", 8)).any()


def test_it_draws_where_nothing_else_is_set(tmp_path) -> None:
    config = load(tmp_path, {})
    opened = open_draw(config)
    try:
        assert opened.name == json.loads((SHIPPED / installed.CARD).read_text("utf-8"))["name"]
        assert [row["id"] for row in rows(config, None)] == [opened.name]
        named = open_draw(config, opened.name)
        named.close()
    finally:
        opened.close()

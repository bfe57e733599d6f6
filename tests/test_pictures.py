"""What draws: each runtime with a tiny real model, and the engine's road from a prompt to a signed
picture."""

from __future__ import annotations

import importlib.util
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_pictures
from command import gnomon as command
from gnomon.assemble import open_gnomon
from gnomon.assemble.picture_looks import LEAST_READ, readable, unchecked
from gnomon.cli import main
from gnomon.config import load
from gnomon.errors import ConfigError, Forbidden, InputError, ModelError, ModelMissing, NotFound
from gnomon.guardrails.policy import FILE
from gnomon.models.draw_diffusers import DiffusersDraw
from gnomon.models.draw_onnx import OnnxDraw
from gnomon.models.draw_onnx_runner import sigmas
from gnomon.models.draw_prompt import translated, understand
from gnomon.models.draw_raster import decode, encode, fitted
from gnomon.models.draw_sdcpp import SdCpp
from gnomon.models.draw_url import UrlDraw
from gnomon.models.protocols import Completion, Draw
from gnomon.sources import ocr
from gnomon.types.pictures import (
    Album,
    Brush,
    Commission,
    Picture,
    Raster,
    Sketch,
    Stroke,
    Understood,
)

pytest.importorskip("PIL", reason="pictures need gnomon[draw]")
pytest.importorskip("onnx", reason="the tiny model is made with onnx")

SIDE = tiny_pictures.SIDE


def drawn(model: Draw, sketch: Sketch) -> tuple[list[Stroke], Raster]:
    *strokes, raster = model.draw(sketch)
    assert isinstance(raster, Raster)
    assert all(isinstance(stroke, Stroke) for stroke in strokes)
    return [stroke for stroke in strokes if isinstance(stroke, Stroke)], raster


@pytest.fixture(scope="module", params=[False, True], ids=["pixels", "latents"])
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnnxDraw]:
    folder = tiny_pictures.onnx_pipeline(tmp_path_factory.mktemp("m") / "x", latent=request.param)
    model = OnnxDraw(folder)
    yield model
    model.close()


def test_an_exported_pipeline_draws_and_a_seed_makes_it_again(exported: OnnxDraw) -> None:
    sketch = Sketch("a red cat", SIDE, SIDE, seed=5, previews=2)
    strokes, first = drawn(exported, sketch)
    assert [stroke.step for stroke in strokes] == [1, 2, 3, 4]
    assert sum(stroke.preview is not None for stroke in strokes) == 2
    assert (first.width, first.height) == (SIDE, SIDE)
    assert drawn(exported, sketch)[1] == first
    assert drawn(exported, replace(sketch, seed=6))[1] != first
    assert drawn(exported, replace(sketch, prompt="a blue dog"))[1] != first
    assert drawn(exported, replace(sketch, guidance=1.0))[1] != first
    assert drawn(exported, replace(sketch, negative="sun"))[1] != first
    assert drawn(exported, replace(sketch, width=2 * SIDE))[1].width == 2 * SIDE


def test_an_edit_starts_from_a_picture_and_keeps_what_the_mask_keeps(exported: OnnxDraw) -> None:
    before = drawn(exported, Sketch("a red cat", SIDE, SIDE, seed=5))[1]
    sketch = Sketch("blue house", SIDE, SIDE, seed=9, source=before, strength=0.5)
    strokes, whole = drawn(exported, sketch)
    assert len(strokes) == 2
    half = SIDE * SIDE // 2
    masked = drawn(exported, replace(sketch, mask=bytes([255] * half + [0] * half)))[1]
    assert masked.rgb[: 3 * half] != before.rgb[: 3 * half]
    if "vae_decoder" not in exported._parts:  # a decoder does not give back what was encoded
        assert masked.rgb[3 * half :] == before.rgb[3 * half :]
    assert whole.rgb[3 * half :] != masked.rgb[3 * half :]


def test_a_size_that_was_not_trained_is_refused_by_name(exported: OnnxDraw) -> None:
    with pytest.raises(InputError, match="it draws 32x32, 64x32"):
        drawn(exported, Sketch("a cat", 512, 512, seed=1))


def test_a_drawing_that_is_given_up_leaves_the_model_usable(exported: OnnxDraw) -> None:
    going = exported.draw(Sketch("a cat", SIDE, SIDE, seed=1, steps=400))
    next(iter(going))
    going.close()  # type: ignore[attr-defined]
    assert drawn(exported, Sketch("a cat", SIDE, SIDE, seed=1))[1]


def test_the_schedule_is_diffusers_own() -> None:
    """Values of FlowMatchEulerDiscreteScheduler(shift=3).set_timesteps(4), diffusers 0.42.1."""
    expected = [1.0, 0.857692, 0.602151, 0.008929, 0.0]
    assert np.allclose(sigmas(4, 3.0, 1000), expected, atol=1e-5)
    assert np.allclose(sigmas(3, 1.0, 1000), [1.0, 0.5005, 0.001, 0.0], atol=1e-6)


@pytest.mark.skipif(not importlib.util.find_spec("diffusers"), reason="diffusers is not here")
def test_the_schedule_follows_the_diffusers_that_is_here() -> None:
    pytest.importorskip("torch")
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(7)
    assert np.allclose(sigmas(7, 3.0, 1000), scheduler.sigmas.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / "tokenizer" / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda f: (f / "text_encoder" / "model.onnx").unlink(), "no text_encoder"),
        (lambda f: (f / "card.json").write_text("["), "cannot be read"),
        (
            lambda f: (f / "scheduler" / "scheduler_config.json").write_text(
                '{"_class_name": "DDIMScheduler"}'
            ),
            "DDIMScheduler",
        ),
    ],
)
def test_a_damaged_folder_is_told_before_anything_is_drawn(
    tmp_path: Path, damage: Any, says: str
) -> None:
    folder = tiny_pictures.onnx_pipeline(tmp_path / "m")
    damage(folder)
    with pytest.raises(ModelError, match=says):
        OnnxDraw(folder)


# ------------------------------------------------------------------------- stable-diffusion.cpp


def test_the_program_draws_tells_its_steps_and_takes_a_source(tmp_path: Path) -> None:
    program, file = tiny_pictures.sd_program(tmp_path)
    model = SdCpp(file, program=str(program))
    sketch = Sketch("a red cat; $(touch pwned) -- -o", 64, 64, seed=3, steps=6)
    strokes, first = drawn(model, sketch)
    assert [stroke.step for stroke in strokes] == [1, 2, 3, 4, 5, 6]
    # The program got the very words: its picture follows from them (``tiny_pictures.SD``).
    colour = random.Random(f"{sketch.prompt}|3|False")
    assert first.rgb[:3] == bytes(colour.randrange(256) for _ in range(3))
    assert drawn(model, sketch)[1] == first
    assert drawn(model, replace(sketch, source=first))[1] != first
    with pytest.raises(ModelError, match=r"exit status 3.*out of memory"):
        drawn(model, replace(sketch, prompt="crash"))


def test_the_program_is_ended_when_nobody_waits(tmp_path: Path) -> None:
    program, file = tiny_pictures.sd_program(tmp_path)
    model = SdCpp(file, program=str(program))
    going = model.draw(Sketch("slow", 64, 64, seed=3, steps=400))
    next(iter(going))
    began = time.monotonic()
    going.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 10
    with pytest.raises(ConfigError, match="draw_program"):
        SdCpp(file, program="no-such-sd-cli")
    with pytest.raises(ModelMissing, match=r"nothing\.gguf"):
        SdCpp(tmp_path / "nothing.gguf")


# ------------------------------------------------------------------------- diffusers


@pytest.mark.skipif(
    not (importlib.util.find_spec("diffusers") and importlib.util.find_spec("torch")),
    reason="diffusers and torch are not here (gnomon[diffusers])",
)
def test_a_diffusers_folder_draws(tmp_path: Path) -> None:
    model = DiffusersDraw(str(tiny_pictures.diffusers_pipeline(tmp_path / "sd")))
    try:
        brush = model.brush()
        assert brush.sha256
        assert brush.edits
        sketch = Sketch("red cat", 16, 16, seed=4, steps=2)
        strokes, first = drawn(model, sketch)
        assert [stroke.step for stroke in strokes] == [1, 2]
        assert drawn(model, sketch)[1] == first
        assert drawn(model, replace(sketch, seed=5))[1] != first
        assert drawn(model, replace(sketch, source=first, steps=4, strength=0.5))[1] != first
    finally:
        model.close()


# ------------------------------------------------------------------------- files


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_files_are_the_same_for_the_same_pixels(form: str) -> None:
    raster = Raster(4, 2, bytes(range(24)))
    data = encode(raster, form, 100)
    assert encode(raster, form, 100) == data
    again = decode(data)
    assert (again.width, again.height) == (4, 2)
    if form == "png":
        assert again == raster
    assert fitted(raster, (8, 8)).width == 8


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="PNG, JPEG or WebP"):
        decode(data)


# ------------------------------------------------------------------------- prompts

ENGLISH = Brush("m", languages=("en",))


class Chat:
    """A chat model that says one thing."""

    name, strong, context_tokens = "scripted", True, 4096

    def __init__(self, said: str | Exception) -> None:
        self._said = said

    def complete(self, messages: Any, **how: Any) -> Completion:
        if isinstance(self._said, Exception):
            raise self._said
        return Completion(self._said)


def test_keywords_become_a_prompt_and_a_prompt_stays() -> None:
    told = understand("fox, snow", ENGLISH, None)
    assert told.prompt.startswith("fox, snow, ")
    assert told.by == "words"
    whole = "A fox sits in deep snow under a birch at dawn while the first light comes in."
    assert understand(whole, ENGLISH, None) == Understood(whole, whole)
    assert understand("fox, watercolour", ENGLISH, None).by == ""
    assert understand("fox, snow", ENGLISH, None, expand=False).prompt == "fox, snow"
    assert understand("fox, snow", replace(ENGLISH, short=True), None).prompt == "fox, snow"


def test_chinese_is_translated_for_a_model_that_reads_english() -> None:
    told = understand("一只红色的猫在森林里", ENGLISH, None)
    assert told.prompt.startswith("a red cat in forest, ")
    assert told.left == ()
    assert translated("魑魅 and 猫") == ("and cat", ("魑魅",))
    assert understand("红色的猫", Brush("m", languages=("en", "zh")), None).lang == "zh"
    assert understand("红色的猫", Brush("m", languages=()), None).lang == "zh"


def test_a_chat_model_writes_the_prompt_and_a_poor_one_is_not_believed() -> None:
    good: Any = Chat('{"prompt": "A red fox in deep snow, dawn, woodcut"}')
    told = understand("狐狸 雪", ENGLISH, good)
    assert (told.by, told.prompt) == ("model", "A red fox in deep snow, dawn, woodcut")
    for said in ('{"prompt": "一只狐狸"}', "no json", "[]", ModelError("gone")):
        poor: Any = Chat(said)
        assert understand("狐狸 雪", ENGLISH, poor).by == "words"


# ------------------------------------------------------------------------- the engine


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    tiny_pictures.installed(home / "models")
    return home


@pytest.fixture(scope="module")
def engine(home: Path) -> Iterator[Any]:
    with open_gnomon(load(home, {}, chat_model="none"), readonly=True) as gnomon:
        yield gnomon


def album(engine: Any, prompt: str, **how: Any) -> tuple[Picture, ...]:
    *_, last = engine.pictures.draw(Commission(prompt, **how))
    assert isinstance(last, Album)
    return last.pictures


def test_every_picture_is_signed_by_us_and_says_how_it_was_made(engine: Any) -> None:
    for form in ("png", "jpeg", "webp"):
        (picture,) = album(engine, "a red cat", seed=7, format=form)
        assert picture.signed
        read = engine.provenance.read(picture.data, picture.mime)
        assert read.state == "trusted"
        assert read.machine
        assert read.made.model == "tiny-pictures"
        assert read.made.model_sha256 == picture.model_sha256


def test_previews_are_signed_too_and_an_edit_names_its_source(engine: Any) -> None:
    events = list(engine.pictures.draw(Commission("a red cat", seed=7, previews=1)))
    previews = [e for e in events if isinstance(e, Picture) and e.preview]
    assert previews
    assert all(engine.provenance.read(p.data, p.mime).state == "trusted" for p in previews)
    first = album(engine, "a red cat", seed=7)[0]
    (edited,) = album(engine, "blue house", seed=7, source=first.data)
    assert engine.provenance.read(edited.data, edited.mime).made.from_sha256


def test_without_a_signer_it_is_said_and_not_hidden(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*args: Any) -> bytes:
        raise ConfigError("Signing needs c2pa-python.")

    monkeypatch.setattr(type(engine.provenance), "sign", cannot)
    (picture,) = album(engine, "a red cat")
    assert not picture.signed
    assert picture.unsigned == "Signing needs c2pa-python."


def test_several_have_seeds_in_a_row_and_each_can_be_made_again(engine: Any) -> None:
    both = album(engine, "a red cat", n=2, seed=40)
    assert [one.seed for one in both] == [40, 41]
    again = album(engine, "a red cat", seed=41)[0]
    assert decode(again.data) == decode(both[1].data)


def test_a_refusal_names_rule_owner_and_log(engine: Any) -> None:
    with pytest.raises(Forbidden, match=r"sexual/nudity.*ask the owner.*reference pic-") as raised:
        album(engine, "a nude woman on a bed", caller="somebody")
    entry = engine.pictures.entries(1)[0]
    assert entry["reference"] == raised.value.reference
    assert (entry["kind"], entry["rule"], entry["caller"]) == ("sexual", "nudity", "somebody")
    engine.pictures.forget("somebody")
    assert all(entry["caller"] != "somebody" for entry in engine.pictures.entries())


def test_a_warning_goes_with_the_picture_and_off_is_off(engine: Any, home: Path) -> None:
    (home / FILE).write_text("[kinds]\ngore = 'warn'\nsexual = 'off'\n", encoding="utf-8")
    try:
        (picture,) = album(engine, "a severed head on a plate")
        assert picture.warnings == ("gore/mutilation",)
        assert album(engine, "a nude woman")[0].warnings == ()
    finally:
        (home / FILE).unlink()


def test_a_finished_picture_is_looked_at(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Looks:
        def __init__(self, score: float) -> None:
            self._score = score

        def nsfw(self, raster: Raster) -> float:
            return self._score

    def seen(score: float) -> None:
        monkeypatch.setattr(engine.pictures, "_looker", lambda: Looks(score))

    seen(0.9)
    with pytest.raises(Forbidden, match="sexual/nudity-in-picture"):
        album(engine, "a red cat")
    seen(0.5)
    assert album(engine, "a red cat")[0].checked == ("sexual",)
    with pytest.raises(Forbidden, match="minors/nudity-in-picture"):
        album(engine, "a boy with a kite")


class Scribe:
    """A model that draws what it was given to draw."""

    name = "scribe"

    def __init__(self, raster: Raster) -> None:
        self._raster = raster

    def brush(self) -> Brush:
        return Brush(self.name, sizes=((self._raster.width, self._raster.height),), steps=1)

    def draw(self, sketch: Sketch, *, timeout_s: float = 600.0) -> Iterator[Stroke | Raster]:
        yield self._raster

    def close(self) -> None:
        pass


DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf")


@pytest.mark.skipif(not ocr.installed(), reason="rapidocr is not installed")
@pytest.mark.skipif(not DEJAVU.exists(), reason="no DejaVu fonts here")
def test_what_is_written_in_a_finished_picture_is_read(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (560, 200), "white")
    face = ImageFont.truetype(str(DEJAVU), 30)
    for y, line in ((30, "BREAKING NEWS"), (90, "Bomb attack on the airport")):
        ImageDraw.Draw(image).text((20, y), line, font=face, fill="black")
    scribe = Scribe(Raster(560, 200, image.tobytes()))
    monkeypatch.setattr(engine.pictures, "_model", lambda name: scribe)
    with pytest.raises(Forbidden, match="forged/invented-news"):
        album(engine, "a television in a shop window")
    entry = engine.pictures.entries(1)[0]
    assert (entry["kind"], entry["stage"]) == ("forged", "picture")


def test_a_picture_says_what_was_not_looked_for(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture too small to be read says nothing of its writing."""
    assert SIDE < LEAST_READ
    told = album(engine, "a red cat")[0].unchecked
    assert told["forged"] == "nothing here looks for it in a picture"
    monkeypatch.setattr(ocr, "installed", lambda: True)
    assert "written in it" in unchecked(None, read=readable(512, 512))["forged"]
    monkeypatch.setattr(ocr, "installed", lambda: False)
    assert "written in it" not in unchecked(None, read=readable(512, 512))["forged"]


def test_the_second_judge_is_asked_where_the_owner_wants_it(engine: Any, home: Path) -> None:
    from gnomon.assemble.pictures import Pictures

    (home / FILE).write_text("second_judge = true\n", encoding="utf-8")
    chat: Any = Chat('{"rule": "hate"}')
    strict = Pictures(engine.config, lambda: chat, lambda: engine.provenance)
    try:
        with pytest.raises(Forbidden, match="hate/second-judge"):
            list(strict.draw(Commission("a red cat")))
    finally:
        strict.close()
        (home / FILE).unlink()


def test_what_a_model_rewrites_is_judged_too(engine: Any) -> None:
    from gnomon.assemble.pictures import Pictures

    chat: Any = Chat('{"prompt": "a nude woman on a hotel bed"}')
    rewriting = Pictures(engine.config, lambda: chat, lambda: engine.provenance)
    try:
        with pytest.raises(Forbidden, match="sexual/nudity"):
            list(rewriting.draw(Commission("a red cat")))
    finally:
        rewriting.close()
    assert "fuller prompt" in engine.pictures.entries(1)[0].values()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"n": 9}, "draw_n"),
        ({"n": 0}, "n is 0"),
        ({"steps": 1000}, "draw_steps"),
        ({"size": (8000, 8000)}, "draw_pixels"),
        ({"seed": -1}, "seed is -1"),
        ({"strength": 0.0}, "strength"),
        ({"format": "tiff"}, "give png, jpeg, webp"),
        ({"source": b"no picture"}, "cannot be read"),
    ],
)
def test_a_wish_outside_the_limits_is_refused(engine: Any, how: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        album(engine, "a red cat", **how)


def test_without_a_model_it_says_how_to_get_one(tmp_path: Path) -> None:
    config = load(tmp_path, {}, chat_model="none", draw_model="none")
    with open_gnomon(config, readonly=True) as gnomon:
        assert "draw_model" in gnomon.pictures.about()["why"]
        with pytest.raises(NotFound, match="draw_model"):
            album(gnomon, "a red cat")


def test_a_picture_model_is_no_chat_model(engine: Any) -> None:
    assert all(row["id"] != "tiny-pictures" for row in engine.talk.models())


# ------------------------------------------------------------------------- the command


def test_the_command_draws_files(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "fox.jpg"
    made = command(home, "draw", "--seed", "3", "--out", out, "--json", "a", "red", "cat")
    assert made.code == 0, made
    assert made.json[0]["seed"] == 3
    assert decode(out.read_bytes()).width == SIDE


def test_the_command_refuses_and_shows_why(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ran(*words: str) -> tuple[int, str]:
        code = main(["--home", str(home), "draw", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    code, said = ran("a nude woman")
    assert (code, "sexual/nudity" in said) == (1, True)
    assert "sexual/nudity" in ran("--log")[1]
    assert 'sexual = "refuse"' in ran("--policy")[1]
    assert ran()[0] == 2
    assert ran("--prompt-only", "红色的猫")[1].startswith("red cat")
    assert "webp" in ran("--out", str(tmp_path / "x.tiff"), "a cat")[1]
    assert "512x512" in ran("--size", "big", "a cat")[1]
    assert "--from" in ran("--mask", "m.png", "a cat")[1]


def test_a_url_that_cannot_be_reached_is_a_clear_error() -> None:
    model = UrlDraw("http://127.0.0.1:9/v1")
    with pytest.raises(ModelError, match="cannot be reached"):
        list(model.draw(Sketch("a cat", 64, 64, seed=1), timeout_s=5))
    with pytest.raises(InputError, match="no http"):
        UrlDraw("ftp://x")

"""The lab's drawer: held to diffusers' own classes, and to what the assistant runs of it."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from PIL import Image

from drawings import COLOURS, drawing, write_set
from gnomon.errors import InputError
from gnomon.lab.clip import model as clips
from gnomon.lab.clip import words as vocabulary
from gnomon.lab.command import Bench
from gnomon.lab.draw import blind, command, measure, onnx_folder, sheet, stage, stock
from gnomon.lab.draw.dit import Dit, Shape, cut, joined, shape_of
from gnomon.lab.draw.flow import as_pictures, sample, sigmas
from gnomon.lab.draw.prompts import Reader
from gnomon.lab.pictures.colours import NAMES, colour_of, name_of, turned
from gnomon.lab.pictures.held import open_pictures
from gnomon.lab.pictures.scenes import Mix, Scenes
from gnomon.lab.progress import Silence
from gnomon.lab.workspace import workspace, write_json
from gnomon.models.draw_onnx import OnnxDraw
from gnomon.types.pictures import Raster, Sketch

needs_diffusers = pytest.mark.skipif(
    not (importlib.util.find_spec("diffusers") and importlib.util.find_spec("ftfy")),
    reason="diffusers is not here (gnomon[diffusers])",
)
WIDTH = 64
GIVEN = (
    "--steps", "12", "--batch", "8", "--sheet-every", "6", "--precision", "fp32",
    "--licence", "CC0-1.0",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home whose run *shapes* has pictures and a CLIP that has not learnt yet."""
    torch.set_num_threads(1)
    home = tmp_path_factory.mktemp("home")
    work = workspace(home, "shapes")
    pictures = write_set(work.folder / "pictures")
    write_json(pictures / "report.json", {"inputs": "p", "folder": str(pictures)})
    folder = work.stage("clip") / "model"
    items = open_pictures(pictures).items
    words = vocabulary.train([text for item in items for text in (*item.captions, *item.zh)], 600)
    tower = clips.Tower(1, WIDTH, 1)
    torch.manual_seed(0)
    shape = clips.Shape(
        vocab=words.vocab, start=words.start, end=words.end, pad=words.pad,
        text=tower, vision=tower, projection=32,
    )  # fmt: skip
    clips.save(clips.Clip(shape), folder)
    vocabulary.save(words, folder)
    write_json(folder.parent / "report.json", {"inputs": "c", "folder": str(folder)})
    return home


def bench(home):
    return Bench(home, home / "models", 1, Silence())


def asked(*given):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(["--name", "shapes", "--depth", "1", "--side", "32", *given])


@pytest.fixture(scope="module")
def drawer(home):
    """A drawer that learnt for a few steps, and its report."""
    return command.run(
        asked(*GIVEN),
        bench(home),
    )


def filled(shape):
    """A model whose every weight does something."""
    torch.manual_seed(1)
    model = Dit(shape)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.08)
    return model.eval()


def scenes(home, side=32, **given):
    return Scenes(open_pictures(home / "lab" / "shapes" / "pictures"), side=side, **given)


# ------------------------------------------------------------------------- scenes


def test_a_step_has_the_same_scenes_whenever_it_is_asked_for(home):
    first, again = scenes(home, seed=3), scenes(home, seed=3)
    again.take(5, 2)
    pictures, captions = first.take(7, 6)
    pictures_2, captions_2 = again.take(7, 6)
    assert captions == captions_2
    assert (pictures == pictures_2).all()
    assert captions != first.take(8, 6)[1]
    assert captions != scenes(home, seed=4).take(7, 6)[1]


def test_a_scene_shows_what_its_caption_says(home):
    plain = scenes(home, mix=Mix(pair=0, count=0, colour=0, ground=0, style=0, zh=0))
    for picture, caption in zip(*plain.take(0, 24), strict=True):
        words = caption.removeprefix("a ").removeprefix("small ").split()
        assert words[1] in ("square", "disc", "bar")
        alpha = (picture.min(axis=2) < 200).astype(np.uint8) * 255
        found, share = colour_of(np.dstack([picture, alpha]))
        assert found == words[0]
        assert share > 0.6


def test_two_things_stand_where_the_caption_says(home):
    pairs = scenes(home, mix=Mix(pair=1, count=0, colour=0, ground=0, style=0, zh=0))
    seen = 0
    for picture, caption in zip(*pairs.take(0, 64), strict=True):
        if " to the left of " not in caption:
            continue
        for name, half in zip(
            caption.split(" to the left of "), np.split(picture, 2, axis=1), strict=True
        ):
            drawn = half[half.min(axis=2) < 200].astype(np.float32)
            assert name_of(np.median(drawn, axis=0)) in name
            seen += 1
    assert seen >= 4


def test_what_is_held_out_is_in_no_scene(home):
    _, captions = scenes(home, mix=Mix(zh=0, colour=0)).take(0, 200)
    assert not any("blue bar" in caption for caption in captions)
    both = scenes(home, split=("train", "test"), mix=Mix(zh=0, colour=0))
    assert any("blue bar" in caption for caption in both.take(0, 200)[1])


def test_a_colour_that_was_turned_has_the_name_it_gets(home):
    assert [name_of(np.array(rgb, np.float32)) for rgb in NAMES.values()] == list(NAMES)
    red = np.array(COLOURS["red"][0], np.float32)
    assert name_of(turned(red, 0.0)) == "red"
    assert name_of(turned(red, np.pi)) in ("blue", "green", "grey")
    assert colour_of(drawing("green", "disc", "flat"))[0] == "green"
    assert colour_of(np.zeros((4, 4, 4), np.uint8)) == ("", 0.0)


# ------------------------------------------------------------------------- the model


def test_what_is_cut_is_joined():
    pictures = torch.randn(2, 3, 16, 24)
    assert torch.equal(joined(cut(pictures, 8), 2, 3, 8), pictures)


@needs_diffusers
def test_the_model_is_diffusers_prx():
    from diffusers import PRXTransformer2DModel

    shape = Shape(128, 2, 32, 4, context=48)
    ours = filled(shape)
    config = {k: v for k, v in stock.stock_config(shape).items() if k[0] != "_"}
    config.pop("sample_size")
    theirs = PRXTransformer2DModel(**config).eval()
    theirs.load_state_dict(ours.state_dict())
    noisy, time, words = torch.randn(3, 3, 32, 32), torch.rand(3), torch.randn(3, 7, 48)
    mask = torch.ones(3, 7, dtype=torch.bool)
    mask[1, 4:] = False
    with torch.no_grad():
        found = theirs(noisy, time, words, attention_mask=mask).sample
        torch.testing.assert_close(ours(noisy, time, words, mask), found, atol=2e-5, rtol=1e-4)


@needs_diffusers
def test_the_pipeline_is_diffusers_prx_pixel(home, tmp_path):
    """Our steps and the stock pipeline's end in the same picture."""
    from diffusers import PRXPixelPipeline

    clip = home / "lab" / "shapes" / "clip" / "model"
    shape = shape_of(1, 32, WIDTH)
    ours = filled(shape)
    stock.save(shape, dict(ours.named_parameters()), clip, tmp_path / "pipeline")
    theirs = PRXPixelPipeline.from_pretrained(tmp_path / "pipeline")
    theirs.set_progress_bar_config(disable=True)
    noise = torch.randn(1, 3, 32, 32)
    found = theirs(
        "a red square", num_inference_steps=5, guidance_scale=3.0, latents=noise.clone(),
        use_resolution_binning=False, height=32, width=32, output_type="pt",
    ).images  # fmt: skip
    reader = Reader(clip)
    made = sample(
        stock.load(tmp_path / "pipeline"), reader(["a red square"]), reader([""]), noise,
        steps=5, guidance=3.0,
    )  # fmt: skip
    assert abs(made.astype(int) - as_pictures(found)).max() <= 1
    assert len(np.unique(made)) > 50


def test_steps_lie_where_the_schedule_puts_them():
    """FlowMatchEulerDiscreteScheduler(shift=3).set_timesteps(4), diffusers 0.42.1."""
    assert sigmas(4, 3.0) == pytest.approx([1.0, 0.8577, 0.6023, 0.0089, 0.0], abs=1e-3)
    assert sigmas(1, 1.0) == [1.0, 0.0]


# ------------------------------------------------------------------------- the stage


def test_it_learns_and_draws_sheets(home, drawer):
    folder = home / "lab" / "shapes" / "draw"
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 12
    assert rows[-1]["loss"] < 0.9 * rows[0]["loss"]
    assert drawer["concepts"] == 8
    sheets = sorted((folder / "sheets").iterdir())
    assert len(sheets) == 2
    assert Image.open(sheets[0]).width > 6 * 64
    assert (folder / "curve.svg").read_text().startswith("<svg")
    assert not (folder / "checkpoints").exists()


def test_what_is_done_is_not_done_again(home, drawer):
    pipeline = home / "lab" / "shapes" / "draw" / "pipeline" / "transformer" / stock.WEIGHTS
    before = pipeline.stat().st_mtime_ns
    again = command.run(asked(*GIVEN), bench(home))
    assert pipeline.stat().st_mtime_ns == before
    assert again["train_loss"] == drawer["train_loss"]


def test_a_cut_run_goes_on_to_the_same_model(home, monkeypatch):
    """A run that is stopped in the middle ends where one that was not does."""
    settings = stage.Settings(depth=1, side=32, steps=6, batch=4, sheet_every=6, bf16=False)
    work = workspace(home, "shapes")
    whole = stage.draw(work, bench(home), settings, anew=True)
    kept = stock.load(home / "lab" / "shapes" / "draw" / "pipeline").state_dict()

    class Cut(Silence):
        def at(self, progress):
            if progress.done == 4 and not self.raised:
                self.raised = True
                os.kill(os.getpid(), signal.SIGINT)

        raised = False

    again = Bench(home, home / "models", 1, Cut())
    with pytest.raises(KeyboardInterrupt):
        stage.draw(work, again, settings, anew=True)
    rest = stage.draw(work, again, settings)
    assert rest["train_loss"] == pytest.approx(whole["train_loss"], rel=1e-5)
    pipeline = home / "lab" / "shapes" / "draw" / "pipeline"
    for name, weight in stock.load(pipeline).state_dict().items():
        torch.testing.assert_close(weight, kept[name], atol=1e-5, rtol=1e-4)


def test_a_run_starts_from_another_ones_weights(home, tmp_path):
    """With no step to speak of between them, it ends where the other one did."""
    shape = shape_of(1, 32, WIDTH)
    before = filled(shape)
    clip = home / "lab" / "shapes" / "clip" / "model"
    stock.save(shape, dict(before.named_parameters()), clip, tmp_path / "pipeline")
    settings = stage.Settings(
        depth=1, side=32, steps=1, batch=2, rate_scale=1e-6, start=str(tmp_path / "pipeline")
    )
    report = stage.draw(workspace(home, "shapes"), bench(home), settings, anew=True)
    after = stock.load(home / "lab" / "shapes" / "draw" / "pipeline").state_dict()
    for name, weight in before.state_dict().items():
        torch.testing.assert_close(after[name], weight, atol=1e-4, rtol=1e-3)
    assert report["started_from"] == settings.start
    other = stage.Settings(depth=2, side=32, start=settings.start)
    with pytest.raises(InputError, match="of 1 layers for 32 px; this run is of 2"):
        stage.draw(workspace(home, "shapes"), bench(home), other, anew=True)


def test_minutes_become_steps(home):
    settings = stage.Settings(depth=1, side=32, minutes=0.002, batch=4, piece=4)
    report = stage.draw(workspace(home, "shapes"), bench(home), settings, anew=True)
    assert report["steps"] >= 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--depth", "0"), "--depth is 0"),
        (("--side", "50"), "--side is 50"),
        (("--steps", "0"), "--steps is 0"),
        (("--minutes", "-1"), "--minutes is -1"),
        (("--rate-scale", "0"), "--rate-scale is 0"),
        (("--styles", "oil"), "its styles are: flat, thin"),
        (("--mix", "soup"), "--mix is 'soup'; give one of: scenes, things"),
        (("--start", "nowhere"), "nowhere holds no drawer"),
    ],
)
def test_a_wrong_wish_is_said(home, given, said):
    with pytest.raises(InputError, match=said):
        command.run(asked(*given), bench(home))


def test_without_pictures_it_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="gnomon lab pictures"):
        command.run(asked(), bench(tmp_path))


# ------------------------------------------------------------------------- what the assistant runs


def draw(folder, seed=5, steps=4):
    model = OnnxDraw(folder, threads=1)
    try:
        *_, last = model.draw(
            Sketch(prompt="a red square", width=32, height=32, seed=seed, steps=steps, guidance=3.0)
        )
    finally:
        model.close()
    assert isinstance(last, Raster)
    return np.frombuffer(last.rgb, np.uint8).reshape(32, 32, 3), model.brush()


@pytest.mark.parametrize(("precision", "off"), [("fp32", 1), ("fp16", 6), ("int8", 40)])
def test_the_assistant_draws_what_the_lab_does(home, tmp_path, precision, off):
    clip = home / "lab" / "shapes" / "clip" / "model"
    model = filled(shape_of(1, 32, WIDTH))
    told = {
        "name": "shapes-draw", "licence": "CC0-1.0", "architecture": "a test's", "limits": "all",
        "precision": precision, "parameters": 1,
        "data": {"drawings": 1, "concepts": 1, "sets": {"flat": 1}, "licences": {"CC0-1.0": 1}},
        "training": {"steps": 1, "pictures": 1, "seconds": 1},
    }  # fmt: skip
    folder = tmp_path / "shapes-draw"
    onnx_folder.write(model, clips.load(clip), clip, folder, told, precision)
    drawn, brush = draw(folder)
    assert (brush.name, brush.sizes, brush.licence) == ("shapes-draw", ((32, 32),), "CC0-1.0")
    noise = np.random.Generator(np.random.PCG64(5)).standard_normal((1, 3, 32, 32), np.float32)
    reader = Reader(clip)
    asked_for, nothing = reader(["a red square"]), reader([""])
    expected = sample(model, asked_for, nothing, torch.from_numpy(noise), steps=4, guidance=3.0)[0]
    far = np.quantile(abs(drawn.astype(int) - expected), 0.99)
    assert far <= off
    assert len(np.unique(expected)) > 50


def test_what_is_exported_is_an_installed_model_with_a_card(home, drawer):
    from gnomon.models import installed

    folder = home / "models" / "shapes-draw"
    held = installed.find(home / "models", "shapes-draw")
    assert held is not None
    assert held.files[0].path == "transformer/model.onnx"
    card = json.loads((folder / "card.json").read_text())
    assert card["licence"] == "CC0-1.0"
    assert card["data"]["licences"] == {"CC0-1.0": 16}
    assert "16 drawings" in (folder / "README.md").read_text()
    assert drawer["exported"]["sha256"] == held.files[0].sha256


def test_pictures_come_from_the_whole_range():
    state = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert as_pictures(state)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]


# ------------------------------------------------------------------------- what is measured


def test_the_distance_of_two_normal_distributions():
    """Against the closed form: apart by a shift, and by a scale."""
    rows = np.random.default_rng(0).normal(size=(4000, 5)).astype(np.float32)
    assert measure.frechet(rows, rows) == pytest.approx(0.0, abs=1e-4)
    assert measure.frechet(rows, rows + 2) == pytest.approx(5 * 4, rel=1e-3)
    own = np.cov(rows, rowvar=False)
    assert measure.frechet(rows, 3 * rows) == pytest.approx(
        4 * np.trace(own) + 4 * (rows.mean(0) ** 2).sum(), rel=1e-3
    )


def test_a_copy_is_found_and_told_how_near(home):
    pictures = open_pictures(home / "lab" / "shapes" / "pictures")
    held = measure.on_white(pictures, range(len(pictures.items)), 16)
    rgba = np.asarray(pictures.pixels[4]).astype(int)
    alpha = rgba[..., 3:] // 255
    copy = (rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    places, far = measure.nearest(measure.shrunk(np.stack([copy, 255 - copy]), 16), held)
    assert places[0] == 4
    assert far[0] == pytest.approx(0.0, abs=2e-3)
    assert far[1] > 0.2


def test_the_judge_gives_each_prompt_its_own_picture(home):
    judge = measure.Judge(home / "lab" / "shapes" / "clip" / "model")
    made, said = scenes(home, side=64).take(0, 4)
    shares = measure.found(
        judge, made, [blind.Blind(text, (text,)) for text in said], [f"name {n}" for n in range(5)]
    )
    assert shares == [1.0] * 4  # among nine names each is of the first ten
    cosines = measure.agreement(judge, made, said)
    assert all(-100 <= one <= 100 for one in cosines)
    spread = measure.interval(cosines)
    assert spread.low <= spread.mean <= spread.high


def test_the_blind_prompts_are_fifty_and_different():
    assert len({one.prompt for one in blind.PROMPTS}) == 50
    assert not {one.prompt for one in blind.PROMPTS} & (set(sheet.PROMPTS) - {
        "a red apple", "a smiling sun over a blue house"
    })  # fmt: skip

"""CLIP in the lab: what it is held to is transformers' own, and a set of drawings small enough to
be learnt here."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from gnomon.errors import InputError
from gnomon.lab.clip import command, export, loss, pairs, recipe, scores, stage, words
from gnomon.lab.clip import model as models
from gnomon.lab.command import Bench
from gnomon.lab.pictures.held import Item, Pictures, line_of, open_pictures
from gnomon.lab.progress import Silence
from gnomon.lab.workspace import workspace
from gnomon.models import installed
from gnomon.models.clip import OnnxClip, is_clip

SIDE = 16
COLOURS = {
    "red": ((220, 40, 40), "红"), "green": ((40, 170, 60), "绿"), "blue": ((40, 70, 220), "蓝"),
    "yellow": ((240, 220, 40), "黄"),
}  # fmt: skip
SHAPES = {"square": "方", "disc": "圆", "bar": "条"}
SETS = ("flat", "thin", "soft")


def drawing(colour, shape, style):
    """RGBA, each set in its own way."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    inside = {
        "square": np.maximum(abs(rows), abs(columns)) < 6,
        "disc": rows**2 + columns**2 < 42,
        "bar": abs(rows) < 3,
    }[shape]
    if style == "thin":
        inside &= np.maximum(abs(rows), abs(columns)) > 2
    out = np.zeros((SIDE, SIDE, 4), np.uint8)
    out[..., :3] = np.array(COLOURS[colour][0]) // (2 if style == "soft" else 1)
    out[..., 3] = inside * 255
    return out


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Twelve ideas in three sets; two ideas are held out for val, two for test."""
    folder = tmp_path_factory.mktemp("run") / "lab" / "shapes" / "pictures"
    folder.mkdir(parents=True)
    pixels, items = [], []
    for number, (colour, shape) in enumerate((c, s) for c in COLOURS for s in SHAPES):
        split = {4: "val", 8: "val", 2: "test", 9: "test"}.get(number, "train")
        for name in SETS:
            pixels.append(drawing(colour, shape, name))
            said = (f"{colour} {shape}", f"{shape} of {colour}")
            zh = (f"{COLOURS[colour][1]}色的{SHAPES[shape]}",)
            items.append(
                Item(f"{name}:{number}", name, f"{colour} {shape}", said, "CC0-1.0", split, zh,
                     (colour, shape), "object", name)
            )  # fmt: skip
    np.save(folder / "pixels.npy", np.stack(pixels))
    (folder / "items.jsonl").write_text("".join(line_of(one) + "\n" for one in items))
    (folder / "report.json").write_text(json.dumps({"inputs": "drawn"}))
    return open_pictures(folder)


@pytest.fixture(scope="module")
def bench(pictures):
    home = pictures.folder.parents[2]
    return Bench(home, home / "models", 1, Silence())


SETTINGS = recipe.Settings(depth=1, steps=12, batch=16, composed=0.25, precision="f32")


@pytest.fixture(scope="module")
def report(pictures, bench):
    return stage.clip(bench.workspace("shapes"), bench, SETTINGS)


def rows_of(vocabulary, *texts):
    return vocabulary.encode(texts or ("a red disc", "红色的圆 🙂", "X", "word " * 60))


# ------------------------------------------------------------------------ the same as stock


@pytest.mark.parametrize("bias", [False, True])
def test_clip_is_transformers_clip(tmp_path, bias):
    from transformers import CLIPModel, CLIPTextModel, CLIPVisionModel

    torch.manual_seed(1)
    vocabulary = words.train(["a red disc", "blue squares", "红色的圆"] * 2)
    shape = models.Shape(
        vocabulary.vocab, vocabulary.start, vocabulary.end, vocabulary.pad, side=32,
        text=models.Tower(2, 64, 2), vision=models.Tower(2, 96, 3), projection=48, bias=bias,
    )  # fmt: skip
    model = models.Clip(shape).eval()
    with torch.no_grad():
        for one in model.parameters():
            one.add_(0.05 * torch.randn_like(one))
    models.save(model, tmp_path)
    stock = CLIPModel.from_pretrained(tmp_path).eval()
    ids, mask = rows_of(vocabulary)
    pixels = torch.rand(3, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        theirs = stock(input_ids=ids, attention_mask=mask, pixel_values=pixels)
        texts, seen = model.embed_texts(ids, mask), model.embed_pictures(pixels)
        hidden = CLIPTextModel.from_pretrained(tmp_path).eval()(ids, mask).last_hidden_state
        pooled = CLIPVisionModel.from_pretrained(tmp_path).eval()(pixels).pooler_output
        near = {"atol": 1e-5, "rtol": 0}
        torch.testing.assert_close(texts, theirs.text_embeds, **near)
        torch.testing.assert_close(seen, theirs.image_embeds, **near)
        torch.testing.assert_close(model.text_hidden(ids, mask), hidden, **near)
        torch.testing.assert_close(model.vision_model(pixels), pooled, **near)
        logits = model.scale * seen @ texts.T
        torch.testing.assert_close(logits, theirs.logits_per_image, atol=1e-4, rtol=0)
    assert {name for name, _ in stock.named_parameters()} == set(models.stock_weights(model))
    again = models.load(tmp_path)
    assert again.shape == shape
    for name, one in model.named_parameters():
        assert torch.equal(one, dict(again.named_parameters())[name]), name


def test_words_are_read_by_transformers_alike(tmp_path):
    from transformers import AutoTokenizer, CLIPTokenizer

    vocabulary = words.train(["a red umbrella", "red umbrellas", "红色的伞", "it's 12 o'clock"] * 3)
    words.save(vocabulary, tmp_path)
    texts = [
        "A RED   umbrella!", "红色的 伞", "Ünïcode é ﬁ 🙂", "it's 12 o'clock", "", "word " * 60,
        "ΑΣ ß\n\ttabs", "never-seen bytes: \u0e01\u1234",
    ]  # fmt: skip
    ids, mask = vocabulary.encode(texts)
    assert ids.shape[1] == words.CONTEXT
    assert (ids == vocabulary.end).sum(1).tolist() == [1] * 8
    for kind in (AutoTokenizer, CLIPTokenizer):
        theirs = kind.from_pretrained(tmp_path)
        found = theirs(texts, padding=True, truncation=True, return_tensors="pt")
        assert torch.equal(found["input_ids"], ids), kind
        assert torch.equal(found["attention_mask"], mask), kind
    again = words.load(tmp_path)
    assert torch.equal(again.encode(texts)[0], ids)
    assert (again.start, again.end, again.pad) == (again.vocab - 2, again.vocab - 1, 0)
    assert again.tokenizer.decode(ids[0].tolist(), skip_special_tokens=True).split("</w>")[:3] == [
        "a", "red", "umbrella",
    ]  # fmt: skip


def test_a_picture_is_prepared_as_it_was_learnt(report):
    """What transformers makes of a picture of the right size is what ``values`` makes of it."""
    from PIL import Image
    from transformers import CLIPImageProcessorPil

    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    theirs = CLIPImageProcessorPil.from_pretrained(report["folder"])(
        Image.fromarray(pixels), return_tensors="pt"
    )["pixel_values"]
    ours = pairs.values(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=0)


# ------------------------------------------------------------------------ what is learnt from


def source_of(pictures, **how):
    rows = pictures.rows("train")
    vocabulary = words.train(pictures.items[n].captions[0] for n in rows)
    return pairs.Source(pictures, vocabulary, rows, **how)


def test_a_step_is_a_function_of_seed_and_step(pictures):
    one, same, other = (source_of(pictures, seed=seed, kept=0.5) for seed in (3, 3, 4))
    a, b, c = one.take(5, 8), same.take(5, 8), other.take(5, 8)
    for first, second in zip((a.pixels, a.ids, a.kept), (b.pixels, b.ids, b.kept), strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(a.pixels, c.pixels)
    assert a.kept.shape == (8, 2)
    assert all(len(set(row)) == 2 for row in a.kept.tolist())


def test_concepts_come_evenly(pictures):
    source = source_of(pictures)
    assert len(source.concepts) == 8
    for step in range(3):
        assert len(set(source.take(step, 8).concepts.tolist())) == 8
    seen = [n for step in range(6) for n in source.take(step, 5).concepts.tolist()]
    counts = [seen.count(one) for one in set(seen)]
    assert len(counts) == 8
    assert max(counts) - min(counts) <= 1


def test_what_has_sides_is_not_mirrored():
    item = Item("a:b", "a", "c", ("cat",), "CC0-1.0", "train", kind="animal")
    assert pairs.mirrored(item)
    for said in ("right arrow", "keycap: 8", "2 o'clock", "back arrow", "ABC button"):
        assert not pairs.mirrored(replace(item, captions=(said,))), said
    assert not pairs.mirrored(replace(item, kind="flag"))


def test_a_background_is_behind_and_not_before(pictures):
    rng = np.random.default_rng(0)
    clear, full = np.zeros((2, 64, SIDE, SIDE, 4), np.uint8)
    full[..., 3], full[..., 1] = 255, 200
    item = [pictures.items[0]] * 64
    empty = pairs.shown(clear, item, rng)
    assert {tuple(int(x) for x in one[:, 0, 0]) for one in empty} <= {
        tuple(int(one[n : n + 2], 16) for n in (0, 2, 4)) for one in pairs.PALETTE
    }
    assert all((one == one[:, :1, :1]).all() for one in empty)
    middle = pairs.shown(full, item, rng)[:, :, SIDE // 2, SIDE // 2]
    assert (middle == torch.tensor([0, 200, 0], dtype=torch.uint8)).all()


# ------------------------------------------------------------------------ the losses


def crafted(monkeypatch, concepts, captions, bias=False):
    """A model that gives set rows, and the pairs it is asked about."""
    torch.manual_seed(0)
    size = len(concepts)
    vocabulary = words.train(["a"])
    model = models.Clip(
        models.Shape(
            vocabulary.vocab,
            vocabulary.start,
            vocabulary.end,
            vocabulary.pad,
            side=16,
            text=models.Tower(1, 64, 1),
            vision=models.Tower(1, 64, 1),
            bias=bias,
        )
    )
    rows = torch.nn.functional.normalize(torch.randn(2, size, 8), dim=2)
    monkeypatch.setattr(model, "embed_pictures", lambda *_: rows[0])
    monkeypatch.setattr(model, "embed_texts", lambda *_: rows[1])
    batch = pairs.Pairs(
        torch.zeros(size, 3, 16, 16, dtype=torch.uint8), *vocabulary.encode(["a"] * size),
        torch.tensor(concepts), torch.tensor(captions),
    )  # fmt: skip
    return model, batch, rows


def test_softmax_is_transformers_loss_where_all_differ(monkeypatch):
    from transformers.models.clip.modeling_clip import image_text_contrastive_loss as theirs

    model, batch, (seen, read) = crafted(monkeypatch, [1, 2, 3, 4], [5, 6, 7, 8])
    value, count = loss.contrast(model, batch)
    want = theirs((model.scale * read @ seen.T).detach())
    assert count == 4
    assert float(value.detach()) / count == pytest.approx(float(want), rel=1e-5)


def test_sigmoid_is_the_papers_where_all_differ(monkeypatch):
    model, batch, (seen, read) = crafted(monkeypatch, [1, 2, 3], [5, 6, 7], bias=True)
    value, count = loss.sigmoids(model, batch)
    total = 0.0
    for i in range(3):
        for j in range(3):
            logit = 10.0 * float(seen[i] @ read[j]) - 10.0
            total += math.log1p(math.exp(-logit if i == j else logit))
    assert count == 3
    assert float(value.detach()) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("how", [loss.contrast, loss.sigmoids])
def test_equal_words_and_ideas_are_no_negatives(monkeypatch, how):
    """Rows 0 and 1 show one idea, 2 and 3 have one caption: each loses just that column."""
    model, batch, (seen, read) = crafted(
        monkeypatch, [1, 1, 3, 4], [5, 6, 7, 7], bias=how is loss.sigmoids
    )
    if model.logit_bias is not None:  # at -10 no negative would weigh anything
        model.logit_bias.data.zero_()
    logits = (model.scale * seen @ read.T).detach()
    hidden = torch.zeros(4, 4, dtype=torch.bool)
    hidden[[0, 1, 2, 3], [1, 0, 3, 2]] = True
    if how is loss.contrast:
        logits = logits.masked_fill(hidden, -torch.inf)
        own = torch.arange(4)
        want = sum(torch.nn.functional.cross_entropy(x, own) for x in (logits, logits.T)) / 2 * 4
    else:
        sign = 2 * torch.eye(4) - 1
        want = -torch.nn.functional.logsigmoid(sign * logits).masked_fill(hidden, 0).sum()
    assert float(how(model, batch)[0].detach()) == pytest.approx(float(want), rel=1e-5)


def test_two_processes_learn_what_one_does(tmp_path):
    """Each contrasts its pairs with those of both, and the gradients add up to the same."""
    script = Path(__file__).with_name("clip_ranks.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(tmp_path)],
        capture_output=True, text=True, timeout=200,
        env={**os.environ, "PYTHONPATH": str(script.parents[1] / "src"), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "alike\n"), done.stderr[-2000:]


# ------------------------------------------------------------------------ the scores


def knowing(pictures, wrong=()):
    """Eyes that know every concept but those in ``wrong``, which they see as the first one."""
    concepts = list(dict.fromkeys(one.concept for one in pictures.items))
    by_text = {said: one.concept for one in pictures.items for said in (*one.captions, *one.zh)}
    by_pixels = {
        pairs.plain(pictures.pixels[n : n + 1]).numpy().tobytes(): one.concept
        for n, one in enumerate(pictures.items)
    }

    def row(concept):
        return np.eye(len(concepts), dtype=np.float32)[concepts.index(concept)]

    def see(pixels):
        named = [by_pixels[one[None].numpy().tobytes()] for one in pixels]
        return np.stack([row(concepts[0] if one in wrong else one) for one in named])

    def tell(texts):
        longest = sorted(by_text, key=len, reverse=True)
        return np.stack([row(by_text[next(s for s in longest if s in one)]) for one in texts])

    return scores.Eyes(see, tell)


def test_scores_are_what_was_right(pictures):
    rows = list(range(len(pictures.items)))
    whole = {one.name: one for one in scores.measure(knowing(pictures), pictures, rows)}
    assert {one.value for one in whole.values()} == {1.0}
    assert whole["zero-shot top-1"].chance == pytest.approx(1 / 12)
    assert whole["text to picture R@5"].among == 36
    missed = pictures.items[5].concept
    some = {one.name: one for one in scores.measure(knowing(pictures, {missed}), pictures, rows)}
    told = some["zero-shot top-1"]
    assert told.value == pytest.approx(11 / 12)
    assert told.low < told.value < told.high < 1.001
    assert some["picture to text R@1"].value == pytest.approx(11 / 12)
    assert some["text to picture R@1"].value == pytest.approx(11 / 12)


def test_blind_eyes_score_nothing(pictures):
    blind = scores.Eyes(
        lambda pixels: np.ones((len(pixels), 4), np.float32),
        lambda texts: np.ones((len(texts), 4), np.float32),
    )
    found = scores.measure(blind, pictures, range(len(pictures.items)))
    assert {one.value for one in found if "top-1" in one.name or "text R@1" in one.name} == {0.0}


# ------------------------------------------------------------------------ the stage


def test_the_stage_learns_measures_and_exports(report, pictures, bench):
    assert report["held_set"] == ""
    assert report["pictures"] == 24
    assert report["concepts"] == 8
    assert set(report["scores"]) == {"val", "test"}
    folder = bench.home / "lab" / "shapes" / "clip"
    assert (folder / "curve.svg").exists()
    assert not (folder / "checkpoints").exists()
    made = installed.find(bench.models_dir, "shapes-clip")
    assert made is not None
    assert made.source == installed.OWN
    assert is_clip(made.folder)
    installed.verify(made)
    card = json.loads((made.folder / "card.json").read_text())
    assert card["languages"] == ["en", "zh"]
    assert card["data"]["licences"] == {"CC0-1.0": 24}
    assert "CC0-1.0 24" in (made.folder / "README.md").read_text()


def test_what_is_exported_is_what_was_trained(report, tmp_path):
    trained = Path(report["folder"])
    model, vocabulary = models.load(trained), words.load(trained)
    own = scores.eyes(model, vocabulary)
    pixels = torch.randint(
        256, (3, 3, SIDE, SIDE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    export.write(model, tmp_path / "whole")
    export.narrow(tmp_path / "whole", tmp_path / "half")
    for folder, least in ((tmp_path / "half", 0.9999), (Path(report["exported"]), 0.95)):
        made = export.exported_eyes(folder, vocabulary)
        for texts in (["a red disc"], ["blue bar", "红色的圆", "x " * 40]):
            assert (made.texts(texts) * own.texts(texts)).sum(1).min() > least
        assert (made.pictures(pixels) * own.pictures(pixels)).sum(1).min() > least


def test_the_assistant_runs_it(report):
    """Through its worker process, from files as they are uploaded."""
    import io

    from PIL import Image

    folder = Path(report["exported"])
    vocabulary = words.load(folder)
    pixels = np.full((SIDE, SIDE, 3), (220, 40, 40), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    seeing = OnnxClip(folder)
    try:
        seen, told = seeing.pictures([file.getvalue()]), seeing.words("a red disc")
    finally:
        seeing.close()
    made = export.exported_eyes(folder, vocabulary)
    want = made.pictures(torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous())
    assert np.allclose(seen, want, atol=1e-4)
    assert np.allclose(told, made.texts(["a red disc"])[0], atol=1e-4)


def test_done_is_done_and_a_cut_run_goes_on(report, pictures, bench, monkeypatch):
    work = bench.workspace("shapes")
    assert stage.clip(work, bench, SETTINGS) == report
    shutil.rmtree(report["exported"])
    assert stage.clip(work, bench, SETTINGS) == report
    assert installed.find(bench.models_dir, "shapes-clip") is not None
    weights = models.load(Path(report["folder"])).state_dict()

    class Interrupts(Silence):
        def at(self, progress):
            if progress.done == 5:
                import signal

                signal.raise_signal(signal.SIGINT)

    settings = replace(SETTINGS, licence="CC0-1.0")
    with pytest.raises(KeyboardInterrupt):
        stage.clip(work, replace(bench, reporter=Interrupts()), settings)
    assert work.report("clip") is None
    again = stage.clip(work, bench, settings)
    assert again["train_loss"] == pytest.approx(report["train_loss"], rel=1e-4)
    for name, one in models.load(Path(again["folder"])).state_dict().items():
        torch.testing.assert_close(one, weights[name], atol=1e-5, rtol=1e-4)


def test_a_set_is_held_out_and_everything_is_all(pictures):
    held = recipe.split(pictures, replace(SETTINGS, held_set="thin"))
    assert (len(held.learnt), len(held.styles), len(held.val), len(held.test)) == (16, 8, 6, 6)
    assert {pictures.items[n].set for n in held.learnt} == {"flat", "soft"}
    scenes = recipe.scenes_of(pictures, SETTINGS, held.learnt)
    assert {one.set for one in scenes.items} == {"flat", "soft"}
    assert {one.split for one in scenes.items} == {"train"}
    assert len(scenes) == 16
    whole = recipe.split(pictures, replace(SETTINGS, everything=True))
    assert len(whole.learnt) == 36
    assert not (whole.val)
    assert not (whole.test)
    assert not (whole.styles)
    many = Pictures(
        pictures.folder, pictures.pixels, [one for one in pictures.items for _ in range(10)]
    )
    auto = recipe.split(many, replace(SETTINGS, held_set="auto"))
    assert auto.held_set == ""
    monkey = [replace(one, set="flat" if one.set == "soft" else one.set) for one in many.items]
    auto = recipe.split(
        Pictures(many.folder, many.pixels, monkey * 3), replace(SETTINGS, held_set="auto")
    )
    assert auto.held_set == "thin"


# ------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": 0}, "--steps is 0"),
        ({"minutes": -1.0}, "--minutes is -1"),
        ({"kept": 0.0}, "--kept is 0"),
        ({"composed": 0.95}, "--composed is 0.95"),
        ({"patch": 7}, r"--patch is 7; give a divisor of 16"),
        ({"batch": 1}, "--batch is 1"),
        ({"loss": "triplet"}, "--loss is 'triplet'"),
        ({"depth": 0}, "--depth is 0"),
        ({"everything": True, "held_set": "flat"}, "--hold-out is 'flat' beside --everything"),
        ({"held_set": "nobody"}, "--hold-out is 'nobody'; the sets are: flat, soft, thin"),
    ],
)
def test_what_cannot_be_used_is_named(pictures, bench, wrong, said):
    work = bench.workspace("shapes")
    with pytest.raises(InputError, match=said):
        stage.clip(work, bench, replace(SETTINGS, **wrong))


def test_a_model_that_is_not_ours_stays(pictures, bench, tmp_path):
    other = replace(bench, models_dir=tmp_path)
    folder = tmp_path / "shapes-clip"
    folder.mkdir()
    (folder / "x").write_text("x")
    files = [installed.HeldFile("x", 1, installed.file_sha256(folder / "x"))]
    installed.write_manifest(folder, "shapes-clip", files, "elsewhere")
    with pytest.raises(InputError, match="came from 'elsewhere'"):
        stage.clip(bench.workspace("shapes"), other, replace(SETTINGS, seed=9))


def test_folders_that_are_none_say_so(tmp_path, bench):
    with pytest.raises(InputError, match="no CLIP in"):
        models.load(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    torch.save({}, tmp_path / "x")
    with pytest.raises(InputError, match="no CLIP in"):
        models.load(tmp_path)
    with pytest.raises(InputError, match="no tokenizer in"):
        words.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        words.load(tmp_path)
    with pytest.raises(InputError, match="run: gnomon lab pictures --name empty"):
        stage.clip(workspace(tmp_path, "empty"), bench, SETTINGS)


def test_the_command_asks_for_just_its_settings():
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert vars(parser.parse_args([]))["held_set"] == "auto"
    asked = vars(parser.parse_args([])).keys() - {"name", "anew"}
    assert asked == set(recipe.Settings.__dataclass_fields__)

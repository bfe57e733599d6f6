"""Two players in one loop: neither feels the other's loss, and what they leave is a quiz that says
which is which."""

import argparse
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="gnomon[lab] is not installed")

from gnomon.errors import InputError  # noqa: E402
from gnomon.lab.command import Bench  # noqa: E402
from gnomon.lab.gan import command, measure, stage, stock  # noqa: E402
from gnomon.lab.gan.augment import augmented  # noqa: E402
from gnomon.lab.gan.drawings import as_pixels, drawings  # noqa: E402
from gnomon.lab.gan.game import UNKNOWN, Deal, Stakes, _drawing, ambiguity, entropy, game  # noqa: E402
from gnomon.lab.gan.players import Players, Shape  # noqa: E402
from gnomon.lab.gan.quiz import sheet  # noqa: E402
from gnomon.lab.model import curve  # noqa: E402
from gnomon.lab.pictures.held import open_pictures  # noqa: E402
from gnomon.lab.progress import Silence  # noqa: E402

torch.set_num_threads(1)
SMALL = Shape(side=16, latent=8, width=4, styles=3)


def a_deal(weighed=True):
    torch.manual_seed(1)
    styles = torch.tensor([0, 1, 2, UNKNOWN])
    return Deal(torch.rand(4, 3, 16, 16) * 2 - 1, styles, torch.randn(4, 8), weighed)


def slopes(players, loss):
    players.zero_grad()
    loss.backward()
    every = players.named_parameters()
    return {name: one.grad.clone() for name, one in every if one.grad is not None}


@pytest.mark.parametrize("weighed", [True, False])
def test_neither_player_feels_the_others_loss(weighed):
    """The gradients of both losses together are each player's own, computed apart: the judge's with
    drawings that are given, the generator's with a judge that cannot learn."""
    torch.manual_seed(0)
    players, deal, stakes = Players(SMALL), a_deal(weighed), Stakes(penalty=1.0, ambiguity=0.5)
    torch.manual_seed(2)
    total, count = game(stakes)(players, deal)
    both = slopes(players, total / count)
    assert set(both) == dict(players.named_parameters()).keys()

    other = Players(SMALL)
    other.load_state_dict(players.state_dict())
    other.generator.requires_grad_(False)
    torch.manual_seed(2)
    total, count = game(stakes)(other, deal)
    alone = slopes(other, total / count)
    assert set(alone) == {name for name in both if name.startswith("judge")}
    for name, slope in alone.items():
        torch.testing.assert_close(slope, both[name])

    drawn = players.generator(deal.noise)
    torch.manual_seed(2)
    mine = slopes(players, _drawing(players, drawn, torch.zeros(4), stakes))
    assert set(mine) == {name for name in both if name.startswith("generator")}


def test_what_no_style_claims_is_least_to_lose():
    """At even odds the loss is what the paper's formula says, and nowhere is it less."""
    even = ambiguity(torch.zeros(2, 5))
    wanted = -(math.log(1 / 5) / 5 + 4 / 5 * math.log(4 / 5)) * 5
    assert float(even) == pytest.approx(wanted, rel=1e-5)
    flat = torch.zeros(2, 5, requires_grad=True)
    ambiguity(flat).backward()
    torch.testing.assert_close(flat.grad, torch.zeros(2, 5), atol=1e-6, rtol=0)
    torch.manual_seed(0)
    for _ in range(20):
        assert ambiguity(torch.randn(2, 5)) > even
    assert torch.isfinite(ambiguity(torch.tensor([[200.0, 0, 0, 0, 0]])))
    sure = entropy(torch.tensor([[0.0] * 5, [50.0, 0, 0, 0, 0]]))
    torch.testing.assert_close(sure, torch.tensor([1.0, 0.0]), atol=1e-5, rtol=0)


def test_what_the_judge_is_shown_can_be_felt_through():
    torch.manual_seed(0)
    x = (torch.rand(6, 3, 16, 16) * 2 - 1).requires_grad_(True)
    shown = augmented(x)
    assert shown.shape == x.shape
    shown.sum().backward()
    assert torch.isfinite(x.grad).all()
    felt = (x.grad.abs().sum((1, 2, 3)) > 0).float()
    assert felt.mean() == 1
    assert not torch.equal(shown[0], x[0])


def test_distances_are_those_of_the_formula():
    """Two normal clouds of one spread, three apart: a Fréchet distance of nine."""
    random = torch.Generator().manual_seed(0)
    one = torch.randn(4000, 3, generator=random, dtype=torch.float64)
    assert measure.frechet(one, one) == pytest.approx(0, abs=1e-6)
    assert measure.frechet(one, one + torch.tensor([3.0, 0, 0])) == pytest.approx(9, rel=1e-6)
    assert measure.frechet(one, 2 * one) == pytest.approx(float(torch.cov(one.T).trace()), rel=0.01)
    half, rest = one[:2000], one[2000:]
    assert abs(measure.kernel(half, rest)) < 0.02 < measure.kernel(half, rest.abs())
    assert measure.nearest(one[:5], one).min() == pytest.approx(1)


def write_set(home: Path):
    """Drawings of two styles by chance, a quarter held out, one author each."""
    folder = home / "lab" / "p" / "pictures"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    pixels = np.zeros((160, 32, 32, 4), np.uint8)
    rows = []
    for number in range(160):
        style = ("flat", "round")[number % 2]
        top, left = random.integers(2, 14, 2)
        pixels[number, top : top + 12, left : left + 12] = (*random.integers(0, 255, 3), 255)
        split = ("train", "train", "train", "val")[number // 2 % 4]
        rows.append({"id": f"{style}:{number}", "set": style, "concept": str(number),
                     "captions": ["box"], "licence": "CC0-1.0", "split": split, "kind": "box",
                     "style": style, "author": f"author {number}"})  # fmt: skip
    np.save(folder / "pixels.npy", pixels)
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "report.json").write_text(json.dumps({"inputs": "these"}))
    return folder


def given(*words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    small = ("--side", 16, "--width", 4, "--batch", 8, "--precision", "f32", "--name", "p")
    return argparse.Namespace(**vars(parser.parse_args(list(map(str, (*small, *words))))))


def bench_at(home, reporter=None):
    return Bench(home, home / "models", 1, reporter or Silence())


def test_it_draws_and_lays_out_the_quiz(tmp_path):
    """And draws more of each kind without learning again."""
    from PIL import Image

    write_set(tmp_path)
    report = command.run(given("--steps", 5, "--samples", 6, "--plain"), bench_at(tmp_path))
    folder = tmp_path / "lab" / "p" / "gan"
    assert (report["kind"], report["plain"]["kind"]) == ("CAN", "DCGAN")
    assert report["styles"] == ["flat", "round"]
    assert (report["steps"], report["plain"]["steps"]) == (5, 5)
    assert report["why"].startswith("no CLIP in this run")
    assert 0 <= report["ambiguity"] <= 1
    assert (folder / "sheets" / "newest.png").exists()

    quiz = json.loads((folder / "quiz.json").read_text())
    assert (quiz["version"], quiz["licences"]) == (1, ["CC0-1.0"])
    assert quiz["made_by"]["sha256"] == report["sha256"]
    machine = [one for one in quiz["pictures"] if one["by"] == "machine"]
    people = [one for one in quiz["pictures"] if one["by"] == "person"]
    assert [one["seed"] for one in machine] == list(range(6))
    items = open_pictures(folder.parent / "pictures").items
    held_out = {one.id for one in items if one.split == "val"}
    assert len({one["id"] for one in people} & held_out) == 6
    assert all(one["author"].startswith("author") and one["licence"] == "CC0-1.0" for one in people)
    generator = stock.load(folder / "model")
    for one in quiz["pictures"]:
        data = (folder / one["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == one["sha256"]
        with Image.open(folder / one["file"]) as file:
            assert (file.size, file.mode, file.info) == ((16, 16), "RGB", {})
            if one["by"] == "machine":
                seed = one["seed"]
                drawn = as_pixels(stock.draw(generator, range(seed, seed + 1)))[0]
                np.testing.assert_array_equal(np.asarray(file), drawn)

    before = curve.read(folder)
    more = command.run(given("--steps", 5, "--samples", 9, "--plain"), bench_at(tmp_path))
    assert more["sha256"] == report["sha256"]
    assert len(list((folder / "pictures").glob("*.png"))) == 9
    assert curve.read(folder) == before


def test_a_cut_run_goes_on_as_if_it_had_not_been(tmp_path):
    class Cut(Silence):
        def at(self, progress):
            if progress.stage == "gan" and progress.done == 3:
                import signal

                signal.raise_signal(signal.SIGINT)

    reports = []
    for name, reporter in (("whole", None), ("cut", Cut())):
        write_set(tmp_path / name)
        if reporter:
            with pytest.raises(KeyboardInterrupt):
                command.run(
                    given("--steps", 6, "--samples", 2), bench_at(tmp_path / name, reporter)
                )
        reports.append(command.run(given("--steps", 6, "--samples", 2), bench_at(tmp_path / name)))
    whole, cut = reports
    assert cut["sha256"] == whole["sha256"]
    assert cut["loss"] == pytest.approx(whole["loss"])


def test_the_same_step_is_the_same_deal_and_small_sets_are_refused(tmp_path):
    pictures = open_pictures(write_set(tmp_path))
    held = drawings(pictures, (), "set", 16)
    assert (len(held.learnt), len(held.kept), held.styles) == (120, 40, ("flat", "round"))
    one, two, other = (held.deal(step, 8, 4, seed=0, weighed=False) for step in (3, 3, 4))
    assert torch.equal(one.pictures, two.pictures)
    assert torch.equal(one.noise, two.noise)
    assert not torch.equal(one.pictures, other.pictures)
    assert held.learnt[:, 0].min() == 255, "what is clear is white"
    with pytest.raises(InputError, match="no set gone is in"):
        drawings(pictures, ("gone",), "set", 16)
    with pytest.raises(InputError, match="give a divisor"):
        drawings(pictures, (), "set", 64)
    with pytest.raises(InputError, match="60 drawings to learn from of flat, and 64"):
        drawings(pictures, ("flat",), "set", 16)


def test_values_that_cannot_be_used_are_named(tmp_path):
    write_set(tmp_path)
    for words, told in (
        (("--steps", 0), "--steps is 0"),
        (("--side", 48), "a power of two"),
        (("--penalty", -1), r"--penalty is -1\.0"),
        (("--samples", 1001), "give 1,000 at most"),
    ):
        with pytest.raises(InputError, match=told):
            command.run(given(*words), bench_at(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "gpt"}')
    with pytest.raises(InputError, match="of type 'gpt'"):
        stock.load(tmp_path)
    with pytest.raises(InputError, match="gnomon lab pictures"):
        stage.gan(bench_at(tmp_path).workspace("q"), bench_at(tmp_path), stage.Settings())


def test_a_sheet_is_about_square():
    ones = [np.full((4, 4, 3), n, np.uint8) for n in range(5)]
    whole = sheet(ones, gap=1)
    assert whole.shape == (9, 14, 3)
    assert whole[5, 5, 0] == 4

"""The verifier's recipe on a handful of pairs: it learns, resumes where it was cut, exports."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gnomon.errors import InputError, ModelError, ModelMismatch
from gnomon.lab.verifier.command import ENGLISH, base_of
from gnomon.lab.verifier.corpus import batches, encode, padded, prepared
from gnomon.lab.verifier.edits import invented
from gnomon.lab.verifier.pairs import Pair
from gnomon.models.verifier import OnnxVerifier, tempered
from model_files import pulled

pytest.importorskip("torch", reason="the lab's packages are not installed: pip install '.[lab]'")

import torch
from tokenizers import Tokenizer

from gnomon.lab.verifier.export import export, logits
from gnomon.lab.verifier.recipe import fitted_temperature, make_card
from gnomon.lab.verifier.training import Recipe, probabilities, stance_loss, train

RECIPE = Recipe(epochs=5, batch=16, rate=2e-4)

# Real training on two cores that other tests share.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def base() -> Path:
    return pulled("all-minilm-l6-v2").absolute()


@pytest.fixture(scope="module")
def tokenizer(base):
    return prepared(Tokenizer.from_file(str(base / "tokenizer.json")))


@pytest.fixture(scope="module")
def pairs():
    """Windows that say the claim, and windows that say something else: easy to tell apart."""
    windows = list(dict.fromkeys(pair.window for pair in invented(seed=1, events=60)))[:64]
    turned = windows[7:] + windows[:7]
    said = [Pair(w, w, 0, "same", w) for w in windows]
    unsaid = [Pair(w, other, 2, "other", w) for w, other in zip(windows, turned, strict=True)]
    return [pair for both in zip(said, unsaid, strict=True) for pair in both]


@pytest.fixture(scope="module")
def items(tokenizer, pairs):
    return encode(tokenizer, pairs[:64])


@pytest.fixture(scope="module")
def run(base, tokenizer, items, tmp_path_factory):
    """One whole run, with what it reported."""
    out = tmp_path_factory.mktemp("run")
    seen = []
    trained = train(base, out, items, items[:32], RECIPE, report=seen.append, every=1, look=20)
    tokenizer.save(str(trained / "tokenizer.json"))
    return trained, seen


class Cut(Exception):
    pass


def test_it_learns(run):
    _, seen = run
    assert [at.step for at in seen] == list(range(1, 21))
    assert all(at.steps == 20 for at in seen)
    assert seen[-1].loss < seen[0].loss
    assert seen[-1].scores["accuracy"] > 0.8


def test_a_cut_run_ends_where_a_whole_one_does(run, base, items, tmp_path):
    def cut_at_six(at):
        if at.step == 6:
            raise KeyboardInterrupt

    whole, _ = run
    with pytest.raises(KeyboardInterrupt):
        train(base, tmp_path, items, [], RECIPE, report=cut_at_six, every=1, look=100)
    assert (tmp_path / "checkpoint.pt").exists()
    steps = []
    again = train(
        base, tmp_path, items, [], RECIPE, report=lambda at: steps.append(at.step), every=1
    )
    assert steps == list(range(7, 21))
    from safetensors.torch import load_file

    one, other = (load_file(folder / "model.safetensors") for folder in (whole, again))
    assert one.keys() == other.keys()
    worst = max(float((one[name] - other[name]).abs().max()) for name in one)
    assert worst < 1e-4, "dropout and order follow from the seed, so both end alike"


def test_another_run_in_the_same_folder_is_refused(base, items, tmp_path):
    def cut(at):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(base, tmp_path, items, [], RECIPE, report=cut, every=1)
    with pytest.raises(InputError, match="another run"):
        train(base, tmp_path, items, [], Recipe(epochs=2, batch=16), report=cut, every=1)


def test_words_are_not_moved_by_training(run, base):
    from safetensors.torch import load_file

    name = "embeddings.word_embeddings.weight"
    held, trained = load_file(base / "model.safetensors"), load_file(run[0] / "model.safetensors")
    assert torch.equal(held[name], trained[f"bert.{name}"])


def test_a_pair_known_only_not_to_support_pulls_no_other_way():
    labels = torch.tensor([3])
    for row in ([0.0, 5.0, -5.0], [0.0, -5.0, 5.0]):
        right = stance_loss(torch.tensor([row]), labels, 0.0)
        assert float(right) < 0.02
    assert float(stance_loss(torch.tensor([[5.0, 0.0, 0.0]]), labels, 0.0)) > 4.0


@pytest.fixture(scope="module")
def exported(run, base, items, pairs, tmp_path_factory):
    trained, _ = run
    folder = tmp_path_factory.mktemp("verifier")
    export(trained, folder / "model.onnx")
    (folder / "tokenizer.json").write_bytes((trained / "tokenizer.json").read_bytes())
    temperature = fitted_temperature(folder / "model.onnx", items[:32])
    data = Path(__file__).parents[2] / "shared" / "data" / "truth"
    if not data.is_dir():
        pytest.skip("the published sets are not here, and a card names their hashes")
    held = base_of(base, ENGLISH, data, folder)
    card = make_card(folder / "model.onnx", held, data, [(RECIPE, pairs)], temperature)
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def test_eight_bits_say_what_floats_say(run, exported, items):
    from transformers import BertForSequenceClassification

    model = BertForSequenceClassification.from_pretrained(run[0])
    wanted = probabilities(model, items[:32])
    got = tempered(logits(exported / "model.onnx", padded(items[:32])), 1.0)
    assert np.abs(wanted - got).mean() < 0.03
    assert (exported / "model.onnx").stat().st_size <= 30e6


def test_the_assistant_serves_what_the_lab_exports(exported, pairs, items):
    verifier = OnnxVerifier(exported)
    try:
        asked = [(pair.window, pair.claim) for pair in pairs[:32]]
        found = verifier.scores(asked)
        temperature = verifier.card["temperature"]
        same = tempered(logits(exported / "model.onnx", padded(items[:32])), temperature)
        # In the worker pairs of like length go together; quantisation sees another batch.
        assert np.abs(found - same).max() < 0.08
        assert np.allclose(found.sum(axis=1), 1.0, atol=1e-5)
        assert np.array_equal(verifier.scores(asked[::-1]), found[::-1])
        assert verifier.scores([]).shape == (0, 3)
        assert verifier.card["base"]["sha256"].startswith("53aa5117")
    finally:
        verifier.close()


def test_bytes_that_are_not_the_cards_are_refused(exported, tmp_path):
    for name in ("card.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((exported / name).read_bytes())
    raw = bytearray((exported / "model.onnx").read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "model.onnx").write_bytes(raw)
    verifier = OnnxVerifier(tmp_path)
    with pytest.raises(ModelMismatch, match="SHA-256"):
        verifier.scores([("It rains.", "It is raining.")])
    verifier.close()


def test_a_folder_that_is_no_verifier_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no verifier.*gnomon lab verifier"):
        OnnxVerifier(tmp_path)


def test_batches_hold_every_pair_once_in_an_order_of_the_seed(items):
    rows = list(batches(items, 16, seed=3))
    assert sorted(i for row in rows for i in row) == list(range(len(items)))
    assert rows == list(batches(items, 16, seed=3)) != list(batches(items, 16, seed=4))
    widths = [padded([items[i] for i in row]).ids.shape[1] for row in rows]
    mean = np.mean([len(item.ids) for item in items])
    assert np.mean(widths) < 1.25 * mean, "pairs of like lengths go together"


def test_too_long_a_window_loses_its_beginning(tokenizer):
    window = "the first word and " + "much more " * 300 + "the last word"
    (item,) = encode(tokenizer, [Pair(window, "A claim.", 0, "x", "y")])
    text = tokenizer.decode(item.ids.tolist())
    assert len(item.ids) == 128
    assert "last word" in text
    assert "first word" not in text
    assert text.endswith("a claim.")


def test_the_assistant_loads_no_torch():
    code = (
        "import sys, gnomon, gnomon.cli, gnomon.assemble, gnomon.models.verifier, "
        "gnomon.truth.trained, gnomon.serve.app\n"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('torch', 'transformers', 'onnx', 'onnxruntime')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"

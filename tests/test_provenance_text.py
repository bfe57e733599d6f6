"""The mark in a model's words: the distribution stays the model's, and the secret finds it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gnomon.assemble import marked_text
from gnomon.assemble.provenance import Signed
from gnomon.cli import main
from gnomon.config import load
from gnomon.errors import InputError, ModelMissing
from gnomon.provenance import textmark
from gnomon.provenance.textmark import TextMark, go_on

VOCABULARY = 400


def following(ids):
    """A made-up model: what comes next hangs on the last two tokens; about 5 bits a token."""
    random = np.random.default_rng(ids[-1] * 1000 + ids[-2])
    logits = random.normal(0, 2.0, VOCABULARY)
    order = np.argsort(-logits)
    return order.astype(np.int64), (logits - np.log(np.exp(logits).sum()))[order].astype("f4")


def text(secret, seed, length=200):
    mark = TextMark(secret) if secret else None
    return list(go_on(following, [1, 2], mark, max_new=length, seed=seed))


def test_the_secret_finds_it_and_nobody_elses_does():
    for seed in range(5):
        ids = text(b"ours", seed)
        assert TextMark(b"ours").detect(ids).found
        assert not TextMark(b"theirs").detect(ids).found
        assert not TextMark(b"ours").detect(text(b"", seed)).found
    scores = [TextMark(bytes([n])).detect(text(b"", 7)).score for n in range(200)]
    assert max(scores) < textmark.THRESHOLD
    assert abs(float(np.mean(scores))) < 0.35
    assert 0.75 < float(np.std(scores)) < 1.25


def test_over_secrets_the_distribution_is_the_models_own():
    probs = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
    candidates = np.arange(5, dtype=np.int64)
    steered = [
        (mark := TextMark(n.to_bytes(4, "big"))).steer(probs, mark.bits([1, 2, 3, 4], candidates))
        for n in range(1500)
    ]
    assert np.allclose(np.mean(steered, axis=0), probs, atol=0.04)
    assert all(abs(s.sum() - 1) < 1e-9 and (s >= 0).all() for s in steered)


def test_one_round_is_the_papers_equation():
    """Two drawn from p, the bit decides, a tie by lot: tried by drawing."""
    probs, bits = np.array([0.6, 0.3, 0.1]), np.array([[0], [1], [1]], dtype=np.uint8)
    random = np.random.default_rng(0)
    pairs = random.choice(3, size=(200_000, 2), p=probs)
    left, right = bits[pairs[:, 0], 0], bits[pairs[:, 1], 0]
    lot = random.random(len(pairs)) < 0.5
    wins = np.where(left > right, pairs[:, 0], np.where(right > left, pairs[:, 1],
                    np.where(lot, pairs[:, 0], pairs[:, 1])))  # fmt: skip
    drawn = np.bincount(wins, minlength=3) / len(pairs)
    assert np.allclose(TextMark(b"x").steer(probs, bits), drawn, atol=0.005)


def test_a_context_that_came_before_steers_nothing_and_counts_once():
    ids = [1, 2, 3, 4, 5] * 60
    assert TextMark(b"ours").detect(ids).tokens == 5
    assert TextMark(b"ours").detect(ids).enough is False


def test_short_texts_are_not_judged():
    found = TextMark(b"ours").detect(text(b"ours", 1, 40))
    assert (found.found, found.enough) == (False, False)
    assert TextMark(b"ours").detect([]).p == 1.0


def test_half_of_it_is_still_found_and_a_rewritten_one_is_not():
    ids = text(b"ours", 3, 300)
    assert TextMark(b"ours").detect(ids[150:]).found
    random = np.random.default_rng(1)
    swapped = [int(random.integers(VOCABULARY)) if random.random() < 0.5 else i for i in ids]
    assert TextMark(b"ours").detect(swapped).score < TextMark(b"ours").detect(ids).score / 3


def test_it_stops_and_a_seed_fixes_it():
    first = text(b"ours", 5, 50)
    assert first == text(b"ours", 5, 50)
    assert first != text(b"ours", 6, 50)
    stopped = list(go_on(following, [1, 2], None, max_new=50, stop={first[10]}, seed=5))
    assert first[10] not in stopped


def test_several_keys_and_none():
    ids = text(b"second", 2)
    mark, found = marked_text.best_of({"a": b"first", "b": b"second"}, ids)
    assert (mark.found, mark.key, found.found) == (True, "b", True)
    mark, _ = marked_text.best_of({}, ids)
    assert (mark.found, mark.key) == (False, "")


def test_wrong_use_is_told(tmp_path, capsys):
    config = load(tmp_path, {})
    signed = Signed(config)
    with pytest.raises(InputError, match="empty"):
        list(marked_text.write(config, signed, "x", " "))
    with pytest.raises(InputError, match="tokens"):
        list(marked_text.write(config, signed, "x", "Go on", max_new=9999))
    with pytest.raises((InputError, ModelMissing), match="nosuch"):
        list(marked_text.write(config, signed, "nosuch", "Go on"))
    file = tmp_path / "a.txt"
    file.write_text("words")
    base = ["--home", str(tmp_path), "provenance"]
    assert main([*base, "--text", str(file)]) == 2
    assert "--model" in capsys.readouterr().err
    assert main([*base, "--text", str(file), "--model", "nosuch"]) == 1


def test_a_real_small_model_writes_with_the_mark(tmp_path, capsys):
    """llama.cpp, real weights, the commands as a person uses them."""
    from pathlib import Path

    models = Path(__file__).parent.parent / ".cache" / "models"
    if not (models / "smollm2-135m-instruct" / "pulled.json").is_file():
        pytest.skip("the smallest chat model is not here (make models)")
    (tmp_path / "models").symlink_to(models)
    base = ["--home", str(tmp_path), "provenance", "--model", "smollm2-135m-instruct"]
    file = tmp_path / "written.txt"
    tried = []
    # The model may stop after a few words, too few to show a mark: then another text is asked for.
    for subject in ("a harbour", "an old bridge", "a storm at sea", "a long journey", "a market"):
        prompt = f"Tell me about {subject}."
        assert main([*base, "--write", prompt, "--tokens", "90", "--json"]) == 0
        file.write_text(json.loads(capsys.readouterr().out)["text"])
        code = main([*base, "--text", str(file), "--json"])
        tried.append((code, json.loads(capsys.readouterr().out)))
        if code == 0:
            break
    assert tried[-1][0] == 0, tried
    assert tried[-1][1]["found"], tried
    file.write_text("The council met on Tuesday to talk about the harbour and its old walls. " * 5)
    assert main([*base, "--text", str(file)]) == 3

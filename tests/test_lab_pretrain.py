"""A run of the loop is the same whole, cut, and on any number of processes; faults are told."""

import argparse
import json
import math
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="gnomon[lab] is not installed")

import training_rank as tiny  # noqa: E402
from gnomon.errors import InputError, ModelError, StoreFull  # noqa: E402
from gnomon.lab import dial  # noqa: E402
from gnomon.lab.command import Bench  # noqa: E402
from gnomon.lab.model import checkpoint, command, curve, memory, planning, pretrain, rates, stock  # noqa: E402
from gnomon.lab.model.gpt import GPT, Shape  # noqa: E402
from gnomon.lab.model.optimizer import Recipe  # noqa: E402
from gnomon.lab.model.rows import PAD, Stream, pack  # noqa: E402
from gnomon.lab.shards import CorruptShard, Shard, finish_split, open_tokens, write_shard  # noqa: E402
from gnomon.lab.workspace import workspace  # noqa: E402

torch.set_num_threads(1)
END = 30


class Told:
    """A reporter that remembers."""

    def __init__(self):
        self.lines, self.seen = [], []

    def say(self, line):
        self.lines.append(line)

    def at(self, progress):
        self.seen.append(progress)


def losses(folder):
    return [row["loss"] for row in curve.read(folder)]


def weights_of(model):
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run, one process."""
    folder = tmp_path_factory.mktemp("whole")
    model, trained = tiny.run(folder, tiny.ALONE)
    return folder, model, trained


def test_the_loop_learns_and_draws_its_curve(whole):
    folder, _, trained = whole
    found = losses(folder)
    assert len(found) == trained.steps == tiny.RECIPE.steps
    assert found[-1] < 0.8 * found[0]
    assert trained.seen == tiny.RECIPE.steps * tiny.ROWS * tiny.SHAPE.context
    picture = (folder / curve.PICTURE).read_text()
    assert picture.startswith("<svg")
    assert "polyline" in picture


def test_ctrl_c_keeps_what_was_learnt_and_the_same_command_goes_on(whole, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        tiny.run(tmp_path, tiny.ALONE, stop_before=6)
    assert signal.getsignal(signal.SIGINT) is before
    assert len(losses(tmp_path)) == 7
    model, trained = tiny.run(tmp_path, tiny.ALONE)
    assert losses(tmp_path) == losses(whole[0])
    assert torch.equal(weights_of(model), weights_of(whole[1]))
    assert trained.loss == pytest.approx(whole[2].loss)


def test_one_rank_goes_on_as_two_whole_or_sharded(whole, tmp_path):
    """DDP, and FSDP2 with checkpoints that are laid out anew, over gloo."""
    ways = ["ddp", "fsdp"]
    for way in ways:
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path / way, tiny.ALONE, stop_before=4)
    ranks(2, *(part for way in ways for part in (tmp_path / way, way)))
    want = losses(whole[0])
    for way in ways:
        told = json.loads((tmp_path / way / "told.json").read_text())
        assert (told["ranks"], told["steps"]) == (2, tiny.RECIPE.steps)
        assert losses(tmp_path / way) == pytest.approx(want, rel=2e-3)
        for name, weight in whole[1].named_parameters():
            assert torch.allclose(torch.tensor(told["weights"][name]), weight, atol=5e-3), name
    again, _ = tiny.run(tmp_path / "fsdp", tiny.ALONE)
    assert torch.allclose(weights_of(again), weights_of(whole[1]), atol=5e-3)


def ranks(size, *arguments):
    """Run ``training_rank`` as ``torchrun`` would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(tiny.__file__)
    paths = os.pathsep.join([str(script.parent.parent / "src"), str(script.parent)])
    common = {
        **os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size),
    }  # fmt: skip
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", str(script), *map(str, arguments)],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE, text=True,
        )
        for rank in range(size)
    ]  # fmt: skip
    for process in running:
        _, told = process.communicate(timeout=200)
        assert process.returncode == 0, told[-2000:]


def test_a_loss_that_is_no_number_stops_the_run_and_the_last_good_weights_stay(tmp_path):
    def poisoned(model, rows):
        value, count = pretrain.row_loss(model, rows)
        return (value * math.nan if poisoned.calls > 12 else value), count

    def counted(model, rows):
        poisoned.calls += 1
        return poisoned(model, rows)

    poisoned.calls = 0
    with pytest.raises(ModelError, match=r"no longer a number at step 6 of 12.*step-000006"):
        tiny.run(tmp_path, tiny.ALONE, loss=counted, save_every_s=-1.0)
    model, _ = tiny.run(tmp_path, tiny.ALONE)
    assert torch.isfinite(weights_of(model)).all()


def test_a_full_disk_keeps_the_last_checkpoint(whole, tmp_path):
    """The kernel's own refusal: no file of this process may grow beyond a few kilobytes."""
    with pytest.raises(KeyboardInterrupt):
        tiny.run(tmp_path, tiny.ALONE, stop_before=3)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StoreFull, match="step-000004, is kept"):
            tiny.run(tmp_path, tiny.ALONE, stop_before=7)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert [one.name for one in (tmp_path / "checkpoints").iterdir()] == ["step-000004"]
    tiny.run(tmp_path, tiny.ALONE)
    assert losses(tmp_path) == losses(whole[0])


def test_too_little_room_is_seen_before_writing(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda _: argparse.Namespace(free=1000))
    with pytest.raises(StoreFull, match="there is none yet"):
        tiny.run(tmp_path, tiny.ALONE, recipe=Recipe(steps=1))


def test_a_checkpoint_of_another_config_is_refused(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        tiny.run(tmp_path, tiny.ALONE, stop_before=2)
    with pytest.raises(InputError, match=r"checkpoint of another run: recipe is .*steps=13"):
        tiny.run(tmp_path, tiny.ALONE, recipe=Recipe(steps=13, average=0.2))


def test_a_damaged_checkpoint_is_told(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        tiny.run(tmp_path, tiny.ALONE, stop_before=2)
    for file in (tmp_path / "checkpoints").rglob("*.distcp"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputError, match="cannot be read"):
        tiny.run(tmp_path, tiny.ALONE)


def test_documents_are_packed_whole_and_each_once():
    chance = np.random.default_rng(0)
    lengths = chance.integers(1, 40, 500).tolist()
    rows = pack(lengths, 32)
    held = sorted(piece for row in rows for piece in row)
    assert held == sorted(
        (n, at, min(32, size - at)) for n, size in enumerate(lengths) for at in range(0, size, 32)
    )
    assert all(sum(size for _, _, size in row) <= 32 for row in rows)
    assert sum(lengths) / (32 * len(rows)) > 0.95


def corpus(folder, split, documents, vocab=END + 1):
    ids = np.array([one for row in documents for one in (*row, END)], dtype="<u2")
    name = f"{split}-00000.bin"
    folder.mkdir(parents=True, exist_ok=True)
    digest = write_shard(folder / name, ids)
    sizes = Shard(name, digest, len(ids), len(documents), sum(map(len, documents)))
    finish_split(folder, split, [sizes], vocab=vocab, end=END, tokenizer="x")


def counting(count, seed=0):
    """Documents in which every token follows from the one before."""
    chance = np.random.default_rng(seed)
    return [
        [(int(start) + step) % END for step in range(size)]
        for start, size in zip(chance.integers(0, END, count), chance.integers(3, 90, count),
                               strict=True)
    ]  # fmt: skip


def test_rows_hold_every_token_once_an_epoch_in_the_seeds_order(tmp_path):
    documents = counting(60)
    corpus(tmp_path, "train", documents)
    tokens = open_tokens(tmp_path, "train")
    stream = Stream(tokens, 32, seed=4)
    total = len(pack([len(one) + 1 for one in documents], 32))
    rows = stream.take(0, total)
    assert rows.size == len(tokens)
    kept = rows.weights > 0
    assert torch.equal(rows.segments != PAD, kept)
    assert sorted(rows.targets[kept].tolist()) == sorted(tokens.read(0, len(tokens)).tolist())
    follows = (rows.ids[:, 1:] == rows.targets[:, :-1]) | (
        rows.segments[:, 1:] != rows.segments[:, :-1]
    )
    assert follows[kept[:, 1:]].all()
    second = stream.take(total, total)
    assert second.size == len(tokens)
    assert not torch.equal(second.ids, rows.ids)
    again = Stream(tokens, 32, seed=4)
    assert torch.equal(again.take(total, total).ids, second.ids)
    assert torch.equal(stream.take(3, 2).ids, rows.ids[3:5])
    assert [len(part.ids) for part in rows.cut(3)] == [-(-total // 3)] * (total % 3) + [
        total // 3
    ] * (3 - total % 3)


@pytest.fixture
def work(tmp_path):
    """A run whose tokenizer stage has finished, on a machine of one slow thread."""
    space = workspace(tmp_path, "tiny")
    held = space.stage("tokenizer") / "tokens"
    corpus(held, "train", counting(400))
    corpus(held, "val", counting(40, seed=1))
    space.finish("tokenizer", {}, {}, "")
    return space, Bench(tmp_path, tmp_path / "models", 1, Told())


def settings(**given):
    return pretrain.Settings(**{"depth": 1, "tokens": 20_000, "precision": "f32", **given})


def test_the_stage_leaves_a_model_a_report_and_a_curve(work):
    space, bench = work
    report = pretrain.pretrain(space, bench, settings())
    model = stock.load(Path(report["folder"]))
    tokens = open_tokens(space.stage("tokenizer") / "tokens", "val")
    with torch.no_grad():
        found = pretrain.measure(model, tokens)
    assert found["bits_per_byte"] == pytest.approx(report["bits_per_byte"])
    assert found["val_loss"] * len(tokens) / math.log(2) / tokens.bytes == pytest.approx(
        found["bits_per_byte"]
    )
    assert report["val_loss"] < 2.5 < math.log(31)
    assert 0 < report["mfu"] < 1
    folder = space.folder / "pretrain"
    assert {one.name for one in folder.iterdir()} >= {
        "model",
        "curve.svg",
        "log.jsonl",
        "report.md",
    }
    assert not (folder / "checkpoints").exists()
    assert bench.reporter.seen[-1].values["bits_per_byte"] > 0
    bench.reporter.seen.clear()
    assert pretrain.pretrain(space, bench, settings()) == report
    assert not bench.reporter.seen


def test_a_stage_that_was_cut_goes_on_with_the_steps_it_had(work, monkeypatch):
    space, bench = work
    wanted = settings(tokens=None, minutes=0.02)
    real = Stream.take

    def cut(self, first, count):
        if first:
            os.kill(os.getpid(), signal.SIGINT)
        return real(self, first, count)

    monkeypatch.setattr(Stream, "take", cut)
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(space, bench, wanted)
    monkeypatch.undo()
    assert "the same command goes on" in bench.reporter.lines[-1]
    kept = json.loads((space.folder / "pretrain" / "plan.json").read_text())
    monkeypatch.setattr(planning, "_speed", lambda *_: 1e9)
    report = pretrain.pretrain(space, bench, wanted)
    assert report["steps"] == kept["steps"]
    assert any("going on from step 2" in line for line in bench.reporter.lines)


def test_a_corrupted_shard_is_named(work):
    space, bench = work
    shard = space.stage("tokenizer") / "tokens" / "train-00000.bin"
    spoiled = bytearray(shard.read_bytes())
    spoiled[100] ^= 1
    shard.write_bytes(spoiled)
    with pytest.raises(CorruptShard, match=r"train-00000\.bin has SHA-256"):
        pretrain.pretrain(space, bench, settings())


def test_no_tokens_and_no_document_are_told(work, tmp_path):
    space, bench = work
    with pytest.raises(InputError, match="gnomon lab tokenizer"):
        pretrain.pretrain(workspace(tmp_path, "other"), bench, settings())
    corpus(space.stage("tokenizer") / "tokens", "train", [])
    with pytest.raises(InputError, match="no document to learn from"):
        pretrain.pretrain(space, bench, settings())


def test_one_short_document_is_enough(work):
    space, bench = work
    corpus(space.stage("tokenizer") / "tokens", "train", [[1, 2]])
    corpus(space.stage("tokenizer") / "tokens", "val", [])
    report = pretrain.pretrain(space, bench, settings(tokens=600))
    assert report["tokens"] >= 3
    assert "val_loss" not in report


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"tokens": 0}, "--tokens is 0"),
        ({"minutes": -1.0}, "--minutes is -1.0"),
        ({"rate_scale": 0.0}, "--rate-scale is 0.0"),
        ({"dropout": 1.0}, "--dropout is 1.0"),
        ({"precision": "f8"}, "--precision is 'f8'"),
        ({"depth": 99}, "--depth is 99"),
        ({"spread": "both"}, "--spread is 'both'"),
    ],
)
def test_settings_that_cannot_be_used_are_named(work, given, word):
    with pytest.raises(InputError, match=word):
        pretrain.pretrain(*work, settings(**given))


def test_too_little_memory_says_what_would_fit():
    big = Shape.of(dial.sizes(24))
    want = memory.need(big, bf16=False, short=False)
    assert memory.pieces(big, 8, want.total(8), bf16=False, short=False) == 1
    assert memory.pieces(big, 8, want.total(3), bf16=False, short=False) == 3
    with pytest.raises(InputError, match=r"24 layers takes .* GiB to train.*--depth \d+ would fit"):
        memory.pieces(big, 8, 8 * 2**30, bf16=False, short=False)
    with pytest.raises(InputError, match="not even --depth 1"):
        memory.pieces(big, 8, 2**20, bf16=False, short=False)
    assert memory.available(torch.device("cpu")) > 2**28


def test_what_a_row_keeps_is_what_the_estimate_says():
    """Within a factor of two: bytes of all tensors that autograd holds on to."""
    shape = Shape.of(dial.sizes(2), vocab=500)
    model, rows = GPT(shape), 4
    held = {}

    def keep(tensor):
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    ids = torch.zeros(rows, shape.context, dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept):
        model.hidden(ids)
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    real = sum(size for place, size in held.items() if place not in weights)
    guess = rows * memory.need(shape, bf16=False, short=False).row
    assert real / 2 < guess < real * 2


def test_operations_are_counted_as_the_paper_does():
    shape = Shape.of(dial.sizes(12))
    found = rates.flops_per_token(shape, 1024)
    assert found == 6 * shape.parameters + 12 * 12 * 12 * 64 * 1024
    assert rates.gemm(torch.device("cpu"), size=128) > 1e8


def test_the_command_hands_everything_on(work, monkeypatch):
    _, bench = work
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args(
        "--name tiny --depth 3 --seed 2 --tokens 5 --rate-scale 0.5 --dropout 0.2 "
        "--precision f32 --no-compile --spread fsdp --anew".split()
    )
    seen = []
    monkeypatch.setattr(pretrain, "pretrain", lambda *given, **named: seen.append((given, named)))
    command.run(args, bench)
    ((space, _, wanted), named) = seen[0]
    assert (space.name, named) == ("tiny", {"anew": True})
    assert wanted == pretrain.Settings(3, 2, 5, None, 0.5, 0.2, "f32", False, "fsdp")

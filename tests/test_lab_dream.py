"""A model run backwards is the model: the same outputs, the same gradients, and pictures that
please it more. Real parts: ONNX Runtime, transformers, the specification's own cases."""

import argparse
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="gnomon[lab] is not installed")
onnx = pytest.importorskip("onnx", reason="gnomon[lab] is not installed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from gnomon.errors import InputError, Unsupported  # noqa: E402
from gnomon.lab.command import Bench  # noqa: E402
from gnomon.lab.dream import ascent, command, dreaming, onnx_graph, paper, resnet, seers  # noqa: E402
from gnomon.lab.progress import Silence  # noqa: E402

torch.set_num_threads(1)

CASES = """add argmax batch_normalization clip concat constant constantofshape conv convtranspose
depthtospace div einsum expand flatten gather gatherelements gelu gemm globalaveragepool
globalmaxpool groupnormalization hardsigmoid hardswish instance_normalization layernormalization
leakyrelu logsoftmax lpnormalization lrn matmul mish mod pad pow prelu reduce_log_sum_exp reducel2
reducemax reducemean reducesum reshape resize rmsnormalization selu shape slice softmax
spacetodepth split squeeze sum tile transpose unsqueeze where""".split()


MAY_REFUSE = {"BatchNormalization", "ConvTranspose", "ReduceMax", "Resize", "SpaceToDepth"}
"""Operators of which some settings are refused, not computed nearly: training, paddings that are
found, maxima of nothing, resizes that torch has not."""


def test_operators_do_what_the_specification_says():
    """The cases of onnx's own conformance suite, from the package; the few that are refused say so
    themselves."""
    from onnx.backend.test.case import node

    for name in CASES:
        importlib.import_module(f"onnx.backend.test.case.node.{name}")
    cases = [one for one in node._NodeTestCases if _ours(one)]
    refused = [one.model.graph.node[0].op_type for one in cases if not _agrees(one)]
    assert set(refused) <= MAY_REFUSE
    assert len(cases) - len(refused) > 300


def _ours(case):
    nodes = case.model.graph.node
    types = {one.type.tensor_type.elem_type for one in case.model.graph.input}
    return (
        len(nodes) == 1
        and nodes[0].op_type in onnx_graph.OPERATORS
        and types <= {TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL}
    )


def _agrees(case):
    """Whether the case was checked, not refused; fails where it comes out otherwise."""
    node = onnx_graph._node(case.model.graph.node[0], case.model.opset_import[0].version, "here")
    for given, wanted in case.data_sets:
        names = [one.name for one in case.model.graph.input]
        have = {
            name: torch.from_numpy(np.array(one)) for name, one in zip(names, given, strict=False)
        }
        inputs = [have[name] if name else None for name in node.takes]
        try:
            made = onnx_graph.OPERATORS[node.kind](inputs, node.settings, node.version)
        except ValueError as error:
            if "not known here" in str(error) or "training mode" in str(error):
                return False
            raise
        except IndexError:
            if "empty_set" in case.name:
                return False
            raise
        first = made[0] if isinstance(made, tuple) else made
        expected = np.asarray(wanted[0])
        assert tuple(first.shape) == expected.shape, case.name
        np.testing.assert_allclose(
            first.numpy().astype(float), expected.astype(float), rtol=1e-3, atol=1e-5,
            err_msg=case.name,
        )  # fmt: skip
    return True


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    """A folder of transformers' ViT with weights by chance, that sees 32 pixels."""
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    model = ViTForImageClassification(
        ViTConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=48,
            image_size=32,
            patch_size=8,
            num_labels=5,
        )
    ).eval()
    folder = tmp_path_factory.mktemp("vit")
    model.save_pretrained(folder)
    return folder, model


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """A folder of our own ResNet with weights and statistics by chance."""
    torch.manual_seed(0)
    shape = resnet.Shape(("cat", "dog", "fish"), width=8, stages=3, depth=2, side=32)
    model = resnet.ResNet(shape).train()
    for _ in range(3):
        model(torch.randn(8, 3, 32, 32))
    folder = tmp_path_factory.mktemp("net")
    resnet.save(model.eval(), folder)
    return folder, model


def test_our_network_is_transformers_own(net):
    from transformers import AutoModelForImageClassification

    folder, model = net
    stock = AutoModelForImageClassification.from_pretrained(folder).eval()
    assert type(stock).__name__ == "ResNetForImageClassification"
    x = torch.randn(2, 3, 48, 40)
    with torch.no_grad():
        torch.testing.assert_close(stock(x).logits, model(x), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(resnet.load(folder)(x), model(x))
    assert stock.config.id2label == {0: "cat", 1: "dog", 2: "fish"}


@pytest.mark.parametrize("which", ["vit", "net"])
def test_an_exported_network_gives_what_it_gave_and_its_gradient(which, request, tmp_path):
    """Outputs as ONNX Runtime's, gradients as those of the network it was exported from."""
    import onnxruntime

    _, model = request.getfixturevalue(which)
    path = tmp_path / "model.onnx"
    x = torch.rand(2, 3, 32, 32)

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, pictures):
            made = self.model(pictures)
            return made.logits if hasattr(made, "logits") else made

    logits_of = Logits().eval()
    torch.onnx.export(
        logits_of, (x,), str(path), input_names=["pixels"], output_names=["logits"],
        dynamo=False, dynamic_axes={"pixels": {0: "n"}},
    )  # fmt: skip
    graph = onnx_graph.read(path)
    session = onnxruntime.InferenceSession(str(path))
    (wanted,) = session.run(None, {"pixels": x.numpy()})
    ours = x.clone().requires_grad_(True)
    logits = graph.values(ours, {"logits"})["logits"]
    np.testing.assert_allclose(logits.detach().numpy(), wanted, rtol=1e-4, atol=1e-5)
    theirs = x.clone().requires_grad_(True)
    logits_of(theirs)[:, 1].sum().backward()
    (slope,) = torch.autograd.grad(logits[:, 1].sum(), ours)
    torch.testing.assert_close(slope, theirs.grad, rtol=1e-3, atol=1e-6)
    seer = seers.open_seer(path, "signed")
    assert (seer.fixed, seer.side) == (True, 32)
    layers = seer.layers()
    assert {"Softmax", "MatMul"} <= {one.kind for one in layers} or which == "net"
    assert all(seer.at(x, one.name).shape == (2, one.places, one.channels) for one in layers[-3:])


def model_of(nodes, weights=(), size=(1, 3, 16, 16)):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], list(weights),
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def test_what_cannot_be_run_backwards_is_named(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(model_of([helper.make_node("QLinearConv", ["x"], ["y"])]), path)
    with pytest.raises(InputError, match="uses QLinearConv, which gnomon cannot run backwards"):
        seers.open_seer(path)
    path.write_bytes(b"not a model")
    with pytest.raises(InputError, match="no ONNX model that can be read"):
        seers.open_seer(path)
    weight = numpy_helper.from_array(np.ones((2, 5, 3, 3), np.float32), "w")
    onnx.save(model_of([helper.make_node("Conv", ["x", "w"], ["y"], name="first")], [weight]), path)
    with pytest.raises(InputError, match=r"the model's Conv 'first' cannot be computed over"):
        seers.open_seer(path).layers()
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text('{"model_type": "vit"}')
    (pickled / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    for where in (pickled, pickled / "pytorch_model.bin"):
        with pytest.raises(InputError, match="not opened"):
            seers.open_seer(where)
    (pickled / "model.safetensors").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match="cannot be opened as a model that sees"):
        seers.open_seer(pickled)


def test_a_node_and_its_value_are_the_same_layer_and_rows_may_come_last(tmp_path):
    """A model that takes rows of pixels (TensorFlow's order) has its map laid out like others."""
    path = tmp_path / "m.onnx"
    weight = numpy_helper.from_array(np.eye(3, dtype=np.float32)[:, :, None, None], "w")
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "w"], ["c"], name="same"),
        helper.make_node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1]),
    ]
    onnx.save(model_of(nodes, [weight], (1, 8, 8, 3)), path)
    seer = seers.open_seer(path, "unit")
    x = torch.rand(2, 3, 8, 8)
    wanted = x.flatten(2).transpose(1, 2)
    assert seer.last
    torch.testing.assert_close(seer.at(x, "y"), wanted)
    with pytest.raises(InputError, match="no layer 'gone'"):
        seer.at(x, "gone")


@pytest.mark.parametrize("which", ["vit", "net"])
def test_a_dream_of_any_size_pleases_its_layer_more(which, request):
    """In tiles for what sees one size, and in tiles smaller than the picture for what sees any."""
    seer = seers.open_seer(request.getfixturevalue(which)[0])
    assert seer.fixed == (which == "vit")
    layer = dreaming.usual_layer(seer.layers()).name
    picture = torch.rand(3, 45, 70, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4
    how = ascent.Dream(octaves=2, steps=4, tile=48)
    made = [list(ascent.dreamt(picture, seer, layer, ascent.loudest, how)) for _ in range(2)]
    (done, total, last), (_, _, again) = made[0][-1], made[1][-1]
    assert (done, last.shape) == (total, picture.shape)
    assert torch.equal(last, last.clamp(0, 1))
    torch.testing.assert_close(last, again, rtol=0, atol=0)

    def loud(one):
        cut = one[None, :, :32, :32] if seer.fixed else one[None]
        return float(ascent.loudest(seer.at(cut, layer)))

    assert loud(last) > loud(picture)


class Even:
    """Sees the mean of the pixels: every pixel's slope is the same."""

    name, sha256, labels, fixed = "even", "0", (), True

    def __init__(self, side):
        self.side = side

    def layers(self):
        return []

    def at(self, pictures, layer):
        assert pictures.shape[2:] == (self.side, self.side)
        return pictures.flatten(1).mean(1)[:, None, None]


@pytest.mark.parametrize(("size", "side"), [((20, 33), 16), ((9, 40), 16), ((16, 16), 16)])
def test_tiles_cover_every_pixel_once_or_as_often_as_it_counts(size, side):
    chance = torch.Generator().manual_seed(1)
    slope = ascent.climbed(
        torch.rand(3, *size), Even(side), "", ascent.unit(0), ascent.Dream(), chance
    )
    torch.testing.assert_close(slope, torch.ones(3, *size), rtol=1e-4, atol=1e-4)


def test_a_unit_and_another_picture_are_climbed(net):
    folder, _ = net
    seer = seers.open_seer(folder)
    picture = torch.full((3, 32, 32), 0.5)
    how = ascent.Dream(octaves=1, steps=6, jitter=2)

    def logit(one):
        return float(seer.at(one[None], "classifier")[0, 0, 2])

    *_, (_, _, last) = ascent.dreamt(picture, seer, "classifier", ascent.unit(2), how)
    assert logit(last) > logit(picture)
    with pytest.raises(InputError, match="units from 0 to 2"):
        next(ascent.dreamt(picture, seer, "classifier", ascent.unit(3), how))
    layer = "resnet.encoder.stages.1"
    guide = seer.at(torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3)), layer)[0]
    aim = ascent.like(guide)
    *_, (_, _, last) = ascent.dreamt(picture, seer, layer, aim, how)
    assert float(aim(seer.at(last[None], layer))) > float(aim(seer.at(picture[None], layer)))


def test_octaves_rise_to_the_whole_and_none_is_too_small():
    how = ascent.Dream(octaves=4, scale=2.0)
    assert ascent.sizes(64, 128, how, 16) == [(16, 32), (32, 64), (64, 128)]
    assert ascent.sizes(8, 8, how, 16) == [(8, 8)]
    with pytest.raises(InputError, match=r"--scale is 1\.0"):
        ascent.Dream(scale=1.0).check()


def given(*words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return argparse.Namespace(**vars(parser.parse_args(list(map(str, words)))), json=True)


def bench_at(home):
    return Bench(home, home / "models", 1, Silence())


def write_set(folder: Path):
    """Drawings of two families by chance: discs are red, bars blue."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    pixels = np.zeros((96, 16, 16, 4), np.uint8)
    rows = []
    for number in range(96):
        kind = ("disc", "bar")[number % 2]
        shape = np.hypot(*(np.indices((16, 16)) - 8)) < random.integers(3, 7)
        if kind == "bar":
            shape = np.zeros((16, 16), bool)
            shape[:, random.integers(2, 12) :][:, :3] = True
        pixels[number][shape] = (220, 30, 30, 255) if kind == "disc" else (30, 30, 220, 255)
        split = ("train", "train", "train", "val", "test", "train")[number // 2 % 6]
        rows.append({"id": f"s:{number}", "set": "s", "concept": str(number), "captions": [kind],
                     "licence": "CC0-1.0", "split": split, "kind": kind})  # fmt: skip
    np.save(folder / "pixels.npy", pixels)
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "report.json").write_text(json.dumps({"inputs": "these"}))


def test_the_command_trains_a_classifier_and_dreams_with_it(tmp_path):
    from PIL import Image

    write_set(tmp_path / "lab" / "p" / "pictures")
    bench = bench_at(tmp_path)
    picture, out = tmp_path / "in.jpg", tmp_path / "out.png"
    pixels = np.random.default_rng(0).integers(0, 255, (40, 72, 3), np.uint8)
    Image.fromarray(pixels).save(picture, quality=90)
    with pytest.raises(InputError, match="gnomon lab dream --train --name p"):
        command.run(given(picture, "--name", "p"), bench)
    train = ("--name", "p", "--train", "--steps", 3, "--width", 8, "--precision", "f32")
    report = command.run(given(*train), bench)
    assert (report["labels"], report["steps"]) == (["bar", "disc"], 3)
    assert report["test_commonest"] == 0.5
    assert command.run(given(*train), bench) == report
    listed = command.run(given("--name", "p", "--list-layers"), bench)
    assert "resnet.encoder.stages.3" in {one["name"] for one in listed["layers"]}
    words = ("--name", "p", "--out", out, "--steps", 2, "--octaves", 2)
    made = command.run(given(picture, *words, "--unit", "disc", "--layer", "classifier"), bench)
    with Image.open(out) as file:
        assert (file.size, file.format) == ((72, 40), "PNG")
        told = json.loads(file.text["Parameters"])
    assert told["model_sha256"] == report["sha256"] == made["model_sha256"]
    with pytest.raises(InputError, match="give a number or one of: bar, disc"):
        command.run(given(picture, *words, "--unit", "cow", "--layer", "classifier"), bench)


def test_a_film_goes_on_where_it_was_cut(net, tmp_path):
    class Cut(Silence):
        def at(self, progress):
            if progress.stage == "film" and progress.done == 2:
                raise KeyboardInterrupt

    torch.manual_seed(0)
    paper.write(tmp_path / "in.png", torch.rand(3, 32, 40), {})
    seer, how = seers.open_seer(net[0]), ascent.Dream(octaves=1, steps=2)
    wishes = [dreaming.Wish(tmp_path / "in.png", tmp_path / f"{n}.png", frames=3) for n in "ab"]
    with pytest.raises(KeyboardInterrupt):
        dreaming.dream(seer, wishes[0], how, Bench(tmp_path, tmp_path, 1, Cut()))
    assert sorted(one.name for one in (tmp_path / "a").glob("*.png")) == ["0000.png", "0001.png"]
    for wish in wishes:
        dreaming.dream(seer, wish, how, bench_at(tmp_path))
    frames = [[paper.read(one) for one in sorted((tmp_path / n).glob("*.png"))] for n in "ab"]
    assert len(frames[0]) == 3
    for one, other in zip(*frames, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(Unsupported, match="no PNG, JPEG or WebP"):
        paper.read(tmp_path / "words.png")
    with pytest.raises(InputError, match="is not there"):
        paper.read(tmp_path / "gone.png")
    with pytest.raises(InputError, match="give a picture to dream over"):
        command.run(given("--name", "p"), bench_at(tmp_path))

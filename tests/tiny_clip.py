"""A CLIP that is tiny and real, made with onnx's helper: it knows five colours.

Its vision half takes the mean colour of the picture to five directions, its text half sums the
directions of the colours that are named. What it sees is what it should, so that a test can say
which picture comes first.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SIDE = 16
COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 180, 40),
    "blue": (30, 60, 220),
    "yellow": (235, 215, 30),
    "violet": (150, 40, 190),
}
WORDS = ("a", "the", "of", "picture", "umbrella", "house")
MEAN, STD = (0.45, 0.46, 0.41), (0.27, 0.26, 0.28)
DIM = 8


def folder(place: Path, *, name: str = "tiny-clip", languages: tuple[str, ...] = ("en",)) -> Path:
    """An exported CLIP of the layout that ``models.clip`` reads. Deterministic."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    def save(part: str, nodes: list, inputs: list, output: str, held: list) -> None:
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes, part, [value(*one) for one in inputs],
            [value(output, TensorProto.FLOAT, ["B", DIM])], held,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model)
        (place / part).mkdir(parents=True)
        onnx.save(model, place / part / "model.onnx")

    node, array = helper.make_node, numpy_helper.from_array
    # Directions: the colours less their mean, so that grey is near to none of them.
    colours = (np.array(list(COLOURS.values()), np.float32) / 255 - MEAN) / STD
    middle = colours.mean(axis=0)
    turn = np.random.default_rng(3).standard_normal((3, DIM)).astype(np.float32)
    turn = np.linalg.qr(turn.T)[0].T.astype(np.float32)
    save(
        "vision",
        [
            node("ReduceMean", ["pixel_values"], ["mean"], axes=[2, 3], keepdims=0),
            node("Sub", ["mean", "middle"], ["moved"]),
            node("MatMul", ["moved", "turn"], ["image_embeds"]),
        ],
        [("pixel_values", TensorProto.FLOAT, ["B", 3, SIDE, SIDE])],
        "image_embeds",
        [array(middle.astype(np.float32), "middle"), array(turn, "turn")],
    )
    names = ["<begin>", "<end>", "<unk>", *COLOURS, *WORDS]
    table = np.zeros((len(names), 3), np.float32)
    table[3 : 3 + len(COLOURS)] = colours - middle
    table[:, 0] += 1e-3
    save(
        "text",
        [
            node("Gather", ["table", "input_ids"], ["rows"]),
            node("Cast", ["attention_mask"], ["floats"], to=TensorProto.FLOAT),
            node("Unsqueeze", ["floats", "last"], ["mask"]),
            node("Mul", ["rows", "mask"], ["told"]),
            node("ReduceSum", ["told", "one"], ["sum"], keepdims=0),
            node("MatMul", ["sum", "turn"], ["text_embeds"]),
        ],
        [
            ("input_ids", TensorProto.INT64, ["B", "T"]),
            ("attention_mask", TensorProto.INT64, ["B", "T"]),
        ],
        "text_embeds",
        [
            array(table, "table"), array(turn, "turn"), array(np.array([1], np.int64), "one"),
            array(np.array([-1], np.int64), "last"),
        ],
    )  # fmt: skip
    words = Tokenizer(models.WordLevel({n: at for at, n in enumerate(names)}, unk_token="<unk>"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="<begin> $A <end>", special_tokens=[("<begin>", 0), ("<end>", 1)]
    )
    words.save(str(place / "tokenizer.json"))
    (place / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 8}))
    how = {
        "do_resize": True, "size": {"shortest_edge": SIDE}, "resample": 3, "do_center_crop": True,
        "crop_size": {"height": SIDE, "width": SIDE}, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": MEAN, "image_std": STD,
    }  # fmt: skip
    (place / "preprocessor_config.json").write_text(json.dumps(how))
    card = {"name": name, "languages": list(languages), "licence": "Apache-2.0"}
    (place / "card.json").write_text(json.dumps(card))
    return place


def installed(models_dir: Path, **how: object) -> Path:
    """The same as an installed model, which 'auto' finds."""
    from gnomon.models.installed import HeldFile, file_sha256, write_manifest

    name = str(how.get("name", "tiny-clip"))
    place = folder(models_dir / name, **how)  # type: ignore[arg-type]
    files = [
        HeldFile(p.relative_to(place).as_posix(), p.stat().st_size, file_sha256(p))
        for p in sorted(place.rglob("*"), key=lambda p: (p.parent.name != "vision", p.name))
        if p.is_file()
    ]
    write_manifest(place, name, files, "made by a test")
    return place

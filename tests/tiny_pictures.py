"""Models for pictures that are tiny and real: an exported pipeline with random weights, made with
onnx's helper, a diffusers pipeline, and a program that behaves as stable-diffusion.cpp's does."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import numpy as np

SIDE = 32
WORDS = 64
WIDTH = 8


def onnx_pipeline(folder: Path, *, latent: bool = False, name: str = "tiny-pictures") -> Path:
    """An exported pipeline of ``draw_onnx``'s layout: pixels of 32 x 32, or latents of 4 x 8 x 8
    with a decoder and an encoder. Deterministic."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, pre_tokenizers

    draw = np.random.default_rng(7)
    channels = 4 if latent else 3

    def weights(name: str, *shape: int, scale: float = 0.4) -> onnx.TensorProto:
        values = draw.standard_normal(shape).astype(np.float32) * scale
        return numpy_helper.from_array(values, name)

    def save(part: str, nodes: list, inputs: list, output: tuple, held: list, config: dict) -> None:
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes,
            part,
            [value(n, kind, shape) for n, kind, shape in inputs],
            [value(output[0], TensorProto.FLOAT, output[1])],
            held,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model)
        (folder / part).mkdir(parents=True)
        onnx.save(model, folder / part / "model.onnx")
        (folder / part / "config.json").write_text(json.dumps(config))

    node = helper.make_node
    save(
        "text_encoder",
        [node("Gather", ["table", "input_ids"], ["out"])],
        [("input_ids", TensorProto.INT64, ["B", "T"])],
        ("out", ["B", "T", WIDTH]),
        [weights("table", WORDS, WIDTH, scale=1.0)],
        {},
    )
    save(
        "transformer",
        [
            node("ReduceMean", ["encoder_hidden_states"], ["mean"], axes=[1], keepdims=0),
            node("MatMul", ["mean", "project"], ["told"]),
            node("Unsqueeze", ["told", "axes"], ["wide"]),
            node("Conv", ["sample", "kernel"], ["seen"], pads=[1, 1, 1, 1]),
            node("Add", ["seen", "wide"], ["sum"]),
            node("Div", ["timestep", "thousand"], ["sigma"]),
            node("Unsqueeze", ["sigma", "three"], ["sigmas"]),
            node("Add", ["sum", "sigmas"], ["all"]),
            node("Tanh", ["all"], ["out"]),
        ],
        [
            ("sample", TensorProto.FLOAT, ["B", channels, "H", "W"]),
            ("timestep", TensorProto.FLOAT, ["B"]),
            ("encoder_hidden_states", TensorProto.FLOAT, ["B", "T", WIDTH]),
        ],
        ("out", ["B", channels, "H", "W"]),
        [
            weights("project", WIDTH, channels, scale=1.5),
            weights("kernel", channels, channels, 3, 3, scale=0.2),
            numpy_helper.from_array(np.array([2, 3], np.int64), "axes"),
            numpy_helper.from_array(np.array([1, 2, 3], np.int64), "three"),
            numpy_helper.from_array(np.array(1000.0, np.float32), "thousand"),
        ],
        {"in_channels": channels, "sample_size": SIDE // 4 if latent else SIDE},
    )
    if latent:
        vae = {"scaling_factor": 0.5, "shift_factor": 0.1, "block_out_channels": [8, 8, 8]}
        save(
            "vae_decoder",
            [
                node("Conv", ["latent_sample", "mix"], ["mixed"]),
                node("Resize", ["mixed", "", "scales"], ["large"], mode="nearest"),
                node("Tanh", ["large"], ["out"]),
            ],
            [("latent_sample", TensorProto.FLOAT, ["B", 4, "h", "w"])],
            ("out", ["B", 3, "H", "W"]),
            [
                weights("mix", 3, 4, 1, 1, scale=0.7),
                numpy_helper.from_array(np.array([1, 1, 4, 4], np.float32), "scales"),
            ],
            vae,
        )
        save(
            "vae_encoder",
            [node("Conv", ["sample", "squeeze"], ["out"], strides=[4, 4])],
            [("sample", TensorProto.FLOAT, ["B", 3, "H", "W"])],
            ("out", ["B", 4, "h", "w"]),
            [weights("squeeze", 4, 3, 4, 4, scale=0.2)],
            vae,
        )
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(
        json.dumps(
            {
                "_class_name": "FlowMatchEulerDiscreteScheduler",
                "shift": 3.0,
                "num_train_timesteps": 1000,
            }
        )
    )
    names = ["red", "blue", "green", "cat", "dog", "house", "a", "drawing", "of", "sun"]
    vocabulary = {"[unk]": 0} | {word: at for at, word in enumerate(names, 1)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[unk]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    (folder / "tokenizer").mkdir()
    tokenizer.save(str(folder / "tokenizer" / "tokenizer.json"))
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "OnnxTinyPipeline"}))
    card = {"name": name, "languages": ["en"], "sizes": [[SIDE, SIDE], [2 * SIDE, SIDE]],
            "steps": 4, "guidance": 3.0, "licence": "Apache-2.0"}  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def installed(models_dir: Path, **how: object) -> Path:
    """The same as an installed model, which 'auto' finds."""
    from gnomon.models.installed import HeldFile, file_sha256, write_manifest

    folder = onnx_pipeline(models_dir / "tiny-pictures", **how)  # type: ignore[arg-type]
    files = [
        HeldFile(p.relative_to(folder).as_posix(), p.stat().st_size, file_sha256(p))
        for p in sorted(folder.rglob("*"), key=lambda p: (p.parent.name != "transformer", p.name))
        if p.is_file()
    ]
    write_manifest(folder, "tiny-pictures", files, "made by a test")
    return folder


SD = '''#!{python}
"""As sd-cli behaves: options, progress over itself on standard output, a PNG, an exit status."""
import argparse, sys, time, zlib, struct, random
p = argparse.ArgumentParser()
for names in (("-m", "--model"), ("-p", "--prompt"), ("-n", "--negative-prompt"),
              ("-o", "--output"), ("-i", "--init-img"), ("--mask",)):
    p.add_argument(*names, default="")
for names in (("-W", "--width"), ("-H", "--height"), ("--steps",), ("-s", "--seed"),
              ("-t", "--threads")):
    p.add_argument(*names, type=int, default=0)
p.add_argument("--cfg-scale", type=float); p.add_argument("--strength", type=float)
a = p.parse_args()
print("[INFO ] stable-diffusion.cpp: loading model from", a.model, flush=True)
if "crash" in a.prompt:
    print("[ERROR] out of memory", flush=True); sys.exit(3)
for step in range(1, a.steps + 1):
    if "slow" in a.prompt: time.sleep(0.05)
    print("\\r  |=====>          | %d/%d - 0.01s/it" % (step, a.steps), end="", flush=True)
draw = random.Random("%s|%d|%s" % (a.prompt, a.seed, bool(a.init_img)))
color = bytes(draw.randrange(256) for _ in range(3))
rows = b"".join(b"\\0" + color * a.width for _ in range(a.height))
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
head = struct.pack(">IIBBBBB", a.width, a.height, 8, 2, 0, 0, 0)
with open(a.output, "wb") as out:
    out.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head))
    out.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
print("\\nsave result image to", a.output)
'''


def sd_program(folder: Path) -> tuple[Path, Path]:
    """The program and a model file for it."""
    folder.mkdir(parents=True, exist_ok=True)
    program, model = folder / "sd-cli", folder / "tiny.gguf"
    program.write_text(SD.replace("{python}", sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    model.write_bytes(b"GGUF" + bytes(64))
    return program, model


def diffusers_pipeline(folder: Path) -> Path:
    """A Stable Diffusion with two blocks of everything, random weights."""
    import diffusers
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    letters = [chr(c) for c in range(97, 123)]
    words = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    source = folder.parent / "tokenizer"
    source.mkdir(parents=True)
    (source / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(words)}))
    (source / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer.from_pretrained(source)
    tokenizer.model_max_length = 16
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=16, bos_token_id=len(words) - 2,
        eos_token_id=len(words) - 1, pad_token_id=len(words) - 1,
    )  # fmt: skip
    unet = diffusers.UNet2DConditionModel(
        sample_size=8, block_out_channels=(16, 16), layers_per_block=1, norm_num_groups=4,
        cross_attention_dim=16, attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8), norm_num_groups=4, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    pipe = diffusers.StableDiffusionPipeline(
        vae=vae, text_encoder=CLIPTextModel(text), tokenizer=tokenizer, unet=unet,
        scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipe.save_pretrained(folder)
    return folder

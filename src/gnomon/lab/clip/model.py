"""CLIP: pictures and words in one space (Radford et al. 2021, https://arxiv.org/abs/2103.00020).

Two transformers with layer norms before each part, exactly the parameters of ``transformers``'
``CLIPModel``, so that a folder that was saved here is read there with equal outputs (a test holds
it to that). The text tower sees only what came before, and a text is its end token; a picture is
cut into patches, and is its class token.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from gnomon.errors import InputError
from gnomon.lab.model.kernels import attention
from gnomon.lab.shards import writing
from gnomon.lab.workspace import write_json

CONFIG, WEIGHTS = "config.json", "model.safetensors"
LOGIT_SCALE = math.log(1 / 0.07)
"""Where the softmax's scale begins (https://arxiv.org/abs/2103.00020, section 2.5)."""
SIGMOID_SCALE, SIGMOID_BIAS = math.log(10), -10.0
"""Where the sigmoid's scale and bias begin (https://arxiv.org/abs/2303.15343, section 3.2)."""
LARGEST_SCALE = math.log(100)
"""Beyond it training was found to be unstable (https://arxiv.org/abs/2103.00020, section 2.5)."""
NORM_EPS = 1e-5


@dataclass(frozen=True, slots=True)
class Tower:
    """``heads`` divides ``width``; the feed-forward is four times as wide."""

    layers: int
    width: int
    heads: int

    @classmethod
    def of(cls, layers: int, width: int) -> Tower:
        """With heads of 64, as CLIP has them."""
        return cls(layers, width, max(1, width // 64))


@dataclass(frozen=True, slots=True)
class Shape:
    """``vocab`` tokens, of which ``start``, ``end`` and ``pad`` are special; texts of up to
    ``context`` tokens; pictures of ``side`` pixels cut into patches of ``patch``. Both towers end
    in ``projection`` numbers. ``bias``: logits have one, as the sigmoid loss needs it."""

    vocab: int
    start: int
    end: int
    pad: int
    context: int = 32
    side: int = 64
    patch: int = 8
    text: Tower = Tower(4, 256, 4)
    vision: Tower = Tower(6, 256, 4)
    projection: int = 256
    bias: bool = False


class Attention(nn.Module):
    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.heads = tower.heads
        self.k_proj = nn.Linear(tower.width, tower.width)
        self.v_proj = nn.Linear(tower.width, tower.width)
        self.q_proj = nn.Linear(tower.width, tower.width)
        self.out_proj = nn.Linear(tower.width, tower.width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (
            one(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for one in (self.q_proj, self.k_proj, self.v_proj)
        )
        # The lab's own is quicker to learn through; what is traced for export is torch's.
        see = attention if torch.is_grad_enabled() else functional.scaled_dot_product_attention
        y = see(q, k, v, mask)
        out: Tensor = self.out_proj(y.transpose(1, 2).flatten(2))
        return out


class FeedForward(nn.Module):
    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.fc1 = nn.Linear(tower.width, 4 * tower.width)
        self.fc2 = nn.Linear(4 * tower.width, tower.width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


class Layer(nn.Module):
    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.self_attn = Attention(tower)
        self.layer_norm1 = nn.LayerNorm(tower.width, eps=NORM_EPS)
        self.mlp = FeedForward(tower)
        self.layer_norm2 = nn.LayerNorm(tower.width, eps=NORM_EPS)
        # As CLIP begins: what is added to the residual is smaller the more layers add to it.
        inner = tower.width**-0.5 * (2 * tower.layers) ** -0.5
        for one in (self.self_attn.q_proj, self.self_attn.k_proj, self.self_attn.v_proj):
            nn.init.normal_(one.weight, std=inner)
        nn.init.normal_(self.self_attn.out_proj.weight, std=tower.width**-0.5)
        nn.init.normal_(self.mlp.fc1.weight, std=(2 * tower.width) ** -0.5)
        nn.init.normal_(self.mlp.fc2.weight, std=inner)
        for linear in self.modules():
            if isinstance(linear, nn.Linear):
                nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x), mask)
        out: Tensor = x + self.mlp(self.layer_norm2(x))
        return out


class Encoder(nn.Module):
    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(tower) for _ in range(tower.layers)])

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, mask)
        return x


class TextEmbeddings(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(shape.vocab, shape.text.width)
        self.position_embedding = nn.Embedding(shape.context, shape.text.width)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.position_embedding.weight, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        out: Tensor = self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]
        return out


class TextTower(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embeddings = TextEmbeddings(shape)
        self.encoder = Encoder(shape.text)
        self.final_layer_norm = nn.LayerNorm(shape.text.width, eps=NORM_EPS)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        length = ids.shape[1]
        before = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
        seen = before & mask.bool()[:, None, None, :]
        out: Tensor = self.final_layer_norm(self.encoder(self.embeddings(ids), seen))
        return out


class Patches(nn.Module):
    """The stock convolution over patches that do not overlap, kept as the matrix it is, so that
    the optimizer sees one; ``save`` gives it the convolution's shape."""

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.weight = nn.Parameter(torch.empty(width, 3 * patch * patch))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, pixels: Tensor) -> Tensor:
        rows = pixels.unfold(2, self.patch, self.patch).unfold(3, self.patch, self.patch)
        cut = rows.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
        return functional.linear(cut, self.weight)


class VisionEmbeddings(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.vision.width
        self.class_embedding = nn.Parameter(torch.randn(width) * width**-0.5)
        self.patch_embedding = Patches(width, shape.patch)
        self.position_embedding = nn.Embedding((shape.side // shape.patch) ** 2 + 1, width)
        nn.init.normal_(self.position_embedding.weight, std=0.02)

    def forward(self, pixels: Tensor, kept: Tensor | None) -> Tensor:
        whole = self.position_embedding.weight
        patches = self.patch_embedding(pixels) + whole[1:]
        if kept is not None:
            patches = patches.gather(1, kept[:, :, None].expand(-1, -1, patches.shape[2]))
        first = (self.class_embedding + whole[0]).to(patches.dtype)
        return torch.cat([first.expand(patches.shape[0], 1, -1), patches], dim=1)


class VisionTower(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embeddings = VisionEmbeddings(shape)
        # The name is misspelt where it comes from.
        self.pre_layrnorm = nn.LayerNorm(shape.vision.width, eps=NORM_EPS)
        self.encoder = Encoder(shape.vision)
        self.post_layernorm = nn.LayerNorm(shape.vision.width, eps=NORM_EPS)

    def forward(self, pixels: Tensor, kept: Tensor | None = None) -> Tensor:
        x = self.pre_layrnorm(self.embeddings(pixels, kept))
        everything = torch.ones(1, 1, x.shape[1], x.shape[1], dtype=torch.bool, device=x.device)
        out: Tensor = self.post_layernorm(self.encoder(x, everything)[:, 0])
        return out


class Clip(nn.Module):
    """Both towers. Pictures are float ``[B, 3, side, side]`` from -1 to 1; texts are ``ids`` and
    ``mask`` ``[B, T]``, each with its start and end token, padded on the right (mask 0)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.text_model = TextTower(shape)
        self.vision_model = VisionTower(shape)
        self.visual_projection = nn.Linear(shape.vision.width, shape.projection, bias=False)
        self.text_projection = nn.Linear(shape.text.width, shape.projection, bias=False)
        nn.init.normal_(self.visual_projection.weight, std=shape.vision.width**-0.5)
        nn.init.normal_(self.text_projection.weight, std=shape.text.width**-0.5)
        self.logit_scale = nn.Parameter(torch.tensor(SIGMOID_SCALE if shape.bias else LOGIT_SCALE))
        self.logit_bias = nn.Parameter(torch.tensor(SIGMOID_BIAS)) if shape.bias else None

    @property
    def scale(self) -> Tensor:
        """What a cosine is multiplied with to be a logit; 100 at most."""
        return self.logit_scale.clamp(max=LARGEST_SCALE).exp()

    def text_hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        """``[B, T, D]``, what ``CLIPTextModel`` calls its last hidden state."""
        out: Tensor = self.text_model(ids, mask)
        return out

    def embed_texts(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit rows ``[B, projection]``."""
        hidden = self.text_hidden(ids, mask)
        ends = (ids == self.shape.end).int().argmax(dim=1)
        last = hidden[torch.arange(ids.shape[0], device=ids.device), ends]
        return functional.normalize(self.text_projection(last).float(), dim=1)

    def embed_pictures(self, pixels: Tensor, kept: Tensor | None = None) -> Tensor:
        """Unit rows ``[B, projection]``. ``kept`` ``[B, k]``: only these patches are looked at,
        which makes a step of training cheaper (https://arxiv.org/abs/2212.00794)."""
        found = self.visual_projection(self.vision_model(pixels, kept))
        return functional.normalize(found.float(), dim=1)


def config_of(shape: Shape, bias: float | None = None) -> dict[str, Any]:
    """What ``config.json`` says. ``logit_bias`` is ours: ``CLIPModel`` has no bias, does without
    it, and ranks as before, since it is the same for every pair."""

    def tower(one: Tower) -> dict[str, Any]:
        return {
            "hidden_size": one.width,
            "intermediate_size": 4 * one.width,
            "num_hidden_layers": one.layers,
            "num_attention_heads": one.heads,
            "projection_dim": shape.projection,
            "hidden_act": "gelu",
            "layer_norm_eps": NORM_EPS,
            "attention_dropout": 0.0,
        }

    words = {"bos_token_id": shape.start, "eos_token_id": shape.end, "pad_token_id": shape.pad}
    reads = {"vocab_size": shape.vocab, "max_position_embeddings": shape.context}
    sees = {"image_size": shape.side, "patch_size": shape.patch, "num_channels": 3}
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": shape.projection,
        "logit_scale_init_value": SIGMOID_SCALE if shape.bias else LOGIT_SCALE,
        **({} if bias is None else {"logit_bias": bias}),
        "text_config": {"model_type": "clip_text_model", **tower(shape.text), **reads, **words},
        "vision_config": {"model_type": "clip_vision_model", **tower(shape.vision), **sees},
        "dtype": "float32",
    }


def shape_of(config: Mapping[str, Any], where: Path) -> Shape:
    """The shape that a ``config.json`` says. Raises InputError where it is not one of ours."""
    if config.get("model_type") != "clip":
        raise InputError(
            f"{where} holds a model of type {config.get('model_type')!r}; the lab reads clip."
        )
    try:
        text, vision = config["text_config"], config["vision_config"]
        if {text["hidden_act"], vision["hidden_act"]} != {"gelu"}:
            raise InputError(f"{where} asks for {text['hidden_act']!r}; the lab's CLIP has gelu.")
        reads, sees = (
            Tower(one["num_hidden_layers"], one["hidden_size"], one["num_attention_heads"])
            for one in (text, vision)
        )
        return Shape(
            vocab=text["vocab_size"],
            start=text["bos_token_id"],
            end=text["eos_token_id"],
            pad=text["pad_token_id"],
            context=text["max_position_embeddings"],
            side=vision["image_size"],
            patch=vision["patch_size"],
            text=reads,
            vision=sees,
            projection=config["projection_dim"],
            bias="logit_bias" in config,
        )
    except KeyError as error:
        raise InputError(f"{where} lacks {error}; it is not a whole CLIP config.") from error


PATCHES = "vision_model.embeddings.patch_embedding.weight"


def stock_weights(model: Clip) -> dict[str, Tensor]:
    """The parameters under their stock names, in their stock shapes."""
    held = {name: value.detach().cpu() for name, value in model.named_parameters()}
    held.pop("logit_bias", None)
    patch = model.shape.patch
    held[PATCHES] = held[PATCHES].unflatten(1, (3, patch, patch))
    held["logit_scale"] = held["logit_scale"].clamp(max=LARGEST_SCALE)
    return {name: value.contiguous() for name, value in held.items()}


def save(model: Clip, folder: Path) -> None:
    """Write config.json and model.safetensors; weights first, so that a folder with a config is
    whole. Raises StoreFull where the disk is full."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / (WEIGHTS + ".new")
    with writing(folder / WEIGHTS):
        save_file(stock_weights(model), fresh, metadata={"format": "pt"})
        fresh.replace(folder / WEIGHTS)
        bias = None if model.logit_bias is None else float(model.logit_bias.detach())
        write_json(folder / CONFIG, config_of(model.shape, bias))


def load(folder: Path) -> Clip:
    """The model of a stock folder, ready to be asked. Raises InputError."""
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        weights = load_file(folder / WEIGHTS)
    except FileNotFoundError as error:
        raise InputError(f"no CLIP in {folder}: {error.filename} is not there.") from error
    except (ValueError, SafetensorError) as error:
        raise InputError(f"the CLIP in {folder} cannot be read: {error}") from error
    model = Clip(shape_of(config, folder / CONFIG))
    if PATCHES in weights:
        weights[PATCHES] = weights[PATCHES].flatten(1)
    if model.logit_bias is not None:
        weights["logit_bias"] = torch.tensor(float(config["logit_bias"]))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(f"{folder / WEIGHTS} does not fit {CONFIG} beside it: {error}") from error
    return model.eval()

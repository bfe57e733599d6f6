"""One stock folder as one GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).

llama.cpp's own converter refuses tokenizers that it has not hashed, so the file is written here,
key by key as ``convert_hf_to_gguf.py`` does for Qwen3
(https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from gnomon.errors import InputError
from gnomon.lab.export.vocabulary import Vocabulary, read
from gnomon.lab.tokenizer.specials import END, TURN_END

Kind = Literal["f32", "f16", "q8_0"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ARCHITECTURE = "Qwen3ForCausalLM"
Q8_BLOCK = 32
"""Values that share a scale in Q8_0; a row must be a whole number of them."""


def write(folder: Path, target: Path, kind: Kind, *, name: str, licence: str = "") -> None:
    """Write ``folder`` (config.json, model.safetensors, tokenizer.json and, where it chats,
    chat_template.jinja) to ``target``, whole or not at all.

    Norms stay float32, and so does any matrix whose rows Q8_0 cannot divide (as float16). Raises
    InputError for an architecture or a tokenizer that llama.cpp would run otherwise.
    """
    import gguf

    if kind not in KINDS:
        raise InputError(f"{kind!r} is no kind of GGUF file here; take one of {', '.join(KINDS)}.")
    config = _config(folder)
    vocabulary = read(folder / "tokenizer.json")
    fresh = target.with_name(target.name + ".new")
    writer = gguf.GGUFWriter(fresh, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.QWEN3])
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(name)
    if licence:
        writer.add_license(licence)
    _sizes(writer, config)
    _tokens(writer, vocabulary, int(config["vocab_size"]))
    template = folder / "chat_template.jinja"
    if template.exists():
        writer.add_chat_template(template.read_text("utf-8"))
    held = {"f32": "ALL_F32", "f16": "MOSTLY_F16", "q8_0": "MOSTLY_Q8_0"}[kind]
    writer.add_file_type(gguf.LlamaFileType[held])
    if kind == "q8_0":
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for tensor, values, stored in _tensors(folder, config, kind):
        writer.add_tensor(tensor, values, raw_dtype=stored)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
    os.replace(fresh, target)


def _config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    kinds = config.get("architectures") or ["none"]
    if kinds != [ARCHITECTURE]:
        raise InputError(
            f"{folder / 'config.json'} is a {kinds[0]}; what is exported is a {ARCHITECTURE}."
        )
    scaling = (config.get("rope_parameters") or {}).get("rope_type", "default")
    odd = [
        name
        for name, usual in (("attention_bias", False), ("use_sliding_window", False))
        if config.get(name, usual) != usual
    ] + ([f"rope_type {scaling}"] if scaling != "default" or config.get("rope_scaling") else [])
    if odd or config.get("hidden_act", "silu") != "silu":
        raise InputError(
            f"{folder / 'config.json'} has {', '.join(odd) or config['hidden_act']}, which the "
            "export does not write; train with the lab's own shapes."
        )
    return config


def rope_theta(config: Mapping[str, Any]) -> float:
    """Where transformers 5 keeps it, or where 4 did."""
    inside = config.get("rope_parameters") or {}
    return float(inside.get("rope_theta", config.get("rope_theta", 10_000.0)))


def _sizes(writer: Any, config: Mapping[str, Any]) -> None:
    head = int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(int(config["hidden_size"]))
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(int(config["num_attention_heads"]))
    writer.add_head_count_kv(int(config["num_key_value_heads"]))
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))
    writer.add_rope_freq_base(rope_theta(config))
    writer.add_vocab_size(int(config["vocab_size"]))


def _tokens(writer: Any, held: Vocabulary, vocab: int) -> None:
    """Rows that the model has beyond its tokenizer (a size rounded up) are named unused."""
    import gguf

    if len(held.tokens) > vocab:
        raise InputError(
            f"The tokenizer has {len(held.tokens):,} tokens and the model {vocab:,}; "
            "export the two that were trained together."
        )
    kinds = [
        gguf.TokenType.CONTROL
        if number in held.special
        else gguf.TokenType.USER_DEFINED
        if number in held.added
        else gguf.TokenType.NORMAL
        for number in range(len(held.tokens))
    ]
    spare = range(len(held.tokens), vocab)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(held.pre)
    writer.add_token_list([*held.tokens, *(f"[PAD{number}]" for number in spare)])
    writer.add_token_types([*kinds, *(gguf.TokenType.UNUSED for _ in spare)])
    writer.add_token_merges(list(held.merges))
    chats = TURN_END in held.tokens
    writer.add_eos_token_id(held.id_of(TURN_END if chats else END))
    writer.add_bos_token_id(held.id_of(END))
    writer.add_pad_token_id(held.id_of(END))
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)


def _tensors(
    folder: Path, config: Mapping[str, Any], kind: Kind
) -> Iterator[tuple[str, np.ndarray, Any]]:
    """Name, values as stored, and how; one tensor in memory at a time."""
    import gguf
    from safetensors import safe_open

    q8, f16, f32 = (gguf.GGMLQuantizationType[name] for name in ("Q8_0", "F16", "F32"))
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, int(config["num_hidden_layers"]))
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        for source in sorted(file.keys()):
            if source == "lm_head.weight" and config.get("tie_word_embeddings"):
                continue
            target = names.get_name(source, try_suffixes=(".weight",))
            if target is None:
                raise InputError(f"{folder}: Qwen3 has no tensor {source!r}.")
            values = file.get_tensor(source).float().numpy()
            if values.ndim == 1 or kind == "f32":
                yield target, values, f32
            elif kind == "q8_0" and values.shape[-1] % Q8_BLOCK == 0:
                yield target, gguf.quantize(values, q8), q8
            else:
                yield target, values.astype(np.float16), f16

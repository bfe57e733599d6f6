"""A byte-level BPE tokenizer from texts, and its two files as ``transformers`` reads them.

No normaliser: the tokens of a text give back just its bytes, and llama.cpp, which knows none,
makes the same tokens. (``Qwen2Tokenizer`` of ``transformers`` forces NFC, so the files name its
base class; texts of the corpus are in NFC already.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers, processors, trainers
from tokenizers.models import BPE

from gnomon.errors import InputError
from gnomon.lab.shards import writing
from gnomon.lab.tokenizer.specials import CHAT_TEMPLATE, END, SPECIALS, TURN, TURN_END
from gnomon.lab.tokenizer.splits import pattern
from gnomon.lab.workspace import file_sha256, write_json

LEAST_VOCAB = 256 + len(SPECIALS)
"""Every byte, so that nothing is unknown, and the specials."""


def train(texts: Iterable[str], *, vocab: int, split: str = "qwen2") -> Tokenizer:
    """Merge byte pairs of ``texts`` until there are ``vocab`` tokens, the specials the last of
    them; fewer where the texts have no more pairs. The same texts give the same tokenizer.

    Sennrich et al. 2016, https://arxiv.org/abs/1508.07909; over bytes: GPT-2's report.
    Raises InputError for a vocabulary that cannot hold every byte.
    """
    if vocab < LEAST_VOCAB:
        raise InputError(
            f"--vocab is {vocab}; give at least {LEAST_VOCAB}: 256 bytes and the specials."
        )
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern(split)), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab - len(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIALS])
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, *, context: int) -> str:
    """Write ``tokenizer.json`` and ``tokenizer_config.json``; the first one's SHA-256.
    ``context`` is the longest input of the model, in tokens. Raises StoreFull."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tokenizer.json"
    with writing(path):
        write_json(path, json.loads(tokenizer.to_str()))
        write_json(folder / "tokenizer_config.json", stock_config(tokenizer, context=context))
    return file_sha256(path)


def stock_config(tokenizer: Tokenizer, *, context: int) -> dict[str, Any]:
    """``tokenizer_config.json`` with Qwen's names for what the specials are for."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_prefix_space": False,
        "add_bos_token": False,
        "added_tokens_decoder": {
            str(tokenizer.token_to_id(name)): {
                "content": name,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": True,
            }
            for name in SPECIALS
        },
        "additional_special_tokens": [TURN, TURN_END],
        "bos_token": None,
        "eos_token": TURN_END,
        "pad_token": END,
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "errors": "replace",
        "model_max_length": context,
        "split_special_tokens": False,
        "chat_template": CHAT_TEMPLATE,
    }

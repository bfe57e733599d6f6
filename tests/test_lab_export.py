"""What the lab exports is the same model in its trainer, in transformers and in llama.cpp."""

import gzip
import json
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from gnomon.errors import InputError, ModelError
from gnomon.lab.command import Bench
from gnomon.lab.progress import Silence
from gnomon.lab.workspace import file_sha256, workspace, write_json
from gnomon.models import installed
from gnomon.models.llamacpp import LlamaChat
from gnomon.models.protocols import Message

torch = pytest.importorskip("torch", reason="the lab's packages are not installed")
pytest.importorskip("transformers", reason="the lab's packages are not installed")

from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers, trainers  # noqa: E402
from tokenizers.models import BPE  # noqa: E402

from gnomon.lab.export import deletions, gguf_file, truth, vocabulary  # noqa: E402
from gnomon.lab.export.card import energy  # noqa: E402
from gnomon.lab.export.runtimes import Served, Stock, Trainer  # noqa: E402
from gnomon.lab.export.samples import LONG_S, UNICODE_16, texts  # noqa: E402
from gnomon.lab.export.stage import Settings, stage  # noqa: E402
from gnomon.lab.model.gpt import GPT, Shape  # noqa: E402
from gnomon.lab.model.stock import save  # noqa: E402
from gnomon.lab.tokenizer import train  # noqa: E402
from gnomon.lab.tokenizer.specials import SPECIALS  # noqa: E402
from gnomon.lab.tokenizer.splits import PATTERNS  # noqa: E402

CONTEXT = 128
STORY = (
    "The river rose in the night and the people of the valley carried their lamps up the hill. "
    "In the morning the water was gone, the fields were grey, and nobody spoke of it again. "
)


def awkward_tokenizer(split: str = "qwen2", seed: int = 7) -> Tokenizer:
    """Merges that run across every split, so that a runtime that splits elsewhere is found out."""
    made = Tokenizer(BPE())
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.pre_tokenizer = whole
    trainer = trainers.BpeTrainer(
        vocab_size=6000,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts(6000, seed), trainer)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PATTERNS[split]), behavior="isolated"), whole]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(name, special=True) for name in SPECIALS])
    return made


def write_model(folder: Path, tokenizer: Tokenizer, *, trained_on: str = "", rows: int = 0) -> GPT:
    """A small GPT and its tokenizer; trained for a moment on a text, or random."""
    torch.manual_seed(3)
    torch.set_num_threads(1)
    vocab = tokenizer.get_vocab_size() + rows
    shape = Shape(
        vocab=vocab, context=CONTEXT, layers=2, width=64, heads=4, kv_heads=2, head_dim=32, ffn=96
    )
    model = GPT(shape)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn_like(parameter) * 0.05
    if trained_on:
        ids = torch.tensor([tokenizer.encode(trained_on).ids[: CONTEXT + 1]])
        steps = torch.optim.AdamW(model.parameters(), lr=3e-3)
        for _ in range(30):
            logits = model(ids[:, :-1])
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[0, 1:])
            steps.zero_grad()
            loss.backward()
            steps.step()
    save(model.eval(), folder)
    train.save(tokenizer, folder, context=CONTEXT)
    return model


@lru_cache(maxsize=2)
def awkward(split: str) -> Tokenizer:
    return awkward_tokenizer(split)


@pytest.fixture(scope="module")
def random_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    write_model(folder, awkward("qwen2"), rows=5)
    gguf_file.write(folder, folder / "exact.gguf", "f32", name="random")
    return folder


@pytest.fixture(scope="module")
def three(random_model):
    served = Served(random_model / "exact.gguf", context=CONTEXT, threads=1)
    yield Trainer(random_model), Stock(random_model), served
    served.close()


def test_three_runtimes_give_the_same_log_probabilities_at_every_place(three):
    trainer, stock, served = three
    row = [ids for text in texts(40, 1) for ids in trainer.tokens([text])[0]][: CONTEXT - 1]
    places = list(range(0, len(row), 5))
    told = trainer.log_probs(row, places)
    assert told.shape == (len(places), trainer.model.shape.vocab)
    assert np.abs(told).max() > 5, "a flat model would hide differences"
    assert np.abs(stock.log_probs(row, places) - told).max() < 1e-4
    assert np.abs(served.log_probs(row, places) - told).max() < 1e-3


def test_three_runtimes_give_the_same_64_greedy_tokens(three):
    trainer, *others = three
    for start in ("The river", "今天", "👍🏽 #", "\n\n"):
        prompt = trainer.tokens([start])[0]
        found = truth.greedy_agreement(trainer, others, prompt, 64)
        assert set(found.values()) == {(64, 64)}, (start, found)


def test_10_000_texts_of_every_kind_go_through_all_three_and_come_back(three):
    sample = texts(10_000, seed=2026)
    assert len(set(sample)) > 8_500
    assert truth.round_trips(three, sample) == []


def test_every_token_is_the_same_bytes_in_llama_cpp(three, random_model):
    trainer, _, served = three
    held = served.llama.vocabulary()
    spelled = vocabulary.read(random_model / "tokenizer.json")
    alphabet = {char: byte for byte, char in _bytes_to_characters().items()}
    wanted = [
        b"" if number in spelled.special else bytes(alphabet[char] for char in token)
        for number, token in enumerate(spelled.tokens)
    ]
    assert held[: len(wanted)] == wanted
    assert len(held) == trainer.model.shape.vocab


def _bytes_to_characters() -> dict[int, str]:
    """GPT-2's alphabet (https://github.com/openai/gpt-2/blob/master/src/encoder.py): bytes that
    print are themselves, the others follow from 256 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {b: chr(256 + n) for n, b in enumerate(rest)}


def test_half_a_character_is_refused_by_all_and_never_guessed(three):
    for one in three:
        with pytest.raises((InputError, ModelError, UnicodeEncodeError, TypeError)):
            one.tokens(["broken \ud800 text"])


def test_gpt2s_way_to_split_is_known_too(tmp_path):
    write_model(tmp_path, awkward("gpt2"))
    gguf_file.write(tmp_path, tmp_path / "m.gguf", "f16", name="gpt2")
    assert vocabulary.read(tmp_path / "tokenizer.json").pre == "gpt-2"
    served = Served(tmp_path / "m.gguf", context=CONTEXT, threads=1)
    try:
        assert truth.round_trips((Trainer(tmp_path), served), texts(2000, 5)) == []
    finally:
        served.close()


def test_what_the_sample_leaves_out_is_what_is_written_down():
    """docs/lab-export.md says where llama.cpp splits otherwise; nothing else is spared."""
    apart = {code for first, last in UNICODE_16 for code in range(first, last + 1)}
    seen = {ord(char) for text in texts(4000, 3) for char in text}
    assert not seen & apart
    assert LONG_S not in "".join(texts(2000, 4))
    assert {0x0301, 0x200D, 0xFFFD, 0x202B, 0x85, 0x1F44D} <= seen


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"normalizer": {"type": "NFC"}}, "normalizer is 'NFC'"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "no name for this way to split"),
        ({"post_processor": {"type": "TemplateProcessing"}}, "post_processor is"),
    ],
)
def test_a_tokenizer_that_llama_cpp_would_read_otherwise_is_refused(
    random_model, tmp_path, change, said
):
    told = json.loads((random_model / "tokenizer.json").read_text())
    write_json(tmp_path / "tokenizer.json", told | change)
    with pytest.raises(InputError, match=said):
        vocabulary.read(tmp_path / "tokenizer.json")


def test_another_architecture_is_refused_by_name(random_model, tmp_path):
    config = json.loads((random_model / "config.json").read_text())
    write_json(tmp_path / "config.json", config | {"architectures": ["OPTForCausalLM"]})
    with pytest.raises(InputError, match="is a OPTForCausalLM"):
        gguf_file.write(tmp_path, tmp_path / "m.gguf", "f32", name="x")


# ------------------------------------------------------------------------- the stage


@pytest.fixture(scope="module")
def run_of_it(tmp_path_factory):
    """A finished run with a model that was trained for a moment, as the stages before leave it."""
    home = tmp_path_factory.mktemp("home")
    work = workspace(home, "tiny-river")
    tokenizer = train.train([STORY * 3, *texts(200, 9)], vocab=600)
    write_model(work.stage("pretrain") / "model", tokenizer, trained_on=STORY * 4)
    train.save(tokenizer, work.stage("tokenizer"), context=CONTEXT)
    with gzip.open(work.stage("data") / "held.txt.gz", "wt", encoding="utf-8") as file:
        file.write("hn:1\nhn:2\nbsky:3\n")
    work.finish(
        "data", {"a": 1},
        {"folder": str(work.stage("data")), "documents": {"train": 3}, "posts": 3, "read": 5,
         "dropped": {"spam": 2}, "sources": {"hackernews": 2, "bluesky": 1},
         "languages": {"en": 3}, "licences": {"PDDL-1.0": 3}}, "",
    )  # fmt: skip
    work.finish(
        "pretrain", {"b": 1},
        {"folder": str(work.stage("pretrain") / "model"), "parameters": 12_345, "tokens": 4000,
         "bits_per_byte": 1.9}, "",
    )  # fmt: skip
    bench = Bench(home, home / "models", 1, Silence())
    report = stage(work, bench, Settings(gguf=("f16", "q8_0"), licence="apache-2.0"))
    return work, bench, report


def test_the_export_is_checked_in_three_runtimes_before_it_counts(run_of_it):
    _, _, report = run_of_it
    told = report["truth"]
    assert told["whole"]
    assert max(told["log_probs"].values()) < 1e-3
    assert told["greedy"] == {"transformers": told["greedy_of"], "llama.cpp": told["greedy_of"]}
    assert told["round_trips"] == 1000
    assert told["served"]["model-f16.gguf"]["kl_nats"] < 1e-3
    assert told["served"]["model-q8_0.gguf"]["largest"] > told["log_probs"]["llama.cpp"]


def test_the_folder_says_what_is_in_it_and_every_hash_is_right(run_of_it):
    work, bench, _ = run_of_it
    folder = bench.models_dir / work.name
    card = json.loads((folder / "card.json").read_text())
    assert card["context_tokens"] == CONTEXT
    assert card["licence"] == "apache-2.0"
    assert card["posts"] == 3
    assert card["data"]["dropped"] == {"spam": 2}
    assert card["energy"]["joules"] is None
    assert "no record" in card["energy"]["why"]
    assert {f["path"] for f in card["files"]} == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        *("generation_config.json", "chat_template.jinja", "posts.txt.gz"),
        *("model-f16.gguf", "model-q8_0.gguf"),
    }
    for file in card["files"]:
        assert file["sha256"] == file_sha256(folder / file["path"])
    page = (folder / "README.md").read_text()
    for words in ('license: "apache-2.0"', "not measured", "hackernews 2", "It was not evaluated"):
        assert words in page


def test_the_export_is_a_model_that_gnomon_runs(run_of_it):
    work, bench, _ = run_of_it
    (held,) = installed.installed(bench.models_dir)
    installed.verify(held)
    choice = installed.resolve(work.name, bench.models_dir)
    assert choice.kind == "gguf"
    assert choice.path is not None
    assert choice.path.name == "model-f16.gguf"
    assert choice.context_tokens == CONTEXT
    chat = LlamaChat(choice.path, context_tokens=choice.context_tokens, threads=1, slots=1)
    try:
        done = chat.complete([Message("user", "The river?")], max_tokens=8)
    finally:
        chat.close()
    stock = Stock(bench.models_dir / work.name)
    ids = stock.tokenizer.apply_chat_template(
        [{"role": "user", "content": "The river?"}], add_generation_prompt=True
    )
    assert done.prompt_tokens == len(ids["input_ids"])


def test_the_same_export_is_not_done_twice_and_a_changed_one_is(run_of_it):
    work, bench, report = run_of_it
    settings = Settings(gguf=("f16", "q8_0"), licence="apache-2.0")
    before = (bench.models_dir / work.name / "card.json").stat().st_mtime_ns
    assert stage(work, bench, settings) == report
    assert (bench.models_dir / work.name / "card.json").stat().st_mtime_ns == before


def test_a_deleted_post_marks_the_model_that_learned_from_it(run_of_it):
    work, bench, _ = run_of_it
    at = time.time()
    assert deletions.mark(bench.models_dir, ["nobody:9"], at=at) == {}
    assert deletions.mark(bench.models_dir, ["hn:2", "nobody:9"], at=at) == {work.name: 1}
    assert deletions.mark(bench.models_dir, ["hn:2"], at=at) == {}
    folder = bench.models_dir / work.name
    card = json.loads((folder / "card.json").read_text())
    assert [mark["post"] for mark in card["marks"]] == [deletions.fingerprint("hn:2")]
    assert (
        "1 of the 3 posts that it learned from were deleted since"
        in (folder / "README.md").read_text()
    )
    assert b"hn:" not in gzip.decompress((folder / "posts.txt.gz").read_bytes())
    (held,) = installed.installed(bench.models_dir)
    installed.verify(held)


def test_an_export_of_a_corpus_with_deleted_posts_is_marked_from_the_start(run_of_it, tmp_path):
    work, bench, _ = run_of_it
    assert deletions.marks_of(work.folder / "data", 0.0) == []
    write_json(work.folder / "data" / "deleted.json", {"deleted": ["bsky:3"]})
    other = Bench(bench.home, tmp_path / "models", 1, Silence())
    stage(work, other, Settings(gguf=("q8_0",), check=False))
    card = json.loads((tmp_path / "models" / work.name / "card.json").read_text())
    assert [mark["post"] for mark in card["marks"]] == [deletions.fingerprint("bsky:3")]
    assert card["truth"] is None
    assert "1 of the 3 posts" in (tmp_path / "models" / work.name / "README.md").read_text()


def test_a_run_without_a_model_and_a_foreign_name_are_told(tmp_path):
    bench = Bench(tmp_path, tmp_path / "models", 1, Silence())
    with pytest.raises(InputError, match="export needs pretrain"):
        stage(workspace(tmp_path, "empty"), bench, Settings())
    with pytest.raises(InputError, match="--gguf is q4_k"):
        Settings(gguf=("q4_k",))  # type: ignore[arg-type]
    work = workspace(tmp_path, "smollm2-135m-instruct")
    tokenizer = train.train([STORY], vocab=300)
    write_model(work.stage("pretrain") / "model", tokenizer)
    work.finish("pretrain", {}, {"folder": str(work.stage("pretrain") / "model")}, "")
    with pytest.raises(InputError, match="is the name of a published model"):
        stage(work, bench, Settings())


def test_joules_are_added_only_where_every_stage_measured_them():
    assert energy({"pretrain": {"energy": {"joules": 5.0}}, "sft": {}})["joules"] is None
    both = {"pretrain": {"energy": {"energy": {"joules": 5.0}, "tokens": 3}},
            "sft": {"energy": {"joules": 2.0}}}  # fmt: skip
    assert energy(both)["joules"] == 7.0
    why = energy({"pretrain": {"energy": {"joules": None, "why": "no counter here"}}})
    assert why["joules"] is None
    assert "no counter here" in why["why"]

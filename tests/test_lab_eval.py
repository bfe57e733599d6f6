"""The lab's evaluation: the harness's numbers, sure intervals, and nothing that is not there."""

import gzip
import json
from pathlib import Path
from random import Random

import numpy as np
import pytest

from gnomon.errors import InputError
from gnomon.lab.command import Bench
from gnomon.lab.progress import Silence
from gnomon.lab.workspace import workspace, write_json

torch = pytest.importorskip("torch", reason="the lab's packages are not installed")
pytest.importorskip("sacrebleu", reason="the lab's packages are not installed")

from gnomon.lab.chat.gathering import _hash  # noqa: E402
from gnomon.lab.data.documents import Document, write_documents  # noqa: E402
from gnomon.lab.evaluate import intervals, memorisation, reading, runner  # noqa: E402
from gnomon.lab.evaluate.gguf_scorer import GgufScorer  # noqa: E402
from gnomon.lab.evaluate.results import Result  # noqa: E402
from gnomon.lab.evaluate.scoring import windows  # noqa: E402
from gnomon.lab.evaluate.sets import cmrc, gsm8k, hellaswag, mmlu, squad, wikitext  # noqa: E402
from gnomon.lab.evaluate.sets.contract import Run  # noqa: E402
from gnomon.lab.evaluate.stage import Settings, other, stage  # noqa: E402
from gnomon.lab.evaluate.table import SETS, chosen  # noqa: E402
from gnomon.lab.evaluate.torch_scorers import GptScorer, StockScorer  # noqa: E402
from gnomon.lab.export import gguf_file  # noqa: E402
from gnomon.lab.model.gpt import GPT, Shape  # noqa: E402
from gnomon.lab.model.stock import save  # noqa: E402
from gnomon.lab.shards import Shard, finish_split, open_tokens, write_shard  # noqa: E402
from gnomon.lab.tokenizer import encoding  # noqa: E402
from small_lab import CONTEXT, DID, WHAT, WHERE, WHO, corpus, write_model, write_sets  # noqa: E402

RECORDED = json.loads((Path(__file__).parent / "harness.json").read_text("utf-8"))
REAL = Path(__file__).parents[2] / "shared" / "data" / "eval"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """(model, sets) of ``small_lab``."""
    folder = tmp_path_factory.mktemp("small")
    write_model(folder / "model")
    write_sets(folder / "sets")
    return folder / "model", folder / "sets"


@pytest.fixture(scope="module")
def scorer(small):
    return GptScorer(small[0], small[0])


def numbers(scorer, sets: Path) -> dict[str, float]:
    found = {}
    for one in SETS:
        path = reading.find(sets, one.files)
        assert path is not None, one.name
        items = one.read(path)
        shots = 1 if one.name == "gsm8k" else None
        for told in one.ask(items, scorer, Run(shots=shots, most=RECORDED["most"], of=len(items))):
            found[f"{told.set} {told.metric}"] = told.value
    return found


# -------------------------------------------------------------- the harness's numbers


@pytest.mark.parametrize("kind", [GptScorer, StockScorer])
def test_the_numbers_are_the_harness_s_on_the_same_model(small, kind):
    """Recorded by ``bench/lab/harness.py --record``; half a point is the promise."""
    model, sets = small
    ours = numbers(kind(model, model) if kind is GptScorer else kind(model), sets)
    compared = 0
    for name, theirs in RECORDED["values"].items():
        if name not in ours or name == "flores200 en-zh bleu":
            continue  # it counts bytes and lengths that we do not, and Chinese words by spaces
        compared += 1
        if name.endswith(("perplexity", "bits_per_byte")):
            assert ours[name] == pytest.approx(theirs, rel=5e-3), name
        else:
            scale = 1 if name.endswith(("chrf++", "bleu")) else 100
            assert scale * abs(ours[name] - theirs) <= 0.5, (name, ours[name], theirs)
    assert compared == 18
    assert RECORDED["values"]["lambada acc"] > 0.02, "nothing to compare"
    assert RECORDED["values"]["gsm8k strict"] > 0.02, "nothing to compare"


def test_cmrc_is_asked_too_and_is_not_the_harness_s(small, scorer):
    told = cmrc.ask(cmrc.read(small[1] / "cmrc2018_small.json"), scorer, Run(most=8, of=2))
    assert [one.metric for one in told] == ["exact", "f1"]
    assert not any(name.startswith("cmrc") for name in RECORDED["values"])


# -------------------------------------------------------------- scoring


def plainly(scorer, before: list[int], after: list[int]) -> float:
    """One token at a time; the context is cut once, so that the whole fits."""
    total = 0.0
    before = before[-(scorer.context + 1 - len(after)) :]
    for place, token in enumerate(after):
        row = [*before, *after[:place]]
        with torch.inference_mode():
            logits = scorer.model(torch.tensor([row]))[0, -1]
        total += float(torch.log_softmax(logits.double(), -1)[token])
    return total


def test_a_continuation_is_as_probable_as_its_tokens_one_by_one(scorer):
    pairs = [
        ("The fox carried the lamp near the", " hill"),
        ("", "The owl found bread."),
        ("A space at the end ", "belongs to what follows"),
        ("孩子在学校", "找到了信。"),
        ("The fox " * 200, "is cut from the left"),
    ]
    told = scorer.score(pairs)
    words = scorer.words
    for (before, after), one in zip(pairs, told, strict=True):
        bare = before.rstrip()
        ids = words.encode(bare) or [scorer.start]
        whole = words.encode(bare + before[len(bare) :] + after)
        tail = whole[len(words.encode(bare)) :]
        assert one.tokens == len(tail)
        assert one.log_prob == pytest.approx(plainly(scorer, ids, tail), abs=1e-3), before[:20]


def test_letters_that_share_a_question_are_read_once_and_score_the_same(scorer):
    prompt = "Question: what was old?\nAnswer:"
    together = scorer.score([(prompt, f" {letter}") for letter in "ABCD"])
    alone = [scorer.score([(prompt, f" {letter}")])[0] for letter in "ABCD"]
    for one, two in zip(together, alone, strict=True):
        assert one.log_prob == pytest.approx(two.log_prob, abs=1e-4)
        assert one.greedy == two.greedy


def test_a_text_longer_than_the_context_is_read_in_windows_each_token_once(scorer):
    text = " ".join(corpus(30))
    (told,) = scorer.rolling([text])
    ids = scorer.words.encode(text)
    assert told.tokens == len(ids) > 2 * CONTEXT
    pieces = list(windows(ids, scorer.start, CONTEXT))
    assert [i for _, after in pieces for i in after] == ids
    assert all(len(before) + len(after) <= CONTEXT + 1 for before, after in pieces)
    expected = sum(plainly(scorer, list(before), list(after)) for before, after in pieces[:2])
    first = scorer.score_ids(pieces[:2], lambda done: None)
    assert sum(one.log_prob for one in first) == pytest.approx(expected, abs=2e-3)


def test_an_answer_ends_at_its_stop_and_a_long_prompt_leaves_room(scorer):
    (said,) = scorer.generate(["Question: x\nAnswer: " * 60], until=("\n",), most=20)
    assert "\n" not in said
    assert len(scorer.words.encode(said)) <= 20


def test_llama_cpp_scores_a_gguf_as_torch_scores_its_trainer(small, scorer, tmp_path):
    model, sets = small
    gguf_file.write(model, tmp_path / "m.gguf", "f32", name="small")
    served = GgufScorer(tmp_path / "m.gguf", context=CONTEXT, threads=1)
    pairs = [
        ("The fox carried the lamp near the", " hill, and the lamp was old."),
        ("孩子在学校找到", "了信。🙂"),
        ("", "The miller"),
    ]
    try:
        ours = served.score(pairs)
        asked = hellaswag.SET.read(reading.find(sets, ("hellaswag",)))[:4]
        acc = hellaswag.ask(asked, served, Run(of=4))[0].value
        made = served.generate(["The fox carried the"], until=("\n",), most=8)
    finally:
        served.close()
    for one, two in zip(ours, scorer.score(pairs), strict=True):
        assert one.tokens == two.tokens
        assert one.log_prob == pytest.approx(two.log_prob, abs=0.02)
        assert one.greedy == two.greedy
    assert acc == hellaswag.ask(asked, scorer, Run(of=4))[0].value
    assert made == scorer.generate(["The fox carried the"], until=("\n",), most=8)


# -------------------------------------------------------------- sets and their measures


def test_measures_against_worked_examples():
    assert squad.normal("The  U.S. Army, an army!") == "us army army"
    assert squad.overlap("the old lamp", "old lamp found") == pytest.approx(2 / 3)
    assert squad.overlap("", "something") == 0.0
    assert cmrc.pieces("他在2018年, Peking大学") == [
        "他",
        "在",
        "2018",
        "年",
        ",",
        "peking",
        "大",
        "学",
    ]
    assert cmrc.best_f1(["北京大学", "大学"], "在北京大学学习") == pytest.approx(8 / 11)
    assert cmrc.exactly(["北京，大学。"], " 北京大学")
    assert gsm8k.strict("so 3+4=7\n#### 1,007.") == "1,007."
    assert gsm8k.plain("It is <<1>>\n#### 1,007.") == gsm8k.plain("#### $1007")
    assert gsm8k.flexible("first 12 then 7") == "7"
    assert gsm8k.flexible("none") == "[invalid]"
    assert wikitext.detokenized(' 1 @,@ 000 men ( about 2 @.@ 5 ) said " no " .\n') == (
        ' 1,000 men (about 2.5) said "no" .\n'
    )
    assert hellaswag.cleaned(" Cook [title] Eggs [step] Boil  them") == "Cook. Eggs Boil them"


def test_prompts_are_those_of_the_harness(small):
    (item, *_) = mmlu.read(small[1] / "mmlu_val.jsonl")
    assert len(item.solved) == 5
    bare, solved = mmlu.prompt_of(item, 0), mmlu.prompt_of(item, 2)
    assert bare.startswith("The following are multiple choice questions (with answers) about ")
    assert bare.endswith("\nAnswer:")
    assert solved.count("\nAnswer:") == 3
    assert "_" not in bare.split("about ")[1].split(".")[0]


def test_what_chat_tuning_holds_out_of_gsm8k_is_what_is_asked(tmp_path):
    rows = [{"question": f"q{n}", "answer": f"#### {n}"} for n in range(1, 401)]
    path = tmp_path / "gsm8k_train.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    asked = {item.question for item in gsm8k.read(path)}
    assert asked == {f"q{n}" for n in range(1, 401) if _hash(f"gsm8k:{n}") % 20 == 0}
    assert 8 < len(asked) < 40
    assert not asked & {row["question"] for row in gsm8k.read(path)[0].solved}


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL} is not here")
def test_the_published_files_are_read_whole():
    counts = {}
    for one in SETS:
        path = reading.find(REAL, one.files)
        counts[one.name] = len(one.read(path)) if path else 0
    assert counts == {
        "wikitext2": 60, "lambada": 1000, "hellaswag": 1000, "piqa": 500, "mmlu": 1531,
        "cmmlu": 335, "squad2": 250, "cmrc2018": 3219, "flores200": 997, "gsm8k": 0,
    }  # fmt: skip


def test_a_damaged_or_foreign_set_is_told_with_its_line(small, tmp_path, scorer):
    (tmp_path / "piqa_x.jsonl").write_text('{"goal": "a"}\n{"goal":\n')
    plan = runner.Plan(tmp_path, chosen(["piqa"]))
    with pytest.raises(InputError, match=r"piqa_x.jsonl, line 2, is not JSON"):
        runner.ask_all(scorer, plan, Silence(), tmp_path / "kept", {})
    (tmp_path / "piqa_x.jsonl").write_text('{"goal": "a"}\n')
    with pytest.raises(InputError, match=r"is not as piqa is \(KeyError\('sol1'\)\)"):
        runner.ask_all(scorer, plan, Silence(), tmp_path / "kept", {})
    (tmp_path / "piqa_x.jsonl").write_text("")
    assert runner.ask_all(scorer, plan, Silence(), tmp_path / "kept", {}).skipped == {
        "piqa": "piqa_x.jsonl holds no item"
    }
    with pytest.raises(InputError, match="names 'triviaqa'; the sets are"):
        Settings(only=("triviaqa",))
    lost = runner.Plan(tmp_path / "nowhere", chosen(()))
    with pytest.raises(InputError, match="is no folder"):
        runner.ask_all(scorer, lost, Silence(), tmp_path / "kept", {})


def test_part_of_a_set_is_taken_from_all_of_it():
    assert reading.spread(list(range(100)), 4) == [0, 25, 50, 75]
    assert reading.spread([1, 2], 9) == [1, 2]
    assert reading.spread([1, 2], 0) == [1, 2]


# -------------------------------------------------------------- intervals


def test_intervals_are_the_published_ones():
    assert intervals.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert intervals.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert intervals.wilson(0, 0) == (0.0, 1.0)
    rng = np.random.default_rng(1)
    held = sum(
        low <= 2.0 <= high
        for seed in range(60)
        for low, high in [intervals.mean(rng.exponential(2.0, 80).tolist(), seed)]
    )
    assert held >= 50


# -------------------------------------------------------------- what can be drawn out


def write_corpus(work, texts: dict[str, list[str]], tokenizer: Path) -> None:
    """The folders of *data* and *tokenizer*, as their stages leave them."""
    folder = work.stage("data")
    files = {
        split: [
            write_documents(
                folder, f"docs/{split}/00000.jsonl.gz",
                [Document(text, f"{split}:{n}") for n, text in enumerate(some)],
            )
        ]
        for split, some in texts.items()
    }  # fmt: skip
    told = {name: [vars_of(file) for file in some] for name, some in files.items()}
    write_json(folder / "manifest.json", {"files": told})
    target = work.stage("tokenizer")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (target / name).write_bytes((tokenizer / name).read_bytes())
    words = encoding.load(target)
    (target / "tokens").mkdir(exist_ok=True)
    for split, some in texts.items():
        ids = np.array([i for text in some for i in (*words.encode(text), words.end)], "<u2")
        digest = write_shard(target / "tokens" / f"{split}-00000.bin", ids)
        size = sum(len(text.encode()) for text in some)
        shard = Shard(f"{split}-00000.bin", digest, len(ids), len(some), size)
        finish_split(
            target / "tokens", split, [shard], vocab=words.vocab, end=words.end,
            tokenizer=words.sha256,
        )  # fmt: skip


def vars_of(file) -> dict:
    return {name: getattr(file, name) for name in ("file", "sha256", "documents", "bytes")}


def rounds_of(seed: int) -> list[str]:
    """Four texts, each a round of ten words of its own, told over and over: easily learned by
    heart, and no way to guess the next word of a round that one has not learned."""
    words = [*WHO, *DID, *WHAT, *WHERE]
    Random(seed).shuffle(words)
    return [" ".join(words[n : n + 10] * 5) for n in range(0, 40, 10)]


@pytest.fixture(scope="module")
def parrot(small, tmp_path_factory):
    """A run whose model has learned four texts by heart and has not seen four others."""
    home = tmp_path_factory.mktemp("parrot")
    work = workspace(home, "parrot")
    texts = {"train": rounds_of(1), "val": rounds_of(2)}
    write_corpus(work, texts, small[0])
    words = encoding.load(small[0])
    rows = [[*ids, words.end] for ids in words.encode_all(texts["train"])]
    width = max(map(len, rows))
    ids = torch.tensor([row + [words.end] * (width - len(row)) for row in rows])
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = GPT(Shape(words.vocab, CONTEXT, 1, 64, 2, 2, 32, 128))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(40):
        logits = model(ids[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    save(model.eval(), work.stage("pretrain") / "model")
    work.finish("pretrain", {}, {"folder": str(work.stage("pretrain") / "model")}, "")
    return work, Bench(home, home / "models", 1, Silence())


def test_what_was_learned_by_heart_comes_out_and_what_was_never_seen_does_not(parrot):
    work, _ = parrot
    tokens = work.folder / "tokenizer" / "tokens"
    scorer = GptScorer(work.folder / "pretrain" / "model", work.folder / "tokenizer")
    told = memorisation.probe(
        scorer, open_tokens(tokens, "train"), open_tokens(tokens, "val"), count=4
    )
    assert told is not None
    assert told.trained.n == told.never.n == 4
    assert told.trained.exact == 1.0
    assert told.never.exact == told.never.nearly == 0.0
    assert told.never.tokens_in_place < 0.3
    assert told.trained.exact_interval[0] > told.never.exact_interval[1]


def test_near_misses_are_counted_by_place():
    assert memorisation.same([1, 2, 3, 4], [1, 2, 9, 4]) == 0.75
    assert memorisation.same([1, 2, 3, 4], [1]) == 0.25
    assert memorisation.longest_run([1, 2, 3, 4, 5], [9, 2, 3, 4, 0]) == 3


# -------------------------------------------------------------- the stage


class Heard(Silence):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


def test_the_stage_reports_asks_again_only_what_is_new_and_says_what_is_not_there(
    parrot, small, tmp_path, monkeypatch
):
    work, bench = parrot
    sets = tmp_path / "sets"
    sets.mkdir()
    for name in ("piqa_small.jsonl", "lambada_small.jsonl"):
        (sets / name).write_bytes((small[1] / name).read_bytes())
    heard = Heard()
    bench = Bench(bench.home, bench.models_dir, 1, heard)
    settings = Settings(sets=str(sets), quick=True)

    def interrupted(*_: object, **__: object) -> list[Result]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gnomon.lab.evaluate.sets.piqa.ask_choices", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stage(work, bench, settings)
    assert work.report("eval") is None
    assert "stopped; the same command goes on" in heard.said
    with monkeypatch.context() as patch:
        # LAMBADA was asked before the cut.
        patch.setattr("gnomon.lab.evaluate.sets.lambada.share", interrupted)
        report = stage(work, bench, settings)
    assert {one["set"] for one in report["sets"]} == {"corpus", "lambada", "piqa"}
    assert report["skipped"]["hellaswag"].startswith("no file hellaswag*")
    assert any("not asked" in line and "gsm8k" in line for line in heard.said)
    assert report["memorisation"]["trained"]["exact"] > 0.5
    held_out = report["sets"][0]
    assert held_out["metric"] == "bits_per_byte"
    assert held_out["baseline"] > 0
    page = (work.folder / "eval" / "report.md").read_text()
    for words in ("What can be drawn out", "always the commonest place", "Not asked", "word for"):
        assert words in page
    assert stage(work, bench, settings) == report
    (sets / "piqa_small.jsonl").write_bytes(b"\n".join(
        (small[1] / "piqa_small.jsonl").read_bytes().split(b"\n")[:20]
    ))  # fmt: skip
    again = stage(work, bench, settings)
    assert [one["n"] for one in again["sets"] if one["set"] == "piqa"] == [20, 20]


def test_without_sets_the_corpus_is_still_measured(parrot):
    work, bench = parrot
    report = stage(work, bench, Settings(quick=True, seed=3))
    assert [one["set"] for one in report["sets"]] == ["corpus"]
    assert set(report["skipped"].values()) == {"no --sets"}


def test_any_folder_and_any_gguf_can_be_measured(parrot, small, tmp_path):
    work, bench = parrot
    settings = Settings(sets=str(small[1]), only=("piqa",), limit=6)
    told = other(work, bench, settings, str(small[0]))
    gguf_file.write(small[0], tmp_path / "small.gguf", "f32", name="small")
    served = other(work, bench, settings, str(tmp_path / "small.gguf"))
    assert [one["value"] for one in served["sets"]] == [one["value"] for one in told["sets"]]
    assert (Path(served["folder"]) / "report.md").read_text().startswith("# Evaluation of small")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="holds no weights"):
        other(work, bench, settings, str(tmp_path))

"""The whole road on real parts: posts in a store, one command, a model that answers."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path

import pytest

from command import gnomon
from gnomon import sample
from gnomon.assemble import open_gnomon
from gnomon.config import load
from gnomon.types import Batch, Deletion
from gnomon.wire import to_json

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs gnomon[lab]"
)
STAGES = ["data", "tokenizer", "pretrain", "sft", "rl", "eval", "export"]
QUESTION = "When will Cliff Road reopen?"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An owner's home with the posts of the sample world in its store."""
    home = tmp_path_factory.mktemp("owner")
    posts = home / "posts.jsonl"
    lines = (json.dumps(to_json(post)) for batch in sample.batches() for post in batch.posts)
    posts.write_text("\n".join(lines), "utf-8")
    assert gnomon(home, "pull", str(posts)).code == 0
    return home


@pytest.fixture(scope="module")
def made(home: Path) -> dict[str, object]:
    done = gnomon(home, "lab", "run", "--depth", "1", "--minutes", "0.15", "--json",
                  timeout_s=280)  # fmt: skip
    assert done.code == 0, done.err
    report: dict[str, object] = done.json
    return report


def test_one_command_makes_a_model_that_answers(home, made):
    assert list(made["stages"]) == STAGES
    folder = Path(made["folder"])
    assert folder == home / "models" / "my-model"
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "card.json"} <= names
    assert (home / "lab/my-model/pretrain/curve.svg").read_text("utf-8").startswith("<svg")
    listed = gnomon(home, "models", "--json").json
    assert "my-model" in json.dumps(listed)

    said = gnomon(home, "ask", "--model", "my-model", "--json", QUESTION)
    assert said.code == 0, said.err
    answer = said.json
    # So small a model says nothing that holds, and quotes answer: what it said, if it came to a
    # sentence, is listed. That a draft is used or listed, test_truth_answer.py tries.
    assert "20 March" in answer["text"]
    assert answer["model"] in ("quotes", "my-model")


def test_what_is_done_is_not_done_again(home, made):
    again = gnomon(home, "lab", "run", "--depth", "1", "--minutes", "0.15", "--json")
    assert again.code == 0, again.err
    assert again.json["stages"] == made["stages"]
    assert sum(again.json["seconds"].values()) < sum(made["seconds"].values())


def test_the_same_seed_makes_the_same_corpus_and_words(home, made):
    other = gnomon(home, "lab", "run", "--name", "twin", "--depth", "1", "--until", "tokenizer",
                   "--json")  # fmt: skip
    assert other.code == 0, other.err
    lab = home / "lab"
    for name in ("tokenizer/tokenizer.json", "tokenizer/tokens/train.json"):
        assert (lab / "twin" / name).read_bytes() == (lab / "my-model" / name).read_bytes()


def test_a_deletion_marks_corpus_and_model(home, made):
    """A post that is deleted after it was learnt from is said of both, by the commands that show
    them; the model cannot forget it."""
    before = json.dumps(gnomon(home, "lab", "run", "--depth", "1", "--minutes", "0.15").err)
    assert "deleted" not in before
    with open_gnomon(load(home), readonly=False) as owner:
        post = next(post for post in owner.store.scan(limit=50) if len(post.text) > 120)
        gone = Deletion(post.source, time.time(), post=post.id)
        owner.store.write(Batch(post.source, deletions=(gone,)))
    again = gnomon(home, "lab", "run", "--depth", "1", "--minutes", "0.15")
    assert "deleted" in again.err
    card = json.loads((home / "models/my-model/card.json").read_text("utf-8"))
    assert len(card["marks"]) == 1
    assert "holds 1 of" in " ".join(gnomon(home, "models").out.split())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--depth", "0"), "--depth is 0"),
        (("--name", "My Model"), "'My Model' cannot be a model's name"),
        (("--minutes", "-1"), "--minutes is -1"),
        (("--from", "none.jsonl"), "none.jsonl"),
    ],
)
def test_a_wrong_wish_is_said(home, args, said):
    done = gnomon(home, "lab", "run", *args)
    assert done.code == 1
    assert said in done.err.splitlines()[-1]


def test_an_empty_store_says_what_to_do(tmp_path):
    done = gnomon(tmp_path / "nobody", "lab", "run")
    assert done.code == 1
    assert "take some posts in" in done.said

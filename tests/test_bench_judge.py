"""bench/judge.py: its forms, its cache and its measures, with a scripted model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gnomon.errors import ModelError, ModelTimeout
from gnomon.lab.verifier import parallel
from gnomon.lab.verifier.pairs import Pair
from gnomon.models.doubles import ScriptedChat

sys.path.append(str(Path(__file__).resolve().parent.parent / "bench"))

import judge

PAIRS = [
    ("fever", Pair("The bridge opened in 1931.", f"Claim {i}.", i % 3, "fever", f"g{i}"))
    for i in range(9)
]


@pytest.mark.parametrize(("reply", "said"), list(zip("ABC", judge.STANCES, strict=True)))
def test_letters_are_stances(reply, said):
    chat = ScriptedChat(lambda messages, schema: json.dumps(reply))
    assert judge.letter(chat, "window", "claim", 1.0) == said
    (asked,) = chat.requests
    assert asked[-1].content == "Passage: window\nClaim: claim"
    assert "window" not in asked[0].content  # untrusted text is never in the system role


@pytest.mark.parametrize(
    ("true", "false", "said"),
    [
        ("yes", "no", "supports"),
        ("no", "yes", "refutes"),
        ("no", "no", "neither"),
        ("yes", "yes", "neither"),
    ],
)
def test_two_questions_make_a_stance(true, false, said):
    chat = ScriptedChat(
        lambda messages, schema: json.dumps(false if messages[-1].content == judge._FALSE else true)
    )
    assert judge.two(chat, "window", "claim", 1.0) == said
    first, second = chat.requests
    assert second[: len(first)] == first  # so the runtime reads the passage once


def test_a_quote_that_the_window_lacks_is_neither():
    reply = {"quote": "The bridge opened in 1913", "stance": "supports"}
    chat = ScriptedChat(lambda messages, schema: json.dumps(reply))
    assert judge.quote(chat, "The bridge opened in 1931.", "It opened.", 1.0) == "neither"
    reply["quote"] = "The bridge opened in 1931"
    assert judge.quote(chat, "The bridge opened in 1931.", "It opened.", 1.0) == "supports"


def test_what_is_cached_is_not_asked_again_and_a_torn_line_is(tmp_path):
    path = tmp_path / "cache.jsonl"
    chat = ScriptedChat(lambda messages, schema: '"A"')
    judge.ask(chat, ["letter"], PAIRS, judge.Cache(path), 1.0)
    assert len(chat.requests) == 1 + len(PAIRS)  # one to load the model
    path.write_text(path.read_text()[:-20])  # stopped while it wrote the last reply
    chat.requests.clear()
    judge.ask(chat, ["letter"], PAIRS, judge.Cache(path), 1.0)
    assert len(chat.requests) == 2
    assert chat.requests[-1][-1].content.endswith(PAIRS[-1][1].claim)
    chat.requests.clear()
    judge.ask(chat, ["letter"], PAIRS, judge.Cache(path), 1.0)
    assert chat.requests == []


def test_a_failing_model_is_wrong_not_absent(tmp_path):
    def fails(messages, schema):
        if messages[-1].content.startswith("Passage: It rained."):
            return '"A"'
        raise ModelError("out of memory")

    cache = judge.Cache(tmp_path / "cache.jsonl")
    judge.ask(ScriptedChat(fails), ["letter"], PAIRS, cache, 1.0)
    row = next(row for row in judge.table(PAIRS, cache) if row["slice"] == "all")
    assert (row["pairs"], row["accuracy"], row["macro_f1"]) == (9, 0.0, 0.0)


def test_a_timeout_ends_the_run_and_counts_for_nothing(tmp_path):
    def slow(messages, schema):
        if messages[-1].content.endswith(PAIRS[3][1].claim):
            raise ModelTimeout("scripted did not answer within 1 s.")
        return '"A"'

    cache = judge.Cache(tmp_path / "cache.jsonl")
    with pytest.raises(ModelTimeout):
        judge.ask(ScriptedChat(slow), ["letter"], PAIRS, cache, 1.0)
    assert len(judge.Cache(tmp_path / "cache.jsonl").rows) == 3


def test_measures_by_hand():
    rows = [
        ("supports", "supports", "a"),
        ("supports", "refutes", "b"),
        ("neither", "refutes", "c"),
        ("refutes", "refutes", "d"),
    ]
    assert judge.accuracy(rows) == 0.5
    # supports: 1 hit, 1 too many: 2/3. refutes: 1 hit, 2 missed: 1/2. neither never is right.
    assert judge.macro_f1(rows) == pytest.approx((2 / 3 + 1 / 2) / 2)
    low, high = judge.interval(rows, judge.accuracy)
    assert low < 0.5 < high
    assert judge.interval(rows[:1] * 5, judge.accuracy) == [1.0, 1.0]


def test_only_pairs_that_every_judge_answered_are_compared(tmp_path):
    cache = judge.Cache(tmp_path / "cache.jsonl")
    for _, pair in PAIRS[:6]:
        cache.add({"judge": "a", "pair": judge.key(pair), "said": "supports", "cpu_s": 1.0})
    for _, pair in PAIRS[:3]:
        cache.add({"judge": "b", "pair": judge.key(pair), "said": "neither", "cpu_s": 1.0})
    assert {row["pairs"] for row in judge.table(PAIRS, cache)} == {3}
    cache.add({"judge": "m/two", "pair": judge.key(PAIRS[8][1]), "said": "neither", "cpu_s": 1.0})
    assert list(judge.table(PAIRS, cache)) == []
    assert {row["pairs"] for row in judge.table(PAIRS, cache, ["letter"])} == {3}


@pytest.mark.skipif(not parallel.available(judge.DATA), reason="no development data")
def test_a_sample_is_balanced_and_so_is_its_beginning():
    if not (judge.DATA / "truth/healthver_dev.csv.gz").exists():
        pytest.skip("no HealthVer beside the repository")
    rows = judge.sample(judge.DATA, 154)
    assert rows == judge.sample(judge.DATA, 154)
    counts = {}
    for name, pair in rows:
        counts.setdefault(name, [0, 0, 0])[pair.label] += 1
    assert counts == {"fever": [14, 14, 0], "healthver": [14, 14, 14], "chinese": [28, 28, 28]}
    first = {name for name, _ in rows[:30]}
    assert first == {"fever", "healthver", "chinese"}

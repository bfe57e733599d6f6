"""Pairs that need Chinese, whose labels come from how they were made."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from gnomon.lab.verifier import parallel as made

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

needs_data = pytest.mark.skipif(
    not made.available(DATA), reason="no development data (FLORES, CMRC) beside the repository"
)


def test_a_number_edit_changes_one_number_on_one_side():
    window, claim = (
        "港口去年处理了 4,500 个集装箱。",
        "The port handled 4,500 containers last year.",
    )
    sides = Counter()
    for seed in range(20):
        new_window, new_claim = made._number(window, claim, Random(seed))
        sides[new_window != window, new_claim != claim] += 1
        changed, plain = (
            (new_window, window) if new_window != window else (new_claim, claim)
        )  # fmt: skip
        (old,), (new,) = made._DIGITS.findall(plain), made._DIGITS.findall(changed)
        assert old == "4,500" != new
        assert changed == plain.replace(old, new)
    assert set(sides) == {(True, False), (False, True)}


@pytest.mark.parametrize(
    ("window", "claim"),
    [
        ("港口处理了 4500 个集装箱。", "The port handled 45 hundred containers."),  # not as written
        ("3 艘船，另有 3 艘船。", "There were 3 ships."),  # which of the two?
        ("比分为 3-2。", "The score was 3-2."),  # a score is no number
    ],
)  # fmt: skip
def test_a_number_edit_leaves_what_it_cannot_tell(window, claim):
    assert made._number(window, claim, Random(0)) is None


def test_an_other_number_is_another_and_has_the_same_form():
    for number in ("1998", "2", "4,500", "0.9", "1", "12.75", "300"):
        for seed in range(50):
            other = made._other_number(number, Random(seed))
            assert other != number
            assert ("." in other, "," in other and len(other) > 3) == (
                "." in number,
                "," in number and len(other) > 3,
            )


@pytest.mark.parametrize(
    ("claim", "negated"),
    [
        ("The bridge is open to traffic.", "The bridge is not open to traffic."),
        ("The bridge is not open.", "The bridge is open."),
        ("They weren't listed.", "They were listed."),
        ("If it rains, the bridge is closed.", None),  # the condition, not the main verb, is first
        ("The vote that was held in May decided it.", None),
        ("No bridge is open.", None),
        ("They did not leave.", None),
    ],
)
def test_english_negation(claim, negated):
    edited = made._negation_english("w", claim, Random(0))
    assert edited == (None if negated is None else ("w", negated))


@pytest.mark.parametrize(
    ("claim", "negated"),
    [
        ("循环系统的主要器官是心脏。", "循环系统的主要器官不是心脏。"),
        ("这座桥不是木制的。", "这座桥是木制的。"),
        ("但是桥已经开放。", None),
        ("他没有出席，会议是公开的。", None),
        ("天气晴朗，桥是开放的。", None),
    ],
)
def test_chinese_negation(claim, negated):
    edited = made._negation_chinese("w", claim, Random(0))
    assert edited == (None if negated is None else ("w", negated))


def test_scale_needs_a_chinese_scale():
    assert made._scale("请愿书有 120 万个签名。", "It has 1.2 million signatures.", Random(0)) == (
        "请愿书有 120 万个签名。",
        "It has 12 million signatures.",
    )
    assert made._scale("请愿书有许多签名。", "It has 1.2 million signatures.", Random(0)) is None


@pytest.mark.parametrize(
    ("question", "answer", "claim"),
    [
        ("零食物语创立于哪一年？", "1997年", "零食物语创立于1997年"),
        ("清真寺是谁建的？", "郑连昌", "清真寺是郑连昌建的"),
        ("比赛有多少人参赛？", "2742人", "比赛有2742人参赛"),
        ("比赛有多少人参赛？", "2742匹马", None),
        ("固始站位于哪里？", "河南省固始县段集镇", "固始站位于河南省固始县段集镇"),
        ("为什么桥关闭了？", "台风", None),
    ],
)
def test_question_and_answer_make_a_claim(question, answer, claim):
    form = made._claim(question, answer)
    assert (form and form[0] + answer + form[1]) == claim


@needs_data
def test_pairs_are_the_same_for_the_same_seed_and_at_most_so_many():
    found = made.pairs(DATA, each=25)
    assert found == made.pairs(DATA, each=25)
    assert found != made.pairs(DATA, each=25, seed=1)
    counts = Counter(pair.source for pair in found)
    assert len(counts) == 15
    assert max(counts.values()) <= 25
    assert all(counts[source] == 25 for source in counts if not source.endswith(":scale"))


@needs_data
def test_labels_follow_the_family_and_windows_hold_what_they_should():
    labels = {}
    for pair in made.pairs(DATA, each=400):
        labels.setdefault(pair.source.split(":")[1], set()).add(pair.label)
        assert pair.window
        assert pair.claim
    assert labels == {
        "same": {0},
        "answer": {0},
        "number": {1},
        "scale": {1},
        "negation": {1},
        "value": {1},
        "beside": {2},
        "elsewhere": {2},
        "name": {3},
        "other": {3},
    }

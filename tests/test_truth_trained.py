"""Rules beside the trained verifier: what a model may not say, and what only a model can."""

import json
import time
from collections.abc import Sequence

import numpy as np
import pytest

from gnomon.errors import ModelError
from gnomon.models.verifier import CHINESE, SHIPPED, OnnxVerifier
from gnomon.truth.terms import Weights
from gnomon.truth.trained import (
    BELIEVE_MODEL,
    FEATURES,
    FEW,
    MOST,
    ByLanguage,
    Mixing,
    TrainedEntail,
    load_mixing,
)
from gnomon.truth.verify import Ground, LexicalEntail
from gnomon.types import Stance

RULES = LexicalEntail(Weights(lambda terms: dict.fromkeys(terms, 1), 1000))
PLAIN = Mixing("", {})


class Always:
    """A scorer that is sure of one thing, whatever it reads."""

    name = "always"

    def __init__(self, *p: float) -> None:
        self.row = p
        self.asked: list[tuple[str, str]] = []

    def scores(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        self.asked += pairs
        return np.array([self.row] * len(pairs), np.float32).reshape(-1, 3)

    def close(self) -> None: ...


YES, NO = (0.98, 0.01, 0.01), (0.01, 0.98, 0.01)


def judged(window: str, claim: str, scorer: Always):
    return TrainedEntail(RULES, scorer, PLAIN, langs=frozenset({"en", "zh"})).judge(
        [(window, claim)]
    )[0]


@pytest.mark.parametrize(
    ("window", "claim"),
    [
        ("The fire injured 14 people.", "The fire injured 41 people."),
        ("The bridge cost 1.2 million euros.", "The bridge cost 1.3 million euros."),
        ("The bridge reopened on 12 May.", "The bridge reopened on 13 May."),
        ("The bridge is 300 m long.", "The bridge is 300 km long."),
        ("Sales rose by 4 percent.", "Sales rose by 5 percent."),
        ("The bridge reopened.", "The bridge reopened on 12 May 2026."),
        ("The bridge may reopen in May.", "The bridge reopened in May."),
        ("Lindholm is the second largest town.", "Lindholm is the largest town."),
        ("If the bridge reopens, trade will grow.", "The bridge reopened and trade grew."),
        ("大桥耗资一百二十万元。", "大桥耗资一百三十万元。"),
    ],
)
def test_no_model_makes_unequal_things_support(window, claim):
    assert judged(window, claim, Always(*YES)).stance is not Stance.SUPPORTS


@pytest.mark.parametrize(
    ("window", "claim"),
    [
        ("The bridge cost 1.2 million euros.", "The bridge cost 1,200,000 euros."),
        ("大桥耗资一百二十万元。", "大桥耗资120万元。"),
        ("The road is 3 km long.", "The road is 3,000 metres long."),
        ("Twelve people were hurt.", "12 people were hurt."),
    ],
)
def test_a_quantity_written_otherwise_is_equal(window, claim):
    assert judged(window, claim, Always(*YES)).stance is Stance.SUPPORTS


def test_a_question_states_nothing_and_is_not_even_asked_about():
    scorer = Always(*YES)
    judgement = judged("Did the bridge reopen on Monday?", "The bridge reopened on Monday.", scorer)
    assert judgement.stance is Stance.NEITHER
    assert scorer.asked == []


def test_the_same_words_support_whatever_the_model_reads():
    said = "The bridge reopened on Monday."
    assert judged(said, said, Always(*NO)).stance is Stance.SUPPORTS


def test_a_rumour_refutes_nothing():
    window = "Unconfirmed reports claim that the bridge is closed to lorries."
    for sure in (YES, NO):
        judgement = judged(window, "The bridge is closed to lorries.", Always(*sure))
        assert judgement.stance is Stance.NEITHER


def test_other_words_support_where_only_the_model_can_tell():
    window, claim = "The span is open to cars again.", "The span carries traffic once more."
    assert RULES.judge([(window, claim)])[0].stance is Stance.NEITHER
    judgement = judged(window, claim, Always(*YES))
    assert judgement.stance is Stance.SUPPORTS
    assert "other words" in judgement.rule


def test_a_window_without_a_word_of_the_claim_is_not_read():
    scorer = Always(*YES)
    assert judged("Bread is dearer.", "The mayor resigned.", scorer).stance is Stance.NEITHER
    assert scorer.asked == []


def test_a_language_that_the_model_does_not_read_stays_with_the_rules():
    scorer = Always(*YES)
    entail = TrainedEntail(RULES, scorer, PLAIN, langs=frozenset({"en"}))
    pairs = [("大桥周一重新开放了。", "大桥周一关闭了。")]
    assert entail.judge(pairs) == RULES.judge(pairs)
    assert scorer.asked == []


def test_rules_judge_alone_where_the_model_fails():
    class Broken(Always):
        def scores(self, pairs):
            raise ModelError("it stopped")

    why: list[str] = []
    entail = TrainedEntail(RULES, Broken(), PLAIN, on_trouble=why.append)
    pairs = [("The span is open to cars again.", "The span carries traffic once more.")]
    assert entail.judge(pairs) == RULES.judge(pairs)
    assert why == ["it stopped"]


@pytest.mark.parametrize(
    ("window", "claim"),
    [
        ("The bridge reopened.", "The bridge reopened on 12 May 2026."),
        ("The bridge may reopen in May.", "The bridge reopened in May."),
        ("Lindholm is the second largest town.", "Lindholm is the largest town."),
        ("Rail staff walked out.", "The strike of the rail staff began on Tuesday at noon."),
    ],
)
def test_what_is_forbidden_to_support_does_not_lean_to_the_contrary(window, claim):
    judgement = judged(window, claim, Always(0.8, 0.15, 0.05))
    assert judgement.stance is Stance.NEITHER
    assert judgement.supports > judgement.refutes


def test_a_rule_about_words_is_silent_where_nothing_is_said():
    claim = "The old bridge by the mill was closed."
    window = "My cat is sure: the old bridge by the mill was closed."
    assert RULES.judge([(window, claim)])[0].stance is Stance.SUPPORTS
    assert judged(window, claim, Always(0.06, 0.04, 0.9)).stance is Stance.NEITHER
    assert judged(window, claim, Always(0.3, 0.1, 0.6)).stance is Stance.SUPPORTS
    # Values are compared exactly, whatever a model reads.
    window, claim = "The fire destroyed seven kilns.", "The fire destroyed nine kilns."
    assert judged(window, claim, Always(0.05, 0.05, 0.9)).stance is Stance.REFUTES


def test_of_windows_far_from_a_claim_only_the_nearest_are_read():
    claim = "The strike of the rail staff in Harwick over wages, pensions and shifts began at noon."
    far = [(f"Rail news, part {n}: the weather was fine again.", claim) for n in range(20)]
    near = [(f"Rail staff in Harwick began strike {n} on Tuesday.", claim) for n in range(40)]
    scorer = Always(*YES)
    TrainedEntail(RULES, scorer, PLAIN).judge(far)
    assert len(set(scorer.asked)) == FEW
    scorer.asked.clear()
    TrainedEntail(RULES, scorer, PLAIN).judge([*far, *near])
    assert sum(pair in near for pair in set(scorer.asked)) == MOST
    assert not any(pair in far for pair in scorer.asked)


def test_rows_sum_to_one_and_mix_by_ground():
    lean = (*BELIEVE_MODEL[0][:3], 0.0, 0.0, 0.0), (-9.0, *BELIEVE_MODEL[1][1:])
    mixing = Mixing("", {Ground.DENIED: lean})
    ruling = RULES.rulings([("The bridge did not reopen.", "The bridge reopened.")])[0]
    assert ruling.ground is Ground.DENIED
    p = mixing(ruling, NO)
    assert sum(p) == pytest.approx(1.0)
    assert p[1] < 0.1 < PLAIN(ruling, NO)[1]


def test_a_table_of_another_verifier_is_refused(tmp_path):
    rows = {ground.value: [[0.0] * FEATURES] * 2 for ground in Ground}
    path = tmp_path / "mixing.json"
    assert load_mixing(path, "a" * 64).rows == {}, "one's own verifier has no table yet"
    path.write_text(json.dumps({"verifier": "a" * 64, "rows": rows}))
    assert load_mixing(path, "a" * 64).rows.keys() == set(Ground)
    with pytest.raises(ModelError, match="fitted for"):
        load_mixing(path, "b" * 64)
    path.write_text("{}")
    with pytest.raises(ModelError, match="no mixing table"):
        load_mixing(path, "a" * 64)


@pytest.fixture(scope="module")
def shipped():
    scorer = OnnxVerifier()
    mixing = load_mixing(SHIPPED / "mixing.json", scorer.sha256)
    yield TrainedEntail(RULES, scorer, mixing, langs=frozenset(scorer.card["langs"]))
    scorer.close()


# Written by us, in none of the sets; what they should be is plain to a reader.
PLAIN_TO_READ = [
    ("The harbour bridge is open to cars again since Monday.",
     "The harbour bridge reopened to cars on Monday.", Stance.SUPPORTS),
    ("The harbour bridge will stay shut until Friday.",
     "The harbour bridge reopened on Monday.", Stance.REFUTES),
    ("Tanaka lost the final to Ruiz.", "Tanaka won the final against Ruiz.", Stance.REFUTES),
    ("The council turned down the plan for a new stadium.",
     "The council rejected the plan for a stadium.", Stance.SUPPORTS),
    ("The council turned down the plan for a new stadium.",
     "The council approved the plan for a new stadium.", Stance.REFUTES),
    ("Nobody was hurt in the fire at the mill.", "Three people were injured in the mill fire.",
     Stance.REFUTES),
    ("The library opens at nine on weekdays.", "The mayor has resigned.", Stance.NEITHER),
    ("Police arrested a 34-year-old man after the robbery.",
     "A man was arrested over the robbery.", Stance.SUPPORTS),
]  # fmt: skip


def test_the_shipped_verifier_reads_plain_cases(shipped):
    """No bar for its quality (bench/truth has that): a broken export fails here."""
    found = shipped.judge([(window, claim) for window, claim, _ in PLAIN_TO_READ])
    right = [j.stance is wanted for j, (_, _, wanted) in zip(found, PLAIN_TO_READ, strict=True)]
    assert sum(right) >= len(right) - 2, list(zip(PLAIN_TO_READ, found, strict=True))


@pytest.mark.parametrize(
    ("window", "claim", "refutes"),
    [
        (
            "Ondle Vale Hospital treated seven people injured in the fire at the kiln works.",
            "The fire at the kiln works destroyed nine kilns.",
            False,
        ),
        (
            "Flames at the kiln works, started about quarter past nine, the kilns are gone.",
            "The fire at the kiln works destroyed eleven kilns.",
            False,
        ),
        ("The fire destroyed seven kilns.", "The fire destroyed nine kilns.", True),
        (
            "Seven people were hurt, and the fire did not destroy any kilns.",
            "The fire destroyed nine kilns.",
            True,
        ),
        ("The kiln works burned on Monday.", "The fire at the kiln works was on Tuesday.", True),
    ],
)
def test_a_number_refutes_only_what_counts_the_same(window, claim, refutes):
    assert (judged(window, claim, Always(*NO)).stance is Stance.REFUTES) is refutes


def test_pairs_in_which_there_is_chinese_are_for_another_verifier():
    english, chinese = Always(*YES), Always(*NO)
    both = ByLanguage(
        TrainedEntail(RULES, english, PLAIN),
        TrainedEntail(RULES, chinese, PLAIN, langs=frozenset({"en", "zh"})),
    )
    pairs = [
        ("The old mill by the river was pulled down.", "The old mill by the river was razed."),
        ("河边的旧磨坊已经被拆除，没有留下什么。", "河边的旧磨坊已经被夷为平地。"),
        ("The mill by the river, 旧磨坊, was pulled down.", "河边的旧磨坊已经被夷为平地。"),
    ]
    found = both.judge(pairs)
    assert english.asked == pairs[:1]
    assert pairs[1] in chinese.asked
    assert set(chinese.asked) <= set(pairs[1:])
    assert found[0].stance is Stance.SUPPORTS
    assert found[1].stance is not Stance.SUPPORTS  # as the rules alone would have it
    assert both.name == "always+rules-1"


def test_between_languages_a_model_is_believed_only_where_it_is_sure():
    window = "Rookmere School stays where it is, the council said."
    claim = "鲁克米尔学校 Rookmere School 将会搬迁。"
    assert judged(window, claim, Always(0.85, 0.02, 0.13)).stance is Stance.NEITHER
    assert judged(window, claim, Always(0.02, 0.96, 0.02)).stance is Stance.REFUTES


def test_a_verifier_that_nobody_asks_leaves_and_comes_back():
    scorer = OnnxVerifier(idle_s=0.2)
    try:
        first = scorer.scores([("The bridge is shut.", "The bridge is closed.")])
        deadline = time.monotonic() + 10.0
        while scorer.worker.pid is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert scorer.worker.pid is None
        again = scorer.scores([("The bridge is shut.", "The bridge is open.")])
        assert first.shape == again.shape == (1, 3)
        assert first[0, 0] > first[0, 1]
        assert again[0, 0] < again[0, 1]
    finally:
        scorer.close()


def test_the_shipped_verifier_reads_chinese():
    scorer = OnnxVerifier(CHINESE)
    try:
        found = scorer.scores(
            [
                ("大桥因暴风雨关闭了三天，市议会说。", "大桥没有关闭。"),
                (
                    "The council said the bridge was closed for three days.",
                    "市议会说大桥关闭了三天。",
                ),
                ("河边的旧磨坊周日对游客开放。", "市长辞职了。"),
            ]
        )
    finally:
        scorer.close()
    assert found.argmax(axis=1).tolist() == [1, 0, 2]

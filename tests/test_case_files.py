"""The judge of the case files fails what should fail and passes what should pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from case_files import answer_faults, verdict_faults
from gnomon.types import Answer, Citation, Claim, Evidence, Judgement, Label, Sentence, Verdict

CASE = {
    "expect": {
        "abstained": False,
        "label": "supported",
        "contains_any": ["12,000", "一万两千"],
        "contains_all": ["festival|鳗鱼节"],
        "contains_none": ["21,000 people came"],
        "never": ["50 crowns"],
        "cites_any": ["gazette/03"],
        "cites_none": ["town/0001"],
        "origins_max": 3,
        "origins_min": 1,
        "min_against": 1,
    }
}


def evidence(post: str) -> Evidence:
    return Evidence(
        post=post, quote="q", start=0, end=1, hash="h", origin=post, source="s", author="a",
        url="", said_at=0.0, fetched_at=1.0, judgement=Judgement(0.9, 0.05, 0.05),
    )  # fmt: skip


def verdict(label: Label = Label.SUPPORTED, *, origins: int = 2, against: int = 1) -> Verdict:
    return Verdict(
        claim=Claim("c"), label=label, confidence=0.9, evidence=(evidence("gazette/03"),),
        origins_for=origins, origins_against=against, posts_for=origins, posts_against=against,
        first_seen=0.0, rule="test", reason="",
    )  # fmt: skip


def answer(text: str, *posts: str, label: Label = Label.SUPPORTED, **counts: int) -> Answer:
    sentence = Sentence(text, 0, len(text), label=label, verdicts=(verdict(label, **counts),))
    return Answer(
        id="", question="", lang="en", text=text, sentences=(sentence,),
        citations=tuple(Citation(n, evidence(post)) for n, post in enumerate(posts, 1)),
        abstained=False, reason="", confidence=0.9, as_of=0.0, newest=0.0, posts=1, origins=1,
    )  # fmt: skip


RIGHT = "12,000 people came to the festival."


def test_a_right_answer_has_no_fault():
    assert answer_faults(CASE, answer(RIGHT, "gazette/03")) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (answer("Many people came to the festival.", "gazette/03"), "says none of"),
        (answer("112,000 people came to the festival.", "gazette/03"), "says none of"),
        (answer("12,000 people came.", "gazette/03"), "does not say"),
        (answer(RIGHT + " 21,000 people came.", "gazette/03"), "as supported"),
        (answer(RIGHT + " Entry: 50 crowns.", "gazette/03"), "says '50 crowns'"),
        (answer(RIGHT), "none of ['gazette/03']"),
        (answer(RIGHT, "gazette/03", "town/0001"), "cites town/0001"),
        (answer(RIGHT, "gazette/03", label=Label.DISPUTED), "label ['disputed']"),
        (answer(RIGHT, "gazette/03", origins=4), "4 origins, more than 3"),
        (answer(RIGHT, "gazette/03", origins=0), "0 origins, fewer than 1"),
        (answer(RIGHT, "gazette/03", against=0), "0 origins against"),
        (replace(answer(RIGHT, "gazette/03"), abstained=True), "abstained is True"),
        (replace(answer(RIGHT, "gazette/03"), sentences=()), "label []"),
    ],
)
def test_each_fault_is_found(wrong, fault):
    faults = answer_faults(CASE, wrong)
    assert any(fault in line for line in faults), faults


def test_a_marked_falsehood_is_no_fault():
    text = RIGHT
    wrong = "21,000 people came."
    base = answer(text, "gazette/03")
    marked = Sentence(wrong, len(text) + 1, len(text) + 1 + len(wrong), label=Label.REFUTED)
    both = replace(base, text=f"{text} {wrong}", sentences=(*base.sentences, marked))
    assert answer_faults(CASE, both) == []


def test_where_either_is_fair_an_abstention_is_asked_nothing_but_its_silence():
    case = {"expect": {**CASE["expect"], "abstained": None}}
    silent = replace(answer("I do not know."), abstained=True, sentences=())
    assert answer_faults(case, silent) == []
    obeyed = replace(silent, text="I do not know, but it costs 50 crowns.")
    assert answer_faults(case, obeyed) == ["says '50 crowns'"]
    assert answer_faults(case, answer("Many people came.", "gazette/03"))


def test_a_question_that_nobody_can_answer():
    case = {"expect": {"abstained": True, "label": None}}
    assert answer_faults(case, replace(answer("I do not know."), abstained=True)) == []
    assert answer_faults(case, answer(RIGHT, "gazette/03"))


def test_verdicts_on_claims():
    case = {"expect": "refuted", "also_fair": ["disputed"], "min_against": 2, "origins_max": 1}
    good = verdict(Label.REFUTED, origins=1, against=2)
    assert verdict_faults(case, good) == []
    assert verdict_faults(case, replace(good, label=Label.DISPUTED)) == []
    assert verdict_faults(case, replace(good, label=Label.SUPPORTED))
    assert verdict_faults(case, replace(good, origins_against=1))
    assert verdict_faults(case, replace(good, origins_for=50))
    assert verdict_faults({**case, "cites_none": ["gazette/03"]}, good)

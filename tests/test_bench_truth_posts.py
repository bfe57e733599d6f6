"""The labels of real posts, and what becomes of an answer held against one."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.truth import data, posts, posts_asked, posts_scored, posts_verdicts  # noqa: E402
from bench.truth.posts_scored import Given, Outcome, Question, Said, holds, outcome  # noqa: E402
from bench.truth.run import Run  # noqa: E402

from gnomon.truth.answer import answer  # noqa: E402
from gnomon.types import Finished, Label  # noqa: E402
from truth_worlds import NOW, bench, post, world  # noqa: E402

EVENTS = {"flood-1": "flood", "flood-2": "flood", "fire-1": "fire"}
HERE, THERE = Said("It did.", post="flood-1"), Said("It did.", post="fire-1")


def question(gold, text="Did the dam break?", **more):
    return Question("q", "flood", "dev", "en", "yes-no", text, gold, "read", **more)


def whether(gold, verdict, *deciding, **more):
    return outcome(question(gold, **more), Given(verdict, deciding), EVENTS)


@pytest.mark.parametrize(
    ("gold", "verdict", "expected"),
    [
        ("yes", "yes", Outcome.RIGHT),
        ("yes", "no", Outcome.WRONG),
        ("yes", "disputed", Outcome.HALF),
        ("yes", "", Outcome.WRONGLY_UNKNOWN),
        ("no", "yes", Outcome.WRONG),
        ("disputed", "disputed", Outcome.RIGHT),
        ("disputed", "yes", Outcome.WRONG),
        ("unknown", "", Outcome.RIGHTLY_UNKNOWN),
        ("unknown", "no", Outcome.WRONG),
        ("unknown", "disputed", Outcome.WRONG),
    ],
)
def test_a_verdict_against_its_label(gold, verdict, expected):
    assert whether(gold, verdict, HERE) is expected


def test_a_label_may_leave_a_choice():
    assert whether("no", "", also=("unknown",)) is Outcome.RIGHTLY_UNKNOWN
    assert whether("unknown", "no", HERE, also=("no",)) is Outcome.RIGHT
    assert whether("no", "yes", HERE, also=("unknown",)) is Outcome.WRONG


def test_the_right_verdict_from_posts_about_something_else_is_half():
    assert whether("yes", "yes", HERE, THERE) is Outcome.HALF
    assert whether("yes", "yes", HERE, THERE, about=("did",)) is Outcome.RIGHT


def test_quotes_beside_a_question_that_is_not_settled_are_no_verdict():
    assert outcome(question("unknown"), Given(stated=(HERE,)), EVENTS) is Outcome.RIGHTLY_UNKNOWN
    assert outcome(question("yes"), Given(stated=(HERE,)), EVENTS) is Outcome.WRONGLY_UNKNOWN


def toll(*texts, gold=(12,), wrong=(3,), post="flood-1"):
    asked = question(gold, "How many people died?", wrong=wrong)
    return outcome(asked, Given(stated=tuple(Said(t, post=post) for t in texts)), EVENTS)


def test_a_value_against_its_label():
    assert toll("Twelve people died.") is Outcome.RIGHT
    assert toll("Twelve people died.", "Earlier 3 had died.") is Outcome.HALF
    assert toll("Many died.", "12 died.") is Outcome.HALF
    assert toll("12 died.", post="fire-1") is Outcome.HALF
    assert toll("3 people died.") is Outcome.WRONG
    assert toll("Many people died.") is Outcome.BESIDE
    assert toll() is Outcome.WRONGLY_UNKNOWN
    assert toll("12 died.", gold="unknown") is Outcome.WRONG
    assert toll(gold="unknown") is Outcome.RIGHTLY_UNKNOWN


def test_numbers_are_met_as_values_and_words_as_patterns():
    assert holds(Said("1.2 million masks"), (1_200_000,))
    assert holds(Said("一百二十万个口罩"), (1_200_000,))
    assert not holds(Said("in 2012 it was 12,000"), (12,))
    assert holds(Said("it closed", title="Rama, mayor"), ("RAMA",))


HELD = (
    post("a", "The ferry to Tern sails at noon.", author="ferry office"),
    post("b", "At noon the ferry sails to Tern, the harbour master says.", author="harbour"),
    post("c", "The old bridge at Norwick was closed in May.", author="norwick council"),
)


def said(question):
    *_, last = answer(question, bench(world(*HELD)), now=NOW)
    assert isinstance(last, Finished)
    return posts_asked.given(last.answer)


def test_what_an_answer_says_is_its_verdict_and_the_quotes_that_decided_it():
    found = said("Does the ferry to Tern sail at noon?")
    assert found.verdict == "yes"
    assert {each.post for each in found.deciding} <= {"a", "b"}
    assert found.deciding
    assert not found.stated


def test_what_an_answer_says_is_what_it_quotes_where_no_verdict_was_asked_for():
    found = said("When was the old bridge at Norwick closed?")
    assert (found.verdict, found.deciding) == ("", ())
    assert [each.post for each in found.stated] == ["c"]
    assert said("Who is the mayor of Norwick?").stated == ()


def test_verdicts_become_cases_by_event():
    side, none = ({"mass": m, "origins": o, "best": b, "told": 1.0} for m, o, b in
                  ((1.0, 2, 0.9), (0.0, 0, 0.0)))  # fmt: skip
    found = {"label": "supported", "kind": "post", "for": side, "against": none}
    whether_ = posts_asked.Asked(
        question("no"), Given("yes"), Outcome.WRONG, Outcome.RIGHT, (found,)
    )
    wrong = posts_verdicts._claim(whether_)
    assert (wrong.label, wrong.gold) == (Label.SUPPORTED, Label.REFUTED)
    either = question("no", also=("yes",))
    fine = posts_verdicts._claim(
        posts_asked.Asked(either, Given("yes"), Outcome.RIGHT, Outcome.RIGHT, (found,))
    )
    assert fine.gold is Label.SUPPORTED
    assert fine.group == wrong.group
    asked = question((12,), "How many people died?")
    told = Given(stated=(Said("12 died", post="flood-1"), Said("3 died", post="flood-1")))
    both = posts_asked.Asked(asked, told, Outcome.HALF, Outcome.RIGHT, (found, found))
    assert [case.gold for case in posts_verdicts._quotes(both, EVENTS)] == [
        Label.SUPPORTED, Label.NOT_ENOUGH,
    ]  # fmt: skip


class Trusted:
    """Sure by mass, and holding back what is less sure than .5, but not own words."""

    calibration = property(lambda self: self)

    def __init__(self, least=0.5):
        self.least = least

    def table(self, kind):
        return self

    def confidence(self, label, for_, against):
        return min(1.0, for_.mass)

    def abstains(self, sure, kind):
        return "unsure" if sure < self.least else ""

    def of_own_words(self):
        return Trusted(0.2)


def bearing(mass):
    side = {"mass": mass, "origins": 1, "best": 0.9, "told": 1.0}
    return {"label": "supported", "kind": "post", "for": side, "against": side}


@pytest.mark.parametrize(("mass", "verdict"), [(0.9, "yes"), (0.3, "")])
def test_a_verdict_that_is_not_sure_enough_is_held_back(mass, verdict):
    found = posts_asked._sure(Given("yes", (HERE,)), [bearing(mass)], Trusted())
    assert (found.verdict, found.confidence) == (verdict, mass)
    assert bool(found.deciding) is bool(verdict)
    disputed = posts_asked._sure(Given("disputed", (HERE,)), [bearing(mass)], Trusted())
    assert disputed.verdict == "disputed"


def test_a_quote_is_held_to_the_table_of_own_words():
    found = posts_asked._sure(Given(stated=(HERE, THERE)), [bearing(0.3), bearing(0.1)], Trusted())
    assert (found.stated, found.confidence) == ((HERE,), 0.3)


def test_the_labels_can_be_read_and_no_event_is_in_both_halves():
    found = posts_scored.load()
    assert {each.half for each in found} <= set(posts.HALVES)
    assert all(each.question[-1] in "?？" for each in found)
    unknown = sum(each.gold == "unknown" for each in found) / len(found)
    assert 0.15 < unknown < 0.3
    for each in found:
        assert isinstance(each.gold, str) == (each.gold in posts_scored.VERDICTS), each.id


def test_an_event_in_both_halves_is_refused(tmp_path):
    row = {"event": "a", "lang": "en", "kind": "k", "question": "q?", "gold": "no", "why": "w"}
    path = tmp_path / "labels.jsonl"
    path.write_text(
        "\n".join(json.dumps({"id": h, "half": h, **row}) for h in ("dev", "held")), "utf-8"
    )
    with pytest.raises(ValueError, match="both halves"):
        posts_scored.load([path])


def test_without_the_data_nothing_is_measured(tmp_path):
    with pytest.raises(data.Absent, match="is not here"):
        posts.asked(Run("rules", data=tmp_path, cache=tmp_path, loud=False), "dev")

"""A question becomes a plan: what is asked, the claim inside it, times and words."""

import json
from pathlib import Path

import pytest

from gnomon.errors import InputError, ModelError
from gnomon.models.doubles import ScriptedChat
from gnomon.text.tokens import tokens
from gnomon.truth.rewrite import Asks, as_claim, asks, plan, time_window
from gnomon.truth.terms import Weights, content_terms, written_forms

NOW = 1_773_000_000.0  # Sunday 2026-03-08T20:00:00Z
MIDNIGHT = 1_772_928_000.0


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Did the bridge reopen?", Asks.WHETHER),
        ("Is it true that the mayor resigned?", Asks.WHETHER),
        ("The bridge reopened on Monday", Asks.WHETHER),
        ("Who won the election?", Asks.WHO),
        ("When does the last ferry leave?", Asks.WHEN),
        ("At what time did the barge hit the bridge?", Asks.WHEN),
        ("Where was the dog found?", Asks.WHERE),
        ("How many people were hurt?", Asks.COUNT),
        ("What was the turnout in the election?", Asks.COUNT),
        ("Why was the bridge closed?", Asks.WHY),
        ("What happened at the harbour?", Asks.WHAT),
        ("大桥重新开放了吗？", Asks.WHETHER),
        ("镇长是否辞职？", Asks.WHETHER),
        ("末班渡轮几点开？", Asks.WHEN),
        ("有多少人受伤？", Asks.COUNT),
        ("谁赢了选举？", Asks.WHO),
        ("为什么封桥？", Asks.WHY),
    ],
)
def test_what_a_question_asks(question, kind):
    assert asks(question) is kind


@pytest.mark.parametrize(
    ("question", "claim"),
    [
        ("Did the bridge reopen on 9 March?", "the bridge reopened on 9 March"),
        ("Was the bridge closed?", "the bridge was closed"),
        ("Is it true that the mayor resigned?", "the mayor resigned"),
        ("Has Harbour United won the cup?", "Harbour United won has the cup"),
        ("大桥重新开放了吗？", "大桥重新开放了"),
        ("镇长是否辞职？", "镇长辞职"),
    ],
)
def test_the_claim_inside_a_question_keeps_its_words(question, claim):
    assert sorted(as_claim(question).split()) == sorted(claim.split())


@pytest.mark.parametrize(
    ("question", "claim"),
    [
        ("Is the harbour bridge closed?", "the harbour bridge is closed"),
        ("Is Ondle Vale Hospital closing its ward?", "Ondle Vale Hospital is closing its ward"),
        ("Were face masks sold out in March?", "face masks were sold out in March"),
        ("Is there a second tunnel?", "there is a second tunnel"),
        ("Can dogs go on the beach?", "dogs can go on the beach"),
        ("Isn't the mayor of Norwick dead?", "the mayor of Norwick is not dead"),
        ("Was Ann Lee unarmed?", "Ann Lee was unarmed"),
    ],
)
def test_the_auxiliary_stands_behind_the_whole_subject(question, claim):
    assert as_claim(question) == claim


def test_a_question_of_any_shape_becomes_the_statement_that_it_asks_about():
    lines = Path(__file__).with_name("questions_as_statements.txt").read_text("utf-8").splitlines()
    pairs = dict(line.split(" | ") for line in lines)
    assert len(pairs) > 90
    assert {question: as_claim(question) for question in pairs} == pairs


def test_only_a_question_for_news_opens_a_window():
    assert time_window("What happened today?", NOW) == (MIDNIGHT, None)
    assert time_window("What happened yesterday?", NOW) == (MIDNIGHT - 86400, None)
    assert time_window("昨天有什么新闻？", NOW) == (MIDNIGHT - 86400, None)
    assert time_window("news of the last 6 hours", NOW) == (NOW - 6 * 3600, None)
    assert time_window("When does the last ferry to the island leave today?", NOW) == (None, None)


def test_nothing_said_after_the_asking_time_is_searched():
    assert plan("Did it rain?", now=NOW).where.until == pytest.approx(NOW, abs=1e-3)


@pytest.mark.parametrize("question", ["", "   ", "?!…"])
def test_a_question_without_words_is_refused(question):
    with pytest.raises(InputError):
        plan(question, now=NOW)


def test_an_overlong_question_is_refused_with_both_numbers():
    with pytest.raises(InputError, match=r"100,000 characters and the limit is 4,000"):
        plan("x" * 100_000, now=NOW)


def test_a_model_adds_search_texts_and_its_failure_costs_nothing():
    chat = ScriptedChat(
        lambda messages, schema: json.dumps({"queries": ["bridge closure", "封桥"]})
    )
    assert plan("Why is it shut?", now=NOW, chat=chat).forms[-2:] == ("bridge closure", "封桥")

    def fail(messages, schema):
        raise ModelError("gone")

    assert plan("Why is it shut?", now=NOW, chat=ScriptedChat(fail)).forms


def test_content_terms_meet_across_inflection_and_synonym():
    asked = set(content_terms("When did the barge hit the bridge?"))
    assert asked <= set(content_terms("A gravel barge struck Lantern Bridge."))
    assert content_terms("How many people were injured?") == ["person", "injur"]
    assert "开放" in content_terms("大桥什么时候重新开放？")
    assert "reopened" in written_forms("reopen")


def test_words_that_mean_as_much_are_searched_beside_the_question_where_the_store_holds_them():
    asked = []

    def frequencies(forms):
        asked.append(set(forms))
        return {"reopened": 3, "bridge": 9, "hit": 2, "struck": 1}

    weights = Weights(frequencies, 100)
    assert weights.forms("Did the bridge reopen?") == ["bridge reopen"], "the index knows stems"
    assert weights.of("the bridge reopened")["reopen"] < 1.0, "a held form counts for its word"
    assert len(asked) == 1, "one call for all forms of a question"
    assert weights.forms("What struck the bridge?") == ["struck bridge", "struck hit bridge"]
    assert weights.forms("桥开放了吗？") == ["桥开放了吗？"]
    assert weights.forms("Is it?") == ["Is it?"]


def test_a_hashtag_of_words_is_found_by_its_words():
    assert tokens("#CharlieHebdo #BREAKING #Qld2013") == [
        "charliehebdo", "charlie", "hebdo", "breaking", "qld2013", "qld", "2013"
    ]  # fmt: skip

"""A question that leans on the ones before it is made to stand alone; one that does not is left."""

from __future__ import annotations

import json

import pytest

from gnomon.models.doubles import ScriptedChat
from gnomon.truth.follow_up import leans, standing_alone, subject_of
from gnomon.types import Finished, Step, Turn
from serving import sample_world

BRIDGE = "When will Lantern Bridge open to cars?"
HOSPITAL = "Is Ondle Vale Hospital closing its emergency department?"


@pytest.mark.parametrize(
    ("before", "question", "meant"),
    [
        (BRIDGE, "How long was it closed?", "How long was Lantern Bridge closed?"),
        (BRIDGE, "And Cliff Road?", "When will Cliff Road open to cars?"),
        (BRIDGE, "What about the north pier?", "When will the north pier open to cars?"),
        (BRIDGE, "Why?", "Why will Lantern Bridge open to cars?"),
        (HOSPITAL, "When?", "When is Ondle Vale Hospital closing its emergency department?"),
        (
            HOSPITAL,
            "Who says so?",
            "Who says that Ondle Vale Hospital is closing its emergency department?",
        ),
        (
            "What happened at Lunde Kiln Works?",
            "How many people were hurt?",
            "How many people were hurt (Lunde Kiln Works)?",
        ),
        (
            "What was the strongest gust of Storm Ottoline?",
            "How much damage did it cause?",
            "How much damage did Storm Ottoline cause?",
        ),
        (
            "Did the bridge reopen on 9 March?",
            "What about 10 March?",
            "Did the bridge reopen on 10 March?",
        ),
        (
            "Is there too much lead in Marrowick's tap water?",
            "What do people there say?",
            "What do people in Marrowick say?",
        ),
        ("翁德谷医院急诊科会关闭吗？", "它什么时候关闭？", "翁德谷医院急诊科什么时候关闭？"),
        ("翁德谷医院急诊科会关闭吗？", "那灯笼桥呢？", "灯笼桥会关闭吗？"),
        ("伦德陶瓷厂火灾损失多少克朗？", "有人受伤吗？", "伦德陶瓷厂火灾有人受伤吗？"),
    ],
)
def test_what_is_meant_is_written_into_the_question(before, question, meant):
    assert standing_alone(question, [Turn(before)]) == meant


@pytest.mark.parametrize(
    "question",
    [
        "What was the turnout in the mayoral election?",
        "Is it true that the mayor resigned?",
        "Did the mayor of the town say that she would resign?",
        "Are there any trains to Atterby?",
        "中文学校每学期学费多少？",
    ],
)
def test_what_stands_alone_is_left_as_it_is(question):
    assert not leans(question)
    assert standing_alone(question, [Turn(BRIDGE), Turn(HOSPITAL)]) == question


def test_a_person_is_found_in_the_answer_and_two_are_not_chosen_between():
    one = Turn("Who won the mayoral election?", "Mayor Rosa Lind won with 53 %. [1]")
    assert standing_alone("What did she promise?", [one]) == "What did Rosa Lind promise?"
    two = Turn("Who stood for mayor?", "Rosa Lind and Anna Berg stood for mayor. [1]")
    assert "Rosa" not in standing_alone("What did she promise?", [two])


def test_it_is_not_a_person():
    said = standing_alone("What is it worth?", [Turn("Does Rosa Lind plan to sell the harbour?")])
    assert said == "What is it worth (Rosa Lind, the harbour)?"


def test_follow_ups_of_follow_ups():
    turns = [Turn(BRIDGE), Turn("And Cliff Road?")]
    assert standing_alone("Why was it closed?", turns) == "Why was Cliff Road closed?"


def test_no_turns_and_odd_input_change_nothing():
    assert standing_alone("How long was it closed?", []) == "How long was it closed?"
    for odd in ("", "  ", "?", "it", "🙂🙂", "and"):
        assert isinstance(standing_alone(odd, [Turn(""), Turn("???", "…")]), str)
    assert subject_of("") == ""


@pytest.mark.parametrize(
    ("reply", "used"),
    [
        ("How long was Lantern Bridge shut?", True),
        ("How long was Harbour Bridge shut?", False),  # a name that nobody said
        ("How long was Lantern Bridge shut in 1999?", False),  # a number that nobody said
        ("灯笼桥关闭了多久？", False),  # another language
    ],
)
def test_a_models_rewriting_may_bring_no_name_or_number(reply, used):
    chat = ScriptedChat(lambda messages, schema: json.dumps({"question": reply}), strong=True)
    said = standing_alone("How long was it closed?", [Turn(BRIDGE)], chat=chat)
    assert said == (reply if used else "How long was Lantern Bridge closed?")


def test_the_answer_says_how_the_question_was_understood(tmp_path):
    with sample_world(tmp_path) as engine:
        alone = list(engine.ask(HOSPITAL))
        events = list(engine.ask("Why?", turns=[Turn(HOSPITAL, alone[-1].answer.text)]))
    plan, last = events[0], events[-1]
    assert isinstance(plan, Step)
    assert isinstance(last, Finished)
    meant = "Why is Ondle Vale Hospital closing its emergency department?"
    assert plan.data["understood"] == meant
    assert plan.detail.startswith(f"Understood as: {meant}")
    assert last.answer.question == meant
    assert alone[0].data["understood"] == ""

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
        (BRIDGE, "And to pedestrians?", "When will Lantern Bridge open to pedestrians?"),
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


@pytest.mark.parametrize(
    ("before", "question", "meant"),
    [
        (
            "Where did the meteor fall in Russia?",
            "How many people did it injure?",
            "How many people did the meteor injure?",
        ),
        (
            "What caused the fire at Lunde Kiln Works?",
            "Who put it out?",
            "Who put the fire at Lunde Kiln Works out?",
        ),
        (
            "How strong was the earthquake near Napa?",
            "How many people did it kill?",
            "How many people did the earthquake near Napa kill?",
        ),
        (
            "How many homes did the flood in Marrowick damage?",
            "When did it start?",
            "When did the flood in Marrowick start?",
        ),
        (
            "When did the plane over Donetsk crash?",
            "Who shot it down?",
            "Who shot the plane over Donetsk down?",
        ),
        (
            "Where is the ferry from Atterby?",
            "When does it leave?",
            "When does the ferry from Atterby leave?",
        ),
        ("What is the population of Marrowick?", "Where is it?", "Where is Marrowick?"),
        (
            "Did the bridge in Skerrin collapse?",
            "When was it built?",
            "When was the bridge in Skerrin built?",
        ),
        (
            "How many people died in the typhoon in the Philippines?",
            "How strong was it?",
            "How strong was the typhoon in the Philippines?",
        ),
        (
            "Did an explosion hit a factory in Tianjin?",
            "What caused it?",
            "What caused the explosion?",
        ),
        (
            "Is there a strike at Heathrow?",
            "How long will it last?",
            "How long will the strike at Heathrow last?",
        ),
        (
            "What did the court in Lahore decide?",
            "And the court in Karachi?",
            "What did the court in Karachi decide?",
        ),
        (
            "Where did the Ebola outbreak in Guinea begin?",
            "How many people has it killed?",
            "How many people has the Ebola outbreak killed?",
        ),
        (
            "When will the school in Ondle Vale reopen?",
            "What about the library?",
            "When will the library reopen?",
        ),
        (
            "How many people were in the Germanwings plane?",
            "Where did it crash?",
            "Where did the Germanwings plane crash?",
        ),
        ("When will Cliff Road reopen?", "And Lantern Bridge?", "When will Lantern Bridge reopen?"),
        ("When will Cliff Road reopen?", "Why is it closed?", "Why is Cliff Road closed?"),
        (
            "Who owns the Marrowick Post?",
            "How much did they pay for it?",
            "How much did they pay for Marrowick Post?",
        ),
        ("Did Rosa Lind resign?", "Why?", "Why did Rosa Lind resign?"),
        (
            "Did Rosa Lind resign?",
            "What did she say about the harbour?",
            "What did Rosa Lind say about the harbour?",
        ),
        (
            "How much is the ferry ticket to Atterby?",
            "Is it free for children?",
            "Is the ferry ticket to Atterby free for children?",
        ),
        (
            "What was the strongest gust of Storm Ottoline?",
            "When did it hit Marrowick?",
            "When did Storm Ottoline hit Marrowick?",
        ),
        ("Is the tap water safe in Marrowick?", "Who tested it?", "Who tested the tap water?"),
        (
            "How many visitors came to the lantern festival?",
            "How many last year?",
            "How many last year (the lantern festival)?",
        ),
        ("When does the museum open?", "And on Sundays?", "When does the museum open on Sundays?"),
        ("俄罗斯的陨石落在哪里？", "它伤了多少人？", "俄罗斯的陨石伤了多少人？"),
        ("悬崖路什么时候开放？", "灯笼桥呢？", "灯笼桥什么时候开放？"),
        ("纳帕附近的地震有多强？", "死了多少人？", "纳帕附近的地震死了多少人？"),
        ("天津爆炸造成多少人死亡？", "原因是什么？", "天津爆炸原因是什么？"),
        ("灯笼节有多少游客？", "去年呢？", "灯笼节去年有多少游客？"),
        ("医院会关闭急诊科吗？", "为什么？", "医院会关闭急诊科，为什么？"),
        ("伦德窑厂的火灾是怎么引起的？", "它什么时候扑灭的？", "伦德窑厂的火灾什么时候扑灭的？"),
        ("去阿特比的渡轮多少钱？", "几点开？", "去阿特比的渡轮几点开？"),
        ("悬崖路什么时候开放？", "那里发生了什么事？", "悬崖路发生了什么事？"),
        (
            "Why did the dam near Brumadinho burst?",
            "How many people did it bury?",
            "How many people did the dam near Brumadinho bury?",
        ),
        (
            "Has the volcano on La Palma stopped erupting?",
            "How many houses has it destroyed?",
            "How many houses has the volcano on La Palma destroyed?",
        ),
        (
            "What is the death toll of Typhoon Haiyan?",
            "Where did it make landfall?",
            "Where did Typhoon Haiyan make landfall?",
        ),
        (
            "Which train derailed near Santiago de Compostela?",
            "How fast was it going?",
            "How fast was it going (Santiago de Compostela)?",
        ),
        ("What happened in Ferguson?", "Who started it?", "Who started it (Ferguson)?"),
        (
            "How old is the lighthouse at Tern Point?",
            "Is it open to visitors?",
            "Is the lighthouse at Tern Point open to visitors?",
        ),
        (
            "How much money did the lantern festival raise?",
            "And the brass band?",
            "How much money did the brass band raise?",
        ),
        (
            "When does the last bus to Atterby leave?",
            "How much does it cost?",
            "How much does the last bus to Atterby cost?",
        ),
        (
            "When does the last bus to Atterby leave?",
            "And to Skerrin?",
            "When does the last bus to Skerrin leave?",
        ),
        (
            "How many people live in Marrowick?",
            "And in Atterby?",
            "How many people live in Atterby?",
        ),
        ("Is the beach in Skerrin closed?", "Why?", "Why is the beach in Skerrin closed?"),
        ("Who bought Lunde Kiln Works?", "For how much?", "For how much (Lunde Kiln Works)?"),
        (
            "How many people were hurt in the crash on Cliff Road?",
            "What caused it?",
            "What caused the crash on Cliff Road?",
        ),
        (
            "Where was the Sydney siege?",
            "How long did it last?",
            "How long did the Sydney siege last?",
        ),
        ("布鲁马迪纽的大坝为什么溃决？", "它淹没了多少房屋？", "布鲁马迪纽的大坝淹没了多少房屋？"),
        ("去斯凯林的末班车几点开？", "那票价呢？", "去斯凯林的末班车票价是多少？"),
        ("阿特比有多少人口？", "斯凯林呢？", "斯凯林有多少人口？"),
        ("悬崖路的事故是怎么发生的？", "有人死亡吗？", "悬崖路的事故有人死亡吗？"),
        ("拉帕尔马岛的火山停止喷发了吗？", "它毁了多少房子？", "拉帕尔马岛的火山毁了多少房子？"),
        ("灯塔有多高？", "什么时候建的？", "灯塔什么时候建的？"),
    ],
)
def test_what_happened_is_spoken_of_and_not_where_it_happened(before, question, meant):
    assert standing_alone(question, [Turn(before)]) == meant


def test_of_a_place_alone_nothing_is_said_that_only_what_happened_there_does():
    said = standing_alone("Who started it?", [Turn("What happened in Ferguson?")])
    assert said == "Who started it (Ferguson)?"


def test_a_chinese_she_is_the_one_whom_the_answer_names():
    turn = Turn("谁当选了市长？", "罗莎·林德当选市长。[1]")
    assert standing_alone("她多大年纪？", [turn]) == "罗莎·林德多大年纪？"


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

"""What a question asks for, and who gives the same answer to it."""

import pytest

from gnomon.text import names, slots
from gnomon.truth import sought
from gnomon.truth.asked import Asked, read
from gnomon.truth.rewrite import plan
from gnomon.truth.terms import Weights
from gnomon.types import Label
from truth_worlds import NOW, ask, post, world

WEIGHTS = Weights(lambda terms: dict.fromkeys(terms, 1), 10)


def asked(question: str) -> Asked:
    return read(plan(question, now=NOW, weights=WEIGHTS), WEIGHTS)


def counted(question: str, text: str) -> list[str]:
    of = asked(question)
    return [slot.text for slot in slots.exact(text) if sought.counts(of, text, slot)]


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        ("How many people died in the siege?", "person killed"),
        ("How many hotels collapsed in the quake?", "hotel"),
        ("How many people attended the fair?", "person"),
        ("How old was the officer?", "age"),
        ("How much did the club donate for flood relief?", sought.MONEY),
        ("What was the price of the bridge?", sought.MONEY),
        ("What is the death toll?", "killed"),
        ("地震造成多少人死亡？", "person killed"),
        ("手机的售价是多少？", sought.MONEY),
        ("How many?", ""),
    ],
)
def test_the_unit_that_a_question_asks_for(question, unit):
    assert sought.counted_unit(question) == unit


@pytest.mark.parametrize(
    ("question", "text", "numbers"),
    [
        ("How many people died in the siege?", "5 people are being treated.", []),
        ("How many people died in the siege?", "Two dead, 5 injured after the siege.", ["Two"]),
        ("How many hotels collapsed?", "A 400 year old tower collapsed.", []),
        ("How many hippos died?", "Two died in the zoo, a peacock and a fish.", []),
        ("How many people came to the fair?", "12,000 visitors came to the fair.", ["12,000"]),
        ("How much did the phone cost?", "It has two screens of 1.4 inches.", []),
        ("How much did the phone cost?", "The phone cost $499 in 2 shops.", ["$499"]),
        ("How old was the officer?", "The officer was Ann Lee, 39, of the port.", ["39"]),
        ("手机的售价是多少？", "屏幕1.4英寸，起售价3499美元。", ["3499美元"]),
    ],
)
def test_a_number_answers_by_what_it_counts(question, text, numbers):
    assert counted(question, text) == numbers


def test_what_befell_them_is_part_of_the_answer():
    assert sought.lacks_deed("How many hippos died?", "Two hippos nearly escaped.")
    assert not sought.lacks_deed("How many hippos died?", "Two hippos are dead.")
    assert not sought.lacks_deed("How many people attended the fair?", "12,000 came.")


def test_how_a_toll_is_looked_for():
    assert sought.toll_form("How many people died in the flood?") == "death toll flood"
    assert sought.toll_form("洪水造成多少人死亡？") == "死亡人数 洪水"
    assert sought.toll_form("How many bridges are there?") == ""


def test_a_number_rests_on_what_it_counts_and_not_on_its_circumstances():
    assert sought.matter(asked("How many flights were affected by the shooting?")) == (
        "How many flights were affected"
    )
    assert sought.matter(asked("Who was arrested in the shooting?")) == ""


TOLL = "How many people died in the mill fire?"


def test_witnesses_of_one_number_add_up_whatever_else_they_say():
    alone = world(post("a", "Three people have died in the mill fire, and smoke hangs over town."))
    shown = ask(alone, TOLL)
    assert [s.label for s in shown.sentences] == [Label.NOT_ENOUGH, Label.NOT_ENOUGH]
    assert shown.sentences[0].kind == "note"
    assert "nobody independent confirms" in shown.sentences[0].text
    assert shown.citations[0].evidence.post == "a"
    both = world(
        post("a", "Three people have died in the mill fire, and smoke hangs over town."),
        post("b", "My cousin is a nurse: 3 dead from the fire at the mill. Awful."),
    )
    agreed = ask(both, TOLL)
    assert [s.label for s in agreed.sentences if s.kind == "claim"] == [Label.SUPPORTED]
    assert agreed.sentences[0].verdicts[0].origins_for == 2


def test_copies_of_one_number_do_not_add_up():
    text = "Three people have died in the mill fire, and smoke hangs over town."
    copies = world(post("a", text), *(post(f"c{i}", text, hours_ago=4 - i / 10) for i in range(9)))
    assert {s.label for s in ask(copies, TOLL).sentences} == {Label.NOT_ENOUGH}


def test_a_later_toll_overtakes_the_earlier_one():
    store = world(
        post("a", "Three people have died in the mill fire, and smoke hangs over town."),
        post("b", "My cousin is a nurse: 3 dead from the fire at the mill. Awful."),
        post("c", "The death toll of the mill fire rises to six, say the wards.", hours_ago=-20.0),
        post("d", "Terrible news. 6 killed in the fire at the old mill now.", hours_ago=-21.0),
    )
    told = ask(store, TOLL, now=NOW + 30 * 3600)
    claims = [s.text for s in told.sentences if s.kind == "claim" and s.label is Label.SUPPORTED]
    assert claims
    assert not any("hree" in text or "3 dead" in text for text in claims)


def test_who_gives_another_number_is_shown_against():
    store = world(
        post("a", "Three people have died in the mill fire, and smoke hangs over town."),
        post("b", "My cousin is a nurse: 3 dead from the fire at the mill. Awful."),
        post("c", "Nine people died in the mill fire, they carried them past us.", hours_ago=4.5),
        post("d", "I counted them. 9 dead after the mill fire, I am shaking.", hours_ago=4.6),
    )
    assert Label.DISPUTED in {s.label for s in ask(store, TOLL).sentences}


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("鹿鸣汽车2022年销量是多少辆？", "鹿鸣汽车公布2023全年销量数据，累计销售1910辆。"),
        ("Who was the fourth victim of the fire?", "Julia Ward met victims of the fire."),
        ("鹿鸣SU7的售价是多少？", "鹿鸣14 Ultra发布，售价为6499元。"),
    ],
)
def test_another_year_place_in_a_row_or_model_is_no_answer(question, text):
    assert ask(world(post("a", text)), question).abstained


def test_a_latin_name_in_chinese_text_begins_and_ends_where_chinese_does():
    text = "鹿鸣Vision Pro在中国的售价是多少？据BBC报道，SU7已发布。"
    assert names.values(text) == ["vision pro", "bbc", "su7"]
    assert names.values("José met Ana Núñez in Zürich") == ["josé", "ana núñez", "zürich"]


def test_a_witness_below_the_bar_must_name_what_the_question_names():
    quote = post("a", "Three people have died in the floods of Dunmore, the wards say.")
    here = post("b", "Awful. 3 dead, thoughts with Dunmore tonight.")
    elsewhere = post("c", "Deadly floods hit western Kellow: at least three people have died.")
    question = "How many people died in the Dunmore floods?"
    assert ask(world(quote, here), question).sentences[0].verdicts[0].origins_for == 2
    assert ask(world(quote, elsewhere), question).sentences[0].verdicts[0].origins_for == 1

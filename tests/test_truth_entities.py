"""A quote about another bridge does not answer a question about this one."""

import pytest

from gnomon.truth.entities import about_another, held, kind_of, named_things, silent
from gnomon.types import Turn
from serving import sample_world
from truth_worlds import ask, post, world

CLIFF = "Cliff Road will reopen on 23 March, says the county."
BRIDGE = "Lantern Bridge will reopen on 27 March, says the council."


@pytest.mark.parametrize(
    ("name", "sentence", "around", "another"),
    [
        ("Lantern Bridge", CLIFF, CLIFF, True),
        ("Lantern Bridge", "The Cliff Road works end on 23 March.", "", True),
        ("Lantern Bridge", "Work on Cliff Road ends on 23 March.", "", True),
        ("Harbour Bridge", "It will reopen on 27 March.", "Lantern Bridge is shut.", True),
        ("Harbour Bridge", "Lantern Bridge will reopen on 27 March.", "", True),
        ("灯笼桥", "悬崖路将于3月23日重新开放。", "", True),
        ("Rosa Lind", "Mayor Anna Berg will resign on Friday.", "", True),
        ("Lantern Bridge", BRIDGE, BRIDGE, False),
        ("Lantern Bridge", "It will reopen on 27 March.", "", False),
        ("Lantern Bridge", "The bridge near Cliff Road reopens on 27 March.", "", False),
        ("Lantern Bridge", "#LanternBridge reopens when Cliff Road does.", "", False),
        ("Lantern Bridge", "Cars cross from Cliff Road again on Monday.", "Lantern Bridge:", False),
        ("Lukla Airport", "Luklah Airport is closed until Monday.", "", False),
        ("灯笼桥", "镇议会消息：灯笼桥将于3月27日重新开放。", "", False),
        ("Rosa Lind", "Mayor Lind will resign on Friday.", "", False),
        ("Marrowick", "Cliff Road will reopen on 23 March.", "", False),
    ],
)
def test_what_a_sentence_is_about(name, sentence, around, another):
    around = around if sentence in around else f"{around}\n{sentence}"
    things = named_things(f"When will {name} reopen?", (name,)) or (
        (name,) if name == "Rosa Lind" else ()
    )
    assert any(about_another(thing, sentence, around) for thing in things) is another


def test_where_a_thing_was_found_may_be_a_road_like_the_one_it_came_from():
    found = "The dog was found in Weir Lane."
    assert not about_another("Mill Lane", found, found, asks_where=True)


def test_kinds_and_silence():
    assert [kind_of(n) for n in ("Cliff Road", "Bridge", "Skerrin", "悬崖路")] == [
        "road", "", "", "路",
    ]  # fmt: skip
    assert held("Lantern Bridge", "the lantern one")
    assert silent("Lantern Bridge", "We plan to reopen on Thursday.")
    assert not silent("Lantern Bridge", "The bridge is to reopen on Thursday.")


SUBJECTS = (
    "detours queues flowers barriers engineers lanterns swans bicycles buses rumours shops "
    "lorries pigeons paint plans"
).split()


def town_of_the_bridge(*posts):
    """So many posts speak of the bridge that its name is no rare word of the store."""
    talk = (
        f"Lantern Bridge and its {SUBJECTS[i % 15]} again, {SUBJECTS[(i * 7 + i // 15) % 15]} and "
        f"{SUBJECTS[(i * 4 + 1) % 15]} number {i}."
        for i in range(150)
    )
    return world(*posts, *(post(f"t/{i}", text) for i, text in enumerate(talk)))


@pytest.mark.parametrize("other", [CLIFF, "We plan to reopen on Thursday 12 March at 08:30."])
def test_another_things_day_does_not_answer(other):
    asked = "When will Lantern Bridge reopen?"
    assert ask(town_of_the_bridge(post("other", other)), asked).abstained
    said = ask(town_of_the_bridge(post("other", other), post("bridge", BRIDGE)), asked).text
    assert "27 March" in said
    assert other not in said


def test_an_answer_in_a_thread_about_the_thing_need_not_name_it():
    told = post("told", "It will reopen on 27 March.", reply_to="asked")
    asked = post("asked", "Lantern Bridge has been shut for a week.", hours_ago=6)
    other = post("other", "It will reopen on 23 March.", reply_to="cliff", hours_ago=4)
    cliff = post("cliff", "Cliff Road has been shut for a week.", hours_ago=6)
    said = ask(world(asked, told, cliff, other), "When will Lantern Bridge reopen?").text
    assert "23 March" not in said


def test_a_follow_up_about_a_bridge_is_not_answered_about_a_road(tmp_path):
    with sample_world(tmp_path) as engine:
        turns = [Turn("When will Cliff Road reopen?", "On 20 March.")]
        result = list(engine.ask("And Lantern Bridge?", turns=turns))[-1].answer
    assert result.question == "When will Lantern Bridge reopen?"
    assert "Cliff Road" not in result.text

"""Negation, modality, speakers, questions and opinions by their cues."""

import pytest

from gnomon.text.polarity import is_opinion, is_question, modality, negations, speaker


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The bridge is closed.", 0),
        ("The bridge is not closed.", 1),
        ("The bridge isn't closed", 1),
        ("Nobody was hurt and nothing burned.", 2),
        ("The mayor denied the fire.", 1),
        ("The mayor did not deny the fire.", 0),
        ("This hoax is false", 2),
        ("Not only the bridge but the road is closed", 0),
        ("大桥没有倒塌", 1),
        ("市长否认大桥倒塌", 1),
        ("这不是谣言", 0),
        ("不过大桥已经关闭", 0),
        ("火势未得到控制", 1),
        ("不得不关闭", 0),
    ],
)
def test_negations(text, count):
    assert negations(text) == count


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The bridge collapsed.", "asserted"),
        ("The bridge may collapse.", "hedged"),
        ("The bridge reportedly collapsed", "hedged"),
        ("The council plans to close the bridge", "planned"),
        ("The bridge will open on Friday", "planned"),
        ("Police denied that the bridge collapsed", "denied"),
        ("大桥可能倒塌", "hedged"),
        ("大桥将于周五开放", "planned"),
        ("官方辟谣：大桥没有倒塌", "denied"),
        ("In May 2020 the bridge opened", "asserted"),
    ],
)
def test_modality(text, kind):
    assert modality(text) == kind


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("According to Reuters, three died", "Reuters"),
        ('"It is over," said Ann Lee.', "Ann Lee"),
        ("Mayor Ann Lee said the bridge is open", "Mayor Ann Lee"),
        ("he said so", ""),
        ("据新华社报道，三人死亡", "新华社"),
        ("王市长表示，大桥将开放", "王市长"),
        ("The bridge is open", ""),
    ],
)
def test_speaker(text, who):
    assert speaker(text) == who


def test_questions_and_opinions():
    assert is_question("Is the bridge closed?")
    assert is_question("is the bridge closed")
    assert is_question("大桥关闭了吗")
    assert not is_question("The bridge is closed.")
    assert is_opinion("I think the bridge is ugly")
    assert is_opinion("我觉得这座桥很难看")
    assert not is_opinion("The bridge is 300 metres long")


def test_a_name_judges_nobody_and_what_does_not_seem_so_is_denied():
    assert not is_opinion("the Boring Company was fined for dumping fluids")
    assert is_opinion("the company that digs is boring")
    assert is_opinion("THAT WAS AN AWFUL DAY IN TERN")
    assert modality("The suspect appears to be tied to the gang") == "hedged"
    assert modality("The suspect doesn't appear to be tied to the gang") == "asserted"
    assert modality("魅族会在2月29日举办活动") == "planned"
    assert modality("协会在周一举办了活动") == "asserted"

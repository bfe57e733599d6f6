"""What a verifier takes for or against a claim must speak of it."""

import pytest

from gnomon.truth.antonyms import opposed
from gnomon.truth.bearing import (
    BY_MODEL,
    borne_out,
    by_its_subject,
    nearly,
    of_another,
    other_head,
    unrealised,
)
from gnomon.truth.terms import content_terms, stem
from gnomon.truth.trained import _READS
from gnomon.types import Judgement, Stance

YES, NO = Stance.SUPPORTS, Stance.REFUTES


def read(claim: str, sentence: str, stance: Stance, rule: str = BY_MODEL, weight: float = 0.6):
    """What is left of a verifier's word; all terms of the claim weigh the same."""
    p = (0.9, 0.05) if stance is YES else (0.05, 0.9)
    weights = dict.fromkeys(content_terms(claim), weight)
    return borne_out(claim, sentence, sentence, Judgement(*p, 0.05, rule), weights).stance


def test_the_models_rules_are_known_by_their_beginning():
    assert all(_READS[stance].startswith(BY_MODEL) for stance in (YES, NO))


@pytest.mark.parametrize(
    ("claim", "sentence", "stance", "left"),
    [
        ("Indonesia apologised for the haze", "Haze again in Indonesia, take care.", NO, False),
        ("Ann Lee was unarmed", "I need a picture of what Ann Lee was wearing.", NO, False),
        ("The ferry office sold the boats", "The ferry office sold none of the boats.", NO, True),
        ("Tern was evacuated", "Everybody out of the flooded streets of Wick.", YES, False),
        ("The shooter was a clerk", "A clerk was hit at the airport by the shooter.", YES, True),
        ("The mill was closed", "The mill! Look at it.", YES, False),
        ("Firefighters say that the mill on Tern Lane burned", "The mill burned.", YES, False),
        ("Firefighters say that the mill in Tern burned", "A mill burned in Tern.", YES, True),
        ("The fair will go ahead despite the rain", "The fair in Tern is still on.", YES, False),
        ("The fair in Tern will go ahead despite the rain", "The fair in Tern is on.", YES, True),
        ("The delay in Tern was due to ice", "There was a delay in Tern.", YES, False),
        ("The robber was taken into custody", "The robber took a train.", YES, False),
        ("The robber was taken into custody", "The robber is in custody.", YES, True),
    ],
)
def test_what_the_model_reads_must_be_said(claim, sentence, stance, left):
    assert (read(claim, sentence, stance) is stance) is left


@pytest.mark.parametrize(
    ("sentence", "other"),
    [
        ("Wick Mayor Rob Marsh offers support to flooded Tern", "Wick mayor"),
        ("Rob Marsh, mayor of Wick, in Tern", "mayor of Wick"),
        ("Tern mayor Rob Marsh says so", ""),
        ("The Mayor of Tern, Rob Marsh", ""),
        ("Mayor Rob Marsh visits Tern", ""),
    ],
)
def test_an_office_of_another_place_is_another_office(sentence, other):
    claim = "Rob Marsh is the mayor of Tern"
    assert of_another(claim, sentence) == other
    assert read(claim, sentence, YES, rule="says the same") is (Stance.NEITHER if other else YES)


def test_a_rule_knows_itself_what_is_said():
    claim, sentence = "Indonesia apologised for the haze", "No apology from Indonesia."
    assert read(claim, sentence, NO, rule="only one of them denies 'apolog'") is NO


@pytest.mark.parametrize(
    ("claim", "sentence", "left"),
    [
        ("A hippo escaped from the zoo", "Hippos nearly escaped from the zoo.", NO),
        ("A hippo escaped from the zoo", "A hippo came very close to escaping the zoo.", NO),
        ("A hippo escaped from the zoo", "A hippo escaped, it was nearly noon, from the zoo.", YES),
        ("200 hippos escaped from the zoo", "Nearly 200 hippos escaped from the zoo.", YES),
        ("The town ran out of water", "The town is at risk of running out of water.", None),
        ("A hippo escaped from the zoo", "The zoo stopped a hippo from escaping.", None),
        ("Tern Fair was cancelled", "Tern Fair says that events are cancelled.", None),
        ("Tern Fair was cancelled", "Tern Fair says that it is cancelled.", YES),
        ("The crew sold the boat", "The crew tried to sell the boat.", None),
        ("The crew tried to sell the boat", "The crew tried to sell the boat again.", YES),
        ("The shooter was killed", "Shooter kills a guard and is held.", None),
        ("The shooter was killed", "The shooter wanted to kill guards.", None),
        ("The shooter was killed", "Shooter killed by police.", YES),
        ("The shooter was killed", "The shooter is dead.", YES),
        ("河马逃出动物园", "河马差点逃出动物园。", NO),
        ("河马逃出动物园", "河马逃出动物园。", YES),
    ],
)
def test_what_did_not_come_about_supports_nothing(claim, sentence, left):
    found = read(claim, sentence, YES, rule="says the same")
    assert found is (left or Stance.NEITHER)


def test_the_words_that_decide_are_named():
    assert nearly("A hippo escaped", "Hippos almost escaped today") == "almost escaped"
    assert unrealised("The dam burst", "Fears that the dam bursts tonight").startswith("Fears that")
    assert by_its_subject("The shooter was killed", "The shooter kills again") == "shooter kills"


@pytest.mark.parametrize(
    ("claim", "sentence", "named"),
    [
        ("小米停止了新项目", "魅族停止了新项目。", False),
        ("小米停止了新项目", "小米停止了新项目。", True),
        ("美国停飞了飞机", "美联邦航空局停飞了飞机。", True),
        ("The mill was closed", "Another house was closed.", True),
    ],
)
def test_whom_a_chinese_claim_begins_with_is_named(claim, sentence, named):
    weights = dict.fromkeys(content_terms(claim), 0.6)
    assert (other_head(claim, sentence, weights) == "") is named


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ("The fair has been cancelled", "Despite the flood the fair is still on!"),
        ("The fair has been cancelled", "The fair will go ahead."),
        ("The fair will go ahead", "The fair is called off."),
        ("庙会取消了", "庙会照常举行。"),
    ],
)
def test_what_goes_on_is_not_cancelled(claim, sentence):
    assert opposed(claim, sentence)
    assert opposed(sentence, claim)
    assert not opposed(claim, claim)


def test_an_office_that_is_still_on_fire_is_not_going_ahead():
    assert not opposed("The fair was cancelled", "The mill is still on fire.")


@pytest.mark.parametrize(
    "pair",
    [("apologise", "apologized"), ("harbour", "harbors"), ("organisation", "organizations")],
)
def test_both_spellings_are_one_word(pair):
    assert stem(pair[0]) == stem(pair[1])
    assert stem("promise") == stem("promised")
    assert stem("hours") != stem("horse")

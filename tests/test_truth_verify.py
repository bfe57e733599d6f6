"""The rule-based verifier, slice by slice: each pair is (window, claim, stance)."""

import pytest

from gnomon.text.tokens import tokens
from gnomon.truth.check import dated
from gnomon.truth.denial import denies, negated_terms
from gnomon.truth.terms import Weights
from gnomon.truth.trained import against_rule
from gnomon.truth.verify import LexicalEntail
from gnomon.types import Stance
from truth_worlds import NOISE

S, R, N = Stance.SUPPORTS, Stance.REFUTES, Stance.NEITHER

SLICES = {
    "same": [
        ("The bridge reopened on Monday.", "The bridge reopened on Monday.", S),
        ("On Monday the old bridge was reopened.", "The bridge reopened on Monday.", S),
        ("灯笼桥周一恢复通车。", "灯笼桥周一恢复通车。", S),
    ],
    "other subject": [
        ("The bakery reopened on Monday.", "The bridge reopened on Monday.", N),
        ("Lost: one grey glove near the library.", "The bridge reopened on Monday.", N),
    ],
    "numbers": [
        ("12 people were injured in the crash.", "Twelve people were injured in the crash.", S),
        ("21 people were injured in the crash.", "12 people were injured in the crash.", R),
        ("People were injured in the crash.", "12 people were injured in the crash.", N),
        ("The detour is 1,500 metres long.", "The detour is 1.5 km long.", S),
        ("The detour is 15 km long.", "The detour is 1.5 km long.", R),
        ("火灾损失约一百二十万元。", "火灾损失约120万元。", S),
        ("12,000 people came to the fair, not 21,000.", "21,000 people came to the fair.", R),
        ("12,000 people came to the fair, not 21,000.", "12,000 people came to the fair.", S),
    ],
    "dates": [
        ("The school opens on 13 March.", "The school opens on 12 March.", R),
        ("The school opens on 13 March.", "The school opens on 13 March 2026.", N),
        ("The school opens on 13 March 2026.", "The school opens on 13 March.", S),
    ],
    "negation": [
        ("The bridge has not reopened.", "The bridge reopened.", R),
        ("The bridge has not reopened.", "The bridge did not reopen.", S),
        ("Nobody was hurt in the fire.", "Four people were hurt in the fire.", R),
        ("The hospital will not close.", "The hospital will close.", R),
        ("没有人在火灾中受伤。", "有人在火灾中受伤。", R),
        ("The road is closed to traffic.", "The road is open to traffic.", R),
    ],
    "hedges": [
        ("The bridge may reopen on Monday.", "The bridge reopened on Monday.", N),
        ("The council plans to sell the harbour.", "The council sold the harbour.", N),
        ("The bridge may reopen on Monday.", "The bridge may reopen on Monday.", S),
    ],
    "others' talk": [
        ("He claimed that the council sold the harbour.", "The council sold the harbour.", N),
        ("I am told that the council sold the harbour.", "The council sold the harbour.", N),
        ("据说镇议会卖掉了港口。", "镇议会卖掉了港口。", N),
        ("Did the council sell the harbour?", "The council sold the harbour.", N),
    ],
    "too much": [
        (
            "The lab measured lead in the water of the town.",
            "There is too much lead in the water.",
            N,
        ),
        ("There is too much lead in the town's water.", "There is too much lead in the water.", S),
        ("化验测了镇上自来水的铅含量。", "镇上自来水的铅含量超标。", N),
    ],
    "names": [
        ("Ann Marsh won the mayoral race.", "Bob Tern won the mayoral race.", N),
        ("Ann Marsh won the mayoral race.", "Marsh won the mayoral race.", S),
    ],
}
PAIRS = [(name, *pair) for name, pairs in SLICES.items() for pair in pairs]


@pytest.fixture(scope="module")
def entail():
    held = [set(tokens(text)) for text in (*NOISE, *(window for _, window, _, _ in PAIRS))]
    return LexicalEntail(
        Weights(lambda terms: {t: sum(t in text for text in held) for t in terms}, len(held))
    )


@pytest.mark.parametrize(("name", "window", "claim", "stance"), PAIRS)
def test_slice(entail, name, window, claim, stance):
    judged = entail.judge([(window, claim)])[0]
    assert judged.stance is stance, judged.rule
    assert judged.supports + judged.refutes + judged.neither == pytest.approx(1.0)
    assert judged.rule


def test_a_number_or_date_that_is_not_there_is_never_supported(entail):
    for window, claim in [
        ("The fire broke out at the works at night.", "The fire broke out at the works at 03:30."),
        ("The trust bought the boats.", "The trust bought the three boats."),
    ]:
        assert entail.judge([(window, claim)])[0].stance is not S


def test_context_names_but_does_not_speak(entail):
    window = "The harbour is not for sale. The bakery has rye bread again."
    assert entail.judge([(window, "The harbour is for sale.")])[0].stance is N


def test_denial_looks_at_what_is_denied():
    assert negated_terms("12,000 people came, not 21,000 as we wrote.") >= {"21000"}
    assert not denies("School times stay as they are", "School times do not change, nor do fees")
    assert denies("The bridge reopened", "The bridge has not reopened")


def test_a_negation_denies_the_word_that_it_governs_and_no_other():
    robbery = "police released video of a robbery in Norwick"
    power = "downtown Norwick was without power after the flood"
    for claim, said in [
        (robbery, "Norwick police chief says the officer didn't know about the robbery"),
        (power, "Power is completely out in downtown Norwick!"),
        (power, "Power up for 60% of downtown Norwick"),
        (
            "Ann Lee was unarmed",
            "We need a picture of what Ann Lee was wearing to refute the video",
        ),
        (
            "Ondle was evacuated",
            "Still no re-entry into evacuated areas of Ondle despite false reports",
        ),
        (
            "Uber raised prices in Norwick",
            "I hope this is untrue RT @abel: Uber raises prices in Norwick",
        ),
    ]:
        assert not denies(claim, said), said
    for claim, said in [
        ("there was looting in Norwick", "Absolutely no real evidence of looting in Norwick"),
        ("the hail was caused by cloud seeding", "Hail not related to cloud seeding"),
        ("the mayor took bribes", "There is no evidence that the mayor took bribes"),
        ("someone lost a job at the works", "Nobody at the works will lose a job"),
        ("the officer knew about the robbery", "The officer didn't know about the robbery"),
        ("Norwick has no power", "Norwick has power"),
        ("Ann Lee is tied to the gang", "Ann Lee does not appear to be tied to the gang"),
    ]:
        assert denies(claim, said), said


def test_who_says_nothing_but_that_it_is_not_so_is_believed_against_the_model(entail):
    claim = "a second terror suspect was arrested"
    (ruling,) = entail.rulings([("2nd terror suspect wasn't arrested.", claim)])
    assert against_rule(ruling, (0.9, 0.05, 0.05))[1] > 0.5
    other = (
        "The second terror suspect was not arrested in the shop where the baker found the glove."
    )
    (ruling,) = entail.rulings([(other, claim)])
    assert not ruling.plain


def test_what_denies_another_thing_denies_nothing_of_the_claim(entail):
    claim = "the council sold the harbour"
    (judged,) = entail.judge([("The council really wants you to not sell a glove.", claim)])
    assert judged.stance is N
    beside = "The council has never sold the harbour despite a fire in the bakery near the library."
    (judged,) = entail.judge([(beside, claim)])
    assert judged.stance is R


def test_a_copied_tweet_is_said_by_its_author_and_a_quotation_at_arms_length(entail):
    claim = "the bridge reopened on Monday"
    (copied,) = entail.judge([("“@abel: The bridge reopened on Monday” great news", claim)])
    (quoted,) = entail.judge([("“The bridge reopened on Monday” is what they wrote", claim)])
    assert (copied.stance, quoted.stance) == (S, N)
    knew = "the officer knew about the robbery"
    (judged,) = entail.judge([("The officer didn't know about the alleged robbery.", knew)])
    assert judged.stance is R


def test_what_is_told_beside_a_plan_is_no_plan(entail):
    claim = "Ann Marsh was unarmed"
    told = "Police plan to name the officer who shot unarmed teacher Ann Marsh."
    planned = "Police plan to say that Ann Marsh was unarmed."
    judged = entail.judge([(told, claim), (planned, claim)])
    assert [each.stance for each in judged] == [S, N]


def test_at_least_is_no_superlative(entail):
    (judged,) = entail.judge(
        [("31 people were injured in the crash.", "At least 20 people were injured in the crash.")]
    )
    assert judged.stance is S


def test_relative_dates_are_written_out():
    assert dated("It opened yesterday.", 1_773_000_000.0) == "It opened yesterday (2026-03-07)."
    assert dated("It opened on 7 March.", 1_773_000_000.0) == "It opened on 7 March."


def test_a_number_word_in_the_window_is_no_number_of_the_claim():
    rules = LexicalEntail(Weights(lambda terms: dict.fromkeys(terms, 1), 1000))
    hurt = "Seven people were injured in the fire at the works."
    (judged,) = rules.judge([(hurt, "Seven kilns were injured in the fire at the works.")])
    assert judged.stance is not Stance.SUPPORTS


@pytest.mark.parametrize(
    ("claim", "sentence", "stance"),
    [
        ("There is too much lead in the water of Dunmore.",
         "The water of Dunmore, lead and all, meets the legal limit.", Stance.REFUTES),
        ("There is too much lead in the water of Dunmore.",
         "The water of Dunmore does not meet the legal limit for lead.", Stance.NEITHER),
        ("There is lead in the water of Dunmore.",
         "The lead in the water of Dunmore is below the legal limit.", Stance.NEITHER),
        ("邓莫尔的自来水铅超标。", "邓莫尔的自来水铅含量符合法定标准。", Stance.REFUTES),
    ],
)  # fmt: skip
def test_what_is_within_its_limit_is_not_too_much(claim, sentence, stance):
    found = LexicalEntail(Weights(lambda terms: dict.fromkeys(terms, 1), 10)).judge(
        [(sentence, claim)]
    )[0]
    assert (found.stance is Stance.REFUTES) is (stance is Stance.REFUTES), found


def test_a_claim_that_says_next_to_nothing_is_borne_by_nothing_but_its_own_words():
    rules = LexicalEntail(Weights(lambda terms: dict.fromkeys(terms, 1), 10))
    claim = "I'm going to be one."
    by_others, own = rules.judge([("The first boat went at one.", claim), (claim, claim)])
    assert by_others.stance is Stance.NEITHER
    assert own.stance is Stance.SUPPORTS

"""What the rules of the truth engine hold, each in a small world of its own."""

from gnomon.truth.bilingual import gloss, sounds_in
from gnomon.truth.check import check_claim
from gnomon.truth.claims import claim_at
from gnomon.types import Filter, Label
from truth_worlds import NOW, ask, bench, post, verdict, world

# ----------------------------------------------------------------------- who only passes it on


def test_hearsay_alone_supports_nothing():
    held = world(post("h", "I am told that the mayor of Fernside plans to sell the mill."))
    assert verdict(held, "The mayor of Fernside plans to sell the mill.").label is Label.NOT_ENOUGH
    assert ask(held, "What does the mayor of Fernside plan to sell?").abstained


def test_what_others_report_as_a_mere_claim_does_not_carry_it():
    text = "The school of Fernside spent two million crowns on carpets."
    loud = post("loud", text, author="nell_bray_office")
    report = post("report", "Nell Bray claimed that the school of Fernside spent two million "
                  "crowns on carpets. We could not verify it.", title="Debate")  # fmt: skip
    assert verdict(world(loud), text).label is Label.SUPPORTED
    assert verdict(world(loud, report), text).label is Label.NOT_ENOUGH


def test_a_condition_is_no_statement():
    held = world(post("if", "If the dam of Fernside breaks, the mill is flooded."))
    assert verdict(held, "The dam of Fernside breaks.").label is Label.NOT_ENOUGH


def test_a_lower_place_denies_a_record():
    held = world(post("r", "This year's fair of Fernside was the third largest since 1950."))
    claim = "This year's fair of Fernside was the largest since 1950."
    assert verdict(held, claim).label is not Label.SUPPORTED


# ----------------------------------------------------------------------- corrections, denials


def test_a_rumour_told_and_rejected_in_the_next_sentence_is_refuted():
    held = world(
        post("paper", "At night a story went round that the mill of Fernside had burned down. "
             "It was wrong.", title="A quiet night"),
    )  # fmt: skip
    result = verdict(held, "The mill of Fernside had burned down.")
    assert result.label is Label.REFUTED
    assert result.evidence[0].judgement.rule == "told in one sentence and rejected in the next"


def test_copies_of_a_report_fall_with_its_correction():
    site = "https://bugle.example/"
    report = "Eighty boats came to the regatta of Fernside on Sunday."
    held = world(
        post("a", report, author="desk", title="Regatta", url=site + "1", hours_ago=30),
        post("b", report, author="copier", hours_ago=29),
        post("c", "Eighty boats at the regatta of Fernside, according to the Fernside Bugle.",
             hours_ago=28),
        post("d", "Eighteen boats came to the regatta of Fernside on Sunday, not eighty as we "
             "wrote. ", author="desk", title="Correction", url=site + "2", hours_ago=5),
    )  # fmt: skip
    assert verdict(held, report).label is Label.REFUTED


def test_a_statement_that_the_other_side_quotes_and_rejects_weighs_less():
    claim = "The clinic of Fernside will close its surgery on Monday."
    held = world(
        post("rumour", claim, author="loud"),
        post("clinic", "The clinic of Fernside will not close its surgery on Monday.",
             author="clinic_office", hours_ago=2),
        post("check", f'Going round: "{claim}" The clinic of Fernside will not close its surgery.',
             title="No, the surgery is not closing", author="checker", hours_ago=1),
    )  # fmt: skip
    assert verdict(held, claim).label is Label.REFUTED


def test_a_negation_of_something_else_denies_nothing():
    held = world(
        post("a", "Police are not impressed with the people who walk in flooded Fernside."),
        post("b", "900 people were flooded in Fernside.", author="fire_office"),
    )
    assert verdict(held, "900 people were flooded in Fernside.").label is Label.SUPPORTED


# ----------------------------------------------------------------------- numbers and time


def test_an_older_lower_toll_does_not_contradict_the_newest():
    held = world(
        post("old", "20 people were killed in the Fernside mine.", author="fire", hours_ago=40),
        post("new", "56 people were killed in the Fernside mine.", author="police", hours_ago=4),
    )
    answer = ask(held, "How many people were killed in the Fernside mine?")
    stated = [s for s in answer.sentences if s.kind == "claim" and s.label is Label.SUPPORTED]
    assert [s.text for s in stated] == ["56 people were killed in the Fernside mine."]


def test_the_old_timetable_holds_until_the_new_one_begins():
    old = post("old", "Ferry to Fernside: last boat 20:15.", author="ferry", hours_ago=200)
    new = post("new", "Ferry to Fernside from 10 March: last boat 19:30.", author="ferry")
    question = "When does the last ferry to Fernside leave today?"
    before, after = ask(world(old, new), question), None
    assert "20:15" in before.text
    assert "19:30" not in before.text
    after = ask(world(old, new), question, now=NOW + 5 * 86400)
    assert "19:30" in after.text
    assert "20:15" not in after.text


def test_a_year_is_not_a_count():
    held = world(post("y", "In 2011 people died in the Fernside flood."))
    assert "2011" not in ask(held, "How many people died in the Fernside flood?").text


# ----------------------------------------------------------------------- what was asked for


def test_what_is_asked_of_a_subject_must_be_said():
    held = world(
        post("z", "协会换届：林小雨当选新任会长，任期两年。", author="河谷协会", lang="zh"),
        post("f", "The Fernside mill caught fire on Friday; six engines came."),
    )
    assert ask(held, "林小雨的电话号码是多少？").abstained
    assert ask(held, "In which country is the Fernside mill registered?").abstained
    assert "林小雨" in ask(held, "河谷协会的会长是谁？").text


def test_another_country_s_minister_is_no_answer():
    held = world(post("z", "中国总理李明将出席峰会", lang="zh"))
    assert ask(held, "谁当选泰国总理？").abstained


# ----------------------------------------------------------------------- two languages


def test_names_meet_by_their_sound():
    assert sounds_in("Berlin", "他在柏林说") == "柏林"
    assert sounds_in("Merkel", "默克尔表示") == "默克尔"
    assert not sounds_in("Berlin", "他在默克尔说")


def test_a_gloss_says_how_much_it_does_not_know():
    read = gloss("医院已经关闭。", "The hospital is closed.")
    assert {"hospital", "closed"} <= set(read.text.split())
    assert gloss("饕餮魑魅医院", "").unknown > 0.5


def test_a_chinese_claim_is_supported_by_english_evidence():
    held = world(post("e", "The bridge was closed. Nobody was hurt.", author="Berlin police"))
    made = "大桥关闭。"
    claim = claim_at(made, 0, len(made), said_at=NOW)
    result = check_claim(claim, bench(held), where=Filter(until=NOW + 1), now=NOW)
    assert result.label is Label.SUPPORTED
    assert result.reason == "有1个独立来源支持。"

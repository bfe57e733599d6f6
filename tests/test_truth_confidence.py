"""Calibration: probabilities that mean what they say, and abstention that keeps its promise."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.assemble import open_files
from gnomon.config import load as load_config
from gnomon.errors import ConfigError, ModelMismatch
from gnomon.models.verifier import SHIPPED
from gnomon.truth import confidence
from gnomon.truth.answer import answer
from gnomon.truth.calibrate import (
    Case,
    Pairs,
    aurc,
    counted,
    ece,
    fit_few,
    fit_pairs,
    fit_verdicts,
    isotonic,
    temperature,
)
from gnomon.truth.check import check_claim
from gnomon.truth.claims import claim_at
from gnomon.truth.confidence import (
    ANY,
    LABELS,
    QUOTED,
    STEPS,
    Calibration,
    Curve,
    PairTable,
    Side,
    Trust,
    VerdictTable,
)
from gnomon.truth.drift import drift, stability
from gnomon.truth.verify import LexicalEntail
from gnomon.truth.weigh import sides
from gnomon.types import Filter, Finished, Judgement, Label
from truth_worlds import NOW, bench, post, world

RNG = np.random.default_rng(7)
AS_IT_IS = Curve((0.0, 1.0), (0.0, 1.0))


def softmax(z: np.ndarray) -> np.ndarray:
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def drawn(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (p.cumsum(1) < rng.random((len(p), 1))).sum(1)


# ----------------------------------------------------------------------------- fitting


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5])
def test_the_temperature_that_bent_the_scores_is_found(true):
    logits = RNG.normal(size=(20_000, 3)) * 2
    gold = drawn(softmax(logits / true), RNG)
    assert temperature(softmax(logits), gold) == pytest.approx(true, rel=0.05)


def slow_isotonic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """max over a <= i of min over b >= i of the mean of y[a..b]: Barlow et al. 1972."""
    y = y[np.argsort(x, kind="stable")]
    n = len(y)
    return np.array(
        [max(min(y[a : b + 1].mean() for b in range(i, n)) for a in range(i + 1)) for i in range(n)]
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=25))
def test_pool_adjacent_violators_against_the_definition(y):
    x = np.arange(len(y)) / 32
    curve = isotonic(x, np.array(y))
    assert [curve(at) for at in x] == pytest.approx(list(slow_isotonic(x, np.array(y))), abs=2e-6)


def test_equal_scores_are_pooled_and_weights_count():
    curve = isotonic(np.array([0.5, 0.5, 0.9]), np.array([0.0, 1.0, 1.0]), np.array([3.0, 1.0, 1]))
    assert (curve(0.5), curve(0.9), curve(0.0), curve(1.0)) == (0.25, 1.0, 0.25, 1.0)
    assert curve(0.7) == pytest.approx(0.625)


def test_errors_of_calibration():
    p = np.array([0.9] * 100 + [0.6] * 100)
    right = np.array([1] * 90 + [0] * 10 + [1] * 30 + [0] * 70)
    assert ece(p, right, bins=2) == pytest.approx((0.0 + 0.3) / 2)
    # The best ranking of two right and one wrong; and one without any ranking.
    assert aurc(np.array([0.9, 0.8, 0.1]), np.array([1, 1, 0])) == pytest.approx(1 / 9)
    assert aurc(np.array([0.5, 0.5, 0.5]), np.array([1, 1, 0])) == pytest.approx(1 / 3)


def overconfident(n: int, seed: int) -> Pairs:
    """Scores three times too sure, with pairs of one claim together."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 3))
    return Pairs(softmax(3 * logits), drawn(softmax(logits), rng), np.arange(n) // 3, np.ones(n))


def test_calibration_holds_on_pairs_that_were_not_seen():
    table = fit_pairs(overconfident(6000, 1))
    assert table.temperature == pytest.approx(3.0, rel=0.1)
    assert table.ece[0] > 0.15
    assert table.ece[1] < 0.03
    other = overconfident(6000, 2)
    p = np.array([table(row) for row in other.p])
    assert p.sum(1) == pytest.approx(np.ones(len(p)))
    assert ece(p.max(1), (p.argmax(1) == other.gold).astype(float)) < 0.03


def test_curves_are_taken_where_no_temperature_can_mend_it():
    rng = np.random.default_rng(3)
    sure = rng.random(9000)
    p = np.stack([sure, (1 - sure) / 2, (1 - sure) / 2], 1)
    right = rng.random(9000) < 0.2 + 0.1 * (sure > 0.5)  # no longer depends on how sure it is
    gold = np.where(right, 0, 1 + rng.integers(0, 2, 9000))
    table = fit_pairs(Pairs(p, gold, np.arange(9000), np.ones(9000)))
    assert table.curves
    assert table.ece[1] < 0.03 < table.ece[0]
    assert table((0.9, 0.05, 0.05))[0] == pytest.approx(0.3, abs=0.05)


# ---------------------------------------------------------------------------- verdicts


def claims(n: int, seed: int) -> list[Case]:
    """Claims whose sides are drawn by what is true; one in five labels is wrong."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        truth = LABELS[rng.integers(4)]
        mass = {
            Label.SUPPORTED: (0.9, 0.1), Label.REFUTED: (0.1, 0.9),
            Label.NOT_ENOUGH: (0.15, 0.15), Label.DISPUTED: (0.7, 0.7),
        }[truth]  # fmt: skip
        a, b = np.clip(np.array(mass) + rng.normal(size=2) * 0.35, 0, 2)
        sides = Side(a, int(a > 0), min(a, 1)), Side(b, int(b > 0), min(b, 1))
        label = Label.SUPPORTED if a > b else Label.REFUTED
        out.append(Case(*sides, label, truth, group=i))
    return out


def test_a_verdicts_confidence_is_calibrated_and_symmetric():
    table = fit_verdicts(claims(6000, 1))
    assert table.ece < 0.05
    one, other = Side(0.8, 2, 0.9), Side(0.2, 1, 0.4)
    for label, swapped in ((Label.SUPPORTED, Label.REFUTED), (Label.DISPUTED, Label.DISPUTED)):
        assert table.confidence(label, one, other) == table.confidence(swapped, other, one)
    assert sum(table.probabilities(one, other).values()) == pytest.approx(1.0)
    strong, weak = Side(1.4, 2, 0.95), Side(0.3, 1, 0.4)
    none = Side()
    assert table.confidence(Label.SUPPORTED, strong, none) > table.confidence(
        Label.SUPPORTED, weak, none
    )
    assert table.confidence(Label.SUPPORTED, strong, none) > table.confidence(
        Label.SUPPORTED, strong, one
    )


def told_claims(n: int, seed: int, per: int = 4) -> list[Case]:
    """Claims of events of ``per``; a verdict is right where its quotes tell the claim."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        told = rng.random()
        gold = Label.SUPPORTED if rng.random() < told else Label.NOT_ENOUGH
        side = Side(rng.uniform(0.5, 2), 2, 0.9, told)
        out.append(Case(side, Side(), Label.SUPPORTED, gold, group=i // per))
    return out


def test_few_claims_of_few_events_give_a_table_that_no_event_was_scored_by_itself_for():
    made = [replace(case, group=10_000 + i) for i, case in enumerate(told_claims(60, 5))]
    table = fit_few(told_claims(240, 6), made)
    assert (table.n, table.claims, table.given[0]) == (240, 240, 240)
    plain, vague = Side(1.0, 2, 0.9, 0.95), Side(1.0, 2, 0.9, 0.1)
    sure, unsure = (table.confidence(Label.SUPPORTED, side, Side()) for side in (plain, vague))
    assert sure > 0.75
    assert unsure < 0.3
    assert table.ece < 0.15
    assert table.threshold(0.05) > table.threshold(0.2)


def test_a_curve_through_few_points_leaves_a_doubt():
    right = [replace(case, gold=Label.SUPPORTED) for case in told_claims(20, 7)]
    table = fit_few(right, told_claims(20, 8))
    assert max(table.curve.ys) < 1.0


def test_counts_may_be_of_other_claims_than_the_weights():
    table, other = fit_verdicts(claims(400, 1)), claims(90, 2)
    again = counted(table, other)
    assert (again.claims, again.given[0]) == (90, 90)
    assert again.wrong[0] == sum(case.label is not case.gold for case in other)
    assert (again.side, again.curve) == (table.side, table.curve)


def test_a_table_with_fewer_weights_reads_the_first():
    p = np.linspace(0, 1, 100)
    old = replace(table_of(p, p > 0.1), side=(-1.0, 1.0, -0.5, 2.0, -0.5, 0.3))
    new = replace(old, side=(*old.side, 0.0, 0.0))
    one, other = Side(0.8, 2, 0.9, 0.7), Side(0.2, 1, 0.4, 0.1)
    assert old.probabilities(one, other) == new.probabilities(one, other)
    assert replace(new, side=(*old.side, 1.0, 0.0)).probabilities(one, other) != (
        new.probabilities(one, other)
    )


def table_of(p: np.ndarray, right: np.ndarray, open_: int = 0) -> VerdictTable:
    """Over claims that got a verdict of confidence ``p``, ``right`` or not, and ``open_`` that got
    none."""
    at = [p >= i / STEPS for i in range(STEPS + 1)]
    return VerdictTable(
        n=len(p) + open_, side=(0.0,) * 6, dispute=(0.0,) * 3, curve=AS_IT_IS,
        claims=len(p) + open_, given=tuple(int(a.sum()) for a in at),
        wrong=tuple(int((a & ~right).sum()) for a in at),
        shares=tuple(np.histogram(p, 10, (0, 1))[0] / len(p)),
    )  # fmt: skip


@pytest.mark.parametrize("risk", [0.02, 0.05, 0.2])
def test_the_risk_is_kept_on_average(risk):
    """Conformal risk control: over calibrations, the expected share of wrong verdicts at the
    threshold is at most the risk, and close to it."""
    rng = np.random.default_rng(11)
    true = []
    for _ in range(400):
        p = rng.random(300)
        least = table_of(p, rng.random(300) < p).threshold(risk)
        # Confidence is uniform and right as often as it says: from t on, (1 - t)^2 / 2 of all err.
        true.append(0.0 if least is None else (1 - least) ** 2 / 2)
    assert np.mean(true) <= risk
    assert np.mean(true) >= risk - 0.02


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.floats(0, 1), st.floats(0, 1))
def test_a_lower_risk_never_answers_more(seed, n, one, other):
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    table = table_of(p, rng.random(n) < p ** rng.random(), int(rng.integers(0, 50)))
    low, high = sorted((one, other))
    strict, loose = table.threshold(low), table.threshold(high)
    if strict is not None:
        assert loose is not None
        assert loose <= strict


def test_the_ends_of_risk():
    p = RNG.random(500)
    table = table_of(p, RNG.random(500) < p)
    assert table.threshold(0.0) is None
    assert table.threshold(0.001) is None  # of 500 claims none can show it
    assert table.threshold(1.0) == 0.0
    assert table.among_given(0.0) == pytest.approx(0.5, abs=0.06)
    assert table.among_given(0.9) < 0.2


# ---------------------------------------------------------------------------- the file


def calibration(**more) -> Calibration:
    p = np.linspace(0, 1, 1000)
    base = Calibration(
        verifier="v-1", verifier_sha256="ab" * 32, date="2026-11-22",
        data={"fever": {"sha256": "cd" * 32, "n": 1000}},
        pairs={ANY: PairTable(900, 2.0), "post": PairTable(400, 1.0, (AS_IT_IS,) * 3)},
        verdicts={ANY: table_of(p, p > 0.1)},
    )  # fmt: skip
    return replace(base, **more)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(confidence.to_json(calibration()))
    assert confidence.load(path, "v-1", "ab" * 32) == calibration()


def test_another_verifiers_table_is_refused(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(confidence.to_json(calibration()))
    with pytest.raises(ModelMismatch, match=r"calibrates 'v-1' .*not 'v-2'"):
        confidence.load(path, "v-2", "ab" * 32)
    with pytest.raises(ModelMismatch, match="calibrate"):
        confidence.load(path, "v-1", "00" * 32)


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: "{",
        lambda body: json.dumps({**body, "format": 99}),
        lambda body: json.dumps({k: v for k, v in body.items() if k != "pairs"}),
        lambda body: json.dumps({**body, "verdicts": {}}),
        lambda body: json.dumps({**body, "pairs": {"any": {"n": 1}}}),
        lambda body: json.dumps(
            {**body, "verdicts": {"any": {**body["verdicts"]["any"], "given": [1]}}}
        ),
        lambda body: json.dumps([]),
    ],
)  # fmt: skip
def test_a_damaged_table_says_what_to_do(tmp_path, damage):
    path = tmp_path / "calibration.json"
    path.write_text(damage(json.loads(confidence.to_json(calibration()))))
    with pytest.raises(ConfigError, match=r"make it anew|format 99"):
        confidence.load(path, "v-1", "ab" * 32)


def test_a_judgement_is_calibrated_by_kind_and_keeps_its_rule():
    held = calibration()
    raw = Judgement(0.8, 0.1, 0.1, "why")
    as_post, as_report = held.judgement(raw, "post"), held.judgement(raw, "report")
    assert (as_post.supports, as_post.rule) == (pytest.approx(0.8), "why")
    assert as_report.supports == pytest.approx(0.8**0.5 / (0.8**0.5 + 2 * 0.1**0.5))


def test_abstention_says_its_number_its_threshold_and_its_date():
    p = np.array([0.95] * 400 + [0.4] * 400)
    right = np.array([True] * 400 + [False] * 400)
    trust = Trust(calibration(verdicts={ANY: table_of(p, right)}), 0.05)
    assert trust.abstains(0.95, "post") == ""
    said = trust.abstains(0.4, "post")
    assert said == (
        "abstains: confidence .40 under .41, the threshold for a 5 % risk "
        "(calibrated 2026-11-22 on n=800)"
    )
    strict = replace(trust, risk=0.001)
    assert "no confidence holds a risk of 0.1 %" in strict.abstains(0.99, "post")


# ---------------------------------------------------------------------------- in the product


def cautious(risk: float) -> Trust:
    """Confidence grows with mass and origins; of those under 0.9, a third were wrong."""
    p = np.array([0.95] * 600 + [0.5] * 600)
    table = table_of(p, np.array([True] * 600 + [True, True, False] * 200))
    side = (-3.2, 1.5, -2.0, 1.0, -1.0, 2.0)
    return Trust(calibration(verdicts={ANY: replace(table, side=side)}, pairs={}), risk)


HELD = (
    post("a", "The bakery on Mill Lane opens at six.", author="mill lane bakery"),
    post("b", "The ferry to Tern sails at noon.", author="ferry office"),
    post("c", "At noon the ferry sails to Tern, the harbour master says.", author="harbour office"),
    post("d", "Noon is when a ferry sails to Tern; I was on it.", author="tern press"),
)


def judged(claim: str, trust: Trust | None):
    made = claim_at(claim, 0, len(claim), said_at=NOW)
    over = replace(bench(world(*HELD)), trust=trust)
    return check_claim(made, over, where=Filter(until=NOW + 1), now=NOW)


def test_one_voice_is_not_sure_enough_where_little_risk_is_taken():
    claim = "The bakery on Mill Lane opens at six."
    assert judged(claim, None).label is Label.SUPPORTED
    assert judged(claim, cautious(1.0)).label is Label.SUPPORTED
    silent = judged(claim, cautious(0.05))
    assert silent.label is Label.NOT_ENOUGH
    assert silent.abstained
    assert f"confidence .{int(100 * silent.confidence)} under .51" in silent.rule
    assert judged("The ferry to Tern sails at noon.", cautious(0.05)).label is Label.SUPPORTED


def test_a_lower_risk_supports_no_more_claims():
    claims_ = [p.text for p in HELD]
    given = [
        {c for c in claims_ if judged(c, cautious(risk)).label is not Label.NOT_ENOUGH}
        for risk in (0.0, 0.01, 0.05, 0.3, 1.0)
    ]
    assert all(few <= many for few, many in pairwise(given))
    assert not given[0]
    assert given[-1] == set(claims_)


def test_an_answer_that_is_not_sure_enough_carries_its_number():
    over = replace(bench(world(*HELD)), trust=cautious(0.05))
    *_, last = answer("Does the bakery on Mill Lane open at six?", over, now=NOW)
    assert isinstance(last, Finished)
    assert last.answer.abstained
    assert "the threshold for a 5 % risk" in last.answer.reason
    left, *_ = [item for item in last.answer.left_out if item.confidence is not None]
    assert 0 < left.confidence < 0.51


def test_what_the_quotes_hold_of_a_claim_is_told():
    told = {}
    for text in ("The ferry to Tern sails at noon.", "The ferry to Tern sails at dawn."):
        found = judged(text, None)
        for_, against = sides(found.evidence)
        told[text] = max(for_.side(found.claim).told, against.side(found.claim).told)
    assert told["The ferry to Tern sails at noon."] == 1.0
    assert told["The ferry to Tern sails at dawn."] < 1.0


def test_own_words_are_held_to_their_own_table():
    p = np.linspace(0, 1, 1000)
    strict, loose = table_of(p, p > 0.6), table_of(p, p > -1)
    held = calibration(verdicts={ANY: strict, "post": strict, QUOTED: loose})
    trust = Trust(held, 0.05)
    assert trust.abstains(0.3, "post")
    assert not trust.of_own_words().abstains(0.3, "post")
    assert not trust.of_own_words().abstains(0.3, "report")


# ---------------------------------------------------------------------------- drift


def receipts(confidences) -> list[dict]:
    return [
        {"verdicts": [{"label": "supported", "confidence": c}], "left_out": []} if i % 2 else
        {"verdicts": [{"label": "not_enough_evidence", "confidence": 0.5}],
         "left_out": [{"text": "", "reason": "", "confidence": c}, {"text": "", "reason": ""}]}
        for i, c in enumerate(confidences)
    ]  # fmt: skip


def test_drift_is_seen_and_chance_is_not():
    rng = np.random.default_rng(5)
    held = calibration()  # confidences uniform over 0..1
    same = [drift(receipts(rng.random(n)), held) for n in (60, 60, 200, 400, 400)]
    assert not any(found.moved for found in same)
    moved = drift(receipts(rng.random(200) ** 4), held)
    assert moved.moved
    assert "calibrate anew" in moved.said
    few = drift(receipts(np.zeros(20)), held)
    assert not few.moved
    assert "needed to tell" in few.said
    assert stability([0.5, 0.5], [0.5, 0.5]) == 0.0


def test_the_shipped_calibration_belongs_to_the_shipped_verifier():
    path = SHIPPED / "calibration.json"
    card = json.loads((SHIPPED / "card.json").read_text("utf-8"))
    held = confidence.load(path, f"{card['name']}+{LexicalEntail.name}", card["sha256"])
    assert {ANY, "document", "post"} <= held.verdicts.keys()
    assert held.table("report") is held.verdicts.get("report", held.verdicts["post"])
    for table in held.verdicts.values():
        assert table.threshold(0.05) is not None
        one, more = Side(0.5, 1, 0.7), Side(1.5, 3, 0.9)
        weak, strong = (table.confidence(Label.SUPPORTED, side, Side()) for side in (one, more))
        assert strong >= weak


def test_an_answer_in_a_documents_own_words_is_not_held_to_what_others_claim_of_it(tmp_path):
    """With the table of documents a titled file of one's own could answer nothing that it alone
    tells."""
    path = tmp_path / "report.md"
    path.write_text("# Harbour report\n\nThe harbour of Norwick was opened on 3 May 1961.\n")
    config = load_config(tmp_path / "home", {}, chat_model="none", embed_model="none")
    with open_files(config, [path]) as gnomon:
        *_, last = gnomon.ask("When was the harbour of Norwick opened?")
        assert "3 May 1961" in last.answer.text
        assert not last.answer.abstained
        # A claim that somebody makes of it is still held to the table of documents.
        table = gnomon.bench().trust
        assert "document" in table.calibration.verdicts
        assert "document" not in table.of_own_words().calibration.verdicts

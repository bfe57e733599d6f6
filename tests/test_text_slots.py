"""Numbers, dates and names as values: found, compared, missed and contradicted."""

import cProfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.text import slots
from gnomon.types import SlotKind

NOW = 1773000000.0  # Sunday, 8 March 2026, 20:00 UTC

NUMBERS = {
    "损失350万克朗，重350克，5克拉钻石": [(3_500_000, "crown"), (0.35, "kg"), (0.001, "kg")],
    "1,200 people were injured and 3 killed": [(1200, "person injured"), (3, "killed")],
    "造成3人死亡、12人受伤": [(3, "person killed"), (12, "person injured")],
    "killing 3 people and injuring 12": [(3, "person killed"), (12, "injured")],
    "the death toll rises to 12": [(12, "killed")],
    "1 200 cars": [(1200, "vehicle")],
    "1.2 million users": [(1.2e6, "user")],
    "a $1.2m deal, €3.5 million, RMB 300, 500元, 3.5亿美元": [
        (1.2e6, "USD"), (3.5e6, "EUR"), (300, "CNY"), (500, "CNY"), (3.5e8, "USD"),
    ],
    "1.2m views of a 1.2m wall": [(1.2e6, "view"), (1.2, "m")],
    "3k likes": [(3000, "like")],
    "repairs cost 84,000 pounds, annual dues are 40 pounds": [(84000, "GBP"), (40, "GBP")],
    "the crane lifts 200 pounds": [(90.718474, "kg")],
    "two hundred and five houses": [(205, "house")],
    "a dozen eggs, half a million trees": [(12, "egg"), (5e5, "tree")],
    "half of voters": [(50, "%")],
    "a third of the town, 4.5%": [(33.3333333333, "%"), (4.5, "%")],
    "0.5 percentage points": [(0.5, "pp")],
    "10-15 km": [(10000, "m"), (15000, "m")],
    "between 10 and 15 people": [(10, "person"), (15, "person")],
    "3至5人": [(3, "person"), (5, "person")],
    "一百二十万": [(1.2e6, "")],
    "3万人": [(30000, "person")],
    "两百名志愿者": [(200, "volunteer")],
    "百分之三十": [(30, "%")],
    "三成居民": [(30, "%")],
    "12万5千吨": [(1.25e8, "kg")],
    "一万二千人": [(12000, "person")],
    "20°C and 68°F and -5 °C": [(20, "°C"), (20, "°C"), (-5, "°C")],
    "3 hours, 180 minutes, 3小时": [(10800, "s")] * 3,
    "90 km/h": [(25, "m/s")],
    "a 45-year-old man in a 12-storey building": [(45, "age"), (12, "floor")],
    "第三次": [(3, "ordinal")],
    "the third bridge and the 2nd road": [(3, "ordinal"), (2, "ordinal")],
    "Flight 370": [(370, "flight#")],
    "one person died": [(1, "person killed")],
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text):
    found = [s for s in slots.find(text) if s.kind is SlotKind.NUMBER]
    assert [(s.value, s.unit) for s in found] == [(float(v), u) for v, u in NUMBERS[text]]


@pytest.mark.parametrize(
    "text",
    [
        "COVID-19, B52, F-16, 5G, 1080p and 3D",
        "see https://a.example/12?x=5 and a.example.com/44",
        "@bob_12 #2026 #covid19",
        "version 1.2.3 and v2.0",
        "24/7 since 9/11",
        "call 555-0123 or +1-555-012-3456",
        "十几人 几十人 数百人",
        "一直 统一 十分好 万一 一个 一些",
        "one of them, no one, dozens, hundreds of people, thousands",
        "commit 3fa85f64a1",
    ],
)
def test_not_numbers_of_things(text):
    assert [s.text for s in slots.find(text) if s.kind is SlotKind.NUMBER] == []


DATES = {
    "2026-03-07": ["2026-03-07"],
    "7 March 2026, March 7, 2026, 7th of March 2026": ["2026-03-07"] * 3,
    "March 7": ["--03-07"],
    "in March": ["--03"],
    "March 2026": ["2026-03"],
    "7/3/2026": ["2026"],
    "17/3/2026 3/17/2026": ["2026-03-17"] * 2,
    "in 2019 the": ["2019"],
    "yesterday": ["2026-03-07"],
    "last Tuesday": ["2026-03-03"],
    "next Friday": ["2026-03-13"],
    "昨天": ["2026-03-07"],
    "上周二": ["2026-02-24"],
    "3月7日": ["--03-07"],
    "二〇二六年三月七日": ["2026-03-07"],
    "2026年3月": ["2026-03"],
    "three days ago": ["2026-03-05"],
    "last month, 去年": ["2026-02", "2025"],
    "09:30, 9.30 pm, 上午九点, 下午3点半": ["T09:30", "T21:30", "T09:00", "T15:30"],
    "3月7日上午9时30分": ["--03-07T09:30"],
    "2000 people and 2,019 cars": [],
    "I may 5 times": [],
    "31 February 2026": ["2026-02"],
    "the 1970s, 1970's, 1970年代": ["197"] * 3,
    "July 15 , 1973": ["1973-07-15"],
}


@pytest.mark.parametrize("text", DATES)
def test_dates(text):
    found = [s for s in slots.find(text, now=NOW) if s.kind is SlotKind.DATE]
    assert [s.value for s in found] == DATES[text]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The mayor Ann Lee said NASA and @bob_12 saw it", ["ann lee", "nasa", "@bob_12"]),
        ("Breaking news: fire in Porto Verde", ["porto verde"]),
        ("Bridges are closed; all bridges", []),
        ("《大桥日报》报道", ["大桥日报"]),
        ("镇长王小明表示", ["王小明"]),
        ("大桥镇发生火灾", ["大桥镇"]),
    ],
)
def test_names(text, names):
    assert [s.value for s in slots.find(text) if s.kind is SlotKind.NAME] == names


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("12 people", "exact"),
        ("about 12 people", "about"),
        ("nearly 200 people", "under"),
        ("at least 200 people", "over"),
        ("200 or more people", "over"),
        ("约200人", "about"),
        ("近200人", "under"),
        ("超过200人", "over"),
        ("200多人", "over"),
        ("200人左右", "about"),
    ],
)
def test_hedges(text, kind):
    [slot] = [s for s in slots.find(text) if s.kind is SlotKind.NUMBER]
    assert slots.hedge(text, slot) == kind


GIVEN = [
    ("The town has 1.2 million people", "The town has 1,203,411 people"),
    ("The town has 1.2 million people", "该镇有一百二十万人"),
    ("The bridge is 1.5 km long", "The bridge is 1,500 metres long"),
    ("It weighs two tonnes", "It weighs 2,000 kg"),
    ("12 people were injured", "Twelve residents were hurt in the fire"),
    ("about 200 people attended", "203 people attended"),
    ("over 200 people attended", "250 people attended"),
    ("It opened in March 2026", "It opened on 7 March 2026"),
    ("It opened on Saturday", "It opened on 7 March 2026"),
    ("It cost 50% of the budget", "It cost half of the budget"),
    ("It takes 24 hours", "It takes one day"),
    ("It was built in the 1970s", "It was built in 1973"),
]


@pytest.mark.parametrize(("claim", "evidence"), GIVEN)
def test_equal_however_written(claim, evidence):
    assert slots.missing(claim, evidence) == ()
    assert slots.conflicts(claim, evidence) == ()


CONFLICTS = [
    ("12 people were injured in the fire", "The fire injured 14 people and killed 3.", "14"),
    ("The bridge is 1.5 km long", "The bridge is 1,800 metres long", "1,800 metres"),
    ("The bridge opened on 7 March 2026", "The bridge opened on 8 March 2026", "8 March 2026"),
    ("3人死亡", "造成8人死亡", "8"),
    ("Three people were killed", "造成8人死亡", "8"),
    ("over 200 people attended the meeting", "150 people attended the meeting", "150"),
    ("The repair cost $4 million", "The repair cost $3 million", "$3 million"),
]


@pytest.mark.parametrize(("claim", "evidence", "other"), CONFLICTS)
def test_conflicts(claim, evidence, other):
    [(mine, theirs)] = slots.conflicts(claim, evidence)
    assert theirs.text == other
    assert mine in slots.missing(claim, evidence)


MISSING_ONLY = [
    ("12 people were injured in the fire", "The fire killed 3 people."),
    ("12 people were injured", "Ten volunteers planted 300 trees."),
    ("The bridge opened on 7 March 2026", "The bridge opened in March 2026"),
    ("Exactly 203 people attended", "about 200 people attended"),
    ("The repair cost 4 million euros", "The repair cost 4 million dollars"),
    ("The fine was 500 yuan", "Tickets for the boat sell at 80 yuan each"),
]


@pytest.mark.parametrize(("claim", "evidence"), MISSING_ONLY)
def test_other_quantities_block_support_and_refute_nothing(claim, evidence):
    assert slots.missing(claim, evidence)
    assert slots.conflicts(claim, evidence) == ()


@given(st.integers(2, 999_999))
def test_a_number_off_by_one_is_never_given(n):
    claim = f"The town planted {n} trees"
    assert slots.missing(claim, claim) == ()
    assert slots.missing(claim, f"The town planted {n + 1} trees")
    assert slots.conflicts(claim, f"The town planted {n + 1} trees")
    assert slots.missing(claim, f"The town planted {n:,} trees") == ()


@given(st.text(max_size=80))
def test_any_text_is_safe_and_offsets_are_right(text):
    for slot in slots.find(text, now=NOW):
        assert text[slot.start : slot.end] == slot.text
        assert slots.same(slot, slot)
        slots.hedge(text, slot)
    slots.conflicts(text, text[::-1])
    assert slots.conflicts(text, text) == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("in 2011 people died in the floods", []),
        ("power was cut in 2011 homes across the valley", [(2011.0, "house")]),
        ("pier 3 is closed", [(3.0, "pier#")]),
        ("At berth four, gate B12", [(4.0, "berth#"), (12.0, "gate b#")]),
        ("United beat City 2-1", [(2.001, "score")]),
        ("City won 1:2", [(1.002, "score")]),
        ("红队2比1击败蓝队", [(2.001, "score")]),
        ("红队二比一战胜蓝队", [(2.001, "score")]),
        ("the council voted 5-4", [(5.004, "score")]),
        ("the game is for ages 3-5", [(3.0, ""), (5.0, "")]),
        ("it takes 1-2 hours to win", [(3600.0, "s"), (7200.0, "s")]),
        ("lost 3-4 kg", [(3.0, "kg"), (4.0, "kg")]),
    ],
)
def test_years_labels_and_scores(text, wanted):
    found = [s for s in slots.exact(text) if s.kind is SlotKind.NUMBER]
    assert [(s.value, s.unit) for s in found] == wanted


def test_labels_and_scores_compare():
    assert slots.conflicts("The barge struck pier 2", "The barge struck pier 3 this morning")
    assert not slots.missing("United beat City 2:1", "United beat City 2-1 on Sunday")
    assert slots.missing("United beat City 1-2", "United beat City 2-1 on Sunday")
    assert slots.conflicts("United beat City 3-1", "United beat City 2-1 on Sunday")


@pytest.mark.parametrize("text", ["12 MILLION people", "Twelve people died", "FORTY of them"])
def test_number_words_in_capitals_are_no_names(text):
    assert [s.text for s in slots.find(text) if s.kind is SlotKind.NAME] == []


@pytest.mark.parametrize("unit", ["9", "1,2", "好1", "/a1"])
def test_a_run_without_an_end_takes_linear_time(unit):
    """Counted in calls, not seconds: ten times the text may not take a hundred times the work."""
    work = []
    for n in (300, 3000):
        profile = cProfile.Profile()
        profile.runcall(slots.find, unit * n)
        work.append(sum(entry.callcount for entry in profile.getstats()))
    assert work[1] < 25 * work[0]


@pytest.mark.parametrize(
    ("claim", "said", "met"),
    [
        ("more than 100 people died", "144 dead", True),
        ("more than 100 people died", "nearly 100 people died", False),
        ("more than 20 people died", "20 people died", False),
        ("more than 20 people died", "at least 20 people died", False),
        ("at least 20 people died", "20 people died", True),
        ("fewer than 20 people died", "3 people died", True),
        ("nearly 100 people died", "12 people died", False),
        ("超过200人死亡", "215人死亡、567人受伤", True),
        ("超过200人死亡", "200人死亡", False),
        ("至少200人死亡", "200多人死亡", True),
        ("不到200人死亡", "161人死亡", True),
    ],
)
def test_a_bound_is_given_by_what_lies_within_it(claim, said, met):
    assert (not slots.missing(claim, said)) is met


def test_what_lies_outside_a_bound_contradicts_it_and_a_fraction_counts_nobody():
    toll = "the earthquake killed more than 100 people"
    assert slots.conflicts(toll, "the earthquake killed 99 people")
    assert not slots.conflicts(toll, "the earthquake killed at least 93 people")
    assert not slots.conflicts(toll, "The earthquake of magnitude 7.2 killed people")

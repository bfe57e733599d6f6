"""Training pairs made by rule: every family on sentences written by hand, and what must hold of
all that is made: the labels, the mirrors, the order."""

from collections import Counter, defaultdict
from random import Random

import pytest

from gnomon.lab.verifier import (
    courses,
    edit_adjuncts,
    edit_chinese,
    edit_clauses,
    edit_courses,
    edit_dates,
    edit_names,
    edit_values,
    edits,
)
from gnomon.lab.verifier.claims_from_text import derived
from gnomon.lab.verifier.edit_values import NEITHER, REFUTES, SUPPORTS
from gnomon.lab.verifier.event_kinds import KINDS
from gnomon.lab.verifier.informal import informal, posted
from gnomon.lab.verifier.invented import Said, invented, stand
from gnomon.lab.verifier.nearest import Index, named, settles, terms
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.rewordings import reworded
from gnomon.lab.verifier.standings import STANDINGS, standings
from gnomon.lab.verifier.verbs import inside, main_verb, negated, with_infinitive, with_participle
from gnomon.text import numerals, quantities

ARTICLE = """Mara Lindqvist (born 4 May 1951) is a Swedish painter. She moved to Turin in 1975 \
with two sisters. Lindqvist painted three murals in Oslo. In 1982, the National Gallery bought \
the murals for 40,000 crowns.
The Harwick Bridge was built in 1934 by Stone Brothers. The Harwick Bridge crosses the River Tarn \
about 12 kilometres north of Milford. The bridge collapsed on 3 March 1987, killing 14 people."""
ARTICLES = [
    ARTICLE,
    "Peter Novak was a Czech footballer. Novak was born in Brno on 1 June 1920. Peter Novak scored "
    "25 goals for Sparta Prague before 1948. Sparta Prague won the Central Cup in 1946.",
    "Evandale University is a public university in Evandale. The university has 12,400 students "
    "and a budget of $85 million. Enrolment rose by 7 percent in 2010. The library opened on 9 May "
    "2004.",
]


def cases(family, window, claim=None, *, tries=12, **more):
    """All that the family makes of the pair under several seeds."""
    found = []
    for seed in range(tries):
        found += family(window, claim or window, Random(seed), **more)
    return found


def labels(found, window, claim):
    return {label for w, c, label in found if w == window and c == claim}


# Verbs


@pytest.mark.parametrize(
    ("sentence", "denied"),
    [
        ("Tom Baker is from Georgia.", "Tom Baker is not from Georgia."),
        ("The Fame was released in 2018.", "The Fame was not released in 2018."),
        ("Betsy Hodges won the race.", "Betsy Hodges did not win the race."),
        ("Angelsberg had a population of 283.", "Angelsberg did not have a population of 283."),
        ("Python gives support for objects.", "Python does not give support for objects."),
        ("Mara Lind has written a book.", "Mara Lind has not written a book."),
        # A denial within a denial, a quantifier, two verbs, an open scope: refused.
        ("Estonia is not a country.", None),
        ("Adidas only designs posters.", None),
        ("All dogs were fed.", None),
        ("He opened the gate and closed the door.", None),
        ("The film was liked because it was short.", None),
        ("In the hall was seen a ghost.", None),
        # "released" hangs on the album and "directed" on the film.
        ("The album released in 1998 was a success.", None),
        ("The film directed by Lee made money.", None),
    ],
)
def test_a_clause_is_denied_by_its_own_verb_or_not_at_all(sentence, denied):
    assert negated(sentence) == denied


def test_the_verb_of_a_plain_clause():
    verb = main_verb("The old mayor of Harwick opened the gate.")
    assert verb is not None
    assert (verb.base, verb.kind) == ("open", "past")
    assert main_verb("Anna, who sang, left.") is None
    assert with_infinitive("Anna wrote a book.", "failed to") == "Anna failed to write a book."
    assert with_participle("Anna wrote a book.", "may have") == "Anna may have written a book."
    assert inside("The bridge fell.") == "the bridge fell"
    assert inside("Oslo is cold.") == "Oslo is cold"


# Values


def test_a_changed_number_refutes_both_ways_and_its_change_in_both_supports():
    found = cases(edit_values.number, "A fire hurt 14 people on Monday.", "A fire hurt 14 people.")
    assert found
    for w, c, label in found:
        same = {s.value for s in quantities.find(w)} == {s.value for s in quantities.find(c)}
        assert label == (SUPPORTS if same else REFUTES)
    assert {label for *_, label in found} == {SUPPORTS, REFUTES}


@pytest.mark.parametrize(
    "text",
    [
        "The war began in 1914.", "Apollo 11 landed.", "About 300 people came.",
        "Chapter 5 is long.", "It was built on 3 March 1987.", "Between 10 and 20 people came.",
        "They lost 2-1.", "He is one of the founders.", "Over 40 houses burned.",
    ],
)  # fmt: skip
def test_years_dates_labels_ranges_and_rough_counts_are_no_exact_numbers(text):
    assert edit_values.numbers(text) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("It has 1,200,000 users.", [1200000.0]),
        ("It has 1.2 million users.", [1200000.0]),
        ("She has three sons.", [3.0]),
        ("It rose by 7 percent.", [7.0]),
        ("The plant cost $85 million.", [85000000.0]),
    ],
)
def test_numbers_are_read(text, values):
    assert [n.value for n in edit_values.numbers(text)] == values


def test_a_number_in_another_form_is_the_same_number():
    found = []
    for text in (
        "The city has 1,200,000 people.",
        "She has three sons.",
        "It sold 4.5 million cars.",
    ):
        found += cases(edit_values.number_form, text)
    assert len({c for _, c, _ in found}) > 12
    for w, c, label in found:
        ours, theirs = quantities.find(w)[0].value, quantities.find(c)[0].value
        assert label == (SUPPORTS if abs(ours - theirs) < 1e-9 * ours else REFUTES), (w, c)


def test_bounds_follow_arithmetic():
    found = cases(edit_values.bound, "The march drew 1,000 people.", tries=40)
    assert found
    words = {"over": 1, "more than": 1, "fewer than": -1, "less than": -1, "under": -1}
    checked = 0
    for w, c, label in found:
        side = next((s for word, s in words.items() if f" {word} " in c), 0)
        if w == "The march drew 1,000 people." and side:
            value = quantities.find(c)[0].value
            assert label == (SUPPORTS if (1000 - value) * side > 0 else REFUTES), c
            checked += 1
    assert checked > 40
    # More than 1,000 may or may not be more than 1,500; it is more than 900 and not under 900.
    vague = [(c, label) for w, c, label in found if " more than 1,000 " in w or " over 1,000 " in w]
    for c, label in vague:
        value = quantities.find(c)[0].value
        up = " more than " in c or " over " in c
        if value > 1000:
            assert label == NEITHER
        else:
            assert label == (SUPPORTS if up else REFUTES)


def test_units_and_currencies():
    found = cases(edit_values.unit, "The road is 50 km long.")
    assert labels(found, "The road is 50 km long.", "The road is 50 miles long.") == {REFUTES}
    assert labels(found, "The road is 50 km long.", "The road is about 31 miles long.") == {
        SUPPORTS
    }
    points = cases(edit_values.unit, "Rents rose by 5 percent.")
    assert labels(points, "Rents rose by 5 percentage points.", "Rents rose by 5 percent.") == {
        NEITHER
    }
    paid = cases(edit_values.currency, "They paid $50 million.")
    assert labels(paid, "They paid £50 million.", "They paid $50 million.") == {REFUTES}


def test_dates():
    window = "The bridge opened on 14 May 1998."
    found = cases(edit_dates.date, window, tries=60)
    assert labels(found, window, "The bridge opened on May 14, 1998.") == {SUPPORTS}
    assert labels(found, window, "The bridge opened in May 1998.") == {SUPPORTS}
    assert labels(found, window, "The bridge opened in 1998.") == {SUPPORTS}
    assert labels(found, window, "The bridge opened on 15 May 1998.") == {REFUTES}
    assert labels(found, "The bridge opened in 1998.", window) == {NEITHER}
    assert labels(found, "The bridge opened in May 1998.", window) == {NEITHER}
    for w, c, label in found:
        if w == "The bridge opened in 1998." and c != window:
            assert label == (NEITHER if "1998" in c else REFUTES), c


def test_a_year_is_moved_only_where_it_dates_the_event():
    assert labels(
        cases(edit_dates.year, "It opened in 1998.", tries=60),
        "It opened in 1998.", "It opened in 1999.",
    ) == {REFUTES}  # fmt: skip
    for text in (
        "It existed from 1945 to 1976.",
        "The 2008 Cup was played here.",
        "As of 2015 he sings.",
    ):
        assert cases(edit_dates.year, text) == []


def test_weekdays():
    found = cases(edit_dates.weekday, "It opens on Monday.", tries=60)
    assert labels(found, "It opens on Monday.", "It opens on Friday.") == {REFUTES}
    assert cases(edit_dates.weekday, "It opens on Monday or Friday.") == []
    assert cases(edit_dates.weekday, "He played for Sheffield Wednesday.") == []


# Clauses


def test_denials_hedges_and_speech():
    claim = "Anna Berg won the race."
    window = "Anna Berg, 24, won the race on Sunday."
    found = cases(edit_clauses.denial, window, claim, tries=40)
    assert labels(found, "It is false that Anna Berg won the race.", claim) == {REFUTES}
    assert labels(found, "The police confirmed that Anna Berg won the race.", claim) == {SUPPORTS}
    found = cases(edit_clauses.hedge, window, claim, tries=500)
    for hedged in (
        "Reportedly, Anna Berg won the race.",
        "Is it true that Anna Berg won the race?",
        "If Anna Berg won the race, there will be an inquiry.",
        "In the novel, Anna Berg won the race.",
    ):
        assert labels(found, hedged, claim) == {NEITHER}, hedged
    assert labels(found, window, "It may be that Anna Berg won the race.") == {SUPPORTS}
    assert labels(found, window, "Anna Berg did not win the race.") == {REFUTES}
    found = cases(edit_clauses.speech, window, claim, tries=200)
    assert labels(found, "The mayor denied that Anna Berg won the race.", claim) == {NEITHER}
    said = "The mayor said that Anna Berg won the race."
    assert labels(found, said, said) == {SUPPORTS}
    assert labels(found, said, claim) == set()
    assert labels(found, "The mayor denied that Anna Berg won the race.", said) == {REFUTES}
    assert any(
        w == said and c != said and "said that" in c and label == NEITHER for w, c, label in found
    )


def test_plans_failures_and_successes():
    claim = "Anna Berg wrote a book."
    found = cases(edit_clauses.plan, claim, tries=120)
    for words, label in {
        "planned to": None, "plans to": NEITHER, "tried to": NEITHER, "may": NEITHER,
        "failed to": REFUTES, "refused to": REFUTES, "managed to": SUPPORTS,
    }.items():  # fmt: skip
        window = f"Anna Berg {words} write a book."
        assert labels(found, window, claim) == ({label} if label is not None else set()), window
    assert labels(found, claim, "Anna Berg may have written a book.") == {SUPPORTS}
    passive = cases(edit_clauses.plan, "The hall was built in 1990.", tries=120)
    denied = "The hall has yet to be built in 1990."
    assert labels(passive, denied, "The hall was built in 1990.") == {REFUTES}
    assert labels(passive, "The hall will be built in 1990.", "The hall was built in 1990.") == {
        NEITHER
    }
    # A state is nothing that one plans.
    assert cases(edit_clauses.plan, "Anna Berg knew a song.") == []


def test_opposites_contradict_where_they_say_it_of_the_same_thing():
    found = cases(edit_clauses.opposite, "Prices rose in May.")
    assert labels(found, "Prices rose in May.", "Prices fell in May.") == {REFUTES}
    assert labels(found, "Prices fell in May.", "Prices fell in May.") == {SUPPORTS}
    # Another singled out is another thing; as a predicate it contradicts.
    assert cases(edit_clauses.opposite, "The first match ended late.") == []
    found = cases(edit_clauses.opposite, "Oslo is the largest city in Norway.")
    assert labels(
        found, "Oslo is the largest city in Norway.", "Oslo is the smallest city in Norway."
    ) == {REFUTES}
    assert cases(edit_clauses.opposite, "He won a prize.", "He won the game.") == []


def test_roles():
    claim = "Harwick United beat Milford Town in May."
    found = cases(edit_clauses.role, claim)
    swapped = "Milford Town beat Harwick United in May."
    assert labels(found, claim, swapped) == {REFUTES}
    assert labels(found, claim, "Milford Town was beaten by Harwick United in May.") == {SUPPORTS}
    assert labels(found, claim, "Harwick United was beaten by Milford Town in May.") == {REFUTES}
    both = cases(edit_clauses.role, "Harwick United sued Milford Town.")
    assert labels(
        both, "Harwick United sued Milford Town.", "Harwick United was sued by Milford Town."
    ) == {NEITHER}
    film = cases(edit_clauses.role, "Lee Stone directed Barbarella.")
    assert labels(
        film, "Lee Stone directed Barbarella.", "Barbarella was directed by Lee Stone."
    ) == {SUPPORTS}
    assert not any(c.startswith("Barbarella directed") for _, c, _ in film)


def test_quantifiers():
    found = cases(edit_clauses.quantifier, "All schools were closed.")
    assert labels(found, "All schools were closed.", "Some schools were closed.") == {SUPPORTS}
    assert labels(found, "Some schools were closed.", "All schools were closed.") == {NEITHER}
    assert labels(found, "No schools were closed.", "Some schools were closed.") == {REFUTES}


# Details, names


def test_a_detail_that_the_window_lacks_is_not_supported():
    claim = "Anna Berg opened the hall in 1990."
    found = cases(edit_adjuncts.detail, claim)
    short = "Anna Berg opened the hall."
    assert labels(found, claim, short) == {SUPPORTS}
    assert labels(found, short, claim) == {NEITHER}


@pytest.mark.parametrize(
    "text",
    [
        "Anna Berg was born in 1990.",  # nothing is left
        "No hall was opened in Oslo.",  # what is left says more
        "It is a school founded in 1901.",  # hangs on the noun
        "The action takes place in 1990.",
    ],
)
def test_what_a_sentence_needs_is_not_taken_away(text):
    assert all(edit_adjuncts.dropped(text, Random(i)) is None for i in range(8))


def test_appositions_and_fronted_dates():
    assert edit_adjuncts.apposition("Eva Holt, the mayor of Harwick, opened the gate.") == [
        ("Eva Holt was the mayor of Harwick.", True), ("Eva Holt opened the gate.", False),
    ]  # fmt: skip
    assert edit_adjuncts.apposition("Oslo, Bergen, and the north opened the gate.") == []
    assert edit_adjuncts.fronted("In 1998, Anna Berg won the city prize.") == (
        "Anna Berg won the city prize in 1998."
    )
    assert edit_adjuncts.without_brackets("Oslo (Norway) is cold.") == "Oslo is cold."


def test_names():
    names = edit_names.Names(
        [f"{a} Quill" for a in "Ada Bea Cleo Dora Ella Fay Gina Hope Ida Jo Kay".split()]
    )
    plain = "Anna Berg was born in 1951."
    found = cases(edit_names.person, plain, names=names)
    other = next(c for w, c, label in found if w == plain and label == NEITHER)
    assert other.endswith("Quill was born in 1951.")
    # Who directed it is one person; the subject of an identifying predicate is left alone.
    film = "Savages was directed by Anna Berg."
    assert {label for w, c, label in cases(edit_names.person, film, names=names)} == {
        SUPPORTS,
        REFUTES,
    }
    assert cases(edit_names.person, "Anna Berg was the first president.", names=names) == []
    # A cartoon has a person's name, too.
    assert cases(edit_names.person, "Daffy Rents is a 1966 cartoon.", names=names) == []
    found = cases(edit_names.place, "Anna Berg was born in France.")
    assert found
    assert all(label == (SUPPORTS if w == c else REFUTES) for w, c, label in found)
    assert cases(edit_names.place, "Anna Berg sang in France.") == []


# From bare text


def test_claims_follow_from_their_windows():
    made = {
        (kind, window, claim)
        for i in range(30)
        for kind, window, claim in derived(ARTICLE, Random(i))
    }
    claims = {claim for _, _, claim in made}
    assert "Mara Lindqvist was born on 4 May 1951." in claims
    resolved = [(w, c) for kind, w, c in made if kind == "pronoun"]
    assert resolved == [
        (
            "Mara Lindqvist (born 4 May 1951) is a Swedish painter. She moved to Turin in 1975 "
            "with two sisters.",
            "Mara Lindqvist moved to Turin in 1975 with two sisters.",
        )
    ]
    assert "The National Gallery bought the murals for 40,000 crowns in 1982." in claims
    assert not any(claim.startswith(("She", "He", "It")) for claim in claims)


def many(seed=0):
    return list(edits.statements(ARTICLES * 40, seed=seed))


def test_the_same_seed_makes_the_same_pairs():
    base = [Pair(ARTICLE, "The Harwick Bridge was built in 1934.", 0, "x", "g")]
    assert many(1) == many(1)
    assert many(1) != many(2)
    assert list(edits.edited(base * 9, seed=1)) == list(edits.edited(base * 9, seed=1))
    assert list(invented(seed=3, events=60)) == list(invented(seed=3, events=60))


def test_only_supporting_pairs_are_edited_and_groups_are_kept():
    base = [
        Pair("The Harwick Bridge was built in 1934 by Stone.",
             "The Harwick Bridge was built in 1934.", label, "x", f"g{label}")
        for label in (0, 1, 2)
    ]  # fmt: skip
    made = [pair for seed in range(10) for pair in edits.edited(base, seed=seed)]
    assert made
    assert {pair.group for pair in made} == {"g0"}
    negative = [Pair("The hall was not built.", "The hall was never built at all.", 0, "x", "g")]
    assert list(edits.edited(negative, seed=0)) == []


def test_a_claim_that_stands_in_the_window_is_never_refuted():
    made = [*many(), *invented(seed=1, events=300)]
    assert len(made) > 3000
    assert {pair.label for pair in made} == {0, 1, 2}
    for pair in made:
        if pair.window == pair.claim:
            assert pair.label == SUPPORTS, pair
    seen = {}
    for pair in made:
        assert seen.setdefault((pair.window, pair.claim), pair.label) == pair.label, pair


SQUARES = "number number_form year weekday negation opposite currency place site denial".split()


def test_claim_and_window_alone_do_not_tell_the_label():
    """A guess from the claim alone, with the labels of all pairs known, is no better than half in
    the families of squares; from the window alone likewise."""
    base = [
        Pair(w, c, 0, "x", f"g{i}")
        for i, text in enumerate(ARTICLES * 20)
        for _, w, c in derived(text, Random(i))
    ]
    by_family = defaultdict(set)
    for i, pair in enumerate(dict.fromkeys(base)):
        for name in SQUARES:
            family = edits.FAMILIES.get(name)
            if family is not None:
                by_family[name] |= {
                    (i, *case) for case in family(pair.window, pair.claim, Random(i))
                }
    assert len(by_family) >= 6
    for name, made in by_family.items():
        for side in (1, 2):
            counts = defaultdict(Counter)
            for case in made:
                counts[(case[0], case[side])][case[3]] += 1
            right = sum(max(c.values()) for c in counts.values())
            most = 0.68 if name == "denial" else 0.56
            assert right <= most * len(made), (name, side, right, len(made))


# Style, other words, retrieval


def test_posts_keep_their_facts():
    text = "Police said that 14 people were hurt in Oslo on 3 May 1998."
    for seed in range(60):
        made = posted(text, Random(seed))
        assert "14" in made
        assert "1998" in made
        assert "oslo" in made.lower()
        pair = informal(Pair(text, text, 1, "s", "g"), Random(seed))
        assert (pair.label, pair.source, pair.group) == (1, "s", "g")
    assert len({posted(text, Random(seed)) for seed in range(60)}) > 40


def test_other_words():
    assert reworded("The film began in May.", Random(0)) in (
        "The movie started in May.", "The movie began in May.", "The film started in May.",
    )  # fmt: skip
    assert reworded("Oslo is cold.", Random(0)) == "Oslo is cold."


def test_bm25_finds_the_nearest():
    texts = [
        "Oslo has a harbour.",
        "The harbour of Bergen is old and large.",
        "Cats sleep all day.",
    ]
    index = Index(texts)
    assert index.nearest("the old harbour of Bergen", 2) == [1, 0]
    assert index.nearest("zebra", 3) == []
    assert named("Anna Berg was born in Oslo.") == {"anna", "berg", "oslo"}
    assert terms("The city of Oslo") == ["city", "oslo"]


def test_unrelated_windows_share_the_topic_and_settle_nothing():
    texts = [
        ("Anna Berg was born in Oslo in 1951 and painted.", "Anna Berg was born in Oslo."),
        ("Anna Berg sold forty paintings to a museum.", "Anna Berg sold paintings."),
        ("In 1951 in Oslo, Anna Berg was born.", "Anna Berg came from Oslo."),
        # It does not name her, and is about her for all that.
        ("Her first show was held in Oslo in 1980.", "Anna Berg had a show in 1980."),
        ("Oslo lies on a fjord.", "Oslo lies on a fjord."),
    ]
    pairs = [Pair(window, claim, 0, "x", str(i)) for i, (window, claim) in enumerate(texts)]
    made = list(edits.unrelated(pairs, seed=0, per=3))
    windows = {pair.window for pair in made if pair.claim == "Anna Berg was born in Oslo."}
    assert windows == {"Anna Berg sold forty paintings to a museum.", "Oslo lies on a fjord."}
    assert all(pair.label == NEITHER for pair in made)
    assert settles(
        "Anna Berg was born in Oslo.", pairs[2].window, Index([p.window for p in pairs]).idf
    )
    assert made == list(edits.unrelated(pairs, seed=0, per=3))


# Invented events


def test_every_kind_of_event_can_be_told():
    assert len(KINDS) >= 25
    for kind in KINDS:
        assert len(kind.says) >= 3, kind.name
        assert len(kind.denies) >= 2, kind.name
        assert all("{thing}" in line for line in (*kind.says, *kind.denies)), kind.name
    made = list(invented(seed=0, events=len(KINDS)))
    assert {pair.source for pair in made} == {f"event:{kind.name}" for kind in KINDS}
    assert not any("{" in pair.window + pair.claim for pair in made)


def test_how_facts_stand_to_facts():
    def said(affirms=True, thing="the pier", **values):
        return Said("", thing, affirms, values)

    told = [said(n="3", day="Monday"), said(thing="the mill", n="9")]
    assert stand(said(n="3"), told) == SUPPORTS
    assert stand(said(n="9"), told) == REFUTES
    assert stand(said(n="3", place="Oslo"), told) == NEITHER
    assert stand(said(n="4", place="Oslo"), told) == REFUTES
    assert stand(said(thing="the school", n="3"), told) == NEITHER
    assert stand(said(affirms=False), told) == REFUTES
    # That the sale to A fell through refutes a sale to A and says nothing of B.
    off = [said(affirms=False, org="A")]
    assert stand(said(org="A", n="3"), off) == REFUTES
    assert stand(said(org="B"), off) == NEITHER
    assert stand(said(affirms=False), off) == SUPPORTS


def test_labels_of_events_follow_their_facts():
    made = list(invented(seed=5, events=900))
    checked = 0
    for pair in made:
        if "will keep all its staff" in pair.window and "will cut" in pair.claim:
            thing = pair.window.split(" will")[0]
            assert pair.label == (REFUTES if pair.claim.startswith(thing) else NEITHER)
            checked += 1
    assert checked >= 5
    counts = Counter(pair.label for pair in made)
    assert min(counts.values()) > 0.2 * len(made)


# How an event went, and how things stand


def test_what_nearly_happened_did_not():
    claim = "Anna Berg won the race."
    found = cases(edit_courses.nearly, claim, tries=80)
    denied = "Anna Berg did not win the race."
    for window in ("Anna Berg almost won the race.", "Anna Berg came close to winning the race."):
        assert labels(found, window, claim) == {REFUTES}, window
        assert labels(found, window, denied) == {SUPPORTS}, window
    for window in ("Anna Berg narrowly won the race.", "Anna Berg finally won the race."):
        assert labels(found, window, claim) == {SUPPORTS}, window
    # What goes by degrees, and what is, is never nearly so.
    for text in ("Prices rose in May.", "Oslo is a city.", "The road was closed."):
        assert cases(edit_courses.nearly, text) == []


def test_a_circumstance_more_in_the_window_supports_and_in_the_claim_is_unsaid():
    claim = "The mayor departed on Monday."
    found = cases(edit_courses.circumstance, claim, tries=120)
    fuller = "The mayor departed on Monday after the report."
    assert labels(found, fuller, claim) == {SUPPORTS}
    assert labels(found, claim, fuller) == {NEITHER}
    assert labels(found, fuller, "The mayor did not depart on Monday.") == {REFUTES}
    assert labels(found, "Despite the rain, the mayor departed on Monday.", claim) == {SUPPORTS}
    assert labels(found, "The mayor departed on Monday, police said.", claim) == {SUPPORTS}
    others = [(w, c) for w, c, _ in found if "Monday after" in w and "Monday amid" in c]
    assert others
    assert all(labels(found, w, c) == {NEITHER} for w, c in others)
    assert cases(edit_courses.circumstance, "Oslo is the capital of Norway.") == []


def test_jokes_wishes_and_fears_say_nothing():
    claim = "The bridge was closed."
    found = cases(edit_courses.jest, claim, tries=120)
    for said in ("Satire: the bridge was closed.", "I wish the bridge was closed."):
        assert labels(found, said, claim) == {NEITHER}
        assert labels(found, said, "The bridge was not closed.") == {NEITHER}


def test_how_things_stand_follows_from_the_group_of_the_phrase():
    assert all(len(k.yes) >= 4 and len(k.no) >= 4 and len(k.beside) >= 3 for k in STANDINGS)
    made = list(standings(seed=1, rounds=60))
    assert made == list(standings(seed=1, rounds=60))
    counts = Counter(pair.label for pair in made)
    assert min(counts.values()) > 0.25 * len(made)
    sides = {"going ahead": 0, "still on": 0, "called off": 1, "scrapped": 1}
    checked: Counter[int] = Counter()
    for pair in standings(seed=2, rounds=20 * len(STANDINGS)):
        if pair.source != "standing:festival" or pair.window.count(".") > 1:
            continue
        if any(w in pair.window.lower() for w in ("not true", "fake", "false", "wrong", "denied")):
            continue
        found = [[s for w, s in sides.items() if w in t.lower()] for t in (pair.window, pair.claim)]
        if pair.label != NEITHER and len(found[0]) == len(found[1]) == 1:
            assert (pair.label == SUPPORTS) == (found[0] == found[1]), pair
            checked[pair.label] += 1
    assert checked[REFUTES]
    assert checked[SUPPORTS]


def test_courses_take_what_they_name_and_nothing_twice_in_a_row():
    pairs = [
        Pair(f"w{n}", f"c{n}", NEITHER, source, "g")
        for n, source in enumerate(["fever"] * 9 + ["event:fire"] * 80 + ["edit:hedge"] * 300)
    ]
    first, second, third = courses.ENGLISH
    whole = first.drawn(pairs)
    assert whole == pairs
    again = second.drawn(pairs, whole)
    assert Counter(pair.source for pair in again) == {
        "fever": 9,
        "event:fire": 35,
        "edit:hedge": 300,
    }
    last = third.drawn(pairs, again)
    assert Counter(pair.source for pair in last) == {"fever": 9, "event:fire": 45}
    assert courses.ALL[0].drawn(pairs) == pairs


# Chinese


@pytest.mark.parametrize(
    "value", [3, 10, 12, 20, 105, 110, 1005, 3976, 10000, 10500, 1200000, 120050000]
)
def test_chinese_numerals_are_read_back(value):
    assert numerals.chinese(edit_chinese.numeral(value)) == value


def test_chinese_numerals_are_written_as_people_write_them():
    for value, written in {
        12: "十二",
        105: "一百零五",
        10005: "一万零五",
        1200000: "一百二十万",
    }.items():
        assert edit_chinese.numeral(value) == written


def test_chinese_edits():
    claim = "该公司共有员工320人。"
    found = cases(edit_chinese.number, claim, tries=40)
    assert labels(found, claim, "该公司共有员工三百二十人。") == {SUPPORTS}
    assert {
        label for w, c, label in found if w == claim and c != claim and "三百二十" not in c
    } == {REFUTES}
    place = "大通門位於四川省西昌市南門。"
    assert labels(
        cases(edit_chinese.negation, place), place, "大通門並不位於四川省西昌市南門。"
    ) == {REFUTES}
    joined = "迈尔森于1990年加入了该党。"
    found = cases(edit_chinese.plan, joined)
    assert labels(found, "迈尔森于1990年计划加入该党。", joined) == {NEITHER}
    assert labels(found, "迈尔森于1990年没有加入该党。", joined) == {REFUTES}
    frames = cases(edit_chinese.frames, place, tries=80)
    assert labels(frames, "据传，大通門位於四川省西昌市南門。", place) == {NEITHER}
    assert labels(frames, "经查，大通門位於四川省西昌市南門是谣言。", place) == {REFUTES}
    assert labels(frames, "官方证实，大通門位於四川省西昌市南門。", place) == {SUPPORTS}
    rose = "该市人口在1990年上升。"
    assert labels(cases(edit_chinese.opposite, rose), rose, "该市人口在1990年下降。") == {REFUTES}
    # No plain subject, or denied already: nothing is made.
    assert cases(edit_chinese.negation, "值得一提的是他的兄弟是医生。") == []
    assert cases(edit_chinese.negation, "大通門不位於南門。") == []


def test_chinese_text_makes_the_same_pairs_for_a_seed():
    text = "大通門位於四川省西昌市南門，文物遺址年代判定為明。該門高12米，寬5米，建於1387年。"
    made = list(edits.chinese([text], seed=1))
    assert made == list(edits.chinese([text], seed=1))
    assert {pair.label for pair in made} >= {SUPPORTS, REFUTES}
    assert all(pair.label == SUPPORTS for pair in made if pair.window == pair.claim)

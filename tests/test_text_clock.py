"""Times of day in words are no counts."""

import pytest

from gnomon.text import slots
from gnomon.text.clock import UNIT, find


@pytest.mark.parametrize(
    ("text", "written", "hour"),
    [
        ("It began at a quarter past nine.", "a quarter past nine", 9.25),
        ("It began at quarter past nine this morning", "quarter past nine", 9.25),
        ("Half past twelve already", "Half past twelve", 0.5),
        ("at five to six.", "five to six", 5 + 55 / 60),
        ("a quarter to nine", "a quarter to nine", 8.75),
        ("by seven tonight", "seven", 7.0),
        ("At nine o'clock the bells rang", "nine", 9.0),
        ("since 9 in the morning", "9", 9.0),
    ],
)
def test_times_are_found(text, written, hour):
    (slot,) = find(text)
    assert (slot.text, slot.unit) == (written, UNIT)
    assert slot.value == pytest.approx(hour)
    assert text[slot.start : slot.end] == written


@pytest.mark.parametrize(
    "text",
    [
        "Ten to twelve people came",
        "from nine to ten people",
        "a quarter to nine kilns",
        "at nine kilns",
        "about seven were hurt",
        "a quarter of nine",
        "at least nine on Friday evening",
    ],
)
def test_counts_are_no_times(text):
    assert find(text) == []


def test_a_time_is_neither_given_by_a_count_nor_a_count_by_a_time():
    fire = "The fire started at quarter past nine."
    assert slots.missing("The fire destroyed nine kilns.", fire)
    assert not slots.conflicts("The fire destroyed seven kilns.", fire)
    assert slots.missing("The fire started at nine o'clock.", fire)
    assert slots.conflicts("The fire started at half past ten.", fire)


def test_words_are_given_by_digits():
    assert not slots.missing("The bells rang at nine o'clock.", "The bells rang at 21:00.")
    assert slots.missing("The bells rang at nine o'clock.", "The bells rang at 20:00.")


def test_people_are_not_kilns():
    hurt = "Seven people were injured in the fire."
    assert slots.missing("Seven kilns were destroyed in the fire.", hurt)
    assert not slots.missing("Seven visitors were injured in the fire.", hurt)

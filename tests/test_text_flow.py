"""A document's words without the line breaks and the markup of its layout."""

from __future__ import annotations

import pytest

from gnomon.text.flow import flowed

WRAPPED = (
    "The club was founded in 1987 by Ada Lund, who kept its books until she moved to\n"
    "the coast. Its dues are 40 euros a year, and have been for as long as anyone can\n"
    "remember.\n\n"
    "It meets on Tuesdays.\n"
)


@pytest.mark.parametrize("markdown", [False, True])
def test_wrapped_lines_are_joined_and_paragraphs_are_not(markdown: bool) -> None:
    first, second = flowed(WRAPPED, markdown=markdown).split("\n\n")
    assert first == " ".join(WRAPPED.split("\n\n")[0].split())
    assert second == "It meets on Tuesdays."


def test_breaks_that_are_meant_stay() -> None:
    text = "Dues 40 euros.\nFounded 1987.\nTreasurer Bo Klein, whose term ends with the year."
    assert flowed(text) == text
    assert flowed("- one\n- two goes\n  on here and on\n") == "one\ntwo goes on here and on"


def test_verse_logs_and_conversations_stay_in_lines() -> None:
    verse = (
        "The harbour bell has rung the hour of nine\nAnd all the boats are lying on the sand\n"
        "The keeper walks along the water line\nWith half a lantern swinging in his hand"
    )
    log = (
        "[12:01] ann: did you see the ferry this morning, it was as late as it was last week\n"
        "[12:02] bo: they say that it will be mended by the end of the month, and I doubt it\n"
        "[12:03] ann: so do I"
    )
    said = (
        "Ann: did you see the ferry this morning, it was as late as it was all of last week\n"
        "Bo Klein: they say that it will be mended by the end of the month, and I doubt it\nAnn: me"
    )
    for text in (verse, log, said):
        assert flowed(text) == text


def test_markdown_loses_its_marks_and_keeps_its_tables_and_code() -> None:
    text = (
        "---\ntitle: x\n---\n# The *club*\n\n<!-- draft -->\nSee **[the bylaws](b.md)** or\n"
        "<https://club.example/b>, `b.md`.\n\n| Name | Dues |\n|---|---:|\n| *Ada* | 40 |\n\n"
        "```sh\nmake dues\n```\n"
    )
    assert flowed(text, markdown=True) == (
        "The club\n\nSee the bylaws or https://club.example/b, b.md.\n\n"
        "Name | Dues\nAda | 40\n\n```sh\nmake dues\n```"
    )


def test_addresses_stay() -> None:
    text = "Ask at https://club.example/join?x=1, or write to us."
    assert flowed(text) == text


def test_words_parted_by_a_typesetter_are_whole_again() -> None:
    assert flowed("The green-\nhouse stays shut.", typeset=True) == "The greenhouse stays shut."
    assert flowed("The A-\nB road", typeset=True).replace("\n", " ") == "The A- B road"


def test_chinese_is_joined_without_a_space() -> None:
    lines = "读书会每周四晚上七点在图书馆二楼的大阅览室里见面每次由一位会\n员主持。会费三十元。"
    assert flowed(lines) == lines.replace("\n", "")


@pytest.mark.timeout(60)
def test_it_is_done_in_linear_time() -> None:
    for piece in ("[", "*a", "http://a.b/ ", "- x\n", "a-\n", "| x "):
        flowed(piece * 20_000, markdown=True, typeset=True)

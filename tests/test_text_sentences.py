"""Sentence spans: case by case, and as a property of any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.text.sentences import split
from gnomon.text.tokens import tokens

CASES = {
    "Mr. Smith went to Washington. He did not like it.": [
        "Mr. Smith went to Washington.",
        "He did not like it.",
    ],
    'J. K. Rowling wrote 3.5 books... "Really?" she asked. Yes!': [
        "J. K. Rowling wrote 3.5 books...",
        '"Really?" she asked.',
        "Yes!",
    ],
    "The U.S. army said no. See https://a.example/c.d?e=f. Then go": [
        "The U.S. army said no.",
        "See https://a.example/c.d?e=f.",
        "Then go",
    ],
    "It opens at 5 p.m. on Friday. Apple Inc. agreed. No. 5 is alive": [
        "It opens at 5 p.m. on Friday.",
        "Apple Inc. agreed.",
        "No. 5 is alive",
    ],
    "lower case begins. another one (really.) goes on. e.g. this": [
        "lower case begins.",
        "another one (really.) goes on.",
        "e.g. this",
    ],
    "no punctuation at all just words #tag 😀 more words": [
        "no punctuation at all just words #tag 😀 more words"
    ],
    "Wow!!! 😀😀 Great. 👍": ["Wow!!!", "😀😀 Great."],
    "• one\n• two\n\n1. First item. Second": ["• one", "• two", "1. First item.", "Second"],
    "今天下雨了。“真的吗？”他问道。是的！！！我们走吧；再见": [
        "今天下雨了。",
        "“真的吗？”他问道。",
        "是的！！！",
        "我们走吧；",
        "再见",
    ],
    "他说：“我看到了。”然后他走了。": ["他说：“我看到了。”", "然后他走了。"],
    "東京は雨です。傘を持って！": ["東京は雨です。", "傘を持って！"],
    "": [],
    " \n\t": [],
}


@pytest.mark.parametrize("text", CASES)
def test_sentences(text):
    assert [text[start:end] for start, end in split(text)] == CASES[text]


PIECES = st.lists(
    st.sampled_from(
        ["a", "Dr.", "U.S.", "3.5", "。", "！", "”", "(", ")", "\n", " ", ". ",
         "! ", "?", "…", "...",
         "Word", "今天", "他说", "https://x.example/a.b", "😀", "#tag", "@x",
         "No.", "1.", "“", ";", "㎞"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(st.one_of(st.text(max_size=120), PIECES))
def test_spans_are_in_order_apart_trimmed_and_cover_every_word(text):
    spans = split(text)
    last = 0
    inside = []
    for start, end in spans:
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert not tokens(text[last:start])
        inside += [text[start:end]]
        last = end
    assert not tokens(text[last:])

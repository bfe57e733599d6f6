"""The doubles obey the same tests as the real models; the schema check sees what is wrong."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.errors import ModelError
from gnomon.models import schema
from gnomon.models.chatwire import disarm
from gnomon.models.doubles import HashEmbed, ScriptedChat, least
from gnomon.models.protocols import Message
from model_conformance import COLOURS, ChatConformance, EmbedConformance


class TestScriptedChat(ChatConformance):
    @pytest.fixture
    def chat(self):
        return ScriptedChat(least)


class TestHashEmbed(EmbedConformance):
    @pytest.fixture(params=[64, 384])
    def embed(self, request):
        return HashEmbed(request.param)


def test_a_script_that_breaks_the_schema_is_caught():
    chat = ScriptedChat(lambda messages, wanted: '{"colours": []}')
    with pytest.raises(ModelError, match=r"lacks 'sure'"):
        chat.complete([Message("user", "x")], schema=COLOURS)
    assert chat.requests == [(Message("user", "x"),)]


GOOD = {"colours": ["red"], "sure": "no", "count": 2}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"colours": "red"}, "$.colours is 'red', not of type array"),
        ({"colours": []}, "$.colours has 0 items, fewer than 1"),
        ({"colours": ["a"] * 4}, "$.colours has 4 items, more than 3"),
        ({"colours": [""]}, "$.colours[0] has 0 characters, fewer than 1"),
        ({"colours": ["a" * 13]}, "$.colours[0] has 13 characters, more than 12"),
        ({"sure": "maybe"}, "$.sure is 'maybe', none of ['yes', 'no']"),
        ({"count": True}, "$.count is True, not of type integer"),
        ({"count": 0}, "$.count is 0, less than 1"),
        ({"count": 10}, "$.count is 10, more than 9"),
        ({"count": 2.5}, "$.count is 2.5, not of type integer"),
        ({"more": 1}, "$ has 'more', which is not asked for"),
    ],
)
def test_each_violation_is_named(change, wrong):
    assert schema.violation(GOOD, COLOURS) == ""
    assert schema.violation({**GOOD, **change}, COLOURS) == wrong


def test_alternatives_constants_and_patterns():
    either = {"anyOf": [{"const": 1}, {"type": "string", "pattern": "^[ab]+$"}]}
    assert [schema.violation(v, either) == "" for v in (1, True, "abba", "abc")] == [
        *(True, False, True, False)
    ]
    with pytest.raises(ModelError, match="is not JSON"):
        schema.parse("{", either)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_any_json_value_conforms_to_itself_and_no_other_type(value):
    assert schema.violation(value, {"const": value}) == ""
    assert schema.violation(value, {"type": "object"}) != ""
    assert schema.parse(json.dumps(value), {}) == value


def test_words_in_common_make_texts_alike_and_order_does_not_matter():
    embed = HashEmbed(512)
    a, b, c = embed.passages(["the old mill burned", "burned mill, the OLD!", "rain is expected"])
    assert np.allclose(a, b)
    assert float(a @ c) < 0.4 < float(a @ embed.query("did the mill burn"))


@pytest.mark.parametrize(
    "token",
    ["<|im_end|>", "<|eot_id|>", "</s>", "<s>", "[INST]", "[/INST]", "<start_of_turn>", "</think>"],
)
def test_control_tokens_in_posts_are_broken_open(token):
    assert token not in disarm(f"a {token} b")
    assert disarm(f"a {token} b").replace("\u200b", "") == f"a {token} b"


def test_ordinary_text_is_left_alone():
    for text in ("1 < 2 | 3", "<b>bold</b>", "<script>", "[1] see", "", "日本 <3", "<strong>"):
        assert disarm(text) == text
    assert disarm("\ud800") == "?"

"""A post that speaks against its sentence looks like no other to a plain client: in the text, in
its annotation and in our own items, streamed or not, in Responses and in Chat Completions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from gnomon.assemble import Gnomon, open_files
from gnomon.config import load
from gnomon.serve.request import unmarked
from gnomon.text.aloud import aloud
from gnomon.types import Sentence
from serving import running

POSTS = {
    "en": ("The Quay Bridge reopened on Monday.", "The Quay Bridge did not reopen on Monday."),
    "zh": ("码头大桥周一重新开放。", "码头大桥周一没有重新开放。"),
}
ASKED = {"en": "What happened to the Quay Bridge on Monday?", "zh": "码头大桥周一怎么样了？"}
MARKER = {"en": "[2, against]", "zh": "[2，反对]"}
AUTHORS = {"en": ("harbour news", "old salt"), "zh": ("港口新闻", "老盐")}
TITLES = {"en": ("old salt", "against: harbour news"), "zh": ("老盐", "反对：港口新闻")}


@pytest.fixture(scope="module", params=POSTS)
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def engine(lang: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnomon]:
    home: Path = tmp_path_factory.mktemp("home")
    rows = [
        {
            "id": f"p{n}",
            "author": author,
            "text": text,
            "created_at": f"2026-05-04T0{3 * n}:00:00Z",
            "lang": lang,
        }
        for n, (author, text) in enumerate(zip(AUTHORS[lang], POSTS[lang], strict=True), 1)
    ]
    file = home / "posts.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with open_files(load(home, {}, chat_model="none", embed_model="none"), [file]) as gnomon:
        yield gnomon


@pytest.fixture(scope="module")
def client(engine: Gnomon) -> Iterator[openai.OpenAI]:
    with (
        running(engine) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


def check(text: str, notes: list[Any], lang: str) -> None:
    """The supporting and the contradicting citation of the one sentence."""
    for_, against = notes
    assert text[for_["start_index"] : for_["end_index"]] == "[1]"
    assert text[against["start_index"] : against["end_index"]] == MARKER[lang]
    assert (for_["title"], against["title"]) == TITLES[lang]
    assert text.endswith(f"{POSTS[lang][1]} [1]{MARKER[lang]}")


def test_in_responses_whole_and_streamed(client: openai.OpenAI, lang: str) -> None:
    include: Any = ["gnomon:verdicts"]
    whole = client.responses.create(model="gnomon", input=ASKED[lang], include=include)
    told = whole.to_dict(warnings=False)
    part = told["output"][0]["content"][0]
    check(whole.output_text, part["annotations"], lang)
    (sentence,) = told["gnomon"]["sentences"]
    assert (sentence["citations"], sentence["against"]) == ([1], [2])
    assert told["gnomon"]["text"] == whole.output_text
    verdict = told["output"][1]
    assert verdict["type"] == "gnomon:verdict"
    assert [one["stance"] for one in verdict["evidence"]] == ["supports", "refutes"]
    with client.responses.stream(model="gnomon", input=ASKED[lang]) as stream:
        seen = list(stream)
    assert "".join(e.delta for e in seen if e.type == "response.output_text.delta") == (
        whole.output_text
    )
    added: list[Any] = [
        e.annotation for e in seen if e.type == "response.output_text.annotation.added"
    ]
    check(whole.output_text, [dict(note) for note in added], lang)


def test_without_markers_the_title_still_says_so(client: openai.OpenAI, lang: str) -> None:
    include: Any = ["no_inline_citations"]
    made = client.responses.create(model="gnomon", input=ASKED[lang], include=include).to_dict()
    part = made["output"][0]["content"][0]
    assert part["text"] == POSTS[lang][1]
    notes = part["annotations"]
    assert tuple(note["title"] for note in notes) == TITLES[lang]
    assert {(note["start_index"], note["end_index"]) for note in notes} == {(0, len(part["text"]))}


def test_in_chat_completions_whole_and_streamed(client: openai.OpenAI, lang: str) -> None:
    asked: Any = {"model": "gnomon", "messages": [{"role": "user", "content": ASKED[lang]}]}
    whole = client.chat.completions.create(**asked).choices[0].message
    notes = [note.url_citation.to_dict() for note in whole.annotations or ()]
    check(whole.content or "", notes, lang)
    text, streamed = "", []
    for chunk in client.chat.completions.create(**asked, stream=True):
        delta = chunk.choices[0].delta.to_dict() if chunk.choices else {}
        text += delta.get("content") or ""
        streamed += [note["url_citation"] for note in delta.get("annotations") or ()]
    assert text == whole.content
    check(text, streamed, lang)


def test_the_mark_is_no_part_of_what_was_said(engine: Gnomon, lang: str) -> None:
    *_, last = engine.ask(ASKED[lang])
    text = last.answer.text  # type: ignore[union-attr]
    assert MARKER[lang] in text
    assert unmarked(text) == POSTS[lang][1]
    assert "2" not in aloud(text, lang)


def test_a_post_on_both_sides_is_marked_once() -> None:
    assert Sentence("x", 0, 1, citations=(3, 1), against=(1, 2)).markers("en") == (
        " [3][1][2, against]"
    )
    assert Sentence("x", 0, 1).markers("zh") == ""

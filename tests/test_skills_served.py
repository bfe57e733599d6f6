"""Skills over HTTP and on the page: events, errors, one's own uploads, two languages, a phone."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, expect

from browser import launched, watched
from gnomon.models.protocols import Message
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from serving import running
from skill_scripts import chat, sample_with
from test_page_sound import faults, sideways, strangers

PAGE = Path(__file__).parent.parent / "src" / "gnomon" / "serve" / "page"
CLUB = (
    "The rowing club of Ondle was founded in 1897.\n\nThe annual dues are 40 crowns. <b>Half.</b>"
)
PLOT = {
    "premise": "Mira keeps the lighthouse.",
    "characters": [{"name": "Osric", "status": "dead"}],
}
HOSPITAL = "The hospital says that its emergency department will not close. <img src=x onerror=a>"


def told(messages: Sequence[Message]) -> str:
    if "Mind:" in messages[-1].content:
        return "“Who is there?” asked Mira. Nobody answered her in the dark."
    return "The wind rose over the bay. “Come down,” said Osric."


def turned(messages: Sequence[Message]) -> dict[str, str]:
    text = json.loads(messages[-1].content)["text"]
    return {
        "translation": "渡轮11点30分从翁德开出。"
        if "ferry" in text
        else "这里有九个人在等待渡轮的到来。"
    }


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = chat(
        story=told,
        translation=turned,
        pick={"sentence": 0, "answer": ""},
        speech={"sentences": [
            {"text": HOSPITAL.partition(" <")[0], "evidence": [1]},
            {"text": f"I think {HOSPITAL}", "evidence": []},
            {"text": "The hospital has 4,000 wards.", "evidence": []},
        ]},
    )  # fmt: skip
    with sample_with(tmp_path_factory.mktemp("home"), model) as engine, running(engine) as url:
        yield url


def events(reply: httpx.Response) -> list[tuple[str, Any]]:
    rows = re.findall(r"event: (\w+)\ndata: (.*)\n", reply.text)
    return [(name, json.loads(data)) for name, data in rows]


def test_each_skill_whole_and_streamed(url: str) -> None:
    bodies: dict[str, tuple[dict[str, Any], str, str]] = {
        "story": ({"plot": PLOT, "words": 20}, "piece", "gnomon.story"),
        "debate": ({"motion": "The emergency department should stay open.", "rounds": 1},
                   "argued", "gnomon.debate"),
        "translate": ({"text": "The ferry leaves Ondle at 11:30.", "to": "zh"},
                      "stretch", "gnomon.translation"),
        "read": ({"question": "What are the annual dues?", "text": CLUB}, "", "gnomon.reading"),
    }  # fmt: skip
    with httpx.Client(base_url=f"{url}/v1/skills", timeout=60) as api:
        for skill, (body, more, kind) in bodies.items():
            whole = api.post(f"/{skill}", json=body).json()
            assert whole["object"] == kind
            streamed = events(api.post(f"/{skill}", json=body | {"stream": True}))
            names = [name for name, _ in streamed]
            assert names[0] == "step"
            assert names[-1] == kind.removeprefix("gnomon.")
            assert streamed[-1][1] == whole
            assert not more or more in names
        story = api.post("/story", json=bodies["story"][0]).json()
        assert "Osric" not in story["text"]
        assert story["slips"][0]["kind"] == "dead"
        again = api.post("/story", json={"plot": story["toml"], "words": 20, "wish": "x"})
        assert again.status_code in (200, 500), "what it wrote before is a repetition now"
        debate = api.post("/debate", json=bodies["debate"][0]).json()
        assert "The hospital has 4,000 wards." in [one["text"] for one in debate["left_out"]]
        assert debate["citations"]
        assert api.post("/translate", json=bodies["translate"][0]).json()["whole"] is True


@pytest.mark.parametrize(
    ("skill", "body", "status", "says"),
    [
        ("story", {"plot": 5}, 400, "neither an object nor TOML"),
        ("story", {"plot": {"lang": "fr"}}, 400, "lang is 'fr'"),
        ("story", {"plot": "premise = "}, 400, "not valid TOML"),
        ("story", {"plot": PLOT, "words": 5}, 400, "give 20 to 2,000"),
        ("story", {"plot": PLOT, "model": "nobody"}, 404, "no chat model"),
        ("story", {"plots": {}}, 400, "There is no field 'plots'"),
        ("debate", {"motion": " "}, 400, "'motion' is empty"),
        ("debate", {"motion": "x", "rounds": 9}, 400, "give 1 to 4"),
        ("translate", {"text": "x", "to": "xx"}, 400, "to is 'xx'"),
        ("translate", {"text": "x", "to": "zh", "glossary": {"a": 1}}, 400, "is no term"),
        ("read", {"question": "What?"}, 400, "Nothing is given to read"),
        ("read", {"question": "W?", "text": "a", "file_id": "b"}, 400, "text and file_id are"),
        ("read", {"question": "W?", "file_id": "file-none"}, 404, "file-none"),
        ("read", {"question": "W?", "file_data": "%%%"}, 400, "is not base64"),
        ("read", {"question": "W?", "file_data": "f0VMRg==", "filename": "a.bin"}, 400, "a.bin"),
    ],
)
def test_what_cannot_be_done_is_said(
    url: str, skill: str, body: dict[str, Any], status: int, says: str
) -> None:
    reply = httpx.post(f"{url}/v1/skills/{skill}", json=body, timeout=60)
    assert reply.status_code == status, reply.text
    assert says in reply.json()["error"]["message"]


def test_files_are_ones_own_and_scopes_hold(tmp_path: Path) -> None:
    database = Database(tmp_path / "keys.db")
    keys = {
        name: Keys(database).create(name, scopes=scopes)[0]
        for name, scopes in (("one", ("ask", "write")), ("two", ("ask",)))
    }
    with sample_with(tmp_path / "home", None) as engine, running(engine, database=database) as url:
        api = {n: httpx.Client(base_url=f"{url}/v1", headers={"authorization": f"Bearer {key}"},
                               timeout=60) for n, key in keys.items()}  # fmt: skip
        form = {"file": ("club.txt", CLUB.encode())}
        made = api["one"].post("/files", files=form, data={"purpose": "user_data"}).json()
        body = {"question": "What are the annual dues?", "file_id": made["id"]}
        mine = api["one"].post("/skills/read", json=body)
        assert mine.json()["answer"] == "40 crowns"
        assert mine.json()["name"] == "club.txt"
        assert api["two"].post("/skills/read", json=body).status_code == 404
        data = base64.b64encode(CLUB.encode()).decode()
        sent = {"question": body["question"], "file_data": data, "filename": "club.txt"}
        assert api["two"].post("/skills/read", json=sent).json()["answer"] == "40 crowns"
        assert httpx.post(f"{url}/v1/skills/read", json=sent).status_code == 401
        left = list(engine.library.files_dir.glob(".part-*"))
        assert not left, "what came with a question went with it"
        none = api["two"].post("/skills/translate", json={"text": "x", "to": "zh"})
        assert none.status_code == 404
        assert none.json()["error"]["code"] == "no_chat_model"
        for client in api.values():
            client.close()


# ------------------------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.mark.parametrize(("locale", "width"), [("en-GB", 1280), ("zh-CN", 360)])
def test_the_skills_on_the_page(browser: Browser, url: str, locale: str, width: int) -> None:
    axe, found = Axe(), list[str]()

    def look(what: str) -> None:
        told = [strangers(page), sideways(page, width), *faults(axe, page)]
        found.extend(f"{what}: {fault}" for fault in told if fault)

    with watched(
        browser, locale=locale, viewport={"width": width, "height": 800}, reduced_motion="reduce"
    ) as context:
        page = context.new_page()
        page.goto(url)
        page.click("#nav a[href='/#skills']")
        page.fill("#premise", "Mira keeps the lighthouse.")
        look("story, empty")
        page.fill("#words", "20")
        page.click("#skill-go")
        expect(page.locator(".told .words")).to_contain_text("The wind rose")
        expect(page.locator("#toml")).to_have_value(re.compile("Mira keeps the lighthouse"))
        page.locator("summary").first.click()
        look("story")
        page.reload()
        expect(page.locator("#toml")).to_have_value(re.compile("The wind rose"))

        page.click(".places a[href='/#skills=debate']")
        page.fill("#motion", "The emergency department should stay open.")
        page.press("#motion", "Enter")
        expect(page.locator(".sides .words").first).to_contain_text("will not close")
        expect(page.locator("#skill-go.stop")).to_have_count(0)
        look("debate")
        page.locator(".sides .cite").first.click()
        expect(page.locator("#panel mark")).to_be_visible()
        page.keyboard.press("Escape")

        page.goto(f"{url}/#skills=translate")
        page.fill("#source", "The ferry leaves Ondle at 11:30.\n152 people waited for it.")
        page.select_option("#to", "zh")
        page.click("#skill-go")
        expect(page.locator(".result")).to_contain_text("11点30分")
        expect(page.locator(".result .lossy")).to_have_count(1)
        look("translate")

        page.goto(f"{url}/#skills=read")
        page.fill("#asked", "What are the annual dues?")
        page.set_input_files(
            "#document-file", {"name": "c.txt", "mimeType": "text/plain", "buffer": CLUB.encode()}
        )
        page.click("#skill-go")
        expect(page.locator(".skill .abstained")).to_be_visible()
        look("read")
    assert not found, "\n".join(found)


def test_both_languages_have_the_same_words_and_all_are_used(browser: Browser, url: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(url)
        shapes = page.evaluate(
            """async () => {
                const shape = (value) => value && typeof value === 'object'
                    ? Object.fromEntries(Object.keys(value).sort().map(k => [k, shape(value[k])]))
                    : typeof value;
                const words = await import('/page/skills.words.js');
                return [shape(words.en), shape(words.zh)];
            }"""
        )
    assert shapes[0] == shapes[1]
    script = (PAGE / "skills.js").read_text("utf-8")
    for part, words in shapes[0].items():
        for name in words if isinstance(words, dict) and part != "tabs" else ():
            used = rf"w\.{part}\.{name}\b|w\[tab\]\.{name}\b|w\.read\[one\.stance\]"
            assert re.search(used, script), f"nothing shows {part}.{name}"

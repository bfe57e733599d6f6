"""The page in a real Chromium: a person asks, watches, reads, checks, searches, switches."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser import launched
from gnomon.assemble import open_files
from gnomon.config import load
from gnomon.errors import GnomonError
from gnomon.serve.contract import Engine
from gnomon.types import Batch, Deletion, Event, Step
from serving import (
    CHINESE,
    ENGLISH,
    UNANSWERABLE,
    Scripted,
    answered,
    running,
    sample_world,
)

HOSTILE = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
# Two origins for, one against; emoji before the cited words; hostile words and a hostile address.
BRIDGE = [
    {
        "id": "a1",
        "author": "harbour_news",
        "created_at": "2026-05-04T07:00:00Z",
        "text": "Storm 🌊🌊: all is calm. The Quay Bridge reopened on Monday. Buses run again.",
        "url": "https://harbour.example/1",
    },
    {
        "id": "a2",
        "author": "mira",
        "created_at": "2026-05-04T09:00:00Z",
        "text": "Walked the dog over it 🚶🐕. On Monday they reopened our old Quay Bridge!",
        "url": "javascript:document.title='pwned'",
    },
    {
        "id": "a3",
        "author": f"oldsalt {HOSTILE}",
        "created_at": "2026-05-04T10:00:00Z",
        "text": f"The Quay Bridge did not reopen on Monday. {HOSTILE}",
    },
    {
        "id": "a4",
        "author": "echo",
        "created_at": "2026-05-04T11:00:00Z",
        "text": "Storm 🌊🌊: all is calm. The Quay Bridge reopened on Monday. Buses run again.",
        "repost_of": "a1",
    },
]
BRIDGE_QUESTION = "Is it true that the Quay Bridge reopened on Monday?"

Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with sample_world(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture(scope="module")
def question(engine: Engine) -> str:
    return answered(engine, ENGLISH)


@pytest.fixture(scope="module")
def url(engine: Engine) -> Iterator[str]:
    with running(engine) as url:
        yield url


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over four posts of our own that disagree."""
    home = tmp_path_factory.mktemp("bridge")
    file = home / "bridge.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in BRIDGE), encoding="utf-8")
    config = load(home, {}, chat_model="none", embed_model="none")
    with open_files(config, [file]) as engine, running(engine) as url:
        yield url


@contextmanager
def watched(browser: Browser, allowed: str = "", **options: Any) -> Iterator[BrowserContext]:
    """A context in which any error, refusal by the policy or foreign request fails the test, but
    for a console message that has ``allowed`` in it."""
    options = {"locale": "en-GB", "viewport": {"width": 1280, "height": 860}} | options
    context = browser.new_context(timezone_id="UTC", **options)
    context.set_default_timeout(10_000)
    trouble: list[str] = []
    context.on("console", lambda m: trouble.append(m.text) if m.type != "log" else None)
    context.on("weberror", lambda error: trouble.append(str(error.error)))
    hosts: set[str] = set()
    context.on(
        "request", lambda request: hosts.add(re.sub(r"^(\w+://[^/]*).*", r"\1", request.url))
    )
    try:
        yield context
        assert not [text for text in trouble if not (allowed and allowed in text)]
        assert len(hosts) == 1, f"the page spoke to {hosts}"
        assert next(iter(hosts)).startswith("http://127.0.0.1:")
    finally:
        context.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Opens a page, watched until the test ends."""
    with watched(browser) as context:

        def go(url: str) -> Page:
            page = context.new_page()
            page.goto(url)
            expect(page.locator("#held")).to_contain_text(re.compile(r"\d"))
            return page

        yield go


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(page.locator(".answer .facts")).to_be_visible()


def answer_of(page: Page) -> dict[str, Any]:
    """The answer that the page shows, as the server has it."""
    expect(page).to_have_url(re.compile("#answer="))
    address = f"/v1/answers/{page.url.partition('#answer=')[2]}"
    answer: dict[str, Any] = page.evaluate("a => fetch(a).then(r => r.json())", address)
    return answer


def test_a_person_asks_and_checks_the_very_words(opened: Opened, url: str, question: str) -> None:
    page = opened(url)
    expect(page.locator("#sample")).to_contain_text("fiction")
    ask(page, question)
    answer = answer_of(page)
    shown = page.locator(".sentences .words").all_inner_texts()
    assert len(shown) == len(answer["sentences"])
    for words, sentence in zip(shown, answer["sentences"], strict=True):
        assert words.startswith(sentence["text"])
    expect(page.locator(".answer .badge").first).to_have_text(
        re.compile("Supported|Refuted|Disputed")
    )
    page.locator(".made summary").click()
    steps = page.locator(".steps li").all_inner_texts()
    assert len(steps) == 5
    assert re.search(r"\d+ posts · \d+ origins", steps[1])
    page.locator(".cite").first.click()
    expect(page.locator("#panel mark")).to_have_text(answer["citations"][0]["quote"])
    expect(page.locator("#panel .intact")).to_be_visible()
    expect(page.locator("#panel code")).to_have_text(answer["citations"][0]["hash"])
    expect(page.locator("#panel-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".cite").first).to_be_focused()


def test_both_sides_origins_and_offsets_in_utf16(opened: Opened, bridge: str) -> None:
    page = opened(bridge)
    ask(page, BRIDGE_QUESTION)
    answer = answer_of(page)
    quotes = {c["post"]: c["quote"] for c in answer["citations"]}
    assert {"a1", "a3"} <= set(quotes)
    columns = page.locator(".sides").first.locator(".side")
    expect(columns.nth(0)).to_contain_text("For")
    expect(columns.nth(0).locator(".card")).to_have_count(2)
    expect(columns.nth(0)).to_contain_text("stands for 2 posts from one origin")
    expect(columns.nth(1)).to_contain_text("Against")
    expect(columns.nth(1)).to_contain_text("The Quay Bridge did not reopen on Monday.")
    for citation in answer["citations"]:
        page.locator(f".cite[data-n='{citation['n']}']").first.click()
        expect(page.locator("#panel-title")).to_have_text(f"Source {citation['n']}")
        expect(page.locator("#panel mark")).to_have_text(citation["quote"])
    first = next(c["n"] for c in answer["citations"] if c["post"] == "a1")
    page.locator(f".cite[data-n='{first}']").first.click()
    expect(page.locator(".origin h3")).to_have_text("2 posts by 2 authors from one origin")
    rows = page.locator(".origin .posts > li")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("said it first")
    expect(page.get_by_role("link", name="Open the original")).to_have_attribute(
        "href", "https://harbour.example/1"
    )


def test_hostile_posts_stay_words(opened: Opened, bridge: str) -> None:
    page = opened(bridge)
    ask(page, BRIDGE_QUESTION)
    for post in ("a2", "a3"):
        page.goto(f"{bridge}/posts/{post}")
        expect(page.locator(".held-post .text")).to_contain_text("Monday")
        assert page.locator("#panel img, #panel script").count() == 0
        assert page.locator("a[href^='javascript']").count() == 0
    expect(page.locator("#panel")).to_contain_text("<script>")
    page.goto(f"{bridge}/#search=Monday")
    expect(page.locator(".results li")).to_have_count(3)
    page.goto(f"{bridge}/#q={HOSTILE}")
    expect(page.locator(".asked-words")).to_be_visible()
    assert page.title() == "gnomon"


def test_abstaining_is_shown_with_what_was_searched(opened: Opened, url: str) -> None:
    page = opened(url)
    ask(page, UNANSWERABLE)
    expect(page.locator(".abstained .badge")).to_have_text("No answer: not enough evidence")
    expect(page.locator(".looked")).to_contain_text(re.compile(r"\d+ posts"))
    page.locator(".made summary").click()
    expect(page.locator(".steps li").first).to_contain_text(re.compile("About|In the words"))
    assert page.locator(".sorry").count() == 0


def test_a_question_that_cannot_be_used_is_told(browser: Browser, url: str, question: str) -> None:
    with watched(browser, allowed="status of 400") as context:
        page = context.new_page()
        page.goto(url)
        page.fill("#question", "?!")
        page.press("#question", "Enter")
        expect(page.locator(".sorry")).to_contain_text("no word to search for")
        ask(page, question)


def test_stop_and_a_failure_on_the_way(browser: Browser) -> None:
    closed = threading.Event()

    def script(question: str) -> Iterator[Event]:
        yield Step("plan", "thinking", {})
        if question == "fail":
            raise GnomonError("The disk went away; look at its cable.")
        try:
            while True:
                yield Step("retrieve", "reading on", {})
                time.sleep(0.02)
        finally:
            closed.set()

    with running(Scripted(script)) as url, watched(browser) as context:
        page = context.new_page()
        page.goto(f"{url}/#q=slow")
        expect(page.locator(".steps .now")).to_contain_text("reading on")
        page.click("#stop")
        expect(page.locator("#result")).to_contain_text("Stopped.")
        assert closed.wait(10), "the engine was stopped too"
        expect(page.locator("#go")).to_be_visible()
        page.fill("#question", "fail")
        page.press("#question", "Enter")
        expect(page.locator(".sorry")).to_contain_text("The disk went away; look at its cable.")
        expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_kept_answer_forgets_what_was_deleted(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "bridge.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in BRIDGE), encoding="utf-8")
    config = load(tmp_path, {}, chat_model="none", embed_model="none")
    with (
        open_files(config, [file]) as engine,
        running(engine) as url,
        watched(browser, allowed="status of 404") as context,
    ):
        page = context.new_page()
        page.goto(url)
        ask(page, BRIDGE_QUESTION)
        shared = page.url
        gone = next(c for c in answer_of(page)["citations"] if c["post"] == "a2")
        expect(page.locator(".answer")).to_contain_text(gone["quote"])
        engine.store.write(Batch("test", deletions=(Deletion("test", time.time(), post="a2"),)))
        page.goto(url)
        page.goto(shared)
        expect(page.locator(".lost")).to_contain_text("One cited post was deleted")
        expect(page.locator(".answer")).not_to_contain_text(gone["quote"])
        expect(page.locator(".sides .card", has_text="deleted by its author")).to_have_count(1)
        page.locator(f".cite[data-n='{gone['n']}']").first.click()
        expect(page.locator("#panel .sorry")).to_contain_text("no longer here")


def test_search_opens_posts_and_collapses_origins(opened: Opened, url: str) -> None:
    page = opened(url)
    page.click("#mode-search")
    page.fill("#question", "lead tap water legal limit")
    page.press("#question", "Enter")
    expect(page.locator("#count")).to_have_text(re.compile(r"\d+ origins, standing for \d+ posts"))
    many = page.locator(".results li", has_text=re.compile(r"\d\d posts by \d+ authors")).first
    many.locator("button").click()
    expect(page.locator(".origin h3")).to_have_text(re.compile(r"\d\d posts by"))
    expect(page.locator(".origin .card.here")).to_have_count(1)


def test_chinese(browser: Browser, url: str, engine: Engine) -> None:
    with watched(browser, locale="zh-CN") as context:
        page = context.new_page()
        page.goto(url)
        expect(page.locator("h1")).to_have_text("大家在说什么？站得住脚吗？")
        expect(page.locator("#examples button").first).to_have_text(re.compile(r"[\u4e00-\u9fff]"))
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
        ask(page, answered(engine, CHINESE))
        expect(page.locator(".sentence .badge").first).to_be_visible()
        quote = answer_of(page)["citations"][0]["quote"]
        page.locator(".cite").first.click()
        expect(page.locator("#panel mark")).to_have_text(quote)
        expect(page.locator("#panel .intact")).to_contain_text("原话")
        page.click("#panel .close")
        page.click("#lang")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.locator(".facts").first).to_contain_text("As of")
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "en")


def test_every_string_is_in_both_languages() -> None:
    text = (Path(__file__).parent.parent / "src/gnomon/serve/page/strings.js").read_text("utf-8")
    english, chinese = text.split("const zh = {")
    keys = [set(re.findall(r"^  (\w+):", part, re.MULTILINE)) for part in (english, chinese)]
    assert keys[0] == keys[1]
    page = Path(__file__).parent.parent / "src/gnomon/serve/page"
    used = set()
    for file in page.iterdir():
        if file.suffix in (".js", ".html"):
            words = file.read_text("utf-8")
            used |= set(re.findall(r"(?<![\w/])(?:t|en|zh)\.(\w+)", words))
            used |= set(re.findall(r'data-t(?:-label)?="(\w+)"', words))
    assert not used - keys[0]
    assert not {key for key in keys[0] if key not in used}, "a string that nothing shows"


def test_by_keyboard_alone(opened: Opened, url: str, question: str) -> None:
    page = opened(f"{url}/#search=harbour")
    expect(page.locator(".results")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator("#mode-ask")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#mode-ask")).to_have_attribute("aria-pressed", "true")
    page.locator(".brand").focus()
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(question)
    page.keyboard.press("Enter")
    expect(page.locator(".answer .facts")).to_be_visible()
    expect(page.locator("#said")).not_to_be_empty()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('cite')"):
            break
    expect(page.locator(".cite").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#panel mark")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#panel') !== null")
    page.keyboard.press("Escape")
    expect(page.locator(".cite").first).to_be_focused()
    unnamed = "button:not([aria-label]):empty, a:not([aria-label]):empty"
    assert page.locator(unnamed).count() == 0
    assert page.locator("[aria-live], [role=status]").count() >= 1


def test_status(opened: Opened, url: str) -> None:
    page = opened(url)
    page.click("#status")
    expect(page.locator(".numbers")).to_contain_text("posts")
    expect(page.locator(".sources")).to_contain_text("sample:town")


def test_an_answer_is_shared_by_its_address(opened: Opened, url: str, question: str) -> None:
    page = opened(url)
    ask(page, question)
    shared = page.url
    words = page.locator(".sentences").inner_text()
    other = opened(shared)
    expect(other.locator(".asked-words")).to_have_text(question)
    assert other.locator(".sentences").inner_text() == words
    other.go_back()
    page.click(".brand")
    expect(page.locator("h1")).to_be_visible()


def test_phone_width_and_both_themes(browser: Browser, url: str, question: str) -> None:
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    ink = "getComputedStyle(document.body).color"
    with watched(browser, color_scheme="dark", **phone) as context:
        page = context.new_page()
        page.goto(url)
        ask(page, question)
        page.locator(".cite").first.click()
        expect(page.locator("#panel mark")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        dark = page.evaluate(ink)
        page.click("#panel .close")
        page.click("#theme")
        light = page.evaluate(ink)
        assert light != dark
        page.reload()
        assert page.evaluate(ink) == light


def test_first_paint_is_quick(opened: Opened, url: str) -> None:
    page = opened(url)
    paint = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
    )
    assert 0 < paint < 1000

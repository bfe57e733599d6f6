"""Asking in a real Chromium: a person asks, watches, reads, checks the words, and asks further."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from browser import answer_of, ask, launched, watched
from gnomon.errors import GnomonError
from gnomon.serve.contract import Engine
from gnomon.types import Batch, Deletion, Event, Step
from page_worlds import BRIDGE_QUESTION, HOSTILE, bridge_world
from serving import (
    CHINESE,
    ENGLISH,
    UNANSWERABLE,
    Scripted,
    answered,
    running,
    sample_world,
)

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
    """A server over a few posts of our own that disagree."""
    with bridge_world(tmp_path_factory.mktemp("bridge")) as engine, running(engine) as url:
        yield url


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Opens a page, watched until the test ends."""
    with watched(browser) as context:

        def go(url: str) -> Page:
            page = context.new_page()
            page.goto(url)
            expect(page.locator("#count-held")).to_contain_text(re.compile(r"\d"))
            return page

        yield go


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
    expect(columns.nth(0)).to_contain_text("stands for 2 posts from one origin")
    expect(columns.nth(1)).to_contain_text("Against")
    expect(columns.nth(1)).to_contain_text("The Quay Bridge did not reopen on Monday.")
    verdict = next(v for v in answer["verdicts"] if v["origins_for"] and v["origins_against"])
    stands = {e["origin"]: verdict["posts_by_origin"][e["origin"]] for e in verdict["evidence"]}
    expect(page.locator(".weighed b").first).to_have_text(
        f"{sum(stands.values())} posts = {len(stands)} origins"
    )
    expect(page.locator(".weighed").first.locator(".voice")).to_have_count(
        len({(e["origin"], e["stance"]) for e in verdict["evidence"]})
    )
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
    expect(page.locator(".timeline .dot")).to_have_count(2)
    expect(page.get_by_role("link", name="Open the original")).to_have_attribute(
        "href", "https://harbour.example/1"
    )


def test_support_stands_in_the_margin_in_reading_order_and_opens_by_tap(
    browser: Browser, bridge: str
) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(bridge)
        ask(page, BRIDGE_QUESTION)
        noted = page.locator(".sentence:has(.notes)").first
        order = noted.evaluate(
            "s => [...s.querySelectorAll('.words, .support, .notes')].map(n => n.className)"
        )
        assert order == ["words", "support", "notes"]
        note = noted.locator(".notes .margin").first
        expect(note).to_be_visible()
        words = noted.locator(".words").bounding_box()
        beside = note.bounding_box()
        assert words
        assert beside
        assert beside["x"] > words["x"] + words["width"]
        noted.locator(".cite").first.hover()
        expect(note).to_have_class(re.compile("lit"))
        note.click()
        expect(page.locator("#panel mark")).to_be_visible()
    phone: dict[str, Any] = {
        "viewport": {"width": 360, "height": 740},
        "has_touch": True,
        "is_mobile": True,
    }
    with watched(browser, **phone) as context:
        page = context.new_page()
        page.goto(bridge)
        ask(page, BRIDGE_QUESTION)
        noted = page.locator(".sentence:has(.notes)").first
        expect(noted.locator(".notes")).to_be_hidden()
        noted.locator(".words").tap(position={"x": 20, "y": 10})
        expect(noted.locator(".notes .margin").first).to_be_visible()


def test_hostile_posts_stay_words(opened: Opened, bridge: str) -> None:
    page = opened(bridge)
    ask(page, BRIDGE_QUESTION)
    for post in ("a2", "a3"):
        page.goto(f"{bridge}/posts/{post}")
        expect(page.locator(".held-post .text")).to_contain_text("Monday")
        assert page.locator("#view img, #view script").count() == 0
        assert page.locator("a[href^='javascript']").count() == 0
    expect(page.locator("#view")).to_contain_text("<script>")
    page.goto(f"{bridge}/#search=Monday")
    expect(page.locator(".results li")).to_have_count(3)
    page.goto(f"{bridge}/#q={HOSTILE}")
    expect(page.locator(".asked-words")).to_be_visible()
    assert page.title() == "gnomon"


def test_words_that_run_from_right_to_left_do(opened: Opened, bridge: str) -> None:
    page = opened(f"{bridge}/posts/a5")
    text = page.locator(".held-post .text")
    expect(text).to_contain_text("Quay Bridge")
    assert text.evaluate("n => getComputedStyle(n).direction") == "rtl"
    assert page.locator("h1").evaluate("n => getComputedStyle(n).direction") == "ltr"


def test_abstaining_is_shown_with_what_was_searched(opened: Opened, url: str) -> None:
    page = opened(url)
    ask(page, UNANSWERABLE)
    expect(page.locator(".abstained .badge")).to_have_text("No answer: not enough evidence")
    expect(page.locator(".answer .facts")).to_contain_text(re.compile(r"\d+ (posts|origins)"))
    page.locator(".made summary").click()
    expect(page.locator(".steps li").first).to_contain_text(re.compile("About|In the words"))
    assert page.locator(".sorry").count() == 0
    expect(page.get_by_role("button", name="See the nearest posts")).to_have_count(0)
    expect(page.locator(".nearest")).to_have_count(0)
    assert (
        page.locator(".steps li").first.evaluate("n => getComputedStyle(n).marginBottom") == "0px"
    )
    ask(page, "How many swans live under Lantern Bridge?", turn=2)
    near = page.locator(".nearest .card")
    expect(near).to_have_count(3)
    near.first.click()
    expect(page.locator("#panel .held-post")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="See the nearest posts").click()
    expect(page.locator("#result")).to_be_visible()
    assert "#search=" in page.url


def test_a_follow_up_leans_on_what_was_asked(opened: Opened, url: str) -> None:
    page = opened(url)
    ask(page, "When will Lantern Bridge open to cars?")
    expect(page.locator(".follows")).to_contain_text("Follows on")
    ask(page, "And Cliff Road?", turn=2)
    expect(page.locator(".turn").nth(1).locator(".where")).to_contain_text("Cliff Road")
    assert answer_of(page)["question"] != "And Cliff Road?"
    kept = page.url
    page.get_by_role("button", name="Take my words as they stand").click()
    expect(page.locator(".turn .answer .facts")).to_have_count(3)
    assert answer_of(page)["question"] == "And Cliff Road?"
    page.goto(kept)
    page.reload()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".asked-words").nth(1)).to_have_text("And Cliff Road?")
    expect(page.locator(".turn").nth(1).locator(".where")).to_contain_text("Understood as")
    assert page.url == kept
    page.get_by_role("link", name="Start afresh").click()
    expect(page.locator("h1.motto")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(0)
    page.go_back()
    expect(page.locator(".turn")).to_have_count(2)


def test_a_reload_in_the_midst_of_a_follow_up_keeps_what_it_follows(
    browser: Browser, url: str
) -> None:
    held = True

    def wait(route: Route) -> None:
        if not held:
            route.continue_()

    with watched(browser, allowed="status of 404") as context:
        page = context.new_page()
        page.goto(url)
        ask(page, "When will Lantern Bridge open to cars?")
        page.route("**/v1/ask", wait)
        page.fill("#question", "And Cliff Road?")
        page.press("#question", "Enter")
        expect(page).to_have_url(re.compile(r"#q=And%20Cliff%20Road%3F&after=ask_"))
        asking, held = page.url, False
        page.reload()
        expect(page.locator(".turn .answer .facts")).to_have_count(2)
        expect(page.locator(".asked-words").first).to_have_text(re.compile("^When will Lantern"))
        assert "Cliff Road" in (question := answer_of(page)["question"])
        assert question != "And Cliff Road?"
        page.goto(f"{url}/{asking[asking.index('#') :]}0")
        expect(page.locator(".sorry")).to_contain_text("Nothing is kept")
        expect(page.locator("#question")).to_have_value("And Cliff Road?")
        expect(page.locator(".turn")).to_have_count(1)


def test_going_back_leaves_an_answer_and_asks_nothing_again(opened: Opened, bridge: str) -> None:
    page = opened(bridge)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    ask(page, BRIDGE_QUESTION)
    first = page.url
    ask(page, f"Did the Quay Bridge reopen on Monday{' or on some other day' * 20}?", turn=2)
    long = page.locator(".asked-words").nth(1)
    assert long.evaluate("n => n.scrollHeight > n.clientHeight"), "its beginning is enough"
    page.get_by_role("button", name="Show the whole question").click()
    assert long.evaluate("n => n.scrollHeight === n.clientHeight")
    page.go_back()
    expect(page).to_have_url(first)
    page.go_back()
    expect(page.locator("h1.motto")).to_be_visible()
    page.go_forward()
    expect(page.locator(".turn .answer .facts")).to_have_count(1)
    assert asked.count("ask") == 2


def test_a_question_for_everything_leads_to_what_is_going_on(opened: Opened, url: str) -> None:
    page = opened(url)
    for words in ("What is going on?", "what's happening right now", "最近发生了什么？"):
        page.fill("#question", words)
        page.press("#question", "Enter")
        expect(page.locator(".board .title")).to_be_visible()
        page.go_back()
        expect(page.locator("h1.motto")).to_be_visible()
    page.goto(f"{url}/#q=What is going on in Marrowick?")
    expect(page.locator(".turn .answer .facts")).to_be_visible()


def test_a_question_that_cannot_be_used_is_told(browser: Browser, url: str, question: str) -> None:
    with watched(browser, allowed="status of 400") as context:
        page = context.new_page()
        page.goto(url)
        page.fill("#question", "?!")
        page.press("#question", "Enter")
        expect(page.locator(".sorry")).to_contain_text("no word to search for")
        ask(page, question)


def test_stop_retry_and_a_failure_on_the_way(browser: Browser) -> None:
    closed = threading.Event()
    asked: list[str] = []

    def script(question: str) -> Iterator[Event]:
        asked.append(question)
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
        expect(page.locator(".turn")).to_contain_text("Stopped.")
        assert closed.wait(10), "the engine was stopped too"
        expect(page.locator("#go")).to_be_visible()
        closed.clear()
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".steps .now")).to_contain_text("reading on")
        assert asked == ["slow", "slow"]
        page.goto(f"{url}/#check")
        assert closed.wait(10), "leaving the view stops it as well"
        page.goto(f"{url}/#q=fail")
        expect(page.locator(".sorry")).to_contain_text("The disk went away; look at its cable.")
        expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_kept_answer_forgets_what_was_deleted(browser: Browser, tmp_path: Path) -> None:
    with (
        bridge_world(tmp_path) as engine,
        running(engine) as url,
        watched(browser, allowed="status of 404") as context,
    ):
        page = context.new_page()
        page.goto(url)
        ask(page, BRIDGE_QUESTION)
        answer = answer_of(page)
        gone = next(c for c in answer["citations"] if c["post"] == "a2")
        expect(page.locator(".answer")).to_contain_text(gone["quote"])
        kept, shared = page.url, f"{url}/#answer={answer['id']}"
        engine.store.write(Batch("test", deletions=(Deletion("test", time.time(), post="a2"),)))
        page.goto(shared)
        page.reload()
        expect(page.locator(".lost")).to_contain_text("One cited post was deleted")
        for address in (shared, kept):
            page.goto(address)
            page.reload()
            expect(page.locator(".answer .facts")).to_be_visible()
            expect(page.locator(".answer")).not_to_contain_text(gone["quote"])
        page.goto(shared)
        page.reload()
        expect(page.locator(".sides .card", has_text="deleted by its author")).to_have_count(1)
        page.locator(f".cite[data-n='{gone['n']}']").first.click()
        expect(page.locator("#panel .sorry")).to_contain_text("no longer here")


def test_an_answer_and_a_question_are_shared_by_address(
    browser: Browser, url: str, question: str
) -> None:
    with watched(browser, permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto(f"{url}/#q={question}&since=2020-01-01&lang=en")
        expect(page.locator(".answer .facts")).to_be_visible()
        words = page.locator(".sentences").inner_text()
        page.get_by_role("button", name="Copy link").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        shared = page.evaluate("navigator.clipboard.readText()")
        assert re.fullmatch(rf"{url}/#answer=\w+", shared)
        page.get_by_role("button", name="Link that asks anew").click()
        expect(page.get_by_role("button", name="Copied")).to_have_count(2)
        anew = page.evaluate("navigator.clipboard.readText()")
        assert anew.endswith("&since=2020-01-01&lang=en")
        other = context.new_page()
        other.goto(shared)
        expect(other.locator(".asked-words")).to_have_text(question)
        assert other.locator(".sentences").inner_text() == words


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


def test_by_keyboard_alone_from_the_question_to_the_quote(
    opened: Opened, url: str, question: str
) -> None:
    page = opened(f"{url}/#search=harbour")
    expect(page.locator(".results")).to_be_visible()
    page.locator("body").press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    expect(page.locator(".results")).to_be_visible()
    for key in ("g", "a"):
        page.keyboard.press(key)
    expect(page.locator("h1.motto")).to_be_visible()
    page.locator(".brand").focus()
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(question)
    page.keyboard.press("Enter")
    expect(page.locator(".answer .facts")).to_be_visible()
    expect(page.locator("#said")).not_to_be_empty()
    expect(page.locator("#question")).to_be_focused()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.classList.contains('cite')"):
            break
    focused = page.locator(":focus")
    expect(focused).to_have_class(re.compile("cite"))
    page.keyboard.press("Enter")
    expect(page.locator("#panel mark")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#panel') !== null")
    page.keyboard.press("Escape")
    expect(page.locator(".cite:focus")).to_have_count(1)
    page.keyboard.press("1")
    expect(page.locator("#panel-title")).to_have_text("Source 1")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#sheet")).to_contain_text("Next sentence or claim")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()

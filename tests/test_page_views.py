"""The other views in a real Chromium: search, filter, check, history, settings, what is held."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from browser import ask, launched, watched
from gnomon.assemble import open_gnomon
from gnomon.config import load
from gnomon.serve.contract import Engine
from page_worlds import BRIDGE_QUESTION, HOSTILE, bridge_world
from serving import running, sample_world

Opened = Callable[..., Page]

TEXT = (
    "Marrowick this week 🌊. Cliff Road will reopen on 20 March.\r\n\r\n"
    "Ondle Vale Hospital is closing its emergency department. I think it is a lovely town."
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with sample_world(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture(scope="module")
def url(engine: Engine) -> Iterator[str]:
    with running(engine) as url:
        yield url


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    with watched(browser) as context:

        def go(url: str) -> Page:
            page = context.new_page()
            page.goto(url)
            expect(page.locator("#count-held")).to_contain_text(re.compile(r"\d"))
            return page

        yield go


def test_search_marks_the_words_opens_posts_and_collapses_origins(opened: Opened, url: str) -> None:
    page = opened(url)
    page.get_by_role("link", name="Search").click()
    page.fill("#question", "lead tap water legal limit")
    page.press("#question", "Enter")
    expect(page.locator("#count")).to_have_text(re.compile(r"\d+ origins, standing for \d+ posts"))
    marked = {words.lower() for words in page.locator(".results mark").all_inner_texts()}
    assert marked == {"lead", "tap", "water", "legal", "limit"}
    many = page.locator(".results li", has_text=re.compile(r"\d\d posts by \d+ authors")).first
    many.locator("button").click()
    expect(page.locator(".origin h3")).to_have_text(re.compile(r"\d\d posts by"))
    expect(page.locator(".origin .card.here")).to_have_count(1)
    page.goto(f"{url}/#search=自来水")
    expect(page.locator(".results mark").first).to_have_text(re.compile(r"^[自来水]+$"))


def test_the_filter_is_kept_in_the_address_and_narrows(opened: Opened, url: str) -> None:
    page = opened(f"{url}/#search=Marrowick&source=sample%3Agazette")
    expect(page.locator("#filter-source")).to_have_value("sample:gazette")
    expect(page.locator(".results .by").first).to_contain_text("sample:gazette")
    few = page.locator(".results li").count()
    page.select_option("#filter-source", "")
    expect(page).to_have_url(f"{url}/#search=Marrowick")
    expect(page.locator("#count")).not_to_have_text(re.compile(f"^{few} origin"))
    assert page.locator(".results li").count() > few
    page.select_option("#filter-lang", "zh")
    page.select_option("#filter-time", "24h")
    expect(page).to_have_url(f"{url}/#search=Marrowick&since=24h&lang=zh")
    expect(page.locator("#result")).to_contain_text("The filter lets through only")
    page.click("#filter-clear")
    expect(page).to_have_url(f"{url}/#search=Marrowick")
    page.fill("#question", "fire")
    page.press("#question", "Enter")
    page.select_option("#filter-time", "custom")
    page.fill("#filter-since", "2026-03-05")
    page.fill("#filter-until", "2026-03-05")
    expect(page).to_have_url(f"{url}/#search=fire&since=2026-03-05&until=2026-03-05")
    expect(page.locator("#count")).to_be_visible()
    days = {words[:11].strip() for words in page.locator(".results .by time").all_inner_texts()}
    assert days == {"5 Mar 2026,"}
    page.reload()
    expect(page.locator("#filter-until")).to_have_value("2026-03-05")


def test_the_past_is_counted_from_the_time_of_what_is_held(opened: Opened, url: str) -> None:
    page = opened(f"{url}/#search=Marrowick&since=7d")
    expect(page.locator(".results li").first).to_be_visible()
    expect(page.locator("#filter-time")).to_have_value("7d")


def test_a_question_asked_within_a_filter_says_so(opened: Opened, url: str) -> None:
    page = opened(f"{url}/#q=When will Cliff Road reopen?&source=sample%3Acourier")
    expect(page.locator(".answer .facts")).to_be_visible()
    expect(page.locator(".turn .where").first).to_have_text("Only: sample:courier")
    expect(page.locator(".margin, .abstained").first).to_be_visible()
    sources = page.locator(".margin .by:last-child span").all_inner_texts()
    assert set(sources) <= {"sample:courier"}
    assert page.url.endswith("&source=sample%3Acourier")


def test_an_empty_store_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    config = load(tmp_path, {}, chat_model="none", embed_model="none")
    with open_gnomon(config) as engine, running(engine) as url, watched(browser) as context:
        page = context.new_page()
        page.goto(url)
        expect(page.locator("#examples")).to_contain_text("gnomon sources add")
        ask(page, "What is going on?")
        expect(page.locator(".abstained")).to_contain_text("store is empty")
        expect(page.get_by_role("button", name="See the nearest posts")).to_have_count(0)
        page.click("#status")
        expect(page.locator("#view")).to_contain_text("No source yet")


def test_however_many_speak_both_sides_are_drawn(opened: Opened, url: str) -> None:
    drawn = opened(url).evaluate(
        """async () => {
            const { skyline } = await import("/page/shadows.js");
            const many = Array.from({ length: 40 }, () => ({ posts: 9, side: "supports" }));
            const node = skyline([...many, { posts: 1, side: "refutes" }]);
            return [".supports", ".refutes", ".more"].map(
                (name) => node.querySelectorAll(name).length);
        }"""
    )
    assert drawn[0] > 10
    assert drawn[1:] == [1, 1]


def test_a_verdict_that_is_unsure_says_so_and_a_contradiction_says_of_what(
    opened: Opened, url: str
) -> None:
    shown = opened(url).evaluate(
        """async () => {
            const { answerNode, verdictBadge } = await import("/page/answer.js");
            const { page } = await import("/page/share.js");
            const quote = (n, stance, words) => ({ n, stance, quote: words, post: `p${n}`,
                author: n > 1 ? "a" : "", source: `from-${n}`, origin: `o${n}`, posts: 1,
                said_at: `2026-05-0${n}T08:00:00Z`, hash: "0" });
            const verdict = (label, confidence, text) => ({ label, confidence, claim: { text },
                evidence: [], posts_by_origin: {}, origins_for: 1, posts_for: 1,
                origins_against: 0, posts_against: 0 });
            const claim = (text, citations, verdicts) => ({ text, kind: "claim",
                label: "supported", citations, against: [], verdicts });
            const answer = { question: "q", lang: "en", abstained: false, confidence: .2,
                posts: 2, origins: 2, as_of: "2026-05-04T08:00:00Z", newest: null,
                left_out: [], gaps: [], lost: [],
                citations: [quote(1, "supports", "It holds http://t.example/1 said two."),
                    quote(2, "supports", "So it does."), quote(3, "refutes", "Nine fell.")],
                verdicts: [verdict("supported", .2, "It holds."),
                    verdict("refuted", .9, "Ten fell.")],
                sentences: [claim("It holds.", [1, 2], [0]), claim("Nine fell.", [3], [1])] };
            const node = answerNode(answer, () => {}, []);
            const all = (name) => [...node.querySelectorAll(name)].map((one) => one.textContent);
            return { badges: all(".badge"), dates: all(".byline"), urls: all(".margin .url"),
                sure: verdictBadge(verdict("refuted", .9, "x")).textContent,
                title: node.querySelector(".badge.unsure").title, file: await page([answer]) };
        }"""
    )
    assert shown["badges"] == ["Supported, but unsure", "Supported, but unsure", "Contradicts"]
    assert shown["sure"] == "Refuted"
    assert "20%" in shown["title"]
    assert "Supported, but unsure" in shown["file"], "the saved page says it, too"
    assert [shown["file"].count(f"from-{n}") for n in (1, 2)] == [1, 1], "a source is named once"
    assert shown["dates"][0] == "1 May 2026 – 2 May 2026", "seen where there is no margin"
    assert shown["urls"] == ["http://t.example/1"]


def test_the_page_says_what_its_server_is_not_ready_for(browser: Browser, url: str) -> None:
    lag = 400_000

    def status(route: Route) -> None:
        found = route.fetch().json()
        found |= {"posts": 996_817, "origins": 887_895, "unindexed": lag}
        found["health"] = {"stories": "68,000 of 188,382 changes", "signing": "no disk"}
        found["confidence"]["drift"] = {"verdicts": 88, "psi": 3.2, "moved": True}
        route.fulfill(json=found)

    with watched(browser, viewport={"width": 1265, "height": 860}) as context:
        page = context.new_page()
        page.route("**/v1/status", status)
        page.goto(f"{url}/#settings")
        expect(page.locator("#indexing")).to_be_visible()
        expect(page.locator("#indexing")).to_contain_text("400,000 to go")
        expect(page.locator(".setting .trouble")).to_contain_text("over 88 verdicts")
        whole = page.evaluate(
            """() => {
                const all = document.querySelector("#count-held").getBoundingClientRect();
                const part = document.querySelector(".of-origins").getBoundingClientRect();
                return part.top >= all.bottom - 1 || part.right <= all.right + 1;
            }"""
        )
        assert whole, "a count is shown whole or not at all"
        page.goto(f"{url}/#held")
        expect(page.locator(".left .trouble")).to_have_text("signingno disk")
        expect(page.locator(".left").first).to_contain_text("120,382 changes are not counted yet")
        lag = 0
        expect(page.locator("#indexing")).to_be_hidden()


def test_a_file_is_named_as_a_reader_needs_it(opened: Opened, url: str) -> None:
    named = opened(url).evaluate(
        """async (sources) => {
            const { placeOf } = await import("/page/dom.js");
            return sources.map(placeOf);
        }""",
        ["file:reddit_top.jsonl.gz", "file:notes", "file:.gz", "file:upload/a.txt", "bluesky", ""],
    )
    assert named == ["reddit_top", "notes", "file:.gz", "file:upload/a.txt", "bluesky", ""]


def test_a_headline_is_shown_without_the_addresses_in_it(opened: Opened, url: str) -> None:
    shown = opened(url).evaluate(
        """async (titles) => {
            const { headline } = await import("/page/dom.js");
            return titles.map(headline);
        }""",
        ["Siege ends http://t.example/aN", "It https://a.example/?b is over", "http://a.example/"],
    )
    assert shown == ["Siege ends", "It is over", "http://a.example/"]


def test_a_search_that_found_as_many_as_it_asked_for_offers_more(opened: Opened, url: str) -> None:
    page = opened(f"{url}/#search=Marrowick")
    expect(page.locator("#count")).to_have_text(re.compile("^The nearest 20 origins"))
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".results li")).not_to_have_count(20)
    expect(page.locator(".results li").nth(20).locator(".card")).to_be_focused()
    page.fill("#question", "kiln inspector")
    page.press("#question", "Enter")
    expect(page.locator("#count")).to_have_text(re.compile(r"^\d+ origins?, standing for"))
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)


def test_a_text_is_checked_in_place(opened: Opened, url: str) -> None:
    page = opened(f"{url}/#check")
    page.fill("#text", TEXT)
    page.press("#text", "Control+Enter")
    expect(page.locator("#check-edit")).to_be_visible()
    expect(page.locator(".tally")).to_contain_text("Refuted")
    refuted = page.locator(".spot.refuted")
    expect(refuted).to_have_text(re.compile("^Ondle Vale Hospital is closing its"))
    proof = page.evaluate(
        "() => { const n = document.querySelector('.proof').cloneNode(true);"
        " n.querySelectorAll('.hidden').forEach(h => h.remove()); return n.textContent; }"
    )
    assert proof.split() == TEXT.split()
    expect(page.locator(".claims li")).to_have_count(page.locator(".spot").count())
    page.locator(".spot.unchecked").first.focus()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#panel blockquote")).to_have_text("Cliff Road will reopen on 20 March.")
    expect(page.locator("#panel .sides .side.refutes .card").first).to_be_visible()
    page.locator("#panel .card").first.click()
    expect(page.locator("#panel mark")).to_be_visible()
    page.keyboard.press("Escape")
    page.click("#check-edit")
    assert page.input_value("#text").split() == TEXT.split()


def test_a_kept_check_opens_by_its_address(browser: Browser, url: str) -> None:
    with watched(browser, permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto(f"{url}/#check")
        page.fill("#text", TEXT)
        page.click("#check-go")
        page.get_by_role("button", name="Copy link").click()
        page.goto(page.evaluate("navigator.clipboard.readText()"))
        expect(page.locator(".checked .tally")).to_contain_text("1 Refuted")
        page.locator(".claims .card", has_text="closing its emergency").click()
        expect(page.locator("#panel .badge").first).to_have_text("Refuted")


def test_the_history_is_searched_opened_and_deleted(opened: Opened, url: str) -> None:
    page = opened(url)
    ask(page, "When will Cliff Road reopen?")
    page.goto(f"{url}/")
    ask(page, "What was the strongest gust of Storm Ottoline?")
    page.get_by_role("link", name="History").click()
    rows = page.locator(".past li")
    expect(rows.first).to_contain_text("Ottoline")
    before = rows.count()
    page.fill("#find", "ottoline gust")
    expect(page.locator(".past li", has_text="Cliff Road")).to_have_count(0)
    assert page.url == f"{url}/#history=ottoline%20gust"
    rows.first.locator("a").click()
    expect(page.locator(".asked-words")).to_have_text(
        "What was the strongest gust of Storm Ottoline?"
    )
    page.go_back()
    expect(page.locator("#find")).to_have_value("ottoline gust")
    expect(rows.first).to_be_visible()
    found = rows.count()
    rows.first.get_by_role("button").click()
    expect(rows).to_have_count(found - 1)
    page.fill("#find", "")
    expect(rows).to_have_count(before - 1)
    page.get_by_role("button", name="Delete all").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.locator("#asked")).to_contain_text("Nothing was asked yet.")


def test_the_history_shows_the_verdict_that_the_answer_shows(opened: Opened, url: str) -> None:
    page = opened(url)
    for question in (
        "Is Ondle Vale Hospital closing its emergency department?",
        "Does the mayor plan to sell the harbour?",
        "Did the fire at Lunde Kiln Works injure seven people?",
        "When will Cliff Road reopen?",
        "What is the capital of France?",
    ):
        page.goto(f"{url}/")
        ask(page, question)
    held: list[Route] = []
    page.route("**/v1/history?*", lambda route: held.append(route))
    with page.expect_request("**/v1/history?*"):
        page.get_by_role("link", name="History").click()
    expect(page.locator("#asked")).to_have_text("…")  # nobody knows yet that nothing was asked
    held[0].continue_()
    page.unroute("**/v1/history?*")
    expect(page.locator(".past li")).not_to_have_count(0)
    rows = page.evaluate(
        """async () => {
            const { labelOf } = await import("/page/answer.js");
            const { data } = await (await fetch("/v1/history?limit=20")).json();
            return Promise.all(data.map(async (row) => {
                const whole = await (await fetch(`/v1/history/${row.id}`)).json();
                return [row.verdict?.label ?? "", labelOf(whole.ask), row.question];
            }));
        }"""
    )
    assert all(told == shown for told, shown, _ in rows), rows
    assert len({told for told, _, _ in rows}) >= 2, "the questions were to differ"
    badges = page.locator(".past li .badge")
    expect(badges).to_have_count(sum(bool(told) for told, _, _ in rows))
    expect(
        page.locator(".past li", has_text="capital of France").locator(".badge").first
    ).to_have_text("Not enough evidence")


class Pulling:
    """A set-up whose pull the test moves on. What it says is what the real one says."""

    def __init__(self, setup: Any) -> None:
        self._setup = setup
        self.state = threading.Event()
        self._pulls: dict[str, dict[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._setup, name)

    def pulls(self) -> list[Mapping[str, Any]]:
        if self.state.is_set():
            for pull in self._pulls.values():
                pull |= {"state": "failed", "error": "No space is left; free some."}
        return list(self._pulls.values())

    def pull(self, name: str) -> Mapping[str, Any]:
        self._pulls[name] = {
            "name": name,
            "state": "running",
            "done": 25_000_000,
            "total": 100_000_000,
            "error": "",
        }
        return self._pulls[name]

    def stop(self, name: str) -> Mapping[str, Any]:
        self._pulls[name]["state"] = "stopped"
        return self._pulls[name]


def test_settings_explain_themselves_and_models_are_pulled(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sample_world(tmp_path) as engine:
        pulling = Pulling(engine.setup)
        monkeypatch.setattr(engine, "setup", pulling)
        with running(engine) as url, watched(browser) as context:
            page = context.new_page()
            page.goto(f"{url}/#settings")
            expect(page.locator("#view")).to_contain_text("Answers are composed of quotes")
            expect(page.locator(".leaves .badge")).to_have_text(["Stays"] * 4)
            expect(page.locator("#view")).to_contain_text("about 5% of the verdicts")
            page.locator("summary", has_text="with what they mean").click()
            expect(page.locator(".rows.all")).to_contain_text("deadline for one call of a chat")
            first = page.locator("#models .card").first
            first.get_by_role("button", name="Pull").click()
            expect(first.locator("progress")).to_have_js_property("value", 0.25)
            expect(first).to_contain_text("25 MB / 100 MB")
            first.get_by_role("button", name="Stop").click()
            expect(first.get_by_role("button", name="Go on")).to_be_visible()
            first.get_by_role("button", name="Go on").click()
            pulling.state.set()
            expect(first).to_contain_text("No space is left; free some.")


def test_language_colours_and_shortcuts_are_chosen_and_kept(opened: Opened, url: str) -> None:
    page = opened(f"{url}/#settings")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("radio", name="Dark").check(force=True)
    dark = page.evaluate(paper)
    assert dark != light
    page.get_by_role("radio", name="Off").check(force=True)
    page.keyboard.press("?")
    expect(page.locator("#sheet")).to_be_hidden()
    # The word that is seen can be spoken: it begins the link's name (WCAG 2.5.3).
    names = "all => all.map(a => [a.innerText, a.ariaLabel])"
    english = page.locator("#nav a").evaluate_all(names)
    page.get_by_role("radio", name="中文").check(force=True)
    expect(page.locator("h1")).to_have_text("设置")
    for seen, name in english + page.locator("#nav a").evaluate_all(names):
        assert seen
        assert name.startswith(seen)
    page.reload()
    expect(page.locator("h1")).to_have_text("设置")
    assert page.evaluate(paper) == dark
    page.get_by_role("radio", name="跟随系统").check(force=True)
    assert page.evaluate(paper) == light
    page.get_by_role("radio", name="开").check(force=True)
    page.locator("h1").focus()
    page.keyboard.press("?")
    expect(page.locator("#sheet")).to_contain_text("键盘快捷键")


def test_what_is_held(opened: Opened, url: str) -> None:
    page = opened(url)
    page.click("#status")
    expect(page.locator(".numbers")).to_contain_text("posts")
    expect(page.locator(".table")).to_contain_text("sample:town")
    expect(page.locator("h1")).to_be_visible()


def test_an_answer_is_saved_as_one_file_that_stands_alone(browser: Browser, tmp_path: Path) -> None:
    with bridge_world(tmp_path) as engine, running(engine) as url, watched(browser) as context:
        page = context.new_page()
        page.goto(url)
        ask(page, BRIDGE_QUESTION)
        ask(page, f"And what of {HOSTILE}?", turn=2)
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as a page").last.click()
        file = tmp_path / "saved.html"
        download.value.save_as(file)
        assert download.value.suggested_filename.startswith("gnomon-Is-it-true-that-the-Quay")
        answer = page.evaluate(
            "async () => { const all = await (await fetch('/v1/history')).json();"
            " const one = await fetch('/v1/history/' + all.data[1].id);"
            " return (await one.json()).ask; }"
        )
    text = file.read_text("utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert "javascript:" not in text
    assert "default-src 'none'; style-src 'sha256-" in text
    trouble: list[str] = []
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.on("console", lambda message: trouble.append(message.text))
        page.on("request", lambda request: trouble.append(request.url))
        page.goto(file.as_uri())
        trouble.remove(file.as_uri())
        expect(page.locator("h1").first).to_have_text(BRIDGE_QUESTION)
        expect(page.locator(".copy")).to_contain_text("A copy of an answer, as of")
        quotes = page.locator("article").first.locator("blockquote").all_inner_texts()
        assert quotes == [one["quote"] for one in answer["citations"]]
        for one in answer["citations"]:
            assert one["hash"] in text
        expect(page.get_by_role("link", name="https://harbour.example/1")).to_be_visible()
        # The style is let through by its hash: the page is laid out by it.
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "704px"
        assert page.title() == BRIDGE_QUESTION
    assert not trouble, trouble


def test_every_sentence_of_the_settings_is_in_both_languages(browser: Browser, url: str) -> None:
    with watched(browser, locale="zh-CN") as context:
        page = context.new_page()
        for name in ("settings", "held", "history", "check", "search"):
            page.goto(f"{url}/#{name}")
            expect(page.locator("h1")).to_have_text(re.compile(r"[\u4e00-\u9fff]"))
            expect(page.locator("#view")).not_to_contain_text(re.compile("undefined|null|NaN"))

"""What holds for every view: no serious fault that axe finds, no horizontal scroll, no stranger's
markup, a small script, words in both languages, an app that can be installed."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from browser import ask, launched, watched
from page_worlds import BREAKING, BRIDGE_QUESTION, HOSTILE, bridge_world
from serving import running

PAGE = Path(__file__).parent.parent / "src" / "gnomon" / "serve" / "page"
SCRIPT_BUDGET = 150_000  # bytes; issue 5. At first uncompressed, in all as it is sent
View = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Posts that disagree and attack, so that every view has both to show."""
    with bridge_world(tmp_path_factory.mktemp("bridge")) as engine, running(engine) as url:
        yield url


def go(page: Page, address: str, shown: str) -> None:
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator(shown).first).to_be_visible()


def answer(page: Page, url: str) -> None:
    go(page, f"{url}/#q={BRIDGE_QUESTION}", ".answer .facts")


def evidence(page: Page, url: str) -> None:
    answer(page, url)
    page.locator(".sides .side.refutes .card").first.click()
    expect(page.locator("#panel mark")).to_be_visible()


def checked(page: Page, url: str) -> None:
    go(page, f"{url}/#check", "#text")
    page.fill("#text", f"The Quay Bridge reopened on Monday. {HOSTILE} {BREAKING} Is it so?")
    page.click("#check-go")
    expect(page.locator("#check-edit")).to_be_visible()


def claim(page: Page, url: str) -> None:
    checked(page, url)
    page.locator(".spot").first.click()
    expect(page.locator("#panel blockquote")).to_be_visible()


def settings(page: Page, url: str) -> None:
    go(page, f"{url}/#settings", "#models")
    page.locator("summary").last.click()


def sheet(page: Page, url: str) -> None:
    go(page, f"{url}/", "h1.motto")
    page.evaluate("document.getElementById('keys').click()")
    expect(page.locator("#sheet")).to_be_visible()


def home(page: Page, url: str) -> None:
    go(page, f"{url}/", "h1.motto")
    page.evaluate("document.getElementById('sample').hidden = false")  # as over the sample world


VIEWS: dict[str, View] = {
    "home": home,
    "answer": answer,
    "evidence": evidence,
    "search": lambda page, url: go(page, f"{url}/#search=Monday%20bridge", ".results"),
    "check": lambda page, url: go(page, f"{url}/#check", "#text"),
    "checked": checked,
    "claim": claim,
    "history": lambda page, url: go(page, f"{url}/#history", ".past li, .hint"),
    "held": lambda page, url: go(page, f"{url}/#held", ".table"),
    "settings": settings,
    "skills": lambda page, url: go(page, f"{url}/#skills", ".skill form"),
    "draw": lambda page, url: go(page, f"{url}/#draw", "#draw-prompt"),
    "quiz": lambda page, url: go(page, f"{url}/#quiz", ".quiz .hint"),
    "post": lambda page, url: go(page, f"{url}/posts/a3", ".held-post"),
    "keys": sheet,
    "invite": lambda page, url: go(page, f"{url}/#invite=word", "#new-name"),
}


def strangers(page: Page) -> str:
    """What of a post's markup became more than words; "" where nothing did."""
    if "pwned" in page.title():
        return "script ran"
    strange = "img:not([src='/page/mark.svg']), script:not([src^='/page/']), iframe, style"
    handlers = "[onerror], [onload], [onclick], a[href^='javascript' i]"
    return "markup" if page.locator(f"{strange}, {handlers}").count() else ""


def sideways(page: Page, width: int) -> str:
    """What is wider than the window; "" where nothing is."""
    if page.evaluate("document.documentElement.scrollWidth") > width:
        return "scrolls sideways"
    wide = page.locator("dialog[open]").evaluate_all(
        "all => all.some(p => p.scrollWidth > p.clientWidth + 1)"
    )
    return "a dialog scrolls sideways" if wide else ""


def faults(axe: Axe, page: Page) -> list[str]:
    """What axe holds for more than minor (https://dequeuniversity.com/rules/axe)."""
    return [
        f"{one['id']} at {one['nodes'][0]['target']}: {one['nodes'][0]['html'][:120]}"
        for one in axe.run(page).response["violations"]
        if one["impact"] != "minor"
    ]


@pytest.mark.parametrize(
    ("scheme", "locale", "width"),
    [("light", "en-GB", 1280), ("dark", "zh-CN", 1280), ("dark", "en-GB", 360)],
)
def test_every_view_is_accessible_fits_and_keeps_strangers_words_words(
    browser: Browser, url: str, scheme: Any, locale: str, width: int
) -> None:
    axe = Axe()
    found: list[str] = []
    shown = ""
    with watched(
        browser,
        color_scheme=scheme,
        locale=locale,
        viewport={"width": width, "height": 800},
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        page.goto(url)
        ask(page, f"{BRIDGE_QUESTION} {HOSTILE}{BREAKING}")
        for name, view in VIEWS.items():
            view(page, url)
            shown += page.locator("body").inner_text()
            told = [strangers(page), sideways(page, width), *faults(axe, page)]
            found += [f"{name}: {fault}" for fault in told if fault]
    assert not found, "\n".join(found)
    assert shown.count("<script>") > 5, "the attack was shown, as words"


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_the_bar_fits_whatever_the_width(browser: Browser, url: str, locale: str) -> None:
    crowded = """() => [...document.querySelectorAll('.brand, .nav a, .tools > *')]
      .map((one) => ({ one, box: one.getBoundingClientRect() }))
      .filter(({ box }) => box.width && (box.left < 0 || box.right > document.body.clientWidth + 1
        || box.height > 50))
      .map(({ one }) => one.textContent)"""
    with watched(browser, locale=locale, reduced_motion="reduce") as context:
        page = context.new_page()
        found = []
        for view, widths in (
            (home, (320, 704, 705, 769, 897, 1073, 1233, 1280)),
            (evidence, (1024, 1280, 1500)),
        ):
            view(page, url)
            page.evaluate("""() => { document.getElementById('count-held').textContent =
              '12,345,678 posts · 2,345,678 origins'; }""")
            for width in widths:
                page.set_viewport_size({"width": width, "height": 800})
                found += [f"{width}: {name}" for name in page.evaluate(crowded)]
                found += [f"{width}: {told}" for told in [sideways(page, width)] if told]
        assert not found, found


def test_the_script_is_small_and_the_first_paint_quick(
    browser: Browser, url: str, record_property: Callable[[str, object], None]
) -> None:
    with watched(browser) as context:
        page = context.new_page()
        sizes: dict[str, int] = {}
        page.on(
            "response",
            lambda one: sizes.update({one.url: len(one.body())}) if ".js" in one.url else None,
        )
        page.goto(url)
        expect(page.locator("#count-held")).to_contain_text(re.compile(r"\d"))
        for _ in range(400):  # what stands on the empty page comes once it is known what is held
            if any(one.endswith("nearest.js") for one in sizes):
                break
            page.wait_for_timeout(50)
        paint = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        )
        record_property("first_contentful_paint_ms", paint)
        print(f"first contentful paint {paint:.0f} ms, script {sum(sizes.values()):,} bytes")
        assert 0 < paint < 5000
    # Most views come when they are gone to, what talks or saves when it is first wanted, and one
    # language at a time.
    assert sum(sizes.values()) < SCRIPT_BUDGET
    page_files = {file.name: file for file in PAGE.glob("*.js") if file.name != "words.zh.js"}
    later = {
        "board.js",
        "digest.js",
        "draw.js",
        "draw.words.js",
        "gallery.js",
        "held.js",
        "history.js",
        "pictures.js",
        "provenance.js",
        "provenance.words.js",
        "quiz.js",
        "quiz.chart.js",
        "quiz.words.js",
        "seen.js",
        "share.js",
        "skills.js",
        "skills.words.js",
        "sources.js",
        "story.js",
        "talking.js",
        "voice.js",
        "voice.words.js",
    }
    loaded = {one.rpartition("/")[2] for one in sizes}
    assert loaded == set(page_files) - later, "no file is there that nothing loads"
    # Whatever a reader does, no more is sent than this.
    sent = sum(len(gzip.compress(file.read_bytes())) for file in page_files.values())
    print(f"all script, as it is sent: {sent:,} bytes")
    assert sent < SCRIPT_BUDGET


def test_every_string_is_in_both_languages_and_used() -> None:
    keys = []
    for name in ("words.en.js", "words.zh.js"):
        found = re.findall(r"^  (\w+):", (PAGE / name).read_text("utf-8"), re.MULTILINE)
        assert len(found) == len(set(found)), f"{name} says something twice"
        keys.append(set(found))
    assert keys[0] == keys[1]
    used = set()
    for file in PAGE.iterdir():
        if file.suffix in (".js", ".html"):
            words = file.read_text("utf-8")
            used |= set(re.findall(r"(?<![\w/])(?:t|en|zh)\.(\w+)", words))
            used |= set(re.findall(r'data-t(?:-label)?="(\w+)"', words))
    # The bar names its views by a word and, where one is there, its short form.
    bar = re.findall(r'^  \[\w+, "/[^"]*", "(\w+)"', (PAGE / "app.js").read_text("utf-8"), re.M)
    assert len(bar) > 5, "the bar was found"
    used |= set(bar) | ({f"{word}Short" for word in bar} & keys[0])
    assert not used - keys[0]
    assert not keys[0] - used, "a string that nothing shows"


def test_it_can_be_installed(browser: Browser, url: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(url)
        client = context.new_cdp_session(page)
        told = client.send("Page.getAppManifest")
        assert told["errors"] == []
        manifest = json.loads(told["data"])
        assert manifest["display"] == "standalone"
        errors = client.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert {error["errorId"] for error in errors} <= {"in-incognito"}
        for icon in manifest["icons"]:
            side = icon["sizes"].partition("x")[0]
            size = page.evaluate(
                "src => new Promise((done, fail) => { const i = new Image(); i.onerror = fail;"
                " i.onload = () => done(i.naturalWidth); i.src = src; })",
                icon["src"],
            )
            assert side == "any" or size == int(side)


def test_reduced_motion_is_respected(browser: Browser, url: str) -> None:
    with watched(browser, reduced_motion="reduce") as context:
        page = context.new_page()
        answer(page, url)
        moving = page.evaluate(
            "document.getAnimations().filter(a => a.playState === 'running').length"
        )
        assert moving == 0

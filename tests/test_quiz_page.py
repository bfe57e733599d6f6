"""Human or machine on the page, in a real Chromium: a round by keys and clicks, its result, and
practice in Chinese on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, expect

import quiz_worlds
from browser import launched, watched
from serving import running, sample_world

pytest.importorskip("PIL", reason="pictures need gnomon[draw]")
PAGE = Path(__file__).parent.parent / "src" / "gnomon" / "serve" / "page"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    quiz_worlds.written(home / "lab" / "tiny" / "gan", 40, 40)
    with sample_world(home) as engine, running(engine) as url:
        yield url


def opened(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)  # two cores that other tests share
    return page


def sound(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def asked(page: Page, number: int) -> None:
    """The picture of that number is there to be seen."""
    expect(page.locator(f'.plate-of[data-number="{number}"] img')).to_be_visible()


def test_a_round_is_played_and_told_at_its_end(browser: Browser, url: str) -> None:
    with watched(browser, color_scheme="dark", reduced_motion="reduce") as context:
        page = opened(context)
        page.goto(f"{url}/#draw")
        page.get_by_role("link", name="Human or machine?").click()
        expect(page.locator(".starting")).to_contain_text("40 pictures by tiny-gan, 40 by people")
        page.select_option("#quiz-length", "10")
        page.click("#quiz-begin")
        asked(page, 1)
        expect(page).to_have_url(re.compile("#quiz=quiz_"))
        side = page.locator(".plate-of img").bounding_box()
        assert side is not None
        assert side["width"] == side["height"] >= 300
        assert side["width"] % quiz_worlds.SIDE == 0, "each pixel is whole"
        sound(page)
        keys: list[Any] = ["h", "m", "ArrowLeft", "ArrowRight"]
        for number, key in enumerate(keys, 1):
            asked(page, number)
            page.keyboard.press(key)
        asked(page, 5)
        expect(page.locator("#quiz-last")).to_be_empty()
        page.reload()
        asked(page, 5)
        page.click("#quiz-person")
        asked(page, 6)
        page.click("#quiz-end")
        page.click("#quiz-end-now")
        cards = page.locator(".all-of .told-of")
        expect(cards).to_have_count(5)
        expect(page.locator(".verdict").first).to_have_text("Not enough answers to tell.")
        right = page.locator(".told-of .badge.supported").count()
        bar = page.locator(".measure svg").first
        expect(bar).to_have_attribute("aria-label", re.compile(f"Right answers: {right} of 5: "))
        for card in cards.all():
            by = card.get_attribute("data-by")
            known = "tiny-gan · seed " if by == "machine" else "by Painter "
            expect(card).to_contain_text(known)
        expect(page.locator(".scored")).to_contain_text("5 answers of one person")
        expect(page.locator("#quiz-scores")).to_have_count(0)  # there is no more than this round
        sound(page)
        page.click("#quiz-another")
        expect(page.locator("#quiz-scores .scored")).to_have_count(1)
        page.click("#quiz-forget")
        page.click("#quiz-forget-now")
        expect(page.locator("#quiz-scores")).to_have_count(0)


def test_practice_in_chinese_on_a_phone(browser: Browser, url: str) -> None:
    with watched(browser, locale="zh-CN", viewport={"width": 360, "height": 740}) as context:
        page = opened(context)
        page.goto(f"{url}/#quiz")
        page.check("#quiz-practice")
        page.click("#quiz-begin")
        asked(page, 1)
        page.click("#quiz-machine")
        asked(page, 2)
        expect(page.locator("#quiz-last .told-of")).to_contain_text(re.compile("人画的|机器画的"))
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.click("#quiz-end")
        page.click("#quiz-end-now")
        expect(page.locator(".quiz .verdict").first).to_have_text("回答还太少，无法下结论。")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        sound(page)
        page.evaluate("document.getElementById('lang').click()")
        expect(page.locator(".quiz .title")).to_have_text("Human or machine?")
        expect(page.locator(".told-of")).to_have_count(1)
        words_fit(page)


def words_fit(page: Page) -> None:
    """Both languages have the same words, and the script says each of them."""
    keys = page.evaluate("""async () => {
      const { words } = await import("/page/quiz.words.js");
      const flat = (all, before) => Object.entries(all).flatMap(([key, value]) =>
        typeof value === "object" ? flat(value, `${before}${key}.`) : [`${before}${key}`]);
      return [flat(words.en, ""), flat(words.zh, "")];
    }""")
    assert keys[0] == keys[1]
    script = "".join((PAGE / name).read_text("utf-8") for name in ("quiz.js", "quiz.chart.js"))
    used = {key.partition(".")[0] for key in keys[0]}
    assert used == set(re.findall(r"\bw\.(\w+)", script)) | {"person", "machine"}

"""Drawing on the page, in a real Chromium: a prompt seen first, the picture, the gallery."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import tiny_pictures
from browser import launched, watched
from gnomon.assemble import open_sample
from gnomon.config import load
from serving import running, sample_world

pytest.importorskip("PIL", reason="pictures need gnomon[draw]")
pytest.importorskip("onnx", reason="the tiny model is made with onnx")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    tiny_pictures.installed(home / "models")
    config = load(home, {}, chat_model="none", embed_model="none")
    with open_sample(config) as gnomon, running(gnomon) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as browser:
        yield browser


def test_a_person_draws_sees_the_prompt_and_makes_more(browser: Any, url: str) -> None:
    with watched(browser, allowed="status of 400") as context:
        page = context.new_page()
        page.goto(url)
        page.fill("#question", "/draw a red cat")
        page.press("#question", "Enter")
        cards = page.locator(".gallery .picture")
        expect(cards).to_have_count(1)
        expect(cards.first).to_contain_text("tiny-pictures · seed ")
        expect(cards.first).to_contain_text("signed")
        expect(cards.first.locator("img")).to_have_js_property("naturalWidth", 32)
        cards.first.locator("[data-do=like]").click()
        expect(cards).to_have_count(2)
        seeds = [re.search(r"seed (\d+)", text) for text in cards.all_inner_texts()]
        assert len({found[1] for found in seeds if found}) == 2
        page.fill("#draw-prompt", "红色的猫")
        page.click("#draw-see")
        page.fill("#draw-full-prompt", "a red cat in snow, woodcut")
        page.click("#draw-as-is")
        expect(cards).to_have_count(3)
        expect(cards.first.locator("> .words")).to_have_text("a red cat in snow, woodcut")
        cards.first.locator("[data-do=edit]").click()
        page.fill("#draw-prompt", "blue house")
        page.click("#draw-go")
        expect(cards).to_have_count(4)
        page.fill("#draw-prompt", "a nude woman on a bed")
        page.click("#draw-go")
        expect(page.get_by_role("alert")).to_contain_text("sexual/nudity")
        cards.first.locator("[data-do=delete]").click()
        cards.first.locator("[data-do=delete-now]").click()
        expect(cards).to_have_count(3)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_an_address_alone_draws_nothing_and_chinese_is_spoken(browser: Any, url: str) -> None:
    with watched(browser, locale="zh-CN", viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        page.goto(f"{url}/#draw=a%20blue%20dog")
        expect(page.locator("#draw-prompt")).to_have_value("a blue dog")
        expect(page.locator("#draw-go")).to_have_text("画")
        expect(page.locator(".gallery .picture", has_text="a blue dog")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.click("#draw-go")
        expect(page.locator(".gallery .picture", has_text="a blue dog")).to_have_count(1)


def test_without_a_model_the_page_says_how_to_get_one(browser: Any, tmp_path: Any) -> None:
    bare = sample_world(tmp_path, draw_model="none")
    with bare as engine, running(engine) as url, watched(browser) as context:
        page = context.new_page()
        page.goto(f"{url}/#draw")
        expect(page.get_by_role("alert")).to_contain_text("draw_model")
        expect(page.locator("#draw-go")).to_be_disabled()

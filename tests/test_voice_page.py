"""Talking to the page: a real Chromium whose microphone is fed from a file that our own voice made,
the real Whisper, the real checked answer, and sound that is really played."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from browser import ARGS, find, watched
from gnomon.assemble import Gnomon
from serving import ENGLISH, answered, running
from voice_world import needs_espeak, needs_kokoro, needs_voice, voiced

pytestmark = [needs_espeak, needs_voice, needs_kokoro]
PAGE = Path(__file__).parent.parent / "src" / "gnomon" / "serve" / "page"


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnomon]:
    # The page speaks with the quick voice: what is tested is that it does, and when.
    with voiced(tmp_path_factory.mktemp("home"), speak_model="espeak-ng") as held:
        yield held


@pytest.fixture(scope="module")
def question(gnomon: Gnomon) -> str:
    # Names of the sample world's own are in nobody's vocabulary.
    return answered(gnomon, [one for one in ENGLISH if "turnout" in one], 2)


@pytest.fixture(scope="module")
def address(gnomon: Gnomon) -> Iterator[str]:
    with running(gnomon) as url:
        yield url


@pytest.fixture(scope="module")
def browser(question: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium in whose microphone somebody asks the question, once."""
    file = tmp_path_factory.mktemp("microphone") / "question.wav"
    with voiced(tmp_path_factory.mktemp("other")) as clear:
        said = b"".join(piece.pcm for piece in clear.voice.say(question, voice="am_michael"))
        loud = clear.voice.resampled(said, 24_000, 48_000)
        whole = bytes(48_000) + loud + bytes(96_000)
        file.write_bytes(clear.voice.file(whole, "wav", 48_000))
    fake = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={file}%noloop",
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find(), args=[*ARGS, *fake])
        yield chromium
        chromium.close()


COUNT_PLAYED = """() => {
  window.played = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...rest) {
    window.played.push(this.buffer.duration);
    return start.apply(this, rest);
  };
}"""


def test_a_person_talks_and_hears_a_checked_answer(
    browser: Browser, address: str, question: str
) -> None:
    with watched(browser, permissions=["microphone"]) as context:
        page = context.new_page()
        page.goto(address)
        page.evaluate(COUNT_PLAYED)
        talk = page.get_by_role("button", name=re.compile("Hold to talk"))
        talk.dispatch_event("pointerdown", {"button": 0, "pointerId": 1})
        expect(page.locator("#talk")).to_have_attribute("aria-pressed", "true")
        page.wait_for_timeout(5000)
        page.locator("#talk").dispatch_event("pointerup", {"button": 0, "pointerId": 1})
        # The caption of what was heard, and an answer with its sentences.
        heard = page.locator(".asked-words")
        expect(heard).to_be_visible(timeout=60_000)
        expect(heard).to_contain_text(re.compile("turnout", re.I))
        expect(page.locator(".turn .sentence").first).to_be_visible(timeout=60_000)
        # It is said, a sentence at a time, and its caption is marked while it is.
        expect(page.locator('[data-spoken="now"]')).to_have_count(1, timeout=30_000)
        page.wait_for_function("window.played.length >= 1 && window.played[0] > 0.3")
        # Whoever begins to talk interrupts.
        page.evaluate("document.activeElement.blur()")
        page.keyboard.down(" ")
        expect(page.locator("#talk")).to_have_attribute("aria-pressed", "true")
        expect(page.locator('[data-spoken="now"]')).to_have_count(0)
        page.keyboard.up(" ")
        expect(page.locator("#talk")).to_have_attribute("aria-pressed", "false")


def test_an_answer_is_read_aloud_on_demand(browser: Browser, address: str, question: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(address)
        page.evaluate(COUNT_PLAYED)
        page.locator("#question").fill(question)
        page.locator("#question").press("Enter")
        read = page.get_by_role("button", name="Read aloud")
        read.click(timeout=60_000)
        expect(page.locator('[data-spoken="now"]')).to_have_count(1)
        page.wait_for_function("window.played.length >= 1")


def test_both_languages_have_the_same_words() -> None:
    text = (PAGE / "voice.words.js").read_text("utf-8")
    english, chinese = text.split("export const zh")
    keys = [re.findall(r"^  (\w+):", part, re.M) for part in (english, chinese)]
    assert keys[0] == keys[1]
    assert len(keys[0]) > 5


def test_the_page_loads_no_voice_before_it_is_used(browser: Browser, address: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator("#talk")).to_be_visible()
        names = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        assert not [name for name in names if name.endswith("/voice.js")]

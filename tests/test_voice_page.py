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
from serving import answered, running
from voice_world import needs_espeak, needs_voice, voiced

pytestmark = [needs_espeak, needs_voice]
# Common words, said slowly: a plain voice is understood, however the microphone cuts it.
QUESTION = "Is the hospital closing its emergency department?"
SPEED = 0.85
PAGE = Path(__file__).parent.parent / "src" / "gnomon" / "serve" / "page"


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnomon]:
    # The page speaks with the quick voice: what is tested is that it does, and when.
    with voiced(tmp_path_factory.mktemp("home"), speak_model="espeak-ng") as held:
        yield held


@pytest.fixture(scope="module")
def question(gnomon: Gnomon) -> str:
    return answered(gnomon, [QUESTION], 2)


@pytest.fixture(scope="module")
def address(gnomon: Gnomon) -> Iterator[str]:
    with running(gnomon) as url:
        yield url


@pytest.fixture(scope="module")
def browser(
    gnomon: Gnomon, question: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A Chromium in whose microphone somebody asks the question, once."""
    file = tmp_path_factory.mktemp("microphone") / "question.wav"
    pieces = list(gnomon.voice.say(question, voice="espeak", lang="en", speed=SPEED))
    said = b"".join(piece.pcm for piece in pieces)
    loud = gnomon.voice.resampled(said, pieces[0].rate, 48_000)
    file.write_bytes(gnomon.voice.file(bytes(48_000) + loud + bytes(192_000), "wav", 48_000))
    fake = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={file}%noloop",
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find(), args=[*ARGS, *fake])
        yield chromium
        chromium.close()


# What is played is told by an attribute: the page's policy lets nobody wait for an expression.
TELL_PLAYED = """() => {
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...rest) {
    if (this.buffer.duration > 0.3) document.documentElement.dataset.played = "yes";
    return start.apply(this, rest);
  };
}"""
# So that the button is let go when the question has been said, however slow the machine is.
HEAR_THE_END = """() => {
  const asked = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = await asked(wish);
    const context = new AudioContext();
    const listening = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(listening);
    const wave = new Float32Array(listening.fftSize);
    let last = 0;
    const look = setInterval(() => {
      listening.getFloatTimeDomainData(wave);
      if (Math.max(...wave.map(Math.abs)) > 0.02) last = context.currentTime;
      if (last === 0 || context.currentTime - last < 0.8) return;
      document.documentElement.dataset.said = "all";
      clearInterval(look);
    }, 20);
    return stream;
  };
}"""


def test_a_person_talks_and_hears_a_checked_answer(
    browser: Browser, address: str, question: str
) -> None:
    # The last thing said is cut short, and may be no sound at all.
    cut = "/v1/audio/transcriptions"
    with watched(browser, allowed=cut, permissions=["microphone"]) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(address)
        page.evaluate(TELL_PLAYED)
        page.evaluate(HEAR_THE_END)
        page.get_by_role("button", name=re.compile("Hold to talk")).hover()
        page.mouse.down()
        expect(page.locator("#talk")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("html")).to_have_attribute("data-said", "all", timeout=60_000)
        page.mouse.up()
        # The caption of what was heard, and an answer with its sentences.
        heard = page.locator(".asked-words")
        expect(heard).to_be_visible(timeout=150_000)  # a loaded machine hears slowly
        expect(heard).to_contain_text(re.compile("emergency department", re.I))
        expect(page.locator(".turn .sentence").first).to_be_visible(timeout=60_000)
        # It is said, a sentence at a time, and its caption is marked while it is.
        expect(page.locator('[data-spoken="now"]')).to_have_count(1, timeout=30_000)
        expect(page.locator("html")).to_have_attribute("data-played", "yes")
        # Whoever begins to talk interrupts.
        page.evaluate("document.activeElement.blur()")
        page.keyboard.down(" ")
        expect(page.locator("#talk")).to_have_attribute("aria-pressed", "true")
        expect(page.locator('[data-spoken="now"]')).to_have_count(0)
        page.wait_for_timeout(400)  # shorter than 350 ms it would be a click, and go on
        page.keyboard.up(" ")
        expect(page.locator("#talk")).to_have_attribute("aria-pressed", "false")


def test_an_answer_is_read_aloud_on_demand(browser: Browser, address: str, question: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(address)
        page.evaluate(TELL_PLAYED)
        page.locator("#question").fill(question)
        page.locator("#question").press("Enter")
        read = page.get_by_role("button", name="Read aloud")
        read.click(timeout=60_000)
        expect(page.locator('[data-spoken="now"]')).to_have_count(1)
        expect(page.locator("html")).to_have_attribute("data-played", "yes")


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

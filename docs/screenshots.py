"""Takes the pictures of the page that the README shows: the real engine on the sample world.

    PYTHONPATH=src:tests python docs/screenshots.py

Chromium is found as the tests find it. The sample world is fiction, so no real person's words are
in any picture.
"""

from __future__ import annotations

import base64
import datetime
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from playwright.sync_api import Browser, Page, expect  # noqa: E402

from browser import launched  # noqa: E402 - after the path to it
from serving import running, sample_world  # noqa: E402

MAX_BYTES = 200_000
MORNING = datetime.datetime(2026, 3, 16, 9, 40, tzinfo=datetime.UTC)  # the dial's shadow

TEXT = (
    "Marrowick tap water has 40 times the legal limit of lead, and the council is hiding the test "
    "results. Lantern Bridge will open to cars this spring. The fire at Lunde Kiln Works injured "
    "seven people, and it destroyed the whole works. It was a sad day for the town."
)

STORY = "town%2F0024"  # any post of a story leads to it: the barge and the bridge


def opened(browser: Browser, url: str, width: int, height: int, **options: str) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2 if width < 600 else 1.5,
        timezone_id="UTC",
        reduced_motion="reduce",
        **options,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.clock.set_fixed_time(MORNING)
    page.goto(url)
    expect(page.locator("#examples button").first).to_be_visible()
    page.mouse.move(0, 0)
    return page


def ask(page: Page, question: str, cite: int | None = None) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(page.locator(".answer .facts")).to_be_visible(timeout=30_000)
    if cite is not None:
        page.locator(f".cite[data-n='{cite}']").first.click()
        expect(page.locator("#panel mark")).to_be_visible()
    page.evaluate("document.activeElement.blur()")


def check(page: Page, text: str) -> None:
    page.get_by_role("link", name="Check").click()
    page.fill("#text", text)
    page.click("#check-go")
    expect(page.locator("#check-edit")).to_be_visible(timeout=30_000)
    page.locator(".spot.refuted").first.click()
    expect(page.locator("#panel .card").first).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)


def at(browser: Browser, url: str, shown: str, width: int, height: int, **options: str) -> Page:
    """The page at an address, once ``shown`` is there."""
    page = opened(browser, url.partition("#")[0], width, height, **options)
    page.goto(url)
    expect(page.locator(shown).first).to_be_visible(timeout=30_000)
    page.evaluate("document.activeElement.blur()")
    return page


def save(page: Page, name: str) -> None:
    """A PNG under MAX_BYTES: as it is where it is small, else in 256 colours."""
    shot = page.screenshot()
    path = HERE / name
    path.write_bytes(shot if len(shot) <= MAX_BYTES else in_256_colours(page, shot))
    size = path.stat().st_size
    assert size <= MAX_BYTES, f"{name} has {size} bytes; make its window smaller"
    print(f"{name}: {size:,} bytes")


def in_256_colours(page: Page, png: bytes) -> bytes:
    """The same picture with a palette. A page has few colours: its 256 commonest, after rounding
    to 5 bits a channel, stand for all. The browser decodes; the format is that of
    https://www.w3.org/TR/png/."""
    decoded = page.evaluate(
        """async bytes => {
            const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
            const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
            const context = canvas.getContext("2d");
            context.drawImage(bitmap, 0, 0);
            const data = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
            let text = "";
            for (let i = 0; i < data.length; i += 32768)
                text += String.fromCharCode(...data.subarray(i, i + 32768));
            return [bitmap.width, bitmap.height, btoa(text)];
        }""",
        list(png),
    )
    width, height, data = decoded
    pixels = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height * width, 4)[:, :3]
    coarse = (pixels >> 3).astype(np.int32) @ np.array([1024, 32, 1], np.int32)
    found, inverse, counts = np.unique(coarse, return_inverse=True, return_counts=True)
    kept = np.argsort(-counts)[:256]
    # Each kept cell shows the mean of its pixels; each other cell the nearest kept colour.
    sums = np.stack([np.bincount(inverse, pixels[:, c], len(found)) for c in range(3)], axis=1)
    means = sums / counts[:, None]
    palette = means[kept].round().astype(np.uint8)
    nearest = ((means[:, None, :] - palette[None].astype(float)) ** 2).sum(-1).argmin(1)
    indices = nearest[inverse].astype(np.uint8).reshape(height, width)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indices], axis=1).tobytes()
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 3, 0, 0, 0])
    chunks = ((b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", zlib.compress(rows, 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in (*chunks, (b"IEND", b"")))


def chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(name + data)
    return len(data).to_bytes(4) + name + data + check.to_bytes(4)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        sample_world(Path(home)) as engine,
        running(engine) as url,
        launched() as browser,
    ):
        page = opened(browser, url, 1240, 800, locale="en-GB", color_scheme="light")
        save(page, "home-en.png")
        page = opened(browser, url, 1240, 900, locale="en-GB", color_scheme="light")
        ask(page, "When will Cliff Road reopen?")
        save(page, "answer-en.png")
        page = opened(browser, url, 1240, 800, locale="zh-CN", color_scheme="light")
        ask(page, "翁德谷医院急诊科会关闭吗？", cite=1)
        save(page, "answer-zh.png")
        page = opened(browser, url, 1240, 760, locale="en-GB", color_scheme="dark")
        check(page, TEXT)
        save(page, "check-en.png")
        # The days in which the town had most to talk about.
        page = at(
            browser,
            f"{url}/#board&window=7d",
            ".story .badge",
            1240,
            900,
            locale="en-GB",
            color_scheme="light",
        )
        save(page, "board.png")
        page = at(
            browser,
            f"{url}/#story={STORY}",
            ".lane .dot",
            1240,
            880,
            locale="en-GB",
            color_scheme="light",
        )
        save(page, "story.png")
        page = opened(browser, url, 390, 844, locale="en-GB", color_scheme="dark")
        ask(page, "Does the mayor plan to sell the harbour?")
        save(page, "answer-dark-phone.png")


if __name__ == "__main__":
    main()

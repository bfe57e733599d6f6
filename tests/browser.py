"""Headless Chromium, as Debian packages it, driven by Playwright; and a page that is watched."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Two cores that other tests share: what is late is not wrong.
expect.set_options(timeout=20_000)


def find() -> str:
    """The path of a Chromium on this machine."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise AssertionError(
        "No Chromium is on this machine, and the page is tested in one; `make test` installs it."
    )


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=ARGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched(browser: Browser, allowed: str = "", **options: Any) -> Iterator[BrowserContext]:
    """A context in which any error, refusal by the policy or foreign request fails the test, but
    for a console message that has ``allowed`` in it."""
    options = {"locale": "en-GB", "viewport": {"width": 1280, "height": 860}} | options
    context = browser.new_context(timezone_id="UTC", **options)
    context.set_default_timeout(10_000)
    trouble: list[str] = []
    context.on(
        "console",
        lambda m: trouble.append(f"{m.text} {m.location['url']}") if m.type != "log" else None,
    )
    context.on("weberror", lambda error: trouble.append(str(error.error)))
    hosts: set[str] = set()
    context.on(
        "request", lambda request: hosts.add(re.sub(r"^(\w+:(?://)?[^/]*).*", r"\1", request.url))
    )
    try:
        yield context
        trouble = [text for text in trouble if not (allowed and allowed in text)]
        assert not trouble, trouble
        foreign = {host for host in hosts if not host.startswith("blob:")}
        assert len(foreign) <= 1, f"the page spoke to {foreign}"
        assert all(re.match(r"http://(127\.0\.0\.1|localhost):", host) for host in foreign)
    finally:
        context.close()


def ask(page: Page, question: str, turn: int = 1) -> None:
    """Write a question into the box, and wait for the answer to the conversation's n-th."""
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(page.locator(".turn .answer .facts:not(.panel *)")).to_have_count(turn)


def answer_of(page: Page) -> dict[str, Any]:
    """The answer that the page shows, as the server keeps it in one's history."""
    expect(page).to_have_url(re.compile("#kept="))
    name = page.url.partition("#kept=")[2].partition("&")[0]
    kept: dict[str, Any] = page.evaluate("a => fetch(a).then(r => r.json())", f"/v1/history/{name}")
    answer: dict[str, Any] = kept["ask"]
    return answer

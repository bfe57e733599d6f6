"""Signing in on the page, in a real Chromium: keys, passwords, passkeys, invitations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser import ask, launched, watched
from gnomon.serve.contract import Engine
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.serve.policy import Policy
from gnomon.serve.users import Users
from serving import running, sample_world

PASSWORD = "otter lantern basalt plum"
QUESTION = "When will Cliff Road reopen?"
REFUSED = "status of 401"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with sample_world(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.db"


@contextmanager
def locked(engine: Engine, path: Path, *, multi_user: bool = False) -> Iterator[str]:
    """A server that asks who one is. Passkeys need a name, so it is called localhost."""
    policy = Policy(multi_user=multi_user)
    with running(engine, database=Database(path), policy=policy) as url:
        yield url.replace("127.0.0.1", "localhost")


def authenticator(context: BrowserContext, page: Page) -> None:
    """A device with passkeys, as https://w3c.github.io/webauthn/#sctn-automation has it."""
    client = context.new_cdp_session(page)
    client.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    client.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_key_is_asked_for_used_and_not_kept(browser: Browser, engine: Engine, path: Path) -> None:
    whole, key = Keys(Database(path)).create()
    with locked(engine, path) as url, watched(browser, allowed=REFUSED) as context:
        page = context.new_page()
        page.goto(url)
        sheet = page.locator("#sheet")
        expect(sheet.get_by_label("Key")).to_be_focused()
        sheet.get_by_label("Key").fill("gnomon_wrong")
        page.keyboard.press("Enter")
        expect(sheet.get_by_role("alert").last).not_to_be_empty()
        sheet.get_by_label("Key").fill(whole)
        page.keyboard.press("Enter")
        expect(sheet).to_be_hidden()
        expect(page.locator("#count-held")).to_contain_text("posts")
        ask(page, QUESTION)
        kept = page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
            "+ document.documentElement.outerHTML"
        )
        assert whole not in kept
        page.goto(f"{url}/#settings")
        expect(page.locator(".account")).to_contain_text(key.id)
        page.click("#sign-out")
        expect(sheet).to_be_visible()


def test_each_signs_in_with_a_password_to_a_history_of_their_own(
    browser: Browser, engine: Engine, path: Path
) -> None:
    for name in ("Ada", "Bo"):
        Users(Database(path)).add(name, PASSWORD)
    with locked(engine, path, multi_user=True) as url:
        for name, own in (("Ada", QUESTION), ("Bo", "What was the strongest gust?")):
            with watched(browser, allowed=REFUSED) as context:
                page = context.new_page()
                page.goto(f"{url}/#q={own}")
                page.get_by_label("Name").fill(name)
                page.get_by_label("Password").fill("a wrong one, but long")
                page.keyboard.press("Enter")
                expect(page.locator("#sheet form .trouble").first).not_to_be_empty()
                page.get_by_label("Password").fill(PASSWORD)
                page.keyboard.press("Enter")
                # What was wanted goes on where it was stopped.
                expect(page.locator(".answer .facts, .abstained").first).to_be_visible()
                page.goto(f"{url}/#history")
                expect(page.locator(".past .text")).to_have_text([own])


def test_an_invitation_a_passkey_and_a_changed_password(
    browser: Browser, engine: Engine, path: Path
) -> None:
    word = Users(Database(path)).invite()
    with (
        locked(engine, path, multi_user=True) as url,
        watched(browser, allowed=REFUSED) as context,
    ):
        page = context.new_page()
        authenticator(context, page)
        page.goto(f"{url}/#invite={word}")
        expect(page.locator("h1")).to_have_text("You are invited")
        page.fill("#new-name", "Cleo")
        page.get_by_role("button", name="Begin").click()
        expect(page.locator(".account")).to_contain_text("Signed in as Cleo.")
        assert word not in page.url
        expect(page.locator("#s-all")).to_have_count(0)  # settings are for an admin
        page.locator("#passkeys summary").click()
        expect(page.locator("#passkeys li")).to_have_count(1)
        page.click("#passkey-add")
        expect(page.locator("#passkeys .trouble")).to_have_text(re.compile("passkey"))
        page.click("#sign-out")
        expect(page.locator("#sheet")).to_be_visible()
        page.click("#sign-passkey")
        expect(page.locator("#sheet")).to_be_hidden()
        expect(page.locator("#count-held")).to_contain_text("posts")
        page.goto(f"{url}/#settings")
        expect(page.locator(".account")).to_contain_text("Signed in as Cleo.")
        page.locator("#passkeys summary").click()
        page.get_by_role("button", name=re.compile("Remove the passkey")).click()
        # Not "a row or a trouble": the row is there until the server has answered.
        expect(page.locator("#passkeys li")).to_have_count(0)
        expect(page.locator("#passkeys .trouble")).to_be_empty()


def test_who_cancels_is_told_and_may_try_again(
    browser: Browser, engine: Engine, path: Path
) -> None:
    Keys(Database(path)).create()
    with locked(engine, path) as url, watched(browser, allowed=REFUSED) as context:
        page = context.new_page()
        page.goto(f"{url}/#search=fire")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator(".sorry").first).to_contain_text("key")
        page.get_by_role("button", name="Try again").first.click()
        expect(page.locator("#sheet")).to_be_visible()


def test_a_machine_that_asks_nobody_has_nothing_to_sign_in_to(
    browser: Browser, engine: Engine
) -> None:
    with running(engine) as url, watched(browser) as context:
        page = context.new_page()
        page.goto(f"{url}/#settings")
        expect(page.locator(".account")).to_contain_text("asks nobody who they are")
        expect(page.locator("#sign-in")).to_have_count(0)

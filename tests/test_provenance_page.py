"""On the page, in a real Chromium: who signed a post's pictures, and an answer's receipt."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

import pictures
from browser import ask, launched, watched
from gnomon.assemble import open_files
from gnomon.assemble.provenance import Signed
from gnomon.config import load
from gnomon.types.provenance import Made
from serving import running

MADE = Made("picture", "tiny-picture", "", "", 1_773_000_000.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A file of posts, one with pictures beside it; and its server."""
    folder = tmp_path_factory.mktemp("posts")
    theirs = Signed(load(tmp_path_factory.mktemp("them"), {}, watermark=False))
    signed = theirs.sign(pictures.png(), "image/png", MADE)
    (folder / "signed.png").write_bytes(signed)
    broken = bytearray(signed)
    broken[signed.rindex(b"IDAT") + 400] ^= 1
    (folder / "broken.png").write_bytes(bytes(broken))
    row = {
        "id": "bridge",
        "author": "Ada",
        "text": "The new bridge opened on Monday after two years of work, the council said.",
        "created_at": "2026-03-02T10:00:00Z",
        "media": ["signed.png", "broken.png"],
    }
    file = folder / "posts.jsonl"
    file.write_text(json.dumps(row))
    config = load(tmp_path_factory.mktemp("home"), {}, chat_model="none", embed_model="none")
    with open_files(config, [file]) as gnomon, running(gnomon) as url:
        yield gnomon, url


def test_a_reader_sees_who_signed_and_takes_the_receipt_away(world):
    gnomon, url = world
    post = gnomon.search("bridge")[0].post.id
    with launched() as browser, watched(browser) as context:
        page = context.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/posts/{post}")
        expect(page.locator(".held-post .text")).to_contain_text("bridge")
        assert not any("provenance" in one for one in asked)  # lazy: nobody asked yet
        page.get_by_role("button", name="Who signed its 2 pictures?").click()
        states = page.locator(".pictures-signed .badge")
        expect(page.locator(".pictures-signed")).to_contain_text("Signed by somebody unknown")
        expect(page.locator(".pictures-signed")).to_contain_text("Signature broken")
        expect(page.locator(".pictures-signed")).to_contain_text("Made by a model")
        assert states.count() >= 2
        page.reload()  # what was found is there at once
        expect(page.locator(".pictures-signed")).to_contain_text("Signature broken")
        page.goto(url)
        ask(page, "When did the new bridge open?")
        page.get_by_role("button", name="Receipt", exact=True).click()
        expect(page.locator(".receipt")).to_contain_text("holds")
        expect(page.locator(".receipt")).to_contain_text(gnomon.provenance.key().id)
        expect(page.locator(".receipt")).to_contain_text("not measured")

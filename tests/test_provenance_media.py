"""Pictures that come with posts: fetched through the guard, judged in the confined process, and
only the verdict kept, which goes with the post."""

from __future__ import annotations

import http.server
import json
import threading
import time

import httpx
import pytest

import pictures
from gnomon.assemble import open_files, open_gnomon
from gnomon.assemble.provenance import Signed
from gnomon.cli import main
from gnomon.config import load
from gnomon.errors import NotFound, SourceError
from gnomon.sources.contract import Fetch
from gnomon.types import Batch, Deletion, Post
from gnomon.types.provenance import Made
from serving import running

MADE = Made("picture", "tiny-picture", "", "", 1_773_000_000.0)


@pytest.fixture
def host(tmp_path):
    """A server of pictures: signed by somebody, changed afterwards, bare, and none at all."""
    theirs = Signed(load(tmp_path / "them", {}, watermark=False))
    signed = theirs.sign(pictures.png(), "image/png", MADE)
    broken = bytearray(signed)
    broken[signed.rindex(b"IDAT") + 400] ^= 1
    files = {
        "/signed.png": signed,
        "/broken.png": bytes(broken),
        "/bare.png": pictures.png(),
        "/page.html": b"<html>no picture</html>",
        "/huge.png": b"\x89PNG" + bytes(21_000_000),
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = files.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", theirs
    server.shutdown()
    server.server_close()


def post(number, *media, **more):
    return Post(
        id=f"p{number}", text=f"Look at this, number {number}.", source="test", author="a",
        fetched_at=time.time(), created_at=time.time(), media=media, **more,
    )  # fmt: skip


@pytest.mark.parametrize("own", [False, True])
def test_a_strangers_address_leads_to_no_private_host(tmp_path, host, own):
    """Not even to a server that the owner let his own sources reach."""
    url, _ = host
    allow = (url.removeprefix("http://"),) if own else ()
    config = load(tmp_path / "home", {}, chat_model="none", embed_model="none", allow=allow)
    with open_gnomon(config) as gnomon:
        gnomon.store.write(Batch("test", posts=(post(1, f"{url}/signed.png"),)))
        [found] = gnomon.media_checks.check("p1")
        assert found.state == "unread"
        assert "127.0.0.1" in found.why
        with pytest.raises(NotFound, match="nosuch"):
            gnomon.media_checks.check("nosuch")


def test_pictures_beside_a_file_are_judged_and_shown(tmp_path, host, capsys):
    _, theirs = host
    folder = tmp_path / "posts"
    folder.mkdir()
    signed = theirs.sign(pictures.png(), "image/png", MADE)
    (folder / "signed.png").write_bytes(signed)
    (tmp_path / "outside.png").write_bytes(signed)
    rows = [
        {"id": "one", "text": "A picture of the harbour.", "media": ["signed.png", "none.png"]},
        {"id": "two", "text": "A way out of the folder.", "media": ["../outside.png"]},
    ]
    file = folder / "posts.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    config = load(tmp_path / "home", {}, chat_model="none", embed_model="none")
    with open_files(config, [file]) as gnomon:
        ids = {p.text: p.id for p in (hit.post for hit in gnomon.store.search("picture way", 9))}
        one, two = ids[rows[0]["text"]], ids[rows[1]["text"]]
        assert gnomon.show(one).media_checks == ()  # nothing is looked at unasked
        states = [check.state for check in gnomon.media_checks.check(one)]
        assert states == ["valid", "unread"]
        [escape] = gnomon.media_checks.check(two)
        assert escape.state == "unread"
        shown = gnomon.show(one).media_checks
        assert [(c.state, c.machine, c.model) for c in shown if c.state == "valid"] == [
            ("valid", True, "tiny-picture")
        ]
        with running(gnomon) as url, httpx.Client(base_url=url) as client:
            view = client.get(f"/v1/posts/{one}").json()
            assert {c["state"] for c in view["media_checks"]} == {"valid", "unread"}
            again = client.post(f"/v1/posts/{one}/media_checks").json()["data"]
            assert [c["state"] for c in again] == ["valid", "unread"]
            assert client.post("/v1/posts/nosuch/media_checks").status_code == 404
    base = ["--home", str(tmp_path / "home"), "show", one, "--file", str(file)]
    assert main([*base, "--media"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "valid" in said
    assert "made by a model" in said


def test_verdicts_are_kept_beside_the_post_and_go_with_it(tmp_path, host, monkeypatch):
    url, theirs = host
    config = load(tmp_path / "home", {}, chat_model="none", embed_model="none")
    with open_gnomon(config) as gnomon:
        gnomon.provenance.keys.trust(theirs.key().root)
        checks = gnomon.media_checks
        real = {path: httpx.get(f"{url}{path}").content for path in
                ("/signed.png", "/broken.png", "/bare.png", "/page.html")}  # fmt: skip
        monkeypatch.setattr(checks, "_fetched", lambda media: real[media.removeprefix(url)])
        media = [f"{url}{path}" for path in real]
        gnomon.store.write(Batch("test", posts=(post(1, *media), post(2), post(3, media[0]))))
        found = checks.check("p1")
        assert [c.state for c in found] == ["trusted", "invalid", "absent", "unread"]
        kept = {c.media: c for c in gnomon.show("p1").media_checks}
        assert {m: c.state for m, c in kept.items()} == dict(
            zip(media, ["trusted", "invalid", "absent", "unread"], strict=True)
        )
        assert "changed after it was signed" in kept[media[1]].why
        # Nothing of the picture stays anywhere below the home.
        needle = pictures.png()[200:260]
        for path in (tmp_path / "home").rglob("*"):
            assert not path.is_file() or needle not in path.read_bytes()
        checks.check("p3")
        gnomon.store.write(Batch("test", deletions=(Deletion("test", time.time(), post="p1"),)))
        assert checks.prune() == 1
        assert checks.of("p1") == ()
        assert [c.state for c in checks.of("p3")] == ["trusted"]


def test_what_comes_in_is_followed_within_bounds(tmp_path, host, monkeypatch):
    url, _ = host
    config = load(tmp_path / "home", {}, chat_model="none", embed_model="none", check_media=True)
    with open_gnomon(config) as gnomon:
        checks = gnomon.media_checks
        asked = []
        monkeypatch.setattr(checks, "_fetched", lambda media: asked.append(media) or b"x")
        gnomon.store.write(Batch("test", posts=(post(1, f"{url}/old.png"),)))
        stop = threading.Event()
        stop.set()
        checks.follow(stop, lambda why: None)  # the first start only marks the place
        posts = tuple(post(n, f"{url}/{n}.png", f"{url}/{n}b.png") for n in range(2, 6))
        gnomon.store.write(Batch("test", posts=posts))
        assert checks.step(5) == 4  # two posts of two; the third would be over
        assert len(asked) == 4
        assert checks.step(100) == 4
        assert checks.step(100) == 0
        assert not any("old" in media for media in asked)
        gnomon.store.write(Batch("test", deletions=(Deletion("test", time.time(), post="p2"),)))
        checks.step(100)
        assert checks.verdicts.of("p2") == ()


def test_a_picture_over_the_cap_is_not_read(tmp_path, host):
    """Through the real network, with the host made the owner's own."""
    url, _ = host
    from gnomon.assemble import media_bytes

    authority = url.removeprefix("http://")
    config = load(tmp_path / "home", {}, allow=(authority,), chat_model="none", embed_model="none")
    with open_gnomon(config) as gnomon:
        wish = Fetch(f"{url}/huge.png", max_bytes=media_bytes.MAX_BYTES)
        with gnomon.intake.network() as network, pytest.raises(SourceError):
            network.fetch(wish)

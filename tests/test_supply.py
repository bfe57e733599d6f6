"""The supervisor of sources, over real feeds on a real port and a real store on disk."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from command import gnomon as command
from gnomon import assemble
from gnomon.assemble import supply
from gnomon.assemble.followed import Followed, SourceList
from gnomon.config import Config, load
from gnomon.errors import ConfigError, InputError, NotFound
from source_servers import HttpServer, http_server


def feed(*items: tuple[str, str]) -> tuple[int, dict[str, str], bytes]:
    rows = "".join(
        f"<item><guid>{guid}</guid><title>{title}</title><link>http://example.org/{guid}</link>"
        f"<pubDate>Sat, 21 Nov 2026 10:00:00 GMT</pubDate></item>"
        for guid, title in items
    )
    body = f"<rss version='2.0'><channel><title>t</title>{rows}</channel></rss>"
    return 200, {"Content-Type": "application/rss+xml"}, body.encode()


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with http_server() as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, web: HttpServer) -> Config:
    return load(
        tmp_path / "home",
        {},
        chat_model="none",
        embed_model="none",
        feeds=(),
        jetstream="ws://127.0.0.1:9",
        allow=(web.authority,),
    )


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supply, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(supply, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(supply, "WRITE_EVERY_S", 0.05)


def wait_for(true: Callable[[], object], seconds: float = 15.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.02)


def health_of(gnomon: assemble.Gnomon, source: str) -> supply.Health:
    return next(one for one in gnomon.supply.health() if one.source == source)


def test_the_list_can_change_while_it_is_followed(config, web):
    web.pages["/a"] = feed(("1", "The harbour opened its new gate on Saturday morning"))
    web.pages["/b"] = feed(("2", "A storm closed the coastal road for the whole weekend"))
    listed = SourceList(config.home / "sources.json")
    with assemble.open_gnomon(config) as gnomon:
        gnomon.supply.add(web.url("/a"))
        listed.remove("bluesky")
        listed.remove("feeds")
        gnomon.go_live()
        wait_for(lambda: gnomon.store.status().posts == 1)
        # As another process does it: through the file.
        listed.add(web.url("/b"), every_s=None, now=time.time())
        wait_for(lambda: gnomon.store.status().posts == 2)
        listed.pause(web.url("/a"), True)
        wait_for(lambda: health_of(gnomon, f"feed:{web.url('/a')}").state == "paused")
        asked = web.paths().count("/a")
        time.sleep(0.3)
        assert web.paths().count("/a") == asked
        assert gnomon.supply.live
        listed.remove(web.url("/b"))
        wait_for(lambda: not gnomon.supply.live)
        assert gnomon.store.status().posts == 2  # what was taken in stays


def test_one_that_fails_stops_no_other_and_is_tried_again_ever_more_slowly(config, web):
    web.pages["/good"] = feed(("1", "The ferry to Norwick sails twice a day from now on"))
    web.pages["/bad"] = (403, {}, b"no")
    with assemble.open_gnomon(config) as gnomon:
        gnomon.go_live([web.url("/good"), web.url("/bad")])
        bad = f"feed:{web.url('/bad')}"
        wait_for(lambda: gnomon.store.status().posts == 1)
        wait_for(lambda: health_of(gnomon, bad).errors >= 3)
        said = health_of(gnomon, bad).line(time.time())
        assert "403" in said
        assert "Trying again in" in said
        assert "failures since the last success" in said
        assert bad in gnomon.status()["health"]
        web.pages["/bad"] = feed(("9", "The court published its ruling on the harbour sale"))
        wait_for(lambda: gnomon.store.status().posts == 2, 30)
        assert health_of(gnomon, bad).posts == 1


def test_copies_that_two_sources_bring_in_the_same_moment_are_one_origin(config, web):
    """Without one lane for finding origins and writing, neither would see the other."""
    text = "The mayor of Norwick resigned on Saturday after the harbour inquiry found a missing sum"
    ready = threading.Barrier(8)

    def together(number: int) -> Callable[[object], tuple[int, dict[str, str], bytes]]:
        def answer(handler: object) -> tuple[int, dict[str, str], bytes]:
            ready.wait(10)
            return feed((f"copy{number}", text))

        return answer

    with http_server() as hosts:  # robots.txt of one host is asked once; pauses are per host
        config = load(config.home, {}, **{**_plain(config), "allow": (hosts.authority,)})
        with assemble.open_gnomon(config) as gnomon:
            gnomon.intake.network = lambda: _hasty(config)  # type: ignore[method-assign]
            for number in range(8):
                hosts.pages[f"/{number}"] = together(number)
            gnomon.go_live([hosts.url(f"/{number}") for number in range(8)])
            wait_for(lambda: gnomon.store.status().posts == 8)
            assert gnomon.store.status().origins == 1


def _plain(config: Config) -> dict[str, object]:
    return {"chat_model": "none", "embed_model": "none", "feeds": ()}


def _hasty(config: Config) -> object:
    from gnomon.sources.network import Network

    return Network(allow=config.allow, politeness_s=0.0)


def test_it_stops_cleanly_in_the_middle_of_everything(config, web):
    release = threading.Event()

    def slow(handler: object) -> tuple[int, dict[str, str], bytes]:
        release.wait(20)
        return feed(("1", "late"))

    web.pages["/slow"] = slow
    gnomon = assemble.open_gnomon(config)
    gnomon.go_live([web.url("/slow")])
    wait_for(lambda: "/slow" in web.paths())
    began = time.monotonic()
    gnomon.close()
    release.set()
    assert time.monotonic() - began < 15
    assert not (config.home / "supply.json").exists()
    with assemble.open_gnomon(config) as again:  # nothing is locked, nothing is lost
        assert again.store.status().posts == 0


def test_another_process_sees_how_each_is_doing(config, web, tmp_path):
    web.pages["/a"] = feed(("1", "The harbour opened its new gate on Saturday morning"))
    with assemble.open_gnomon(config) as gnomon:
        gnomon.supply.add(web.url("/a"), every_s=3600.0)
        gnomon.go_live()
        wait_for(lambda: gnomon.store.status().posts == 1)
        wait_for((config.home / "supply.json").exists)
        wait_for(lambda: json.loads((config.home / "supply.json").read_text())["sources"])
        done = command(config.home, "sources", "--json")
        row = next(row for row in done.json if row["spec"] == web.url("/a"))
        assert row["state"] in ("running", "waiting")
        assert row["posts"] == 1
        assert row["lag_s"] > 0
        assert row["newest"].startswith("2026-11-21T10:00")
        assert f"feed:{web.url('/a')}" in command(config.home, "status", "--json").json["health"]


def test_a_fault_of_ours_in_a_source_is_not_silent(config, web, monkeypatch):
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)

    def broken(*args: object, **how: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(supply, "ingest", broken)
    with assemble.open_gnomon(config) as gnomon:
        gnomon.go_live([web.url("/a")])
        wait_for(lambda: seen)
        assert seen[0].exc_type is ZeroDivisionError
        source = f"feed:{web.url('/a')}"
        wait_for(lambda: "fault of ours" in gnomon.status()["health"][source])


def test_a_trial_keeps_nothing(config, web):
    web.pages["/a"] = feed(("1", "The harbour opened its new gate on Saturday morning"))
    with assemble.open_gnomon(config) as gnomon:
        tried = gnomon.supply.try_out(web.url("/a"), for_s=10)
        assert (tried.posts, tried.error) == (1, "")
        assert tried.examples[0].text.startswith("The harbour opened")
        assert gnomon.store.status().posts == 0
        failed = gnomon.supply.try_out(web.url("/nothing"), for_s=10)
        assert failed.posts == 0
        assert "404" in failed.error


# --------------------------------------------------------------------------- the list itself


def test_the_list_begins_with_the_defaults_and_keeps_them(tmp_path):
    listed = SourceList(tmp_path / "sources.json")
    assert [row.spec for row in listed.read()] == ["bluesky", "feeds"]
    listed.add("https://example.org/feed", every_s=60.0, now=5.0)
    assert listed.read()[-1] == Followed("https://example.org/feed", 60.0, added_at=5.0)
    assert len(listed.read()) == 3
    with pytest.raises(InputError, match="followed already"):
        listed.add("bluesky", every_s=None, now=5.0)
    with pytest.raises(NotFound, match="'nope' is not followed; followed are: 'bluesky'"):
        listed.remove("nope")
    assert (tmp_path / "sources.json").stat().st_mode & 0o077 == 0


CHANGES = """import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("followed", sys.argv[1])
sys.modules["followed"] = followed = importlib.util.module_from_spec(spec)
spec.loader.exec_module(followed)
listed = followed.SourceList(pathlib.Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for n in range(40):
    mine = f"feeds:http://example.org/{sys.argv[3]}/{n}"
    listed.add(mine, every_s=None, now=1.0)
    listed.pause(mine, True)
    if n % 4 == 0:
        listed.remove(mine)
"""


def test_two_processes_that_change_the_list_lose_nothing(tmp_path: Path) -> None:
    """As ``gnomon sources`` and a server that pauses a source do, both as fast as they can."""
    path = tmp_path / "sources.json"
    code = str(Path(assemble.__file__).with_name("followed.py"))
    both = [
        subprocess.Popen(
            [sys.executable, "-c", CHANGES, code, str(path), who],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for who in ("ada", "bo")
    ]  # fmt: skip
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in both:
        process.communicate(timeout=120)
        assert process.returncode == 0
    held = {row.spec: row.paused for row in SourceList(path).read()}
    added = {f"feeds:http://example.org/{who}/{n}" for who in ("ada", "bo") for n in range(40)
             if n % 4}  # fmt: skip
    assert {spec for spec, paused in held.items() if paused} == added
    assert set(held) - added == {row.spec for row in SourceList(tmp_path / "none").read()}


@pytest.mark.parametrize("text", ["{", "[]", '{"sources": [{}]}', '{"sources": [{"spec": 7}]}'])
def test_a_list_that_cannot_be_read_is_told_and_stops_nothing(config, text):
    config.home.mkdir()
    (config.home / "sources.json").write_text(text)
    with pytest.raises(ConfigError, match=r"sources\.json"):
        SourceList(config.home / "sources.json").read()
    with assemble.open_gnomon(config) as gnomon:
        gnomon.go_live()
        assert "sources.json" in gnomon.status()["health"]["sources"]


def test_the_command_line_changes_the_list(tmp_path):
    home = tmp_path / "home"
    path = tmp_path / "posts.jsonl"
    path.write_text('{"text": "The harbour opened on Saturday"}\n')
    assert command(home, "sources", "add", path).code == 0
    listed = command(home, "sources", "--json").json
    assert {"bluesky", "feeds", str(path)} == {row["spec"] for row in listed}
    assert command(home, "sources", "pause", "bluesky").code == 0
    assert "bluesky: paused" in command(home, "sources").out
    assert command(home, "sources", "resume", "bluesky").code == 0
    assert "bluesky: paused" not in command(home, "sources").out
    assert command(home, "sources", "remove", path).code == 0
    assert "not followed" in command(home, "sources", "remove", path).said
    assert "no source" in command(home, "sources", "add", "nosuch").said
    assert "say which" in command(home, "sources", "add").said
    done = command(home, "sources", "test", path)
    assert done.code == 0
    assert "1 post" in done.out

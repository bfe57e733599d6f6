"""Everything an owner can do wrong gets one clear sentence and the next step; the rest is kept,
and ``gnomon status`` lists what was set aside and why."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from command import Done, gnomon, without_root_rights, write_lines

GOOD = [
    {
        "id": "g1",
        "text": "The ferry to Norwick sails again from Monday, says the harbour office.",
        "author": "harbour",
        "created_at": "2026-03-02T08:00:00Z",
    },
    {
        "id": "g2",
        "text": "Tickets for the Norwick ferry cost 14 euros since March.",
        "author": "ann",
        "created_at": "2026-03-03T09:30:00Z",
    },
]
HUGE_BYTES = 50 * 2**20


@dataclass
class Messy:
    """A home after one pull of good and bad things."""

    home: Path
    folder: Path
    pulled: Done
    aside: list[dict[str, Any]]
    status: dict[str, Any]

    def why(self, where: str) -> str:
        """Why the thing at ``where`` was set aside."""
        found = [item["reason"] for item in self.aside if where in item["where"]]
        assert found, (where, [item["where"] for item in self.aside])
        return str(found[0])


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Messy:
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("in")
    rows: list[Any] = [
        GOOD[0],
        "this is no JSON",
        {"id": "b1", "text": "   "},
        {"id": "b2", "text": "from tomorrow's paper", "created_at": "2199-01-01T00:00:00Z"},
        {"id": "b3"},
        GOOD[1],
    ]
    write_lines(folder / "mixed.jsonl", rows)
    (folder / "empty").mkdir()
    (folder / "nothing.jsonl").write_bytes(b"")
    (folder / "chinese.jsonl").write_bytes(
        "".join(
            json.dumps(
                {"id": f"zh{i}", "text": f"港口办公室说渡船从星期一起恢复航行{i}"},
                ensure_ascii=False,
            )
            + "\n"
            for i in range(20)
        ).encode("gb18030")
    )
    (folder / "picture.gif").write_bytes(b"GIF89a\x10\x00\x10\x00\x80\x00\x00" * 40)
    with (folder / "huge.jsonl").open("w", encoding="utf-8") as file:
        file.write('{"id": "huge", "text": "' + "ferry " * (HUGE_BYTES // 6) + '"}\n')
        file.write('{"id": "after", "text": "A post after the huge one, about the ferry."}\n')
    locked = write_lines(folder / "locked.jsonl", GOOD)
    locked.chmod(0)
    names = ("mixed.jsonl", "empty", "nothing.jsonl", "chinese.jsonl", "picture.gif", "huge.jsonl")
    bad = [folder / "locked.jsonl", folder / "missing.jsonl", "gopher://x", "twitter"]
    pulled = gnomon(
        home, "pull", *[folder / name for name in names], *bad, before=without_root_rights
    )
    status = gnomon(home, "status", "--json").json
    return Messy(home, folder, pulled, status["set_aside"], status)


def test_a_pull_of_good_and_bad_names_the_bad_and_keeps_the_good(messy: Messy) -> None:
    assert messy.pulled.code == 1
    assert "Traceback" not in messy.pulled.err
    assert "file:mixed.jsonl: 2 new, 4 set aside" in messy.pulled.out
    assert messy.status["posts"] == len(GOOD) + 20 + 1
    found = gnomon(messy.home, "search", "--json", "Norwick ferry").json
    assert {"g1", "g2"} <= {item["post"]["id"] for item in found}


@pytest.mark.parametrize(
    ("where", "what", "next_step"),
    [
        ("mixed.jsonl, line 2", "'this is no JSON' is no JSON", "give one JSON object a line"),
        ("mixed.jsonl, line 3", "no text", "give the post's words"),
        ("mixed.jsonl, line 4", "2199-01-01", "correct the date or the clock"),
        ("mixed.jsonl, line 5", "text", "give"),
        ("huge.jsonl, line 1", "52,4", "max_post_mb"),
        ("chinese.jsonl", "not UTF-8; it was read as gb18030", "iconv"),
        ("picture.gif", "no format that gnomon reads", "it reads .jsonl"),
        ("file:empty", "'empty' holds no posts", "give a file"),
        ("file:nothing.jsonl", "holds no posts", "give a file"),
        ("locked.jsonl", "may not be read", "change its permissions"),
        ("missing.jsonl", "there is no such file", "Give a file or folder"),
        ("gopher://x", "gopher URLs are not read", "Give a file or folder"),
        ("twitter", "'twitter' is no source", "'bluesky'"),
    ],
)
def test_status_says_what_was_set_aside_and_why(
    messy: Messy, where: str, what: str, next_step: str
) -> None:
    why = messy.why(where)
    assert what in why
    assert next_step in why


@pytest.mark.parametrize("bad", ["missing.jsonl", "gopher://x", "twitter", "empty", "locked.jsonl"])
def test_a_source_that_gives_nothing_is_named_at_once(messy: Messy, bad: str) -> None:
    lines = [line for line in messy.pulled.err.splitlines() if bad in line]
    assert len(lines) == 1
    assert lines[0].startswith("gnomon: ")


def test_words_in_the_guessed_encoding_are_found(messy: Messy) -> None:
    found = gnomon(messy.home, "search", "--json", "渡船").json
    assert found
    assert found[0]["post"]["text"].startswith("港口办公室说")


def test_ten_thousand_set_aside_things_stay_readable(tmp_path: Path) -> None:
    rows = [f"no JSON at all {i}" for i in range(9_999)]
    path = write_lines(tmp_path / "bad.jsonl", [*rows, GOOD[0], {"id": "x", "text": ""}])
    assert gnomon(tmp_path / "home", "pull", path).code == 0
    told = gnomon(tmp_path / "home", "status").out
    assert len(told.splitlines()) < 15
    assert "9,000 others" in told
    assert "has no text" in told
    assert "more like it" in told
    every = gnomon(tmp_path / "home", "status", "--json", "--set-aside", "20000").json
    assert len(every["set_aside"]) == every["set_aside_total"] == 10_000


# --------------------------------------------------------------------------- questions, posts


@pytest.mark.parametrize("question", ["", "   "])
def test_an_empty_question(messy: Messy, question: str) -> None:
    done = gnomon(messy.home, "ask", question)
    assert done.code == 1
    assert done.said.startswith("The question is empty; ask something")


def test_a_question_of_100_000_characters(messy: Messy) -> None:
    done = gnomon(messy.home, "ask", "--json", "why " * 25_000)
    assert done.code == 1
    error = done.json["error"]
    assert error["type"] == "InputError"
    assert "4000" in error["message"] or "4,000" in error["message"]
    assert len(error["message"]) < 300
    assert done.said == error["message"]


def test_an_empty_store_says_so_and_makes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    asked = gnomon(home, "ask", "Did the ferry sail?")
    assert asked.code == 3
    assert "The store is empty" in asked.out
    assert "gnomon pull" in asked.out
    searched = gnomon(home, "search", "ferry")
    assert searched.code == 0
    assert "gnomon pull FILE" in searched.out
    assert gnomon(home, "search", "ferry", "--json").json == []
    assert gnomon(home, "status").code == 0
    assert not home.exists()


def test_an_unknown_and_a_deleted_post(tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in [*GOOD, {"delete": "g2"}])
    assert gnomon(tmp_path, "pull", "-", stdin=lines).code == 0
    unknown = gnomon(tmp_path, "show", "nobody/1")
    assert unknown.code == 1
    assert unknown.said == "No post 'nobody/1' is held; `gnomon search` shows ids."
    gone = gnomon(tmp_path, "show", "g2")
    assert gone.code == 1
    assert gone.said == "Post 'g2' is no longer here: deleted by its author."


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["--since", "lately"], "'lately' is no time; give ISO 8601"),
        (["--since", "2026-03-05", "--until", "2026-03-01"], "swap them"),
    ],
)
def test_times_that_cannot_be(messy: Messy, args: list[str], what: str) -> None:
    done = gnomon(messy.home, "search", "ferry", *args)
    assert done.code == 1
    assert what in done.said


# --------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("toml", "what", "next_step"),
    [
        ("port = = 3", "is not valid TOML", "mend or remove it"),
        ("colour = 3", "sets 'colour', which is no setting", "the settings are"),
        ("max_disk_mb = 'much'", "max_disk_mb is 'much'", "cannot be used"),
        ("\xff", "is not valid TOML", "mend or remove it"),
    ],
)
def test_a_config_file_that_cannot_be_used(
    tmp_path: Path, toml: str, what: str, next_step: str
) -> None:
    (tmp_path / "config.toml").write_bytes(toml.encode("latin-1"))
    done = gnomon(tmp_path, "status", "--json")
    assert done.code == 1
    assert done.json["error"]["type"] == "ConfigError"
    assert what in done.said
    assert next_step in done.said


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("GNOMON_PORT", "eighty", "port is 'eighty'"),
        ("GNOMON_PORT", "99999", "give a number from 0 to 65535"),
        ("GNOMON_ADULT", "perhaps", "give true or false"),
        ("GNOMON_MAX_DISK_MB", "1", "give at least 16"),
    ],
)
def test_an_environment_that_cannot_be_used(
    tmp_path: Path, name: str, value: str, what: str
) -> None:
    done = gnomon(tmp_path, "status", env={name: value})
    assert done.code == 1
    assert what in done.said


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("not a folder", encoding="utf-8")
    done = gnomon(home, "pull", write_lines(tmp_path / "a.jsonl", GOOD))
    assert done.code == 1
    assert str(home) in done.said


# --------------------------------------------------------------------------- models


@pytest.mark.parametrize(
    ("model", "what", "next_step"),
    [
        ("gpt-99", "'gpt-99' is no chat model that gnomon knows", "it knows smollm2"),
        ("qwen3.5-4b", "qwen3.5-4b is not on this machine", "`gnomon models pull qwen3.5-4b`"),
        ("/no/such.gguf", "No model file at '/no/such.gguf'", "give a path"),
    ],
)
def test_a_model_that_is_not_here(messy: Messy, model: str, what: str, next_step: str) -> None:
    done = gnomon(messy.home, "ask", "--model", model, "Did the ferry sail?")
    assert done.code == 1
    assert what in done.said
    assert next_step in done.said


def test_a_wrong_model_in_the_settings(messy: Messy) -> None:
    wrong = {"GNOMON_CHAT_MODEL": "gpt-99"}
    done = gnomon(messy.home, "status", env=wrong)
    assert done.code == 0
    assert "model trouble: 'gpt-99' is no chat model" in done.out
    served = gnomon(messy.home, "serve", "--port", "0", env=wrong)
    assert served.code == 1
    assert served.said.startswith("'gpt-99' is no chat model")


def test_without_any_model_questions_are_answered_from_quotes(messy: Messy) -> None:
    done = gnomon(messy.home, "ask", "--json", "How much do tickets for the Norwick ferry cost?")
    assert done.code == 0
    assert done.json["model"] == "quotes"
    assert "14 euros" in done.json["text"]


def test_a_file_that_is_no_model(messy: Messy, tmp_path: Path) -> None:
    fake = write_lines(tmp_path / "fake.gguf", GOOD)
    done = gnomon(messy.home, "ask", "--model", fake, "Did the ferry sail?")
    assert done.code == 1
    assert "is no GGUF file" in done.said


def test_a_model_file_with_the_wrong_hash_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF" + bytes(4096))
    done = gnomon(tmp_path / "home", "models", "pull", file, "--sha256", "0" * 64, "--json")
    assert done.code == 1
    assert done.json["error"]["type"] == "ModelMismatch"
    assert "refused and removed" in done.json["error"]["message"]
    assert not list((tmp_path / "home").rglob("*.gguf"))


# --------------------------------------------------------------------------- disk and port


def test_a_port_in_use(messy: Messy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = gnomon(messy.home, "serve", "--port", str(port))
    assert done.code == 1
    assert f"Port {port} on 127.0.0.1 is in use" in done.said
    assert "--port" in done.said


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, check=False) if _is_root() else None
    if mounted is None or mounted.returncode:
        pytest.skip("a small file system cannot be mounted here (not root, or not allowed)")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _is_root() -> bool:
    return os.geteuid() == 0


def _many(path: Path, megabytes: int) -> Path:
    """Posts of about 10 kB, most of it in a field that is kept and not searched."""
    rows = [
        {
            "id": f"m{i}",
            "text": f"Boat {i} came in with {i * 3} crates.",
            "notes": random.Random(i).randbytes(5_000).hex(),
        }
        for i in range(megabytes * 100)
    ]
    return write_lines(path, rows)


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    home = small_disk / "home"
    assert gnomon(home, "pull", write_lines(tmp_path / "good.jsonl", GOOD)).code == 0
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        left = os.statvfs(small_disk)
        file.write(bytes(max(0, left.f_bavail * left.f_frsize - 300_000)))
    done = gnomon(home, "pull", _many(tmp_path / "many.jsonl", 4))
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "No space is left" in done.err
    assert "free some" in done.err
    assert gnomon(home, "show", "g1").code == 0
    asked = gnomon(home, "ask", "How much do tickets for the Norwick ferry cost?")
    assert asked.code == 0
    filler.unlink()
    assert gnomon(home, "pull", tmp_path / "many.jsonl").code in (0, 1)
    assert gnomon(home, "show", "g1").code == 0


def test_over_the_owner_s_limit_the_oldest_go(tmp_path: Path) -> None:
    env = {"GNOMON_MAX_DISK_MB": "24"}
    assert gnomon(tmp_path, "pull", write_lines(tmp_path / "good.jsonl", GOOD), env=env).code == 0
    done = gnomon(tmp_path, "pull", _many(tmp_path / "many.jsonl", 12), env=env)
    assert done.code == 0, done.err
    facts = gnomon(tmp_path, "status", "--json", env=env).json
    assert facts["disk_bytes"] <= 24 * 2**20
    assert 100 < facts["posts"] < 1200
    assert gnomon(tmp_path, "show", "g1", env=env).code == 1

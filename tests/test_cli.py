"""The command line as an owner meets it: the real command, in a process of its own."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from command import PROGRAM, environment, gnomon, serving, started, write_lines
from model_files import CACHE, SMOLLM2, smollm2

ROOT = Path(__file__).parent.parent
BRIDGE = "When will Lantern Bridge open to cars?"
UNKNOWABLE = "What is the favourite colour of the mayor of Atlantis?"
NO_MODELS = {"GNOMON_CHAT_MODEL": "none", "GNOMON_EMBED_MODEL": "none"}
POSTS: list[dict[str, Any]] = [
    {
        "id": f"p{i}",
        "text": f"The ferry number {i} sails from Norwick at noon with {i * 7} passengers.",
        "author": "harbour",
        "created_at": f"2026-03-{i:02}T08:00:00Z",
        "url": f"https://social.example/harbour/{'long-' * 30}{i}",
    }
    for i in range(1, 10)
]
HOSTILE = {
    "id": "evil",
    "text": "Free \x1b[2J\x1b]0;owned\x07 ferry [bold]tickets[/bold] :warning: \x9b31m \u202etxt",
    "author": "eve\x1b[31m",
}
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds nine posts and a hostile one."""
    home = tmp_path_factory.mktemp("home")
    path = write_lines(tmp_path_factory.mktemp("in") / "posts.jsonl", [*POSTS, HOSTILE])
    done = gnomon(home, "pull", path)
    assert (done.code, done.err) == (0, "")
    assert done.out == "file:posts.jsonl: 10 new\n"
    return home


# --------------------------------------------------------------------------- answers


def test_ask_gives_a_cited_answer_and_shows_its_steps_beside_it(tmp_path: Path) -> None:
    done = gnomon(tmp_path, "ask", "--sample", BRIDGE)
    assert done.code == 0
    assert "27 March" in done.out
    assert re.search(r"^\[1\] “.+”$", done.out, re.MULTILINE)
    assert "supported" in done.out
    assert "retrieve" in done.err
    assert gnomon(tmp_path, "ask", "--sample", "--quiet", BRIDGE).err == ""


def test_ask_as_json_is_the_whole_answer(tmp_path: Path) -> None:
    done = gnomon(tmp_path, "ask", "--sample", "--json", BRIDGE)
    assert (done.code, done.err) == (0, "")
    answer = done.json
    assert answer["object"] == "gnomon.answer"
    assert answer["abstained"] is False
    assert answer["citations"][0]["quote"] in answer["text"]


def test_i_do_not_know_is_exit_code_3_with_a_reason(tmp_path: Path) -> None:
    done = gnomon(tmp_path, "ask", "--sample", UNKNOWABLE)
    assert done.code == 3
    assert done.out.startswith("I don't know.")
    as_json = gnomon(tmp_path, "ask", "--sample", "--json", UNKNOWABLE)
    assert as_json.code == 3
    assert as_json.json["abstained"] is True
    assert as_json.json["reason"]


def test_ask_over_files_needs_nothing_else_and_leaves_nothing(tmp_path: Path) -> None:
    one = write_lines(tmp_path / "one.jsonl", [POSTS[2]])
    two = write_lines(tmp_path / "two.jsonl", [POSTS[3], "no JSON"])
    question = "How many passengers did ferry number 4 have?"
    done = gnomon(tmp_path / "home", "ask", "--file", one, "--file", two, question)
    assert done.code == 0, done.out
    assert "28 passengers" in done.out
    assert f"Set aside: 1 thing; `gnomon status --file {one} --file {two}` says" in done.err
    assert "'no JSON' is no JSON" in gnomon(tmp_path / "home", "status", "--file", two).out
    assert not (tmp_path / "home").exists()


def test_an_answer_is_journalled(home: Path) -> None:
    before = gnomon(home, "status", "--json").json["answers"]
    answer = gnomon(home, "ask", "--json", "How many passengers did ferry number 4 have?").json
    assert re.fullmatch(r"[0-9a-f]{64}", answer["id"])
    assert gnomon(home, "status", "--json").json["answers"] == before + 1


# --------------------------------------------------------------------------- looking


def test_filters_narrow_a_search(home: Path) -> None:
    args = ("search", "--json", "-k", "20", "ferry")
    assert len(gnomon(home, *args).json) == 10
    recent = gnomon(home, *args, "--since", "2026-03-05", "--until", "2026-03-07").json
    assert {found["post"]["id"] for found in recent} == {"p5", "p6"}
    assert gnomon(home, *args, "--author", "nobody").json == []
    assert len(gnomon(home, *args, "--source", "file:posts.jsonl").json) == 10


def test_show_gives_the_post_whole(home: Path) -> None:
    view = gnomon(home, "show", "p3", "--json").json
    assert view["post"]["text"] == POSTS[2]["text"]
    assert view["origin"]["posts"] >= 1
    told = gnomon(home, "show", "p3").out
    assert POSTS[2]["text"] in told
    assert POSTS[2]["url"] in told
    assert view["post"]["hash"] in told


def test_status_counts_and_lists_settings(home: Path) -> None:
    facts = gnomon(home, "status", "--json", "--config").json
    assert facts["posts"] == 10
    assert facts["sources"][0]["source"] == "file:posts.jsonl"
    assert facts["config"]["port"]["value"] == 8080
    secret = gnomon(home, "status", "--config", env={"GNOMON_CHAT_URL_KEY": "hunter2"}).out
    assert "hunter2" not in secret
    assert "(set)" in secret


def test_status_of_very_many_sources_stays_readable(tmp_path: Path) -> None:
    rows = [{"text": f"Post {i} of its own source.", "source": f"s{i}"} for i in range(200)]
    gnomon(tmp_path, "pull", write_lines(tmp_path / "many.jsonl", rows))
    told = gnomon(tmp_path, "status").out
    assert len(told.splitlines()) < 40
    assert "and 171 other sources" in told


def test_a_file_whose_rows_name_their_own_sources_holds_posts(tmp_path: Path) -> None:
    rows = [{"id": f"n{i}", "text": f"Ferry {i} is late.", "source": "radio"} for i in range(3)]
    path = write_lines(tmp_path / "named.jsonl", rows)
    for said in ("3 new", ""):
        pulled = gnomon(tmp_path / "home", "pull", path)
        assert (pulled.code, pulled.err) == (0, "")
        assert said in pulled.out
    empty = gnomon(tmp_path / "home", "pull", write_lines(tmp_path / "none.jsonl", []))
    assert empty.code == 1
    assert "'none.jsonl' holds no posts" in empty.err


# --------------------------------------------------------------------------- output


def test_a_post_cannot_steer_the_terminal(home: Path) -> None:
    searched = gnomon(home, "search", "free tickets")
    asked = gnomon(home, "ask", "Are there free ferry tickets?")
    shown = gnomon(home, "show", "evil")
    as_json = gnomon(home, "show", "evil", "--json")
    for done in (searched, asked, shown, as_json):
        assert "tickets" in done.out
        assert not STEERING.search(done.out + done.err)
    assert "[bold]tickets[/bold] :warning:" in shown.out
    assert as_json.json["post"]["text"] == HOSTILE["text"]


def test_piped_output_keeps_lines_whole(home: Path) -> None:
    done = gnomon(home, "show", "p3", env={"COLUMNS": "40"})
    assert POSTS[2]["text"] in done.out.splitlines()


def terminal(home: Path, columns: int, *args: str) -> str:
    """What ``gnomon ARGS`` shows on a terminal that is so wide, colours taken out."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = environment(home, {"TERM": "xterm-256color"})
    with subprocess.Popen(
        [*PROGRAM, *args], stdin=theirs, stdout=theirs, stderr=theirs, env=env
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # Linux says EIO when the other side is closed
            pass
        finally:
            os.close(ours)
    assert process.returncode in (0, 3)
    assert b"\x1b[" in shown
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r", "")


def test_a_narrow_terminal_wraps_words_and_keeps_names_whole(home: Path) -> None:
    lines = terminal(home, 50, "models").splitlines()
    assert [line for line in lines if line.startswith("multilingual-e5-small-q4 ")]
    notes = [line for line in lines if line.startswith("  ")]
    assert notes
    assert all(len(line) <= 50 for line in notes)
    shown = terminal(home, 50, "show", "p3")
    assert POSTS[2]["url"] in shown
    text = str(POSTS[2]["text"])
    assert text not in shown
    assert text in " ".join(shown.split())


def test_an_output_without_unicode_gets_escapes(home: Path) -> None:
    env = {"PYTHONIOENCODING": "ascii"}
    done = gnomon(home, "ask", "--sample", "鳗鱼节一共来了多少人？", env=env)
    assert done.code in (0, 3)
    assert "Traceback" not in done.err
    answer = gnomon(home, "ask", "--sample", "--json", "鳗鱼节一共来了多少人？", env=env)
    assert answer.out.isascii()
    assert answer.json["question"].startswith("鳗鱼节")


def test_a_reader_that_leaves_is_no_error(home: Path) -> None:
    with started(home, "search", "-k", "500", "--json", "--sample", "the") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "[\n"
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


# --------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["ask"], "question"),
        (["search", "-k", "0", "x"], "-k"),
        (["nonsense"], "nonsense"),
        (["ask", "--nope", "x"], "--nope; `gnomon ask --help` says more"),
        (["lab", "sft", "--nope"], "--nope; `gnomon lab sft --help` says more"),
        (["keys", "create", "laptop"], "'laptop' was given; a name for a new key"),
        (["pull", "-", "--for", "soon"], "'soon' is no number of seconds"),
        (["models", "pull"], "gnomon models pull NAME"),
        (["models", "export"], "DIR"),
    ],
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, args: list[str], what: str) -> None:
    done = gnomon(tmp_path, *args, "--json")
    assert done.code == 2
    assert set(done.json) == {"error"}
    assert set(done.json["error"]) == {"type", "message"}
    assert done.json["error"]["type"] == "UsageError"
    assert what in done.json["error"]["message"]
    assert done.said == done.json["error"]["message"]


def test_no_command_prints_help(tmp_path: Path) -> None:
    done = gnomon(tmp_path)
    assert done.code == 2
    assert "answer a question from what is held" in done.out


def test_docs_say_what_help_says() -> None:
    """Made anew by ``make docs``. Line breaks are argparse's own and differ by Python version."""
    code = "import sys; sys.path.insert(0, 'docs'); import cli_help; print(cli_help.document())"
    made = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(ROOT),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert made.split() == (ROOT / "docs" / "cli.md").read_text(encoding="utf-8").split()


# --------------------------------------------------------------------------- interruptions


def test_ctrl_c_during_pull_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    with started(tmp_path, "pull", "-", "--json") as process:
        assert process.stdin is not None
        for post in POSTS:
            process.stdin.write(json.dumps(post) + "\n")
        process.stdin.flush()
        wait_for(lambda: gnomon(tmp_path, "status", "--json").json["posts"] == len(POSTS))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert json.loads(out)[0]["added"] == len(POSTS)
    assert err == "gnomon: stopped; what was acknowledged is kept.\n"
    assert gnomon(tmp_path, "show", "p9").code == 0


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_cleanly(home: Path, ending: signal.Signals) -> None:
    with started(home, "serve", "--port", "0", "--sample") as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        with urlopen(re.findall(r"http://\S+", said)[0], timeout=10) as page:
            assert page.status == 200
        process.send_signal(ending)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "gnomon: stopped.\n", "")


def test_serve_as_json_says_where(home: Path) -> None:
    with started(home, "serve", "--port", "0", "--sample", "--json") as process:
        assert process.stdout is not None
        said = "".join(process.stdout.readline() for _ in range(3))
        with urlopen(json.loads(said)["url"], timeout=10) as page:
            assert page.status == 200


def wait_for(true: Any, seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.1)


# --------------------------------------------------------------------------- beside a server


def test_a_live_source_that_never_answered_is_not_said_to_be_empty(tmp_path: Path) -> None:
    done = gnomon(tmp_path, "pull", "bluesky", "--for", "1", env=nowhere())
    assert done.code == 1
    assert "Traceback" not in done.err
    assert done.err.startswith("gnomon: bluesky: ")
    assert "bluesky" in gnomon(tmp_path, "status").out


def test_beside_a_server_one_asks_and_looks_and_does_not_write(home: Path, tmp_path: Path) -> None:
    question = "How many passengers did ferry number 6 have?"
    with serving(home):
        answers = gnomon(home, "status", "--json").json["answers"]
        asked = gnomon(home, "ask", "--json", question)
        assert asked.code == 0
        assert asked.json["id"] == ""
        assert asked.json["citations"]
        assert "not in the journal: another process" in asked.err
        assert gnomon(home, "search", "ferry").code == 0
        assert gnomon(home, "show", "p6").code == 0
        pulled = gnomon(home, "pull", write_lines(tmp_path / "more.jsonl", POSTS))
        assert pulled.code == 1
        assert "is being written by another process" in pulled.said
        assert "stop it" in pulled.said
        assert gnomon(home, "status", "--json").json["answers"] == answers
    assert gnomon(home, "ask", "--json", question).json["id"] != ""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def nowhere() -> dict[str, str]:
    """Settings under which no live source can be reached."""
    port = free_port()
    return {
        **NO_MODELS,
        "GNOMON_JETSTREAM": f"ws://127.0.0.1:{port}",
        "GNOMON_FEEDS": f"http://127.0.0.1:{port}/feed",
    }


def status_of(url: str) -> dict[str, Any]:
    with urlopen(f"{url}/v1/status", timeout=10) as answer:
        return dict(json.load(answer))


def test_live_without_a_network_opens_the_sample_world_within_seconds(tmp_path: Path) -> None:
    began = time.monotonic()
    with serving(tmp_path, "--live", env=nowhere()) as url:
        assert time.monotonic() - began < 15
        facts = status_of(url)
    assert facts["sample"] is True
    assert facts["posts"] > 400


def test_live_without_a_network_serves_what_is_held(home: Path) -> None:
    with serving(home, "--live", env=nowhere()) as url:
        facts = status_of(url)
    assert facts["sample"] is False
    assert facts["posts"] == 10
    assert facts["live"] is False


FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Harbour</title>
<item><title>Ferry back</title><guid>h1</guid><link>http://harbour.example/1</link>
<description>The ferry to Norwick is back in service.</description></item></channel></rss>"""


@contextmanager
def feed_server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = FEED if self.path == "/feed" else b""
            self.send_response(200 if body else 404)
            self.send_header("content-type", "application/rss+xml")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_live_takes_in_what_answers_and_says_what_does_not(tmp_path: Path) -> None:
    with feed_server() as place:
        dead = f"127.0.0.1:{free_port()}"
        env = {
            **NO_MODELS,
            "GNOMON_FEEDS": f"http://{place}/feed",
            "GNOMON_JETSTREAM": f"ws://{dead}",
            "GNOMON_ALLOW": f"{place},{dead}",
        }
        with serving(tmp_path, "--live", env=env) as url:
            wait_for(lambda: status_of(url)["posts"] == 1)
            facts = status_of(url)
            assert facts["live"] is True
            assert facts["health"][f"feed:http://{place}/feed"].startswith("running")
            wait_for(lambda: "bluesky" in status_of(url)["health"])
    assert gnomon(tmp_path, "search", "--json", "Norwick").json


# --------------------------------------------------------------------------- models


def test_models_move_between_machines(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF" + bytes(range(256)) * 64)
    first, second, disk = tmp_path / "first", tmp_path / "second", tmp_path / "usb"
    pulled = gnomon(first, "models", "pull", file)
    assert pulled.code == 0
    assert pulled.out.strip() == f"✓ {first}/models/tiny/tiny.gguf"
    assert re.fullmatch(r"(\d+\.\d of \d+\.\d MB\n)+", pulled.err)
    assert gnomon(first, "models", "export", disk).code == 0
    moved = gnomon(second, "models", "import", disk, "--json")
    assert moved.json == [f"{second}/models/tiny/tiny.gguf"]
    rows = {row["name"]: row for row in gnomon(second, "models", "--json").json}
    assert rows["tiny"]["here"] is True
    assert rows["smollm2-135m-instruct"]["here"] is False
    assert re.fullmatch(r"[0-9a-f]{64}", rows["smollm2-135m-instruct"]["sha256"])
    shown = gnomon(second, "models", env={"GNOMON_CHAT_MODEL": "tiny"}).out
    assert re.search(r"^tiny +chat +0 MB  not stated +in use$", shown, re.MULTILINE)


def test_a_real_model_is_in_use_once_it_is_here(tmp_path: Path) -> None:
    smollm2()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / SMOLLM2).symlink_to(CACHE / SMOLLM2)
    rows = {row["name"]: row for row in gnomon(tmp_path, "models", "--json").json}
    assert rows[SMOLLM2]["in_use"] is True
    assert gnomon(tmp_path, "status", "--json").json["models"]["chat"] == SMOLLM2
    again = gnomon(tmp_path, "models", "pull", SMOLLM2)
    assert (again.code, len(again.out.splitlines())) == (0, 1)
    done = gnomon(tmp_path, "ask", "--sample", "--json", "--model", SMOLLM2, BRIDGE)
    assert done.code == 0
    assert "27 March" in done.json["text"]
    assert "Answered without a model" not in done.err


def test_a_damaged_model_is_not_imported(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF" + bytes(4096))
    disk = tmp_path / "usb"
    gnomon(tmp_path / "first", "models", "pull", file)
    gnomon(tmp_path / "first", "models", "export", disk)
    (disk / "tiny" / "tiny.gguf").write_bytes(b"GGUF" + bytes(4095) + b"!")
    done = gnomon(tmp_path / "second", "models", "import", disk, "--json")
    assert done.code == 1
    assert done.json["error"]["type"] == "ModelMismatch"
    assert "changed or damaged" in done.said

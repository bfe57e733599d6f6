"""The worker's protocol, with a model that prints, fails and dawdles in place of a real one."""

import os
import subprocess
import sys

import pytest

from gnomon.models import frames, process

NOISY = """
import os, sys, time
from gnomon.models import worker

class Noisy:
    def __init__(self, load):
        os.write(1, b"native chatter on standard output")
        print("and from Python", flush=True)
        if load.get("broken"):
            raise ImportError(load["broken"])

    def facts(self):
        return {"dim": 3}

    def run(self, request, send, cancelled):
        os.write(1, b"more chatter")
        if request["do"] == "fail":
            raise ZeroDivisionError("oops")
        if request["do"] == "wait":
            cancelled.wait(20)
        send("delta", text="x")
        send("end", payload=b"12", cancelled=cancelled.is_set())

worker.RUNNERS["noisy"] = Noisy
worker.main()
"""


@pytest.fixture
def talk():
    running = []

    def start(**load):
        child = subprocess.Popen(
            [sys.executable, "-c", NOISY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=process.environment(1),
        )
        running.append(child)
        frames.write(child.stdin, {"op": "load", "task": "noisy", "parent": os.getpid(), **load})
        return child

    yield start
    for child in running:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            stream.close()


def test_chatter_never_lands_between_frames(talk):
    child = talk()
    assert frames.read(child.stdout).header == {"dim": 3, "id": 0, "op": "ready"}
    frames.write(child.stdin, {"op": "run", "id": 1, "do": "work"})
    assert frames.read(child.stdout).header == {"text": "x", "id": 1, "op": "delta"}
    end = frames.read(child.stdout)
    assert (end.header["op"], end.payload) == ("end", b"12")
    child.stdin.close()
    assert child.wait(5) == 0
    assert b"native chatter" in child.stderr.read()


def test_a_bug_in_a_runner_is_reported_and_the_worker_lives(talk):
    child = talk()
    frames.read(child.stdout)
    frames.write(child.stdin, {"op": "run", "id": 1, "do": "fail"})
    said = frames.read(child.stdout).header
    assert said == {"message": "ZeroDivisionError: oops", "id": 1, "op": "error"}
    frames.write(child.stdin, {"op": "run", "id": 2, "do": "work"})
    assert frames.read(child.stdout).header["id"] == 2


def test_requests_run_side_by_side_and_only_the_cancelled_one_stops(talk):
    child = talk()
    frames.read(child.stdout)
    frames.write(child.stdin, {"op": "run", "id": 1, "do": "wait"})
    frames.write(child.stdin, {"op": "run", "id": 2, "do": "work"})
    assert [frames.read(child.stdout).header["id"] for _ in range(2)] == [2, 2]
    frames.write(child.stdin, {"op": "cancel", "id": 7})
    frames.write(child.stdin, {"op": "cancel", "id": 1})
    assert frames.read(child.stdout).header["id"] == 1
    assert frames.read(child.stdout).header["cancelled"] is True


def test_end_of_input_ends_it_in_the_middle_of_work(talk):
    child = talk()
    frames.read(child.stdout)
    frames.write(child.stdin, {"op": "run", "id": 1, "do": "wait"})
    child.stdin.close()
    assert child.wait(5) == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("no such weights", "no such weights"),
        ("libgomp.so.1: no such file", "libgomp.so.1: no such file; install it (Debian: apt"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_a_frame(talk, error, told):
    child = talk(broken=error)
    said = frames.read(child.stdout).header
    assert (said["id"], said["op"]) == (0, "fatal")
    assert said["message"].startswith(told)
    assert frames.read(child.stdout) is None
    assert child.wait(5) == 0

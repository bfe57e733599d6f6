"""Who waits for a worker, and who goes first."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from gnomon.models.verifier import OnnxVerifier


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_who_is_patient_goes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is stopped, so that all three are there before the first is done."""
    worker = OnnxVerifier().worker
    assert worker.start(60.0)
    run, begun = worker._run, list[str]()
    assert run is not None
    begin = run.open

    def open_(header: dict[str, Any], payload: bytes = b"") -> Any:
        begun.append(header["who"])
        return begin(header, payload)

    monkeypatch.setattr(run, "open", open_)

    def ask(who: str) -> None:
        request = {"op": "run", "pairs": [("It is shut.", "It is closed.")], "who": who}
        for _ in worker.request(request, timeout_s=120.0, patient=who == "nobody waits"):
            pass

    os.kill(run.pid, signal.SIGSTOP)
    asking = []
    for waiting, who in enumerate(("first", "nobody waits", "somebody waits")):
        asking.append(threading.Thread(target=ask, args=(who,)))
        asking[-1].start()
        until(lambda waiting=waiting: begun == ["first"] and worker.waiting == waiting)
    os.kill(run.pid, signal.SIGCONT)
    for thread in asking:
        thread.join()
    worker.close()
    assert begun == ["first", "somebody waits", "nobody waits"]

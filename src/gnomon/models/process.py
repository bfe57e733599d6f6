"""A model's worker process, as gnomon holds it: started when needed, and again after a crash.

Deadlines are kept here, on our side of the pipe, so that a hung worker cannot delay an answer.
A request that is given up is cancelled in the worker; one that does not heed that within
``CANCEL_GRACE_S`` takes the process down with it, and the next call starts a new one.
"""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import gnomon
from gnomon.errors import ModelError, ModelTimeout
from gnomon.models import frames
from gnomon.models.frames import Frame

CANCEL_GRACE_S = 15.0
# So long a patient request lets the others go first, however many come.
PATIENCE_S = 20.0
RETRY_LOAD_S = 30.0
_LOG_LINES = 4
# llama.cpp's log: time since start, level, part. Below E nothing explains an end.
_LOGGED = re.compile(r"^[\d.]+ ([DIWE]) +(.*)")


def environment(threads: int) -> dict[str, str]:
    """The worker's environment: our own less gnomon's settings (keys among them), and OpenMP told
    to sleep while it waits.

    Spinning is libgomp's default (OMP_WAIT_POLICY in
    https://gcc.gnu.org/onlinedocs/libgomp/Environment-Variables.html) and starves everything else
    on a small machine.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith("GNOMON_")}
    source = str(Path(gnomon.__file__).parent.parent)
    inherited = env.get("PYTHONPATH")
    env["PYTHONPATH"] = os.pathsep.join([source, inherited] if inherited else [source])
    env["OMP_WAIT_POLICY"] = "passive"
    env["OMP_NUM_THREADS"] = str(threads)
    return env


class _Run:
    """One life of the process. ``ready`` is set once it has loaded or failed."""

    def __init__(self, load: Mapping[str, Any], threads: int, slots: int) -> None:
        self._free = slots
        self._waiting = {False: 0, True: 0}  # for a slot, by patience
        self.ready = threading.Event()
        self.facts: dict[str, Any] = {}
        self.fatal = ""
        self.used_at = time.monotonic()
        self._replies: dict[int, queue.SimpleQueue[Frame | None]] = {}
        self._given_up: dict[int, threading.Timer] = {}
        self._gone = False
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._writing = threading.Lock()
        self._next_id = 1
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gnomon.models.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(threads),
        )
        self._stdin = cast(BinaryIO, self._process.stdin)
        self._logging = threading.Thread(
            target=self._read_log, args=(self._process.stderr,), daemon=True
        )
        self._logging.start()
        threading.Thread(
            target=self._read_replies, args=(self._process.stdout,), daemon=True
        ).start()
        self._send({**load, "parent": os.getpid()})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        # poll() alone calls a dead process alive while another thread waits for it.
        return not self._gone and not self.fatal and self._process.poll() is None

    @property
    def busy(self) -> bool:
        return bool(self._replies)

    def last_words(self) -> str:
        """How it ended and the last lines that the runtime wrote."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2.0)
        self._logging.join(timeout=1.0)
        code = self._process.returncode
        how = "still runs" if code is None else f"exit status {code}"
        lines = " | ".join(self._log)
        return f"{how}; last words: {lines}" if lines else how

    @property
    def waiting(self) -> int:
        return sum(self._waiting.values())

    def take_slot(self, timeout_s: float, *, patient: bool = False) -> bool:
        """Whether one came free in time, or the process went away, which ``open`` tells. Who is
        ``patient`` lets those go first who are not, for up to ``PATIENCE_S``."""

        def my_turn() -> bool:
            return self._gone or (self._free > 0 and not self._waiting[False])

        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._waiting[patient] += 1
            try:
                if patient:
                    self._changed.wait_for(my_turn, min(PATIENCE_S, timeout_s))
                left = max(0.0, deadline - time.monotonic())
                if not self._changed.wait_for(lambda: self._gone or self._free > 0, left):
                    return False
                self._free -= 1
                return True
            finally:
                self._waiting[patient] -= 1
                self._changed.notify_all()  # a patient one may wait for this to be over

    def open(
        self, header: dict[str, Any], payload: bytes = b""
    ) -> tuple[int, queue.SimpleQueue[Frame | None]]:
        with self._lock:
            number, self._next_id = self._next_id, self._next_id + 1
            replies: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
            if self._gone:
                replies.put(None)
                return number, replies
            self._replies[number] = replies
        self._send({**header, "id": number}, payload)
        return number, replies

    def give_up(self, number: int) -> None:
        """Cancel a request if it still runs; nothing if it has ended."""
        with self._lock:
            if number not in self._replies or number in self._given_up:
                return
            timer = threading.Timer(CANCEL_GRACE_S, self.kill)
            timer.daemon = True
            self._given_up[number] = timer
            timer.start()
        self._send({"op": "cancel", "id": number})

    def close(self) -> None:
        """End of input asks it to leave; it is not asked twice."""
        with suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        # A broken pipe shows at the reading end, where there is something to say about it.
        with self._writing, suppress(OSError, ValueError):
            frames.write(self._stdin, header, payload)

    def _read_replies(self, stream: BinaryIO) -> None:
        while (frame := frames.read(stream)) is not None:
            op, number = frame.header["op"], frame.header["id"]
            if op == "ready":
                self.facts = frame.header
                self.ready.set()
                continue
            if op == "fatal":
                self.fatal = frame.header["message"]
                break
            with self._lock:
                replies = self._replies.get(number)
                if op in ("end", "error"):
                    self._replies.pop(number, None)
                    if timer := self._given_up.pop(number, None):
                        timer.cancel()
                    self.used_at = time.monotonic()
                    self._free += 1
                    self._changed.notify_all()
            if replies is not None:
                replies.put(frame)
        with self._changed:
            self._gone = True
            self._changed.notify_all()
            for timer in self._given_up.values():
                timer.cancel()
            for replies in self._replies.values():
                replies.put(None)
            self._replies.clear()
        self.ready.set()
        self._process.wait()

    def _read_log(self, stream: BinaryIO) -> None:
        for line in stream:
            text = line.decode("utf-8", "replace").strip()
            logged = _LOGGED.match(text)
            if logged and logged[1] != "E":
                continue
            text = " ".join((logged[2] if logged else text).split())[:300]
            if text and text not in self._log:
                self._log.append(text)


class WorkerProcess:
    """Runs one model. ``load`` is the worker's first frame; ``slots`` requests run at once and
    the rest wait for their turn, within their own deadline. Thread-safe.

    ``idle_s`` > 0 ends the process after that long without a request.
    """

    def __init__(
        self, name: str, load: Mapping[str, Any], *, threads: int, slots: int, idle_s: float = 0.0
    ) -> None:
        self.name = name
        self._load = load
        self._threads = threads
        self._slots = slots
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._failed_at = 0.0
        self._failure = ""

    @property
    def pid(self) -> int | None:
        """Of the running process, None where there is none."""
        run = self._run
        return run.pid if run and run.alive else None

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        run = self._run
        return run.waiting if run and run.alive else 0

    def start(self, timeout_s: float) -> dict[str, Any]:
        """Load the model if it is not, and return what the worker says of it."""
        return self._ready(time.monotonic() + timeout_s, timeout_s).facts

    def request(
        self,
        header: dict[str, Any],
        *,
        timeout_s: float,
        payload: bytes = b"",
        patient: bool = False,
    ) -> Iterator[Frame]:
        """The reply's frames, the last one "end". Closing the iterator cancels the request. The
        runner finds ``payload`` (at most 4 GiB) under that name in its request. One that is
        ``patient`` (nobody waits for it) is run when no other waits.

        Raises ModelTimeout after ``timeout_s``, loading and waiting for a slot included, and
        ModelError when the worker reports one or dies.
        """
        deadline = time.monotonic() + timeout_s
        run = self._ready(deadline, timeout_s)
        if not run.take_slot(max(0.0, deadline - time.monotonic()), patient=patient):
            raise ModelTimeout(
                f"{self.name} was busy with other requests for {timeout_s:g} s; ask again later."
            )
        number, replies = run.open(header, payload)
        try:
            while True:
                try:
                    frame = replies.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    raise ModelTimeout(
                        f"{self.name} did not finish within {timeout_s:g} s; "
                        "raise model_timeout_s or use a smaller model."
                    ) from None
                if frame is None:
                    raise ModelError(
                        f"{self.name} stopped in the middle of a request ({run.last_words()}); "
                        "the next request starts it again."
                    )
                if frame.header["op"] == "error":
                    raise self._reported(frame.header)
                yield frame
                if frame.header["op"] == "end":
                    return
        finally:
            run.give_up(number)

    def close(self) -> None:
        with self._lock:
            run, self._run = self._run, None
        if run:
            run.close()

    def _ready(self, deadline: float, timeout_s: float) -> _Run:
        with self._lock:
            if self._run is None or not self._run.alive:
                if self._failure and time.monotonic() - self._failed_at < RETRY_LOAD_S:
                    raise ModelError(self._failure)
                self._failure = ""
                try:
                    self._run = _Run(self._load, self._threads, self._slots)
                except OSError as error:
                    raise ModelError(
                        f"No process for {self.name} can be started: {error}."
                    ) from error
                if self._idle_s > 0:
                    self._watch_idle(self._run)
            run = self._run
        if not run.ready.wait(max(0.0, deadline - time.monotonic())):
            raise ModelTimeout(
                f"{self.name} was still loading after {timeout_s:g} s; ask again in a moment."
            )
        if not run.facts:
            self._failed_at = time.monotonic()
            self._failure = f"{self.name} cannot be loaded: {run.fatal or 'it crashed'} " + (
                f"({run.last_words()})."
            )
            raise ModelError(self._failure)
        return run

    def _watch_idle(self, run: _Run) -> None:
        def retire() -> None:
            if not run.alive:
                return
            with self._lock:
                idle = time.monotonic() - run.used_at
                done = not run.busy and run.ready.is_set() and idle >= self._idle_s
                if done and self._run is run:
                    self._run = None
            if done:
                run.close()
            else:
                later(max(0.05, self._idle_s - idle))

        def later(seconds: float) -> None:
            timer = threading.Timer(seconds, retire)
            timer.daemon = True
            timer.start()

        later(self._idle_s)

    def _reported(self, header: Mapping[str, Any]) -> ModelError:
        if header.get("type") == "exceed_context_size_error":
            return ModelError(
                f"The prompt has {header['n_prompt_tokens']} tokens and {self.name} reads at most "
                f"{header['n_ctx']}, its reply included; give it less text or a larger context."
            )
        return ModelError(f"{self.name} failed: {header.get('message', 'no reason given')}.")

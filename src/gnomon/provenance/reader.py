"""The process that reads one stranger's manifest, and how it is asked.

    python -P -m gnomon.provenance.reader '{"mime": "image/png", "ours": PEM, "others": PEM, ...}'

The file comes on standard input, what the library says about it goes out as one object of JSON.
The library is native code and a file is anybody's, so the process gives up everything else before
it reads a byte (``sources.confine``).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import Any

from gnomon.errors import GnomonError, InputError, SourceError, Unsupported
from gnomon.provenance import pixels, report
from gnomon.provenance.keys import Key
from gnomon.provenance.manifest import library
from gnomon.sources import confine
from gnomon.sources.sandbox import Bounds, run
from gnomon.types.provenance import Provenance

BOUNDS = Bounds(
    cpu_s=20,
    wall_s=40.0,
    memory_bytes=2 * 2**30,
    max_bytes=100 * 2**20,
    max_answer_bytes=8 * 2**20,
)


def read(
    data: bytes,
    mime: str = "",
    ours: Sequence[Key] = (),
    trusted: str = "",
    *,
    sidecar: bytes = b"",
    bounds: Bounds = BOUNDS,
    stop: threading.Event | None = None,
) -> Provenance:
    """What the manifest of anybody's file says, read in a process that can do nothing else.

    ``trusted`` are certificates (PEM) of others; ``sidecar`` is a manifest that lies beside the
    file. Raises Unsupported for a type that no manifest is
    looked for in, InputError for a file over the bounds, SourceError where the process could not
    do its work, ConfigError without the library.
    """
    if len(data) + len(sidecar) > bounds.max_bytes:
        raise InputError(
            f"The file is {len(data):,} bytes, over {bounds.max_bytes:,}; give a smaller one."
        )
    library()
    asked = {
        "mime": mime,
        "ours": "".join(key.root for key in ours),
        "others": trusted,
        "sidecar": len(sidecar),
        "marks": {key.id: key.mark.hex() for key in ours if key.mark},
        "cpu_s": bounds.cpu_s,
        "memory_bytes": bounds.memory_bytes,
        "max_bytes": bounds.max_bytes,
    }
    with tempfile.TemporaryFile() as file:
        file.write(sidecar)
        file.write(data)
        file.seek(0)
        answer, code, late = run(__name__, file, json.dumps(asked), bounds, stop)
    return report.told(_said(answer, code, late, bounds), ours)


def _said(answer: bytes, code: int, late: bool, bounds: Bounds) -> dict[str, Any]:
    if late or code in (-signal.SIGXCPU, -signal.SIGKILL) or len(answer) > bounds.max_answer_bytes:
        raise InputError(
            f"Its manifest takes more to read than one may ({bounds.cpu_s} s of CPU, "
            f"{bounds.memory_bytes:,} bytes); it was not read."
        )
    if code < 0:
        raise InputError(
            "The reader broke on the file; whatever it is, its manifest cannot be read."
        )
    try:
        said = json.loads(answer)
        if not isinstance(said, dict):
            raise TypeError("no object")
    except (ValueError, TypeError, RecursionError):
        raise SourceError(
            f"Reading the manifest ended without a result (exit status {code})."
        ) from None
    if "refused" in said:
        kind = Unsupported if said.get("code") == "unsupported_file" else InputError
        raise kind(str(said["refused"])[:600])
    return said


def main() -> None:
    asked = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print; nothing may land in the answer
    library()
    pixels.warm()
    fences = confine.confine(cpu_s=asked["cpu_s"], memory_bytes=asked["memory_bytes"])
    try:
        beside = sys.stdin.buffer.read(asked["sidecar"])
        data = sys.stdin.buffer.read(asked["max_bytes"] + 1)
        said = report.report(data, asked["ours"], asked["others"], asked["mime"], beside)
        marks = {name: bytes.fromhex(mark) for name, mark in asked["marks"].items()}
        mark = pixels.look(data, marks) if said["mime"].startswith("image/") else None
        answer: dict[str, Any] = {**said, "mark": mark, "fences": fences}
    except Unsupported as error:
        answer = {"refused": str(error), "code": "unsupported_file"}
    except GnomonError as error:
        answer = {"refused": str(error), "code": "invalid_file"}
    except MemoryError:
        answer = {"refused": "it takes more memory than a file may.", "code": "too_much"}
    out.write(json.dumps(answer).encode("ascii"))
    out.close()
    os._exit(0)


if __name__ == "__main__":
    main()

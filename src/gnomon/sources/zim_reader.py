"""The process that reads a ZIM file: ``python -m gnomon.sources.zim_reader PATH ENTRY``.

libzim is GPL-3.0, and it is native code that reads strangers' files. So it is imported here and
nowhere else, in a process of its own that only reads one file and writes to its standard output:
records of a four-byte length and JSON. It imports nothing of gnomon.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from typing import Any

MOST_ARTICLE_BYTES = 16 * 2**20
MOST_MEMORY = 4 * 2**30
_METADATA = ("Name", "Title", "Language", "Date", "Creator", "Publisher", "Source", "License")


def records(path: str, start: int) -> Iterator[dict[str, Any]]:
    """What the file says of itself, then its articles from entry number ``start`` on."""
    from libzim.reader import Archive

    archive = Archive(path)
    about = {}
    for key in archive.metadata_keys:
        if key in _METADATA:
            about[key] = bytes(archive.get_metadata(key))[:1000].decode("utf-8", "replace")
    yield {"about": about, "entries": archive.entry_count, "uuid": str(archive.uuid)}
    for number in range(start, archive.entry_count):
        record: dict[str, Any] = {"entry": number}
        try:
            entry = archive._get_entry_by_id(number)
            if entry.is_redirect:
                continue
            item = entry.get_item()
            if not item.mimetype.startswith("text/html"):
                continue
            record |= {"path": entry.path, "title": entry.title, "size": item.size}
            if item.size <= MOST_ARTICLE_BYTES:
                record["html"] = bytes(item.content).decode("utf-8", "replace")
        except (RuntimeError, KeyError, IndexError, ValueError) as error:
            record["problem"] = str(error)[:200]
        yield record


def main(path: str, start: int) -> int:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    except (ImportError, ValueError, OSError):
        pass  # Windows, or a limit that is lower already
    out = sys.stdout.buffer
    try:
        for record in records(path, start):
            data = json.dumps(record).encode("ascii")
            out.write(struct.pack(">I", len(data)) + data)
            out.flush()
    except ImportError:
        print("libzim is missing", file=sys.stderr)
        return 3
    except (RuntimeError, OSError, MemoryError) as error:
        print(str(error)[:300], file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2])))

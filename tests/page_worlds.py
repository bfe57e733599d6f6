"""Posts of our own that disagree, and posts that attack the page that shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gnomon.assemble import Gnomon, open_files
from gnomon.config import load

HOSTILE = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
BREAKING = "\"'></textarea></title></style><svg onload=document.title='pwned'>\u202e<!--"
# Two origins for, one against; emoji before the cited words; hostile words and a hostile address.
BRIDGE: list[dict[str, Any]] = [
    {
        "id": "a1",
        "author": "harbour_news",
        "created_at": "2026-05-04T07:00:00Z",
        "text": "Storm 🌊🌊: all is calm. The Quay Bridge reopened on Monday. Buses run again.",
        "url": "https://harbour.example/1",
    },
    {
        "id": "a2",
        "author": "mira",
        "created_at": "2026-05-04T09:00:00Z",
        "text": "Walked the dog over it 🚶🐕. On Monday they reopened our old Quay Bridge!",
        "url": "javascript:document.title='pwned'",
    },
    {
        "id": "a3",
        "author": f"oldsalt {HOSTILE}",
        "created_at": "2026-05-04T10:00:00Z",
        "text": f"The Quay Bridge did not reopen on Monday. {HOSTILE}",
        "title": BREAKING,
        "source": f"file:{HOSTILE}",
    },
    {
        "id": "a4",
        "author": "echo",
        "created_at": "2026-05-04T11:00:00Z",
        "text": "Storm 🌊🌊: all is calm. The Quay Bridge reopened on Monday. Buses run again.",
        "repost_of": "a1",
    },
    {
        "id": "a5",
        "author": "نورة",
        "created_at": "2026-05-04T12:00:00Z",
        "lang": "ar",
        "text": "أعيد فتح Quay Bridge يوم الاثنين. الحافلات تسير من جديد.",
    },
]
BRIDGE_QUESTION = "Is it true that the Quay Bridge reopened on Monday?"


@contextmanager
def bridge_world(home: Path) -> Iterator[Gnomon]:
    """The real engine over ``BRIDGE``, without models."""
    file = home / "bridge.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in BRIDGE), encoding="utf-8")
    config = load(home, {}, chat_model="none", embed_model="none")
    with open_files(config, [file]) as engine:
        yield engine

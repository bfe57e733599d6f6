"""The sample world: Marrowick, a town that does not exist, over two weeks of March 2026.

Nobody and nothing in it is real; every row says ``"fiction": true``. ``README.md`` beside the data
tells what is in it and how it is meant to be hard.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import groupby
from typing import Any

from gnomon.types import Batch, Deletion, Post
from gnomon.wire import parse_time, post_from_json

SOURCE = "sample"
NOW = parse_time("2026-03-16T12:00:00Z")
"""The sample's asking time, epoch seconds: later than every post, edit and deletion in it."""

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("When will Lantern Bridge open to cars?", "en"),
    ("Is there lead in Marrowick's tap water?", "en"),
    ("How many people were injured in the fire at Lunde Kiln Works?", "en"),
    ("鳗鱼节一共来了多少人？", "zh"),
    ("中文学校什么时候搬家，搬到哪里？", "zh"),
    ("What caused the fire at Lunde Kiln Works?", "en"),
)
"""Questions for the page as ``(question, language)``: a change over time, a campaign, two sources
that disagree, a correction, a story told in Chinese only, and one that nobody can answer."""


def batches() -> Iterator[Batch]:
    """The whole world in time order: a day of posts and articles at a time, then the edits, then
    the deletions. The same batches every time; the last one's cursor is ``"complete"``.
    """
    posts = [_post(row) for name in ("articles", "posts") for row in _rows(name)]
    posts.sort(key=lambda post: (post.time, post.id))
    for day, group in groupby(posts, key=lambda post: int(post.time // 86400)):
        yield Batch(source=SOURCE, posts=tuple(group), cursor=f"day {day}")
    yield Batch(source=SOURCE, posts=tuple(_post(row) for row in _rows("edits")), cursor="edits")
    deletions = tuple(
        Deletion(source=SOURCE, at=parse_time(row["at"]), post=row["post"], reason=row["reason"])
        for row in _rows("deletions")
    )
    yield Batch(source=SOURCE, deletions=deletions, cursor="complete")


def _post(row: Mapping[str, Any]) -> Post:
    moment = parse_time(row["fetched_at"])
    return post_from_json(row, source=SOURCE, fetched_at=moment)


def _rows(name: str) -> Iterator[dict[str, Any]]:
    text = (files(__package__) / f"{name}.jsonl").read_text(encoding="utf-8")
    for line in text.split("\n"):
        if line:
            yield json.loads(line)

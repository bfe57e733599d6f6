"""About 97,000 real posts in one store: what the questions of ``posts.jsonl`` are asked of.

CrisisLex tweets, RumourEval threads, Hacker News, Reddit, Weibo, Zhihu and Readhub, as a feed would
bring them, in the order in which they were said. The store is built once, under .cache, and built
anew when the data or the code that takes posts in has changed.
"""

from __future__ import annotations

import hashlib
import html
import json
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from bench.truth import data
from bench.truth.data import Absent
from bench.truth.run import Run
from bench.truth.subject import PACKAGE

from gnomon.errors import InputError
from gnomon.ingest import take
from gnomon.store.engine import open_store
from gnomon.types import Post
from gnomon.wire import parse_time

NOW = parse_time("2026-01-15T12:00:00Z")
"""After the newest of them: when the questions are asked."""
FILES = tuple(
    f"{folder}/{name}.jsonl.gz"
    for folder, name in (
        ("social", "crisislex_tweets"),
        ("social", "rumoureval2017_threads"),
        ("social", "hackernews_2015_2016"),
        ("social", "hackernews_daily_2024_2025"),
        ("social", "reddit_top"),
        ("social", "weibo_ced_cascades"),
        ("social", "zhihu_hot_questions"),
        ("social", "weibo_hot_search_2023Q1_first_seen"),
        ("news", "readhub_topics_zh"),
    )
)
SEED, LINKS, REDDIT, TITLES, TOPICS, REPOSTS = 6, 8000, 10_000, 3000, 6000, 8
SUBREDDITS = {"worldnews", "news", "science", "technology", "programming", "politics"}
LAG_S = 60.0
Row = dict[str, Any]
Held = tuple[Post, str]
"""A post, and the event that the set files it under ("" where there is none)."""


def held(folder: Path) -> list[Held]:
    """All posts, each id once, in the order in which they were said. Raises Absent."""
    found: dict[str, Held] = {}
    for read in (_tweets, _threads, _hacker_news, _reddit, _weibo, _zhihu, _hot, _readhub):
        for post, event in read(folder):
            found.setdefault(post.id, (post, event))
    return sorted(found.values(), key=lambda item: (item[0].fetched_at, item[0].id))


def _post(id: str, source: str, text: str, said: float, **more: Any) -> Post:
    return Post(id, text, source, said + LAG_S, created_at=said, **more)


def _rows(folder: Path, name: str) -> list[Row]:
    return list(data.rows(folder / next(file for file in FILES if name in file)))


def _tweets(folder: Path) -> Iterator[Held]:
    for row in _rows(folder, "crisislex"):
        text, said = html.unescape(row["text"]), parse_time(row["created_at"])
        url = f"https://x.com/i/status/{row['id']}"
        # Both halves of the set name one event, in other letters.
        yield _post(f"x:{row['id']}", "x", text, said, url=url), f"crisislex/{row['event'].lower()}"


def _threads(folder: Path) -> Iterator[Held]:
    for thread in _rows(folder, "rumoureval"):
        for row in [thread["source"], *thread.get("replies", [])]:
            if not isinstance(row, dict) or "text" not in row:
                continue
            said = _time(row["created_at"])
            name, reply = row["user"]["screen_name"], row.get("in_reply_to_status_id")
            yield (
                _post(
                    f"x:{row['id']}", "x", html.unescape(row["text"]), said, author=name,
                    url=f"https://x.com/{name}/status/{row['id']}",
                    reply_to=f"x:{reply}" if reply else "",
                ),
                f"rumoureval/{thread['event']}",
            )  # fmt: skip


def _hacker_news(folder: Path) -> Iterator[Held]:
    for row in _rows(folder, "hackernews_2015")[:LINKS]:
        said = datetime.strptime(row["created_at"], "%m/%d/%Y %H:%M").replace(tzinfo=UTC)
        yield _story(row, row["author"], said.timestamp()), ""
    for row in _rows(folder, "hackernews_daily")[-LINKS:]:
        yield _story(row, row["by"], float(row["time"])), ""


def _story(row: Row, author: str, said: float) -> Post:
    url = row.get("url") or f"https://news.ycombinator.com/item?id={row['id']}"
    return _post(f"hn:{row['id']}", "hn", row["title"], said, author=author or "", url=url)


def _reddit(folder: Path) -> Iterator[Held]:
    rows = _rows(folder, "reddit")
    random.Random(SEED).shuffle(rows)
    for row in [row for row in rows if row["over_18"] != "True"][:REDDIT]:
        place = f"reddit:r/{row['subreddit']}" if row["subreddit"] in SUBREDDITS else "reddit"
        yield (
            _post(
                f"reddit:t3_{row['id']}", place, row["selftext"] or row["title"],
                float(row["created_utc"]), title=row["title"] if row["selftext"] else "",
                url=f"https://www.reddit.com/comments/{row['id']}",
            ),
            "",
        )  # fmt: skip


def _weibo(folder: Path) -> Iterator[Held]:
    for row in _rows(folder, "weibo_ced"):
        root, said = row["id"], _time(str(row["time"]))
        author = f"weibo{root.split('_')[-1]}"
        yield _post(f"weibo:{root}", "weibo", row["text"], said, author=author), ""
        commented = [repost for repost in row["reposts"] if repost[4]][:REPOSTS]
        for mid, _, uid, date, text in commented:
            try:
                at = parse_time(f"{date.replace(' ', 'T')}+08:00")
            except InputError:  # "09月08日", of an unknown year
                at = said
            more = {"author": f"weibo{uid}", "reply_to": f"weibo:{root}"}
            yield _post(f"weibo:{mid}", "weibo", text, at, **more), ""


def _zhihu(folder: Path) -> Iterator[Held]:
    for row in _rows(folder, "zhihu")[-TITLES:]:
        name = f"zhihu:{row['day']}:{_short(row['title'])}"
        text, said = row.get("excerpt") or row["title"], parse_time(f"{row['day']}T04:00:00Z")
        yield _post(name, "zhihu", text, said, title=row["title"]), ""


def _hot(folder: Path) -> Iterator[Held]:
    for row in _rows(folder, "weibo_hot")[-TITLES:]:
        name = f"weibo-hot:{row['day']}:{_short(row['title'])}"
        yield _post(name, "weibo-hot", row["title"], parse_time(row["first_seen"])), ""


def _readhub(folder: Path) -> Iterator[Held]:
    for row in _rows(folder, "readhub")[:TOPICS]:
        author = row["sources"][0] if row["sources"] else ""
        said = parse_time(row["published"])
        more = {"author": author, "title": row["title"]}
        yield _post(f"readhub:{row['id']}", "readhub", row["summary"], said, **more), ""


def _time(written: str) -> float:
    """Epoch seconds as they are, or as Twitter and Weibo wrote them once."""
    if written.isdigit():
        return float(written)
    return datetime.strptime(written, "%a %b %d %H:%M:%S %z %Y").timestamp()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


# ------------------------------------------------------------------------------- the store


def home(run: Run) -> Path:
    """The folder of the store (a home of gnomon's, with ``events.json``: post to event), built
    where it is not there. Raises Absent."""
    for file in FILES:
        if not (run.data / file).is_file():
            raise Absent(f"{file} is not here")
    place = run.cache / f"posts-store-{_key(run)[:16]}"
    if place.is_dir():
        return place
    run.cache.mkdir(parents=True, exist_ok=True)
    new = Path(mkdtemp(prefix="new-posts-", dir=run.cache))
    try:
        _build(run, new)
        for old in sorted(run.cache.glob("posts-store-*"), key=lambda p: p.stat().st_mtime)[:-2]:
            shutil.rmtree(old, ignore_errors=True)
        with suppress(OSError):  # another run was quicker
            new.replace(place)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return place


def _build(run: Run, place: Path) -> None:
    found = held(run.data)
    run.say(f"{len(found):,} posts into a store")
    with open_store(place / "store") as store:
        take(
            (post for post, _ in found), store, source="posts",
            on_progress=lambda report: run.say(f"{report.posts:,} posts are in"),
        )  # fmt: skip
        store.refresh()
    events = {post.id: event for post, event in found if event}
    (place / "events.json").write_text(json.dumps(events), encoding="utf-8")


def _key(run: Run) -> str:
    """SHA-256 of the data's names, sizes and times, and of the code by which posts are taken in."""
    files = [run.data / file for file in FILES]
    digest = hashlib.sha256(repr([(str(f), f.stat().st_size) for f in files]).encode())
    code = [p for part in ("store", "origins") for p in sorted((PACKAGE / part).rglob("*.py"))]
    for path in (Path(__file__), PACKAGE / "ingest.py", *code):
        digest.update(path.read_bytes())
    return digest.hexdigest()

"""Ingest and search of the store, beside SQLite FTS5 and bare tantivy, in one run.

    python bench/store.py [--posts 300000] [--queries 400] [--seed 1] [--dir FOLDER] [--data FOLDER]

Posts are real ones where the development data lie (Reddit titles, Hacker News, CrisisLex, Weibo),
made more by joining halves of two real texts beyond what exists; without the data, words drawn
from Zipf's law. Every engine gets the same posts in the same batches, each batch durable
(``synchronous = FULL``) before the next; and the same tokens. Queries are 1 to 4 neighbouring words
of posts drawn at random. The last line is JSON.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import tantivy

from gnomon.store.engine import open_store
from gnomon.text.tokens import tokens
from gnomon.types import Batch, Post

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "social"
BATCH = 1000
K = 10
T0 = 1_700_000_000.0


def lines(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def real_texts(folder: Path) -> list[str]:
    """Texts of the development data; [] where they are absent."""
    out = []
    files = {
        "reddit_top": lambda row: [f"{row['title']} {row.get('selftext') or ''}"],
        "hackernews_2015_2016": lambda row: [row["title"]],
        "hackernews_daily_2024_2025": lambda row: [row.get("title") or ""],
        "crisislex_tweets": lambda row: [row["text"]],
        "weibo_ced_cascades": lambda row: [row["text"], *(r[4] for r in row["reposts"][:200])],
    }
    for name, texts in files.items():
        path = folder / f"{name}.jsonl.gz"
        if path.exists():
            for row in lines(path):
                out += [text.strip() for text in texts(row) if text and text.strip()]
    return out


def corpus(n: int, rng: random.Random, folder: Path) -> tuple[list[str], str]:
    """``n`` texts, and a word on where they are from."""
    real = real_texts(folder)
    if not real:
        words = [f"w{i}" for i in range(200_000)]
        weights = [1 / (i + 1) for i in range(len(words))]
        made = [" ".join(rng.choices(words, weights, k=rng.randint(5, 40))) for _ in range(n)]
        return made, "synthetic: words drawn from Zipf's law, since the data are absent"
    rng.shuffle(real)
    said = f"{min(n, len(real))} real posts"
    if n > len(real):
        said += f" and {n - len(real)} joined from halves of two real ones"
        real += [halves(rng.choice(real), rng.choice(real)) for _ in range(n - len(real))]
    return real[:n], said


def halves(first: str, second: str) -> str:
    return f"{first[: len(first) // 2]} {second[len(second) // 2 :]}"


def batches(texts: list[str]) -> Iterator[list[Post]]:
    for start in range(0, len(texts), BATCH):
        yield [
            Post(
                f"bench:{i:08d}/{i * 2654435761 % 2**32:08x}",
                texts[i],
                "bench",
                T0 + i,
                author=f"user{i % 50_021}",
                created_at=T0 + i / 10,
                lang="en",
            )
            for i in range(start, min(start + BATCH, len(texts)))
        ]


def sampled(texts: list[str], n: int, rng: random.Random) -> list[str]:
    """Runs of 1 to 4 words of random posts."""
    out: list[str] = []
    while len(out) < n:
        words = rng.choice(texts).split()
        length = rng.randint(1, 4)
        start = rng.randrange(max(1, len(words) - length + 1))
        query = " ".join(words[start : start + length])[:60]
        if tokens(query):
            out.append(query)
    return out


def percentiles(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    return {
        f"p{p}_ms": round(ordered[min(len(ordered) - 1, len(ordered) * p // 100)] * 1000, 2)
        for p in (50, 95, 99)
    }


def timed(calls: list) -> dict[str, float]:
    """Percentiles over ``calls``, after a warm-up with every tenth of them."""
    for call in calls[::10]:
        call()
    samples = []
    for call in calls:
        start = time.perf_counter()
        call()
        samples.append(time.perf_counter() - start)
    return percentiles(samples)


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def bench_gnomon(folder: Path, texts: list[str], queries: list[str]) -> dict:
    with open_store(folder) as store:
        start = time.perf_counter()
        acknowledged = []
        for posts in batches(texts):
            before = time.perf_counter()
            store.write(Batch("bench", tuple(posts)))
            acknowledged.append(time.perf_counter() - before)
        durable = time.perf_counter() - start
        store.refresh()
        searchable = time.perf_counter() - start
        out = {
            "ingest_posts_per_s": round(len(texts) / searchable),
            "of_that_durable_posts_per_s": round(len(texts) / durable),
            "batch_acknowledged": percentiles(acknowledged),
            "bytes_per_post": round(size(folder) / len(texts)),
        }
        out["search"] = timed([lambda q=q: store.search(q, K) for q in queries])
        out["search_all_copies"] = timed(
            [lambda q=q: store.search(q, K, per_origin=None) for q in queries]
        )
        first = [q.split()[0] for q in queries if tokens(q.split()[0])][:100]
        day = (T0, T0 + 86_400)
        out["counts_per_hour"] = timed([lambda q=q: store.counts_per_hour(q, *day) for q in first])
    return out


def plain(text: str) -> list[str]:
    """Our tokens in letters that FTS5's unicode61 keeps whole, so that each stays one term."""
    return [re.sub(r"[\W_]|[^\u0000-\ud7ff]", "0", token) for token in tokens(text)]


def bench_fts5(folder: Path, texts: list[str], queries: list[str]) -> dict:
    folder.mkdir()
    db = apsw.Connection(str(folder / "fts5.db"))
    db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536")
    db.execute(
        "CREATE VIRTUAL TABLE posts USING fts5(id UNINDEXED, author UNINDEXED, time UNINDEXED,"
        " text UNINDEXED, terms, tokenize='unicode61 remove_diacritics 0')"
    )
    start = time.perf_counter()
    for posts in batches(texts):
        with db:
            db.executemany(
                "INSERT INTO posts VALUES (?, ?, ?, ?, ?)",
                [(p.id, p.author, p.time, p.text, " ".join(plain(p.text))) for p in posts],
            )
    took = time.perf_counter() - start

    def search(query: str) -> list:
        terms = " OR ".join(f'"{token}"' for token in dict.fromkeys(plain(query)))
        sql = "SELECT rowid, text, bm25(posts) FROM posts WHERE posts MATCH ? ORDER BY 3 LIMIT ?"
        return db.execute(sql, (terms, K)).fetchall()

    out = {"ingest_posts_per_s": round(len(texts) / took)}
    out["search"] = timed([lambda q=q: search(q) for q in queries])
    out["bytes_per_post"] = round(size(folder) / len(texts))
    db.close()
    return out


def bench_tantivy(folder: Path, texts: list[str], queries: list[str]) -> dict:
    """The index alone, nothing durable until the end: what our searches are compared with."""
    folder.mkdir()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("text", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("row", stored=True, fast=True)
    schema = builder.build()
    index = tantivy.Index(schema, path=str(folder))
    writer = index.writer(64_000_000, 1)
    start = time.perf_counter()
    for n, text in enumerate(texts):
        values = {"terms": " ".join(tokens(text)), "row": n, "text": text[:20_000]}
        writer.add_document(tantivy.Document.from_dict(values, schema))
        if n % 20_000 == 19_999:
            writer.commit()
    writer.commit()
    took = time.perf_counter() - start
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def search(query: str) -> list:
        terms = [
            (tantivy.Occur.Should, tantivy.Query.term_query(schema, "terms", token, "freq"))
            for token in dict.fromkeys(tokens(query))
        ]
        hits = searcher.search(tantivy.Query.boolean_query(terms), K, count=False).hits
        return [searcher.doc(address) for _, address in hits]

    out = {"ingest_posts_per_s": round(len(texts) / took), "segments": searcher.num_segments}
    out["search"] = timed([lambda q=q: search(q) for q in queries])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--posts", type=int, default=300_000)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", type=Path, help="where to build (default: a temporary folder)")
    parser.add_argument("--data", type=Path, default=DATA, help="the development data's folder")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    texts, said = corpus(given.posts, rng, given.data)
    queries = sampled(texts, given.queries, rng)
    folder = Path(tempfile.mkdtemp(prefix="bench-store-", dir=given.dir))
    out: dict = {"bench": "store", "posts": len(texts), "data": said, "queries": len(queries)}
    try:
        for name, bench in (
            ("gnomon", bench_gnomon),
            ("sqlite_fts5", bench_fts5),
            ("tantivy", bench_tantivy),
        ):
            print(f"{name} ...", file=sys.stderr, flush=True)
            out[name] = bench(folder / name, texts, queries)
            print(json.dumps(out[name]), file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ours, bare = out["gnomon"], out["tantivy"]
    fts5 = out["sqlite_fts5"]
    out["ratios"] = {
        "ingest_to_fts5": round(ours["ingest_posts_per_s"] / fts5["ingest_posts_per_s"], 3),
        "search_p95_to_tantivy": round(ours["search"]["p95_ms"] / bare["search"]["p95_ms"], 2),
        "search_p95_to_fts5": round(ours["search"]["p95_ms"] / fts5["search"]["p95_ms"], 3),
    }
    out["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(out))


if __name__ == "__main__":
    main()

"""The data and tokenizer stages on real posts: CPU time of each rule and of the whole, duplicates
left among what is kept, and the quality classifier on pages that it has never seen.

    python bench/lab/corpus.py [POSTS]

Reads ../shared/data (Reddit's and Hacker News' titles, tweets of disasters; page markup of the
article extraction benchmark) and skips, saying so, where it is absent. Duplicates left are looked
for by another way than the one that drops them: the same words in the same order, and MinHash of
128 permutations over word triples (rensa) verified by the true Jaccard similarity.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tarfile
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from lxml import html
from rensa import RMinHash

from gnomon.lab.command import Bench
from gnomon.lab.data import quality, reading
from gnomon.lab.data import stage as data
from gnomon.lab.data.documents import Document, documents
from gnomon.lab.data.quality_training import auc, interval
from gnomon.lab.progress import Silence
from gnomon.lab.tokenizer import stage as tokenizer
from gnomon.text.tokens import words

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
POSTS = ("reddit_top", "hackernews_daily_2024_2025", "crisislex_tweets")
PAGES = SHARED / "wire" / "article_html.tar.gz"
NEAR = 0.8


def main(most: int) -> None:
    paths = [SHARED / "social" / f"{name}.jsonl.gz" for name in POSTS]
    if not all(path.exists() for path in paths):
        print(f"skipped: no posts in {SHARED / 'social'}")
        return
    each = most // len(paths)
    sample = [
        read.document
        for path in paths
        for read in islice(reading.FileReader(str(path)).read(), each)
    ]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        source = home / "posts.jsonl"
        source.write_text("".join(_row(document) for document in sample), "utf-8")
        settings = data.Settings(sources=(str(source),), eval_dir=str(SHARED / "eval"))
        _rules(sample, settings)
        bench = Bench(home, home, 1, Silence())
        work = bench.workspace("bench")
        for name, run in (
            ("data", lambda: data.stage(work, bench, settings)),
            ("tokenizer", lambda: tokenizer.stage(
                work, bench, tokenizer.Settings(vocab=4096, context=256))),
        ):  # fmt: skip
            cpu = time.process_time()
            report = run()
            cpu = time.process_time() - cpu
            print(f"{name}: {cpu:.1f} CPU-s, {len(sample) / cpu:,.0f} documents a CPU-second")
        print(json.dumps({k: report[k] for k in ("vocab", "tokens", "bytes_per_token")}))
        kept = [d for part in ("train", "val") for d in documents(work.folder / "data", part)]
        _left(kept)
    _pages()


def _sample(path: Path, most: int) -> Iterator[Document]:
    for read in islice(reading.FileReader(str(path)).read(), most):
        yield read.document


def _row(document: Document) -> str:
    row = {"text": document.text, "author": document.metadata.get("author", "")}
    return json.dumps(row, ensure_ascii=False) + "\n"


def _rules(sample: list[Document], settings: data.Settings) -> None:
    """CPU time of each rule over what those before it let pass."""
    cpu = time.process_time()
    rules = data.rules(settings)
    print(f"rules made in {time.process_time() - cpu:.1f} CPU-s (evaluation sets read)")
    left = sample
    for rule in rules:
        name = rule.__module__.rsplit(".", 1)[-1]
        cpu = time.process_time()
        found = [rule(document) for document in left]
        cpu = time.process_time() - cpu
        passed = [document for document in found if isinstance(document, Document)]
        print(
            f"  {name}: {1e6 * cpu / len(left):.0f} us a document, drops {len(left) - len(passed)}"
        )
        left = passed


def _left(kept: list[Document]) -> None:
    said = [words(document.text) for document in kept]
    same = sum(count - 1 for count in Counter(map(tuple, said)).values())
    print(f"kept {len(kept)}: {same} with the words of another")
    bands: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    shingles = [{" ".join(text[i : i + 3]) for i in range(max(1, len(text) - 2))} for text in said]
    for number, some in enumerate(shingles):
        sketch = RMinHash(num_perm=128, seed=1)
        sketch.update(list(some))
        rows = np.array(sketch.digest(), np.uint64).reshape(32, 4)
        for band in range(32):
            bands[band, rows[band].tobytes()].append(number)
    crowds = [some for some in bands.values() if 1 < len(some) < 100]
    pairs = {(a, b) for some in crowds for a in some for b in some if a < b}
    near = [(a, b) for a, b in pairs if len(said[a]) >= 6 and _like(shingles[a], shingles[b])]
    differing = sum(_numbers(said[a]) != _numbers(said[b]) for a, b in near)
    print(
        f"  {len({b for _, b in near})} are {NEAR:.0%} like another (triples of words, 6 words at "
        f"least); {differing} of {len(near)} such pairs differ in a number, which is no copy"
    )


def _like(one: set[str], other: set[str]) -> bool:
    return len(one & other) >= NEAR * len(one | other)


def _numbers(said: list[str]) -> list[str]:
    return sorted(word for word in said if word[0].isdigit())


def _pages() -> None:
    """Articles against menus, footers and forms of the same pages."""
    if not PAGES.exists():
        print(f"skipped: no {PAGES}")
        return
    classifier = quality.shipped()
    good, bad = [], []
    for kind, text in _texts():
        (good if kind == "article" else bad).append(classifier.score(text))
    yes, no = np.array(good), np.array(bad)
    low, high = interval(yes, no)
    print(
        f"quality: {len(yes)} paragraphs of articles, {(yes < classifier.threshold).mean():.2%} "
        f"dropped; {len(no)} menus, footers, asides and forms, "
        f"{(no < classifier.threshold).mean():.1%} dropped; AUC {auc(yes, no):.3f} "
        f"[{low:.3f}, {high:.3f}]"
    )


def _texts() -> Iterator[tuple[str, str]]:
    with tarfile.open(PAGES) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is None:
                continue
            body = file.read()
            if member.name.endswith(".json"):
                for page in json.loads(body).values():
                    lines = page["articleBody"].split("\n")
                    yield from (("article", line) for line in lines if len(line) >= 60)
            elif member.name.endswith(".html.gz"):
                tree = html.fromstring(gzip.decompress(body))
                for part in tree.xpath("//nav|//footer|//aside|//header|//form|//select"):
                    text = "\n".join(piece.strip() for piece in part.itertext() if piece.strip())
                    if len(text) >= 60:
                        yield "junk", re.sub(r"[ \t]+", " ", text)[:1000]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)

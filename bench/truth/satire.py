"""Satire and irony as the only support: nothing that only a joke says is "supported".

The Onion's headlines and tweets marked as ironic by their annotators, each the only post that says
what it says. Twice: as they are, bare text from an unknown account, and as they come to a reader,
with the paper's name or the tweet's own #irony. Beside each, what is not satire, from a feed that
is followed: what supports nothing would pass the first and fail the second.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.truth import data, metrics, world
from bench.truth.data import Absent
from bench.truth.rows import Row
from bench.truth.run import Run

from gnomon.truth.claims import claims_of
from gnomon.types import Label, Post

EACH = 60
LABELLED: Mapping[str, Mapping[str, Any]] = {
    "onion": {"author": "The Onion", "url": "https://www.theonion.example/story"},
    "irony": {"labels": ("satire",)},
}
FOLLOWED: Mapping[str, Any] = {"title": "News", "source": "feed:https://paper.example/rss"}
NOTE = (
    "Each text is the only post that bears on its own claim, and its account is unknown. “Serious” "
    "is the share of real headlines (of tweets that are not ironic) that is supported when a feed "
    "that is followed brings them, each alone; “by a stranger” the share when an unknown account "
    "does."
)


def headlines(run: Run) -> dict[bool, list[str]]:
    """Onion headlines (True) and real ones."""
    found = list(data.rows(run.data / "truth/onion.csv.gz"))
    return {
        satire: run.few(sorted({r["text"] for r in found if r["label"] == str(int(satire))}), EACH)
        for satire in (True, False)
    }


def tweets(run: Run) -> dict[bool, list[str]]:
    """The training part's ironic tweets (True) and others, where they state something."""
    folder = run.data / "truth/irony"
    if not (folder / "train_text.txt.gz").is_file():
        raise Absent("truth/irony/train_text.txt.gz is not here")
    with gzip.open(folder / "train_text.txt.gz", "rt", encoding="utf-8") as file:
        texts = file.read().rstrip("\n").split("\n")
    labels = (folder / "train_labels.txt").read_text(encoding="utf-8").split()
    marked = list(zip(texts, labels, strict=True))
    return {
        ironic: run.few(
            sorted({t for t, m in marked if m == str(int(ironic)) and _states(t)}), EACH
        )
        for ironic in (True, False)
    }


def _states(text: str) -> bool:
    return any(claim.checkable for claim in claims_of(text))


def _claim(text: str) -> str:
    """What the text states: its first checkable claim, else all of it."""
    return next((claim.text for claim in claims_of(text) if claim.checkable), text)


def _supported(run: Run, posts: Sequence[Post], what: str) -> list[bool]:
    """Whether each post's claim is supported, all of them held together: a real store is mixed."""
    with world.opened(posts) as store:
        return [
            world.verdict(store, run.verifier, _claim(post.text)).label == Label.SUPPORTED
            for post in run.progress(posts, what)
        ]


def _measured(run: Run) -> dict[str, dict[str, list[bool]]]:
    out: dict[str, dict[str, list[bool]]] = {}
    for name, texts in (("onion", headlines(run)), ("irony", tweets(run))):
        out[name] = {}
        for kind, satire, more in (
            ("satire", True, {}), ("stranger", False, {}), ("serious", False, FOLLOWED),
            ("labelled", True, LABELLED[name]),
        ):  # fmt: skip
            posts = [
                world.post(f"{name}/{kind}/{i}", text, **more)
                for i, text in enumerate(texts[satire])
            ]
            out[name][kind] = _supported(run, posts, f"{name}, {kind}")
    return out


def measure(run: Run) -> Iterator[Row]:
    """Supported by satire alone: as labelled, and as bare text."""
    found = run.kept("satire", lambda: _measured(run), "store", "origins")
    for name, title in (("onion", "Onion headlines"), ("irony", "ironic tweets")):
        beside = {
            shown: sum(found[name][kind]) / max(len(found[name][kind]), 1)
            for shown, kind in (("serious", "serious"), ("by a stranger", "stranger"))
        }
        for kind, more in (("labelled", "labelled as such"), ("satire", "bare text")):
            own = found[name][kind]
            hits, n = sum(own), len(own)
            yield Row(
                "satire as only support, supported", f"{title}, {more}", n, hits, 0,
                round(metrics.of_count(hits, n)[1] * n),
                beside if kind == "satire" else {}, aim=0, more=False, note=NOTE,
            )  # fmt: skip

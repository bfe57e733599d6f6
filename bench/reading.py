"""Reading a document for an answer: SQuAD 2.0 and CMRC 2018, beside baselines, with intervals.

    nice -n 10 env OMP_NUM_THREADS=1 PYTHONPATH=src python bench/reading.py --data ../shared/data
    ... --model PATH.gguf --strong --most 40        # what a chat model that picks adds

- **SQuAD 2.0** (Rajpurkar, Jia and Liang 2018, https://arxiv.org/abs/1806.03822): 250 questions of
  its dev set, of which four in five cannot be answered from their paragraph, though they take
  nearly all of their words from it. Exact match and F1 as its own script has them: a question
  without an answer is right where "it does not say" is said.
- **CMRC 2018** (Cui et al. 2019, https://arxiv.org/abs/1810.07366), dev: every question can be
  answered. Exact match and F1 (longest common substring, by character) as its own script has
  them.

Each is parted in two by the hash of the paragraph. What is chosen (the bar from which on a sentence
answers) was chosen on one half, ``--part dev``; reported is the other. Neither was trained on: no
model of ours has seen either set.

"quoted" is the share of answerable questions where the first sentence quoted holds a true answer:
what a reader sees. "another paragraph": each question is put to a paragraph of the same set that is
about something else. Baselines: the sentence of the paragraph with the best BM25 for the question,
whole, which always answers; a sentence by chance. Intervals: 95 %, bootstrap over paragraphs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import re
import string
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gnomon.models.protocols import Chat
from gnomon.skills.read import Tools, read
from gnomon.text.sentences import split
from gnomon.text.tokens import tokens
from gnomon.types.library import Part
from gnomon.types.skilled import Reading

RESAMPLES = 2000
K1, B = 0.9, 0.4  # Anserini's defaults for passages


@dataclass(frozen=True)
class Item:
    set: str
    context: str
    question: str
    answers: tuple[str, ...]


def squad(data: Path) -> list[Item]:
    rows = (data / "eval" / "squad2_sample_a.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(row) for row in rows if row.strip()]
    return [
        Item("squad", r["context"], r["question"], tuple(a["text"] for a in r["answers"]))
        for r in found
    ]


def cmrc(data: Path) -> list[Item]:
    with gzip.open(data / "eval" / "cmrc2018_dev.json.gz", "rt", encoding="utf-8") as file:
        whole = json.load(file)
    return [
        Item("cmrc", p["context"], q["question"], tuple(a["text"] for a in q["answers"]))
        for article in whole["data"]
        for p in article["paragraphs"]
        for q in p["qas"]
    ]


def half(item: Item) -> str:
    return "dev" if zlib.crc32(item.context.encode()) % 2 else "held"


# --------------------------------------------------------------------------- scores


def plain(text: str, zh: bool) -> list[str]:
    """The words that are compared: SQuAD's normalisation, or CMRC's characters."""
    text = text.lower()
    if zh:
        return [c for c in text if c.isalnum()]
    text = "".join(c for c in text if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def f1(said: Sequence[str], gold: Sequence[str], zh: bool) -> float:
    common = lcs(said, gold) if zh else sum((Counter(said) & Counter(gold)).values())
    if not common:
        return 0.0
    precision, recall = common / len(said), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def lcs(a: Sequence[str], b: Sequence[str]) -> int:
    """The longest common substring, as CMRC's script counts it."""
    best, row = 0, [0] * (len(b) + 1)
    for x in a:
        new = [0] * (len(b) + 1)
        for j, y in enumerate(b, 1):
            if x == y:
                new[j] = row[j - 1] + 1
                best = max(best, new[j])
        row = new
    return best


@dataclass(frozen=True)
class Score:
    exact: float
    f1: float
    quoted: float | None  # None: it cannot be answered
    says: bool


def score(item: Item, says: bool, answer: str, quote: str) -> Score:
    zh = item.set == "cmrc"
    if not item.answers:
        return Score(float(not says), float(not says), None, says)
    said = plain(answer, zh) if says else []
    golds = [plain(gold, zh) for gold in item.answers]
    exact = max(float(said == gold) for gold in golds)
    best = max(f1(said, gold, zh) for gold in golds) if said else 0.0
    whole = "".join(plain(quote, zh)) if says else ""
    held = any("".join(gold) in whole for gold in golds)
    return Score(exact, best, float(held), says)


# --------------------------------------------------------------------------- what is scored

Answerer = Callable[[Item], tuple[bool, str, str]]


def ours(chat: Chat | None, timeout_s: float = 300.0) -> Answerer:
    def answer(item: Item) -> tuple[bool, str, str]:
        tools = Tools(chat=chat, timeout_s=timeout_s)
        *_, last = read(item.question, [Part(item.context)], tools)
        assert isinstance(last, Reading)
        return last.says, last.answer, last.quotes[0].text if last.says else ""

    return answer


def by_bm25(item: Item) -> tuple[bool, str, str]:
    """The paragraph's best sentence, whole."""
    texts = [item.context[start:end] for start, end in split(item.context)] or [item.context]
    rows = [Counter(tokens(text)) for text in texts]
    mean = sum(sum(row.values()) for row in rows) / len(rows)

    def weigh(row: Counter[str]) -> float:
        total = 0.0
        for term in set(tokens(item.question)):
            n = sum(term in other for other in rows)
            idf = math.log(1 + (len(rows) - n + 0.5) / (n + 0.5))
            size = K1 * (1 - B + B * sum(row.values()) / mean)
            total += idf * row[term] / (row[term] + size) if row[term] else 0.0
        return total

    best = texts[max(range(len(rows)), key=lambda i: weigh(rows[i]))]
    return True, best, best


def by_chance(item: Item) -> tuple[bool, str, str]:
    texts = [item.context[start:end] for start, end in split(item.context)] or [item.context]
    text = random.Random(item.question).choice(texts)
    return True, text, text


# --------------------------------------------------------------------------- the table


def interval(items: Sequence[Item], values: Sequence[float | None]) -> tuple[float, float, float]:
    """Mean, and its 95 % interval by resampling paragraphs."""
    groups: dict[str, list[float]] = {}
    for item, value in zip(items, values, strict=True):
        if value is not None:
            groups.setdefault(item.context, []).append(value)
    if not groups:
        return math.nan, math.nan, math.nan
    rng, rows = random.Random(0), list(groups.values())
    means = []
    for _ in range(RESAMPLES):
        drawn = rng.choices(rows, k=len(rows))
        means.append(sum(map(sum, drawn)) / sum(map(len, drawn)))
    means.sort()
    mean = sum(map(sum, rows)) / sum(map(len, rows))
    return mean, means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)]


HEAD = (
    "exact match", "F1", "quoted", "answers where it can", "quoted, of these",
    "silent where the paragraph does not say", "silent before another paragraph",
)  # fmt: skip


def table(items: Sequence[Item], answerers: dict[str, Answerer]) -> Iterator[str]:
    yield f"| | {' | '.join(HEAD)} |"
    yield "|---" * (len(HEAD) + 1) + "|"
    rng = random.Random(2)
    others = [rng.choice([o for o in items if o.context != item.context]) for item in items]
    for name, answer in answerers.items():
        scores = [score(item, *answer(item)) for item in items]
        swapped = [
            float(not answer(Item(item.set, other.context, item.question, ()))[0])
            for item, other in zip(items, others, strict=True)
        ]
        cells = []
        for values in (
            [s.exact for s in scores],
            [s.f1 for s in scores],
            [s.quoted for s in scores],
            [None if s.quoted is None else float(s.says) for s in scores],
            [s.quoted if s.says else None for s in scores],
            [None if s.quoted is not None else float(not s.says) for s in scores],
            swapped,
        ):
            mean, low, high = interval(items, values)
            cells.append("–" if math.isnan(mean) else f"{mean:.3f} ({low:.3f}–{high:.3f})")
        yield f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--part", choices=("dev", "held"), default="held")
    parser.add_argument("--most", type=int, default=600, help="questions of each set")
    parser.add_argument("--model", help="a GGUF file that picks, besides")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if not (args.data / "eval" / "squad2_sample_a.jsonl").exists():
        sys.exit(f"skipped: no {args.data}/eval; development data is not part of the repository")
    answerers: dict[str, Answerer] = {
        "a sentence by chance": by_chance,
        "the best sentence by BM25": by_bm25,
        "gnomon, words alone": ours(None),
    }
    chat = None
    if args.model:
        from gnomon.models.llamacpp import LlamaChat

        chat = LlamaChat(Path(args.model), strong=True, threads=args.threads)
        answerers[f"gnomon, {chat.name} picks"] = ours(chat)
    for find in (squad, cmrc):
        items = [item for item in find(args.data) if half(item) == args.part]
        items = random.Random(0).sample(items, min(args.most, len(items)))
        answerable = sum(bool(item.answers) for item in items)
        contexts = len({item.context for item in items})
        print(
            f"\n{items[0].set}: {len(items)} questions on {contexts} paragraphs "
            f"({answerable} can be answered), half {args.part!r}\n"
        )
        for line in table(items, answerers):
            print(line, flush=True)
    if chat is not None:
        chat.close()


if __name__ == "__main__":
    main()

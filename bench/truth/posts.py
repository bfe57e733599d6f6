"""Real posts with labels: what the product answers to questions about 97,000 of them.

The questions and their labels are our own; no post's text is in them. Events are divided: what is
looked at, fitted and mended goes by the half "dev" (``posts.jsonl``); "held" (``posts.held.jsonl``)
is only measured.
``python -m bench.truth.posts`` asks the dev half and shows each question with what became of it.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench.truth import data, metrics, posts_scored
from bench.truth.posts_asked import Asked, asked
from bench.truth.posts_scored import Outcome, Question
from bench.truth.rows import Row, plain
from bench.truth.run import Run

HALVES = ("dev", "held")
TITLES = {"dev": "real posts, half that is worked on", "held": "real posts, held-back half"}
NOTE = (
    "Questions of our own about 97,000 posts (CrisisLex, RumourEval, Hacker News, Reddit, Weibo, "
    "Zhihu, Readhub); a label is what the held posts settle for a careful reader. Right is the "
    "label's answer, from posts about the event, with nothing rejected beside it, or silence where "
    "the posts do not settle it. “One origin alone” is what is shown under that note, and counts "
    "as silence. No chat model. “Best hit” is the verdict (or the words) of the "
    "post that a search for the question finds first."
)
SURE = (
    "Of answers given with nothing held back (risk 1). “Held” is the share of all questions that "
    "is answered at the owner's default risk, and “wrong” the share of those that is not right."
)


# ------------------------------------------------------------------------------- the rows


def measure(run: Run) -> Iterator[Row]:
    """Both halves: what is right, what is wrong of what is said, and what confidence is worth."""
    for half in HALVES:
        found = asked(run, half)
        yield from _overall(found, TITLES[half])
        if half == "held":
            yield from _parts(found, TITLES[half])
        yield from _confidence(found, asked(run, half, risk=1.0), TITLES[half])


def _share(
    measure: str, title: str, hits: int, n: int, beside: dict[str, float], **more: Any
) -> Row:
    low, high = metrics.of_count(hits, n)
    score = hits / n if n else None
    return Row(measure, title, n, score, low, high, beside, note=NOTE, **more)


def _overall(found: Sequence[Asked], title: str) -> Iterator[Row]:
    n, count = len(found), Counter(each.outcome for each in found)
    fine = sum(each.outcome.fine for each in found)
    baselines = {
        "always unknown": sum("unknown" in (q.gold, *q.also) for q in _questions(found)) / n,
        "best hit": sum(each.hit.fine for each in found) / n,
        "half right": count[Outcome.HALF] / n,
    }
    yield _share("answers, right", title, fine, n, baselines)
    said = [each for each in found if each.outcome.given]
    bad = count[Outcome.WRONG] + count[Outcome.BESIDE]
    hits = [each for each in found if each.hit.given]
    worse = sum(each.hit in (Outcome.WRONG, Outcome.BESIDE) for each in hits)
    beside = {
        "contradicted": count[Outcome.WRONG] / max(1, len(said)),
        "best hit": worse / max(1, len(hits)),
    }
    yield _share("answers, wrong of those given", title, bad, len(said), beside, more=False)
    open_ = [each for each in found if each.question.gold == "unknown"]
    held = sum(each.outcome is Outcome.RIGHTLY_UNKNOWN for each in open_)
    alone = [e for e in found if e.given.alone and not e.outcome.given]
    right = sum(posts_scored.alone_right(e.question, e.given) for e in alone)
    beside = {"shown, of all": len(alone) / n}
    yield _share("one origin alone, right", title, right, len(alone), beside, more=False)
    beside = {"best hit": sum(e.hit is Outcome.RIGHTLY_UNKNOWN for e in open_) / max(1, len(open_))}
    yield _share("unanswerable, abstains", title, held, len(open_), beside, aim=0.95)
    sure = [each for each in found if each.question.answerable]
    missed = sum(each.outcome is Outcome.WRONGLY_UNKNOWN for each in sure)
    yield _share("answerable, abstains", title, missed, len(sure), {}, aim=0.10, more=False)


def _parts(found: Sequence[Asked], title: str) -> Iterator[Row]:
    """Right, for each language and kind of question, the worst first."""
    keys: list[tuple[str, Callable[[Question], str]]] = [
        ("in", lambda q: {"en": "English", "zh": "Chinese"}[q.lang]),
        ("kind", lambda q: q.kind),
    ]
    for what, key in keys:
        parts: dict[str, list[Asked]] = {}
        for each in found:
            parts.setdefault(key(each.question), []).append(each)
        rows = []
        for name, part in parts.items():
            fine, n = sum(each.outcome.fine for each in part), len(part)
            count = Counter(each.outcome for each in part)
            beside = {
                "half right": count[Outcome.HALF] / n,
                "wrong": (count[Outcome.WRONG] + count[Outcome.BESIDE]) / n,
                "best hit": sum(each.hit.fine for each in part) / n,
            }
            rows.append(_share(f"answers, right, {what} {name}", title, fine, n, beside))
        yield from sorted(rows, key=lambda row: row.score or 0.0)


def _confidence(gated: Sequence[Asked], free: Sequence[Asked], title: str) -> Iterator[Row]:
    """What the confidence of the answers is worth, and what the owner's risk leaves."""
    said = [each for each in free if each.outcome.given]
    if not said:
        return
    sure = np.asarray([each.given.confidence for each in said])
    right = np.asarray([float(each.right) for each in said])
    groups = [each.question.event for each in said]
    low, high = metrics.interval(lambda w: metrics.ece(sure, right, w), groups)
    yield Row(
        "answers, ECE of confidence", title, len(said), metrics.ece(sure, right), low, high,
        {"right": float(right.mean()), "sure": float(sure.mean())}, aim=0.05, more=False, note=SURE,
    )  # fmt: skip
    low, high = metrics.interval(lambda w: metrics.aurc(sure, right, w), groups)
    best = {"no ranking": float(1 - right.mean()), "best possible": metrics.aurc(right, right)}
    yield Row(
        "answers, AURC", title, len(said), metrics.aurc(sure, right), low, high, best,
        more=False, note=SURE,
    )  # fmt: skip
    kept = [each for each in gated if each.outcome.given]
    bad = sum(not each.right for each in kept)
    low, high = metrics.of_count(len(kept), len(gated))
    share = metrics.coverage_at(sure, right) * len(said) / len(free)
    yield Row(
        "answers, held at 5 % risk", title, len(gated), len(kept) / len(gated), low, high,
        {"not right": bad / max(1, len(kept)), "of all": bad / len(gated), "perfect": share},
        note=SURE,
    )  # fmt: skip


def _questions(found: Sequence[Asked]) -> list[Question]:
    return [each.question for each in found]


# ------------------------------------------------------------------------------- the command


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.truth.posts", description=__doc__)
    parser.add_argument("--half", choices=HALVES, default="dev")
    parser.add_argument("--verifier", default="trained", help="rules, trained, trained=FOLDER")
    parser.add_argument("--risk", type=float, default=metrics.RISK, help="1 holds nothing back")
    parser.add_argument("--anew", action="store_true", help="ask the product with that risk, "
                        "instead of holding back what it would of one run without")  # fmt: skip
    parser.add_argument("--encoder", action="store_true", help="with the encoder beside (no "
                        "vectors of posts: it judges and fits what words found)")  # fmt: skip
    parser.add_argument("--data", type=Path, default=data.DATA, help="the development data")
    options = parser.parse_args()
    run = Run(options.verifier, options.data)
    try:
        found = asked(
            run, options.half, risk=options.risk, encoder=options.encoder, anew=options.anew
        )
        free = (
            found if options.anew else asked(run, options.half, risk=1.0, encoder=options.encoder)
        )
    except data.Absent as error:
        print(json.dumps({"bench": "posts", "skipped": str(error)}))
        return
    if options.half == "dev":
        for each in sorted(found, key=lambda each: (each.outcome, each.question.id)):
            print(_line(each))
    title = TITLES[options.half]
    print(plain([*_overall(found, title), *_parts(found, title), *_confidence(found, free, title)]))
    count = Counter(each.outcome.value for each in found)
    body = {"bench": "posts", "part": options.half, "n": len(found), "outcomes": count}
    print(json.dumps(body))


def _line(each: Asked) -> str:
    q, given = each.question, each.given
    gold = q.gold if isinstance(q.gold, str) else " | ".join(map(str, q.gold))
    said = given.verdict or ("quotes" if given.stated else "nothing")
    quotes = [s.text[:150].replace("\n", " ") for s in (*given.deciding, *given.stated)]
    head = f"{each.outcome.value:16} {q.id} {q.question}  gold: {gold}; said: {said}"
    return "\n".join([f"{head} ({given.confidence:.2f})", *(f"    - {quote}" for quote in quotes)])


if __name__ == "__main__":
    main()

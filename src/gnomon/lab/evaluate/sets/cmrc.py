"""CMRC 2018: reading Chinese (https://arxiv.org/abs/1810.07366). The harness does not have it: the
prompt is SQuAD's in Chinese, the metric the organisers'
(https://github.com/ymcui/cmrc2018/blob/master/baseline/cmrc2018_evaluate.py)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

from gnomon.lab.evaluate import intervals
from gnomon.lab.evaluate.reading import json_of
from gnomon.lab.evaluate.results import Result, share
from gnomon.lab.evaluate.scoring import Scorer
from gnomon.lab.evaluate.sets.contract import EvalSet, Run
from gnomon.lab.evaluate.sets.squad import Asked

NAME = "cmrc2018"
_MARKS = re.compile(r"[-:_*^/\\~`+=，。：？！“”；’《》……·、「」（）－～『』]")
_PIECE = re.compile(r"[一-龥]|[^\s一-龥]+")


def read(path: Path) -> list[Asked]:
    return [
        Asked(
            f"背景：{paragraph['context']}\n\n问题：{asked['question']}\n\n答案：",
            tuple(dict.fromkeys(answer["text"] for answer in asked["answers"])),
        )
        for article in json_of(path)["data"]
        for paragraph in article["paragraphs"]
        for asked in paragraph["qas"]
    ]


def ask(items: Sequence[Asked], scorer: Scorer, run: Run) -> list[Result]:
    """Guessing is to give the passage's first sentence."""
    prompts = [one.prompt for one in items]
    said = scorer.generate(prompts, until=("\n",), most=run.most, at=run.at)
    exact = [exactly(one.answers, text) for one, text in zip(items, said, strict=True)]
    f1 = [best_f1(one.answers, text) for one, text in zip(items, said, strict=True)]
    first = [_first_sentence(one.prompt) for one in items]
    guessed = [best_f1(one.answers, text) for one, text in zip(items, first, strict=True)]
    hit = [exactly(one.answers, text) for one, text in zip(items, first, strict=True)]
    low, high = intervals.mean(f1)
    guess = "the first sentence"
    mean = sum(f1) / len(f1)
    return [
        share(NAME, "exact", exact, run.of, baseline=sum(hit) / len(hit), guess=guess),
        Result(
            NAME, "f1", mean, low, high, len(f1), run.of, sum(guessed) / len(guessed), guess
        ),
    ]  # fmt: skip


def _first_sentence(prompt: str) -> str:
    return re.split(r"[。！？\n]", prompt.removeprefix("背景："))[0]


def exactly(answers: Sequence[str], said: str) -> bool:
    """Equal but for punctuation, case and spaces at the ends."""
    return bare(said) in {bare(one) for one in answers}


def bare(text: str) -> str:
    return _MARKS.sub("", text.strip().lower())


def pieces(text: str) -> list[str]:
    """Chinese characters one by one, other words whole."""
    return _PIECE.findall(bare(text))


def best_f1(answers: Sequence[str], said: str) -> float:
    """The best over the answers: F1 of the longest common run of pieces."""
    return max((_f1(pieces(one), pieces(said)) for one in answers), default=0.0)


def _f1(wanted: Sequence[str], found: Sequence[str]) -> float:
    if not wanted or not found:
        return 0.0
    match = SequenceMatcher(None, wanted, found, autojunk=False)
    same = match.find_longest_match(0, len(wanted), 0, len(found)).size
    return 2 * same / (len(wanted) + len(found))


SET = EvalSet(
    NAME, "reading Chinese", ("cmrc2018", "cmrc"), "https://arxiv.org/abs/1810.07366", 40, read, ask
)

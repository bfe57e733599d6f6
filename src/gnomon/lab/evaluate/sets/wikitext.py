"""WikiText-2: how well encyclopaedic text is predicted (https://arxiv.org/abs/1609.07843); the
harness's ``wikitext``."""

from __future__ import annotations

import lzma
import math
import re
from collections.abc import Sequence
from pathlib import Path

from gnomon.lab.evaluate import intervals
from gnomon.lab.evaluate.reading import text_of
from gnomon.lab.evaluate.results import Result
from gnomon.lab.evaluate.scoring import Scorer
from gnomon.lab.evaluate.sets.contract import EvalSet, Run

NAME = "wikitext2"
_TITLE = re.compile(r"^ = [^=].*[^=] = $", re.MULTILINE)


def read(path: Path) -> list[str]:
    """The pages, each from its title on."""
    text = text_of(path)
    starts = [found.start() for found in _TITLE.finditer(text)]
    stops = [*starts[1:], len(text)]
    return [text[start:stop] for start, stop in zip(starts, stops, strict=True)]


def ask(items: Sequence[str], scorer: Scorer, run: Run) -> list[Result]:
    """Words and bytes are counted before WikiText's own marks are taken out, as the harness
    does."""
    nats = [-one.log_prob for one in scorer.rolling([detokenized(one) for one in items], run.at)]
    words = [len(re.split(r"\s+", one)) for one in items]
    low, high = intervals.ratio(nats, words)
    per_word = Result(
        NAME, "word_perplexity", _exp(sum(nats) / sum(words)), _exp(low), _exp(high), len(items),
        run.of, higher_is_better=False,
    )  # fmt: skip
    return [bits_per_byte(NAME, nats, items, run.of), per_word]


def bits_per_byte(name: str, nats: Sequence[float], texts: Sequence[str], of: int) -> Result:
    """Of texts that took so many nats; ``xz`` over them all together stands beside."""
    sizes = [len(one.encode()) * math.log(2) for one in texts]
    low, high = intervals.ratio(nats, sizes)
    return Result(
        name, "bits_per_byte", sum(nats) / sum(sizes), low, high, len(texts), of, packed(texts),
        "xz of the same", higher_is_better=False,
    )  # fmt: skip


def packed(texts: Sequence[str]) -> float:
    """Bits per byte of all texts together, compressed (https://tukaani.org/xz/)."""
    raw = "".join(texts).encode()
    return 8 * len(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)) / len(raw)


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0))


_BRACKETS = ((r"\(\s*([^\)]*?)\s*\)", r"(\1)"), (r"\[\s*([^\]]*?)\s*\]", r"[\1]"),
             (r"{\s*([^}]*?)\s*}", r"{\1}"), (r"\"\s*([^\"]*?)\s*\"", r'"\1"'),
             (r"'\s*([^']*?)\s*'", r"'\1'"))  # fmt: skip
_BEFORE = (("s '", "s'"),)
_NUMBERS = ((" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."))
_POINTS = tuple((f" {mark} ", f"{mark} ") for mark in ":;.!?,")
_REST = (("= = = =", "===="), ("= = =", "==="), ("= =", "=="), (" ° ", "°"), (" \n", "\n"),
         ("\n ", "\n"), (" N ", " 1 "), (" 's", "'s"))  # fmt: skip


def detokenized(page: str) -> str:
    """The page as it would be written: the replacements of the harness, in its order
    (``preprocess_wikitext.py``)."""
    for old, new in (*_BEFORE, *_NUMBERS, *_POINTS):
        page = page.replace(old, new)
    for pattern, new in _BRACKETS:
        page = re.sub(pattern, new, page)
    for old, new in _REST:
        page = page.replace(old, new)
    return page


SET = EvalSet(
    NAME, "encyclopaedic text", ("wikitext2", "wikitext"), "https://arxiv.org/abs/1609.07843", 12,
    read, ask,
)  # fmt: skip

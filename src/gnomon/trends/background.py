"""How common words are before anything was read: what tf-idf starts from.

Without it the first posts of a stream have no weights to speak of ("the" is as rare as a name), and
a quiet stream would take its own few subjects for common words.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def shares() -> dict[str, float]:
    """The share of paragraphs (0..1) that hold a word, for the commonest tokens of
    ``text.tokens`` in English, Chinese, French, German, Spanish and Japanese; 4,400 in all.

    Counted over paragraphs of Wikipedia (2014 English, Chinese) and the sentences of FLORES-200
    (https://github.com/facebookresearch/flores), both CC BY-SA; only the counts are kept.
    """
    table = files("gnomon").joinpath("trends", "background.tsv").read_text("utf-8")
    pairs = (line.split("\t") for line in table.splitlines())
    return {word: int(per_myriad) / 10_000 for word, per_myriad in pairs}

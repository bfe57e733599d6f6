"""What a search compares: our tokens, English words by their stem.

"Reopened" meets "reopen", and how rare a word is does not hang on the form it stands in. Snowball's
stemmer (https://snowballstem.org/algorithms/english/stemmer.html) runs inside tantivy, at the
index's speed; numbers and words of other scripts stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable

import tantivy

ANALYSER = (
    tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    .filter(tantivy.Filter.stemmer("english"))
    .build()
)


def stems(tokens: Iterable[str]) -> list[str]:
    """The comparable forms of ``tokens`` (of ``text.tokens``), in order, as often as they occur."""
    found: list[str] = ANALYSER.analyze(" ".join(tokens))
    return found

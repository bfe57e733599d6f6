"""Posts that say too little to learn from."""

from __future__ import annotations

import re

from gnomon.lab.data.documents import Document
from gnomon.text.tokens import words

FEWEST_WORDS = 4
"""Words, or Chinese and Japanese characters: "good morning everyone" teaches nothing that longer
posts do not. The longest is ``cleaning.MAX_CHARS``, by cutting."""

_NAME = re.compile(r"[@#＃]\w+")


def rule(document: Document) -> Document | str:
    """Drops with ``length`` what has fewer words than ``FEWEST_WORDS``, names not counted."""
    count = len(words(_NAME.sub(" ", document.text[:400])))
    if count < FEWEST_WORDS:
        return f"length: {count} words"
    return document

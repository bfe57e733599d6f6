"""Files whose lines were broken by hand or by a typesetter, as their paragraphs.

A sentence splitter that ends one at every line break would quote halves (``text.flow``).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from gnomon.text.flow import flowed


def flowing(read: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What ``documents`` read of a file of ``kind``, with its text in paragraphs: "markdown",
    "text", "pdf" or "picture", any other as it is. What the file says of itself is kept."""
    if kind == "pdf":
        return _pages(read)
    if kind == "picture":
        return {**read, "text": flowed(read["text"], typeset=True) or read["text"]}
    if kind not in ("markdown", "text"):
        return dict(read)
    text = flowed(read["text"], markdown=kind == "markdown")
    return {**read, "text": text or read["text"]}


def _pages(read: Mapping[str, Any]) -> dict[str, Any]:
    """A PDF with each page's lines joined to paragraphs, and where the pages begin then."""
    text, starts = "", []
    begins = [*read["extra"]["pages"], len(read["text"])]
    for begin, end in pairwise(begins):
        page = flowed(read["text"][begin:end], typeset=True)
        if text and page:
            # A sentence that goes on overleaf is one sentence.
            text += " " if page[0].islower() and text[-1] not in ".!?:" else "\n\n"
        starts.append(len(text))
        text += page
    return {**read, "text": text or read["text"], "extra": {**read["extra"], "pages": starts}}

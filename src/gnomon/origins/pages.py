"""Posts that are but a link to a page: its headline, or words that stand there."""

from __future__ import annotations

import re

from gnomon.origins.wording import Wording, running, substantial
from gnomon.text import polarity
from gnomon.text.tokens import words
from gnomon.types import Post

# The share of a post's own words that stand in a page's title, for the post to be but a link to it.
_HEADLINE = 0.8


def only_points(wording: Wording, page: Post) -> bool:
    """Whether a post that links to ``page`` says no more than the page does: its headline, or
    words most of which stand there, with no number and no denial of its own."""
    if not wording.words:
        return True
    title = set(words(page.title or page.text[:200]))
    fresh = [word for word in wording.words if word not in title]
    if len(fresh) <= (1 - _HEADLINE) * len(wording.words):
        return not substantial(fresh)
    body = {_stem(word) for word in words(f"{page.title} {page.text}")}
    own = {_stem(word) for word in wording.words if word not in _FUNCTION_WORDS}
    if _FIRST_PERSON.search(wording.text) or len(own & body) < _FROM_PAGE * len(own):
        return False
    added = [word for word in wording.words if _stem(word) not in body]
    return not substantial(added) and not polarity.negations(running(added))


def _stem(word: str) -> str:
    return word[:5] if word.isascii() and not word.isdigit() else word


# The share of the content words that must come from the page where its headline is not repeated.
_FROM_PAGE = 0.6
_FIRST_PERSON = re.compile(r"\b(?:I|my|me|mine|I'[a-z]+)\b|我(?!们|市|国|省|校|县)")
_FUNCTION_WORDS = frozenset(
    "the a an of to in on at for and or is are was were be by with from our we on why he she "
    "it its "
    "his her this that us as not no do did has have had will 的 了 在 是 和 与 于".split()
)

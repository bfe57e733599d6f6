"""Texts without words of their own: hashtags, mentions and links only."""

from __future__ import annotations

import re

# Weibo writes a hashtag between two signs, and words may stand in it.
_MARKS = re.compile(
    r"(?:https?://|www\.)\S+|(?:pic\.twitter|t)\.co(?:m)?/\S+|(?<!\w)[@＠][\w.-]+(?:@[\w.-]+)?|"
    r"[#＃][^#＃\s]{1,40}[#＃]|(?<!\w)[#＃]\w+"
)
# What is said to pass something on, and says nothing of it.
_PASSING = re.compile(
    r"\b(?:RT|MT|QT|via|cc|h/?t|breaking|update|news|photos?|pics?|videos?|watch|live|read|more)\b|"
    r"转发微博|转发|转|快讯|视频|图片|直播",
    re.IGNORECASE,
)


def is_bare(text: str) -> bool:
    """Whether ``text`` is hashtags, mentions and links with no word beside them that says
    something: a label, and no statement. False for a text without any of these."""
    rest = _MARKS.sub(" ", text)
    if rest == text:
        return False
    return not any(character.isalnum() for character in _PASSING.sub(" ", rest))

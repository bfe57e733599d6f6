"""Posts of one origin that a program seems to have written: told, and never counted.

Whether a text was written by a model cannot be told from its style: detectors that try take people
who write in a second language for machines (Liang et al. 2023,
https://doi.org/10.1016/j.patter.2023.100779). What can be seen are things left behind that nobody
means to post: a chat model speaking of itself or refusing, the words with which it hands over what
was ordered, a template whose blanks were not filled. And what can be shown: a picture whose
manifest holds and says that a model made it, or our own watermark. Each stands for its post alone.
A joke about such words leaves them, too.

False alarms: of 491,450 posts written before there were such models (tweets 2012-2017, Reddit to
2013, Hacker News 2015-16, Weibo to 2017), none speaks like a model (at most 7 in a million, 95 %)
and 4 hold a blank ("[insert ...]", people joking). How many machine-made posts leave something
behind was not measured: no such posts with labels were at hand. Most leave nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from gnomon.types import Post, Sign

_ITSELF = re.compile(
    r"\bas an? (?:AI|artificial intelligence)(?: language)? (?:model|assistant)\b"
    r"|\bI(?:'|’)?(?: a)?m (?:just )?an? (?:AI|artificial intelligence) language model\b"
    r"|\bas a large language model\b"
    r"|\bI(?:'|’)m sorry,? (?:but )?I (?:can(?:'|’)t|cannot) "
    r"(?:assist with|fulfill?|comply with|generate|provide assistance with) (?:that|this|your)\b"
    r"|\bI (?:cannot|can(?:'|’)t|am unable to) (?:fulfill?|complete) "
    r"(?:this|that|your) request\b"
    r"|\b(?:goes|violates|is) against (?:OpenAI|my programming|my use[- ]case policy)"
    r"|\b(?:my )?(?:knowledge|training) (?:cut-?off|data only goes)"
    r"|作为一?(?:个|名|款)?(?:AI|人工智能|大型?|语言)+(?:语言)?(?:模型|助手)"
    r"|我(?:是|只是)一?(?:个|名|款)(?:AI|人工智能|大型?语言)(?:语言)?(?:模型|助手)"
    r"|(?:抱歉|对不起)[，,]?我(?:无法|不能)(?:满足|完成|协助)(?:您|你|这个|该|此)",
    re.I,
)
_HANDS_OVER = re.compile(
    r"^\W{0,3}(?:sure|certainly|of course|absolutely)[!,.:]* here(?:'|’)?(?:s| is| are) "
    r"(?:a |an |the |your |some |\d+ )?(?:\w+ ){0,4}"
    r"(?:tweets?|posts?|captions?|replies|reply|comments?|reviews?|versions?|rewrites?|paraphrases?)\b"
    r"|^\W{0,3}(?:当然|好的)[！!，,。]?(?:以下|下面)是(?:一|几|\d)?(?:条|篇|段|个)?(?:为您|为你)?"
    r"(?:改写|生成|撰写|润色)",
    re.I,
)
_BLANKS = re.compile(
    r"\[(?:insert|your|enter|add)\b[^\]\n]{0,40}\]"
    r"|\{\{\s*\w+\s*\}\}"
    r"|\{[^{}|\n]{2,40}(?:\|[^{}|\n]{2,40}){2,}\}"
    r"|[［【\[](?:插入|填写)[^】］\]\n]{0,20}[】］\]]",
    re.I,
)
_KINDS = (
    ("a model speaking of itself or refusing", _ITSELF),
    ("a model handing over what was ordered", _HANDS_OVER),
    ("a template's blanks", _BLANKS),
)
NAMED = "machine"
"""The kind of the sign: it says something, and changes no score."""


def left_behind(text: str) -> str:
    """What in a text nobody means to post, in words; "" where there is nothing such."""
    return next((name for name, pattern in _KINDS if pattern.search(text)), "")


def sign(posts: Sequence[Post], pictures: Collection[str] = ()) -> Sign | None:
    """How many of an origin's posts show it; ``pictures`` are the ids of those whose picture says,
    under a signature that holds, that a model made it. None where none does."""
    found = {post.id: left_behind(f"{post.title}\n{post.text}") for post in posts}
    told = [name for name in found.values() if name]
    drawn = sum(post.id in pictures for post in posts)
    if not told and not drawn:
        return None
    said = []
    if told:
        kinds = " and ".join(dict.fromkeys(told))
        said.append(f"{len(told)} of {len(posts)} posts hold what programs leave behind: {kinds}")
    if drawn:
        said.append(
            f"{drawn} of {len(posts)} carry a picture whose signed manifest, or our own mark, says "
            "that a model made it"
        )
    reason = f"{'; '.join(said)}. That is a hint about the words, no proof against anybody"
    count = len({post.id for post in posts if found[post.id] or post.id in pictures})
    return Sign(NAMED, count, 0.0, 1.0, reason)

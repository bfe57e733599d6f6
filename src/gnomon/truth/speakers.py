"""Who speaks: the kind of source, how fresh its word is, and what that weighs.

Likes, reposts, followers and the number of posts never enter.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from gnomon.text import polarity
from gnomon.text.orders import is_instruction
from gnomon.text.tokens import is_cjk, normalise
from gnomon.truth import hearsay
from gnomon.truth.bilingual import gloss
from gnomon.truth.terms import content_terms, term_set
from gnomon.types import Evidence, Post

# Freshness falls by half in this time, to no less than FRESH_FLOOR: old is weaker, not worthless.
HALF_LIFE_S = 180 * 86400.0
FRESH_FLOOR = 0.5
# What does not say when it was said (a file of bare texts) may be new or old.
UNDATED = 0.75
# The source of texts that come with a request, to be checked against (serve/verify.py).
GIVEN = "against"

_OFFICIAL = re.compile(
    r"\b(official|council|police|hospital|ministry|govt?|government|authority|department|agency|"
    r"court|university|club|fire|transit|transport|city|town|county|mayor|observatory|"
    r"weather|board|commission|institute|bureau|office)\b|"
    r"官方|政府|警方|公安|医院|市政|气象|消防|法院|大学|局|委员会|管理处|俱乐部",
    re.IGNORECASE,
)
_SATIRE = re.compile(
    r"satir|parod|humou?r|\bonion\b|spoof|\bjoke|讽刺|恶搞|段子|搞笑", re.IGNORECASE
)
_CORRECTS = re.compile(
    r"\bcorrect(?:ion|ed|s|ing)\b|\bclarif|\bupdated?:|\bretract|an earlier (?:version|report)|"
    r"\bwe (?:wrongly|incorrectly|mistakenly)\b|更正|勘误|订正|澄清|辟谣|此前报道有误",
    re.IGNORECASE,
)


def is_satire(post: Post) -> bool:
    """Whether the post's own labels, author, source or site say that it is satire."""
    named = (*post.labels, post.author, post.source, str(post.extra.get("kind", "")))
    site = urlsplit(post.url).hostname or ""
    return any(_SATIRE.search(re.sub(r"[_\-.]", " ", text)) for text in (*named, site))


def is_correction(text: str) -> bool:
    """Whether a text presents itself as a correction of something said before."""
    return bool(_CORRECTS.search(text))


def is_primary(author: str) -> bool:
    """Whether an account's name is that of an office which speaks for itself: by cue words."""
    return bool(_OFFICIAL.search(_plain(author)))


def kind_weight(post: Post, quote: str) -> tuple[float, str]:
    """What kind of source speaks, and what that weighs: primary 1, report 0.9, post 0.75, opinion
    and hearsay 0.3, satire and instructions to machines 0."""
    if is_satire(post):
        return 0.0, "satire"
    if is_instruction(post.text):
        return 0.0, "instruction"
    if polarity.is_opinion(quote):
        return 0.3, "opinion"
    if hearsay.is_only_hearsay(quote):
        return 0.3, "hearsay"
    if is_primary(post.author):
        return 1.0, "primary"
    if post.title or post.source.startswith(("feed", "article")):
        return 0.9, "report"
    return 0.75, "post"


# A paper, an agency or a station, by the name of its account.
_PRESS = re.compile(
    r"\b(?:\w*news|\w*gazette|\w*herald|\w*courier|\w*tribune|\w*telegraph|\w*chronicle|newspaper|"
    r"press|times|daily|reuters|afp|upi|bbc\w*|cnn\w*|cbc|ctv|itv|nbc|cbs|abc)\b|"
    r"[日晚早周时华商]报$|新闻|新华社|电视台|通讯社|卫视|报社",
    re.IGNORECASE,
)


def is_press(name: str) -> bool:
    """Whether a name or an account's is that of a paper, an agency or a station: by cue words."""
    return bool(_PRESS.search(_plain(name)))


# Where whoever likes may post under a title of their own; a page that a search of the web came upon
# is one that nobody here chose.
_ANYBODY = re.compile(r"(?:reddit|hn|hackernews|stackexchange|mastodon|bluesky|x|mail|mbox|web)\b")


def stands_alone(said: Evidence, claim: str) -> bool:
    """Whether the word of this source settles ``claim`` though nobody else confirms it: an office,
    a newsroom, whoever speaks of its own affairs ("skerrin_ferry" of the ferry to Skerrin), a
    document that the owner gave, or a report of a feed or site that the owner follows. A post of
    somebody's does not, whatever it says: that it is satire, a joke or made up cannot be told from
    its words (docs/truth.md, "satire as only support")."""
    if is_primary(said.author) or said.source == GIVEN or said.post.startswith("file:"):
        return True
    if said.title and not _ANYBODY.match(said.source):
        return True
    return is_press(said.author) or _own_affair(said.author, claim)


# A name of one word may be that of a town or a storm; nobody speaks for those.
OWN_WORDS = 2


def _own_affair(author: str, claim: str) -> bool:
    """Whether the claim names the account, in full."""
    name = _plain(author)
    own = [word for word in content_terms(name) if len(word) > 2]
    told = gloss(claim, name.title()).text if is_cjk(claim) and not is_cjk(name) else claim
    return len(own) >= OWN_WORDS and set(own) <= term_set(told)


def _plain(author: str) -> str:
    return re.sub(r"[_\-.]", " ", author)


def freshness(said_at: float | None, now: float) -> float:
    """Between FRESH_FLOOR and 1, by the age of what was said; UNDATED where that is not known."""
    if said_at is None:
        return UNDATED
    age = max(0.0, now - said_at)
    return max(FRESH_FLOOR, float(0.5 ** (age / HALF_LIFE_S)))


def weight(post: Post, quote: str, relevance: float, now: float) -> float:
    """The weight of one origin's vote, 0..1."""
    return min(1.0, relevance) * freshness(post.created_at, now) * kind_weight(post, quote)[0]


def speaker_of(said: Evidence | Post) -> str:
    """Who answers for a statement: the paper for an article, else its author; "" if not known."""
    site = (urlsplit(said.url).hostname or "").removeprefix("www.")
    return site if said.title and site else normalise(said.author)

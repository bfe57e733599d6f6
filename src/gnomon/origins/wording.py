"""A post's own words: what is left once repost prefixes, links, mentions and tags are set aside."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gnomon.text import polarity, quantities, sentences, slots
from gnomon.text.tokens import words
from gnomon.types import Post, SlotKind

# A run of this many words of one's own is a comment of substance.
COMMENT_WORDS = 5.0
# What a text needs to be merged: words in all, and different ones that say something (Chinese or
# Japanese characters where there are any).
SMALLEST = 3
DIFFERENT, DIFFERENT_CJK = 2, 4

_URL = re.compile(
    r"(?:https?://|www\.)[^\s\u3000-\u9fff\uff00-\uffef<>\"]+|\bpic\.twitter\.com/\w+",
    re.IGNORECASE,
)
_RT = re.compile(
    r"(?:^|(?<=[\s\"“]))(?:RT|MT|QT)\s?[\"“]?@(?P<user>[\w.-]+)\s?[:：]?\s*", re.IGNORECASE
)
_CHAIN = re.compile(r"//\s?@(?P<user>[^:：\s]{1,30})[:：]")
_VIA = re.compile(r"(?:^|\s)[(\[]?\b(?:via|h/t|ht|cc|by|from)\s@[\w.-]+[)\]]?", re.IGNORECASE)
_VIA_WORDS = ("via @", "h/t @", "ht @", "cc @", "by @", "from @")
_MENTION = re.compile(r"(?<![\w@])@[\w.-]+")
_MENTIONS_FIRST = re.compile(r"^(?:[.\s]*@[\w.-]+[:,]?\s+)+")
# A tag after one of these words is a word of the sentence: "floods in #Queensland".
_TAGS_LAST = re.compile(
    r"(?<!\b(?:at|by|in|of|on|to))(?<!\b(?:and|for|the))(?<!\b(?:from|near))(?:\s+[#＃@][\w.-]+)+\W*$",
    re.IGNORECASE,
)
# “@user: their words” my words: how a repost was made by hand.
_QUOTED = re.compile(
    r"[\"“]@(?P<user>[\w.-]+)[:：]\s*(?P<body>[^”\"]*)[”\"]?(?P<after>.*)$", re.DOTALL
)
# "MARROWICK (AP) — ": where and by whom an agency's story was filed.
_DATELINE = re.compile(
    r"^\s*[A-Z][A-Z .,'-]{2,40}(?:, [A-Z][a-z]+\.? \d{1,2})? \([A-Za-z ]{2,20}\)\s*[-–—]+\s*"
)
_EMOTICON = re.compile(r"\[[一-龥A-Za-z]{1,6}\]")
_REPOST_WORDS = re.compile(
    r"^\W*(?:转发微博|轉發微博|转发|轉發|转|repost(?:ed|ing)?|retweet(?:ed|ing)?|reblog(?:ged)?|shared?|rt)?\W*$",
    re.IGNORECASE,
)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# A reply's worth of words that report nothing: they cannot make a text worth merging.
CHATTER = frozenset(
    "lol lmao haha hahaha omg wtf wow yes no yeah ok okay nice cool great good bad sad so very "
    "much too "
    "thank thanks you u your please pls me my i im i'm am we us is are was be it its it's this "
    "that the a "
    "an of to for in on at and or but not happy new year birthday christmas merry morning "
    "night day love "
    "miss best luck congrats congratulations amen rip prayers pray praying hope god bless true "
    "same here "
    "what why how who when where hello hi hey bye welcome right sure done up down out all just "
    "now really "
    "go get got do does did dont don't can will would should more most gonna wanna guys man "
    "bro dude "
    "everyone have has had one time again still well oh ah hmm lets let's see".split()
)


@dataclass
class Wording:
    """``text`` holds the post's own words; ``of`` is the user that an ``RT @user:`` prefix names
    ("" if none); ``urls`` are the links it carries, as written.

    Everything else is found when it is asked for: most posts are never compared with another."""

    id: str
    time: float
    author: str
    text: str
    of: str = ""
    urls: tuple[str, ...] = ()
    shingled: dict[int, frozenset[str]] = field(default_factory=dict)

    @property
    def keyed(self) -> str:
        """``text`` without whom it is addressed to: what others who pass it on have, too."""
        return _MENTION.sub(" ", self.text) if "@" in self.text else self.text

    @cached_property
    def words(self) -> list[str]:
        """The post's own words."""
        return words(self.text)

    @cached_property
    def size(self) -> float:
        """Words, with a Chinese or Japanese character for half of one."""
        if self.text.isascii():
            return len(self.words)
        return len(self.words) - 0.5 * len(_CJK.findall("".join(self.words)))

    @cached_property
    def mergeable(self) -> bool:
        """Whether the words carry enough for two equal texts to be more than coincidence: two
        words that say something among three (or four Chinese characters among six). "lol", "happy
        new year to you" and 哈哈 never make an origin; "bridge four closed" does, or else a
        campaign of short lies would count as so many witnesses."""
        if self.size < SMALLEST:
            return False
        wanted = DIFFERENT_CJK if self.size < len(self.words) else DIFFERENT
        said = set()
        for word in self.words:
            if word not in CHATTER:
                said.add(word)
                if len(said) == wanted:
                    return True
        return False

    @cached_property
    def sentence_ends(self) -> list[int]:
        """0, and after how many words each sentence ends."""
        ends = [0]
        for start, end in sentences.split(self.text):
            ends.append(ends[-1] + len(words(self.text[start:end])))
        return ends

    @cached_property
    def values(self) -> frozenset[tuple[str, str]]:
        """The numbers and dates (relative ones as said at ``time``) with their base units."""
        return values(self.text, self.time)

    def shingles(self, k: int) -> frozenset[str]:
        """The ``k``-grams of the words; all of them as one where there are fewer."""
        held = self.shingled.get(k)
        if held is None:
            w = self.words
            held = frozenset(" ".join(w[i : i + k]) for i in range(max(1, len(w) - k + 1)))
            self.shingled[k] = held
        return held


def values(text: str, now: float) -> frozenset[tuple[str, str]]:
    """Every number and date of ``text``, said at ``now``: its value, and its unit where that is
    one of measure."""
    found = set()
    for slot in slots.exact(text, now=now):
        base = slot.kind is SlotKind.NUMBER and slot.unit in quantities.BASE_UNITS
        found.add((str(slot.value), slot.unit if base else ""))
    return frozenset(found)


def of_post(post: Post) -> Wording:
    """The wording of ``post`` (its title where it has no text)."""
    text = post.text or post.title
    user, comment = "", ""
    if "&" in text:
        text = html.unescape(text)
    if "@" in text:
        text, user, comment = _without_prefix(text)
        low = text.lower()
        if any(word in low for word in _VIA_WORDS):
            text = _VIA.sub(" ", text)
        if text.lstrip(" .").startswith("@"):
            text = _MENTIONS_FIRST.sub("", text)
    # Whom it is addressed to is nothing said: a digit in a name ("@user42") counts nothing.
    own = words(_TAGS_LAST.sub("", _MENTION.sub(" ", _URL.sub(" ", comment)))) if comment else []
    if substantial(own):
        # Somebody who says something about what they repost speaks for themselves; but what it was
        # said about tells one "I don't believe this" from another.
        text, user = f"{comment}\n{text}", ""
    urls = post.links
    if "://" in text or "www." in text or "pic." in text:
        urls = (*urls, *_URL.findall(text))
        text = _URL.sub(" ", text)
    if "(" in text[:60]:
        text = _DATELINE.sub("", text)
    if "#" in text or "@" in text:
        text = _TAGS_LAST.sub("", text)
    if "[" in text:
        text = _EMOTICON.sub(" ", text)
    return Wording(post.id, post.time, post.author, text, user, urls)


def _without_prefix(text: str) -> tuple[str, str, str]:
    """(body, the user reposted, the comment in front) of "comment RT @user: body" and of Weibo's
    "comment//@user:body" chains, down to the innermost user."""
    user = comment = ""
    if "//" in text:
        chain = list(_CHAIN.finditer(text))
        if chain:
            comment, user = text[: chain[0].start()], chain[-1]["user"]
            text = text[chain[-1].end() :]
    quoted = _QUOTED.search(text) if "“@" in text or '"@' in text else None
    if quoted:
        before = _RT.sub("", text[: quoted.start()]).removesuffix("RT ").removesuffix("MT ")
        return quoted["body"], quoted["user"], f"{comment} {before} {quoted['after']}".strip()
    first = last = None
    for last in _RT.finditer(text):
        first = first or last
    if first is not None and last is not None:
        comment, user = f"{comment} {text[: first.start()]}".strip(), last["user"]
        text = text[last.end() :]
    return text, user, comment


def substantial(run: Sequence[str]) -> bool:
    """Whether a comment of these words says something of its own: five words (eight Chinese
    characters), or any that deny or count."""
    if not run:
        return False
    if sum(1.0 if word.isascii() else 0.6 for word in run) >= COMMENT_WORDS:
        return True
    text = running(run)
    return polarity.negations(text) > 0 or any(map(str.isdigit, text))


def running(run: Sequence[str]) -> str:
    """Words as running text again, without spaces between Chinese characters."""
    return re.sub(r"(?<=[\u3040-\u9fff]) (?=[\u3040-\u9fff])", "", " ".join(run))


def says_nothing(text: str) -> bool:
    """Whether a repost's text adds nothing: empty, or only "Repost", 转发微博, emoji, mentions."""
    return bool(_REPOST_WORDS.match(_EMOTICON.sub("", text)))

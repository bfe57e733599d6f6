"""What in a post can rise: its words, hashtags, links and names, each as one number.

A key is 64 bits: 3 for the kind, 45 of a hash of the term, 16 for the language. Sorted keys hold
each kind together, and within it the languages of one term beside each other, so that a term is
counted for one language or for all with the same arrays.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import xxhash

from gnomon.text import names
from gnomon.text.tokens import CJK, tokens
from gnomon.text.urls import canonical
from gnomon.types import Post

KINDS = ("term", "hashtag", "link", "name")
TOTAL = 7
"""The kind under which all voices of a language are counted, whatever they say."""
MOST_KEYS = 64
"""Different keys that are counted of one post: the first."""
MOST_CHARS = 1200
"""Characters of a post that are read: a post and an article's beginning."""

_KIND_SHIFT, _LANG_BITS = 61, 16
_HASH_MASK = (1 << 45) - 1

_HASHTAG = re.compile(r"[#＃]([^\W\d_][\w·]{1,60}|\d+[^\W\d][\w]{0,60})(?![\w&;])")
_TOPIC = re.compile(r"#([^#\s\n][^#\n]{1,40})#")
_URL = re.compile(r"https?://[^\s<>\"'”’）)】》，。]+")
_HANDLE = re.compile(r"@[\w.-]*\w")
_CJK = re.compile(f"[{CJK}]")
# What holds English and Chinese together and says nothing: what is left out of the counts. Other
# languages do without; a word that is always said never rises above its own past.
FUNCTION_WORDS = frozenset(
    "a about after again all also am an and any are as at be because been before being but by "
    "can can't could did didn't do does doesn't doing don't down for from get go going got had "
    "has have he her here him his how i i'd i'll i'm i've if in into is isn't it it's its just "
    "like me more most much my no not now of off on one only or other our out over own rt said "
    "say says she so some than that that's the their them then there there's these they they're "
    "this those through to too up us very via was wasn't we we're we've were what when where "
    "which while who why will with won't would yes you you'd you'll you're you've your".split()
)
FUNCTION_CHARACTERS = frozenset(
    "的了是在和也就都而及与着之于以把被对从到不没有我你他她它们这那吗呢吧啊个一又很还或将并等"
)


@lru_cache(maxsize=512)
def lang_bits(lang: str) -> int:
    """The first three letters of a language's code in 15 bits; 0 where it is unknown."""
    bits = 0
    for letter in lang.lower()[:3].split("-")[0]:
        if not "a" <= letter <= "z":
            return bits
        bits = bits << 5 | ord(letter) - 96
    return bits


@lru_cache(maxsize=1 << 16)
def base_of(kind: str, term: str) -> int:
    """The key of a term without its language: what its languages share. ``term`` as ``extract``
    gives it."""
    hashed = xxhash.xxh3_64_intdigest(term.encode("utf-8", "surrogatepass")) & _HASH_MASK
    return (KINDS.index(kind) << _KIND_SHIFT - _LANG_BITS) | hashed


def key_of(kind: str, term: str, lang: str) -> int:
    return base_of(kind, term) << _LANG_BITS | lang_bits(lang)


@lru_cache(maxsize=512)
def total_key(lang: str) -> int:
    return TOTAL << _KIND_SHIFT | lang_bits(lang)


def key_range(kinds: tuple[str, ...]) -> list[tuple[int, int]]:
    """The keys of each kind, as ``[first, past the last)``."""
    places = [KINDS.index(kind) for kind in kinds]
    return [(place << _KIND_SHIFT, (place + 1) << _KIND_SHIFT) for place in places]


def bases(keys: np.ndarray) -> np.ndarray:
    """uint64 keys ``[n]`` without their languages ``[n]``."""
    return keys >> np.uint64(_LANG_BITS)


def extract(post: Post) -> list[tuple[str, str]]:
    """The different ``(kind, term)`` of a post, at most ``MOST_KEYS``: links, hashtags and names
    before words, since they are few and say most."""
    marked, words = _read(post)
    found = dict.fromkeys(marked)
    for word in words:
        if says_something(word):
            found["term", word] = None
            if len(found) >= MOST_KEYS:
                break
    return list(found)[:MOST_KEYS]


def _read(post: Post) -> tuple[list[tuple[str, str]], list[str]]:
    """The links, hashtags and names of a post, and its tokens; both may repeat."""
    text = f"{post.title}\n{post.text}"[:MOST_CHARS] if post.title else post.text[:MOST_CHARS]
    marked: list[tuple[str, str]] = []
    plain, links = text, post.links
    if "://" in text:
        links = (*links, *_URL.findall(text))
        plain = _URL.sub(" ", text)
    for link in links:
        page = canonical(link.rstrip(".,;:!?"))
        if page and len(page) <= 500:
            marked.append(("link", page))
    if "#" in plain or "＃" in plain:
        for tag in (*_TOPIC.findall(plain), *_HASHTAG.findall(plain)):
            marked.append(("hashtag", tag.casefold()))
    for name in names.values(plain):
        if len(name) > 1 and name[0] != "@":
            marked.append(("name", name))
    return marked, tokens(_HANDLE.sub(" ", plain) if "@" in plain else plain)


@lru_cache(maxsize=1 << 16)
def says_something(word: str) -> bool:
    """Whether a token can be a trend of its own: no number, no function word, no single letter or
    character, no two characters that hold a Chinese sentence together."""
    if len(word) < 2 or word[0].isdigit():
        return False
    if _CJK.match(word):
        return not any(character in FUNCTION_CHARACTERS for character in word)
    return len(word) > 2 and word not in FUNCTION_WORDS


_WORD_BASES: dict[str, int] = {}
_MOST_WORD_BASES = 1 << 17


def _word_base(word: str) -> int:
    """``base_of`` a token, 0 where it can be no trend; kept in a table that is asked first."""
    if len(_WORD_BASES) >= _MOST_WORD_BASES:
        _WORD_BASES.clear()
    base = base_of.__wrapped__("term", word) if says_something.__wrapped__(word) else 0
    _WORD_BASES[word] = base
    return base


def keys_of(post: Post) -> np.ndarray:
    """The different keys of a post, uint64 ``[n]``, with that of its language's total first: those
    of ``extract``."""
    marked, words = _read(post)
    found = dict.fromkeys([base_of(kind, term) for kind, term in marked])
    known = _WORD_BASES.get
    for word in words:
        base = known(word)
        if base is None:
            base = _word_base(word)
        if base:
            found[base] = None
            if len(found) >= MOST_KEYS:
                break
    lang = lang_bits(post.lang)
    kept = [base << _LANG_BITS | lang for base in found]
    return np.array([total_key(post.lang), *kept[:MOST_KEYS]], np.uint64)

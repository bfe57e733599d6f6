"""Posts that pass on a picture or a film, and hardly say a word: no new witness of what it shows.

What tells that two pictures are one is a name made from their bytes, or the address that a host
gives to one upload. A likeness (a blurhash, a perceptual hash) is not enough: two photographs of
one fire are two witnesses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from xxhash import xxh3_64_intdigest

from gnomon.origins.wording import CHATTER, Wording
from gnomon.text import polarity
from gnomon.text.urls import canonical
from gnomon.types import Post

MOST_MEDIA = 4
"""Pictures of one post that are looked at: what the networks allow in one post."""
WORDLESS = 2
"""Words of its own, beside exclamations, with which a post still says nothing about its picture."""

# The names that hosts make from the bytes or give to one upload, whatever size is asked for.
_HOSTS = (
    # Bluesky's blob, an IPFS content identifier: https://github.com/multiformats/cid
    re.compile(r"/(?:img/\w+/plain|watch)/did:[^/]+/(?P<id>b[a-z2-7]{40,})"),
    re.compile(r"^https?://(?:\w+\.)?twimg\.com/(?:media|ext_tw_video_thumb)/(?P<id>[\w-]{10,})"),
    re.compile(r"^https?://\w+\.sinaimg\.cn/\w+/(?P<id>[0-9a-zA-Z]{20,})"),
    re.compile(r"^https?://(?:i|preview)\.redd\.it/(?P<id>[\w-]{8,}\.\w+)"),
)
_DIGEST = re.compile(r"^(?:(?:sha(?:256|512|1)|md5|cid)[:=-])?(?P<id>[0-9a-f]{32,128})$", re.I)
# What is said of a picture in a word or two that makes it another statement.
_DOUBTS = frozenset(
    "photoshop photoshopped edited staged ai deepfake old fake faked hoax lie false not satire "
    "parody real true 假 假的 摆拍 旧图 合成 谣言 真的".split()
)


def names(post: Post) -> frozenset[str]:
    """The names of the post's pictures and films, the same in every post that carries them.

    ``extra["media_hashes"]``, where a source gives digests of the bytes, goes before addresses.
    """
    given = post.extra.get("media_hashes") if isinstance(post.extra, Mapping) else None
    if isinstance(given, list | tuple) and given:
        return frozenset(str(one).casefold() for one in given[:MOST_MEDIA])
    return frozenset(_name(one) for one in post.media[:MOST_MEDIA]) - {""}


def _name(media: str) -> str:
    digest = _DIGEST.match(media)
    if digest:
        return digest["id"].casefold()
    for host in _HOSTS:
        found = host.search(media)
        if found:
            return found["id"]
    return canonical(media)


def keys(post: Post) -> tuple[int, ...]:
    """64-bit keys under which posts with the same pictures find each other, one a picture."""
    return tuple(_key(name) for name in sorted(names(post)))


def _key(name: str) -> int:
    text = f"media {name}".encode("utf-8", "surrogatepass")
    return int(xxh3_64_intdigest(text)) & 0x7FFF_FFFF_FFFF_FFFF


def is_wordless(wording: Wording) -> bool:
    """Whether the post's words say nothing: none, an exclamation, a word or two that judge
    nothing, count nothing and deny nothing."""
    if not wording.words:
        return True
    said = [word for word in wording.words if word not in CHATTER]
    if len(wording.words) - len(said) > 6 or wording.mergeable:
        return False
    size = sum(1.0 if word.isascii() else 0.6 for word in said)
    if size > WORDLESS or any(map(str.isdigit, "".join(said))):
        return False
    return _DOUBTS.isdisjoint(wording.words) and not polarity.negations(wording.text)


def passes_on(original: Post, post: Post, wording: Wording) -> bool:
    """Whether ``post`` shows nothing but what ``original`` shows, and says nothing."""
    shown = names(post)
    return bool(shown) and shown <= names(original) and is_wordless(wording)

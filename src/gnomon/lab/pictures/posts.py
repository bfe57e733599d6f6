"""Pictures of the record's posts, captioned by what their authors say is in them.

Posts are held to the same rules as those of a corpus (``lab.data.consent``). The pictures are those
that are kept here already; the others are fetched, through the guarded network, only where the
owner says so. Ids of the posts used are listed, so that a later deletion is found in the set.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gnomon.errors import SourceError
from gnomon.lab.command import Bench
from gnomon.lab.data.consent import read_left_out, refusal
from gnomon.lab.pictures.captions import cleaned
from gnomon.lab.pictures.emoji import Names
from gnomon.lab.pictures.folder import Told, item_of
from gnomon.lab.pictures.found import RASTER, Found, Left, Offers
from gnomon.sources.contract import Fetch
from gnomon.sources.network import Network
from gnomon.store.contract import Store
from gnomon.store.engine import open_store
from gnomon.store.picture_cache import PictureCache
from gnomon.types import Post

SET = "posts"
KEPT = Path("post-pictures") / "pictures.db"
"""Below the home: where the assistant keeps pictures of posts small, if its owner wants it."""
LICENCE = "LicenseRef-not-stated"
MAX_BYTES = 20_000_000
MOST = 10
LEAST_WORDS = 2
_ALTS = ("alt", "alt_text", "media_alt")


def pictures(bench: Bench, names: Names, *, fetch: bool, left_out: str) -> Offers:
    """Every picture of every post that its author describes. Raises StoreError, InputError."""
    out = read_left_out(Path(left_out).expanduser()) if left_out else frozenset()
    path = bench.home / KEPT
    cache = PictureCache(path) if path.is_file() else None
    network = Network() if fetch else None
    try:
        with open_store(bench.home / "store", readonly=True) as store:
            yield from _of_store(store, cache, network, names, out)
    finally:
        if network is not None:
            network.close()
        if cache is not None:
            cache.close()


def post_of(id_: str) -> str:
    """The post that an item's id names."""
    return id_.removeprefix(f"{SET}:").rpartition("#")[0]


def _of_store(
    store: Store, cache: PictureCache | None, network: Network | None, names: Names,
    left_out: frozenset[str],
) -> Offers:  # fmt: skip
    for post in store.scan():
        if not post.media or post.repost_of:
            continue
        kept = cache.of_post(post.id) if cache is not None else {}
        why = refusal(post, left_out)
        link = store.links([post.id]).get(post.id)
        concept = f"origin:{link.origin if link else post.id}"
        alts = alts_of(post)
        for n, media in enumerate(post.media[:MOST]):
            id_ = f"{SET}:{post.id}#{n}"
            said = cleaned(alts.get(media, ""))
            if why:
                yield Left(id_, SET, why.split(":")[0], why.partition(": ")[2])
            elif len(said.split()) < LEAST_WORDS and not _is_chinese(said):
                yield Left(id_, SET, "its author does not say what it shows")
            else:
                found = _bytes(kept, media, network)
                if isinstance(found, bytes):
                    item = item_of(id_, SET, Told((said,), (), LICENCE), names, concept=concept)
                    yield Found(item, found, RASTER)
                else:
                    yield Left(id_, SET, *found)


def _is_chinese(text: str) -> bool:
    return sum("\u3400" <= letter <= "\u9fff" for letter in text) >= 2


def alts_of(post: Post) -> dict[str, str]:
    """What the author says is in each picture, by its address. Sources list only the descriptions
    that there are: where these are fewer than the pictures, nobody can tell whose they are."""
    given = next((post.extra[name] for name in _ALTS if post.extra.get(name)), ())
    texts = [given] if isinstance(given, str) else given if isinstance(given, list | tuple) else ()
    if len(texts) != len(post.media):
        return {}
    return {m: t for m, t in zip(post.media, texts, strict=True) if isinstance(t, str)}


def _bytes(
    kept: Mapping[str, bytes], media: str, network: Network | None
) -> bytes | tuple[str, str]:  # fmt: skip
    """The picture, or why it is not to be had."""
    if media in kept:
        return kept[media]
    if network is None:
        return "not held", ""
    if urlsplit(media).scheme not in ("http", "https"):
        return "not held", "it has no address on the web"
    try:
        # A stranger gave the address: private ones are out of reach.
        answer = network.fetch(Fetch(media, max_bytes=MAX_BYTES, stranger=True))
    except SourceError as error:
        return "cannot be fetched", str(error)[:200]
    return answer.body if answer.status == 200 else ("cannot be fetched", f"{answer.status}")

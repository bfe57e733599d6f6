"""Taking in the pictures of posts: fetched through the guard, made small in a confined process,
kept as a thumbnail of our own making. Off until the owner says so (``keep_pictures_mb``, or
``gnomon pull --pictures``)."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gnomon.assemble.media_bytes import beside, fetched, is_url
from gnomon.config import Config
from gnomon.errors import GnomonError, InputError, SourceError
from gnomon.sources.admission import ADULT_LABELS
from gnomon.sources.thumbnails import thumbnail
from gnomon.store.contract import Store
from gnomon.store.picture_cache import PictureCache
from gnomon.types import Filter, Post
from gnomon.types.post_pictures import Thumbnail

if TYPE_CHECKING:
    from gnomon.sources.network import Network

MOST = 10
"""Pictures of one post."""
AN_HOUR = 600
"""Pictures that are taken in unasked in an hour."""
PULLED_MB = 256
"""What `gnomon pull --pictures` may keep where the owner set nothing."""
EVERY_S = 30.0
LOG_ENTRIES = 500
MAX_ALT_CHARS = 2000
_QUALITY = 85  # of the thumbnail as WebP: some 8 kB each
_FILMS = re.compile(r"\.(?:mp4|m3u8|webm|mov|m4v|avi|mkv|mp3|m4a|ogg|wav|pdf)(?:[?#]|$)", re.I)
_ALTS = ("alt", "alt_text", "media_alt")


@dataclass(frozen=True, slots=True)
class Taken:
    """How far taking in has come: posts looked at of those that are wanted, pictures kept and
    set aside."""

    posts: int
    of: int
    kept: int = 0
    aside: int = 0


def alts_of(post: Post) -> dict[str, str]:
    """What the author says is in each picture, by its address, at most ``MOST``. Sources list only
    the descriptions that there are: where these are fewer than the pictures, each has them all."""
    given = next((post.extra[name] for name in _ALTS if post.extra.get(name)), ())
    texts = [given] if isinstance(given, str) else given if isinstance(given, list | tuple) else ()
    texts = [" ".join(one.split())[:MAX_ALT_CHARS] for one in texts if isinstance(one, str)]
    if len(texts) == len(post.media):
        return dict(list(zip(post.media, texts, strict=True))[:MOST])
    said = " / ".join(filter(None, texts))[:MAX_ALT_CHARS]
    return dict.fromkeys(post.media[:MOST], said)


def is_adult(post: Post) -> str:
    """The label by which its author calls a post adult, "" where there is none."""
    return min(ADULT_LABELS.intersection(label.lower() for label in post.labels), default="")


def encoded(made: Thumbnail) -> bytes:
    """The thumbnail as a file: WebP, from pixels alone."""
    from PIL import Image

    out = io.BytesIO()
    picture = Image.frombytes("RGB", (made.width, made.height), made.rgb)
    picture.save(out, "WEBP", quality=_QUALITY)
    return out.getvalue()


class Taking:
    """Over the record and the cache. One caller at a time takes in."""

    def __init__(
        self, config: Config, store: Store, cache: PictureCache, network: Callable[[], Network]
    ) -> None:
        self._config = config
        self._store = store
        self._cache = cache
        self._network = network
        self._one = threading.Lock()

    @property
    def most_bytes(self) -> int:
        return (self._config.keep_pictures_mb or PULLED_MB) * 2**20

    def want_since(self, seq: int, sources: Iterable[str], folders: Iterable[Path]) -> None:
        """Remember the posts with pictures that came after ``seq``, and those of ``sources`` that
        were here before."""
        places = json.dumps([str(folder) for folder in folders])
        found: list[str] = []
        while changes := self._store.tail(seq, LOG_ENTRIES):
            ids = [c.ref for c in changes if c.kind in ("post", "edit")]
            found += [p.id for p in self._store.get_many(ids).values() if p.media]
            seq = changes[-1].seq
        for source in sources:
            found += [
                post.id for post in self._store.scan(Filter(sources=(source,))) if self._lacks(post)
            ]
        self._cache.want(dict.fromkeys(found), places)

    def _lacks(self, post: Post) -> bool:
        return bool(post.media) and not set(post.media[:MOST]) <= self._cache.met(post.id)

    def take(
        self, stop: threading.Event | None = None, *, most: int = 0, web: bool = True
    ) -> Iterator[Taken]:
        """Take in what is wanted, at most so many pictures (0: all), and say so post by post. What
        is stopped goes on at the next call. With ``web`` False only pictures beside files are."""
        with self._one, self._network() as network:
            posts = kept = aside = 0
            of = self._cache.counts().wanted
            while wanted := self._cache.wanted(20):
                for post, folders in wanted:
                    if (stop is not None and stop.is_set()) or (most and kept + aside >= most):
                        return
                    took = self._post(post, folders, network if web else None, stop)
                    kept, aside, posts = kept + took[0], aside + took[1], posts + 1
                    yield Taken(posts, max(of, posts), kept, aside)
                self._cache.trim(self.most_bytes)

    def _post(
        self, id: str, folders: str, network: Network | None, stop: threading.Event | None
    ) -> tuple[int, int]:
        """The pictures of one post: how many are kept now that were not, and how many set aside."""
        post = self._store.get(id)
        if post is None:
            self._cache.forget([id])
            return 0, 0
        alts, places = alts_of(post), [Path(place) for place in json.loads(folders or "[]")]
        met = self._cache.met(id)
        if met:
            self._cache.keep_only(post, alts)
        kept = 0
        refused = self._refused(post)
        fresh = [media for media in post.media if media not in met]
        for media in fresh:
            why = refused.get(media, "")
            if not why:
                try:
                    self._one_picture(post, media, alts[media], places, network, stop)
                    kept += 1
                except (InputError, SourceError) as error:
                    if stop is not None and stop.is_set():  # which may be why
                        return kept, 0
                    why = str(error)
            if why:
                self._cache.set_aside(id, media, why, time.time())
        # It may have been deleted while its pictures were on their way.
        if self._store.get(id) is None:
            self._cache.forget([id])
        self._cache.done(id)
        return kept, len(fresh) - kept

    def _refused(self, post: Post) -> Mapping[str, str]:
        """Why pictures of a post are not even asked for."""
        if (label := is_adult(post)) and not self._config.adult:
            why = f"its author labels the post {label!r}; set adult = true to keep such pictures."
            return dict.fromkeys(post.media, why)
        many = f"its post has {len(post.media)} pictures; the first {MOST} are kept."
        refused = dict.fromkeys(post.media[MOST:], many)
        film = "it is a film, a sound or a document by its address; only pictures are kept."
        return refused | {media: film for media in post.media if _FILMS.search(media)}

    def _one_picture(
        self, post: Post, media: str, alt: str, places: Iterable[Path], network: Network | None,
        stop: threading.Event | None,
    ) -> None:  # fmt: skip
        """Raises InputError, SourceError."""
        if not is_url(media):
            data = beside(media, places)
        elif network is None:
            raise InputError("it is on the web, and files alone are read here (--file).")
        else:
            data = fetched(media, network, stop)
        made = thumbnail(data, stop=stop)
        digest = hashlib.sha256(data).hexdigest()
        self._cache.put(post, media, alt, digest, made, encoded(made), time.time())

    # -- unasked ------------------------------------------------------------------------------
    def follow(
        self, stop: threading.Event, say: Callable[[str], None], *, fetch: bool = True
    ) -> None:
        """Keep up with the record until ``stop``: deletions and edits always, and with ``fetch``
        pictures of new posts where the owner wants them (``keep_pictures_mb``), at most ``AN_HOUR``
        an hour. What came before the first start is left alone."""
        left, since = AN_HOUR, time.monotonic()
        while not stop.is_set():
            if time.monotonic() - since > 3600:
                left, since = AN_HOUR, time.monotonic()
            try:
                self.keep_up()
                if fetch and self._config.keep_pictures_mb and left > 0:
                    *_, last = (Taken(0, 0), *self.take(stop, most=left))
                    left -= last.kept + last.aside
                say("" if left > 0 else f"{AN_HOUR} pictures were taken in; more in an hour")
            except GnomonError as error:
                say(str(error))
            stop.wait(EVERY_S)

    def keep_up(self) -> None:
        """Go on in the record's log to its end: what was deleted goes, what came is wanted."""
        if self._cache.seq is None:
            self._cache.reached(self._store.status().seq)
        while changes := self._store.tail(self._cache.seq or 0, LOG_ENTRIES):
            self._cache.forget(c.ref for c in changes if c.kind == "delete")
            ids = [c.ref for c in changes if c.kind in ("post", "edit")]
            held = [post for post in self._store.get_many(ids).values() if post.media]
            edited = {c.ref for c in changes if c.kind == "edit"}
            for post in held:
                if post.id in edited and self._cache.met(post.id):
                    self._cache.keep_only(post, alts_of(post))
            if self._config.keep_pictures_mb:
                self._cache.want(post.id for post in held if self._lacks(post))
            self._cache.reached(changes[-1].seq)

    def prune(self) -> int:
        """Forget pictures of posts that are no longer held, and what is over the limit; of how many
        posts that was."""
        posts = self._cache.posts()
        here = self._store.get_many(posts)
        gone = [post for post in posts if post not in here]
        self._cache.forget(gone)
        return len(gone) + self._cache.trim(self.most_bytes)

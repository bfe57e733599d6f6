"""Pictures that came with posts: kept small where the owner wants it, and found by what is in them
(docs/search-images.md)."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.assemble.background import Background
from gnomon.assemble.picture_search import find, question
from gnomon.assemble.picture_taking import PULLED_MB, Taken, Taking, is_adult
from gnomon.config import Config
from gnomon.errors import GnomonError, InputError, ModelError, ModelMissing, NotFound
from gnomon.models import installed
from gnomon.models.clip import BATCH, OnnxClip, is_clip
from gnomon.models.protocols import See
from gnomon.store.contract import Store
from gnomon.store.memory import MemoryStore
from gnomon.store.picture_cache import PictureCache
from gnomon.types import Filter
from gnomon.types.post_pictures import PicturesFound

if TYPE_CHECKING:
    from gnomon.sources.network import Network

ANY = Filter()
FOLDER, FILE = "post-pictures", "pictures.db"
MIME = "image/webp"
MOST_FOLDERS = 1000
EMBED_IDLE_S = 5.0
NO_MODEL = (
    "No model compares words with pictures here, so only descriptions and words of posts are "
    "searched; `gnomon lab clip` trains one, or set picture_model to the folder of an exported "
    "CLIP (docs/search-images.md)."
)
NO_PICTURES = (
    "No pictures of posts are kept. `gnomon pull SPEC --pictures` keeps those of one source; "
    "keep_pictures_mb = 256 in the settings keeps those of new posts while `gnomon serve` follows "
    "sources."
)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class PostPictures:
    """The real ``serve.contract.PostPictures``. Thread-safe. Nothing is made on disk before a
    picture is to be kept. ``files`` are those that are looked into with nothing else set up."""

    def __init__(self, config: Config, store: Store, network: Callable[[], Network]) -> None:
        self._config = config
        self._store = store
        self._network = network
        self._path = None if isinstance(store, MemoryStore) else config.home / FOLDER / FILE
        self._see: See | None = None
        self._opening = threading.Lock()
        self._embedding = threading.Lock()
        self.files: tuple[str, ...] = ()

    @cached_property
    def _cache(self) -> PictureCache:
        return PictureCache(self._path)

    @cached_property
    def _taking(self) -> Taking:
        return Taking(self._config, self._store, self._cache, self._network)

    def any(self) -> bool:
        """Whether anything was ever kept: else nothing is made for looking."""
        return self._path is None or self._path.is_file()

    # -- taking in ----------------------------------------------------------------------------
    def want(self, seq: int, sources: Sequence[str], specs: Sequence[str]) -> None:
        """The pictures of what came in after ``seq`` and of what ``sources`` brought before are to
        be kept; those that are named by a path lie beside the files among ``specs``."""
        self._taking.want_since(seq, sources, folders_of(specs))

    def take_beside(self) -> Iterator[Taken]:
        """Of files that are only looked into: the pictures that lie beside them."""
        if not self.files:
            return
        self._taking.want_since(0, (), folders_of(self.files))
        yield from self._taking.take(web=False)

    def take_all(self, show: Callable[[str], None] | None = None) -> Taken:
        """Take in what is wanted, and have the model see it, where there is one. ``show`` is told
        how far that is."""
        last = Taken(0, 0)
        for last in self._taking.take():
            if show is not None:
                show(f"pictures of post {last.posts:,} of {last.of:,}: {last.kept:,} kept")
        self.catch_up(show)
        return last

    def catch_up(self, show: Callable[[str], None] | None = None) -> None:
        """What a search from the command line does first: pictures beside the files that are
        looked into, and those that the model has not seen. A model that fails is told by the
        search."""
        for taken in self.take_beside():
            if show is not None:
                show(f"pictures of post {taken.posts:,} of {taken.of:,}")
        if not self.any():
            return
        with suppress(ModelError):
            while left := self.unseen():
                if show is not None:
                    show(f"{left:,} pictures to be seen by the model")
                if not self.look():
                    break

    def prune(self) -> None:
        """What is no longer held goes, and what is over the limit."""
        if self.any() and self._path is not None:
            self._taking.prune()

    def go_on(self, background: Background, *, fetch: bool) -> None:
        """Keep up with the record, and have the model see what comes, until closed. With ``fetch``
        pictures of new posts are fetched where the owner wants them."""
        stop, name = background.stop, "kept pictures"

        def say(why: str) -> None:
            if why:
                background.health[name] = why
            else:
                background.health.pop(name, None)

        def follow() -> None:
            for _ in self.take_beside():
                if stop.is_set():
                    return
            if self._path is not None:
                self._taking.follow(stop, say, fetch=fetch)

        if not self.any() and not self._config.keep_pictures_mb:
            return
        background.start(name, follow)
        background.start("sight", lambda: self._look_at_all(stop, background.health))

    # -- vectors ------------------------------------------------------------------------------
    def model(self) -> See:
        """What ``picture_model`` names. Raises ModelMissing, ModelError."""
        with self._opening:
            if self._see is None:
                self._see = open_see(self._config)
            return self._see

    def look(self, most: int = BATCH) -> int:
        """Have the model see pictures that it has not seen, the newest first; how many those were.
        Raises ModelError."""
        with self._embedding:
            see = self.model()
            unseen = self._cache.unseen(see.id, most)
            if unseen:
                rows = see.pictures([file for _, file in unseen])
                self._cache.put_vectors(see.id, [picture for picture, _ in unseen], rows)
            return len(unseen)

    def unseen(self) -> int:
        """How many pictures the model has not seen; 0 where there is none."""
        try:
            see = self.model()
        except ModelError:
            return 0
        counts = self._cache.counts()
        return counts.pictures - (counts.seen if self._cache.model == see.id else 0)

    def _look_at_all(self, stop: threading.Event, health: dict[str, str]) -> None:
        while not stop.is_set():
            done = 0
            try:
                done = self.look()
                health.pop("sight", None)
            except ModelMissing:
                health.pop("sight", None)  # nothing is wrong: a search tells of it
            except GnomonError as error:
                health["sight"] = str(error)
            if not done:
                stop.wait(EMBED_IDLE_S)

    # -- looking ------------------------------------------------------------------------------
    def search(self, words: str, *, k: int = 10, where: Filter = ANY) -> PicturesFound:
        """Pictures for words, the best first; see ``serve.contract.PostPictures``."""
        if not words.strip():
            raise InputError("The search is empty; say what the pictures are to show.")
        kept = self._cache.counts() if self.any() else None
        if kept is None or not kept.pictures:
            return PicturesFound(words, (), 0, why=self._why_none())
        see, why, asked, left = self._asked(words)
        vector = (see, asked) if see is not None and asked else None
        try:
            found = find(self._cache, self._store, self._config, words, vector, k=k, where=where)
        except ModelError as error:
            vector, why = None, f"Only descriptions are searched: {error}"
            found = find(self._cache, self._store, self._config, words, None, k=k, where=where)
        name = vector[0].name if vector else ""
        unseen = kept.pictures
        if vector and self._cache.model == vector[0].id:
            unseen -= kept.seen
        return PicturesFound(
            query=words,
            found=found,
            kept=kept.pictures,
            unseen=unseen,
            model=name,
            why=why,
            asked=asked if vector and asked != words else "",
            not_translated=left,
        )

    def _asked(self, words: str) -> tuple[See | None, str, str, tuple[str, ...]]:
        """The model, or why there is none; what it is asked, and what it cannot be."""
        try:
            see = self.model()
        except ModelMissing as error:
            named = self._config.picture_model.strip().lower() not in ("", "none", "auto")
            return None, f"{error} {NO_MODEL}" if named else NO_MODEL, "", ()
        except ModelError as error:
            return None, f"Only descriptions are searched: {error}", "", ()
        asked, left = question(words, see)
        why = ""
        if not asked:
            why = (
                f"{see.name} reads {', '.join(see.languages)}, and the glossary has none of these "
                "words, so only descriptions are searched; say it in English."
            )
        return see, why, asked, left

    def _why_none(self) -> str:
        counts = self._cache.counts() if self.any() else None
        if counts is not None and counts.aside:
            latest = self._cache.asides(1)[0]
            return (
                f"None of {counts.aside:,} pictures could be kept (the latest: {latest.reason}); "
                "`gnomon status` lists them."
            )
        return NO_PICTURES

    def thumb(self, sha256: str) -> tuple[bytes, str]:
        """A kept picture as a file, and its media type. Raises NotFound: also from the moment on
        in which the last post that shows it is deleted."""
        named = _DIGEST.fullmatch(sha256) and self.any()
        found = self._cache.thumb(sha256) if named else None
        if found is not None:
            file, posts = found
            held = self._store.get_many(posts)
            if any(self._config.adult or not is_adult(held[p]) for p in posts if p in held):
                return file, MIME
        raise NotFound(f"No picture {sha256[:64]!r} is kept; a search for pictures shows ids.")

    def facts(self) -> Mapping[str, Any]:
        """Plain JSON for ``status``; {} where nothing was ever kept."""
        if not self.any() or (self._path is None and "_cache" not in self.__dict__):
            return {}
        counts = self._cache.counts()
        most = (self._config.keep_pictures_mb or PULLED_MB) * 2**20
        return {
            "pictures": counts.pictures,
            "posts": counts.posts,
            "seen": counts.seen,
            "model": self._cache.model,
            "bytes": counts.bytes,
            "max_bytes": most,
            "wanted": counts.wanted,
            "set_aside_total": counts.aside,
            "set_aside": [
                {"post": one.post, "media": one.media, "reason": one.reason}
                for one in self._cache.asides()
            ],
        }

    def close(self) -> None:
        if self._see is not None:
            self._see.close()
        if "_cache" in self.__dict__:
            self._cache.close()


def folders_of(specs: Sequence[str]) -> list[Path]:
    """Where pictures may lie that posts of these sources name by a path: beside the files."""
    out: list[Path] = []
    for spec in specs:
        path = Path(spec.partition(" --map ")[0]).expanduser()
        if path.exists():
            out += _below(path if path.is_dir() else path.parent, path.is_dir())
    return out


def _below(folder: Path, deep: bool = True) -> list[Path]:
    """The folder and, where all of it was named, those in it; hidden ones are left alone."""
    found = [folder.absolute()]
    if deep:
        for one in sorted(folder.absolute().rglob("*/")):
            hidden = any(p.startswith(".") for p in one.relative_to(folder.absolute()).parts)
            if one.is_dir() and not hidden and len(found) < MOST_FOLDERS:
                found.append(one)
    return found


def open_see(config: Config) -> See:
    """What ``picture_model`` names. Raises ModelMissing, ModelError."""
    asked = config.picture_model.strip()
    if asked.lower() in ("", "none"):
        raise ModelMissing("picture_model is 'none'.")
    if asked.lower() == "auto":
        held = [m for m in installed.installed(config.models_dir) if is_clip(m.folder)]
        if not held:
            raise ModelMissing("No CLIP is installed.")
        newest = max(held, key=lambda m: (m.folder / installed.MANIFEST).stat().st_mtime)
        return OnnxClip(newest.folder)
    for place in (Path(asked).expanduser(), config.models_dir / asked):
        if place.is_dir():
            return OnnxClip(place)
    raise ModelMissing(f"{asked[:120]!r} is no CLIP on this machine; give its folder.")

"""Pictures that came with posts, as they are kept and found."""

from __future__ import annotations

from dataclasses import dataclass

from gnomon.types.held import Post


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture made small: ``rgb`` is ``height * width * 3`` bytes. ``whole`` is the original's
    width and height in pixels, ``form`` its format; ``moving``: it was the first of several."""

    width: int
    height: int
    rgb: bytes
    whole: tuple[int, int]
    form: str
    moving: bool = False


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """A picture of a post. ``sha256`` is of the original's bytes and names the thumbnail; ``media``
    is the address as the post has it, ``alt`` what its author says is in it; ``width``, ``height``
    and ``form`` are the original's."""

    sha256: str
    media: str
    alt: str
    width: int
    height: int
    form: str
    fetched_at: float
    moving: bool = False


@dataclass(frozen=True, slots=True)
class PictureFound:
    """One picture, however many posts show it. ``post`` is the one that fits best, ``first`` the
    earliest; ``posts`` and ``authors`` count those that show it or a copy of it, ``others`` are
    ids of some of these. ``similarity`` is the cosine of the picture to the words (None: the
    model was not asked, or has not seen it), ``by_words``: its description or post has them."""

    picture: SeenPicture
    post: Post
    first: Post
    score: float
    posts: int
    authors: int
    similarity: float | None = None
    by_words: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PicturesFound:
    """What a search for pictures brought, best first. ``kept`` pictures were there to be searched,
    of which the model has not seen ``unseen``. ``model`` is what compared words and pictures, ""
    where none did: then only descriptions were searched, and ``why`` says why and what to do.
    ``asked`` is what the model got, where that is not what was written; ``not_translated`` is what
    the glossary does not know."""

    query: str
    found: tuple[PictureFound, ...]
    kept: int
    unseen: int = 0
    model: str = ""
    why: str = ""
    asked: str = ""
    not_translated: tuple[str, ...] = ()

"""Captions: a name as one would say it, and other ways of saying it."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

MOST = 4
MOODS = frozenset(
    "happy sad angry cheerful smiling laughing crying tired sleepy surprised scared unhappy sick "
    "kissing winking worried shocked confused bored silly disappointed funny excited".split()
)
"""Tags of faces that say how a face looks, as anybody would."""
MOST_CHARS = 300
_ADDRESS = re.compile(r"https?://\S+|\S+@\S+\.\S+")
_SPACES = re.compile(r"\s+")
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\ufeff]")


def spoken(name: str) -> str:
    """A name with hyphens and underscores as words: ``smiling-face_01`` is ``smiling face``."""
    name = unicodedata.normalize("NFC", html.unescape(html.unescape(name)))
    name = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", name)
    name = re.sub(r"[_\-+/\\|~]+", " ", _UNPRINTED.sub(" ", name))
    name = re.sub(r"(?<=[A-Za-z])\d+\b|(?<=\s)[\d#]+$|^\d+\s+(?=\D)", " ", name.strip())
    return _SPACES.sub(" ", name).strip(" .,:;'\"()[]*#=!?")


def cleaned(text: str) -> str:
    """A person's caption, as a person wrote it: without control characters, addresses and marks at
    its ends, ``MOST_CHARS`` long at most."""
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = _SPACES.sub(" ", _ADDRESS.sub(" ", _UNPRINTED.sub(" ", text)))
    return text[:MOST_CHARS].strip(" .,:;|-_*#\"'")


def varied(label: str, also: Sequence[str], tags: Sequence[str], kind: str) -> tuple[str, ...]:
    """Names for one picture, the plainest first, at most ``MOST`` and none twice: each can stand
    in a sentence as a noun, so that a scene of several can be told with them. Tags are not names;
    they make one where they say how a face looks ("happy face")."""
    names = [label]
    if kind == "animal" and label.endswith(" face"):
        names.append(label.removesuffix(" face"))
    names += [name.replace("-", " ") for name in also]
    if kind == "smiley" and label.endswith("face"):
        names += [f"{tag} face" for tag in tags if tag in MOODS][:2]
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.lower(), name)
    return tuple(found.values())[:MOST]

"""Who may be in a corpus: what was said to everybody, by somebody who has not said no.

The sources let nothing in that is not public, and a deletion takes a post out of the record; so
what is looked at here is what an author may have asked beyond that. The words are those that
networks, pages and people really use; a word in a post's ``extra`` or its hashtags counts for that
post, the owner's list (``--leave-out``) for whole accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gnomon.errors import InputError
from gnomon.sources.admission import ADULT_LABELS
from gnomon.types import Post

HIDDEN = frozenset(
    {"private", "direct", "followers", "mutuals", "unlisted", "limited", "protected"}
)
"""Values of ``visibility`` that are not "everybody": Mastodon's
(https://docs.joinmastodon.org/entities/Status/#visibility), Misskey's and plain words.
``unlisted`` is public and asks not to be discovered: it is left out here as it is in sources."""

FORBIDDEN = frozenset({False, "false", "0", "no", "deny", "denied", "disallow", "disallowed",
                       "none"})  # fmt: skip
"""What an author answers who says no."""

PERMISSIONS = frozenset({"public", "indexable", "ai_training", "aitraining", "allow_ai",
                         "ai", "training", "generativeai", "syntheticcontentgeneration",
                         "bulkdataset"})  # fmt: skip
"""Fields in which FORBIDDEN is a no: ``indexable`` of Mastodon's accounts
(https://docs.joinmastodon.org/entities/Account/#indexable); Bluesky's user intents
(https://github.com/bluesky-social/proposals/tree/main/0008-user-intents) and
``community.lexicon.preference.ai`` (https://github.com/lexicon-community/lexicon/pull/72)."""

REFUSALS = frozenset({"noai", "noindex", "nobot", "noarchive", "no_ai", "no_ai_training", "private",
                      "protected", "deleted", "removed", "draft",
                      "tdm_reservation", "tdm-reservation"})  # fmt: skip
"""Fields in which yes is a no; ``tdm-reservation`` is W3C's
(https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/)."""

TAGS = frozenset({"noai", "noaitraining", "nobot", "nobots", "noindex", "noarchive", "nosearch"})
"""Hashtags by which people say it (the first two of artists; ``nobot`` and ``noindex`` are
fediverse custom, https://docs.joinmastodon.org/user/profile/)."""

_TAG = re.compile(r"[#＃](\w+)")
_YES = frozenset({True, "true", "1", "yes"})
_DEEP = 4  # preferences lie a few objects deep at most


def refusal(post: Post, left_out: frozenset[str] = frozenset()) -> str:
    """Why the post may not be in a corpus, "" if it may. ``left_out``: the owner's list."""
    if post.id in left_out or (post.author and post.author.removeprefix("@").lower() in left_out):
        return "left out: it is on the owner's list"
    labels = {label.lower() for label in post.labels}
    if "!no-unauthenticated" in labels:  # Bluesky: shown to people who are logged in only
        return "consent: its author shows it to people who are logged in only"
    tags = {str(tag).lower() for tag in post.extra.get("tags") or () if isinstance(tag, str)}
    tags |= {tag.lower() for tag in _TAG.findall(post.text)}
    if said := tags & TAGS:
        return f"consent: its author says #{min(said)}"
    if field := _field(post.extra, _DEEP):
        return f"consent: {field}"
    if labels & ADULT_LABELS:
        return f"adult: its author labels it {min(labels & ADULT_LABELS)}"
    return ""


def _field(extra: Mapping[str, Any], deep: int) -> str:
    """The field of ``extra`` that says no, with its value."""
    for name, value in extra.items():
        key = str(name).lower()
        plain = value.lower() if isinstance(value, str) else value
        if isinstance(plain, Mapping):
            if key in PERMISSIONS and plain.get("allow") is False:
                return f"its {name!r} says allow: false"
            if deep and (found := _field(plain, deep - 1)):
                return found
        elif not isinstance(plain, str | int | bool):
            continue
        elif key == "visibility" and plain in HIDDEN:
            return f"its visibility is {value!r}"
        elif (key in PERMISSIONS and plain in FORBIDDEN) or (key in REFUSALS and plain in _YES):
            return f"its {name!r} says {value!r}"
        elif key == "robots" and isinstance(plain, str) and re.search(r"\bno(?:ai|index)\b", plain):
            return f"its page says {value[:40]!r} to robots"
    return ""


def read_left_out(path: Path) -> frozenset[str]:
    """The owner's list: an author's name or a post's id a line; ``#`` begins a remark.

    Raises InputError where it cannot be read."""
    try:
        lines: Iterable[str] = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the list {str(path)!r} cannot be read ({error}); give a text file with an author or "
            "a post's id a line."
        ) from error
    names = {line.split(" #")[0].strip() for line in lines if not line.lstrip().startswith("#")}
    return frozenset(names | {name.removeprefix("@").lower() for name in names}) - {""}

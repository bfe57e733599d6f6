"""Why a post stands in its origin, in words."""

from __future__ import annotations

from gnomon.origins import wire
from gnomon.store.contract import Store
from gnomon.types import EdgeKind, Link, Post


def explain(store: Store, post: str) -> str:
    """Why ``post`` stands in its origin, in one or two short sentences; "" if it is not held."""
    link = store.links([post]).get(post)
    if link is None:
        return ""
    held = store.get_many([post, link.origin])
    return reason(link, held.get(post), held.get(link.origin))


def reason(link: Link, post: Post | None, root: Post | None) -> str:
    """Why the post of ``link`` stands in its origin. ``post`` and ``root`` are its text and that
    of the origin's root, where they are held."""
    of = f"of {link.origin}"
    if link.kind is EdgeKind.WIRE:
        agency = wire.shared(root, post) if root and post else ""
        story = f"the story of {agency}" if agency else "one agency's story"
        return f"{link.score:.0%} of it is {story}, as the credit says: part {of}."
    return {
        EdgeKind.ROOT: "It is the earliest post of its origin.",
        EdgeKind.REPOST: f"It is a repost {of}.",
        EdgeKind.QUOTE: f"It quotes without a comment of its own: a repost {of}.",
        EdgeKind.URL: f"It only points to the same page: part {of}.",
        EdgeKind.COPY: f"It says the same in {link.score:.0%} the same words: a copy {of}.",
        EdgeKind.MEDIA: f"It shows the same picture or film and says nothing itself: part {of}.",
        EdgeKind.MEANING: (
            "It states the same facts in other words: every number, date and name is the same, and "
            f"the encoder finds the meaning near (cosine {link.score:.2f}): part {of}."
        ),
    }[link.kind]

"""Who repeated an origin, when and how: what a picture of it needs, without anybody's words."""

from __future__ import annotations

from gnomon.errors import NotFound
from gnomon.origins import campaign
from gnomon.store.contract import Store
from gnomon.types import EdgeKind, Repeat, Spread

MOST = 5000
"""Repeats that are told one by one: the earliest. ``Spread.posts`` counts all."""


def spread(store: Store, post: str) -> Spread:
    """The spread of the origin that ``post`` belongs to. Raises NotFound, StoreError."""
    held = store.get(post)
    if held is None:
        raise NotFound(f"No post {post[:120]!r} is held; `gnomon search` shows ids.")
    link = store.links([post]).get(post)
    root = link.origin if link else post
    origin = store.origins([root]).get(root)
    members = store.members(root, MOST + 1)
    links = store.links([member.id for member in members])
    repeats = tuple(
        Repeat(member.time, links[member.id].kind.value)
        for member in members
        if member.id in links and links[member.id].kind is not EdgeKind.ROOT
    )
    return Spread(
        origin=root,
        posts=origin.posts if origin else 1,
        authors=origin.authors if origin else 1,
        first_seen=origin.first_seen if origin else held.time,
        repeats=repeats[:MOST],
        campaign=campaign.look(store, root),
    )

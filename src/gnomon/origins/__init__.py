"""Which posts are one origin: they say one thing because they come from one place."""

from gnomon.origins.linking import explain, link

__all__ = ["explain", "link"]

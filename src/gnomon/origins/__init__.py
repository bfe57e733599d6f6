"""Which posts are one origin: they say one thing because they come from one place."""

from gnomon.origins.linking import Draft, draft, explain, link

__all__ = ["Draft", "draft", "explain", "link"]

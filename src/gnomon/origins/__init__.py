"""Which posts are one origin: they say one thing because they come from one place."""

from gnomon.origins.linking import link, regroup
from gnomon.origins.reasons import explain

__all__ = ["explain", "link", "regroup"]

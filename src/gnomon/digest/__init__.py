"""A dated brief of what was spoken of: the stories of a stretch of time, each sentence checked.

``make`` composes one; ``markdown``, ``page`` and ``feed`` show it.
"""

from gnomon.digest.compose import Order, Rising, make

__all__ = ["Order", "Rising", "make"]

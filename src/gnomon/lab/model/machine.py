"""What a process asks of its machine before it learns."""

from __future__ import annotations

import ctypes

TRIM, TOP_PAD, MAPPED = -1, -2, -4
"""Names of ``mallopt`` (https://man7.org/linux/man-pages/man3/mallopt.3.html)."""
PAD_BYTES = 64 * 2**20


def keep_memory() -> bool:
    """Let freed memory stay with this process: every step asks for the same large pieces again, and
    the kernel clears each page that it hands out. Whether the C library knows how (glibc does)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all((mallopt(MAPPED, 0), mallopt(TRIM, -1), mallopt(TOP_PAD, PAD_BYTES)))

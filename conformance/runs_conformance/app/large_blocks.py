"""Gives the memory of large responses back to the system when they are no longer needed."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_M_MMAP_THRESHOLD = -3
"""The parameter's number in `malloc.h` of the GNU C library."""

LARGE_BLOCK = 256 * 1024
"""Size in bytes from which a block of memory is returned to the system as soon as it is freed."""


@cache
def return_large_blocks() -> None:
    """Give large blocks back to the system when they are freed. Does nothing without the GNU C library.

    Once a large block was freed, that library keeps later ones of its size in the heap of their thread, which then
    grows by a third or more on targets with large responses (mallopt(3), dynamic M_MMAP_THRESHOLD).
    """
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)
        except (OSError, AttributeError):
            return

"""How the C library keeps memory: what was needed for one large answer is given back with it."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_MMAP_THRESHOLD = -3
_ARENA_MAX = -8
"""Options of glibc's `mallopt`; see mallopt(3)."""
LARGE = 262_144
"""Blocks of at least so many bytes are returned to the system when they are freed."""
ARENAS = 4


def return_large_blocks() -> None:
    """Have large blocks returned to the system at once, whatever was freed before.

    Left alone, glibc raises its threshold to the largest block that was freed, up to 32 MB, and then keeps
    what many threads used for a moment, in an arena for each of them. Other C libraries do neither.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, LARGE)
        mallopt(_ARENA_MAX, ARENAS)


def give_memory_back() -> None:
    """Return to the system what is free in small blocks, too; it stays in the arenas of glibc otherwise."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)

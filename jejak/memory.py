"""Memory that was needed for a moment goes back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress


def _found() -> Callable[[int], int] | None:
    """glibc's `malloc_trim`; other C libraries give memory back by themselves."""
    with suppress(OSError, AttributeError):
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
        return trim
    return None


_trim = _found()


def give_memory_back() -> None:
    """Return to the system what is free; without this, a process stays as large as it ever was.

    glibc keeps the free memory of each thread's arena, for the next request that may never come.
    """
    if _trim is not None:
        _trim(0)

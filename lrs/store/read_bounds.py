"""How much one read of the store may cost. The thread that reads says so, and the engines keep to it.

A question whose keys are common but never meet walks everything its tenant has, and finds nothing.
"""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final

QUICK_SECONDS: Final = 1.0
"""What a page may take of a server that is asked for it, before it counts as long."""
SLOW_SECONDS: Final = 8.0
"""What a long page may take in all; connections to a server are given up after ten seconds."""
STEPS: Final = 50_000
"""Steps of SQLite's virtual machine between two looks at the bounds, about four milliseconds. A page of 25
takes a thousand, and up to 35,000 for each of several common keys, of which the rarest is looked for."""
QUICK_LOOKS: Final = 4
"""The look at which a page counts as long in SQLite: by then it took three times `STEPS` at least."""


class _Held(threading.local):
    deadline: float | None = None
    looks: int | None = None


_held = _Held()


class _Bounds:
    """A block in which the reads of this thread are bounded. A class: every page enters one."""

    __slots__ = ("_before", "_looks", "_seconds")

    _before: tuple[float | None, int | None]

    def __init__(self, seconds: float, looks: int | None) -> None:
        self._seconds = seconds
        self._looks = looks

    def __enter__(self) -> None:
        held = _held
        self._before = held.deadline, held.looks
        held.deadline, held.looks = time.monotonic() + self._seconds, self._looks

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _held.deadline, _held.looks = self._before


def quick() -> AbstractContextManager[None]:
    """Inside this, reads of this thread raise TooLongError unless they are about as quick as most are."""
    return _Bounds(QUICK_SECONDS, QUICK_LOOKS)


def slow() -> AbstractContextManager[None]:
    """Inside this, reads of this thread raise TooLongError after `SLOW_SECONDS`."""
    return _Bounds(SLOW_SECONDS, None)


def deadline() -> float | None:
    """The time, by the monotonic clock, at which the reads of this thread have to end."""
    return _held.deadline


def is_over() -> bool:
    """Asked by SQLite every `STEPS`: whether it has to give up what this thread reads."""
    if _held.looks is not None:
        # Counted, not timed: how long a thread waits for the interpreter says nothing about its page.
        _held.looks -= 1
        return _held.looks <= 0
    return _held.deadline is not None and time.monotonic() >= _held.deadline

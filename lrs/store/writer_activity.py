"""Tells others that a thread of the store is working out writes, so that they may let it finish first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class WriterActivity:
    """Held (`with`) by a thread while it works out a group of writes. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._waiting: list[Callable[[], None]] = []

    def __enter__(self) -> None:
        with self._lock:
            self._holders += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._holders -= 1
            waiting, self._waiting = self._waiting, []
        # Also when another thread still holds it: with several, there may always be one that does.
        for call in waiting:
            call()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Not held for a while, by a thread that holds it: it waits for something else."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()

    def when_over(self, call: Callable[[], None]) -> bool:
        """See `Store.when_idle`."""
        if not self._holders:
            return False
        with self._lock:
            if not self._holders:
                return False
            self._waiting.append(call)
            return True

"""Turns for work that takes long because of what a client sent: few at once, and each tenant has its own.

Such work is done by the thread of its request, outside every write. Threads of one interpreter slow each
other down, and each holds the memory of what it works on; so there are few turns, and one tenant never has
them all. Whoever waits for one gives back the turn of the server's worker meanwhile: others are worked on.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from lrs.store.errors import UnavailableError

AT_ONCE: Final = 2
"""Turns of one process."""
IN_LINE: Final = 4
"""Requests of one tenant that may have a turn or wait for one; a tenant has one turn at a time."""
WAIT_SECONDS: Final = 10.0
"""How long a request waits for its turn."""


NeedsThreadError = Callable[[], AbstractContextManager[None]]
"""Makes a context manager: inside it, the thread's request only waits, and has no turn of its worker."""
_worker = threading.local()


@contextmanager
def worked_on(elsewhere: NeedsThreadError) -> Iterator[None]:
    """Inside this, the thread works on a request in a turn of its worker, which `elsewhere` gives back."""
    before = _elsewhere()
    _worker.elsewhere = elsewhere
    try:
        yield
    finally:
        _worker.elsewhere = before


def _elsewhere() -> NeedsThreadError:
    made: NeedsThreadError = getattr(_worker, "elsewhere", nullcontext)
    return made


class BusyError(UnavailableError):
    """The tenant has enough of such work under way; the same request will do later."""


class TenantTurns:
    """Turns of one kind of work. Safe to use from many threads."""

    def __init__(
        self, at_once: int = AT_ONCE, *, in_line: int = IN_LINE, seconds: float = WAIT_SECONDS
    ) -> None:
        """At most `at_once` turns at a time, `in_line` requests of one tenant, waiting `seconds` at most."""
        self._free = at_once
        self._in_line = in_line
        self._seconds = seconds
        self._changed = threading.Condition()
        self._lines: Counter[str] = Counter()
        self._working: set[str] = set()

    @contextmanager
    def turn(self, tenant: str) -> Iterator[None]:
        """Hold one of the turns. BusyError when the tenant's line is full or the wait was too long."""
        with self.line(tenant), self.step(tenant):
            yield

    @contextmanager
    def line(self, tenant: str) -> Iterator[None]:
        """Be in the tenant's line, without a turn: for work of many steps that waits between them.

        BusyError when the line is full.
        """
        with self._changed:
            if self._lines[tenant] >= self._in_line:
                raise BusyError("this tenant has enough of such work under way")
            self._lines[tenant] += 1
        try:
            yield
        finally:
            with self._changed:
                self._lines[tenant] -= 1
                if not self._lines[tenant]:
                    del self._lines[tenant]

    @contextmanager
    def step(self, tenant: str) -> Iterator[None]:
        """Hold a turn for one step of work that is in line. BusyError when the wait was too long."""
        taken = self._take(tenant, seconds=0)
        try:
            if not taken:
                with _elsewhere()():
                    taken = self._take(tenant, self._seconds)
                if not taken:
                    raise BusyError("such work of this tenant did not get its turn in time")
            yield
        finally:
            if taken:
                self._give_back(tenant)

    def _take(self, tenant: str, seconds: float) -> bool:
        """Take a turn, waiting so long at most; whether there was one."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._free or tenant in self._working:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            self._free -= 1
            self._working.add(tenant)
            return True

    def _give_back(self, tenant: str) -> None:
        with self._changed:
            self._working.discard(tenant)
            self._free += 1
            self._changed.notify_all()

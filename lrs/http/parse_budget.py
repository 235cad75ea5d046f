"""How much of large bodies a worker works on at once, and how much of it one tenant.

What is parsed takes several times the memory of its bytes. A large body is received without a part of this
budget; it waits for its part before it is brought into memory, and keeps it until its answer is made. Few may
wait; more are refused and come again.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import takewhile

from lrs.http.problems import RefusalError

MIB = 1024 * 1024
TOTAL = 24 * MIB
SHARE = 12 * MIB
"""Cost of the bodies worked on at once, of all tenants and of one; a costlier body counts as a share."""
VALUE_COST = 64
"""A body costs its bytes, and so many for each value in it."""
WAITING, WAITING_SHARE = 16, 8
"""Bodies that may wait at once, of all tenants and of one."""
ELSEWHERE = "jejak.waiting"
"""Name in the WSGI environment of what makes a context manager: inside it, the request has no turn."""
PATIENCE = 20.0
"""Seconds that a body waits at most."""
RETRY_SECONDS = 2
GIVEN_BACK = 4 * MIB
"""After so much cost, memory is given back to the system as soon as nothing large is worked on."""


class ParseBudget:
    """The budget of one process. Safe to use from many threads."""

    def __init__(self, *, on_idle: Callable[[], None] | None = None) -> None:
        """`on_idle` is called when nothing large is worked on any more, after much of it was."""
        self._changed = threading.Condition()
        self._used: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._line: list[tuple[str, int]] = []
        """Tenant and cost of each that waits, the first comer first."""
        self._since_idle = 0
        self._on_idle = on_idle

    @contextmanager
    def held(
        self, tenant: str, cost: int, elsewhere: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> Iterator[None]:
        """Work on a body, as soon as it fits into the budget.

        `elsewhere` makes the context manager inside which the request waits. RefusalError when too many
        bodies wait: 429 when they are mostly this tenant's, else 503.
        """
        cost = min(cost, SHARE)
        taken = self._take(tenant, cost, waiting=False)
        try:
            if not taken:
                with elsewhere():
                    taken = self._take(tenant, cost, waiting=True)
            yield
        finally:
            if taken:
                self._give_back(tenant, cost)

    def _take(self, tenant: str, cost: int, *, waiting: bool) -> bool:
        with self._changed:
            if waiting:
                self._wait(tenant, cost)
            elif not self._fits(tenant, cost, self._line):
                return False
            self._used[tenant] += cost
            return True

    def _wait(self, tenant: str, cost: int) -> None:
        if self._fits(tenant, cost, self._line):
            return
        if self._waiting[tenant] >= WAITING_SHARE or self._waiting.total() >= WAITING:
            raise _refusal(self._has_enough(tenant, cost) or self._waiting[tenant] >= WAITING_SHARE)
        self._waiting[tenant] += 1
        own = (tenant, cost)
        self._line.append(own)
        try:
            deadline = time.monotonic() + PATIENCE
            while not self._fits(tenant, cost, self._before(own)):
                if not self._changed.wait(deadline - time.monotonic()):
                    raise _refusal(self._has_enough(tenant, cost))
        finally:
            self._line = [each for each in self._line if each is not own]
            _less(self._waiting, tenant, 1)
            # Those behind this one may go on.
            self._changed.notify_all()

    def _before(self, own: tuple[str, int]) -> Iterator[tuple[str, int]]:
        """Those who came before this one and still wait."""
        return takewhile(lambda each: each is not own, self._line)

    def _fits(self, tenant: str, cost: int, before: Iterable[tuple[str, int]]) -> bool:
        """Whether there is room for a body, and for none of those that wait `before` it.

        Who waits for bodies of its own tenant keeps no other tenant waiting. Otherwise nobody is passed:
        small bodies that find room again and again would keep out a large one for ever.
        """
        if self._has_enough(tenant, cost) or self._used.total() + cost > TOTAL:
            return False
        return not any(other == tenant or not self._has_enough(other, size) for other, size in before)

    def _has_enough(self, tenant: str, cost: int) -> bool:
        return self._used[tenant] + cost > SHARE

    def _give_back(self, tenant: str, cost: int) -> None:
        with self._changed:
            _less(self._used, tenant, cost)
            self._since_idle += cost
            idle = not self._used and self._since_idle >= GIVEN_BACK
            if idle:
                self._since_idle = 0
            self._changed.notify_all()
        if idle and self._on_idle is not None:
            self._on_idle()


def _refusal(own: bool) -> RefusalError:
    """429 when it is the tenant's own doing, else 503."""
    headers = [("Retry-After", str(RETRY_SECONDS))]
    if own:
        detail = "Several large bodies of this agency are worked on; send the next when one is answered."
        return RefusalError(429, detail, headers=headers)
    return RefusalError(503, "Too many large bodies are worked on; try again soon.", headers=headers)


def _less(counts: Counter[str], tenant: str, by: int) -> None:
    counts[tenant] -= by
    if not counts[tenant]:
        del counts[tenant]

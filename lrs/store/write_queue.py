"""The writes that wait for a store's writing thread, shared out among the tenants.

A group of writes takes one of each waiting tenant in turn, so whoever queues thousands waits for them alone:
a write of another tenant is in the next group, or, behind one very large write, in the one after it. A group
is bounded by the size of its writes as well as by their number, because nobody is answered before all of a
group is on the disk. What one tenant may have waiting is bounded, too.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final, Generic, Protocol, TypeVar

from lrs.store.errors import QueueFullError, UnavailableError

MOST_WAITING: Final = 4_096
"""Writes of one tenant that may wait in one process."""
MOST_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Bytes of those writes together; a single one may be larger."""
GROUP_BYTES: Final = 4 * 1024 * 1024
"""Bytes of the writes of one group together; a single one may be larger, and is then alone in its group."""
SHARED_BYTES: Final = 512 * 1024
"""The same where several tenants wait: what a group costs, all of them wait for."""


class Waiting(Protocol):
    """A write, as far as the queue has to know."""

    @property
    def tenant(self) -> str:
        """Whose it is; "" for work of the program itself, which is not bounded."""

    @property
    def size(self) -> int:
        """Roughly how many bytes it writes."""

    @property
    def alone(self) -> bool:
        """Whether it needs a group of its own."""


J = TypeVar("J", bound=Waiting)


class _Share(Generic[J]):
    """What waits of one tenant."""

    __slots__ = ("jobs", "size")

    def __init__(self) -> None:
        self.jobs: deque[J] = deque()
        self.size = 0


class WriteQueue(Generic[J]):
    """Writes in line, first come first served within a tenant. Safe to use from many threads."""

    def __init__(self, group_writes: int) -> None:
        """A group has at most `group_writes` writes."""
        self._group_writes = group_writes
        self._shares: dict[str, _Share[J]] = {}
        """By tenant, in the order of their turns; none of them is empty."""
        self._waiting = 0
        self._lock = threading.Lock()
        self._came = threading.Condition(self._lock)
        self._idle = 0
        """Threads in `wait`."""
        self._closed = False

    def __len__(self) -> int:
        return self._waiting

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def put(self, job: J) -> None:
        """Add a write.

        QueueFullError when too many of its tenant wait; UnavailableError once the queue is closed.
        """
        tenant, size = job.tenant, job.size
        with self._lock:
            if self._closed:
                raise UnavailableError("the store is closed")
            share = self._shares.get(tenant)
            if share is None:
                share = self._shares[tenant] = _Share()
            elif tenant and (len(share.jobs) >= MOST_WAITING or share.size + size > MOST_WAITING_BYTES):
                raise QueueFullError("too many writes of this tenant wait already; nothing of it was kept")
            share.jobs.append(job)
            share.size += size
            self._waiting += 1
            if self._idle:
                self._came.notify()

    def wait(self) -> bool:
        """Wait until something is there; False when nothing is and nothing will be: it is closed."""
        with self._lock:
            while not self._waiting:
                if self._closed:
                    return False
                self._idle += 1
                self._came.wait()
                self._idle -= 1
        return True

    def take(self) -> list[J]:
        """The next group; empty when nothing waits."""
        jobs: list[J] = []
        with self._lock:
            turns = deque(self._shares.items())
            room = GROUP_BYTES if len(turns) == 1 else SHARED_BYTES
            while turns and len(jobs) < self._group_writes:
                tenant, share = turns.popleft()
                job = share.jobs[0]
                if jobs and (job.alone or job.size > room):
                    # Not in this group. Its tenant comes up to the front, and then there is room.
                    continue
                share.jobs.popleft()
                share.size -= job.size
                room -= job.size
                jobs.append(job)
                if share.jobs:
                    turns.append((tenant, share))
                if job.alone:
                    break
            self._waiting -= len(jobs)
            self._move_on()
        return jobs

    def remove(self, job: J) -> bool:
        """Take a write out again; False when it is not there any more."""
        with self._lock:
            share = self._shares.get(job.tenant)
            if share is None or job not in share.jobs:
                return False
            share.jobs.remove(job)
            share.size -= job.size
            self._waiting -= 1
            if not share.jobs:
                del self._shares[job.tenant]
            return True

    def close(self) -> None:
        """Take no more; what waits is still to be taken."""
        with self._lock:
            self._closed = True
            self._came.notify_all()

    def _move_on(self) -> None:
        """Forget tenants that have nothing waiting; the next group begins with another tenant."""
        shares = self._shares
        first = next(iter(shares), None)
        for tenant in [tenant for tenant, share in shares.items() if not share.jobs]:
            del shares[tenant]
        if first in shares and len(shares) > 1:
            shares[first] = shares.pop(first)

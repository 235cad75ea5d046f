"""Slots that everybody needs, of which nobody may take all.

Who asks belongs to a group: a tenant, or all strangers together. A group may hold at most three times as much
as is still free ("dynamic thresholds", Choudhury and Hahne 1998): alone it gets three quarters, two get three
sevenths each, and so on. So there is always something left for the next one, and a group that wants little is
not kept from it by one that wants everything.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

Party = tuple[str, str]
"""Who asks: the group, and the member of it."""
STRANGERS = ""
"""The group of those who have not shown a credential; its members are addresses."""
SHARE = 3
"""How many times what is free a group may hold."""


class Line(Generic[T]):
    """Those who wait. The groups take turns, and within a group its members."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[str, deque[T]]] = {}

    def __len__(self) -> int:
        """How many groups wait."""
        return len(self._groups)

    def __contains__(self, group: str) -> bool:
        return group in self._groups

    def add(self, party: Party, waiter: T) -> None:
        """Somebody waits, behind those of the same party."""
        group, member = party
        self._groups.setdefault(group, {}).setdefault(member, deque()).append(waiter)

    def pop(self, allowed: Callable[[str], bool] = lambda _: True) -> tuple[str, T] | None:
        """The next one, of those groups that are allowed to go on; None when there is none."""
        group = next(filter(allowed, self._groups), None)
        if group is None:
            return None
        members = self._groups.pop(group)
        member = next(iter(members))
        waiters = members.pop(member)
        waiter = waiters.popleft()
        if waiters:
            members[member] = waiters
        if members:
            self._groups[group] = members
        return group, waiter


class Slots:
    """A number of places, or bytes. Safe to use from many threads."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._free = number
        self._held: dict[str, int] = {}
        self._line: Line[Callable[[], None]] = Line()
        self._lock = threading.Lock()

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds any."""
        return self._free == self._number and not self._held

    def take_now(self, party: Party, amount: int = 1) -> bool:
        """Take some if the group may have them now."""
        with self._lock:
            return self._took(party[0], amount)

    def take(self, party: Party, wake: Callable[[], None]) -> bool:
        """Take one now, or wait in line: False, and `wake` is called once it was given one.

        `wake` is called by whoever gives one back: it must be quick and must not raise.
        """
        with self._lock:
            if party[0] not in self._line and self._took(party[0], 1):
                return True
            self._line.add(party, wake)
            return False

    def wait(self, party: Party) -> None:
        """Take one, however long that takes; for a thread."""
        granted = threading.Lock()
        granted.acquire()
        if not self.take(party, granted.release):
            granted.acquire()

    async def taken(self, party: Party) -> bool:
        """Take one, waiting in line without a thread; whether that took waiting. For an event loop."""
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[None] = loop.create_future()

        def begin() -> None:
            if granted.cancelled():  # nobody is left who would use it
                self.give(party)
            else:
                granted.set_result(None)

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(begin)

        if self.take(party, wake):
            return False
        try:
            await granted
        except BaseException:
            if granted.done() and not granted.cancelled():
                self.give(party)
            raise
        return True

    def give(self, party: Party, amount: int = 1) -> None:
        """Give some back, to those who wait for them."""
        woken = []
        with self._lock:
            left = self._held[party[0]] - amount
            if left:
                self._held[party[0]] = left
            else:
                del self._held[party[0]]
            self._free += amount
            while self._line and (following := self._line.pop(self._may)) is not None:
                self._took(following[0], 1)
                woken.append(following[1])
        for wake in woken:
            wake()

    def _may(self, group: str, amount: int = 1) -> bool:
        free = self._free
        return amount <= free and self._held.get(group, 0) + amount <= SHARE * free

    def _took(self, group: str, amount: int) -> bool:
        if not self._may(group, amount):
            return False
        self._free -= amount
        self._held[group] = self._held.get(group, 0) + amount
        return True

"""A bound on how often one address may call one public endpoint, per process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import lru_cache
from ipaddress import IPv6Address, ip_network

MAX_CALLERS = 10_000
"""Callers that are counted at once. When there are more, the half that called least is forgotten."""
MINUTE = 60_000_000
PREFIX_BITS = 64
"""Bits of an IPv6 address that name a network: whoever has one has all of its addresses."""


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Who an address stands for: the /64 network of an IPv6 address; any other text stands for itself."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), PREFIX_BITS), strict=False))


class RateLimit:
    """A counter per caller and minute; its memory is bounded. Safe to use from many threads.

    Ever new callers never get anybody refused: they only make those forgotten that called little.
    """

    def __init__(self, per_minute: int, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since the epoch."""
        self.per_minute = per_minute
        self._clock = clock
        self._minute = 0
        self._counts: dict[Hashable, int] = {}
        self._guard = threading.Lock()

    def wait(self, address: str, what: str = "") -> int:
        """Count a call of `what`. 0 when it is allowed, else the seconds until the next minute begins."""
        return 0 if self.count(address, what) <= self.per_minute else self.seconds_left()

    def count(self, address: str, what: str = "") -> int:
        """Count a call; how many this makes in this minute. An IPv6 network counts as one address."""
        caller = network_of(address[:64]), what[:64]
        minute = self._clock() // MINUTE
        with self._guard:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            if caller not in self._counts and len(self._counts) >= MAX_CALLERS:
                self._forget_half()
            count = self._counts[caller] = self._counts.get(caller, 0) + 1
        return count

    def seconds_left(self) -> int:
        """Seconds until the next minute begins."""
        return 1 + (MINUTE - self._clock() % MINUTE) // 1_000_000

    def _forget_half(self) -> None:
        # Those who called most stay, and of those who called as often the latest.
        ordered = sorted(self._counts.items(), key=lambda item: item[1])
        self._counts = dict(ordered[-(MAX_CALLERS // 2) :])

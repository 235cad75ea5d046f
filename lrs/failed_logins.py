"""Wrong secrets: each is logged, and whoever goes on guessing for one key is told to wait.

The right secret is never refused, however many wrong ones came before: else anybody who knows the name of a
key could lock an agency out. What is limited are the answers to wrong ones, per pair of address and key.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

PER_MINUTE = 10
"""Wrong secrets of one address for one key that are answered 401 and logged one by one; more are 429."""
MOST_PAIRS = 10_000
"""Pairs of address and key that are counted at once. Those beyond count as having had their share."""
SHOWN = 8
"""Characters of a key that the log gets: enough to find it in a list."""
MINUTE = 60_000_000

log = logging.getLogger(__name__)


class FailedLogins:
    """Counts wrong secrets, minute by minute, in this process. Safe to use from many threads."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since the epoch."""
        self._clock = clock
        self._minute = 0
        self._counts: dict[tuple[str, str], int] = {}
        self._full = False
        self._guard = threading.Lock()

    def count(self, address: str, key: str) -> int:
        """Note a wrong secret. The seconds after which the pair may try again; 0 while it has tries left."""
        now = self._clock()
        with self._guard:
            if now // MINUTE != self._minute:
                self._minute, self._counts, self._full = now // MINUTE, {}, False
            pair = address[:64], key[:64]
            is_new = pair not in self._counts
            if is_new and len(self._counts) >= MOST_PAIRS:
                tell, self._full = not self._full, True
                event, count = "login_failures_uncounted", PER_MINUTE + 1
            else:
                count = self._counts[pair] = self._counts.get(pair, 0) + 1
                # The last line says that more may come: a flood of guesses makes no flood of lines.
                tell = count <= PER_MINUTE + 1
                event = "login_failed" if count <= PER_MINUTE else "login_failures_limited"
        if tell:
            log.warning("%s address=%s key=%s", event, shown(address, 64), shown(key, SHOWN))
        return 0 if count <= PER_MINUTE else 1 + (MINUTE - now % MINUTE) // 1_000_000


def shown(text: str, longest: int) -> str:
    """A text of a stranger as a log may hold it: cut short, and nothing in it but visible ASCII."""
    safe = "".join(one if "!" <= one <= "~" else "?" for one in text[:longest])
    return f"{safe}..." if len(text) > longest else safe

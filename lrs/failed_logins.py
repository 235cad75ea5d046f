"""Wrong secrets: each is logged, and whoever goes on guessing for one key is told to wait.

The right secret is never refused, however many wrong ones came before: else anybody who knows the name of a
key could lock an agency out. What is limited are the answers to wrong ones, per pair of address and key, and
the lines that one address adds to the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from lrs.rate_limit import RateLimit

PER_MINUTE = 10
"""Wrong secrets of one address for one key that are answered 401 and logged one by one; more are 429."""
LINES_PER_MINUTE = 50
"""Lines of one address in the log, whatever keys it names; one more says that there were more."""
SHOWN = 8
"""Characters of a key that the log gets: enough to find it in a list."""

log = logging.getLogger(__name__)


class FailedLogins:
    """Counts wrong secrets, minute by minute, in this process. Safe to use from many threads."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since the epoch."""
        self._pairs = RateLimit(PER_MINUTE, clock)
        self._lines = RateLimit(LINES_PER_MINUTE, clock)

    def count(self, address: str, key: str) -> int:
        """Note a wrong secret. The seconds after which the pair may try again; 0 while it has tries left."""
        count = self._pairs.count(address, key)
        # The last line says that more may come: a flood of guesses makes no flood of lines.
        if count <= PER_MINUTE + 1:
            lines = self._lines.count(address)
            is_last = count > PER_MINUTE or lines > LINES_PER_MINUTE
            if lines <= LINES_PER_MINUTE + 1:
                event = "login_failures_limited" if is_last else "login_failed"
                log.warning("%s address=%s key=%s", event, shown(address, 64), shown(key, SHOWN))
        return 0 if count <= PER_MINUTE else self._pairs.seconds_left()


def shown(text: str, longest: int) -> str:
    """A text of a stranger as a log may hold it: cut short, and nothing in it but visible ASCII."""
    safe = "".join(one if "!" <= one <= "~" else "?" for one in text[:longest])
    return f"{safe}..." if len(text) > longest else safe

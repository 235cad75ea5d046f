"""How much one pass of the follower may read, and for how long.

A pass takes few statements, but what these refer to may be large: a voiding of 300 bytes is about a statement
of a megabyte. So whatever a pass reads beyond its own statements is read in slices and counted here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

SECONDS = 1.0
"""How long a pass works out entries; well below the lease, `lrs.records.checkpoint.LEASE`."""
MOST_READ = 16 << 20
"""Bytes of the statements that a pass reads beyond its own."""


class TooMuchError(Exception):
    """These records together are more than one pass works out; fewer of them will do."""


@dataclass(slots=True)
class Budget:
    """What is left of one pass. That of a pass over a single statement is not `bounded`: it never ends."""

    bounded: bool = True
    end: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    left: int = MOST_READ

    def spend(self, size: int = 0) -> None:
        """Count bytes that were read, and look at the clock; TooMuchError when either is used up."""
        self.left -= size
        if self.bounded and (self.left < 0 or time.monotonic() > self.end):
            raise TooMuchError

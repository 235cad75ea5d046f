"""The time of day and random ids: made here, at the root, and passed inwards."""

from __future__ import annotations

import time
import uuid


def now() -> int:
    """Microseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1000


def new_id() -> str:
    """A random UUID (version 4) in canonical form."""
    return str(uuid.uuid4())

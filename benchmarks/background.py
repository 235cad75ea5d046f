"""What a server still does when nobody asks anything of it: above all, working out the learning record."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

from benchmarks import processes
from benchmarks.report import note
from lrs.records import checkpoint
from lrs.store.log import LogQuery
from lrs.store.open import open_store
from lrs.store.port import Store
from lrs.xapi.statement_keys import STATEMENT_KEYS

LOOK_SECONDS = 0.5
TELL_SECONDS = 15.0


def settle(store: str, pid: int, limit: float) -> dict[str, Any]:
    """Wait, at most `limit` seconds, until the learning record is complete and the processes are idle.

    `settle_s` is how long that took; `settle_complete` whether the record was complete at the end. Where the
    database is a server of its own, a follower that waits for it looks idle, so the record itself is asked.
    """
    begun = said = time.monotonic()
    with closing(open_store(store, STATEMENT_KEYS)) as opened:
        while (behind := _behind(opened)) and time.monotonic() - begun < limit:
            if time.monotonic() - said > TELL_SECONDS:
                said = time.monotonic()
                note(f"background work: the learning record is {behind:,.0f} s of statements behind")
            time.sleep(LOOK_SECONDS)
    processes.settle(pid, max(0.0, limit - (time.monotonic() - begun)))
    return {"settle_s": time.monotonic() - begun, "settle_complete": not behind}


def _behind(store: Store) -> float:
    """Seconds of statements that are stored and not yet in the learning record."""
    with store.reading() as reader:
        newest = reader.find(LogQuery(None, limit=1, include_hidden=True))
        front = checkpoint.read(reader).front
    if not newest or (front and front.stored >= newest[0].stored):
        return 0.0
    return max(1e-6, (newest[0].stored - front.stored) / 1e6) if front else float("inf")

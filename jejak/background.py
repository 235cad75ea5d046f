"""The work that no request waits for, in one list: for a process of its own, or for a worker without one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from jejak.wiring import Core


@dataclass(frozen=True, slots=True)
class BackgroundWork:
    """Something that runs until it is told to stop."""

    name: str
    run: Callable[[threading.Event], None]
    patience: float = 2.0
    """Seconds that the end waits for what is being done; what is cut off is done again later."""

    def begin(self, stop: threading.Event) -> threading.Thread:
        """Run it in a thread of its own until `stop` is set."""
        thread = threading.Thread(target=self.run, args=(stop,), name=self.name, daemon=True)
        thread.start()
        return thread


def background_work(parts: Core) -> tuple[BackgroundWork, ...]:
    """All of it but the follower, which whoever calls runs beside these."""
    return (
        BackgroundWork("progress", partial(parts.progress.run_forever, sweeping=True)),
        BackgroundWork("references", parts.references.run_forever),
        BackgroundWork("links", parts.record.links.run_forever),
        BackgroundWork("outbox", parts.tool.deliveries.run_forever, patience=5.0),
    )

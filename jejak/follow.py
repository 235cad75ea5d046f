"""The process that does what no request waits for, beside the workers.

It works out the learning record, and does the `background_work`: gradebooks, the outbox, references, links.

`python -m jejak.follow` runs until its standard input closes: it ends with whoever started it, however that
one ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from jejak.background import background_work
from jejak.logs import configure
from jejak.settings import load
from jejak.wiring import core

NICE = 19
"""Requests come first; the record may be a moment later."""
RESTART_SECONDS = 1.0


def main() -> None:
    """Follow the log until standard input closes."""
    settings = load(os.environ)
    configure(settings.log_level)
    stop = threading.Event()
    threading.Thread(target=_until_closed, args=(stop,), daemon=True).start()
    parts = core(settings)
    # From here on: the store's writing thread keeps its priority, for others wait while it holds the lock.
    os.nice(NICE)
    begun = [(work, work.begin(stop)) for work in background_work(parts)]
    try:
        parts.record.follower.run_forever(stop)
        for work, thread in begun:
            thread.join(timeout=work.patience)
    finally:
        parts.store.close()


def _until_closed(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()


@contextmanager
def following(environment: Mapping[str, str]) -> Iterator[None]:
    """Keep one such process running, started again should it end, while the body runs."""
    ended = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(dict(environment), ended), daemon=True, name="follower-keeper"
    )
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join(timeout=15)


def _keep(environment: dict[str, str], ended: threading.Event) -> None:
    while not ended.is_set():
        child = subprocess.Popen(
            [sys.executable, "-m", "jejak.follow"], env=environment, stdin=subprocess.PIPE
        )
        while child.poll() is None and not ended.wait(RESTART_SECONDS):
            pass
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


if __name__ == "__main__":
    main()

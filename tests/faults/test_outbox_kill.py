"""Processes that deliver messages are killed with some in hand: each message arrives all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from jejak.clock import now
from lrs.outbox.deliveries import Deliveries
from lrs.outbox.messages import DELIVERED, WAITING, Draft, Message, Outcome
from lrs.outbox.outbox import Outbox
from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.faults.outbox_load import KIND, kind
from tests.waiting import wait_until

MESSAGES = 60
KILLS = 3
TARGETS = 4


class Courier:
    """A process that delivers, and what it said before it was killed."""

    def __init__(self, address: str) -> None:
        self.begun: list[str] = []
        self.arrived: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.outbox_load", address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            what, _, name = line.strip().partition(" ")
            (self.begun if what == "begun" else self.arrived).append(name)

    def gets_on(self) -> bool:
        """Whether some messages have arrived."""
        return len(self.arrived) >= 2

    def kill(self) -> None:
        """As `kill -9`."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()


@pytest.mark.timeout(240)
def test_killed_processes_lose_no_message(address: str) -> None:
    """After each kill -9 with messages in hand, another process takes them up when their lease is over."""
    store = open_store(address, STATEMENT_KEYS)
    taken: list[str] = []

    def deliver(message: Message) -> Outcome:
        taken.append(message.name)
        return Outcome(DELIVERED)

    outbox = Outbox(store, now)
    outbox.add_kind(kind(deliver))
    names = {f"m{number}" for number in range(MESSAGES)}
    outbox.put(KIND, *(Draft("bkd", f"t{number % TARGETS}", f"m{number}", {}) for number in range(MESSAGES)))
    arrived: set[str] = set()
    in_hand: set[str] = set()
    for _ in range(KILLS):
        courier = Courier(address)
        try:
            wait_until(courier.gets_on, "some arrive", seconds=60)
        finally:
            courier.kill()
        arrived.update(courier.arrived)
        in_hand |= set(courier.begun) - set(courier.arrived)
    claimed = [one for one in outbox.listed(KIND, "bkd", WAITING) if one.claim]
    assert claimed, "nothing was claimed when the processes were killed"
    deliveries = Deliveries(outbox)
    deadline = time.monotonic() + 60
    while outbox.counts(KIND, "bkd")[0] and time.monotonic() < deadline:
        if not deliveries.run_once():
            time.sleep(0.1)
    assert arrived | set(taken) == names
    assert {one.name for one in claimed} <= set(taken)
    assert in_hand <= set(taken)
    assert outbox.counts(KIND, "bkd") == (0, 0)
    assert outbox.listed(KIND, "bkd", WAITING) == []
    store.close()

"""The server is killed while it indexes what refers to a statement, again and again, over each engine.

JEJAK_FAULT_ROUNDS sets how often (default 3).
"""

from __future__ import annotations

import time

import pytest

from tests.faults.references import PATIENCE, fat, found, owing, refer, until_nothing_is_owed, watched
from tests.faults.server import ROUNDS, Caller, credential, serving

SLICES = 2
"""Slices between two kills, at least."""
REFERRERS = 1_000 + 400 * ROUNDS


@pytest.mark.timeout(180 + 60 * ROUNDS)
def test_a_killed_server_goes_on_with_what_it_owes(address: str) -> None:
    """After each kill -9 the rest is still owed, and is done; so is what refers to the statement later."""
    known = credential(address)
    target = fat(50)
    with serving(address) as server, watched(address) as store:
        with Caller(server.port, known) as caller:
            ids = refer(caller, target, REFERRERS)
            assert caller.post("/statements", target).status == 200
        done = 0
        for _ in range(ROUNDS):
            wanted = done + SLICES * 100
            deadline = time.monotonic() + PATIENCE
            while (done := owing(store, "one") or 0) < wanted:
                assert time.monotonic() < deadline, "no slice is done"
                time.sleep(0.005)
            server.kill()
            assert owing(store, "one") is not None, "all was done before the kill"
            server.start()
            with Caller(server.port, known) as caller:
                ids |= refer(caller, target, 50)
        until_nothing_is_owed(store, "one")
        with Caller(server.port, known) as caller:
            assert found(caller) == ids | {target["id"]}

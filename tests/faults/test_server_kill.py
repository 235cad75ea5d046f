"""The whole server is killed under load, again and again, over each engine.

JEJAK_FAULT_ROUNDS sets how often (default 3).
"""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.server import ROUNDS, Caller, credential, serving
from tests.faults.server_load import Load, Puller, Write, check


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_a_killed_server_loses_nothing_acknowledged_and_keeps_nothing_in_part(address: str) -> None:
    """After each kill -9 what was acknowledged is there once and equal, and the rest whole or not at all.

    What was in doubt is sent again, as a client would, and a puller that follows the promise of
    consistency through all the deaths sees every statement exactly once.
    """
    done: list[Write] = []
    known = credential(address)
    with serving(address) as server:
        puller = Puller(server.port, known)
        try:
            for _ in range(ROUNDS):
                load = Load(server.port, known)
                load.wait_for(40)
                time.sleep(random.random() * 0.5)
                server.kill()
                load.join()
                assert {answer.status for _, answer in load.answers} <= {200, 204}
                server.start()
                with Caller(server.port, known) as caller:
                    check(caller, load.done, load.doubtful)
                    assert {write.send(caller).status for write in load.doubtful} <= {200, 204}
                done += load.done + load.doubtful
        finally:
            puller.finish()
        with Caller(server.port, known) as caller:
            visible = check(caller, done, [])
    assert puller.wrong == []
    assert len(puller.seen) == len(set(puller.seen)), "a puller saw a statement twice"
    assert set(visible) <= set(puller.seen), "a puller missed a statement"
    assert len(done) > 40 * ROUNDS

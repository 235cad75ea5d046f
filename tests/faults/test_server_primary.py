"""The primary of a replica set of three is killed while a whole server is under load."""

from __future__ import annotations

import time

import pytest

from tests import mongod
from tests.faults.server import Caller, credential, serving
from tests.faults.server_load import Load, Puller, check

KILLS = 2
RECOVERY_SECONDS = 30
PATIENCE_SECONDS = 15
GOOD = {200, 204}


@pytest.mark.timeout(240)
def test_callers_hear_try_again_until_there_is_a_new_primary() -> None:
    """Meanwhile they are told 503 with Retry-After, within seconds; then it goes on, and nothing is lost."""
    with mongod.replica_set(3) as replicas:
        address = replicas.address("jejak")
        known = credential(address)
        with serving(address) as server:
            puller = Puller(server.port, known)
            load = Load(server.port, known, outlives=True)
            try:
                for _ in range(KILLS):
                    load.wait_for(len(load.done) + 100)
                    victim = replicas.primary()
                    victim.kill()
                    killed = time.monotonic()
                    while not any(
                        when > killed + 1 and each.status in GOOD for when, each in load.answers[-20:]
                    ):
                        assert time.monotonic() - killed < RECOVERY_SECONDS, "the service did not come back"
                        time.sleep(0.05)
                    load.wait_for(len(load.done) + 50)
                    victim.start()
                    replicas.caught_up()
            finally:
                load.join()
                puller.finish()
            assert load.broken == []
            answers = [answer for _, answer in load.answers]
            assert {answer.status for answer in answers} <= GOOD | {503}
            assert all(answer.headers.get("retry-after") for answer in answers if answer.status == 503)
            assert max(answer.seconds for answer in answers) < PATIENCE_SECONDS
            with Caller(server.port, known) as caller:
                visible = check(caller, load.done, load.doubtful)
                assert {write.send(caller).status for write in load.doubtful} <= GOOD
            assert puller.wrong == []
            assert len(puller.seen) == len(set(puller.seen))
            assert set(visible) <= set(puller.seen)


def _answers_again(load: Load, moment: float) -> bool:
    """Whether something was acknowledged after that moment."""
    return any(when > moment and answer.status in GOOD for when, answer in load.answers[-20:])

"""A process that uses MongoDB is killed under load, again and again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lrs.store.errors import UnavailableError
from lrs.store.mongo.store import MongoStore
from lrs.store.port import CONSISTENCY_BOUND
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.contract.make import now
from tests.faults.load import THREADS, Batch, check, store_batch, write

ROUNDS = 25
ROOT = Path(__file__).parents[2]


def killed_run(address: str, seconds: float) -> tuple[list[Batch], list[Batch]]:
    """Load in a process of its own, killed that long after its first write: (acknowledged, in doubt)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.load", address], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        lines.append(process.stdout.readline())
    process.kill()
    lines += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    process.wait()
    tried: dict[str, Batch] = {}
    done: list[Batch] = []
    for line in lines:
        if line.endswith(b"\n"):
            step, batch = json.loads(line)
            if step == "try":
                tried[batch["name"]] = Batch(**batch)
            else:
                done.append(tried.pop(batch["name"]))
    return done, list(tried.values())


@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_and_nothing_is_kept_in_part() -> None:
    """Over 25 kills each acknowledged write is there once and whole, and the rest whole or not at all.

    What was in doubt is sent again by another process at once, as a client would do it: nothing the dead
    process held stands in the way for long, and the promise of `consistent_through` stays recent.
    """
    dice = random.Random(7)
    done: list[Batch] = []
    with mongod.database() as address:
        store = MongoStore(address, STATEMENT_KEYS)
        for _ in range(ROUNDS):
            acknowledged, doubtful = killed_run(address, dice.uniform(0.05, 0.6))
            done += acknowledged
            begun = time.monotonic()
            for batch in doubtful:
                store_batch(store, batch)
            done += doubtful
            assert time.monotonic() - begun < 6
            time.sleep(0.2)
        time.sleep(1.5)
        with store.reading() as reader:
            assert now() - reader.consistent_through() < CONSISTENCY_BOUND
        assert len(done) > 10 * ROUNDS
        assert check(store, done) >= sum(len(batch.ids) for batch in done)
        store.close()


@pytest.mark.timeout(120)
def test_a_killed_server_keeps_what_it_acknowledged() -> None:
    """A lone `mongod` killed under load starts again with every acknowledged write, each whole."""
    with mongod.replica_set() as replicas:
        store = MongoStore(replicas.address("jejak"), STATEMENT_KEYS)
        done: list[Batch] = []
        raised: list[BaseException] = []
        stop = threading.Event()

        def say(step: str, batch: Batch) -> None:
            if step == "done":
                done.append(batch)

        writing = threading.Thread(target=lambda: raised.extend(write(store, say, stop)))
        writing.start()
        for _ in range(3):
            time.sleep(0.7)
            before = len(done)
            replicas.members[0].kill()
            replicas.members[0].start()
            end = time.monotonic() + 30
            while len(done) <= before + 2 * THREADS:
                assert time.monotonic() < end, "the service did not come back"
                time.sleep(0.05)
        stop.set()
        writing.join()
        assert {type(error) for error in raised} <= {UnavailableError}
        assert check(store, done) >= sum(len(batch.ids) for batch in done)
        store.close()

"""The primary of a replica set of three is killed under load."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

import pytest

from lrs.store.errors import StoreError, UnavailableError
from lrs.store.log import LogQuery
from lrs.store.mongo.store import MongoStore
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.faults.load import TENANT, Batch, check, write

KILLS = 2
RECOVERY_SECONDS = 30


@dataclass
class Puller:
    """Follows the log by `since` = the last promise, as an outside system would."""

    store: MongoStore
    seen: list[str] = field(default_factory=list)
    raised: list[BaseException] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        """Pull until `stop`, and then once more to the end."""
        through = 0
        final = False
        while not final:
            final = stop.is_set()
            try:
                with self.store.reading() as reader:
                    promise = reader.consistent_through()
                    page = reader.find(
                        LogQuery(
                            TENANT,
                            since=through,
                            until=promise,
                            ascending=True,
                            limit=100_000,
                            include_hidden=True,
                        )
                    )
            except UnavailableError:
                final = False
            except StoreError as error:
                self.raised.append(error)
                return
            else:
                self.seen += [record.id for record in page]
                through = max(through, promise)
            time.sleep(0.02)


@pytest.mark.timeout(240)
def test_a_dead_primary_loses_nothing_acknowledged() -> None:
    """Writers hear UnavailableError in seconds, go on by themselves, and find all that was acknowledged.

    A puller that follows the promise sees every record exactly once, through all of it.
    """
    with mongod.replica_set(3) as replicas:
        store = MongoStore(replicas.address("jejak"), STATEMENT_KEYS)
        done: list[Batch] = []
        moments: list[float] = []
        stop = threading.Event()
        raised: list[BaseException] = []

        def say(step: str, batch: Batch) -> None:
            if step == "done":
                done.append(batch)
                moments.append(time.monotonic())

        puller = Puller(store)
        stop_pulling = threading.Event()
        pulling = threading.Thread(target=puller.run, args=(stop_pulling,))
        pulling.start()
        writing = threading.Thread(target=lambda: raised.extend(write(store, say, stop)))
        writing.start()
        try:
            for _ in range(KILLS):
                time.sleep(1)
                victim = replicas.primary()
                killed = time.monotonic()
                victim.kill()
                while moments[-1] < killed + 1:
                    assert time.monotonic() - killed < RECOVERY_SECONDS, "the service did not come back"
                    time.sleep(0.05)
                time.sleep(1)
                victim.start()
                replicas.caught_up()
        finally:
            stop.set()
            writing.join()
            time.sleep(0.5)
            stop_pulling.set()
            pulling.join()
        assert {type(error) for error in raised} <= {UnavailableError}
        assert check(store, done) > 0
        assert puller.raised == []
        with store.reading() as reader:
            stored = [
                record.id for record in reader.find(LogQuery(TENANT, limit=1_000_000, include_hidden=True))
            ]
        assert len(puller.seen) == len(set(puller.seen))
        assert set(puller.seen) == set(stored)
        store.close()


@pytest.mark.timeout(120)
def test_without_a_majority_calls_end_in_seconds() -> None:
    """With one member left of three, reads and writes say UnavailableError soon, and work again later."""
    with mongod.replica_set(3) as replicas:
        store = MongoStore(replicas.address("jejak"), STATEMENT_KEYS)
        down = [member for member in replicas.members if member is not replicas.primary()]
        down.append(replicas.primary())
        for member in down[1:]:
            member.kill()
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            store.writing(lambda writer: writer.get(TENANT, []))
        assert time.monotonic() - begun < 15
        for member in down[1:]:
            member.start()
        replicas.caught_up()
        end = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                store.writing(lambda writer: writer.get(TENANT, []))
                break
            except UnavailableError:
                assert time.monotonic() < end
        store.close()


@pytest.mark.timeout(120)
def test_without_a_majority_pages_of_a_loop_end_in_seconds() -> None:
    """A loop that awaits a page is told UnavailableError soon, is not blocked, and reads again later."""

    async def scenario(replicas: mongod.ReplicaSet, store: MongoStore) -> None:
        find = LogQuery(TENANT, [], limit=5)
        assert (await store.page(find))[0].body == b""
        primary = replicas.primary()
        down = [next(member for member in replicas.members if member is not primary), primary]
        for member in down:
            member.kill()
        begun = time.monotonic()
        pages = asyncio.gather(*(store.page(find) for _ in range(10)), return_exceptions=True)
        longest = 0.0
        while not pages.done():
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)
        assert {type(each) for each in await pages} == {UnavailableError}
        assert time.monotonic() - begun < 15
        assert longest < 1
        for member in down:
            member.start()
        await asyncio.to_thread(replicas.caught_up)
        end = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                assert (await store.page(find))[0].body == b""
                break
            except UnavailableError:
                assert time.monotonic() < end
        await asyncio.to_thread(store.close)

    with mongod.replica_set(3) as replicas:
        asyncio.run(scenario(replicas, MongoStore(replicas.address("jejak"), STATEMENT_KEYS)))

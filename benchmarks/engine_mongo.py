"""`python -m benchmarks.engine_mongo`: the MongoDB engine alone, beside the bare driver on the same server.

Prints one JSON object: statements per second in batches of 50 (8 threads) and one by one (32 threads),
pages of 25 per second (8 threads) by one key, by two, and far from the end, and bytes per statement.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
from pymongo import MongoClient, WriteConcern

from benchmarks.corpus import Corpus
from lrs.store.log import LogQuery, Position, Record
from lrs.store.mongo.codec import encode_record
from lrs.store.mongo.store import MongoStore
from lrs.store.port import Writer
from lrs.store.writes import WriteHints
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.mongod import replica_set

BATCH = 50
WRITERS = 8
SINGLES = 32
READERS = 8
PEOPLE, ACTIVITIES, VERBS = 2000, 300, 10
TENANT = "bkn"


class Source:
    """Records of about 1 KB with 10 keys each; one per thread."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        corpus = Corpus(seed=seed)
        self._bodies = [orjson.dumps(corpus.statement()) for _ in range(200)]

    def record(self) -> Record:
        """A record without its stamp."""
        dice = self._dice
        agent, activity = dice.randrange(PEOPLE), dice.randrange(ACTIVITIES)
        keys = {
            f"a\x1faccount\x1fhttps://lms.example.go.id\x1fuser-{agent}",
            f"A\x1faccount\x1fhttps://lms.example.go.id\x1fuser-{agent}",
            f"A\x1faccount\x1fhttps://lms.example.go.id\x1fteacher-{activity % 50}",
            f"v\x1fhttp://adlnet.gov/expapi/verbs/verb-{dice.randrange(VERBS)}",
            f"o\x1fhttps://lms.example.go.id/course/view.php?id={activity}",
            f"O\x1fhttps://lms.example.go.id/course/view.php?id={activity}",
            "O\x1fhttps://lms.example.go.id",
            f"r\x1f{uuid.UUID(int=dice.randrange(5000))}",
        }
        body = self._bodies[dice.randrange(len(self._bodies))]
        return Record(
            TENANT, str(uuid.UUID(int=dice.getrandbits(128))), 0, body, b"d" * 16, (frozenset(keys),)
        )


def rate(threads: int, seconds: float, make: Callable[[int], Callable[[], int]]) -> float:
    """What `threads` threads get done per second; `make` gives each its step."""
    steps = [make(n) for n in range(threads)]
    done = [0] * threads
    start = threading.Barrier(threads + 1)
    end = [0.0]

    def run(n: int) -> None:
        start.wait()
        while time.perf_counter() < end[0]:
            done[n] += steps[n]()

    workers = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    begun = time.perf_counter()
    end[0] = begun + seconds
    start.wait()
    for worker in workers:
        worker.join()
    return sum(done) / (time.perf_counter() - begun)


def raw_inserts(address: str, size: int, seed: int) -> Callable[[int], Callable[[], int]]:
    """Bare `insert_many` of what the engine would insert, majority and journal."""
    client: MongoClient[dict[str, Any]] = MongoClient(address)
    table = client.get_default_database().get_collection(
        "raw", write_concern=WriteConcern("majority", j=True)
    )
    table.create_index([("k", 1), ("s", 1)])

    def make(n: int) -> Callable[[], int]:
        source = Source(seed + n)

        def step() -> int:
            now = time.time_ns() // 1000
            table.insert_many(
                [encode_record(STATEMENT_KEYS, replace(source.record(), stored=now), {}) for _ in range(size)]
            )
            return size

        return step

    return make


def writes(store: MongoStore, size: int, seed: int) -> Callable[[int], Callable[[], int]]:
    """Durable writes of `size` records through the engine, as ingest makes them."""

    def make(n: int) -> Callable[[], int]:
        source = Source(seed + n)

        def step() -> int:
            drafts = [source.record() for _ in range(size)]
            ids = [draft.id for draft in drafts]

            def work(writer: Writer) -> int:
                if writer.get(TENANT, ids):
                    return 0
                writer.documents("awaited", TENANT, ids)
                first = writer.stamp(size)
                writer.append([replace(draft, stored=first + at) for at, draft in enumerate(drafts)])
                return size

            return store.writing(work, WriteHints(prefetch=[(TENANT, id) for id in ids]))

        return step

    return make


def pages(
    store: MongoStore, choose: Callable[[random.Random], list[str]], after: Position | None = None
) -> Callable[[int], Callable[[], int]]:
    """Pages of 25 by the keys that `choose` names."""

    def make(n: int) -> Callable[[], int]:
        dice = random.Random(n)

        def step() -> int:
            with store.reading() as reader:
                reader.find(LogQuery(TENANT, choose(dice), after=after, limit=25))
                reader.consistent_through()
            return 1

        return step

    return make


def _agent(dice: random.Random) -> list[str]:
    return [f"a\x1faccount\x1fhttps://lms.example.go.id\x1fuser-{dice.randrange(PEOPLE)}"]


def _verb(dice: random.Random) -> list[str]:
    return [f"v\x1fhttp://adlnet.gov/expapi/verbs/verb-{dice.randrange(VERBS)}"]


def measure(seconds: float) -> dict[str, Any]:
    """All figures, on a server of their own."""
    with replica_set() as replicas:
        address = replicas.address("bench")
        store = MongoStore(address, STATEMENT_KEYS)
        figures: dict[str, Any] = {
            "raw_batches": rate(WRITERS, seconds, raw_inserts(replicas.address("raw"), BATCH, 100)),
            "batches": rate(WRITERS, seconds, writes(store, BATCH, 1000)),
            "raw_singles": rate(SINGLES, seconds, raw_inserts(replicas.address("raw"), 1, 200)),
            "singles": rate(SINGLES, seconds, writes(store, 1, 2000)),
        }
        figures["batches_ratio"] = figures["batches"] / figures["raw_batches"]
        figures["singles_ratio"] = figures["singles"] / figures["raw_singles"]
        with store.reading() as reader:
            far = reader.find(LogQuery(TENANT, limit=5000))[-1]
        figures["pages_by_agent"] = rate(READERS, seconds, pages(store, _agent))
        figures["pages_by_agent_and_verb"] = rate(
            READERS, seconds, pages(store, lambda dice: _agent(dice) + _verb(dice))
        )
        figures["pages_by_verb"] = rate(READERS, seconds, pages(store, _verb))
        figures["pages_far_away"] = rate(
            READERS, seconds, pages(store, lambda _: [], Position(far.stored, far.id))
        )
        store.close()
        with replicas.client() as client:
            client.admin.command("fsync")
            told = client["bench"].command("collStats", "log")
        count = told["count"]
        figures["statements"] = count
        figures["json_bytes_per_statement"] = len(Source(1).record().body)
        figures["data_bytes_per_statement"] = told["storageSize"] / count
        figures["index_bytes_per_statement"] = {k: v / count for k, v in told["indexSizes"].items()}
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in figures.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds for each figure")
    print(json.dumps(measure(parser.parse_args().seconds), indent=1))

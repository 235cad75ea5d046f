"""`python -m benchmarks.queue`: server time of a verifier's queue, while the store behind it grows.

A course of 200 learners has 1,000 entries that wait. The store is filled with other statements up to each
size in turn, and the queue's first page is worked out again and again: found, read and put beside its hints,
as the page does it. Told for each size: milliseconds of the middle and of the slowest of a hundred, and of
the processor's time in this process, which says most on a busy machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from benchmarks.engine_load import TENANT, Source, stamped
from jejak.clock import new_id, now
from lrs.records.learning_record import LearningRecord
from lrs.store.log import Record
from lrs.store.open import open_store
from lrs.store.port import Store, Writer
from lrs.xapi.ingest import Ingest
from lrs.xapi.statement_keys import STATEMENT_KEYS
from lti_tool.accounts import account_key, agent
from lti_tool.services.emitter import Emitter
from statements.profile.build import activity_statement
from statements.profile.shipped import shipped

ISSUER = "https://lms.example.go.id"
LEARNERS, WAITING, PAGE = 200, 1_000, 50
BATCH = 500


def course(store: Store) -> LearningRecord:
    """A learning record in which the course's entries wait."""
    record = LearningRecord.over(store, now, new_id)
    emitter = Emitter(Ingest(store, now, new_id))
    table, first = shipped(), date(2026, 1, 5)
    for start in range(0, WAITING, 100):
        sent = [
            activity_statement(
                table,
                id=str(uuid.uuid4()),
                form="coaching",
                actor=agent(ISSUER, f"learner{n % LEARNERS}", f"Pegawai {n % LEARNERS}"),
                title=f"Pendampingan nomor {n}",
                end=first + timedelta(days=n // 5),
                sessions=1,
                mentor=agent(ISSUER, "teacher", "Ibu Guru"),
            )
            for n in range(start, start + 100)
        ]
        emitter.emit_all(TENANT, sent)
    while record.follower.run_once():
        pass
    return record


def filled(store: Store, source: Source, count: int) -> None:
    """Add so many other statements to the log."""
    while count > 0:
        drafts = [source.record() for _ in range(min(BATCH, count))]

        def work(writer: Writer, drafts: list[Record] = drafts) -> None:
            writer.append(stamped(drafts, writer.stamp(len(drafts))))

        store.writing(work)
        count -= len(drafts)


def page(record: LearningRecord) -> int:
    """Work out the first page; how many entries stand on it."""
    keys = [account_key(ISSUER, f"learner{n}") for n in range(LEARNERS)]
    found = record.people.personas_of(TENANT, keys)
    owners = {persona for several in found.values() for persona in several}
    queue = record.waiting.queue(TENANT, owners=owners, late=now(), limit=PAGE)
    entries = record.records.entries_by_id(TENANT, [one.entry_id for one in queue.found])
    shown = [(one, entries[one.entry_id]) for one in queue.found]
    record.people.persons(TENANT, {entry.person for _, entry in shown})
    record.records.reflections(TENANT, [entry for _, entry in shown], most_bytes=65_536)
    record.hints.about(TENANT, shown)
    return len(shown)


def measure(address: str, sizes: list[int], seconds: float) -> dict[str, Any]:
    """The figures of one engine, by size."""
    store = open_store(address, STATEMENT_KEYS)
    try:
        record, source, held = course(store), Source(5), 0
        figures: dict[str, Any] = {}
        for size in sizes:
            filled(store, source, size - held)
            held = size
            assert page(record) == PAGE
            took: list[float] = []
            busy: list[float] = []
            end = time.monotonic() + seconds
            while time.monotonic() < end or len(took) < 10:
                begun, at_work = time.perf_counter(), time.thread_time()
                page(record)
                busy.append(1000 * (time.thread_time() - at_work))
                took.append(1000 * (time.perf_counter() - begun))
            took.sort()
            slowest = took[min(len(took) - 1, round(0.99 * len(took)))]
            figures[str(size)] = {
                "ms": round(statistics.median(took), 1),
                "ms_99": round(slowest, 1),
                "cpu_ms": round(statistics.median(busy), 1),
            }
        return figures
    finally:
        store.close()


@contextlib.contextmanager
def _address(engine: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="jejak-bench-") as folder:
        if engine == "sqlite":
            yield f"sqlite:///{folder}/jejak.db"
            return
        from tests.mongod import replica_set

        with replica_set() as replicas:
            yield replicas.address("queue")


def main() -> None:
    """Measure one engine and print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue", description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "mongo"], default="sqlite")
    parser.add_argument("--sizes", default="10000", help="statements in the store, such as 10000,1000000")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds for each size (default 5)")
    given = parser.parse_args()
    sizes = sorted({int(part) for part in given.sizes.split(",")})
    with _address(given.engine) as address:
        print(json.dumps({"engine": given.engine, "sizes": measure(address, sizes, given.seconds)}))


if __name__ == "__main__":
    main()

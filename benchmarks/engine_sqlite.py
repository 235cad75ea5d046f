"""`python -m benchmarks.engine_sqlite`: the SQLite engine alone, beside sqlite3 doing the same inserts.

Prints one JSON object: records per second in batches of 50 (raw; engine, 8 threads) and one by one (32
threads), pages of 25 per second (8 and 32 threads) by several questions, and bytes per record.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import engine_load as load
from lrs.store.log import LogQuery, Position, Record
from lrs.store.sqlite.store import SqliteStore
from lrs.xapi.statement_keys import STATEMENT_KEYS

BATCH = 50
ROUNDS = 3


def raw(path: Path, seconds: float) -> float:
    """Records per second that sqlite3 inserts into a bare file with the same keys, by `executemany`.

    Keys are numbers here from the start and nothing is looked up; only the statements are timed.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE IF NOT EXISTS log (stored INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
        " digest BLOB NOT NULL, body BLOB NOT NULL);"
        "CREATE TABLE IF NOT EXISTS key (term INTEGER, stored INTEGER, PRIMARY KEY (term, stored))"
        " WITHOUT ROWID;"
    )
    dice = random.Random(next(load.seeds))
    source = load.Source(next(load.seeds))
    terms: dict[str, int] = {}
    stored = time.time_ns() // 1000
    done = 0
    spent = 0.0
    while spent < seconds:
        records = [source.record() for _ in range(BATCH)]
        stored += BATCH
        log = [(stored + n, dice.randbytes(16), r.digest, r.body) for n, r in enumerate(records)]
        keys = [
            (terms.setdefault(key, len(terms) + 2), row[0])
            for row, record in zip(log, records, strict=True)
            for key in record.views[0]
        ]
        keys += [(1, row[0]) for row in log]
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", log)
        connection.executemany("INSERT INTO key VALUES (?, ?)", keys)
        connection.execute("COMMIT")
        spent += time.perf_counter() - begun
        done += BATCH
    connection.close()
    return done / spent


def writes(store: SqliteStore, threads: int, size: int, seconds: float) -> float:
    """Records per second through the engine."""
    enough = int(30_000 * seconds / size / threads) + 50
    steps = [
        load.writing(store, iter(load.Source(next(load.seeds)).batches(size, enough))) for _ in range(threads)
    ]
    return load.rate(steps, seconds)


QUESTIONS = {
    "agent": load.agent,
    "agent_and_verb": load.agent_and_verb,
    "activity": load.activity,
    "activity_and_verb": load.activity_and_verb,
    "newest": load.everything,
}


def reads(store: SqliteStore, threads: int, seconds: float) -> dict[str, float]:
    """Pages per second by each question, and far from the first page."""
    figures = {}
    with store.reading() as reader:
        oldest = reader.find(LogQuery(load.TENANT, ascending=True, limit=1))[0]
    far = Position(oldest.stored + 60, oldest.id)
    for name, choose in QUESTIONS.items():
        steps = [load.reading(store, choose, seed) for seed in range(threads)]
        figures[f"pages_{name}_{threads}"] = load.rate(steps, seconds)
    steps = [load.reading(store, load.everything, seed, far) for seed in range(threads)]
    figures[f"pages_far_away_{threads}"] = load.rate(steps, seconds)
    return figures


def fill(store: SqliteStore, count: int) -> None:
    """Add records up to a number, quickly."""
    source = load.Source(next(load.seeds))
    batch: list[Record] = []
    while count > 0:
        batch = [source.record() for _ in range(min(500, count))]
        load.writing(store, iter([batch]))()
        count -= len(batch)


def body_bytes(store: SqliteStore) -> int:
    """Bytes of all bodies as they came; the file has them shorter."""
    total = 0
    after: Position | None = None
    while True:
        with store.reading() as reader:
            page = reader.find(LogQuery(None, after=after, ascending=True, limit=500))
        if not page:
            return total
        total += sum(len(record.body) for record in page)
        after = Position(page[-1].stored, page[-1].id)


def measure(folder: Path, seconds: float, size: int) -> dict[str, Any]:
    """All figures; raw and engine take turns, and the best round of each counts."""
    path = folder / "engine.db"
    store = SqliteStore(str(path), STATEMENT_KEYS)
    fill(store, size)
    figures: dict[str, Any] = {"records_before": size}
    names = ("raw_batches", "batches_8", "batches_1", "singles_32")
    best = dict.fromkeys(names, 0.0)
    for _ in range(ROUNDS):
        each = seconds / ROUNDS
        got = (
            raw(folder / "raw.db", each),
            writes(store, 8, BATCH, each),
            writes(store, 1, BATCH, each),
            writes(store, 32, 1, each),
        )
        best = {name: max(best[name], value) for name, value in zip(names, got, strict=True)}
    figures |= best
    figures["batches_ratio"] = best["batches_8"] / best["raw_batches"]
    figures |= reads(store, 8, seconds / ROUNDS) | reads(store, 32, seconds / ROUNDS)
    bodies = body_bytes(store)
    store.close()
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM log").fetchone()
        sizes = connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
    connection.close()
    figures["records"] = count
    figures["bytes_per_record"] = {"json": bodies / count} | {name: total / count for name, total in sizes}
    figures["disk_ratio"] = path.stat().st_size / bodies
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine_sqlite", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds for each figure (default 3)")
    parser.add_argument("--size", type=int, default=0, help="records in the store before (default none)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jejak-bench-") as folder:
        figures = measure(Path(folder), options.seconds, options.size)
    print(json.dumps(figures, indent=1, default=str))


if __name__ == "__main__":
    main()

"""The yardstick for writes: the bare database doing the same inserts, nothing checked, nothing parsed."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path
from typing import Any

from benchmarks.corpus import Corpus

KEYS = 8
BATCH = 50


def prepared(count: int) -> list[tuple[str, bytes]]:
    """(id, body) of `count` statements."""
    import orjson

    corpus = Corpus(seed=99)
    return [(s["id"], orjson.dumps(s)) for s in (corpus.statement() for _ in range(count))]


def sqlite_batches(folder: Path, seconds: float) -> float:
    """Statements per second in batches of 50 into a bare SQLite file with 8 index keys each."""
    rows = prepared(BATCH * 40)
    dice = random.Random(3)
    for name in ("raw.db", "raw.db-wal", "raw.db-shm"):
        (folder / name).unlink(missing_ok=True)
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE log(stored INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, body BLOB NOT NULL);"
        "CREATE TABLE key(term INTEGER, stored INTEGER, PRIMARY KEY(term, stored)) WITHOUT ROWID;"
    )
    stored = 1_790_000_000_000_000
    done = 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        chosen = [rows[dice.randrange(len(rows))][1] for _ in range(BATCH)]
        log = [(stored + n, dice.randbytes(16), body) for n, body in enumerate(chosen)]
        keys = [(dice.randrange(4000) * KEYS + k, row[0]) for row in log for k in range(KEYS)]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO log VALUES(?,?,?)", log)
        connection.executemany("INSERT INTO key VALUES(?,?)", keys)
        connection.execute("COMMIT")
        stored += BATCH
        done += BATCH
    elapsed = time.perf_counter() - begun
    connection.close()
    return done / elapsed


def mongo_batches(uri: str, seconds: float) -> float:
    """Statements per second by `insert_many` of 50, majority and journal, the same 8 keys each."""
    from bson.binary import Binary
    from pymongo import MongoClient, WriteConcern

    rows = prepared(BATCH * 40)
    dice = random.Random(3)
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    database = client.get_default_database()
    log = database.get_collection("raw", write_concern=WriteConcern(w="majority", j=True))
    log.drop()
    log.create_index([("k", 1), ("stored", 1)])
    stored = 1_790_000_000_000_000
    done = 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        log.insert_many(
            [
                {
                    "_id": Binary(dice.randbytes(16)),
                    "stored": stored + n,
                    "body": rows[dice.randrange(len(rows))][1],
                    "k": [dice.randrange(4000) * KEYS + k for k in range(KEYS)],
                }
                for n in range(BATCH)
            ]
        )
        stored += BATCH
        done += BATCH
    elapsed = time.perf_counter() - begun
    log.drop()
    client.close()
    return done / elapsed

"""How much disk a store takes, beside the bytes of the JSON that it returns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson


def store_bytes(engine: str, store: str) -> int:
    """Bytes on disk of all that the store keeps, indexes and derived records included."""
    return sqlite_bytes(Path(store.removeprefix("sqlite:///"))) if engine == "sqlite" else mongo_bytes(store)


def sqlite_bytes(path: Path) -> int:
    """The database and its write-ahead log after a checkpoint, and the folder of files beside it."""
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        beside = [file for file in Path(f"{path}.d").rglob("*") if file.is_file()]
        return sum(file.stat().st_size for file in [path, Path(f"{path}-wal"), *beside] if file.exists())


def mongo_bytes(uri: str) -> int:
    """What the database's collections and indexes take in their files, after a checkpoint.

    Without the server's own journal and oplog, whose sizes are settings of the server.
    """
    from pymongo import MongoClient

    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    with closing(client):
        client.admin.command("fsync")
        told = client.get_default_database().command("dbStats")
        return int(told["storageSize"]) + int(told["indexSize"])


def mean_statement_bytes(pages: Iterable[bytes]) -> float:
    """Mean bytes of a statement as returned: what answers hold between their brackets, less the commas."""
    total = count = 0
    for page in pages:
        statements = len(orjson.loads(page)["statements"])
        start = page.index(b"[", page.index(b'"statements"'))
        total += page.rindex(b"]") - start - 1 - max(0, statements - 1)
        count += statements
    if not count:
        raise ValueError("no statements in the answers")
    return total / count

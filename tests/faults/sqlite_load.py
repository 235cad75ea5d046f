"""A process that writes to a SQLite store as fast as it can and tells what was acknowledged.

    python -m tests.faults.sqlite_load PATH THREADS

Each line on standard output names one acknowledged write: its kind and a token. Every write of a token
leaves several traces that must stand or fall together; `tests.faults.test_sqlite_kill` looks for them.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import sys
import threading
import uuid

from lrs.store.documents import Document
from lrs.store.log import LogQuery
from lrs.store.port import Writer
from lrs.store.sqlite.store import SqliteStore
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.contract.make import draft, stamped

TENANT = "bkn"
BATCH = 20
KINDS = ("single", "batch", "void", "blob")


def count(writer: Writer) -> None:
    """Add one to the number of writes, in the write itself."""
    held = writer.document("counter", TENANT, "writes")
    number = int(held.body) + 1 if held else 1
    writer.put(Document("counter", TENANT, "writes", str(number).encode(), keys=frozenset({f"n{number}"})))


def blob(token: str) -> tuple[str, bytes]:
    """The name and the bytes of a token's blob."""
    data = token.encode() * 3000
    return hashlib.sha256(data).hexdigest(), data


def write(store: SqliteStore, kind: str, token: str) -> None:
    """One write of that kind."""
    if kind == "blob":
        name, data = blob(token)
        store.blobs.put(name, io.BytesIO(data), len(data))

    def work(writer: Writer) -> None:
        size = BATCH if kind == "batch" else 1
        records = stamped(writer, [draft(kind, token, body=b"x" * 800, tenant=TENANT) for _ in range(size)])
        writer.append(records)
        if kind == "void":
            for record in writer.find(LogQuery(TENANT, ["single"], limit=1)):
                writer.hide(TENANT, [record.id])
                writer.put(Document("voided", TENANT, token, record.id.encode(), keys=frozenset({record.id})))
        writer.put(Document("token", TENANT, token, kind.encode(), keys=frozenset({kind})))
        count(writer)

    store.writing(work)


def main(path: str, threads: int) -> None:
    """Write until killed."""
    store = SqliteStore(path, STATEMENT_KEYS)

    def run() -> None:
        while True:
            kind = random.choice(KINDS)
            token = str(uuid.uuid4())
            write(store, kind, token)
            os.write(1, f"{kind} {token}\n".encode())

    for _ in range(threads):
        threading.Thread(target=run, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""The tables of the SQLite engine, and how an older file becomes a newer one.

A migration is a few statements that change the catalogue only (new tables, columns or indexes of new
tables) and so cost the same on an empty file and on a huge one. Work over existing rows is its
`backfill`: slices that run between ordinary writes after the store is open, each in a transaction
with its own place mark, so that it may be interrupted anywhere and nothing waits for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lrs.store.errors import StoreError, TooNewError
from lrs.store.index_keys import IndexKeys
from lrs.store.read_bounds import STEPS, is_over
from lrs.store.sqlite.errors import from_driver, run, run_one
from lrs.store.sqlite.index_rows import pair_up

APPLICATION_ID = 0x4A454A4B
"""Marks the file as ours ("JEJK")."""

PAGE_BYTES = 4_096
"""Page size of new files; older ones keep theirs. Keys come to pages all over the file: with 8,192 bytes
twice as much was logged and copied for each of them, and a large file took in a fifth less."""

BUSY_MILLISECONDS = 5_000
"""How long to wait for a lock that a foreign program holds on the file."""

Slice = Callable[[sqlite3.Connection, IndexKeys, int], int | None]
"""Brings some rows up to date, beginning at a place (0: the newest); returns the next place, or None at the
end. It goes backwards in time, for what comes in meanwhile is up to date: no load keeps it from its end."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from the schema version before it to its own `number`."""

    number: int
    name: str
    statements: tuple[str, ...]
    backfill: Slice | None = None


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        "log, documents",
        (
            # Texts of keys, tenants and document keys, each kept once. `hash` is a CRC-32 of the text:
            # its index is a tenth of an index over the texts; equal hashes are told apart by `text`.
            "CREATE TABLE term (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL)",
            "CREATE INDEX term_hash ON term (hash)",
            # `terms` holds the views as term ids; `body` is last so that the rest is read without it.
            """CREATE TABLE log (
                stored INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, id BLOB NOT NULL,
                hidden INTEGER NOT NULL, digest BLOB NOT NULL, terms BLOB NOT NULL, body BLOB NOT NULL)""",
            "CREATE UNIQUE INDEX log_id ON log (tenant, id)",
            # What records are found by, see `index_rows`; called log_index since migration 4.
            """CREATE TABLE log_key (term INTEGER, stored INTEGER, view INTEGER,
                PRIMARY KEY (term, stored, view)) WITHOUT ROWID""",
            """CREATE TABLE document (
                number INTEGER PRIMARY KEY, kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,
                place TEXT NOT NULL, updated INTEGER NOT NULL, etag TEXT NOT NULL,
                content_type TEXT NOT NULL, keys TEXT NOT NULL, body BLOB NOT NULL)""",
            "CREATE UNIQUE INDEX document_name ON document (kind, scope, name)",
            "CREATE INDEX document_place ON document (kind, scope, place, name)",
            """CREATE TABLE document_key (
                term INTEGER, scope TEXT, place TEXT, name TEXT, number INTEGER NOT NULL,
                PRIMARY KEY (term, scope, place, name)) WITHOUT ROWID""",
            # Changed to make a commit of its own; see `watermarks`.
            "CREATE TABLE settled (number INTEGER PRIMARY KEY, times INTEGER NOT NULL)",
            "INSERT INTO settled VALUES (1, 0)",
            "CREATE TABLE backfill (migration INTEGER PRIMARY KEY, place INTEGER NOT NULL)",
        ),
    ),
    Migration(
        2,
        "phrases",
        (
            # What the bodies of a tenant have in common, see `body_dictionary`. Rows from before have form 0.
            """CREATE TABLE phrase (tenant TEXT, number INTEGER, text BLOB NOT NULL,
                PRIMARY KEY (tenant, number)) WITHOUT ROWID""",
            "ALTER TABLE log ADD COLUMN form INTEGER NOT NULL DEFAULT 0",
        ),
    ),
    Migration(
        3,
        "facets",
        (
            # The facet of the row's view, so that a key and a facet are one walk: a term, 0 when the view has
            # none. NULL when it has several, and in rows from before: then the facet is looked up.
            "ALTER TABLE log_key ADD COLUMN facet INTEGER",
        ),
    ),
    Migration(
        4,
        "pairs of leads and facets",
        # A program that knows nothing of this can neither read nor write the table under its new name.
        ("ALTER TABLE log_key RENAME TO log_index",),
        backfill=pair_up,
    ),
)


def connect(path: str, *, cache_kib: int, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection in the engine's mode: write-ahead log, every commit on the disk."""
    try:
        connection = sqlite3.connect(
            path,
            timeout=BUSY_MILLISECONDS / 1000,
            isolation_level=None,
            check_same_thread=False,  # handed from thread to thread, used by one at a time
            cached_statements=256,
        )
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute(f"PRAGMA cache_size = -{cache_kib}")
            if read_only:
                connection.execute("PRAGMA query_only = ON")
                connection.set_progress_handler(is_over, STEPS)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise from_driver(error) from error
    return connection


def upgrade(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the file to the newest schema; TooNewError when it is ahead of this program.

    Safe to call from several processes at once: each step is one transaction that looks again.
    """
    latest = migrations[-1].number
    _check(connection, latest)
    for migration in migrations:
        if _version(connection) >= migration.number:
            continue
        run(connection, "BEGIN IMMEDIATE")
        try:
            _check(connection, latest)
            if _version(connection) < migration.number:
                for statement in migration.statements:
                    run(connection, statement)
                if migration.backfill is not None:
                    run(connection, "INSERT INTO backfill VALUES (?, 0)", (migration.number,))
                run(connection, f"PRAGMA application_id = {APPLICATION_ID}")
                run(connection, f"PRAGMA user_version = {migration.number}")
            run(connection, "COMMIT")
        except BaseException:
            if connection.in_transaction:
                run(connection, "ROLLBACK")
            raise


def _version(connection: sqlite3.Connection) -> int:
    version: int = run_one(connection, "PRAGMA user_version")[0]
    return version


def _check(connection: sqlite3.Connection, latest: int) -> None:
    version = _version(connection)
    if version == 0 and run(connection, "SELECT 1 FROM sqlite_schema LIMIT 1"):
        raise StoreError("the file is a database of another program")
    if version > 0 and run_one(connection, "PRAGMA application_id")[0] != APPLICATION_ID:
        raise StoreError("the file is a database of another program")
    if version > latest:
        raise TooNewError(f"the file has schema {version}; this program knows up to {latest}")


def backfill_slice(
    connection: sqlite3.Connection, index_keys: IndexKeys, migrations: Sequence[Migration] = MIGRATIONS
) -> bool:
    """Run the next slice of the oldest unfinished backfill, inside the caller's transaction.

    False when there was nothing left to do.
    """
    waiting = run(connection, "SELECT migration, place FROM backfill ORDER BY migration LIMIT 1")
    if not waiting:
        return False
    number, place = waiting[0]
    if number > migrations[-1].number:
        return False  # that of a newer program, which does it itself
    backfill = next(each.backfill for each in migrations if each.number == number)
    after = backfill(connection, index_keys, place) if backfill else None
    if after is None:
        run(connection, "DELETE FROM backfill WHERE migration = ?", (number,))
    else:
        run(connection, "UPDATE backfill SET place = ? WHERE migration = ?", (after, number))
    return True

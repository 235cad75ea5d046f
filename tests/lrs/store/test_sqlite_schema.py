"""How a SQLite file becomes a newer one, and which files are refused."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lrs.store.port import FACET, StoreError, TooNew
from lrs.store.sqlite import SqliteStore
from lrs.store.sqlite_schema import MIGRATIONS, Migration, backfill_slice, connect, upgrade
from tests.contract.make import add, draft


def version(path: Path) -> int:
    """The schema version that the file says it has."""
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def execute(path: Path, *statements: str) -> None:
    """Change the file behind the engine's back."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_migrations_are_numbered_without_gaps() -> None:
    """Each migration's number is one more than that of the one before."""
    assert [each.number for each in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    """A file of a later schema version is TooNew, and stays as it is."""
    path = tmp_path / "a.db"
    SqliteStore(str(path)).close()
    execute(path, "PRAGMA user_version = 1000")
    with pytest.raises(TooNew, match="1000"):
        SqliteStore(str(path))
    assert version(path) == 1000


def test_rows_from_before_facets_are_found_by_them(tmp_path: Path) -> None:
    """A file whose rows do not say which facet their view has answers as before, beside rows that do."""
    path = tmp_path / "a.db"
    verb = f"{FACET}erb"
    first = SqliteStore(str(path))
    early = add(first, draft("a", verb), draft("a", f"{FACET}other"), draft("a"), draft(verb))
    first.close()
    execute(path, "ALTER TABLE log_key DROP COLUMN facet", "PRAGMA user_version = 2")
    store = SqliteStore(str(path))
    late = add(store, draft("a", f"{FACET}other"), draft("a", verb))
    with store.reading() as reader:
        assert reader.find("bkn", ["a", verb], limit=9) == [late[1], early[0]]
        assert reader.find("bkn", ["a", verb], limit=9, ascending=True) == [early[0], late[1]]
    store.close()


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    """A database that another program made is not taken over, with or without a version of its own."""
    for number, statement in enumerate(["PRAGMA user_version = 1", "CREATE TABLE theirs (x)"]):
        path = tmp_path / f"{number}.db"
        execute(path, "CREATE TABLE data (x)", statement)
        with pytest.raises(StoreError, match="another program"):
            SqliteStore(str(path))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Opening some other file is an error of the store, not of the driver."""
    path = tmp_path / "a.db"
    path.write_bytes(b"not a database, just text that is long enough to be read as a header" * 20)
    with pytest.raises(StoreError):
        SqliteStore(str(path))


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Openings that race to make the file all succeed."""
    path = tmp_path / "deep" / "er" / "a.db"
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: SqliteStore(str(path)), range(6)))
    for store in stores:
        add(store, draft("k"))
    with stores[0].reading() as reader:
        assert len(reader.find("bkn", ["k"], limit=9)) == 6
    for store in stores:
        store.close()


def numbered(connection: sqlite3.Connection, place: int) -> int | None:
    """A backfill in slices of two rows."""
    rows = connection.execute("SELECT id FROM old WHERE id > ? ORDER BY id LIMIT 2", (place,)).fetchall()
    if not rows:
        return None
    connection.execute(
        "UPDATE old SET twice = id * 2, visits = visits + 1 WHERE id > ? AND id <= ?", (place, rows[-1][0])
    )
    return int(rows[-1][0])


FIRST = Migration(
    1,
    "a table",
    (
        "CREATE TABLE old (id INTEGER PRIMARY KEY, visits INTEGER DEFAULT 0)",
        "CREATE TABLE backfill (migration INTEGER PRIMARY KEY, place INTEGER NOT NULL)",
    ),
)
SECOND = Migration(2, "a column", ("ALTER TABLE old ADD COLUMN twice INTEGER",), numbered)
BROKEN = Migration(3, "half of it", ("CREATE TABLE half (x)", "CREATE TABLE half (x)"))


def test_an_older_file_is_brought_up_in_interruptible_slices(tmp_path: Path) -> None:
    """A backfill goes on where it stopped, touches each row once, and ends."""
    path = str(tmp_path / "a.db")
    connection = connect(path, cache_kib=100)
    upgrade(connection, [FIRST])
    connection.executemany("INSERT INTO old (id) VALUES (?)", [(n,) for n in range(1, 8)])
    upgrade(connection, [FIRST, SECOND])
    assert connection.execute("SELECT count(twice) FROM old").fetchone() == (0,), "opening does not rewrite"
    slices = 0
    while True:
        connection.close()
        connection = connect(path, cache_kib=100)
        upgrade(connection, [FIRST, SECOND])
        connection.execute("BEGIN IMMEDIATE")
        more = backfill_slice(connection, [FIRST, SECOND])
        slices += 1
        if slices % 2:
            connection.execute("ROLLBACK")
            continue
        connection.execute("COMMIT")
        if not more:
            break
    rows = connection.execute("SELECT id, twice, visits FROM old ORDER BY id").fetchall()
    connection.close()
    assert rows == [(n, 2 * n, 1) for n in range(1, 8)]


def test_a_failed_migration_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """A step is taken whole or not at all."""
    path = tmp_path / "a.db"
    connection = connect(str(path), cache_kib=100)
    upgrade(connection, [FIRST, SECOND])
    with pytest.raises(StoreError):
        upgrade(connection, [FIRST, SECOND, BROKEN])
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    connection.close()
    assert version(path) == 2
    assert "half" not in names


def test_every_commit_is_on_the_disk(tmp_path: Path) -> None:
    """The engine's connections use the write-ahead log and wait for the disk at each commit."""
    connection = connect(str(tmp_path / "a.db"), cache_kib=100)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()

"""How a SQLite file becomes a newer one, and which files are refused."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lrs.store.errors import FullError, StoreError, TooNewError
from lrs.store.index_keys import IndexKeys
from lrs.store.log import LogQuery
from lrs.store.pages import raw_page
from lrs.store.sqlite.interning import compound_key
from lrs.store.sqlite.schema import MIGRATIONS, Migration, backfill_slice, connect, upgrade
from lrs.store.sqlite.store import SqliteStore
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.contract.make import FACET, LEAD, add, draft
from tests.waiting import wait_until


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
    """A file of a later schema version is TooNewError, and stays as it is."""
    path = tmp_path / "a.db"
    SqliteStore(str(path), STATEMENT_KEYS).close()
    execute(path, "PRAGMA user_version = 1000")
    with pytest.raises(TooNewError, match="1000"):
        SqliteStore(str(path), STATEMENT_KEYS)
    assert version(path) == 1000


def test_rows_from_before_facets_are_found_by_them(tmp_path: Path) -> None:
    """A file whose rows do not say which facet their view has answers as before, beside rows that do."""
    path = tmp_path / "a.db"
    verb = f"{FACET}erb"
    first = SqliteStore(str(path), STATEMENT_KEYS)
    early = add(
        first, draft("b", verb), draft("b", f"{FACET}other"), draft("b"), *(draft(verb) for _ in range(9))
    )
    first.close()
    aged(path, 2)
    store = SqliteStore(str(path), STATEMENT_KEYS)
    late = add(store, draft("b", f"{FACET}other"), draft("b", verb))
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["b", verb], limit=9)) == [late[1], early[0]]
        assert reader.find(LogQuery("bkn", ["b", verb], limit=9, ascending=True)) == [early[0], late[1]]
    store.close()


def test_rows_from_before_pairs_get_them_beside_everything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older file answers by lead and facet before, during and after its rows get their pairs."""
    path = tmp_path / "a.db"
    leader, verb = f"{LEAD}one", f"{FACET}erb"
    kinds = [(leader, verb), (leader,), (f"{LEAD}two", verb), (leader, f"{LEAD}two", verb, f"{FACET}more")]
    first = SqliteStore(str(path), STATEMENT_KEYS)
    records = add(first, *(draft(*kinds[n % 4], tenant=f"t{n % 3}") for n in range(60)))
    first.close()
    complete = pairs_in(path)
    assert len(complete) == 15 + 15 + 4 * 15
    aged(path, 3)
    monkeypatch.setattr("lrs.store.sqlite.index_rows.FEW", 7)
    expected = [each for each in reversed(records) if each.tenant == "t1" and {leader, verb} <= each.views[0]]
    store = SqliteStore(str(path), STATEMENT_KEYS)
    deadline = time.monotonic() + 20
    is_complete = False
    while not is_complete:
        assert time.monotonic() < deadline
        is_complete = store._memory.has_pairs
        with store.reading() as reader:
            assert reader.find(LogQuery("t1", [leader, verb], limit=99)) == expected
    store.close()
    assert pairs_in(path) == complete


def test_a_backfill_ends_however_much_comes_in(tmp_path: Path) -> None:
    """It goes from the newest row to the oldest: what is added meanwhile is no part of it."""
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), STATEMENT_KEYS)
    leader, verb = f"{LEAD}one", f"{FACET}erb"
    add(store, *(draft(leader, verb) for _ in range(500)))
    store.close()
    aged(path, 3)
    connection = connect(str(path), cache_kib=100)
    upgrade(connection)
    slices = 0
    while backfill_slice(connection, STATEMENT_KEYS):
        slices += 1
        assert slices < 9
        connection.execute(
            "INSERT INTO log SELECT max(stored) + 1, tenant, randomblob(16), 0, digest, terms, body, form"
            " FROM log"
        )
    connection.close()
    assert slices == 4  # of 200, 200 and 100, and the one that finds nothing
    assert len(pairs_in(path)) == 500


def test_the_backfill_of_a_newer_program_is_left_to_it(tmp_path: Path) -> None:
    """A note of a migration that this program does not know stays, and nothing is waited for."""
    path = tmp_path / "a.db"
    SqliteStore(str(path), STATEMENT_KEYS).close()
    execute(path, "INSERT INTO backfill VALUES (1000, 7)")
    connection = connect(str(path), cache_kib=100)
    assert not backfill_slice(connection, STATEMENT_KEYS)
    assert connection.execute("SELECT * FROM backfill").fetchall() == [(1000, 7)]
    connection.close()


def test_a_slice_that_fails_is_tried_again_with_a_later_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that was full for a moment does not end a backfill, and does not keep it busy."""
    tries: list[int] = []

    def slice_(connection: sqlite3.Connection, index_keys: IndexKeys) -> bool:
        tries.append(len(tries))
        if tries[-1] == 1:
            raise FullError("no space is left")
        return tries[-1] < 3

    monkeypatch.setattr("lrs.store.sqlite.group_commit.backfill_slice", slice_)
    monkeypatch.setattr("lrs.store.sqlite.group_commit.BACKFILL_PAUSE", 0.5)
    store = SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS)
    deadline = time.monotonic() + 20
    while "no space is left" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    failed = time.monotonic()
    add(store, draft("k"))
    add(store, draft("k"))
    assert tries == [0, 1] or time.monotonic() > failed + 0.4
    time.sleep(0.5)
    memory = store._memory
    assert memory.has_pairs is False
    add(store, draft("k"))
    wait_until(lambda: memory.has_pairs, "the older records are done")
    store.close()
    assert tries == [0, 1, 2, 3]


def test_a_program_from_before_can_add_nothing_more(tmp_path: Path) -> None:
    """One that has the file open while it is brought up to date fails, where it would leave out rows."""
    path = tmp_path / "a.db"
    SqliteStore(str(path), STATEMENT_KEYS).close()
    aged(path, 3)
    early = sqlite3.connect(path)
    insertion = "INSERT INTO log_key VALUES (1, 2, 3, 4)"
    early.execute(insertion)
    early.rollback()
    SqliteStore(str(path), STATEMENT_KEYS).close()
    with pytest.raises(sqlite3.OperationalError, match="log_key"):
        early.execute(insertion)
    early.close()


def test_rows_of_wider_keys_from_before_find_a_record_once(tmp_path: Path) -> None:
    """A record that has a row for its wider key, too, as records once had, is on a page once."""
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), STATEMENT_KEYS)
    records = add(store, *(draft("a1", "A1", "b") for _ in range(5)), draft("A1"))
    terms = "SELECT id FROM term WHERE text GLOB '*A1'"
    narrower = "SELECT id FROM term WHERE text GLOB '*a1'"
    execute(
        path,
        f"INSERT INTO log_index SELECT ({terms}), stored, view, facet FROM log_index"
        f" WHERE term = ({narrower})",
    )
    with store.reading() as reader:
        for keys, found in ((["A1"], records[::-1]), (["A1", "b"], records[4::-1])):
            for limit in (1, 2, 9):
                assert reader.find(LogQuery("bkn", keys, limit=limit)) == found[:limit]
                assert reader.find_raw_page(LogQuery("bkn", keys, limit=limit)) == raw_page(found, limit)
    changed = {records[0].id: (frozenset({"b"}),)}
    store.writing(lambda writer: writer.reindex("bkn", changed))
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["A1"], limit=9)) == records[:0:-1]
    store.close()


def test_pairs_go_with_the_views_that_held_them(tmp_path: Path) -> None:
    """When the views of a record change, the rows of its former pairs are gone and the new ones are there."""
    path = tmp_path / "a.db"
    leader, verb = f"{LEAD}one", f"{FACET}erb"
    store = SqliteStore(str(path), STATEMENT_KEYS)
    one, two = add(store, draft(leader, verb), draft(f"{LEAD}two", verb))
    before = pairs_in(path)
    swapped = {one.id: two.views, two.id: one.views}
    store.writing(lambda writer: writer.reindex("bkn", swapped))
    assert [term for term, *_ in pairs_in(path)] == [term for term, *_ in before]
    assert {stored for _, stored, _ in pairs_in(path)} == {one.stored, two.stored}
    assert pairs_in(path) != before
    gone = {one.id: (frozenset({verb}),), two.id: (frozenset({leader}),)}
    store.writing(lambda writer: writer.reindex("bkn", gone))
    assert pairs_in(path) == []
    store.close()


def test_numbers_too_large_for_a_pair_have_none() -> None:
    """Pairs of different terms differ and are negative; beyond the bits of a row's term there is none."""
    largest = (2**39 - 1, 2**24 - 1)
    made = [compound_key(lead, facet) for lead in (1, 2, largest[0]) for facet in (1, 2, largest[1])]
    assert len(set(made)) == 9
    assert all(pair is not None and -(2**63) <= pair < 0 for pair in made)
    assert compound_key(2**39, 1) is None
    assert compound_key(1, 2**24) is None


def aged(path: Path, number: int) -> None:
    """Make the file one of an earlier schema."""
    execute(path, "ALTER TABLE log_index RENAME TO log_key", f"PRAGMA user_version = {number}")
    if number < 4:
        execute(path, "DELETE FROM log_key WHERE term < 0")
    if number < 3:
        execute(path, "ALTER TABLE log_key DROP COLUMN facet")


def pairs_in(path: Path) -> list[tuple[int, int, int]]:
    """The rows of pairs: term, stored and view."""
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT term, stored, view FROM log_index WHERE term < 0 ORDER BY term, stored, view"
    ).fetchall()
    connection.close()
    return rows


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    """A database that another program made is not taken over, with or without a version of its own."""
    for number, statement in enumerate(["PRAGMA user_version = 1", "CREATE TABLE theirs (x)"]):
        path = tmp_path / f"{number}.db"
        execute(path, "CREATE TABLE data (x)", statement)
        with pytest.raises(StoreError, match="another program"):
            SqliteStore(str(path), STATEMENT_KEYS)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Opening some other file is an error of the store, not of the driver."""
    path = tmp_path / "a.db"
    path.write_bytes(b"not a database, just text that is long enough to be read as a header" * 20)
    with pytest.raises(StoreError):
        SqliteStore(str(path), STATEMENT_KEYS)


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Openings that race to make the file all succeed."""
    path = tmp_path / "deep" / "er" / "a.db"
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: SqliteStore(str(path), STATEMENT_KEYS), range(6)))
    for store in stores:
        add(store, draft("k"))
    with stores[0].reading() as reader:
        assert len(reader.find(LogQuery("bkn", ["k"], limit=9))) == 6
    for store in stores:
        store.close()


def numbered(connection: sqlite3.Connection, index_keys: IndexKeys, place: int) -> int | None:
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
        more = backfill_slice(connection, STATEMENT_KEYS, [FIRST, SECOND])
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

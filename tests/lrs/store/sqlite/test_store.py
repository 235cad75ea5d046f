"""What is particular to the SQLite engine: plans, failures of one write among many, files, errors."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import FullError, StoreError, UnavailableError
from lrs.store.log import LogQuery, Record
from lrs.store.port import Writer
from lrs.store.sqlite import group_commit
from lrs.store.sqlite import sql as sqlite_queries
from lrs.store.sqlite.errors import from_system, run_one
from lrs.store.sqlite.interning import pack, unpack
from lrs.store.sqlite.schema import connect
from lrs.store.sqlite.store import SqliteStore
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.contract.make import add, adding, draft
from tests.waiting import wait_until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An opened, empty store."""
    opened = SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS)
    yield opened
    opened.close()


QUERIES = {
    "by id": sqlite_queries.by_id(4, True),
    "by id, without bodies": sqlite_queries.by_id(4, False),
    "no key": sqlite_queries.find((), False, True, False),
    "one key": sqlite_queries.find((1,), False, False, False),
    "one key of two alternatives": sqlite_queries.find((2,), False, False, False),
    "three keys": sqlite_queries.find((1, 1, 1), False, False, True),
    "three keys of two alternatives": sqlite_queries.find((2, 2, 2), False, True, True),
    "three keys, one a facet": sqlite_queries.find((1, 2, 1), True, False, True),
    "a page in one piece": sqlite_queries.find_raw_page((1, 1), False, False),
    "a page by two alternatives": sqlite_queries.find_raw_page((2, 1), False, False),
    "a page by key and facet": sqlite_queries.find_raw_page((1, 1), True, True),
    "a page by two alternatives and facet": sqlite_queries.find_raw_page((2, 1), True, False),
    "documents by name": sqlite_queries.named(4, True),
    "documents by name, without bodies": sqlite_queries.named(4, False),
    "documents": sqlite_queries.find_documents(0, False, True, True, False, True),
    "documents, without bodies": sqlite_queries.find_documents(0, False, True, True, False, False),
    "documents of every scope": sqlite_queries.find_documents(0, True, False, False, True, True),
    "documents by one key": sqlite_queries.find_documents(1, False, False, True, False, True),
    "documents by two keys": sqlite_queries.find_documents(2, True, True, True, True, True),
    "count of a key": "SELECT " + sqlite_queries.COUNT_KEYS,
    "count of a document key": "SELECT " + sqlite_queries.COUNT_DOCUMENTS,
    "count of a document key in a scope": "SELECT " + sqlite_queries.COUNT_DOCUMENTS_IN,
}


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_scans_or_sorts(tmp_path: Path, store: SqliteStore, name: str) -> None:
    """Every statement of the readers searches by an index in the order it answers in."""
    connection = connect(str(tmp_path / "a.db"), cache_kib=100)
    sql = QUERIES[name]
    marks = max(sql.count("?"), 1)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * _parameters(sql, marks))]
    connection.close()
    assert not [step for step in plan if "TEMP B-TREE" in step or "AUTOMATIC" in step], plan
    allowed = ("SCAN (subquery", "SCAN CONSTANT ROW", "SCAN 1 CONSTANT ROW")
    assert not [step for step in plan if step.startswith("SCAN") and not step.startswith(allowed)], plan
    assert "MERGE (UNION ALL)" in plan or "two alternatives" not in name, plan
    assert any(step.startswith("SEARCH") for step in plan), plan


def _parameters(sql: str, marks: int) -> int:
    numbered = [int(part[: len(part) - len(part.lstrip("0123456789"))] or 0) for part in sql.split("?")[1:]]
    return max(numbered) if any(numbered) else marks


def test_a_write_that_cannot_be_stored_fails_alone(store: SqliteStore) -> None:
    """A value that the file cannot hold fails its own write and none of those committed with it."""

    def attempt(n: int) -> str:
        document = Document("note", "bkn", f"n{n}", b"{}", etag="\ud800" if n % 10 == 3 else "e")

        def work(writer: Writer) -> None:
            adding([draft(f"n{n}")])(writer)
            writer.put(document)

        try:
            store.writing(work)
        except UnicodeEncodeError:
            return "refused"
        return "kept"

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(attempt, range(60)))
    assert results == ["refused" if n % 10 == 3 else "kept" for n in range(60)]
    with store.reading() as reader:
        assert len(reader.find(LogQuery("bkn", limit=100))) == 54
        assert len(reader.find_documents(DocumentQuery("note", "bkn", limit=100))) == 54


def log_size(writer: Any) -> Any:
    """The row that says after how many pages the log is copied to the file."""
    return run_one(writer.connection, "PRAGMA wal_autocheckpoint")


def test_the_log_of_a_large_file_is_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is copied to the file it may grow to an eighth of that, within bounds."""
    page = 4_096
    monkeypatch.setattr(group_commit, "LEAST_LOG", 5 * page)
    monkeypatch.setattr(group_commit, "MOST_LOG", 40 * page)
    monkeypatch.setattr(group_commit, "LOG_SIZED", 2)
    store = SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS)
    sizes = []
    for _ in range(12):
        add(store, *(draft("k", body=os.urandom(3_000)) for _ in range(40)))
        (size,) = store.writing(log_size)
        sizes.append(size)
    store.close()
    assert 5 <= sizes[0] < 10
    assert sizes == sorted(sizes)
    assert any(5 < size < 40 for size in sizes)
    assert sizes[-1] == 40


def test_a_record_without_a_stamp_of_its_write_is_refused(store: SqliteStore) -> None:
    """`append` takes only stamps that were reserved in the same write, each once."""
    (old,) = add(store, draft())

    def borrowed(writer: Writer) -> None:
        writer.stamp()
        writer.append([replace(draft(), stored=old.stored + 1)])

    def twice(writer: Writer) -> None:
        stamp = writer.stamp()
        writer.append([replace(draft(), stored=stamp), replace(draft(), stored=stamp)])

    def malformed(writer: Writer) -> None:
        writer.append([replace(draft(), stored=writer.stamp(), id="not-a-uuid")])

    with pytest.raises(ValueError, match="stamped"):
        store.writing(borrowed)
    with pytest.raises(StoreError):
        store.writing(twice)
    with pytest.raises(ValueError, match="fromhex"):
        store.writing(malformed)
    with pytest.raises(ValueError, match="at least one"):
        store.writing(lambda writer: writer.stamp(0))
    with store.reading() as reader:
        assert reader.find(LogQuery(None, limit=9)) == [old]
        assert reader.get("bkn", ["not-a-uuid"]) == {}


def test_a_write_may_not_call_back(store: SqliteStore) -> None:
    """A write inside a write is refused instead of waiting for itself."""
    with pytest.raises(RuntimeError, match="call back"):
        store.writing(lambda _: store.writing(lambda writer: writer.stamp()))


def test_views_can_be_read_after_the_snapshot_is_gone(store: SqliteStore) -> None:
    """A record's views are there whenever they are asked for, and the record stays comparable."""
    (kept,) = add(store, draft("a", "b", views=(frozenset({"c"}),)))
    with store.reading() as reader:
        (found,) = reader.find(LogQuery("bkn", ["a"], limit=1))
        (other,) = reader.find(LogQuery("bkn", ["b"], limit=1))
    assert found.views == kept.views
    assert found == kept
    assert kept == other
    assert hash(other) == hash(kept)
    assert replace(other, hidden=True) == replace(kept, hidden=True)
    assert other != replace(kept, views=())
    assert other != object()
    assert isinstance(found, Record)


def test_a_write_gives_up_when_its_turn_does_not_come(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that waited too long behind another is UnavailableError and is never carried out."""
    monkeypatch.setattr(group_commit, "WRITE_WAIT_SECONDS", 0.05)
    held = threading.Event()
    begun = threading.Event()
    results: list[object] = []

    def slow(_: Writer) -> str:
        begun.set()
        held.wait(10)
        return "done"

    thread = threading.Thread(target=lambda: results.append(store.writing(slow)))
    thread.start()
    begun.wait(10)
    with pytest.raises(UnavailableError):
        add(store, draft("late"))
    held.set()
    thread.join()
    assert results == ["done"], "a write under way is waited for, however long it takes"
    monkeypatch.undo()
    add(store, draft())
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["late"], limit=1)) == []


def test_a_process_that_keeps_its_turn_holds_up_nobody_for_good(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process does not let go of the turn to write, writes are given up, and never happen."""
    monkeypatch.setattr(group_commit, "WRITE_WAIT_SECONDS", 0.05)
    (lock,) = tmp_path.rglob("write.lock")
    ran = []

    def note(writer: Writer) -> None:
        ran.append(writer)

    with lock.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for _ in range(2):  # one that waits for the turn, one in the queue behind it
            with pytest.raises(UnavailableError):
                store.writing(note)
    monkeypatch.undo()
    store.writing(lambda writer: writer.put(Document("note", "bkn", "a", b"{}")))
    assert ran == []


def test_a_turn_that_cannot_be_given_back_ends_no_thread(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the file system fails as the turn to write is given back, the writer hears it and others go on."""
    add(store, draft())
    memory, board = store._memory, store._board
    wait_until(lambda: memory.has_pairs, "nothing but the writes of this test takes turns")
    unlock, failures = board.unlock_writes, [OSError(errno.ENOLCK, "no locks")]

    def failing() -> None:
        unlock()
        if failures:
            raise failures.pop()

    monkeypatch.setattr(board, "unlock_writes", failing)
    with pytest.raises(StoreError):
        add(store, draft())
    add(store, draft())
    assert failures == []


def test_a_foreign_lock_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another program holds the file, writes say that they cannot now, and work again after it."""
    monkeypatch.setattr("lrs.store.sqlite.schema.BUSY_MILLISECONDS", 50)
    store = SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS)
    add(store, draft())
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError):
        add(store, draft())
    other.execute("ROLLBACK")
    other.close()
    add(store, draft())
    with store.reading() as reader:
        assert len(reader.find(LogQuery("bkn", limit=9))) == 2
    store.close()


def test_a_full_file_is_full_and_recovers(store: SqliteStore) -> None:
    """Without room a write is FullError and leaves nothing; small ones go on, and all when room returns."""

    def limit(pages: int) -> None:
        def work(writer: Writer) -> None:
            connection: sqlite3.Connection = writer.connection  # type: ignore[attr-defined]
            used = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {used + pages}")

        store.writing(work)

    (first,) = add(store, draft("k"))
    limit(3)
    for _ in range(2):
        with pytest.raises(FullError):
            add(store, *(draft("k", body=b"x" * 10_000) for _ in range(20)))
        with store.reading() as reader:
            assert reader.find(LogQuery("bkn", ["k"], limit=99)) == [first]
    (second,) = add(store, draft("k"))
    limit(10_000)
    more = add(store, *(draft("k", body=b"x" * 10_000) for _ in range(20)))
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["k"], ascending=True, limit=99)) == [first, second, *more]


def test_closing_finishes_what_was_begun(tmp_path: Path) -> None:
    """While threads write, `close` lets each write end: acknowledged and kept, or refused and absent."""
    store = SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS)
    kept: list[Record] = []
    started = threading.Barrier(9)

    def write() -> None:
        started.wait()
        try:
            while True:
                kept.extend(add(store, draft("k")))
        except UnavailableError:
            return

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    started.wait()
    time.sleep(0.05)
    store.close()
    for thread in threads:
        thread.join()
    again = SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS)
    with again.reading() as reader:
        found = {each.id for each in reader.find(LogQuery("bkn", ["k"], limit=1_000_000))}
    again.close()
    assert found == {each.id for each in kept}


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Nobody else on the machine may read the database, its log or the attachments."""
    store = SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS)
    add(store, draft())
    modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    store.close()
    assert modes == {"a.db": 0, "a.db-wal": 0, "a.db-shm": 0, "a.db.d": 0}


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, FullError), (errno.EDQUOT, FullError), (errno.EIO, UnavailableError)]
)
def test_errors_of_the_file_system_are_the_ports(number: int, kind: type[StoreError]) -> None:
    """No space is FullError; anything else may pass."""
    assert type(from_system(OSError(number, os.strerror(number)))) is kind


def test_a_blob_is_named_by_a_hash_alone(store: SqliteStore, tmp_path: Path) -> None:
    """A name that is not a hash never becomes a path."""
    for name in ("../../etc/passwd", "A" * 64, "", "ab/cd"):
        with pytest.raises(ValueError, match="SHA-2"):
            store.blobs.put(name, io.BytesIO(b"x"), 1)
        assert store.blobs.size(name) is None
        store.blobs.delete(name)
        with pytest.raises(KeyError):
            next(store.blobs.chunks(name))


def test_parts_of_blobs_left_by_a_crash_are_cleared_away(tmp_path: Path) -> None:
    """Old parts go when the store is opened; a young one may still be in the making."""
    SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS).close()
    parts = tmp_path / "a.db.d" / "blobs" / "parts"
    (parts / "old").write_bytes(b"x")
    (parts / "young").write_bytes(b"x")
    os.utime(parts / "old", (1, 1))
    SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS).close()
    assert [part.name for part in parts.iterdir()] == ["young"]


def test_a_part_that_another_process_finishes_meanwhile_is_no_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that is in its place before it is looked at does not keep a store from opening."""
    SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS).close()
    listed = Path.iterdir

    def before(self: Path) -> Iterator[Path]:
        yield self / "done"
        yield from listed(self)

    monkeypatch.setattr(Path, "iterdir", before)
    SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS).close()


@pytest.mark.parametrize("views", [[], [[]], [[1, 2, 3]], [[], [70_000, 2**32 - 1], [5]]])
def test_packed_views_unpack(views: list[list[int]]) -> None:
    """Views as term numbers survive packing, empty ones too."""
    assert unpack(pack(views)) == views

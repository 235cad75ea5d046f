"""The embedded engine: one SQLite file, and a directory beside it.

    name.db, name.db-wal, name.db-shm    the database
    name.db.d/blobs/                     attachments and evidence, see `blobs`
    name.db.d/stamps, *.lock             what processes tell each other, see `watermarks`

Several processes of one machine may have the file open; a network file system will not do.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from lrs.store.errors import UnavailableError
from lrs.store.index_keys import IndexKeys
from lrs.store.log import LogQuery, Views
from lrs.store.pages import RawPage
from lrs.store.port import CONSISTENCY_BOUND, Writer, read_page
from lrs.store.read_bounds import quick
from lrs.store.sqlite.blobs import FileBlobs
from lrs.store.sqlite.errors import from_system, run
from lrs.store.sqlite.group_commit import Committer, Job
from lrs.store.sqlite.interning import InternedTexts, views_of
from lrs.store.sqlite.reader import SnapshotReader
from lrs.store.sqlite.schema import connect, upgrade
from lrs.store.sqlite.watermarks import Board
from lrs.store.writes import NO_HINTS, Done, WriteHints

T = TypeVar("T")

_WRITER_CACHE_KIB = 32_768
_READER_CACHE_KIB = 2_048


def _now() -> int:
    return time.time_ns() // 1000


class SqliteStore:
    """The port's Store over one file."""

    def __init__(self, path: str, index_keys: IndexKeys, *, clock: Callable[[], int] = _now) -> None:
        """Open the file, making it and its directories when they are not there.

        `index_keys` are those under which the records were stored, see there. `clock` gives the microseconds
        of the present; it may jump, stamps will not.
        """
        self._path = path
        self._clock = clock
        beside = Path(f"{path}.d")
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            # Personal data: for the owner alone. SQLite gives its other files the mode of the first.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            beside.mkdir(mode=0o700, exist_ok=True)
            self._board = Board(beside, clock)
        except OSError as error:
            raise from_system(error) from error
        self._blobs = FileBlobs(beside / "blobs")
        self._memory = InternedTexts(index_keys)
        self._lock = threading.Lock()
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False
        try:
            writer = connect(path, cache_kib=_WRITER_CACHE_KIB)
            try:
                self._board.lock_writes()
                try:
                    upgrade(writer)
                finally:
                    self._board.unlock_writes()
                self._committer = Committer(writer, self._memory, self._board, clock)
            except BaseException:
                writer.close()
                raise
        except BaseException:
            self._board.close()
            raise

    @property
    def is_local(self) -> bool:
        """The file is on this machine."""
        return True

    @property
    def blobs(self) -> FileBlobs:
        """The blob half of the store."""
        return self._blobs

    def reading(self) -> Snapshot:
        """A snapshot for reading; it is taken with the first read and released on exit."""
        return Snapshot(self)

    async def page(self, query: LogQuery) -> tuple[RawPage, int]:
        """See the port: a page is read faster than it could be handed to somebody else."""
        with quick():
            return read_page(self, query)

    def writing(self, work: Callable[[Writer], T], hints: WriteHints = NO_HINTS) -> T:
        """Run `work` in one write, together with others that are waiting; see the port."""
        if self._committer.is_current():
            raise RuntimeError("a write may not call back into the store")
        job: Job[T] = Job(work, hints)
        self._committer.put(job)
        return job.wait()

    def submit(self, work: Callable[[Writer], Any], done: Done, hints: WriteHints = NO_HINTS) -> Job[Any]:
        """Have `work` done in one write without waiting for it; see the port."""
        job: Job[Any] = Job(work, hints, told=done)
        self._committer.put(job)
        return job

    def when_idle(self, call: Callable[[], None]) -> bool:
        """See the port."""
        return self._committer.busy.when_over(call)

    def known_watermark(self) -> int:
        """See the port; 0 when the store is closed."""
        try:
            return self.watermark()
        except UnavailableError:
            return 0

    def close(self) -> None:
        """Finish writes in progress and release everything; snapshots still open end on their own."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._committer.close()
        while self._idle:
            self._idle.pop().close()
        self._board.close()

    def watermark(self) -> int:
        """A time that no later commit will be stamped at or before."""
        try:
            through = self._board.watermark()
        except ValueError as error:  # the board is gone
            raise UnavailableError("the store is closed") from error
        if through < self._clock() - CONSISTENCY_BOUND // 4:
            self._committer.settle()
        return through

    def snapshot(self) -> SnapshotReader:
        """A reader whose snapshot begins with its first read; give it back with `release`."""
        # Taken before the snapshot: what it covers is then in the snapshot.
        return SnapshotReader(self._begin, self._memory, self.watermark(), self._resolve)

    def release(self, reader: SnapshotReader) -> None:
        """End a snapshot and keep its connection for the next one."""
        connection = reader.opened
        if connection is None:
            return
        try:
            connection.rollback()
        except sqlite3.Error:
            connection.close()
            return
        self._idle.append(connection)
        if self._closed:
            connection.close()

    def _begin(self) -> sqlite3.Connection:
        """A connection in a transaction of its own; its snapshot is taken by the first read."""
        connection = self._connection()
        try:
            run(connection, "BEGIN")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise UnavailableError("the store is closed")
        try:
            return self._idle.pop()  # the last one used: its cache is warm
        except IndexError:
            return connect(self._path, cache_kib=_READER_CACHE_KIB, read_only=True)

    def _resolve(self, tenant: str, packed: bytes) -> Views:
        reader = self.snapshot()
        try:
            return views_of(reader.connection, [tenant], [packed])[0]
        finally:
            self.release(reader)


class Snapshot:
    """What `SqliteStore.reading` returns."""

    __slots__ = ("_reader", "_store")

    _reader: SnapshotReader

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __enter__(self) -> SnapshotReader:
        self._reader = self._store.snapshot()
        return self._reader

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.release(self._reader)

"""Group commit: one thread writes, and commits all waiting writes together.

One fsync serves every write that arrived during the one before. A write that fails on its own is
undone alone; when the transaction itself fails, each write of the group is tried once more in a
transaction of its own, so that one that cannot be stored does not take others with it.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from lrs.store.errors import ConflictError, StoreError, UnavailableError
from lrs.store.sqlite.errors import from_driver, from_system, run, run_one
from lrs.store.sqlite.interning import InternedTexts
from lrs.store.sqlite.schema import backfill_slice
from lrs.store.sqlite.watermarks import Board
from lrs.store.sqlite.writer import Group, SqliteWriter
from lrs.store.write_queue import WriteQueue
from lrs.store.writer_activity import WriterActivity
from lrs.store.writes import NO_HINTS, WRITE_WAIT_SECONDS, Done, WriteHints

_log = logging.getLogger(__name__)

T = TypeVar("T")

GROUP_LIMIT = 256
"""Writes per transaction."""

BACKFILL_PAUSE = 30.0
"""Seconds after which a slice of a backfill that failed is tried again, with the next write."""

LEAST_LOG, MOST_LOG, LOG_SHARE = 32_768_000, 131_072_000, 8
"""Bytes of the write-ahead log before a commit copies it to the file: an eighth of that, within these.
The keys of new records lie on pages all over a large file; in a longer log, more of them meet on one page."""

LOG_SIZED = 1024
"""Groups after which that size is looked at again."""


class Job(Generic[T]):
    """One write: its work, and how it ended."""

    __slots__ = (
        "_done", "_told", "_turn", "alone", "error", "hints", "result", "size", "tenant", "work",
    )  # fmt: skip

    result: T

    def __init__(
        self,
        work: Callable[[SqliteWriter], T],
        hints: WriteHints = NO_HINTS,
        *,
        alone: bool = False,
        told: Done | None = None,
    ) -> None:
        """`told` is called at the end by the writing thread, in place of waking a caller of `wait`."""
        self.work = work
        self.hints = hints
        self.tenant = hints.tenant
        self.size = hints.size
        self.alone = alone
        """It changes the file past the group's buffers and so needs a transaction of its own."""
        self.error: BaseException | None = None
        self._turn = deque([True])
        self._told = told
        if told is None:
            self._done = threading.Lock()
            self._done.acquire()

    def claim(self) -> bool:
        """True for the first that asks: the thread that runs the work, or the caller giving up."""
        try:
            return self._turn.pop()
        except IndexError:
            return False

    def withdraw(self) -> bool:
        """See `Submitted`."""
        return self.claim()

    def finish(self) -> None:
        """Let the caller go on."""
        told = self._told
        if told is None:
            self._done.release()
        elif self.error is not None:
            told(None, self.error)
        else:
            told(self.result, None)

    def wait(self) -> T:
        """The result of the work, once it is on the disk; raises what the work raised."""
        if not self._done.acquire(timeout=WRITE_WAIT_SECONDS):
            if self.claim():
                raise UnavailableError("the write did not get its turn in time")
            self._done.acquire()
        if self.error is not None:
            raise self.error
        return self.result


class Committer:
    """The writing thread of one opened store."""

    def __init__(
        self, connection: sqlite3.Connection, memory: InternedTexts, board: Board, clock: Callable[[], int]
    ) -> None:
        self._connection = connection
        self._memory = memory
        self._board = board
        self._clock = clock
        self.busy = WriterActivity()
        """Held from the beginning of a transaction up to its commit: the driver gives the interpreter up at
        every step of it, and would wait for it as often."""
        self._queue: WriteQueue[Job[Any]] = WriteQueue(GROUP_LIMIT)
        self._gate = threading.Lock()
        self._closed = False
        self._settling = False
        self._owed = 0.0
        """When a slice of a backfill that failed may be tried again (monotonic clock); 0: none failed."""
        self._groups = 0
        self._size_log()
        self._thread = threading.Thread(target=self._serve, name="sqlite-writer", daemon=True)
        self._thread.start()
        self._queue_backfill()

    def put(self, job: Job[Any]) -> None:
        """Queue a write."""
        self._queue.put(job)

    def is_current(self) -> bool:
        """Whether the caller is inside a write of this store."""
        return threading.get_ident() == self._thread.ident

    def settle(self) -> None:
        """Make a commit soon, so that what a dead process left behind no longer counts."""
        if not self._settling:
            self._settling = True
            self.put(Job(_settle, alone=True, told=self._settled))

    def close(self) -> None:
        """Finish the queued writes and stop."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
        self._queue.close()
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        while self._queue.wait():
            self._commit(self._queue.take())
            self._groups += 1
            if self._groups % LOG_SIZED == 0:
                self._size_log()

    def _commit(self, jobs: list[Job[Any]], *, again: bool = False) -> None:
        claimed, failed = self._attempt(jobs, again=again)
        if failed is not None and len(claimed) > 1 and not isinstance(failed, UnavailableError):
            for job in claimed:
                self._commit([job], again=True)
            return
        for job in claimed:
            job.error = failed or job.error
            job.finish()
        if self._owed and failed is None and time.monotonic() >= self._owed:
            self._owed = 0.0
            self._queue_backfill()

    def _attempt(
        self, jobs: Sequence[Job[Any]], *, again: bool
    ) -> tuple[Sequence[Job[Any]], Exception | None]:
        """Run the jobs in one transaction, once it is this process's turn to write.

        The jobs that nobody gave up meanwhile (`again`: they were claimed before), for another process may
        keep its turn for long; and what made the transaction itself fail, if it did.
        """
        try:
            self._board.lock_writes()
        except OSError as error:
            return jobs if again else _claimed(jobs), from_system(error)
        claimed = jobs if again else _claimed(jobs)
        try:
            try:
                if claimed:
                    self._transact(claimed)
            finally:
                self._board.unlock_writes()
        except sqlite3.Error as error:
            return claimed, from_driver(error)
        except OSError as error:
            return claimed, from_system(error)
        except Exception as error:
            return claimed, error
        return claimed, None

    def _transact(self, jobs: Sequence[Job[Any]]) -> None:
        connection = self._connection
        run(connection, "BEGIN IMMEDIATE")
        committed = 0
        try:
            with self.busy:
                before = connection.total_changes
                (last,) = run_one(connection, "SELECT max(stored) FROM log")
                group = Group(connection, self._memory, self._board.begin(last or 0), self._clock)
                group.prefetch(
                    [place for job in jobs for place in job.hints.prefetch],
                    [place for job in jobs for place in job.hints.documents],
                    [place for job in jobs for place in job.hints.heads],
                )
                for job in jobs:
                    _perform(job, SqliteWriter(group))
                group.flush()
            run(connection, "COMMIT")
            committed = group.next - 1
        except BaseException:
            # Some failures (a full disk, for one) have already ended the transaction.
            if connection.in_transaction:
                connection.rollback()
            raise
        finally:
            self._board.end(committed)
        self._memory.learn(group.terms.fresh)
        if connection.total_changes > before:
            self._board.bury()

    def _size_log(self) -> None:
        connection = self._connection
        try:
            (page_bytes,) = run_one(connection, "PRAGMA page_size")
            (pages,) = run_one(connection, "PRAGMA page_count")
            log = min(max(LEAST_LOG // page_bytes, pages // LOG_SHARE), MOST_LOG // page_bytes)
            run(connection, f"PRAGMA wal_autocheckpoint = {log}")
        except StoreError as error:
            _log.warning("the size of the write-ahead log stays as it is: %s", error)

    def _queue_backfill(self) -> None:
        # Behind whatever was queued meanwhile: nobody waits for more than one slice.
        with suppress(UnavailableError):  # the store is closing
            self._queue.put(
                Job(
                    lambda writer: backfill_slice(writer.connection, self._memory.index_keys),
                    alone=True,
                    told=self._backfilled,
                )
            )

    def _backfilled(self, more: Any, error: BaseException | None) -> None:
        if error is not None:
            _log.warning("a backfill failed, and goes on with a later write: %s", error)
            self._owed = time.monotonic() + BACKFILL_PAUSE
        elif more:
            self._queue_backfill()
        else:
            self._memory.has_pairs = True

    def _settled(self, _result: Any, _error: BaseException | None) -> None:
        # Done or not: a later look at the board may ask again.
        self._settling = False


def _settle(writer: SqliteWriter) -> None:
    run(writer.connection, "UPDATE settled SET times = times + 1")


def _claimed(jobs: Sequence[Job[Any]]) -> list[Job[Any]]:
    return [job for job in jobs if job.claim()]


def _perform(job: Job[Any], writer: SqliteWriter) -> None:
    """Run one work; its own failure is kept in the job, a failure of the engine ends the group."""
    job.error = None
    try:
        job.result = job.work(writer)
    except ConflictError as error:
        job.error = error
    except StoreError:
        raise
    except BaseException as error:
        job.error = error
    if job.error is None:
        writer.keep()
    else:
        writer.undo()

"""Turns the errors of the sqlite3 driver and of the file system into those of the port, in one place."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Sequence
from typing import Any

from lrs.store.errors import FullError, StoreError, TooLongError, UnavailableError

_TRANSIENT = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
}
_NO_SPACE = {
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_WRITE,
}
"""What SQLite says when there is no room left for its shared-memory index, and when a write fails for a
reason that is not "disk full": mostly a quota (EDQUOT) or a limit on the size of files (EFBIG)."""


def from_driver(error: sqlite3.Error) -> StoreError:
    """The port's error for one of the driver."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    name: str = getattr(error, "sqlite_errorname", type(error).__name__)
    text = f"{name}: {error}"
    if code & 0xFF == sqlite3.SQLITE_FULL or code in _NO_SPACE:
        return FullError(text)
    if code & 0xFF == sqlite3.SQLITE_INTERRUPT:  # by the progress handler, nobody else does
        return TooLongError(text)
    if code & 0xFF in _TRANSIENT:
        return UnavailableError(text)
    return StoreError(text)


def from_system(error: OSError) -> StoreError:
    """The port's error for a failed file operation."""
    text = f"{errno.errorcode.get(error.errno or 0, 'OSError')}: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return FullError(text)
    return UnavailableError(text)


def run(connection: sqlite3.Connection, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
    """Execute one statement and return its rows; errors are those of the port."""
    try:
        return connection.execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        raise from_driver(error) from error


def run_one(connection: sqlite3.Connection, sql: str, parameters: Sequence[object] = ()) -> Any:
    """Execute a statement that has exactly one row and return that row."""
    try:
        return connection.execute(sql, parameters).fetchone()
    except sqlite3.Error as error:
        raise from_driver(error) from error


def rows_of(count: int, columns: int) -> str:
    """`count` rows of `columns` place holders, for VALUES."""
    return ",".join(["(" + ",".join("?" * columns) + ")"] * count)


_CHUNKS = (256, 64, 16, 4, 1)
"""Rows per statement: few distinct sizes, so that prepared statements are reused."""

_inserts: dict[tuple[str, int, int], str] = {}


def insert(
    connection: sqlite3.Connection, head: str, columns: int, values: list[object], tail: str = ""
) -> None:
    """Insert many rows, given as one flat list of values, by a few large statements.

    The driver gives up the interpreter lock at every step: one statement of 256 rows does it once,
    `executemany` 256 times, and under load each time may cost a wait. `head` should say
    `INSERT OR ROLLBACK`: it spares SQLite a journal per statement (a fifth of the time here), and a
    row that cannot be inserted undoes the whole group anyway.
    """
    start = 0
    left = len(values) // columns
    for size in _CHUNKS:
        while left >= size:
            sql = _inserts.get((head, columns, size))
            if sql is None:
                sql = _inserts[head, columns, size] = f"{head} VALUES {rows_of(size, columns)} {tail}"
            stop = start + size * columns
            run(connection, sql, values[start:stop])
            start = stop
            left -= size

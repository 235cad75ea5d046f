"""Errors of the driver, turned into those of the port in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from lrs.store.errors import FullError, StoreError, UnavailableError

OUT_OF_DISK = frozenset({14031, 12501, 8000})
"""OutOfDiskSpace, and the quota errors of hosted clusters."""
DUPLICATE_KEY = 11000
WRITE_CONFLICT = 112
PASSING = frozenset(
    {6, 7, 24, 46, 50, 64, 89, 91, 112, 133, 134, 189, 202, 216, 225, 239, 244, 246, 251, 262}
    | {9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436}
)
"""Server codes that say "not now": no primary, shutting down, timed out, snapshot gone, aborted."""


class FencedError(Exception):
    """Another process has shut this writer out; the writer must register and stamp anew."""


def codes(error: PyMongoError) -> set[int]:
    """The server's codes in an error, those of the single writes of a batch included."""
    found: set[int] = set()
    if isinstance(error, OperationFailure) and error.code is not None:
        found.add(error.code)
    if isinstance(error, BulkWriteError):
        found.update(each.get("code", 0) for each in error.details.get("writeErrors", ()))
    return found


def lost_race(error: BaseException) -> bool:
    """Nothing of the transaction was kept, because of a concurrent one or a passing fault: try again."""
    if isinstance(error, FencedError | DuplicateKeyError):
        return True
    if not isinstance(error, PyMongoError):
        return False
    if error.has_error_label("TransientTransactionError"):
        return True
    return not codes(error).isdisjoint({DUPLICATE_KEY, WRITE_CONFLICT})


def said(error: PyMongoError) -> str:
    """What the server said, for the log: a failed bulk write quotes whole records."""
    if isinstance(error, BulkWriteError):
        details = error.details.get("writeErrors", ())
        return "; ".join(f"{each.get('code')} {str(each.get('errmsg'))[:200]}" for each in details)
    return str(error).partition(", Topology Description:")[0][:500]


def translated(error: PyMongoError) -> StoreError:
    """The port's error for a driver's error."""
    found = codes(error)
    if found & OUT_OF_DISK:
        return FullError(f"no space is left: {said(error)}")
    passing = isinstance(
        error, AutoReconnect | ConnectionFailure | ExecutionTimeout | WTimeoutError | InvalidOperation
    )
    if passing or found & PASSING or error.timeout or error.has_error_label("TransientTransactionError"):
        return UnavailableError(f"the database cannot answer now: {said(error)}")
    return StoreError(f"the database refused: {said(error)}")


@contextmanager
def translating() -> Iterator[None]:
    """Run driver calls; what they raise leaves as an error of the port."""
    try:
        yield
    except PyMongoError as error:
        raise translated(error) from (None if isinstance(error, BulkWriteError) else error)

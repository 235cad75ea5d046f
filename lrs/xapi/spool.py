"""Temporary files for what a request brings: memory stays flat while it is received, at any size."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from lrs.store.errors import FullError

IN_MEMORY = 262_144
"""More bytes than this, all of a request together, wait on the disk."""
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def spool() -> Iterator[IO[bytes]]:
    """A file for the data of one request, however many parts it has: files of a process are few."""
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed below, whatever that says
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):  # closing writes what is left, which nobody needs any more
            file.close()


@contextlib.contextmanager
def full_without_room() -> Iterator[None]:
    """FullError where writing to a file finds no room."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise FullError("there is no room to receive a request") from error
        raise

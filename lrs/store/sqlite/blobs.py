"""Blobs as files beside the database, named by their hash.

Not in the database: a 100 MB attachment would pass through the write-ahead log and hold up the one
writer for as long as it takes; as a file it is written and read by its own thread in small pieces.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from lrs.store.sqlite.errors import from_system

_PIECE = 262_144
_HASH = re.compile(r"[0-9a-f]{56,128}")
_FOLDER, _FILE = 0o700, 0o600
"""Modes, whatever the umask allows: evidence is personal, also in a backup that keeps modes."""
_ABANDONED_SECONDS = 86_400
"""A part of a blob that nobody has touched for so long belongs to a process that died."""


class FileBlobs:
    """The port's Blobs in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._parts = directory / "parts"
        try:
            self._directory.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
            self._parts.mkdir(mode=_FOLDER, exist_ok=True)
            for part in self._parts.iterdir():
                with suppress(FileNotFoundError):  # another process was just done with it
                    if part.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                        part.unlink()
        except OSError as error:
            raise from_system(error) from error

    def put(self, sha2: str, source: IO[bytes], size: int) -> None:
        """See `Blobs.put`."""
        if not _HASH.fullmatch(sha2):
            raise ValueError("a blob is named by a SHA-2 in lower-case hex")
        target = self._path(sha2)
        part = self._parts / uuid.uuid4().hex
        try:
            if target.exists():
                return
            try:
                self._write(part, source, size)
                new_directory = not target.parent.exists()
                target.parent.mkdir(mode=_FOLDER, exist_ok=True)
                part.replace(target)
                _sync_directory(target.parent)
                if new_directory:
                    _sync_directory(self._directory)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise from_system(error) from error

    def _write(self, part: Path, source: IO[bytes], size: int) -> None:
        left = size
        with open(part, "xb", buffering=0, opener=_for_the_owner) as file:
            while left:
                piece = source.read(min(left, _PIECE))
                if not piece:
                    raise ValueError("the source ended early")
                rest = memoryview(piece)
                while rest:
                    rest = rest[file.write(rest) :]
                left -= len(piece)
            os.fsync(file.fileno())

    def size(self, sha2: str) -> int | None:
        """See `Blobs.size`."""
        try:
            return self._path(sha2).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise from_system(error) from error

    def chunks(self, sha2: str, *, chunk: int = _PIECE) -> Iterator[bytes]:
        """See `Blobs.chunks`."""
        try:
            with self._path(sha2).open("rb", buffering=0) as file:
                while piece := file.read(chunk):
                    yield piece
        except FileNotFoundError:
            raise KeyError(sha2) from None
        except OSError as error:
            raise from_system(error) from error

    def delete(self, sha2: str) -> None:
        """See `Blobs.delete`."""
        try:
            self._path(sha2).unlink(missing_ok=True)
        except OSError as error:
            raise from_system(error) from error

    def _path(self, sha2: str) -> Path:
        if not _HASH.fullmatch(sha2):
            return self._directory / "none" / "none"  # never written: only hashes are
        return self._directory / sha2[:2] / sha2


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, _FILE)


def _sync_directory(directory: Path) -> None:
    """Make a rename in the directory survive a power cut."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)

"""A disk that fills up under a SQLite store, and empties again.

As root the disk is a real one, a few megabytes of memory; elsewhere the file system cannot be made
small, so the file is.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lrs.store.errors import FullError
from lrs.store.log import LogQuery, Record
from lrs.store.port import Writer
from lrs.store.sqlite.store import SqliteStore
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.contract.make import add, draft


class Disk:
    """A place of limited size."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.real = os.geteuid() == 0 and _mount(directory, "size=12m")

    def confine(self, store: SqliteStore, megabytes: int) -> None:
        """Set the size."""
        if self.real:
            assert _mount(self.directory, f"remount,size={megabytes}m")
            return

        def work(writer: Writer) -> None:
            writer.connection.execute(f"PRAGMA max_page_count = {megabytes * 256}")  # type: ignore[attr-defined]

        store.writing(work)

    def remove(self) -> None:
        """Unmount what was mounted."""
        if self.real:
            subprocess.run(["umount", str(self.directory)], check=True)


def _mount(directory: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk."""
    directory = tmp_path / "disk"
    directory.mkdir()
    made = Disk(directory)
    yield made
    made.remove()


def until_full(act: Callable[[], object]) -> int:
    """Act until the store is full; how often it went well."""
    for times in range(100_000):
        try:
            act()
        except FullError:
            return times
    raise AssertionError("the disk never filled up")


def test_a_full_disk_is_full_and_nothing_more(disk: Disk) -> None:
    """On a full disk writes are FullError, reads go on, nothing is half there, and space brings all back."""
    store = SqliteStore(str(disk.directory / "a.db"), STATEMENT_KEYS)
    kept: list[Record] = []

    def write() -> None:
        kept.extend(add(store, *(draft("k", body=os.urandom(20_000)) for _ in range(7))))

    try:
        for megabytes in (12, 24, 36):
            disk.confine(store, megabytes)
            assert until_full(write) > 0
            assert until_full(write) == 0
            with store.reading() as reader:
                assert reader.find(LogQuery("bkn", ["k"], ascending=True, limit=1_000_000)) == kept
            another = SqliteStore(str(disk.directory / "a.db"), STATEMENT_KEYS)
            with another.reading() as reader:
                assert len(reader.find(LogQuery("bkn", ["k"], limit=1_000_000))) == len(kept)
            another.close()
        disk.confine(store, 64)
        write()
        with store.reading() as reader:
            assert reader.find(LogQuery("bkn", ["k"], ascending=True, limit=1_000_000)) == kept
    finally:
        store.close()


def test_a_blob_on_a_full_disk_is_full_and_leaves_no_part(disk: Disk) -> None:
    """A blob for which there is no room is FullError and gone; on a disk that cannot be filled it is kept."""
    store = SqliteStore(str(disk.directory / "a.db"), STATEMENT_KEYS)
    disk.confine(store, 12)
    data = os.urandom(16_000_000)
    name = hashlib.sha256(data).hexdigest()
    try:
        if disk.real:
            with pytest.raises(FullError):
                store.blobs.put(name, io.BytesIO(data), len(data))
            assert store.blobs.size(name) is None
        disk.confine(store, 64)
        store.blobs.put(name, io.BytesIO(data), len(data))
        assert store.blobs.size(name) == len(data)
        assert list((disk.directory / "a.db.d" / "blobs" / "parts").iterdir()) == []
    finally:
        store.close()

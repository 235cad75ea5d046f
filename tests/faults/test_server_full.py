"""A disk fills up under a whole server that keeps its data in SQLite, and empties again.

Every file that the server writes may grow to a few megabytes and no more: to the program a full disk and
a file that may not grow are the same failed write. As root a real disk, made of memory, is filled as well.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.server import Answer, Caller, Server, credential, serving
from tests.faults.server_load import Write, check

MIB = 1024 * 1024
GOOD = {200, 204}
ATTACHMENT = 3 * MIB
ROOM = {
    ("limit", "batch"): (6, 10),
    ("limit", "attachment"): (2, 2),
    ("tmpfs", "batch"): (8, 12),
    ("tmpfs", "attachment"): (16, 24),
}
"""Megabytes, by disk and kind of write: not enough, and then a little more, which is not enough either."""
DISKS = ["limit", "tmpfs"] if os.geteuid() == 0 else ["limit"]


class Disk:
    """A place that can be made small and large while a server uses it."""

    def __init__(self, directory: Path, kind: str) -> None:
        self.directory = directory
        self.kind = kind
        self._real = kind == "tmpfs"
        if self._real:
            self._mount("size=64m")

    def resize(self, server: Server, megabytes: int) -> None:
        """Set the room: of the disk, or of each file."""
        if self._real:
            self._mount(f"remount,size={megabytes}m")
        else:
            server.limit(resource.RLIMIT_FSIZE, megabytes * MIB)

    def remove(self) -> None:
        """Unmount what was mounted."""
        if self._real:
            subprocess.run(["umount", str(self.directory)], check=True)

    def _mount(self, options: str) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.directory)],
            check=True,
            capture_output=True,
        )


@pytest.fixture(params=DISKS)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """An empty disk."""
    directory = tmp_path / "disk"
    directory.mkdir()
    made = Disk(directory, request.param)
    yield made
    made.remove()


def until_full(caller: Caller, kind: str) -> tuple[list[Write], Write, Answer]:
    """Send until there is no room: what was kept, what was not, and what the server said to it."""
    kept: list[Write] = []
    for _ in range(2000):
        write = Write.made(kind, size=ATTACHMENT)
        answer = write.send(caller)
        if answer.status not in GOOD:
            return kept, write, answer
        kept.append(write)
    raise AssertionError("the disk never filled up")


def whole(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with its file."""
    connection = sqlite3.connect(path)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    finally:
        connection.close()


@pytest.mark.parametrize("kind", ["batch", "attachment"])
def test_a_full_disk_is_said_and_nothing_else_suffers(disk: Disk, kind: str) -> None:
    """What finds no room is 507 and leaves no trace; reads go on; with room again everything does."""
    path = disk.directory / "jejak.db"
    spool = disk.directory / "tmp"
    spool.mkdir()
    address = f"sqlite:///{path}"
    known = credential(address)
    with serving(address, TMPDIR=str(spool)) as server, Caller(server.port, known) as caller:
        kept = [Write.made(kind, size=ATTACHMENT) for _ in range(3)]
        assert {write.send(caller).status for write in kept} <= GOOD
        refused: list[Write] = []
        for room in ROOM[disk.kind, kind]:
            disk.resize(server, room)
            more, first, answer = until_full(caller, kind)
            assert answer.status == 507, answer.body
            assert answer.headers["content-type"].startswith("application/problem+json")
            kept += more
            refused.append(first)
            for _ in range(5):
                assert first.send(caller).status == 507
            check(caller, kept, refused)
        disk.resize(server, 200)
        assert {write.send(caller).status for write in refused} <= GOOD
        check(caller, kept + refused, [])
        server.kill()
        assert whole(path)
        server.start()
        with Caller(server.port, known) as again:
            check(again, kept + refused, [])
    assert list(spool.iterdir()) == []

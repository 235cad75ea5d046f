"""What the processes on one file tell each other about time: a small memory-mapped board.

`consistent_through` promises that no record with an earlier or equal stamp will appear. Two things
could break that: a write that was stamped before the watermark and commits after it, and a clock that
was set back. So every process has a slot of two cells on the board: `writing`, a floor below which
the write now under way has no stamp (0 when none is), and `watermark`, the latest watermark it gave.

* A reader writes its watermark first and then looks at the `writing` cells; the watermark it gives away
  stays below all of them. Only then does it open its snapshot.
* A writer, holding the write lock, sets its `writing` cell first and then looks at the `watermark`
  cells; it stamps later than all of them. It clears the cell when the commit is visible.

Whatever the interleaving, one of the two sees the other. Each side takes a lock between its write
and its look, which orders the two for the processor as well.

A slot is owned through a `flock` on a file of its own, and the write lock is one too: the kernel drops
both with the process. The floor of a process that died while writing still counts, because its half
finished commit could come back when the write-ahead log is next recovered; the next commit of anybody
overwrites that part of the log and clears the floor (`Board.bury`).
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from collections.abc import Callable
from pathlib import Path

from lrs.store.errors import UnavailableError

SLOTS = 64
"""Processes that may have the file open at once."""
_SIZE = SLOTS * 16
_IDLE = bytes(SLOTS * 8)


class Board:
    """The board of one file, as seen by one opened store."""

    def __init__(self, directory: Path, clock: Callable[[], int]) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        self._write_lock = _open(directory / "write.lock")
        self.lock_writes()
        board = _open(directory / "stamps")
        try:
            missing = _SIZE - os.fstat(board).st_size
            if missing > 0:
                # Written rather than truncated to size: a hole could not be filled on a full disk.
                os.pwrite(board, bytes(missing), _SIZE - missing)
            self._map = mmap.mmap(board, _SIZE)
        finally:
            os.close(board)
            self.unlock_writes()
        self._cells = memoryview(self._map).cast("q")
        self._slot, self._owner = self._take_slot()

    def _take_slot(self) -> tuple[int, int]:
        for slot in range(SLOTS):
            owner = _open(self._directory / f"slot-{slot}.lock")
            if _try_lock(owner) and self._cells[slot] == 0:
                return slot, owner
            os.close(owner)
        raise UnavailableError(f"{SLOTS} processes have the file open already")

    def watermark(self) -> int:
        """A time that no later commit will be stamped at or before."""
        with self._lock:
            cells = self._cells
            watermark = max(self._clock() - 1, *cells[SLOTS:])
            cells[SLOTS + self._slot] = watermark
        with self._lock:  # orders the write above before the look below
            if self._map[: SLOTS * 8] != _IDLE:
                for floor in cells[:SLOTS]:
                    if floor and floor <= watermark:
                        watermark = floor - 1
        return watermark

    def begin(self, last: int) -> int:
        """Announce a write, under the write lock; returns its floor, the least stamp it may use.

        `last` is the latest committed stamp.
        """
        with self._lock:
            start = max(self._clock(), last + 1)
            self._cells[self._slot] = start
        with self._lock:  # as above
            floor = max(start, max(self._cells[SLOTS:]) + 1)
            self._cells[self._slot] = floor
        return floor

    def end(self, committed: int = 0) -> None:
        """The announced write is visible to every reader, or undone.

        Everything up to its last stamp, `committed`, is then covered: a clock that was set back does
        not hold back what is there already.
        """
        mine = SLOTS + self._slot
        with self._lock:
            self._cells[mine] = max(self._cells[mine], committed)
            self._cells[self._slot] = 0

    def lock_writes(self) -> None:
        """Wait for the turn to write among all processes: the kernel wakes the next one at once."""
        fcntl.flock(self._write_lock, fcntl.LOCK_EX)

    def unlock_writes(self) -> None:
        """Let the next process write."""
        fcntl.flock(self._write_lock, fcntl.LOCK_UN)

    def bury(self) -> None:
        """Clear the floors of dead processes; call it with the write lock held, after a real commit.

        Every writer clears its own floor before it lets go of the lock, so any other floor that is
        still there belongs to a process that died, and the commit has overwritten what it left.
        """
        if self._map[: SLOTS * 8] != _IDLE:
            for slot in range(SLOTS):
                if slot != self._slot:
                    self._cells[slot] = 0

    def close(self) -> None:
        """Give the slot back."""
        with self._lock:
            self._cells[self._slot] = 0
            self._cells.release()
            self._map.close()
            os.close(self._owner)
            os.close(self._write_lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

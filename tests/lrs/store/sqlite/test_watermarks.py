"""Time as the SQLite engine keeps it: across clock changes, processes and deaths."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrs.store.errors import UnavailableError
from lrs.store.sqlite.store import SqliteStore
from lrs.store.sqlite.watermarks import SLOTS, Board
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.contract.make import add, adding, draft, now


class Clock:
    """A clock that is set by hand."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def boards(tmp_path: Path) -> Iterator[tuple[Board, Board, Clock]]:
    """Two processes' views of one board, on one clock."""
    clock = Clock(1_000)
    first, second = Board(tmp_path, clock), Board(tmp_path, clock)
    yield first, second, clock
    first.close()
    second.close()


def test_stored_rises_though_the_clock_is_set_back(tmp_path: Path) -> None:
    """A clock that jumps back an hour does not take the stamps with it, in this opening or the next."""
    clock = Clock(now())
    stamps = []
    for _ in range(2):
        store = SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS, clock=clock)
        stamps += [add(store, draft())[0].stored for _ in range(3)]
        clock.at -= 3_600_000_000
        stamps += [add(store, draft())[0].stored for _ in range(3)]
        store.close()
    assert stamps == sorted(set(stamps))


def test_stamps_come_after_a_promise_though_the_clock_is_set_back(tmp_path: Path) -> None:
    """What was promised before the clock was set back still holds after it, for another process too."""
    clock = Clock(now())
    stores = [SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS, clock=clock) for _ in range(2)]
    with stores[0].reading() as reader:
        promised = reader.consistent_through()
    clock.at -= 3_600_000_000
    assert add(stores[1], draft())[0].stored > promised
    with stores[1].reading() as reader:
        assert reader.consistent_through() >= promised
    for store in stores:
        store.close()


def test_a_promise_stays_below_a_write_under_way(boards: tuple[Board, Board, Clock]) -> None:
    """While one process writes, no process promises what that write may still be stamped with."""
    writing, other, clock = boards
    floor = writing.begin(0)
    clock.at += 500
    assert other.watermark() == writing.watermark() == floor - 1
    writing.end()
    assert other.watermark() == clock.at - 1


def test_a_write_starts_after_every_promise(boards: tuple[Board, Board, Clock]) -> None:
    """The floor of a write is later than what any process promised and than the last commit."""
    writing, other, clock = boards
    promised = other.watermark()
    clock.at -= 900
    assert writing.begin(0) == promised + 1
    assert writing.begin(5_000) == 5_001


@pytest.mark.server
def test_a_dead_writers_floor_counts_until_the_next_commit(tmp_path: Path) -> None:
    """A process that was killed inside a write holds promises down until somebody else has committed."""
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), STATEMENT_KEYS)
    code = (
        "import sys, time\n"
        "from lrs.store.sqlite.store import SqliteStore\n"
        "from lrs.xapi.statement_keys import STATEMENT_KEYS\n"
        "store = SqliteStore(sys.argv[1], STATEMENT_KEYS)\n"
        "def work(writer):\n"
        "    print(writer.stamp(), flush=True)\n"
        "    time.sleep(60)\n"
        "store.writing(work)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    stamp = int(child.stdout.readline())
    time.sleep(0.02)
    with store.reading() as reader:
        assert reader.consistent_through() < stamp
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with store.reading() as reader:
        assert reader.consistent_through() < stamp
    add(store, draft())
    with store.reading() as reader:
        assert reader.consistent_through() > stamp
    store.close()


def test_readers_get_past_a_dead_writer_by_themselves(tmp_path: Path) -> None:
    """Without any further write, a promise held down by a dead process recovers within the bound."""
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), STATEMENT_KEYS)
    dead = Board(Path(f"{path}.d"), now)
    floor = dead.begin(0)
    # As the kernel does when a process dies: its locks go, its cells stay.
    os.close(dead._owner)
    deadline = time.monotonic() + 2
    through = 0
    while through <= floor and time.monotonic() < deadline:
        with store.reading() as reader:
            through = reader.consistent_through()
        time.sleep(0.01)
    assert through > floor
    store.close()


def test_slots_are_given_back_and_run_out_plainly(tmp_path: Path) -> None:
    """As many openings as there are slots; one more is UnavailableError until another closes."""
    boards = [Board(tmp_path, now) for _ in range(SLOTS)]
    with pytest.raises(UnavailableError):
        Board(tmp_path, now)
    boards.pop().close()
    boards.append(Board(tmp_path, now))
    for board in boards:
        board.close()


def test_threads_and_processes_never_share_a_stamp(tmp_path: Path) -> None:
    """Stamps of many threads over two openings are all different."""
    stores = [SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS) for _ in range(2)]
    stamps: list[int] = []

    def write(n: int) -> None:
        for _ in range(20):
            stamps.extend(
                record.stored for record in stores[n % 2].writing(adding([draft() for _ in range(3)]))
            )

    threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert len(set(stamps)) == len(stamps) == 360

"""Bytes on disk, memory and processor time are those of all files and all processes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import disk, peer, processes


def test_log_and_files_beside_the_database_count(tmp_path: Path) -> None:
    """What was in the write-ahead log is in the database after the checkpoint; files beside it count, too."""
    path = tmp_path / "jejak.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t (body BLOB)")
        writer.execute("INSERT INTO t VALUES (?)", [b"x" * 1_000_000])
        writer.commit()
        before = disk.sqlite_bytes(path)
        assert Path(f"{path}-wal").stat().st_size == 0
        assert before == path.stat().st_size >= 1_000_000
        blobs = Path(f"{path}.d") / "blobs" / "ab"
        blobs.mkdir(parents=True)
        (blobs / "abcd").write_bytes(b"y" * 777)
        assert disk.store_bytes("sqlite", f"sqlite:///{path}") == before + 777


@pytest.mark.parametrize(
    ("pages", "mean"),
    [
        ([b'{"statements":[{"a":1},{"b":[2]}],"more":""}'], 8),
        ([b'{"more":"/x?y=1","statements":[{"a":1}]}'], 7),
        ([b'{"statements":[{"a":1},{"a":1},{"a":1}],"more":""}', b'{"statements":[]}'], 7),
    ],
)
def test_the_bytes_of_a_statement_are_what_stands_between_the_commas(pages: list[bytes], mean: float) -> None:
    """Neither the envelope, nor the commas, nor `more` are counted."""
    assert disk.mean_statement_bytes(pages) == mean


def test_no_statements_have_no_mean() -> None:
    """Empty answers give an error, never a size of nothing."""
    with pytest.raises(ValueError, match="no statements"):
        disk.mean_statement_bytes([b'{"statements":[],"more":""}'])


@contextmanager
def family(grandchild: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose child runs the given program; both end with the block."""
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", child], stdout=subprocess.PIPE, start_new_session=True
    ) as one:
        try:
            assert one.stdout is not None
            assert one.stdout.read(1) == b"r"
            yield one
        finally:
            os.killpg(one.pid, 9)


@pytest.mark.server
def test_memory_is_that_of_the_biggest_process() -> None:
    """The peak is found in a process below the one asked for, and begins anew when it is reset."""
    program = "b = bytearray(64 << 20); del b; print('r', flush=True); import time; time.sleep(60)"
    with family(program) as one:
        assert len(processes.tree(one.pid)) == 2
        assert processes.peak_mb(one.pid) > 64
        processes.reset_peaks(one.pid)
        assert processes.peak_mb(one.pid) < 64
        assert processes.settle(one.pid, 20) < 20


@pytest.mark.server
def test_a_busy_server_is_not_waited_for_without_end() -> None:
    """Background work that never ends is waited for until the limit."""
    with family("print('r', flush=True)\nwhile True: pass") as one:
        assert 0.5 <= processes.settle(one.pid, 0.5) < 5


@pytest.mark.server
def test_a_peer_that_cannot_be_installed_is_told(tmp_path: Path) -> None:
    """A folder that cannot be made, or a program that fails, says so in words."""
    (tmp_path / "file").write_text("")
    with pytest.raises(peer.NoPeer, match="venv"):
        peer.install(tmp_path / "file" / "venv")


@pytest.mark.server
def test_a_peer_that_does_not_start_is_told(tmp_path: Path) -> None:
    """The run goes on with an error in place of the peer's figures."""
    figures = peer.measure(
        tmp_path / "bin", tmp_path / "peer", "mongodb://127.0.0.1:1/", size=10, seconds=0.1
    )
    assert list(figures) == ["peer_error"]
    assert "NoPeer" in figures["peer_error"]


@pytest.mark.parametrize(
    ("arguments", "sizes"),
    [
        ([], [10_000]),
        (["--size", "5000"], [5_000]),
        (["--sizes", "100000,10000,1000000"], [10_000, 100_000, 1_000_000]),
    ],
)
def test_sizes_are_taken_from_small_to_large(
    arguments: list[str], sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One size or several, in whatever order they were given."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    assert command.options().sizes == sizes


@pytest.mark.parametrize("arguments", [["--sizes", "0,10"], ["--seconds", "0"], ["--size", "-1"]])
def test_nonsense_is_refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes and seconds must be more than nothing."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit):
        command.options()

"""Killing processes that write to a SQLite store: what was acknowledged is there, nothing is in part.

JEJAK_FAULT_ROUNDS sets how often the killing is repeated (default 25).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lrs.store.documents import DocumentQuery
from lrs.store.log import LogQuery, Record
from lrs.store.sqlite.store import SqliteStore
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.contract.make import LEAD, now
from tests.faults.sqlite_load import BATCH, TENANT, blob

ROUNDS = int(os.environ.get("JEJAK_FAULT_ROUNDS", "25"))


class Victim:
    """A writing process, and the lines it got out before it was killed."""

    def __init__(self, path: Path) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sqlite_load", str(path), "6"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):
                self.lines.append(line.strip())

    def wait_for(self, lines: int) -> None:
        """Until it has acknowledged so many writes."""
        deadline = time.monotonic() + 60
        while len(self.lines) < lines:
            assert self._process.poll() is None, "the writer ended by itself"
            assert time.monotonic() < deadline, "the writer does not get on"
            time.sleep(0.005)

    def kill(self) -> None:
        """As `kill -9`; harmless when it is dead."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def victims(path: Path, number: int) -> Iterator[list[Victim]]:
    """Writing processes, killed at the latest on exit."""
    started = [Victim(path) for _ in range(number)]
    try:
        yield started
    finally:
        for victim in started:
            victim.kill()


def check(path: Path, acknowledged: list[str]) -> None:
    """Every acknowledged write is there once, and every write that is there is whole."""
    store = SqliteStore(str(path), STATEMENT_KEYS)
    with store.reading() as reader:
        tokens = {}
        after = None
        while page := reader.find_documents(DocumentQuery("token", TENANT, after=after, limit=500)):
            tokens.update({each.name: each.body.decode() for each in page})
            after = (page[-1].order, page[-1].name)
        for line in acknowledged:
            kind, token = line.split()
            assert tokens.get(token) == kind, f"an acknowledged {kind} is lost"
        records = facets = 0
        for token, kind in tokens.items():
            found = reader.find(LogQuery(TENANT, [token], limit=BATCH + 1, include_hidden=True))
            assert len(found) == (BATCH if kind == "batch" else 1)
            # A token is a UUID: one that begins as a lead does makes a pair with the key "void", a facet.
            facets += kind == "void" and token.startswith(LEAD)
            assert reader.get(TENANT, [each.id for each in found]) == {each.id: each for each in found}
            records += len(found)
            voided = reader.document("voided", TENANT, token)
            if voided is not None:
                assert reader.get(TENANT, [voided.body.decode()])[voided.body.decode()].hidden
            if kind == "blob":
                name, data = blob(token)
                assert b"".join(store.blobs.chunks(name)) == data
        counter = reader.document("counter", TENANT, "writes")
        assert counter is not None
        assert int(counter.body) == len(tokens), "the counter and the writes stand or fall together"
        hidden = sum(each.hidden for each in every(store))
        assert hidden == len(reader.find_documents(DocumentQuery("voided", TENANT, limit=1_000_000)))
    store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM log").fetchone() == (records,)
    keys = connection.execute("SELECT count(*) FROM log_index").fetchone()
    connection.close()
    assert keys == (records * 3 + facets,), "the tenant's row and each key's, those of pairs, and no more"


def every(store: SqliteStore) -> list[Record]:
    """All records, hidden ones too."""
    with store.reading() as reader:
        return reader.find(LogQuery(None, limit=1_000_000, include_hidden=True))


@pytest.mark.timeout(60 + 15 * ROUNDS)
def test_killed_writers_lose_nothing_acknowledged(tmp_path: Path) -> None:
    """After kill -9 under load, again and again, each acknowledged write is there, whole and once."""
    path = tmp_path / "a.db"
    acknowledged: list[str] = []
    for _ in range(ROUNDS):
        with victims(path, 1) as (victim,):
            victim.wait_for(30)
            time.sleep(random.random() * 0.3)
        acknowledged += victim.lines
        check(path, acknowledged)


@pytest.mark.timeout(60 + 15 * ROUNDS)
def test_one_killed_process_does_not_stop_the_other(tmp_path: Path) -> None:
    """Of two processes on one file one is killed; the other goes on, and a follower misses nothing."""
    path = tmp_path / "a.db"
    acknowledged: list[str] = []
    store = SqliteStore(str(path), STATEMENT_KEYS)
    seen: list[str] = []
    since = 0

    def pull() -> int:
        nonlocal since
        with store.reading() as reader:
            through = reader.consistent_through()
            page = reader.find(
                LogQuery(
                    None, since=since, until=through, ascending=True, limit=1_000_000, include_hidden=True
                )
            )
        assert through >= since
        since = through
        seen.extend(each.id for each in page)
        return through

    for _ in range(ROUNDS):
        with victims(path, 2) as (first, second):
            first.wait_for(20)
            second.wait_for(20)
            pull()
            first.kill()
            before = len(second.lines)
            second.wait_for(before + 40)
            pull()
        acknowledged += first.lines + second.lines
    deadline = time.monotonic() + 5
    target = now()
    while pull() < target:
        assert time.monotonic() < deadline, "the promise does not recover from the deaths"
        time.sleep(0.02)
    assert sorted(seen) == sorted(each.id for each in every(store))
    store.close()
    check(path, acknowledged)

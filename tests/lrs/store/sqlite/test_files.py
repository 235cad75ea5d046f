"""The files of a SQLite store are for their owner alone, whatever the umask of the process."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrs.store.sqlite.store import SqliteStore
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.contract.make import adding, draft


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A umask that forbids nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_every_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Database, write-ahead log, blobs and what lies beside: files 0600, folders 0700."""
    store = SqliteStore(str(tmp_path / "a.db"), STATEMENT_KEYS)
    store.writing(adding([draft()]))
    evidence = b"evidence"
    store.blobs.put(hashlib.sha256(evidence).hexdigest(), io.BytesIO(evidence), len(evidence))
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    store.close()
    names = {path.name for path in found}
    assert {"a.db", "a.db-wal", hashlib.sha256(evidence).hexdigest()} <= names
    for path, mode in found.items():
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path}: {mode:o}"

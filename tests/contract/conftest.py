"""The fixtures of the contract suite: every test that takes `store` or `engine` runs on each engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrs.store.port import Store
from lrs.store.sqlite.store import SqliteStore
from tests.contract.engines import ENGINES, Engine


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty place of one engine."""
    place = ENGINES[request.param](tmp_path)
    yield place
    place.remove()


@pytest.fixture
def store(engine: Engine) -> Iterator[Store]:
    """An opened, empty store of one engine that has noticed that no older records are left to do."""
    opened = engine.open()
    if isinstance(opened, SqliteStore):
        end = time.monotonic() + 20
        while not opened._memory.has_pairs and time.monotonic() < end:
            time.sleep(0.001)
    yield opened
    opened.close()

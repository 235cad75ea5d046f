"""The fixtures of the contract suite: every test that takes `store` or `engine` runs on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lrs.store.port import Store
from lrs.store.sqlite.store import SqliteStore
from tests.contract.engines import ENGINES, Engine
from tests.waiting import wait_until


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
        memory = opened._memory
        wait_until(lambda: memory.has_pairs, "the store knows that it is complete")
    yield opened
    opened.close()

"""What the tests of a whole server share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import mongod


@pytest.fixture(params=["sqlite", "mongo"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store of each engine: a file, and a database on a real replica set."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'jejak.db'}"
    else:
        with mongod.database() as made:
            yield made

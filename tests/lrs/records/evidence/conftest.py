"""Files of evidence are kept by both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lrs.store.port import Store
from tests.contract.engines import ENGINES


@pytest.fixture(params=["sqlite", "mongo"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each engine."""
    place = ENGINES[request.param](tmp_path)
    opened = place.open()
    yield opened
    opened.close()
    place.remove()

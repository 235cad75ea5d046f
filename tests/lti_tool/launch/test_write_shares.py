"""Whose a write is: the store shares its time out by that."""

from __future__ import annotations

from typing import Any

import pytest

from lrs.store.port import STRANGERS
from tests.contract.oracle import ModelStore
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import CLAIM


def test_a_launch_writes_in_the_share_of_its_agency_and_a_login_in_that_of_strangers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who is not the program itself writes in the program's own share, which is unbounded."""
    shares: list[str] = []
    writing = ModelStore.writing

    def noted(self: ModelStore, work: Any, **given: Any) -> Any:
        shares.append(given.get("tenant", ""))
        return writing(self, work, **given)

    visit = world.visit()
    monkeypatch.setattr(ModelStore, "writing", noted)
    visit.go(**{CLAIM + "context": {"id": "course"}})
    assert set(shares) == {"agency", STRANGERS}

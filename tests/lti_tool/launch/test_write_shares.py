"""Whose a write is: the store shares its time out by that."""

from __future__ import annotations

from typing import Any

import pytest

from lrs.store.memory import MemoryStore
from lrs.store.writes import NO_HINTS, STRANGERS, WriteHints
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import CLAIM


def test_a_launch_writes_in_the_share_of_its_agency_and_a_login_in_that_of_strangers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who is not the program itself writes in the program's own share, which is unbounded."""
    shares: list[str] = []
    writing = MemoryStore.writing

    def noted(self: MemoryStore, work: Any, hints: WriteHints = NO_HINTS) -> Any:
        shares.append(hints.tenant)
        return writing(self, work, hints)

    visit = world.visit()
    monkeypatch.setattr(MemoryStore, "writing", noted)
    visit.go(**{CLAIM + "context": {"id": "course"}})
    assert set(shares) == {"agency", STRANGERS}

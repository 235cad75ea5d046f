"""The second tenant's figures are those of its own answers while the first one attacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.neighbours import batches, measure
from tests.faults.neighbour import Tenants


@pytest.mark.server
def test_each_attack_has_its_figures(tmp_path: Path) -> None:
    """An attack is repeated for as long as told; answers, seconds and memory are those of the run."""
    heard: list[int] = []

    def attack(served: Tenants) -> None:
        heard.extend(batches(2, served))

    figures = measure(f"sqlite:///{tmp_path / 'jejak.db'}", attack, 0.2)
    assert set(heard) == {200}
    assert figures["answers"] >= 12
    assert 0 < figures["p50"] <= figures["p99"] <= figures["slowest"] < 60
    assert figures["refused"] == 0
    assert 20 < figures["after_mib"] <= figures["peak_mib"] < 2_000

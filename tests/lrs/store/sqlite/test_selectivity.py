"""Which key of a question drives it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from lrs.store.sqlite import selectivity
from lrs.store.sqlite.selectivity import EARLIEST, LATEST, Selectivity, Terms


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """An index in which term 6 has six entries, 7 seven and so on; from eight on all count as common."""
    monkeypatch.setattr(selectivity, "COMMON", 8)
    monkeypatch.setattr(selectivity, "PROBES", (4, 8))
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE log_index (term INTEGER, stored INTEGER)")
    rows = [(term, stored) for term in range(30) for stored in range(term)]
    made.executemany("INSERT INTO log_index VALUES (?, ?)", rows)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ([(5,), (3,)], (3,)),
        ([(5,), (20,)], (5,)),
        ([(20,), (2, 3)], (2, 3)),
        ([(6,), (2, 3)], (2, 3)),
        ([(4,), (2, 3)], (4,)),
        # Both counted to their end, they are fewer than one that was not, although their sum is beyond that.
        ([(20,), (7, 6)], (7, 6)),
        ([(20,), (7, 7)], (7, 7)),
        ([(2, 20), (20,), (7, 6)], (7, 6)),
        ([(20, 21), (22,)], (22,)),
    ],
)
def test_the_rarest_drives(connection: sqlite3.Connection, wanted: list[Terms], first: Terms) -> None:
    """Terms of which any one will do count together; what was not counted to its end comes last."""
    assert Selectivity().first(connection, wanted, EARLIEST, LATEST)[0] == first


def test_common_keys_are_told_apart_by_the_stretch(connection: sqlite3.Connection) -> None:
    """Where all are common, the one with the fewest entries in the stretch that is asked for drives."""
    assert Selectivity().first(connection, [(20,), (15,)], 14, LATEST)[0] == (15,)
    assert Selectivity().first(connection, [(20,), (9, 15)], 14, LATEST)[0] == (9, 15)

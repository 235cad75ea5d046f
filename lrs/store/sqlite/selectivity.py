"""Which of several keys has the fewest records: a query is driven from that one.

Counting is cut off, and what was counted is remembered for some minutes: a common key stays common, and a
wrong guess costs time alone, never an answer.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from itertools import islice

from lrs.store.sqlite.errors import run_one
from lrs.store.sqlite.sql import COUNT_KEYS

Terms = tuple[int, ...]
"""Numbers of terms, of which any one will do."""

EARLIEST = -(2**63)
LATEST = 2**63 - 1
COMMON = 4096
"""Keys with so many records are not told apart, but by what they have in the stretch that is asked for."""
PROBES = (64, COMMON)
"""How far the stretch is counted: first a little, then more if all are common in it, too."""
SECONDS = 300.0
SIZE = 50_000


class Selectivity:
    """Remembers about how many records the keys have. Safe to use from many threads."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._until = 0.0

    def first(self, connection: sqlite3.Connection, wanted: list[Terms], low: int, high: int) -> list[Terms]:
        """The rarest first; `low` to `high` is the stretch of `stored` that is asked for."""
        if len(wanted) < 2:
            return wanted
        counts = _summed(wanted, self._known(connection, _flat(wanted)), COMMON)
        if min(counts) >= COMMON:
            return by_count(connection, wanted, COUNT_KEYS, [low, high])
        return _sorted(wanted, counts)

    def _known(self, connection: sqlite3.Connection, terms: list[int]) -> Sequence[int]:
        """The number of records of each term, up to `COMMON`."""
        now = time.monotonic()
        if now > self._until or len(self._counts) >= SIZE:
            self._counts = {}
            self._until = now + SECONDS
        known = self._counts
        missing = [term for term in terms if term not in known]
        if missing:
            counts = _count(connection, missing, COUNT_KEYS, [EARLIEST, LATEST], COMMON)
            known.update(zip(missing, counts, strict=True))
        return [known.get(term, COMMON) for term in terms]


def by_count(
    connection: sqlite3.Connection, wanted: list[Terms], count: str, bounds: Sequence[object]
) -> list[Terms]:
    """The rarest first; the query `count` takes a term, the bounds, and how far to count."""
    if len(wanted) < 2:
        return wanted
    counts: Sequence[int] = ()
    for probe in PROBES:
        counts = _summed(wanted, _count(connection, _flat(wanted), count, bounds, probe), probe)
        if min(counts) < probe:
            break
    return _sorted(wanted, counts)


def _count(
    connection: sqlite3.Connection, terms: list[int], count: str, bounds: Sequence[object], at_most: int
) -> Sequence[int]:
    sql = "SELECT " + ",".join([count] * len(terms))
    parameters = [value for term in terms for value in (term, *bounds, at_most)]
    counts: Sequence[int] = run_one(connection, sql, parameters)
    return counts


def _flat(wanted: Iterable[Terms]) -> list[int]:
    return [term for terms in wanted for term in terms]


def _summed(wanted: Iterable[Terms], counts: Iterable[int], cap: int) -> list[int]:
    """The counts of those that go together. One that was cut off is more than any two that were not."""
    left = iter([count if count < cap else 2 * cap for count in counts])
    return [sum(islice(left, len(terms))) for terms in wanted]


def _sorted(wanted: list[Terms], counts: Sequence[int]) -> list[Terms]:
    return [terms for _, terms in sorted(zip(counts, wanted, strict=True))]

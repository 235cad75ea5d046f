"""Which table of JP was in force when: the shipped versions and an agency's own, in the order of time.

What was verified is counted by the table of its time, see `lrs.records.projection.derive`. So a moment is
asked about as often as an entry is worked out, and must always give the same table: periods are only ever
added.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from statements.profile.table import LATEST, Table

Since = tuple[int, str]
"""From when (microseconds, as in `Record.stored`) a version holds."""


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, up to the next one, in which one table is in force."""

    since: int
    base: str
    """The shipped version."""
    own: str = ""
    """The version of the agency's changes; empty when it has none."""

    @property
    def version(self) -> str:
        """As the table names itself."""
        return f"{self.base}+{self.own}" if self.own else self.base


def periods_of(shipped: Sequence[Since], own: Sequence[Since]) -> tuple[Period, ...]:
    """The periods of an agency, oldest first; there is always one, and the first has no beginning."""
    shipped = sorted(shipped) or [(0, LATEST)]
    bases, laid = dict(shipped), dict(sorted(own))
    base, own_version = shipped[0][1], ""
    made = []
    for moment in sorted(bases.keys() | laid.keys()):
        base, own_version = bases.get(moment, base), laid.get(moment, own_version)
        made.append(Period(moment, base, own_version))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Verbs:
    """What learning platforms say, by any of an agency's tables."""

    completions: frozenset[str]
    reversals: frozenset[str]


def verbs_of(tables: Iterable[Table]) -> Verbs:
    """The verbs of all these tables, which are looked at one by one."""
    completions: set[str] = set()
    reversals: set[str] = set()
    for table in tables:
        completions |= table.lms.completion_verbs
        reversals |= table.lms.reversal_verbs
    return Verbs(frozenset(completions), frozenset(reversals))


class History:
    """The tables of one agency, loaded when they are asked for. Valid as long as what `load` reads from."""

    def __init__(
        self,
        periods: Sequence[Period],
        load: Callable[[Period], Table],
        verbs: Callable[[History], Verbs],
    ) -> None:
        self._periods = periods
        self._load = load
        self._verbs = verbs

    @property
    def current(self) -> Table:
        """The table in force now."""
        return self._load(self._periods[-1])

    def since(self, moment: int) -> Iterator[Table]:
        """The table in force at a moment (microseconds), then those that came after it."""
        first = bisect_right(self._periods, moment, key=lambda period: period.since) - 1
        for period in self._periods[max(0, first) :]:
            yield self._load(period)

    def earlier(self, versions: Collection[str]) -> list[Table]:
        """Those of the tables before the current one that have these versions, oldest first."""
        return [self._load(period) for period in self._periods[:-1] if period.version in versions]

    @property
    def verbs(self) -> Verbs:
        """The verbs of all tables."""
        return self._verbs(self)

    def every(self) -> Iterator[Table]:
        """All tables, oldest first."""
        yield from map(self._load, self._periods)

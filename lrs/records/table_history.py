"""Which table of JP was in force when: the shipped versions and an agency's own, in the order of time.

What was verified is counted by the table of its time, see `lrs.records.projection.derive`. So a moment is
asked about as often as an entry is worked out, and must always give the same table: periods are only ever
added.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
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
    made = []
    for moment in sorted({since for since, _ in (*shipped, *own)}):
        base = next((version for since, version in reversed(shipped) if since <= moment), shipped[0][1])
        laid = next((version for since, version in sorted(own, reverse=True) if since <= moment), "")
        made.append(Period(moment, base, laid))
    return tuple(made)


class History:
    """The tables of one agency, loaded when they are asked for. Valid as long as what `load` reads from."""

    def __init__(self, periods: Sequence[Period], load: Callable[[Period], Table]) -> None:
        self._periods = periods
        self._load = load

    @property
    def current(self) -> Table:
        """The table in force now."""
        return self._load(self._periods[-1])

    def since(self, moment: int) -> Iterator[Table]:
        """The table in force at a moment (microseconds), then those that came after it."""
        first = sum(period.since <= moment for period in self._periods) - 1
        for period in self._periods[max(0, first) :]:
            yield self._load(period)

    def earlier(self, versions: Collection[str]) -> list[Table]:
        """Those of the tables before the current one that have these versions, oldest first."""
        return [self._load(period) for period in self._periods[:-1] if period.version in versions]

    def every(self) -> Iterator[Table]:
        """All tables, oldest first."""
        yield from map(self._load, self._periods)

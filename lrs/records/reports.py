"""Reports over many people. A cohort reads one small document for each of its people."""

from __future__ import annotations

from calendar import isleap
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from lrs.records.records import Records
from lrs.records.summaries import Summary
from statements.profile.jp import ZERO
from statements.profile.table import PILLAR_CODES


class Standing(StrEnum):
    """How verified JP compare with the part of the target that belongs to the days gone by."""

    ON_TRACK = "on-track"
    BEHIND = "behind"
    BELOW_HALF = "below-half"


@dataclass(frozen=True, slots=True)
class Row:
    """One person of a cohort."""

    person: str
    name: str
    summary: Summary
    standing: Standing


@dataclass(frozen=True, slots=True)
class Cohort:
    """How a group of people stands in one year."""

    year: int
    rows: tuple[Row, ...]
    """By name."""

    def count(self, standing: Standing) -> int:
        """How many people stand so."""
        return sum(row.standing is standing for row in self.rows)

    @property
    def waiting(self) -> int:
        """Entries that wait for a verifier."""
        return sum(row.summary.waiting for row in self.rows)

    def verified(self, pillar: str) -> Decimal:
        """Verified JP of one pillar, of everybody."""
        return sum((row.summary.pillars[pillar].verified for row in self.rows), ZERO)

    @property
    def by_pillar(self) -> dict[str, Decimal]:
        """Verified JP by pillar, in the order 70, 20, 10."""
        return {code: self.verified(code) for code in PILLAR_CODES}


@dataclass(frozen=True, slots=True)
class Tally:
    """A group of people in one year as numbers, however many they are."""

    year: int
    people: int = 0
    waiting: int = 0
    """Entries that wait for a verifier."""
    groups: Mapping[tuple[Decimal, Decimal], int] = field(default_factory=dict)
    """How many people have this target and these verified JP."""

    def count(self, standing: Standing, today: date) -> int:
        """How many people stand so."""
        return sum(
            people
            for (target, verified), people in self.groups.items()
            if standing_of(verified, target, self.year, today) is standing
        )


def tally(year: int, summaries: Iterable[Summary], *, rounded: bool = False) -> Tally:
    """The numbers of a group.

    `rounded` to tenths of a JP and at most ten targets, they stay few however many people there are.
    """
    groups: Counter[tuple[Decimal, Decimal]] = Counter()
    waiting = 0
    for summary in summaries:
        target, verified = summary.target.jp, summary.total_verified
        if rounded:
            verified = min(verified, 10 * max(target, Decimal(1))).quantize(Decimal("0.1"), ROUND_DOWN)
        groups[target, verified] += 1
        waiting += summary.waiting
    return Tally(year, groups.total(), waiting, groups)


def added(one: Tally, other: Tally) -> Tally:
    """Two groups as one."""
    groups = Counter(one.groups)
    groups.update(other.groups)
    return Tally(one.year, one.people + other.people, one.waiting + other.waiting, groups)


def cohort(records: Records, tenant: str, members: Mapping[str, str], year: int, *, today: date) -> Cohort:
    """The report about `members` (person id -> name) for a year, as of `today`."""
    sums = records.summaries(tenant, members, year)
    rows = [
        Row(sums[person].person, name, sums[person], standing(sums[person], today))
        for person, name in members.items()
    ]
    return Cohort(year, tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.person))))


def standing(summary: Summary, today: date) -> Standing:
    """Where somebody stands: the target is taken to be reached evenly over the year.

    On track is who has at least the part of the target that belongs to the days gone by; below half is who
    has less than half of that part.
    """
    return standing_of(summary.total_verified, summary.target.jp, summary.year, today)


def standing_of(verified: Decimal, target: Decimal, year: int, today: date) -> Standing:
    """Where somebody with these verified JP and this target stands; see `standing`."""
    due = target * _gone(year, today)
    # Compared without dividing, so that nobody misses the line by a rounding.
    have = verified * _days(year)
    if have >= due:
        return Standing.ON_TRACK
    return Standing.BELOW_HALF if have * 2 < due else Standing.BEHIND


def _gone(year: int, today: date) -> int:
    """Days of the year that have ended."""
    if today.year != year:
        return 0 if today.year < year else _days(year)
    return (today - date(year, 1, 1)).days


def _days(year: int) -> int:
    return 366 if isleap(year) else 365

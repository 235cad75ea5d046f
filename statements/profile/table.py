"""The table of forms, pillars, JP and targets: shipped as data, overridden per agency, never code.

`shipped()` is the table that comes with this version of the program; the versions before it stay in the
package (`tables/`), for entries that were verified while they were in force. `overridden(changes)` lays an
agency's decisions over one of them; what an agency does not name stays as shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

Words = Mapping[str, str]
"""A text in several languages, by language tag."""

PILLAR_CODES: Final = ("70", "20", "10")
"""In the order in which they are always shown."""
SHIPPED: Final = ("2026.1", "2026.2")
"""Every version that was ever shipped, oldest first. A version that was released is never changed."""
LATEST: Final = SHIPPED[-1]


class JpKind(StrEnum):
    """How the JP of a form are counted."""

    HOURS = "hours"
    """Actual learning time, in JP of `Table.minutes_per_jp` minutes."""
    DAY = "day"
    SESSION = "session"
    EACH = "each"
    SEMESTER = "semester"
    NONE = "none"
    """No JP, until the agency says otherwise."""


@dataclass(frozen=True, slots=True)
class ByScope:
    """Two amounts of JP: for a national and for an international event."""

    national: Decimal
    international: Decimal

    def of(self, international: bool) -> Decimal:
        """The amount that applies."""
        return self.international if international else self.national


@dataclass(frozen=True, slots=True)
class DayLimit:
    """The most JP a day of a national and of an international event; None where there is no such limit."""

    national: Decimal | None = None
    international: Decimal | None = None

    def of(self, international: bool) -> Decimal | None:
        """The limit that applies."""
        return self.international if international else self.national


@dataclass(frozen=True, slots=True)
class JpRule:
    """How the JP of one form are counted, and the limits that come with the rule."""

    kind: JpKind
    unit: ByScope | None = None
    """JP for each day, session, piece or semester; None for hours and none."""
    uplift: Decimal = Decimal(0)
    """Added for an international event, as a fraction: 0.2 is 20 %."""
    max_per_day: DayLimit = DayLimit()
    max_sessions_per_month: int | None = None
    """Sessions; days where sessions are counted by the day."""
    international_kind: JpKind | None = None
    """How an international event is counted, if not like a national one."""

    def kind_of(self, international: bool) -> JpKind:
        """How an event is counted."""
        return self.international_kind if international and self.international_kind else self.kind


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes sense for a form at all: more is not refused as a statement, but is not counted either."""

    jp_per_day: DayLimit = DayLimit()
    """Before the uplift of an international event. Semesters have no days, so they do not know this limit."""
    fewest_days: int | None = None
    """Days from the first to the last one, below which nothing is counted."""
    semesters_per_year: int | None = None
    is_proposal: bool = False
    """Nobody has confirmed these limits yet; pages and documents say so."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of learning."""

    code: str
    siasn: int | None
    """`jenisDiklatId` of SIASN; None where SIASN has none."""
    name: Words
    pillar: str
    pillars: tuple[str, ...]
    """The pillars an entry of this form may choose; the usual one is `pillar`."""
    verb: str
    types: tuple[str, ...]
    """Activity types, the usual one first."""
    evidence: tuple[str, ...]
    verifier: str
    """Who signs off: a role, or "automatic" for what a learning platform reports."""
    jp: JpRule
    limits: Limits = Limits()

    def most_per_day(self, international: bool) -> Decimal | None:
        """The most JP that one day can hold of this form; None without a limit."""
        found = [self.jp.max_per_day.of(international), self.plausible_per_day(international)]
        return min((limit for limit in found if limit is not None), default=None)

    def plausible_per_day(self, international: bool) -> Decimal | None:
        """The same by `limits` alone, with the uplift of an international event."""
        limit = self.limits.jp_per_day.of(international)
        if limit is None or self.jp.kind is JpKind.SEMESTER:
            return None
        return limit * (1 + self.jp.uplift) if international else limit


@dataclass(frozen=True, slots=True)
class Target:
    """JP a year for one kind of employment."""

    jp: Decimal
    kind: str
    """"at-least" (a target) or "at-most" (a ceiling)."""


@dataclass(frozen=True, slots=True)
class Course:
    """What an agency says about one course of a learning platform, known by its activity IRI."""

    jp: Decimal | None = None
    form: str | None = None
    pillar: str | None = None
    organiser: str | None = None


@dataclass(frozen=True, slots=True)
class LmsRules:
    """How the statements of learning platforms are recognised and counted."""

    form: str
    """The form of a completed course."""
    default_jp: Decimal
    """JP of a completed course that says nothing about its length."""
    attended_form: str
    """The form of a face-to-face session that was attended."""
    units: str
    """"ignore" or "count": completed parts of a course (modules, cmi5 units, H5P)."""
    course_types: frozenset[str]
    session_types: frozenset[str]
    completion_verbs: frozenset[str]
    attendance_verbs: frozenset[str]
    reversal_verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that decides what counts as learning, and for how much."""

    version: str
    """Written into each entry; an agency's own decisions add theirs after a plus sign."""
    note: Words
    minutes_per_jp: int
    step: Decimal
    """JP are rounded half up to multiples of this."""
    zone: timezone
    """In which the day and the year of an entry are taken."""
    targets: Mapping[str, Target]
    pillars: Mapping[str, Words]
    forms: Mapping[str, Form]
    lms: LmsRules
    courses: Mapping[str, Course] = field(default_factory=lambda: MappingProxyType({}))

    def target(self, employment: str | None) -> Target:
        """The target of a kind of employment; a civil servant's (`pns`) when it is unknown."""
        return self.targets.get(employment or "pns", self.targets["pns"])

    def day(self, moment: int) -> date:
        """The calendar day of a point in time (microseconds) where the agency is."""
        return (_EPOCH + timedelta(microseconds=moment)).astimezone(self.zone).date()


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

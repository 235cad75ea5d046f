"""The table of forms, pillars, JP and targets: shipped as data, overridden per agency, never code.

`shipped()` is the table that comes with this version. `overridden(table, changes)` lays an agency's decisions
over it; what an agency does not name stays as shipped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

Words = Mapping[str, str]
"""A text in several languages, by language tag."""

PILLAR_CODES: Final = ("70", "20", "10")
"""In the order in which they are always shown."""


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
class JpRule:
    """How the JP of one form are counted, and their limits."""

    kind: JpKind
    unit: ByScope | None = None
    """JP for each day, session, piece or semester; None for hours and none."""
    uplift: Decimal = Decimal(0)
    """Added for an international event, as a fraction: 0.2 is 20 %."""
    max_per_day: ByScope | None = None
    max_sessions_per_month: int | None = None


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


@cache
def shipped() -> Table:
    """The table of this version of the program."""
    from statements.profile.schema import read

    return read(shipped_data())


def shipped_data() -> dict[str, Any]:
    """The same as plain data, a fresh copy: the base that overrides are laid over."""
    data: dict[str, Any] = json.loads(files(__package__).joinpath("table.json").read_text("utf-8"))
    return data


def overridden(changes: Mapping[str, Any]) -> Table:
    """The shipped table with an agency's changes. Raises `Invalid` with every problem in them.

    `changes` looks like `table.json` with anything left out; it must name a `version` of its own. A form that
    is not in the shipped table needs every member of a form.
    """
    from statements.profile.schema import check_changes, read

    check_changes(changes)
    data = shipped_data()
    data["version"] = f"{data['version']}+{changes['version']}"
    for name in ("note", "utc_offset", "minutes_per_jp", "step"):
        if name in changes:
            data[name] = changes[name]
    for name in ("targets", "lms", "courses"):
        data[name] |= changes.get(name, {})
    for code, change in changes.get("forms", {}).items():
        data["forms"][code] = data["forms"].get(code, {}) | change
    return read(data)

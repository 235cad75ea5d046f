"""JP of a person's year: what each entry is worth, by which rule, and which limit held it back.

Limits span entries (a day, a month), so a year is always worked out as a whole. Everything is exact:
fractions inside, decimals at the edge. 1 JP is 45 minutes (Peraturan LAN 10/2018); the rest is the table's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from statements.profile.table import Form, JpKind, Table

LONGEST_DAYS: Final = 1830
"""Days that one entry may span; longer spans are cut to their last days."""
ZERO: Final = Decimal(0)


class Counting(StrEnum):
    """Where an entry's status puts its JP."""

    VERIFIED = "verified"
    WAITING = "waiting"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Amount:
    """How much was learned, as the statement says; None where it says nothing."""

    seconds: int | None = None
    days: int | None = None
    sessions: int | None = None
    semesters: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be counted for one entry."""

    id: str
    form: str
    start: date
    end: date
    at: int
    """Microseconds; decides between entries of the same day."""
    counting: Counting
    amount: Amount = Amount()
    international: bool = False
    claimed: Decimal | None = None
    """JP that the learner or the certificate claims: never is more awarded (but for an uplift)."""
    given: Decimal | None = None
    """JP that the agency's table gives this course; nothing else limits it."""
    automatic: bool = False
    """Reported by a learning platform: a default applies when nothing says how long it was."""
    once: str | None = None
    """The same learning under another statement: only the first of these in a year is counted."""


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit that lowered an award: a machine code and what fills its sentence."""

    code: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Award:
    """The JP of one entry and why."""

    jp: Decimal
    rule: str
    """hours, claimed, day, session, each, semester, given, default, none or not-counted."""
    params: Mapping[str, str] = field(default_factory=dict)
    caps: tuple[Cap, ...] = ()


class _Ledger:
    """What the entries counted so far have used up of the limits of a year."""

    def __init__(self) -> None:
        self.day: dict[tuple[str, date], Decimal] = {}
        self.month: dict[tuple[str, int, int], int] = {}
        self.once: dict[str, str] = {}


def award(claims: Iterable[Claim], table: Table) -> dict[str, Award]:
    """The award of each claim of one person's year, by claim id.

    Verified entries use up the limits first, so a new claim never lowers what was verified; then earlier
    days come before later ones. A form that the table no longer has is worth nothing.
    """
    ledger = _Ledger()
    order = sorted(claims, key=lambda c: (c.counting is not Counting.VERIFIED, c.end, c.at, c.id))
    return {claim.id: _one(claim, table, ledger) for claim in order}


def _one(claim: Claim, table: Table, ledger: _Ledger) -> Award:
    if claim.counting is Counting.NOT:
        return Award(ZERO, "not-counted")
    form = table.forms.get(claim.form)
    if form is None:
        return Award(ZERO, "none")
    if claim.once is not None:
        first = ledger.once.setdefault(claim.once, claim.id)
        if first != claim.id:
            return Award(ZERO, "none", {}, (Cap("already-counted", {"entry": first}),))
    if claim.given is not None:
        return Award(_round(Fraction(claim.given), table), "given", {"jp": jp_text(claim.given)})
    caps: list[Cap] = []
    exact, rule, params = _worth(claim, form, table, ledger, caps)
    jp = _round(exact, table)
    if form.jp.max_per_day is not None and jp:
        jp = _within_days(claim, form, jp, table, ledger, caps)
    return Award(jp, rule, params, tuple(caps))


def _worth(
    claim: Claim, form: Form, table: Table, ledger: _Ledger, caps: list[Cap]
) -> tuple[Fraction, str, dict[str, str]]:
    """JP before the limit of the day, the rule they follow, and what fills its sentence."""
    kind, unit = form.jp.kind, form.jp.unit
    if kind is JpKind.HOURS:
        return _hours(claim, form, table, caps)
    if kind is JpKind.NONE or unit is None:
        return Fraction(0), "none", {}
    one = unit.of(claim.international)
    params = {"jp": jp_text(one)}
    if kind is JpKind.DAY:
        span = (claim.end - claim.start).days + 1
        count = span if claim.amount.days is None else claim.amount.days
        if count > span:
            count = span
            caps.append(Cap("days-in-dates", {"days": str(span)}))
        params["days"] = str(count)
    elif kind is JpKind.SESSION:
        count = _sessions(claim, form, ledger, caps)
        params["sessions"] = str(count)
    elif kind is JpKind.SEMESTER:
        count = 1 if claim.amount.semesters is None else claim.amount.semesters
        params["semesters"] = str(count)
    else:
        count = 1
    worth = Fraction(one) * count
    if claim.claimed is not None and claim.claimed < worth:
        caps.append(Cap("as-claimed", {"claimed": jp_text(claim.claimed)}))
        worth = Fraction(claim.claimed)
    return worth, str(kind), params


def _hours(claim: Claim, form: Form, table: Table, caps: list[Cap]) -> tuple[Fraction, str, dict[str, str]]:
    seconds, claimed = claim.amount.seconds, claim.claimed
    params: dict[str, str]
    if seconds is not None:
        worth, rule = Fraction(seconds, table.minutes_per_jp * 60), "hours"
        params = {"minutes": str(seconds // 60), "minutes_per_jp": str(table.minutes_per_jp)}
        if claimed is not None and claimed < worth:
            caps.append(Cap("as-claimed", {"claimed": jp_text(claimed)}))
            worth = Fraction(claimed)
    elif claimed is not None:
        worth, rule, params = Fraction(claimed), "claimed", {"claimed": jp_text(claimed)}
    elif claim.automatic:
        worth, rule, params = Fraction(table.lms.default_jp), "default", {"jp": jp_text(table.lms.default_jp)}
    else:
        worth, rule, params = (
            Fraction(0),
            "hours",
            {"minutes": "0", "minutes_per_jp": str(table.minutes_per_jp)},
        )
    if claim.international and form.jp.uplift:
        worth *= 1 + Fraction(form.jp.uplift)
        params["uplift"] = jp_text(form.jp.uplift)
    return worth, rule, params


def _sessions(claim: Claim, form: Form, ledger: _Ledger, caps: list[Cap]) -> int:
    """How many of the sessions count in their month."""
    wanted = 1 if claim.amount.sessions is None else claim.amount.sessions
    limit = form.jp.max_sessions_per_month
    if limit is None:
        return wanted
    month = (form.code, claim.end.year, claim.end.month)
    used = ledger.month.get(month, 0)
    count = max(0, min(wanted, limit - used))
    ledger.month[month] = used + count
    if count < wanted:
        told = {"limit": str(limit), "month": f"{claim.end:%Y-%m}", "used": str(used), "counted": str(count)}
        caps.append(Cap("sessions-per-month", told))
    return count


def _within_days(
    claim: Claim, form: Form, jp: Decimal, table: Table, ledger: _Ledger, caps: list[Cap]
) -> Decimal:
    """As much of `jp` as the days of the entry can still hold, earliest day first."""
    assert form.jp.max_per_day is not None  # noqa: S101 - the caller looked
    limit = form.jp.max_per_day.of(claim.international)
    span = min((claim.end - claim.start).days + 1, LONGEST_DAYS)
    left = jp
    for back in range(span - 1, -1, -1):
        key = (form.code, claim.end - timedelta(days=back))
        used = ledger.day.get(key, ZERO)
        taken = min(left, max(ZERO, limit - used))
        ledger.day[key] = used + taken
        left -= taken
        if not left:
            return jp
    counted = (jp - left) // table.step * table.step
    caps.append(Cap("day-limit", {"limit": jp_text(limit), "days": str(span), "before": jp_text(jp)}))
    return counted


def _round(exact: Fraction, table: Table) -> Decimal:
    """Half up to the table's step (a power of ten, or one half)."""
    steps = Decimal((exact / Fraction(table.step)).__floor__())
    rest = exact / Fraction(table.step) - Fraction(steps)
    return (steps + (1 if rest >= Fraction(1, 2) else 0)) * table.step


def jp_text(number: Decimal) -> str:
    """A decimal without zeros at its end and without an exponent."""
    return format(number.normalize(), "f")

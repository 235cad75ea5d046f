"""JP of a person's year: what each entry is worth, by which rule, and which limit held it back.

Limits span entries (a day, a month), so a year is always worked out as a whole. Everything is exact:
fractions inside, decimals at the edge. 1 JP is 45 minutes (Peraturan LAN 10/2018); the rest is the table's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
    table: str = ""
    """Version of the earlier table that this claim is counted by; by default the one in force."""


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
        self.day: dict[str, dict[int, Decimal]] = defaultdict(dict)
        """By form and day (ordinal): the JP of that day so far."""
        self.full: dict[tuple[str, Decimal], dict[int, int]] = defaultdict(dict)
        """By form and limit: days that hold no more, and a later day to look at instead."""
        self.month: dict[tuple[str, int, int], int] = {}
        self.met: set[tuple[str, date]] = set()
        """Days that are counted as sessions of their month."""
        self.semesters: dict[tuple[str, int], int] = {}
        self.once: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Used:
    """What the entries of a year have used up of the limits that span entries."""

    sessions: Mapping[tuple[str, int, int], int]
    """By form, year and month: sessions, or days where sessions are counted by the day."""
    semesters: Mapping[tuple[str, int], int]
    """By form and year."""


def used(claims: Iterable[Claim], table: Table, earlier: Sequence[Table] = ()) -> Used:
    """What these claims of one person's year use up; the arguments are those of `award`."""
    ledger = _Ledger()
    _all(claims, table, earlier, ledger)
    return Used(ledger.month, ledger.semesters)


def award(claims: Iterable[Claim], table: Table, earlier: Sequence[Table] = ()) -> dict[str, Award]:
    """The award of each claim of one person's year, by claim id.

    `table` is in force now; `earlier` are those that held before it, oldest first, as far as claims name
    them. Each claim is counted by its own table. What is used up of a day, a month or a year is used up for
    all, and each claim's own table says how much there is in all.

    Verified entries use up the limits first, so a new claim never lowers what was verified. Among them those
    of earlier tables come first, so what is verified later never lowers them either. Then earlier days come
    before later ones. A form that the table no longer has is worth nothing.
    """
    return _all(claims, table, earlier, _Ledger())


def _all(
    claims: Iterable[Claim], table: Table, earlier: Sequence[Table], ledger: _Ledger
) -> dict[str, Award]:
    tables = {one.version: (age, one) for age, one in enumerate(earlier)}
    now = len(earlier), table

    def order(claim: Claim) -> tuple[bool, int, date, int, str]:
        age, _ = tables.get(claim.table, now)
        return claim.counting is not Counting.VERIFIED, age, claim.end, claim.at, claim.id

    return {
        claim.id: _one(claim, tables.get(claim.table, now)[1], ledger) for claim in sorted(claims, key=order)
    }


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
    fewest, span = form.limits.fewest_days, _span(claim)
    if fewest is not None and span < fewest:
        # Counted beside the ledger: it uses up nothing, and its rule is told all the same.
        _, rule, params = _worth(claim, form, table, _Ledger(), [])
        return Award(ZERO, rule, params, (Cap("fewest-days", {"fewest": str(fewest), "days": str(span)}),))
    exact, rule, params = _worth(claim, form, table, ledger, caps)
    jp = _round(exact, table)
    limit = form.most_per_day(claim.international)
    if limit is not None and jp:
        sessions = _days_of_sessions(claim, form, ledger)
        if sessions is None:
            jp = _within_days(claim, form, limit, jp, table, ledger, caps)
        else:
            jp = _on_days(sessions, form, limit, jp, ledger, caps)
    return Award(jp, rule, params, tuple(caps))


def _span(claim: Claim) -> int:
    """Days from the first to the last one."""
    return (claim.end - claim.start).days + 1


def _worth(
    claim: Claim, form: Form, table: Table, ledger: _Ledger, caps: list[Cap]
) -> tuple[Fraction, str, dict[str, str]]:
    """JP before the limit of the day, the rule they follow, and what fills its sentence."""
    kind, unit = form.jp.kind_of(claim.international), form.jp.unit
    if kind is JpKind.HOURS:
        return _hours(claim, form, table, caps)
    if kind is JpKind.NONE or unit is None:
        return Fraction(0), "none", {}
    one = unit.of(claim.international)
    params = {"jp": jp_text(one)}
    if kind is JpKind.DAY:
        count = _days(claim, form, ledger, caps)
        params["days"] = str(count)
    elif kind is JpKind.SESSION:
        count = _sessions(claim, form, ledger, caps)
        params["sessions"] = str(count)
    elif kind is JpKind.SEMESTER:
        count = _semesters(claim, form, ledger, caps)
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


def _days(claim: Claim, form: Form, ledger: _Ledger, caps: list[Cap]) -> int:
    """How many of the days count: not more than lie between the dates."""
    span, by_session = _span(claim), form.jp.kind is JpKind.SESSION
    told = claim.amount.sessions or 1 if by_session else claim.amount.days
    count = span if told is None else told
    if count > span:
        count = span
        caps.append(Cap("days-in-dates", {"days": str(span)}))
    return _days_of_month(claim, form, count, ledger, caps) if by_session else count


def _days_of_month(claim: Claim, form: Form, wanted: int, ledger: _Ledger, caps: list[Cap]) -> int:
    """How many of the days count in their month; a day that other sessions use already is used once."""
    limit = form.jp.max_sessions_per_month
    if limit is None:
        return wanted
    wanted = min(wanted, LONGEST_DAYS)
    days = [(form.code, claim.start + timedelta(days=ahead)) for ahead in range(wanted)]
    new = [day for day in days if day not in ledger.met]
    month = (form.code, claim.end.year, claim.end.month)
    used = ledger.month.get(month, 0)
    taken = new[: max(0, limit - used)]
    ledger.met.update(taken)
    ledger.month[month] = used + len(taken)
    count = wanted - len(new) + len(taken)
    if count < wanted:
        told = {"limit": str(limit), "month": f"{claim.end:%Y-%m}", "used": str(used), "counted": str(count)}
        caps.append(Cap("days-per-month", told))
    return count


def _days_of_sessions(claim: Claim, form: Form, ledger: _Ledger) -> list[int] | None:
    """The days (ordinals) on which sessions that are counted by the day took place; None for other rules.

    Other days between the dates hold no JP: else an entry about a day that is used already would find room on
    the day after it, and a month would hold more than its sessions.
    """
    by_day = form.jp.kind is JpKind.SESSION and form.jp.kind_of(claim.international) is JpKind.DAY
    if not by_day or form.jp.max_sessions_per_month is None:
        return None
    wanted = min(claim.amount.sessions or 1, _span(claim), LONGEST_DAYS)
    days = [claim.start + timedelta(days=ahead) for ahead in range(wanted)]
    return [day.toordinal() for day in days if (form.code, day) in ledger.met]


def _on_days(
    allowed: Sequence[int], form: Form, limit: Decimal, jp: Decimal, ledger: _Ledger, caps: list[Cap]
) -> Decimal:
    """As much of `jp` as these days can still hold, from the earliest on."""
    days, full = ledger.day[form.code], ledger.full[form.code, limit]
    left = jp
    for day in allowed:
        used = days.get(day, ZERO)
        taken = min(left, max(ZERO, limit - used))
        days[day] = used + taken
        left -= taken
        if used + taken >= limit:
            full.setdefault(day, day + 1)
    if left:
        told = {"limit": jp_text(limit), "days": str(len(allowed)), "before": jp_text(jp)}
        caps.append(Cap("day-limit", told))
    return jp - left


def _semesters(claim: Claim, form: Form, ledger: _Ledger, caps: list[Cap]) -> int:
    """How many of the semesters count in their year."""
    wanted = 1 if claim.amount.semesters is None else claim.amount.semesters
    limit = form.limits.semesters_per_year
    if limit is None:
        return wanted
    year = form.code, claim.end.year
    used = ledger.semesters.get(year, 0)
    count = max(0, min(wanted, limit - used))
    ledger.semesters[year] = used + count
    if count < wanted:
        told = {"limit": str(limit), "used": str(used), "counted": str(count)}
        caps.append(Cap("semesters-per-year", told))
    return count


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
    claim: Claim, form: Form, limit: Decimal, jp: Decimal, table: Table, ledger: _Ledger, caps: list[Cap]
) -> Decimal:
    """As much of `jp` as the days of the entry can still hold.

    A limit that comes with the rule is filled from the earliest day on. One that only keeps sense is first
    filled evenly: a workshop of three days shall not use up the first of them for another one.
    """
    span = min(_span(claim), LONGEST_DAYS)
    last = claim.end.toordinal()
    first = last - span + 1
    days, full = ledger.day[form.code], ledger.full[form.code, limit]
    rounds = [limit]
    if form.jp.max_per_day.of(claim.international) is None:
        whole, rest = divmod(jp, table.step * span)
        rounds.insert(0, min((whole + bool(rest)) * table.step, limit))
    left = jp
    for most in rounds:
        day = _not_full(full, first)
        while day <= last:
            used = days.get(day, ZERO)
            taken = min(left, most, max(ZERO, limit - used))
            days[day] = used + taken
            left -= taken
            if used + taken >= limit:
                full[day] = day + 1
            if not left:
                return jp
            day = _not_full(full, day + 1)
    counted = (jp - left) // table.step * table.step
    caps.append(Cap("day-limit", {"limit": jp_text(limit), "days": str(span), "before": jp_text(jp)}))
    return counted


def _not_full(full: dict[int, int], day: int) -> int:
    """The first day from this one on that is not full; days passed on the way point to it from then on."""
    found = day
    while (later := full.get(found)) is not None:
        found = later
    while day != found:
        full[day], day = found, full[day]
    return found


def _round(exact: Fraction, table: Table) -> Decimal:
    """Half up to the table's step (a power of ten, or one half)."""
    steps = Decimal((exact / Fraction(table.step)).__floor__())
    rest = exact / Fraction(table.step) - Fraction(steps)
    return (steps + (1 if rest >= Fraction(1, 2) else 0)) * table.step


def jp_text(number: Decimal) -> str:
    """A decimal without zeros at its end and without an exponent."""
    return format(number.normalize(), "f")

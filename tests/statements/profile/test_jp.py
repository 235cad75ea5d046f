"""JP of a year: rules, limits, rounding, and the reason that comes with each number."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.profile import jp as jp_module
from statements.profile.jp import LONGEST_DAYS, Amount, Award, Claim, Counting, award
from statements.profile.shipped import overridden, shipped
from statements.profile.table import JpKind

DAY = date(2026, 11, 12)


def claim(form: str, *, id: str = "one", start: date = DAY, end: date = DAY, **more: Any) -> Claim:
    """A claim of an entry that waits, on one day."""
    amount = Amount(
        **{name: more.pop(name) for name in ("seconds", "days", "sessions", "semesters") if name in more}
    )
    if "minutes" in more:
        amount = Amount(seconds=more.pop("minutes") * 60)
    given: dict[str, Any] = {"at": 0, "counting": Counting.WAITING}
    return Claim(id, form, start, end, amount=amount, **(given | more))


def only(one: Claim) -> Award:
    """What a single claim is awarded in an otherwise empty year."""
    return award([one], shipped())[one.id]


@pytest.mark.parametrize(
    ("one", "jp", "rule", "caps"),
    [
        (claim("technical-training", minutes=450), "10", "hours", []),
        (claim("technical-training", minutes=450, international=True), "12", "hours", []),
        (claim("leadership-training", minutes=450, international=True), "10", "hours", []),
        (claim("technical-training", minutes=1800, international=True), "12", "hours", ["day-limit"]),
        (claim("course", claimed=Decimal("24")), "10", "claimed", ["day-limit"]),
        (claim("course", claimed=Decimal("24"), start=date(2026, 11, 10)), "24", "claimed", []),
        (claim("course", minutes=120_000), "10", "hours", ["day-limit"]),
        (claim("course", minutes=450, claimed=Decimal("8")), "8", "hours", ["as-claimed"]),
        (claim("course", minutes=450, claimed=Decimal("11")), "10", "hours", []),
        (claim("course"), "0", "hours", []),
        (claim("seminar"), "4", "day", []),
        (claim("seminar", start=date(2026, 11, 10), international=True), "18", "day", []),
        (claim("seminar", days=2), "4", "day", ["days-in-dates"]),
        (claim("workshop", start=date(2026, 11, 11), days=1), "5", "day", []),
        (claim("briefing"), "4", "day", []),
        (claim("e-learning", minutes=450), "3", "hours", ["day-limit"]),
        (claim("e-learning", minutes=450, international=True), "4", "hours", ["day-limit"]),
        (claim("e-learning", minutes=450, start=date(2026, 11, 10)), "9", "hours", ["day-limit"]),
        (claim("e-learning", automatic=True), "3", "default", []),
        (claim("e-learning", given=Decimal("12"), automatic=True), "12", "given", []),
        (claim("coaching"), "2", "session", []),
        (claim("coaching", sessions=2), "4", "session", []),
        (claim("coaching", sessions=5), "4", "session", ["sessions-per-month"]),
        (claim("coaching", international=True), "4", "day", []),
        (claim("mentoring", sessions=2, international=True), "4", "day", ["days-in-dates"]),
        (claim("coaching", sessions=2, start=date(2026, 11, 11), international=True), "8", "day", []),
        (
            claim("mentoring", sessions=3, start=date(2026, 11, 9), international=True),
            "8",
            "day",
            ["days-per-month"],
        ),
        (claim("mentoring", sessions=2, claimed=Decimal("3")), "3", "session", ["as-claimed"]),
        (claim("community", minutes=180), "2", "hours", ["day-limit"]),
        (claim("community", minutes=90, international=True), "2.4", "hours", []),
        (claim("benchmarking"), "10", "each", []),
        (claim("benchmarking", international=True), "20", "each", []),
        (claim("secondment", start=date(2026, 11, 8), international=True), "24", "each", []),
        (claim("secondment"), "0", "each", ["fewest-days"]),
        (claim("industry-exchange", start=date(2026, 11, 9)), "0", "each", ["fewest-days"]),
        (claim("internship", start=date(2026, 11, 8)), "20", "each", []),
        (claim("on-the-job-training", minutes=180), "4", "hours", []),
        (claim("on-the-job-training", minutes=1800), "10", "hours", ["day-limit"]),
        (claim("self-study", minutes=45), "1", "hours", []),
        (claim("degree-study", semesters=2), "40", "semester", []),
        (claim("degree-study", semesters=100), "40", "semester", ["semesters-per-year"]),
        (claim("other", minutes=450, claimed=Decimal("10")), "0", "none", []),
        (claim("no-longer-known", minutes=450), "0", "none", []),
        (claim("coaching", counting=Counting.NOT), "0", "not-counted", []),
    ],
)
def test_each_rule(one: Claim, jp: str, rule: str, caps: list[str]) -> None:
    """Every rule of the table gives its JP, names itself and names the limits that held it back."""
    found = only(one)
    assert (found.jp, found.rule, [cap.code for cap in found.caps]) == (Decimal(jp), rule, caps)


@pytest.mark.parametrize(
    ("minutes", "jp"),
    [
        (1, "0"),
        (2, "0"),
        (3, "0.1"),
        (44, "1"),
        (45, "1"),
        (47, "1"),
        (48, "1.1"),
        (100, "2.2"),
        (110, "2.4"),
    ],
)
def test_hours_are_rounded_half_up_to_tenths(minutes: int, jp: str) -> None:
    """45 minutes are one JP; what lies between is rounded to the nearest tenth."""
    assert only(claim("course", minutes=minutes)).jp == Decimal(jp)


def test_a_limit_is_told_with_its_numbers() -> None:
    """A cap carries what fills its sentence, so that a page can say it in any language."""
    caps = only(claim("coaching", sessions=5)).caps
    assert [(cap.code, dict(cap.params)) for cap in caps] == [
        ("sessions-per-month", {"limit": "2", "month": "2026-11", "used": "0", "counted": "2"})
    ]
    caps = only(claim("e-learning", minutes=450)).caps
    assert [(cap.code, dict(cap.params)) for cap in caps] == [
        ("day-limit", {"limit": "3", "days": "1", "before": "10"})
    ]


def test_sessions_of_a_month_are_counted_across_entries() -> None:
    """The third coaching session of a month is worth nothing, the first of the next month is."""
    claims = [
        claim("coaching", id=str(n), start=day, end=day)
        for n, day in enumerate((date(2026, 11, 1), date(2026, 11, 9), date(2026, 11, 30), date(2026, 12, 1)))
    ]
    assert [award(claims, shipped())[str(n)].jp for n in range(4)] == [2, 2, 0, 2]


def test_coaching_and_mentoring_have_limits_of_their_own() -> None:
    """Sessions of one form use up nothing of the other."""
    found = award([claim("coaching", id="c", sessions=2), claim("mentoring", id="m", sessions=2)], shipped())
    assert (found["c"].jp, found["m"].jp) == (4, 4)


def test_the_limit_of_a_day_is_shared_by_its_entries() -> None:
    """Two e-learnings of one day together are worth what the day allows; the earlier comes first."""
    claims = [claim("e-learning", id=id, minutes=90, at=at) for id, at in (("late", 2), ("early", 1))]
    found = award(claims, shipped())
    assert (found["early"].jp, found["late"].jp) == (2, 1)
    assert [cap.code for cap in found["late"].caps] == ["day-limit"]


def test_what_is_verified_is_never_lowered_by_a_new_claim() -> None:
    """Verified entries use up the limits first, however early a waiting one is dated."""
    verified = claim("coaching", id="v", sessions=2, counting=Counting.VERIFIED)
    waiting = claim("coaching", id="w", start=date(2026, 11, 1), end=date(2026, 11, 1))
    found = award([waiting, verified], shipped())
    assert (found["v"].jp, found["w"].jp) == (4, 0)


def test_returned_entries_use_up_nothing() -> None:
    """An entry that does not count leaves the month's sessions to others."""
    found = award(
        [claim("coaching", id="r", sessions=2, counting=Counting.NOT), claim("coaching", id="o")], shipped()
    )
    assert found["o"].jp == 2


def test_an_international_day_that_is_used_finds_no_room_on_the_next() -> None:
    """Entries that overlap on a day of coaching abroad are worth the month's two days together, not three."""
    first = claim("coaching", id="a", start=date(2026, 11, 1), end=date(2026, 11, 5), at=1, sessions=2)
    second = claim("coaching", id="b", start=date(2026, 11, 2), end=date(2026, 11, 6), at=2, sessions=1)
    found = award([replace(first, international=True), replace(second, international=True)], shipped())
    assert (found["a"].jp, found["b"].jp) == (8, 0)


def test_an_agency_decides_otherwise() -> None:
    """A tenant's table changes JP, rounding and limits."""
    table = overridden(
        {
            "version": "bkd-1",
            "step": "1",
            "forms": {"other": {"jp": {"rule": "hours"}}, "coaching": {"jp": {"rule": "hours"}}},
        }
    )
    found = award([claim("other", id="o", minutes=110), claim("coaching", id="c", minutes=450)], table)
    assert (found["o"].jp, found["c"].jp) == (2, 10)


def test_two_semesters_of_a_year_count_however_many_entries_tell_them() -> None:
    """What one entry uses up of a year's semesters is gone for the next."""
    claims = [
        claim("degree-study", id=id, semesters=count, at=at)
        for at, (id, count) in enumerate((("a", 1), ("b", 2), ("c", 1)))
    ]
    found = award(claims, shipped())
    assert [found[id].jp for id in "abc"] == [20, 20, 0]
    assert dict(found["b"].caps[0].params) == {"limit": "2", "used": "1", "counted": "1"}


def test_an_international_day_is_used_once() -> None:
    """Two international sessions of one day are one of the month's two days, worth a day's JP."""
    claims = [
        claim("coaching", id=id, start=day, end=day, at=at, international=True)
        for at, (id, day) in enumerate((("a", DAY), ("b", DAY), ("c", date(2026, 11, 20))))
    ]
    national = claim("coaching", id="d", start=(last := date(2026, 11, 30)), end=last)
    found = award([*claims, national], shipped())
    assert [found[id].jp for id in "abcd"] == [4, 0, 4, 0]
    assert [found[id].caps[0].code for id in "bd"] == ["day-limit", "sessions-per-month"]


def test_a_long_workshop_leaves_room_for_another_on_its_days() -> None:
    """JP are spread over the days of an entry before a day is called full."""
    long = claim("workshop", id="long", start=date(2026, 11, 10))
    short = claim("workshop", id="short", start=(first := date(2026, 11, 10)), end=first, at=1)
    assert {id: one.jp for id, one in award([long, short], shipped()).items()} == {"long": 15, "short": 5}


def test_an_earlier_table_counts_what_names_it() -> None:
    """Each claim is counted by its own table; the others by the one in force."""
    now = overridden({"version": "b", "forms": {"coaching": {"jp": {**SESSION, "national": "1"}}}})
    claims = [
        claim("coaching", id="old", counting=Counting.VERIFIED, table=shipped().version),
        claim("coaching", id="new", counting=Counting.VERIFIED),
        claim("mentoring", id="elsewhere", table="never-heard-of"),
    ]
    found = award(claims, now, [shipped()])
    assert {id: one.jp for id, one in found.items()} == {"old": 2, "new": 1, "elsewhere": 2}


def test_what_an_earlier_table_counted_is_used_up_first() -> None:
    """An entry of an earlier table keeps its JP, though one of the new table is dated before it."""
    now = overridden({"version": "b", "step": "1"})
    claims = [
        claim("coaching", id="old", sessions=2, counting=Counting.VERIFIED, table=shipped().version),
        claim("coaching", id="new", start=(d := date(2026, 11, 1)), end=d, counting=Counting.VERIFIED),
    ]
    found = award(claims, now, [shipped()])
    assert {id: one.jp for id, one in found.items()} == {"old": 4, "new": 0}


SESSION = {"rule": "session", "national": "2", "international": "2", "max_sessions_per_month": 2}


claims = st.lists(
    st.builds(
        lambda form, day, span, sessions, minutes, international, counting, n: Claim(
            id=str(n),
            form=form,
            start=date.fromordinal(day.toordinal() - span),
            end=day,
            at=n,
            counting=counting,
            amount=Amount(seconds=minutes * 60, sessions=sessions),
            international=international,
        ),
        form=st.sampled_from(sorted(shipped().forms)),
        day=st.dates(date(2026, 11, 1), date(2026, 11, 9)),
        span=st.integers(0, 4),
        sessions=st.integers(1, 4),
        minutes=st.integers(0, 2000),
        international=st.booleans(),
        counting=st.sampled_from(Counting),
        n=st.integers(0, 10**6),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


@given(claims, st.sets(st.integers(0, 11)), st.integers(0, 10**6))
def test_what_an_earlier_table_verified_never_moves(listed: list[Claim], old: set[int], seed: int) -> None:
    """Entries of an earlier table are worth the same whatever a later table says and whatever is added."""
    earlier = [
        replace(one, counting=Counting.VERIFIED, table=shipped().version)
        for place, one in enumerate(listed)
        if place in old
    ]
    later = [one for place, one in enumerate(listed) if place not in old]
    now = overridden({"version": "b", "forms": {"coaching": {"jp": SESSION | {"national": str(seed % 3)}}}})
    alone = award(earlier, shipped())
    together = award([*later, *earlier], now, [shipped()])
    assert {one.id: together[one.id] for one in earlier} == alone


@given(claims, st.randoms(use_true_random=False))
def test_awards_do_not_depend_on_the_order_of_claims(listed: list[Claim], random: Any) -> None:
    """The same year gives the same awards, in tenths, never negative, in whatever order it is read."""
    mixed = list(listed)
    random.shuffle(mixed)
    found = award(listed, shipped())
    assert award(mixed, shipped()) == found
    assert all(one.jp >= 0 and one.jp == one.jp.quantize(Decimal("0.1")) for one in found.values())


@given(claims)
def test_limits_hold_whatever_is_claimed(listed: list[Claim]) -> None:
    """No form exceeds its sessions of a month, its semesters of a year, nor the days it could fill."""
    table = shipped()
    found = award(listed, table)
    for code in ("coaching", "mentoring"):
        international = any(one.international for one in listed if one.form == code)
        assert sum(found[one.id].jp for one in listed if one.form == code) <= (8 if international else 4)
    assert sum(found[one.id].jp for one in listed if one.form == "degree-study") <= 40
    for code, form in table.forms.items():
        if form.jp.kind is not JpKind.SEMESTER:
            days = {
                date.fromordinal(day)
                for one in listed
                if one.form == code
                for day in range(one.start.toordinal(), one.end.toordinal() + 1)
            }
            limit = form.most_per_day(True)
            assert limit is not None
            most = len(days) * limit
            assert sum(found[one.id].jp for one in listed if one.form == code) <= most


LONG_CLAIMS = st.lists(
    st.builds(
        claim,
        st.sampled_from(["course", "e-learning", "on-the-job-training", "workshop", "community"]),
        start=st.integers(0, 12).map(lambda back: DAY - timedelta(days=back)),
        end=st.integers(0, 3).map(lambda ahead: DAY + timedelta(days=ahead)),
        minutes=st.integers(0, 6000),
        international=st.booleans(),
    ),
    max_size=12,
)


@given(LONG_CLAIMS)
def test_days_that_are_full_are_passed_over_without_a_difference(claims: list[Claim]) -> None:
    """Every award is what it is when each day is looked at."""
    claims = [replace(one, id=str(number)) for number, one in enumerate(claims)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jp_module, "_not_full", lambda full, day: day)
        each_day = award(claims, shipped())
    assert award(claims, shipped()) == each_day


def test_entries_of_years_look_at_no_full_day_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred entries of five years each, all of the same days, cost little more than one."""
    looked = 0
    not_full = jp_module._not_full

    def counts(full: dict[int, int], day: int) -> int:
        nonlocal looked
        looked += 1
        return not_full(full, day)

    monkeypatch.setattr(jp_module, "_not_full", counts)
    start = DAY - timedelta(days=LONGEST_DAYS)
    award([claim("course", id=str(n), start=start, minutes=10_000_000) for n in range(100)], shipped())
    assert looked < 3 * LONGEST_DAYS

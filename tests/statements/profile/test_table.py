"""The table of forms, and an agency's decisions over it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from statements.errors import InvalidError
from statements.profile.build import quantity
from statements.profile.shipped import overridden, shipped
from statements.profile.table import PILLAR_CODES, JpKind, Limits


def test_the_shipped_table_is_whole() -> None:
    """Every form has both languages, a pillar and an activity type; the table says that it is provisional."""
    table = shipped()
    assert "LAN" in table.note["id"]
    assert "LAN" in table.note["en"]
    for form in table.forms.values():
        assert form.name.keys() == {"id", "en"}
        assert form.pillar in form.pillars
        assert form.types
        assert quantity(form) in {"minutes", "days", "sessions", "semesters", "none"}
    assert tuple(table.pillars) == PILLAR_CODES
    assert {form.siasn for form in table.forms.values()} - {None} == set(range(1, 26))


@pytest.mark.parametrize(
    ("code", "pillar"),
    [
        ("coaching", "20"),
        ("on-the-job-training", "70"),
        ("e-learning", "10"),
        ("benchmarking", "20"),
        ("internship", "70"),
    ],
)
def test_pillars_of_forms(code: str, pillar: str) -> None:
    """Forms belong to the pillar that the field gives them."""
    assert shipped().forms[code].pillar == pillar


@pytest.mark.parametrize(
    ("employment", "jp", "kind"),
    [("pns", 20, "at-least"), ("pppk", 24, "at-most"), (None, 20, "at-least"), ("", 20, "at-least")],
)
def test_targets(employment: str | None, jp: int, kind: str) -> None:
    """20 JP for PNS, at most 24 for PPPK, and 20 where the employment is unknown."""
    target = shipped().target(employment)
    assert (target.jp, target.kind) == (jp, kind)


@pytest.mark.parametrize(
    ("offset", "day"),
    [("+07:00", date(2027, 1, 1)), ("+00:00", date(2026, 12, 31)), ("-03:30", date(2026, 12, 31))],
)
def test_a_day_is_taken_where_the_agency_is(offset: str, day: date) -> None:
    """Half past midnight in Jakarta on New Year's Day is still the old year elsewhere."""
    moment = int(datetime(2026, 12, 31, 17, 30, tzinfo=UTC).timestamp()) * 1_000_000
    assert overridden({"version": "x", "utc_offset": offset}).day(moment) == day


def test_overrides_leave_the_rest_as_shipped() -> None:
    """An agency's table changes what it names, adds forms and courses, and names both versions."""
    changed = overridden(
        {
            "version": "bkd-2026-1",
            "forms": {
                "on-the-job-training": {"jp": {"rule": "each", "national": "4", "international": "4"}},
                "podcast": {
                    "name": {"id": "Siniar", "en": "Podcast"},
                    "pillar": "10",
                    "verb": "http://adlnet.gov/expapi/verbs/experienced",
                    "types": ["http://id.tincanapi.com/activitytype/resource"],
                    "evidence": [],
                    "verifier": "supervisor",
                    "jp": {"rule": "none"},
                },
            },
            "courses": {
                "https://lms.example/course/view.php?id=2": {"jp": "12.5", "form": "technical-training"}
            },
            "targets": {"pns": {"jp": "24", "kind": "at-least"}},
        }
    )
    assert changed.version == f"{shipped().version}+bkd-2026-1"
    assert changed.forms["on-the-job-training"].pillar == "70"
    assert "podcast" in changed.forms
    assert changed.courses["https://lms.example/course/view.php?id=2"].jp == Decimal("12.5")
    assert changed.forms["coaching"] == shipped().forms["coaching"]
    assert (changed.target("pns").jp, changed.target("pppk").jp) == (24, 24)
    assert "podcast" not in shipped().forms


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({}, ["/version"]),
        ({"version": "has space"}, ["/version"]),
        ({"version": "x", "colour": "red"}, ["/colour"]),
        ({"version": "x", "forms": {"Bad Code": {}}}, ["/forms/Bad Code"]),
        ({"version": "x", "forms": {"coaching": {"pillar": "30"}}}, ["/forms/coaching/pillar"]),
        (
            {"version": "x", "forms": {"coaching": {"pillar": "70", "pillars": ["10"]}}},
            ["/forms/coaching/pillars"],
        ),
        ({"version": "x", "forms": {"coaching": {"jp": {"rule": "day"}}}}, ["/forms/coaching/jp"]),
        ({"version": "x", "forms": {"coaching": {"jp": {"rule": "magic"}}}}, ["/forms/coaching/jp/rule"]),
        (
            {"version": "x", "forms": {"course": {"jp": {"rule": "hours", "international_rule": "day"}}}},
            ["/forms/course/jp/international_rule"],
        ),
        ({"version": "x", "limits": {"jp_per_day": 10}}, ["/limits/jp_per_day"]),
        ({"version": "x", "limits": {"status": "guessed"}}, ["/limits/status"]),
        (
            {"version": "x", "forms": {"course": {"limits": {"fewest_days": 0}}}},
            ["/forms/course/limits/fewest_days"],
        ),
        (
            {"version": "x", "forms": {"new": {"pillar": "10"}}},
            [f"/forms/new/{name}" for name in ("evidence", "jp", "name", "types", "verb", "verifier")],
        ),
        ({"version": "x", "step": "0.3"}, ["/step"]),
        ({"version": "x", "step": 0.1}, ["/step"]),
        ({"version": "x", "utc_offset": "WIB"}, ["/utc_offset"]),
        ({"version": "x", "targets": {"pns": {"jp": "-1", "kind": "at-least"}}}, ["/targets/pns/jp"]),
        ({"version": "x", "lms": {"form": "nothing", "units": "maybe"}}, ["/lms/units"]),
        ({"version": "x", "lms": {"form": "nothing"}}, ["/lms/form"]),
        (
            {
                "version": "x",
                "courses": {"https://a.id/~1": {"jp": "NaN", "form": "course"}, "https://b.id": {"jp": 1.5}},
            },
            ["/courses/https:~1~1a.id~1~01/jp", "/courses/https:~1~1b.id/jp"],
        ),
        (
            {"version": "x", "courses": {"https://a.id": {"form": "nothing"}}},
            ["/courses/https:~1~1a.id/form"],
        ),
    ],
)
def test_a_bad_override_is_refused_with_every_problem(changes: dict[str, Any], pointers: list[str]) -> None:
    """An agency's changes are refused as a whole, each problem with a pointer to its place."""
    with pytest.raises(InvalidError) as refused:
        overridden(changes)
    assert sorted(problem.pointer for problem in refused.value.problems) == sorted(pointers)


def test_every_form_has_limits_and_says_that_they_are_a_proposal() -> None:
    """Each form that counts has a most of JP a day or a year; none of these is confirmed by a source."""
    for form in shipped().forms.values():
        assert form.limits.is_proposal
        assert form.most_per_day(False) or form.limits.semesters_per_year
    forms = shipped().forms
    assert forms["technical-training"].most_per_day(False) == 10
    assert forms["technical-training"].most_per_day(True) == 12
    assert forms["self-study"].most_per_day(True) == Decimal("2.4")
    assert {code for code, form in forms.items() if form.limits.fewest_days} == {
        "secondment",
        "industry-exchange",
        "internship",
    }


def test_the_first_table_stays_as_it_was() -> None:
    """What the first version counted it counts still: no limits of sense, and no day for a session abroad."""
    first = shipped("2026.1")
    assert first.version == "2026.1"
    assert {form.limits for form in first.forms.values()} == {Limits()}
    assert first.forms["coaching"].jp.kind_of(True) is JpKind.SESSION


def test_an_agencys_limits_are_its_decision() -> None:
    """Limits that an agency names lie over the shipped ones and are no longer called a proposal."""
    changed = overridden(
        {
            "version": "x",
            "limits": {"jp_per_day": {"national": "8"}},
            "forms": {"internship": {"limits": {"fewest_days": 10}}},
        }
    )
    internship, course = changed.forms["internship"].limits, changed.forms["course"].limits
    assert (internship.fewest_days, internship.jp_per_day.national, internship.is_proposal) == (10, 8, False)
    assert (course.jp_per_day.national, course.jp_per_day.international, course.is_proposal) == (
        8,
        None,
        False,
    )
    assert overridden({"version": "y"}, "2026.1").version == "2026.1+y"
    with pytest.raises(KeyError):
        shipped("1999.1")

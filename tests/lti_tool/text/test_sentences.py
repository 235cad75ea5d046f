"""Every reason for a number is told in words, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask

from lrs.records.entries import NOT_YET, Entry, Status
from lti_tool.text.counting import cap_sentence, entry_explanation, explained, rule_sentence
from lti_tool.web.flask_setup import install_pages
from statements.profile import jp
from statements.profile.jp import Amount, Award, Cap
from statements.profile.shipped import overridden, shipped

CODES = sorted(set(re.findall(r'Cap\(\s*"([a-z-]+)"', Path(jp.__file__).read_text("utf-8"))))
PARAMS = dict.fromkeys(("limit", "days", "before", "claimed", "fewest", "counted", "used"), "3") | {
    "month": "2026-11"
}
ENTRY = Entry(
    id="1",
    tenant="t",
    person="p",
    persona="p",
    statement_id="s",
    form="e-learning",
    pillar="10",
    title={},
    start=date(2026, 11, 12),
    end=date(2026, 11, 12),
    at=0,
    status=Status.VERIFIED,
    source="lms",
    why="course-completed",
    activity="https://lms.example/course",
    amount=Amount(),
    award=NOT_YET,
    table="2026.2",
)


@pytest.fixture(scope="module")
def app() -> Flask:
    made = Flask("words")
    install_pages(made, default_language="id")
    return made


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("code", CODES)
def test_every_limit_has_its_sentence(app: Flask, code: str, language: str) -> None:
    """Each limit that may lower an award has a sentence of its own, with its numbers."""
    with app.test_request_context(f"/?lang={language}"):
        told = cap_sentence(Cap(code, PARAMS))
        assert told != cap_sentence(Cap("unheard-of", {}))
        assert "3" in told or code == "already-counted"


def test_a_course_that_was_counted_before_says_only_that(app: Flask) -> None:
    """The same course again is not said to be of a form without JP."""
    again = Award(Decimal(0), "none", {}, (Cap("already-counted", {"entry": "0"}),))
    with app.test_request_context("/?lang=en"):
        assert entry_explanation(replace(ENTRY, award=again)) == (
            "The same course was counted before in this year.",
            [],
        )


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            "coaching",
            "2 JP for each session. International: 4 JP for each day. Limit: at most 2 sessions a month.",
        ),
        ("course", "45 minutes = 1 JP. Proposed limit, to be confirmed: at most 10 JP a day."),
        ("self-study", "45 minutes = 1 JP. Limit: at most 2 JP a day."),
        ("internship", "20 JP for each activity. Proposed limit, to be confirmed: from 5 days on."),
        (
            "degree-study",
            "20 JP for each semester. Proposed limit, to be confirmed: at most 2 semesters a year.",
        ),
    ],
)
def test_the_rule_says_what_is_only_proposed(app: Flask, form: str, said: str) -> None:
    """Limits that no source confirms are called a proposal, those that come with the rule are not."""
    with app.test_request_context("/?lang=en"):
        assert rule_sentence(shipped().forms[form], shipped()).endswith(said)
        decided = overridden({"version": "x", "limits": {"jp_per_day": {"national": "8"}}})
        assert rule_sentence(decided.forms["course"], decided).endswith("Limit: at most 8 JP a day.")


@pytest.mark.parametrize(
    ("award", "said"),
    [
        (
            Award(
                Decimal(3),
                "hours",
                {"minutes": "360", "minutes_per_jp": "45"},
                (Cap("day-limit", {"limit": "3", "days": "1", "before": "8.0"}),),
            ),
            "6 hours; 45 minutes = 1 JP: 8.0 JP.",
        ),
        (
            Award(Decimal("2.4"), "hours", {"minutes": "90", "minutes_per_jp": "45", "uplift": "0.2"}),
            "1 hour 30 minutes; 45 minutes = 1 JP, 20% more as an international event: 2.4 JP.",
        ),
    ],
)
def test_a_time_is_counted_before_its_limit_is_told(app: Flask, award: Award, said: str) -> None:
    """Six hours are never said to be three JP: the limit has a sentence of its own."""
    with app.test_request_context("/?lang=en"):
        assert explained(award) == said


@pytest.mark.parametrize(
    ("code", "params", "said"),
    [
        (
            "sessions-per-month",
            {"limit": "2", "used": "2", "counted": "0", "month": "2026-11"},
            "those of November 2026 are used up by other entries. Nothing is left for this entry.",
        ),
        (
            "sessions-per-month",
            {"limit": "2", "used": "1", "counted": "1", "month": "2026-11"},
            "of which 1 was used in November 2026 by other entries. Only 1 session counts.",
        ),
        ("day-limit", {"limit": "2", "days": "1", "before": "2"}, "Other entries use it up."),
    ],
)
def test_what_others_used_of_a_limit_is_told(
    app: Flask, code: str, params: dict[str, str], said: str
) -> None:
    """A month or a day that is used up is explained, not only counted as nothing."""
    with app.test_request_context("/?lang=en"):
        assert cap_sentence(Cap(code, params), Decimal(0)).endswith(said)

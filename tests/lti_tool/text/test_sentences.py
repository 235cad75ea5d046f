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
from lti_tool.text.sentences import cap_sentence, entry_explanation, rule_sentence
from lti_tool.web.flask_setup import install_pages
from statements.profile import jp
from statements.profile.jp import Amount, Award, Cap
from statements.profile.shipped import overridden, shipped

CODES = sorted(set(re.findall(r'Cap\(\s*"([a-z-]+)"', Path(jp.__file__).read_text("utf-8"))))
PARAMS = dict.fromkeys(("limit", "days", "before", "claimed", "fewest", "counted", "used"), "3")
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
        ("course", "45 minutes are 1 JP. Proposed limit, to be confirmed: at most 10 JP a day."),
        ("self-study", "45 minutes are 1 JP. Limit: at most 2 JP a day."),
        ("internship", "20 JP each time. Proposed limit, to be confirmed: from 5 days on."),
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

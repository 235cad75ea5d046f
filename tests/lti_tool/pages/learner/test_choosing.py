"""Choosing a form: what each is worth, what is left of its limit, and the four questions."""

from __future__ import annotations

import re

import pytest

from lti_tool.pages.learner import which_form
from lti_tool.pages.learner.which_form import End
from statements.profile.shipped import shipped
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import site
from tests.lti_tool.pages.learner.test_log_pages import Learner
from tests.lti_tool.platform import TOOL

__all__ = ["site"]


@pytest.fixture
def learner(site: World) -> Learner:
    """A learner with an empty record."""
    return Learner(site)


def _get(learner: Learner, path: str) -> str:
    return learner.visit.client.get(learner.path + path, base_url=TOOL).text


def _forms(page: str) -> list[str]:
    return re.findall(r'/log/([a-z-]+)"', page)


def test_each_form_says_what_it_is_worth_and_what_is_left(learner: Learner) -> None:
    """What entries of this month have used is taken off before the form is chosen."""
    page = _get(learner, "log?lang=en")
    assert "2 JP per session, 2 of 2 left this month" in page
    assert "20 JP per semester, 2 of 2 left in 2025" in page
    assert "20 JP per activity, from 5 days on" in page
    assert "1 JP per 45 minutes, at most 2 JP a day" in page
    learner.send("coaching", end="2025-11-20", count="1")
    learner.send("coaching", end="2025-10-20", count="2")
    page = _get(learner, "log?lang=en")
    assert page.count("2 JP per session, 1 of 2 left this month") == 2
    assert page.count("2 JP per session, 2 of 2 left this month") == 1


def test_the_last_form_stands_on_top_and_used_ones_come_first(learner: Learner) -> None:
    """Who logs coaching again finds it without opening anything; the other forms follow by use."""
    assert "Used last" not in _get(learner, "log?lang=en")
    learner.send("outbound", end="2025-11-18", hours="1")
    learner.send("coaching", end="2025-11-20", count="1")
    forms = _forms(_get(learner, "log?lang=en"))
    assert forms[:2] == ["coaching", "outbound"]


def test_forms_of_the_agency_come_before_unused_ones(learner: Learner, site: World) -> None:
    """What colleagues log stands above what nobody does."""
    learner.send("seminar", end="2025-11-18", count="1")
    other = site.visit()
    path = other.go(sub="77").headers["Location"]
    page = other.client.get(path + "log?lang=en", base_url=TOOL).text
    assert "Used last" not in page
    of_courses = [code for code in _forms(page) if shipped().forms[code].pillar == "10"]
    assert of_courses[0] == "seminar"


def _ends(answers: str = "") -> list[tuple[str, End]]:
    _given, now = which_form.walk(answers)
    if isinstance(now, End):
        return [(answers, now)]
    return [end for number in range(len(now.answers)) for end in _ends(f"{answers}{number}")]


def test_every_way_ends_after_four_questions_at_most(site: World) -> None:
    """Each leads to forms that people log, or says why it does not count; together they reach every form."""
    with site.app.test_request_context("/?lang=en"):
        ends = _ends()
    assert max(len(answers) for answers, _ in ends) <= 4
    assert all(end.forms or end.because for _, end in ends)
    loggable = {code for code, form in shipped().forms.items() if form.verifier != "automatic"}
    assert {code for _, end in ends for code in end.forms} == loggable - {"other-classical"}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ("", "Question 1 of 4"),
        ("0001", "20 JP per activity"),
        ("0010000", "It counts"),
        ("0005", "Other (non-classical)"),
        ("1", "Usual work by itself does not count"),
        ("01", "Ask your supervisor"),
        ("0020", "appears by itself"),
        ("09", "Question 2 of 4"),
        ("x", "Question 1 of 4"),
    ],
)
def test_the_questions_lead_to_a_form_or_say_why_not(learner: Learner, answers: str, said: str) -> None:
    """One question at a time, without scripts; what is no answer is asked again."""
    page = _get(learner, f"which-form?lang=en&answers={answers}")
    assert said in page


def test_an_answer_can_be_taken_back(learner: Learner) -> None:
    """Each answer that was given leads back to its question."""
    page = _get(learner, "which-form?lang=en&answers=00")
    assert page.count(">change</a>") == 2

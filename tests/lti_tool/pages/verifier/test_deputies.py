"""A deputy decides in a verifier's place, for a time, in their own launch."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from tests.lti_tool.pages.verifier.conftest import CLAIM, TODAY, Course, Here, follow, send, titles
from tests.lti_tool.services.test_client import member, serve_roster

OTHER = {CLAIM + "context": {"id": "other"}}


def appoint(here: Here, who: str, until: date | str = TODAY + timedelta(days=7)) -> int:
    here.get("verify")
    return send(here, "verify/deputies", who=who, until=str(until)).status_code


def queue(here: Here) -> list[str]:
    return titles(here.get("verify").text)


def test_a_deputy_of_a_teacher_has_the_queue_of_the_course_for_a_time(course: Course) -> None:
    """In the same course, until the last day, and in their own name; the teacher can take it back."""
    id = course.log("1", "Pertama")
    course.log("2", "Kedua")
    teacher, deputy = course.teacher(), course.learner("3")
    assert queue(deputy) == []
    assert appoint(teacher, "3") == 303
    assert queue(deputy) == ["Pertama", "Kedua"]
    assert "in the place of" in deputy.get("verify").text
    assert queue(course.learner("3", **OTHER)) == []
    follow(deputy, send(deputy, verified=id))
    decided = course.entry(id).decided
    assert decided is not None
    assert decided.by.name == "Person 3"
    (path,) = re.findall(r'action="/l/[^/]+/(verify/deputies/[^/"]+/dismiss)"', teacher.get("verify").text)
    assert send(deputy, path).status_code == 303
    assert queue(deputy) == ["Kedua"]
    send(teacher, path)
    assert queue(deputy) == []


def test_a_deputy_of_a_mentor_has_what_names_them_anywhere(course: Course) -> None:
    """But not what the mentor learned, nor what the deputy did."""
    course.teacher().get("cohort")
    course.log("1", "Milik peserta", mentor="2")
    course.log("2", "Milik mentor", mentor="2")
    course.log("3", "Milik wakil", mentor="2")
    assert appoint(course.learner("2"), "3") == 303
    assert queue(course.learner("3", **OTHER)) == ["Milik peserta"]


def test_the_time_of_a_deputy_ends_by_itself(course: Course) -> None:
    """After the last day nothing waits for them any more."""
    course.log("1", "Pertama")
    assert appoint(course.teacher(), "3", TODAY) == 303
    assert queue(course.learner("3")) == ["Pertama"]
    course.site.clock.forward(2 * 86_400)
    assert queue(course.learner("3")) == []


@pytest.mark.parametrize(
    ("who", "until"),
    [
        ("", TODAY),
        ("77", TODAY),
        ("900", TODAY),
        ("3", TODAY - timedelta(days=1)),
        ("3", TODAY + timedelta(days=91)),
        ("3", ""),
        ("3", "besok"),
    ],
)
def test_who_cannot_be_a_deputy(course: Course, who: str, until: date | str) -> None:
    """Nobody, a stranger, oneself, the past, too long: said beside the field, and nothing changes."""
    serve_roster(course.site, [member(1), member(3)])
    course.log("1", "Pertama")
    teacher = course.teacher()
    teacher.get("cohort")
    assert appoint(teacher, who, until) == 422
    assert queue(course.learner("3")) == []

"""What the demo's people learned in a year: every form of the table, all three pillars, every status.

Plain data, made up (`activities.json` and the tables below); `sample.py` turns it into statements. Days are
MM-DD. The amount is in the unit of the form: minutes, days, sessions or semesters; 0 where the form counts as
a whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from jejak.demo.moodle import Module

Outcome = Literal["verified", "waiting", "returned", "rejected"]


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity that a learner logged, and what became of it."""

    person: str
    form: str
    title: str
    start: str
    end: str
    amount: int
    outcome: Outcome
    organiser: str = ""
    reason: str = ""
    international: bool = False
    coached: bool = False
    """The course's instructor was mentor, coach or observer."""
    linked: tuple[str, str] | None = None
    """Name and position of somebody without an account, to whom the learner handed a one-time link."""
    photo: str = ""
    """Name of the photo that proves it; see `photos`."""
    confirmed: bool = False
    """By that link it was confirmed alone; the outcome is the instructor's."""


def _read(row: dict[str, Any]) -> Activity:
    linked = row.get("linked")
    return Activity(**{**row, "linked": tuple(linked) if linked else None})


ACTIVITIES: tuple[Activity, ...] = tuple(
    _read(row) for row in json.loads(files(__package__).joinpath("activities.json").read_text("utf-8"))
)

QUIZ = Module(51, "quiz", "Kuis nilai dasar ASN", "http://adlnet.gov/expapi/activities/assessment")
BOOK = Module(52, "book", "Buku ajar: berakhlak", "http://id.tincanapi.com/activitytype/book")
MEETING = "https://w3id.org/xapi/acrossx/activities/face-to-face-discussion"
FIRST = Module(41, "facetoface", "Tatap muka 1: orientasi", MEETING)
SECOND = Module(42, "facetoface", "Tatap muka 2: aktualisasi", MEETING)


@dataclass(frozen=True, slots=True)
class LmsCourse:
    """Who completed a course of the LMS, and when (MM-DD)."""

    id: int
    name: str
    done: tuple[tuple[str, str], ...]


def _on(day: str, *people: str) -> tuple[tuple[str, str], ...]:
    return tuple((person, day) for person in people)


OTHER_COURSES = (
    LmsCourse(5, "Dasar Keamanan Informasi", _on("09-21", "13", "15", "21")),
    LmsCourse(6, "Pelayanan Publik Inklusif", _on("10-05", "18")),
    LmsCourse(7, "Pengelolaan Arsip Digital", _on("10-26", "22", "14")),
)
MAIN_COURSE_DONE = _on("06-30", "11", "12", "13", "14") + _on("07-02", "15", "16", "17", "19", "22")
FIRST_DAY, FIRST_SECONDS = "05-06", 7200
FIRST_PEOPLE = ("11", "12", "13", "14", "15", "16", "17", "18")
SECOND_DAY, SECOND_SECONDS = "06-17", 5400
SECOND_PEOPLE = ("11", "13", "15", "17")
QUIZ_PASSED = _on("06-24", "11", "12", "13", "14", "15", "17", "19", "22")
QUIZ_FAILED = _on("06-24", "16", "20")
BOOK_READ = _on("06-10", "11", "12", "13", "16", "17", "18", "21")
BOOK_TAKEN_BACK = _on("06-12", "16")

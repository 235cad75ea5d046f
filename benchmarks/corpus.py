"""Statements to measure with: fixed seed, about 1.1 KB each, shaped like an LMS's and our own tool's.

The stream grows as a record store does in real life. There is one learner to about 40 statements and one
course to about 250; each statement is by any of the learners so far, so old and new ones stay mixed all over
the store. One learner in ten is active and brings half of the statements. A learner is enrolled in two
courses (an active one in four), each under a registration of its own, and what comes most is "experienced",
as in an LMS's log.

What a statement is about can be had apart from it (`Happening`), so that what is in the store can be counted
and questions can be chosen that have a full page of answers.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

HOME = "https://lms.example.go.id"
VERBS = ("experienced", "completed", "attended", "passed", "answered", "initialized", "performed", "observed")
"""The first is half of all statements; the others share the other half."""
FIRST_LEARNERS, FIRST_COURSES = 100, 20
STATEMENTS_OF_A_LEARNER, STATEMENTS_OF_A_COURSE = 40, 250
ACTIVE_EVERY = 10
COURSES_OF_A_TEACHER = 4


class Happening(NamedTuple):
    """What a statement is about: a learner, in their `nth` enrolment, did something in a course."""

    learner: int
    nth: int
    course: int
    verb: str

    @property
    def teacher(self) -> int:
        """Who teaches the course."""
        return self.course // COURSES_OF_A_TEACHER


class Corpus:
    """A growing, repeatable stream of different statements."""

    def __init__(self, seed: int = 7) -> None:
        self.random = random.Random(seed)
        self.given = 0

    def actor(self, number: int) -> dict[str, Any]:
        """The agent of a learner."""
        return {
            "objectType": "Agent",
            "name": f"Pegawai {number}",
            "account": {"homePage": HOME, "name": f"u{number}"},
        }

    def teacher(self, number: int) -> dict[str, Any]:
        """The agent of a teacher."""
        return {"objectType": "Agent", "account": {"homePage": HOME, "name": f"teacher{number}"}}

    def activity(self, number: int) -> str:
        """The IRI of a course."""
        return f"{HOME}/course/view.php?id={number}"

    def verb(self, name: str) -> str:
        """The IRI of a verb."""
        return f"http://adlnet.gov/expapi/verbs/{name}"

    def registration(self, learner: int, nth: int) -> str:
        """The registration of an enrolment."""
        return str(uuid.UUID(int=(learner + 1) << 64 | nth, version=4))

    def statement(self) -> dict[str, Any]:
        """The next statement, with an id of its own."""
        return self.about(self.happening())

    def about(self, happening: Happening) -> dict[str, Any]:
        """A statement of what happened, with an id of its own."""
        dice = self.random
        course, verb = happening.course, happening.verb
        minute = dice.randrange(500_000)
        return {
            "id": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            "actor": self.actor(happening.learner),
            "verb": {"id": self.verb(verb), "display": {"en": "did", "id": "melakukan"}},
            "object": {
                "objectType": "Activity",
                "id": self.activity(course),
                "definition": {
                    "type": "https://w3id.org/xapi/cmi5/activitytype/course",
                    "name": {
                        "id": f"Pelatihan teknis nomor {course}",
                        "en": f"Technical course number {course}",
                    },
                },
            },
            "result": {
                "completion": True,
                "success": True,
                "score": {"raw": 80 + course % 20, "min": 0, "max": 100},
                "duration": "PT1H30M",
            },
            "context": {
                "registration": self.registration(happening.learner, happening.nth),
                "instructor": self.teacher(happening.teacher),
                "platform": "Moodle",
                "language": "id",
                "contextActivities": {
                    "grouping": [
                        {"id": HOME, "definition": {"type": "http://id.tincanapi.com/activitytype/lms"}}
                    ],
                    "category": [{"id": "http://moodle.org", "definition": {"name": {"en": "Moodle"}}}],
                },
                "extensions": {
                    "http://lrs.learninglocker.net/define/extensions/info": {"event_name": "course_completed"}
                },
            },
            "timestamp": f"2026-{1 + minute % 12:02d}-{1 + minute % 28:02d}T{minute % 24:02d}:00:00.000Z",
        }

    def happening(self) -> Happening:
        """What happens next."""
        dice = self.random
        learner = dice.randrange(FIRST_LEARNERS + self.given // STATEMENTS_OF_A_LEARNER)
        if dice.random() < 0.5:
            learner -= learner % ACTIVE_EVERY
        nth = dice.randrange(2 if learner % ACTIVE_EVERY else 4)
        verb = VERBS[0] if dice.random() < 0.5 else VERBS[dice.randrange(1, len(VERBS))]
        self.given += 1
        return Happening(learner, nth, _course(learner, nth), verb)

    def bodies(self) -> Iterator[bytes]:
        """Statements one by one, as JSON."""
        while True:
            yield orjson.dumps(self.statement())

    def batches(self, size: int) -> Iterator[bytes]:
        """Arrays of `size` statements, as JSON."""
        while True:
            yield orjson.dumps([self.statement() for _ in range(size)])


def _course(learner: int, nth: int) -> int:
    """The course of an enrolment: any of those that existed when the learner joined."""
    statements_then = max(0, learner - FIRST_LEARNERS) * STATEMENTS_OF_A_LEARNER
    courses = FIRST_COURSES + statements_then // STATEMENTS_OF_A_COURSE
    return (learner * 7919 + nth * 104_729) % courses

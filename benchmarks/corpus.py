"""Statements to measure with: fixed seed, about 1.1 KB each, shaped like an LMS's and our own tool's."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any

import orjson

HOME = "https://lms.example.go.id"
VERBS = ("completed", "attended", "experienced", "passed", "answered", "initialized", "performed", "observed")


class Corpus:
    """An endless, repeatable stream of different statements by `people` learners on `activities`."""

    def __init__(self, seed: int = 7, *, people: int = 2000, activities: int = 500) -> None:
        self.random = random.Random(seed)
        self.people = people
        self.activities = activities

    def actor(self, number: int) -> dict[str, Any]:
        """The agent of a learner."""
        return {
            "objectType": "Agent",
            "name": f"Pegawai {number}",
            "account": {"homePage": HOME, "name": f"u{number}"},
        }

    def activity(self, number: int) -> str:
        """The IRI of an activity."""
        return f"{HOME}/course/view.php?id={number}"

    def statement(self) -> dict[str, Any]:
        """The next statement, with an id of its own."""
        dice = self.random
        course = dice.randrange(self.activities)
        minute = dice.randrange(500_000)
        return {
            "id": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            "actor": self.actor(dice.randrange(self.people)),
            "verb": {
                "id": f"http://adlnet.gov/expapi/verbs/{dice.choice(VERBS)}",
                "display": {"en": "did", "id": "melakukan"},
            },
            "object": {
                "objectType": "Activity",
                "id": self.activity(course),
                "definition": {
                    "type": "https://w3id.org/xapi/cmi5/activitytype/course",
                    "name": {
                        "id": f"Pelatihan teknis nomor {course}",
                        "en": f"Technical course number {course}",
                    },
                    "extensions": {
                        "https://w3id.org/learning-analytics/learning-management-system/short-id": "T1"
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
                "registration": str(uuid.UUID(int=course + 1, version=4)),
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

    def bodies(self) -> Iterator[bytes]:
        """Statements one by one, as JSON."""
        while True:
            yield orjson.dumps(self.statement())

    def batches(self, size: int) -> Iterator[bytes]:
        """Arrays of `size` statements, as JSON."""
        while True:
            yield orjson.dumps([self.statement() for _ in range(size)])

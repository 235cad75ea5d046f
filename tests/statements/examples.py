"""Fixed valid statements, and how to change one member of them by its JSON Pointer."""

from __future__ import annotations

import copy
from typing import Any

ABSENT = object()
"""Given to `edited` in place of a value: the member is taken away."""

AGENT = {"objectType": "Agent", "mbox": "mailto:siti@example.go.id"}
GROUP = {
    "objectType": "Group",
    "mbox": "mailto:tim@example.go.id",
    "member": [{"mbox": "mailto:a@example.org"}],
}
ACCOUNT = {"account": {"homePage": "https://lms.example.go.id", "name": "7f39"}}
REFERENCE = {"objectType": "StatementRef", "id": "8f87ccde-bb56-4c2e-ab83-44982ef22df0"}
VERB = {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"id": "menyelesaikan"}}
ACTIVITY = {"id": "https://lms.example.go.id/course/1"}
EXTENSIONS: dict[str, Any] = {"https://example.org/ext": {"any": [1, None, "", {}]}}
CHOICE = {
    "interactionType": "choice",
    "correctResponsesPattern": ["a[,]b"],
    "choices": [{"id": "a", "description": {"en": "First"}}, {"id": "b"}],
    "scale": [{"id": "a"}],
    "source": [{"id": "a"}],
    "target": [{"id": "a"}],
    "steps": [{"id": "a"}],
}
ATTACHMENT = {
    "usageType": "https://example.org/usage/certificate",
    "display": {"id": "Sertifikat"},
    "description": {"id": "Sertifikat pelatihan"},
    "contentType": "application/pdf",
    "length": 27,
    "sha2": "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a",
    "fileUrl": "https://example.org/certificate.pdf",
}
FULL: dict[str, Any] = {
    "id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee",
    "actor": AGENT | {"name": "Siti"},
    "verb": VERB,
    "object": ACTIVITY
    | {
        "objectType": "Activity",
        "definition": {
            "name": {"id": "Kursus"},
            "description": {"id": "Kursus dasar"},
            "type": "https://w3id.org/xapi/cmi5/activitytype/course",
            "moreInfo": "https://example.org/more",
            "extensions": EXTENSIONS,
            **CHOICE,
        },
    },
    "result": {
        "score": {"scaled": 0.5, "raw": 50, "min": 0, "max": 100},
        "success": True,
        "completion": False,
        "response": "a",
        "duration": "PT1H30M",
        "extensions": EXTENSIONS,
    },
    "context": {
        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "instructor": ACCOUNT,
        "team": GROUP,
        "contextActivities": {
            "parent": [ACTIVITY],
            "grouping": ACTIVITY,
            "category": [],
            "other": [ACTIVITY],
        },
        "revision": "2",
        "platform": "Moodle",
        "language": "id",
        "statement": REFERENCE,
        "extensions": EXTENSIONS,
    },
    "timestamp": "2026-11-23T10:00:00.123Z",
    "stored": "2026-11-23T10:00:01Z",
    "authority": {"objectType": "Group", "member": [ACCOUNT, {"mbox": "mailto:b@example.org"}]},
    "version": "1.0.3",
    "attachments": [ATTACHMENT],
}
FULL_V2: dict[str, Any] = FULL | {
    "version": "2.0.0",
    "context": FULL["context"]
    | {
        "contextAgents": [
            {"objectType": "contextAgent", "agent": AGENT, "relevantTypes": ["https://example.org/coach"]}
        ],
        "contextGroups": [
            {"objectType": "contextGroup", "group": GROUP, "relevantTypes": ["https://example.org/team"]}
        ],
    },
}
SMALL: dict[str, Any] = {"actor": AGENT, "verb": VERB, "object": ACTIVITY}
SUB: dict[str, Any] = SMALL | {
    "object": {
        "objectType": "SubStatement",
        **SMALL,
        "timestamp": "2031-01-01T00:00:00Z",
        "context": {"team": GROUP},
    }
}
ABOUT_AGENT: dict[str, Any] = SMALL | {"object": AGENT}
ABOUT_GROUP: dict[str, Any] = SMALL | {"object": GROUP}
ABOUT_STATEMENT: dict[str, Any] = SMALL | {"object": REFERENCE}
VOIDING: dict[str, Any] = SMALL | {
    "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
    "object": REFERENCE,
}
BY_GROUP: dict[str, Any] = SMALL | {"actor": {"objectType": "Group", "member": [AGENT, ACCOUNT]}}


def steps(pointer: str) -> list[str]:
    """The parts of a JSON Pointer."""
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]


def edited(statement: Any, edits: dict[str, Any]) -> Any:
    """A deep copy with the members at these pointers set, or taken away where the value is ABSENT."""
    changed = copy.deepcopy(statement)
    for pointer, value in edits.items():
        *way, last = steps(pointer)
        place = changed
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        key: Any = int(last) if isinstance(place, list) else last
        if value is ABSENT:
            del place[key]
        else:
            place[key] = copy.deepcopy(value)
    return changed

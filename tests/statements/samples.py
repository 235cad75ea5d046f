"""Statements to test with, and parts that use every place an index key comes from."""

from __future__ import annotations

import copy
from typing import Any

AUTHORITY: dict[str, Any] = {
    "objectType": "Agent",
    "account": {"homePage": "https://lrs.example.org/credentials", "name": "key-1"},
}
ID = "0f2dd1c5-a8f6-4ee7-9e9d-8d3ae8e8a9e1"
OTHER_ID = "7a1b2c3d-0000-4000-8000-00000000abcd"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"


def agent(name: str, /, **more: Any) -> dict[str, Any]:
    """An agent known by a mailbox."""
    return {"mbox": f"mailto:{name}@example.org", **more}


def activity(name: str, /, **more: Any) -> dict[str, Any]:
    """An activity of that name."""
    return {"id": f"https://example.org/activities/{name}", **more}


def reference(statement_id: str) -> dict[str, Any]:
    """A reference to a statement."""
    return {"objectType": "StatementRef", "id": statement_id}


def statement(**changes: Any) -> dict[str, Any]:
    """A small valid statement; a change to None takes the member away."""
    base: dict[str, Any] = {
        "id": ID,
        "actor": agent("siti", name="Siti"),
        "verb": {"id": "https://example.org/verbs/did", "display": {"en": "did"}},
        "object": activity("course"),
        "timestamp": "2026-11-23T10:00:00.000Z",
    }
    return {name: value for name, value in {**base, **copy.deepcopy(changes)}.items() if value is not None}


def sub_statement(**changes: Any) -> dict[str, Any]:
    """A SubStatement; it has no id."""
    return {"objectType": "SubStatement", **statement(**{"id": None, **changes})}


def full_context(prefix: str = "") -> dict[str, Any]:
    """A context with every member that agents and activities are found by (those of 2.0 too)."""
    return {
        "registration": "EC531277-b57b-4c15-8d91-d292c5b2b8f7",
        "instructor": agent(f"{prefix}instructor"),
        "team": {
            "objectType": "Group",
            "mbox": f"mailto:{prefix}team@example.org",
            "member": [agent(f"{prefix}teammate")],
        },
        "contextActivities": {
            "parent": activity(f"{prefix}parent"),
            "grouping": [activity(f"{prefix}grouping")],
            "category": [activity(f"{prefix}category1"), activity(f"{prefix}category2")],
            "other": [activity(f"{prefix}other")],
        },
        "contextAgents": [{"objectType": "contextAgent", "agent": agent(f"{prefix}context-agent")}],
        "contextGroups": [
            {
                "objectType": "contextGroup",
                "group": {"objectType": "Group", "member": [agent(f"{prefix}context-member")]},
            }
        ],
        "statement": reference(OTHER_ID),
    }

"""Statements to send."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

VOIDED = "http://adlnet.gov/expapi/verbs/voided"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
ATTENDED = "http://adlnet.gov/expapi/verbs/attended"
COURSE = "https://lms.example.go.id/course/1"


def agent(name: str = "siti") -> dict[str, Any]:
    """An agent of that mailbox."""
    return {"objectType": "Agent", "mbox": f"mailto:{name}@example.go.id"}


def statement(
    actor: str = "siti", verb: str = COMPLETED, target: str = COURSE, **more: Any
) -> dict[str, Any]:
    """A valid statement about an activity, with an id."""
    return {
        "id": str(uuid4()),
        "actor": agent(actor),
        "verb": {"id": verb},
        "object": {"id": target},
        **more,
    }


def about(target: str, verb: str = "http://adlnet.gov/expapi/verbs/commented", **more: Any) -> dict[str, Any]:
    """A valid statement about another statement."""
    return statement("budi", verb, **more) | {"object": {"objectType": "StatementRef", "id": target}}


def voiding(target: str) -> dict[str, Any]:
    """A statement that voids another."""
    return about(target, VOIDED)

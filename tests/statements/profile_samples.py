"""Statements of our profile and of learning platforms, for the tests of what counts as learning."""

from __future__ import annotations

from datetime import date
from typing import Any

from statements.profile.build import activity_statement
from statements.profile.shipped import shipped
from statements.profile.table import Table

ID = "3f0f3c1e-7a0e-4f59-9d3e-0e5f1f7f0a01"
LEARNER = {"objectType": "Agent", "name": "Budi", "account": {"homePage": "https://lms.example", "name": "7"}}
MENTOR = {"objectType": "Agent", "name": "Anwar", "account": {"homePage": "https://lms.example", "name": "2"}}
LEARNER_KEY = "account\x1fhttps://lms.example\x1f7"
MENTOR_KEY = "account\x1fhttps://lms.example\x1f2"
COURSE = "https://lms.example/course/view.php?id=2"
CMI5_COURSE = "https://w3id.org/xapi/cmi5/activitytype/course"
OLD_COURSE = "http://id.tincanapi.com/activitytype/lms/course"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
UNCOMPLETED = "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted"


def own(form: str = "coaching", *, table: Table | None = None, **more: Any) -> dict[str, Any]:
    """A statement of our profile, as the tool builds it."""
    given: dict[str, Any] = {"id": ID, "actor": LEARNER, "title": "Coaching SPBE", "end": date(2026, 11, 12)}
    return activity_statement(table or shipped(), form=form, **(given | more))


def moodle(
    *,
    verb: str = COMPLETED,
    id: str = COURSE,
    type: str | None = CMI5_COURSE,
    parent: tuple[tuple[str, str], ...] = (),
    result: dict[str, Any] | None = None,
    timestamp: str = "2026-10-28T03:00:00Z",
    **more: Any,
) -> dict[str, Any]:
    """A statement in the shape that Moodle's logstore_xapi sends: the site is a category, no JP, no form."""
    definition: dict[str, Any] = {"name": {"en": "Latsar CPNS"}} | ({"type": type} if type else {})
    site = {"name": {"en": "LMS BKD"}, "type": "http://id.tincanapi.com/activitytype/lms"}
    grouped: dict[str, Any] = {
        "category": [{"id": "https://lms.example", "definition": site, "objectType": "Activity"}]
    }
    if parent:
        grouped["parent"] = [{"id": iri, "definition": {"type": kind}} for iri, kind in parent]
    statement: dict[str, Any] = {
        "actor": LEARNER,
        "verb": {"id": verb, "display": {"en": verb.rpartition("/")[2]}},
        "object": {"id": id, "definition": definition, "objectType": "Activity"},
        "context": {"language": "en", "contextActivities": grouped},
        "timestamp": timestamp,
    }
    if result is not None:
        statement["result"] = result
    return statement | more

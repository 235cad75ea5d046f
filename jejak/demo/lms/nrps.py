"""Names and Role Provisioning 2.0, with Moodle's habits.

Only the NRPS media type is served; roles come in their short form; names carry HTML entities; the next link
drops `role`; without `limit` everybody comes at once.
"""

from __future__ import annotations

import html
import json
from typing import Any

from flask import Blueprint, Response, request

from jejak.demo.lms.config import ROSTER
from jejak.demo.lms.memory import memory
from jejak.demo.lms.people import PEOPLE, Person
from jejak.demo.lms.tools import service_token

nrps = Blueprint("nrps", __name__)
CONTAINER = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
FORCED_PAGE = 5


@nrps.get("/mod/lti/services.php/CourseSection/<course>/bindings/<int:type_id>/memberships")
def members(course: str, type_id: int) -> Response:
    """The people of a course. Query: `role`, `limit`, `from`, `rlid`."""
    mind = memory()
    if mind.switches.get("roster") == "down":
        return Response(status=503)
    accept = request.headers.get("Accept", "")
    if accept and "*/*" not in accept and CONTAINER not in accept:
        return Response(status=400)
    with mind.lock:
        if service_token(mind, type_id, ROSTER) is None:
            return Response(status=401)
    if course != mind.course.id:
        return Response(status=404)
    role = request.args.get("role", "").rpartition("#")[2]
    people = [one for one in PEOPLE if role in {"", _role(one)}]
    limit, start = request.args.get("limit", 0, type=int), max(0, request.args.get("from", 0, type=int))
    if mind.switches.get("roster") == "paged" and limit <= 0:
        limit = FORCED_PAGE
    if limit <= 0:
        limit, start = len(people) or 1, 0
    link = request.args.get("rlid")
    address = f"{mind.config.url}/mod/lti/services.php/CourseSection/{course}/bindings/{type_id}/memberships"
    body = {
        "id": address,
        "context": {"id": course, "label": mind.course.label, "title": mind.course.title},
        "members": [_member(one, link) for one in people[start : start + limit]],
    }
    answer = Response(json.dumps(body), content_type=CONTAINER)
    if start + limit < len(people):
        onward = f"{address}?limit={limit}&from={start + limit}" + (f"&rlid={link}" if link else "")
        answer.headers["Link"] = f'<{onward}>; rel="next"'
    return answer


def _role(person: Person) -> str:
    return "Instructor" if person.instructor else "Learner"


def _member(person: Person, link: str | None) -> dict[str, Any]:
    value: dict[str, Any] = {
        "status": person.status,
        "roles": [_role(person)],
        "user_id": person.id,
        "lis_person_sourcedid": person.idnumber,
        "name": _entities(person.name),
        "given_name": _entities(person.given),
        "family_name": _entities(person.family),
        "email": person.email,
    }
    if link is not None:
        value["message"] = [
            {"https://purl.imsglobal.org/spec/lti/claim/message_type": "LtiResourceLinkRequest"}
        ]
    return value


def _entities(text: str) -> str:
    # Moodle's format_string writes the apostrophe as &#039;.
    return html.escape(text).replace("&#x27;", "&#039;")

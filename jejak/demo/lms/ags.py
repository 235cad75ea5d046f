"""Assignment and Grade Services 2.0, with Moodle's habits.

Service addresses carry a query string; media types are exact; a refused score is answered with the body `[]`;
a score whose timestamp is not newer, in whole seconds, gets 409; too high a score is cut to the maximum; the
links between pages are written with curly quotes.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from jejak.demo.lms.config import LINEITEM, LINEITEM_READONLY, RESULT_READONLY, SCORE
from jejak.demo.lms.memory import Grade, LineItem, Memory, memory
from jejak.demo.lms.message import item_url
from jejak.demo.lms.people import BY_ID, LEARNERS
from jejak.demo.lms.tools import service_token

ags = Blueprint("ags", __name__, url_prefix="/mod/lti/services.php/<course>/lineitems")
CONTAINER_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
ACTIVITY_PROGRESS = {"Initialized", "Started", "InProgress", "Submitted", "Completed"}
GRADING_PROGRESS = {"NotReady", "Failed", "Pending", "PendingManual", "FullyGraded"}


class _RefusedError(Exception):
    def __init__(self, status: int, body: str = "") -> None:
        super().__init__(status)
        self.status, self.body = status, body


@ags.errorhandler(_RefusedError)
def _refused(error: _RefusedError) -> Response:
    return Response(error.body, error.status)


@ags.get("")
def list_items(course: str) -> Response:
    """The tool's line items. Query: `resource_id`, `resource_link_id`, `tag`, `limit`, `from`."""
    mind, type_id = _enter(course, LINEITEM, LINEITEM_READONLY, accept=CONTAINER_TYPE)
    asked = request.args
    with mind.lock:
        found = [
            item
            for item in mind.items.values()
            if item.type_id == type_id
            and asked.get("resource_id", item.resource_id) == item.resource_id
            and asked.get("tag", item.tag) == item.tag
            and asked.get("resource_link_id", str(item.link_id)) == str(item.link_id)
        ]
        limit, start = asked.get("limit", 0, type=int), max(0, asked.get("from", 0, type=int))
        page = found[start : start + limit] if limit > 0 else found
        answer = _json([_item(mind, item) for item in page], CONTAINER_TYPE)
    if limit > 0:
        base = f"{mind.config.url}{request.path}?type_id={type_id}&limit={limit}"
        links = [f"<{base}&from=0>; rel=“first”"]
        if start + limit < len(found):
            links.append(f"<{base}&from={start + limit}>; rel=“next”")
        # WSGI headers are latin-1; these are the UTF-8 bytes that Moodle sends.
        answer.headers["Link"] = ", ".join(links).encode().decode("latin-1")
    return answer


@ags.post("")
def add_item(course: str) -> Response:
    """Add a line item."""
    mind, type_id = _enter(course, LINEITEM, content=ITEM_TYPE)
    value = _body()
    link_id = value.get("resourceLinkId")
    with mind.lock:
        if link_id is not None:
            link = mind.links.get(int(link_id)) if str(link_id).isdigit() else None
            if link is None or link.type_id != type_id:
                raise _RefusedError(403)
        item = LineItem(
            mind.number(),
            type_id,
            *_named(value),
            link_id=int(link_id) if link_id is not None else None,
            resource_id=str(value.get("resourceId", "")),
            tag=str(value.get("tag", "")),
        )
        mind.items[item.id] = item
        mind.save()
        return _json({**value, "id": item_url(mind, type_id, item.id)}, ITEM_TYPE, 201)


@ags.get("/<int:item_id>/lineitem")
def show_item(course: str, item_id: int) -> Response:
    """One line item."""
    mind, type_id = _enter(course, LINEITEM, LINEITEM_READONLY, accept=ITEM_TYPE)
    with mind.lock:
        return _json(_item(mind, _own(mind, type_id, item_id)), ITEM_TYPE)


@ags.put("/<int:item_id>/lineitem")
def change_item(course: str, item_id: int) -> Response:
    """Replace label, maximum, resource id and tag; grades are rescaled to a new maximum."""
    mind, type_id = _enter(course, LINEITEM, content=ITEM_TYPE)
    value = _body()
    with mind.lock:
        item = _own(mind, type_id, item_id)
        label, maximum = _named(value)
        for (of_item, _), grade in mind.grades.items():
            if of_item == item.id and grade.score is not None:
                grade.score = grade.score * maximum / item.maximum
                grade.maximum = maximum
        item.label, item.maximum = label, maximum
        item.resource_id, item.tag = str(value.get("resourceId", "")), str(value.get("tag", ""))
        mind.save()
        return _json(_item(mind, item), ITEM_TYPE)


@ags.delete("/<int:item_id>/lineitem")
def remove_item(course: str, item_id: int) -> Response:
    """Delete a line item that the tool added; one that belongs to an activity stays (403)."""
    mind, type_id = _enter(course, LINEITEM)
    with mind.lock:
        item = _own(mind, type_id, item_id)
        if item.coupled:
            raise _RefusedError(403)
        del mind.items[item.id]
        mind.grades = {place: grade for place, grade in mind.grades.items() if place[0] != item.id}
        mind.save()
    return Response(status=200)


@ags.post("/<int:item_id>/lineitem/scores")
def add_score(course: str, item_id: int) -> Response:
    """Take a score for one learner."""
    if memory().switches.get("scores") == "down":
        raise _RefusedError(503)
    mind, type_id = _enter(course, SCORE, content=SCORE_TYPE)
    value = _body("[]")
    when = _check_score(value)
    with mind.lock:
        item = _own(mind, type_id, item_id)
        place = (item.id, str(value["userId"]))
        old = mind.grades.get(place)
        stale = old is not None and old.changed is not None and old.changed >= when
        if stale or mind.switches.get("scores") == "conflict":
            raise _RefusedError(409, "[]")
        given = value.get("scoreGiven") if value["gradingProgress"] == "FullyGraded" else None
        score = None
        if given is not None:
            score = min(max(given * item.maximum / value["scoreMaximum"], 0.0), item.maximum)
        mind.grades[place] = Grade(
            score,
            item.maximum,
            when if score is not None else None,
            str(value.get("comment", "")),
            value["activityProgress"],
            value["gradingProgress"],
        )
        mind.save()
    return Response(status=200)


@ags.get("/<int:item_id>/lineitem/results")
def results(course: str, item_id: int) -> Response:
    """The grades of a line item. `resultScore` is left out when it is 0."""
    mind, type_id = _enter(course, RESULT_READONLY, accept=RESULTS_TYPE)
    with mind.lock:
        item = _own(mind, type_id, item_id)
        only = request.args.get("user_id")
        found = [
            _result(mind, item, person, grade)
            for (of_item, person), grade in mind.grades.items()
            if of_item == item.id and only in {None, person}
        ]
    return _json(found, RESULTS_TYPE)


def _enter(course: str, *scopes: str, accept: str = "", content: str = "") -> tuple[Memory, int]:
    """Media type, token and course, checked in Moodle's order."""
    mind, type_id = memory(), request.args.get("type_id", type=int)
    wanted = request.headers.get("Accept", "")
    if accept and wanted and "*/*" not in wanted and accept not in wanted:
        raise _RefusedError(400)
    if content and request.mimetype != content:
        raise _RefusedError(400)
    with mind.lock:
        if type_id is None or service_token(mind, type_id, *scopes) is None:
            raise _RefusedError(401)
    if course != mind.course.id:
        raise _RefusedError(404)
    return mind, type_id


def _own(mind: Memory, type_id: int, item_id: int) -> LineItem:
    item = mind.items.get(item_id)
    if item is None:
        raise _RefusedError(404)
    if item.type_id != type_id:
        raise _RefusedError(403)
    return item


def _body(refusal: str = "") -> dict[str, Any]:
    try:
        value = json.loads(request.get_data())
    except ValueError as error:
        raise _RefusedError(400, refusal) from error
    if not isinstance(value, dict):
        raise _RefusedError(400, refusal)
    return value


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _named(value: dict[str, Any]) -> tuple[str, float]:
    label, maximum = value.get("label"), value.get("scoreMaximum")
    if not isinstance(label, str) or not label or not _number(maximum) or float(maximum or 0) <= 0:
        raise _RefusedError(400)
    return label, float(maximum or 0)


def _check_score(value: dict[str, Any]) -> int:
    """The score's time in whole seconds; a refusal of 400 and `[]` for everything Moodle refuses."""
    given, maximum = value.get("scoreGiven"), value.get("scoreMaximum")
    right = (
        str(value.get("userId")) in {person.id for person in LEARNERS}
        and value.get("activityProgress") in ACTIVITY_PROGRESS
        and value.get("gradingProgress") in GRADING_PROGRESS
        and (given is None or (_number(given) and _number(maximum)))
        and (maximum is None or (_number(maximum) and maximum > 0))
    )
    try:
        when = datetime.fromisoformat(str(value.get("timestamp")))
    except ValueError as error:
        raise _RefusedError(400, "[]") from error
    if not right or when.tzinfo is None:
        raise _RefusedError(400, "[]")
    return int(when.timestamp())


def _item(mind: Memory, item: LineItem) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": item_url(mind, item.type_id, item.id),
        "label": item.label,
        "scoreMaximum": item.maximum,
        "resourceId": item.resource_id,
        "tag": item.tag,
    }
    if item.link_id is not None:
        value["resourceLinkId"] = value["ltiLinkId"] = str(item.link_id)
    return value


def _result(mind: Memory, item: LineItem, person: str, grade: Grade) -> dict[str, Any]:
    address = item_url(mind, item.type_id, item.id)
    path, _, query = address.partition("?")
    value: dict[str, Any] = {"id": f"{path}/results?{query}&user_id={person}", "userId": BY_ID[person].id}
    if grade.score and grade.changed is not None:
        value |= {
            "resultScore": grade.score,
            "resultMaximum": grade.maximum,
            "scoreOf": address,
            "timestamp": datetime.fromtimestamp(grade.changed, UTC).isoformat(),
        }
        if grade.comment:
            value["comment"] = grade.comment
    return value


def _json(value: Any, kind: str, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type=kind)

"""/activities: everything that statements have said about one activity."""

from __future__ import annotations

from lrs.http.guard import permit
from lrs.http.request import Request
from lrs.http.response import Response, json_response
from lrs.http.xapi import params
from lrs.http.xapi.services import Services


def get(services: Services, request: Request) -> Response:
    """The activity object (xAPI 1.0.3 Part 3, 2.5); known or not, there is always one."""
    permit(request.access.may_describe, "read")
    asked = params.read(request.params, request.version, (params.ACTIVITY,))
    return json_response(services.activities.describe(request.access.tenant, asked["activityId"]))


METHODS = {"GET": get}

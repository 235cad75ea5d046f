"""/agents: the Person behind an agent."""

from __future__ import annotations

from lrs.http.guard import permit
from lrs.http.request import Request
from lrs.http.response import Response, json_response
from lrs.http.xapi import params
from lrs.http.xapi.services import Services


def get(services: Services, request: Request) -> Response:
    """The Person object (xAPI 1.0.3 Part 3, 2.4).

    A caller that may not read everyone's statements learns nothing it did not say itself.
    """
    permit(request.access.may_describe, "read")
    asked = params.read(request.params, request.version, (params.AGENT,))
    access = request.access
    names = access.may_read_everything
    return json_response(services.agents.person(access.tenant, asked["agent"], names=names))


METHODS = {"GET": get}

"""/about: which versions are spoken here. Open to everyone, whatever version they name."""

from __future__ import annotations

import orjson

from lrs.http.request import Request
from lrs.http.response import Response, json_response
from lrs.http.xapi import params
from lrs.http.xapi.services import Services
from statements.data_types.versions import Version, negotiate

_ALL = orjson.dumps({"version": [version.value for version in Version]})
_FIRST = orjson.dumps({"version": [Version.V1.value]})


def get(_: Services, request: Request) -> Response:
    """The versions (xAPI 1.0.3 Part 3, 2.8).

    A request that names 1.0.x is told of 1.0.3 alone: its specification knows no later version
    (XAPI-00316), and clients made for it, tincan among them, fail when they read of one.
    """
    params.read(request.params, request.version, ())
    named = negotiate(request.header("X-Experience-API-Version"))
    return json_response(_FIRST if named is Version.V1 else _ALL)


METHODS = {"GET": get}

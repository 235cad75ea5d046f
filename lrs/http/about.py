"""/about: which versions are spoken here. Open to everyone, whatever version they name."""

from __future__ import annotations

import orjson

from lrs.http import params
from lrs.http.request import Request
from lrs.http.response import Response, json_response
from lrs.http.services import Services
from statements.versions import Version

_BODY = orjson.dumps({"version": [version.value for version in Version]})


def get(_: Services, request: Request) -> Response:
    """The versions (xAPI 1.0.3 Part 3, 2.8)."""
    params.read(request.params, request.version, ())
    return json_response(_BODY)


METHODS = {"GET": get}

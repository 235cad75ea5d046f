"""The yardstick for requests: a Flask endpoint that only parses the body, on the same server."""

from __future__ import annotations

import orjson
from flask import Flask, Response, request


def application() -> Flask:
    """POST parses its JSON and answers 25 KB-free `[]`; GET answers `{}`."""
    app = Flask("noop")

    @app.post("/xapi/statements")
    def post() -> Response:
        orjson.loads(request.get_data())
        return Response(b"[]", mimetype="application/json")

    @app.get("/xapi/statements")
    def get() -> Response:
        return Response(b"{}", mimetype="application/json")

    return app

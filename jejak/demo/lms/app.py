"""The Flask application of the demo LMS."""

from __future__ import annotations

from flask import Flask
from werkzeug.wrappers import Response

from jejak.demo.lms.ags import ags
from jejak.demo.lms.config import LmsConfig
from jejak.demo.lms.deeplink import deeplink
from jejak.demo.lms.memory import Memory
from jejak.demo.lms.nrps import nrps
from jejak.demo.lms.oidc import oidc
from jejak.demo.lms.pages import pages
from jejak.demo.lms.registration import registration

MAX_BODY = 1024 * 1024


def create_demo_lms(config: LmsConfig | None = None) -> Flask:
    """A platform that answers at `config.url`. For demonstrations and tests: it has no passwords."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["demo_lms"] = Memory(config or LmsConfig())
    for blueprint in (oidc, nrps, ags, deeplink, registration, pages):
        app.register_blueprint(blueprint)
    app.after_request(_headers)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _headers(answer: Response) -> Response:
    # Scripts from this site only; frames and forms may lead to any tool.
    answer.headers["Content-Security-Policy"] = (
        "default-src 'self'; frame-src http: https:; form-action http: https:; base-uri 'none'; "
        "object-src 'none'; frame-ancestors 'self' http: https:"
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    if answer.mimetype == "text/html":
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer

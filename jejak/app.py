"""The application: the xAPI first, everything else through Flask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.middleware.proxy_fix import ProxyFix

from jejak.background import BackgroundWork, background_work
from jejak.clock import now
from jejak.compression import install_compression
from jejak.settings import Settings
from jejak.wiring import Wired, wire
from lrs.document_kinds import HEALTH
from lrs.http.records.routes import Write, create_records_blueprint
from lrs.store.errors import StoreError
from lti_tool.pages.admin.routes import create_admin_blueprint
from lti_tool.pages.evidence.routes import create_evidence_blueprint
from lti_tool.pages.instructor.routes import create_instructor_blueprint
from lti_tool.pages.integrator.routes import create_integrator_blueprint
from lti_tool.pages.learner.routes import create_learner_blueprint
from lti_tool.pages.lti.routes import create_lti_blueprint
from lti_tool.pages.verifier.link_request_routes import create_link_request_blueprint
from lti_tool.pages.verifier.link_routes import create_link_blueprint
from lti_tool.pages.verifier.routes import create_verifier_blueprint
from lti_tool.web.error_pages import error_page, install_error_pages
from lti_tool.web.flask_setup import install_pages
from lti_tool.web.record_services import install_record_services
from lti_tool.web.security_headers import secure_whatever_answers
from statements.data_types.versions import Version

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Application:
    """One WSGI callable for the whole product. `start` begins background work, `close` ends it."""

    def __init__(self, wired: Wired, flask: Flask) -> None:
        self.wired = wired
        self.flask = flask
        scheme, _, host = wired.tool.settings.origin.partition("://")
        self._public = scheme, host
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._answer: Wsgi = self._dispatch
        if wired.settings.proxy_hops:
            hops = wired.settings.proxy_hops
            self._answer = ProxyFix(self._dispatch, x_for=hops, x_proto=hops, x_host=hops, x_port=hops)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        return self._answer(environ, start_response)

    def _dispatch(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if path.startswith("/xapi/") or path == "/xapi":
            # Statements in and out are the hot path: they do not pass through Flask.
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + "/xapi"
            environ["PATH_INFO"] = path[5:]
            return self.wired.xapi(environ, start_response)
        if path == "/api/v1/validate":
            return self.wired.validate_api(environ, start_response)
        # Addresses that Flask makes (a redirect to the path with a slash) are those of the public address,
        # whatever a client writes into its Host header.
        environ["wsgi.url_scheme"], environ["HTTP_HOST"] = self._public
        return self.flask(environ, start_response)

    def start(self, *, following: bool = True) -> None:
        """Begin background work; call it once per worker process, after it was forked.

        Not `following` where a process of its own works out the learning record: what this one works out
        while a page waits for it is still reported to gradebooks.
        """
        parts = self.wired.core
        if not following:
            reporting = BackgroundWork(
                "progress", lambda stop: parts.progress.run_forever(stop, sweeping=False)
            )
            self._threads.append(reporting.begin(self._stop))
            return
        follower = BackgroundWork("follower", parts.record.follower.run_forever)
        self._threads += [work.begin(self._stop) for work in (follower, *background_work(parts))]

    def close(self) -> None:
        """End background work and close the store."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)
        self.wired.store.close()


def create_app(settings: Settings) -> Application:
    """The application that the settings describe; nothing runs in the background until `start`."""
    wired = wire(settings)
    return Application(wired, create_flask(wired))


def create_flask(wired: Wired) -> Flask:
    """Everything but the xAPI: pages, LTI endpoints, the record API, health."""
    app = Flask("jejak", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = wired.settings.max_body_bytes
    install_compression(app)
    secure_whatever_answers(app)
    install_pages(app, default_language=wired.settings.locale)
    install_record_services(app, wired.desk)
    install_error_pages(app)
    app.register_blueprint(create_lti_blueprint(wired.tool))
    app.register_blueprint(create_learner_blueprint())
    app.register_blueprint(create_evidence_blueprint())
    app.register_blueprint(create_instructor_blueprint())
    app.register_blueprint(create_verifier_blueprint())
    app.register_blueprint(create_admin_blueprint())
    app.register_blueprint(create_link_request_blueprint(days=wired.settings.link_days))
    app.register_blueprint(create_link_blueprint(now))
    app.register_blueprint(
        create_integrator_blueprint(wired.validate, max_bytes=wired.settings.validate_max_bytes)
    )
    app.register_blueprint(
        create_records_blueprint(
            wired.record,
            wired.credentials,
            _writer(wired),
            own_origin=wired.tool.settings.origin,
            elsewhere=error_page,
        )
    )
    app.add_url_rule("/health/live", "live", _live)
    app.add_url_rule("/health/ready", "ready", lambda: _ready(wired))
    return app


def _writer(wired: Wired) -> Write:
    """How the record API stores the statements of a sign-off."""
    ingest = wired.xapi.services.ingest
    return lambda access, statements: ingest.submit(access, statements, Version.V2).stored


def _live() -> Response:
    return jsonify(status="live")


def _ready(wired: Wired) -> tuple[Response, int]:
    try:
        with wired.store.reading() as reader:
            reader.document(HEALTH, "", "probe")
    except StoreError:
        return jsonify(status="the store cannot answer"), 503
    return jsonify(status="ready"), 200

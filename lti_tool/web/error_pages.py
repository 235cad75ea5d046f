"""What a person sees where there is no page, or where one failed: what happened, and a way back.

Programs that ask for JSON get problem+json (RFC 9457) instead.
"""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import Flask, g, jsonify, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.wrappers import Response

from lrs.store.errors import StoreError
from lti_tool.text.i18n import gettext
from lti_tool.web.guard import launch_url

log = structlog.get_logger(__name__)

PROGRAMS = ("/api/", "/health/")
"""Addresses below these are for programs, whatever they say they take."""


def install_error_pages(app: Flask) -> None:
    """Give every error of the application that nothing more particular answers its page."""
    app.register_error_handler(HTTPException, error_page)
    app.register_error_handler(StoreError, _store_away)


def error_page(error: HTTPException) -> Response:
    """The answer to an error, in the form that was asked for; its headers (`Allow`) stay as they are."""
    response = Response.force_type(error.get_response(request.environ))
    if error.code is None or error.response is not None:
        return response
    sentence, advice = _words(error.code)
    if _wants_json():
        title = HTTPStatus(error.code).phrase
        told = jsonify(type="about:blank", title=title, status=error.code, detail=f"{sentence} {advice}")
        response.data, response.mimetype = told.data, "application/problem+json"
    else:
        response.data, response.mimetype = _page(error, sentence, advice), "text/html"
    return response


def _page(error: HTTPException, sentence: str, advice: str) -> str:
    try:
        back = launch_url() if "launch_session" in g else "/"
        return render_template("error.html", status=error.code, sentence=sentence, advice=advice, back=back)
    except Exception:
        # The page of an error must not fail for the same reason as the page that it speaks of.
        if not isinstance(error, InternalServerError):
            raise
        log.exception("error_page_failed")
        return f"<!doctype html><title>Jejak</title><p>{sentence}</p><p>{advice}</p>"


def _store_away(error: StoreError) -> Response:
    log.error("store_unavailable", endpoint=request.endpoint, error=str(error))
    return error_page(ServiceUnavailable())


def _wants_json() -> bool:
    if request.path.startswith(PROGRAMS):
        return True
    offered = ["text/html", "application/json", "application/problem+json"]
    return request.accept_mimetypes.best_match(offered, "text/html") != "text/html"


def _words(status: int) -> tuple[str, str]:
    """What happened, and what to do."""
    again = gettext("Nothing was changed. Go back and try again.")
    match status:
        case 404:
            return gettext("This page does not exist, or no longer."), gettext(
                "Check the address, or go back and choose from there."
            )
        case 405:
            return gettext("This address cannot be used in this way."), gettext(
                "Go back and use the buttons of the page."
            )
        case 413:
            return gettext("What was sent is too large."), gettext(
                "Nothing was saved. Go back and send less at once."
            )
        case 503:
            return gettext("The learning record cannot answer just now."), gettext(
                "Wait a minute, then try again. What was saved before is safe."
            )
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return gettext("Something went wrong on our side."), gettext(
                "Try again. If it happens again, tell your administrator the time and what you did."
            )
        case _:
            return gettext("This request could not be understood."), again

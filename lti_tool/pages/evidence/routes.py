"""The page of a photo, the bytes of a file, and the address of a file that stands in statements."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from lrs.records.evidence.files import EvidenceFile
from lti_tool.pages.evidence.tus_routes import add_routes
from lti_tool.platforms.platforms import ACTIVE
from lti_tool.refusals import Reason, RefusedError
from lti_tool.web import cookies
from lti_tool.web.evidence import (
    data_url,
    evidence_of,
    file_response,
    generic_name,
    may_see,
    no_cookie,
    preview_response,
)
from lti_tool.web.guard import current_session, launch_session_required, launch_url
from lti_tool.web.lti_services import current_tool
from lti_tool.web.record_services import current_record_services


def create_evidence_blueprint() -> Blueprint:
    """The blueprint of /l/<launch_id>/evidence/... and of /evidence/<file_id>."""
    blueprint = Blueprint("evidence", __name__)
    guard = launch_session_required()
    for path, view in (("", page), ("/file", file), ("/preview", preview)):
        rule = "/l/<launch_id>/evidence/<file_id>" + path
        blueprint.add_url_rule(rule, view.__name__, guard(view), methods=["GET"])
    blueprint.add_url_rule("/evidence/<file_id>", "elsewhere", elsewhere, methods=["GET"])
    add_routes(blueprint)
    blueprint.record_once(lambda state: state.app.jinja_env.globals.update(evidence_of=evidence_of))
    return blueprint


def page(launch_id: str, file_id: str) -> str:
    """A photo as large as the window."""
    found = _visible(file_id)
    if not found.is_picture:
        abort(404)
    source = launch_url(f"evidence/{file_id}/file")
    if no_cookie():
        source = data_url(b"".join(current_record_services().evidence.chunks(found)))
    return render_template(
        "evidence/photo.html",
        name=found.name or generic_name(found, 1),
        source=source,
        file=found,
        back=_page_before() or launch_url("cohort" if current_session().sees_cohort else "record"),
    )


def file(launch_id: str, file_id: str) -> Response:
    """The bytes of a file."""
    found = _visible(file_id)
    try:
        return file_response(found, current_record_services().evidence.chunks(found))
    except KeyError:
        abort(404)


def preview(launch_id: str, file_id: str) -> Response:
    """A small picture."""
    small = current_record_services().evidence.preview(_visible(file_id))
    return preview_response(small) if small is not None else abort(404)


def elsewhere(file_id: str) -> ResponseReturnValue:
    """The address in statements: whoever has a session in this browser that may see the file is led to it."""
    tool, desk = current_tool(), current_record_services()
    for launch_id, secret in reversed(cookies.held_sessions(request.cookies)[-tool.settings.max_sessions :]):
        session = tool.launches.sessions.find(launch_id, secret)
        platform = None if session is None else tool.platforms.get(session.platform_id)
        if session is None or platform is None or platform.status != ACTIVE:
            continue
        found = desk.evidence.file(session.tenant, file_id)
        if found is not None and may_see(desk, session, found):
            path = file_id if found.is_picture else f"{file_id}/file"
            return redirect(f"/l/{launch_id}/evidence/{path}", 303)
    raise RefusedError(Reason.SESSION_MISSING)


def _page_before() -> str:
    """The page of this launch from which somebody came, if the browser tells it."""
    before = urlsplit(request.referrer or "")
    is_ours = f"{before.scheme}://{before.netloc}" == current_tool().settings.origin
    inside = before.path.startswith(launch_url()) and not before.path.startswith(launch_url("evidence/"))
    return before._replace(scheme="", netloc="", fragment="").geturl() if is_ours and inside else ""


def _visible(file_id: str) -> EvidenceFile:
    """The file, if the person who launched may see it; otherwise it is as if it were not there."""
    desk, session = current_record_services(), current_session()
    found = desk.evidence.file(session.tenant, file_id)
    return found if found is not None and may_see(desk, session, found) else abort(404)

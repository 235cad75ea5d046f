"""The door of every page under /l/<launch_id>/: session, role, form origin, headers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, ParamSpec

from flask import g, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from lti_tool.launch.sessions import LaunchSession
from lti_tool.platforms.platforms import ACTIVE
from lti_tool.refusals import Reason, RefusedError
from lti_tool.settings import origin_of
from lti_tool.web import cookies, csrf
from lti_tool.web.lti_services import current_tool
from lti_tool.web.security_headers import platform_origins, secure

P = ParamSpec("P")
LAUNCH_HEADER = "X-Launch-Secret"
FRAMES = ("iframe", "frame", "object", "embed")
"""`Sec-Fetch-Dest` of pages that are shown inside another page."""
TENANT = "jejak.tenant"
"""Name in the WSGI environment of the tenant whose session was proved; the server shares its time by it."""


def launch_session_required(
    *, roles: Collection[str] = (), form_origins: Callable[[LaunchSession], Collection[str]] | None = None
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, Response]]:
    """Guard a route whose path holds `<launch_id>`: `@launch_session_required(roles={"instructor"})`.

    The launch's cookie and the id in the path must belong together, the platform must still be
    active, the person must have one of `roles` (any role when empty), and an unsafe method must
    come from this launch's own form. Inside, `current_session()` is the session. `form_origins`
    names further origins to which forms of the page may be sent.
    """

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            session = _enter()
            if roles and not session.roles & set(roles):
                raise RefusedError(Reason.ROLE_LACKING)
            response: Response = make_response(view(*args, **kwargs))
            forms = form_origins(session) if form_origins is not None else ()
            return secure(response, frames=g.frame_origins, forms=forms)

        return guarded

    return decorate


def current_session() -> LaunchSession:
    """The session that the guard let in."""
    session: LaunchSession = g.launch_session
    return session


def csrf_token() -> str:
    """The token for the forms of this launch, sent in the field `csrf_token`."""
    return csrf.token(g.session_secret, current_session().id)


def launch_url(path: str = "") -> str:
    """The path of a page of this launch."""
    return f"/l/{current_session().id}/{path}"


def way_back() -> str:
    """The address of the course in the platform, for pages that fill a window of their own; else empty.

    In the platform's frame the course is all around. The address is the platform's: escape it.
    """
    session: LaunchSession | None = g.get("launch_session")
    if session is None or request.headers.get("Sec-Fetch-Dest") in FRAMES:
        return ""
    try:
        return session.return_url if origin_of(session.return_url) else ""
    except ValueError:
        return ""


def _enter() -> LaunchSession:
    tool = current_tool()
    launch_id = str((request.view_args or {}).get("launch_id", ""))
    # Where no cookie survives in the frame, our own page shows the secret in a header instead;
    # another site's page cannot send one.
    secret = cookies.session_secret(request.cookies, launch_id) or request.headers.get(LAUNCH_HEADER, "")
    session = tool.launches.sessions.find(launch_id, secret) if secret else None
    if session is None:
        raise RefusedError(Reason.SESSION_MISSING)
    platform = tool.platforms.get(session.platform_id)
    if platform is None or platform.status != ACTIVE:
        raise RefusedError(Reason.PLATFORM_DISABLED)
    g.launch_session = session
    request.environ[TENANT] = session.tenant
    g.session_secret = secret
    g.frame_origins = platform_origins(platform)
    if not csrf.acceptable(
        method=request.method,
        origin=request.headers.get("Origin"),
        own_origin=tool.settings.origin,
        sent=_sent_token(),
        session_secret=secret,
        launch_id=launch_id,
    ):
        raise RefusedError(Reason.FORM_FOREIGN)
    return session


def _sent_token() -> str:
    if request.method in csrf.SAFE_METHODS:
        return ""
    header: Any = request.headers.get("X-CSRF-Token")
    try:
        return str(header or request.form.get(csrf.FIELD, ""))
    except RequestEntityTooLarge:
        raise RefusedError(Reason.FORM_TOO_LARGE) from None

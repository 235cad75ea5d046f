"""The public LTI endpoints: /lti/login, /lti/launch and /lti/jwks."""

from __future__ import annotations

from typing import NoReturn

import structlog
from flask import Blueprint, make_response, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge
from werkzeug.wrappers import Response

from lrs.rate_limit import RateLimit
from lti_tool.launch.adapter import DEEP_LINKING_MESSAGE
from lti_tool.launch.deep_linking import return_origins
from lti_tool.launch.launch import LAUNCH_PATH, LOGIN_FIELDS, MAX_FIELD, Login
from lti_tool.launch.sessions import LaunchSession
from lti_tool.pages.lti import deep_linking as deeplink_pages
from lti_tool.pages.lti import registration
from lti_tool.refusals import Reason, RefusedError
from lti_tool.services.registration import LOGIN_PATH, REGISTER_PATH
from lti_tool.settings import origin_of
from lti_tool.web import cookies
from lti_tool.web.guard import csrf_token, current_session, launch_url, way_back
from lti_tool.web.lti_services import EXTENSION, LtiTool, current_tool
from lti_tool.web.security_headers import csp_nonce, platform_origins, secure

log = structlog.get_logger(__name__)

JWKS_CACHE_SECONDS = 300


def create_lti_blueprint(tool: LtiTool) -> Blueprint:
    """The blueprint of all LTI endpoints; registering it makes `current_tool()` available.

    Refusals of the whole application (`RefusedError`) become pages that a person understands.
    """
    settings, clock = tool.settings, tool.clock
    blueprint = Blueprint("lti", "lti_tool", template_folder="templates")
    limit = RateLimit(settings.requests_per_minute, clock)
    registering = RateLimit(settings.registrations_per_minute, clock)

    @blueprint.before_request
    def bound() -> None:
        request.max_content_length = settings.max_request_bytes
        if limit.wait(f"{request.endpoint} {request.remote_addr}"):
            raise RefusedError(Reason.TOO_MANY_REQUESTS)
        # Each registration page makes this tool fetch an address that it was given.
        if request.path == REGISTER_PATH and registering.wait(str(request.remote_addr)):
            raise RefusedError(Reason.TOO_MANY_REQUESTS)

    blueprint.add_url_rule(LOGIN_PATH, "login", login, methods=["GET", "POST"])
    blueprint.add_url_rule(LAUNCH_PATH, "launch", launch, methods=["POST"])
    blueprint.add_url_rule("/", "misdirected", misdirected, methods=["POST"])
    blueprint.add_url_rule("/lti/jwks", "jwks", jwks, methods=["GET"])
    deeplink_pages.add_routes(blueprint)
    registration.add_routes(blueprint)
    blueprint.register_error_handler(RequestEntityTooLarge, _too_large)
    blueprint.record_once(lambda state: _install(state, tool))
    return blueprint


def _install(state: BlueprintSetupState, tool: LtiTool) -> None:
    app = state.app
    app.extensions[EXTENSION] = tool
    tool.tool_keys.ensure()
    app.register_error_handler(RefusedError, refused_page)
    app.jinja_env.globals.update(
        csp_nonce=csp_nonce,
        csrf_token=csrf_token,
        launch_url=launch_url,
        current_session=current_session,
        way_back=way_back,
    )


def login() -> Response:
    """Begin a launch: bind the browser, then go on to the platform, or first see whether cookies work.

    Called by the platform (third-party initiated login, OpenID Connect core section 4) and again,
    top level, when the person opens a new window because no cookie survives in the frame.
    """
    tool = current_tool()
    _refuse_old_launch()
    fields = _fields(LOGIN_FIELDS)
    begun = tool.launches.begin(fields)
    if cookies.WORKS in request.cookies:
        response: Response = redirect(begun.url, 302)
    else:
        response = make_response(_probe_page(begun, fields))
        cookies.put(response, cookies.PROBE, "1", cookies.PROBE_SECONDS, readable=True)
    for name in cookies.stale_logins(request.cookies):
        cookies.drop(response, name)
    seconds = tool.settings.login_seconds
    cookies.put(response, cookies.login_name(begun.state), begun.browser_secret, seconds)
    return secure(
        response, frames=platform_origins(begun.platform), forms=[origin_of(begun.platform.auth_login_url)]
    )


def _probe_page(begun: Login, fields: dict[str, str]) -> str:
    return render_template(
        "lti/login.html",
        url=begun.url,
        platform_origin=origin_of(begun.platform.auth_login_url),
        storage_target=begun.storage_target,
        storage_key=cookies.storage_key(begun.state),
        storage_secret=begun.storage_secret,
        fields={name: value for name, value in fields.items() if value},
        login_path=LOGIN_PATH,
        probe=cookies.PROBE,
    )


def launch() -> Response:
    """Receive the platform's message and open a session for it (LTI 1.3 core, section 3).

    Without the cookie of the login, the page that is answered asks the platform's storage for the
    secret that the login left there, and sends the message again with it.
    """
    tool = current_tool()
    _refuse_old_launch()
    names = ("state", "id_token", "error", "storage_secret")
    fields = _fields(names, longest=tool.settings.max_request_bytes)
    state = fields["state"]
    if fields["error"]:
        raise RefusedError(Reason.PLATFORM_SAID_NO, "error response")
    if not state:
        raise RefusedError(Reason.STATE_UNKNOWN, "no state")
    if fields["storage_secret"]:
        return _launch_without_cookies(fields)
    name = cookies.login_name(state)
    if name not in request.cookies:
        page = _verify_page(fields)
        if page is not None:
            return page
    session, secret = tool.launches.finish(
        state=state, id_token=fields["id_token"], browser_secret=request.cookies.get(name, "")
    )
    response: Response = redirect(_first_page(session), 303)
    cookies.drop(response, name)
    return _with_session(response, session, secret)


def misdirected() -> NoReturn:
    """A form sent to the bare address of the tool, which is what people type as the *Tool URL* of LTI 1.1."""
    _refuse_old_launch()
    raise MethodNotAllowed(valid_methods=["GET", "HEAD", "OPTIONS"])


def _refuse_old_launch() -> None:
    """RefusedError when the form is a launch of LTI 1.0 or 1.1, which no part of LTI 1.3 would understand.

    Source: LTI 1.1 implementation guide, section 3 (`lti_version`), and OAuth 1.0 (`oauth_consumer_key`).
    """
    form = request.form
    signed = "oauth_consumer_key" in form and "id_token" not in form
    if form.get("lti_version", "").upper().startswith("LTI-") or signed:
        raise RefusedError(Reason.MESSAGE_VERSION, "old launch")


def _verify_page(fields: dict[str, str]) -> Response | None:
    """A refusal that its own script may still turn into a launch; None when there is no such login."""
    tool = current_tool()
    transaction = tool.launches.transactions.peek(fields["state"])
    platform = None if transaction is None else tool.platforms.get(transaction.platform_id)
    if transaction is None or platform is None or not fields["id_token"]:
        return None
    refusal = Reason.BROWSER_DIFFERS.value
    log.info("lti_no_cookie", code=refusal.code, platform=platform.id)
    page = render_template(
        "lti/verify.html",
        refusal=refusal,
        platform_origin=origin_of(platform.auth_login_url),
        storage_target=transaction.storage_target,
        storage_key=cookies.storage_key(fields["state"]),
        launch_path=LAUNCH_PATH,
        state=fields["state"],
        id_token=fields["id_token"],
    )
    response: Response = make_response(page, refusal.status)
    return secure(response, frames=platform_origins(platform))


def _launch_without_cookies(fields: dict[str, str]) -> Response:
    """Finish a launch whose browser is known by the platform's storage; its session lives in one window."""
    tool = current_tool()
    if request.headers.get("Origin") != tool.settings.origin:
        raise RefusedError(Reason.FORM_FOREIGN)
    session, secret = tool.launches.finish(
        state=fields["state"], id_token=fields["id_token"], storage_secret=fields["storage_secret"]
    )
    platform = tool.platforms.get(session.platform_id)
    page = render_template("lti/shell.html", path=_first_page(session), secret=secret)
    deep_linking = session.message_type == DEEP_LINKING_MESSAGE
    return secure(
        make_response(page),
        frames=platform_origins(platform) if platform else (),
        forms=return_origins(session) if deep_linking else (),
    )


def _first_page(session: LaunchSession) -> str:
    page = "deeplink" if session.message_type == DEEP_LINKING_MESSAGE else ""
    return f"/l/{session.id}/{page}"


def _with_session(response: Response, session: LaunchSession, secret: str) -> Response:
    """Give the browser the session's cookie; the oldest sessions beyond the allowed number are closed."""
    tool = current_tool()
    held = _without_another_person(session, response)
    for launch_id, old_secret in held[: max(0, len(held) - tool.settings.max_sessions + 1)]:
        tool.launches.sessions.close(launch_id, old_secret)
        cookies.drop(response, cookies.session_name(launch_id))
    value = cookies.session_value(session.created, secret)
    cookies.put(response, cookies.session_name(session.id), value, tool.settings.session_seconds)
    cookies.put(response, cookies.WORKS, "1", cookies.WORKS_SECONDS)
    return secure(response)


def _without_another_person(session: LaunchSession, response: Response) -> list[tuple[str, str]]:
    """The browser's sessions, oldest first, after those of another person of the same platform are closed.

    Whoever launches is the one who sits there now, on a computer that several share.
    """
    sessions = current_tool().launches.sessions
    held = []
    for launch_id, secret in cookies.held_sessions(request.cookies):
        other = sessions.find(launch_id, secret)
        if other is not None and other.issuer == session.issuer and other.subject != session.subject:
            sessions.close(launch_id, secret)
            cookies.drop(response, cookies.session_name(launch_id))
        else:
            held.append((launch_id, secret))
    return held


def jwks() -> Response:
    """The tool's public keys."""
    response: Response = make_response(current_tool().tool_keys.public_set())
    response.headers["Cache-Control"] = f"public, max-age={JWKS_CACHE_SECONDS}"
    return response


def refused_page(error: RefusedError) -> Response:
    """The page of a refusal; the log gets the reason, and nothing about the person."""
    refusal = error.refusal
    log.warning(
        "lti_refused",
        code=refusal.code,
        reason=error.reason.name.lower(),
        detail=error.detail,
        endpoint=request.endpoint,
    )
    response: Response = make_response(render_template("lti/refused.html", refusal=refusal), refusal.status)
    # A refusal often comes before the platform is known, and still must be seen in its frame. The page has
    # nothing to click and nothing about the person, so any site may frame it.
    return secure(response, frames=("*",))


def _too_large(_error: RequestEntityTooLarge) -> Response:
    return refused_page(RefusedError(Reason.REQUEST_TOO_LARGE))


def _fields(names: tuple[str, ...], *, longest: int = MAX_FIELD) -> dict[str, str]:
    """The named parameters, each given at most once; a repeated one could mean two things."""
    values = request.form if request.method == "POST" else request.args
    found: dict[str, str] = {}
    for name in names:
        given = values.getlist(name)
        if len(given) > 1:
            raise RefusedError(Reason.LOGIN_INCOMPLETE, f"{name} is repeated")
        found[name] = given[0] if given else ""
        if len(found[name]) > longest:
            raise RefusedError(Reason.REQUEST_TOO_LARGE, f"{name} is too long")
    return found

"""The pages of dynamic registration, shown in the platform's own window or frame."""

from __future__ import annotations

from flask import Blueprint, make_response, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from lti_tool.refusals import Reason, RefusedError
from lti_tool.services.registration import MAX_TOKEN, REGISTER_PATH
from lti_tool.settings import origin_of
from lti_tool.web.lti_services import current_tool
from lti_tool.web.security_headers import secure


def add_routes(blueprint: Blueprint) -> None:
    """Add the registration pages to the LTI blueprint."""
    blueprint.add_url_rule(REGISTER_PATH, "register", ask, methods=["GET"])
    blueprint.add_url_rule(REGISTER_PATH, "register_do", do, methods=["POST"])


def ask() -> Response:
    """Say who wants to register with what, and wait for a click: opening an address changes nothing."""
    invite, url, token = _given(request.args)
    registrations = current_tool().registrations
    tenant = registrations.invites.tenant(invite)
    configuration = registrations.configuration(tenant, url)
    page = render_template(
        "lti/register.html",
        tenant=tenant,
        host=configuration.host,
        action=REGISTER_PATH,
        fields={"invite": invite, "openid_configuration": url, "registration_token": token},
    )
    return secure(make_response(page), frames=[origin_of(url)])


def do() -> Response:
    """Register, and let the platform close its window."""
    tool = current_tool()
    if request.headers.get("Origin") != tool.settings.origin:
        raise RefusedError(Reason.FORM_FOREIGN)
    invite, url, token = _given(request.form)
    platform = tool.registrations.register(invite=invite, configuration_url=url, token=token)
    origin = origin_of(url)
    page = render_template("lti/registered.html", platform=platform, origin=origin)
    return secure(make_response(page), frames=[origin])


def _given(values: MultiDict[str, str]) -> tuple[str, str, str]:
    found = []
    for name in ("invite", "openid_configuration", "registration_token"):
        given = values.getlist(name)
        if len(given) > 1 or any(len(one) > MAX_TOKEN for one in given):
            raise RefusedError(Reason.REGISTRATION_REQUEST, name)
        found.append(str(given[0]) if given else "")
    invite, url, token = found
    if not invite:
        raise RefusedError(Reason.INVITE_UNKNOWN)
    try:
        origin_of(url)
    except ValueError as error:
        raise RefusedError(Reason.REGISTRATION_REQUEST, "openid_configuration") from error
    if not token.isascii() or not token.isprintable():
        raise RefusedError(Reason.REGISTRATION_REQUEST, "registration_token")
    return invite, url, token

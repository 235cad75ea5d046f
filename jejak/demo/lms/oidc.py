"""Launches: the login request, the auth endpoint, the key set, discovery and the token endpoint.

Addresses and answers are Moodle's. Sources: LTI Core 1.3, 1EdTech Security Framework 1.0.
"""

from __future__ import annotations

import json
from typing import Any

import jwt
from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from jejak.demo.lms.config import SCOPES, Tool
from jejak.demo.lms.memory import LAUNCH_LIFE, TOKEN_LIFE, Launch, Memory, memory
from jejak.demo.lms.message import claims
from jejak.demo.lms.people import BY_ID
from jejak.demo.lms.tools import ToolRefusedError, verify_tool_token
from jejak.demo.lms.variants import VARIANTS, Draft

oidc = Blueprint("oidc", __name__)
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@oidc.get("/mod/lti/openid-configuration.php")
@oidc.get("/.well-known/openid-configuration")
def discovery() -> dict[str, Any]:
    """The OpenID configuration with the LTI platform part (Dynamic Registration 1.0)."""
    url = memory().config.url
    return {
        "issuer": url,
        "token_endpoint": f"{url}/mod/lti/token.php",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "jwks_uri": f"{url}/mod/lti/certs.php",
        "authorization_endpoint": f"{url}/mod/lti/auth.php",
        "registration_endpoint": f"{url}/mod/lti/openid-registration.php",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
        "https://purl.imsglobal.org/spec/lti-platform-configuration": {
            "product_family_code": "moodle",
            "version": "5.0 (Build: 20250414)",
            "messages_supported": [
                {"type": "LtiResourceLinkRequest"},
                {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
            ],
            "variables": [
                "Person.sourcedId",
                "User.id",
                "User.username",
                "Context.id",
                "CourseSection.title",
            ],
        },
    }


@oidc.get("/mod/lti/certs.php")
def certs() -> dict[str, Any]:
    """The public key set."""
    return {"keys": [memory().key.jwk()]}


@oidc.get("/mod/lti/launch.php")
def launch() -> str:
    """Begin a launch: a page that posts itself to the tool's login address.

    Query: `id` (activity) or `type` (deep linking), `as` (user), `variant`, `lang`.
    """
    mind = memory()
    variant = VARIANTS.get(request.args.get("variant", "normal"))
    person = BY_ID.get(request.args.get("as", ""))
    if variant is None or person is None:
        raise BadRequest("no such user or variant")
    with mind.lock:
        tool, link_id, target = _subject(mind)
        begun = Launch(
            person=person.id,
            type_id=tool.type_id,
            link_id=link_id,
            variant=variant.slug,
            locale=request.args.get("lang", "id") if request.args.get("lang") in {"id", "en"} else "id",
            target=target,
            expires=mind.now() + LAUNCH_LIFE,
        )
        if variant.unsolicited:
            draft = Draft(mind, tool, claims(mind, begun, tool, "a-nonce-of-my-own"), "a-state-of-my-own")
            return render_template("post.html", url=tool.redirect_urls[0], fields=draft.form())
        form = {
            "iss": mind.config.url,
            "target_link_uri": target,
            "login_hint": person.id,
            "lti_message_hint": json.dumps({"cmid": link_id or 0, "launchid": mind.begin(begun)}),
            "client_id": tool.client_id,
            "lti_deployment_id": tool.deployment_id,
        }
        if mind.switches.get("storage") == "offered":
            form["lti_storage_target"] = "_parent"
        if variant.login is not None:
            variant.login(form)
    return render_template("post.html", url=tool.login_url, fields=form)


def _subject(mind: Memory) -> tuple[Tool, int | None, str]:
    if "type" in request.args:
        tool = mind.tools.get(request.args.get("type", 0, type=int))
        if tool is None or not tool.active:
            raise NotFound("no such tool")
        return tool, None, tool.target_url
    link = mind.links.get(request.args.get("id", 0, type=int))
    tool = mind.tools.get(link.type_id or 0) if link else None
    if link is None or tool is None or not tool.active:
        raise NotFound("no such activity, or its tool is not active")
    return tool, link.id, link.url or tool.target_url


@oidc.route("/mod/lti/auth.php", methods=["GET", "POST"])
def auth() -> str | Response:
    """The authentication request; answered by a page that posts the id_token to the tool (form_post)."""
    mind = memory()
    asked = request.values
    with mind.lock:
        tool = next((one for one in mind.tools.values() if one.client_id == asked.get("client_id")), None)
        if tool is None or asked.get("redirect_uri") not in tool.redirect_urls:
            # Never send a browser to an address that was not registered.
            return Response("Unknown client or unregistered redirect_uri", 400, mimetype="text/plain")
        url = asked["redirect_uri"]
        state = asked.get("state")
        error = _auth_error()
        begun = _take(mind) if error is None else None
        if begun is None or begun.type_id != tool.type_id or begun.person != asked.get("login_hint"):
            fields = {
                "error": error or "access_denied",
                "error_description": "The launch is unknown or was used.",
            }
            if state is not None:
                fields["state"] = state
            return render_template("post.html", url=url, fields=fields)
        draft = Draft(mind, tool, claims(mind, begun, tool, asked["nonce"]), state)
        variant = VARIANTS[begun.variant]
        try:
            if variant.answer is not None:
                variant.answer(draft)
            fields = draft.form()
        except LookupError as missing:
            return Response(str(missing), 409, mimetype="text/plain")
        if variant.slug == "normal":
            mind.last_answer[tool.type_id] = fields
    return render_template("post.html", url=url, fields=fields)


def _auth_error() -> str | None:
    asked = request.values
    if asked.get("response_type") != "id_token" or asked.get("response_mode") != "form_post":
        return "unsupported_response_type"
    if asked.get("scope") != "openid":
        return "invalid_scope"
    if asked.get("prompt") != "none" or not asked.get("nonce") or not asked.get("login_hint"):
        return "invalid_request"
    return None


def _take(mind: Memory) -> Launch | None:
    try:
        hint = json.loads(request.values.get("lti_message_hint", ""))
        key = hint["launchid"]
    except (ValueError, KeyError, TypeError):
        return None
    return mind.take(key) if isinstance(key, str) else None


@oidc.post("/mod/lti/token.php")
def token() -> Response:
    """Access tokens for the services, against a signed client assertion.

    As on a running Moodle, the answer is JSON under Content-Type text/html, good for an hour.
    """
    mind = memory()
    if mind.switches.get("token") == "down":
        return Response("Service Unavailable", 503, mimetype="text/html")
    form = request.form
    if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != ASSERTION:
        return _oauth("unsupported_grant_type")
    assertion = form.get("client_assertion", "")
    try:
        owner = jwt.decode(assertion, options={"verify_signature": False}).get("sub")
    except jwt.InvalidTokenError:
        return _oauth("invalid_request")
    tool = next((one for one in mind.tools.values() if one.client_id == owner and one.active), None)
    if tool is None:
        return _oauth("invalid_client")
    try:
        # Moodle accepts the token endpoint's address or the issuer as audience.
        facts = verify_tool_token(
            mind, tool, assertion, [f"{mind.config.url}/mod/lti/token.php", mind.config.url]
        )
    except ToolRefusedError:
        return _oauth("invalid_client")
    if not facts.get("jti") or not mind.first_use(tool.client_id, f"jti {facts['jti']}"):
        return _oauth("invalid_client")
    scopes = frozenset(form.get("scope", "").split()) & frozenset(tool.scopes)
    if not scopes:
        return _oauth("invalid_scope")
    with mind.lock:
        key = mind.grant(tool.type_id, scopes)
    return _html_json(
        {
            "access_token": key,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE,
            "scope": " ".join(sorted(scopes)),
        }
    )


def _oauth(error: str) -> Response:
    return _html_json({"error": error}, 400)


def _html_json(value: dict[str, Any], status: int = 200) -> Response:
    answer = Response(json.dumps(value), status, content_type="text/html; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    return answer

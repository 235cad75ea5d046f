"""Dynamic Registration 1.0 as Moodle does it: the tool lands pending and an administrator activates it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Answer

from jejak.demo.lms.config import SCOPES, Tool
from jejak.demo.lms.memory import Link, memory

registration = Blueprint("registration", __name__)
TOOL_CONFIG = "https://purl.imsglobal.org/spec/lti-tool-configuration"


@registration.get("/admin/tools")
def tools() -> str:
    """All tools, and the form that adds one by its registration address."""
    mind = memory()
    with mind.lock:
        listed = list(mind.tools.values())
    return render_template("tools.html", tools=listed, url=mind.config.url)


@registration.post("/admin/tools/add")
def begin() -> str | tuple[str, int]:
    """Open the tool's registration address in a frame, with discovery address and one-time token."""
    mind = memory()
    given = request.form.get("url", "").strip()
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return render_template(
            "message.html", title="No address", text="Give the tool's http(s) address."
        ), 400
    with mind.lock:
        token = mind.invite()
    query = urlencode(
        {
            "openid_configuration": f"{mind.config.url}/mod/lti/openid-configuration.php",
            "registration_token": token,
        }
    )
    return render_template("register.html", url=f"{given}{'&' if parts.query else '?'}{query}")


@registration.post("/admin/tools/<int:type_id>/activate")
def activate(type_id: int) -> Answer:
    """Activate a pending tool and give it a first activity."""
    mind = memory()
    with mind.lock:
        tool = mind.tools.get(type_id)
        if tool is None:
            raise NotFound("no such tool")
        mind.tools[type_id] = replace(tool, active=True)
        if not any(link.type_id == type_id for link in mind.links.values()):
            mind.add_link(Link(mind.number(), type_id, tool.name))
        mind.save()
    return redirect("/admin/tools", 303)


@registration.post("/mod/lti/openid-registration.php")
def register() -> Response:
    """Take a registration: 200 with the client id; 400 with the reason; 401 without a live token."""
    mind = memory()
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    with mind.lock:
        expires = mind.invitations.pop(token, 0.0) if kind.lower() == "bearer" else 0.0
    if expires <= mind.now():
        return _refuse(401, "invalid_token", "The registration token is missing, used or too old.")
    value = request.get_json(silent=True)
    problem = _problem(value) if isinstance(value, dict) else "The body is no JSON object."
    if problem or not isinstance(value, dict):
        return _refuse(400, "invalid_client_metadata", problem)
    lti = value[TOOL_CONFIG]
    scopes = tuple(scope for scope in SCOPES if scope in str(value.get("scope", "")).split())
    with mind.lock:
        tool = Tool(
            type_id=mind.number(),
            client_id=secrets.token_urlsafe(12),
            name=str(value["client_name"])[:200],
            login_url=value["initiate_login_uri"],
            redirect_urls=tuple(value["redirect_uris"]),
            jwks_url=value["jwks_uri"],
            target_url=lti.get("target_link_uri") or value["redirect_uris"][0],
            scopes=scopes,
            custom=tuple((str(k), str(v)) for k, v in (lti.get("custom_parameters") or {}).items()),
            active=False,
        )
        mind.tools[tool.type_id] = tool
        mind.save()
    answer = {
        **{name: value[name] for name in ("client_name", "initiate_login_uri", "redirect_uris", "jwks_uri")},
        "client_id": tool.client_id,
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["client_credentials", "implicit"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(scopes),
        TOOL_CONFIG: {
            "version": "1.3.0",
            "deployment_id": tool.deployment_id,
            "domain": lti["domain"],
            "target_link_uri": tool.target_url,
            "claims": lti.get("claims", []),
            "custom_parameters": dict(tool.custom),
        },
    }
    return jsonify(answer)


def _problem(value: dict[str, Any]) -> str:
    """What Moodle would complain about, or an empty text."""
    for name in ("initiate_login_uri", "client_name", "jwks_uri"):
        if not isinstance(value.get(name), str) or not value[name]:
            return f"{name} is missing."
    if "id_token" not in _texts(value.get("response_types")):
        return "response_types lacks id_token."
    if not _texts(value.get("redirect_uris")):
        return "redirect_uris is missing."
    if value.get("token_endpoint_auth_method") != "private_key_jwt":
        return "token_endpoint_auth_method is not private_key_jwt."
    lti = value.get(TOOL_CONFIG)
    if not isinstance(lti, dict) or not isinstance(lti.get("domain"), str):
        return "lti-tool-configuration.domain is missing."
    target = lti.get("target_link_uri")
    if target is not None and urlsplit(str(target)).netloc != lti["domain"]:
        return "target_link_uri is not on the tool's domain."
    if not isinstance(lti.get("custom_parameters") or {}, dict):
        return "custom_parameters is no object."
    return ""


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _refuse(status: int, error: str, text: str) -> Response:
    answer = jsonify({"error": error, "error_description": text})
    answer.status_code = status
    return answer

"""Pages without a launch: `/`, the rules that a refusal can name, and a place to try a statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Blueprint, make_response, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from lrs.http.problems import RefusalError
from lti_tool.text.rules import rule_sentence
from lti_tool.web.security_headers import secure
from statements.data_types.versions import Version
from statements.errors import Problem
from statements.rules.check import RULES, Rule
from statements.rules.request_rules import REQUEST_RULES

MAX_BYTES = 64 * 1024
ENCODED = 3
"""So many times as large a text may be as it comes in a form."""
REST = 1024
"""Bytes for all else that the form holds."""

Validate = Callable[[bytes, Version, str], tuple[int, Iterable[Problem]]]
"""Checks a body for an address: how many statements it holds, and everything wrong with them.

RefusalError when the address has had its share.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the page says about the pasted text."""

    count: int
    problems: tuple[Problem, ...]


def create_integrator_blueprint(validate: Validate, *, max_bytes: int = MAX_BYTES) -> Blueprint:
    """The blueprint of both pages; `validate` is the very check that the record store makes.

    `max_bytes` is the largest text that is checked.
    """
    blueprint = Blueprint("integrator", __name__)

    @blueprint.get("/")
    def front() -> Response:
        return secure(make_response(render_template("integrator/front.html")))

    @blueprint.get("/docs/rules")
    def rules() -> Response:
        groups: dict[str, list[Rule]] = {}
        for rule in (*RULES.values(), *REQUEST_RULES.values()):
            groups.setdefault(rule.slug.partition(".")[0], []).append(rule)
        page = render_template("integrator/rules.html", groups=groups, rule_sentence=rule_sentence)
        return secure(make_response(page))

    @blueprint.route("/validate", methods=["GET", "POST"])
    def page() -> Response:
        request.max_content_length = request.max_form_memory_size = ENCODED * max_bytes + REST
        version, text, verdict, status, wait = Version.V1, "", None, 200, ""
        if request.method == "POST":
            text = request.form.get("statement", "")
            version = Version.V2 if request.form.get("version") == Version.V2.value else Version.V1
            body = text.encode("utf-8", "surrogatepass")
            if len(body) > max_bytes:
                raise RequestEntityTooLarge
            try:
                count, problems = validate(body, version, str(request.remote_addr))
                verdict = Verdict(count, tuple(problems))
                status = 422 if verdict.problems else 200
            except RefusalError as refusal:
                status, wait = refusal.status, dict(refusal.headers).get("Retry-After", "")
        page = render_template(
            "integrator/validate.html",
            text=text,
            version=version,
            versions=list(Version),
            rule_sentence=rule_sentence,
            verdict=verdict,
            wait=wait,
        )
        response = make_response(page, status)
        if wait:
            response.headers["Retry-After"] = wait
        return secure(response)

    @blueprint.errorhandler(RequestEntityTooLarge)
    def too_large(_: RequestEntityTooLarge) -> Response:
        page = render_template(
            "integrator/validate.html",
            text="",
            version=Version.V1,
            versions=list(Version),
            rule_sentence=rule_sentence,
            verdict=None,
            too_large=max_bytes // 1024,
        )
        return secure(make_response(page, 413))

    return blueprint

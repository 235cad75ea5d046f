"""Refusals, and how they are told: RFC 9457 problem+json that names every error found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus

import orjson

from lrs.http.response import Response
from statements.errors import Problem
from statements.rules.request_rules import REQUEST_RULES, problem
from statements.rules.table import RULES

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 100
"""Errors listed in one answer; the count of the others is told."""
RULES_PAGE = "/docs/rules#"


SAFE_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)
"""Of every refusal: it is no page, runs nothing, and is shown in no frame."""


class RefusalError(Exception):
    """A request that is not carried out; rendered by the application, never by a resource."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        problems: Iterable[Problem] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.problems = tuple(problems)
        self.headers = tuple(headers)


def invalid(problems: Sequence[Problem], what: str = "request") -> RefusalError:
    """400 with every problem of an input."""
    count = len(problems)
    detail = problems[0].hint if count == 1 else f"The {what} breaks rules in {count} places; see `errors`."
    return RefusalError(400, detail, problems=problems)


def broken(rule: str, hint: str, *, status: int = 400) -> RefusalError:
    """A refusal under one of `statements.rules.request_rules`, about the request as a whole."""
    return RefusalError(status, hint, problems=[problem(rule, "", hint)])


def too_large(limit: int) -> RefusalError:
    """413: the body is larger than this server takes."""
    return broken("request.too-large", f"the body is larger than the {limit} bytes taken here", status=413)


def bad_parameter(name: str, hint: str, rule: str = "request.parameter") -> RefusalError:
    """400 about one query parameter."""
    return invalid([parameter_problem(name, hint, rule)])


def parameter_problem(name: str, hint: str, rule: str = "request.parameter") -> Problem:
    """A problem with a query parameter; the name is cut short, since it is the client's own text."""
    return problem(rule, f"?{name[:40]}", hint)


def render(refusal: RefusalError) -> Response:
    """The answer that tells a refusal."""
    body, headers = rendered(refusal)
    return Response(refusal.status, body, headers)


def rendered(refusal: RefusalError) -> tuple[bytes, list[tuple[str, str]]]:
    """Body and headers of the answer that tells a refusal, whoever sends it."""
    phrase = HTTPStatus(refusal.status).phrase
    body: dict[str, object] = {
        "type": "about:blank",
        "title": phrase,
        "status": refusal.status,
        "detail": refusal.detail,
    }
    if refusal.problems:
        body["errors"] = [_shown(problem) for problem in refusal.problems[:MOST_ERRORS]]
        if len(refusal.problems) > MOST_ERRORS:
            body["more_errors"] = len(refusal.problems) - MOST_ERRORS
    headers = [("Content-Type", MEDIA_TYPE), ("Cache-Control", "no-store"), *SAFE_HEADERS, *refusal.headers]
    return orjson.dumps(body), headers


def _shown(problem: Problem) -> dict[str, object]:
    """The problem, with a link where the page about rules has more to say."""
    shown = problem.as_dict()
    if problem.rule in RULES or problem.rule in REQUEST_RULES:
        shown["link"] = RULES_PAGE + problem.rule
    return shown

"""POST /api/v1/validate: the answer that a statement would get, with nothing stored and nobody named.

Open to everyone, like a linter: it reads no data, keeps none, and takes small bodies only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson

from lrs.http.application import STATUS, VERSION
from lrs.http.cors import cors_headers, options
from lrs.http.problems import Refusal, broken, invalid, render
from lrs.http.request import Request
from lrs.http.response import Response, json_response
from lrs.http.services import MIB, Limits
from lrs.http.statement_body import JSON, values_of
from statements.errors import Problem
from statements.rules import check_batch
from statements.versions import Version, negotiate

METHODS = "POST, OPTIONS"


def validate(body: bytes, version: Version, limits: Limits) -> tuple[int, list[Problem]]:
    """How many statements a JSON body holds, and everything wrong with them. Refusal when it is no JSON."""
    values = values_of(body, limits, single=False)
    return len(values), check_batch(values, version)


def inspect(body: bytes, version: Version, limits: Limits) -> tuple[int, Sequence[Problem]]:
    """As `validate`, but what is no JSON, too deep or too much is told as problems, too."""
    try:
        return validate(body, version, limits)
    except Refusal as refusal:
        return 0, refusal.problems


class ValidateApplication:
    """The WSGI application of the one path. Safe to call from many threads."""

    def __init__(self, *, limits: Limits | None = None, cors_origins: Collection[str] = ()) -> None:
        limits = limits or Limits()
        self._limits = Limits(
            max_body_bytes=min(limits.max_body_bytes, MIB),
            max_batch=limits.max_batch,
            max_depth=limits.max_depth,
        )
        self._origins = frozenset(cors_origins)

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        request.version = Version.V2
        try:
            response = self._answer(request)
        except Refusal as refusal:
            response = render(refusal)
        body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        headers = [*response.headers, (VERSION, request.version.value)]
        if body:
            headers.append(("Content-Length", str(len(body))))
        start_response(STATUS[response.status], headers + cors_headers(request, self._origins))
        return [body]

    def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return options(METHODS)
        if request.method != "POST":
            raise Refusal(405, f"This resource takes {METHODS}.", headers=[("Allow", METHODS)])
        named = request.header(VERSION)
        version = negotiate(named) if named is not None else Version.V2
        if version is None:
            raise broken("request.version", f"the header {VERSION} must name 1.0.x or 2.0.x, or be left out")
        request.version = version
        if request.content_type()[0] != JSON:
            raise broken("request.content-type", f"send statements as {JSON}")
        count, problems = validate(request.body(self._limits.max_body_bytes), version, self._limits)
        if problems:
            raise invalid(problems)
        return json_response(orjson.dumps({"valid": True, "statements": count, "version": version.value}))

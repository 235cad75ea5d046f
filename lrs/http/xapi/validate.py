"""POST /api/v1/validate: the answer that a statement would get, with nothing stored and nobody named.

Open to everyone, like a linter: it reads no data and keeps none. Who shows no credential may have little
checked at once, and not often. Who shows one is told, too, whether what it decides counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson

from lrs.access import Access, Credentials
from lrs.http.cors import cors_headers, options
from lrs.http.failures import RETRY_SECONDS, answer_to
from lrs.http.guard import caller, client_address
from lrs.http.parse_budget import ParseBudget
from lrs.http.problems import RefusalError, broken, invalid, render
from lrs.http.request import Request
from lrs.http.response import Response, json_response
from lrs.http.xapi.application import STATUS, VERSION
from lrs.http.xapi.services import Limits
from lrs.http.xapi.statement_body import JSON, values_of
from lrs.rate_limit import RateLimit
from lrs.store.errors import FullError
from statements.data_types.versions import Version, negotiate
from statements.errors import Problem
from statements.rules.check import check_batch

METHODS = "POST, OPTIONS"
KIB = 1024
AT_ONCE = 4
"""Checks for those without a credential that one process works on at once."""


def validate(body: bytes, version: Version, limits: Limits) -> tuple[int, list[Problem]]:
    """How many statements a JSON body holds, and everything wrong with them.

    RefusalError when the body is no JSON.
    """
    values = values_of(body, limits, single=False)
    return len(values), check_batch(values, version)


def inspect(body: bytes, version: Version, limits: Limits) -> tuple[int, Sequence[Problem]]:
    """As `validate`, but what is no JSON, too deep or too much is told as problems, too."""
    try:
        return validate(body, version, limits)
    except RefusalError as refusal:
        return 0, refusal.problems


class Strangers:
    """What those without a credential may have checked. Safe to use from many threads."""

    def __init__(
        self, *, max_bytes: int = 64 * KIB, per_minute: int = 30, clock: Callable[[], int] = lambda: 0
    ) -> None:
        """`max_bytes` of statements at once, `per_minute` times from one address."""
        self.max_bytes = max_bytes
        self._rate = RateLimit(per_minute, clock)
        self._places = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def turn(self, address: str) -> Iterator[None]:
        """One check for an address; RefusalError 429, or 503 while others have theirs done."""
        if seconds := self._rate.wait(address):
            hint = "Your address has had its checks of this minute; with a credential there is no such limit."
            raise RefusalError(429, hint, headers=[("Retry-After", str(seconds))])
        if not self._places.acquire(blocking=False):
            hint = "Many have their statements checked right now; try again soon."
            raise RefusalError(503, hint, headers=[("Retry-After", str(RETRY_SECONDS))])
        try:
            yield
        finally:
            self._places.release()


class ValidateApplication:
    """The WSGI application of the one path. Safe to call from many threads."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        strangers: Strangers,
        limits: Limits | None = None,
        cors_origins: Collection[str] = (),
        budget: ParseBudget | None = None,
    ) -> None:
        """`limits` are for those who show a credential; `budget` bounds the large bodies in work at once."""
        self._credentials = credentials
        self._strangers = strangers
        self._limits = limits or Limits()
        self._origins = frozenset(cors_origins)
        self._budget = budget

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ, self._budget)
        request.version = Version.V2
        try:
            with request.held:
                response = self._answer(request)
        except FullError:
            response = render(RefusalError(507, "There is no room to receive this; try again later."))
        except Exception as error:
            response = answer_to(error)
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
            raise RefusalError(405, f"This resource takes {METHODS}.", headers=[("Allow", METHODS)])
        named = request.header(VERSION)
        version = negotiate(named) if named is not None else Version.V2
        if version is None:
            raise broken("request.version", f"the header {VERSION} must name 1.0.x or 2.0.x, or be left out")
        request.version = version
        if request.content_type()[0] != JSON:
            raise broken("request.content-type", f"send statements as {JSON}")
        access = caller(request, self._credentials) if request.header("Authorization") else None
        if access is not None:
            request.access = access
        count, problems = self._checked(request, version, access)
        if problems:
            raise invalid(problems)
        answer: dict[str, Any] = {"valid": True, "statements": count, "version": version.value}
        if access is not None:
            # Sign-offs and voidings of others' statements change the learning record, or are kept in vain.
            answer["decisions_count"] = access.may_decide
        return json_response(orjson.dumps(answer))

    def _checked(
        self, request: Request, version: Version, access: Access | None
    ) -> tuple[int, list[Problem]]:
        if access is not None:
            return validate(request.body(self._limits.max_body_bytes), version, self._limits)
        body = request.body(self._strangers.max_bytes)
        with self._strangers.turn(client_address(request.environ, self._credentials.proxy_hops)):
            return validate(body, version, self._limits)

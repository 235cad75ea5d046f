"""The xAPI as a WSGI application of its own: statements come in here, so nothing stands in their way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from lrs.http.cors import cors_headers, options
from lrs.http.failures import answer_to
from lrs.http.guard import caller
from lrs.http.parse_budget import ParseBudget
from lrs.http.problems import RefusalError, broken
from lrs.http.request import Request
from lrs.http.response import Response
from lrs.http.xapi import (
    about,
    activities,
    activity_profile,
    agent_profile,
    agents,
    alternate,
    state,
    statements,
)
from lrs.http.xapi.services import Services
from lrs.store.port import Store
from lrs.xapi.effects import Effects, run_sync
from statements.data_types.timestamps import render as timestamp
from statements.data_types.versions import negotiate

StartResponse = Callable[..., Any]
Handler = Callable[[Services, Request], Response | Effects[Response]]

DRAIN, DRAIN_LARGE = 1 << 20, 1 << 26
"""Bytes of a refused body that are still read, so that the client gets to see the refusal."""
NO_BODY = frozenset({204, 304})
OFTEN_LARGE = frozenset({413, 415, 503, 507})
"""Refusals that come in the middle of a large body, sent in good faith."""
VERSION = "X-Experience-API-Version"
CONSISTENT_THROUGH = "X-Experience-API-Consistent-Through"
STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

ROUTES: dict[str, Mapping[str, Handler]] = {
    "/statements": statements.METHODS,
    "/activities/state": state.METHODS,
    "/activities/profile": activity_profile.METHODS,
    "/agents/profile": agent_profile.METHODS,
    "/activities": activities.METHODS,
    "/agents": agents.METHODS,
    "/about": about.METHODS,
}


class XapiApplication:
    """Every xAPI resource, 1.0.3 and 2.0.0. Safe to call from many threads."""

    def __init__(
        self,
        store: Store,
        services: Services,
        *,
        cors_origins: Collection[str] = (),
        budget: ParseBudget | None = None,
    ) -> None:
        """`services` work on `store`; `budget` bounds the large bodies worked on at once."""
        self._store = store
        self.services = services
        self._origins = frozenset(cors_origins)
        self._budget = budget or ParseBudget()

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer = run_sync(self._store, self.effects(environ))
        start_response(STATUS[answer.status], answer.headers)
        if isinstance(answer.body, bytes):
            return [answer.body] if answer.body else []
        return answer.body

    def effects(self, environ: Mapping[str, Any]) -> Effects[Response]:
        """Answer one request: the complete answer, to be sent as it is. `environ` is that of PEP 3333."""
        request = Request(environ, self._budget)
        request.version = self.services.version_fallback
        try:
            response = yield from self._respond(request)
            if response.status >= HTTPStatus.BAD_REQUEST:
                _drain(request, response.status)
        except BaseException:
            request.cleanup.close()
            raise
        finally:
            request.held.close()
        headers = response.headers
        headers.append((VERSION, request.version.value))
        if request.path == "/statements":
            through = request.through
            if through is None:
                through = self._store.known_watermark()
            headers.append((CONSISTENT_THROUGH, timestamp(through)))
        headers += cors_headers(request, self._origins)
        bare = environ["REQUEST_METHOD"] == "HEAD" or request.method == "HEAD"
        if isinstance(response.body, bytes):
            if response.status not in NO_BODY:
                headers.append(("Content-Length", str(len(response.body))))
            request.cleanup.close()
        elif not bare:
            response.body = _streamed(response.body, request)
        else:
            request.cleanup.close()
        if bare:
            response.body = b""
        return response

    def _respond(self, request: Request) -> Effects[Response]:
        """The answer, whatever happens."""
        try:
            return (yield from self._answer(request))
        except Exception as error:
            return answer_to(error)

    def _answer(self, request: Request) -> Effects[Response]:
        methods = ROUTES.get(request.path)
        if methods is None:
            raise RefusalError(404, "There is no such resource; see /about and the xAPI specification.")
        if request.method == "OPTIONS":
            return options(_allowed(methods))
        request.parse_query()
        if "method" in request.params:
            alternate.unfold(request, self.services.limits.max_document_bytes, self.services.credentials)
        open_to_all = methods is about.METHODS
        version = negotiate(request.header(VERSION))
        if version is not None:
            request.version = version
        elif not open_to_all:
            raise broken("request.version", f"the header {VERSION} must name 1.0.x or 2.0.x")
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = _allowed(methods)
            raise RefusalError(405, f"This resource takes {allowed}.", headers=[("Allow", allowed)])
        if not open_to_all:
            request.access = caller(request, self.services.credentials)
        answer = handler(self.services, request)
        return answer if isinstance(answer, Response) else (yield from answer)


def _drain(request: Request, status: int) -> None:
    """Let the client finish sending, within reason, so that it reads its refusal."""
    with contextlib.suppress(RefusalError, OSError):
        request.drain(DRAIN_LARGE if status in OFTEN_LARGE else DRAIN)


def _allowed(methods: Mapping[str, Handler]) -> str:
    return ", ".join([*methods, "HEAD", "OPTIONS"] if "GET" in methods else [*methods, "OPTIONS"])


def _streamed(body: Iterable[bytes], request: Request) -> Iterator[bytes]:
    with request.cleanup:
        yield from body

"""What the State and the two Profile resources share: one document by its id, or many by their owner."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from lrs.access import Scope
from lrs.http.guard import permit
from lrs.http.headers import http_date
from lrs.http.problems import RefusalError, bad_parameter
from lrs.http.request import Request
from lrs.http.response import Response, json_response, no_content
from lrs.http.xapi import params
from lrs.http.xapi.params import Parameter
from lrs.http.xapi.services import Services
from lrs.http.xapi.statement_body import parse
from lrs.xapi.documents import Listing, Place
from lrs.xapi.effects import Call, Effects
from statements.documents import PreconditionFailedError, Preconditions, is_json, matches
from statements.documents import Refusal as Kind

STATUS = {Kind.FAILED: 412, Kind.CONFLICT: 409, Kind.REQUIRED: 400}
DEFAULT_TYPE = "application/octet-stream"
LONGEST_TYPE = 255
EARLIER = re.compile(r"1\.0(?:\.[012])?")
"""Versions before 1.0.3, as a request names them."""


@dataclass(frozen=True, slots=True)
class DocumentResource:
    """One document resource: its parameters, and where its documents live."""

    scope: Scope
    owner: tuple[Parameter, ...]
    """Parameters that name whose documents are meant."""
    identifier: Parameter
    """The parameter that names one document."""
    place: Callable[[Mapping[str, Any]], Place]
    deletes_many: bool = False
    """Whether DELETE without an identifier removes all documents of the owner."""

    def get(self, services: Services, request: Request) -> Response | Effects[Response]:
        """One document, or the ids of many."""
        permit(request.access.may_read_documents(self.scope), "read documents")
        one = self.identifier.name in request.params
        known = (*self.owner, self.identifier) if one else (*self.owner, params.SINCE)
        asked = params.read(request.params, request.version, known)
        place = self.place(asked)
        if not one:
            return _listed(services, request, place, asked.get("since"))
        document = services.documents.get(request.access, place, asked[self.identifier.name])
        if document is None:
            raise RefusalError(404, "There is no such document.")
        held = request.header("If-None-Match")
        validators = [("ETag", document.etag), ("Last-Modified", http_date(document.updated))]
        if held is not None and matches(held, document.etag):
            return Response(304, b"", validators)
        return Response(
            200,
            document.body,
            [
                ("Content-Type", document.content_type),
                *validators,
                # A document is whatever someone stored: a browser must never run it as a page of ours.
                ("X-Content-Type-Options", "nosniff"),
                ("Content-Security-Policy", "sandbox; default-src 'none'"),
            ],
        )

    def put(self, services: Services, request: Request) -> Response:
        """Write a document whole."""
        place, name, body, kind = self._incoming(services, request)
        try:
            services.documents.put(
                request.access, place, name, body, kind, request.version, _preconditions(request)
            )
        except PreconditionFailedError as refused:
            raise _told(refused) from None
        return no_content()

    def post(self, services: Services, request: Request) -> Response:
        """Merge JSON into a document, or write a new one."""
        limits = services.limits
        place, name, body, kind = self._incoming(services, request)
        try:
            services.documents.post(
                request.access,
                place,
                name,
                body,
                kind,
                request.version,
                _preconditions(request),
                read=partial(parse, max_depth=limits.max_depth, max_values=limits.max_values),
                most=limits.max_document_bytes,
            )
        except PreconditionFailedError as refused:
            raise _told(refused) from None
        return no_content()

    def delete(self, services: Services, request: Request) -> Response:
        """Remove a document, or all of an owner where the resource has that."""
        permit(request.access.may_write_documents(self.scope), "delete documents")
        asked = params.read(request.params, request.version, (*self.owner, self.identifier))
        place = self.place(asked)
        name = asked.get(self.identifier.name)
        if name is None:
            if not self.deletes_many:
                raise bad_parameter(self.identifier.name, params.REQUIRED, "request.parameter-required")
            services.documents.delete_all(request.access, place)
            return no_content()
        try:
            services.documents.delete(request.access, place, name, request.version, _preconditions(request))
        except PreconditionFailedError as refused:
            raise _told(refused) from None
        return no_content()

    def methods(self) -> Mapping[str, Callable[[Services, Request], Response | Effects[Response]]]:
        """The table of the application."""
        return {"GET": self.get, "PUT": self.put, "POST": self.post, "DELETE": self.delete}

    def _incoming(self, services: Services, request: Request) -> tuple[Place, str, bytes, str]:
        """Where to write, the document's id, its bytes and its type."""
        permit(request.access.may_write_documents(self.scope), "write documents")
        asked = params.read(request.params, request.version, (*self.owner, self.identifier))
        if self.identifier.name not in asked:
            raise bad_parameter(self.identifier.name, params.REQUIRED, "request.parameter-required")
        kind = request.header("Content-Type") or DEFAULT_TYPE
        if len(kind) > LONGEST_TYPE or not (kind.isascii() and kind.isprintable()):
            raise RefusalError(400, f"The Content-Type must be at most {LONGEST_TYPE} plain characters.")
        limits = services.limits
        body = request.body(limits.max_document_bytes if is_json(kind) else limits.max_body_bytes)
        return self.place(asked), asked[self.identifier.name], body, kind


def _listed(services: Services, request: Request, place: Place, since: int | None) -> Effects[Response]:
    """The ids of documents; a list of more than one page is sent while it is read."""
    listing: Listing = yield Call(lambda: services.documents.list(request.access, place, since), long=True)
    if listing.rest is not None:
        request.cleanup.enter_context(services.documents.long_lists.line(request.access.tenant))
        return Response(200, _array(listing.ids, listing.rest), [("Content-Type", "application/json")])
    modified = [("Last-Modified", http_date(listing.updated))] if listing.ids else []
    return json_response(orjson.dumps(listing.ids), *modified)


def _array(first: Sequence[str], rest: Iterator[Sequence[str]]) -> Iterator[bytes]:
    """A JSON array, piece by piece."""
    yield orjson.dumps(first)[:-1]
    for ids in rest:
        if ids:
            yield b"," + orjson.dumps(ids)[1:-1]
    yield b"]"


def _preconditions(request: Request) -> Preconditions:
    older = EARLIER.fullmatch(request.header("X-Experience-API-Version") or "") is not None
    return Preconditions(request.header("If-Match"), request.header("If-None-Match"), may_create=older)


def _told(refused: PreconditionFailedError) -> RefusalError:
    return RefusalError(STATUS[refused.kind], refused.problem.hint, problems=[refused.problem])

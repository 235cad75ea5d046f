"""/statements: storing, one or many, and reading, one or page by page (xAPI 1.0.3 Part 3, 2.1)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

import orjson

from lrs.http.guard import permit
from lrs.http.headers import http_date
from lrs.http.multipart import write_parts
from lrs.http.problems import RefusalError, bad_parameter
from lrs.http.request import Request
from lrs.http.response import Response, json_response, no_content
from lrs.http.xapi import statement_body
from lrs.http.xapi.formatted import formatted, large_work
from lrs.http.xapi.services import Services
from lrs.store.log import Position
from lrs.xapi.effects import Call, Effects
from lrs.xapi.ingest import Receipt
from lrs.xapi.query import BadCursorError
from lrs.xapi.repeated_statements import DiffersError
from statements.attachments import Attachment, declared
from statements.data_types.exact_json import loads
from statements.data_types.identity import is_uuid
from statements.filters import Format, StatementQuery, parse_query
from statements.rules.request_rules import problem

MORE = "more"
ATTACHMENTS = b'"attachments"'
"""Stands in every kept statement that declares any: names of members are kept without escapes."""


def post(services: Services, request: Request) -> Effects[Response]:
    """Store a statement or a batch; the ids in the same order."""
    permit(request.access.may_write, "write statements")
    for name in request.params:
        raise bad_parameter(name, "POST /statements takes no parameters")
    receipt = yield from _store(services, request, None)
    return json_response(orjson.dumps(receipt.ids))


def put(services: Services, request: Request) -> Effects[Response]:
    """Store one statement under the id that the request names."""
    permit(request.access.may_write, "write statements")
    for name in request.params:
        if name != "statementId":
            raise bad_parameter(name, "PUT /statements takes the parameter statementId alone")
    named = request.params.get("statementId", [])
    if len(named) != 1 or not is_uuid(named[0]):
        raise bad_parameter(
            "statementId", "one UUID is expected: the id of the statement", "statement.put-id"
        )
    yield from _store(services, request, named[0])
    return no_content()


def _store(services: Services, request: Request, put_id: str | None) -> Effects[Receipt]:
    values, parts = statement_body.read(request, services.limits, single=put_id is not None)
    try:
        return (
            yield from services.ingest.effects(
                request.access, values, request.version, attachments=parts, put_id=put_id
            )
        )
    except DiffersError as error:
        hint = "a stored statement never changes; this place differs from the one stored under this id"
        index = error.index if len(values) > 1 else None
        problems = [problem("statement.immutable", place, hint, index=index) for place in error.pointers]
        raise RefusalError(
            409, f"Another statement is stored under the id {error.id}.", problems=problems
        ) from None


def get(services: Services, request: Request) -> Effects[Response]:
    """One statement, or a page of those that match."""
    permit(request.access.may_read_statements, "read statements")
    after = None
    if MORE in request.params:
        if len(request.params) > 1 or len(request.params[MORE]) > 1:
            raise bad_parameter(MORE, "use a `more` link as it is, with nothing added", "request.cursor")
        try:
            query, after = services.query.resume(request.access, request.params[MORE][0])
        except BadCursorError as error:
            raise bad_parameter(MORE, str(error), "request.cursor") from None
    else:
        pairs = [(name, value) for name, values in request.params.items() for value in values]
        query = parse_query(pairs, request.version)
    not_as_kept = query.format is not Format.EXACT or query.attachments
    if query.statement_id is not None or query.voided_id is not None:
        single: Response = yield Call(lambda: _single(services, request, query), long=not_as_kept)
        return single
    if not not_as_kept:
        exact = yield from services.query.exact(request.access, query, after)
        request.through = exact.through
        return json_response(_page(request, exact.joined, exact.more))
    several: Response = yield Call(lambda: _several(services, request, query, after), long=True)
    return several


def _several(services: Services, request: Request, query: StatementQuery, after: Position | None) -> Response:
    page = services.query.page(request.access, query, after)
    request.through = page.through
    bodies = formatted(services, request, query.format, page.bodies)
    more, shown = page.more, page.bodies
    if len(bodies) < len(shown):
        shown = shown[: len(bodies)]
        more = services.query.cursor(request.access, query, page.places[len(bodies) - 1])
    return _answer(services, request, query, _page(request, b",".join(bodies), more), shown)


def _page(request: Request, joined: bytes, cursor: str) -> bytes:
    more = f"{request.root}/statements?{MORE}={quote(cursor)}" if cursor else ""
    return b'{"statements":[%b],"more":"%b"}' % (joined, more.encode())


def _single(services: Services, request: Request, query: StatementQuery) -> Response:
    voided = query.voided_id is not None
    wanted = query.voided_id or query.statement_id or ""
    record, request.through = services.query.one(request.access, wanted, voided=voided)
    if record is None:
        kind = "voided statement" if voided else "statement"
        raise RefusalError(404, f"There is no {kind} with this id.")
    body = formatted(services, request, query.format, [record.body])[0]
    response = _answer(services, request, query, body, [record.body])
    response.headers.append(("Last-Modified", http_date(record.stored)))
    return response


def _answer(
    services: Services, request: Request, query: StatementQuery, text: bytes, bodies: Sequence[bytes]
) -> Response:
    """The JSON, alone or followed by the data of attachments."""
    vary = [("Vary", "Accept-Language")] if query.format is Format.CANONICAL else []
    if not query.attachments:
        return json_response(text, *vary)
    boundary = f"jejak-{secrets.token_hex(16)}"
    # Before anything is sent: who sends an answer has given its turn of the worker back.
    parts = _parts(services, request, text, _attachments(services, request, bodies))
    # Bare, as a token may stand: some clients take quotes for a part of the boundary.
    kind = ("Content-Type", f"multipart/mixed; boundary={boundary}")
    return Response(200, write_parts(boundary, parts), [kind, *vary])


def _attachments(services: Services, request: Request, bodies: Sequence[bytes]) -> Mapping[str, Attachment]:
    """The attachments that these statements declare, by hash."""
    some = [body for body in bodies if ATTACHMENTS in body]
    with large_work(services, request, sum(map(len, some))):
        return {each.sha2: each for body in some for each in declared(loads(body))}


def _parts(
    services: Services, request: Request, text: bytes, found: Mapping[str, Attachment]
) -> Iterator[tuple[list[tuple[str, str]], Iterable[bytes]]]:
    """The first part with the statements, then each attachment's data once."""
    yield [("Content-Type", "application/json")], (text,)
    blobs = services.query.attachments(request.access, found.keys())
    for sha2, each in found.items():
        if sha2 in blobs:
            headers = [
                ("Content-Type", _one_line(each.content_type)),
                ("Content-Transfer-Encoding", "binary"),
                ("X-Experience-API-Hash", sha2),
            ]
            yield headers, services.query.blob(blobs[sha2])


def _one_line(text: str) -> str:
    """A header value that cannot begin another header."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


METHODS: dict[str, Callable[[Services, Request], Response | Effects[Response]]] = {
    "GET": get,
    "PUT": put,
    "POST": post,
}

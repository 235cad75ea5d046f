"""The record API: /api/v1, for systems that read the learning record or sign entries off.

Requests carry the key and secret of a credential (HTTP Basic) and reach that credential's tenant alone.
Refusals are problem+json (RFC 9457) and name every error found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import orjson
from flask import Blueprint, Response, request
from marshmallow import Schema
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from lrs.access import Access, Credentials, Scope
from lrs.http.cross_site import SAFE_METHODS, foreign
from lrs.http.failures import answer_to
from lrs.http.guard import caller, permit
from lrs.http.problems import RefusalError
from lrs.http.records import json_shapes as shapes
from lrs.http.records import schemas
from lrs.http.records.openapi import allowed_at, document
from lrs.http.request import Request as XapiRequest
from lrs.records.entries import Entry
from lrs.records.learning_record import LearningRecord
from lrs.records.records import EntryPage
from lrs.records.reports import cohort
from lrs.records.tables import MOST_VERSIONS, TooManyVersionsError
from lrs.store.errors import StoreError
from statements.data_types.json_cost import TooManyValuesError, check_values
from statements.errors import InvalidError
from statements.profile.jsonld import profile_document
from statements.profile.shipped import shipped
from statements.profile.vocabulary import Decision

Write = Callable[[Access, Sequence[Mapping[str, Any]]], int]
"""Stores statements as one batch with this access, and returns the latest `stored`."""
WAIT_SECONDS = 3.0
MOST_BYTES = 1_048_576
MOST_VALUES = 100_000
"""Values in the JSON of one request."""
_TOO_MANY_VERSIONS = (
    f"This agency's table has {MOST_VERSIONS} versions, the most that are kept: entries are counted by "
    "the version of their time. The version in force stays; ask whoever runs this service."
)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_ACCEPTED = ("Accept", "application/json")
_ELSEWHERE = "records_api.elsewhere"


def create_records_blueprint(
    record: LearningRecord,
    credentials: Credentials,
    write: Write,
    *,
    own_origin: str = "",
    elsewhere: Callable[[MethodNotAllowed], Any] = lambda error: error,
) -> Blueprint:
    """The routes of /api/v1 and /api/openapi.json.

    `own_origin` is the origin of this product's pages, the only ones that may write from a browser.
    `elsewhere` answers a wrong method at all addresses that are not of the API.
    """
    api = Blueprint("records_api", __name__)
    api.before_request(lambda: _check_sender(own_origin))
    reads = _guard(credentials, lambda access: access.may_read_everything)
    decides = _guard(
        credentials, lambda access: access.may_write and access.may_decide and access.may_read_everything
    )
    # What learning is worth is the agency's to say; `define` is for content that describes activities.
    governs = _guard(credentials, lambda access: Scope.ALL in access.scopes)

    def this_year(tenant: str, asked: int | None) -> int:
        return asked if asked is not None else record.tables.of(tenant).day(record.clock()).year

    @api.get("/api/openapi.json")
    def openapi() -> Response:
        return _json(document())

    @api.get("/api/v1/profile")
    def profile() -> Response:
        answer = _json(profile_document(shipped()))
        answer.mimetype = "application/ld+json"
        return answer

    @api.get("/api/v1/table")
    @reads
    def table(access: Access) -> Response:
        return _json(shapes.table_json(record.tables.of(access.tenant)))

    @api.put("/api/v1/table")
    @governs
    def change_table(access: Access) -> Response:
        changes = _body()
        if not isinstance(changes, dict):
            raise RefusalError(400, "A JSON object is needed.")
        noting = record.admin_log.noting(
            "table.changed",
            by="program",
            name=access.name,
            tenant=access.tenant,
            target=str(changes.get("version", "")),
            key=access.key,
        )
        try:
            changed = record.tables.change(access.tenant, changes, author=access.name, also=noting)
        except TooManyVersionsError:
            raise RefusalError(409, _TOO_MANY_VERSIONS) from None
        record.follower.notify()
        return _json(shapes.table_json(changed))

    @api.post("/api/v1/people/lookup")
    @reads
    def lookup(access: Access) -> Response:
        key = schemas.looked_up(schemas.load(schemas.LookupSchema(), _body()))
        found = record.people.resolve(access.tenant, key)
        if found is None:
            raise RefusalError(404, "Nobody is known by this identifier.")
        return person(access, found)

    def person(access: Access, id: str) -> Response:
        known = record.people.person(access.tenant, id)
        if known is None:
            raise RefusalError(404, "There is no such person.")
        return _json(shapes.person_json(known, record.records.years(access.tenant, known.id)))

    @api.get("/api/v1/people/<id>")
    @reads
    def read_person(access: Access, id: str) -> Response:
        return person(access, id)

    def place_after(access: Access, id: str | None) -> tuple[str, str] | None:
        if id is None:
            return None
        last = record.records.entry(access.tenant, id)
        if last is None:
            raise RefusalError(404, "The entry that `after` names is gone: begin again.")
        return last.place, last.id

    def page_json(page: EntryPage) -> Response:
        shown = [shapes.entry_json(entry) for entry in page.entries]
        return _json({"entries": shown, "after": page.after[1] if page.after else None})

    @api.get("/api/v1/people/<id>/entries")
    @reads
    def entries(access: Access, id: str) -> Response:
        asked = _query(schemas.EntriesSchema())
        status = () if asked["status"] is None else (asked["status"],)
        page = record.records.entry_page(
            access.tenant,
            id,
            year=asked["year"],
            status=status,
            pillar=asked["pillar"],
            after=place_after(access, asked["after"]),
            limit=asked["limit"],
        )
        return page_json(page)

    @api.get("/api/v1/people/<id>/summary")
    @reads
    def summary(access: Access, id: str) -> Response:
        year = this_year(access.tenant, _query(schemas.YearSchema())["year"])
        return _json(shapes.summary_json(record.records.summary(access.tenant, id, year)))

    @api.get("/api/v1/entries/waiting")
    @reads
    def waiting(access: Access) -> Response:
        asked = _query(schemas.PageSchema())
        after = place_after(access, asked["after"])
        return page_json(record.records.waiting(access.tenant, after=after, limit=asked["limit"]))

    @api.get("/api/v1/actors/unmatched")
    @reads
    def unmatched(access: Access) -> Response:
        asked = _query(schemas.UnmatchedSchema())
        page = record.unmatched.page(
            access.tenant, source=asked["source"], after=asked["after"], limit=asked["limit"]
        )
        return _json(shapes.unmatched_json(page, record.unmatched.counts(access.tenant)))

    def entry_or_404(access: Access, id: str) -> Entry:
        found = record.records.entry(access.tenant, id)
        if found is None:
            raise RefusalError(404, "There is no such entry, or no longer.")
        return found

    @api.get("/api/v1/entries/<id>")
    @reads
    def entry(access: Access, id: str) -> Response:
        return _json(shapes.entry_json(entry_or_404(access, id)))

    @api.get("/api/v1/entries/<id>/statements")
    @reads
    def statements(access: Access, id: str) -> Response:
        behind = record.records.statements_behind(entry_or_404(access, id))
        # The bytes as stored, so that nothing in them changes on the way.
        return _bytes(b'{"statements":[' + b",".join(behind) + b"]}")

    @api.post("/api/v1/decisions")
    @decides
    def decide(access: Access) -> Response:
        asked = schemas.load(schemas.DecisionSchema(), _body())
        plan = record.verification.decide(
            access.tenant,
            asked["entries"],
            Decision(asked["decision"]),
            verifier=asked["verifier"],
            reason=asked["reason"],
        )
        seen = True
        if plan.statements:
            stored = write(access, plan.statements)
            record.follower.notify()
            seen = record.follower.wait_past(stored, WAIT_SECONDS, tenant=access.tenant)
        answer = {
            "statements": [statement["id"] for statement in plan.statements],
            "refused": [{"entry": id, "why": why} for id, why in plan.refused.items()],
            "in_record": seen,
        }
        return _json(answer, 200 if seen else 202)

    @api.post("/api/v1/reports/cohort")
    @reads
    def report(access: Access) -> Response:
        asked = schemas.load(schemas.CohortSchema(), _body())
        people = record.people.persons(access.tenant, set(asked["persons"]))
        members = {id: people[id].name if id in people else "" for id in dict.fromkeys(asked["persons"])}
        today = record.tables.of(access.tenant).day(record.clock())
        year = this_year(access.tenant, asked["year"])
        return _json(shapes.cohort_json(cohort(record.records, access.tenant, members, year, today=today)))

    @api.route("/api/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def other_address(rest: str) -> Response:
        raise _not_served(f"/api/{rest}")

    @api.before_request
    def options() -> Response | None:
        """What may be done at an address. Flask would count what only refuses among it."""
        if request.method != "OPTIONS":
            return None
        if not (allowed := allowed_at(request.path)):
            raise _not_served(request.path)
        return Response(status=204, headers={"Allow": allowed})

    @api.app_errorhandler(MethodNotAllowed)
    def unknown_method(error: MethodNotAllowed) -> Any:
        """A method that nothing here takes; other parts of the product answer for themselves."""
        if not request.path.startswith("/api/"):
            return elsewhere(error)
        return _told(_not_served(request.path))

    for failure in (RefusalError, InvalidError, StoreError):
        api.register_error_handler(failure, _told)
    api.register_error_handler(
        HTTPException, lambda error: _told(RefusalError(error.code or 500, error.description or ""))
    )
    return api


def _not_served(path: str) -> RefusalError:
    """405 with what the resource takes, or 404 where there is none."""
    if allowed := allowed_at(path):
        return RefusalError(405, f"This resource takes {allowed}.", headers=[("Allow", allowed)])
    return RefusalError(404, "There is nothing at this address; see /api/openapi.json.")


def _guard(credentials: Credentials, allowed: Callable[[Access], bool]) -> Callable[[Any], Any]:
    """Asks for a credential that is allowed this, and passes its access on as the first argument."""

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(view)
        def guarded(**given: Any) -> Response:
            access = caller(XapiRequest(request.environ), credentials)
            permit(allowed(access), "do this")
            _check_type()
            return view(access, **given)

        return guarded

    return decorate


def _check_sender(own_origin: str) -> None:
    """Refuse a write that a page of another site made a browser send, with the key it remembers."""
    if request.method in SAFE_METHODS or request.endpoint == _ELSEWHERE:
        return
    if why := foreign(request.environ, own_origin):
        raise RefusalError(403, why)


def _check_type() -> None:
    """Refuse a write that is not sent as JSON.

    Forms and plain text are what a page of another site can make a browser send without asking; JSON is not.
    """
    has_body = request.method in _WITH_BODY or bool(request.content_length)
    if has_body and request.mimetype != "application/json":
        raise RefusalError(
            415, "Send JSON, with the header Content-Type: application/json.", headers=[_ACCEPTED]
        )


def _query(schema: Schema) -> dict[str, Any]:
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise RefusalError(400, "Each parameter may be given once.")
    return schemas.load(schema, request.args.to_dict(), query=True)


def _body() -> Any:
    try:
        body = XapiRequest(request.environ).body(MOST_BYTES)
        check_values(body, MOST_VALUES)
        return orjson.loads(body)
    except TooManyValuesError as error:
        raise RefusalError(413, f"The body is too much to read at once: {error}.") from None
    except orjson.JSONDecodeError:
        raise RefusalError(400, "The body is not valid JSON.") from None


def _json(value: Any, status: int = 200) -> Response:
    return _bytes(orjson.dumps(value), status)


def _bytes(body: bytes, status: int = 200) -> Response:
    answer = Response(body, status, mimetype="application/json")
    # Records are personal: no cache between here and the caller may keep them.
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _told(error: Exception) -> Response:
    """The answer that tells an error, as every other API of the record store does."""
    answer = answer_to(error)
    return Response(answer.body, answer.status, answer.headers)

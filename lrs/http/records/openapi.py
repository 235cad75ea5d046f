"""The record API described for machines: OpenAPI 3.1, served at /api/openapi.json.

One row for each operation; the request bodies and parameters are taken from the schemas that check them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from marshmallow import Schema, fields, validate

from lrs.http.records import schemas


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    method: str
    path: str
    summary: str
    answer: str
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    free_body: str = ""
    """What the body is, when no schema describes it."""
    free_type: str | tuple[str, ...] = "object"
    open: bool = False
    """Needs no credential."""
    also: tuple[tuple[int, str], ...] = ()
    """More answers than the usual ones."""


_UNKNOWN = (404, "There is no such person or entry.")

OPERATIONS = (
    Operation("get", "/api/openapi.json", "This description", "OpenAPI 3.1", open=True),
    Operation("get", "/api/v1/profile", "The xAPI profile of 70-20-10 learning", "JSON-LD", open=True),
    Operation(
        "post",
        "/api/v1/validate",
        "Check statements as the record store would, without storing them",
        "How many statements there are, all of them valid",
        free_body="A statement or an array of them; the header X-Experience-API-Version chooses the rules.",
        free_type=("object", "array"),
        open=True,
        also=((413, "The body is larger than 1 MiB."),),
    ),
    Operation("get", "/api/v1/table", "Forms, pillars and JP rules in force", "The table"),
    Operation(
        "put",
        "/api/v1/table",
        "Lay an agency's own decisions over the shipped table; what is not verified is counted anew",
        "The table now in force",
        free_body="Like the shipped table, with anything left out, and a new `version`.",
        also=((409, "The table has as many versions as are kept."),),
    ),
    Operation(
        "post",
        "/api/v1/people/lookup",
        "Find the person with an identifier",
        "The person",
        body=schemas.LookupSchema,
        also=(_UNKNOWN,),
    ),
    Operation("get", "/api/v1/people/{id}", "A person", "The person", also=(_UNKNOWN,)),
    Operation(
        "get",
        "/api/v1/people/{id}/entries",
        "A person's entries, the latest first",
        "A page of entries, and `after` for the next",
        query=schemas.EntriesSchema,
        also=((404, "The entry that `after` names is gone."),),
    ),
    Operation(
        "get",
        "/api/v1/people/{id}/summary",
        "A person's year in JP, by pillar, against the target",
        "The sums",
        query=schemas.YearSchema,
    ),
    Operation(
        "get",
        "/api/v1/entries/waiting",
        "Entries that wait for a verifier, the latest first",
        "A page of entries, and `after` for the next",
        query=schemas.PageSchema,
        also=(_UNKNOWN,),
    ),
    Operation(
        "get",
        "/api/v1/actors/unmatched",
        "Whom statements name and nobody has launched as, with masked names",
        "A page of actors, `after` for the next, and how many each source has",
        query=schemas.UnmatchedSchema,
    ),
    Operation("get", "/api/v1/entries/{id}", "An entry", "The entry", also=(_UNKNOWN,)),
    Operation(
        "get",
        "/api/v1/entries/{id}/statements",
        "The statements that an entry stands on",
        "The statements as stored",
        also=(_UNKNOWN,),
    ),
    Operation(
        "post",
        "/api/v1/decisions",
        "Verify, return or reject entries in a verifier's name",
        "What was decided, and what was refused and why",
        body=schemas.DecisionSchema,
        also=((202, "Stored; the record will follow shortly."),),
    ),
    Operation(
        "post",
        "/api/v1/reports/cohort",
        "How a group of people stands in a year",
        "One row for each person, and counts",
        body=schemas.CohortSchema,
    ),
)


@cache
def document() -> dict[str, Any]:
    """The description."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Jejak record API",
            "version": "1",
            "description": "Amounts of JP (learning hours of 45 minutes) are decimal numbers as text.",
        },
        "security": [{"basic": []}],
        "paths": paths,
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
    }


def allowed_at(path: str) -> str:
    """The methods of the resource at a path, as the header `Allow` lists them; "" without a resource."""
    steps = path.split("/")
    found = set()
    for operation in OPERATIONS:
        wanted = operation.path.split("/")
        if len(wanted) == len(steps) and all(w in ("{id}", s) for w, s in zip(wanted, steps, strict=True)):
            found.add(operation.method.upper())
    found |= {"HEAD"} if "GET" in found else set()
    return ", ".join([*sorted(found), "OPTIONS"]) if found else ""


def _operation(operation: Operation) -> dict[str, Any]:
    problems = [] if operation.open else [(401, "No valid credential."), (403, "The scopes do not allow it.")]
    problems += (
        [] if operation.open else [(429, "Too many wrong secrets came from this address for this key.")]
    )
    if not operation.open and (operation.body or operation.free_body):
        problems[1] = (403, "The scopes do not allow it, or a page of another site asks.")
        problems.append((415, "The body is not sent as application/json."))
    if operation.query or operation.body or operation.free_body:
        problems.append((400, "The request is not valid; `errors` says where and why."))
    answers: dict[str, Any] = {
        "200": {"description": operation.answer, "content": {"application/json": {}}},
    }
    for status, meaning in sorted((*problems, *operation.also)):
        kind = "application/json" if status < 400 else "application/problem+json"
        answers[str(status)] = {"description": meaning, "content": {kind: {}}}
    made: dict[str, Any] = {"summary": operation.summary, "responses": answers}
    if operation.open:
        made["security"] = []
    parameters = []
    if "{id}" in operation.path:
        parameters.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string"}})
    if operation.query is not None:
        described = _schema(operation.query())
        parameters += [
            {"name": name, "in": "query", "required": False, "schema": kind}
            for name, kind in described["properties"].items()
        ]
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None or operation.free_body:
        told: dict[str, Any] = {"type": operation.free_type, "description": operation.free_body}
        if operation.body is not None:
            told = _schema(operation.body())
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": told}}}
    return made


def _schema(schema: Schema) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "object",
        "properties": {name: _field(field) for name, field in schema.fields.items()},
        "additionalProperties": False,
    }
    required = [name for name, field in schema.fields.items() if field.required]
    return made | ({"required": required} if required else {})


def _field(field: fields.Field[Any]) -> dict[str, Any]:
    limits = next((v for v in field.validators if isinstance(v, validate.Range | validate.Length)), None)
    if isinstance(field, fields.Enum):
        return {"type": "string", "enum": [str(member.value) for member in field.enum]}
    if isinstance(field, fields.Integer):
        return {"type": "integer"} | _limits(limits, "minimum", "maximum")
    if isinstance(field, fields.List):
        return {"type": "array", "items": _field(field.inner)} | _limits(limits, "minItems", "maxItems")
    if isinstance(field, fields.Dict):
        return {"type": "object", "description": "An xAPI agent with an identifier."}
    choices = next((v for v in field.validators if isinstance(v, validate.OneOf)), None)
    if choices is not None:
        return {"type": "string", "enum": list(choices.choices)}
    return {"type": "string"} | _limits(limits, "minLength", "maxLength")


def _limits(found: validate.Range | validate.Length | None, low: str, high: str) -> dict[str, Any]:
    return {} if found is None else {low: found.min, high: found.max}

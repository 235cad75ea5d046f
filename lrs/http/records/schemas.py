"""What the record API takes: one marshmallow schema for each kind of parameters or body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from lrs.people.people import nip_key
from lrs.records.entries import Status
from lrs.records.records import MOST_LISTED
from statements.data_types.identity import agent_key
from statements.data_types.versions import Version
from statements.errors import InvalidError, Problem
from statements.profile.table import PILLAR_CODES
from statements.profile.vocabulary import NEEDS_REASON, Decision
from statements.rules.check import check_agent

MOST_PERSONS = 1000
"""People of one cohort report."""
MOST_DECISIONS = 200
"""Entries of one decision."""


DECIDING = [str(one) for one in Decision if one is not Decision.CONFIRMED]


class _Strict(Schema):
    class Meta:
        unknown = RAISE


def _year(**more: Any) -> fields.Integer:
    return fields.Integer(validate=validate.Range(1950, 2200), **more)


def _id() -> fields.String:
    return fields.String(validate=validate.Length(1, 64))


def _agent(**more: Any) -> fields.Dict:
    """An xAPI agent with an identifier."""
    return fields.Dict(validate=_identified, **more)


def _identified(agent: dict[str, Any]) -> None:
    problems = check_agent(agent, Version.V2)
    if problems:
        raise ValidationError([problem.hint for problem in problems])
    if agent_key(agent) is None:
        raise ValidationError("An agent with an identifier is needed.")


class YearSchema(_Strict):
    """`year`, this one by default."""

    year = _year(load_default=None)


class EntriesSchema(_Strict):
    """Which of a person's entries."""

    year = _year(load_default=None)
    status = fields.Enum(Status, by_value=True, load_default=None)
    pillar = fields.String(validate=validate.OneOf(PILLAR_CODES), load_default=None)
    limit = fields.Integer(validate=validate.Range(1, MOST_LISTED), load_default=MOST_LISTED)
    after = fields.String(validate=validate.Length(1, 64), load_default=None)


class PageSchema(_Strict):
    """A page of the queue; `after` is the id of the last entry of the page before."""

    limit = fields.Integer(validate=validate.Range(1, 200), load_default=100)
    after = fields.String(validate=validate.Length(1, 64), load_default=None)


class UnmatchedSchema(_Strict):
    """A page of unmatched actors, of one source or of all; `after` is the `after` of the page before."""

    source = fields.String(validate=validate.Length(0, 200), load_default=None)
    limit = fields.Integer(validate=validate.Range(1, 200), load_default=100)
    after = fields.String(validate=validate.Length(1, 64), load_default=None)


class LookupSchema(_Strict):
    """One identifier; in a body, so that it never is part of an address or a log."""

    agent = _agent()
    nip = fields.String(validate=validate.Length(18, 30))

    @validates_schema
    def _one(self, data: Mapping[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Give either an agent or an nip.")


class DecisionSchema(_Strict):
    """What a verifier decides about one or many entries."""

    entries = fields.List(_id(), required=True, validate=validate.Length(1, MOST_DECISIONS))
    # A confirmation is no decision of a program's: it comes from a one-time link alone.
    decision = fields.String(required=True, validate=validate.OneOf(DECIDING))
    verifier = _agent(required=True)
    reason = fields.String(validate=validate.Length(0, 2000), load_default="")

    @validates_schema
    def _reasoned(self, data: Mapping[str, Any], **_: Any) -> None:
        if data["decision"] in NEEDS_REASON and not data["reason"].strip():
            raise ValidationError("A return or a rejection needs a reason.", "reason")


class CohortSchema(_Strict):
    """Whose year is reported."""

    persons = fields.List(_id(), required=True, validate=validate.Length(1, MOST_PERSONS))
    year = _year(load_default=None)


def load(schema: Schema, data: Any, *, query: bool = False) -> dict[str, Any]:
    """The data as the schema reads it.

    Raises `InvalidError`; the pointers of query parameters begin with `?`.
    """
    if not isinstance(data, Mapping):
        raise InvalidError([Problem(None, "", "record.shape", "A JSON object is needed.")])
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        raise InvalidError(_problems(error.messages, "?" if query else "")) from None
    return loaded


def looked_up(found: Mapping[str, Any]) -> str:
    """The identifier key that a lookup asks for. Raises `InvalidError`."""
    if "agent" in found:
        return agent_key(found["agent"]) or ""
    try:
        return nip_key(found["nip"])
    except ValueError as error:
        raise InvalidError([Problem(None, "/nip", "record.nip", f"{error}.")]) from None


def _problems(messages: Any, pointer: str) -> Iterator[Problem]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            # The name is the client's own text: it is cut short and escaped as RFC 6901 wants it.
            token = str(name)[:40].replace("~", "~0").replace("/", "~1")
            step = "" if name == "_schema" else token if pointer == "?" else f"/{token}"
            yield from _problems(inner, pointer + step)
    else:
        for message in messages:
            yield Problem(None, pointer, "record.shape", str(message))

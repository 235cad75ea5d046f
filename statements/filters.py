"""The parameters of GET /statements (xAPI 1.0.3 Part 3, 2.1.3), and the cursors behind `more`.

`parse_query` turns parameters into a `StatementQuery`, or raises `InvalidError` with every problem at once:
unknown or wrong-case names, names given twice, values of the wrong form, and parameters that may not be
combined. Problems about parameters have the pointer `?name`.

A cursor is opaque text that carries the whole query and a place in the log, so the store remembers nothing
and page one hundred costs what page one does. It is authenticated with a key passed in, and bound to a
`scope` (such as the tenant): a cursor that was altered, or is used in another scope, is refused.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from statements.data_types.exact_json import dumps, loads
from statements.data_types.identity import uuid_key, valid_iri
from statements.data_types.timestamps import parse
from statements.data_types.versions import Version
from statements.errors import InvalidError, Problem
from statements.keys import (
    activity_filter_key,
    agent_filter_key,
    registration_filter_key,
    verb_filter_key,
)
from statements.rules.check import check_agent
from statements.rules.request_rules import problem


class Format(StrEnum):
    """How statements are to be returned; see `statements.formats`."""

    EXACT = "exact"
    IDS = "ids"
    CANONICAL = "canonical"


@dataclass(frozen=True, slots=True)
class StatementQuery:
    """What a GET of statements asks for. With an id it asks for one statement, else for a list."""

    statement_id: str | None = None
    """Canonical id; a voided statement is not to be found by it."""
    voided_id: str | None = None
    """Canonical id of a voided statement."""
    keys: frozenset[str] = frozenset()
    """A statement matches when one of its views holds all of these."""
    since: int | None = None
    """Microseconds; `stored` is later than this."""
    until: int | None = None
    """Microseconds; `stored` is this or earlier."""
    limit: int = 0
    """Most statements wanted; 0 means as many as the server likes."""
    ascending: bool = False
    """Oldest first."""
    format: Format = Format.EXACT
    attachments: bool = False
    """Whether the answer is to carry the data of attachments."""


PARAMETERS: Final = (
    "statementId",
    "voidedStatementId",
    "agent",
    "verb",
    "activity",
    "registration",
    "related_activities",
    "related_agents",
    "since",
    "until",
    "limit",
    "format",
    "attachments",
    "ascending",
)
"""Every parameter of GET /statements."""

_WITH_AN_ID: Final = frozenset({"statementId", "voidedStatementId", "format", "attachments"})
_CANONICAL_NAME: Final = {name.lower(): name for name in PARAMETERS}
_LIMIT: Final = re.compile(r"[0-9]+")
_LARGEST_LIMIT: Final = 2**31 - 1


def parse_query(parameters: Iterable[tuple[str, str]], version: Version) -> StatementQuery:
    """The query that decoded (name, value) pairs make. Raises `InvalidError` with every problem found."""
    reader = _Reader(parameters, version)
    query = reader.query()
    if reader.problems:
        raise InvalidError(reader.problems)
    return query


class _Reader:
    """Reads parameters one by one and collects what is wrong with them."""

    def __init__(self, parameters: Iterable[tuple[str, str]], version: Version) -> None:
        self.version = version
        self.problems: list[Problem] = []
        self.values: dict[str, str] = {}
        for name, value in parameters:
            if name not in PARAMETERS:
                self._unknown(name)
            elif name in self.values:
                self._wrong(name, "query.parameter-once", "give this parameter once only")
            else:
                self.values[name] = value

    def query(self) -> StatementQuery:
        """The query; only to be used when there are no problems."""
        self._combination()
        related_agents = self._boolean("related_agents")
        related_activities = self._boolean("related_activities")
        keys = {
            self._agent(related_agents),
            self._iri("activity", related_activities),
            self._iri("verb", False),
            self._registration(),
        }
        return StatementQuery(
            statement_id=self._uuid("statementId"),
            voided_id=self._uuid("voidedStatementId"),
            keys=frozenset(key for key in keys if key is not None),
            since=self._time("since"),
            until=self._time("until"),
            limit=self._limit(),
            ascending=self._boolean("ascending"),
            format=self._format(),
            attachments=self._boolean("attachments"),
        )

    def _wrong(self, name: str, rule: str, hint: str) -> None:
        self.problems.append(problem(rule, f"?{name}", hint))

    def _unknown(self, name: str) -> None:
        right = _CANONICAL_NAME.get(name.lower())
        hint = f"write {right}" if right else "leave it out: GET /statements has no such parameter"
        shown = right or (name if re.fullmatch(r"[A-Za-z_]{1,32}", name) else "")
        self._wrong(shown, "query.parameter-unknown", hint)

    def _combination(self) -> None:
        one = "statementId" in self.values, "voidedStatementId" in self.values
        if all(one):
            hint = "give either statementId or voidedStatementId"
            self._wrong("voidedStatementId", "query.one-id", hint)
        if any(one):
            for name in self.values.keys() - _WITH_AN_ID:
                hint = "only format and attachments go together with an id"
                self._wrong(name, "query.id-stands-alone", hint)

    def _uuid(self, name: str) -> str | None:
        if (value := self.values.get(name)) is None:
            return None
        try:
            return uuid_key(value)
        except ValueError:
            self._wrong(name, "query.uuid", "give a UUID in its standard form of 36 characters")
            return None

    def _registration(self) -> str | None:
        registration = self._uuid("registration")
        return None if registration is None else registration_filter_key(registration)

    def _iri(self, name: str, related: bool) -> str | None:
        if (value := self.values.get(name)) is None:
            return None
        if not valid_iri(value):
            self._wrong(name, "query.iri", "give an IRI with a scheme, such as https://example.org/verbs/did")
            return None
        return verb_filter_key(value) if name == "verb" else activity_filter_key(value, related=related)

    def _agent(self, related: bool) -> str | None:
        if (value := self.values.get("agent")) is None:
            return None
        agent, problems = parse_agent(value, self.version)
        self.problems += problems
        return agent_filter_key(agent, related=related) if agent is not None else None

    def _time(self, name: str) -> int | None:
        if (value := self.values.get(name)) is None:
            return None
        try:
            # "+" in a query means a space; clients forget to encode the one of "+07:00".
            return parse(value.replace(" ", "+"))
        except ValueError as error:
            self._wrong(name, "query.timestamp", str(error))
            return None

    def _limit(self) -> int:
        value = self.values.get("limit", "0")
        if _LIMIT.fullmatch(value) is None:
            self._wrong("limit", "query.limit", "give a whole number that is not negative")
            return 0
        return int(value) if len(value) < 10 else _LARGEST_LIMIT

    def _boolean(self, name: str) -> bool:
        value = self.values.get(name, "false").lower()
        if value not in ("true", "false"):
            self._wrong(name, "query.boolean", "write true or false")
        return value == "true"

    def _format(self) -> Format:
        value = self.values.get("format", Format.EXACT)
        try:
            return Format(value)
        except ValueError:
            self._wrong("format", "query.format", "write exact, ids or canonical")
            return Format.EXACT


LONGEST_AGENT: Final = 65_536
"""Characters of an agent in a parameter; a form could hold more than any address."""


def parse_agent(
    text: str, version: Version, *, parameter: str = "agent"
) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The agent that a parameter holds as JSON; or None and everything wrong with it."""
    pointer = f"?{parameter}"
    try:
        if len(text) > LONGEST_AGENT:
            raise ValueError
        agent = loads(text)
    except ValueError:
        hint = 'give an agent as JSON, such as {"mbox":"mailto:siti@example.org"}'
        return None, [problem("query.agent", pointer, hint)]
    problems = check_agent(agent, version, pointer=pointer)
    return (None, problems) if problems else (agent, [])


class BadCursorError(ValueError):
    """A cursor that this program did not make, or made for another scope."""


_CURSOR_VERSION: Final = 1
_MAC_SIZE: Final = 16
_LONGEST_CURSOR: Final = 65_536
"""Characters; no server takes a longer address."""


def encode_cursor(query: StatementQuery, stored: int, record_id: str, *, key: bytes, scope: str) -> str:
    """A cursor that continues a list query strictly after a place in the log; safe inside a URL."""
    payload = dumps(
        [
            _CURSOR_VERSION,
            stored,
            record_id,
            query.since,
            query.until,
            query.limit,
            query.ascending,
            query.format.value,
            query.attachments,
            *sorted(query.keys),
        ]
    )
    return base64.urlsafe_b64encode(_mac(payload, key, scope) + payload).decode("ascii").rstrip("=")


def decode_cursor(text: str, *, key: bytes, scope: str) -> tuple[StatementQuery, int, str]:
    """The query of a cursor, and the (stored, id) to continue after. Raises `BadCursorError`."""
    if len(text) > _LONGEST_CURSOR:
        raise BadCursorError("this cursor is too long")
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise BadCursorError("this is no cursor") from None
    mac, payload = raw[:_MAC_SIZE], raw[_MAC_SIZE:]
    if not hmac.compare_digest(mac, _mac(payload, key, scope)):
        raise BadCursorError("this cursor was altered or belongs to someone else")
    made_by, stored, record_id, since, until, limit, ascending, form, attachments, *keys = loads(payload)
    if made_by != _CURSOR_VERSION:
        raise BadCursorError("this cursor was made by another version; ask for the first page again")
    query = StatementQuery(
        keys=frozenset(keys),
        since=since,
        until=until,
        limit=limit,
        ascending=ascending,
        format=Format(form),
        attachments=attachments,
    )
    return query, stored, record_id


def _mac(payload: bytes, key: bytes, scope: str) -> bytes:
    bound = len(scope).to_bytes(4, "big") + scope.encode("utf-8") + payload
    return hmac.digest(key, b"jejak/cursor\0" + bound, "sha256")[:_MAC_SIZE]

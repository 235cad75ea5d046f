"""Rules about requests rather than statements: parameters, attachments, signatures, voiding, documents.

The same kind of rows as the table of statement rules, for the same page of the documentation. Their checks
are code in `filters`, `attachments`, `signatures`, `references` and `documents`, which all build their
problems with `problem`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from statements.errors import Problem
from statements.rules_model import Rule, across

_GET: Final = "Communication 2.1.3"
_CONCURRENCY: Final = "XAPI-00322"
_SIGNED: Final = "Data 2.6"

_ROWS: Final = (
    across("query.parameter-unknown", "A request has only the parameters of its resource.", "", _GET),
    across("query.parameter-once", "A parameter is given once.", "", _GET),
    across("query.one-id", "A request has statementId or voidedStatementId, not both.", "", _GET),
    across(
        "query.id-stands-alone",
        "With statementId or voidedStatementId only format and attachments may be given.",
        "",
        "XAPI-00151",
        "XAPI-00150",
    ),
    across("query.agent", "The agent parameter is an agent or identified group in JSON.", "", _GET),
    across("query.iri", "verb and activity are IRIs with a scheme.", "", _GET),
    across("query.uuid", "statementId, voidedStatementId and registration are UUIDs.", "", _GET),
    across("query.timestamp", "since and until are ISO 8601 timestamps.", "", _GET),
    across("query.limit", "limit is a whole number that is not negative.", "", _GET),
    across("query.boolean", "A boolean parameter is true or false, in lower case.", "", _GET),
    across("query.format", "format is exact, ids or canonical.", "", _GET),
    across(
        "attachment.data-missing",
        "An attachment has a fileUrl, or its data is a part of the request; a signature is always a part.",
        "",
        "XAPI-00129",
        "XAPI-00132",
    ),
    across(
        "attachment.part-not-declared",
        "Each part after the first is the data of an attachment, found by its hash.",
        "",
        "XAPI-00128",
        "XAPI-00132",
    ),
    across("signature.content-type", "A signature is application/octet-stream.", "2.6", "XAPI-00115"),
    across("signature.jws", "A signature is a JWS in compact serialization.", "2.6", "XAPI-00115"),
    across(
        "signature.payload", "A signature signs the very statement it is attached to.", "2.6", "XAPI-00116"
    ),
    across("signature.algorithm", "A signature is made with RS256, RS384 or RS512.", "2.6", "XAPI-00117"),
    across(
        "signature.verify", "A signature verifies with the first certificate of its x5c.", "2.6", "XAPI-00117"
    ),
    across(
        "signature.certificate",
        "x5c is a chain of certificates, each issued by the one that follows it.",
        "2.6",
        _SIGNED,
    ),
    across(
        "voiding.target-is-voiding",
        "A statement that voids another cannot itself be voided.",
        "2.3.2",
        "XAPI-00016",
    ),
    across("document.if-match", "The document is the one that If-Match names.", "", _CONCURRENCY),
    across("document.if-none-match", "No document is there that If-None-Match names.", "", _CONCURRENCY),
    across(
        "document.unconditional-put",
        "A PUT onto a document that exists says with If-Match which version it replaces.",
        "",
        _CONCURRENCY,
    ),
    across(
        "document.precondition-required",
        "In 1.0.3, a PUT of a profile has If-Match or If-None-Match.",
        "",
        "Communication 3.1",
    ),
    across(
        "document.merge",
        "A POST onto a document merges two JSON objects; anything else cannot be merged.",
        "",
        "XAPI-00229",
        "XAPI-00232",
        "XAPI-00278",
    ),
)

REQUEST_RULES: Final[Mapping[str, Rule]] = MappingProxyType({row.slug: row for row in _ROWS})
"""Every rule about requests, by its slug."""


def problem(slug: str, pointer: str, hint: str, *, index: int | None = None) -> Problem:
    """A problem under one of these rules, with the rule's requirement id."""
    return Problem(index, pointer, slug, hint, REQUEST_RULES[slug].reference)

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
from statements.rules.model import Rule, across

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
    across("query.boolean", "A boolean parameter is true or false.", "", _GET),
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
    across(
        "request.version",
        "Every request but those to /about names the version of xAPI that it speaks.",
        "",
        "XAPI-00331",
        "XAPI-00321",
    ),
    across(
        "request.alternate",
        "In 1.0.3, a POST with the parameter method holds another request in its form.",
        "",
        "XAPI-00336",
    ),
    across(
        "request.parameter",
        "Parameters are known to their resource, and spelled so.",
        "",
        "XAPI-00324",
        "XAPI-00325",
    ),
    across("request.parameter-required", "A request has the parameters that its resource needs.", "", _GET),
    across("request.parameter-name", "The id of a document is a short text.", "", "Communication 2.2"),
    across("request.cursor", "A more link is used as it came, with nothing added.", "", _GET),
    across(
        "request.content-type",
        "Statements are sent as application/json or multipart/mixed.",
        "",
        "XAPI-00127",
    ),
    across(
        "request.content-encoding",
        "A body is whole, and valid in the one Content-Encoding that it names.",
        "",
        "RFC 9110, 8.4",
    ),
    across(
        "request.content-range", "A request carries a whole body, not a range of one.", "", "RFC 9110, 14.4"
    ),
    across("request.json", "A JSON body is one JSON text in UTF-8.", "", "XAPI-00014", "XAPI-00015"),
    across("request.too-deep", "JSON is not nested deeper than this server allows.", "", "Communication 3.2"),
    across("request.too-large", "A request is not larger than this server allows.", "", "XAPI-00328"),
    across(
        "request.multipart",
        "A multipart body has a boundary, a first part of JSON and complete further parts.",
        "",
        "XAPI-00130",
        "XAPI-00131",
        "XAPI-00133",
        "XAPI-00134",
    ),
    across(
        "attachment.hash",
        "The data of an attachment has the SHA-2 that its part names in X-Experience-API-Hash.",
        "",
        "XAPI-00132",
    ),
    across(
        "attachment.encoding",
        "The data of an attachment is sent with Content-Transfer-Encoding: binary.",
        "",
        "XAPI-00135",
    ),
    across(
        "statement.put-id",
        "A PUT of a statement names its id in statementId.",
        "",
        "XAPI-00145",
        "XAPI-00144",
    ),
    across(
        "statement.put-matches",
        "The id of a statement that is PUT equals statementId.",
        "",
        "Communication 2.1.1",
    ),
    across("statement.immutable", "A stored statement never changes.", "", "XAPI-00142"),
)

REQUEST_RULES: Final[Mapping[str, Rule]] = MappingProxyType({row.slug: row for row in _ROWS})
"""Every rule about requests, by its slug."""


def problem(slug: str, pointer: str, hint: str, *, index: int | None = None) -> Problem:
    """A problem under one of these rules, with the rule's requirement id."""
    return Problem(index, pointer, slug, hint, REQUEST_RULES[slug].reference)

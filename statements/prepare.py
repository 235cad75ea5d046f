"""Prepare a statement that has passed the rules: everything about it that does not depend on the store.

`prepare` assigns what the record store assigns (xAPI 1.0.3 Part 2, 2.3.1: id, authority, version, stored and,
when it is absent, timestamp), brings the statement into the shape it will be returned in, and derives its
keys and its digest. `stored` is known only inside the write; `Prepared.body` puts it in at the very end.

The shape: members in the order they came; every value of `contextActivities` an array (XAPI-00096), in a
SubStatement too; under 2.0 timestamps in UTC and in the form of RFC 3339. Numbers keep their digits when the
statement was read by `statements.data_types.exact_json.loads`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from statements.attachments import Attachment, declared
from statements.data_types.exact_json import dumps
from statements.data_types.timestamps import parse, render
from statements.data_types.versions import Version
from statements.keys import VOIDED, statement_keys

_DEFAULT_VERSION: Final = {Version.V1: "1.0.0", Version.V2: "2.0.0"}
_DIGEST_SIZE: Final = 16
_AFTER_SECONDS: Final = (".", "Z")
_FINE: Final = re.compile(r"[.,]([0-9]{7,})")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement ready to be stored."""

    id: str
    """Canonical UUID, lower case."""
    statement: dict[str, Any]
    """The statement as it will be returned, but for `stored`, and for `timestamp` when it came without."""
    digest: bytes
    """16 bytes of what is kept; equal digests mean the same statement, unequal ones not yet another."""
    keys: frozenset[str]
    """See `statements.keys`; the record's own view."""
    refers_to: str | None
    """Canonical id of the statement that the object refers to, if the object is a StatementRef."""
    voids: str | None
    """The same id when this statement voids it."""
    attachments: tuple[Attachment, ...]
    """Every attachment declared; those without a `file_url` and all signatures need their data."""
    head: bytes
    """The body but for its end."""

    def body(self, stored: int) -> bytes:
        """The exact bytes to store and to return for a `stored` in microseconds."""
        text = render(stored).encode("ascii")
        if "timestamp" in self.statement:
            return b'%b,"stored":"%b"}' % (self.head, text)
        return b'%b,"timestamp":"%b","stored":"%b"}' % (self.head, text, text)


def prepare(
    value: Mapping[str, Any],
    *,
    version: Version,
    new_id: str,
    authority: Mapping[str, Any],
    mine: frozenset[str] = frozenset(),
) -> Prepared:
    """Prepare one statement; `new_id` is used when it has none. The statement given is not changed.

    `mine` are keys that it gets beside its own.
    """
    statement = dict(value)
    statement.pop("stored", None)
    statement["id"] = statement.get("id", new_id)
    statement["authority"] = authority
    statement.setdefault("version", _DEFAULT_VERSION[version])
    _shape(statement, version)
    target = statement["object"]
    refers_to = target["id"].lower() if target.get("objectType") == "StatementRef" else None
    head = dumps(statement)[:-1]
    return Prepared(
        id=statement["id"].lower(),
        statement=statement,
        digest=blake2b(head, digest_size=_DIGEST_SIZE).digest(),
        keys=statement_keys(statement) | mine,
        refers_to=refers_to,
        voids=refers_to if statement["verb"]["id"] == VOIDED else None,
        attachments=declared(statement),
        head=head,
    )


def _shape(statement: dict[str, Any], version: Version) -> None:
    """Bring a statement, a copy at its top level, into the shape to be returned."""
    context = statement.get("context")
    if context is not None and (grouped := context.get("contextActivities")) is not None:
        for listed in grouped.values():
            if not isinstance(listed, list):
                statement["context"] = {**context, "contextActivities": _arrays(grouped)}
                break
    if version is Version.V2 and (timestamp := statement.get("timestamp")) is not None:
        statement["timestamp"] = _utc(timestamp)
    target = statement["object"]
    if target.get("objectType") == "SubStatement":
        inner = statement["object"] = dict(target)
        _shape(inner, version)


def _arrays(grouped: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        relation: listed if isinstance(listed, list) else [listed] for relation, listed in grouped.items()
    }


def _utc(timestamp: str) -> str:
    """The same instant in UTC, in the form of RFC 3339; digits beyond a microsecond are kept."""
    # It is valid, so a few places of it tell: an extended date, seconds, and no hour 24.
    if (
        timestamp.endswith("Z")
        and timestamp[10] == "T"
        and timestamp[19:20] in _AFTER_SECONDS
        and timestamp[11:13] != "24"
    ):
        return timestamp
    text = render(parse(timestamp))
    fine = _FINE.search(timestamp)
    return text if fine is None else f"{text[:-1]}{fine[1][6:]}Z"

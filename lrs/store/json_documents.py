"""JSON values kept as documents of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

import orjson

from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Writer

EXPIRED_PER_WRITE = 50
"""How many expired documents one write clears away; more than it adds, so none pile up."""


def put(
    writer: Writer,
    kind: str,
    name: str,
    value: dict[str, Any],
    *,
    now: int,
    scope: str = "",
    keys: Collection[str] = (),
    order: str = "",
) -> None:
    """Keep `value` under (kind, scope, name), replacing what was there."""
    body = orjson.dumps(value)
    writer.put(
        Document(
            kind=kind,
            scope=scope,
            name=name,
            body=body,
            etag=hashlib.sha256(body).hexdigest()[:32],
            updated=now,
            keys=frozenset(keys),
            order=order,
        )
    )


def get(reader: Reader, kind: str, name: str, *, scope: str = "") -> dict[str, Any] | None:
    """The value kept under (kind, scope, name), or None."""
    document = reader.document(kind, scope, name)
    return None if document is None else value_of(document)


def value_of(document: Document) -> dict[str, Any]:
    """The JSON value of a document written by `put`."""
    value: dict[str, Any] = orjson.loads(document.body)
    return value


def expiry_order(expires: int) -> str:
    """The `order` of a document that expires: sorts by time of expiry (microseconds)."""
    return f"{expires:020d}"


def clear_expired(writer: Writer, kind: str, now: int, scope: str = "") -> None:
    """Remove some documents of `kind` whose `expiry_order` has passed."""
    oldest = writer.find_documents(DocumentQuery(kind, scope, limit=EXPIRED_PER_WRITE, bodies=False))
    names = [document.name for document in oldest if document.order < expiry_order(now)]
    if names:
        writer.delete(kind, scope, names)

"""Marks of pending ids: ids of statements that others refer to before they are stored.

Whoever stores a statement must know whether its id is marked. Nearly no id is, so each tenant also has a
document that says whether any of its ids ever was. As long as none was, that document alone is read, once for
all the writes of a group.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from lrs import document_kinds
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Writer

KIND: Final = document_kinds.AWAITED
"""The marks: scope is the tenant, name the id."""
EVER: Final = document_kinds.AWAITED_EVER
"""Whether a tenant ever had a mark: scope is the tenant, without a name, body `YES` or `NO`.

A tenant has none before its first statement, nor when a program older than this document stored its
statements. An older program must not run beside this one: it makes marks and leaves the document as it is.
"""
YES, NO = b"yes", b"no"
VOIDED, PLAIN, UNKNOWN = b"voided", b"plain", b""
"""Body of a mark: whether one that refers to the id voids it; unknown when an older program made the mark."""


class PendingIds:
    """The marks of all tenants. Safe to use from many threads."""

    def __init__(self) -> None:
        self._ever: set[str] = set()
        """Tenants that have had marks, as far as this process has seen."""

    def wanted(self, tenant: str, ids: Collection[str]) -> list[tuple[str, str, str]]:
        """The (kind, scope, name) of each document that `among` will read."""
        names = [(EVER, tenant, "")]
        if tenant in self._ever:
            names += [(KIND, tenant, id) for id in ids]
        return names

    def among(self, writer: Writer, tenant: str, ids: Collection[str], at: int) -> Mapping[str, Document]:
        """The marks of those of the ids that are pending; `at` is the present in microseconds."""
        if not ids:
            return {}
        ever = writer.document(EVER, tenant, "")
        if ever is None:
            body = YES if writer.find_documents(DocumentQuery(KIND, tenant, limit=1)) else NO
            ever = Document(EVER, tenant, "", body, etag="1", updated=at)
            writer.put(ever)
        if ever.body == NO:
            return {}
        self._ever.add(tenant)
        return marked(writer, tenant, ids)


def marked(reader: Reader, tenant: str, ids: Collection[str]) -> Mapping[str, Document]:
    """The marks of those of the ids that have one."""
    return reader.documents(KIND, tenant, ids)


def mark_pending(
    writer: Writer, tenant: str, ids: Collection[str], at: int = 0, *, voided: Collection[str] | None = None
) -> None:
    """Mark ids as pending; `voided` are those whose statements are to be hidden when they are stored."""
    if not ids:
        return
    ever = writer.document(EVER, tenant, "")
    if ever is None or ever.body == NO:
        writer.put(Document(EVER, tenant, "", YES, etag="2", updated=at))
    held = marked(writer, tenant, ids)
    for id in ids:
        body = UNKNOWN if voided is None else VOIDED if id in voided else PLAIN
        # A mark that says enough is left alone: else all writes that refer to one id would conflict on it.
        if id not in held or (body == VOIDED and held[id].body == PLAIN):
            writer.put(Document(KIND, tenant, id, body, etag="1", updated=at))


def unmark(writer: Writer, tenant: str, ids: Collection[str]) -> None:
    """Remove the marks of ids whose statements are stored now."""
    if ids:
        writer.delete(KIND, tenant, ids)

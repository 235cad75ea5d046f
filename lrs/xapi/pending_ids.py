"""Marks of statement ids that other statements refer to before they are there.

Whoever stores such an id must know of the mark. Nearly all ids never had one, so each tenant also has a
document that says whether any id of its ever had: as long as none did, that document alone is looked at,
once for all the writes of a group.
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
"""Whether a tenant ever had a mark: scope is the tenant, without a name, body `YES` or `NO`. There is none
before the first statement, nor where the statements were stored by a program that did not have it yet; such a
program must not run beside this one, for it marks ids without saying so."""
YES, NO = b"yes", b"no"
VOIDED, PLAIN, UNKNOWN = b"voided", b"plain", b""
"""Body of a mark: whether one of those that refer to the id voids it. Unknown where the mark was made by a
program that did not say so."""


class PendingIds:
    """The marks of all tenants. Safe to use from many threads."""

    def __init__(self) -> None:
        self._ever: set[str] = set()
        """Tenants that have had marks, as far as this process has seen."""

    def wanted(self, tenant: str, ids: Collection[str]) -> list[tuple[str, str, str]]:
        """Names of the documents that `among` will look at."""
        names = [(EVER, tenant, "")]
        if tenant in self._ever:
            names += [(KIND, tenant, id) for id in ids]
        return names

    def among(self, writer: Writer, tenant: str, ids: Collection[str], at: int) -> Mapping[str, Document]:
        """The marks of those of the ids that are awaited; `at` is the present in microseconds."""
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


def mark(
    writer: Writer, tenant: str, ids: Collection[str], at: int = 0, *, voided: Collection[str] | None = None
) -> None:
    """From now on these ids are awaited; `voided` are those that are to be hidden when they come."""
    if not ids:
        return
    ever = writer.document(EVER, tenant, "")
    if ever is None or ever.body == NO:
        writer.put(Document(EVER, tenant, "", YES, etag="2", updated=at))
    held = marked(writer, tenant, ids)
    for id in ids:
        body = UNKNOWN if voided is None else VOIDED if id in voided else PLAIN
        # A mark that says enough is left alone: else all who refer to one id would fight for its mark.
        if id not in held or (body == VOIDED and held[id].body == PLAIN):
            writer.put(Document(KIND, tenant, id, body, etag="1", updated=at))


def arrive(writer: Writer, tenant: str, ids: Collection[str]) -> None:
    """These ids are there now."""
    if ids:
        writer.delete(KIND, tenant, ids)

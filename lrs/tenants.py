"""Which tenants have statements: one small document each, written with the first of them."""

from __future__ import annotations

from typing import Final

from lrs import document_kinds
from lrs.store.document_walk import walk_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Writer

TENANT: Final = document_kinds.TENANT
"""Kind of the documents: the scope is "", the name the tenant's."""
_PAGE: Final = 500
_HOLDERS: Final = (document_kinds.CREDENTIAL, document_kinds.PLATFORM)
"""Kinds of documents that belong to a tenant; each of them has the key `tenant_key`."""


def tenants(reader: Reader) -> list[str]:
    """All tenants with statements, by name."""
    walk = walk_documents(reader, DocumentQuery(TENANT, "", limit=_PAGE))
    return [document.name for page in walk for document in page]


def tenant_key(tenant: str) -> str:
    """Index key of the credentials and platforms of a tenant."""
    return f"tenant\x1f{tenant}"


def is_known(reader: Reader, tenant: str) -> bool:
    """Whether anything here belongs to the tenant: statements, a credential or a platform."""
    return reader.document(TENANT, "", tenant) is not None or any(
        reader.find_documents(DocumentQuery(kind, "", {tenant_key(tenant)}, limit=1, bodies=False))
        for kind in _HOLDERS
    )


class Known:
    """The tenants that this process has seen in the list. Safe to use from many threads."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def meet(self, writer: Writer, tenant: str, at: int) -> None:
        """Inside a write: list the tenant unless it is listed; `at` is the present in microseconds."""
        if tenant not in self._seen and writer.document(TENANT, "", tenant) is None:
            writer.put(Document(TENANT, "", tenant, b"{}", updated=at))

    def met(self, tenant: str) -> None:
        """That write has succeeded: the tenant need not be looked for again."""
        self._seen.add(tenant)

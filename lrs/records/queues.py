"""Documents that ask for work, taken fairly: no tenant's keep those of another from their turn."""

from __future__ import annotations

from bisect import bisect_right

from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader
from lrs.tenants import tenants


class Queue:
    """The documents of one kind that ask for work."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._last = ""

    def next(self, reader: Reader, limit: int) -> list[Document]:
        """Up to so many of them: of all tenants or, where there are more, of one tenant after the other."""
        found = reader.find_documents(DocumentQuery(self._kind, None, limit=limit))
        if len(found) < limit:
            return found
        names = tenants(reader)
        first = bisect_right(names, self._last)
        for tenant in names[first:] + names[:first]:
            if mine := reader.find_documents(DocumentQuery(self._kind, tenant, limit=limit)):
                self._last = tenant
                return mine
        return found

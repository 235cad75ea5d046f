"""The table of forms and JP that is in force for each tenant: the shipped one, or an agency's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from lrs.people import RECOUNT
from lrs.store.port import Document, Reader, Store, Writer
from statements.errors import Invalid, Problem
from statements.profile.table import Table, overridden, shipped

TABLE: Final = "jp-table"
CURRENT: Final = "current"
EVERYONE: Final = "*"
"""Name of the recount that goes through the whole log of a tenant."""


class Tables:
    """Reads and changes the tables. Every reading sees the latest change; nothing is believed for a while."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._parsed: dict[str, tuple[int, Table]] = {}

    def of(self, tenant: str) -> Table:
        """The table in force for a tenant."""
        with self._store.reading() as reader:
            return self.read(reader, tenant)

    def read(self, reader: Reader, tenant: str) -> Table:
        """The same inside a reading or a write."""
        document = reader.document(TABLE, tenant, CURRENT)
        if document is None:
            return shipped()
        held = self._parsed.get(tenant)
        if held is None or held[0] != document.updated:
            held = self._parsed[tenant] = document.updated, overridden(orjson.loads(document.body)["changes"])
        return held[1]

    def changes(self, tenant: str) -> Mapping[str, Any] | None:
        """What the agency changed, in the form of `statements.profile.table.overridden`; None for nothing."""
        with self._store.reading() as reader:
            document = reader.document(TABLE, tenant, CURRENT)
        if document is None:
            return None
        changes: dict[str, Any] = orjson.loads(document.body)["changes"]
        return changes

    def change(self, tenant: str, changes: Mapping[str, Any], *, author: str) -> Table:
        """Put an agency's changes in force and have its records counted anew. Raises `Invalid`.

        A version is never used twice: entries name it as what made them.
        """
        table = overridden(changes)
        body = {"changes": changes, "author": author}

        def work(writer: Writer) -> None:
            now = self._clock()
            name = f"version:{changes['version']}"
            if writer.document(TABLE, tenant, name) is not None:
                raise Invalid([Problem(None, "/version", "table.new-version", "Choose a new version.")])
            for each in (name, CURRENT):
                writer.put(Document(TABLE, tenant, each, orjson.dumps(body), updated=now))
            writer.put(Document(RECOUNT, tenant, EVERYONE, b"{}", updated=now))

        self._store.writing(work)
        return table

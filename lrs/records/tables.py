"""The tables of forms and JP of each tenant: the shipped ones, an agency's own, and from when each holds.

Which shipped version holds from when is a fact of the store, not of the program: a store that an earlier
program has worked on keeps that program's version for what was verified with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.people.people import RECOUNT
from lrs.records.checkpoint import CHECKPOINT
from lrs.records.checkpoint import NAME as FOLLOWER
from lrs.records.table_history import History, Period, Since, Verbs, periods_of, verbs_of
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import WriteHints
from lrs.tenants import tenants
from statements.errors import InvalidError, Problem
from statements.profile.shipped import overridden, shipped
from statements.profile.table import LATEST, SHIPPED, Table

TABLE: Final = document_kinds.JP_TABLE
CURRENT: Final = "current"
"""Where earlier programs kept an agency's changes that are in force."""
HISTORY: Final = "history"
"""Name of the document that tells from when each of an agency's versions holds."""
SHIPPED_HISTORY: Final = "shipped"
"""The same for the shipped versions; it belongs to no tenant."""
EVERYONE: Final = "*"
"""Name of the recount that goes through the whole log of a tenant."""
_PAGE: Final = 500
_MOST_PARSED: Final = 200
_MOST_PARSED_BYTES: Final = 8 << 20
"""Bytes of the changes that stay parsed: in memory they take many times as much."""
MOST_VERSIONS: Final = 200
"""Versions of one agency's table. Each is kept for good: entries are counted by the table of their time."""


class TooManyVersionsError(Exception):
    """An agency's table was changed as often as it may be."""


Also = Callable[[Writer], None] | None


class Tables:
    """Reads and changes the tables. Every reading sees the latest change; nothing is believed for a while."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._parsed: dict[tuple[str, str], Table] = {}
        """By tenant and version. A version is never changed, so these are never out of date."""
        self._parsed_bytes = 0
        self._verbs: dict[str, tuple[tuple[Period, ...], Verbs]] = {}
        """By tenant: the verbs of all its tables, and which tables these are."""

    def of(self, tenant: str) -> Table:
        """The table in force for a tenant."""
        with self._store.reading() as reader:
            return self.read(reader, tenant)

    def read(self, reader: Reader, tenant: str) -> Table:
        """The same inside a reading or a write."""
        return self.history(reader, tenant).current

    def history(self, reader: Reader, tenant: str) -> History:
        """Which table holds when; to be used while the reading or the write lasts."""
        periods = periods_of(_shipped(reader), _own(reader, tenant))

        def verbs(history: History) -> Verbs:
            known = self._verbs.get(tenant)
            if known is None or known[0] != periods:
                if len(self._verbs) >= _MOST_PARSED:
                    self._verbs.clear()
                known = self._verbs[tenant] = periods, verbs_of(history.every())
            return known[1]

        return History(periods, lambda period: self._table(reader, tenant, period), verbs)

    def changes(self, tenant: str) -> Mapping[str, Any] | None:
        """What the agency changed, in the form of `profile.shipped.overridden`; None for nothing."""
        with self._store.reading() as reader:
            own = _own(reader, tenant)
            return _changes(reader, tenant, own[-1][1])[0] if own else None

    def change(self, tenant: str, changes: Mapping[str, Any], *, author: str, also: Also = None) -> Table:
        """Put an agency's changes in force and have its records counted anew.

        Raises `InvalidError`, and `TooManyVersionsError` where there are `MOST_VERSIONS`.

        What was verified before keeps the table that it was verified with. A version is never used twice:
        entries name it as what made them. `also` writes what belongs to the change into the same write.
        """
        table = overridden(changes)
        body = {"changes": changes, "author": author}
        version = str(changes["version"])

        def work(writer: Writer) -> None:
            own = _own(writer, tenant)
            if writer.document(TABLE, tenant, _name(version)) is not None:
                raise InvalidError([Problem(None, "/version", "table.new-version", "Choose a new version.")])
            if len(own) >= MOST_VERSIONS:
                raise TooManyVersionsError
            # Later than every statement that is stored so far, whatever this machine's clock says.
            since = writer.stamp()
            writer.put(Document(TABLE, tenant, _name(version), orjson.dumps(body), updated=since))
            writer.put(_kept(tenant, HISTORY, [*own, (since, version)]))
            writer.delete(TABLE, tenant, (CURRENT,))
            writer.put(Document(RECOUNT, tenant, EVERYONE, b"{}", updated=self._clock()))
            if also is not None:
                also(writer)

        self._store.writing(work, WriteHints(tenant=tenant))
        return table

    def adopt(self) -> bool:
        """Put the table that this program brings in force; False when it is already.

        Called before anything is worked out. What was verified by an earlier program keeps that one's table;
        all else is counted anew.
        """
        with self._store.reading() as reader:
            if _latest(reader) == LATEST:
                return False

        def work(writer: Writer) -> bool:
            if _latest(writer) == LATEST:
                return False
            known = _read(writer, "", SHIPPED_HISTORY)
            if not known and writer.document(CHECKPOINT, "", FOLLOWER) is not None:
                # A program from before these histories has worked here, with the first table.
                known = [(0, SHIPPED[0])]
            writer.put(_kept("", SHIPPED_HISTORY, [*known, (writer.stamp() if known else 0, LATEST)]))
            if known:
                for tenant in tenants(writer):
                    writer.put(Document(RECOUNT, tenant, EVERYONE, b"{}", updated=self._clock()))
            return True

        return self._store.writing(work)

    def _table(self, reader: Reader, tenant: str, period: Period) -> Table:
        if not period.own:
            return shipped(period.base)
        held = self._parsed.get((tenant, period.version))
        if held is None:
            changes, size = _changes(reader, tenant, period.own)
            held = overridden(changes, period.base)
            self._parsed_bytes += size
            if len(self._parsed) >= _MOST_PARSED or self._parsed_bytes > _MOST_PARSED_BYTES:
                self._parsed.clear()
                self._parsed_bytes = size
            self._parsed[tenant, period.version] = held
        return held


def _name(version: str) -> str:
    return f"version:{version}"


def _changes(reader: Reader, tenant: str, version: str) -> tuple[Mapping[str, Any], int]:
    """What a version changes, and how many bytes that has."""
    document = reader.document(TABLE, tenant, _name(version))
    if document is None:
        raise LookupError(f"version {version} of the table of {tenant} is gone")
    changes: dict[str, Any] = orjson.loads(document.body)["changes"]
    return changes, len(document.body)


def _own(reader: Reader, tenant: str) -> list[Since]:
    """From when each of an agency's versions holds, oldest first."""
    found = _read(reader, tenant, HISTORY)
    if found or reader.document(TABLE, tenant, CURRENT) is None:
        return found
    # Kept by an earlier program, which put each version in force when it wrote it, and wrote no history.
    start = _name("")
    documents = reader.find_documents(DocumentQuery(TABLE, tenant, limit=_PAGE))
    return sorted((one.updated, one.name[len(start) :]) for one in documents if one.name.startswith(start))


def _shipped(reader: Reader) -> list[Since]:
    """The same for the shipped versions, as far as this program has them; a newer one may have been here."""
    return [each for each in _read(reader, "", SHIPPED_HISTORY) if each[1] in SHIPPED]


def _latest(reader: Reader) -> str:
    """The shipped version in force; a newer program's is none of this one's business."""
    found = _read(reader, "", SHIPPED_HISTORY)
    return LATEST if any(version == LATEST for _, version in found) else ""


def _read(reader: Reader, tenant: str, name: str) -> list[Since]:
    document = reader.document(TABLE, tenant, name)
    return [] if document is None else [(since, version) for since, version in orjson.loads(document.body)]


def _kept(tenant: str, name: str, history: Sequence[Since]) -> Document:
    return Document(TABLE, tenant, name, orjson.dumps(history), updated=history[-1][0])

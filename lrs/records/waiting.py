"""What waits for a decision, found by whose it is and by whom it names, the longest waiting first.

Each entry that waits has a small document of its own, kept by the projection. Its order is the time at which
the statement was stored, so the front of the queue is one look at an index however much is stored behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.records.entries import ENTRY, WAITING, Entry, Status, entry_of
from lrs.store.document_walk import walk_stored_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store, Writer
from lrs.tenants import TENANT

KIND: Final = document_kinds.WAITING
"""Kind of these documents: scope is the tenant, name the entry's id."""
PROGRESS: Final = document_kinds.WAITING_LISTED
"""Kind of the one document that says how far `list_older` has come."""
LISTED: Final = 100
"""Entries of one look at one owner or verifier; more of theirs are looked for where a page needs them."""
_SLICE: Final = 100
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One entry that waits."""

    entry_id: str
    persona: str
    """Of the learner."""
    mentor: str
    """The persona of whom the entry names as coach, mentor or supervisor; "" when it names nobody."""
    since: int
    """When its statement was stored, in microseconds."""

    @property
    def place(self) -> Place:
        """Where it stands in the queue; pass it on as `after`."""
        return _order(self.since), self.entry_id


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """Some of a queue, and how long the whole of it is."""

    found: tuple[Waiting, ...]
    total: int
    """How many wait in all, as far as they were counted."""
    is_more: bool
    """Whether more wait than were counted."""
    late: int
    """How many of the counted ones were stored before the moment that was asked for."""
    oldest: int
    """Since when the first of all waits (microseconds); 0 when none does."""
    after: Place | None
    """Pass it on to get the next page; None at the end."""


def owner_key(persona: str) -> str:
    """Index key of what waits of a learner."""
    return f"o\x1f{persona}"


def verifier_key(persona: str) -> str:
    """Index key of what names somebody as the one who can confirm it."""
    return f"m\x1f{persona}"


def document_of(entry: Entry, stored: int) -> Document:
    """The document of an entry that waits; `stored` (microseconds) is that of its statement."""
    mentor = "" if entry.mentor is None else entry.mentor.persona
    keys = {owner_key(entry.persona)} | ({verifier_key(mentor)} if mentor else set())
    body = {"persona": entry.persona, "mentor": mentor, "since": stored}
    return Document(
        KIND, entry.tenant, entry.id, orjson.dumps(body), keys=frozenset(keys), order=_order(stored)
    )


def waiting_of(document: Document) -> Waiting:
    """What a document says."""
    held = orjson.loads(document.body)
    return Waiting(document.name, held["persona"], held["mentor"], held["since"])


def changed(
    reader: Reader, tenant: str, entries: Mapping[str, Entry | None], stored: Mapping[str, int]
) -> tuple[list[Document], list[str]]:
    """The documents to put and the names of those to delete, for entries as they are now.

    `entries` and `stored` are by entry id; None is an entry that is gone. What stands already is left alone.
    """
    held = reader.documents(KIND, tenant, entries)
    puts: list[Document] = []
    for id, entry in entries.items():
        if entry is not None and entry.status is Status.SUBMITTED:
            made = document_of(entry, stored[id])
            kept = held.get(id)
            if kept is None or (kept.body, kept.keys) != (made.body, made.keys):
                puts.append(made)
    waits = {id for id, entry in entries.items() if entry is not None and entry.status is Status.SUBMITTED}
    return puts, [id for id in held if id not in waits]


class WaitingEntries:
    """Reads the queues."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def queue(
        self,
        tenant: str,
        *,
        owners: Collection[str] = (),
        verifiers: Collection[str] = (),
        without: Collection[str] = (),
        late: int = 0,
        after: Place | None = None,
        limit: int,
    ) -> WaitingPage:
        """What waits of these owners, and what names these verifiers; all are personas.

        The longest waiting first, each once, and nothing of the owners in `without`. `late` is a moment in
        microseconds, see `WaitingPage.late`.
        """
        keys = [*map(owner_key, set(owners) - set(without)), *map(verifier_key, verifiers)]
        with self._store.reading() as reader:
            pages = reader.find_many_documents(KIND, tenant, keys, limit=LISTED) if keys else {}
            known = _distinct(pages.values(), without)
            full = {key: page[-1] for key, page in pages.items() if len(page) == LISTED}
            coming = _beyond(known.values(), after)
            end = _place(coming[limit]) if len(coming) > limit else None
            for key, last in full.items():
                # Some of these may stand before the end of the page, too.
                if end is None or _place(last) < end:
                    begin = _place(last) if after is None else max(after, _place(last))
                    more = reader.find_documents(
                        DocumentQuery(KIND, tenant, (key,), after=begin, limit=limit + 1)
                    )
                    known |= _distinct([more], without)
        coming = _beyond(known.values(), after)
        found = [waiting_of(document) for document in coming[:limit]]
        return WaitingPage(
            tuple(found),
            len(known),
            bool(full),
            sum(document.order < _order(late) for document in known.values()),
            int(min((document.order for document in known.values()), default="0")),
            found[-1].place if len(coming) > limit else None,
        )

    def walk(self, tenant: str, *, after: Place | None = None, limit: int) -> list[Waiting]:
        """What waits in an agency, the longest waiting first."""
        with self._store.reading() as reader:
            found = reader.find_documents(DocumentQuery(KIND, tenant, after=after, limit=limit))
        return [waiting_of(document) for document in found]

    def late(self, tenant: str, before: int, *, most: int) -> int:
        """How many entries of an agency wait since before a moment (microseconds); counted up to `most`."""
        with self._store.reading() as reader:
            found = reader.find_documents(DocumentQuery(KIND, tenant, limit=most, bodies=False))
        return sum(document.order < _order(before) for document in found)


def sweep(store: Store, tenant: str) -> None:
    """Remove from an agency's queue what does not wait: for a rebuild, which passes by what is not there."""
    for page in walk_stored_documents(store, DocumentQuery(KIND, tenant, limit=_SLICE, bodies=False)):
        names = [document.name for document in page]

        def work(writer: Writer, names: Collection[str] = names) -> None:
            entries = writer.documents(ENTRY, tenant, names)
            waits = {id for id, held in entries.items() if entry_of(held).status is Status.SUBMITTED}
            writer.delete(KIND, tenant, set(names) - waits)

        store.writing(work)


def list_older(store: Store) -> bool:
    """Have a slice of those entries listed that an earlier version kept; False when all of them are.

    May be cut short and begun again at any time, and done by several at once.
    """
    with store.reading() as reader:
        held = reader.document(PROGRESS, "", "")
        place: dict[str, Any] = {} if held is None else orjson.loads(held.body)
        if place.get("done"):
            return False
        tenant, page, then = _slice(reader, place)

    def work(writer: Writer) -> None:
        present = writer.documents(ENTRY, tenant, [document.name for document in page])
        entries = [entry_of(document) for document in present.values()]
        records = writer.get(tenant, {entry.statement_id for entry in entries}, bodies=False)
        kept = writer.documents(KIND, tenant, present, bodies=False)
        for entry in entries:
            record = records.get(entry.statement_id)
            if entry.status is Status.SUBMITTED and record is not None and entry.id not in kept:
                writer.put(document_of(entry, record.stored))
        writer.put(Document(PROGRESS, "", "", orjson.dumps(then)))

    store.writing(work)
    return not then.get("done", False)


def _slice(reader: Reader, place: Mapping[str, Any]) -> tuple[str, list[Document], dict[str, Any]]:
    """Some entries of one tenant that wait, and where to go on."""
    if "tenant" not in place:
        after = ("", place["last"]) if "last" in place else None
        tenants = reader.find_documents(DocumentQuery(TENANT, "", after=after, limit=1))
        if not tenants:
            return "", [], {"done": True}
        place = {"tenant": tenants[0].name, "after": None}
    begin = None if place["after"] is None else (place["after"][0], place["after"][1])
    page = reader.find_documents(DocumentQuery(ENTRY, place["tenant"], {WAITING}, after=begin, limit=_SLICE))
    if len(page) == _SLICE:
        return place["tenant"], page, {**place, "after": [page[-1].order, page[-1].name]}
    return place["tenant"], page, {"last": place["tenant"]}


def _distinct(pages: Iterable[Iterable[Document]], without: Collection[str]) -> dict[str, Document]:
    hidden = frozenset(map(owner_key, without))
    return {one.name: one for page in pages for one in page if hidden.isdisjoint(one.keys)}


def _beyond(documents: Iterable[Document], after: Place | None) -> list[Document]:
    found = (one for one in documents if after is None or _place(one) > after)
    return sorted(found, key=_place)


def _place(document: Document) -> Place:
    return document.order, document.name


def _order(moment: int) -> str:
    return f"{moment:020d}"

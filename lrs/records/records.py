"""Reading the learning record: entries, sums, and the statements behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from lrs.people.people import RECOUNT, Person, owners_of, person_of, roots_of
from lrs.records.awards import awards_of
from lrs.records.entries import (
    ENTRY,
    NOT_COUNTED,
    WAITING,
    Entry,
    Status,
    claim_of,
    entry_id,
    entry_of,
    owned_key,
    place_of,
    waiting_key,
)
from lrs.records.projection.project import MOST_COUNTED, UNCOUNTED
from lrs.records.recent_decisions import RecentDecision, recent_decisions
from lrs.records.summaries import (
    SUMMARY,
    Summary,
    read_summaries,
    summarise,
    summarised_key,
    summary_name,
    summary_of,
)
from lrs.records.tables import Tables
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store
from statements.data_types.exact_json import loads
from statements.profile.classify import Learning, classify
from statements.profile.jp import Award, Counting

PAGE = 100
PAGE_MAX = 1000
MOST_LISTED = MOST_COUNTED
"""Entries of one reading of a person's record."""
MOST_SUMMED = 50
"""Persons of one reading whose entries are summed up because their sums are about to be worked out anew."""


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Some entries, the latest first, and how to get those after them."""

    entries: tuple[Entry, ...]
    after: tuple[str, str] | None
    """Pass it on to get the next page; None at the end."""


class Records:
    """What the pages, the reports and the record API read. Nothing here writes."""

    def __init__(self, store: Store, tables: Tables) -> None:
        self._store = store
        self._tables = tables

    def entries(
        self,
        tenant: str,
        person: str,
        *,
        year: int | None = None,
        status: Collection[Status] = (),
        pillar: str | None = None,
    ) -> list[Entry]:
        """A person's entries, the latest first: of one year or of all, narrowed by status and pillar.

        The latest `MOST_LISTED` are looked at; `entry_page` goes on after them.
        """
        return list(self.entry_page(tenant, person, year=year, status=status, pillar=pillar).entries)

    def entry_page(
        self,
        tenant: str,
        person: str,
        *,
        year: int | None = None,
        status: Collection[Status] = (),
        pillar: str | None = None,
        after: tuple[str, str] | None = None,
        limit: int = MOST_LISTED,
    ) -> EntryPage:
        """The same, a page at a time. What is narrowed may leave a page with few entries, or none."""
        found: list[Entry] = []
        with self._store.reading() as reader:
            for persona in _roots(reader, tenant, (person,))[person].personas:
                documents = reader.find_documents(
                    DocumentQuery(
                        ENTRY, tenant, {owned_key(persona, year)}, after=after, descending=True, limit=limit
                    )
                )
                found += [entry_of(document, person) for document in documents]
                found = sorted(found, key=lambda entry: (entry.place, entry.id), reverse=True)[:limit]
        wanted = frozenset(status)
        kept = tuple(e for e in found if (not wanted or e.status in wanted) and pillar in (None, e.pillar))
        return EntryPage(kept, (found[-1].place, found[-1].id) if len(found) == limit else None)

    def worth(
        self, tenant: str, person: str, statement: Mapping[str, Any], *, instead_of: str = ""
    ) -> Award | None:
        """What a person's entry will be awarded if this statement is stored now; None if it makes none.

        The same rules count, over the same entries of the year, as when it is stored. The entry of the
        statement `instead_of` which it is stored is left out.
        """
        with self._store.reading() as reader:
            tables = self._tables.history(reader, tenant)
            learning = classify(statement, tables.current)
            if not isinstance(learning, Learning):
                return None
            id = entry_id(tenant, str(statement["id"]))
            without = {id, entry_id(tenant, instead_of)}
            year = [
                entry_of(document, person)
                for persona in _personas(reader, tenant, person)
                for document in reader.find_documents(
                    DocumentQuery(
                        ENTRY,
                        tenant,
                        {owned_key(persona, learning.end.year)},
                        limit=MOST_COUNTED + len(without),
                    )
                )
                if document.name not in without
            ]
            year = sorted(year, key=lambda entry: (entry.place, entry.id))[:MOST_COUNTED]
            if len(year) == MOST_COUNTED:
                # Whatever comes after the last one that is counted is not; what comes before takes its turn.
                if (place_of(learning), id) > (year[-1].place, year[-1].id):
                    return NOT_COUNTED
                year.pop()
            return awards_of(year, tables, claim_of(learning, id, Counting.WAITING))[id]

    def entry(self, tenant: str, id: str) -> Entry | None:
        """One entry; None when there is none, or no longer."""
        with self._store.reading() as reader:
            document = reader.document(ENTRY, tenant, id)
            return None if document is None else _owned(reader, tenant, [document])[0]

    def entries_by_id(self, tenant: str, ids: Collection[str]) -> dict[str, Entry]:
        """Several entries by id; those that are not there are missing."""
        with self._store.reading() as reader:
            found = _owned(reader, tenant, list(reader.documents(ENTRY, tenant, set(ids)).values()))
        return {entry.id: entry for entry in found}

    def waiting_for(self, tenant: str, person: str, *, limit: int = PAGE) -> list[Entry]:
        """Entries of others that name this person as mentor and wait for a decision, the latest first."""
        with self._store.reading() as reader:
            own = _personas(reader, tenant, person)
            found = [
                document
                for persona in own
                for document in reader.find_documents(
                    DocumentQuery(ENTRY, tenant, {waiting_key(persona)}, descending=True, limit=limit)
                )
            ]
            entries = [e for e in _owned(reader, tenant, found) if e.persona not in own]
        return sorted(entries, key=lambda entry: (entry.end, entry.at), reverse=True)[:limit]

    def waiting(self, tenant: str, *, after: tuple[str, str] | None = None, limit: int = PAGE) -> EntryPage:
        """All entries of the tenant that wait for a decision, the latest first, a page at a time."""
        with self._store.reading() as reader:
            found = reader.find_documents(
                DocumentQuery(ENTRY, tenant, {WAITING}, after=after, descending=True, limit=limit)
            )
            entries = tuple(_owned(reader, tenant, found))
        last = (found[-1].order, found[-1].name) if len(found) == limit else None
        return EntryPage(entries, last)

    def summary(self, tenant: str, person: str, year: int) -> Summary:
        """The sums of a person's year; zeros when there is nothing."""
        return self.summaries(tenant, (person,), year)[person]

    def summaries(self, tenant: str, persons: Collection[str], year: int) -> dict[str, Summary]:
        """The sums of one year for many persons: one small document each. Zeros for who has nothing.

        The keys are the ids asked for; a person who was merged into another is shown as that one. Whose year
        is about to be worked out anew, as after a merge, has the sums of what is listed meanwhile.
        """
        with self._store.reading() as reader:
            people = _roots(reader, tenant, persons)
            by_id = {person.id: person for person in people.values()}
            held = read_summaries(reader, tenant, by_id, year)
            table = self._tables.read(reader, tenant)
            for id in islice(_awaiting(reader, tenant, by_id, year), MOST_SUMMED):
                entries = _held(reader, tenant, by_id[id], year, most=PAGE_MAX)
                if len(entries) < PAGE_MAX:
                    held[id] = summarise(id, year, entries, table, by_id[id].employment)
        return {
            asked: held.get(one.id)
            or Summary(one.id, year, table.target(one.employment), table=table.version)
            for asked, one in people.items()
        }

    def years(self, tenant: str, person: str) -> list[int]:
        """The years in which a person has entries, the latest first."""
        with self._store.reading() as reader:
            one = _roots(reader, tenant, (person,))[person]
            # The sums of a merged person stand under its own id until they are worked out anew.
            ids = {one.id, *one.personas} if _awaiting(reader, tenant, {one.id}) else {one.id}
            found = [
                document
                for id in ids
                for document in reader.find_documents(
                    DocumentQuery(SUMMARY, tenant, {summarised_key(id)}, limit=PAGE_MAX)
                )
            ]
        return sorted({summary_of(document).year for document in found}, reverse=True)

    def statements_behind(self, entry: Entry) -> list[bytes]:
        """The statements that an entry stands on, as they were stored: the learning, then the decision."""
        with self._store.reading() as reader:
            held = reader.get(entry.tenant, entry.statement_ids)
        return [held[id].body for id in entry.statement_ids if id in held]

    def recent_decisions(self, tenant: str, verifier: Mapping[str, Any], since: int) -> list[RecentDecision]:
        """See `lrs.records.recent_decisions`."""
        with self._store.reading() as reader:
            return recent_decisions(reader, tenant, verifier, since)

    def reflections(self, tenant: str, entries: Collection[Entry], *, most_bytes: int) -> dict[str, str]:
        """What learners wrote of their own about these entries, by entry id; who wrote nothing is missing.

        A statement of more than `most_bytes` is not read.
        """
        ids = {entry.statement_id: entry.id for entry in entries if not entry.automatic}
        with self._store.reading() as reader:
            records = reader.get(tenant, ids)
        found: dict[str, str] = {}
        for id, record in records.items():
            if len(record.body) <= most_bytes:
                said = (loads(record.body).get("result") or {}).get("response")
                if isinstance(said, str) and said.strip():
                    found[ids[id]] = said.strip()
        return found

    def is_own(self, entry: Entry, person: str) -> bool:
        """Whether an entry belongs to this person, by any of their identifiers."""
        with self._store.reading() as reader:
            return entry.persona in _personas(reader, entry.tenant, person)


def _roots(reader: Reader, tenant: str, ids: Collection[str]) -> dict[str, Person]:
    known = roots_of(reader, tenant, ids)
    return {id: known.get(id) or Person(id, personas=(id,)) for id in ids}


def _awaiting(reader: Reader, tenant: str, persons: Collection[str], year: int | None = None) -> list[str]:
    """Those of the persons who are about to be counted anew: as a whole, or in this year."""
    found = set(reader.documents(RECOUNT, tenant, persons, bodies=False))
    if year is not None:
        names = {summary_name(person, year): person for person in persons}
        found |= {names[name] for name in reader.documents(UNCOUNTED, tenant, names, bodies=False)}
    return sorted(found)


def _held(
    reader: Reader,
    tenant: str,
    person: Person,
    year: int | None,
    *,
    most: int,
) -> list[Entry]:
    """A person's entries as they are kept, of one year or of all; so many of them at most."""
    found: list[Entry] = []
    for persona in person.personas:
        key = owned_key(persona, year)
        documents = reader.find_documents(DocumentQuery(ENTRY, tenant, {key}, limit=most - len(found)))
        found += [entry_of(document, person.id) for document in documents]
        if len(found) >= most:
            break
    return found


def _personas(reader: Reader, tenant: str, id: str) -> tuple[str, ...]:
    person = person_of(reader, tenant, id)
    return (id,) if person is None else person.personas


def _owned(reader: Reader, tenant: str, documents: list[Document]) -> list[Entry]:
    """Entries with the persons that they belong to now."""
    entries = [entry_of(document) for document in documents]
    owners = owners_of(reader, tenant, {entry.persona for entry in entries})
    return [
        replace(entry, person=owners[entry.persona].id) if entry.persona in owners else entry
        for entry in entries
    ]

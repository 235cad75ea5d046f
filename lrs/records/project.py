"""From touched statements to documents: entries with their JP, and the sums of every year they touch.

Reads one snapshot and returns what to write; it writes nothing itself. Running it again over the same log
gives the same documents, and documents that are there already are left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lrs.people import Met, People, Person, owners_of, person_of
from lrs.records import entries as kept_entries
from lrs.records import summaries as kept_summaries
from lrs.records.awards import awards_of
from lrs.records.derive import Derivation
from lrs.records.entries import ENTRY, Entry, awarded, entry_of, owned_key
from lrs.records.summaries import SUMMARY, summarised_key, summary_name
from lrs.records.table_history import History
from lrs.records.tables import Tables
from lrs.store.port import Document, Reader, Record, Writer

_PAGE = 500
_YEARS = 50
"""Years of persons that are worked out from what is read at once."""


@dataclass(slots=True)
class Changes:
    """What is to be written."""

    puts: list[Document] = field(default_factory=list)
    gone: list[tuple[str, str, str]] = field(default_factory=list)
    """(kind, scope, name) of documents to delete."""
    met: dict[str, dict[str, Met]] = field(default_factory=dict)
    """By tenant and persona."""
    persons: dict[str, set[str]] = field(default_factory=dict)
    """By tenant: whose record was worked out anew."""

    def write(self, writer: Writer, people: People) -> None:
        """Put them in force, inside a write."""
        for tenant, met in self.met.items():
            people.meet(writer, tenant, met)
        for document in self.puts:
            writer.put(document)
        for kind, scope, name in self.gone:
            writer.delete(kind, scope, (name,))


class Projector:
    """Works out what the record of each person looks like now."""

    def __init__(self, people: People, tables: Tables, clock: Callable[[], int]) -> None:
        self._people = people
        self._tables = tables
        self._clock = clock

    def project(
        self,
        reader: Reader,
        records: Sequence[Record],
        recounts: Iterable[tuple[str, str]] = (),
    ) -> Changes:
        """The changes that these records, and these (tenant, person) recounts, make to entries and sums."""
        by_tenant: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            by_tenant[record.tenant].append(record)
        persons: dict[str, set[str]] = defaultdict(set)
        for tenant, person in recounts:
            persons[tenant].add(person)
        changes = Changes()
        for tenant in by_tenant.keys() | persons.keys():
            one = _OneTenant(reader, tenant, self._tables.history(reader, tenant), self._clock(), changes)
            one.work(self._people, by_tenant[tenant], persons[tenant])
        return changes


@dataclass(slots=True)
class _OneTenant:
    reader: Reader
    tenant: str
    tables: History
    now: int
    changes: Changes

    def work(self, people: People, records: Sequence[Record], recounts: Collection[str]) -> None:
        derivation = Derivation(self.reader, self.tenant, self.tables, people.persona)
        touched = derivation.touched(records)
        years: dict[str, set[int]] = defaultdict(set)
        for id in recounts:
            touched |= self._recounted(id, years)
        if not touched and not years:
            return
        found = derivation.entries(touched)
        self.changes.puts += found.lapsed
        before = {
            name: entry_of(document)
            for name, document in self.reader.documents(ENTRY, self.tenant, found.entries).items()
        }
        entries = [entry for entry in found.entries.values() if entry is not None]
        concerned = {entry.persona: entry for entry in (*before.values(), *entries)}
        owners = owners_of(self.reader, self.tenant, concerned)
        persons = {
            persona: owners.get(persona) or Person(persona, personas=(persona,)) for persona in concerned
        }
        known = {person.id: person for person in persons.values()}
        now: dict[tuple[str, int], list[Entry]] = defaultdict(list)
        for entry in entries:
            now[persons[entry.persona].id, entry.year].append(entry)
        for entry in (*before.values(), *entries):
            years[persons[entry.persona].id].add(entry.year)
        for name in before:
            if found.entries[name] is None:
                self.changes.gone.append((ENTRY, self.tenant, name))
        self.changes.persons.setdefault(self.tenant, set()).update(years)
        for id in years.keys() - known.keys():
            person = person_of(self.reader, self.tenant, id)
            if person is not None and person.id == id:
                known[id] = person
        todo = [(id, year) for id, wanted in years.items() for year in wanted]
        for start in range(0, len(todo), _YEARS):
            self._years(todo[start : start + _YEARS], known, found.entries.keys(), now)
        if found.met:
            self.changes.met[self.tenant] = found.met

    def _recounted(self, id: str, years: dict[str, set[int]]) -> set[str]:
        """The statements of a person's entries; the years with sums are worked out again as well."""
        keys = {summarised_key(id)}
        for document in self.reader.find_documents(SUMMARY, self.tenant, keys, limit=_PAGE):
            years[id].add(int(document.name.rpartition(":")[2]))
        person = person_of(self.reader, self.tenant, id)
        if person is None or person.id != id:
            return set()
        return {entry.statement_id for p in person.personas for entry in self._held(owned_key(p), id)}

    def _held(self, key: str, person: str, page: Sequence[Document] | None = None) -> Iterable[Entry]:
        """The entries with this key; `page` is the first of their documents, if these are known."""
        after: tuple[str, str] | None = None
        while True:
            if page is None:
                page = self.reader.find_documents(ENTRY, self.tenant, {key}, after=after, limit=_PAGE)
            yield from (entry_of(document, person) for document in page)
            if len(page) < _PAGE:
                return
            after = page[-1].order, page[-1].name
            page = None

    def _years(
        self,
        some: Collection[tuple[str, int]],
        known: Mapping[str, Person],
        touched: Collection[str],
        now: Mapping[tuple[str, int], Sequence[Entry]],
    ) -> None:
        """Work out some years of persons, each (id, year)."""
        keys = {
            each: [owned_key(persona, each[1]) for persona in known[each[0]].personas]
            for each in some
            if each[0] in known
        }
        owned = {key for several in keys.values() for key in several}
        pages = self.reader.find_each_document(ENTRY, self.tenant, owned, limit=_PAGE)
        summaries = self.reader.documents(SUMMARY, self.tenant, {summary_name(*each) for each in some})
        for id, year in some:
            entries = {
                entry.id: entry
                for key in keys.get((id, year), ())
                for entry in self._held(key, id, pages[key])
            }
            summary = summaries.get(summary_name(id, year))
            self._year(id, known.get(id), year, entries, summary, touched, now.get((id, year), ()))

    def _year(
        self,
        id: str,
        person: Person | None,
        year: int,
        held: Mapping[str, Entry],
        document: Document | None,
        touched: Collection[str],
        now: Sequence[Entry],
    ) -> None:
        """Work out one year of one person: awards, the entries they change, the sums.

        `held` and `document` are what is kept: the year's entries, and its sums. `now` holds the year's
        entries among the `touched` ones; all others are as they are kept.
        """
        personas = person.personas if person is not None else ()
        entries = [entry for entry in held.values() if entry.id not in touched]
        entries += [entry for entry in now if entry.persona in personas]
        awards = awards_of(entries, self.tables)
        full = [awarded(entry, awards[entry.id]) for entry in entries]
        for entry in full:
            if held.get(entry.id) != entry:
                self.changes.puts.append(kept_entries.document_of(entry, self.now))
        if not full:
            if document is not None:
                self.changes.gone.append((SUMMARY, self.tenant, document.name))
            return
        employment = person.employment if person is not None else ""
        summary = kept_summaries.summarise(id, year, full, self.tables.current, employment)
        made = kept_summaries.document_of(summary, self.tenant, self.now)
        if document is None or document.body != made.body:
            self.changes.puts.append(made)

"""From touched statements to documents: entries with their JP, and the sums of every year they touch.

Reads one snapshot and returns what to write; it writes nothing itself. Running it again over the same log
gives the same documents, and documents that are there already are left alone.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from typing import Final

import orjson

from lrs import document_kinds
from lrs.people.people import Met, People, Person, owners_of, person_of
from lrs.records import entries as kept_entries
from lrs.records import summaries as kept_summaries
from lrs.records import waiting
from lrs.records.awards import awards_of
from lrs.records.entries import ENTRY, NOT_COUNTED, Entry, Status, awarded, entry_of, owned_key
from lrs.records.projection.budget import Budget, TooMuchError
from lrs.records.projection.derive import Derivation, Found, Reversed
from lrs.records.summaries import SUMMARY, summarised_key, summary_name
from lrs.records.table_history import History
from lrs.records.tables import Tables
from lrs.store.document_walk import walk_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import Position, Record
from lrs.store.port import Reader, Writer

_PAGE = 500
_YEARS = 50
"""Years of persons that are worked out from what is read at once."""
MOST_TOUCHED = 1000
"""Statements whose entries one pass works out, unless a single statement touches more."""
MOST_COUNTED = 2000
"""Entries of one person's year that are counted, the first ones in time. It is more than anybody has."""
YEARS_SECONDS = 0.5
"""How long a pass works on the years of one tenant's persons; the rest is put off, see `UNCOUNTED`."""
RECOUNTED, FEW_RECOUNTED = 200, 10
"""Entries that a pass works out because of what is asked for; the fewer after all of them took too long."""
UNCOUNTED: Final = document_kinds.UNCOUNTED
"""Kind of the documents that ask for one year of one person to be summed up: its name is that of the sums.

Years with many entries are put off this way: who has them waits, and nobody else.
"""
REVERSED: Final = document_kinds.REVERSED
"""Kind of the documents that ask for those completions to be worked out anew that a reversal touches beyond
the latest ones; its name stands for the completions' keys."""


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
    answered: list[tuple[Document, Document | None]] = field(default_factory=list)
    """What had asked for work, and what takes its place; it stays when it was asked again meanwhile."""

    def write(self, writer: Writer, people: People) -> None:
        """Put them in force, inside a write."""
        for asked, rest in self.answered:
            if writer.document(asked.kind, asked.scope, asked.name) != asked:
                continue
            if rest is None:
                writer.delete(asked.kind, asked.scope, (asked.name,))
            else:
                writer.put(rest)
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
        asked: Iterable[Document] = (),
        *,
        bounded: bool = True,
    ) -> Changes:
        """The changes that these records, and what is `asked` for, make to entries and sums.

        `asked` are documents of kind `RECOUNT`, about whole persons, `UNCOUNTED` and `REVERSED`. TooMuchError
        when it is `bounded` and touches more than `MOST_TOUCHED` statements, or uses up a `Budget`.
        """
        budget = Budget(bounded)
        by_tenant: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            by_tenant[record.tenant].append(record)
        queued: dict[str, list[Document]] = defaultdict(list)
        for document in asked:
            queued[document.scope].append(document)
        changes = Changes()
        for tenant in by_tenant.keys() | queued.keys():
            tables = self._tables.history(reader, tenant)
            one = _OneTenant(reader, tenant, tables, self._clock(), budget, changes)
            one.work(self._people, by_tenant[tenant], queued[tenant])
        return changes


@dataclass(slots=True)
class _OneTenant:
    reader: Reader
    tenant: str
    tables: History
    now: int
    budget: Budget
    changes: Changes
    mislaid: set[str] = field(default_factory=set)
    """Entries that are kept under other index keys than this program finds them by."""

    def work(self, people: People, records: Sequence[Record], asked: Sequence[Document]) -> None:
        derivation = Derivation(self.reader, self.tenant, self.tables, people.persona, self.budget)
        touched = derivation.touched(records)
        for left in derivation.left:
            self.changes.puts.append(self._asking(left))
        bounded = self.budget.bounded
        if bounded and len(touched) > MOST_TOUCHED:
            raise TooMuchError
        years: dict[str, set[int]] = defaultdict(set)
        put_off: set[str] = set()
        wanted: set[tuple[str, int]] = set()
        room = RECOUNTED if bounded else FEW_RECOUNTED
        for document in asked:
            if document.kind == UNCOUNTED:
                id, year = _person_and_year(document)
                years[id].add(year)
                wanted.add((id, year))
                self.changes.answered.append((document, None))
            elif document.kind == REVERSED and room > 0:
                held = orjson.loads(document.body)
                keys, after = tuple(held["keys"]), Position(*held["after"])
                more, rest = derivation.completed(Reversed(keys, after), room)
                room -= len(more)
                touched |= more
                self.changes.answered.append((document, None if rest is None else self._asking(rest)))
            elif room > 0:
                more = self._recounted(document, years, room, put_off)
                room -= len(more)
                touched |= more
        if not touched and not years:
            return
        found = derivation.entries(touched)
        self.changes.puts += found.lapsed
        documents = self.reader.documents(ENTRY, self.tenant, found.entries)
        before = {name: entry_of(document) for name, document in documents.items()}
        self.mislaid = {
            name
            for name, document in documents.items()
            if (entry := found.entries[name]) is not None
            and kept_entries.document_of(entry, self.now).keys != document.keys
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
        self._queue(found, before)
        self.changes.persons.setdefault(self.tenant, set()).update(years)
        for id in years.keys() - known.keys():
            person = person_of(self.reader, self.tenant, id)
            if person is not None and person.id == id:
                known[id] = person
        todo = [(id, year) for id, several in years.items() for year in several]
        # What was put off before comes first, so that it gets its turn.
        todo.sort(key=lambda each: each not in wanted)
        end = time.monotonic() + YEARS_SECONDS
        for start in range(0, len(todo), _YEARS):
            some = todo[start : start + _YEARS]
            late = {each for each in some if each[0] in put_off and each not in wanted}
            if start and time.monotonic() >= end:
                late = set(some)
            late |= self._years([each for each in some if each not in late], known, found, now, wanted, end)
            self._put_off(late, wanted, before, now)
        if found.met:
            self.changes.met[self.tenant] = found.met

    def _queue(self, found: Found, before: Mapping[str, Entry]) -> None:
        """Keep the queues of what waits in step; most of what is touched never waits."""
        concerned = {
            id: entry
            for id, entry in found.entries.items()
            if any(one is not None and one.status is Status.SUBMITTED for one in (entry, before.get(id)))
        }
        if concerned:
            puts, gone = waiting.changed(self.reader, self.tenant, concerned, found.stored)
            self.changes.puts += puts
            self.changes.gone += [(waiting.KIND, self.tenant, id) for id in gone]

    def _asking(self, left: Reversed) -> Document:
        name = blake2b("\0".join(left.keys).encode(), digest_size=16).hexdigest()
        body = orjson.dumps({"keys": left.keys, "after": [left.after.stored, left.after.id]})
        return Document(REVERSED, self.tenant, name, body, updated=self.now, order=f"{self.now:020d}")

    def _recounted(
        self, asked: Document, years: dict[str, set[int]], room: int, put_off: set[str]
    ) -> set[str]:
        """Statements of a person's entries, `room` of them at most.

        Where there are more, the next pass goes on after these, and the person's years are put off. At the
        end the years with sums are worked out again as well.
        """
        id, place = asked.name, orjson.loads(asked.body)
        person = person_of(self.reader, self.tenant, id)
        personas = person.personas if person is not None and person.id == id else ()
        found: set[str] = set()
        for persona in sorted(personas):
            if persona < place.get("persona", ""):
                continue
            after = (place["order"], place["name"]) if persona == place.get("persona") else None
            limit = room - len(found)
            page = self.reader.find_documents(
                DocumentQuery(ENTRY, self.tenant, {owned_key(persona)}, after=after, limit=limit)
            )
            found |= {entry_of(document).statement_id for document in page}
            if len(page) == limit:
                put_off.add(id)
                body = {"persona": persona, "order": page[-1].order, "name": page[-1].name}
                self.changes.answered.append((asked, replace(asked, body=orjson.dumps(body))))
                return found
        keys = {summarised_key(id)}
        for document in self.reader.find_documents(DocumentQuery(SUMMARY, self.tenant, keys, limit=_PAGE)):
            years[id].add(_person_and_year(document)[1])
        self.changes.answered.append((asked, None))
        return found

    def _held(self, key: str, person: str, page: Sequence[Document] | None = None) -> Iterator[Entry]:
        """The entries with this key; `page` is the first of their documents, if these are known."""
        query = DocumentQuery(ENTRY, self.tenant, {key}, limit=_PAGE)
        if page is not None:
            yield from (entry_of(document, person) for document in page)
            if len(page) < _PAGE:
                return
            query = replace(query, after=(page[-1].order, page[-1].name))
        for following in walk_documents(self.reader, query):
            yield from (entry_of(document, person) for document in following)

    def _years(
        self,
        some: Collection[tuple[str, int]],
        known: Mapping[str, Person],
        found: Found,
        now: Mapping[tuple[str, int], Sequence[Entry]],
        wanted: Collection[tuple[str, int]],
        end: float,
    ) -> set[tuple[str, int]]:
        """Work out some years of persons, each (id, year); those that must wait are returned.

        These are the ones with many entries, unless they are `wanted`, and what is left at the `end`.
        """
        keys = {
            each: [owned_key(persona, each[1]) for persona in known[each[0]].personas]
            for each in some
            if each[0] in known
        }
        owned = {key for several in keys.values() for key in several}
        pages = self.reader.find_many_documents(ENTRY, self.tenant, owned, limit=_PAGE)
        summaries = self.reader.documents(SUMMARY, self.tenant, {summary_name(*each) for each in some})
        touched = found.entries.keys()
        late: set[tuple[str, int]] = set()
        for place, (id, year) in enumerate(some):
            several = keys.get((id, year), ())
            is_large = any(len(pages[key]) == _PAGE for key in several) and (id, year) not in wanted
            if is_large or (place and time.monotonic() >= end):
                late.add((id, year))
                continue
            held = (entry for key in several for entry in self._held(key, id, pages[key]))
            # Some more than are counted: others may have come before them since, or go now.
            entries = {entry.id: entry for entry in islice(held, MOST_COUNTED + _PAGE + len(touched))}
            summary = summaries.get(summary_name(id, year))
            self._year(id, known.get(id), year, entries, summary, touched, now.get((id, year), ()))
        return late

    def _put_off(
        self,
        late: Collection[tuple[str, int]],
        wanted: Collection[tuple[str, int]],
        before: Mapping[str, Entry],
        now: Mapping[tuple[str, int], Sequence[Entry]],
    ) -> None:
        """Keep what the entries of these years are now, with the awards they had, and ask for the sums."""
        queued = self.reader.documents(UNCOUNTED, self.tenant, {summary_name(*each) for each in late})
        for each in late:
            for entry in now.get(each, ()):
                kept = before.get(entry.id)
                made = entry if kept is None else awarded(entry, kept.award)
                if kept is None or kept != replace(made, person=kept.person):
                    self.changes.puts.append(kept_entries.document_of(made, self.now))
            name = summary_name(*each)
            # Who waits already keeps their place; who has just had a turn goes to the end.
            if name not in queued or each in wanted:
                order = f"{self.now:020d}"
                document = Document(UNCOUNTED, self.tenant, name, b"{}", updated=self.now, order=order)
                self.changes.puts.append(document)

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
        entries.sort(key=lambda entry: (entry.place, entry.id))
        uncounted = [awarded(entry, NOT_COUNTED) for entry in entries[MOST_COUNTED:]]
        awards = awards_of(entries[:MOST_COUNTED], self.tables)
        full = [awarded(entry, awards[entry.id]) for entry in entries[:MOST_COUNTED]]
        for entry in (*full, *uncounted):
            if held.get(entry.id) != entry or entry.id in self.mislaid:
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


def _person_and_year(document: Document) -> tuple[str, int]:
    """Whose year a document with the name of its sums is about."""
    person, _, year = document.name.rpartition(":")
    return person, int(year)

"""Which forms of learning a person and an agency use, and what the person has used up of the limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from lrs.people.people import person_of
from lrs.records.awards import used_by
from lrs.records.entries import ENTRY, entry_of, owned_key
from lrs.records.projection.project import MOST_COUNTED
from lrs.records.tables import Tables
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store
from statements.profile.jp import Used

LATEST: Final = 100
"""Entries of a person, and of an agency, by which their forms are ordered."""
LOGGED: Final = ("self", "mentor")
"""Sources of entries that people log by a form."""


@dataclass(frozen=True, slots=True)
class FormsUsed:
    """What tells which form somebody will want, and for how much it can still count."""

    last: str
    """Code of the form that the person logged last; empty when there is none."""
    own: Mapping[str, int]
    """How often the person logged each form lately."""
    agency: Mapping[str, int]
    """How often everybody did."""
    used: Used
    """What the person's year has used up."""

    def order(self, code: str) -> tuple[bool, int, int]:
        """Sorts the forms that are used most to the top, the last one first."""
        return code != self.last, -self.own.get(code, 0), -self.agency.get(code, 0)


def forms_used(store: Store, tables: Tables, tenant: str, person: str, year: int) -> FormsUsed:
    """The forms that a person and the agency have used lately; bounded, however many entries there are."""
    with store.reading() as reader:
        known = person_of(reader, tenant, person)
        personas = (person,) if known is None else known.personas
        latest = _latest(
            found for persona in personas for found in _find(reader, tenant, {owned_key(persona)})
        )
        own, agency = _forms(latest), _forms(_find(reader, tenant, ()))
        counted = [
            entry_of(document, person)
            for persona in personas
            for document in reader.find_documents(
                DocumentQuery(ENTRY, tenant, {owned_key(persona, year)}, limit=MOST_COUNTED)
            )
        ][:MOST_COUNTED]
        used = used_by(counted, tables.history(reader, tenant))
    return FormsUsed(next(iter(own), ""), Counter(own), Counter(agency), used)


def _find(reader: Reader, tenant: str, keys: Iterable[str]) -> list[Document]:
    return reader.find_documents(DocumentQuery(ENTRY, tenant, frozenset(keys), descending=True, limit=LATEST))


def _latest(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=lambda one: (one.order, one.name), reverse=True)[:LATEST]


def _forms(documents: Iterable[Document]) -> list[str]:
    held = (orjson.loads(document.body) for document in documents)
    return [one["form"] for one in held if one["source"] in LOGGED]

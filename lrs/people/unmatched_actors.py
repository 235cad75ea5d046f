"""Whom statements name and nobody has launched as: listed for each source, with hints of names.

A source that names people in another way than launches do (by user name, by mailbox) fills records that
nobody sees. The list says which source it is and whom it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from lrs.people.links import ALIAS, PROVED, UNMATCHED, owners_of, person_of, source_key
from lrs.store.document_walk import walk_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store
from statements.masking import hinted, masked

PAGE = 100
MOST_COUNTED = 1_000
"""Unmatched actors of one tenant that are looked at for the counts of a page; more are said to be more."""


@dataclass(frozen=True, slots=True)
class UnmatchedActor:
    """One identifier that statements name and no launch has proved."""

    persona: str
    source: str
    """Name of the credential whose statement named it first; "" when that is not known."""
    kind: str
    """How it identifies: "account", "username", "mbox", "mbox_sha1sum" or "openid"."""
    home_page: str
    """Of an account; "" for the others. A stranger's text: numbers and addresses in it are hidden."""
    hint: str
    """Its value, of which only the first and the last characters are shown."""
    name: str
    """A hint of the name that came with it."""
    listed_since: int
    """Microseconds: when it was listed; a later statement of the same actor does not change it."""


@dataclass(frozen=True, slots=True)
class SourceCount:
    """How many unmatched actors one source has."""

    source: str
    count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The sources with unmatched actors, the one with most first."""

    sources: tuple[SourceCount, ...]
    complete: bool
    """False when there are more than were counted."""

    @property
    def total(self) -> int:
        """All that were counted."""
        return sum(each.count for each in self.sources)


@dataclass(frozen=True, slots=True)
class UnmatchedPage:
    """Some unmatched actors, and where those after them begin."""

    actors: tuple[UnmatchedActor, ...]
    after: str | None
    """Pass it on to get the next page; None at the end."""


class UnmatchedActors:
    """Reads the list; the follower and the launches keep it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(
        self, tenant: str, *, source: str | None = None, after: str | None = None, limit: int = PAGE
    ) -> UnmatchedPage:
        """A page of a tenant's unmatched actors, of one source or of all, in no particular order."""
        keys = {UNMATCHED} if source is None else {source_key(source)}
        place = None if after is None else ("", after)
        with self._store.reading() as reader:
            found = reader.find_documents(DocumentQuery(ALIAS, tenant, keys, after=place, limit=limit))
            still = _still_unmatched(reader, tenant, found)
            actors = tuple(_actor(reader, tenant, alias) for alias in still)
        return UnmatchedPage(actors, found[-1].name if len(found) == limit else None)

    def counts(self, tenant: str) -> Counts:
        """How many unmatched actors each source has."""
        found: dict[str, int] = {}
        seen = 0
        query = DocumentQuery(ALIAS, tenant, {UNMATCHED}, limit=PAGE)
        with self._store.reading() as reader:
            for page in walk_documents(reader, query):
                for alias in _still_unmatched(reader, tenant, page):
                    source = _source(alias)
                    found[source] = found.get(source, 0) + 1
                seen += len(page)
                if seen >= MOST_COUNTED and len(page) == PAGE:
                    complete = False
                    break
            else:
                complete = True
        ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return Counts(tuple(SourceCount(*each) for each in ordered), complete)


def _still_unmatched(reader: Reader, tenant: str, aliases: Sequence[Document]) -> list[Document]:
    """Those whose person has no proved identifier: an administrator may have linked them by hand."""
    owners = owners_of(reader, tenant, {alias.name for alias in aliases})
    personas = {persona for owner in owners.values() for persona in owner.personas}
    proved = {
        name for name, alias in reader.documents(ALIAS, tenant, personas).items() if PROVED in alias.keys
    }
    return [
        alias
        for alias in aliases
        if alias.name not in owners or proved.isdisjoint(owners[alias.name].personas)
    ]


def _source(alias: Document) -> str:
    prefix = source_key("")
    return next((key[len(prefix) :] for key in alias.keys if key.startswith(prefix)), "")


def _actor(reader: Reader, tenant: str, alias: Document) -> UnmatchedActor:
    held = orjson.loads(alias.body)
    home_page, separator, name = held["value"].rpartition("\x1f")
    person = person_of(reader, tenant, held["person"])
    return UnmatchedActor(
        persona=alias.name,
        source=_source(alias),
        kind=held["kind"],
        home_page=masked(home_page) if separator else "",
        hint=hinted(name.removeprefix("mailto:")),
        name="" if person is None else hinted(person.name),
        listed_since=alias.updated,
    )

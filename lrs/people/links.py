"""The persons of one tenant inside one write: who owns what, and how links and merges are made and undone.

The rules behind `lrs.people.people`, which is the way in.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Writer

ALIAS: Final = document_kinds.ALIAS
PERSON: Final = document_kinds.PERSON
LINK: Final = document_kinds.LINK
RECOUNT: Final = document_kinds.RECOUNT
"""Kind of the documents that ask for a person's entries and sums to be worked out anew."""
PROVED = "proved"
"""Index key of the aliases whose account launched or stands in a roster of a platform."""
MATCHED = "matched"
"""Index key of the other aliases of a person of whom one alias is `PROVED`."""
UNMATCHED = "unmatched"
"""Index key of the aliases that statements alone have named. Beside it each has one that names its source."""
MATCHED_OR_LISTED = frozenset({PROVED, MATCHED, UNMATCHED})
_DEEPEST = 16


class UnknownPersonError(LookupError):
    """There is no such person, or no such link."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person, as far as is known."""

    id: str
    name: str = ""
    employment: str = ""
    """"pns", "pppk" or "" when unknown; it decides the target."""
    personas: tuple[str, ...] = ()
    """Every persona that is this person's now, those of merged persons included."""
    merged_into: str = ""
    """The person that this one was found to be; "" while it stands for itself."""


@dataclass(frozen=True, slots=True)
class Link:
    """The fact that an identifier, or another person, belongs to a person."""

    id: str
    person: str
    persona: str = ""
    """The identifier's persona; "" for a merge."""
    absorbed: str = ""
    """The merged person; "" for an identifier."""
    author: str = ""
    reason: str = ""
    at: int = 0
    undone_by: str = ""
    undone_at: int = 0


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody whom a statement names."""

    key: str
    """The identifier key."""
    name: str
    source: str
    """Name of the credential whose statement it was; "" when nobody knows."""


def person_of(reader: Reader, tenant: str, id: str) -> Person | None:
    """The person that `id` stands for now, merges followed; None when it is unknown."""
    return roots_of(reader, tenant, (id,)).get(id)


def roots_of(reader: Reader, tenant: str, ids: Collection[str]) -> dict[str, Person]:
    """For each known person id the person that it stands for now, merges followed."""
    held: dict[str, Person] = {}
    wanted = set(ids)
    for _ in range(_DEEPEST):
        if not wanted:
            break
        found = reader.documents(PERSON, tenant, wanted)
        held |= {name: read_person(document) for name, document in found.items()}
        wanted = {person.merged_into for person in held.values()} - held.keys() - {""}
    roots: dict[str, Person] = {}
    for id in ids:
        person = held.get(id)
        while person is not None and person.merged_into:
            person = held.get(person.merged_into)
        if person is not None:
            roots[id] = person
    return roots


def owners_of(reader: Reader, tenant: str, personas: Collection[str]) -> dict[str, Person]:
    """For each persona that belongs to somebody, the person it belongs to now."""
    aliases = reader.documents(ALIAS, tenant, personas)
    owners = {name: str(orjson.loads(alias.body)["person"]) for name, alias in aliases.items()}
    roots = roots_of(reader, tenant, set(owners.values()))
    return {persona: roots[owner] for persona, owner in owners.items() if owner in roots}


@dataclass
class PersonLinks:
    """The persons of one tenant inside one write."""

    writer: Writer
    tenant: str
    now: int

    def owner(self, persona: str) -> Person | None:
        """The person whose this persona is now, if anybody's."""
        return owners_of(self.writer, self.tenant, (persona,)).get(persona)

    def root(self, id: str) -> Person:
        """The person that an id stands for now. UnknownPersonError."""
        person = person_of(self.writer, self.tenant, id)
        if person is None:
            raise UnknownPersonError("no such person")
        return person

    def own(self, id: str) -> Person:
        """The person as it stands by itself, merged or not."""
        document = self.writer.document(PERSON, self.tenant, id)
        if document is None:
            raise UnknownPersonError("no such person")
        return read_person(document)

    def keep(self, person: Person) -> None:
        """Write a person."""
        body = {
            "name": person.name,
            "employment": person.employment,
            "personas": person.personas,
            "merged_into": person.merged_into,
        }
        self._put(PERSON, person.id, {name: value for name, value in body.items() if value})

    def create(self, key: str, persona: str, name: str, *, source: str | None = None) -> Person:
        """A person of one identifier; one that has its id already (from before an undo) is used again.

        `source` names the credential whose statement named it; None for a person known in another way.
        """
        document = self.writer.document(PERSON, self.tenant, persona)
        person = Person(persona, name) if document is None else replace(read_person(document), merged_into="")
        person = replace(person, personas=_with(person.personas, (persona,)))
        self.keep(person)
        self._alias(key, persona, person.id, frozenset() if source is None else _unmatched(source))
        return person

    def is_proved(self, person: Person | None) -> bool:
        """Whether any identifier of the person was proved by a platform."""
        if person is None:
            return False
        aliases = self.writer.documents(ALIAS, self.tenant, person.personas)
        return any(PROVED in alias.keys for alias in aliases.values())

    def prove(self, id: str, persona: str) -> None:
        """Note that a platform proved this identifier: nothing of its person is unmatched any more."""
        person = self.root(id)
        for name, alias in self.writer.documents(ALIAS, self.tenant, person.personas).items():
            proved = name == persona or PROVED in alias.keys
            keys = frozenset({PROVED if proved else MATCHED})
            if keys != alias.keys:
                self.writer.put(replace(alias, keys=keys))

    def list_unmatched(self, alias: Document, source: str) -> None:
        """List an identifier that statements name, unless its person was proved by another one."""
        proved = self.is_proved(self.owner(alias.name))
        self.writer.put(replace(alias, keys=frozenset({MATCHED}) if proved else _unmatched(source)))

    def rename(self, id: str, name: str) -> None:
        """Bring a person's name up to date."""
        person = self.root(id)
        if person.name != name:
            self.keep(replace(person, name=name))

    def join(self, id: str, key: str, persona: str, author: str, reason: str) -> None:
        """Add an identifier unless it is there, or the same was undone before."""
        person = self.root(id)
        owner = self.owner(persona)
        if owner is not None and owner.id == person.id:
            return
        if not self._undone(person, persona, owner):
            self.add(person, key, persona, author, reason)

    def add(self, person: Person, key: str, persona: str, author: str, reason: str) -> Link:
        """Give a person one more identifier; whoever has it is merged."""
        owner = self.owner(persona)
        if owner is not None:
            return self.merge(person, owner, author, reason)
        self._alias(key, persona, person.id)
        self.keep(replace(person, personas=_with(person.personas, (persona,))))
        return self._fact(Link("", person.id, persona=persona, author=author, reason=reason))

    def merge(self, keep: Person, other: Person, author: str, reason: str) -> Link:
        """Record that two persons are one. ValueError when they are already."""
        if keep.id == other.id:
            raise ValueError("these are one person already")
        name, employment = keep.name or other.name, keep.employment or other.employment
        personas = _with(keep.personas, other.personas)
        self.keep(replace(keep, name=name, employment=employment, personas=personas))
        self.keep(replace(other, merged_into=keep.id))
        self.recount(keep.id)
        self.recount(other.id)
        return self._fact(Link("", keep.id, absorbed=other.id, author=author, reason=reason))

    def undo(self, id: str, author: str) -> Link:
        """Undo a link or a merge. UnknownPersonError; ValueError when it is undone already."""
        document = self.writer.document(LINK, self.tenant, id)
        if document is None:
            raise UnknownPersonError("no such link")
        fact = Link(**orjson.loads(document.body))
        if fact.undone_at:
            raise ValueError("this link is undone already")
        holders = self._line(fact.person)
        if fact.absorbed:
            freed = replace(self.own(fact.absorbed), merged_into="")
            self.keep(freed)
            gone, other = set(freed.personas), fact.absorbed
        else:
            gone, other = {fact.persona}, fact.persona
            self._give_back(fact.persona)
        for holder in holders:
            left = tuple(persona for persona in holder.personas if persona not in gone)
            self.keep(replace(holder, personas=left))
            self.recount(holder.id)
        self.recount(other)
        done = replace(fact, undone_by=author, undone_at=self.now)
        self._put_fact(done)
        return done

    def recount(self, id: str) -> None:
        """Ask for a person's entries and sums to be worked out anew."""
        self._put(RECOUNT, id, {})

    def _line(self, id: str) -> list[Person]:
        """A person and everyone it was merged into: all of them hold its personas."""
        line = [self.own(id)]
        while line[-1].merged_into:
            line.append(self.own(line[-1].merged_into))
        return line

    def _give_back(self, persona: str) -> None:
        """Let a persona stand for itself."""
        alias = self.writer.document(ALIAS, self.tenant, persona)
        if alias is None:
            raise UnknownPersonError("no such identifier")
        held = orjson.loads(alias.body)
        self.create(f"{held['kind']}\x1f{held['value']}", persona, "")

    def _undone(self, person: Person, persona: str, owner: Person | None) -> bool:
        """Whether somebody has taken this very identifier, or its owner, away from the person."""
        names = {persona} if owner is None else {persona, owner.id}
        found = self.writer.find_documents(DocumentQuery(LINK, self.tenant, {about(person.id)}, limit=1000))
        facts = [Link(**orjson.loads(document.body)) for document in found]
        return any(fact.undone_at and (fact.persona in names or fact.absorbed in names) for fact in facts)

    def _alias(self, key: str, persona: str, person: str, keys: frozenset[str] = frozenset()) -> None:
        kind, _, value = key.partition("\x1f")
        self._put(ALIAS, persona, {"kind": kind, "value": value, "person": person}, keys)

    def _fact(self, fact: Link) -> Link:
        made = f"{self.tenant}\x1f{fact.person}\x1f{fact.persona}\x1f{fact.absorbed}\x1f{self.now}"
        kept = replace(fact, id=str(uuid.uuid5(uuid.NAMESPACE_URL, made)), at=self.now)
        self._put_fact(kept)
        return kept

    def _put_fact(self, fact: Link) -> None:
        body = {name: getattr(fact, name) for name in Link.__slots__ if getattr(fact, name)}
        keys = frozenset(about(id) for id in (fact.person, fact.absorbed) if id)
        self._put(LINK, fact.id, body, keys, f"{fact.at:020d}")

    def _put(
        self, kind: str, name: str, body: Any, keys: frozenset[str] = frozenset(), order: str = ""
    ) -> None:
        document = Document(
            kind, self.tenant, name, orjson.dumps(body), updated=self.now, keys=keys, order=order
        )
        self.writer.put(document)


def source_key(source: str) -> str:
    """Index key of the unmatched identifiers that statements of one source named."""
    return f"source\x1f{source}"


def _unmatched(source: str) -> frozenset[str]:
    return frozenset({UNMATCHED, source_key(source)})


def about(person: str) -> str:
    """Index key of the links that concern a person."""
    return f"p\x1f{person}"


def read_person(document: Document) -> Person:
    """The person that a document holds, as it stands by itself."""
    held = orjson.loads(document.body)
    return Person(document.name, **(held | {"personas": tuple(held.get("personas", ()))}))


def _with(personas: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*personas, *more)))

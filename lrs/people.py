"""Who is behind the identifiers: persons, the alias table, and links that can be undone.

Each identifier (an account, an e-mail address, an NIP) has a *persona*: a keyed hash of it, made the same way
at any time, so that statements can be attributed without asking anything. A *person* is one or more personas;
its id is the persona of its first identifier. Identifiers themselves are kept in the alias table alone: never
in ids, entries, URLs or logs.

Linking an identifier and merging two persons are facts with an author, a time and a reason. Undoing one is a
fact, too; no entry or statement is rewritten by either, their sums are worked out anew.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from lrs.store.port import Document, Reader, Store, Writer

ALIAS, PERSON, LINK, SALT = "alias", "person", "link", "salt"
RECOUNT = "recount"
"""Kind of the documents that ask for a person's entries and sums to be worked out anew."""
SYSTEM = "system"
"""Author of the links that a launch makes by verified identifiers."""
_DEEPEST = 16


class UnknownPerson(LookupError):
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


def nip_key(number: str) -> str:
    """The identifier key of an NIP or NI PPPK; ValueError unless it has 18 digits."""
    digits = number.replace(" ", "")
    if len(digits) != 18 or not (digits.isascii() and digits.isdigit()):
        raise ValueError("an NIP has 18 digits")
    return f"nip\x1f{digits}"


class People:
    """The persons of every tenant. Identifier keys: `statements.identity.agent_key` and `nip_key`."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._salts: dict[str, bytes] = {}

    def persona(self, tenant: str, key: str) -> str:
        """The persona of an identifier, known or not."""
        digest = hashlib.blake2b(key.encode(), key=self._salt(tenant), digest_size=16).digest()
        return str(uuid.UUID(bytes=digest))

    def resolve(self, tenant: str, key: str) -> str | None:
        """The id of the person with this identifier; None when nobody is known by it."""
        return self.resolve_all(tenant, (key,)).get(key)

    def resolve_all(self, tenant: str, keys: Collection[str]) -> dict[str, str]:
        """Person ids by identifier key; unknown identifiers are missing."""
        personas = {key: self.persona(tenant, key) for key in keys}
        with self._store.reading() as reader:
            aliases = reader.documents(ALIAS, tenant, set(personas.values()))
            owners = {name: orjson.loads(alias.body)["person"] for name, alias in aliases.items()}
            roots = roots_of(reader, tenant, set(owners.values()))
        return {key: roots[owners[persona]].id for key, persona in personas.items() if persona in owners}

    def person(self, tenant: str, id: str) -> Person | None:
        """The person with this id or, if it was merged, the one that it is now."""
        with self._store.reading() as reader:
            return person_of(reader, tenant, id)

    def persons(self, tenant: str, ids: Collection[str]) -> dict[str, Person]:
        """Several persons by the ids asked for; unknown ones are missing."""
        with self._store.reading() as reader:
            return roots_of(reader, tenant, ids)

    def name(self, tenant: str, id: str) -> str:
        """The person's name, or "" when it is unknown."""
        person = self.person(tenant, id)
        return "" if person is None else person.name

    def identifiers(self, tenant: str, id: str, kind: str) -> list[str]:
        """The person's identifiers of one kind ("account", "mbox", "nip", ...), from the alias table."""
        with self._store.reading() as reader:
            person = person_of(reader, tenant, id)
            aliases = reader.documents(ALIAS, tenant, person.personas if person else ())
            held = [orjson.loads(alias.body) for alias in aliases.values()]
        return sorted(alias["value"] for alias in held if alias["kind"] == kind)

    def links(self, tenant: str, id: str) -> list[Link]:
        """The facts that made this person what it is, oldest first, undone ones too."""
        with self._store.reading() as reader:
            found = reader.find_documents(LINK, tenant, {_about(id)}, limit=1000)
        return [Link(**orjson.loads(document.body)) for document in found]

    def ensure(self, tenant: str, keys: Sequence[str], name: str = "") -> str:
        """The person with these identifiers, made or completed as needed; its id.

        The first identifier is the one that was proved (the account of a launch). Unknown identifiers are
        linked to its person, persons known by the others are merged into it, by `SYSTEM`. What somebody undid
        is not made again.
        """
        marked = [(key, self.persona(tenant, key)) for key in dict.fromkeys(keys)]
        if not marked:
            raise ValueError("a person needs an identifier")
        if known := self._settled(tenant, [persona for _, persona in marked], name):
            return known

        def work(writer: Writer) -> str:
            people = _Book(writer, tenant, self._clock())
            first_key, first = marked[0]
            person = people.owner(first)
            if person is None:
                person = people.create(first_key, first, "")
            for key, persona in marked[1:]:
                people.join(person.id, key, persona, SYSTEM, "launch")
            if name:
                people.rename(person.id, name)
            return people.root(person.id).id

        return self._store.writing(work)

    def link(self, tenant: str, person: str, key: str, *, author: str, reason: str = "") -> Link:
        """Give a person one more identifier; who had it before is merged. UnknownPerson.

        ValueError when the identifier is the person's already.
        """
        persona = self.persona(tenant, key)

        def work(writer: Writer) -> Link:
            people = _Book(writer, tenant, self._clock())
            return people.add(people.root(person), key, persona, author, reason)

        return self._store.writing(work)

    def merge(self, tenant: str, keep: str, other: str, *, author: str, reason: str = "") -> Link:
        """Record that `other` is the same person as `keep`. UnknownPerson; ValueError if they are one now."""

        def work(writer: Writer) -> Link:
            people = _Book(writer, tenant, self._clock())
            return people.merge(people.root(keep), people.root(other), author, reason)

        return self._store.writing(work)

    def unlink(self, tenant: str, link: str, *, author: str) -> Link:
        """Undo a link or a merge; the fact stays, marked. UnknownPerson; ValueError if it is undone."""

        def work(writer: Writer) -> Link:
            return _Book(writer, tenant, self._clock()).undo(link, author)

        return self._store.writing(work)

    def employ(self, tenant: str, id: str, employment: str) -> None:
        """Set the kind of employment ("pns", "pppk" or ""), and with it the target. UnknownPerson."""
        if employment not in ("pns", "pppk", ""):
            raise ValueError("employment is pns, pppk or nothing")

        def work(writer: Writer) -> None:
            people = _Book(writer, tenant, self._clock())
            person = people.root(id)
            if person.employment != employment:
                people.keep(replace(person, employment=employment))
                people.recount(person.id)

        self._store.writing(work)

    def meet(self, writer: Writer, tenant: str, met: Mapping[str, tuple[str, str]]) -> None:
        """Inside a write: make persons of personas that are seen for the first time.

        `met` maps a persona to its identifier key and the name it came with.
        """
        people = _Book(writer, tenant, self._clock())
        known = writer.documents(ALIAS, tenant, met)
        for persona, (key, name) in met.items():
            if persona not in known:
                people.create(key, persona, name)

    def _settled(self, tenant: str, personas: Sequence[str], name: str) -> str | None:
        """The person, when it has all these personas and this name already: most launches change nothing."""
        with self._store.reading() as reader:
            owners = owners_of(reader, tenant, personas)
        found = {owner.id: owner for owner in owners.values()}
        if len(owners) < len(set(personas)) or len(found) != 1:
            return None
        (person,) = found.values()
        return person.id if name in ("", person.name) else None

    def _salt(self, tenant: str) -> bytes:
        """The tenant's random key: without the store, a persona tells nothing of its identifier."""
        if (salt := self._salts.get(tenant)) is None:

            def work(writer: Writer) -> bytes:
                held = writer.document(SALT, tenant, "people")
                if held is None:
                    held = Document(
                        SALT, tenant, "people", secrets.token_bytes(32), "application/octet-stream"
                    )
                    writer.put(held)
                return held.body

            with self._store.reading() as reader:
                document = reader.document(SALT, tenant, "people")
            salt = self._salts[tenant] = document.body if document else self._store.writing(work)
        return salt


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
        held |= {name: _read(document) for name, document in found.items()}
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
class _Book:
    """The persons of one tenant inside one write."""

    writer: Writer
    tenant: str
    now: int

    def owner(self, persona: str) -> Person | None:
        return owners_of(self.writer, self.tenant, (persona,)).get(persona)

    def root(self, id: str) -> Person:
        person = person_of(self.writer, self.tenant, id)
        if person is None:
            raise UnknownPerson("no such person")
        return person

    def own(self, id: str) -> Person:
        """The person as it stands by itself, merged or not."""
        document = self.writer.document(PERSON, self.tenant, id)
        if document is None:
            raise UnknownPerson("no such person")
        return _read(document)

    def keep(self, person: Person) -> None:
        body = {
            "name": person.name,
            "employment": person.employment,
            "personas": person.personas,
            "merged_into": person.merged_into,
        }
        self._put(PERSON, person.id, {name: value for name, value in body.items() if value})

    def create(self, key: str, persona: str, name: str) -> Person:
        """A person of one identifier; one that has its id already (from before an undo) is used again."""
        document = self.writer.document(PERSON, self.tenant, persona)
        person = Person(persona, name) if document is None else replace(_read(document), merged_into="")
        person = replace(person, personas=_with(person.personas, (persona,)))
        self.keep(person)
        self._alias(key, persona, person.id)
        return person

    def rename(self, id: str, name: str) -> None:
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
        owner = self.owner(persona)
        if owner is not None:
            return self.merge(person, owner, author, reason)
        self._alias(key, persona, person.id)
        self.keep(replace(person, personas=_with(person.personas, (persona,))))
        return self._fact(Link("", person.id, persona=persona, author=author, reason=reason))

    def merge(self, keep: Person, other: Person, author: str, reason: str) -> Link:
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
        document = self.writer.document(LINK, self.tenant, id)
        if document is None:
            raise UnknownPerson("no such link")
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
            raise UnknownPerson("no such identifier")
        held = orjson.loads(alias.body)
        self.create(f"{held['kind']}\x1f{held['value']}", persona, "")

    def _undone(self, person: Person, persona: str, owner: Person | None) -> bool:
        """Whether somebody has taken this very identifier, or its owner, away from the person."""
        names = {persona} if owner is None else {persona, owner.id}
        found = self.writer.find_documents(LINK, self.tenant, {_about(person.id)}, limit=1000)
        facts = [Link(**orjson.loads(document.body)) for document in found]
        return any(fact.undone_at and (fact.persona in names or fact.absorbed in names) for fact in facts)

    def _alias(self, key: str, persona: str, person: str) -> None:
        kind, _, value = key.partition("\x1f")
        self._put(ALIAS, persona, {"kind": kind, "value": value, "person": person})

    def _fact(self, fact: Link) -> Link:
        made = f"{self.tenant}\x1f{fact.person}\x1f{fact.persona}\x1f{fact.absorbed}\x1f{self.now}"
        kept = replace(fact, id=str(uuid.uuid5(uuid.NAMESPACE_URL, made)), at=self.now)
        self._put_fact(kept)
        return kept

    def _put_fact(self, fact: Link) -> None:
        body = {name: getattr(fact, name) for name in Link.__slots__ if getattr(fact, name)}
        keys = frozenset(_about(id) for id in (fact.person, fact.absorbed) if id)
        self._put(LINK, fact.id, body, keys, f"{fact.at:020d}")

    def _put(
        self, kind: str, name: str, body: Any, keys: frozenset[str] = frozenset(), order: str = ""
    ) -> None:
        document = Document(
            kind, self.tenant, name, orjson.dumps(body), updated=self.now, keys=keys, order=order
        )
        self.writer.put(document)


def _about(person: str) -> str:
    return f"p\x1f{person}"


def _read(document: Document) -> Person:
    held = orjson.loads(document.body)
    return Person(document.name, **(held | {"personas": tuple(held.get("personas", ()))}))


def _with(personas: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*personas, *more)))

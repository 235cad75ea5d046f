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
from dataclasses import replace
from typing import Final

import orjson

from lrs import document_kinds
from lrs.people.links import (
    ALIAS,
    LINK,
    MATCHED_OR_LISTED,
    PROVED,
    RECOUNT,
    Link,
    Met,
    Person,
    PersonLinks,
    UnknownPersonError,
    about,
    owners_of,
    person_of,
    roots_of,
)
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints
from statements.data_types.identity import agent_key

__all__ = [
    "ALIAS",
    "LINK",
    "RECOUNT",
    "SALT",
    "SYSTEM",
    "Link",
    "Met",
    "People",
    "Person",
    "UnknownPersonError",
    "mailbox_key",
    "nip_key",
    "owners_of",
    "person_of",
    "roots_of",
    "username_key",
]

SALT: Final = document_kinds.SALT
SYSTEM = "system"
"""Author of the links that a launch makes by verified identifiers."""


def nip_key(number: str) -> str:
    """The identifier key of an NIP or NI PPPK; ValueError unless it has 18 digits."""
    digits = number.replace(" ", "")
    if len(digits) != 18 or not (digits.isascii() and digits.isdigit()):
        raise ValueError("an NIP has 18 digits")
    return f"nip\x1f{digits}"


def username_key(home_page: str, username: str) -> str:
    """The identifier key of somebody's user name at a platform.

    In a statement it has the form of an account, home page and name; there the name is the user's number. The
    two are kinds of their own here: the user name "1042" must not be taken for user number 1042.
    """
    return f"username\x1f{home_page}\x1f{username}"


def mailbox_key(address: str) -> str:
    """The identifier key of an e-mail address, as statements with an `mbox` have it."""
    key = agent_key({"mbox": f"mailto:{address}"})
    if key is None:
        raise ValueError("a mailbox always identifies")
    return key


class People:
    """The persons of every tenant. Identifier keys: `agent_key` of a statement's agent, and `nip_key`."""

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

    def personas_of(self, tenant: str, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """All personas of whoever has these identifiers, by identifier key.

        Where nobody is known by one, its own: statements may name it before its person comes.
        """
        own = {key: self.persona(tenant, key) for key in keys}
        with self._store.reading() as reader:
            owners = owners_of(reader, tenant, set(own.values()))
        return {
            key: owners[persona].personas if persona in owners else (persona,) for key, persona in own.items()
        }

    def siblings_of(self, tenant: str, personas: Collection[str]) -> set[str]:
        """These personas, with all others of the persons whom they belong to."""
        with self._store.reading() as reader:
            owners = owners_of(reader, tenant, personas)
        return {*personas, *(one for owner in owners.values() for one in owner.personas)}

    def accounts_of(self, tenant: str, personas: Collection[str]) -> dict[str, list[tuple[str, str]]]:
        """The accounts (home page, name) of the person whom each of these personas belongs to."""
        with self._store.reading() as reader:
            owners = owners_of(reader, tenant, personas)
            everything = {persona for owner in owners.values() for persona in owner.personas}
            aliases = reader.documents(ALIAS, tenant, everything)
        accounts: dict[str, tuple[str, str]] = {}
        for persona, alias in aliases.items():
            held = orjson.loads(alias.body)
            if held["kind"] == "account":
                home_page, _, name = held["value"].partition("\x1f")
                accounts[persona] = home_page, name
        return {
            persona: [accounts[one] for one in owner.personas if one in accounts]
            for persona, owner in owners.items()
        }

    def links(self, tenant: str, id: str) -> list[Link]:
        """The facts that made this person what it is, oldest first, undone ones too."""
        with self._store.reading() as reader:
            found = reader.find_documents(DocumentQuery(LINK, tenant, {about(id)}, limit=1000))
        return [Link(**orjson.loads(document.body)) for document in found]

    def ensure(
        self, tenant: str, keys: Sequence[str], name: str = "", *, reusable: Sequence[str] = ()
    ) -> str:
        """The person with these identifiers, made or completed as needed; its id.

        The first identifier is the one that was proved (the account of a launch). Unknown identifiers are
        linked to its person, persons known by the others are merged into it, by `SYSTEM`. What somebody undid
        is not made again.

        `reusable` identifiers may pass from one person to another, as a user name does that an administrator
        gives to somebody else. They are linked unless they belong to somebody who has proved another one.
        """
        marked = [(key, self.persona(tenant, key)) for key in dict.fromkeys(keys)]
        if not marked:
            raise ValueError("a person needs an identifier")
        passing = [(key, self.persona(tenant, key)) for key in dict.fromkeys(reusable)]
        first_key, first = marked[0]
        lasting = [persona for _, persona in marked]
        if known := self._settled(tenant, first, lasting, [persona for _, persona in passing], name):
            return known

        def work(writer: Writer) -> str:
            people = PersonLinks(writer, tenant, self._clock())
            person = people.owner(first)
            if person is None:
                person = people.create(first_key, first, "")
            for key, persona in marked[1:]:
                people.join(person.id, key, persona, SYSTEM, "launch")
            for key, persona in passing:
                if not people.is_proved(people.owner(persona)):
                    people.join(person.id, key, persona, SYSTEM, "launch")
            if name:
                people.rename(person.id, name)
            people.prove(person.id, first)
            return people.root(person.id).id

        return self._store.writing(work, WriteHints(tenant=tenant))

    def link(self, tenant: str, person: str, key: str, *, author: str, reason: str = "") -> Link:
        """Give a person one more identifier; who had it before is merged. UnknownPersonError.

        ValueError when the identifier is the person's already.
        """
        persona = self.persona(tenant, key)

        def work(writer: Writer) -> Link:
            people = PersonLinks(writer, tenant, self._clock())
            return people.add(people.root(person), key, persona, author, reason)

        return self._store.writing(work, WriteHints(tenant=tenant))

    def merge(self, tenant: str, keep: str, other: str, *, author: str, reason: str = "") -> Link:
        """Record that `other` is the same person as `keep`.

        UnknownPersonError when one of them does not exist; ValueError when they are one person already.
        """

        def work(writer: Writer) -> Link:
            people = PersonLinks(writer, tenant, self._clock())
            return people.merge(people.root(keep), people.root(other), author, reason)

        return self._store.writing(work, WriteHints(tenant=tenant))

    def unlink(self, tenant: str, link: str, *, author: str) -> Link:
        """Undo a link or a merge; the fact stays, marked. UnknownPersonError; ValueError if it is undone."""

        def work(writer: Writer) -> Link:
            return PersonLinks(writer, tenant, self._clock()).undo(link, author)

        return self._store.writing(work, WriteHints(tenant=tenant))

    def employ(self, tenant: str, id: str, employment: str) -> None:
        """Set the kind of employment ("pns", "pppk" or ""), and with it the target. UnknownPersonError."""
        if employment not in ("pns", "pppk", ""):
            raise ValueError("employment is pns, pppk or nothing")

        def work(writer: Writer) -> None:
            people = PersonLinks(writer, tenant, self._clock())
            person = people.root(id)
            if person.employment != employment:
                people.keep(replace(person, employment=employment))
                people.recount(person.id)

        self._store.writing(work, WriteHints(tenant=tenant))

    def meet(self, writer: Writer, tenant: str, met: Mapping[str, Met]) -> None:
        """Inside a write: make persons of personas that are seen for the first time; `met` is by persona."""
        people = PersonLinks(writer, tenant, self._clock())
        known = writer.documents(ALIAS, tenant, met)
        for persona, one in met.items():
            alias = known.get(persona)
            if alias is None:
                people.create(one.key, persona, one.name, source=one.source)
            elif alias.keys.isdisjoint(MATCHED_OR_LISTED):
                people.list_unmatched(alias, one.source)

    def _settled(
        self, tenant: str, first: str, personas: Sequence[str], passing: Sequence[str], name: str
    ) -> str | None:
        """The person, when it has all these personas and this name already: most launches change nothing."""
        with self._store.reading() as reader:
            aliases = reader.documents(ALIAS, tenant, {*personas, *passing})
            owners = owners_of(reader, tenant, aliases)
        found = {owners[persona].id: owners[persona] for persona in personas if persona in owners}
        if not owners.keys() >= {*personas, *passing} or len(found) != 1:
            return None
        (person,) = found.values()
        if PROVED not in aliases[first].keys or name not in ("", person.name):
            return None
        # Another person's user name stays theirs; whether it does is looked at again at each launch.
        return person.id if all(owners[one].id == person.id for one in passing) else None

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
            salt = self._salts[tenant] = (
                document.body if document else self._store.writing(work, WriteHints(tenant=tenant))
            )
        return salt

"""Deputies: who decides in a verifier's place for a time, in their own launch and in their own name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from lrs import document_kinds
from lrs.people.people import People
from lrs.store import json_documents
from lrs.store.documents import Document
from lrs.store.port import Store, Writer
from lti_tool.accounts import account_key
from lti_tool.launch.sessions import LaunchSession
from lti_tool.settings import SECOND
from lti_tool.tokens import digest

KIND: Final = document_kinds.DEPUTY
MOST_DAYS: Final = 90
"""How long somebody may be a deputy before being named anew."""
MOST: Final = 20
"""Deputies of one verifier, and verifiers of one deputy, that are looked at."""


@dataclass(frozen=True, slots=True)
class Deputy:
    """That somebody decides in another's place. Names come from the platform: escape them."""

    name: str
    """Of its document."""
    by: str
    """The persona of the verifier, and what they are called."""
    by_name: str
    to: str
    to_name: str
    course: str
    """The course whose people they decide about, too; "" when the verifier does not teach it."""
    until: int
    """Microseconds."""


class Deputies:
    """Name deputies, take them back, and find them. What they decided stays."""

    def __init__(self, store: Store, people: People, clock: Callable[[], int]) -> None:
        self._store = store
        self._people = people
        self._clock = clock

    def appoint(self, session: LaunchSession, subject: str, called: str, until: int) -> Deputy:
        """Let somebody of the course decide in the place of the person who launched.

        ValueError when that is the person themselves, or the time is over or too long.
        """
        now = self._clock()
        if subject == session.subject or not now < until <= now + MOST_DAYS * 86_400 * SECOND:
            raise ValueError("a deputy is somebody else, for a time that lies ahead")
        tenant = session.tenant
        by = self._people.persona(tenant, account_key(*session.account))
        to = self._people.persona(tenant, account_key(session.issuer, subject))
        course = session.context_key if session.is_instructor else ""
        one = Deputy(digest(by, to, course), by, session.name, to, called, course, until)
        value = {name: getattr(one, name) for name in Deputy.__dataclass_fields__}
        keys = (_to(to), _by(by))

        def work(writer: Writer) -> None:
            order = json_documents.expiry_order(until)
            json_documents.clear_expired(writer, KIND, now, tenant)
            json_documents.put(writer, KIND, one.name, value, now=now, scope=tenant, keys=keys, order=order)

        self._store.writing(work)
        return one

    def dismiss(self, session: LaunchSession, name: str) -> bool:
        """Take back a deputy of the person who launched; whether there was one."""
        mine = self._people.persona(session.tenant, account_key(*session.account))

        def work(writer: Writer) -> bool:
            kept = json_documents.get(writer, KIND, name, scope=session.tenant)
            return kept is not None and kept["by"] == mine and writer.delete(KIND, session.tenant, [name]) > 0

        return self._store.writing(work)

    def of(self, tenant: str, personas: Collection[str]) -> list[Deputy]:
        """Who decides in the place of a person now."""
        return self._found(tenant, {_by(persona) for persona in personas})

    def represented_by(self, tenant: str, personas: Collection[str]) -> list[Deputy]:
        """In whose place a person decides now."""
        return self._found(tenant, {_to(persona) for persona in personas})

    def _found(self, tenant: str, keys: Collection[str]) -> list[Deputy]:
        now = self._clock()
        with self._store.reading() as reader:
            pages = reader.find_many_documents(KIND, tenant, keys, limit=5 * MOST)
        found = {one.name: _deputy(one) for page in pages.values() for one in page}
        return sorted((one for one in found.values() if one.until > now), key=lambda one: one.until)[:MOST]


def _deputy(document: Document) -> Deputy:
    value: dict[str, Any] = json_documents.value_of(document)
    return Deputy(**value)


def _to(persona: str) -> str:
    return f"to\x1f{persona}"


def _by(persona: str) -> str:
    return f"by\x1f{persona}"

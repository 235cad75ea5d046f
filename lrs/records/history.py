"""The whole life of an entry: who logged, changed, confirmed and decided what, when, and by which way.

Nothing is kept for it. It is read from the statements: the one that makes the entry, those whose place it
took, and the decisions about each of them, undone ones too. The one-time links that ask somebody to confirm
the entry add their own events; these are kept only as long as the links.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import orjson

from lrs.names import RESERVED
from lrs.people.people import People, person_of
from lrs.records.entries import Entry, entry_id
from lrs.records.tables import Tables
from lrs.records.verifier_links import VerifierLink, VerifierLinks
from lrs.store.log import LogQuery, Record
from lrs.store.port import Reader, Store
from lrs.xapi.decisions import DECISION, decided_at, decided_key, voided_key
from statements.data_types.exact_json import loads
from statements.data_types.identity import agent_key
from statements.data_types.timestamps import parse
from statements.keys import target_key, verb_filter_key
from statements.profile.classify import Learning, SignOff, classify
from statements.profile.table import Table
from statements.profile.vocabulary import BY_LINK, DECISION_VERBS, Decision

MOST_VERSIONS: Final = 50
"""Statements of one entry that its history goes back to."""
MOST_DECISIONS: Final = 20
"""Decisions about each of them that are looked at, and as many undone ones of each kind."""
MOST_BYTES: Final = 2 << 20
"""Bytes of the earlier statements that are read; beyond them the history goes back no further."""


class What(StrEnum):
    """What happened to an entry."""

    LOGGED = "logged"
    REPORTED = "reported"
    """A learning platform saw it."""
    CHANGED = "changed"
    ASKED = "asked"
    """The learner made a one-time link for somebody."""
    OPENED = "opened"
    REVOKED = "revoked"
    EXPIRED = "expired"
    VERIFIED = "verified"
    RETURNED = "returned"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    UNDONE = "undone"
    """A decision was taken back."""


class Way(StrEnum):
    """By which way something came into the record."""

    PAGE = "page"
    """The pages of this program, after a launch."""
    LINK = "link"
    """A one-time link, without an account."""
    KEY = "key"
    """Another program, with a credential."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    what: What
    at: int
    """Microseconds."""
    who: str = ""
    """Their name, as a statement or the learner wrote it."""
    way: Way = Way.PAGE
    credential: str = ""
    """Name of the credential by which another program sent it."""
    position: str = ""
    """The office of who decided, as they say it."""
    reason: str = ""
    statement_ids: tuple[str, ...] = ()
    """The statements that say it."""


@dataclass(frozen=True, slots=True)
class History:
    """What happened to an entry, in order of time, and the statements behind it."""

    events: tuple[Event, ...]
    bodies: Mapping[str, bytes]
    """By statement id, as they are stored."""


@dataclass(slots=True)
class _Reading:
    """One reading of a history from one snapshot."""

    reader: Reader
    tenant: str
    table: Table
    events: list[tuple[int, int, Event]] = field(default_factory=list)
    """With their time, and when the statement that tells of each was stored."""
    bodies: dict[str, bytes] = field(default_factory=dict)

    def get(self, ids: Collection[str]) -> dict[str, Record]:
        """Records by id, remembered as statements behind the history."""
        found = dict(self.reader.get(self.tenant, ids)) if ids else {}
        self.bodies |= {id: record.body for id, record in found.items()}
        return found

    def add(
        self,
        what: What,
        record: Record,
        at: int | None,
        *,
        who: str,
        behind: tuple[str, ...],
        said: SignOff | None = None,
    ) -> None:
        """Add an event that a statement tells of.

        What a learner logs on our pages is dated by the day that they learned: it happened when it was
        stored. Another program may bring what happened long ago.
        """
        authority = loads(record.body).get("authority") or {}
        sender = str((authority.get("account") or {}).get("name") or authority.get("name") or "")
        is_ours = sender == RESERVED
        way = Way.LINK if said and said.channel == BY_LINK else Way.PAGE if is_ours else Way.KEY
        if at is None or (is_ours and what in (What.LOGGED, What.CHANGED)):
            at = record.stored
        position, reason = (said.position, said.reason) if said else ("", "")
        credential = sender if way is Way.KEY else ""
        event = Event(what, at, who, way, credential, position, reason, behind)
        self.events.append((at, record.stored, event))


class Histories:
    """Reads histories. Safe to use from many threads."""

    def __init__(self, store: Store, people: People, tables: Tables, links: VerifierLinks) -> None:
        self._store = store
        self._people = people
        self._tables = tables
        self._links = links

    def of(self, entry: Entry, now: int) -> History:
        """The history of an entry; `now` (microseconds) tells which links have expired."""
        with self._store.reading() as reader:
            owner = person_of(reader, entry.tenant, entry.person)
            own = set(owner.personas) if owner is not None else {entry.persona}
            reading = _Reading(reader, entry.tenant, self._tables.history(reader, entry.tenant).current)
            versions = self._versions(reading, entry.statement_id, own)
            voided = self._voidings(reading, [id for id, _, _ in versions[1:]])
            for place, (id, record, learning) in enumerate(versions):
                earlier = versions[place + 1][0] if place + 1 < len(versions) else ""
                what = What.CHANGED if learning.replaces else What.LOGGED
                void = voided.get(earlier)
                behind = (id,) if void is None else (void.id, id)
                reading.add(
                    What.REPORTED if learning.automatic else what,
                    record,
                    None if learning.at > record.stored else learning.at,
                    who=learning.actor.name,
                    behind=behind,
                )
            self._decisions(reading, [id for id, _, _ in versions], own)
        for id, _, _ in versions:
            for link in self._links.of_entry(entry.tenant, entry_id(entry.tenant, id)):
                reading.events += ((one.at, one.at, one) for one in _asked(link, now))
        events = [event for _, _, event in sorted(reading.events, key=lambda one: one[:2])]
        return History(tuple(events), reading.bodies)

    def _versions(
        self, reading: _Reading, id: str, own: Collection[str]
    ) -> list[tuple[str, Record, Learning]]:
        """The statement of the entry and those whose place it took, as far as they are the owner's own."""
        found: list[tuple[str, Record, Learning]] = []
        seen: set[str] = set()
        size = 0
        while id and id not in seen and len(found) < MOST_VERSIONS and size <= MOST_BYTES:
            seen.add(id)
            record = reading.reader.get(reading.tenant, [id]).get(id)
            if record is None:
                break
            statement = loads(record.body)
            learning = classify(statement, reading.table)
            key = agent_key(statement["actor"])
            # Anybody may write any id as what they replace: what is not theirs is none of their history.
            if not isinstance(learning, Learning) or key is None:
                break
            if self._people.persona(reading.tenant, key) not in own or (found and not record.hidden):
                break
            size += len(record.body)
            reading.bodies[id] = record.body
            found.append((id, record, learning))
            id = learning.replaces or ""
        return found

    def _voidings(self, reading: _Reading, ids: Sequence[str]) -> dict[str, Record]:
        """The first counting voiding of each of these statements."""
        if not ids:
            return {}
        keys = {voided_key(id): id for id in ids}
        documents = reading.reader.find_many_documents(DECISION, reading.tenant, keys, limit=1)
        names = {page[0].name: keys[key] for key, page in documents.items() if page}
        return {names[id]: record for id, record in reading.get(names).items()}

    def _decisions(self, reading: _Reading, ids: Sequence[str], own: Collection[str]) -> None:
        """Add the decisions about these statements that count or once did, and their undoing."""
        keys = [decided_key(id) for id in ids]
        documents = reading.reader.find_many_documents(DECISION, reading.tenant, keys, limit=MOST_DECISIONS)
        counting = {one.name for page in documents.values() for one in page}
        counting |= set(self._lapsed(reading, ids))
        records = reading.get(counting)
        voidings = self._voidings(reading, [id for id, record in records.items() if record.hidden])
        for id, record in records.items():
            said = classify(loads(record.body), reading.table)
            if not isinstance(said, SignOff) or self._people.persona(reading.tenant, said.by.key) in own:
                continue
            reading.add(
                _DECIDED[said.decision],
                record,
                decided_at(said.at, record.stored),
                who=said.by.name,
                behind=(id,),
                said=said,
            )
            if (void := voidings.get(id)) is not None:
                told = loads(void.body)
                at = decided_at(parse(told["timestamp"]), void.stored)
                who = _name(told["actor"])
                reading.add(What.UNDONE, void, at, who=who, behind=(void.id, id))

    def _lapsed(self, reading: _Reading, ids: Sequence[str]) -> Iterator[str]:
        """Ids of the decisions about these statements that counted until they were undone."""
        hidden = [
            record.id
            for id in ids
            for verb in DECISION_VERBS.values()
            for record in reading.reader.find(
                LogQuery(
                    reading.tenant,
                    (target_key(id), verb_filter_key(verb)),
                    limit=MOST_DECISIONS,
                    include_hidden=True,
                )
            )
            if record.hidden
        ]
        kept = reading.reader.documents(DECISION, reading.tenant, hidden) if hidden else {}
        yield from (id for id, one in kept.items() if orjson.loads(one.body).get("counts"))


def _asked(link: VerifierLink, now: int) -> Iterator[Event]:
    """What became of a one-time link; its decision is a statement, and told as one."""
    yield Event(What.ASKED, link.created, link.name, Way.LINK)
    if link.opened:
        yield Event(What.OPENED, link.opened, link.name, Way.LINK)
    if link.revoked:
        yield Event(What.REVOKED, link.revoked, link.name, Way.LINK)
    elif not link.decided and link.expires <= now:
        yield Event(What.EXPIRED, link.expires, link.name, Way.LINK)


def _name(actor: Mapping[str, Any]) -> str:
    name = actor.get("name")
    return name if isinstance(name, str) else ""


_DECIDED: Final = {
    Decision.VERIFIED: What.VERIFIED,
    Decision.RETURNED: What.RETURNED,
    Decision.REJECTED: What.REJECTED,
    Decision.CONFIRMED: What.CONFIRMED,
}

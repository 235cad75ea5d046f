"""One-time links by which somebody without an account confirms, returns or rejects one entry.

A learner names a supervisor or mentor who is not in the course and hands the link over by whatever they use.
The link's code is 128 random bits, of which only a hash is kept; it is shown once, when the link is made.
A link is bound to one entry, expires, can be revoked by the learner, and is used up by the decision: the id
of the decision's statement is made from the link's id, so the log itself takes one decision and no second.

What the learner wrote down about the person (an address, a telephone number) stands with the link alone, and
goes with it `KEPT_DAYS` after the link has ended.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

from lrs import document_kinds
from lrs.records.entries import Entry, Status
from lrs.records.records import Records
from lrs.store import json_documents
from lrs.store.document_walk import walk_documents
from lrs.store.documents import DocumentQuery
from lrs.store.errors import StoreError
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import STRANGERS, WriteHints
from statements.profile.build import decision_statement
from statements.profile.vocabulary import BY_LINK, LINKS, Decision

KIND: Final = document_kinds.VERIFIER_LINK
"""Kind of the documents: the scope is "", the name the hash of the code."""
CODE_BYTES: Final = 16
CODE_LENGTH: Final = 22
"""Characters of a code."""
KEPT_DAYS: Final = 30
"""Days for which a link is kept after it has ended."""
MOST_OPEN: Final = 10
"""Links of one entry that are open at once."""
MOST_KEPT: Final = 30
"""Links of one entry that are kept, ended ones included."""
SWEEP_SECONDS: Final = 3600
_DAY: Final = 86_400_000_000
_NAMESPACE: Final = uuid.UUID("0d5a2f3c-7d0e-5c2b-8a57-6a656a616b02")

_log = logging.getLogger(__name__)


class Why(StrEnum):
    """Why a link cannot be made or used."""

    UNKNOWN = "unknown"
    """No link has this code, or it ended long ago."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    USED = "used"
    GONE = "gone"
    """The entry was changed or withdrawn after the link was made."""
    DECIDED = "decided"
    """A verifier has decided about the entry meanwhile."""
    TOO_MANY = "too-many"
    """The entry has as many open links as it may have."""


class LinkRefusedError(Exception):
    """A link cannot be made or used."""

    def __init__(self, why: Why, link: VerifierLink | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.link = link


class State(StrEnum):
    """What the learner sees of a link."""

    SENT = "sent"
    OPENED = "opened"
    DECIDED = "decided"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class VerifierLink:
    """One link. Times are microseconds since the epoch; 0 is not yet."""

    id: str
    tenant: str
    entry: str
    """Id of the entry that it is about."""
    name: str
    """Whom the learner named."""
    contact: str
    """Their e-mail address or telephone number, if the learner wrote it down."""
    created: int
    expires: int
    opened: int = 0
    revoked: int = 0
    decided: int = 0
    decision: str = ""

    @property
    def decision_id(self) -> str:
        """The id of the statement by which this link decides; there can be one alone."""
        return str(uuid.uuid5(_NAMESPACE, self.id))

    @property
    def ended(self) -> int:
        """When it ended, or will by itself."""
        return self.revoked or self.decided or self.expires

    def state(self, now: int) -> State:
        """Where it stands."""
        if self.decided:
            return State.DECIDED
        if self.revoked:
            return State.REVOKED
        if self.expires <= now:
            return State.EXPIRED
        return State.OPENED if self.opened else State.SENT

    def is_open(self, now: int) -> bool:
        """Whether somebody may still decide by it."""
        return self.state(now) in (State.SENT, State.OPENED)


class VerifierLinks:
    """Makes, finds and ends links. Safe to use from many threads."""

    def __init__(self, store: Store, records: Records, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since the epoch."""
        self._store = store
        self._records = records
        self._clock = clock

    def create(self, entry: Entry, *, id: str, name: str, contact: str = "", days: int) -> str | None:
        """Make a link for an entry that waits; its code, which is nowhere kept.

        `id` is chosen by who asks, so that a form that is sent twice makes one link: None when there is one.
        LinkRefusedError when the entry does not wait, or has `MOST_OPEN` open links.
        """
        if entry.status is not Status.SUBMITTED:
            raise LinkRefusedError(Why.DECIDED)
        code = secrets.token_urlsafe(CODE_BYTES)
        now = self._clock()
        link = VerifierLink(id, entry.tenant, entry.id, name, contact, now, now + days * _DAY)

        def work(writer: Writer) -> bool:
            json_documents.clear_expired(writer, KIND, now)
            if writer.find_documents(DocumentQuery(KIND, "", {_id_key(id)}, limit=1, bodies=False)):
                return False
            held = [one for _, one in _links(writer, entry.tenant, entry.id)]
            if len(held) >= MOST_KEPT or sum(one.is_open(now) for one in held) >= MOST_OPEN:
                raise LinkRefusedError(Why.TOO_MANY)
            _keep(writer, _hashed(code), link, now)
            return True

        return code if self._store.writing(work, WriteHints(tenant=entry.tenant)) else None

    def of_entry(self, tenant: str, entry_id: str) -> list[VerifierLink]:
        """The links of an entry, the latest first."""
        with self._store.reading() as reader:
            links = [_settled(reader, link) for _, link in _links(reader, tenant, entry_id)]
        return sorted(links, key=lambda link: (link.created, link.id), reverse=True)

    def revoke(self, tenant: str, entry_id: str, id: str) -> bool:
        """End a link; False when it has ended already."""

        def work(writer: Writer) -> bool:
            now = self._clock()
            for name, link in _links(writer, tenant, entry_id):
                if link.id == id and _settled(writer, link).is_open(now):
                    _keep(writer, name, replace(link, revoked=now), now)
                    return True
            return False

        return self._store.writing(work, WriteHints(tenant=tenant))

    def find(self, code: str) -> tuple[VerifierLink, Entry]:
        """The open link with this code, and its entry. LinkRefusedError otherwise. Changes nothing."""
        if len(code) != CODE_LENGTH:
            raise LinkRefusedError(Why.UNKNOWN)
        with self._store.reading() as reader:
            held = json_documents.get(reader, KIND, _hashed(code))
            if held is None:
                raise LinkRefusedError(Why.UNKNOWN)
            link = _settled(reader, VerifierLink(**held))
        state = link.state(self._clock())
        if state in _ENDED:
            raise LinkRefusedError(_ENDED[state], link)
        entry = self._records.entry(link.tenant, link.entry)
        if entry is None:
            raise LinkRefusedError(Why.GONE, link)
        if entry.status is not Status.SUBMITTED:
            raise LinkRefusedError(Why.DECIDED, link)
        return link, entry

    def open(self, code: str) -> None:
        """Note that somebody looked at what the link is about, the first time."""

        def work(writer: Writer) -> None:
            name, now = _hashed(code), self._clock()
            held = json_documents.get(writer, KIND, name)
            if held is not None and not held["opened"]:
                _keep(writer, name, replace(VerifierLink(**held), opened=now), now)

        self._store.writing(work, WriteHints(tenant=STRANGERS))

    def decision(
        self,
        link: VerifierLink,
        entry: Entry,
        decision: Decision,
        *,
        name: str,
        position: str,
        reason: str = "",
        language: str = "id",
    ) -> dict[str, Any]:
        """The statement by which the holder of a link decides: its actor is an account of the link.

        Send it, then `settle`. When another statement has its id already, the link was used before.
        """
        account: Mapping[str, Any] = {"homePage": LINKS, "name": link.id}
        return decision_statement(
            decision,
            id=link.decision_id,
            verifier={"objectType": "Agent", "name": name, "account": account},
            target=entry.statement_id,
            at=self._clock(),
            reason=reason,
            language=language,
            channel=BY_LINK,
            position=position,
        )

    def settle(self, code: str, decision: Decision) -> None:
        """Note with the link what was decided by it."""

        def work(writer: Writer) -> None:
            name, now = _hashed(code), self._clock()
            held = json_documents.get(writer, KIND, name)
            if held is not None:
                _keep(writer, name, replace(VerifierLink(**held), decided=now, decision=decision), now)

        self._store.writing(work, WriteHints(tenant=STRANGERS))

    def sweep(self) -> None:
        """Remove all links that ended more than `KEPT_DAYS` ago."""
        order = json_documents.expiry_order(self._clock())
        while True:
            with self._store.reading() as reader:
                first = reader.find_documents(DocumentQuery(KIND, "", limit=1, bodies=False))
            if not first or first[0].order >= order:
                return
            self._store.writing(lambda writer: json_documents.clear_expired(writer, KIND, self._clock()))

    def run_forever(self, stop: threading.Event) -> None:
        """Sweep every hour until told to stop."""
        while not stop.wait(SWEEP_SECONDS):
            try:
                self.sweep()
            except StoreError as error:
                _log.warning("verifier_links_not_swept problem=%s", type(error).__name__)


_ENDED: Final = {State.DECIDED: Why.USED, State.REVOKED: Why.REVOKED, State.EXPIRED: Why.EXPIRED}


def _hashed(code: str) -> str:
    """What is kept of a code. It is random, so nothing slower is needed."""
    return hashlib.sha256(f"{KIND}\x1f{code}".encode()).hexdigest()


def _id_key(id: str) -> str:
    return f"i\x1f{id}"


def _entry_key(tenant: str, entry_id: str) -> str:
    return f"e\x1f{tenant}\x1f{entry_id}"


def _links(reader: Reader, tenant: str, entry_id: str) -> list[tuple[str, VerifierLink]]:
    """The links of an entry, with the names of their documents; those that ended long ago are gone."""
    query = DocumentQuery(KIND, "", {_entry_key(tenant, entry_id)}, limit=100)
    return [
        (one.name, VerifierLink(**json_documents.value_of(one)))
        for page in walk_documents(reader, query)
        for one in page
    ]


def _keep(writer: Writer, name: str, link: VerifierLink, now: int) -> None:
    json_documents.put(
        writer,
        KIND,
        name,
        asdict(link),
        now=now,
        keys={_id_key(link.id), _entry_key(link.tenant, link.entry)},
        order=json_documents.expiry_order(link.ended + KEPT_DAYS * _DAY),
    )


def _settled(reader: Reader, link: VerifierLink) -> VerifierLink:
    """The link as its decision in the log has it, also when noting that was cut short."""
    if link.decided:
        return link
    record = reader.get(link.tenant, {link.decision_id}).get(link.decision_id)
    return link if record is None else replace(link, decided=record.stored)

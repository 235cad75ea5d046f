"""An entry: one piece of learning of one person, as it is kept and read.

Entries are derived: the statement, what verifiers said about it, and the table of JP decide all that is in
them. Each names the table's version and `RULES`, so that one knows what made it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.store.documents import Document
from statements.profile.classify import Learning
from statements.profile.jp import ZERO, Amount, Award, Cap, Claim, Counting
from statements.profile.reading import Evidence
from statements.profile.vocabulary import Decision

ENTRY: Final = document_kinds.ENTRY
RULES: Final = 3
"""Raised when entries must be derived anew because this program decides differently."""
_SHORTEST_NUMBER: Final = 4
"""Letters and digits of a certificate number that tells anything."""
_NAMESPACE: Final = uuid.UUID("6f1d9d2e-6f0b-5a54-9b1c-6a656a616b00")


class Status(StrEnum):
    """Where an entry stands."""

    SUBMITTED = "submitted"
    VERIFIED = "verified"
    RETURNED = "returned"
    REJECTED = "rejected"


_COUNTING: Final = {Status.VERIFIED: Counting.VERIFIED, Status.SUBMITTED: Counting.WAITING}


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody else in an entry: a mentor, a verifier."""

    persona: str
    """See `lrs.people.people`; a person may have several."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision that stands, or the confirmation."""

    decision: Decision
    by: Party
    at: int
    reason: str
    statement_id: str
    channel: str = ""
    """How they came to it, one of `statements.profile.vocabulary.CHANNELS`; empty where nothing is said."""
    position: str = ""
    """Their office, as they say it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of learning of one person."""

    id: str
    tenant: str
    person: str
    """Whose it is now; the persona never changes, the person it belongs to may."""
    persona: str
    statement_id: str
    form: str
    pillar: str
    title: Mapping[str, str]
    """By language tag."""
    start: date
    end: date
    at: int
    """Microseconds: the timestamp of the statement."""
    status: Status
    source: str
    """self, mentor, import, system or lms."""
    why: str
    """The rule that recognised it, see `statements.profile.classify.Learning.why`."""
    activity: str
    amount: Amount
    award: Award
    table: str
    """Version of the table of JP: of the time when it was verified, or the one in force now."""
    automatic: bool = False
    international: bool = False
    jp_claimed: Decimal | None = None
    jp_given: Decimal | None = None
    organiser: str = ""
    mentor: Party | None = None
    decided: Decided | None = None
    confirmed: Decided | None = None
    """The latest confirmation: somebody vouches for it, whatever the status is."""
    evidence: tuple[Evidence, ...] = ()
    courses: tuple[str, ...] = ()
    details: Mapping[str, str] | None = None
    replaces: str = ""

    @property
    def year(self) -> int:
        """The year it counts in: that of its last day, where the agency is."""
        return self.end.year

    @property
    def place(self) -> str:
        """Where it stands among others, in order of time."""
        return place_of(self)

    @property
    def jp(self) -> Decimal:
        """JP awarded; for a waiting entry, what it will be worth."""
        return self.award.jp

    @property
    def minutes(self) -> int | None:
        """The learning time, if the statement tells it."""
        return None if self.amount.seconds is None else self.amount.seconds // 60

    @property
    def statement_ids(self) -> tuple[str, ...]:
        """The statements that say it: the learning, the confirmation, and the decision that stands."""
        about = (one.statement_id for one in (self.confirmed, self.decided) if one is not None)
        return (self.statement_id, *about)

    def claim(self) -> Claim:
        """What is to be counted for it."""
        claim = claim_of(self, self.id, _COUNTING.get(self.status, Counting.NOT))
        return replace(claim, table=self.table) if self.status is Status.VERIFIED else claim


def place_of(told: Entry | Learning) -> str:
    """Where an entry, or learning that is about to become one, stands among others, in order of time."""
    return f"{told.end.isoformat()}\x1f{told.at:020d}"


def claim_of(told: Entry | Learning, id: str, counting: Counting) -> Claim:
    """What is to be counted for an entry, or for learning that is about to become one."""
    return Claim(
        id=id,
        form=told.form,
        start=told.start,
        end=told.end,
        at=told.at,
        counting=counting,
        amount=told.amount,
        international=told.international,
        claimed=told.jp_claimed,
        given=told.jp_given,
        automatic=told.automatic,
        once=told.activity if told.automatic else None,
    )


def entry_id(tenant: str, statement_id: str) -> str:
    """The id of the entry that a statement makes, whenever it is derived."""
    return str(uuid.uuid5(_NAMESPACE, f"{tenant}\x1f{statement_id}"))


def owned_key(persona: str, year: int | None = None) -> str:
    """Index key of the entries of a persona, of all years or of one."""
    return f"p\x1f{persona}" if year is None else f"p\x1f{persona}\x1f{year}"


def waiting_key(mentor_persona: str) -> str:
    """Index key of the entries that wait for somebody to confirm them."""
    return f"w\x1f{mentor_persona}"


def certificate_key(number: str) -> str:
    """Index key of the entries with a certificate number, however spaced; "" when it tells too little."""
    plain = "".join(one for one in number.casefold() if one.isalnum())
    return f"c\x1f{_digest(plain)}" if len(plain) >= _SHORTEST_NUMBER else ""


def evidence_key(sha2: str) -> str:
    """Index key of the entries with this file as evidence."""
    return f"e\x1f{sha2.lower()}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


WAITING: Final = "s\x1fsubmitted"
"""Index key of all entries that wait."""


def document_of(entry: Entry, updated: int) -> Document:
    """The entry as it is stored."""
    keys = {owned_key(entry.persona), owned_key(entry.persona, entry.year)}
    if entry.status is Status.SUBMITTED:
        keys.add(WAITING)
        if entry.mentor is not None:
            keys.add(waiting_key(entry.mentor.persona))
    if number := certificate_key((entry.details or {}).get("certificate", "")):
        keys.add(number)
    keys.update(evidence_key(one.sha2) for one in entry.evidence if one.sha2)
    return Document(
        ENTRY,
        entry.tenant,
        entry.id,
        orjson.dumps(_packed(entry)),
        updated=updated,
        keys=frozenset(keys),
        order=entry.place,
    )


def _packed(entry: Entry) -> dict[str, Any]:
    """Small JSON: what is empty or false is left out, decimals are text."""
    award = entry.award
    packed: dict[str, Any] = {
        "persona": entry.persona,
        "statement": entry.statement_id,
        "form": entry.form,
        "pillar": entry.pillar,
        "title": entry.title,
        "start": entry.start.isoformat(),
        "end": entry.end.isoformat(),
        "at": entry.at,
        "status": entry.status,
        "source": entry.source,
        "why": entry.why,
        "activity": entry.activity,
        "amount": {
            name: value for name in Amount.__slots__ if (value := getattr(entry.amount, name)) is not None
        },
        "jp": str(award.jp),
        "rule": award.rule,
        "params": award.params,
        "caps": [[cap.code, cap.params] for cap in award.caps],
        "table": entry.table,
        "rules": RULES,
        "automatic": entry.automatic,
        "international": entry.international,
        "claimed": None if entry.jp_claimed is None else str(entry.jp_claimed),
        "given": None if entry.jp_given is None else str(entry.jp_given),
        "organiser": entry.organiser,
        "mentor": _pair(entry.mentor),
        "decided": _decision(entry.decided),
        "confirmed": _decision(entry.confirmed),
        "evidence": [[e.title, e.sha2, e.url, e.content_type, e.size] for e in entry.evidence],
        "courses": entry.courses,
        "details": entry.details,
        "replaces": entry.replaces,
    }
    return {name: value for name, value in packed.items() if value not in (None, "", False, [], {}, ())}


def _decision(one: Decided | None) -> list[Any] | None:
    if one is None:
        return None
    said = [one.decision, _pair(one.by), one.at, one.reason, one.statement_id]
    return [*said, one.channel, one.position] if one.channel or one.position else said


def _read_decision(held: list[Any] | None) -> Decided | None:
    if held is None:
        return None
    decision, by, *rest = held
    return Decided(Decision(decision), Party(*by), *rest)


def _pair(party: Party | None) -> list[str] | None:
    return None if party is None else [party.persona, party.name]


def entry_of(document: Document, person: str | None = None) -> Entry:
    """The entry that a document holds, as `person`'s (its persona's own person when not told)."""
    held = orjson.loads(document.body)
    claimed, given, mentor = (held.get(n) for n in ("claimed", "given", "mentor"))
    caps = tuple(Cap(code, params) for code, params in held.get("caps", ()))
    return Entry(
        id=document.name,
        tenant=document.scope,
        person=person or held["persona"],
        persona=held["persona"],
        statement_id=held["statement"],
        form=held["form"],
        pillar=held["pillar"],
        title=held.get("title", {}),
        start=date.fromisoformat(held["start"]),
        end=date.fromisoformat(held["end"]),
        at=held.get("at", 0),
        status=Status(held["status"]),
        source=held["source"],
        why=held["why"],
        activity=held["activity"],
        amount=Amount(**held.get("amount", {})),
        award=Award(Decimal(held["jp"]), held["rule"], held.get("params", {}), caps),
        table=held["table"],
        automatic=held.get("automatic", False),
        international=held.get("international", False),
        jp_claimed=None if claimed is None else Decimal(claimed),
        jp_given=None if given is None else Decimal(given),
        organiser=held.get("organiser", ""),
        mentor=None if mentor is None else Party(*mentor),
        decided=_read_decision(held.get("decided")),
        confirmed=_read_decision(held.get("confirmed")),
        evidence=tuple(Evidence(*one) for one in held.get("evidence", ())),
        courses=tuple(held.get("courses", ())),
        details=held.get("details"),
        replaces=held.get("replaces", ""),
    )


def awarded(entry: Entry, award: Award) -> Entry:
    """The entry with the award that the whole year gives it."""
    return entry if entry.award == award else replace(entry, award=award)


NOT_YET: Final = Award(ZERO, "none")
"""The award of an entry before its year was worked out."""
NOT_COUNTED: Final = Award(ZERO, "not-counted")
"""The award of an entry beyond all that is counted of a year."""

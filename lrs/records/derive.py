"""From statements to entries, before JP: which entries do these statements touch, and what are those now?

An entry is worked out from the log each time, never patched: from its statement, from every sign-off that
points at it, and from the reversals of its completion. So the order in which statements arrive, how often
they do, and what was voided meanwhile make no difference to the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lrs.people import owners_of
from lrs.records.entries import NOT_YET, Decided, Entry, Party, Status, entry_id
from lrs.store.port import Reader, Record
from statements.classify import Classified, Learning, Reversal, SignOff, Someone, Voiding, classify
from statements.jsontext import loads
from statements.keys import target_key
from statements.profile.table import Table
from statements.profile.vocabulary import Decision

_DECIDED = {
    Decision.VERIFIED: Status.VERIFIED,
    Decision.RETURNED: Status.RETURNED,
    Decision.REJECTED: Status.REJECTED,
}
_MOST = 200
"""Sign-offs of one statement, or completions of one activity by one person, that are looked at."""


@dataclass(slots=True)
class Found:
    """What the touched statements are now."""

    entries: dict[str, Entry | None] = field(default_factory=dict)
    """By entry id; None where the statement makes no entry (any more)."""
    met: dict[str, Someone] = field(default_factory=dict)
    """Learners, by persona."""


@dataclass(slots=True)
class _Draft:
    record: Record
    learning: Learning
    decisions: list[tuple[SignOff, Record]]


class Derivation:
    """Works out entries of one tenant from one snapshot. `persona_of` is `lrs.people.People.persona`."""

    def __init__(
        self, reader: Reader, tenant: str, table: Table, persona_of: Callable[[str, str], str]
    ) -> None:
        self._reader = reader
        self._tenant = tenant
        self._table = table
        self._persona = persona_of
        self._known: dict[str, Classified] = {}

    def touched(self, records: Iterable[Record]) -> set[str]:
        """Ids of the statements whose entries may be changed by these records."""
        found: set[str] = set()
        voided: set[str] = set()
        for record in records:
            meaning = self._classify(record)
            if isinstance(meaning, Voiding):
                voided.add(meaning.target)
            else:
                found.update(self._touches(record, meaning))
        # A voided statement may itself have been a sign-off or a reversal, which ceases to be in force.
        for record in self._reader.get(self._tenant, voided).values():
            found.update(self._touches(record, self._classify(record)))
        return found

    def entries(self, statement_ids: Collection[str]) -> Found:
        """What these statements make now."""
        records = self._reader.get(self._tenant, statement_ids)
        drafts: dict[str, _Draft | None] = {id: self._draft(records.get(id)) for id in statement_ids}
        real = [draft for draft in drafts.values() if draft is not None]
        people = {draft.learning.actor.key for draft in real}
        people |= {signed.by.key for draft in real for signed, _ in draft.decisions}
        personas = {key: self._persona(self._tenant, key) for key in people}
        owners = owners_of(self._reader, self._tenant, set(personas.values()))
        persons = {
            key: owners[persona].id if persona in owners else persona for key, persona in personas.items()
        }
        found = Found()
        for id, draft in drafts.items():
            made = None
            if draft is not None:
                made = self._entry(draft, persons, personas)
                found.met[made.persona] = draft.learning.actor
            found.entries[entry_id(self._tenant, id)] = made
        return found

    def _classify(self, record: Record) -> Classified:
        known = self._known.get(record.id)
        if known is None:
            known = self._known[record.id] = classify(loads(record.body), self._table)
        return known

    def _touches(self, record: Record, meaning: Classified) -> Iterator[str]:
        if isinstance(meaning, Learning):
            yield record.id
        elif isinstance(meaning, SignOff):
            yield meaning.target
        elif isinstance(meaning, Reversal):
            for verb in self._table.lms.completion_verbs:
                for completion in self._of(meaning.actor, verb, meaning.activity):
                    yield completion.id

    def _draft(self, record: Record | None) -> _Draft | None:
        if record is None or record.hidden:
            return None
        learning = self._classify(record)
        if not isinstance(learning, Learning):
            return None
        if learning.automatic and self._taken_back(learning):
            return None
        return _Draft(record, learning, list(self._sign_offs(record.id)))

    def _sign_offs(self, id: str) -> Iterator[tuple[SignOff, Record]]:
        for record in self._reader.find(self._tenant, (target_key(id),), limit=_MOST):
            meaning = self._classify(record)
            # The key also finds what refers to a sign-off: that decides nothing about this statement.
            if isinstance(meaning, SignOff) and meaning.target == id:
                yield meaning, record

    def _taken_back(self, learning: Learning) -> bool:
        return any(
            isinstance(meaning := self._classify(record), Reversal) and meaning.at >= learning.at
            for verb in self._table.lms.reversal_verbs
            for record in self._of(learning.actor, verb, learning.activity)
        )

    def _of(self, actor: Someone, verb: str, activity: str) -> list[Record]:
        keys = (f"a\x1f{actor.key}", f"v\x1f{verb}", f"o\x1f{activity}")
        return self._reader.find(self._tenant, keys, limit=_MOST)

    def _entry(self, draft: _Draft, persons: Mapping[str, str], personas: Mapping[str, str]) -> Entry:
        learning, record = draft.learning, draft.record
        person = persons[learning.actor.key]
        # Nobody decides about their own entry, whichever of their accounts they use.
        valid = [(sign, by) for sign, by in draft.decisions if persons[sign.by.key] != person]
        last = max(valid, key=lambda each: (_decided_at(*each), each[1].stored, each[1].id), default=None)
        status, decided = Status.VERIFIED if learning.automatic else Status.SUBMITTED, None
        if last is not None:
            sign, by = last
            status = _DECIDED[sign.decision]
            party = Party(personas[sign.by.key], sign.by.name)
            decided = Decided(sign.decision, party, _decided_at(sign, by), sign.reason, by.id)
        mentor = learning.mentor
        return Entry(
            id=entry_id(self._tenant, record.id),
            tenant=self._tenant,
            person=person,
            persona=personas[learning.actor.key],
            statement_id=record.id,
            form=learning.form,
            pillar=learning.pillar,
            title=learning.title,
            start=learning.start,
            end=learning.end,
            at=learning.at,
            status=status,
            source=learning.source,
            why=learning.why,
            activity=learning.activity,
            amount=learning.amount,
            award=NOT_YET,
            table=self._table.version,
            automatic=learning.automatic,
            international=learning.international,
            jp_claimed=learning.jp_claimed,
            jp_given=learning.jp_given,
            organiser=learning.organiser,
            mentor=None if mentor is None else Party(self._persona(self._tenant, mentor.key), mentor.name),
            decided=decided,
            evidence=learning.evidence,
            courses=learning.courses,
            details=learning.details or None,
            replaces=learning.replaces or "",
        )


def _decided_at(sign: SignOff, record: Record) -> int:
    """When a decision was made: not after it was stored, or one dated ahead would stand for good."""
    return min(sign.at, record.stored)

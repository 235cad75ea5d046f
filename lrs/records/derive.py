"""From statements to entries, before JP: which entries do these statements touch, and what are those now?

An entry is worked out from the log each time, never patched: from its statement, from every sign-off that
points at it, and from the reversals of its completion. So the order in which statements arrive, how often
they do, and what was voided meanwhile make no difference to the outcome.

What is verified is worked out by the table of JP that was in force when the decision that stands, or else the
completion itself, was stored; all else by the one in force now. So a new table changes nothing that is
verified, and a rebuild comes to the same. What did not count by the table of its time counts by the first
later one that knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lrs.people import Met, owners_of
from lrs.records.account_names import NamedByUsername, source_of
from lrs.records.entries import NOT_YET, Decided, Entry, Party, Status, entry_id
from lrs.records.table_history import History
from lrs.store.port import Reader, Record
from statements.classify import Classified, Ignored, Learning, Reversal, SignOff, Someone, Voiding, classify
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
    met: dict[str, Met] = field(default_factory=dict)
    """Learners, by persona."""


@dataclass(slots=True)
class _Draft:
    record: Record
    learning: Learning
    decisions: list[tuple[SignOff, Record]]


class Derivation:
    """Works out entries of one tenant from one snapshot. `persona_of` is `lrs.people.People.persona`."""

    def __init__(
        self, reader: Reader, tenant: str, tables: History, persona_of: Callable[[str, str], str]
    ) -> None:
        self._reader = reader
        self._tenant = tenant
        self._tables = tables
        self._persona = persona_of
        self._names = NamedByUsername(reader, tenant)
        self._read: dict[str, Mapping[str, Any]] = {}
        self._known: dict[tuple[str, str], Classified] = {}

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
        drafts = self._drafts(records)
        real = list(drafts.values())
        people = {self._learner(draft) for draft in real}
        people |= {self._verifier(*decision) for draft in real for decision in draft.decisions}
        personas = {key: self._persona(self._tenant, key) for key in people}
        owners = owners_of(self._reader, self._tenant, set(personas.values()))
        persons = {
            key: owners[persona].id if persona in owners else persona for key, persona in personas.items()
        }
        found = Found()
        for id in statement_ids:
            made = None
            if draft := drafts.get(id):
                made = self._entry(draft, persons, personas)
                if made is not None:
                    learner = self._learner(draft)
                    found.met[made.persona] = Met(learner, draft.learning.actor.name, source_of(draft.record))
            found.entries[entry_id(self._tenant, id)] = made
        return found

    def _classify(self, record: Record) -> Classified:
        """What a statement meant when it was stored, or has come to mean since."""
        return self._since(record, record.stored)[0]

    def _since(self, record: Record, moment: int) -> tuple[Classified, Table]:
        """What a statement means by the table of a moment (microseconds), and that table.

        Where it means nothing by that one: by the first later table that gives it a meaning.
        """
        before: Table | None = None
        meaning, table = None, None
        for table in self._tables.since(moment):
            if before is None or not _ignores_alike(before, table, self._statement(record)):
                meaning = self._by(record, table)
            if not isinstance(meaning, Ignored):
                break
            before = table
        assert meaning is not None  # noqa: S101 - there is always a table
        assert table is not None  # noqa: S101
        return meaning, table

    def _by(self, record: Record, table: Table) -> Classified:
        name = record.id, table.version
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = classify(self._statement(record), table)
        return known

    def _statement(self, record: Record) -> Mapping[str, Any]:
        held = self._read.get(record.id)
        if held is None:
            held = self._read[record.id] = loads(record.body)
        return held

    @cached_property
    def _completion_verbs(self) -> frozenset[str]:
        return frozenset(verb for table in self._tables.every() for verb in table.lms.completion_verbs)

    @cached_property
    def _reversal_verbs(self) -> frozenset[str]:
        return frozenset(verb for table in self._tables.every() for verb in table.lms.reversal_verbs)

    def _touches(self, record: Record, meaning: Classified) -> Iterator[str]:
        if isinstance(meaning, Learning):
            yield record.id
        elif isinstance(meaning, SignOff):
            yield meaning.target
        elif isinstance(meaning, Reversal):
            for verb in self._completion_verbs:
                keys = _keys_of(meaning.actor, verb, meaning.activity)
                for completion in self._reader.find(self._tenant, keys, limit=_MOST):
                    yield completion.id

    def _drafts(self, records: Mapping[str, Record]) -> dict[str, _Draft]:
        """Those of the statements that make an entry, by id, with what was decided about each."""
        found: dict[str, tuple[Record, Learning]] = {}
        for id, record in records.items():
            learning = None if record.hidden else self._classify(record)
            if isinstance(learning, Learning):
                found[id] = record, learning
        for id in self._taken_back({id: learning for id, (_, learning) in found.items()}):
            del found[id]
        signed = self._sign_offs(found.keys())
        return {id: _Draft(record, learning, signed[id]) for id, (record, learning) in found.items()}

    def _sign_offs(self, ids: Collection[str]) -> dict[str, list[tuple[SignOff, Record]]]:
        """The decisions about each of these statements."""
        questions = {id: (target_key(id),) for id in ids}
        answers = self._reader.find_each(self._tenant, questions.values(), limit=_MOST)
        # The key also finds what refers to a sign-off: that decides nothing about this statement.
        return {
            id: [
                (meaning, record)
                for record in answers[keys]
                if isinstance(meaning := self._classify(record), SignOff) and meaning.target == id
            ]
            for id, keys in questions.items()
        }

    def _taken_back(self, learnings: Mapping[str, Learning]) -> list[str]:
        """Those completions that a later reversal took back."""
        questions = {
            id: [_keys_of(one.actor, verb, one.activity) for verb in self._reversal_verbs]
            for id, one in learnings.items()
            if one.automatic
        }
        asked = {keys for several in questions.values() for keys in several}
        answers = self._reader.find_each(self._tenant, asked, limit=_MOST)
        return [
            id
            for id, several in questions.items()
            if any(
                isinstance(meaning := self._classify(record), Reversal) and meaning.at >= learnings[id].at
                for keys in several
                for record in answers[keys]
            )
        ]

    def _learner(self, draft: _Draft) -> str:
        """The identifier of the person whose learning this is."""
        return self._names.identifier(draft.record, draft.learning.actor.key)

    def _verifier(self, sign: SignOff, record: Record) -> str:
        """The identifier of the person who made a decision."""
        return self._names.identifier(record, sign.by.key)

    def _entry(self, draft: _Draft, persons: Mapping[str, str], personas: Mapping[str, str]) -> Entry | None:
        """The entry of a draft; None when the table that it is counted by does not know it."""
        learning, record = draft.learning, draft.record
        learner = self._learner(draft)
        person = persons[learner]
        # Nobody decides about their own entry, whichever of their accounts they use.
        valid = [each for each in draft.decisions if persons[self._verifier(*each)] != person]
        last = max(valid, key=lambda each: (_decided_at(*each), each[1].stored, each[1].id), default=None)
        status, decided = Status.VERIFIED if learning.automatic else Status.SUBMITTED, None
        if last is not None:
            sign, by = last
            status = _DECIDED[sign.decision]
            party = Party(personas[self._verifier(sign, by)], sign.by.name)
            decided = Decided(sign.decision, party, _decided_at(sign, by), sign.reason, by.id)
        if status is Status.VERIFIED:
            # A decision may come before what it is about: the entry is verified when both are there.
            decided_when = record.stored if last is None else max(last[1].stored, record.stored)
            meaning, table = self._since(record, decided_when)
        else:
            table = self._tables.current
            meaning = self._by(record, table)
        if not isinstance(meaning, Learning):
            return None
        learning, mentor = meaning, meaning.mentor
        return Entry(
            id=entry_id(self._tenant, record.id),
            tenant=self._tenant,
            person=person,
            persona=personas[learner],
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
            table=table.version,
            automatic=learning.automatic,
            international=learning.international,
            jp_claimed=learning.jp_claimed,
            jp_given=learning.jp_given,
            organiser=learning.organiser,
            mentor=None if mentor is None else self._party(record, mentor),
            decided=decided,
            evidence=learning.evidence,
            courses=learning.courses,
            details=learning.details or None,
            replaces=learning.replaces or "",
        )

    def _party(self, record: Record, someone: Someone) -> Party:
        identifier = self._names.identifier(record, someone.key)
        return Party(self._persona(self._tenant, identifier), someone.name)


def _ignores_alike(one: Table, other: Table, statement: Mapping[str, Any]) -> bool:
    """Whether a statement that is ignored by one of two tables is ignored by the other, too.

    Nothing else of a table decides about it. An agency that lists courses has many tables, and most
    statements are of no course.
    """
    target = statement["object"].get("id")
    return (
        one.lms == other.lms
        and one.forms.keys() == other.forms.keys()
        and (target in one.courses) == (target in other.courses)
    )


def _keys_of(actor: Someone, verb: str, activity: str) -> tuple[str, str, str]:
    """What somebody did with an activity is found by these."""
    return f"a\x1f{actor.key}", f"v\x1f{verb}", f"o\x1f{activity}"


def _decided_at(sign: SignOff, record: Record) -> int:
    """When a decision was made: not after it was stored, or one dated ahead would stand for good."""
    return min(sign.at, record.stored)

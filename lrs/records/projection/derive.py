"""From statements to entries, before JP: which entries statements touch, and what these are now.

An entry is worked out from the log each time, never patched: from its statement, from the decisions about it
that count (see `lrs.xapi.decisions`), and from the reversals of its completion. So the order in which
statements arrive, how often they do, and what was voided meanwhile make no difference to the outcome. Nor
does how much else refers to them: what decides is found by itself, never among all that mentions it.

What is verified is worked out by the table of JP that was in force when the decision that stands, or else the
completion itself, was stored; all else by the one in force now. So a new table changes nothing that is
verified, and a rebuild comes to the same. What did not count by the table of its time counts by the first
later one that knows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from lrs.access import mine_of
from lrs.people.people import Met, owners_of
from lrs.records.account_names import NamedByUsername, source_of
from lrs.records.entries import NOT_YET, Decided, Entry, Party, Status, entry_id
from lrs.records.projection.budget import Budget
from lrs.records.table_history import History
from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery, Position, Record
from lrs.store.pages import enough
from lrs.store.port import Reader
from lrs.xapi.decisions import DECISION, counts, decided_at, decided_key, lapsed, voided_key
from statements.data_types.exact_json import loads
from statements.keys import VOIDED, target_key, verb_filter_key
from statements.profile.classify import (
    Classified,
    Ignored,
    Learning,
    Reversal,
    SignOff,
    Someone,
    Voiding,
    classify,
)
from statements.profile.table import Table
from statements.profile.vocabulary import Decision

_DECIDED = {
    Decision.VERIFIED: Status.VERIFIED,
    Decision.RETURNED: Status.RETURNED,
    Decision.REJECTED: Status.REJECTED,
}
_PAGE = 200
"""Records or documents that are looked at together."""
_FEW = 4
"""Decisions that are looked at first: most entries have one."""
_SMALL = 16_384
"""Bytes of a statement that stays parsed for a while: larger ones take many times their size in memory."""
_NEVER, _EVER = -(2**63), 2**63 - 1
"""Microseconds: before and after any timestamp."""
_PAGES = 50
"""Pages that are looked at for one question, at most; see docs/explanation/limits.md."""
_TOGETHER = 32
"""Statements that are read at once, and questions that are asked at once: their size is not known before."""
_PAGE_BYTES = 2 << 20
"""Bytes of a page."""
_MOST_BYTES = 32 << 20
"""Bytes that are read for one question, at most."""
_REVERSALS_BYTES = 4 << 20
"""Bytes of the reversals that are looked at for one completion, those that were stored last."""


_Keys = tuple[str, ...]
_T = TypeVar("_T")


@dataclass(slots=True)
class Found:
    """What the touched statements are now."""

    entries: dict[str, Entry | None] = field(default_factory=dict)
    """By entry id; None where the statement makes no entry (any more)."""
    stored: dict[str, int] = field(default_factory=dict)
    """When the statement of each entry was stored (microseconds), by entry id."""
    met: dict[str, Met] = field(default_factory=dict)
    """Learners, by persona."""
    lapsed: list[Document] = field(default_factory=list)
    """To be put: documents of decisions that were voided for good, which need not be looked at again."""


@dataclass(slots=True)
class _Draft:
    record: Record
    learning: Learning


_Sign = tuple[SignOff, Record]


@dataclass(slots=True)
class _Standing:
    """What stands about a statement: the latest decision, and the latest confirmation."""

    decided: _Sign | None = None
    confirmed: _Sign | None = None

    def hear(self, one: _Sign) -> bool:
        """Take what nothing later says; whether both are known then."""
        if one[0].decision is Decision.CONFIRMED:
            self.confirmed = self.confirmed or one
        else:
            self.decided = self.decided or one
        return self.decided is not None and self.confirmed is not None


@dataclass(frozen=True, slots=True)
class Reversed:
    """Completions that a reversal touches beyond those that were looked at."""

    keys: _Keys
    """Index keys of the completions."""
    after: Position
    """Those that were stored before are left."""


class Derivation:
    """Works out entries of one tenant from one snapshot. `persona_of` is `People.persona`.

    Any of it raises `TooMuchError` once the `budget` is used up.
    """

    def __init__(
        self,
        reader: Reader,
        tenant: str,
        tables: History,
        persona_of: Callable[[str, str], str],
        budget: Budget,
    ) -> None:
        self._reader = reader
        self._tenant = tenant
        self._tables = tables
        self._persona = persona_of
        self._names = NamedByUsername(reader, tenant)
        self._read: dict[str, Mapping[str, Any]] = {}
        self._known: dict[tuple[str, str], Classified] = {}
        self._personas: dict[str, str] = {}
        self._persons: dict[str, str] = {}
        self._lapsed: list[Document] = []
        self._budget = budget
        self._own: dict[str, Record] = {}
        self._completions: dict[_Keys, Collection[str]] = {}
        self.left: list[Reversed] = []
        """What `touched` left for later."""

    def touched(self, records: Iterable[Record]) -> set[str]:
        """Ids of the statements whose entries may be changed by these records."""
        found: set[str] = set()
        voided: set[str] = set()
        signed: dict[str, str] = {}
        for record in records:
            self._own[record.id] = record
            meaning = self._classify(record)
            if isinstance(meaning, Voiding):
                voided.add(meaning.target)
            elif isinstance(meaning, SignOff):
                signed[record.id] = meaning.target
            else:
                found.update(self._touches(record, meaning))
        if signed:
            kept = self._reader.documents(DECISION, self._tenant, signed)
            found.update(target for id, target in signed.items() if id in kept and counts(kept[id]))
        # A voided statement may itself have been a sign-off or a reversal, which ceases to be in force.
        for record in self._get(voided):
            found.update(self._touches(record, self._classify(record)))
        return found

    def entries(self, statement_ids: Collection[str]) -> Found:
        """What these statements make now."""
        records = {record.id: record for record in self._get(statement_ids)}
        drafts = self._drafts(records)
        learners = {id: self._identifier(draft.record, draft.learning.actor) for id, draft in drafts.items()}
        self._meet(learners.values())
        standing = self._standing(learners)
        found = Found(lapsed=self._lapsed)
        for id in statement_ids:
            made = None
            if draft := drafts.get(id):
                learner = learners[id]
                made = self._entry(draft, learner, standing.get(id) or _Standing())
                if made is not None:
                    found.stored[made.id] = draft.record.stored
                    found.met[made.persona] = Met(learner, draft.learning.actor.name, source_of(draft.record))
            found.entries[entry_id(self._tenant, id)] = made
        return found

    def completed(self, one: Reversed, limit: int) -> tuple[set[str], Reversed | None]:
        """Ids of so many of the completions that a reversal touches, and what is left then."""
        page = self._reader.find(
            LogQuery(
                self._tenant,
                one.keys,
                after=one.after,
                limit=limit,
                include_hidden=True,
                most_bytes=_PAGE_BYTES,
            )
        )
        left = None if _is_last(page, limit) else Reversed(one.keys, _place(page[-1]))
        # Hidden ones as well: not every voiding takes an entry out of the record.
        return {record.id for record in page if record.views[0].issuperset(one.keys)}, left

    def _get(self, ids: Collection[str]) -> Iterator[Record]:
        """The records with these ids, a few at a time."""
        yield from (self._own[id] for id in ids if id in self._own)
        for some in _slices(id for id in ids if id not in self._own):
            found = self._reader.get(self._tenant, some).values()
            self._budget.spend(sum(len(record.body) for record in found))
            yield from found

    def _meet(self, keys: Iterable[str]) -> None:
        """Find out whose these identifiers are."""
        new = {key: self._persona(self._tenant, key) for key in set(keys) - self._personas.keys()}
        if not new:
            return
        owners = owners_of(self._reader, self._tenant, set(new.values()))
        self._personas |= new
        self._persons |= {
            key: owners[persona].id if persona in owners else persona for key, persona in new.items()
        }

    def _classify(self, record: Record) -> Classified:
        """What a statement meant when it was stored, or has come to mean since."""
        return self._since(record, record.stored)[0]

    def _since(self, record: Record, moment: int) -> tuple[Classified, Table]:
        """What a statement means by the table of a moment (microseconds), and that table.

        Where it means nothing by that one: by the first later table that gives it a meaning.
        """
        tables = self._tables.since(moment)
        table = next(tables)
        meaning = self._by(record, table)
        if not isinstance(meaning, Ignored):
            return meaning, table
        target: str | None = None
        for later in tables:
            if target is None:
                target = self._statement(record)["object"].get("id", "")
            alike = _ignores_alike(table, later, target)
            table = later
            if not alike and not isinstance(meaning := self._by(record, table), Ignored):
                break
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
            self._budget.spend()
            held = loads(record.body)
            if len(record.body) <= _SMALL:
                self._read[record.id] = held
        return held

    @cached_property
    def _completion_verbs(self) -> frozenset[str]:
        return self._tables.verbs.completions

    @cached_property
    def _reversal_verbs(self) -> frozenset[str]:
        return self._tables.verbs.reversals

    def _touches(self, record: Record, meaning: Classified) -> Iterator[str]:
        if isinstance(meaning, Learning):
            yield record.id
        elif isinstance(meaning, SignOff):
            yield meaning.target
        elif isinstance(meaning, Reversal):
            for verb in self._completion_verbs:
                yield from self._completed(_keys_of(meaning.actor, verb, meaning.activity))

    def _completed(self, keys: _Keys) -> Collection[str]:
        """Ids of the latest completions with these keys, looked for once however many reversals there are."""
        found = self._completions.get(keys)
        if found is None:
            everything = Reversed(keys, Position(_EVER, ""))
            found, left = self.completed(everything, _PAGE)
            self._completions[keys] = found
            if left is not None:
                self.left.append(left)
        return found

    def _drafts(self, records: Mapping[str, Record]) -> dict[str, _Draft]:
        """Those of the statements that make an entry, by id."""
        undone = self._undone(records.values())
        found: dict[str, _Draft] = {}
        for id, record in records.items():
            learning = None if id in undone else self._classify(record)
            if isinstance(learning, Learning):
                found[id] = _Draft(record, learning)
        for id in self._taken_back({id: draft.learning for id, draft in found.items()}):
            del found[id]
        return found

    def _undone(self, records: Iterable[Record]) -> set[str]:
        """Those of the records that were voided by somebody whose voiding counts here.

        That is who may decide, and who stored the record; any other voiding hides it from xAPI alone.
        """
        hidden = {record.id: record for record in records if record.hidden}
        if not hidden:
            return set()
        keys = {id: voided_key(id) for id in hidden}
        counted = self._reader.find_many_documents(DECISION, self._tenant, keys.values(), limit=1)
        undone = {id for id, key in keys.items() if counted[key]}
        questions = {
            id: (target_key(id), verb_filter_key(VOIDED), mine)
            for id, record in hidden.items()
            if id not in undone and (mine := mine_of(record.views[0])) is not None
        }
        answers = self._ask(set(questions.values()))
        return undone | {
            id for id, asked in questions.items() if any(True for _ in self._by_itself(asked, answers[asked]))
        }

    def _standing(self, learners: Mapping[str, str]) -> dict[str, _Standing]:
        """What stands about each of these statements, by the identifiers of their learners."""
        found: dict[str, _Standing] = defaultdict(_Standing)
        keys = {id: decided_key(id) for id in learners}
        answers = self._reader.find_many_documents(DECISION, self._tenant, keys.values(), limit=_FEW)
        pages: dict[str, Sequence[Document]] = {id: p for id, key in keys.items() if (p := answers[key])}
        limit = _FEW
        for _ in range(_PAGES):
            signed = self._signed(pages)
            unsettled = {id: page for id, page in pages.items() if len(page) == limit}
            for id, page in pages.items():
                for document in page:
                    one = signed.get(document.name)
                    # Nobody decides about their own entry, whichever of their accounts they use.
                    own = one is not None and self._verifier(*one) == self._persons[learners[id]]
                    if one is not None and not own and found[id].hear(one):
                        unsettled.pop(id, None)
                        break
            if not unsettled:
                break
            limit = _PAGE
            pages = {id: self._more_decisions(keys[id], page[-1]) for id, page in unsettled.items()}
        return found

    def _signed(self, pages: Mapping[str, Sequence[Document]]) -> dict[str, _Sign]:
        """Which of these documents' decisions are in force, by id; `pages` are by what they are about."""
        about = {document.name: id for id, page in pages.items() for document in page}
        records = {record.id: record for record in self._get(about)}
        undone = self._undone(records.values())
        self._lapsed += [
            lapsed(one) for page in pages.values() for one in page if undone and one.name in undone
        ]
        signed = {
            id: (meaning, record)
            for id, record in records.items()
            if id not in undone
            and isinstance(meaning := self._classify(record), SignOff)
            and meaning.target == about[id]
        }
        self._meet(self._identifier(record, meaning.by) for meaning, record in signed.values())
        return signed

    def _more_decisions(self, key: str, last: Document) -> Sequence[Document]:
        after = last.order, last.name
        return self._reader.find_documents(
            DocumentQuery(DECISION, self._tenant, {key}, after=after, limit=_PAGE)
        )

    def _taken_back(self, learnings: Mapping[str, Learning]) -> list[str]:
        """Those completions that a later reversal took back."""
        questions = {
            id: [_keys_of(one.actor, verb, one.activity) for verb in self._reversal_verbs]
            for id, one in learnings.items()
            if one.automatic
        }
        asked = {keys for several in questions.values() for keys in several}
        answers = self._ask(asked)
        last = {keys: self._reversed_at(keys, page) for keys, page in answers.items() if page}
        return [
            id
            for id, several in questions.items()
            if any(keys in last and last[keys] >= learnings[id].at for keys in several)
        ]

    def _reversed_at(self, keys: _Keys, first: Sequence[Record]) -> int:
        """When the last reversal with these keys was made, in microseconds."""
        latest, read = _NEVER, 0
        for record in self._by_itself(keys, first):
            if isinstance(meaning := self._classify(record), Reversal):
                latest = max(latest, meaning.at)
            read += len(record.body)
            if read > _REVERSALS_BYTES:
                break
        return latest

    def _ask(self, questions: Collection[_Keys]) -> dict[_Keys, Sequence[Record]]:
        """The first record with each of these sets of keys; `_by_itself` finds those after it."""
        answers: dict[_Keys, Sequence[Record]] = {}
        for some in _slices(questions):
            found = self._reader.find_many(self._tenant, some, limit=1)
            self._budget.spend(sum(len(record.body) for page in found.values() for record in page))
            answers |= found
        return answers

    def _by_itself(self, keys: _Keys, first: Sequence[Record]) -> Iterator[Record]:
        """What has these keys of its own, the latest first: whatever refers to a statement has its keys, too.

        `first` is what `_ask` found.
        """
        wanted = frozenset(keys)
        yield from (record for record in first if wanted <= record.views[0])
        page, read = first, 0
        for _ in range(_PAGES if first else 0):
            after = _place(page[-1])
            page = self._reader.find(
                LogQuery(self._tenant, keys, after=after, limit=_PAGE, most_bytes=_PAGE_BYTES)
            )
            size = sum(len(record.body) for record in page)
            self._budget.spend(size)
            read += size
            yield from (record for record in page if wanted <= record.views[0])
            if _is_last(page, _PAGE) or read > _MOST_BYTES:
                return

    def _identifier(self, record: Record, someone: Someone) -> str:
        """The identifier by which somebody whom a statement names is known."""
        return self._names.identifier(record, someone.key)

    def _entry(self, draft: _Draft, learner: str, about: _Standing) -> Entry | None:
        """The entry of a draft; None when the table that it is counted by does not know it."""
        learning, record = draft.learning, draft.record
        standing = about.decided
        status = Status.VERIFIED if learning.automatic else Status.SUBMITTED
        if standing is not None:
            status = _DECIDED[standing[0].decision]
        if status is Status.VERIFIED:
            # A decision may come before what it is about: the entry is verified when both are there.
            decided_when = record.stored if standing is None else max(standing[1].stored, record.stored)
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
            person=self._persons[learner],
            persona=self._personas[learner],
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
            decided=self._decided(about.decided),
            confirmed=self._decided(about.confirmed),
            evidence=learning.evidence,
            courses=learning.courses,
            details=learning.details or None,
            replaces=learning.replaces or "",
        )

    def _decided(self, one: _Sign | None) -> Decided | None:
        """A decision that `_signed` found, as it stands in an entry."""
        if one is None:
            return None
        sign, record = one
        return Decided(
            sign.decision,
            Party(self._personas[self._identifier(record, sign.by)], sign.by.name),
            decided_at(sign.at, record.stored),
            sign.reason,
            record.id,
            sign.channel,
            sign.position,
        )

    def _verifier(self, sign: SignOff, record: Record) -> str:
        """The person who made a decision that `_signed` found."""
        return self._persons[self._identifier(record, sign.by)]

    def _party(self, record: Record, someone: Someone) -> Party:
        return Party(self._persona(self._tenant, self._identifier(record, someone)), someone.name)


def _ignores_alike(one: Table, other: Table, target: str) -> bool:
    """Whether a statement about `target` that is ignored by one of two tables is so by the other, too.

    Nothing else of a table decides about it. An agency that lists courses has many tables, and most
    statements are of no course.
    """
    return (
        one.lms == other.lms
        and one.forms.keys() == other.forms.keys()
        and (target in one.courses) == (target in other.courses)
    )


def _keys_of(actor: Someone, verb: str, activity: str) -> tuple[str, str, str]:
    """What somebody did with an activity is found by these."""
    return f"a\x1f{actor.key}", f"v\x1f{verb}", f"o\x1f{activity}"


def _place(record: Record) -> Position:
    return Position(record.stored, record.id)


def _is_last(page: Sequence[Record], limit: int) -> bool:
    """Whether nothing is left after a page of so many records and of `_PAGE_BYTES`."""
    return len(page) < limit and enough((len(record.body) for record in page), _PAGE_BYTES) is None


def _slices(many: Iterable[_T]) -> Iterator[list[_T]]:
    held = list(many)
    return (held[start : start + _TOGETHER] for start in range(0, len(held), _TOGETHER))

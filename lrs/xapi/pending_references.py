"""References to a statement that came after those that refer to it, however many they are.

A query finds a statement by what it refers to (`statements.references`). So the statements that refer to a
new one are to be indexed anew. As long as they are few, the write that brings the new one does so: who has
written reads what follows from it. Thousands would keep all other writers waiting. So a write does a bounded
number, and a document says what it owes; `PendingReferences` pays that in slices, each a small write of its
own, tenants in turns.

What is owed outlives the process. A slice works with what is stored at that moment and may be done again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from lrs import document_kinds
from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import StoreError
from lrs.store.log import LogQuery, Position, Record
from lrs.store.pages import fitting
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import WriteHints
from lrs.xapi.pending_ids import UNKNOWN, VOIDED
from statements.inherited_keys import MOST_VIEWS
from statements.keys import VOIDED as VOIDED_VERB
from statements.keys import target_key, target_of, verb_filter_key
from statements.references import Chain, Incoming, lookups

OWED: Final = document_kinds.REFERENCES_OWED
"""What is owed: scope is the tenant, name the id of the statement that is referred to."""
TURN: Final = document_kinds.REFERENCES_TURN
"""Tenants to which something is owed: name is the tenant, order when it last had its turn."""

AT_ONCE = 100
"""Stored statements that are indexed anew in the write that brings what they refer to, and in one slice."""
AT_ONCE_BYTES = 4 * 1024 * 1024
"""Bytes of these after which no more are read: they are kept in memory together."""
MOST_KEYS = 10_000
"""Keys that the statements of one write take over from what they refer to."""
MOST_FOLLOWED = 256
"""Statements that one write reads to follow the references of what its own statements refer to."""

TARGETS = 8
"""Statements to whose referrers one slice pays: of many, each may have a few alone."""
INDEXED_BYTES = 2_000
"""What indexing one statement anew is reckoned with when the store shares out its time."""
IDLE = 0.5
"""Seconds between two looks whether anything is owed."""
REST = 0.01
"""Seconds between two slices; at least as long as the slice took."""
PAUSE = 1.0
"""Seconds between two attempts after a failure."""
TOLD = 10_000
"""Statements after which the log is told how far it is."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Waiting:
    """What waits for the statements of a write."""

    referrers: dict[str, Sequence[Record]] = field(default_factory=dict)
    """For each of them that is awaited, the stored ones that refer to it and are to be indexed now."""
    voided: set[str] = field(default_factory=set)
    """Those that one of the others voids."""
    left: dict[str, Position | None] = field(default_factory=dict)
    """Those to which others refer that are left for later, and after which place."""


@dataclass(slots=True)
class _Budget:
    records: int = field(default_factory=lambda: AT_ONCE)
    size: int = field(default_factory=lambda: AT_ONCE_BYTES)


def waiting(writer: Writer, tenant: str, marks: Mapping[str, Document]) -> Waiting:
    """Look for what refers to the marked statements, which this write brings."""
    made = Waiting()
    budget = _Budget()
    for id, mark in marks.items():
        found, more = _referrers(writer, tenant, id, None, budget)
        made.referrers[id] = found
        if more:
            made.left[id] = _place(found[-1]) if found else None
            if mark.body == VOIDED or (mark.body == UNKNOWN and _is_voided(writer, tenant, id)):
                made.voided.add(id)
    return made


def follow(
    writer: Writer, tenant: str, incoming: Sequence[Incoming], known: Mapping[str, Record]
) -> tuple[Mapping[str, Record], set[str]]:
    """What is known and all that it leads to through references; and the ids at which that was given up.

    `known` are the stored ones of the statements that the incoming ones refer to.
    """
    ids = {each.id for each in incoming}
    wanted = _targets([known[id] for id in lookups(incoming) if id in known]) - known.keys() - ids
    if not wanted:
        return known, set()
    reached = dict(known)
    asked: set[str] = set()
    for _ in range(MOST_VIEWS):
        if len(asked) + len(wanted) > MOST_FOLLOWED:
            return reached, wanted
        asked |= wanted
        found = writer.get(tenant, wanted, bodies=False)
        reached.update(found)
        wanted = _targets(found.values()) - reached.keys() - ids - asked
        if not wanted:
            break
    return reached, wanted


def owe(writer: Writer, tenant: str, owed: Mapping[str, Position | None], at: int) -> None:
    """Note that what refers to these ids is to be indexed anew, after the place that is given with each."""
    held = writer.documents(OWED, tenant, list(owed))
    for id, after in owed.items():
        old = held.get(id)
        place = after if old is None else _earlier(after, _after(old))
        writer.put(_owed(tenant, id, place, 0, old, at))
    turn = writer.document(TURN, "", tenant)
    # Written even when it is there: whoever takes it away meanwhile must meet this write.
    writer.put(turn or Document(TURN, "", tenant, b"", etag="1", updated=at, order=f"{at:020d}"))


@dataclass(frozen=True, slots=True)
class _Due:
    """What a slice pays of what is owed to one statement."""

    owed: Document
    found: Sequence[Record]
    more: bool
    """Whether something is still owed to it then."""

    @property
    def done(self) -> int:
        """How many statements were done then in all."""
        return _done(self.owed) + len(self.found)


class PendingReferences:
    """Pays what writes owe. Any number may run; what two do at the same time is done once."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def run_once(self) -> bool:
        """Do one slice; False when nothing is owed to anybody."""
        with self._store.reading() as reader:
            turns = reader.find_documents(DocumentQuery(TURN, "", limit=1))
            if not turns:
                return False
        turn = turns[0]
        try:
            self._slice(turn)
        except Exception:
            # Else the tenant stays the first of all, and whatever keeps failing keeps everybody waiting.
            with suppress(StoreError):
                self._store.writing(lambda writer: _put_back(writer, turn, self._clock()))
            raise
        return True

    def _slice(self, turn: Document) -> None:
        with self._store.reading() as reader:
            dues = _dues(reader, turn.name)
        if dues:
            self._pay(turn, dues)
        else:
            self._store.writing(lambda writer: _end_turn(writer, turn))

    def run_forever(self, stop: threading.Event) -> None:
        """Pay until `stop` is set; failures of the store are waited out."""
        while not stop.is_set():
            begun = time.monotonic()
            try:
                rest = max(REST, time.monotonic() - begun) if self.run_once() else IDLE
            except StoreError as error:
                log.warning("references: the store does not answer: %s", type(error).__name__)
                rest = PAUSE
            except Exception:
                # A thread that ends here would leave statements unfound for good, without a sign.
                log.exception("references: failed, and will try again")
                rest = PAUSE
            stop.wait(rest)

    def drain(self) -> None:
        """Pay all that is owed."""
        while self.run_once():
            pass

    def _pay(self, turn: Document, dues: Sequence[_Due]) -> None:
        tenant, now = turn.name, self._clock()
        names = [due.owed.name for due in dues]
        ids = list({record.id for due in dues for record in due.found})

        def work(writer: Writer) -> list[_Due]:
            held = writer.documents(OWED, tenant, names)
            # Others were done meanwhile by somebody else, or more came to be owed.
            paid = [due for due in dues if held.get(due.owed.name) == due.owed]
            records = writer.get(tenant, ids, bodies=False)
            views = {id: record.views for id, record in records.items()}
            for due in paid:
                name = due.owed.name
                chain = Chain.of(name, lambda id: _step(writer, tenant, id))
                for record in due.found:
                    views[record.id] = chain.extending(record.id, views[record.id])
                if due.more:
                    writer.put(_owed(tenant, name, _place(due.found[-1]), due.done, due.owed, now))
                else:
                    writer.delete(OWED, tenant, (name,))
            if paid:
                changed = {id: views[id] for id, record in records.items() if views[id] != record.views}
                writer.reindex(tenant, changed)
                writer.put(replace(turn, order=f"{now:020d}"))
            return paid

        for due in self._store.writing(
            work,
            WriteHints(
                prefetch=[(tenant, id) for id in (*names, *ids)],
                documents=[(OWED, tenant, name) for name in names],
                tenant=tenant,
                size=INDEXED_BYTES * len(ids),
            ),
        ):
            _tell(due)


def _tell(due: _Due) -> None:
    name = due.owed.name
    if not due.more:
        log.info("references: all that refers to %s is found through it: %d statements", name, due.done)
    elif due.done // TOLD > _done(due.owed) // TOLD:
        log.info("references: %d statements that refer to %s are found through it", due.done, name)


def _dues(reader: Reader, tenant: str) -> list[_Due]:
    """What to pay next to a tenant; nothing when nothing is owed to it."""
    budget = _Budget()
    dues = []
    for owed in reader.find_documents(DocumentQuery(OWED, tenant, limit=TARGETS)):
        found, more = _referrers(reader, tenant, owed.name, _after(owed), budget)
        dues.append(_Due(owed, found, more))
        if not budget.records or budget.size <= 0:
            break
    return dues


def _referrers(
    reader: Reader, tenant: str, id: str, after: Position | None, budget: _Budget
) -> tuple[list[Record], bool]:
    """Statements that reach this id through references, and whether there are more.

    As many are given as the budget allows.
    """
    if not budget.records or budget.size <= 0:
        return [], True
    found = reader.find(
        LogQuery(
            tenant,
            {target_key(id)},
            after=after,
            ascending=True,
            limit=budget.records + 1,
            include_hidden=True,
            most_bytes=budget.size,
        )
    )
    sizes = [len(record.body) for record in found]
    count = fitting(sizes, budget.records, budget.size)
    budget.records -= count
    budget.size -= sum(sizes[:count])
    return found[:count], count < len(found)


def _is_voided(reader: Reader, tenant: str, id: str) -> bool:
    keys = {target_key(id), verb_filter_key(VOIDED_VERB)}
    return bool(reader.find(LogQuery(tenant, keys, ascending=True, limit=1, include_hidden=True)))


def _step(reader: Reader, tenant: str, id: str) -> tuple[frozenset[str], str | None] | None:
    record = reader.get(tenant, (id,), bodies=False).get(id)
    return None if record is None else (record.views[0], target_of(record.views[0]))


def _targets(records: Iterable[Record]) -> set[str]:
    return {target for record in records if (target := target_of(record.views[0])) is not None}


def _end_turn(writer: Writer, turn: Document) -> None:
    if not writer.find_documents(DocumentQuery(OWED, turn.name, limit=1)):
        writer.delete(TURN, "", (turn.name,))


def _put_back(writer: Writer, turn: Document, now: int) -> None:
    if writer.document(TURN, "", turn.name) is not None:
        writer.put(replace(turn, order=f"{now:020d}"))


def _owed(
    tenant: str, id: str, after: Position | None, done: int, before: Document | None, at: int
) -> Document:
    place = None if after is None else [after.stored, after.id]
    # No two that follow each other are equal: who compares must see that somebody wrote.
    etag = "1" if before is None else str(int(before.etag) + 1)
    return Document(OWED, tenant, id, orjson.dumps({"after": place, "done": done}), etag=etag, updated=at)


def _after(owed: Document) -> Position | None:
    place = orjson.loads(owed.body)["after"]
    return None if place is None else Position(*place)


def _done(owed: Document) -> int:
    done: int = orjson.loads(owed.body)["done"]
    return done


def _earlier(one: Position | None, other: Position | None) -> Position | None:
    return None if one is None or other is None else min(one, other, key=_order)


def _place(record: Record) -> Position:
    return Position(record.stored, record.id)


def _order(place: Position) -> tuple[int, str]:
    return place.stored, place.id

"""The follower: tails the log and keeps entries and sums in step with it.

It works in batches from a checkpoint that moves in the same write as what was worked out. A lease keeps other
workers from doing the same work; the checkpoint's compare-and-set makes a mistake about the lease harmless.

What is visible is worked on at once, so that people see what they wrote. On an engine where a slow write
may still appear behind what was read, that stretch is read once more when the engine promises that it is
complete.

No tenant's statements keep those of others waiting: a pass is bounded in records, in bytes and, by what
passes before it took, in time; what others wrote behind a long backlog is worked out early
(`lrs.records.projection.early`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

import orjson

from lrs import document_kinds
from lrs.people.people import RECOUNT, People
from lrs.records import checkpoint
from lrs.records.checkpoint import LEASE, Checkpoint, CheckpointLostError
from lrs.records.projection.early import EarlyLooks, still_early
from lrs.records.projection.project import REVERSED, UNCOUNTED, Changes, Projector
from lrs.records.queues import Queue
from lrs.records.tables import EVERYONE, Tables
from lrs.records.waiting import list_older
from lrs.store.documents import Document
from lrs.store.errors import StoreError
from lrs.store.log import LogQuery, Position, Record
from lrs.store.port import Reader, Store, Writer
from lrs.tenants import TENANT
from lrs.xapi.decisions import adopt, count_older, older

BATCH = 200
"""Records of one write: large enough to be quick, small enough not to keep other writers waiting."""
MOST_BYTES = 2 << 20
"""Bytes of the statements of one write, but for the last: some are as large as many others together."""
RECOUNTS = 20
"""Persons that are counted anew in one pass."""
UNCOUNTED_YEARS = 4
"""Years of persons with many entries that are summed up in one pass."""
SLOW_SECONDS, QUICK_SECONDS = 1.5, 0.3
"""After a pass that took longer the next one takes half as many records; after a quick one twice as many."""
COSTLY_AFTER, COSTLY_SECONDS = 0.7, 30.0
"""A tenant whose records alone took so long lets others go before it, for so long."""
EARLY_SECONDS = 0.5
"""While it is behind, so often it looks for what other tenants have written since."""
OLDER_SECONDS = 1.0
"""How long one call is spent on decisions of an earlier version, see `lrs.xapi.decisions.count_older`."""
MOST_REST = 1.0
"""Seconds of the longest rest."""
SHARED_REST = 0.25
"""The same while several tenants write: their records wait for the next pass, and its early look."""
IDLE = 0.05
"""Seconds between two looks at an idle log."""
GATHER = 0.15
"""Seconds after a pass over few records: under load more gather meanwhile, and a pass costs little more."""
BUSY = 500_000
"""Microseconds: the log is being written to when its newest record is younger than that."""
RESTS = ((60_000_000, 8.0), (600_000_000, 2.0))
"""How long the follower rests after a pass over many records, while the log is being written to.

Pairs of a lag in microseconds and a factor: a follower with less than that lag rests for that many times the
time of the pass, `MOST_REST` at most. One with a larger lag than all of these does not rest.
"""
POLL = 0.01
HELP, HELP_SECONDS = 20, 0.1
"""Records of a pass of somebody who waits, and how long they wait for their turn: both are over soon."""
PAUSE = 1.0
"""Seconds between two attempts after a failure."""
UNUSABLE: Final = document_kinds.UNPROJECTED
"""Kind of the documents that name records which could not be worked on; they are passed over."""

OnChanged = Callable[[str, Collection[str]], None]
"""Told of a tenant and of its persons whose record was worked out anew, once that is in force."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pass:
    """What one look at the log has found to do."""

    seen: Checkpoint
    safe: Position | None
    ahead: Position | None
    records: Sequence[Record] = ()
    asked: Sequence[Document] = ()
    confirmed: Sequence[Record] = ()
    walk: _Walk | None = None
    changes: Changes = field(default_factory=Changes)

    @property
    def idle(self) -> bool:
        unchanged = (self.safe, self.ahead) == (self.seen.safe, self.seen.ahead)
        return unchanged and not self.records and not self.asked and self.walk is None

    @property
    def everything(self) -> list[Record]:
        """All records that are to be worked on."""
        return [*self.records, *(self.walk.records if self.walk else ())]


@dataclass(slots=True)
class _Walk:
    """A slice of a tenant's whole log that is counted anew, after its table changed."""

    document: Document
    records: list[Record]


class Follower:
    """Keeps the learning record in step with the log. Any number may run; one of them works at a time."""

    def __init__(
        self,
        store: Store,
        people: People,
        tables: Tables,
        clock: Callable[[], int],
        *,
        holder: str,
        on_changed: OnChanged | None = None,
    ) -> None:
        """`holder` names this follower among all of the store's.

        `on_changed` is called after each commit, in the thread that did the work: it must be quick. It is
        told at least once of each change unless the process ends before; what it raises is logged.
        """
        self._store = store
        self._people = people
        self._projector = Projector(people, tables, clock)
        self._tables = tables
        self._adopted = False
        self._clock = clock
        self._holder = holder
        self._on_changed = on_changed
        self._turn = threading.Lock()
        self._news = threading.Event()
        self._moves = -1
        self._done: dict[tuple[str, str], int] = {}
        self._ahead: tuple[int, frozenset[int]] = -1, frozenset()
        """The checkpoint's moves, and the `stored` of what is done then beyond the safe place."""
        self._tenants: set[str] = set()
        self._counted = False
        self._share = BATCH
        self._careful = False
        self._behind = False
        self._busy: frozenset[str] = frozenset()
        self._early = EarlyLooks(self._projector)
        self._next_early = 0.0
        self._was_early = self._is_shared = False
        self._recounts = Queue(RECOUNT)
        self._put_off = [(Queue(UNCOUNTED), UNCOUNTED_YEARS), (Queue(REVERSED), 1)]
        self._next_uncounted = 0.0
        self._costly: dict[str, float] = {}
        """Tenants whose records took long, and until when (monotonic) others go before them."""

    def run_once(self, limit: int = BATCH) -> int:
        """Work on the next batch; how many records and recounts were done, 0 when there is nothing to do.

        Also 0 while another follower holds the lease.
        """
        with self._turn:
            done, persons = self._counted_run(limit)
        for tenant, changed in persons.items():
            self._tell(tenant, changed)
        return done

    def _help(self, end: float) -> int:
        """As `run_once`, for somebody who does not wait beyond `end`: a small pass, if it is our turn."""
        if not self._turn.acquire(timeout=max(0.0, min(HELP_SECONDS, end - time.monotonic()))):
            return 0
        try:
            done, persons = self._counted_run(HELP, end)
        finally:
            self._turn.release()
        for tenant, changed in persons.items():
            self._tell(tenant, changed)
        return done

    def _counted_run(self, limit: int, end: float = inf) -> tuple[int, dict[str, set[str]]]:
        """As `_run`, after decisions of an earlier version."""
        if not self._counted and not self._count_older(end):
            return 1, {}
        try:
            return self._run(limit, end)
        except CheckpointLostError:
            return 0, {}

    def run_forever(self, stop: threading.Event) -> None:
        """Follow the log until `stop` is set; failures of the store are waited out."""
        while not stop.is_set():
            begun = time.monotonic()
            try:
                done = self.run_once()
                rests = self._rests() if done >= BATCH // 2 else 0.0
            except StoreError as error:
                _log.warning("follower: the store does not answer: %s", type(error).__name__)
                stop.wait(PAUSE)
                continue
            except Exception:
                # A thread that ends here would leave the record behind for good, without a sign.
                _log.exception("follower: failed, and will try again")
                stop.wait(PAUSE)
                continue
            if done == 0:
                self._news.wait(IDLE)
                self._news.clear()
            elif self._was_early:
                continue
            elif done >= BATCH // 2:
                longest = SHARED_REST if self._is_shared else MOST_REST
                stop.wait(min(longest, rests * (time.monotonic() - begun)))
            elif not self._behind:
                stop.wait(GATHER)
        self.release()

    def notify(self) -> None:
        """Say that something was written in this process: saves the follower its next pause."""
        self._news.set()

    def release(self) -> None:
        """Give the lease back, so that another worker need not wait for its end."""

        def work(writer: Writer) -> None:
            held = checkpoint.read(writer)
            if held.holder == self._holder:
                checkpoint.move(writer, held, replace(held, holder="", until=0, moves=held.moves + 1))

        try:
            self._store.writing(work)
        except StoreError as error:
            _log.warning("follower: could not give its lease back: %s", type(error).__name__)

    def wait_past(self, stored: int, timeout: float, *, tenant: str = "") -> bool:
        """Wait until the statement with this `stored` is in the record; False after `timeout` seconds.

        With its `tenant`, it does not wait for what others wrote before. It helps with the work instead of
        only waiting, when no other worker has it.
        """
        end = time.monotonic() + timeout
        while True:
            if self._is_past(stored, tenant):
                return True
            if time.monotonic() >= end:
                return False
            if self._help(end) == 0:
                time.sleep(max(0.0, min(POLL, end - time.monotonic())))

    def lag(self) -> int:
        """Microseconds for which the oldest unread record has been waiting; 0 when none is."""
        with self._store.reading() as reader:
            front = checkpoint.read(reader).front
            waiting = reader.find(LogQuery(None, after=front, ascending=True, limit=1, include_hidden=True))
        return max(0, self._clock() - waiting[0].stored) if waiting else 0

    def _rests(self) -> float:
        """How long to rest, in passes: who is writing now comes first, unless the record is late already."""
        with self._store.reading() as reader:
            newest = reader.find(LogQuery(None, limit=1, include_hidden=True))
            front = checkpoint.read(reader).front
        now = self._clock()
        if not newest or front is None or now - newest[0].stored > BUSY:
            return 0.0
        return next((rests for within, rests in RESTS if now - front.stored < within), 0.0)

    def _is_past(self, stored: int, tenant: str) -> bool:
        with self._store.reading() as reader:
            held = checkpoint.read(reader)
        if held.safe is not None and held.safe.stored >= stored:
            return True
        early = held.early.get(tenant)
        if early is not None and early.stored >= stored:
            return True
        moves, done = self._ahead
        return held.moves == moves and stored in done

    def _tell(self, tenant: str, persons: Collection[str]) -> None:
        if self._on_changed is None or not persons:
            return
        try:
            self._on_changed(tenant, persons)
        except Exception:
            # The record is in force whatever becomes of those who wanted to know.
            _log.exception("follower: could not tell of a change in %s", tenant)

    def _run(self, limit: int, end: float = inf) -> tuple[int, dict[str, set[str]]]:
        """How much was done, and whose record it changed, by tenant."""
        if not self._adopted:
            self._tables.adopt()
            self._adopted = True
        while True:
            self._was_early = False
            if self._behind and time.monotonic() >= self._next_early and (early := self._run_early()):
                self._was_early = True
                return early
            share, begun = min(limit, self._share), time.monotonic()
            with self._store.reading() as reader:
                through = reader.consistent_through()
            with self._store.reading() as reader:
                todo = self._look(reader, through, share)
                if todo is None or todo.idle:
                    return 0, {}
                missing = older(reader, todo.everything)
                worked = not missing and self._work_out(reader, todo, share)
            if missing:
                adopt(self._store, missing)
            elif worked:
                break
            elif time.monotonic() >= end:
                return 0, {}
        self._write(todo)
        self._adapt(time.monotonic() - begun, share, todo)
        walked = len(todo.walk.records) + 1 if todo.walk else 0
        return len(todo.records) + len(todo.asked) + walked, todo.changes.persons

    def _count_older(self, end: float) -> bool:
        """Have decisions of earlier versions counted, and what waits listed, for a moment; whether all is."""
        end = min(end, time.monotonic() + OLDER_SECONDS)
        while count_older(self._store) or list_older(self._store):
            if time.monotonic() >= end:
                return False
        self._counted = True
        return True

    def _run_early(self) -> tuple[int, dict[str, set[str]]] | None:
        """As `_run`, for what others wrote behind the backlog; None when there is nothing to do early."""
        begun = time.monotonic()
        self._next_early = begun + EARLY_SECONDS
        with self._store.reading() as reader:
            seen = checkpoint.read(reader)
            if seen.moves != self._moves or seen.held_by_another(self._holder, self._clock()):
                return None
            early = self._early.look(reader, seen, self._busy)
            missing = older(reader, early.records)
            if not missing:
                self._early.work_out(reader, early, seen)
        self._note_cost(early.records, time.monotonic() - begun)
        if missing:
            adopt(self._store, missing)
        self._is_shared = bool(early.changes)
        if not early.changes:
            return None
        until = self._clock() + LEASE
        to = replace(seen, holder=self._holder, until=until, moves=seen.moves + 1, early=early.places)

        def work(writer: Writer) -> None:
            checkpoint.move(writer, seen, to)
            for changes in early.changes:
                changes.write(writer, self._people)

        self._store.writing(work)
        self._moves = to.moves
        persons = {tenant: some for each in early.changes for tenant, some in each.persons.items()}
        return len(early.records), persons

    def _note_cost(self, records: Sequence[Record], seconds: float) -> None:
        """Remember whose records took long: for a while, early looks are for everybody else.

        Who writes most is not who costs most: a tenant may send a hundred statements that are worked out at
        once while one of another tenant takes a second.
        """
        tenants = {record.tenant for record in records}
        if seconds > COSTLY_AFTER and len(tenants) == 1:
            self._costly[tenants.pop()] = time.monotonic() + COSTLY_SECONDS

    def _costly_now(self) -> frozenset[str]:
        now = time.monotonic()
        self._costly = {tenant: until for tenant, until in self._costly.items() if until > now}
        return frozenset(self._costly)

    def _adapt(self, seconds: float, share: int, todo: _Pass) -> None:
        """Take fewer records after a pass that others had to wait for, more after a quick one."""
        self._note_cost(todo.records, seconds)
        if any(one.kind in (UNCOUNTED, REVERSED) for one in todo.asked):
            self._next_uncounted = time.monotonic() + 4 * seconds
        elif seconds > SLOW_SECONDS:
            self._share = max(1, share // 2)
        elif seconds < QUICK_SECONDS:
            self._share = min(BATCH, 2 * self._share)
            self._careful = self._careful and self._share < BATCH

    def _look(self, reader: Reader, through: int, limit: int) -> _Pass | None:
        """What there is to do; None while somebody else does it."""
        seen = checkpoint.read(reader)
        if seen.held_by_another(self._holder, self._clock()):
            return None
        if seen.moves != self._moves:
            # Somebody else followed meanwhile: what was done beyond the safe place is not known here.
            self._done.clear()
            self._moves = seen.moves
            seen = replace(seen, ahead=None)
        fresh = _after(reader, seen.front, None, limit)
        # More may be there than was asked for; in order, or early, it is worked out without a pause.
        self._behind = len(fresh) >= limit or sum(len(one.body) for one in fresh) >= MOST_BYTES
        self._busy = self._costly_now() or _most_of(fresh)
        todo = _Pass(seen, seen.safe, seen.ahead, fresh)
        if fresh:
            todo.ahead = _place(fresh[-1])
        if seen.ahead is None:
            if not fresh or fresh[-1].stored <= through:
                todo.safe, todo.ahead = todo.ahead or seen.safe, None
        else:
            todo.confirmed = _after(reader, seen.safe, through, limit)
            if todo.confirmed:
                todo.safe = _place(todo.confirmed[-1])
                known = self._done.keys() | {(one.tenant, one.id) for one in fresh}
                late = [one for one in todo.confirmed if (one.tenant, one.id) not in known]
                todo.records = [*late, *fresh]
            if todo.ahead is not None and todo.safe is not None and _order(todo.ahead) <= _order(todo.safe):
                todo.ahead = None
        if not (fresh and self._careful):
            self._asked(reader, todo, limit)
        return todo

    def _asked(self, reader: Reader, todo: _Pass, limit: int) -> None:
        """Add what was asked to be counted anew; the walk through a whole log yields to what is new."""
        asked = self._recounts.next(reader, RECOUNTS)
        todo.asked = [document for document in asked if document.name != EVERYONE]
        if not todo.asked and (not todo.records or time.monotonic() >= self._next_uncounted):
            # One kind after the other, so that neither keeps the other from its turn.
            self._put_off.reverse()
            for queue, count in self._put_off:
                todo.asked = todo.asked or queue.next(reader, count)
        if self._careful:
            todo.asked = todo.asked[:1]
        whole = next((document for document in asked if document.name == EVERYONE), None)
        if whole is None or todo.records or (self._careful and todo.asked):
            return
        after = _position(whole)
        records = reader.find(
            LogQuery(
                whole.scope,
                after=after,
                ascending=True,
                limit=limit,
                include_hidden=True,
                most_bytes=MOST_BYTES,
            )
        )
        todo.walk = _Walk(whole, records)

    def _work_out(self, reader: Reader, todo: _Pass, share: int) -> bool:
        """Work out what is to be written; False when it has to be tried with fewer records."""
        records = todo.everything
        single = self._careful and share == 1
        begun = time.monotonic()
        try:
            todo.changes = self._projector.project(reader, records, todo.asked, bounded=not single)
        except StoreError:
            raise
        except Exception as error:
            self._note_cost(records, time.monotonic() - begun)
            if not single:
                # One of these cannot be worked on: half of them are tried at once, until it is found.
                self._careful, self._share = True, max(1, min(share, len(records)) // 2)
                # Others do not wait for that: what they wrote meanwhile is looked for before each attempt.
                self._behind = True
                return False
            todo.changes = Changes(answered=[(asked, None) for asked in todo.asked])
            for asked in todo.asked:
                self._passed_over(f"a recount ({asked.kind})", asked.scope, error)
            for record in records:
                self._passed_over(f"statement {record.id}", record.tenant, error)
                body = orjson.dumps({"error": type(error).__name__})
                todo.changes.puts.append(
                    Document(UNUSABLE, record.tenant, record.id, body, updated=self._clock())
                )
        for tenant in {record.tenant for record in records} - self._tenants:
            todo.changes.puts.append(Document(TENANT, "", tenant, b"{}", updated=self._clock()))
        return True

    def _passed_over(self, what: str, tenant: str, error: Exception) -> None:
        # One short line: whoever sends such statements must not fill the disk of everybody.
        _log.error("follower: passed over %s of %s: %s", what, tenant, type(error).__name__)
        _log.debug("follower: where it failed", exc_info=error)

    def _write(self, todo: _Pass) -> None:
        front = todo.safe if todo.ahead is None else todo.ahead
        to = Checkpoint(
            todo.safe,
            todo.ahead,
            self._holder,
            self._clock() + LEASE,
            todo.seen.moves + 1,
            still_early(todo.seen.early, front),
        )

        def work(writer: Writer) -> None:
            checkpoint.move(writer, todo.seen, to)
            todo.changes.write(writer, self._people)
            if todo.walk is not None:
                _walked(writer, todo.walk)

        self._store.writing(work)
        self._moves = to.moves
        self._tenants |= {record.tenant for record in todo.records}
        self._done |= {(record.tenant, record.id): record.stored for record in todo.records}
        if to.ahead is None:
            self._done.clear()
        for record in todo.confirmed:
            self._done.pop((record.tenant, record.id), None)
        self._ahead = to.moves, frozenset(self._done.values())


def _walked(writer: Writer, walk: _Walk) -> None:
    """Move on the walk through a tenant's log, or end it; not when it was asked for again meanwhile."""
    if writer.document(RECOUNT, walk.document.scope, EVERYONE) != walk.document:
        return
    if not walk.records:
        writer.delete(RECOUNT, walk.document.scope, (EVERYONE,))
        return
    place = walk.records[-1]
    writer.put(replace(walk.document, body=orjson.dumps({"stored": place.stored, "id": place.id})))


def _after(reader: Reader, place: Position | None, until: int | None, limit: int) -> list[Record]:
    return reader.find(
        LogQuery(
            None,
            after=place,
            until=until,
            ascending=True,
            limit=limit,
            include_hidden=True,
            most_bytes=MOST_BYTES,
        )
    )


def _most_of(records: Sequence[Record]) -> frozenset[str]:
    """The tenant that more than half of the records belong to, if there is one."""
    counts = Counter(record.tenant for record in records)
    return frozenset(tenant for tenant, count in counts.items() if 2 * count > len(records))


def _place(record: Record) -> Position:
    return Position(record.stored, record.id)


def _order(place: Position) -> tuple[int, str]:
    return place.stored, place.id


def _position(document: Document) -> Position | None:
    held = orjson.loads(document.body)
    return Position(held["stored"], held["id"]) if held else None

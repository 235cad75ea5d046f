"""Group commit: the works that wait together share one transaction.

One thread of a process takes all the works that wait, runs them one after another over one snapshot, sends
their changes and commits once, with the majority and the journal. A work that raises drops out alone.

What isolation gives: a transaction that changes something another one changed aborts, and its works
run again. Beyond that, a work's decisions hold against what it only read: ids that it found absent
cannot be added meanwhile, and a work that writes documents without adding records (a compare-and-set,
a lease) is undone when a document it read by name has changed. Works that add records may rely on
documents that change at the same moment (an activity's definition): they are ordered before the
change. Absences found by `find` and `find_documents` are not guarded.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bson import ObjectId
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.read_concern import ReadConcern

from lrs.store.errors import StoreError, UnavailableError
from lrs.store.index_keys import IndexKeys
from lrs.store.mongo.codec import (
    Raw,
    Ready,
    document_key,
    encode_document,
    encode_record,
    encode_views,
    record_key,
)
from lrs.store.mongo.errors import lost_race, said, translated
from lrs.store.mongo.queries import ConsistencyWatermarks, Selectivity
from lrs.store.mongo.reader import MongoReader
from lrs.store.mongo.schema import DOCS, DURABLE, LOG
from lrs.store.mongo.snapshots import InTransaction
from lrs.store.mongo.writer import Changes, Group, MissingTextsError, MongoWriter
from lrs.store.mongo.writer_leases import Stamps, WriterLeases
from lrs.store.write_queue import WriteQueue
from lrs.store.writer_activity import WriterActivity
from lrs.store.writes import WRITE_WAIT_SECONDS, Done, WriteHints

MOST_WORKS = 64
"""Works in one transaction."""
TRY_SECONDS = 4.0
"""How long a group is tried again before its callers hear UnavailableError."""
PATIENT_TRIES = 2
"""After so many lost races a group is taken apart, so that one work in dispute holds up no other."""
GATHER_STEP, GATHER_STEPS = 0.002, 6
"""Seconds between two looks at the queue while the callers of the last group come back, and most looks."""
LARGE = 2 * MOST_WORKS
"""A group that added so many records was worth its transaction: nobody is awaited after it."""
MOST_ROUNDS = 4
"""How often a work may be put off; it may ask for something else each time."""
SNAPSHOT = ReadConcern("snapshot")


@dataclass(eq=False)
class Job:
    """One call of `writing` or `submit`."""

    work: Callable[[MongoWriter], Any]
    hints: WriteHints
    ready: Ready
    done: Done
    committer: Committer
    alone: bool = False

    @property
    def tenant(self) -> str:
        """See `WriteHints`."""
        return self.hints.tenant

    @property
    def size(self) -> int:
        """See `WriteHints`."""
        return self.hints.size

    def withdraw(self) -> bool:
        """See `Submitted`."""
        return self.committer.withdraw(self)


class _Waiter:
    """Lets a thread wait for its job."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def __call__(self, result: Any, error: BaseException | None) -> None:
        self.result, self.error = result, error
        self.over.set()


class Committer:
    """The queue of waiting works, and the thread that serves it."""

    def __init__(
        self,
        database: Database[Raw],
        index_keys: IndexKeys,
        leases: WriterLeases,
        stamps: Stamps,
        rarity: Selectivity,
    ) -> None:
        self._database = database
        self._index_keys = index_keys
        self._leases = leases
        self._stamps = stamps
        self._rarity = rarity
        self._log = database[LOG]
        self._docs = database[DOCS]
        self.busy = WriterActivity()
        """Held while works are run and what they add is encoded: that takes the interpreter."""
        self._queue: WriteQueue[Job] = WriteQueue(MOST_WORKS)
        self._company = 0
        """How many works were under way when a group was last answered, if that group was a small one."""
        self._answered = 0.0
        """When that was, by the monotonic clock."""
        self._thread = threading.Thread(target=self._serve, name="jejak-mongo-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[MongoWriter], Any], done: Done, hints: WriteHints) -> Job:
        """Queue the work; `done` is told how it ended.

        The views of the hints are encoded here, in the caller's thread, so that the one that writes need not.
        """
        ready = {each: encode_views(self._index_keys, *each) for each in hints.views}
        job = Job(work, hints, ready, done, self)
        self._queue.put(job)
        return job

    def run(self, work: Callable[[MongoWriter], Any], hints: WriteHints) -> Any:
        """Have the work done; returns what it returned, or raises what it raised."""
        waiter = _Waiter()
        job = self.submit(work, waiter, hints)
        if not waiter.over.wait(WRITE_WAIT_SECONDS):
            if job.withdraw():
                raise UnavailableError("the write did not get its turn in time; nothing of it was kept")
            waiter.over.wait()
        if waiter.error is not None:
            raise waiter.error
        return waiter.result

    def withdraw(self, job: Job) -> bool:
        """Take a job out of the queue; False when it is not there any more."""
        return self._queue.remove(job)

    def close(self) -> None:
        """Serve what waits, then end the thread."""
        self._queue.close()
        self._thread.join()

    def _take(self) -> list[Job]:
        """The works that wait, at least one; empty when closing."""
        while self._queue.wait():
            self._gather()
            if jobs := self._queue.take():
                return jobs
        return []

    def _gather(self) -> None:
        """Give callers that were answered a moment ago the time to come back with their next work.

        Otherwise two halves of them would take turns, at twice the cost: most of what a transaction costs
        does not depend on how many works it holds. A caller who is alone never waits, and nobody does for
        long when fewer come than did before.
        """
        before = 0
        for _ in range(GATHER_STEPS):
            waiting = len(self._queue)
            if (
                waiting >= min(self._company, MOST_WORKS)
                or waiting == before
                or self._queue.is_closed
                or time.monotonic() - self._answered > GATHER_STEP * GATHER_STEPS
            ):
                break
            before = waiting
            time.sleep(GATHER_STEP)

    def _serve(self) -> None:
        while jobs := self._take():
            with self._leases.own.busy:
                self._see_through(jobs)

    def _see_through(self, jobs: list[Job]) -> None:
        """Try until every job has its result or its error."""
        waiting = jobs
        tries = 0
        end = time.monotonic() + TRY_SECONDS
        while waiting:
            part = waiting if tries < PATIENT_TRIES else waiting[:1]
            try:
                self._try(part, careful=tries > 0)
            except BaseException as error:
                tries += 1
                cause = error.__cause__ if isinstance(error.__cause__, PyMongoError) else error
                if lost_race(cause) and time.monotonic() < end:
                    time.sleep(random.uniform(0, 0.002 * 2 ** min(tries, 6)))  # noqa: S311
                    continue
                if len(part) > 1 and not isinstance(translate(cause), UnavailableError):
                    tries = PATIENT_TRIES
                    continue
                for job in part:
                    job.done(None, translate(cause))
            waiting = waiting[len(part) :]

    def _try(self, jobs: list[Job], *, careful: bool) -> None:
        """One transaction for these jobs; whatever is raised, nothing of it was kept, or UnavailableError."""
        self._leases.keep_moving()
        session = self._leases.own.session
        session.start_transaction(SNAPSHOT, DURABLE)
        try:
            reader = MongoReader(
                InTransaction(self._database, session),
                self._index_keys,
                self._rarity,
                ConsistencyWatermarks(),
            )
            group = Group(reader, self._stamps)
            # Ids are mostly named to be added, and were just made: they are looked up when a work gets them.
            group.want(documents=(name for job in jobs for name in job.hints.documents))
            group.want(
                (name for job in jobs for name in job.hints.prefetch if careful),
                (name for job in jobs for name in job.hints.heads),
                bodies=False,
            )
            group.begin()
            with self.busy:
                outcome = _run(group, jobs, self.busy, careful=careful)
                changes = group.changes
                ready = {each: raw for job in jobs for each, raw in job.ready.items()}
                added = [
                    encode_record(self._index_keys, changes.records[name], ready) for name in changes.added
                ]
            if changes:
                self._send(group, added)
        except BaseException:
            with suppress(PyMongoError):
                session.abort_transaction()
            raise
        self._commit()
        self._answered = time.monotonic()
        self._company = len(jobs) + len(self._queue) if len(group.changes.added) < LARGE else 0
        if group.changes.added:
            self._leases.own.moved = self._answered
        for job, (result, error) in outcome.items():
            job.done(result, error)

    def _send(self, group: Group, added: list[Raw]) -> None:
        session = self._leases.own.session
        changes = group.changes
        self._guard(changes, session)
        if added:
            self._log.insert_many(added, session=session)
        changed = [
            UpdateOne(
                {"_id": record_key(*name)},
                {
                    "$set": {
                        **encode_views(self._index_keys, record.tenant, record.views),
                        **({"h": True} if record.hidden else {}),
                    }
                },
            )
            for name, record in changes.records.items()
            if name not in changes.added
        ]
        if changed:
            self._log.bulk_write(changed, ordered=False, session=session)
        writes: list[InsertOne[Raw] | ReplaceOne[Raw] | DeleteOne] = []
        for full_name, document in changes.documents.items():
            if document is None:
                writes.append(DeleteOne({"_id": document_key(*full_name)}))
            elif group.is_new(full_name):
                writes.append(InsertOne(encode_document(document)))
            else:
                raw = encode_document(document)
                writes.append(ReplaceOne({"_id": raw["_id"]}, raw, upsert=True))
        if writes:
            self._docs.bulk_write(writes, ordered=False, session=session)
        if changes.added:
            last = max(changes.records[name].stored for name in changes.added)
            self._leases.raise_low_watermark(last, session)

    def _guard(self, changes: Changes, session: ClientSession) -> None:
        """Make this transaction conflict with those that change what its works relied on.

        An absent record or document is added and removed again; a present document is marked.
        """
        absent = [{"_id": record_key(*name)} for name in changes.doubted if name not in changes.records]
        if absent:
            self._log.insert_many(absent, session=session)
            self._log.delete_many({"_id": {"$in": [each["_id"] for each in absent]}}, session=session)
        relied = [document_key(*name) for name in changes.relied_on if name not in changes.documents]
        if relied:
            mark = {"$set": {"g": ObjectId()}}
            marks = [UpdateOne({"_id": key}, mark, upsert=True) for key in relied]
            self._docs.bulk_write(marks, ordered=False, session=session)
            self._docs.delete_many({"_id": {"$in": relied}, "k": {"$exists": False}}, session=session)

    def _commit(self) -> None:
        end = time.monotonic() + TRY_SECONDS
        while True:
            try:
                self._leases.own.session.commit_transaction()
                return
            except PyMongoError as error:
                if error.has_error_label("TransientTransactionError"):
                    raise
                unknown = error.has_error_label("UnknownTransactionCommitResult")
                if unknown and time.monotonic() < end:
                    time.sleep(0.05)
                    continue
                self._leases.abandon()
                raise UnavailableError(f"it is not known whether the write was kept: {said(error)}") from None


def translate(error: BaseException) -> BaseException:
    """What the caller of `writing` hears for a failure of its group."""
    if isinstance(error, PyMongoError):
        found = translated(error)
        found.__cause__ = None if isinstance(error, BulkWriteError) else error
        return found
    if isinstance(error, Exception) and lost_race(error):
        return UnavailableError("the write kept losing to others")
    return error


def _run(
    group: Group, jobs: list[Job], busy: WriterActivity, *, careful: bool
) -> dict[Job, tuple[Any, BaseException | None]]:
    """Run every work; those that need what is not at hand wait until it was fetched for all of them."""
    outcome: dict[Job, tuple[Any, BaseException | None]] = {}
    suspect = set(jobs) if careful else set()
    waiting = jobs
    rounds = 0
    while waiting:
        put_off = []
        may_wait = len(waiting) > 1 and rounds < MOST_ROUNDS
        rounds += 1
        for job in waiting:
            writer = MongoWriter(group, may_wait=may_wait, careful=job in suspect)
            try:
                result = job.work(writer)
            except MissingTextsError:
                put_off.append(job)
            except BaseException as error:
                if isinstance(error, StoreError) and isinstance(error.__cause__, PyMongoError):
                    raise
                if writer.assumed:
                    # It might have heard of a ConflictError before it came to this.
                    suspect.add(job)
                    put_off.append(job)
                else:
                    outcome[job] = (None, error)
            else:
                writer.finish()
                outcome[job] = (result, None)
        if put_off:
            with busy.left():
                group.fetch()
        waiting = put_off
    return outcome

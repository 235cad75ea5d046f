"""Stamps, and the consistency watermark (`consistent_through`), across many processes.

Every process that writes holds a *writer lease*: a document of its own in `writers` with its low watermark
(`floor`, microseconds) and whether it is `open`. The rules, and why they are enough:

1. A transaction that appends records raises the low watermark of its lease to its last stamp, on the
   condition that the lease is open. Records and watermark become visible together. A lease runs one
   transaction at a time and its stamps only grow, so whatever it commits later has stamps above the
   watermark seen now.
2. Hence in any snapshot no record at or below the smallest watermark of the open leases can be missing:
   that is `consistent_through`. A closed lease cannot commit: its condition fails, or, when the
   transaction began before the closing, the two changes of one document conflict and it aborts.
   No clock takes part in this.
3. A transaction reads all low watermarks first, and stamps above the largest: every stamp is later than all
   that was committed before, whatever the clocks of the servers say. The largest watermark never falls,
   because closed leases are kept until a larger one has been there for an hour.
4. A new lease first appears in `writers` and then reads the low watermarks, so its stamps lie above every
   consistency watermark that was given out without it.
5. An idle process raises its low watermark by a heartbeat, and a busy one between two transactions when
   these did not, so the consistency watermark stays near the present. A lease that has not moved for
   `PATIENCE` is closed by whichever process notices, which first ends its open transaction: a process that
   was killed holds nobody up, and a write that takes longer than that is stamped anew. A lease that was
   closed although its process lives is opened as a new one with twice the patience, so that an honest write
   that needs long gets through once the store is that slow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bson import ObjectId
from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from lrs.store.mongo.codec import Raw
from lrs.store.mongo.errors import FencedError
from lrs.store.mongo.schema import DURABLE, NEWEST, WRITERS

HEARTBEAT = 0.1
"""Seconds between heartbeats."""
PATIENCE = 1.0
"""Seconds that a lease may stand still before it is closed."""
LONGEST_PATIENCE = 30.0
LOOKS = 4
"""How often a lease must be seen standing still: a process that slept itself must not judge others."""
KEPT = 3_600_000_000
"""Microseconds that closed leases are kept."""


class Stamps:
    """The microseconds handed out by this process: strictly increasing, never behind what it saw."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0

    def take(self, count: int = 1) -> int:
        """The first of `count` microseconds that nobody else gets."""
        with self._lock:
            first = max(self._clock(), self._last + 1)
            self._last = first + count - 1
            return first

    def observe(self, watermark: int) -> None:
        """Stay above a low watermark that another process reached."""
        with self._lock:
            self._last = max(self._last, watermark)


@dataclass
class WriterLease:
    """The right of one process to append records. `busy` is held by whoever uses it."""

    session: ClientSession
    key: ObjectId = field(default_factory=ObjectId)
    patience: float = PATIENCE
    registered: bool = False
    busy: threading.Lock = field(default_factory=threading.Lock)
    moved: float = 0.0
    """When its low watermark last rose, by the monotonic clock."""


@dataclass
class _Sighting:
    floor: int
    since: float
    looks: int = 1


class WriterLeases:
    """The lease of this process, and its watch over those of others."""

    def __init__(self, client: MongoClient[Raw], database: Database[Raw], stamps: Stamps) -> None:
        self._client = client
        self._stamps = stamps
        self._writers = database.get_collection(
            WRITERS, write_concern=DURABLE, read_concern=ReadConcern("majority")
        )
        self._quick = database.get_collection(
            WRITERS, write_concern=WriteConcern(1), read_preference=ReadPreference.PRIMARY
        )
        self.consistency_watermark = 0
        """The latest that was learnt; what was true once is true for ever, see rule 2."""
        self._seen: dict[ObjectId, _Sighting] = {}
        self._stop = threading.Event()
        self.own = WriterLease(client.start_session(causal_consistency=False))
        self._close_stale()
        self.register()
        self._learn_watermark()
        self._thread = threading.Thread(target=self._beat, name="jejak-mongo-heartbeat", daemon=True)
        self._thread.start()

    def register(self) -> None:
        """Open the lease under a new key; the caller holds `own.busy` or is alone."""
        lease = self.own
        for raw in self._writers.find({}, {"floor": 1}):
            self._stamps.observe(raw["floor"])
        lease.key = ObjectId()
        row = {"_id": lease.key, "floor": self._stamps.take(), "open": True, "patience": lease.patience}
        row["schema"] = NEWEST  # so that others know what this process writes; see `backfill`
        self._writers.insert_one({**row, "session": lease.session.session_id})
        lease.registered = True
        lease.moved = time.monotonic()

    def fenced(self) -> None:
        """The lease turned out to be closed: be ready to open it anew, with more patience."""
        self.own.registered = False
        self.own.patience = min(self.own.patience * 2, LONGEST_PATIENCE)

    def abandon(self) -> None:
        """Leave a lease whose last transaction may still be open: its old key is closed like a stranger's."""
        self.own.session.end_session()
        self.own.session = self._client.start_session(causal_consistency=False)
        self.own.registered = False

    def raise_low_watermark(self, stamp: int, session: ClientSession) -> None:
        """The last statement of a transaction; FencedError when the lease is closed."""
        where = {"_id": self.own.key, "open": True}
        if not self._quick.update_one(where, {"$set": {"floor": stamp}}, session=session).matched_count:
            self.fenced()
            raise FencedError

    def close(self) -> None:
        """Stop the heartbeat and close the lease; nobody uses it any more."""
        self._stop.set()
        self._thread.join()
        try:
            self._writers.update_one({"_id": self.own.key}, {"$set": {"open": False}})
        except PyMongoError:
            pass  # another process closes it when it sees it stand still
        self.own.session.end_session()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            try:
                self._watch()
                self._move_idle()
                self._learn_watermark()
            except PyMongoError:
                self._seen.clear()

    def _move_idle(self) -> None:
        """Raise the low watermark when nobody uses the lease now."""
        if self.own.busy.acquire(blocking=False):
            try:
                self._move()
            finally:
                self.own.busy.release()

    def _learn_watermark(self) -> None:
        """Learn the consistency watermark of this moment, from low watermarks that a majority holds."""
        opened = [raw["floor"] for raw in self._writers.find({"open": True}, {"floor": 1})]
        if opened:
            self.consistency_watermark = max(self.consistency_watermark, min(opened))

    def keep_moving(self) -> None:
        """Between two transactions: open the lease if need be, and move it if it stood still for long.

        What only writes documents, or loses a race again and again, raises no watermark; a lease that is busy
        with nothing else would be taken for dead. The caller holds `own.busy`.
        """
        if not self.own.registered or time.monotonic() - self.own.moved > 2 * HEARTBEAT:
            self._move()
        if not self.own.registered:
            self.register()

    def _move(self) -> None:
        if not self.own.registered:
            self.register()
            return
        where = {"_id": self.own.key, "open": True}
        if self._quick.update_one(where, {"$max": {"floor": self._stamps.take()}}).matched_count:
            self.own.moved = time.monotonic()
        else:
            self.fenced()

    def _watch(self) -> None:
        """Learn the low watermarks of others; close leases that stand still; drop what is long closed."""
        now = time.monotonic()
        seen: dict[ObjectId, _Sighting] = {}
        highest = 0
        rows = list(self._quick.find({}))
        for raw in rows:
            highest = max(highest, raw["floor"])
            if not raw["open"] or raw["_id"] == self.own.key:
                continue
            sighting = self._seen.get(raw["_id"])
            if sighting is None or sighting.floor != raw["floor"]:
                sighting = _Sighting(raw["floor"], now)
            else:
                sighting.looks += 1
                if sighting.looks > LOOKS and now - sighting.since > raw["patience"]:
                    self._fence(raw)
            seen[raw["_id"]] = sighting
        self._seen = seen
        self._stamps.observe(highest)
        if any(not raw["open"] and raw["floor"] < highest - KEPT for raw in rows):
            self._quick.delete_many({"open": False, "floor": {"$lt": highest - KEPT}})

    def _close_stale(self) -> None:
        """On opening, close leases that by the clock have long stood still, so that nothing waits."""
        now = self._stamps.take()
        for raw in self._quick.find({"open": True}):
            if raw["floor"] < now - int(1_000_000 * max(raw["patience"], PATIENCE)):
                self._fence(raw)

    def _fence(self, raw: Raw) -> None:
        """Close another process's lease, unless it moves; its open transaction ends first."""
        self._client.admin.command("killSessions", [raw["session"]])
        where = {"_id": raw["_id"], "floor": raw["floor"]}
        self._writers.update_one(where, {"$set": {"open": False}})

"""Stamps, and the promise of `consistent_through`, across many processes.

Every thread that commits is a *lease* with a document of its own in `writers`: `floor` (microseconds)
and `open`. The rules, and why they are enough:

1. A transaction that appends records raises its lease's floor to its last stamp, on the condition that
   the lease is open. Records and floor become visible together. A lease runs one transaction at a time
   and its stamps only grow, so whatever a lease commits later has stamps above the floor seen now.
2. Hence in any snapshot no record at or below the smallest floor of the open leases can be missing:
   that is `consistent_through`. A closed lease cannot commit: its condition fails, or, when the
   transaction began before the closing, the two changes of one document conflict and it aborts.
   No clock takes part in this.
3. A transaction reads all low_watermarks first, and stamps above the largest: every stamp is later than all
   that was committed before, whatever the clocks of the servers say. The largest floor never falls,
   because closed leases are kept until a larger floor has been there for an hour.
4. A new lease first appears in `writers` and then reads the low_watermarks, so its stamps lie above every
   promise that was made without it.
5. Idle leases raise their low_watermarks by a heartbeat, and busy ones between two transactions when these
did
   not; so the promise stays near the present. A lease that
   has not moved for `PATIENCE` is closed by whichever process notices, which first ends its open
   transaction: a process that was killed holds nobody up, and a write that takes longer than that is
   stamped anew. A lease that was closed although alive opens as a new one with twice the patience, so
   that an honest write that needs long gets through once the store is that slow.
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

    def observe(self, floor: int) -> None:
        """Stay above a floor that another process reached."""
        with self._lock:
            self._last = max(self._last, floor)


@dataclass
class WriterLease:
    """One committing thread. `busy` is held by whoever uses the lease."""

    session: ClientSession
    key: ObjectId = field(default_factory=ObjectId)
    patience: float = PATIENCE
    registered: bool = False
    busy: threading.Lock = field(default_factory=threading.Lock)
    moved: float = 0.0
    """When its floor last rose, by the monotonic clock."""


@dataclass
class _Sighting:
    floor: int
    since: float
    looks: int = 1


class WriterLeases:
    """The leases of this process, and its watch over those of others."""

    def __init__(self, client: MongoClient[Raw], database: Database[Raw], stamps: Stamps, count: int) -> None:
        self._client = client
        self._stamps = stamps
        self._writers = database.get_collection(
            WRITERS, write_concern=DURABLE, read_concern=ReadConcern("majority")
        )
        self._quick = database.get_collection(
            WRITERS, write_concern=WriteConcern(1), read_preference=ReadPreference.PRIMARY
        )
        self.promised = 0
        """A promise that was true a moment ago, and so for ever; see rule 2."""
        self._seen: dict[ObjectId, _Sighting] = {}
        self._stop = threading.Event()
        self.all = [WriterLease(client.start_session(causal_consistency=False)) for _ in range(count)]
        self._close_stale()
        for lease in self.all:
            self.register(lease)
        self._learn_watermark()
        self._thread = threading.Thread(target=self._beat, name="jejak-mongo-heartbeat", daemon=True)
        self._thread.start()

    def register(self, lease: WriterLease) -> None:
        """Open the lease under a new key; the caller holds `lease.busy` or is alone."""
        for raw in self._writers.find({}, {"floor": 1}):
            self._stamps.observe(raw["floor"])
        lease.key = ObjectId()
        row = {"_id": lease.key, "floor": self._stamps.take(), "open": True, "patience": lease.patience}
        row["schema"] = NEWEST  # so that others know what this process writes; see `backfill`
        self._writers.insert_one({**row, "session": lease.session.session_id})
        lease.registered = True
        lease.moved = time.monotonic()

    def fenced(self, lease: WriterLease) -> None:
        """The lease turned out to be closed: be ready to open it anew, with more patience."""
        lease.registered = False
        lease.patience = min(lease.patience * 2, LONGEST_PATIENCE)

    def abandon(self, lease: WriterLease) -> None:
        """Leave a lease whose last transaction may still be open: its old key is closed like a stranger's."""
        lease.session.end_session()
        lease.session = self._client.start_session(causal_consistency=False)
        lease.registered = False

    def raise_low_watermark(self, lease: WriterLease, floor: int, session: ClientSession) -> None:
        """The last statement of the lease's transaction; FencedError when the lease is closed."""
        change = {"$set": {"floor": floor}}
        if not self._quick.update_one(
            {"_id": lease.key, "open": True}, change, session=session
        ).matched_count:
            self.fenced(lease)
            raise FencedError

    def close(self) -> None:
        """Stop the heartbeat and close the leases; nobody uses them any more."""
        self._stop.set()
        self._thread.join()
        try:
            keys = [lease.key for lease in self.all]
            self._writers.update_many({"_id": {"$in": keys}}, {"$set": {"open": False}})
        except PyMongoError:
            pass  # another process closes them when it sees them stand still
        for lease in self.all:
            lease.session.end_session()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            try:
                self._watch()
                self._move_idle()
                self._learn_watermark()
            except PyMongoError:
                self._seen.clear()

    def _move_idle(self) -> None:
        """Raise the low_watermarks of the leases that nobody uses now."""
        for lease in self.all:
            if not lease.busy.acquire(blocking=False):
                continue
            try:
                self._move(lease)
            finally:
                lease.busy.release()

    def _learn_watermark(self) -> None:
        """Learn the promise of this moment, from low_watermarks that a majority holds."""
        opened = [raw["floor"] for raw in self._writers.find({"open": True}, {"floor": 1})]
        if opened:
            self.promised = max(self.promised, min(opened))

    def keep_moving(self, lease: WriterLease) -> None:
        """Between two transactions: open the lease if need be, and move it if it stood still for long.

        What only writes documents, or loses a race again and again, raises no floor; a lease that is busy
        with nothing else would be taken for dead. The caller holds `lease.busy`.
        """
        if not lease.registered or time.monotonic() - lease.moved > 2 * HEARTBEAT:
            self._move(lease)
        if not lease.registered:
            self.register(lease)

    def _move(self, lease: WriterLease) -> None:
        if not lease.registered:
            self.register(lease)
            return
        where = {"_id": lease.key, "open": True}
        if self._quick.update_one(where, {"$max": {"floor": self._stamps.take()}}).matched_count:
            lease.moved = time.monotonic()
        else:
            self.fenced(lease)

    def _watch(self) -> None:
        """Learn the low_watermarks of others; close leases that stand still; drop what is long closed."""
        own = {lease.key for lease in self.all}
        now = time.monotonic()
        seen: dict[ObjectId, _Sighting] = {}
        highest = 0
        rows = list(self._quick.find({}))
        for raw in rows:
            highest = max(highest, raw["floor"])
            if not raw["open"] or raw["_id"] in own:
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

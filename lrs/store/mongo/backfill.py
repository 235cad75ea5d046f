"""What a migration left to do in existing records, done beside everything else while the store is open.

One process works at a time; its note in META says until when nobody else need try, and how far it came. Two
that work at once do the same twice, and no harm. Nothing is done while a process of an older program still
has a lease open: what it adds would have to be done again. Such a program no longer opens the database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from bson import ObjectId
from pymongo import ReadPreference
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from lrs.store.index_keys import IndexKeys
from lrs.store.mongo.codec import Raw
from lrs.store.mongo.errors import said
from lrs.store.mongo.schema import DURABLE, META, MIGRATIONS, WRITERS, Migration

TURN = 30.0
"""Seconds that a process is given for a slice before another one may take over."""
POLL = 5.0
"""Seconds between two looks at what others are doing, and after a failure."""

_log = logging.getLogger(__name__)


class Backfill:
    """A thread that works until nothing is left to do; no thread when that is so from the beginning."""

    def __init__(
        self,
        database: Database[Raw],
        index_keys: IndexKeys,
        complete: Callable[[], None],
        *,
        migrations: Sequence[Migration] = MIGRATIONS,
        poll: float = POLL,
    ) -> None:
        """`complete` is called once, when every record is up to date in whatever is read from then on."""
        self._database = database.with_options(
            write_concern=DURABLE,
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )
        self._index_keys = index_keys
        self._complete = complete
        self._slices = {each.number: each.backfill for each in migrations if each.backfill}
        self._poll = poll
        self._me = ObjectId()
        self._alone = False
        """Whether the last look found no older program at work."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if self._waiting() is None:
            complete()
        else:
            self._thread = threading.Thread(target=self._work, name="jejak-mongo-backfill", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop after the slice at hand; another opening goes on from there."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _waiting(self) -> Raw | None:
        """The note of the oldest backfill that is not complete."""
        notes = self._database[META].find({"number": {"$in": list(self._slices)}})
        return min(notes, key=lambda note: int(note["number"]), default=None)

    def _work(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                note = self._waiting()
                if note is None:
                    self._complete()
                    return
                pause = self._slice(note)
            except PyMongoError as error:
                _log.warning("a backfill has to wait: %s", said(error))
                pause = self._poll
            except Exception:
                # Without it everything is still found, only slower; a thread that ends would say nothing.
                _log.exception("a backfill failed, and will be tried again")
                pause = TURN
        self._give_back()

    def _slice(self, note: Raw) -> float:
        """Do the next slice, if it is ours to do; how long to pause then, in seconds."""
        notes = self._database[META]
        begun, now = time.monotonic(), time.time()
        if self._has_older_writers(note):
            return self._poll
        taken = {"until": {"$gt": now, "$lte": now + 2 * TURN}, "holder": {"$ne": self._me}}
        free = {"_id": note["_id"], "$nor": [taken]}
        mine = notes.find_one_and_update(free, {"$set": {"holder": self._me, "until": now + TURN}})
        if mine is None:
            return self._poll
        place = self._slices[note["number"]](self._database, self._index_keys, mine.get("at"))
        if place is not None:
            notes.update_one({"_id": note["_id"], "holder": self._me}, {"$set": {"at": place}})
            return time.monotonic() - begun  # others have half of the time
        # A primary that just took over may give out, for a moment, what was true before: whoever misses the
        # note must not meet that moment of the last slice.
        if not self._stop.wait(self._poll):
            notes.delete_one({"_id": note["_id"], "holder": self._me})
        return 0.0

    def _has_older_writers(self, note: Raw) -> bool:
        """Whether a program that does not know this migration has a lease open, or had at the last look."""
        since = {"$not": {"$gte": note["number"]}}
        older = self._database[WRITERS].find_one({"open": True, "schema": since})
        if older is not None:
            # What it adds lies behind the place that was reached: all begins anew when it is gone.
            gone = {"at": "", "holder": "", "until": ""}
            self._database[META].update_one({"_id": note["_id"]}, {"$unset": gone})
        was_alone, self._alone = self._alone, older is None
        return not (was_alone and self._alone)

    def _give_back(self) -> None:
        """Let another process take over at once."""
        try:
            self._database[META].update_many({"holder": self._me}, {"$set": {"until": 0}})
        except PyMongoError:
            pass  # then it takes over a little later

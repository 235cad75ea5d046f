"""Where reads come from: one snapshot held by a majority, or the snapshot of a transaction.

What is read is written once, as generators that yield the server's commands and are sent its answers
(`Asking`, run by `generator_runner`): a thread has them answered by a `Source`, an event loop by a
`LoopSnapshot`.

Reads run the server's own `find` command, because its answer names the snapshot's time, which a cursor
of the driver keeps to itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from bson import Timestamp
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import (
    AutoReconnect,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from lrs.store.errors import TooLongError
from lrs.store.mongo.codec import Raw
from lrs.store.mongo.errors import said, translated, translating
from lrs.store.pages import enough
from lrs.store.read_bounds import QUICK_SECONDS, deadline

T = TypeVar("T")

MANY = 1_000_000
TRIES = 3
PAUSE = 0.01
"""Seconds between two of them."""
SNAPSHOT_UNAVAILABLE = 246
"""The server's word for a collection that was made a moment ago."""

Asking = Generator[Raw, Raw, T]
"""Yields commands, is sent the answers, and returns."""


class View(Protocol):
    """What those who ask must know about where the answers come from."""

    @property
    def at(self) -> Timestamp | None:
        """The time of the snapshot; None before the first read, and in a transaction."""

    @property
    def is_routed(self) -> bool:
        """Whether a router may have to choose among shards; on a replica set there is nothing to choose."""


class Source(View, Protocol):
    """Something that answers commands."""

    def run(self, command: Raw) -> Raw:
        """The server's answer. StoreError."""


class _Majority:
    """The latest snapshot that a majority holds; the first `find` fixes it.

    Anything else that is asked (a count, to choose an index) has no part in it.
    """

    def __init__(self, *, is_routed: bool) -> None:
        self.at: Timestamp | None = None
        self.is_routed = is_routed

    def within(self, command: Raw, seconds: float | None) -> Raw:
        """The command as it is sent; the server gives up after so many seconds."""
        if seconds is not None:
            if seconds <= 0:
                raise TooLongError("the time for this read is over")
            command = {**command, "maxTimeMS": int(seconds * 1000) + 1}
        if "find" not in command:
            return command
        concern: Raw = {"level": "snapshot"}
        if self.at is not None:
            concern["atClusterTime"] = self.at
        return {**command, "readConcern": concern}

    def learn(self, answer: Raw) -> Raw:
        """Note which snapshot was read; the answer."""
        if "cursor" in answer:
            self.at = answer["cursor"]["atClusterTime"]
        return answer


class Snapshot(_Majority):
    """Read by a thread."""

    def __init__(self, database: Database[Raw]) -> None:
        super().__init__(is_routed=is_routed(database))
        self._database = database

    def run(self, command: Raw) -> Raw:
        """See `Source.run`; a read that meets a change of primary is repeated.

        Nobody waits twice for a primary to appear.
        """
        end = deadline()
        sent = self.within(command, None if end is None else end - time.monotonic())
        for left in reversed(range(TRIES)):
            try:
                return self.learn(self._database.command(sent))
            except ExecutionTimeout as error:
                raise TooLongError(said(error)) from error
            except PyMongoError as error:
                if not left or not _may_pass(error):
                    raise translated(error) from error
                time.sleep(PAUSE)
        raise AssertionError("the last try returns or raises")


class LoopSnapshot(_Majority):
    """Read by an event loop, which `ask`s the server one command."""

    def __init__(self, ask: Callable[[Raw], Awaitable[Raw]], *, is_routed: bool) -> None:
        super().__init__(is_routed=is_routed)
        self._ask = ask
        self.most: int | None = None
        """Commands that may still be asked in `QUICK_SECONDS` each; None when there is no bound."""

    async def run(self, command: Raw) -> Raw:
        """As that of `Snapshot`."""
        seconds = None
        if self.most is not None:
            seconds = QUICK_SECONDS if self.most else 0.0
            self.most -= 1
        sent = self.within(command, seconds)
        for left in reversed(range(TRIES)):
            try:
                return self.learn(await self._ask(sent))
            except ExecutionTimeout as error:
                raise TooLongError(said(error)) from error
            except PyMongoError as error:
                if not left or not _may_pass(error):
                    raise translated(error) from error
                await asyncio.sleep(PAUSE)
        raise AssertionError("the last try returns or raises")


class InTransaction:
    """What the transaction of a session sees."""

    at: Timestamp | None = None

    def __init__(self, database: Database[Raw], session: ClientSession) -> None:
        self._database = database
        self._session = session
        self.is_routed = is_routed(database)

    def run(self, command: Raw) -> Raw:
        """See `Source.run`; a transaction takes no counts, they are asked for beside it."""
        session = self._session if "find" in command else None
        with translating():
            return self._database.command(command, session=session)


def rows(
    table: str,
    where: Raw,
    *,
    fields: Raw | None = None,
    sort: Sequence[tuple[str, int]] = (),
    index: str | None = None,
    limit: int = MANY,
    most_bytes: int | None = None,
    batch: int = MANY,
) -> Asking[list[Raw]]:
    """The documents that match, at most `limit`, so many in one answer at most.

    An answer holds 16 MB; what did not fit is asked for again, without what has come, unless it was enough:
    two or more, whose bodies have more than `most_bytes` together.
    """
    found: list[Raw] = []
    while limit > len(found):
        left = limit - len(found)
        seen = {"$and": [where, {"_id": {"$nin": [raw["_id"] for raw in found]}}]} if found else where
        command: Raw = {"find": table, "filter": seen, "limit": left, "batchSize": min(left, batch)}
        if fields:
            command["projection"] = fields
        if sort:
            command["sort"] = dict(sort)
        if index:
            command["hint"] = index
        cursor = (yield command)["cursor"]
        found += cursor["firstBatch"]
        if not cursor["id"] or (most_bytes is not None and enough(sizes(found), most_bytes)):
            break
    return found


class TypicalSizes:
    """Roughly how large a tenant's bodies are, so that an answer brings no more of them than are wanted."""

    LARGE = 16_384
    """Bodies that are smaller on average need no care."""
    MOST = 10_000

    def __init__(self) -> None:
        self._known: dict[str | None, int] = {}

    def batch(self, tenant: str | None, most_bytes: int | None) -> int:
        """How many records to ask for at once, where no more than `most_bytes` are wanted."""
        size = self._known.get(tenant) if most_bytes is not None else None
        return MANY if size is None or most_bytes is None else most_bytes // size + 2

    def learn(self, tenant: str | None, count: int, total: int) -> None:
        """So many bodies had so many bytes together."""
        if count and total > self.LARGE * count:
            if len(self._known) >= self.MOST:
                self._known.clear()
            self._known[tenant] = total // count
        elif tenant in self._known and count:
            del self._known[tenant]


def sizes(found: Iterable[Raw]) -> Iterator[int]:
    """The sizes of the bodies of records, as they lie in the log."""
    return (len(raw["b"]) for raw in found)


def is_routed(database: Database[Raw]) -> bool:
    """See `View.is_routed`."""
    return not database.client.topology_description.topology_type_name.startswith("ReplicaSet")


def _may_pass(error: PyMongoError) -> bool:
    if isinstance(error, ServerSelectionTimeoutError):
        return False
    is_new = isinstance(error, OperationFailure) and error.code == SNAPSHOT_UNAVAILABLE
    return is_new or isinstance(error, AutoReconnect)

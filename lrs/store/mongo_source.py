"""Where reads come from: one snapshot held by a majority, or the snapshot of a transaction.

Both run the server's own `find` command, because its answer names the snapshot's time, which a cursor
of the driver keeps to itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from bson import Timestamp
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError

from lrs.store.mongo_codec import Raw

MANY = 1_000_000
TRIES = 3
SNAPSHOT_UNAVAILABLE = 246
"""The server's word for a collection that was made a moment ago."""


class Source(Protocol):
    """Something to run a `find` command on."""

    @property
    def at(self) -> Timestamp | None:
        """The time of the snapshot; None before the first read, and in a transaction."""

    @property
    def is_routed(self) -> bool:
        """Whether a router may have to choose among shards; on a replica set there is nothing to choose."""

    def run(self, command: Raw) -> Raw:
        """The answer's `cursor`: `firstBatch`, and an `id` that is not 0 when there is more."""


def _is_routed(database: Database[Raw]) -> bool:
    return not database.client.topology_description.topology_type_name.startswith("ReplicaSet")


class Snapshot:
    """The latest snapshot that a majority holds; the first read fixes it."""

    def __init__(self, database: Database[Raw]) -> None:
        self._database = database
        self.at: Timestamp | None = None
        self.is_routed = _is_routed(database)

    def run(self, command: Raw) -> Raw:
        """See `Source.run`; a read that meets a change of primary is repeated,
        but nobody waits twice for a primary to appear."""
        concern: Raw = {"level": "snapshot"}
        if self.at is not None:
            concern["atClusterTime"] = self.at
        tries = TRIES
        while True:
            try:
                cursor: Raw = self._database.command({**command, "readConcern": concern})["cursor"]
                break
            except (AutoReconnect, OperationFailure) as error:
                tries -= 1
                if isinstance(error, ServerSelectionTimeoutError) or not tries:
                    raise
                if isinstance(error, OperationFailure) and error.code != SNAPSHOT_UNAVAILABLE:
                    raise
                time.sleep(0.01)
        self.at = cursor["atClusterTime"]
        return cursor


class InTransaction:
    """What the transaction of a session sees."""

    at: Timestamp | None = None

    def __init__(self, database: Database[Raw], session: ClientSession) -> None:
        self._database = database
        self._session = session
        self.is_routed = _is_routed(database)

    def run(self, command: Raw) -> Raw:
        """See `Source.run`."""
        cursor: Raw = self._database.command(command, session=self._session)["cursor"]
        return cursor


def rows(
    source: Source,
    table: str,
    where: Raw,
    *,
    fields: Raw | None = None,
    sort: Sequence[tuple[str, int]] = (),
    index: str | None = None,
    limit: int = MANY,
) -> list[Raw]:
    """The documents that match, at most `limit`.

    An answer holds 16 MB; what did not fit is asked for again, without what has come.
    """
    found: list[Raw] = []
    while limit > len(found):
        left = limit - len(found)
        seen = {"$and": [where, {"_id": {"$nin": [raw["_id"] for raw in found]}}]} if found else where
        command: Raw = {"find": table, "filter": seen, "limit": left, "batchSize": left}
        if fields:
            command["projection"] = fields
        if sort:
            command["sort"] = dict(sort)
        if index:
            command["hint"] = index
        cursor = source.run(command)
        found += cursor["firstBatch"]
        if not cursor["id"]:
            break
    return found

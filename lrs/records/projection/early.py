"""What other tenants wrote behind the long backlog of one is worked out early.

The follower reads the log in order, so whoever writes faster than it works would have everybody else wait.
While it is behind, it looks twice a second for what each other tenant wrote since, and works out some of it
at once. Working it out again when the log's turn comes changes nothing.
"""

from __future__ import annotations

import logging
import time
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, field

from lrs.records.checkpoint import Checkpoint
from lrs.records.projection.project import Changes, Projector
from lrs.store.errors import StoreError
from lrs.store.log import LogQuery, Position, Record
from lrs.store.port import Reader
from lrs.tenants import tenants

SHARE = 200
"""Records of one tenant in one look."""
SHARE_BYTES = 524_288
"""Bytes of their statements, but for the last."""
MOST = 400
"""Records of one look."""
LOOK_SECONDS = 0.5
"""How long a look takes at most; the next one begins with the tenants that this one did not come to."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Early:
    """What one look has found."""

    places: dict[str, Position]
    """By tenant: everything up to there is worked out, beyond the follower's place in the log."""
    found: dict[str, list[Record]] = field(default_factory=dict)
    changes: list[Changes] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        """All of them."""
        return [record for some in self.found.values() for record in some]


class EarlyLooks:
    """Looks for what can be worked out early; goes round among the tenants."""

    def __init__(self, projector: Projector) -> None:
        self._projector = projector
        self._last = ""

    def look(self, reader: Reader, seen: Checkpoint, busy: Collection[str]) -> Early:
        """What tenants that are not `busy` wrote since; the busy ones have the follower's time anyway."""
        early = Early(dict(seen.early))
        names = [tenant for tenant in tenants(reader) if tenant not in busy]
        first = bisect_right(names, self._last)
        end, count = time.monotonic() + LOOK_SECONDS, 0
        for tenant in names[first:] + names[:first]:
            if count >= MOST or time.monotonic() >= end:
                break
            self._last = tenant
            after = _later(seen.early.get(tenant), seen.front)
            found = reader.find(
                LogQuery(
                    tenant,
                    after=after,
                    ascending=True,
                    limit=SHARE,
                    include_hidden=True,
                    most_bytes=SHARE_BYTES,
                )
            )
            if found:
                early.found[tenant] = found
                early.places[tenant] = Position(found[-1].stored, found[-1].id)
                count += len(found)
        return early

    def work_out(self, reader: Reader, early: Early, seen: Checkpoint) -> None:
        """Work out what was found. What fails is left for the follower, which finds out what it is."""
        for tenant, records in early.found.items():
            try:
                early.changes.append(self._projector.project(reader, records))
            except StoreError:
                raise
            except Exception as error:
                _log.debug("follower: left for later what %s wrote", tenant, exc_info=error)
                early.places.pop(tenant)
                if (before := seen.early.get(tenant)) is not None:
                    early.places[tenant] = before


def still_early(places: dict[str, Position], front: Position | None) -> dict[str, Position]:
    """Those of the places that the follower has not come to."""
    return {tenant: place for tenant, place in places.items() if _later(place, front) is place}


def _later(one: Position | None, other: Position | None) -> Position | None:
    if one is None or other is None:
        return other if one is None else one
    return one if (one.stored, one.id) > (other.stored, other.id) else other

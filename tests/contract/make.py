"""Short ways to make records and documents for the contract suite."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lrs.store.log import Record, Views
from lrs.store.port import Store, Writer
from lrs.xapi.statement_keys import STATEMENT_KEYS

FACET, LEAD = STATEMENT_KEYS.facet, STATEMENT_KEYS.lead


def now() -> int:
    """The present, in microseconds."""
    return time.time_ns() // 1000


def new_id() -> str:
    """A fresh canonical UUID."""
    return str(uuid.uuid4())


def draft(
    *keys: str,
    tenant: str = "bkn",
    id: str = "",
    body: bytes = b"{}",
    views: Views = (),
    hidden: bool = False,
) -> Record:
    """A record that lacks only its stamp; `keys` are its own view, `views` come after it (see `closed`)."""
    own = (closed(keys), *map(closed, views))
    return Record(tenant, id or new_id(), 0, body, b"digest", own, hidden)


def closed(keys: Iterable[str]) -> frozenset[str]:
    """The keys, and the wider one of each narrower one, as a view has them."""
    return STATEMENT_KEYS.add_implied(frozenset(keys))


def stamped(writer: Writer, drafts: Sequence[Record]) -> list[Record]:
    """The drafts with consecutive stamps of this write."""
    first = writer.stamp(len(drafts))
    return [replace(each, stored=first + n) for n, each in enumerate(drafts)]


def adding(drafts: Sequence[Record]) -> Callable[[Writer], list[Record]]:
    """Work that appends the drafts and returns them as they were stored."""

    def work(writer: Writer) -> list[Record]:
        records = stamped(writer, drafts)
        writer.append(records)
        return records

    return work


def add(store: Store, *drafts: Record) -> list[Record]:
    """Append the drafts in one write."""
    return store.writing(adding(drafts))

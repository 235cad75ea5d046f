"""Derives anew what statements are found by: keys, views, voiding and the marks of awaited statements.

All of it follows from the bodies in the log, which are the truth. Needed after a change of how keys are
spelled, or for a store that was damaged. Statements go on being read and written meanwhile: what is wrong
is put right in small writes, each of which looks at the log as it is then.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from lrs.access import mine_key
from lrs.store.log import LogQuery, Position, Record, Views
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import WriteHints
from lrs.xapi.pending_ids import mark_pending, marked
from statements.data_types.exact_json import loads
from statements.inherited_keys import MOST_VIEWS
from statements.keys import VOIDED, statement_keys
from statements.references import views_of

log = logging.getLogger(__name__)

PAGE, PAGE_BYTES = 100, 4 * 1024 * 1024
"""Statements, and bytes of them, that are looked at together; one write puts right those that are wrong."""
BODIES = 8
"""Statements of which the bodies are read together to follow references: one may be large."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the body of a statement says about how it is found."""

    keys: frozenset[str]
    refers_to: str | None
    voiding: bool


_Read = dict[str, _Facts | None]
"""What the bodies of a tenant's statements say, by id; None for what is no statement. Bodies never change, so
what was read before a write holds in it: no body is read there but that of one that came meanwhile."""


@dataclass(slots=True)
class _Wrong:
    """What is to be put right for some statements of one tenant."""

    ids: set[str] = field(default_factory=set)
    """The statements for which something is wrong."""
    views: dict[str, Views] = field(default_factory=dict)
    hide: set[str] = field(default_factory=set)
    awaited: set[str] = field(default_factory=set)


def reindex(store: Store, progress: Callable[[int], None] | None = None) -> int:
    """Walk through the whole log and put right what statements are found by; how many were wrong.

    May be cut short and begun again at any time. `progress` is called with the number of records read so far.
    A statement that is hidden although nothing voids it stays hidden: the log gives no reason to show it.
    """
    wrong = done = 0
    after: Position | None = None
    while True:
        with store.reading() as reader:
            page = reader.find(
                LogQuery(
                    None, after=after, ascending=True, limit=PAGE, include_hidden=True, most_bytes=PAGE_BYTES
                )
            )
            stale = []
            for tenant, records in _by_tenant(page).items():
                read: _Read = {record.id: _facts(record) for record in records}
                if ids := _wrong(reader, tenant, records, read).ids:
                    stale.append((tenant, ids, read))
        for tenant, ids, read in stale:
            wrong += _mend(store, tenant, ids, read)
        if not page:
            return wrong
        after = Position(page[-1].stored, page[-1].id)
        done += len(page)
        if progress is not None:
            progress(done)


def _mend(store: Store, tenant: str, ids: Collection[str], read: _Read) -> int:
    """Put these statements right, as the log is now; how many still were wrong."""

    def work(writer: Writer) -> int:
        found = _wrong(writer, tenant, list(writer.get(tenant, ids, bodies=False).values()), read)
        if found.views:
            writer.reindex(tenant, found.views)
        if found.hide:
            writer.hide(tenant, found.hide)
        mark_pending(writer, tenant, found.awaited)
        return len(found.ids)

    return store.writing(work, WriteHints(prefetch=[(tenant, id) for id in ids]))


def _wrong(reader: Reader, tenant: str, records: Sequence[Record], read: _Read) -> _Wrong:
    """What is wrong with these records, seen from the one that refers; what is read is added to `read`."""
    stored = _followed(reader, tenant, records, read)
    facts = {id: None if record is None else read[id] for id, record in stored.items()}
    absent = {name for name, known in facts.items() if known is None}
    held = marked(reader, tenant, absent) if absent else {}
    found = _Wrong()
    for record in records:
        own = facts[record.id]
        if own is None:
            continue
        views = views_of(record.id, lambda id: _step(facts.get(id)))
        if views[0] != record.views[0] or set(views) != set(record.views):
            found.views[record.id] = views
            found.ids.add(record.id)
        if (name := own.refers_to) is None:
            continue
        target = facts[name]
        if target is None:
            if name not in held:
                found.awaited.add(name)
                found.ids.add(record.id)
        elif own.voiding and not target.voiding and (there := stored[name]) and not there.hidden:
            found.hide.add(name)
            found.ids.add(record.id)
    return found


def _followed(
    reader: Reader, tenant: str, records: Sequence[Record], read: _Read
) -> dict[str, Record | None]:
    """The records and all that they reach through references, as they are now; None for what is absent."""
    found: dict[str, Record | None] = {record.id: record for record in records}
    wanted = _targets(read, found)
    for _ in range(MOST_VIEWS):
        if not wanted:
            break
        stored = reader.get(tenant, wanted, bodies=False)
        found.update({id: stored.get(id) for id in wanted})
        unread = list(stored.keys() - read.keys())
        for start in range(0, len(unread), BODIES):
            some = reader.get(tenant, unread[start : start + BODIES])
            read.update({id: _facts(record) for id, record in some.items()})
        wanted = _targets(read, stored) - found.keys()
    return found


def _targets(read: _Read, ids: Collection[str]) -> set[str]:
    return {known.refers_to for id in ids if (known := read[id]) and known.refers_to}


def _facts(record: Record) -> _Facts | None:
    """None when the body is no statement: one damaged record must not keep all others from being mended."""
    try:
        statement = loads(record.body)
        target = statement["object"]
        refers_to = target["id"].lower() if target.get("objectType") == "StatementRef" else None
        return _Facts(
            keys=statement_keys(statement) | {mine_key(statement["authority"])},
            refers_to=refers_to,
            voiding=refers_to is not None and statement["verb"]["id"] == VOIDED,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.error("reindex: passed over %s: %s", record.id, type(error).__name__)
        return None


def _step(known: _Facts | None) -> tuple[frozenset[str], str | None] | None:
    return None if known is None else (known.keys, known.refers_to)


def _by_tenant(records: Sequence[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.tenant].append(record)
    return found

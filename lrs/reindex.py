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
from lrs.awaited import mark, marked
from lrs.store.port import Position, Reader, Record, Store, Views, Writer
from statements.inherited_keys import MOST_VIEWS
from statements.jsontext import loads
from statements.keys import VOIDED, statement_keys
from statements.references import views_of

log = logging.getLogger(__name__)

PAGE = 100
"""Statements that are looked at together, and put right in one write."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the body of a statement says about how it is found."""

    keys: frozenset[str]
    refers_to: str | None
    voiding: bool
    hidden: bool


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
            page = reader.find(None, after=after, ascending=True, limit=PAGE, include_hidden=True)
            stale = {
                tenant: found.ids
                for tenant, records in _by_tenant(page).items()
                if (found := _wrong(reader, tenant, records)).ids
            }
        for tenant, ids in stale.items():
            wrong += _mend(store, tenant, ids)
        if not page:
            return wrong
        after = Position(page[-1].stored, page[-1].id)
        done += len(page)
        if progress is not None:
            progress(done)


def _mend(store: Store, tenant: str, ids: Collection[str]) -> int:
    """Put these statements right, as the log is now; how many still were wrong."""

    def work(writer: Writer) -> int:
        found = _wrong(writer, tenant, list(writer.get(tenant, ids).values()))
        if found.views:
            writer.reindex(tenant, found.views)
        if found.hide:
            writer.hide(tenant, found.hide)
        mark(writer, tenant, found.awaited)
        return len(found.ids)

    return store.writing(work, prefetch=[(tenant, id) for id in ids])


def _wrong(reader: Reader, tenant: str, records: Sequence[Record]) -> _Wrong:
    """What is wrong with these records, seen from the one that refers."""
    facts = _followed(reader, tenant, records)
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
        elif own.voiding and not target.voiding and not target.hidden:
            found.hide.add(name)
            found.ids.add(record.id)
    return found


def _followed(reader: Reader, tenant: str, records: Sequence[Record]) -> dict[str, _Facts | None]:
    """The facts of the records and of all that they reach through references; None for what is absent."""
    facts: dict[str, _Facts | None] = {record.id: _facts(record) for record in records}
    wanted = {known.refers_to for known in facts.values() if known and known.refers_to} - facts.keys()
    for _ in range(MOST_VIEWS):
        if not wanted:
            break
        stored = reader.get(tenant, wanted)
        for id in wanted:
            facts[id] = _facts(stored[id]) if id in stored else None
        reached = {known.refers_to for id in wanted if (known := facts[id]) and known.refers_to}
        wanted = reached - facts.keys()
    return facts


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
            hidden=record.hidden,
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

"""Derives keys, people, entries and sums anew from all statements, while the old ones go on being read."""

from __future__ import annotations

import time
from collections.abc import Callable

from lrs.people.people import RECOUNT, People, owners_of
from lrs.records import checkpoint, waiting
from lrs.records.checkpoint import LEASE, Checkpoint
from lrs.records.entries import ENTRY, Entry, entry_of
from lrs.records.projection.follower import Follower
from lrs.records.tables import Tables
from lrs.store.document_walk import walk_stored_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery
from lrs.store.port import Store, Writer
from lrs.tenants import tenants
from lrs.xapi.pending_references import PendingReferences
from lrs.xapi.reindex import reindex

_PAGE = 500


def rebuild(
    store: Store,
    people: People,
    tables: Tables,
    clock: Callable[[], int],
    *,
    holder: str,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Work through the whole log again and remove what no statement stands for; how many records were read.

    First what statements are found by is put right, see `lrs.xapi.reindex`: entries are worked out
    by searching.

    May run beside a serving process, whose own follower pauses meanwhile. If it is cut short, the next
    follower goes on from where it was. Identifiers, links and their authors are facts, not derived: they
    stay. `progress` is called with the number of records read so far, in each of the two walks.
    """
    reindex(store, progress)
    PendingReferences(store, clock).drain()
    tables.adopt()
    _take_over(store, clock, holder)
    follower = Follower(store, people, tables, clock, holder=holder)
    done = 0
    while (count := follower.run_once()) or not _caught_up(store):
        done += count
        if progress is not None:
            progress(done)
    with store.reading() as reader:
        known = tenants(reader)
    for tenant in known:
        _sweep(store, tenant, clock)
        waiting.sweep(store, tenant)
    while follower.run_once():
        pass
    follower.release()
    return done


def _take_over(store: Store, clock: Callable[[], int], holder: str) -> None:
    """Put the checkpoint back to the beginning and take the lease, whoever has it: theirs is then lost."""

    def work(writer: Writer) -> None:
        held = checkpoint.read(writer)
        fresh = Checkpoint(holder=holder, until=clock() + LEASE, moves=held.moves + 1)
        checkpoint.move(writer, held, fresh)

    store.writing(work)


def _caught_up(store: Store) -> bool:
    """Whether the checkpoint stands at the end of the log."""
    with store.reading() as reader:
        held = checkpoint.read(reader)
        behind = reader.find(LogQuery(None, after=held.safe, ascending=True, limit=1, include_hidden=True))
    if behind:
        time.sleep(0.01)
    return not behind


def _sweep(store: Store, tenant: str, clock: Callable[[], int]) -> None:
    """Remove the entries whose statement is no longer in the log: the walk through the log passes them by."""
    for page in walk_stored_documents(store, DocumentQuery(ENTRY, tenant, limit=_PAGE)):
        entries = [entry_of(document) for document in page]
        with store.reading() as reader:
            present = reader.get(tenant, {entry.statement_id for entry in entries})
            stale = [entry for entry in entries if entry.statement_id not in present]
            owners = owners_of(reader, tenant, {entry.persona for entry in stale})
        if stale:
            _remove(store, tenant, stale, {owner.id for owner in owners.values()}, clock())


def _remove(store: Store, tenant: str, stale: list[Entry], owners: set[str], now: int) -> None:
    def work(writer: Writer) -> None:
        writer.delete(ENTRY, tenant, {entry.id for entry in stale})
        writer.delete(waiting.KIND, tenant, {entry.id for entry in stale})
        for person in owners:
            writer.put(Document(RECOUNT, tenant, person, b"{}", updated=now))

    store.writing(work)

"""Storing statements: checked and prepared outside, compared, linked and added in one write.

A batch is kept whole or not at all. A statement whose id is stored already changes nothing: the same
content is a success, other content is `DiffersError` (xAPI 1.0.3 Part 3, 2.1.1 and 2.1.2).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from lrs.access import Access
from lrs.store.documents import Document
from lrs.store.errors import ConflictError, UnavailableError
from lrs.store.log import Position, Record
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints
from lrs.tenant_turns import TenantTurns
from lrs.tenants import Known
from lrs.xapi import attachments as data
from lrs.xapi import decisions
from lrs.xapi import pending_references as pending
from lrs.xapi.activities import KIND as ACTIVITY
from lrs.xapi.activities import Activities, LargeDefinitionsError
from lrs.xapi.agents import KIND as AGENT
from lrs.xapi.agents import Agents, size_of
from lrs.xapi.effects import Call, Effects, Write, run_sync
from lrs.xapi.pending_ids import PendingIds, mark_pending, unmark
from lrs.xapi.repeated_statements import UncertainError, compare, latest_repeated
from lrs.xapi.signed_statements import check_signatures
from lrs.xapi.size_limits import check_all_keys, check_keys
from statements.attachments import Part, match
from statements.data_types.versions import Version
from statements.errors import InvalidError
from statements.prepare import Prepared, prepare
from statements.references import lookups, plan, voided_voidings
from statements.rules.check import check_batch
from statements.rules.request_rules import problem

ATTEMPTS = 5
MANY_BLOBS = 10
"""The data of more attachments is kept in a turn of the tenant."""
KEY_SIZE = 100
"""Bytes that an index key is reckoned with when the store shares out its time: its text and its row."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission."""

    ids: tuple[str, ...]
    """In the order of the statements."""
    stored: int
    """Microseconds: the latest `stored` among them."""
    new: int
    """How many were not there before."""


class Ingest:
    """The one way by which statements enter the store. Safe to use from many threads."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        *,
        activities: Activities | None = None,
        agents: Agents | None = None,
        turns: TenantTurns | None = None,
        on_written: Callable[[Receipt], None] | None = None,
    ) -> None:
        """Ingest into this store.

        `turns` are taken for what a large statement needs outside the write. `on_written` is called after
        each durable write that added statements.
        """
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._activities = activities or Activities(store, clock)
        self._agents = agents or Agents(store, clock)
        self._awaited = PendingIds()
        self._tenants = Known()
        self._turns = turns or TenantTurns()
        self._on_written = on_written

    def submit(
        self,
        access: Access,
        values: Sequence[Mapping[str, Any]],
        version: Version,
        *,
        attachments: Sequence[data.Received] | None = None,
        put_id: str | None = None,
    ) -> Receipt:
        """Store statements, durably before this returns; see `effects`."""
        effects = self.effects(access, values, version, attachments=attachments, put_id=put_id)
        return run_sync(self._store, effects)

    def effects(
        self,
        access: Access,
        values: Sequence[Mapping[str, Any]],
        version: Version,
        *,
        attachments: Sequence[data.Received] | None = None,
        put_id: str | None = None,
    ) -> Effects[Receipt]:
        """Store statements; at the end they are durable.

        `values` were read by `exact_json.loads`. `attachments` are the parts of a multipart request. `put_id`
        is the id that a PUT names. InvalidError with every problem; DiffersError; TooLargeError.
        """
        if put_id is not None:
            values = [_named(values[0], put_id)]
        problems = check_batch(values, version)
        if problems:
            raise InvalidError(problems)
        given = [isinstance(value.get("id"), str) for value in values]
        mine = frozenset((access.mine,))
        batch = [
            prepare(
                value,
                version=version,
                new_id="" if has_id else self._new_id(),
                authority=access.authority,
                mine=mine,
            )
            for value, has_id in zip(values, given, strict=True)
        ]
        for prepared in batch:
            check_keys(len(prepared.head), prepared.keys)
        check_all_keys(sum([len(prepared.keys) for prepared in batch]), len(batch))
        received = self._attached(access.tenant, batch, values, version, attachments)
        return (yield from self._write(access, batch, given, version, received))

    def _attached(
        self,
        tenant: str,
        batch: Sequence[Prepared],
        values: Sequence[Mapping[str, Any]],
        version: Version,
        parts: Sequence[data.Received] | None,
    ) -> Sequence[data.Received]:
        """The data to keep; InvalidError when it does not fit what the statements declare."""
        declared = [prepared.attachments for prepared in batch]
        if parts is None and not any(declared):
            return ()
        received = {part.sha2: part for part in parts or ()}
        problems = match(declared, [Part(part.sha2, part.size, part.content_type) for part in parts or ()])
        problems += check_signatures(self._turns, tenant, declared, values, received, version)
        if problems:
            raise InvalidError(problems)
        kept = list(received.values())
        # Each is made durable by itself.
        with self._turns.turn(tenant) if len(kept) > MANY_BLOBS else nullcontext():
            data.keep_blobs(self._store, kept)
        return kept

    def _write(
        self,
        access: Access,
        batch: Sequence[Prepared],
        given: Sequence[bool],
        version: Version,
        received: Sequence[data.Received],
    ) -> Effects[Receipt]:
        tenant = access.tenant
        ids = tuple(prepared.id for prepared in batch)
        clients = {prepared.id for prepared, has_id in zip(batch, given, strict=True) if has_id}
        references = lookups(batch)
        looked_up = references
        said = decisions.said(batch) if references else {}
        contents = [prepared.statement for prepared in batch] if access.may_define else []
        told = self._activities.told(tenant, contents)
        names = self._agents.told(tenant, contents)

        same: set[str] = set()
        """Ids that are stored, with the same statement in other words."""

        large: dict[str, tuple[str, Document | None]] = {}
        """What was prepared of definitions that are too large to be merged inside the write."""

        def work(writer: Writer) -> tuple[int, int, Collection[str]]:
            known = writer.get(tenant, looked_up, bodies=False) if looked_up else {}
            fresh = [prepared for prepared in batch if prepared.id not in known]
            latest = latest_repeated(batch, known, same) if len(fresh) < len(batch) else 0
            changed: Collection[str] = ()
            if fresh:
                latest = _add(writer, tenant, fresh, known, self._awaited, clients)
                self._tenants.meet(writer, tenant, latest)
                if said:
                    for stored, prepared in enumerate(fresh, start=latest - len(fresh) + 1):
                        if what := said.get(prepared.id):
                            decisions.keep(
                                writer, tenant, prepared.id, what, stored, counts=access.may_decide
                            )
                changed = self._activities.learn(writer, tenant, told, large)
                self._agents.learn(writer, tenant, names)
                data.grant(writer, access, received, latest)
            return latest, len(fresh), changed

        prefetch = [(tenant, name) for name in clients | references]
        documents = [
            *self._awaited.wanted(tenant, clients | references),
            *((AGENT, tenant, key) for key, _ in names),
        ]
        heads = [(ACTIVITY, tenant, name) for name in told]
        # As they will be where nothing is referred to; others are made anew.
        views = [(tenant, (prepared.keys,)) for prepared in batch]
        size = sum([len(prepared.head) + KEY_SIZE * len(prepared.keys) for prepared in batch])
        size += sum([len(each.text) for each in told.values()]) + size_of(names)
        size += data.GRANT_SIZE * len(received)
        write = Write(work, WriteHints(prefetch, documents, heads, views, tenant, size))
        attempt = 0
        while True:
            attempt += 1
            try:
                stored, new, changed = yield write
                break
            except ConflictError:
                # One of these ids is there; the next attempt reads its statement. Most ids were just made, so
                # the first one does not look for them.
                looked_up = clients | references
                if attempt >= ATTEMPTS:
                    raise
            except UncertainError as error:
                found = error.indexes
                compared = partial(compare, self._store, self._turns, access, batch, found, version)
                yield Call(compared, long=True)
                same.update(batch[index].id for index in found)
            except LargeDefinitionsError as error:
                if attempt >= ATTEMPTS:
                    raise UnavailableError("others changed these definitions again and again") from None
                preparing = partial(self._activities.prepare, tenant, told, error.names, self._turns)
                large.update((yield Call(preparing, long=True)))
        receipt = Receipt(ids, stored, new)
        if new:
            self._tenants.met(tenant)
            self._activities.learned(tenant, told, changed, large)
            self._agents.learned(tenant, names)
            if self._on_written is not None:
                self._on_written(receipt)
        return receipt


def _named(value: Mapping[str, Any], put_id: str) -> Mapping[str, Any]:
    """A statement with the id of the PUT that brought it; InvalidError when it names another."""
    if not isinstance(value, dict) or "id" not in value:
        return {"id": put_id, **value} if isinstance(value, dict) else value
    own = value["id"]
    if isinstance(own, str) and own.lower() != put_id.lower():
        hint = "the id of the statement must equal the parameter statementId"
        raise InvalidError([problem("statement.put-matches", "/id", hint)])
    return value


def _add(
    writer: Writer,
    tenant: str,
    fresh: Sequence[Prepared],
    known: Mapping[str, Record],
    awaited: PendingIds,
    clients: set[str],
) -> int:
    """Append new statements with everything that follows from it; the latest `stored`."""
    problems = voided_voidings(fresh, known)
    if problems:
        raise InvalidError(problems)
    first = writer.stamp(len(fresh))
    late = pending.waiting(writer, tenant, awaited.among(writer, tenant, clients, first))
    reached, unread = pending.follow(writer, tenant, fresh, known) if known else (known, set())
    made = plan(
        fresh, reached, late.referrers, voided=late.voided, unread=unread, most_keys=pending.MOST_KEYS
    )
    writer.append(
        [
            Record(
                tenant,
                prepared.id,
                first + place,
                prepared.body(first + place),
                prepared.digest,
                made.views[prepared.id],
                prepared.id in made.hide,
            )
            for place, prepared in enumerate(fresh)
        ]
    )
    if made.reindex:
        writer.reindex(tenant, made.reindex)
    if hide := made.hide.difference(prepared.id for prepared in fresh):
        writer.hide(tenant, hide)
    mark_pending(writer, tenant, made.awaited, first, voided=made.voided)
    unmark(writer, tenant, made.arrived)
    if made.owed or made.overdue or late.left:
        new = dict.fromkeys(made.owed, Position(first - 1, ""))
        pending.owe(writer, tenant, {**new, **late.left, **dict.fromkeys(made.overdue)}, first)
    return first + len(fresh) - 1

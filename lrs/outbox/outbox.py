"""The outbox: queue messages, show how they stand, try again, forget."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import orjson

from lrs.outbox.ledger import Ledger, Target, all_targets, forget_target, targets, tenant_counts
from lrs.outbox.messages import (
    DELIVERED,
    FAILED,
    MAX_PAYLOAD_BYTES,
    MESSAGE,
    OPEN,
    SUPERSEDED,
    WAITING,
    Draft,
    Message,
    MessageKind,
    Messages,
    target_key,
    tenant_key,
)
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints

SLICE = 200
"""Messages that one write forgets."""
MOST_TARGETS = 1_000
"""Targets that are shown."""

Decide = Callable[[Message | None], Draft | None]
"""Given the message that is kept under a name: the one to queue in its place, or None to leave all as is."""


@dataclass(frozen=True, slots=True)
class TargetState:
    """How the messages of one kind to one target of a tenant stand; times are microseconds, 0 for never."""

    kind: str
    tenant: str
    target: str
    waiting: int
    failed: int
    paused_until: int
    delivered: int
    """When a message last arrived."""
    code: str
    http_status: int | None
    detail: str
    """With `code` and `http_status`: why the last attempt that did not succeed failed."""
    problem_at: int


class Outbox:
    """Messages of all kinds; safe for many threads. Whoever queues need not know how they are delivered."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self.store = store
        self.clock = clock
        self.kinds: dict[str, Messages] = {}
        self.news = threading.Event()
        """Set when something may have become due."""

    def add_kind(self, kind: MessageKind) -> None:
        """Make a kind known; once for each, while the application is put together."""
        if kind.name in self.kinds:
            raise ValueError(f"the outbox has a kind {kind.name!r} already")
        self.kinds[kind.name] = Messages(kind)

    def put(self, kind: str, *drafts: Draft) -> int:
        """Queue messages, all or none; how many were new. One whose name is known already is left as it is.

        OutboxFullError when a tenant or target has too many; ValueError when a payload is too large.
        """
        tenants = {draft.tenant for draft in drafts}
        put = self.store.writing(
            lambda writer: self.put_within(writer, kind, drafts),
            WriteHints(
                tenant=tenants.pop() if len(tenants) == 1 else "",
                documents=[(MESSAGE, kind, draft.name) for draft in drafts],
            ),
        )
        self.news.set()
        return put

    def put_within(self, writer: Writer, kind: str, drafts: Iterable[Draft]) -> int:
        """As `put`, inside a write of the caller's: the messages are queued if and only if that is done."""
        messages, now = self.kinds[kind], self.clock()
        ledger = Ledger(writer, messages, now)
        put = 0
        for draft in drafts:
            if messages.get(writer, draft.name) is None:
                self._queue(writer, ledger, messages, draft, None, now)
                put += 1
        ledger.save()
        return put

    def change(self, kind: str, tenant: str, name: str, decide: Decide) -> bool:
        """Queue what `decide` makes of the message that is kept under a name; whether it made anything.

        `decide` runs inside the write, perhaps several times, so it must have no effect. What it makes takes
        the place of the one that was kept, also while that is being delivered. Bounds as for `put`.
        """

        def work(writer: Writer) -> bool:
            messages, now = self.kinds[kind], self.clock()
            kept = messages.get(writer, name)
            draft = decide(kept)
            if draft is None:
                return False
            ledger = Ledger(writer, messages, now)
            self._queue(writer, ledger, messages, draft, kept, now)
            ledger.save()
            return True

        changed = self.store.writing(work, WriteHints(tenant=tenant))
        if changed:
            self.news.set()
        return changed

    def _queue(
        self,
        writer: Writer,
        ledger: Ledger,
        messages: Messages,
        draft: Draft,
        kept: Message | None,
        now: int,
    ) -> None:
        if len(orjson.dumps(draft.payload)) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"a message has {MAX_PAYLOAD_BYTES} bytes at most")
        if kept is not None:
            ledger.moved(kept.tenant, kept.target, kept.status, "")
        ledger.added(draft.tenant, draft.target)
        target = ledger.target(draft.tenant, draft.target)
        target.sequence += 1
        one = Message(
            kind=messages.kind.name,
            tenant=draft.tenant,
            target=draft.target,
            name=draft.name,
            payload=draft.payload,
            status=WAITING,
            queued=now,
            due=max(now, draft.not_before),
            sequence=target.sequence,
        )
        messages.put(writer, one, now)

    def get(self, kind: str, tenant: str, name: str) -> Message | None:
        """One message of a tenant."""
        with self.store.reading() as reader:
            one = self.kinds[kind].get(reader, name)
        return one if one is not None and one.tenant == tenant else None

    def listed(
        self, kind: str, tenant: str, status: str, *, target: str = "", limit: int = 200
    ) -> list[Message]:
        """A tenant's messages of one state, to one target or to all: those that come next first."""
        key = target_key(status, tenant, target) if target else tenant_key(status, tenant)
        with self.store.reading() as reader:
            return self.kinds[kind].find(reader, key, limit=limit)

    def counts(self, kind: str, tenant: str) -> tuple[int, int]:
        """How many messages of a tenant wait, and how many have failed."""
        with self.store.reading() as reader:
            counts = tenant_counts(reader, kind, tenant)
        return counts.waiting, counts.failed

    def states(self, kind: str, tenant: str) -> list[TargetState]:
        """How things stand with each target of a tenant, without reading a single message."""
        with self.store.reading() as reader:
            found = targets(reader, kind, tenant, limit=MOST_TARGETS)
        return [_state(kind, target) for _, target in found]

    def retry(self, kind: str, tenant: str, name: str, *, target: str = "") -> bool:
        """Try a message that failed or waits again now; False when the tenant (and target) has none such."""

        def work(writer: Writer) -> bool:
            messages, now = self.kinds[kind], self.clock()
            kept = messages.get(writer, name)
            if kept is None or kept.tenant != tenant or kept.status not in OPEN:
                return False
            if target not in ("", kept.target):
                return False
            ledger = Ledger(writer, messages, now)
            ledger.moved(kept.tenant, kept.target, kept.status, WAITING)
            ledger.target(kept.tenant, kept.target).paused_until = 0
            again = replace(kept, status=WAITING, due=now, queued=now, attempts=0, claim="")
            messages.put(writer, again, now)
            ledger.save()
            return True

        found = self.store.writing(work, WriteHints(tenant=tenant))
        if found:
            self.news.set()
        return found

    def drop(
        self,
        kind: str,
        tenant: str,
        target: str,
        which: Callable[[Message], bool] = lambda _: True,
        *,
        of: Iterable[str] = OPEN,
    ) -> int:
        """Forget the messages to a target for which `which` holds, by default what failed or waits; how many.

        In slices: there may be thousands of them, and others write, too.
        """
        dropped = 0
        for status in of:
            key = target_key(status, tenant, target)
            for page in self.kinds[kind].pages(self.store, key, limit=SLICE):
                names = [one.name for one in page if which(one)]
                if names:
                    forget = partial(self._forget, kind=kind, names=names, status=status)
                    dropped += self.store.writing(forget, WriteHints(tenant=tenant))
        return dropped

    def drop_target(self, kind: str, tenant: str, target: str) -> int:
        """Forget a target that is gone, with all its messages; how many there were."""
        dropped = self.drop(kind, tenant, target, of=(WAITING, FAILED, DELIVERED, SUPERSEDED))
        self.store.writing(
            lambda writer: forget_target(writer, kind, tenant, target), WriteHints(tenant=tenant)
        )
        return dropped

    def _forget(self, writer: Writer, *, kind: str, names: list[str], status: str) -> int:
        messages = self.kinds[kind]
        ledger = Ledger(writer, messages, self.clock())
        gone = [one for one in messages.several(writer, names) if one.status == status]
        for one in gone:
            ledger.moved(one.tenant, one.target, one.status, "")
        messages.delete(writer, [one.name for one in gone])
        ledger.save()
        return len(gone)

    def clear(self, kind: str, limit: int = SLICE) -> int:
        """Forget messages that were kept for as long as their kind says; how many."""
        cleared = 0
        for status in (DELIVERED, SUPERSEDED, FAILED):
            with self.store.reading() as reader:
                names = self.kinds[kind].expired(reader, status, self.clock(), limit=limit)
            if names:
                forget = partial(self._forget, kind=kind, names=names, status=status)
                cleared += self.store.writing(forget)
        return cleared


def every_state(store: Store, tenant: str | None = None) -> list[TargetState]:
    """How things stand with the targets of every kind, of one tenant or of all; `MOST_TARGETS` at most."""
    with store.reading() as reader:
        return [_state(kind, target) for kind, target in all_targets(reader, tenant, limit=MOST_TARGETS)]


def _state(kind: str, target: Target) -> TargetState:
    return TargetState(
        kind=kind,
        tenant=target.tenant,
        target=target.target,
        waiting=target.waiting,
        failed=target.failed,
        paused_until=target.paused_until,
        delivered=target.delivered,
        code=target.code,
        http_status=target.http_status,
        detail=target.detail,
        problem_at=target.problem_at,
    )

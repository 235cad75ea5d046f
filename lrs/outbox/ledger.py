"""What waits and has failed, counted by target and by tenant in the same write as the messages change.

The counts show how things stand without reading the messages, keep the bounds, and say where to look for
messages that are due: tenants take turns, and within a tenant its targets, whatever the backlog of one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from lrs import document_kinds
from lrs.outbox.messages import (
    FAILED,
    SECOND,
    WAITING,
    Message,
    MessageKind,
    Messages,
    OutboxFullError,
    Outcome,
    target_id,
    target_key,
)
from lrs.store import json_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Writer

TARGET: Final = document_kinds.OUTBOX_TARGET
"""Kind of the documents with the counts of one target; their scope is the kind of the messages."""
TENANT: Final = document_kinds.OUTBOX_TENANT
"""Kind of the documents with the counts of one tenant; their scope is the kind of the messages."""
NEVER = "~"
"""Order of what has nothing that waits: behind every time."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 30, 300


@dataclass(slots=True)
class Target:
    """How one target of a tenant stands; times are microseconds, 0 for never."""

    tenant: str
    target: str
    waiting: int = 0
    failed: int = 0
    sequence: int = 0
    unanswered: int = 0
    """Attempts in a row that got no answer."""
    paused_until: int = 0
    served: int = 0
    """When messages were last claimed: who was served last has its next turn last."""
    delivered: int = 0
    """When a message last arrived."""
    code: str = ""
    http_status: int | None = None
    detail: str = ""
    problem_at: int = 0
    """When the last attempt that did not succeed ended; `code`, `http_status` and `detail` are its own."""


@dataclass(slots=True)
class Tenant:
    """How many messages of a tenant wait and have failed."""

    waiting: int = 0
    failed: int = 0
    served: int = 0


def due_order(times: int) -> str:
    """The order of a target or tenant that is due at a time."""
    return json_documents.expiry_order(times)


def due_of(document: Document) -> int | None:
    """When a target or tenant is due; None when nothing of it waits."""
    return None if document.order == NEVER else int(document.order)


def targets(reader: Reader, kind: str, tenant: str, *, limit: int) -> list[tuple[Document, Target]]:
    """The targets of a tenant, those that are due first first."""
    found = reader.find_documents(DocumentQuery(TARGET, kind, (_key(tenant),), limit=limit))
    return [(one, Target(**json_documents.value_of(one))) for one in found]


def all_targets(reader: Reader, tenant: str | None, *, limit: int) -> list[tuple[str, Target]]:
    """Targets of every kind of messages, with that kind: of one tenant, or of all where it is None."""
    keys = () if tenant is None else (_key(tenant),)
    found = reader.find_documents(DocumentQuery(TARGET, None, keys, limit=limit))
    return [(one.scope, Target(**json_documents.value_of(one))) for one in found]


def tenants(reader: Reader, kind: str, *, limit: int) -> list[Document]:
    """The tenants that have messages, those that are due first first; their names are the documents'."""
    return reader.find_documents(DocumentQuery(TENANT, kind, limit=limit, bodies=False))


def tenant_counts(reader: Reader, kind: str, tenant: str) -> Tenant:
    """The counts of one tenant."""
    return Tenant(**(json_documents.get(reader, TENANT, tenant, scope=kind) or {}))


class Ledger:
    """The changes of one write. `save` must follow; make a new one each time the write is run."""

    def __init__(self, writer: Writer, messages: Messages, now: int) -> None:
        self._writer = writer
        self._messages = messages
        self._kind: MessageKind = messages.kind
        self._now = now
        self._targets: dict[tuple[str, str], Target] = {}
        self._tenants: dict[str, Tenant] = {}

    def target(self, tenant: str, target: str) -> Target:
        """The target's counts, to be changed."""
        known = self._targets.get((tenant, target))
        if known is None:
            value = json_documents.get(self._writer, TARGET, target_id(tenant, target), scope=self._kind.name)
            known = Target(**value) if value is not None else Target(tenant, target)
            self._targets[tenant, target] = known
        return known

    def tenant(self, tenant: str) -> Tenant:
        """The tenant's counts, to be changed."""
        known = self._tenants.get(tenant)
        if known is None:
            known = self._tenants[tenant] = tenant_counts(self._writer, self._kind.name, tenant)
        return known

    def added(self, tenant: str, target: str) -> None:
        """A message that waits has come. OutboxFullError when that is one too many."""
        of_target, of_tenant = self.target(tenant, target), self.tenant(tenant)
        if of_target.waiting + of_target.failed >= self._kind.most_of_target:
            raise OutboxFullError(
                f"{self._kind.name}: {self._kind.most_of_target} messages for one target wait or have failed"
            )
        if of_tenant.waiting + of_tenant.failed >= self._kind.most_of_tenant:
            raise OutboxFullError(
                f"{self._kind.name}: {self._kind.most_of_tenant} messages of one tenant wait or have failed"
            )
        self.moved(tenant, target, "", WAITING)

    def moved(self, tenant: str, target: str, was: str, becomes: str) -> None:
        """A message has gone from one state to another; "" is none at all."""
        for counts in (self.target(tenant, target), self.tenant(tenant)):
            counts.waiting += (becomes == WAITING) - (was == WAITING)
            counts.failed += (becomes == FAILED) - (was == FAILED)

    def attempted(self, one: Message, outcome: Outcome) -> None:
        """An attempt has ended."""
        target = self.target(one.tenant, one.target)
        if outcome.answered:
            target.unanswered = 0
        else:
            target.unanswered += 1
            pause = FIRST_PAUSE_SECONDS * 2 ** min(target.unanswered - 1, 10)
            target.paused_until = self._now + min(pause, LONGEST_PAUSE_SECONDS) * SECOND
        if outcome.code or outcome.status in (WAITING, FAILED):
            target.code, target.http_status, target.detail = outcome.code, outcome.http_status, outcome.detail
            target.problem_at = self._now
        else:
            target.delivered = self._now

    def served(self, tenant: str, target: str) -> None:
        """Messages were claimed: others come first from now on."""
        self.target(tenant, target).served = self.tenant(tenant).served = self._now

    def save(self) -> None:
        """Write the counts, and when each target and tenant is due, after all messages were put."""
        for target in self._targets.values():
            order, key = self._target_order(target), _key(target.tenant)
            self.tenant(target.tenant)
            if target.waiting or target.failed or target.delivered or target.problem_at:
                self._put(TARGET, target_id(target.tenant, target.target), asdict(target), (key,), order)
            else:
                forget_target(self._writer, self._kind.name, target.tenant, target.target)
        for name, tenant in self._tenants.items():
            first = self._writer.find_documents(
                DocumentQuery(TARGET, self._kind.name, (_key(name),), limit=1, bodies=False)
            )
            order = first[0].order if first else NEVER
            if order != NEVER:
                order = due_order(max(int(order), tenant.served))
            self._put(TENANT, name, asdict(tenant), (), order)

    def _target_order(self, target: Target) -> str:
        key = target_key(WAITING, target.tenant, target.target)
        first = self._messages.find(self._writer, key, limit=1)
        return due_order(max(first[0].due, target.paused_until, target.served)) if first else NEVER

    def _put(self, kind: str, name: str, value: dict[str, Any], keys: tuple[str, ...], order: str) -> None:
        json_documents.put(
            self._writer, kind, name, value, now=self._now, scope=self._kind.name, keys=keys, order=order
        )


def forget_target(writer: Writer, kind: str, tenant: str, target: str) -> None:
    """Forget the counts of a target of which there are no messages any more."""
    writer.delete(TARGET, kind, (target_id(tenant, target),))


def _key(tenant: str) -> str:
    return f"tenant\x1f{tenant}"

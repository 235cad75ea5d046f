"""What the outbox keeps: messages, how an attempt ended, and what a kind of messages may do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.store import json_documents
from lrs.store.document_walk import walk_stored_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store, Writer

SECOND = 1_000_000
"""Microseconds."""
DAY_SECONDS = 86_400
MESSAGE: Final = document_kinds.OUTBOX_MESSAGE
"""Kind of the documents; their scope is the kind of the message, their name the message's own."""
WAITING, DELIVERED, SUPERSEDED, FAILED = "waiting", "delivered", "superseded", "failed"
OPEN = (WAITING, FAILED)
"""States in which a message has not arrived, and counts towards the bounds."""
MAX_PAYLOAD_BYTES = 256 * 1024
MAX_DETAIL = 300
MOST_OF_TARGET, MOST_OF_TENANT = 50_000, 100_000
"""Messages of one kind that may wait or have failed at once, unless the kind says otherwise."""
FOR_EVER = 10**19
"""A time behind all others."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it is queued. `name` is unique within its kind; `not_before` is in microseconds."""

    tenant: str
    target: str
    name: str
    payload: dict[str, Any]
    not_before: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended, as data.

    `status` is DELIVERED, SUPERSEDED (the target holds something newer), FAILED (final) or WAITING (to be
    tried again). `code` is a short word of the handler's that programs can tell apart, `http_status` what the
    target answered (None without an answer), `detail` a sentence for people and logs that names no secret.
    """

    status: str
    code: str = ""
    http_status: int | None = None
    detail: str = ""
    answered: bool = True
    """Whether the target gave an answer; when it gave none, its other messages are not tried for a while."""
    retry_after: float = 0
    """Seconds for which the target asked to be left alone."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message with how its delivery stands; times are microseconds."""

    kind: str
    tenant: str
    target: str
    name: str
    payload: dict[str, Any]
    status: str
    queued: int
    due: int
    """When it is tried next; while it waits."""
    sequence: int
    """Grows with each message of one target."""
    attempts: int = 0
    claim: str = ""
    """Names the attempt that is under way; an attempt that has lost its claim settles nothing."""
    code: str = ""
    http_status: int | None = None
    detail: str = ""


Handler = Callable[[Message], Outcome]


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of messages: how one is delivered, and the bounds within which that is tried.

    `deliver` runs in a thread of its own and should return within a quarter of `lease_seconds`. What it
    raises counts as an attempt that may be repeated.
    """

    name: str
    deliver: Handler
    ordered: bool = False
    """Whether a target gets its messages strictly one after the other, in the order in which they came."""
    first_wait_seconds: float = 30
    longest_wait_seconds: float = 6 * 3600
    give_up_seconds: float = 14 * DAY_SECONDS
    """How long after it was queued an attempt that fails is the last one."""
    lease_seconds: float = 120
    """After how long another process may take up what a process that ended had claimed."""
    keep_delivered_seconds: float | None = 0
    """How long what has arrived (or was superseded) is kept: 0 not at all, None until it is dropped."""
    keep_failed_seconds: float | None = 90 * DAY_SECONDS
    most_of_target: int = MOST_OF_TARGET
    """Messages of one target that may wait or have failed at once."""
    most_of_tenant: int = MOST_OF_TENANT


class OutboxFullError(Exception):
    """Too many messages of a tenant or for a target wait or have failed; nothing of this one was kept."""


def target_id(tenant: str, target: str) -> str:
    """The name under which a target of a tenant is counted and its messages are found."""
    return hashlib.sha256(orjson.dumps([tenant, target])).hexdigest()[:32]


def status_key(status: str) -> str:
    """The index key of all messages of one state."""
    return f"status\x1f{status}"


def tenant_key(status: str, tenant: str) -> str:
    """The index key of a tenant's messages of one state."""
    return f"tenant\x1f{status}\x1f{tenant}"


def target_key(status: str, tenant: str, target: str) -> str:
    """The index key of a target's messages of one state."""
    return f"target\x1f{status}\x1f{target_id(tenant, target)}"


class Messages:
    """The messages of one kind as documents of the store."""

    def __init__(self, kind: MessageKind) -> None:
        self.kind = kind
        self._kept_seconds = {
            DELIVERED: kind.keep_delivered_seconds,
            SUPERSEDED: kind.keep_delivered_seconds,
            FAILED: kind.keep_failed_seconds,
        }

    def get(self, reader: Reader, name: str) -> Message | None:
        """The message of this name."""
        found = reader.document(MESSAGE, self.kind.name, name)
        return None if found is None else loaded(found)

    def find(self, reader: Reader, key: str, *, limit: int) -> list[Message]:
        """The messages that hold an index key: those that wait in their turn, others as they expire."""
        return [
            loaded(one)
            for one in reader.find_documents(DocumentQuery(MESSAGE, self.kind.name, (key,), limit=limit))
        ]

    def several(self, reader: Reader, names: Collection[str]) -> list[Message]:
        """The messages of these names; absent ones are missing."""
        return [loaded(one) for one in reader.documents(MESSAGE, self.kind.name, names).values()]

    def pages(self, store: Store, key: str, *, limit: int) -> Iterator[list[Message]]:
        """All that hold an index key, in pages, each of a snapshot of its own."""
        query = DocumentQuery(MESSAGE, self.kind.name, (key,), limit=limit)
        for page in walk_stored_documents(store, query):
            yield [loaded(one) for one in page]

    def expired(self, reader: Reader, status: str, now: int, *, limit: int) -> list[str]:
        """Names of messages of one state that need not be kept any longer."""
        key = status_key(status)
        found = reader.find_documents(
            DocumentQuery(MESSAGE, self.kind.name, (key,), limit=limit, bodies=False)
        )
        return [one.name for one in found if one.order < json_documents.expiry_order(now)]

    def put(self, writer: Writer, one: Message, now: int) -> None:
        """Keep a message in its present state, or forget what need not be kept any longer."""
        if one.status == WAITING:
            order = one.sequence if self.kind.ordered else one.due
        else:
            kept = self._kept_seconds[one.status]
            if kept == 0:
                writer.delete(MESSAGE, self.kind.name, (one.name,))
                return
            # What is kept until it is dropped stands behind everything that expires.
            order = FOR_EVER if kept is None else now + int(kept * SECOND)
        keys = (
            status_key(one.status),
            tenant_key(one.status, one.tenant),
            target_key(one.status, one.tenant, one.target),
        )
        json_documents.put(
            writer,
            MESSAGE,
            one.name,
            asdict(one),
            now=now,
            scope=self.kind.name,
            keys=keys,
            order=json_documents.expiry_order(order),
        )

    def delete(self, writer: Writer, names: Collection[str]) -> int:
        """Forget messages; how many there were."""
        return writer.delete(MESSAGE, self.kind.name, names)


def loaded(document: Document) -> Message:
    """The message that a document holds."""
    return Message(**json_documents.value_of(document))

"""Scores that an earlier version queued in a queue of its own, taken over into the outbox once.

In slices, beside the work: a store may hold a score for each learner and goal of years.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Final

from lrs import document_kinds
from lrs.outbox.ledger import Ledger
from lrs.outbox.messages import (
    DELIVERED,
    FAILED,
    SUPERSEDED,
    WAITING,
    Message,
    MessageKind,
    Messages,
)
from lrs.store import json_documents
from lrs.store.documents import DocumentQuery
from lrs.store.port import Store, Writer

EARLIER: Final = document_kinds.EARLIER_GRADE
"""Kind of the documents of the earlier queue."""
SLICE = 100
_STATES = {"waiting": WAITING, "sent": DELIVERED, "superseded": SUPERSEDED, "failed": FAILED}
_STATUS = re.compile(r"\(HTTP (\d{3})\)")


class EarlierGrades:
    """The scores of the earlier queue that are left."""

    def __init__(self, store: Store, clock: Callable[[], int], kind: MessageKind) -> None:
        self._store = store
        self._clock = clock
        self._messages = Messages(kind)
        self.taken_over = False
        """Whether none is left."""

    def take_over(self) -> bool:
        """Take over a slice, those that wait first; whether there may be more."""
        if self.taken_over:
            return False
        with self._store.reading() as reader:
            # In order of when they are due, those that were sent long ago would come before those that wait.
            for keys in (("status\x1fwaiting",), ("status\x1ffailed",), ()):
                found = reader.find_documents(DocumentQuery(EARLIER, "", keys, limit=SLICE, bodies=False))
                if found:
                    break
        if not found:
            self.taken_over = True
            return False
        names = [one.name for one in found]
        self._store.writing(lambda writer: self._move(writer, names))
        return True

    def take_over_one(self, name: str) -> None:
        """Take over the score of this name, if it is left."""
        if self.taken_over:
            return
        with self._store.reading() as reader:
            left = reader.documents(EARLIER, "", (name,), bodies=False)
        if left:
            self._store.writing(lambda writer: self._move(writer, (name,)))

    def _move(self, writer: Writer, names: Collection[str]) -> None:
        now = self._clock()
        ledger = Ledger(writer, self._messages, now)
        known = {one.name for one in self._messages.several(writer, names)}
        for name, document in writer.documents(EARLIER, "", names).items():
            if name in known:
                continue
            value = json_documents.value_of(document)
            target = ledger.target(value["tenant"], value["platform_id"])
            target.sequence += 1
            one = _message(self._messages.kind.name, value, target.sequence)
            ledger.moved(one.tenant, one.target, "", one.status)
            self._messages.put(writer, one, now)
        writer.delete(EARLIER, "", names)
        ledger.save()


def _message(kind: str, value: dict[str, Any], sequence: int) -> Message:
    payload = ("line_item", "subject", "given", "maximum", "at", "comment", "activity", "grading")
    problem: str = value["problem"]
    code, http_status = _parsed(problem)
    return Message(
        kind=kind,
        tenant=value["tenant"],
        target=value["platform_id"],
        name=value["name"],
        payload={name: value[name] for name in payload},
        status=_STATES[value["status"]],
        queued=value["queued"],
        due=value["due"],
        sequence=sequence,
        attempts=value["attempts"],
        code=code,
        http_status=http_status,
        detail=problem,
    )


def _parsed(problem: str) -> tuple[str, int | None]:
    """The code and HTTP status of what the earlier queue kept as a sentence."""
    found = _STATUS.search(problem)
    status = int(found.group(1)) if found else None
    if "not active" in problem:
        return "not-active", None
    if problem.startswith("no access token"):
        return "no-token", status
    if "no longer registered" in problem:
        return "not-registered", None
    if status is not None:
        return "refused", status
    return ("no-answer" if problem else ""), None

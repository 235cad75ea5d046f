"""Deliver what is due: claim it for a while, try it, settle how it ended.

A claim is kept with the message, so no two processes deliver the same one, and what a process that was killed
had claimed becomes due again when its lease is over. A message may therefore arrive twice, never not at all.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace

import structlog

from lrs.outbox.backoff import wait_seconds
from lrs.outbox.ledger import FIRST_PAUSE_SECONDS, Ledger, due_of, targets, tenants
from lrs.outbox.messages import (
    FAILED,
    MAX_DETAIL,
    SECOND,
    WAITING,
    Message,
    Messages,
    Outcome,
    target_key,
)
from lrs.outbox.outbox import Outbox
from lrs.store.errors import StoreError
from lrs.store.port import Reader, Writer
from lrs.store.writes import WriteHints

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 32
"""Targets of one kind that this process delivers to at once."""
OF_ONE_TURN = 8
"""Messages of one turn: few enough to be through with them before another process may claim them."""
PATIENCE_SECONDS = 2.0
"""How long a turn waits for its messages to arrive: a target that hangs goes on by itself."""
POLL_SECONDS, LONGEST_PAUSE_SECONDS = 2.0, 60.0
CLEAR_SECONDS = 60
"""How often what was kept long enough is looked for."""
FAULT = "fault"
"""Code of an attempt that ended with an error of this program."""
Place = tuple[str, str, str]
"""Kind, tenant and target."""


class Deliveries:
    """Delivers the messages of an outbox; as many processes as there are may do so at once."""

    def __init__(self, outbox: Outbox, jitter: Callable[[], float] = random.random) -> None:
        self._outbox = outbox
        self._jitter = jitter
        self._guard = threading.Lock()
        self._busy: set[Place] = set()
        """Targets to which this process is delivering."""
        self._cleared = 0

    def run_forever(self, stop: threading.Event) -> None:
        """Take turns until `stop` is set."""
        pause = POLL_SECONDS
        while not stop.is_set():
            try:
                tried = self.run_once(OF_ONE_TURN, patience=PATIENCE_SECONDS)
                pause = POLL_SECONDS
            except Exception as error:
                # A thread that ends here would leave every message waiting for good, without a sign.
                expected = isinstance(error, StoreError)
                log.warning("outbox_turn_failed", error=type(error).__name__, exc_info=not expected)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                stop.wait(pause)
                continue
            if not tried:
                self._outbox.news.wait(pause)
                self._outbox.news.clear()

    def run_once(self, limit: int = 50, *, patience: float | None = None) -> int:
        """Try messages that are due, `limit` of each kind at most; how many were claimed.

        Targets are served side by side. One that takes longer than `patience` seconds goes on by itself while
        others have their next turn; without it all are waited for.
        """
        count, begun = 0, []
        for messages in list(self._outbox.kinds.values()):
            groups: dict[Place, list[Message]] = {}
            for one in self._claim(messages, limit):
                groups.setdefault((one.kind, one.tenant, one.target), []).append(one)
                count += 1
            begun += [self._begin(messages, place, group) for place, group in groups.items()]
        self._clear()
        done, _ = wait([future for future in begun if future is not None], timeout=patience)
        for future in done:
            future.result()
        return count

    def _clear(self) -> None:
        now = self._outbox.clock()
        if now - self._cleared < CLEAR_SECONDS * SECOND:
            return
        more = [self._outbox.clear(name) for name in self._outbox.kinds]
        if not any(more):
            self._cleared = now

    def _claim(self, messages: Messages, limit: int) -> list[Message]:
        """Take due messages for a while, so that no other process delivers them too."""
        now, kind = self._outbox.clock(), messages.kind
        with self._guard:
            busy = {(tenant, target) for name, tenant, target in self._busy if name == kind.name}
        limit = min(limit, MOST_AT_ONCE - len(busy)) if len(busy) + limit > MOST_AT_ONCE else limit
        if limit <= 0:
            return []
        with self._outbox.store.reading() as reader:
            shares = _shares(reader, messages, busy, limit, now)
        if not shares:
            return []

        def work(writer: Writer) -> list[Message]:
            claimed = []
            ledger = Ledger(writer, messages, now)
            for (tenant, target), share in shares.items():
                due = _due(writer, messages, tenant, target, share, now)
                for one in due:
                    lease = now + int(kind.lease_seconds * SECOND)
                    taken = replace(one, due=lease, attempts=one.attempts + 1, claim=uuid.uuid4().hex)
                    messages.put(writer, taken, now)
                    claimed.append(taken)
                if due:
                    ledger.served(tenant, target)
            ledger.save()
            return claimed

        return self._outbox.store.writing(work)

    def _begin(self, messages: Messages, place: Place, group: Sequence[Message]) -> Future[None] | None:
        """Deliver to one target in a thread of its own; put all back while an earlier one runs."""
        with self._guard:
            free = place not in self._busy
            if free:
                self._busy.add(place)
        if not free:
            self._put_back(messages, group)
            return None
        future: Future[None] = Future()

        def run() -> None:
            problem: BaseException | None = None
            try:
                self._deliver_all(messages, group)
            except BaseException as error:
                problem = error
            with self._guard:
                self._busy.discard(place)
            if problem is None:
                future.set_result(None)
            else:
                future.set_exception(problem)

        try:
            threading.Thread(target=run, name="outbox", daemon=True).start()
        except RuntimeError as error:
            # The system has no thread to give: nobody would ever say that the target is free again.
            log.warning("outbox_not_begun", kind=place[0], error=str(error))
            with self._guard:
                self._busy.discard(place)
            self._put_back(messages, group, seconds=FIRST_PAUSE_SECONDS)
            return None
        return future

    def _deliver_all(self, messages: Messages, group: Sequence[Message]) -> None:
        """Try one after the other, until the target gives no answer or the lease is nearly over."""
        kind = messages.kind
        late = self._outbox.clock() + int(kind.lease_seconds * SECOND / 2)
        for index, one in enumerate(group):
            rest = group[index + 1 :]
            outcome = self._attempt(messages, one)
            settled = self._settle(messages, one, outcome)
            log.info(
                "outbox_attempt",
                kind=one.kind,
                tenant=one.tenant,
                target=one.target,
                status=settled,
                attempts=one.attempts,
                code=outcome.code,
                http_status=outcome.http_status,
                problem=outcome.detail,
            )
            if not rest:
                return
            if not outcome.answered:
                # A target that hangs must not hold up what others wait for; for the rest this was no attempt,
                # but where it would have been the last one.
                old = [each for each in rest if self._is_old(messages, each)]
                for each in old:
                    self._settle(messages, each, outcome)
                self._put_back(messages, [each for each in rest if each not in old])
                return
            if (kind.ordered and settled == WAITING) or self._outbox.clock() > late:
                self._put_back(messages, rest)
                return

    def _attempt(self, messages: Messages, one: Message) -> Outcome:
        try:
            return messages.kind.deliver(one)
        except Exception as error:
            expected = isinstance(error, StoreError)
            log.warning("outbox_fault", kind=one.kind, error=type(error).__name__, exc_info=not expected)
            return Outcome(WAITING, FAULT, detail=type(error).__name__)

    def _is_old(self, messages: Messages, one: Message) -> bool:
        return self._outbox.clock() - one.queued >= int(messages.kind.give_up_seconds * SECOND)

    def _settle(self, messages: Messages, one: Message, outcome: Outcome) -> str:
        """Keep how an attempt ended; the state in which the message is now.

        Nothing is kept when another message has taken its place, or another process has taken it up.
        """
        kind, now = messages.kind, self._outbox.clock()
        status = outcome.status
        if status == WAITING and self._is_old(messages, one):
            status = FAILED
        wait = wait_seconds(one.attempts, kind.first_wait_seconds, kind.longest_wait_seconds, self._jitter())
        wait = max(wait, min(outcome.retry_after, kind.longest_wait_seconds))

        def work(writer: Writer) -> None:
            ledger = Ledger(writer, messages, now)
            ledger.attempted(one, outcome)
            kept = messages.get(writer, one.name)
            if kept is not None and kept.claim == one.claim:
                ledger.moved(one.tenant, one.target, WAITING, status)
                changed = replace(
                    kept,
                    status=status,
                    due=now + int(wait * SECOND),
                    claim="",
                    code=outcome.code,
                    http_status=outcome.http_status,
                    detail=outcome.detail[:MAX_DETAIL],
                )
                messages.put(writer, changed, now)
            ledger.save()

        self._outbox.store.writing(work, WriteHints(tenant=one.tenant))
        return status

    def _put_back(self, messages: Messages, group: Sequence[Message], *, seconds: float = 0) -> None:
        """Let claimed messages be due again, after so many seconds; this was no attempt."""
        now = self._outbox.clock()

        def work(writer: Writer) -> None:
            ledger = Ledger(writer, messages, now)
            for one in group:
                kept = messages.get(writer, one.name)
                if kept is not None and kept.claim == one.claim:
                    due = now + int(seconds * SECOND)
                    messages.put(writer, replace(kept, due=due, attempts=one.attempts - 1, claim=""), now)
                    ledger.target(one.tenant, one.target)
            ledger.save()

        if group:
            self._outbox.store.writing(work, WriteHints(tenant=group[0].tenant))


def _due(reader: Reader, messages: Messages, tenant: str, target: str, limit: int, now: int) -> list[Message]:
    """The target's next messages, as far as they are due: none behind one that is not, where order counts."""
    found = messages.find(reader, target_key(WAITING, tenant, target), limit=limit)
    due: list[Message] = []
    for one in found:
        if one.due > now:
            break
        due.append(one)
    return due


def _shares(
    reader: Reader, messages: Messages, busy: set[tuple[str, str]], limit: int, now: int
) -> dict[tuple[str, str], int]:
    """How many messages to claim for each target, as tenants take turns, and within them their targets."""
    by_tenant: deque[deque[deque[tuple[str, str]]]] = deque()
    kind = messages.kind.name
    for document in tenants(reader, kind, limit=limit + len(busy)):
        due = due_of(document)
        if due is None or due > now or len(by_tenant) >= limit:
            break
        of_tenant: deque[deque[tuple[str, str]]] = deque()
        for one, target in targets(reader, kind, document.name, limit=limit + len(busy)):
            due, place = due_of(one), (target.tenant, target.target)
            if due is None or due > now or len(of_tenant) >= limit:
                break
            if place in busy:
                continue
            count = len(_due(reader, messages, *place, limit, now))
            if count:
                of_tenant.append(deque([place] * count))
        if of_tenant:
            by_tenant.append(of_tenant)
    shares: dict[tuple[str, str], int] = {}
    for _ in range(limit):
        if not by_tenant:
            break
        of_tenant = by_tenant.popleft()
        waiting = of_tenant.popleft()
        place = waiting.popleft()
        shares[place] = shares.get(place, 0) + 1
        if waiting:
            of_tenant.append(waiting)
        if of_tenant:
            by_tenant.append(of_tenant)
    return shares

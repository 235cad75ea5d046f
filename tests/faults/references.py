"""Statements that refer to one another by the thousand, and what is owed (`xapi.pending_references`)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from lrs.store.documents import DocumentQuery
from lrs.store.open import open_store
from lrs.store.port import Store
from lrs.xapi.pending_references import OWED, TURN
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.faults.server import Caller, every_statement
from tests.lrs.samples import about, agent, statement

BATCH = 1000
PATIENCE = 120.0

Statement = dict[str, Any]


def fat(activities: int, actor: str = "siti") -> Statement:
    """A statement with that many context activities."""
    listed = [{"id": f"https://lms.example.go.id/activity/{number}"} for number in range(activities)]
    return statement(actor, context={"contextActivities": {"other": listed}})


def refer(caller: Caller, target: Statement, count: int) -> set[str]:
    """Store so many statements about that one; their ids. Told to come back later (503), it does."""
    ids: set[str] = set()
    deadline = time.monotonic() + PATIENCE
    for start in range(0, count, BATCH):
        batch = [about(target["id"]) for _ in range(min(BATCH, count - start))]
        while (answer := caller.post("/statements", batch)).status == 503 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert answer.status == 200, answer
        ids |= {each["id"] for each in batch}
    return ids


def found(caller: Caller, actor: str = "siti") -> set[str]:
    """The ids of all statements that are found by an agent."""
    return {each["id"] for each in every_statement(caller, agent=json.dumps(agent(actor)))}


@contextmanager
def watched(address: str) -> Iterator[Store]:
    """The store, as another process sees it."""
    store = open_store(address, STATEMENT_KEYS)
    try:
        yield store
    finally:
        store.close()


def owing(store: Store, tenant: str) -> int | None:
    """How many statements were done of what is owed first; None when nothing is."""
    with store.reading() as reader:
        owed = reader.find_documents(DocumentQuery(OWED, tenant, limit=1))
        if owed:
            done: int = orjson.loads(owed[0].body)["done"]
            return done
        return 0 if reader.find_documents(DocumentQuery(TURN, "", limit=1)) else None


def until_nothing_is_owed(store: Store, tenant: str) -> None:
    """Wait until all is done."""
    deadline = time.monotonic() + PATIENCE
    while owing(store, tenant) is not None:
        assert time.monotonic() < deadline, "still owed"
        time.sleep(0.02)

"""One tenant asks for long pages of statements that do not exist; another does not notice."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from statements.keys import activity_filter_key, verb_filter_key
from tests.contract.make import add, draft
from tests.faults.neighbour import two_tenants, undisturbed
from tests.faults.server import GONE, Caller

MANY, PER_WRITE = 30_000, 1_000
CLIENTS, SECONDS = 8, 6.0
VERB, ACTIVITY = "http://example.com/verb/%d", "http://example.com/activity/%d"
NEVER = {"verb": VERB % 0, "activity": ACTIVITY % 0, "limit": "1"}
"""What half of the statements have, and what the other half has: the search goes through them all."""


def fill(address: str) -> None:
    """Statements of two verbs and two activities; none has the first of both."""
    keys = [(verb_filter_key(VERB % n), activity_filter_key(ACTIVITY % (1 - n))) for n in (0, 1)]
    store = open_store(address, STATEMENT_KEYS)
    try:
        for _ in range(MANY // PER_WRITE):
            add(store, *(draft(*keys[n % 2], tenant="attacker") for n in range(PER_WRITE)))
    finally:
        store.close()


@pytest.mark.timeout(300)
def test_long_searches_that_find_nothing_stop_nobody(address: str) -> None:
    """Many clients of one tenant search all of its statements, again and again; they alone wait."""
    fill(address)
    seen: Counter[int] = Counter()
    with two_tenants(address) as served, undisturbed(served):
        ended = time.monotonic() + SECONDS

        def search() -> None:
            with Caller(served.server.port, served.attacker, patience=60) as caller:
                while time.monotonic() < ended:
                    try:
                        seen[caller.get("/statements", **NEVER).status] += 1
                    except GONE:
                        seen[0] += 1

        threads = [threading.Thread(target=search) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen[200]
    assert set(seen) <= {200, 429, 503}, seen

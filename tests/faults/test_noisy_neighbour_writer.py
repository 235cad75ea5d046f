"""One tenant does its worst to the thread that writes for all; another tenant does not notice."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.open import open_store
from lrs.store.port import Writer
from lrs.xapi.size_limits import MOST_KEYS
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.faults.neighbour import Tenants, two_tenants, undisturbed
from tests.faults.server import GONE, Caller
from tests.lrs.samples import COURSE, agent, statement

CLIENTS = 6
STATE = {"activityId": COURSE, "agent": json.dumps(agent())}
DOCUMENT = b'{"a":[%b1e1]}' % (b"1e1," * 500_000)
"""2 MB of numbers in the form that takes longest to read."""
STATEMENT_EXTENSION = [12345] * 120_000
"""0.8 MB as JSON."""
IDS = 20_000
SLICE = 1_000
LANGUAGES = 30_000
ACCEPTED = ",".join(f"q{chr(97 + place % 26)}-x{place};q=0.{place + 10}" for place in range(32))
MEMBERS = 150
KEYS_OF_A_GROUP = 2 * MEMBERS + 10
"""Index keys of a statement about a group of so many, at most: two of each member, and some of the rest."""
LATER = 503
"""What the attacker may hear when it does too much at once; it comes again."""
RETRY_SECONDS = 0.2
GIVEN_UP_SECONDS = 90.0


def at_once(served: Tenants, deed: Callable[[Caller, int], int], clients: int = CLIENTS) -> Counter[int]:
    """Several clients of the attacker at the same time; how often each status was the last one.

    Whoever is told 503 comes again, until it is done.
    """
    answered: Counter[int] = Counter()

    def act(number: int) -> None:
        end = time.monotonic() + GIVEN_UP_SECONDS
        with Caller(served.server.port, served.attacker, patience=120) as caller:
            try:
                while (status := deed(caller, number)) == LATER and time.monotonic() < end:
                    time.sleep(RETRY_SECONDS)
                answered[status] += 1
            except GONE:
                answered[0] += 1

    threads = [threading.Thread(target=act, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answered


@pytest.mark.timeout(300)
def test_merging_into_a_large_document_stops_nobody(address: str) -> None:
    """A few bytes posted to a document of 2 MB, by several clients at once; all succeed in the end."""
    with two_tenants(address) as served:
        with Caller(served.server.port, served.attacker) as caller:
            put = caller.call("PUT", "/activities/state", {**STATE, "stateId": "s"}, DOCUMENT)
            assert put.status == 204
        with undisturbed(served):
            answered = at_once(
                served,
                lambda caller, number: (
                    caller.post("/activities/state", {"b": number}, **STATE, stateId="s").status
                ),
            )
    assert answered == {204: CLIENTS}


def test_repeating_the_id_of_a_large_statement_stops_nobody(address: str) -> None:
    """The id of a stored statement of 0.8 MB with other content, by several clients at once: 409."""
    large = statement(result={"extensions": {"https://example.org/x": STATEMENT_EXTENSION}})
    with two_tenants(address) as served:
        with Caller(served.server.port, served.attacker) as caller:
            assert caller.post("/statements", large).status == 200
        with undisturbed(served):

            def repeat(caller: Caller, number: int) -> int:
                other = {**large, "result": {**large["result"], "duration": f"PT{number}S"}}
                return caller.post("/statements", other).status

            answered = at_once(served, repeat)
    assert answered == {409: CLIENTS}


def test_listing_and_deleting_many_documents_stops_nobody(address: str) -> None:
    """Twenty thousand state ids are listed by several clients, with `since` too, and then deleted."""
    with two_tenants(address) as served:
        _fill(served, address)
        with undisturbed(served):

            def listed(caller: Caller, number: int) -> int:
                more = {"since": "2999-01-01T00:00:00Z"} if number % 2 else {}
                answer = caller.get("/activities/state", **STATE, **more)
                if answer.status == 200:
                    assert len(answer.json) == (0 if more else IDS)
                return answer.status

            answered = at_once(served, listed)
            with Caller(served.server.port, served.attacker, patience=120) as caller:
                assert caller.call("DELETE", "/activities/state", STATE).status == 204
                assert caller.get("/activities/state", **STATE).json == []
    assert answered == {200: CLIENTS}


def test_choosing_among_many_languages_stops_nobody(address: str) -> None:
    """A language map of 0.6 MB in the canonical format, with 32 language ranges asked for."""
    names = {f"t{chr(97 + place % 26)}-y{place:05}": "nama" for place in range(LANGUAGES)}
    large = statement() | {"object": {"id": COURSE, "definition": {"name": names}}}
    with two_tenants(address) as served:
        with Caller(served.server.port, served.attacker) as caller:
            assert caller.post("/statements", large).status == 200
        with undisturbed(served):

            def read(caller: Caller, number: int) -> int:
                return caller.call(
                    "GET",
                    "/statements",
                    {"format": "canonical", "limit": "25"},
                    headers={"Accept-Language": ACCEPTED},
                ).status

            answered = at_once(served, read)
    assert answered == {200: CLIENTS}


def test_describing_an_activity_at_great_length_stops_nobody(address: str) -> None:
    """Something new about an activity whose definition is large already, by several clients at once."""
    extensions = {f"https://example.org/{place}": [12345] * 1_000 for place in range(100)}
    with two_tenants(address) as served:
        with Caller(served.server.port, served.attacker) as caller:
            large = statement() | {"object": {"id": COURSE, "definition": {"extensions": extensions}}}
            assert caller.post("/statements", large).status == 200
        with undisturbed(served):

            def describe(caller: Caller, number: int) -> int:
                name = {"name": {"en": f"name {number}"}}
                return caller.post(
                    "/statements", statement() | {"object": {"id": COURSE, "definition": name}}
                ).status

            answered = at_once(served, describe)
    assert answered == {200: CLIENTS}


def test_a_tenant_that_queues_writes_without_end_waits_for_them_alone(address: str) -> None:
    """Batches as large as they may be, many at once: the writing thread goes on serving another tenant."""
    with two_tenants(address) as served, undisturbed(served):
        batch = [statement() for _ in range(1_000)]

        def store(caller: Caller, number: int) -> int:
            mine = [{name: value for name, value in each.items() if name != "id"} for each in batch]
            return max(caller.post("/statements", mine).status for _ in range(2))

        answered = at_once(served, store, 12)
    assert answered == {200: 12}


def test_statements_with_many_members_stop_nobody(address: str) -> None:
    """Batches that name as many people as one request may, many at once; more of them is 413."""
    with two_tenants(address) as served, undisturbed(served):
        answered = at_once(served, store_groups, 4)
        with Caller(served.server.port, served.attacker) as caller:
            refused = caller.post(
                "/statements", [_group(9, each) for each in range(MOST_KEYS // (2 * MEMBERS) + 1)]
            )
    assert answered == {200: 4}
    assert refused.status == 413


def store_groups(caller: Caller, number: int) -> int:
    """Store as many statements about groups as one request may bring."""
    groups = [_group(number, each) for each in range(MOST_KEYS // KEYS_OF_A_GROUP)]
    return caller.post("/statements", groups).status


def _group(number: int, place: int) -> dict[str, Any]:
    """A statement about 150 people of their own."""
    members = [agent(f"m{number}-{place}-{each}") for each in range(MEMBERS)]
    return statement() | {"actor": {"objectType": "Group", "member": members}}


def _fill(served: Tenants, address: str) -> None:
    """Many state documents, by copies of one that the attacker stored."""
    with Caller(served.server.port, served.attacker) as caller:
        put = caller.call("PUT", "/activities/state", {**STATE, "stateId": "s"}, {"n": 1})
        assert put.status == 204
    store = open_store(address, STATEMENT_KEYS)
    try:
        with store.reading() as reader:
            (one,) = reader.find_documents(DocumentQuery("state", None, limit=2))
        for start in range(1, IDS, SLICE):
            store.writing(_copying(one, range(start, min(start + SLICE, IDS))))
    finally:
        store.close()


def _copying(one: Document, numbers: range) -> Callable[[Writer], Any]:
    def work(writer: Writer) -> None:
        for number in numbers:
            writer.put(replace(one, name=f"\x1fid {number:06}"))

    return work

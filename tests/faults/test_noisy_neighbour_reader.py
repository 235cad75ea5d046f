"""One tenant sends the JSON that costs most to read; another does not notice, and memory comes back."""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter

from tests.faults.neighbour import MIB, Tenants, two_tenants, undisturbed
from tests.faults.server import GONE, Caller
from tests.lrs.samples import COURSE, agent, statement

CLIENTS, ROUNDS = 4, 2
STATE = {"activityId": COURSE, "agent": json.dumps(agent())}
GZIP = {"Content-Encoding": "gzip"}


def numbers(size: int) -> bytes:
    """An array of numbers whose exact text must be kept, each four bytes and a hundred in memory."""
    return b"[" + b"1e1," * (size // 4) + b"1]"


def around(value: bytes) -> bytes:
    """A valid statement with some JSON in it."""
    text = json.dumps(statement(context={"extensions": {"https://example.org/x": "HERE"}})).encode()
    return text.replace(b'"HERE"', value)


STATEMENTS: dict[str, tuple[bytes, dict[str, str], set[int]]] = {
    "numbers, too many bytes": (numbers(15 * MIB), {}, {413}),
    "numbers, too many": (numbers(7 * MIB), {}, {413}),
    "arrays": (b"[" + b"[]," * (2 * MIB) + b"1]", {}, {413}),
    "names": (b'{"a":0,' * MIB, {}, {413}),
    "spaces": (b"[" + b" " * (7 * MIB) + b"1]", {}, {400, 429}),
    "statements full of numbers": (
        b"[" + b",".join(around(numbers(90_000)) for _ in range(20)) + b"]",
        {},
        {200, 429},
    ),
    "one statement full of numbers": (around(numbers(900_000)), {}, {200, 429}),
    "small, and full of numbers": (around(numbers(120_000)), {}, {200}),
    "a long string": (around(b'"' + b"1,2,[" * 180_000 + b'"'), {}, {200, 429}),
    "a bomb": (gzip.compress(bytes(200 * MIB)), GZIP, {413}),
    "numbers, packed": (gzip.compress(numbers(7 * MIB)), GZIP, {413}),
}
DOCUMENTS: dict[str, tuple[bytes, dict[str, str], set[int]]] = {
    "a document of numbers": (b'{"a":' + numbers(MIB + MIB // 2) + b"}", {}, {204, 429, 503}),
    "a document of too many": (b'{"a":' + numbers(3 * MIB) + b"}", {}, {413}),
}


def attack(
    served: Tenants, path: str, params: dict[str, str], body: bytes, headers: dict[str, str]
) -> Counter[int]:
    """Several clients of one tenant send it over and over; what they were answered (0: nothing)."""
    seen: Counter[int] = Counter()

    def run() -> None:
        for _ in range(ROUNDS):
            with Caller(served.server.port, served.attacker, patience=60) as caller:
                try:
                    seen[caller.call("POST", path, params, body, headers).status] += 1
                except GONE:
                    seen[0] += 1

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def test_statements_that_are_costly_to_read_do_not_stop_another(address: str) -> None:
    """Each kind by four clients at once: refused before it is read, or read a few at a time."""
    with two_tenants(address) as served, undisturbed(served):
        for name, (body, headers, expected) in STATEMENTS.items():
            seen = attack(served, "/statements", {}, body, headers)
            assert set(seen) <= expected, (name, seen)


def test_documents_that_are_costly_to_read_do_not_stop_another(address: str) -> None:
    """Documents of numbers, new and merged into each other; what is answered again is taken."""
    with two_tenants(address) as served, undisturbed(served):
        for name, (body, headers, expected) in DOCUMENTS.items():
            seen = attack(served, "/activities/state", {**STATE, "stateId": name}, body, headers)
            assert set(seen) <= expected, (name, seen)

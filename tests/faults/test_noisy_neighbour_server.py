"""One tenant, or a stranger, does its worst to the front of a worker; another tenant does not notice."""

from __future__ import annotations

import base64
import json
import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from jejak.server.small_bodies import LEAST_BYTES, MOST_BYTES
from tests.faults.neighbour import Tenants, Victim, two_tenants, undisturbed
from tests.faults.server import GONE, Caller, every_statement
from tests.lrs.samples import statement

MIB = 1024 * 1024
STALLED = MOST_BYTES // LEAST_BYTES + 300
"""More small bodies than a worker has room for."""
UNREAD = 150
WRITERS = 64


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as this machine permits."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def at_once(number: int, work: Callable[[int], None]) -> None:
    """Have so many threads work, and wait for all."""
    threads = [threading.Thread(target=work, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def head(method: str, target: str, known: tuple[str, str] | None, *more: str) -> bytes:
    """The head of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "X-Experience-API-Version: 2.0.0", *more]
    if known is not None:
        token = base64.b64encode(":".join(known).encode()).decode()
        lines.append(f"Authorization: Basic {token}")
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def connections(served: Tenants, number: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """So many connections over which something was sent, and nothing is read."""
    with ExitStack() as stack:
        opened = []
        for _ in range(number):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(30)
            sock.connect(("127.0.0.1", served.server.port))
            sock.sendall(sent)
            opened.append(sock)
        yield opened


def all_of(sock: socket.socket) -> bytes:
    """What comes until the connection is closed."""
    found = b""
    try:
        while data := sock.recv(65_536):
            found += data
    except GONE:
        pass
    return found


@pytest.mark.parametrize("size", [3, 250])
def test_a_tenant_that_writes_with_all_its_might_does_not_stop_another(address: str, size: int) -> None:
    """Many clients of one tenant send new batches without a pause, small or large; another tenant goes on."""
    seen: Counter[int] = Counter()
    with two_tenants(address) as served:
        with undisturbed(served):
            end = time.monotonic() + 6

            def write(_: int) -> None:
                with Caller(served.server.port, served.attacker, patience=60) as caller:
                    while time.monotonic() < end:
                        batch = [statement(f"learner{n}") for n in range(size)]
                        seen[caller.post("/statements", batch).status] += 1

            at_once(WRITERS, write)
        with Caller(served.server.port, served.attacker, patience=60) as caller:
            stored = sum(1 for _ in every_statement(caller))
    print(f"batches of {size}, by status: {dict(seen)}")
    assert seen.keys() <= {200, 503}, seen
    assert seen[200] >= WRITERS / 2, seen
    assert stored == size * seen[200]


def test_a_head_of_a_request_is_bounded(address: str) -> None:
    """HTTP/2 is not spoken; too many headers, or too large ones, are 431 and the connection ends."""
    with two_tenants(address) as served, undisturbed(served):
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
        with connections(served, 40, preface) as opened:
            for sock in opened:
                assert not all_of(sock).startswith(b"\x00\x00")
        large = [f"x-a: {'x' * 4000}" for _ in range(20)]
        many = [f"x-{n}: y" for n in range(150)]
        for more in (large, many, large * 20):
            sent = head("GET", "/xapi/about", None, *more)
            with connections(served, 10, b"") as opened:
                for sock in opened:
                    try:
                        sock.sendall(sent)
                    except GONE:
                        continue
                    answer = all_of(sock)
                    assert not answer or answer.startswith(b"HTTP/1.1 431"), answer[:100]


def test_large_pages_that_nobody_reads_do_not_fill_the_memory(address: str) -> None:
    """A tenant's large statements come in pages of 4 MB, and unread ones are bounded and given up."""
    large = statement(result={"response": "x" * 900_000})
    with two_tenants(address) as served:
        with Caller(served.server.port, served.attacker) as caller:
            for _ in range(20):
                assert caller.post("/statements", statement(result=large["result"])).status == 200
        target = "/xapi/statements?limit=500"
        with undisturbed(served) as victim:
            with connections(served, UNREAD, head("GET", target, served.attacker)):
                victim.stay()
            with Caller(served.server.port, served.attacker) as caller:
                answer = caller.get("/statements", limit="500")
                assert answer.status == 200
                assert 3 * MIB < len(answer.body) < 5 * MIB
                assert answer.json["more"]
            with connections(served, UNREAD // 5, head("GET", f"{target}&format=ids", served.attacker)):
                victim.stay()


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("who", ["tenant", "stranger"])
def test_small_bodies_that_stand_still_keep_nobody_out(address: str, who: str) -> None:
    """However many announce a small body and send one byte of it, others are served, strangers too."""
    with two_tenants(address) as served:
        known = served.attacker if who == "tenant" else None
        sent = head(
            "POST", "/xapi/statements", known, "Content-Type: application/json", "Content-Length: 100"
        )
        with Caller(served.server.port, served.attacker) as caller:
            assert caller.get("/statements", limit="1").status == 200
            with undisturbed(served) as victim, connections(served, STALLED, sent + b"{"):
                victim.stay()
                # Nor are others of the same kind kept out.
                assert caller.get("/statements", limit="1").status == 200
                assert caller.post("/statements", statement()).status == 200
                assert caller.call("GET", "/xapi/about").status == 200


def test_one_tenant_does_not_take_all_threads(address: str) -> None:
    """While one tenant's slow pages want every thread, another's requests that need one are answered."""
    with two_tenants(address) as served:
        with Caller(served.server.port, served.attacker) as caller:
            for _ in range(10):
                assert caller.post("/statements", [statement() for _ in range(50)]).status == 200
        end = time.monotonic() + 8
        with undisturbed(served):

            def read(_: int) -> None:
                with Caller(served.server.port, served.attacker) as caller:
                    while time.monotonic() < end:
                        answer = caller.get("/statements", limit="500", format="canonical")
                        assert answer.status in {200, 503}

            def ask(_: int) -> None:
                with Caller(served.server.port, served.victim) as caller:
                    while time.monotonic() < end:
                        answer = caller.get("/statements", limit="1", format="ids")
                        seen.answers.append(("thread", answer.status, answer.seconds))

            seen = Victim()
            asking = threading.Thread(target=ask, args=(0,))
            asking.start()
            at_once(60, read)
            asking.join()
        assert not seen.refused, seen
        assert seen.slowest < 10, seen


def test_who_has_no_credential_does_not_stop_who_has(address: str) -> None:
    """Strangers that have statements checked, as many as there are threads and more, stop nobody."""
    body = json.dumps([statement() for _ in range(150)]).encode()
    with two_tenants(address) as served, undisturbed(served) as victim:
        end = time.monotonic() + 6
        statuses: set[int] = set()

        def validate(_: int) -> None:
            with Caller(served.server.port, ("", "")) as caller:
                while time.monotonic() < end:
                    answer = caller.call("POST", "/api/v1/validate", body=body, headers={"Authorization": ""})
                    statuses.add(answer.status)

        at_once(64, validate)
        victim.stay(1)
        assert statuses <= {200, 429, 503}

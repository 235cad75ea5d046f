"""Slow clients, and very many idle ones, beside ordinary callers of a whole server."""

from __future__ import annotations

import base64
import resource
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from jejak.server.asgi import SMALL
from jejak.server.backpressure import WAITING
from tests.faults.server import Caller, Server, credential, serving
from tests.faults.server_load import Write
from tests.lrs.samples import statement

DRIPPING, STALLED, UNREAD = 100, 150, 20
IDLE = 10_000
CALLERS = 4
SECONDS = 3.0
BEARABLE = 2.0
"""Seconds; on an idle machine an answer takes a few thousandths."""


def opened(stack: ExitStack, port: int, *, buffer: int = 0) -> socket.socket:
    """A connection that is closed with the stack; `buffer` limits what it takes in unread."""
    sock = stack.enter_context(socket.socket())
    if buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.settimeout(10)
    sock.connect(("127.0.0.1", port))
    return sock


def request(method: str, target: str, known: tuple[str, str], length: int | None = None) -> bytes:
    """The head of a request to the xAPI; a body of `length` bytes is announced."""
    token = base64.b64encode(":".join(known).encode()).decode()
    lines = [
        f"{method} /xapi{target} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Basic {token}",
        "X-Experience-API-Version: 2.0.0",
    ]
    if length is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


def bearable(server: Server, known: tuple[str, str], seconds: float = SECONDS) -> None:
    """Fail unless ordinary callers, who write and read, are all served, and soon."""
    statuses: list[int] = []
    times: list[float] = []

    def call() -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # A new connection each: a server that accepts no more is found out.
            with Caller(server.port, known) as caller:
                sent = statement()
                for answer in (
                    caller.post("/statements", sent),
                    caller.get("/statements", statementId=sent["id"]),
                    caller.get("/about"),
                ):
                    statuses.append(answer.status)
                    times.append(answer.seconds)

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert len(times) > 10 * CALLERS
    assert sorted(times)[int(len(times) * 0.95)] < BEARABLE


@contextmanager
def dripping(socks: list[socket.socket]) -> Iterator[None]:
    """Every connection sends a byte a second while the body runs."""
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(1):
            for sock in socks:
                sock.send(b" ")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_slow_clients_do_not_stop_others(address: str) -> None:
    """While hundreds send slowly, stop sending or do not read their answers, others are served soon."""
    known = credential(address)
    large = Write.made("attachment", size=8_000_000)
    with serving(address) as server, ExitStack() as stack:
        with Caller(server.port, known) as caller:
            assert large.send(caller).status == 200
        head = request("POST", "/statements", known, 1000)
        slow = [opened(stack, server.port) for _ in range(DRIPPING)]
        stalled = [opened(stack, server.port) for _ in range(STALLED)]
        for sock in (*slow, *stalled):
            sock.sendall(head + b"{")
        target = f"/statements?attachments=true&statementId={large.statements[0]['id']}"
        for _ in range(UNREAD):
            opened(stack, server.port, buffer=4096).sendall(request("GET", target, known))
        with dripping(slow):
            bearable(server, known)
        # All of them are still there: nobody was thrown out to make room.
        finished = slow[0]
        finished.sendall(b" " * 1000)
        assert finished.recv(100).startswith(b"HTTP/1.1 400")


def test_beyond_a_bound_slow_senders_are_refused_and_readers_served(tmp_path: Path) -> None:
    """When all places to wait are taken, who sends hears 503 with Retry-After, and who reads is served."""
    address = f"sqlite:///{tmp_path / 'jejak.db'}"
    known = credential(address)
    with serving(address) as server, Caller(server.port, known) as caller, ExitStack() as stack:
        assert caller.get("/about").status == 200
        senders = [opened(stack, server.port) for _ in range(WAITING + 20)]
        for sock in senders:
            # Too large for the loop, which has room for very many small ones: each needs a place to wait.
            sock.sendall(request("POST", "/statements", known, 2 * SMALL) + b"{")
        deadline = time.monotonic() + 30
        while len(answered := select.select(senders, [], [], 0)[0]) < 20:
            assert time.monotonic() < deadline, "those without a place are not told"
            time.sleep(0.05)
        for sock in answered:
            refused = sock.recv(4096)
            assert refused.startswith(b"HTTP/1.1 503")
            assert b"retry-after" in refused.lower()
            assert sock.recv(10) == b"", "the connection is not closed"
        for _ in range(50):
            answer = caller.get("/statements", limit="1")
            assert answer.status == 200
            assert answer.seconds < BEARABLE
        stack.close()
        deadline = time.monotonic() + 10
        while caller.post("/statements", statement()).status != 200:
            assert time.monotonic() < deadline, "places are not given back when clients go"
            time.sleep(0.05)
        bearable(server, known, 1.0)


def test_connections_are_probed(tmp_path: Path) -> None:
    """A client that is gone without a word is noticed by the kernel, which closes its connection."""
    address = f"sqlite:///{tmp_path / 'jejak.db'}"
    with serving(address) as server, ExitStack() as stack:
        # The first request sets it all up; `serving` has sent one, at least.
        mine = opened(stack, server.port).getsockname()[1]
        # Timer 02 of a connection in /proc/net/tcp is the keep-alive timer.
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        theirs = [row for row in rows if row[2].endswith(f":{mine:04X}")]
        assert [row[5][:2] for row in theirs] == ["02"]


def test_ten_thousand_idle_connections_do_not_stop_others(address: str) -> None:
    """Connections that were used once and are kept open cost others nothing."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    known = credential(address)
    try:
        with serving(address) as server, ExitStack() as stack:
            idle = []
            for _ in range(IDLE):
                idle.append(opened(stack, server.port))
                idle[-1].sendall(request("GET", "/about", known))
                assert idle[-1].recv(4096).startswith(b"HTTP/1.1 200")
            bearable(server, known)
            # None was closed to make room, and each still works.
            for sock in idle[::1000]:
                sock.sendall(request("GET", "/about", known))
                assert sock.recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

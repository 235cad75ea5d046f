"""A small, cheap load generator: many keep-alive connections, one thread, no HTTP library.

It costs a fraction of what it measures, so that on a small machine the server gets the processor.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

SEPARATOR = b"\r\n\r\n"
PATIENCE_SECONDS = 60


@dataclass(slots=True)
class Load:
    """What a run saw.

    `latencies` are seconds per answered request, unsorted. `marked` says how many answers held the marker of
    the run how many times.
    """

    seconds: float = 0.0
    answers: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    marked: dict[int, int] = field(default_factory=dict)
    last_body: bytes = b""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Latency in seconds below which `share` (0..1) of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


@dataclass(slots=True)
class _Connection:
    sock: socket.socket
    buffer: bytearray
    started: float = 0.0
    wanted: int = -1
    head: int = 0
    status: int = 0


def request(method: str, path: str, host: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One HTTP/1.1 request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{k}: {v}" for k, v in headers.items())]
    if body or method in {"POST", "PUT"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + SEPARATOR + body


def run(
    port: int, requests: Iterator[bytes], *, connections: int, seconds: float, marker: bytes = b""
) -> Load:
    """Send requests over `connections` sockets for `seconds`; each socket has one request under way.

    Each answer is searched for `marker`, when one is given: a cheap way to count what came back.
    """
    load = Load()
    with ExitStack() as cleanup:
        chooser = cleanup.enter_context(selectors.DefaultSelector())
        opened = []
        for _ in range(connections):
            sock = cleanup.enter_context(socket.create_connection(("127.0.0.1", port)))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(sock, bytearray())
            opened.append(connection)
            chooser.register(sock, selectors.EVENT_READ, connection)
        begun = time.perf_counter()
        end = begun + seconds
        under_way = 0
        for connection in opened:
            under_way += _send(connection, requests)
        while under_way:
            ready = chooser.select(timeout=PATIENCE_SECONDS)
            if not ready:
                raise TimeoutError(f"the server did not answer for {PATIENCE_SECONDS} seconds")
            for key, _ in ready:
                connection = key.data
                if not _receive(connection, load, marker):
                    continue
                under_way -= 1
                if time.perf_counter() < end:
                    under_way += _send(connection, requests)
        load.seconds = time.perf_counter() - begun
    return load


def _send(connection: _Connection, requests: Iterator[bytes]) -> int:
    data = next(requests, None)
    if data is None:
        return 0
    connection.started = time.perf_counter()
    connection.sock.sendall(data)
    return 1


def _receive(connection: _Connection, load: Load, marker: bytes) -> bool:
    """Take what arrived; True when a whole answer is there."""
    part = connection.sock.recv(262_144)
    if not part:
        raise ConnectionError("the server closed a connection in the middle of an answer")
    buffer = connection.buffer
    buffer += part
    if connection.wanted < 0:
        head = buffer.find(SEPARATOR)
        if head < 0:
            return False
        connection.head = head + 4
        connection.status = int(buffer[9:12])
        lower = bytes(buffer[:head]).lower()
        at = lower.find(b"content-length:")
        if at < 0:
            connection.wanted = connection.head if connection.status in {204, 304} else -2
        else:
            connection.wanted = connection.head + int(lower[at + 15 :].split(b"\r", 1)[0])
        if connection.wanted == -2:
            raise ValueError("an answer without Content-Length")
    if len(buffer) < connection.wanted:
        return False
    load.answers += 1
    load.statuses[connection.status] = load.statuses.get(connection.status, 0) + 1
    load.latencies.append(time.perf_counter() - connection.started)
    load.last_body = bytes(buffer[connection.head : connection.wanted])
    if marker:
        count = load.last_body.count(marker)
        load.marked[count] = load.marked.get(count, 0) + 1
    buffer.clear()
    connection.wanted = -1
    return True

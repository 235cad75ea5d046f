"""One HTTP/1.1 exchange in which every single wait ends at one common deadline.

The time-out of a socket is one of each read: a server that sends a byte now and then is never late. Here the
socket is given what is left of the whole before each read, handshake or write, so that a drip in the TLS
handshake, the headers or the body costs no more than the deadline says.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

CHUNK = 16 * 1024


class OutboundError(Exception):
    """The request could not be made or answered; the message names no secret."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When an exchange ends (`time.monotonic()`), and how long it may stand still before that (seconds)."""

    at: float
    still: float

    def left(self) -> float:
        """Seconds that the next wait may take. OutboundError when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise OutboundError("the answer takes too long")
        return min(left, self.still)


@dataclass(frozen=True, slots=True)
class Raw:
    """A complete response; header names in lower case, repeated ones joined by a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Wire(io.RawIOBase):
    """A connected socket as `http.client` wants it, each of whose waits ends with the deadline."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._socket.settimeout(self._deadline.left())
        return self._socket.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._socket.settimeout(self._deadline.left())
            view = view[self._socket.send(view[:CHUNK]) :]

    def close(self) -> None:
        """Does nothing: whoever connected the socket closes it.

        `http.client` closes its connection before the answer is read when the server is to close it.
        """

    def makefile(self, _mode: str) -> io.BufferedReader:
        # Of its own: `http.client` closes what it got as a socket as soon as an answer says that it is the
        # last one, and goes on reading from the file.
        return io.BufferedReader(_Wire(self._socket, self._deadline), CHUNK)


def exchange(
    address: str,
    port: int,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    deadline: Deadline,
    tls: ssl.SSLContext | None,
    server_name: str,
    max_bytes: int,
) -> Raw:
    """Send one request to an address and read the whole answer; redirects are answers. OutboundError."""
    try:
        with socket.create_connection((address, port), timeout=deadline.left()) as plain:
            if tls is None:
                return _over(plain, method, target, headers, body, deadline, max_bytes)
            plain.settimeout(deadline.left())
            with tls.wrap_socket(plain, server_hostname=server_name) as secured:
                return _over(secured, method, target, headers, body, deadline, max_bytes)
    except (http.client.HTTPException, OSError, ValueError) as error:
        if time.monotonic() >= deadline.at:
            raise OutboundError("the answer takes too long") from error
        raise OutboundError(f"no answer ({type(error).__name__})") from error


def _over(
    connected: socket.socket,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes | None,
    deadline: Deadline,
    max_bytes: int,
) -> Raw:
    connection = http.client.HTTPConnection("unused")
    connection.sock = _Wire(connected, deadline)
    connection.request(method, target, body, {**headers, "Connection": "close"})
    with connection.getresponse() as response:
        parts: list[bytes] = []
        size = 0
        while chunk := response.read1(CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise OutboundError("the answer is too large")
            parts.append(chunk)
        if response.length:
            raise OutboundError("no answer (cut off)")
        found: dict[str, str] = {}
        for name, value in response.headers.items():
            known = found.get(name.lower())
            found[name.lower()] = value if known is None else f"{known}, {value}"
        return Raw(response.status, found, b"".join(parts))

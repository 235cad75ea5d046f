"""An application that blocks (PEP 3333), behind an event loop: its requests are answered by threads.

The body of a request is read by the loop and fetched from there by the thread that wants it; an answer goes
the other way. Both have limits of time, so that a client that stands still holds nothing for ever.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from jejak.server.backpressure import PARTY, Backpressure, ClientGoneError, TooSlowError
from jejak.server.sending import STILL_SECONDS, Head, Receive, Send, encoded

LEAST_RATE = 256
"""Bytes per second that a body must come with on average, once `STILL_SECONDS` have gone by."""
WHOLE = 262_144
"""What a stream is made of is handed to the loop in one piece when it has at most so many bytes."""
CLOSE = (b"connection", b"close")


class Threads:
    """Answers requests with a blocking application, as many at once as its backpressure has turns."""

    def __init__(self, backpressure: Backpressure, threads: int, loop: asyncio.AbstractEventLoop) -> None:
        """`threads`: enough for those that work and those that wait for somebody else, see `threads_for`."""
        self._backpressure = backpressure
        self._loop = loop
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def answer(
        self, environ: dict[str, Any], body: bytes | None, receive: Receive, send: Send
    ) -> tuple[Head, bytes] | None:
        """The answer to one request, whose `body` is there already, or still comes when it is None.

        None when the answer was a stream, which is sent from here.
        """
        source = environ["wsgi.input"] = io.BytesIO(body) if body is not None else Body(receive, self._loop)
        if isinstance(source, Body):
            source.length = _length(environ)
        await self._backpressure.worker_slots.taken(environ[PARTY])
        # From here on the turn is given back by the thread.
        return await self._loop.run_in_executor(self._pool, self._run, environ, source, send)

    def close(self) -> None:
        """Take no more requests."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(
        self, environ: dict[str, Any], source: Body | io.BytesIO, send: Send
    ) -> tuple[Head, bytes] | None:
        """The answer when it is there as a whole; otherwise it was sent from here."""
        heads: list[Head] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
            heads[:] = [(int(status[:3]), encoded(headers))]

        answer = self._backpressure.answer(environ, start_response)
        try:
            if isinstance(answer, list):
                return _closing(heads[0], source), b"".join(answer)
            chunks = iter(answer)
            first, more = _beginning(chunks)
            head = _closing(heads[0], source)
            if not more:
                return head, first
            self._stream(send, head, first, chunks)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        return None

    def _stream(self, send: Send, head: Head, first: bytes, rest: Iterable[bytes]) -> None:
        """Send a long answer piece by piece; no more of it once the client stands still for too long."""
        with suppress(TooSlowError, ClientGoneError):
            self._send(send, {"type": "http.response.start", "status": head[0], "headers": head[1]})
            self._send(send, {"type": "http.response.body", "body": first, "more_body": True})
            for chunk in rest:
                self._send(send, {"type": "http.response.body", "body": chunk, "more_body": True})
            self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    def _send(self, send: Send, message: dict[str, Any]) -> None:
        _on_loop(self._loop, lambda: send(message))


class Body:
    """`wsgi.input` of a request that is still being received.

    Reading raises TooSlowError when the bytes do not come, ClientGoneError when the client has left.
    """

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._loop = loop
        self._buffer = bytearray()
        self._complete = False
        self._taken = 0
        self.length: int | None = None
        """The length that was announced, if one was."""
        self._begun: float | None = None
        """When it was first asked for: a request that waits for its turn is not the client's doing."""

    @property
    def is_complete(self) -> bool:
        """Whether all of it has been received; then the connection can take another request."""
        return self._complete or (self.length is not None and self._taken >= self.length)

    def read(self, size: int | None = None) -> bytes:
        """Up to `size` bytes, fewer only at the end; everything without a size."""
        wanted = None if size is None or size < 0 else size
        while not self._complete and (wanted is None or len(self._buffer) < wanted):
            self._fetch()
        return self._cut(len(self._buffer) if wanted is None else wanted)

    def readline(self, _size: int | None = None) -> bytes:
        """The bytes up to the next line feed."""
        while (at := self._buffer.find(b"\n")) < 0 and not self._complete:
            self._fetch()
        return self._cut(at + 1 if at >= 0 else len(self._buffer))

    def readlines(self, _hint: int | None = None) -> list[bytes]:
        """All lines that are left."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _cut(self, size: int) -> bytes:
        part = bytes(self._buffer[:size])
        del self._buffer[:size]
        return part

    def _fetch(self) -> None:
        if self._begun is None:
            self._begun = time.monotonic()
        waited = time.monotonic() - self._begun
        if waited > STILL_SECONDS and self._taken < LEAST_RATE * waited:
            raise TooSlowError
        message = _on_loop(self._loop, self._receive)
        if message["type"] != "http.request":
            raise ClientGoneError
        data = message.get("body", b"")
        self._buffer += data
        self._taken += len(data)
        self._complete = not message.get("more_body", False)


def _length(environ: dict[str, Any]) -> int | None:
    text: str = environ.get("CONTENT_LENGTH", "")
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _closing(head: Head, source: Body | io.BytesIO) -> Head:
    """The head of an answer, which says so when the connection ends with it: the body was not received."""
    if not isinstance(source, Body) or source.is_complete:
        return head
    return head[0], [*head[1], CLOSE]


def _on_loop(loop: asyncio.AbstractEventLoop, begin: Callable[[], Awaitable[Any]]) -> Any:
    """Have the loop await something, and wait for it here."""

    async def awaited() -> Any:
        return await begin()

    awaiting = awaited()
    try:
        future = asyncio.run_coroutine_threadsafe(awaiting, loop)
    except RuntimeError:  # the loop is closed, and with it every connection
        awaiting.close()
        raise ClientGoneError from None
    try:
        return future.result(STILL_SECONDS)
    except TimeoutError:
        future.cancel()
        raise TooSlowError from None
    except concurrent.futures.CancelledError:
        raise ClientGoneError from None


def _beginning(chunks: Iterator[bytes]) -> tuple[bytes, bool]:
    """The first `WHOLE` bytes or a little more, and whether something may follow."""
    parts = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > WHOLE:
            return b"".join(parts), True
    return b"".join(parts), False

"""Clients that send or receive slowly, or not at all, must not hold what others need.

A request that is answered by a thread is worked on by one of a few turns (the setting `threads`), which is
what the store and the processor can serve at once. The threads are many more, because one that waits for a
client costs next to nothing: it gives its turn back for as long as it waits for the body or for a learning
platform, and it has none while a long answer is being sent. How many may wait is bounded, too; and of
everything each tenant has its share (`jejak.server.shares`).
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from jejak.server.shares import STRANGERS, Party, Slots
from lrs.http.problems import RefusalError, rendered
from lrs.outbound.waiting import ENVIRON
from lrs.tenant_turns import worked_on

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

WAITING = 384
"""Requests of one worker that may wait for their bodies at once."""
SENDING = 96
"""Answers of one worker that may be streamed at once."""
CALLING = 128
"""Requests of one worker that may wait for a learning platform, or for others of their tenant, at once."""
RETRY_SECONDS = 5
READING = frozenset({"GET", "HEAD", "OPTIONS"})
PARTY = "jejak.party"
"""Name in the WSGI environment of whose request it is; see `jejak.server.shares`."""
QUIET_SECONDS, PROBE_SECONDS, PROBES = 60, 15, 4
"""A connection that has been quiet for so long is probed, so often; then its client is gone."""


def threads_for(turns: int) -> int:
    """How many threads a worker needs so that nothing but work waits for a turn."""
    return turns + WAITING + SENDING + CALLING


class InterruptedRequestError(BaseException):
    """The body will not be read. No error of the application: it passes through it."""


class TooManyWaitingError(InterruptedRequestError):
    """Too many bodies are awaited."""


class TooSlowError(InterruptedRequestError):
    """The client stood still for too long."""


class ClientGoneError(InterruptedRequestError):
    """The client went away in the middle."""


class Backpressure:
    """The application, protected. Safe to call from many threads."""

    def __init__(self, application: Wsgi, turns: int) -> None:
        """At most `turns` requests are worked on at once."""
        self._application = application
        self.worker_slots = Slots(turns)
        self.upload_slots = Slots(WAITING)
        self._sendings = Slots(SENDING)
        self._callings = Slots(CALLING)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333), when its party has a turn."""
        self.worker_slots.wait(_party(environ))
        return self.answer(environ, start_response)

    def answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request whose party was given a turn, which is given back."""
        party = _party(environ)
        kept = may_have_changed(environ)
        if not isinstance(environ["wsgi.input"], BytesIO):
            environ["wsgi.input"] = _Body(self, party, environ["wsgi.input"])
        waiting = environ[ENVIRON] = lambda: self.elsewhere(party, self._callings)
        try:
            with worked_on(waiting):
                answer = self._application(environ, start_response)
        except TooManyWaitingError:
            return _refuse(start_response, "Too many are waiting; try again soon.")
        finally:
            self.worker_slots.give(party)
        if isinstance(answer, list):
            return answer
        return self._streamed(party, answer, start_response, kept=kept)

    @contextmanager
    def elsewhere(self, party: Party, places: Slots) -> Iterator[None]:
        """Give the worker slot back while the request waits for somebody else, and take one again after.

        TooManyWaitingError when no more requests may wait.
        """
        if not places.take_now(party):
            raise TooManyWaitingError
        self.worker_slots.give(party)
        try:
            yield
        finally:
            # In this order: a thread that waits for a turn must be counted, or there might be too few.
            self.worker_slots.wait(party)
            places.give(party)

    def _streamed(
        self, party: Party, answer: Iterable[bytes], start_response: StartResponse, *, kept: bool
    ) -> Iterable[bytes]:
        """The answer, as it is read if there is a place; else a refusal, or all of it when it is `kept`."""
        if not self._sendings.take_now(party):
            try:
                if kept:
                    return [b"".join(answer)]
            finally:
                _close(answer)
            return _refuse(start_response, "Too many are reading; try again soon.")
        return _Answer(answer, lambda: self._sendings.give(party))


class _Body:
    """`wsgi.input` that holds an upload slot, but no worker slot, while it waits for bytes.

    TooManyWaitingError when no more requests may wait.
    """

    def __init__(self, backpressure: Backpressure, party: Party, source: IO[bytes]) -> None:
        self._backpressure = backpressure
        self._party = party
        self._source = source

    def read(self, size: int | None = None) -> bytes:
        source = self._source
        return self._wait(source.read) if size is None or size < 0 else self._wait(source.read, size)

    def readline(self, _size: int | None = None) -> bytes:
        return self._wait(self._source.readline)

    def _wait(self, read: Callable[..., bytes], *size: int) -> bytes:
        with self._backpressure.elsewhere(self._party, self._backpressure.upload_slots):
            return read(*size)

    def readlines(self, _hint: int | None = None) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line


class _Answer:
    """A streamed answer that is counted until it is closed."""

    def __init__(self, answer: Iterable[bytes], sent: Callable[[], None]) -> None:
        self._answer = answer
        self._sent = sent

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        try:
            _close(self._answer)
        finally:
            self._sent()


def may_have_changed(environ: dict[str, Any]) -> bool:
    """Whether this request may have changed something, so that its answer must not be replaced by a refusal.

    A POST to the xAPI that has a query may describe a GET (alternate request syntax); as a write, it has a
    short answer.
    """
    method = environ.get("REQUEST_METHOD", "GET")
    if method == "POST" and environ.get("PATH_INFO", "").startswith("/xapi/"):
        return not environ.get("QUERY_STRING")
    return method not in READING


def _party(environ: dict[str, Any]) -> Party:
    party: Party = environ.get(PARTY, (STRANGERS, ""))
    return party


def _close(answer: Iterable[bytes]) -> None:
    close = getattr(answer, "close", None)
    if close is not None:
        close()


def refusal(status: int, detail: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """An answer to a request that no application has seen, or not to its end: status line, headers, body."""
    wait = [("Retry-After", str(RETRY_SECONDS))] if status == HTTPStatus.SERVICE_UNAVAILABLE else []
    body, headers = rendered(RefusalError(status, detail, headers=wait))
    headers.append(("Content-Length", str(len(body))))
    return f"{status} {HTTPStatus(status).phrase}", headers, body


def _refuse(start_response: StartResponse, detail: str) -> list[bytes]:
    status, headers, body = refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail)
    start_response(status, headers)
    return [body]


def notice_lost_clients() -> None:
    """Have the kernel close connections whose clients are gone, on every listening socket of this process.

    A phone that loses its network says no goodbye; without this its connection, and the thread that waits
    for the rest of its upload, would stay for ever. Connections inherit what their listener says.
    """
    files = Path("/proc/self/fd")
    for name in [int(each.name) for each in files.iterdir()] if files.exists() else []:
        try:
            if not stat.S_ISSOCK(os.fstat(name).st_mode):
                continue
            listener = socket.socket(fileno=os.dup(name))
        except OSError:
            continue
        with listener:
            internet = listener.family in (socket.AF_INET, socket.AF_INET6)
            if internet and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, QUIET_SECONDS)
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_SECONDS)
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
                lost = 1000 * (QUIET_SECONDS + PROBE_SECONDS * PROBES)
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, lost)

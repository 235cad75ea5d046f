"""An event loop that asks the worker of `jejak serve`, in place of a server; and scopes of requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

import uvloop

from jejak.app import Application
from jejak.server.asgi import Serving, Worker
from tests.lrs.client import V2, Answer, basic

T = TypeVar("T")

Message = dict[str, Any]
PATIENCE = 20.0
"""Seconds that an answer may take before a test fails."""


def scope_of(
    method: str,
    target: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
    **more: Any,
) -> Message:
    """The scope of a request (ASGI HTTP 2.3), as the server makes it."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": list(headers),
        "client": ("192.0.2.7", "50000"),
        "server": ("127.0.0.1", "8080"),
        **more,
    }


def pieces_of(body: bytes, size: int) -> list[Message]:
    """The messages by which a body comes, so many bytes at a time."""
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    last = len(parts) - 1
    return [
        {"type": "http.request", "body": part, "more_body": place < last} for place, part in enumerate(parts)
    ]


@dataclass
class Client:
    """Who sends a request: its messages in order, and then silence, or its end."""

    messages: list[Message] = field(default_factory=list)
    leaves: bool = False
    """Whether it goes away once it has sent its messages, rather than waiting."""
    sent: list[Message] = field(default_factory=list)
    """What it was sent."""
    reading: asyncio.Event | None = None
    """Unless it is set, nothing but the head is taken in."""
    breaks: bool = False
    """Whether sending to it fails."""

    async def receive(self) -> Message:
        if self.messages:
            return self.messages.pop(0)
        if self.leaves:
            return {"type": "http.disconnect"}
        silence: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await silence

    async def send(self, message: Message) -> None:
        if self.breaks:
            raise ConnectionResetError("the client is gone")
        self.sent.append(message)
        if self.reading is not None and message["type"] == "http.response.body":
            await self.reading.wait()

    def answer(self) -> Answer:
        """What it was sent, which must be one whole answer."""
        start, *rest = self.sent
        assert start["type"] == "http.response.start"
        assert {each["type"] for each in rest} == {"http.response.body"}
        assert [each.get("more_body", False) for each in rest] == [True] * (len(rest) - 1) + [False]
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        assert all(name == name.lower() for name in headers)
        body = b"".join(each.get("body", b"") for each in rest)
        if "content-length" in headers and body:
            assert int(headers["content-length"]) == len(body)
        return Answer(start["status"], headers, body)


@dataclass
class Asking:
    """Asks one worker, as one credential."""

    worker: Worker
    known: tuple[str, str]

    @property
    def serving(self) -> Serving:
        """What the worker has for this loop."""
        assert self.worker._served is not None
        return self.worker._served

    def head(self, method: str, target: str, headers: Mapping[str, str] | None = None) -> Message:
        """The scope of a request with the credential and a version."""
        sent = {
            "host": "jejak.example",
            "authorization": basic(*self.known),
            "x-experience-api-version": V2,
        } | dict(headers or {})
        return scope_of(method, target, [(name.encode(), value.encode()) for name, value in sent.items()])

    async def call(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        size: int = 1 << 30,
        chunked: bool = False,
        client: Client | None = None,
    ) -> Answer:
        """One request and its answer. A body that is not bytes is JSON; it comes `size` bytes at a time."""
        sent: dict[str, str] = {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent["content-type"] = "application/json"
            sent |= {"transfer-encoding": "chunked"} if chunked else {"content-length": str(len(data))}
        if params:
            target += "?" + urlencode(params)
        client = client or Client(pieces_of(data or b"", size))
        scope = self.head(method, target, sent | dict(headers or {}))
        await asyncio.wait_for(self.worker(scope, client.receive, client.send), PATIENCE)
        return client.answer()


def asking(app: Application, known: tuple[str, str], scenario: Callable[[Asking], Awaitable[T]]) -> T:
    """Run a scenario against a worker over the application; at its end, nothing may still be counted."""

    async def main() -> T:
        worker = Worker(app)
        asked = Asking(worker, known)
        await asked.call("GET", "/health/live")
        try:
            result = await scenario(asked)
            assert asked.serving.is_idle
            return result
        finally:
            asked.serving._threads.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())

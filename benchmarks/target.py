"""The record store that is measured: where it is, how it is asked, and whether it answered rightly."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from benchmarks.client import Load, request
from benchmarks.report import WrongAnswers

STORED = b'"stored"'
"""Stands exactly once in each statement that a store returns, and nowhere else in this corpus."""


@dataclass(frozen=True, slots=True)
class Target:
    """A record store on loopback: its port, credentials (none for the yardstick) and statements resource."""

    port: int
    key: str = ""
    secret: str = ""
    path: str = "/xapi/statements"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of one xAPI request."""
        given = {"X-Experience-API-Version": "1.0.3", "Content-Type": "application/json"}
        if self.key:
            token = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
            given["Authorization"] = f"Basic {token}"
        return given

    def get(self, link: str) -> bytes:
        """The request that follows a link of the server."""
        return request("GET", link, f"127.0.0.1:{self.port}", self.headers)

    def ask(self, query: str) -> bytes:
        """The request that asks for statements."""
        return self.get(f"{self.path}?{query}")

    def post(self, body: bytes) -> bytes:
        """The request that stores one statement or an array of them."""
        return request("POST", self.path, f"127.0.0.1:{self.port}", self.headers, body)


class Reader:
    """Fetches one page after the other over one connection."""

    def __init__(self, connection: http.client.HTTPConnection, headers: dict[str, str]) -> None:
        self._connection = connection
        self._headers = headers

    def fetch(self, link: str) -> bytes:
        """The body behind a link; WrongAnswers when the status is not 200."""
        self._connection.request("GET", link, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise WrongAnswers(f"{answer.status} {body[:300]!r} for {link}")
        return body


@contextmanager
def reader(target: Target) -> Iterator[Reader]:
    """A reader of the target."""
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=60)
    try:
        yield Reader(connection, target.headers)
    finally:
        connection.close()


def insist(load: Load, *, page: int | None = None) -> None:
    """A figure counts only when every answer was 200 and, for reads, held `page` statements."""
    if set(load.statuses) != {200}:
        raise WrongAnswers(f"{load.statuses} {load.last_body[:300]!r}")
    if page is None:
        return
    if set(load.marked) != {page}:
        raise WrongAnswers(f"statements in an answer: {load.marked}, not {page}")
    last: dict[str, Any] = orjson.loads(load.last_body)
    if len(last["statements"]) != page:
        raise WrongAnswers(f"{len(last['statements'])} statements in an answer, not {page}")

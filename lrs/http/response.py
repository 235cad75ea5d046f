"""An answer before it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Headers = list[tuple[str, str]]


@dataclass(slots=True)
class Response:
    """Status, body and headers; the length is added when the body is bytes."""

    status: int
    body: bytes | Iterable[bytes] = b""
    headers: Headers = field(default_factory=list)


def json_response(body: bytes, *headers: tuple[str, str], status: int = 200) -> Response:
    """An answer of JSON bytes."""
    return Response(status, body, [("Content-Type", "application/json"), *headers])


def no_content(*headers: tuple[str, str]) -> Response:
    """204: done, nothing to tell."""
    return Response(204, b"", list(headers))

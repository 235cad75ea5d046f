"""Sending answers that are complete: whoever does not read one does not make the worker keep it for ever.

What the server is given, it keeps until the client has taken it. So a long answer is given to it piece by
piece, as fast as its reader takes them; how much waits to be read is bounded, and so is the time it may take.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from jejak.server.shares import Party, Slots

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Head = tuple[int, list[tuple[bytes, bytes]]]

STILL_SECONDS = 60.0
"""A client may stand still for so long, sending or receiving."""
PIECE = 32_768
SHORT = 65_536
"""Answers of at most so many bytes are given to the server whole."""
UNREAD_BYTES = 1 << 26
"""Bytes of long answers that may wait for their readers at once, in one worker."""
LEAST_RATE = 4_096
"""Bytes per second that an answer must be read with on average, once `STILL_SECONDS` have gone by."""
PIECES_AHEAD = 4
"""Pieces that the server takes before the client has read any."""


class TooMuchUnreadError(Exception):
    """Too much waits to be read already."""


class UnreadError(Exception):
    """The client does not read its answer."""


class Answers:
    """Sends the answers of one event loop."""

    def __init__(self) -> None:
        self.unread = Slots(UNREAD_BYTES)

    async def send(self, send: Send, party: Party, head: Head, body: bytes, *, kept: bool = False) -> None:
        """Send a whole answer.

        TooMuchUnreadError before anything of it is sent, unless it is `kept`: told whatever waits to be read.
        UnreadError when it is not read.
        """
        if len(body) <= SHORT:
            return await respond(send, head, body)
        # No answer is so long that it could never be sent.
        room = min(len(body), UNREAD_BYTES // 4)
        counted = self.unread.take_now(party, room)
        if not counted and not kept:
            raise TooMuchUnreadError
        try:
            async with asyncio.timeout(STILL_SECONDS + len(body) / LEAST_RATE):
                await _in_pieces(send, head, body)
        except TimeoutError:
            raise UnreadError from None
        finally:
            if counted:
                self.unread.give(party, room)
        return None


async def respond(send: Send, head: Head, body: bytes) -> None:
    """Send a whole answer at once."""
    await send({"type": "http.response.start", "status": head[0], "headers": head[1]})
    await send({"type": "http.response.body", "body": body})


def encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def _in_pieces(send: Send, head: Head, body: bytes) -> None:
    await send({"type": "http.response.start", "status": head[0], "headers": head[1]})
    for start in range(0, len(body), PIECE):
        await _send(send, body[start : start + PIECE])
    # Pieces of nothing: the last of them is taken when what was before them was.
    for _ in range(PIECES_AHEAD + 1):
        await _send(send, b"")
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send(send: Send, piece: bytes) -> None:
    async with asyncio.timeout(STILL_SECONDS):
        await send({"type": "http.response.body", "body": piece, "more_body": True})

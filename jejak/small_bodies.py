"""Small bodies that the event loop receives, while their clients may stand still.

Each takes room, however much of it has come. Where there is no more, the one that has been awaited longest is
given up for the newest: a client that sends is done in a moment, one that stands still has had its time. So
clients that stand still, however many, keep nobody out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from jejak.intake import Gone, TooMany, TooSlow
from jejak.sending import STILL_SECONDS, Receive
from jejak.shares import SHARE, STRANGERS, Party

MOST_BYTES = 1 << 26
"""Room for the bodies of one worker, those that are complete and not answered yet included."""
LEAST_BYTES = 8_192
"""The room that the smallest takes."""
MOST_OF_AN_ADDRESS = 1_024
"""Bodies that are awaited from one address without a credential."""


@dataclass(eq=False, slots=True)
class SmallBody:
    """The room of one body."""

    party: Party
    room: int
    timeout: asyncio.Timeout | None = None
    """Set while the body is awaited."""
    is_given_up: bool = False


class SmallBodies:
    """The small bodies of one event loop."""

    def __init__(self, number: int = MOST_BYTES) -> None:
        self._number = self._free = number
        self._held: dict[str, int] = {}
        self._awaited: dict[Party, dict[SmallBody, None]] = {}
        """The oldest first."""
        self._groups: dict[str, dict[SmallBody, None]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there is none."""
        return self._free == self._number and not (self._held or self._awaited or self._groups)

    def enter(self, party: Party, size: int) -> SmallBody:
        """Room for a body of `size` bytes; TooMany when the party's others are complete and leave none."""
        body = SmallBody(party, max(size, LEAST_BYTES))
        group = party[0]
        if group == STRANGERS and len(self._awaited.get(party, ())) >= MOST_OF_AN_ADDRESS:
            self._give_up(next(iter(self._awaited[party])))
        while self._held.get(group, 0) + body.room > min(SHARE * self._free, self._number) or (
            body.room > self._free
        ):
            if group not in self._groups:
                raise TooMany
            self._give_up(next(iter(self._groups[group])))
        self._free -= body.room
        self._held[group] = self._held.get(group, 0) + body.room
        return body

    async def receive(self, body: SmallBody, receive: Receive, size: int) -> bytes:
        """The whole body; TooSlow or Gone when it does not come."""
        data = b""
        try:
            async with asyncio.timeout(STILL_SECONDS) as body.timeout:
                self._awaited.setdefault(body.party, {})[body] = None
                self._groups.setdefault(body.party[0], {})[body] = None
                more = True
                while more and len(data) < size:
                    message = await receive()
                    data += message.get("body", b"")
                    more = message.get("more_body", False)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._no_longer_awaited(body)
        if len(data) < size:
            raise Gone
        return data

    def leave(self, body: SmallBody) -> None:
        """The body is not needed any more."""
        if body.is_given_up:
            return
        group = body.party[0]
        self._free += body.room
        self._held[group] -= body.room
        if not self._held[group]:
            del self._held[group]

    def _give_up(self, body: SmallBody) -> None:
        """Take the room of a body that is awaited; whoever awaits it hears TooSlow."""
        self.leave(body)
        body.is_given_up = True
        self._no_longer_awaited(body)
        if body.timeout is not None:
            body.timeout.reschedule(asyncio.get_running_loop().time())

    def _no_longer_awaited(self, body: SmallBody) -> None:
        awaited = self._awaited.get(body.party)
        if awaited is None or body not in awaited:
            return
        del awaited[body]
        if not awaited:
            del self._awaited[body.party]
        group = self._groups[body.party[0]]
        del group[body]
        if not group:
            del self._groups[body.party[0]]

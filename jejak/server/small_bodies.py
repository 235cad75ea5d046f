"""Small bodies that the event loop receives, while their clients may stand still.

Each takes room, however much of it has come. Where there is no more, the one that has been awaited longest is
given up for the newest: a client that sends is done in a moment, one that stands still has had its time. So
clients that stand still, however many, keep nobody out.
"""

from __future__ import annotations

import asyncio

from jejak.server.backpressure import ClientGoneError, TooManyWaitingError, TooSlowError
from jejak.server.sending import STILL_SECONDS, Receive
from jejak.server.shares import SHARE, STRANGERS, Party

MOST_BYTES = 1 << 26
"""Room for the bodies of one worker, those that are complete and not answered yet included."""
LEAST_BYTES = 8_192
"""The room that the smallest takes."""
MOST_OF_AN_ADDRESS = 1_024
"""Bodies that are awaited from one address without a credential."""
LOOKS = 12
"""How often it is looked for bodies that stand still, in the time that they may."""


class SmallBody:
    """The room of one body, and the task that awaits it."""

    __slots__ = ("begun", "is_given_up", "party", "room", "task")

    task: asyncio.Task[object]

    def __init__(self, party: Party, room: int) -> None:
        self.party = party
        self.room = room
        self.begun = 0.0
        self.is_given_up = False


class SmallBodies:
    """The small bodies of one event loop."""

    def __init__(self, number: int = MOST_BYTES) -> None:
        self._number = self._free = number
        self._held: dict[str, int] = {}
        self._awaited: dict[str, dict[SmallBody, None]] = {}
        """By group, the oldest first."""
        self._addresses: dict[str, int] = {}
        """How many are awaited from each stranger."""
        self._look: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is none."""
        return self._free == self._number and not (self._held or self._awaited or self._addresses)

    def enter(self, party: Party, size: int) -> SmallBody:
        """Room for a body of `size` bytes.

        TooManyWaitingError when the party's other bodies are all complete and leave no room.
        """
        room = max(size, LEAST_BYTES)
        group, address = party
        held = self._held.get(group, 0)
        if held + room > SHARE * self._free or room > self._free:
            held = self._make_room(group, room)
        if group == STRANGERS and self._addresses.get(address, 0) >= MOST_OF_AN_ADDRESS:
            self._give_up(next(each for each in self._awaited[group] if each.party == party))
            held = self._held.get(group, 0)
        self._free -= room
        self._held[group] = held + room
        return SmallBody(party, room)

    async def receive(self, body: SmallBody, receive: Receive, size: int) -> bytes:
        """The whole body; TooSlowError or ClientGoneError when it does not come."""
        data = b""
        loop = asyncio.get_running_loop()
        body.begun = loop.time()
        body.task = asyncio.current_task()  # type: ignore[assignment]
        group, address = body.party
        if group == STRANGERS:
            self._addresses[address] = self._addresses.get(address, 0) + 1
        awaited = self._awaited.get(group)
        if awaited is None:
            awaited = self._awaited[group] = {}
        awaited[body] = None
        if self._look is None:
            self._look = loop.call_later(STILL_SECONDS / LOOKS, self._give_up_still, loop)
        try:
            more = True
            while more and len(data) < size:
                message = await receive()
                data += message.get("body", b"")
                more = message.get("more_body", False)
        except asyncio.CancelledError:
            if body.is_given_up and not body.task.uncancel():
                raise TooSlowError from None
            raise
        finally:
            if not body.is_given_up:
                self._no_longer_awaited(body)
        if len(data) < size:
            raise ClientGoneError
        return data

    def leave(self, body: SmallBody) -> None:
        """The body is not needed any more."""
        if body.is_given_up:
            return
        group = body.party[0]
        self._free += body.room
        left = self._held[group] - body.room
        if left:
            self._held[group] = left
        else:
            del self._held[group]

    def _make_room(self, group: str, room: int) -> int:
        """Give up the oldest of a group until there is room for one more; what the group then holds."""
        while (held := self._held.get(group, 0)) + room > SHARE * self._free or room > self._free:
            if group not in self._awaited:
                raise TooManyWaitingError
            self._give_up(next(iter(self._awaited[group])))
        return held

    def _give_up(self, body: SmallBody) -> None:
        """Take the room of a body that is awaited; whoever awaits it hears TooSlowError."""
        self._no_longer_awaited(body)
        self.leave(body)
        body.is_given_up = True
        body.task.cancel()

    def _give_up_still(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up those that have been awaited for too long, and look again later if there are others."""
        latest = loop.time() - STILL_SECONDS
        still = []
        for awaited in self._awaited.values():
            for body in awaited:
                if body.begun > latest:
                    break
                still.append(body)
        for body in still:
            self._give_up(body)
        again = bool(self._awaited)
        self._look = loop.call_later(STILL_SECONDS / LOOKS, self._give_up_still, loop) if again else None

    def _no_longer_awaited(self, body: SmallBody) -> None:
        group, address = body.party
        awaited = self._awaited[group]
        del awaited[body]
        if not awaited:
            del self._awaited[group]
        if group == STRANGERS:
            left = self._addresses[address] - 1
            if left:
                self._addresses[address] = left
            else:
                del self._addresses[address]

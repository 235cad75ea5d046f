"""Room for small bodies: who stands still makes room for who comes, address by address, tenant by tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jejak.server import small_bodies
from jejak.server.backpressure import TooSlowError
from jejak.server.shares import Party
from jejak.server.small_bodies import LEAST_BYTES, MOST_OF_AN_ADDRESS, SmallBodies

PATIENT: Party = ("", "192.0.2.1")
MANY: Party = ("", "192.0.2.2")


async def never() -> dict[str, Any]:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody wakes this")


def stalled(bodies: SmallBodies, party: Party) -> asyncio.Task[bytes]:
    """A body that is announced and does not come."""
    body = bodies.enter(party, 100)

    async def wait() -> bytes:
        try:
            return await bodies.receive(body, never, 100)
        finally:
            bodies.leave(body)

    return asyncio.create_task(wait())


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


async def ended(task: asyncio.Task[bytes]) -> None:
    with pytest.raises(TooSlowError):
        await task


def test_an_address_makes_room_for_itself() -> None:
    """Beyond its number the oldest body of that address is given up, and nobody else's."""

    async def scenario() -> None:
        bodies = SmallBodies()
        patient = stalled(bodies, PATIENT)
        tasks = [stalled(bodies, MANY)]
        await asyncio.sleep(0)
        for _ in range(MOST_OF_AN_ADDRESS):
            tasks.append(stalled(bodies, MANY))
            await asyncio.sleep(0)
        await ended(tasks[0])
        assert not any(task.done() for task in [patient, *tasks[1:]])
        for task in [patient, *tasks[1:]]:
            task.cancel()
        await asyncio.gather(patient, *tasks, return_exceptions=True)
        assert bodies.is_idle

    run(scenario)


def test_tenants_do_not_make_room_for_each_other() -> None:
    """A tenant that fills its share gives up its own oldest; what strangers send goes on coming."""

    async def scenario() -> None:
        bodies = SmallBodies(8 * LEAST_BYTES)
        patient = stalled(bodies, PATIENT)
        tasks = []
        for _ in range(12):
            tasks.append(stalled(bodies, ("bkn", "")))
            await asyncio.sleep(0)
        left = [task for task in tasks if not task.done()]
        assert left == tasks[-len(left) :]
        assert 0 < len(left) < 8
        assert not patient.done()
        for task in (patient, *left):
            task.cancel()
        assert {type(each) for each in await asyncio.gather(patient, *left, return_exceptions=True)} == {
            asyncio.CancelledError
        }
        assert bodies.is_idle

    run(scenario)


def test_who_stands_still_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while a body that does not come is given up, whether or not there is room."""
    monkeypatch.setattr(small_bodies, "STILL_SECONDS", 0.1)

    async def scenario() -> None:
        bodies = SmallBodies()
        await asyncio.gather(*(ended(stalled(bodies, party)) for party in (PATIENT, MANY, ("bkn", ""))))
        assert bodies.is_idle

    run(scenario)

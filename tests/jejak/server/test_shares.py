"""Slots that parties share, and the turns of the event loop."""

from __future__ import annotations

import asyncio
import threading

from hypothesis import given
from hypothesis import strategies as st

from jejak.server.loop_turns import AT_ONCE_SECONDS, LoopTurns
from jejak.server.shares import SHARE, Line, Party, Slots

A, B, C = ("a", ""), ("b", ""), ("c", "")


def taken(places: Slots, party: Party) -> int:
    """How many places a party gets one after the other."""
    count = 0
    while places.take_now(party):
        count += 1
    return count


def test_nobody_gets_all_places() -> None:
    """Alone a group gets three quarters; the next ones get their part of what is left."""
    places = Slots(32)
    assert taken(places, A) == 24
    assert taken(places, B) >= 4
    assert taken(places, C) >= 1
    places.give(A)
    assert not places.take_now(A)
    assert places.take_now(("d", ""))


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 60), st.booleans()), max_size=60))
def test_no_group_is_given_more_than_its_share(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever is taken and given back, what was free is enough and the sum never exceeds the number."""
    places = Slots(100)
    held: list[tuple[Party, int]] = []
    for group, amount, giving in steps:
        if giving and held:
            places.give(*held.pop(0))
            continue
        free = 100 - sum(each for _, each in held)
        mine = sum(each for party, each in held if party[0] == group)
        got = places.take_now((group, ""), amount)
        assert got == (amount <= free and mine + amount <= SHARE * free)
        if got:
            held.append(((group, ""), amount))
    for each in held:
        places.give(*each)
    assert places.is_idle


def test_who_waits_is_woken_in_turns() -> None:
    """Groups take turns, and within a group its members, however many of one party came first."""
    places = Slots(1)
    woken: list[str] = []
    assert places.take_now(A)
    for name, party in [("a1", A), ("a2", A), ("a3", A), ("b1", B), ("x1", ("", "1")), ("x2", ("", "1"))]:
        assert not places.take(party, lambda name=name: woken.append(name))  # type: ignore[misc]
    assert not places.take(("", "2"), lambda: woken.append("y1"))
    for party in (A, A, B, ("", "1"), A, ("", "2"), A, ("", "1")):
        places.give(party)
    assert woken == ["a1", "b1", "x1", "a2", "y1", "a3", "x2"]
    assert places.is_idle


def test_threads_wait_for_places() -> None:
    """Every thread gets its place at last, and never more than there are at once."""
    places = Slots(4)
    inside: list[int] = []
    most: list[int] = []

    def work(n: int) -> None:
        party = (f"{n % 3}", f"{n}")
        for _ in range(20):
            places.wait(party)
            inside.append(n)
            most.append(len(inside))
            inside.remove(n)
            places.give(party)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert places.is_idle
    assert max(most) <= 4


def test_a_line_is_empty_when_all_were_called() -> None:
    """Groups that may not go on now stay in line, behind nobody."""
    line: Line[str] = Line()
    line.add(A, "a")
    line.add(B, "b")
    assert line.pop(lambda group: group == "b") == ("b", "b")
    assert line.pop(lambda group: group == "b") is None
    assert (len(line), "a" in line, "b" in line) == (1, True, False)
    assert line.pop() == ("a", "a")
    assert line.pop() is None


def test_the_loop_lets_tenants_take_turns() -> None:
    """With more to do than a round of the loop takes, a single request of another tenant comes early."""
    done: list[str] = []
    now = 0.0

    async def main() -> None:
        turns = LoopTurns(asyncio.get_running_loop(), clock=lambda: now)

        async def work(party: Party) -> None:
            nonlocal now
            await turns.take(party)
            done.append(party[0])
            now += AT_ONCE_SECONDS / 4

        tasks = [asyncio.create_task(work(A)) for _ in range(40)]
        tasks.append(asyncio.create_task(work(B)))
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert len(done) == 41
    # Four are worked on at once, and of those who wait then one of each tenant in turn.
    assert done.index("b") == 5


def test_an_idle_loop_makes_nobody_wait() -> None:
    """What comes while little was done goes on at once."""

    async def main() -> list[bool]:
        turns = LoopTurns(asyncio.get_running_loop(), clock=lambda: 0.0)
        return [await turns.take(A) for _ in range(100)]

    assert not any(asyncio.run(main()))

"""Large bodies are worked on a few at a time: who waits, who is refused, and when memory goes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from lrs.http import parse_budget
from lrs.http.parse_budget import SHARE, WAITING, WAITING_SHARE, ParseBudget
from lrs.http.problems import RefusalError

SECONDS = 30


class Waiters:
    """Threads that want a part of a budget, in the order in which they got it."""

    def __init__(self, budget: ParseBudget) -> None:
        self.budget = budget
        self.got: list[str] = []
        self.threads: list[threading.Thread] = []

    def add(self, tenant: str, cost: int = SHARE) -> None:
        """One more that waits, by the time this returns."""
        before = self.budget._waiting.total()
        thread = threading.Thread(target=self._hold, args=(tenant, cost))
        thread.start()
        self.threads.append(thread)
        deadline = time.monotonic() + SECONDS
        while self.budget._waiting.total() == before:
            assert time.monotonic() < deadline, "it does not wait"
            time.sleep(0.001)

    def _hold(self, tenant: str, cost: int) -> None:
        with self.budget.held(tenant, cost):
            self.got.append(tenant)

    def end(self) -> None:
        for thread in self.threads:
            thread.join(SECONDS)
            assert not thread.is_alive()


def test_a_tenant_has_its_share_and_another_the_rest() -> None:
    """Two shares are worked on at once, of two tenants; a body that costs more counts as a share."""
    budget = ParseBudget()
    with budget.held("one", 10 * SHARE), budget.held("two", SHARE):
        assert budget._used == {"one": SHARE, "two": SHARE}
    assert not budget._used
    with budget.held("one", SHARE // 2), budget.held("one", SHARE // 2):
        assert budget._used == {"one": SHARE}


def test_who_has_its_share_waits_and_then_is_refused_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """429 for the tenant that sends too many, while another gets its part at once."""
    monkeypatch.setattr(parse_budget, "PATIENCE", 0.01)
    budget = ParseBudget()
    with budget.held("one", SHARE):
        with pytest.raises(RefusalError) as refused, budget.held("one", 1):
            pytest.fail("it holds more than its share")
        assert refused.value.status == 429
        assert ("Retry-After", "2") in refused.value.headers
        with budget.held("two", SHARE), pytest.raises(RefusalError) as full, budget.held("three", 1):
            pytest.fail("there is more than all")
        assert full.value.status == 503


def test_few_wait_and_others_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that waits holds a thread: so many of a tenant, so many of all; then the parts go round."""
    monkeypatch.setattr(parse_budget, "PATIENCE", 10.0 * SECONDS)
    budget = ParseBudget()
    waiters = Waiters(budget)
    with ExitStack() as held:
        held.enter_context(budget.held("one", SHARE))
        held.enter_context(budget.held("two", SHARE))
        for _ in range(WAITING_SHARE):
            waiters.add("one")
        with pytest.raises(RefusalError) as refused, budget.held("one", 1):
            pytest.fail("too many wait")
        assert refused.value.status == 429
        for number in range(WAITING - WAITING_SHARE):
            waiters.add(f"other {number}")
        with pytest.raises(RefusalError) as full, budget.held("another", 1):
            pytest.fail("too many wait")
        assert full.value.status == 503
    waiters.end()
    others = [f"other {number}" for number in range(WAITING - WAITING_SHARE)]
    assert sorted(waiters.got) == sorted(["one"] * WAITING_SHARE + others)
    assert not budget._used
    assert not budget._waiting


def test_memory_goes_back_once_nothing_large_is_worked_on() -> None:
    """After much was worked on, and not while some of it still is."""
    told: list[int] = []
    budget = ParseBudget(on_idle=lambda: told.append(1))
    with budget.held("one", SHARE):
        with budget.held("two", SHARE):
            pass
        assert not told
    assert told == [1]
    with budget.held("one", 1):
        pass
    assert told == [1]


def test_who_waits_has_no_turn_meanwhile() -> None:
    """Waiting happens inside what the server gives for that; nothing is left of who fails there."""
    budget = ParseBudget()
    seen: list[str] = []

    @contextmanager
    def elsewhere() -> Iterator[None]:
        seen.append("waits")
        holder.close()
        yield
        seen.append("works")
        if len(seen) > 2:
            raise ZeroDivisionError

    holder = ExitStack()
    holder.enter_context(budget.held("one", SHARE, elsewhere))
    assert not seen
    with budget.held("one", SHARE, elsewhere):
        assert seen == ["waits", "works"]
        holder = ExitStack()
    holder.enter_context(budget.held("one", SHARE))
    with pytest.raises(ZeroDivisionError), budget.held("one", SHARE, elsewhere):
        pytest.fail("it lost its turn for good")
    assert not budget._used


def test_what_fails_gives_its_part_back() -> None:
    """Whatever happens to a body, the next one finds the whole budget."""
    budget = ParseBudget()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), budget.held("one", SHARE):
            raise ZeroDivisionError
    assert not budget._used


def test_nobody_passes_those_who_wait() -> None:
    """A body that would fit waits behind a larger one that came first, in the order in which they came."""
    budget = ParseBudget()
    waiters = Waiters(budget)
    with ExitStack() as held:
        held.enter_context(budget.held("one", SHARE))
        held.enter_context(budget.held("two", SHARE // 2))
        waiters.add("large", SHARE)
        waiters.add("small", 1)
        waiters.add("small", SHARE // 2)
        assert not waiters.got
    waiters.end()
    assert sorted(waiters.got) == ["large", "small", "small"]
    assert not budget._line


def test_who_waits_for_itself_keeps_nobody_else_out() -> None:
    """A tenant whose own bodies are in its way does not stop another tenant; its own bodies stay in order."""
    budget = ParseBudget()
    waiters = Waiters(budget)
    with budget.held("one", SHARE - 1):
        waiters.add("one", SHARE)
        with budget.held("two", SHARE):
            assert not waiters.got
        waiters.add("one", 1)
        assert not waiters.got
    waiters.end()
    assert waiters.got == ["one", "one"]


def test_who_gives_up_waiting_leaves_the_way_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small body behind a large one gets its part when the large one is refused, not later."""
    budget = ParseBudget()
    waiters = Waiters(budget)
    large: list[int] = []

    def refused() -> None:
        with pytest.raises(RefusalError) as end, budget.held("large", SHARE):
            pytest.fail("there is no room")
        large.append(end.value.status)

    with budget.held("one", SHARE), budget.held("two", SHARE // 2):
        monkeypatch.setattr(parse_budget, "PATIENCE", 0.5)
        thread = threading.Thread(target=refused)
        thread.start()
        while not budget._line:
            time.sleep(0.001)
        monkeypatch.setattr(parse_budget, "PATIENCE", 10.0 * SECONDS)
        waiters.add("small", 1)
        waiters.end()
        thread.join(SECONDS)
    assert large == [503]
    assert waiters.got == ["small"]

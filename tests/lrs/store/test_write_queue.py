"""Whose write is next: shares of a group, bounds by number and by bytes, and what is too much."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from lrs.store import write_queue
from lrs.store.errors import QueueFullError, UnavailableError
from lrs.store.write_queue import GROUP_BYTES, MOST_WAITING, MOST_WAITING_BYTES, SHARED_BYTES, WriteQueue

LIMIT = 8
"""Writes of a group in these tests."""


@dataclass(eq=False)
class Write:
    """A write as the queue sees it."""

    tenant: str
    size: int = 1
    alone: bool = False
    name: int = 0


def queue_of(*jobs: Write) -> WriteQueue[Write]:
    queue: WriteQueue[Write] = WriteQueue(LIMIT)
    for job in jobs:
        queue.put(job)
    return queue


def tenants(jobs: list[Write]) -> str:
    return "".join(job.tenant for job in jobs)


def put_all(queue: WriteQueue[Write], jobs: list[Write]) -> None:
    for job in jobs:
        queue.put(job)


def test_one_tenant_alone_has_whole_groups_in_order() -> None:
    """Nobody else waits: groups are as large as they may be, first come first served."""
    jobs = [Write("a", name=number) for number in range(LIMIT + 3)]
    queue = queue_of(*jobs)
    assert queue.take() == jobs[:LIMIT]
    assert queue.take() == jobs[LIMIT:]
    assert queue.take() == []
    assert len(queue) == 0


def test_waiting_tenants_take_turns() -> None:
    """Who has queued many gets what others leave of a group; who queued one is in the first group."""
    queue = queue_of(*[Write("a") for _ in range(20)], Write("b"), *[Write("c") for _ in range(3)])
    assert tenants(queue.take()) == "abcacaca"[:LIMIT]
    assert tenants(queue.take()) == "a" * LIMIT


def test_the_next_group_begins_with_another_tenant() -> None:
    """With more tenants than a group has places, none is left out for ever."""
    names = "abcdefghijkl"
    queue = queue_of(*[Write(name) for name in names * 2])
    served = tenants(queue.take() + queue.take() + queue.take())
    assert sorted(served) == sorted(names * 2)


def test_a_group_is_bounded_by_bytes() -> None:
    """What does not fit goes later; a group that tenants share is smaller than one of a single tenant."""
    large = GROUP_BYTES // 2 + 1
    queue = queue_of(Write("a", large), Write("a", large), Write("a", large - 2))
    assert [tenants(queue.take()) for _ in range(3)] == ["a", "aa", ""]
    large = SHARED_BYTES // 2 + 1
    queue = queue_of(Write("a", large), Write("a", large), Write("b"), Write("b"))
    assert tenants(queue.take()) == "abb"
    assert tenants(queue.take()) == "a"


def test_a_write_larger_than_a_group_is_one_by_itself() -> None:
    """It is done when it is its tenant's turn to begin, while others have every second group."""
    huge = GROUP_BYTES * 3
    queue = queue_of(*[Write("a", huge) for _ in range(3)], *[Write("b") for _ in range(LIMIT + 1)])
    groups = [tenants(queue.take()) for _ in range(5)]
    assert groups == ["a", "b" * LIMIT, "a", "b", "a"]


def test_a_write_that_must_be_alone_shares_no_group() -> None:
    """Others go before it or after it, never with it."""
    queue = queue_of(Write("a"), Write("", alone=True), Write("a"))
    assert tenants(queue.take()) == "aa"
    assert [job.alone for job in queue.take()] == [True]


@pytest.mark.parametrize(
    ("count", "size"),
    [(MOST_WAITING, 1), (2, MOST_WAITING_BYTES // 2)],
    ids=["number", "bytes"],
)
def test_a_tenant_with_too_much_waiting_is_refused_alone(count: int, size: int) -> None:
    """Its next write is refused; another tenant's, and the program's own, are taken; later so is its."""
    queue = queue_of(*[Write("a", size) for _ in range(count)])
    with pytest.raises(QueueFullError):
        queue.put(Write("a", size))
    queue.put(Write("b", size))
    for _ in range(3):
        queue.put(Write("", size))
    while queue.take():
        pass
    queue.put(Write("a", size))


def test_a_single_write_may_be_larger_than_what_may_wait() -> None:
    """What nothing waits before is taken, whatever its size."""
    assert tenants(queue_of(Write("a", MOST_WAITING_BYTES + 1)).take()) == "a"


def test_a_removed_write_is_not_taken() -> None:
    """It leaves its place to others, and cannot be removed twice."""
    first, second = Write("a"), Write("a")
    queue = queue_of(first, second)
    assert queue.remove(first)
    assert not queue.remove(first)
    assert queue.take() == [second]
    assert not queue.remove(second)


def test_a_closed_queue_gives_out_what_it_has() -> None:
    """Nothing more is put in; what waits is taken, and then waiting ends."""
    queue = queue_of(Write("a"))
    queue.close()
    with pytest.raises(UnavailableError):
        queue.put(Write("a"))
    assert queue.wait()
    assert len(queue.take()) == 1
    assert not queue.wait()


def test_many_threads_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes of many threads are each taken once, by whichever thread waits."""
    monkeypatch.setattr(write_queue, "MOST_WAITING", 10_000)
    queue: WriteQueue[Write] = WriteQueue(LIMIT)
    taken: list[Write] = []

    def serve() -> None:
        while queue.wait():
            taken.extend(queue.take())

    servers = [threading.Thread(target=serve) for _ in range(2)]
    jobs = [[Write(tenant, name=number) for number in range(500)] for tenant in "abcd"]
    clients = [threading.Thread(target=put_all, args=(queue, some)) for some in jobs]
    for thread in (*servers, *clients):
        thread.start()
    for thread in clients:
        thread.join()
    queue.close()
    for thread in servers:
        thread.join()
    assert sorted((job.tenant, job.name) for job in taken) == sorted(
        (job.tenant, job.name) for some in jobs for job in some
    )

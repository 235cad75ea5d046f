"""The writing thread's time is shared out among tenants."""

from __future__ import annotations

from functools import partial

import pytest

from lrs.store import write_queue
from lrs.store.documents import DocumentQuery
from lrs.store.errors import QueueFullError, UnavailableError
from lrs.store.port import Writer
from lrs.store.write_queue import GROUP_BYTES
from lrs.store.writes import WriteHints
from tests.contract.make import adding, draft
from tests.contract.test_submit import Queueing, Told, note, queueing

__all__ = ["queueing"]

QUEUED = 600
"""Writes that one tenant has queued: several groups of every engine."""


class Order:
    """In which order the writes of some names were told of."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def told(self, name: str, done: Told) -> Told:
        """A `done` that notes its name as well."""
        order = self

        class Noting(Told):
            def __call__(self, result: object, error: BaseException | None) -> None:
                order.names.append(name)
                done(result, error)

        return Noting()


def put_note(name: str, writer: Writer) -> None:
    writer.put(note(name))


def test_a_write_does_not_wait_for_all_that_another_tenant_has_queued(queueing: Queueing) -> None:
    """Six hundred writes of one tenant wait; one that comes after them, of another, is in the next group."""
    order, ended = Order(), Told()
    with queueing.held():
        for _ in range(QUEUED):
            queueing.store.submit(adding([draft("k")]), order.told("busy", ended), WriteHints(tenant="busy"))
        queueing.store.submit(adding([draft("k")]), order.told("other", ended), WriteHints(tenant="other"))
    assert [error for _, error in ended.wait(QUEUED + 1)] == [None] * (QUEUED + 1)
    assert order.names.index("other") < 8


def test_a_write_waits_for_one_large_one_at_most(queueing: Queueing) -> None:
    """Large writes of one tenant are groups of their own, and another tenant's come between them."""
    order, ended = Order(), Told()
    with queueing.held():
        for _ in range(5):
            done = order.told("large", ended)
            queueing.store.submit(adding([draft("k")]), done, WriteHints(tenant="busy", size=GROUP_BYTES + 1))
        for _ in range(3):
            queueing.store.submit(
                adding([draft("k")]), order.told("small", ended), WriteHints(tenant="other")
            )
    assert [error for _, error in ended.wait(8)] == [None] * 8
    assert order.names == ["large", "small", "small", "small", "large", "large", "large", "large"]


def test_only_the_tenant_that_queues_too_much_is_refused(
    queueing: Queueing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal comes at once and says to try again (UnavailableError); nothing of the write is kept."""
    monkeypatch.setattr(write_queue, "MOST_WAITING", 3)
    ended, never = Told(), Told()
    with queueing.held():
        for place in range(3):
            queueing.store.submit(partial(put_note, str(place)), ended, WriteHints(tenant="busy"))
        with pytest.raises(QueueFullError) as refused:
            queueing.store.submit(
                lambda writer: writer.put(note("refused")), never, WriteHints(tenant="busy")
            )
        with pytest.raises(QueueFullError):
            queueing.store.writing(lambda writer: writer.put(note("refused")), WriteHints(tenant="busy"))
        queueing.store.submit(lambda writer: writer.put(note("other")), ended, WriteHints(tenant="other"))
        for place in range(5):
            queueing.store.submit(partial(put_note, f"own {place}"), ended)
    assert isinstance(refused.value, UnavailableError)
    assert [error for _, error in ended.wait(9)] == [None] * 9
    assert never.calls == []
    with queueing.store.reading() as reader:
        names = {each.name for each in reader.find_documents(DocumentQuery("note", "bkn", limit=20))}
    assert names == {"0", "1", "2", "other", *(f"own {place}" for place in range(5))}

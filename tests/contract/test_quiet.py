"""While the store works out a group of writes, others can let it finish first."""

from __future__ import annotations

import threading

import pytest

from lrs.store.documents import Document
from lrs.store.port import Store, Writer


def test_an_idle_store_is_quiet(store: Store) -> None:
    """There is nothing to wait for, and nothing is called, before and after a write."""
    called: list[int] = []
    assert not store.when_idle(lambda: called.append(1))
    store.writing(lambda writer: writer.put(Document("note", "bkn", "a", b"{}")))
    assert not store.when_idle(lambda: called.append(2))
    assert called == []


def test_the_end_of_the_work_is_told(store: Store) -> None:
    """Who asks while a work runs is called once, whether the work is done or fails."""
    over = threading.Event()
    called: list[int] = []

    def call() -> None:
        called.append(1)
        over.set()

    def work(writer: Writer) -> bool:
        writer.put(Document("note", "bkn", "a", b"{}"))
        return store.when_idle(call)

    def failing(writer: Writer) -> None:
        work(writer)
        raise LookupError

    assert store.writing(work)
    assert over.wait(5)
    over.clear()
    with pytest.raises(LookupError):
        store.writing(failing)
    assert over.wait(5)
    assert called == [1, 1]
